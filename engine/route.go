package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
	"expansionbot/expansion/handoff"
	"expansionbot/expansion/learn"
	"expansionbot/expansion/route"
	"expansionbot/store"
)

// Route sends a signal to a seller. by is "" when the review window ended by itself.
// version is the signal's as the presser saw it; 0 or an old one is accepted as long as
// the signal still waits to be routed. When nobody is eligible the signal waits for a
// recipient, and the error has CodeNoRecipient.
func (e *Engine) Route(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64, in RouteInput) (expansion.Routing, error) {
	return e.routeAfter(ctx, by, id, in, func(*store.Tx) error { return nil })
}

// routeAfter is Route with a step before it in the same transaction, under the pool's lock.
func (e *Engine) routeAfter(ctx context.Context, by expansion.PersonID, id expansion.SignalID, in RouteInput, before func(tx *store.Tx) error) (expansion.Routing, error) {
	stages, err := e.stages(ctx)
	if err != nil {
		return expansion.Routing{}, err
	}
	var rt expansion.Routing
	var nobody error
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		nobody = nil
		if err := tx.LockPool(ctx); err != nil {
			return err
		}
		if err := before(tx); err != nil {
			return err
		}
		s, err := tx.Signal(ctx, id)
		if err != nil {
			return err
		}
		acct, err := tx.Account(ctx, s.AccountID)
		if err != nil {
			return err
		}
		if by != "" {
			if err := e.mayRoute(ctx, tx.Reader, by, s, acct); err != nil {
				return err
			}
		}
		if err := routable(ctx, tx.Reader, s); err != nil {
			return err
		}
		people, err := tx.People(ctx)
		if err != nil {
			return err
		}
		if in.ExpansionType != "" {
			s.ExpansionType = in.ExpansionType
		}
		if in.Potential != nil {
			s.Potential = &expansion.Potential{Likely: *in.Potential, Low: *in.Potential, High: *in.Potential, Formula: "entered by hand", ByHand: true}
		}
		last, err := tx.LiveRouting(ctx, s.ID)
		if err != nil {
			return err
		}
		if last != nil && last.Disposition != expansion.Rerouted {
			last = nil // recalled: it starts anew
		}
		d, err := e.decide(ctx, tx.Reader, tx.Now, s, acct, people)
		if last != nil {
			d, err = passOn(d, err, *last, byID(people))
		}
		if in.To != "" && in.To != d.To {
			if err := e.mayInsist(ctx, tx.Reader, by, s.ID, in.To); err != nil {
				return err
			}
			if d, err = override(d, in, byID(people)); err != nil {
				return err
			}
		} else if expansion.CodeOf(err) == expansion.CodeNoRecipient {
			nobody = err
			return e.waitForRecipient(ctx, tx, s, people, d)
		} else if err != nil {
			return err
		}
		attach, err := attachTo(ctx, tx.Reader, s.ID, d.To, in)
		if err != nil {
			return err
		}
		pause(atDecided)
		p := placement{signal: s, account: acct, people: byID(people), decision: d, by: by, in: in, stages: stages, attach: attach}
		if last != nil {
			if err := e.goOn(ctx, tx, &p, *last); err != nil {
				return err
			}
		}
		rt, err = e.place(ctx, tx, p)
		pause(atRouteCommit)
		return err
	})
	pause(atRouteKept)
	if err == nil {
		err = nobody
	}
	return rt, err
}

// mayRoute: the CSM who logged it, the account's CSM, a sales manager, RevOps.
func (e *Engine) mayRoute(ctx context.Context, r store.Reader, by expansion.PersonID, s expansion.Signal, acct expansion.Account) error {
	p, err := e.person(ctx, r, by)
	if err != nil {
		return err
	}
	if p.ID == s.CreatedBy || p.ID == acct.CSM || p.Role == expansion.RoleManager || e.IsAdmin(p) {
		return nil
	}
	who := "the account's CSM"
	if csm, err := r.Person(ctx, acct.CSM); err == nil {
		who = csm.Name
	}
	return expansion.Errorf(expansion.CodeDenied, "Only %s can do that with %s, or a sales manager.", who, s.Label())
}

// routable says in a sentence why a signal that does not wait to be routed cannot be.
func routable(ctx context.Context, r store.Reader, s expansion.Signal) error {
	switch s.Status {
	case expansion.Detected, expansion.Confirmed, expansion.Parked:
		return nil
	case expansion.Routed, expansion.Closed:
		rt, err := r.LiveRouting(ctx, s.ID)
		if err != nil || rt == nil {
			return err
		}
		to, err := r.Person(ctx, rt.To)
		if err != nil {
			return err
		}
		return expansion.Errorf(expansion.CodeConflict, "Already routed to %s as %s. Nothing changed.", to.Name, rt.Label())
	}
	return expansion.Errorf(expansion.CodeGone, "%s is %s. Nothing changed.", s.Label(), s.Status)
}

// override is a person's choice instead of the policy's. The trace of the policy stays.
func override(d expansion.Decision, in RouteInput, people map[expansion.PersonID]expansion.Person) (expansion.Decision, error) {
	to, ok := people[in.To]
	switch {
	case !ok:
		return d, expansion.FieldErrorf("recipient", "Choose the recipient from the list.")
	case !to.Active:
		return d, expansion.FieldErrorf("recipient", "%s has left. Choose somebody else.", to.Name)
	case !route.Takes(to.Role):
		return d, expansion.FieldErrorf("recipient", "%s does not sell. Choose an account executive or specialist.", to.Name)
	case strings.TrimSpace(in.OverrideReason) == "":
		return d, expansion.FieldErrorf("override_reason", "Say why %s and not the one the policy chose.", to.FirstName())
	}
	d.IfUnavailable, d.To, d.Kind, d.Rule, d.Covering, d.OverLimit = d.To, to.ID, expansion.KindOverride, "override", "", false
	d.Role, d.Reason = roleOf(to), "chosen by hand: "+strings.ReplaceAll(in.OverrideReason, "_", " ")
	return d, nil
}

func roleOf(p expansion.Person) expansion.RoutedToRole {
	if p.Role == expansion.RoleSpecialist {
		return expansion.ToExpansionRep
	}
	return expansion.ToAE
}

// waitForRecipient keeps a signal nobody can take, tells RevOps and the managers when
// that begins, and tries again (storyboard 7.2).
func (e *Engine) waitForRecipient(ctx context.Context, tx *store.Tx, s expansion.Signal, people []expansion.Person, d expansion.Decision) error {
	again := tx.Now.Add(e.timing().RetryNoRecipient)
	first := s.Waiting != expansion.WaitRecipient
	s.Status, s.Waiting, s.WaitUntil = expansion.Confirmed, expansion.WaitRecipient, &again
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return err
	}
	if err := tx.DropWaits(ctx, string(s.ID)); err != nil {
		return err
	}
	if err := e.wait(ctx, tx, string(s.ID), waitRetryRecipient, again); err != nil {
		return err
	}
	if first {
		a := activity(expansion.Expander, "waiting_recipient", s)
		a.Args = map[string]any{"trace": d.Trace}
		n, err := tx.Log(ctx, a)
		if err != nil {
			return err
		}
		for _, p := range people {
			if p.Active && (e.IsAdmin(p) || p.Role == expansion.RoleManager) {
				if err := e.want(ctx, tx, store.Delivery{
					Channel: "slack", Kind: string(expansion.CardNotice), Person: p.ID, SignalID: s.ID,
					Subject: fmt.Sprintf("no_recipient %s %d", s.ID, n), // each time it comes to that is news
					Text:    fmt.Sprintf("%s has no recipient: nobody the policy allows is free. It is tried again every %s.", s.Label(), expansion.Span(e.timing().RetryNoRecipient)),
				}); err != nil {
					return err
				}
			}
		}
	}
	return e.refresh(ctx, tx, s.ID)
}

// placement is all that goes into one new routing.
type placement struct {
	signal      expansion.Signal
	account     expansion.Account
	people      map[expansion.PersonID]expansion.Person
	decision    expansion.Decision
	by          expansion.PersonID
	in          RouteInput
	stages      []crm.Stage
	opportunity *expansion.Opportunity     // of the routing before; nil makes one
	attach      *expansion.OpenOpportunity // what the one to make is in the CRM already; nil = nothing
	escalateAt  time.Time                  // zero: the policy's mark from now on
	bounces     int
}

// place keeps a routing with everything it causes: the opportunity, the hold, the
// package, the three deliveries and the promises. It is the only place that does.
func (e *Engine) place(ctx context.Context, tx *store.Tx, p placement) (expansion.Routing, error) {
	s := p.signal
	n, err := tx.Next(ctx, "routing", 301)
	if err != nil {
		return expansion.Routing{}, err
	}
	rt := expansion.Routing{
		ID: expansion.RoutingID(tx.NewID()), Number: n, SignalID: s.ID, AccountID: s.AccountID, To: p.decision.To, Role: p.decision.Role, Reason: p.decision.Reason,
		Status: expansion.Pending, RoutedAt: tx.Now, RoutedBy: p.by, Covering: p.decision.Covering, Note: strings.TrimSpace(p.in.Note), Override: p.in.OverrideReason,
		Separate: p.in.Separate, NoHold: p.in.NoHold, NoEmail: p.in.NoEmail, EscalateAt: p.escalateAt, Bounces: p.bounces, Decision: p.decision,
	}
	under, err := e.policyOf(ctx, tx.Reader, rt)
	if err != nil {
		return rt, err
	}
	t := under.Timing()
	if rt.EscalateAt.IsZero() {
		rt.EscalateAt = tx.Now.Add(t.EscalateAfter)
	}
	if rt.Package, err = e.handoff(ctx, tx.Reader, p); err != nil {
		return rt, err
	}
	if p.opportunity != nil {
		rt.OpportunityID = p.opportunity.ID
	} else {
		rt.OpportunityID = expansion.OpportunityID(tx.NewID())
	}
	if err := tx.InsertRouting(ctx, &rt, route.Pooled(p.decision.Kind)); err != nil {
		return rt, err
	}
	if err := e.placeOpportunity(ctx, tx, p, rt); err != nil {
		return rt, err
	}
	s.Status, s.Waiting, s.WaitUntil, s.OpportunityID = expansion.Routed, expansion.WaitNone, nil, rt.OpportunityID
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return rt, err
	}
	if err := tx.DropWaits(ctx, string(s.ID)); err != nil {
		return rt, err
	}
	if !p.in.NoHold {
		if err := tx.PutHold(ctx, expansion.Hold{AccountID: s.AccountID, Holder: rt.To, RoutingID: rt.ID, Until: tx.Now.Add(t.HoldFor)}); err != nil {
			return rt, err
		}
	}
	a := activity(expansion.Expander, "routed", s)
	a.RoutingID, a.Person = rt.ID, rt.To
	a.Args = map[string]any{"rule": p.decision.Rule, "kind": p.decision.Kind, "covering": p.decision.Covering, "by": p.by, "policy": p.decision.PolicyVersion, "opportunity": rt.OpportunityID}
	if _, err := tx.Log(ctx, a); err != nil {
		return rt, err
	}
	if err := e.promise(ctx, tx, rt, under, p.people[rt.To]); err != nil {
		return rt, err
	}
	if err := e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardHandoff), Subject: string(rt.ID), Person: rt.To, SignalID: s.ID, RoutingID: rt.ID}); err != nil {
		return rt, err
	}
	if !p.in.NoEmail {
		if err := e.want(ctx, tx, store.Delivery{Channel: "email", Kind: string(expansion.CardHandoff), Subject: string(rt.ID), Person: rt.To, SignalID: s.ID, RoutingID: rt.ID}); err != nil {
			return rt, err
		}
	}
	if err := e.wantOpportunity(ctx, tx, s.ID, rt.OpportunityID); err != nil {
		return rt, err
	}
	if p.opportunity == nil {
		if err := e.wantCSMCard(ctx, tx, s, p.account, expansion.CardSignal); err != nil {
			return rt, err
		}
	}
	return rt, e.refresh(ctx, tx, s.ID)
}

// promise sets the marks of a routing's ladder (storyboard 4.7, 5.1) and those at which
// its cards read otherwise. The first nudge counts the recipient's working time, all
// others are elapsed.
func (e *Engine) promise(ctx context.Context, tx *store.Tx, rt expansion.Routing, under *route.Policy, to expansion.Person) error {
	t := under.Timing()
	if t.UndoWindow > 0 {
		if err := e.mark(ctx, tx, rt, waitUndoOver, rt.RoutedAt.Add(t.UndoWindow)); err != nil {
			return err
		}
	}
	if due := rt.RoutedAt.Add(t.AckTarget); due.Before(rt.EscalateAt) { // an escalation draws the card anyway
		if err := e.mark(ctx, tx, rt, waitOverdue, due); err != nil {
			return err
		}
	}
	for i, after := range t.Nudges {
		due := rt.RoutedAt.Add(after)
		if i == 0 {
			if w, err := under.Hours(to.Location()).Add(rt.RoutedAt, after); err == nil {
				due = w
			}
		}
		if due.Before(rt.EscalateAt) {
			if err := e.mark(ctx, tx, rt, waitNudge, due); err != nil {
				return err
			}
		}
	}
	return e.mark(ctx, tx, rt, waitEscalate, rt.EscalateAt)
}

func (e *Engine) handoff(ctx context.Context, r store.Reader, p placement) (expansion.Package, error) {
	ev, err := r.SignalEvidence(ctx, p.signal.ID)
	if err != nil {
		return expansion.Package{}, err
	}
	c, err := r.Context(ctx, p.signal.ID)
	if err != nil {
		return expansion.Package{}, err
	}
	won, total, err := r.Outcomes(ctx, p.signal.Type)
	if err != nil {
		return expansion.Package{}, err
	}
	return handoff.Build(handoff.Input{
		Signal: p.signal, Evidence: ev, Account: p.account, Context: c.Context, Decision: p.decision, People: p.people,
		Now: e.clock.Now(), WinChance: learn.Chance(learn.WinRate(won, total)), WinSample: total,
	}), nil
}

// placeOpportunity makes the opportunity of a first routing or moves an existing one to
// its new owner.
func (e *Engine) placeOpportunity(ctx context.Context, tx *store.Tx, p placement, rt expansion.Routing) error {
	if o := p.opportunity; o != nil {
		o.RoutingID, o.Owner = rt.ID, rt.To
		return tx.UpdateOpportunity(ctx, o)
	}
	n, err := tx.Next(ctx, "opportunity", 201)
	if err != nil {
		return err
	}
	o := expansion.Opportunity{
		ID: rt.OpportunityID, Number: n, SignalID: rt.SignalID, RoutingID: rt.ID, AccountID: rt.AccountID, ExpansionType: p.signal.ExpansionType, Owner: rt.To,
	}
	if e.crm != nil {
		o.CRM = e.crm.Name()
	}
	if p.attach != nil {
		attach(&o, *p.attach)
	} else {
		own(&o, p, tx.Now)
	}
	return tx.InsertOpportunity(ctx, &o)
}

// own fills an opportunity that we make in the CRM.
func own(o *expansion.Opportunity, p placement, now time.Time) {
	o.Name = fmt.Sprintf("%s: %s", p.account.Name, strings.ToLower(p.signal.ExpansionType.Label()))
	o.CloseDate = p.in.CloseDate
	if p.signal.Potential != nil {
		o.Amount = &p.signal.Potential.Likely
	}
	stage, ok := crm.FindStage(p.stages, p.in.StageID)
	if !ok {
		stage, ok = crm.FirstStage(p.stages)
	}
	if ok {
		o.StageID, o.StageLabel, o.Probability = stage.ID, stage.Label, &stage.Probability
	}
	if p.in.Probability != nil {
		o.Probability = p.in.Probability
	}
	if o.CloseDate == nil {
		// A quarter is what the CRMs' own forms offer; the rep knows better soon.
		d := now.Truncate(24*time.Hour).AddDate(0, 3, 0)
		o.CloseDate = &d
	}
}

// reroute ends a routing early and places the signal with somebody else.
type reroute struct {
	old    expansion.Routing
	left   expansion.Disposition
	reason string // in words, on the old card
	by     expansion.PersonID
	to     expansion.PersonID // "" = as route.PassOn says
	why    string             // in words, on the new card, when to is given
	bounce bool               // handed back as not theirs: it is counted, and the 48 h mark stays
}

// passOn is the policy's decision for a signal that last's recipient handed back or was
// not reached with. With nobody to take it the error has CodeNoRecipient.
func passOn(d expansion.Decision, err error, last expansion.Routing, people map[expansion.PersonID]expansion.Person) (expansion.Decision, error) {
	if err != nil && expansion.CodeOf(err) != expansion.CodeNoRecipient {
		return d, err
	}
	switch to, why := route.PassOn(d, last.To, handedBack(last)); {
	case to == "":
		d.To = ""
		return d, expansion.Errorf(expansion.CodeNoRecipient, "Nobody can take it now: everybody in line said it isn't theirs, and no manager above %s is here. Assign somebody by hand.", people[last.To].FirstName())
	case why != "":
		return override(d, RouteInput{To: to, OverrideReason: why}, people)
	}
	return d, nil
}

// handedBack is how often the signal of a routing that is left was handed back.
func handedBack(left expansion.Routing) int {
	if left.HandedBack {
		return left.Bounces + 1
	}
	return left.Bounces
}

// mayInsist: somebody who handed a signal back gets it again by hand only from a sales
// manager or RevOps.
func (e *Engine) mayInsist(ctx context.Context, r store.Reader, by expansion.PersonID, id expansion.SignalID, to expansion.PersonID) error {
	p, err := e.person(ctx, r, by)
	if err != nil || p.Role == expansion.RoleManager || e.IsAdmin(p) {
		return err
	}
	return saidNotMine(ctx, r, id, to, "or ask a sales manager")
}

// goOn makes p go on where last left off: with its opportunity, and what was chosen for
// the signal holds for whoever gets it. If last was handed back, so does its 48 h mark.
func (e *Engine) goOn(ctx context.Context, tx *store.Tx, p *placement, last expansion.Routing) error {
	o, err := tx.Opportunity(ctx, last.OpportunityID)
	if err != nil {
		return err
	}
	p.opportunity, p.bounces = &o, handedBack(last)
	if p.in.Note == "" {
		p.in.Note = last.Note
	}
	p.in.NoHold, p.in.NoEmail = p.in.NoHold || last.NoHold, p.in.NoEmail || last.NoEmail
	if !last.HandedBack {
		return nil
	}
	p.escalateAt = last.EscalateAt
	if least, err := e.hours(p.people[p.decision.To]).Add(tx.Now, e.timing().NotMineLeaves); err == nil && least.After(p.escalateAt) {
		p.escalateAt = least
	}
	return nil
}

// The zero Routing without an error means that nobody can take it: the signal waits for a
// recipient, with its opportunity.
func (e *Engine) reroute(ctx context.Context, tx *store.Tx, r reroute) (expansion.Routing, error) {
	var none expansion.Routing
	old := r.old
	old.Disposition, old.LeftReason, old.HandedBack = r.left, r.reason, r.bounce
	if err := tx.UpdateRouting(ctx, &old); err != nil {
		return none, err
	}
	if err := tx.DropWaits(ctx, string(old.ID)); err != nil {
		return none, err
	}
	s, err := tx.Signal(ctx, old.SignalID)
	if err != nil {
		return none, err
	}
	acct, err := tx.Account(ctx, s.AccountID)
	if err != nil {
		return none, err
	}
	people, err := tx.People(ctx)
	if err != nil {
		return none, err
	}
	d, err := e.decide(ctx, tx.Reader, tx.Now, s, acct, people)
	if r.to == "" {
		d, err = passOn(d, err, old, byID(people))
	} else if err == nil || expansion.CodeOf(err) == expansion.CodeNoRecipient {
		d, err = override(d, RouteInput{To: r.to, OverrideReason: r.why}, byID(people))
	}
	if expansion.CodeOf(err) == expansion.CodeNoRecipient {
		if err := tx.LiftHold(ctx, old.ID); err != nil {
			return none, err
		}
		return none, e.waitForRecipient(ctx, tx, s, people, d)
	}
	if err != nil {
		return none, err
	}
	p := placement{signal: s, account: acct, people: byID(people), decision: d, by: r.by}
	if err := e.goOn(ctx, tx, &p, old); err != nil {
		return none, err
	}
	return e.place(ctx, tx, p)
}

// Undo recalls a routing inside the undo window and before it was acknowledged: the
// opportunity is removed, the hold lifted, the signal waits again (storyboard 7.15).
func (e *Engine) Undo(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		rt, err := tx.Routing(ctx, id)
		if err != nil {
			return err
		}
		s, err := tx.Signal(ctx, rt.SignalID)
		if err != nil {
			return err
		}
		acct, err := tx.Account(ctx, rt.AccountID)
		if err != nil {
			return err
		}
		if err := e.mayRoute(ctx, tx.Reader, by, s, acct); err != nil {
			return err
		}
		if err := stillOpen(rt); err != nil {
			return err
		}
		if rt.Status != expansion.Pending {
			return expansion.Errorf(expansion.CodeConflict, "%s was acknowledged already. Reroute it instead.", rt.Label())
		}
		under, err := e.policyOf(ctx, tx.Reader, rt)
		if err != nil {
			return err
		}
		if !tx.Now.Before(rt.RoutedAt.Add(under.Timing().UndoWindow)) {
			return expansion.Errorf(expansion.CodeConflict, "The time to undo %s is over. Reroute it instead.", rt.Label())
		}
		p, err := tx.Person(ctx, by)
		if err != nil {
			return err
		}
		rt.Disposition, rt.LeftReason = expansion.Recalled, fmt.Sprintf("Recalled by %s", p.FirstName())
		if err := tx.UpdateRouting(ctx, &rt); err != nil {
			return err
		}
		if err := tx.DropWaits(ctx, string(rt.ID)); err != nil {
			return err
		}
		if err := tx.LiftHold(ctx, rt.ID); err != nil {
			return err
		}
		opp := rt.OpportunityID
		s.Status, s.Waiting, s.OpportunityID = expansion.Confirmed, expansion.WaitHeld, ""
		if err := tx.UpdateSignal(ctx, &s); err != nil {
			return err
		}
		a := activity(expansion.Human, "recalled", s)
		a.RoutingID, a.Person = rt.ID, by
		if err := e.tell(ctx, tx, s, a); err != nil {
			return err
		}
		if err := e.wantOpportunity(ctx, tx, s.ID, opp); err != nil {
			return err
		}
		ds, err := tx.DeliveriesOf(ctx, s.ID)
		if err != nil {
			return err
		}
		for _, d := range ds { // "please ignore" only where a mail was asked for
			if d.Channel == "email" && d.Kind == string(expansion.CardHandoff) && d.RoutingID == rt.ID {
				if err := e.want(ctx, tx, d); err != nil {
					return err
				}
			}
		}
		return e.refresh(ctx, tx, s.ID)
	})
}
