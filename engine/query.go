package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// Case returns all that viewer may see about a signal, routing or opportunity. ref is a
// ULID or a short number: S-1042, R-311, O-207.
func (e *Engine) Case(ctx context.Context, viewer expansion.PersonID, ref string) (expansion.Case, error) {
	v, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return expansion.Case{}, err
	}
	s, rt, err := e.resolve(ctx, ref)
	if err != nil {
		return expansion.Case{}, err
	}
	c, err := e.caseOf(ctx, v, s, rt)
	if err == nil {
		err = e.maySee(ctx, v, c.Account)
	}
	if err != nil {
		return expansion.Case{}, err
	}
	return c, nil
}

// maySee refuses a restricted account to whoever is neither on its team nor holds a
// routing of it, ended ones included (storyboard 7.16). In lists store.SignalFilter's
// Viewer holds the same rule.
func (e *Engine) maySee(ctx context.Context, p expansion.Person, a expansion.Account) error {
	if !a.Restricted || e.onTeam(p, a) {
		return nil
	}
	if holds, err := e.store.HoldsRouting(ctx, p.ID, a.ID); err != nil || holds {
		return err
	}
	return expansion.Errorf(expansion.CodeDenied, "%s is restricted to its account team. Ask RevOps.", a.Name)
}

// resolve finds what a reference means. The routing is "" for a signal.
func (e *Engine) resolve(ctx context.Context, ref string) (expansion.SignalID, expansion.RoutingID, error) {
	ref = strings.ToUpper(strings.TrimSpace(ref))
	kind, digits, short := strings.Cut(ref, "-")
	n, err := strconv.ParseInt(digits, 10, 64)
	if short && err == nil {
		switch kind {
		case "S":
			s, err := e.store.SignalByNumber(ctx, n)
			return s.ID, "", err
		case "R":
			r, err := e.store.RoutingByNumber(ctx, n)
			return r.SignalID, r.ID, err
		case "O":
			o, err := e.store.OpportunityByNumber(ctx, n)
			return o.SignalID, o.RoutingID, err
		}
	}
	if s, err := e.store.Signal(ctx, expansion.SignalID(ref)); expansion.CodeOf(err) != expansion.CodeNotFound {
		return s.ID, "", err
	}
	if r, err := e.store.Routing(ctx, expansion.RoutingID(ref)); expansion.CodeOf(err) != expansion.CodeNotFound {
		return r.SignalID, r.ID, err
	}
	if o, err := e.store.Opportunity(ctx, expansion.OpportunityID(ref)); expansion.CodeOf(err) != expansion.CodeNotFound {
		return o.SignalID, o.RoutingID, err
	}
	return "", "", expansion.Errorf(expansion.CodeNotFound, "I don't know %s. Signals look like S-1042, routings like R-311, opportunities like O-207.", expansion.Quote(ref))
}

// caseOf draws up a case. routing is the one the view is about, "" for the signal's own
// view (which shows the live routing if there is one).
func (e *Engine) caseOf(ctx context.Context, viewer expansion.Person, id expansion.SignalID, routing expansion.RoutingID) (expansion.Case, error) {
	r := e.store.Reader
	c := expansion.Case{Now: e.clock.Now(), Viewer: viewer}
	people, err := r.People(ctx)
	if err != nil {
		return c, err
	}
	c.People = byID(people)
	if c.Signal, err = r.Signal(ctx, id); err != nil {
		return c, err
	}
	if c.Account, err = r.Account(ctx, c.Signal.AccountID); err != nil {
		return c, err
	}
	if c.Evidence, err = r.SignalEvidence(ctx, id); err != nil {
		return c, err
	}
	sc, err := r.Context(ctx, id)
	if err != nil {
		return c, err
	}
	c.Context, c.Duplicates = sc.Context, sc.Open
	if c.Activities, err = r.Activities(ctx, id); err != nil {
		return c, err
	}
	live, err := r.LiveRouting(ctx, id)
	if err != nil {
		return c, err
	}
	c.Routing = live
	if routing != "" && (live == nil || live.ID != routing) {
		own, err := r.Routing(ctx, routing)
		if err != nil {
			return c, err
		}
		c.Routing, c.Current = &own, live
	}
	if rt := c.Routing; rt != nil {
		o, err := r.Opportunity(ctx, rt.OpportunityID)
		if err != nil {
			return c, err
		}
		c.Opportunity = &o
		p, err := e.policyOf(ctx, r, *rt)
		if err != nil {
			return c, err
		}
		t := p.Timing()
		c.AckWithin, c.AnswerWithin = t.AckTarget, t.NotRealAnswer
		if until := rt.RoutedAt.Add(t.UndoWindow); rt.Open() && rt.Status == expansion.Pending && c.Now.Before(until) {
			c.UndoUntil = &until
		}
	}
	c.RoutesAt = routesAt(c.Signal)
	if s := c.Signal; s.Status == expansion.Detected || s.Status == expansion.Confirmed || s.Status == expansion.Parked {
		d, err := e.decide(ctx, r, c.Now, s, c.Account, people)
		if err != nil && expansion.CodeOf(err) != expansion.CodeNoRecipient {
			return c, err
		}
		c.Plan = &d
	}
	c.Notices, err = e.notices(ctx, c)
	return c, err
}

// routesAt is when a signal's review window ends; nil when it is not in review.
func routesAt(s expansion.Signal) *time.Time {
	if s.Waiting != expansion.WaitReview {
		return nil
	}
	return s.WaitUntil
}

// notices are the lines a card shows because something outside does not work right now.
func (e *Engine) notices(ctx context.Context, c expansion.Case) ([]expansion.Notice, error) {
	ds, err := e.store.DeliveriesOf(ctx, c.Signal.ID)
	if err != nil {
		return nil, err
	}
	var out []expansion.Notice
	if o := c.Opportunity; o != nil && o.GoneAt != nil && c.Routing.Open() {
		out = append(out, expansion.Notice{Kind: "crm_gone", Text: fmt.Sprintf("It is not in %s any more, so nothing is written there. Restore it there, or close it here as won or lost.", e.crmLabel())})
	}
	var reached reach
	if rt := c.Routing; rt != nil && rt.Open() {
		if reached = reachOf(ds, rt.ID); reached.noSlack {
			out = append(out, expansion.Notice{Kind: "no_slack", Text: reached.words(c.People[rt.To])})
		}
	}
	for _, d := range ds {
		if d.State != store.Retry && d.State != store.Blocked {
			continue
		}
		n := expansion.Notice{Try: d.Attempt, Next: d.NextAt}
		if d.Channel == channelCRM && waitsForPeople(d.Reason) {
			n = expansion.Notice{} // it is looked at for days: the cards are not drawn anew to count that
		}
		switch {
		case d.Channel == channelCRM && d.Reason == reasonNoAccount:
			n.Kind, n.Text = "not_in_crm", fmt.Sprintf("%s is not in %s yet; the opportunity will be created when it is added there.", c.Account.Name, e.crmLabel())
		case d.Channel == channelCRM && d.Reason == reasonTwoAccounts:
			n.Kind, n.Text = "not_in_crm", fmt.Sprintf("%s has several companies called %s; the opportunity will be created when one is left.", e.crmLabel(), c.Account.Name)
		case d.Channel == channelCRM && d.State == store.Retry:
			n.Kind, n.Text = "crm_down", fmt.Sprintf("%s is not answering; the opportunity will be created when it is back.", e.crmLabel())
			if c.Opportunity != nil && c.Opportunity.CRMID != "" {
				n.Text = fmt.Sprintf("%s is not answering; the opportunity will be updated when it is back.", e.crmLabel())
			}
		case d.Channel == channelCRM:
			n.Kind, n.Text = "crm_down", fmt.Sprintf("%s refused the opportunity (%s). RevOps can see why with doctor.", e.crmLabel(), strings.ReplaceAll(d.Reason, "_", " "))
		case d.Channel == "email" && d.Kind == string(expansion.CardHandoff) && c.Routing != nil && d.RoutingID == c.Routing.ID && !reached.noSlack:
			n.Kind, n.Text = "mail_down", "The email is not out yet; the mail server does not take it."
		default:
			continue
		}
		out = append(out, n)
	}
	if rt := c.Routing; rt != nil {
		if rt.Decision.OverLimit {
			out = append(out, expansion.Notice{Kind: "over_limit", Text: "Over the limit of open routings: everybody else is full too."})
		}
		for _, d := range ds {
			if d.Channel == "slack" && d.Kind == string(expansion.CardHandoff) && d.RoutingID == rt.ID && d.SentAt != nil {
				if late := d.SentAt.Sub(d.CreatedAt); late > time.Minute {
					out = append(out, expansion.Notice{Kind: "slack_late", Text: fmt.Sprintf("Delayed %d min", int(late.Minutes())), Delay: late})
				}
			}
		}
	}
	return out, nil
}

func (e *Engine) crmLabel() string {
	if e.crm == nil {
		return "The CRM"
	}
	if e.crm.Name() == "hubspot" {
		return "HubSpot"
	}
	return "Salesforce"
}

// SearchAccounts finds accounts by a part of their name or domain.
func (e *Engine) SearchAccounts(ctx context.Context, q string, limit int) ([]expansion.Account, error) {
	return e.store.SearchAccounts(ctx, q, limit)
}

// PersonChoice is somebody a person can choose, with what helps to choose.
type PersonChoice struct {
	expansion.Person
	Open      int        // open routings
	AwayUntil *time.Time // last day away, when away today
}

// SearchPeople finds active people by a part of their name or address, sellers first.
func (e *Engine) SearchPeople(ctx context.Context, q string, limit int) ([]PersonChoice, error) {
	people, err := e.store.People(ctx)
	if err != nil {
		return nil, err
	}
	loads, err := e.store.Loads(ctx)
	if err != nil {
		return nil, err
	}
	now := e.clock.Now()
	aways, err := e.store.Aways(ctx, now)
	if err != nil {
		return nil, err
	}
	q = strings.ToLower(strings.TrimSpace(q))
	var out []PersonChoice
	for _, p := range people {
		if !p.Active || !strings.Contains(strings.ToLower(p.Name+" "+p.Email), q) {
			continue
		}
		c := PersonChoice{Person: p, Open: int(loads[p.ID].Open)}
		today := dateOnly(now.In(p.Location()))
		for _, a := range aways {
			if a.Person == p.ID && !today.Before(a.From) && !today.After(a.To) {
				c.AwayUntil = &a.To
			}
		}
		out = append(out, c)
	}
	sells := func(p expansion.Person) int {
		if p.Role == expansion.RoleAE || p.Role == expansion.RoleSpecialist {
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b PersonChoice) int {
		if d := sells(a.Person) - sells(b.Person); d != 0 {
			return d
		}
		return strings.Compare(a.Name+a.Email, b.Name+b.Email)
	})
	if len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

// Contacts lists the people of an account.
func (e *Engine) Contacts(ctx context.Context, id expansion.AccountID) ([]expansion.Contact, error) {
	return e.store.Contacts(ctx, id)
}

// AccountView is one account as `/expansion account` shows it.
type AccountView struct {
	Account    expansion.Account
	Context    expansion.Context
	Cases      []expansion.Case // open ones, newest first, 20 at most
	Open       int              // all that are open
	Hold       *expansion.Hold
	Activities []expansion.Activity // the last five, newest first
	People     map[expansion.PersonID]expansion.Person
}

// AccountView draws up an account. A restricted one is for its team, managers and RevOps.
func (e *Engine) AccountView(ctx context.Context, viewer expansion.PersonID, id expansion.AccountID) (AccountView, error) {
	var v AccountView
	p, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return v, err
	}
	if v.Account, err = e.store.Account(ctx, id); err != nil {
		return v, err
	}
	if err := e.maySee(ctx, p, v.Account); err != nil {
		return v, err
	}
	people, err := e.store.People(ctx)
	if err != nil {
		return v, err
	}
	v.People = byID(people)
	if v.Hold, err = e.store.Hold(ctx, id, e.clock.Now()); err != nil {
		return v, err
	}
	if v.Activities, err = e.store.ActivitiesOfAccount(ctx, id, 5); err != nil {
		return v, err
	}
	v.Context = e.gather(ctx, v.Account)
	f := store.SignalFilter{AccountID: id, Statuses: openStatuses, Limit: 20}
	if v.Open, _, err = e.store.CountSignals(ctx, f); err != nil {
		return v, err
	}
	ss, err := e.store.Signals(ctx, f)
	if err != nil {
		return v, err
	}
	v.Cases, err = e.lines(ctx, p, ss)
	return v, err
}

// onTeam: the CSM, the original AE, managers and RevOps.
func (e *Engine) onTeam(p expansion.Person, a expansion.Account) bool {
	return p.ID == a.CSM || p.ID == a.OriginalAE || p.Role == expansion.RoleManager || e.IsAdmin(p)
}
