package route_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

// The oracle answers the shipped default policy from its description in words, as
// simply as can be and sharing no code with the package. It knows every acceptable
// recipient, where the package picks one.

type verdict struct {
	any  []expansion.PersonID
	kind expansion.RuleKind
}

func (v verdict) accepts(id expansion.PersonID) bool {
	return slices.Contains(v.any, id) || id == "" && len(v.any) == 0
}

type oracle struct{ f expansion.Facts }

func (o oracle) rep(id expansion.PersonID) *expansion.Rep {
	for _, r := range o.f.Reps {
		if r.ID == id {
			return &r
		}
	}
	return nil
}

func (o oracle) zone(r *expansion.Rep) *time.Location {
	if loc := oracleZones[r.TimeZone]; loc != nil {
		return loc
	}
	return time.UTC
}

var oracleZones = func() map[string]*time.Location {
	out := map[string]*time.Location{}
	for _, name := range []string{"America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		out[name], _ = time.LoadLocation(name)
	}
	return out
}()

// leave returns the first leave that contains today's date on the person's wall.
func (o oracle) leave(r *expansion.Rep) *expansion.Away {
	today := o.f.Now.In(o.zone(r)).Format(time.DateOnly)
	for _, a := range r.Away {
		if a.From.Format(time.DateOnly) <= today && today <= a.To.Format(time.DateOnly) {
			return &a
		}
	}
	return nil
}

// back walks the calendar day by day until a day without leave.
func (o oracle) back(r *expansion.Rep) time.Time {
	loc := o.zone(r)
	y, m, d := o.f.Now.In(loc).Date()
	for i := 0; ; i++ {
		date := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC)
		off := false
		for _, a := range r.Away {
			off = off || !date.Before(a.From) && !date.After(a.To)
		}
		if !off {
			return time.Date(y, m, d+i, 0, 0, 0, 0, loc)
		}
	}
}

func (o oracle) full(r *expansion.Rep) bool { return r.MaxOpen != nil && r.Open >= *r.MaxOpen }

// may says whether a person could be eligible but for load and leave.
func (o oracle) may(r *expansion.Rep, named bool) bool {
	return r != nil && r.Active && !slices.Contains(o.f.Exclude, r.ID) && (r.MaxOpen == nil || *r.MaxOpen != 0) &&
		(r.Role == "ae" || r.Role == "specialist" || named && r.Role == "manager")
}

func (o oracle) eligible(r *expansion.Rep, named bool) bool {
	return o.may(r, named) && o.leave(r) == nil && !o.full(r)
}

func (o oracle) valid(from, to *time.Time) bool {
	day := o.f.Now.UTC().Format(time.DateOnly)
	return (from == nil || from.Format(time.DateOnly) <= day) && (to == nil || to.Format(time.DateOnly) >= day)
}

type oracleRule struct {
	kind  expansion.RuleKind
	ids   []expansion.PersonID
	named bool
}

func (o oracle) rules() []oracleRule {
	f := o.f
	var withAccount, without, execs, specialists, territory, all []expansion.PersonID
	for _, p := range f.Partners {
		if f.CSM == "" || p.CSM != f.CSM || !o.valid(p.From, p.To) {
			continue
		}
		switch p.AccountID {
		case f.AccountID:
			withAccount = append(withAccount, p.Rep)
		case "":
			without = append(without, p.Rep)
		}
	}
	if len(withAccount) > 0 {
		without = withAccount
	}
	for _, n := range f.Named {
		if n.AccountID == f.AccountID && o.valid(n.From, n.To) {
			execs = append(execs, n.Rep)
		}
	}
	for _, r := range f.Reps {
		if r.Role == "specialist" && (len(r.Specialties) == 0 || slices.Contains(r.Specialties, f.ExpansionType)) {
			specialists = append(specialists, r.ID)
		}
		if r.Role == "ae" && f.Territory != "" && r.Territory == f.Territory {
			territory = append(territory, r.ID)
		}
		if r.Role == "ae" || r.Role == "specialist" {
			all = append(all, r.ID)
		}
	}
	var original []expansion.PersonID
	if f.OriginalAE != "" {
		original = append(original, f.OriginalAE)
	}
	out := []oracleRule{
		{"open_opportunity", f.OpenOwners, true}, {"partner", without, true}, {"named", execs, true}, {"original_ae", original, true},
	}
	if f.ExpansionType == "cross_sell" || f.ExpansionType == "tier" {
		out = append(out, oracleRule{"specialist", specialists, false})
	}
	return append(out, oracleRule{"territory", territory, false}, oracleRule{"specialist", specialists, false}, oracleRule{"catch_all", all, false})
}

// cover follows covers with a list of people already asked.
func (o oracle) cover(r *expansion.Rep, asked map[expansion.PersonID]bool) expansion.PersonID {
	if r == nil || !r.Active || o.leave(r) == nil || asked[r.ID] {
		return ""
	}
	asked[r.ID] = true
	c := o.rep(o.leave(r).Cover)
	if c == nil || asked[c.ID] {
		return ""
	}
	if o.eligible(c, false) {
		return c.ID
	}
	return o.cover(c, asked)
}

func (o oracle) answer() verdict {
	rules := o.rules()
	for _, u := range rules {
		var ok []expansion.PersonID
		for _, id := range u.ids {
			if o.eligible(o.rep(id), u.named) {
				ok = append(ok, id)
			}
		}
		if u.kind == "catch_all" {
			ok = o.lowest(ok)
		}
		if len(ok) > 0 {
			return verdict{ok, u.kind}
		}
		if !u.named {
			continue
		}
		for _, id := range u.ids {
			if slices.Contains(o.f.Exclude, id) {
				continue
			}
			if c := o.cover(o.rep(id), map[expansion.PersonID]bool{}); c != "" {
				ok = append(ok, c)
			}
		}
		if len(ok) > 0 {
			return verdict{ok, "cover"}
		}
	}
	for _, u := range rules {
		var ok []expansion.PersonID
		for _, id := range u.ids {
			if r := o.rep(id); o.may(r, u.named) && o.leave(r) == nil && o.full(r) {
				ok = append(ok, id)
			}
		}
		if len(ok) > 0 {
			return verdict{o.lowest(ok), "least_loaded"}
		}
	}
	var ok []expansion.PersonID
	var soonest time.Time
	for _, u := range rules {
		for _, id := range u.ids {
			r := o.rep(id)
			if !o.may(r, u.named) || o.leave(r) == nil {
				continue
			}
			switch back := o.back(r); {
			case len(ok) == 0 || back.Before(soonest):
				ok, soonest = []expansion.PersonID{id}, back
			case back.Equal(soonest):
				ok = append(ok, id)
			}
		}
	}
	if len(ok) > 0 {
		return verdict{ok, "back_soonest"}
	}
	return verdict{nil, "none"}
}

func (o oracle) lowest(ids []expansion.PersonID) []expansion.PersonID {
	var out []expansion.PersonID
	for _, id := range ids {
		switch {
		case len(out) == 0 || o.rep(id).Open < o.rep(out[0]).Open:
			out = []expansion.PersonID{id}
		case o.rep(id).Open == o.rep(out[0]).Open:
			out = append(out, id)
		}
	}
	return out
}

// facts makes a small world in which leaves, limits, covers and dates collide often.
// Each world has its own mood, so that the fallbacks come up as often as the rules.
func facts(r *rand.Rand) expansion.Facts {
	zones := []string{"", "UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Mars/Base"}
	roles := []expansion.Role{"ae", "ae", "ae", "specialist", "specialist", "manager", "csm", "revops"}
	types := expansion.ExpansionTypes
	now := time.Date(2026, 3, 1+r.IntN(20), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
	day := func(spread int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+r.IntN(2*spread+1)-spread, 0, 0, 0, 0, time.UTC)
	}
	mood := func() float64 { return r.Float64() * r.Float64() * 1.3 }
	awayish, fullish, goneish := mood(), mood(), mood()
	chance := func(p float64) bool { return r.Float64() < p }
	n := 1 + r.IntN(9)
	id := func() expansion.PersonID { return expansion.PersonID(fmt.Sprintf("p%d", r.IntN(n+1))) } // sometimes unknown
	var reps []expansion.Rep
	for i := range n {
		p := expansion.Rep{
			ID: expansion.PersonID(fmt.Sprintf("p%d", i)), Role: roles[r.IntN(len(roles))], Territory: []string{"", "West", "East"}[r.IntN(3)],
			TimeZone: zones[r.IntN(len(zones))], Active: !chance(goneish), Open: r.IntN(4), Picks: int64(r.IntN(5)),
		}
		if chance(0.7) {
			limit := r.IntN(5)
			if chance(fullish) {
				limit = r.IntN(p.Open + 1)
			}
			p.MaxOpen = &limit
		}
		for range r.IntN(3) {
			p.Specialties = append(p.Specialties, types[r.IntN(len(types))])
		}
		for chance(awayish) && len(p.Away) < 4 {
			from := day(3)
			a := expansion.Away{Person: p.ID, From: from, To: from.AddDate(0, 0, r.IntN(4))}
			if chance(0.7) {
				a.Cover = id()
			}
			p.Away = append(p.Away, a)
		}
		reps = append(reps, p)
	}
	f := expansion.Facts{
		Now: now, AccountID: "a1", Territory: []string{"", "West", "East", "North"}[r.IntN(4)], Type: expansion.SignalTypes[r.IntN(6)],
		ExpansionType: types[r.IntN(len(types))], Reps: reps, Strength: expansion.Strong, Score: 0.9,
	}
	if chance(0.8) {
		f.CSM = "p0"
	}
	if chance(0.5) {
		f.OriginalAE = id()
	}
	for chance(0.3) {
		f.OpenOwners = append(f.OpenOwners, id())
	}
	dates := func() (from, to *time.Time) {
		if chance(0.5) {
			d := day(2)
			from = &d
		}
		if chance(0.5) {
			d := day(2)
			to = &d
		}
		return from, to
	}
	for chance(0.4) {
		from, to := dates()
		f.Named = append(f.Named, expansion.NamedAccount{AccountID: []expansion.AccountID{"a1", "a1", "a2"}[r.IntN(3)], Rep: id(), From: from, To: to})
	}
	for chance(0.5) {
		from, to := dates()
		f.Partners = append(f.Partners, expansion.Partner{
			CSM:       []expansion.PersonID{"p0", "p0", "p1"}[r.IntN(3)],
			AccountID: []expansion.AccountID{"a1", "", "a2"}[r.IntN(3)], Rep: id(), From: from, To: to,
		})
	}
	for chance(0.15) {
		f.Exclude = append(f.Exclude, id())
	}
	return f
}

// TestDecideAgreesWithTheWords compares the package with the oracle on 40,000 worlds,
// on the way with the trace and on the fast one.
func TestDecideAgreesWithTheWords(t *testing.T) {
	t.Parallel()
	p := route.Default()
	kinds := map[expansion.RuleKind]int{}
	for seed := range uint64(40_000) {
		f := facts(rand.New(rand.NewPCG(seed, 7)))
		want := oracle{f}.answer()
		d, err := p.Decide(f)
		kinds[d.Kind]++
		if !want.accepts(d.To) || d.Kind != want.kind {
			t.Fatalf("seed %d: Decide gave %q as %s, want one of %q as %s\nreason %s\nfacts %s", seed, d.To, d.Kind, want.any, want.kind, d.Reason, show(f))
		}
		if (expansion.CodeOf(err) == expansion.CodeNoRecipient) != (d.To == "") || (err == nil) != (d.To != "") {
			t.Fatalf("seed %d: to %q with error %v", seed, d.To, err)
		}
		pick := p.Pick(route.NewTeam(f.Reps), &f)
		if got := (route.Choice{To: d.To, Role: d.Role, Kind: d.Kind, Rule: d.Rule, Covering: d.Covering, OverLimit: d.OverLimit}); pick != got {
			t.Fatalf("seed %d: Pick gave %+v, Decide %+v\nfacts %s", seed, pick, got, show(f))
		}
		without := f
		without.Exclude = append(slices.Clone(f.Exclude), d.To)
		if v := (oracle{without}).answer(); d.To != "" && !v.accepts(d.IfUnavailable) {
			t.Fatalf("seed %d: without %s Decide names %q, want one of %q\nfacts %s", seed, d.To, d.IfUnavailable, v.any, show(f))
		}
	}
	for _, k := range strings.Fields("open_opportunity partner named original_ae specialist territory catch_all cover least_loaded back_soonest none") {
		if kinds[expansion.RuleKind(k)] < 200 {
			t.Errorf("only %d of the worlds ended as %s: too few to prove anything (%v)", kinds[expansion.RuleKind(k)], k, kinds)
		}
	}
}

func show(f expansion.Facts) string {
	var b strings.Builder
	for _, r := range f.Reps {
		limit := "none"
		if r.MaxOpen != nil {
			limit = fmt.Sprint(*r.MaxOpen)
		}
		fmt.Fprintf(&b, "\n  %s %s active=%v %d of %s zone=%q territory=%q %v", r.ID, r.Role, r.Active, r.Open, limit, r.TimeZone, r.Territory, r.Specialties)
		for _, a := range r.Away {
			fmt.Fprintf(&b, " away %s..%s cover %q", a.From.Format("01-02"), a.To.Format("01-02"), a.Cover)
		}
	}
	return fmt.Sprintf("now %s csm %s ae %s owners %v type %s territory %q exclude %v named %v partners %v%s",
		f.Now.Format(time.RFC3339), f.CSM, f.OriginalAE, f.OpenOwners, f.ExpansionType, f.Territory, f.Exclude, f.Named, f.Partners, b.String())
}
