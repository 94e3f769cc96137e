package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"expansionbot/expansion"
	"expansionbot/source"
	"expansionbot/store"
)

// Actor is who a program acts for: the person with the address, or for "" the first of
// the admins who is in the people list. Nobody is CodeDenied.
func (e *Engine) Actor(ctx context.Context, email string) (expansion.Person, error) {
	if email = strings.ToLower(strings.TrimSpace(email)); email != "" {
		p, err := e.store.PersonByEmail(ctx, email)
		if expansion.CodeOf(err) == expansion.CodeNotFound || err == nil && !p.Active {
			return p, expansion.Errorf(expansion.CodeDenied, "Nobody active in the people list has the address %s. Import them first, or leave the address out.", expansion.Quote(email))
		}
		return p, err
	}
	people, err := e.store.People(ctx)
	if err != nil {
		return expansion.Person{}, err
	}
	admins := e.adminPeople(people)
	if len(admins) == 0 {
		return expansion.Person{}, expansion.Errorf(expansion.CodeDenied, "None of the admins is in the people list. Import one, or name the person who acts by e-mail.")
	}
	// In the order of config.yaml; RevOps whom only the people list knows come last.
	rank := func(p expansion.Person) int {
		if i := slices.Index(e.admins, strings.ToLower(p.Email)); i >= 0 {
			return i
		}
		return len(e.admins)
	}
	return slices.MinFunc(admins, func(a, b expansion.Person) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(string(a.ID), string(b.ID))
	}), nil
}

// Submit keeps a signal that a program posted. Evidence delivered before (same source and
// SourceID) changes nothing, evidence for an open signal is added to it; fresh says that
// the signal is new. With by it is that person's, as if they had logged it; with "" it
// counts as found automatically and goes to the account's CSM, quietly while in shadow.
// What a person noticed (by, or the source manual) would have been asked about beside a
// similar open signal; a program cannot be asked, so it is added to that one: a note under
// the wrong signal is read by the same people, a second deal is counted twice.
// An empty What is written from Details.
func (e *Engine) Submit(ctx context.Context, by expansion.PersonID, in LogInput) (s expansion.Signal, fresh bool, err error) {
	if strings.TrimSpace(in.What) == "" {
		in.What = whatOf(in)
	}
	if in.Source == "" && by == "" {
		in.Source = expansion.SourceSystem
	}
	if err := checkLog(&in, e.clock.Now()); err != nil {
		return s, false, err
	}
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		acct, err := tx.Account(ctx, in.AccountID)
		if err != nil {
			return err
		}
		f := e.manualFinding(in, acct, by, tx)
		var addTo expansion.SignalID
		if by != "" || f.Evidence.Source == expansion.SourceManual {
			if like, err := e.similar(ctx, tx, f); err != nil {
				return err
			} else if like != nil {
				addTo = like.ID
			}
		}
		s, fresh, err = e.ingest(ctx, tx, f, addTo)
		return err
	})
	if err != nil || !fresh {
		return s, fresh, err
	}
	// The jobs do this in a moment; doing it now lets the caller route at once. What goes
	// wrong here goes right in the job, and the signal is kept.
	if err := e.Enrich(ctx, s.ID); err != nil {
		e.log.WarnContext(ctx, "context not gathered yet; the job tries again", "signal_id", s.ID, "err", err)
	} else if err := e.Plan(ctx, s.ID); err != nil {
		e.log.WarnContext(ctx, "not planned yet; the job tries again", "signal_id", s.ID, "err", err)
	}
	now, err := e.store.Signal(ctx, s.ID)
	return now, fresh, err
}

// whatOf is a sentence for evidence that came without one: "Usage growth: seats 112,
// limit 100", or where it is from when there are no plain details.
func whatOf(in LogInput) string {
	var parts []string
	for k, v := range in.Details {
		switch v := v.(type) {
		case string:
			if v = strings.TrimSpace(v); v != "" && len(v) <= 200 {
				parts = append(parts, spaced(k)+" "+v)
			}
		case float64, bool, int, int64:
			parts = append(parts, fmt.Sprintf("%s %v", spaced(k), v))
		}
	}
	slices.Sort(parts)
	if len(parts) > 5 {
		parts = parts[:5]
	}
	if len(parts) > 0 {
		if s := in.Type.Label() + ": " + strings.Join(parts, ", "); len(s) >= minWhat {
			return s
		}
	}
	from := in.Source
	if from == "" {
		from = expansion.SourceSystem
	}
	return in.Type.Label() + ", reported by " + strings.ReplaceAll(string(from), "_", " ")
}

// spaced writes a JSON key as words: seatsUsed and seats_used are "seats used".
func spaced(key string) string {
	var b strings.Builder
	for i, r := range key {
		switch {
		case r == '_' || r == '-':
			b.WriteByte(' ')
		case i > 0 && unicode.IsUpper(r):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// SignalsOf returns a page of an account's signals, newest first, and the cursor of the
// next page, 0 at the end. A restricted account is for its team, managers and RevOps.
func (e *Engine) SignalsOf(ctx context.Context, viewer expansion.PersonID, f ListFilter) ([]expansion.Signal, int64, error) {
	p, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return nil, 0, err
	}
	acct, err := e.store.Account(ctx, f.AccountID)
	if err != nil {
		return nil, 0, err
	}
	if err := e.maySee(ctx, p, acct); err != nil {
		return nil, 0, err
	}
	return e.page(ctx, p, f)
}

// SignalByRef finds a signal by its ULID or number: S-1042 or 1042.
func (e *Engine) SignalByRef(ctx context.Context, ref string) (expansion.Signal, error) {
	ref = strings.ToUpper(strings.TrimSpace(ref))
	if n, ok := number(ref, "S-"); ok {
		return e.store.SignalByNumber(ctx, n)
	}
	s, err := e.store.Signal(ctx, expansion.SignalID(ref))
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return s, expansion.Errorf(expansion.CodeNotFound, "There is no signal %s. Ids look like S-1042 or are the id the API answered.", expansion.Quote(ref))
	}
	return s, err
}

// number reads "1042" or prefix + "1042".
func number(ref, prefix string) (int64, bool) {
	ref = strings.TrimPrefix(ref, prefix)
	if ref == "" || len(ref) > 18 {
		return 0, false
	}
	var n int64
	for _, r := range ref {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int64(r-'0')
	}
	return n, true
}

// OpportunityView is an opportunity with its routing.
type OpportunityView struct {
	Opportunity expansion.Opportunity
	Routing     expansion.Routing // the current one
	Owner       expansion.Person  // zero when the owner is not known any more
}

// OpportunityByRef finds an opportunity by its ULID, by the CRM's id or by its number:
// O-207 or 207. The CRM's id wins over a bare number. A restricted account is for its
// team, managers, RevOps and whoever has a routing of it.
func (e *Engine) OpportunityByRef(ctx context.Context, viewer expansion.PersonID, ref string) (OpportunityView, error) {
	var v OpportunityView
	p, err := e.person(ctx, e.store.Reader, viewer)
	if err != nil {
		return v, err
	}
	if v.Opportunity, err = e.findOpportunity(ctx, strings.TrimSpace(ref)); err != nil {
		return v, err
	}
	acct, err := e.store.Account(ctx, v.Opportunity.AccountID)
	if err != nil {
		return v, err
	}
	if err := e.maySee(ctx, p, acct); err != nil {
		return v, err
	}
	if v.Routing, err = e.store.Routing(ctx, v.Opportunity.RoutingID); err != nil {
		return v, err
	}
	if v.Owner, err = e.store.Person(ctx, v.Opportunity.Owner); expansion.CodeOf(err) == expansion.CodeNotFound {
		err = nil
	}
	return v, err
}

func (e *Engine) findOpportunity(ctx context.Context, ref string) (expansion.Opportunity, error) {
	upper := strings.ToUpper(ref)
	missing := func(err error) bool { return expansion.CodeOf(err) == expansion.CodeNotFound }
	if strings.HasPrefix(upper, "O-") {
		if n, ok := number(upper, "O-"); ok {
			return e.store.OpportunityByNumber(ctx, n)
		}
	}
	if o, err := e.store.Opportunity(ctx, expansion.OpportunityID(upper)); !missing(err) {
		return o, err
	}
	if o, err := e.store.OpportunityByCRMID(ctx, ref); ref != "" && !missing(err) {
		return o, err
	}
	if n, ok := number(upper, "O-"); ok {
		if o, err := e.store.OpportunityByNumber(ctx, n); !missing(err) {
			return o, err
		}
	}
	return expansion.Opportunity{}, expansion.Errorf(expansion.CodeNotFound, "There is no opportunity %s. Ids look like O-207, are the id the API answered, or the CRM's.", expansion.Quote(ref))
}

// ActivityItem is a line of the shared log as a person reads it.
type ActivityItem struct {
	expansion.Activity
	Text    string // a sentence
	Signal  string // "S-1042", "" for none
	Routing string // "R-311", "" for none
	Account string // the account's name, "" for none
}

// ActivityItems returns up to limit lines of the shared log with an id above after,
// oldest first.
func (e *Engine) ActivityItems(ctx context.Context, after int64, limit int) ([]ActivityItem, error) {
	as, err := e.store.ActivitiesAfter(ctx, after, limit)
	if err != nil || len(as) == 0 {
		return nil, err
	}
	people, err := e.store.People(ctx)
	if err != nil {
		return nil, err
	}
	known := byID(people)
	name := func(id expansion.PersonID) string { return known[id].Name }
	signals, routings, accounts := make([]expansion.SignalID, len(as)), make([]expansion.RoutingID, len(as)), make([]expansion.AccountID, len(as))
	for i, a := range as {
		signals[i], routings[i], accounts[i] = a.SignalID, a.RoutingID, a.AccountID
	}
	s, err := e.store.SignalNumbers(ctx, signals)
	if err != nil {
		return nil, err
	}
	r, err := e.store.RoutingNumbers(ctx, routings)
	if err != nil {
		return nil, err
	}
	names, err := e.store.AccountNames(ctx, accounts)
	if err != nil {
		return nil, err
	}
	out := make([]ActivityItem, len(as))
	for i, a := range as {
		out[i] = ActivityItem{Activity: a, Text: a.Words(name), Account: names[a.AccountID]}
		if n, ok := s[a.SignalID]; ok {
			out[i].Signal = expansion.Signal{Number: n}.Label()
		}
		if n, ok := r[a.RoutingID]; ok {
			out[i].Routing = expansion.Routing{Number: n}.Label()
		}
	}
	return out, nil
}

// PushRows is Push for callers that know the kind by name: usage, events or health.
func (e *Engine) PushRows(ctx context.Context, kind string, r io.Reader) (source.Stats, []source.RowError, error) {
	return e.Push(ctx, source.Kind(kind), r)
}

// Answer is what a request with an idempotency key was answered.
type Answer = store.Answer

// KeepAnswer keeps an answer under a key; the first one stays.
func (e *Engine) KeepAnswer(ctx context.Context, key string, a Answer) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error { return tx.PutAnswer(ctx, key, a) })
}

// Census is how much of what there is, for metrics.
type Census struct {
	Signals     map[string]int            // by status
	Jobs        map[string]int            // by state
	Undelivered map[string]map[string]int // channel → state (retry, blocked)
}

// Census counts.
func (e *Engine) Census(ctx context.Context) (Census, error) {
	var c Census
	var err error
	if c.Signals, err = e.store.SignalsByStatus(ctx); err != nil {
		return c, err
	}
	if c.Jobs, err = e.store.JobsByState(ctx); err != nil {
		return c, err
	}
	c.Undelivered, err = e.store.UndeliveredByChannel(ctx)
	return c, err
}
