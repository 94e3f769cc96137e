package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"expansionbot/expansion"
	"expansionbot/store"
)

// stillOpen says in a sentence why a press on an ended routing changes nothing.
func stillOpen(rt expansion.Routing) error {
	switch {
	case rt.Open():
		return nil
	case rt.Disposition == expansion.OnPath:
		return expansion.Errorf(expansion.CodeConflict, "%s is %s already. Nothing changed.", rt.Label(), rt.Status)
	case rt.Disposition == expansion.Recalled: // its reason says "Recalled by Priya"
		by, _ := strings.CutPrefix(rt.LeftReason, "Recalled")
		return expansion.Errorf(expansion.CodeGone, "%s was recalled%s. Nothing changed.", rt.Label(), by)
	}
	return expansion.Errorf(expansion.CodeGone, "%s was %s: %s. Nothing changed.", rt.Label(), rt.Disposition, rt.LeftReason)
}

// changeRouting runs fn on an open routing. When fn returns nil the changed routing is
// kept, the line is logged and told under the cards, and every card is refreshed. A press
// whose job is worked again after its process died changes nothing a second time.
func (e *Engine) changeRouting(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, verb string, fn func(tx *store.Tx, c *change) error) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		c, err := e.load(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if again, err := tx.Repeats(ctx, c.signal.ID, verb); err != nil || again {
			return err
		}
		if err := stillOpen(c.rt); err != nil {
			return err
		}
		c.line = activity(expansion.Human, verb, c.signal)
		c.line.RoutingID, c.line.Person = c.rt.ID, by
		if err := fn(tx, c); err != nil {
			return err
		}
		if c.keep {
			if err := tx.UpdateRouting(ctx, &c.rt); err != nil {
				return err
			}
		}
		if err := e.tell(ctx, tx, c.signal, c.line); err != nil {
			return err
		}
		return e.refresh(ctx, tx, c.signal.ID)
	})
}

// change is a routing being changed, with what decides who may.
type change struct {
	rt     expansion.Routing
	signal expansion.Signal
	acct   expansion.Account
	by     expansion.Person
	line   expansion.Activity
	keep   bool // rt was changed in place and is to be kept
}

func (e *Engine) load(ctx context.Context, tx *store.Tx, by expansion.PersonID, id expansion.RoutingID) (*change, error) {
	var c change
	var err error
	if c.by, err = e.person(ctx, tx.Reader, by); err != nil {
		return nil, err
	}
	if c.rt, err = tx.Routing(ctx, id); err != nil {
		return nil, err
	}
	if c.signal, err = tx.Signal(ctx, c.rt.SignalID); err != nil {
		return nil, err
	}
	c.acct, err = tx.Account(ctx, c.rt.AccountID)
	return &c, err
}

// onlyRecipient: only the named rep may acknowledge, start, or say "not mine".
func (e *Engine) onlyRecipient(ctx context.Context, r store.Reader, c *change) error {
	if c.by.ID == c.rt.To {
		return nil
	}
	to, err := r.Person(ctx, c.rt.To)
	if err != nil {
		return err
	}
	return expansion.Errorf(expansion.CodeDenied, "Only %s can do that with %s. Ask them, or their manager.", to.Name, c.rt.Label())
}

// mayManage: the recipient's manager, whoever it escalated to, any sales manager, RevOps.
func (e *Engine) mayManage(c *change) error {
	if c.by.ID == c.rt.EscalatedTo || c.by.Role == expansion.RoleManager || e.IsAdmin(c.by) {
		return nil
	}
	return expansion.Errorf(expansion.CodeDenied, "Only a sales manager can do that with %s.", c.rt.Label())
}

// Acknowledge is the rep's "mine": one press ends the ladder. A second press, or one on
// an older version of the card, changes nothing and says who did it when.
func (e *Engine) Acknowledge(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error {
	return e.changeRouting(ctx, by, id, "acknowledged", func(tx *store.Tx, c *change) error {
		if c.rt.Status != expansion.Pending {
			to, err := tx.Person(ctx, c.rt.To)
			if err != nil {
				return err
			}
			return expansion.Errorf(expansion.CodeConflict, "Already acknowledged by %s at %s. Nothing changed.", to.FirstName(), c.rt.AcknowledgedAt.In(c.by.Location()).Format("15:04"))
		}
		if err := e.onlyRecipient(ctx, tx.Reader, c); err != nil {
			return err
		}
		return e.acknowledge(ctx, tx, c)
	})
}

func (e *Engine) acknowledge(ctx context.Context, tx *store.Tx, c *change) error {
	c.rt.Status, c.rt.AcknowledgedAt, c.keep = expansion.Acknowledged, &tx.Now, true
	c.line.Args = map[string]any{"after": int64(tx.Now.Sub(c.rt.RoutedAt).Seconds())}
	if err := tx.DropWaits(ctx, string(c.rt.ID)); err != nil {
		return err
	}
	err := e.wantOpportunity(ctx, tx, c.signal.ID, c.rt.OpportunityID)
	pause(atAcknowledge)
	return err
}

// Start marks an acknowledged routing as being worked.
func (e *Engine) Start(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error {
	return e.changeRouting(ctx, by, id, "started", func(tx *store.Tx, c *change) error {
		if err := e.onlyRecipient(ctx, tx.Reader, c); err != nil {
			return err
		}
		if c.rt.Status == expansion.InProgress {
			return expansion.Errorf(expansion.CodeConflict, "%s is in progress already. Nothing changed.", c.rt.Label())
		}
		if c.rt.Status == expansion.Pending {
			if err := e.acknowledge(ctx, tx, c); err != nil {
				return err
			}
		}
		c.rt.Status, c.keep = expansion.InProgress, true
		return nil
	})
}

// NotMine hands a routing on at once: to the person named, else as route.PassOn says. The
// 48 h mark keeps its first start but leaves the next person the policy's working time.
// With nobody to take it the signal waits for a recipient (storyboard 7.7, 7.2).
func (e *Engine) NotMine(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, in NotMineInput) error {
	if strings.TrimSpace(in.Reason) == "" {
		return expansion.FieldErrorf("reason", "Choose why it is not yours.")
	}
	return e.changeRouting(ctx, by, id, "not_mine", func(tx *store.Tx, c *change) error {
		if err := e.onlyRecipient(ctx, tx.Reader, c); err != nil {
			return err
		}
		if in.To == by {
			return expansion.FieldErrorf("recipient", "You have it already. Choose somebody else, or nobody for the next in line.")
		}
		if in.To != "" {
			if err := saidNotMine(ctx, tx.Reader, c.signal.ID, in.To, "or nobody for the next in line"); err != nil {
				return err
			}
		}
		words := strings.ReplaceAll(in.Reason, "_", " ")
		c.line.Args = map[string]any{"reason": in.Reason, "to": in.To}
		next, err := e.reroute(ctx, tx, reroute{
			old: c.rt, left: expansion.Rerouted, reason: fmt.Sprintf("%s says it isn't theirs (%s)", c.by.FirstName(), words), by: by, to: in.To,
			why: "passed on by " + c.by.FirstName() + ": " + words, bounce: true,
		})
		c.line.Args["next"] = next.To
		return err
	})
}

// saidNotMine refuses a recipient chosen by hand who handed this signal back before. or
// says what may be done besides choosing somebody else.
func saidNotMine(ctx context.Context, r store.Reader, id expansion.SignalID, to expansion.PersonID, or string) error {
	as, err := r.Activities(ctx, id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(as, func(a expansion.Activity) bool { return a.Verb == "not_mine" && a.Person == to }) {
		return nil
	}
	p, err := r.Person(ctx, to)
	if err != nil {
		return err
	}
	return expansion.FieldErrorf("recipient", "%s said already that it isn't theirs. Choose somebody else, %s.", p.Name, or)
}

// NotReal is the rep's "this isn't expansion". The CSM may disagree for a day; without
// an answer the rep's word stands (storyboard 7.8).
func (e *Engine) NotReal(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, reason, line string) error {
	if strings.TrimSpace(reason) == "" {
		return expansion.FieldErrorf("reason", "Choose why it is not real.")
	}
	return e.changeRouting(ctx, by, id, "not_real", func(tx *store.Tx, c *change) error {
		if err := e.onlyRecipient(ctx, tx.Reader, c); err != nil {
			return err
		}
		asked, err := notRealAsked(ctx, tx.Reader, id)
		if err != nil {
			return err
		}
		if asked {
			return expansion.Errorf(expansion.CodeConflict, "You said so of %s already; its CSM has a day to answer. Nothing changed.", c.rt.Label())
		}
		feedback := strings.TrimSpace(reason + ": " + line)
		c.rt.SalesFeedback, c.keep = &feedback, true
		c.line.Args = map[string]any{"reason": reason}
		if err := tx.DropWaits(ctx, string(c.rt.ID)); err != nil {
			return err
		}
		csm := csmOf(c.signal, c.acct)
		if csm == "" || csm == by {
			return e.reject(ctx, tx, c, "agreed")
		}
		p, err := e.policyOf(ctx, tx.Reader, c.rt)
		if err != nil {
			return err
		}
		if err := e.mark(ctx, tx, c.rt, waitNotReal, tx.Now.Add(p.Timing().NotRealAnswer)); err != nil {
			return err
		}
		return e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardQuestion), Subject: string(c.rt.ID), Person: csm, SignalID: c.signal.ID, RoutingID: c.rt.ID})
	})
}

// notRealAsked reports whether a rep's "not real" waits for the CSM's answer.
func notRealAsked(ctx context.Context, r store.Reader, id expansion.RoutingID) (bool, error) {
	ws, err := r.OpenWaitsOf(ctx, string(id))
	return slices.ContainsFunc(ws, func(w store.Wait) bool { return w.Kind == waitNotReal }), err
}

// reject ends a routing as not real: the opportunity is closed as lost in the CRM.
func (e *Engine) reject(ctx context.Context, tx *store.Tx, c *change, how string) error {
	c.rt.Disposition, c.rt.ClosedAt, c.keep = expansion.Rejected, &tx.Now, true
	c.rt.LeftReason = "not real"
	if c.rt.SalesFeedback != nil {
		c.rt.LeftReason = "not real (" + *c.rt.SalesFeedback + ")"
	}
	if err := tx.DropWaits(ctx, string(c.rt.ID)); err != nil {
		return err
	}
	if err := tx.LiftHold(ctx, c.rt.ID); err != nil {
		return err
	}
	c.signal.Status, c.signal.DismissReason = expansion.Dismissed, "not_real_"+how
	if err := tx.UpdateSignal(ctx, &c.signal); err != nil {
		return err
	}
	return e.disqualify(ctx, tx, c.rt.OpportunityID, c.by.ID)
}

// disqualify ends the opportunity of a signal that is not real.
func (e *Engine) disqualify(ctx context.Context, tx *store.Tx, id expansion.OpportunityID, by expansion.PersonID) error {
	o, err := tx.Opportunity(ctx, id)
	if err != nil {
		return err
	}
	o.Outcome = &expansion.Outcome{Reason: "disqualified", SignalRight: "no", From: "slack", By: by, At: tx.Now}
	if err := tx.UpdateOpportunity(ctx, &o); err != nil {
		return err
	}
	return e.wantOpportunity(ctx, tx, o.SignalID, o.ID)
}

// AnswerNotReal is the CSM's answer to a rep's "not real". Disagreeing brings in the
// rep's manager.
func (e *Engine) AnswerNotReal(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, agree bool, why string) error {
	verb := "not_real_agreed"
	if !agree {
		verb = "not_real_disagreed"
		if strings.TrimSpace(why) == "" {
			return expansion.FieldErrorf("why", "Say in one line why you disagree.")
		}
	}
	return e.changeRouting(ctx, by, id, verb, func(tx *store.Tx, c *change) error {
		if err := e.mayRoute(ctx, tx.Reader, by, c.signal, c.acct); err != nil {
			return err
		}
		asked, err := notRealAsked(ctx, tx.Reader, id)
		if err != nil {
			return err
		}
		if !asked {
			return expansion.Errorf(expansion.CodeConflict, "Nobody waits for an answer about %s any more. Nothing changed.", c.rt.Label())
		}
		if agree {
			return e.reject(ctx, tx, c, "agreed")
		}
		c.line.Args = map[string]any{"why": why}
		if err := tx.DropWaits(ctx, string(c.rt.ID), waitNotReal); err != nil {
			return err
		}
		return e.escalate(ctx, tx, c, "disagreement")
	})
}
