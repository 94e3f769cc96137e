package engine

import (
	"context"
	"fmt"
	"slices"
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
		if to.Before(dateOnly(tx.Now.In(p.Location()))) {
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
		was, err := leaveOf(ctx, tx.Reader, by, tx.Now)
		if err != nil {
			return err
		}
		today := dateOnly(tx.Now.In(p.Location()))
		listed, err := e.listed(ctx, tx, by)
		if err != nil {
			return err
		}
		if !listed && was != nil && was.From.Before(from) && !was.To.Before(from.AddDate(0, 0, -1)) && !from.After(today) {
			from = was.From // the leave they are on goes on: one list for all of it
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

// ClearAway ends the person's own leave. Who comes back early gets the list of what went
// to covers at once.
func (e *Engine) ClearAway(ctx context.Context, by expansion.PersonID) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		p, err := e.person(ctx, tx.Reader, by)
		if err != nil {
			return err
		}
		leave, err := leaveOf(ctx, tx.Reader, by, tx.Now)
		if err != nil {
			return err
		}
		yesterday := dateOnly(tx.Now.In(p.Location())).AddDate(0, 0, -1)
		early := leave != nil && !leave.From.After(yesterday) && leave.To.After(yesterday)
		if early {
			leave.To = yesterday
		} else {
			leave = nil
		}
		if err := tx.PutAway(ctx, by, leave); err != nil {
			return err
		}
		if err := tx.DropWaits(ctx, string(by), waitReturn); err != nil {
			return err
		}
		if early {
			if err := e.wait(ctx, tx, string(by), waitReturn, tx.Now); err != nil {
				return err
			}
		}
		_, err = tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "away_cleared", Person: by})
		return err
	})
}

func dateOnly(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// listed reports whether nobody waits to be told what went to covers: the person's last
// leave is over.
func (e *Engine) listed(ctx context.Context, tx *store.Tx, id expansion.PersonID) (bool, error) {
	ws, err := tx.OpenWaitsOf(ctx, string(id))
	return !slices.ContainsFunc(ws, func(w store.Wait) bool { return w.Kind == waitReturn }), err
}

// leaveOf is the person's leave that is not over for longer than a day at now; nil for none.
func leaveOf(ctx context.Context, r store.Reader, id expansion.PersonID, now time.Time) (*expansion.Away, error) {
	as, err := r.Aways(ctx, now)
	if err != nil {
		return nil, err
	}
	for _, a := range as {
		if a.Person == id {
			return &a, nil
		}
	}
	return nil, nil
}

// whileAway sends one list of what went to covers during a leave, if anything did
// (storyboard 7.3).
func (e *Engine) whileAway(ctx context.Context, w store.Wait) error {
	id := expansion.PersonID(w.Subject)
	p, err := e.store.Person(ctx, id)
	if err != nil {
		return err
	}
	leave, err := leaveOf(ctx, e.store.Reader, id, w.DueAt)
	if err != nil {
		return err
	}
	l := &expansion.List{Kind: expansion.ListWhileAway, Day: w.DueAt.In(p.Location())}
	if leave != nil {
		if err := e.coveredCases(ctx, p, leave.From, l); err != nil {
			return err
		}
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first || len(l.Cases) == 0 {
			return err
		}
		// The list is drawn up when it is sent, which may be after the next leave was set.
		subject := fmt.Sprintf("%s %s %s", expansion.ListWhileAway, l.Day.Format(time.DateOnly), leave.From.Format(time.DateOnly))
		return e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardList), Subject: subject, Person: id})
	})
}

// coveredCases fills l with what covers took for p from a day on until l's day.
func (e *Engine) coveredCases(ctx context.Context, p expansion.Person, from time.Time, l *expansion.List) error {
	at := func(d time.Time, days int) time.Time {
		return time.Date(d.Year(), d.Month(), d.Day()+days, 0, 0, 0, 0, p.Location())
	}
	rts, err := e.store.RoutingsSince(ctx, at(from, 0))
	if err != nil {
		return err
	}
	for _, rt := range rts {
		if rt.Covering != p.ID || rt.Disposition != expansion.OnPath || !rt.RoutedAt.Before(at(l.Day, 1)) {
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
