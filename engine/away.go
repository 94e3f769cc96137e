package engine

import (
	"context"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// SetAway keeps a leave of whole days in the person's own zone, both ends included,
// replacing an earlier one. What is routed already stays where it is.
func (e *Engine) SetAway(ctx context.Context, by expansion.PersonID, from, to time.Time, cover expansion.PersonID) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		p, err := e.person(ctx, tx.Reader, by)
		if err != nil {
			return err
		}
		from, to = dateOnly(from), dateOnly(to)
		if to.Before(from) {
			return expansion.FieldErrorf("to", "The last day is before the first.")
		}
		if today := dateOnly(tx.Now.In(p.Location())); to.Before(today) {
			return expansion.FieldErrorf("to", "Those days are over already.")
		}
		if cover != "" {
			c, err := tx.Person(ctx, cover)
			switch {
			case err != nil:
				return expansion.FieldErrorf("cover", "I don't know who should cover. Name somebody from the people list.")
			case c.ID == by:
				return expansion.FieldErrorf("cover", "You cannot cover for yourself.")
			case !c.Active:
				return expansion.FieldErrorf("cover", "%s has left. Name somebody else as cover.", c.Name)
			}
		}
		if err := tx.PutAway(ctx, by, &expansion.Away{Person: by, From: from, To: to, Cover: cover, Source: "own"}); err != nil {
			return err
		}
		if err := tx.DropWaits(ctx, string(by), waitReturn); err != nil {
			return err
		}
		// 09:00 of the first day back, in their own zone.
		back := time.Date(to.Year(), to.Month(), to.Day()+1, 9, 0, 0, 0, p.Location())
		if err := e.wait(ctx, tx, string(by), waitReturn, back); err != nil {
			return err
		}
		_, err = tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "away_set", Person: by, Args: map[string]any{"from": from.Format(time.DateOnly), "to": to.Format(time.DateOnly), "cover": cover}})
		return err
	})
}

// ClearAway ends the person's own leave.
func (e *Engine) ClearAway(ctx context.Context, by expansion.PersonID) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := e.person(ctx, tx.Reader, by); err != nil {
			return err
		}
		if err := tx.PutAway(ctx, by, nil); err != nil {
			return err
		}
		if err := tx.DropWaits(ctx, string(by), waitReturn); err != nil {
			return err
		}
		_, err := tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "away_cleared", Person: by})
		return err
	})
}

func dateOnly(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// whileAway sends one list of what went to covers, if anything did (storyboard 7.3).
func (e *Engine) whileAway(ctx context.Context, w store.Wait) error {
	id := expansion.PersonID(w.Subject)
	p, err := e.store.Person(ctx, id)
	if err != nil {
		return err
	}
	l := &expansion.List{Kind: expansion.ListWhileAway, Day: w.DueAt.In(p.Location())}
	if err := e.coveredCases(ctx, p, l); err != nil {
		return err
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first || len(l.Cases) == 0 {
			return err
		}
		return e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardList), Subject: string(expansion.ListWhileAway) + " " + l.Day.Format(time.DateOnly), Person: id})
	})
}

// coveredCases fills l with what covers took for p in the 60 days before l's day.
func (e *Engine) coveredCases(ctx context.Context, p expansion.Person, l *expansion.List) error {
	rts, err := e.store.RoutingsSince(ctx, l.Day.AddDate(0, 0, -60))
	if err != nil {
		return err
	}
	for _, rt := range rts {
		if rt.Covering != p.ID || rt.Disposition != expansion.OnPath {
			continue
		}
		c, err := e.caseOf(ctx, p, rt.SignalID, rt.ID)
		if err != nil {
			return err
		}
		l.Cases = append(l.Cases, c)
	}
	return nil
}
