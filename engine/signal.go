package engine

import (
	"context"
	"strings"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// changeSignal runs fn on a signal by may change: its CSM, a manager, RevOps. When fn
// returns true the changed signal is kept, its promises are dropped, the line is logged
// and every card of it is refreshed.
func (e *Engine) changeSignal(ctx context.Context, by expansion.PersonID, id expansion.SignalID, verb string, fn func(tx *store.Tx, s *expansion.Signal, a expansion.Account, line *expansion.Activity) error) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error { return e.changeSignalIn(ctx, tx, by, id, verb, fn) })
}

// changeSignalIn is changeSignal inside a transaction.
func (e *Engine) changeSignalIn(ctx context.Context, tx *store.Tx, by expansion.PersonID, id expansion.SignalID, verb string, fn func(tx *store.Tx, s *expansion.Signal, a expansion.Account, line *expansion.Activity) error) error {
	s, err := tx.Signal(ctx, id)
	if err != nil {
		return err
	}
	acct, err := tx.Account(ctx, s.AccountID)
	if err != nil {
		return err
	}
	if err := e.mayRoute(ctx, tx.Reader, by, s, acct); err != nil {
		return err
	}
	if err := routable(ctx, tx.Reader, s); err != nil {
		return err
	}
	if err := tx.DropWaits(ctx, string(s.ID)); err != nil {
		return err
	}
	line := activity(expansion.Human, verb, s)
	line.Person = by
	if err := fn(tx, &s, acct, &line); err != nil {
		return err
	}
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return err
	}
	if _, err := tx.Log(ctx, line); err != nil {
		return err
	}
	return e.refresh(ctx, tx, s.ID)
}

// Hold keeps a signal from routing by itself until somebody routes or dismisses it.
func (e *Engine) Hold(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64) error {
	return e.changeSignal(ctx, by, id, "held", func(tx *store.Tx, s *expansion.Signal, _ expansion.Account, _ *expansion.Activity) error {
		s.Status, s.Waiting, s.WaitUntil = expansion.Confirmed, expansion.WaitHeld, nil
		return nil
	})
}

// Confirm is the CSM's "Yes, route it": the signal goes to the seller the policy names, in
// the same transaction, so that no confirmed signal is left without a promise. When nobody
// is eligible it waits for a recipient, and the error has CodeNoRecipient.
func (e *Engine) Confirm(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64) error {
	_, err := e.routeAfter(ctx, by, id, RouteInput{}, func(tx *store.Tx) error {
		return e.changeSignalIn(ctx, tx, by, id, "confirmed", func(_ *store.Tx, s *expansion.Signal, _ expansion.Account, _ *expansion.Activity) error {
			s.Status, s.Waiting, s.WaitUntil = expansion.Confirmed, expansion.WaitReview, nil
			return nil
		})
	})
	return err
}

// Later is the CSM's "Real, not now". choice is 2w, 1m or renewal.
func (e *Engine) Later(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64, choice string) error {
	return e.changeSignal(ctx, by, id, "later", func(tx *store.Tx, s *expansion.Signal, a expansion.Account, line *expansion.Activity) error {
		var until time.Time
		switch choice {
		case "2w":
			until = tx.Now.AddDate(0, 0, 14)
		case "1m":
			until = tx.Now.AddDate(0, 1, 0)
		case "renewal":
			if a.ContractEnd == nil {
				return expansion.FieldErrorf("later", "The contract's end is not known. Choose 2 weeks or 1 month.")
			}
			// Six weeks ahead, so that there is time to talk before the renewal.
			if until = a.ContractEnd.AddDate(0, 0, -42); !until.After(tx.Now) {
				return expansion.FieldErrorf("later", "The renewal is less than six weeks away. Choose 2 weeks, or route it now.")
			}
		default:
			return expansion.FieldErrorf("later", "Choose 2 weeks, 1 month or renewal.")
		}
		s.Status, s.Waiting, s.WaitUntil = expansion.Detected, expansion.WaitUntil, &until
		line.Args = map[string]any{"until": until}
		return e.wait(ctx, tx, string(s.ID), waitLater, until)
	})
}

// Dismiss ends a signal that is not real. reason is one of the storyboard's list.
func (e *Engine) Dismiss(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return expansion.FieldErrorf("reason", "Choose why it is not real.")
	}
	return e.changeSignal(ctx, by, id, "dismissed", func(tx *store.Tx, s *expansion.Signal, _ expansion.Account, line *expansion.Activity) error {
		s.Status, s.Waiting, s.WaitUntil, s.DismissReason = expansion.Dismissed, expansion.WaitNone, nil, reason
		line.Args = map[string]any{"reason": reason}
		if s.OpportunityID != "" { // of a routing that was handed back, with nobody else to take it
			return e.disqualify(ctx, tx, s.OpportunityID, by)
		}
		return nil
	})
}
