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
		if err := stillOpen(c.rt); err != nil {
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
	to := ended(out.Won)
	s, err := tx.Signal(ctx, rt.SignalID)
	if err != nil {
		return err
	}
	switch {
	case rt.Disposition == expansion.Rerouted && s.Status != expansion.Dismissed:
		// It was handed back and nobody has it: it counts where it was last.
		if err := tx.DropWaits(ctx, string(s.ID)); err != nil {
			return err
		}
		if err := e.end(ctx, tx, rt, to, out); err != nil {
			return err
		}
	case rt.Disposition != expansion.OnPath || !rt.Status.CanMove(to):
		return nil
	default:
		if err := e.end(ctx, tx, rt, to, out); err != nil {
			return err
		}
	}
	s.Status, s.Waiting, s.WaitUntil = expansion.Closed, expansion.WaitNone, nil
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

// end ends a routing, with its ladder and its hold.
func (e *Engine) end(ctx context.Context, tx *store.Tx, rt expansion.Routing, to expansion.RoutingStatus, out expansion.Outcome) error {
	if rt.AcknowledgedAt == nil && rt.Disposition == expansion.OnPath {
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
	return tx.LiftHold(ctx, rt.ID)
}

// inCRM is the outcome of an opportunity that was closed in the CRM. What an attached one
// brought is not known: its amount is not only the expansion's.
func inCRM(o expansion.Opportunity, won bool) expansion.Outcome {
	out := expansion.Outcome{Won: won, Reason: "closed in the CRM", From: "crm"}
	if won && !o.Attached {
		out.ARRChange = o.Amount
	}
	return out
}

// correct follows the CRM, which wins for stage and amount (storyboard 7.14), when it says
// otherwise of an end that is recorded: lost and not won, or another amount. What people
// said of it beside that stays. It is no move of the routing's status but another account
// of where it ended.
func (e *Engine) correct(ctx context.Context, tx *store.Tx, o *expansion.Opportunity, rt expansion.Routing, won bool) error {
	was := *o.Outcome
	out := inCRM(*o, won)
	out.Competitor, out.Feedback, out.Rating, out.SignalRight, out.At = was.Competitor, was.Feedback, was.Rating, was.SignalRight, tx.Now
	if was.Won == won { // only the amount is another
		out.Reason, out.From, out.By, out.At = was.Reason, was.From, was.By, was.At
	}
	o.Outcome = &out
	if err := tx.UpdateOpportunity(ctx, o); err != nil {
		return err
	}
	rt.OutcomeARR = out.ARRChange
	if was.Won != won {
		rt.Status, rt.ClosedAt = ended(won), &tx.Now
	}
	if err := tx.UpdateRouting(ctx, &rt); err != nil {
		return err
	}
	if was.Won == won {
		return e.refresh(ctx, tx, rt.SignalID)
	}
	s, err := tx.Signal(ctx, rt.SignalID)
	if err != nil {
		return err
	}
	a := activity(expansion.Communicator, "outcome_corrected", s)
	a.RoutingID, a.Args = rt.ID, map[string]any{"to": rt.Status}
	if err := e.tell(ctx, tx, s, a); err != nil {
		return err
	}
	return e.refresh(ctx, tx, s.ID)
}

// reopen follows the CRM when an opportunity that had ended is in an open stage again.
func (e *Engine) reopen(ctx context.Context, tx *store.Tx, o *expansion.Opportunity, rt expansion.Routing) error {
	o.Outcome = nil
	if err := tx.UpdateOpportunity(ctx, o); err != nil {
		return err
	}
	rt.Status, rt.ClosedAt, rt.OutcomeARR = expansion.InProgress, nil, nil
	if err := tx.UpdateRouting(ctx, &rt); err != nil {
		return err
	}
	s, err := tx.Signal(ctx, rt.SignalID)
	if err != nil {
		return err
	}
	s.Status = expansion.Routed
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return err
	}
	a := activity(expansion.Communicator, "reopened", s)
	a.RoutingID = rt.ID
	if err := e.tell(ctx, tx, s, a); err != nil {
		return err
	}
	if rt.Disposition == expansion.Rerouted { // it was handed back, and nobody has it
		people, err := tx.People(ctx)
		if err != nil {
			return err
		}
		return e.waitForRecipient(ctx, tx, s, people, rt.Decision)
	}
	return e.refresh(ctx, tx, s.ID)
}

func ended(won bool) expansion.RoutingStatus {
	if won {
		return expansion.Won
	}
	return expansion.Lost
}
