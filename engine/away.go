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
// replacing the one that was to come. One that they are on, or back from without its list,
// goes on if the new one touches it, else it stays as it is. What is routed already stays
// where it is.
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
		ls, err := leavesOf(ctx, tx.Reader, p, tx.Now)
		if err != nil {
			return err
		}
		var leaves []expansion.Away
		for _, l := range ls {
			switch {
			case l.planned || l.listed:
			case l.To.Before(from.AddDate(0, 0, -1)):
				leaves = append(leaves, l.Away)
			case l.From.Before(from):
				from = l.From // one list for all of it
			}
		}
		leaves = append(leaves, expansion.Away{Person: by, From: from, To: to, Cover: cover, Source: "own"})
		if err := e.putLeaves(ctx, tx, p, leaves); err != nil {
			return err
		}
		_, err = tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "away_set", Person: by, Args: map[string]any{"from": from.Format(time.DateOnly), "to": to.Format(time.DateOnly), "cover": cover}})
		return err
	})
}

// ClearAway ends the leave the person is on, else drops the one to come. Who comes back
// gets the list of what went to covers at once.
func (e *Engine) ClearAway(ctx context.Context, by expansion.PersonID) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		p, err := e.person(ctx, tx.Reader, by)
		if err != nil {
			return err
		}
		ls, err := leavesOf(ctx, tx.Reader, p, tx.Now)
		if err != nil {
			return err
		}
		today := dateOnly(tx.Now.In(p.Location()))
		away := slices.ContainsFunc(ls, func(l leave) bool { return !l.planned && !l.To.Before(today) })
		var leaves []expansion.Away
		for _, l := range ls {
			if !l.planned && !l.listed {
				l.To = today.AddDate(0, 0, -1)
				leaves = append(leaves, l.Away)
			} else if l.planned && away {
				leaves = append(leaves, l.Away)
			}
		}
		if err := e.putLeaves(ctx, tx, p, leaves); err != nil {
			return err
		}
		_, err = tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "away_cleared", Person: by})
		return err
	})
}

func dateOnly(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// leave is one of a person's leaves as it stands.
type leave struct {
	expansion.Away
	planned bool // it has not begun
	listed  bool // nobody waits to be told what went to covers
}

// leavesOf is the person's leaves that are not over for longer than a day at now, first
// begun first.
func leavesOf(ctx context.Context, r store.Reader, p expansion.Person, now time.Time) ([]leave, error) {
	as, err := r.Aways(ctx, now)
	if err != nil {
		return nil, err
	}
	ws, err := r.OpenWaitsOf(ctx, string(p.ID))
	if err != nil {
		return nil, err
	}
	var ls []leave
	for _, a := range as {
		if a.Person != p.ID {
			continue
		}
		waits := slices.ContainsFunc(ws, func(w store.Wait) bool {
			return w.Kind == waitReturn && !dateOnly(w.DueAt.In(p.Location())).After(a.To.AddDate(0, 0, 1))
		})
		ls = append(ls, leave{Away: a, planned: a.From.After(dateOnly(now.In(p.Location()))), listed: !waits})
	}
	return ls, nil
}

// putLeaves replaces the person's leaves, each with its promise of a list: at 09:00 of the
// first day back, in their own zone, or at once where the day has come already.
func (e *Engine) putLeaves(ctx context.Context, tx *store.Tx, p expansion.Person, leaves []expansion.Away) error {
	if err := tx.PutAways(ctx, p.ID, leaves...); err != nil {
		return err
	}
	if err := tx.DropWaits(ctx, string(p.ID), waitReturn); err != nil {
		return err
	}
	today := dateOnly(tx.Now.In(p.Location()))
	for _, a := range leaves {
		back := time.Date(a.To.Year(), a.To.Month(), a.To.Day()+1, 9, 0, 0, 0, p.Location())
		if a.To.Before(today) {
			back = tx.Now // they are here and asked
		}
		if err := e.wait(ctx, tx, string(p.ID), waitReturn, back); err != nil {
			return err
		}
	}
	return nil
}

// whileAway sends one list of what went to covers during a leave, if anything did
// (storyboard 7.3).
func (e *Engine) whileAway(ctx context.Context, w store.Wait) error {
	id := expansion.PersonID(w.Subject)
	p, err := e.store.Person(ctx, id)
	if err != nil {
		return err
	}
	ls, err := leavesOf(ctx, e.store.Reader, p, w.DueAt)
	if err != nil {
		return err
	}
	l := &expansion.List{Kind: expansion.ListWhileAway, Day: w.DueAt.In(p.Location())}
	var over expansion.Away // the last leave that is
	for _, x := range ls {
		if x.To.Before(dateOnly(l.Day)) {
			over = x.Away
		}
	}
	if over.Person == id {
		if err := e.coveredCases(ctx, p, over.From, l); err != nil {
			return err
		}
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first || len(l.Cases) == 0 {
			return err
		}
		// The list is drawn up when it is sent, which may be after the next leave was set.
		subject := fmt.Sprintf("%s %s %s", expansion.ListWhileAway, l.Day.Format(time.DateOnly), over.From.Format(time.DateOnly))
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
