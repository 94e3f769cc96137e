package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// routingMark acts on a mark of a routing's ladder.
func (e *Engine) routingMark(ctx context.Context, w store.Wait, late time.Duration) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first {
			return err
		}
		rt, err := tx.Routing(ctx, expansion.RoutingID(w.Subject))
		if err != nil || !rt.Open() {
			return err
		}
		c := &change{rt: rt}
		if c.signal, err = tx.Signal(ctx, rt.SignalID); err != nil {
			return err
		}
		if c.acct, err = tx.Account(ctx, rt.AccountID); err != nil {
			return err
		}
		c.line = activity(expansion.Expander, "", c.signal)
		c.line.RoutingID = rt.ID
		switch w.Kind {
		case waitUndoOver:
			if rt.Status != expansion.Pending {
				return nil
			}
			return e.refresh(ctx, tx, rt.SignalID, expansion.CardSignal, expansion.CardAsk)
		case waitOverdue:
			if rt.Status != expansion.Pending {
				return nil
			}
			return e.refresh(ctx, tx, rt.SignalID, expansion.CardHandoff)
		case waitNudge:
			if rt.Status != expansion.Pending {
				return nil
			}
			return e.nudge(ctx, tx, c)
		case waitEscalate, waitEscalateAgain:
			if rt.Status != expansion.Pending {
				return nil
			}
			c.line.Verb = "escalated"
			if err := e.escalate(ctx, tx, c, "silence"); err != nil {
				return err
			}
			pause(atEscalation)
			if late > time.Minute {
				c.line.Args["late"] = int64(late.Seconds())
			}
		case waitNotReal:
			c.line.Verb = "not_real_stands"
			if err := e.reject(ctx, tx, c, "unanswered"); err != nil {
				return err
			}
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

// nudge reminds the recipient under their card; from the second on by mail too. One that
// would come outside their hours waits for the next working hour.
func (e *Engine) nudge(ctx context.Context, tx *store.Tx, c *change) error {
	to, err := tx.Person(ctx, c.rt.To)
	if err != nil {
		return err
	}
	p, err := e.policyOf(ctx, tx.Reader, c.rt)
	if err != nil {
		return err
	}
	if next, err := p.Hours(to.Location()).Next(tx.Now); err == nil && next.After(tx.Now) && next.Before(c.rt.EscalateAt) {
		return e.mark(ctx, tx, c.rt, waitNudge, next)
	}
	c.line.Verb, c.line.Person = "nudged", c.rt.To
	n, err := tx.Log(ctx, c.line)
	if err != nil {
		return err
	}
	return e.wantNudge(ctx, tx, c, n)
}

func (e *Engine) wantNudge(ctx context.Context, tx *store.Tx, c *change, line int64) error {
	parent, err := e.cardOf(ctx, tx.Reader, c.signal.ID, expansion.CardHandoff, string(c.rt.ID))
	if err != nil || parent == "" {
		return err
	}
	return e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.ThreadNudge), Subject: fmt.Sprint(line), Person: c.rt.To, SignalID: c.signal.ID, RoutingID: c.rt.ID, Parent: parent})
}

// escalate brings in the policy's next level above the one that was used; at the last
// one it stays, and nobody at all means RevOps.
func (e *Engine) escalate(ctx context.Context, tx *store.Tx, c *change, why string) error {
	people, err := tx.People(ctx)
	if err != nil {
		return err
	}
	f, err := e.facts(ctx, tx.Reader, tx.Now, c.signal, c.acct, people)
	if err != nil {
		return err
	}
	p, err := e.policyOf(ctx, tx.Reader, c.rt)
	if err != nil {
		return err
	}
	next, ok := bind(p, people).NextLevel(c.rt.To, c.rt.EscalationLevel, f.Reps, tx.Now)
	if !ok {
		if next.Level = c.rt.EscalationLevel; next.Level == 0 {
			for _, a := range e.adminPeople(people) {
				next.To = append(next.To, a.ID)
			}
		} else {
			next.To = []expansion.PersonID{c.rt.EscalatedTo}
		}
	}
	if len(next.To) == 0 {
		return expansion.Errorf(expansion.CodeInternal, "There is nobody to escalate %s to. Give a RevOps person in the people list.", c.rt.Label())
	}
	c.rt.EscalatedAt, c.rt.EscalatedTo, c.rt.EscalationLevel, c.keep = &tx.Now, next.To[0], next.Level, true
	if c.line.Args == nil {
		c.line.Args = map[string]any{}
	}
	c.line.Args["to"], c.line.Args["level"], c.line.Args["why"] = next.To[0], next.Level, why
	if c.line.Person == "" {
		c.line.Person = next.To[0]
	}
	if ok && !next.Last {
		if err := e.mark(ctx, tx, c.rt, waitEscalateAgain, tx.Now.Add(p.Timing().EscalateAgain)); err != nil {
			return err
		}
	}
	for _, to := range next.To {
		if err := e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardEscalation), Subject: string(c.rt.ID), Person: to, SignalID: c.signal.ID, RoutingID: c.rt.ID}); err != nil {
			return err
		}
	}
	return nil
}

// Reassign gives a routing to somebody else; a new 48 h starts.
func (e *Engine) Reassign(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, to expansion.PersonID, reason, tell string) error {
	if strings.TrimSpace(reason) == "" {
		return expansion.FieldErrorf("reason", "Say why you reassign it.")
	}
	return e.changeRouting(ctx, by, id, "reassigned", func(tx *store.Tx, c *change) error {
		if err := e.mayManage(c); err != nil {
			return err
		}
		if to == c.rt.To {
			return expansion.FieldErrorf("recipient", "They have it already. Choose somebody else.")
		}
		target, err := tx.Person(ctx, to)
		if err != nil {
			return expansion.FieldErrorf("recipient", "Choose the recipient from the list.")
		}
		words := strings.TrimSpace(strings.ReplaceAll(reason, "_", " "))
		left := fmt.Sprintf("Moved to %s by %s: %s", target.FirstName(), c.by.FirstName(), words)
		if tell = strings.TrimSpace(tell); tell != "" {
			left += ". " + tell
		}
		c.line.Args = map[string]any{"to": to, "reason": words}
		_, err = e.reroute(ctx, tx, reroute{old: c.rt, left: expansion.Rerouted, reason: left, by: by, to: to, why: "reassigned by " + c.by.FirstName() + ": " + words})
		return err
	})
}

// Take is the manager's "I'll take it": it is theirs and acknowledged at once.
func (e *Engine) Take(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error {
	return e.changeRouting(ctx, by, id, "taken", func(tx *store.Tx, c *change) error {
		if err := e.mayManage(c); err != nil {
			return err
		}
		if c.by.Role != expansion.RoleManager && c.by.Role != expansion.RoleAE && c.by.Role != expansion.RoleSpecialist {
			return expansion.Errorf(expansion.CodeDenied, "Only somebody who sells can take %s. Reassign it instead.", c.rt.Label())
		}
		if by == c.rt.To {
			return expansion.Errorf(expansion.CodeConflict, "%s is yours already. Nothing changed.", c.rt.Label())
		}
		c.line.Args = map[string]any{"to": by}
		next, err := e.reroute(ctx, tx, reroute{old: c.rt, left: expansion.Rerouted, reason: "Taken by " + c.by.FirstName(), by: by, to: by, why: "taken after an escalation"})
		if err != nil {
			return err
		}
		mine := change{rt: next, signal: c.signal, acct: c.acct, by: c.by, line: activity(expansion.Human, "acknowledged", c.signal)}
		mine.line.RoutingID, mine.line.Person = next.ID, by
		if err := e.acknowledge(ctx, tx, &mine); err != nil {
			return err
		}
		if err := tx.UpdateRouting(ctx, &mine.rt); err != nil {
			return err
		}
		return e.tell(ctx, tx, c.signal, mine.line)
	})
}

// Nudge reminds the recipient once more, at a manager's wish.
func (e *Engine) Nudge(ctx context.Context, by expansion.PersonID, id expansion.RoutingID) error {
	return e.changeRouting(ctx, by, id, "nudged", func(tx *store.Tx, c *change) error {
		if err := e.mayManage(c); err != nil {
			return err
		}
		if c.rt.Status != expansion.Pending {
			return expansion.Errorf(expansion.CodeConflict, "%s was acknowledged already. Nothing to nudge.", c.rt.Label())
		}
		n, err := tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "nudge_asked", AccountID: c.acct.ID, SignalID: c.signal.ID, RoutingID: c.rt.ID, Person: by})
		if err != nil {
			return err
		}
		return e.wantNudge(ctx, tx, c, n)
	})
}

// Extend moves the mark once, by extend_by of the policy it was routed under.
func (e *Engine) Extend(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return expansion.FieldErrorf("reason", "Say why more time helps.")
	}
	return e.changeRouting(ctx, by, id, "extended", func(tx *store.Tx, c *change) error {
		if err := e.mayManage(c); err != nil {
			return err
		}
		if c.rt.Extended {
			return expansion.Errorf(expansion.CodeConflict, "%s was given more time once already.", c.rt.Label())
		}
		if c.rt.Status != expansion.Pending {
			return expansion.Errorf(expansion.CodeConflict, "%s was acknowledged already. Nothing changed.", c.rt.Label())
		}
		p, err := e.policyOf(ctx, tx.Reader, c.rt)
		if err != nil {
			return err
		}
		c.rt.Extended, c.rt.EscalateAt, c.keep = true, tx.Now.Add(p.Timing().ExtendBy), true
		c.line.Args = map[string]any{"reason": reason, "until": c.rt.EscalateAt}
		if err := tx.DropWaits(ctx, string(c.rt.ID), waitEscalate, waitEscalateAgain); err != nil {
			return err
		}
		return e.mark(ctx, tx, c.rt, waitEscalate, c.rt.EscalateAt)
	})
}
