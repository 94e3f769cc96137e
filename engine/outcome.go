package engine

import (
	"context"
	"strings"

	"expansionbot/expansion"
	"expansionbot/store"
)

// RecordOutcome closes a routing as won or lost by hand. The recipient, their manager
// and RevOps may.
func (e *Engine) RecordOutcome(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, out expansion.Outcome) error {
	if !out.Won && strings.TrimSpace(out.Reason) == "" {
		return expansion.FieldErrorf("reason", "Choose the main reason it was lost.")
	}
	if out.Rating != nil && (*out.Rating < 1 || *out.Rating > 5) {
		return expansion.FieldErrorf("rating", "The rating is 1 to 5.")
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		c, err := e.load(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := e.stillOpen(ctx, tx.Reader, c.rt); err != nil {
			return err
		}
		if e.mayManage(c) != nil {
			if err := e.onlyRecipient(ctx, tx.Reader, c); err != nil {
				return err
			}
		}
		o, err := tx.Opportunity(ctx, c.rt.OpportunityID)
		if err != nil {
			return err
		}
		if out.From == "" {
			out.From = "slack"
		}
		out.By = by
		if out.Won && out.ARRChange == nil {
			out.ARRChange = o.Amount
		}
		if err := e.close(ctx, tx, &o, c.rt, out); err != nil {
			return err
		}
		return e.wantOpportunity(ctx, tx, c.signal.ID, o.ID)
	})
}

// close is the end of a routing, whoever says so: opportunity, routing and signal carry
// the outcome, the ladder and the hold are over, both cards and the report show it.
func (e *Engine) close(ctx context.Context, tx *store.Tx, o *expansion.Opportunity, rt expansion.Routing, out expansion.Outcome) error {
	out.At = tx.Now
	o.Outcome = &out
	if out.Won && out.ARRChange != nil {
		o.Amount = out.ARRChange
	}
	if err := tx.UpdateOpportunity(ctx, o); err != nil {
		return err
	}
	to := expansion.Lost
	if out.Won {
		to = expansion.Won
	}
	if !rt.Status.CanMove(to) {
		return nil
	}
	if rt.AcknowledgedAt == nil {
		rt.AcknowledgedAt = &tx.Now // closing it is an answer
	}
	rt.Status, rt.ClosedAt, rt.OutcomeARR = to, &tx.Now, out.ARRChange
	if !out.Won {
		rt.OutcomeARR = nil
	}
	if out.Feedback != "" {
		rt.SalesFeedback = &out.Feedback
	}
	if err := tx.UpdateRouting(ctx, &rt); err != nil {
		return err
	}
	if err := tx.DropWaits(ctx, string(rt.ID)); err != nil {
		return err
	}
	if err := tx.LiftHold(ctx, rt.ID); err != nil {
		return err
	}
	s, err := tx.Signal(ctx, rt.SignalID)
	if err != nil {
		return err
	}
	s.Status = expansion.Closed
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return err
	}
	a := activity(expansion.Communicator, string(to), s)
	a.RoutingID, a.Args = rt.ID, map[string]any{"from": out.From}
	if out.By != "" {
		a.Agent, a.Person = expansion.Human, out.By
	}
	if err := e.tell(ctx, tx, s, a); err != nil {
		return err
	}
	pause(atOutcome)
	return e.refresh(ctx, tx, s.ID)
}
