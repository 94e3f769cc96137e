package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

const (
	// reasonNoSlack is a channel's word for an address that is nobody's.
	reasonNoSlack = "no_account"
	// pickWithin is how long there is to pick the right person before a hand-off that
	// reached nobody goes to the next in line (storyboard 7.12).
	pickWithin = 30 * time.Minute
)

// reach is how a routing's hand-off came through.
type reach struct {
	noSlack bool // Slack knows no account of the recipient's, and never showed the card
	mailed  bool // the mail server took the mail
	bounced bool // it refused the mail for good
	mailing bool // the mail is still on its way
}

// nowhere: by neither way, and no try is left.
func (r reach) nowhere() bool { return r.noSlack && !r.mailed && !r.mailing }

func reachOf(ds []store.Delivery, id expansion.RoutingID) reach {
	var r reach
	for _, d := range ds {
		switch {
		case d.Kind != string(expansion.CardHandoff) || d.RoutingID != id:
		case d.Channel == "slack":
			// The word stays while a new try is under way.
			r.noSlack = d.SentAt == nil && d.Reason == reasonNoSlack
		case d.Channel == "email":
			r.mailed = d.SentAt != nil
			r.bounced = !r.mailed && d.State == store.Blocked
			r.mailing = !r.mailed && !r.bounced
		}
	}
	return r
}

// words say it to whoever can pick the right person.
func (r reach) words(to expansion.Person) string {
	local, _, ok := strings.Cut(to.Email, "@")
	s := "No Slack account for " + local + "@…"
	if !ok {
		s = "No Slack account for " + to.Name
	}
	switch {
	case r.mailed:
		return s + "; emailed instead."
	case r.mailing:
		return s + "; the email is on its way."
	case r.bounced:
		s += ", and the email was refused."
	default:
		s += ", and no email goes out."
	}
	return s + fmt.Sprintf(" If nobody is picked within %s, the next in line gets it.", expansion.Span(pickWithin))
}

func noSlackNotice(id expansion.RoutingID) string { return "no_slack " + string(id) }

// handoffTried looks at a hand-off after a channel has shown it or has given up. Where
// Slack has no account for the recipient, the CSM and RevOps are asked for the right one;
// where the mail did not go out either, a promise hands it on.
func (e *Engine) handoffTried(ctx context.Context, tx *store.Tx, d store.Delivery) error {
	rt, err := tx.Routing(ctx, d.RoutingID)
	if err != nil || !rt.Open() {
		return err
	}
	ds, err := tx.DeliveriesOf(ctx, d.SignalID)
	if err != nil {
		return err
	}
	r := reachOf(ds, rt.ID)
	if !r.noSlack {
		return e.settleNotices(ctx, tx, ds, rt.ID)
	}
	if err := e.askForAccount(ctx, tx, rt); err != nil {
		return err
	}
	for _, c := range ds {
		// Not the recipient's own: each try of it comes back here.
		if c.Channel == "slack" && isCard(c.Kind) && c.Person != rt.To {
			if err := e.want(ctx, tx, c); err != nil {
				return err
			}
		}
	}
	if rt.Status != expansion.Pending || !r.nowhere() {
		return nil
	}
	ws, err := tx.OpenWaitsOf(ctx, string(rt.ID))
	if err != nil {
		return err
	}
	for _, w := range ws {
		if w.Kind == waitUnreached {
			return nil
		}
	}
	return e.wait(ctx, tx, string(rt.ID), waitUnreached, tx.Now.Add(pickWithin))
}

// askForAccount shows the CSM and RevOps a notice with a menu of people, one per routing.
func (e *Engine) askForAccount(ctx context.Context, tx *store.Tx, rt expansion.Routing) error {
	s, err := tx.Signal(ctx, rt.SignalID)
	if err != nil {
		return err
	}
	acct, err := tx.Account(ctx, rt.AccountID)
	if err != nil {
		return err
	}
	people, err := tx.People(ctx)
	if err != nil {
		return err
	}
	for _, p := range people {
		if !p.Active || p.ID == rt.To || p.ID != csmOf(s, acct) && !e.IsAdmin(p) {
			continue
		}
		if err := e.want(ctx, tx, store.Delivery{
			Channel: "slack", Kind: string(expansion.CardNotice), Subject: noSlackNotice(rt.ID), Person: p.ID, SignalID: rt.SignalID, RoutingID: rt.ID,
		}); err != nil {
			return err
		}
	}
	return nil
}

// noSlackText is what such a notice says now; the notice among c's lines gives its words
// up to it.
func noSlackText(c *expansion.Case) string {
	for i, n := range c.Notices {
		if n.Kind == "no_slack" {
			c.Notices[i].Text = ""
			return n.Text + " Pick the right person?"
		}
	}
	to := c.People[c.Routing.To]
	if !c.Routing.Open() {
		return fmt.Sprintf("%s is not with %s any more. Nothing is left to pick.", c.Routing.Label(), to.Name)
	}
	return fmt.Sprintf("%s has a Slack account now, and %s in it.", to.Name, c.Routing.Label())
}

// LinkRecipient says which Slack account is the recipient's, where none was found. It is
// remembered, and what could not be shown there is shown. Who may route may do it.
func (e *Engine) LinkRecipient(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, slackID string) error {
	if slackID == "" {
		return expansion.FieldErrorf("slack_id", "Pick a person from the list.")
	}
	return e.changeRouting(ctx, by, id, "linked", func(tx *store.Tx, c *change) error {
		if err := e.mayRoute(ctx, tx.Reader, by, c.signal, c.acct); err != nil {
			return err
		}
		to, err := tx.Person(ctx, c.rt.To)
		if err != nil {
			return err
		}
		ds, err := tx.DeliveriesOf(ctx, c.signal.ID)
		if err != nil {
			return err
		}
		if !reachOf(ds, c.rt.ID).noSlack {
			return expansion.Errorf(expansion.CodeConflict, "%s has a Slack account that works. Nothing changed.", to.Name)
		}
		if err := link(ctx, tx, to, slackID); err != nil {
			return err
		}
		c.line.Args = map[string]any{"to": to.ID}
		return e.showBlocked(ctx, tx, to.ID)
	})
}

// link keeps p's Slack account.
func link(ctx context.Context, tx *store.Tx, p expansion.Person, slackID string) error {
	if p.SlackID == slackID {
		return nil
	}
	p.SlackID = slackID
	return tx.PutPerson(ctx, p)
}

// showBlocked asks again for the cards about something open that a person had no account
// for. Lists are not: their day may be over.
func (e *Engine) showBlocked(ctx context.Context, tx *store.Tx, id expansion.PersonID) error {
	ds, err := tx.BlockedFor(ctx, "slack", id, 200)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if d.Reason != reasonNoSlack || !isCard(d.Kind) {
			continue
		}
		s, err := tx.Signal(ctx, d.SignalID)
		if err != nil {
			return err
		}
		open := s.Status.Open()
		if d.RoutingID != "" {
			rt, err := tx.Routing(ctx, d.RoutingID)
			if err != nil {
				return err
			}
			open = rt.Open()
		}
		if !open {
			continue
		}
		if err := e.want(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

// unreachedMark hands a routing that reached its recipient by no way to the next in line,
// unless they were reached meanwhile. The next starts with a ladder of their own.
func (e *Engine) unreachedMark(ctx context.Context, w store.Wait) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.LockPool(ctx); err != nil {
			return err
		}
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first {
			return err
		}
		rt, err := tx.Routing(ctx, expansion.RoutingID(w.Subject))
		if err != nil || !rt.Open() || rt.Status != expansion.Pending {
			return err
		}
		ds, err := tx.DeliveriesOf(ctx, rt.SignalID)
		if err != nil || !reachOf(ds, rt.ID).nowhere() {
			return err
		}
		to, err := tx.Person(ctx, rt.To)
		if err != nil {
			return err
		}
		why := to.FirstName() + " can be reached neither in Slack nor by email"
		next, err := e.reroute(ctx, tx, reroute{old: rt, left: expansion.Rerouted, reason: why})
		if err != nil {
			return err
		}
		s, err := tx.Signal(ctx, rt.SignalID)
		if err != nil {
			return err
		}
		line := activity(expansion.Expander, "rerouted", s)
		line.RoutingID, line.Args = rt.ID, map[string]any{"to": next.To, "reason": why}
		if err := e.tell(ctx, tx, s, line); err != nil {
			return err
		}
		if err := e.settleNotices(ctx, tx, ds, rt.ID); err != nil {
			return err
		}
		return e.refresh(ctx, tx, s.ID)
	})
}

// settleNotices shows whoever was asked for an account that nobody needs it any more.
func (e *Engine) settleNotices(ctx context.Context, tx *store.Tx, ds []store.Delivery, id expansion.RoutingID) error {
	for _, n := range ds {
		if n.Kind == string(expansion.CardNotice) && n.Subject == noSlackNotice(id) {
			if err := e.want(ctx, tx, n); err != nil {
				return err
			}
		}
	}
	return nil
}
