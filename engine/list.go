package engine

import (
	"context"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

var openStatuses = []expansion.SignalStatus{expansion.Detected, expansion.Confirmed, expansion.Routed, expansion.Parked}

// Bounds of a line in a list: what it shows is among the newest.
const (
	lineEvidence   = 5
	lineActivities = 50
)

// lines draws up a case for each signal as a line of a list shows it: with the signal's
// own routing, and without plan, context and notices. However many there are, it costs
// the same few queries.
func (e *Engine) lines(ctx context.Context, viewer expansion.Person, ss []expansion.Signal) ([]expansion.Case, error) {
	if len(ss) == 0 {
		return nil, nil
	}
	r := e.store.Reader
	people, err := r.People(ctx)
	if err != nil {
		return nil, err
	}
	known, now := byID(people), e.clock.Now()
	ids, accounts := make([]expansion.SignalID, len(ss)), make([]expansion.AccountID, len(ss))
	for i, s := range ss {
		ids[i], accounts[i] = s.ID, s.AccountID
	}
	as, err := r.AccountsByID(ctx, accounts)
	if err != nil {
		return nil, err
	}
	evidence, err := r.EvidenceOf(ctx, ids, lineEvidence)
	if err != nil {
		return nil, err
	}
	activities, err := r.ActivitiesOf(ctx, ids, lineActivities)
	if err != nil {
		return nil, err
	}
	live, err := r.LiveRoutings(ctx, ids)
	if err != nil {
		return nil, err
	}
	opportunities := make([]expansion.OpportunityID, 0, len(live))
	for _, rt := range live {
		opportunities = append(opportunities, rt.OpportunityID)
	}
	os, err := r.OpportunitiesByID(ctx, opportunities)
	if err != nil {
		return nil, err
	}
	out := make([]expansion.Case, len(ss))
	for i, s := range ss {
		c := expansion.Case{Now: now, Viewer: viewer, People: known, Signal: s, Account: as[s.AccountID], Evidence: evidence[s.ID], Activities: activities[s.ID], RoutesAt: routesAt(s)}
		if rt, ok := live[s.ID]; ok {
			c.Routing = &rt
			if o, ok := os[rt.OpportunityID]; ok {
				c.Opportunity = &o
			}
		}
		out[i] = c
	}
	return out, nil
}

// List returns a page of signals, newest first, and the cursor of the next page, 0 at the
// end.
func (e *Engine) List(ctx context.Context, viewer expansion.PersonID, f ListFilter) ([]expansion.Case, int64, error) {
	p, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return nil, 0, err
	}
	ss, next, err := e.page(ctx, p, f)
	if err != nil {
		return nil, 0, err
	}
	cs, err := e.lines(ctx, p, ss)
	return cs, next, err
}

// page reads the signals of a page of a list that the viewer may see.
func (e *Engine) page(ctx context.Context, viewer expansion.Person, f ListFilter) ([]expansion.Signal, int64, error) {
	sf, err := e.signalFilter(ctx, viewer, f)
	if err != nil {
		return nil, 0, err
	}
	limit := min(max(f.Limit, 0), 100)
	if limit == 0 {
		limit = 10
	}
	sf.Limit = limit + 1
	ss, err := e.store.Signals(ctx, sf)
	if err != nil || len(ss) <= limit {
		return ss, 0, err
	}
	return ss[:limit], ss[limit-1].Number, nil
}

func (e *Engine) signalFilter(ctx context.Context, viewer expansion.Person, f ListFilter) (store.SignalFilter, error) {
	sf := store.SignalFilter{Types: f.Types, Strengths: f.Strengths, Statuses: f.Statuses, AccountID: f.AccountID, Since: f.Since, Before: f.After}
	if viewer.Role != expansion.RoleManager && !e.IsAdmin(viewer) {
		sf.Viewer = viewer.ID
	}
	if f.Owner != "" {
		sf.Owners = []expansion.PersonID{f.Owner}
	}
	if f.Team != "" {
		people, err := e.store.People(ctx)
		if err != nil {
			return sf, err
		}
		sf.Owners = append(sf.Owners, f.Team)
		for _, p := range people {
			if p.Manager == f.Team {
				sf.Owners = append(sf.Owners, p.ID)
			}
		}
	}
	return sf, nil
}

// mineLimit is how many cases Mine draws up; more are counted.
const mineLimit = 20

// Mine returns what waits on a person, oldest first: routings to acknowledge or to work,
// previews and questions, escalations. total counts those beyond the 20 it returns, too.
func (e *Engine) Mine(ctx context.Context, viewer expansion.PersonID) (cs []expansion.Case, total int, err error) {
	p, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return nil, 0, err
	}
	f, err := e.needs(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	f.Oldest, f.Limit = true, mineLimit
	if total, _, err = e.store.CountSignals(ctx, f); err != nil {
		return nil, 0, err
	}
	ss, err := e.store.Signals(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	cs, err = e.lines(ctx, p, ss)
	return cs, total, err
}

// needs are the signals that wait on a person.
func (e *Engine) needs(ctx context.Context, p expansion.Person) (store.SignalFilter, error) {
	f, err := e.signalFilter(ctx, p, ListFilter{})
	f.Needs = p.ID
	return f, err
}

// HomeView is one page of App Home and the totals above it.
type HomeView struct {
	Groups      []HomeGroup // by customer, the one with the newest signal first
	Page, Pages int         // from 1
	Totals      Totals
}

// HomeGroup is one customer.
type HomeGroup struct {
	Account expansion.Account
	Cases   []expansion.Case // newest first; the page's first 100
	Signals int              // in the filter, drawn or not
}

// Totals are the figures on top of App Home. NeedYou is what waits on the viewer; the
// others are of the scope (Owner or Team of the filter), whatever else it narrows.
type Totals struct {
	NeedYou, Open, Won int
	WonARR             []expansion.Money // this quarter, per currency
}

// Bounds of a page of App Home (storyboard 8). Slack shows 100 blocks at most.
const (
	homeCustomers = 8
	homeRows      = 100
)

// Home draws up a page of App Home for a person. A page beyond the last is the last.
func (e *Engine) Home(ctx context.Context, viewer expansion.PersonID, f ListFilter, page int) (HomeView, error) {
	var v HomeView
	p, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return v, err
	}
	if v.Totals, err = e.totals(ctx, p, f); err != nil {
		return v, err
	}
	sf, err := e.signalFilter(ctx, p, f)
	if err != nil {
		return v, err
	}
	if len(sf.Statuses) == 0 {
		sf.Statuses = openStatuses
	}
	_, accounts, err := e.store.CountSignals(ctx, sf)
	if err != nil {
		return v, err
	}
	v.Pages = max(1, (accounts+homeCustomers-1)/homeCustomers)
	v.Page = min(max(page, 1), v.Pages)
	counted, err := e.store.SignalAccounts(ctx, sf, (v.Page-1)*homeCustomers, homeCustomers)
	if err != nil || len(counted) == 0 {
		return v, err
	}
	rows, at := 0, map[expansion.AccountID]int{}
	ids := make([]expansion.AccountID, len(counted))
	for i, c := range counted {
		if ids[i], at[c.ID] = c.ID, i; rows < homeRows {
			sf.Accounts = append(sf.Accounts, c.ID)
		}
		rows += c.Signals
	}
	sf.PerEach = homeRows
	ss, err := e.store.Signals(ctx, sf)
	if err != nil {
		return v, err
	}
	cs, err := e.lines(ctx, p, ss)
	if err != nil {
		return v, err
	}
	as, err := e.store.AccountsByID(ctx, ids)
	if err != nil {
		return v, err
	}
	v.Groups = make([]HomeGroup, len(counted))
	for i, c := range counted {
		v.Groups[i] = HomeGroup{Account: as[c.ID], Signals: c.Signals}
	}
	for _, c := range cs {
		g := &v.Groups[at[c.Account.ID]]
		g.Cases = append(g.Cases, c)
	}
	return v, nil
}

func (e *Engine) totals(ctx context.Context, p expansion.Person, f ListFilter) (Totals, error) {
	var t Totals
	scope, err := e.signalFilter(ctx, p, ListFilter{Owner: f.Owner, Team: f.Team})
	if err != nil {
		return t, err
	}
	now := e.clock.Now().In(p.Location())
	quarter := time.Date(now.Year(), now.Month()-(now.Month()-1)%3, 1, 0, 0, 0, 0, p.Location())
	if t.Won, t.WonARR, err = e.store.WonSince(ctx, scope, quarter); err != nil {
		return t, err
	}
	scope.Statuses = openStatuses
	if t.Open, _, err = e.store.CountSignals(ctx, scope); err != nil {
		return t, err
	}
	needs, err := e.needs(ctx, p)
	if err != nil {
		return t, err
	}
	t.NeedYou, _, err = e.store.CountSignals(ctx, needs)
	return t, err
}
