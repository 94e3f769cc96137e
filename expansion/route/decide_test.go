package route_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var tuesday = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

func date(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestTakes(t *testing.T) {
	t.Parallel()
	for role, want := range map[expansion.Role]bool{
		expansion.RoleAE: true, expansion.RoleSpecialist: true, expansion.RoleManager: true,
		expansion.RoleCSM: false, expansion.RoleRevOps: false, "": false, "guest": false,
	} {
		if got := route.Takes(role); got != want {
			t.Errorf("%q may be given a signal by name: %v, want %v", role, got, want)
		}
	}
}

// rep makes an active person with a limit of 8: "ae", "specialist", …
func rep(id expansion.PersonID, role expansion.Role, changes ...func(*expansion.Rep)) expansion.Rep {
	limit := 8
	r := expansion.Rep{ID: id, Role: role, Active: true, MaxOpen: &limit, Open: 3}
	for _, c := range changes {
		c(&r)
	}
	return r
}

func off(from, to string, cover expansion.PersonID) func(*expansion.Rep) {
	return func(r *expansion.Rep) {
		r.Away = append(r.Away, expansion.Away{Person: r.ID, From: date(from), To: date(to), Cover: cover})
	}
}
func load(n int) func(*expansion.Rep)     { return func(r *expansion.Rep) { r.Open = n } }
func gone(r *expansion.Rep)               { r.Active = false }
func west(r *expansion.Rep)               { r.Territory = "West" }
func zoned(z string) func(*expansion.Rep) { return func(r *expansion.Rep) { r.TimeZone = z } }
func limited(n int) func(*expansion.Rep)  { return func(r *expansion.Rep) { r.MaxOpen = &n } }
func special(ts ...expansion.ExpansionType) func(*expansion.Rep) {
	return func(r *expansion.Rep) { r.Specialties = ts }
}

func TestDecide(t *testing.T) {
	t.Parallel()
	people := func(rs ...expansion.Rep) func(*expansion.Facts) {
		return func(f *expansion.Facts) { f.Reps = rs }
	}
	tests := []struct {
		name   string
		facts  []func(*expansion.Facts)
		want   route.Choice
		reason string
	}{
		{
			"the original AE gets it",
			[]func(*expansion.Facts){people(rep("marcus", "ae"), rep("dana", "ae", west))},
			route.Choice{To: "marcus", Role: "ae", Kind: "original_ae", Rule: "original-ae"},
			"original AE on the account, active, load 3 of 8",
		},
		{
			"the owner of an open opportunity wins over the original AE",
			[]func(*expansion.Facts){
				people(rep("marcus", "ae"), rep("dana", "ae")),
				func(f *expansion.Facts) { f.OpenOwners = []expansion.PersonID{"dana"} },
			},
			route.Choice{To: "dana", Role: "ae", Kind: "open_opportunity", Rule: "open-opportunity"},
			"owner of an open opportunity on the account, active, load 3 of 8",
		},
		{
			"skips a rep who is away and takes the cover",
			[]func(*expansion.Facts){people(rep("marcus", "ae", off("2026-03-09", "2026-04-02", "dana")), rep("dana", "ae", load(2)))},
			route.Choice{To: "dana", Role: "ae", Kind: "cover", Rule: "original-ae", Covering: "marcus"},
			"cover for the original AE on the account, who is away until 2026-04-02; load 2 of 8",
		},
		{
			"a cover who is away hands on, never round a circle",
			[]func(*expansion.Facts){people(rep("marcus", "ae", off("2026-03-09", "2026-03-13", "dana")),
				rep("dana", "ae", off("2026-03-10", "2026-03-10", "ben")), rep("ben", "ae", off("2026-03-10", "2026-03-10", "dana")), rep("tomoko", "specialist"))},
			route.Choice{To: "tomoko", Role: "expansion_rep", Kind: "specialist", Rule: "specialist-any"},
			"specialist for seats, active, load 3 of 8",
		},
		{
			"a leave is over at midnight of the person's own clock",
			[]func(*expansion.Facts){
				people(rep("marcus", "ae", off("2026-03-09", "2026-03-09", "dana"), zoned("Asia/Tokyo")), rep("dana", "ae")),
				func(f *expansion.Facts) { f.Now = time.Date(2026, 3, 9, 15, 0, 0, 0, time.UTC) },
			},
			route.Choice{To: "marcus", Role: "ae", Kind: "original_ae", Rule: "original-ae"},
			"original AE on the account, active, load 3 of 8",
		},
		{
			"a leave holds until midnight of the person's own clock",
			[]func(*expansion.Facts){
				people(rep("marcus", "ae", off("2026-03-09", "2026-03-09", "dana"), zoned("Asia/Tokyo")), rep("dana", "ae")),
				func(f *expansion.Facts) { f.Now = time.Date(2026, 3, 9, 14, 59, 59, 0, time.UTC) },
			},
			route.Choice{To: "dana", Role: "ae", Kind: "cover", Rule: "original-ae", Covering: "marcus"},
			"cover for the original AE on the account, who is away until 2026-03-09; load 3 of 8",
		},
		{
			"a full rep is passed over for the territory",
			[]func(*expansion.Facts){people(rep("marcus", "ae", load(8)), rep("dana", "ae", west, load(1)))},
			route.Choice{To: "dana", Role: "territory_rep", Kind: "territory", Rule: "territory"},
			"territory rep for West, active, load 1 of 8",
		},
		{
			"an account without an owner falls to the specialist pool",
			[]func(*expansion.Facts){
				people(rep("tomoko", "specialist", special("seats")), rep("kim", "specialist", special("tier"))),
				func(f *expansion.Facts) { f.OriginalAE, f.Territory = "", "" },
			},
			route.Choice{To: "tomoko", Role: "expansion_rep", Kind: "specialist", Rule: "specialist-any"},
			"specialist for seats, active, load 3 of 8",
		},
		{
			"cross-sell goes to a specialist before the territory",
			[]func(*expansion.Facts){
				people(rep("dana", "ae", west), rep("tomoko", "specialist", special("cross_sell"))),
				func(f *expansion.Facts) { f.OriginalAE, f.ExpansionType = "", "cross_sell" },
			},
			route.Choice{To: "tomoko", Role: "expansion_rep", Kind: "specialist", Rule: "specialist-first"},
			"specialist for cross-sell, active, load 3 of 8",
		},
		{
			"the lowest load of all gets it in the end",
			[]func(*expansion.Facts){people(rep("marcus", "ae", gone), rep("ann", "ae", load(4)), rep("ben", "ae", load(2)))},
			route.Choice{To: "ben", Role: "ae", Kind: "catch_all", Rule: "catch-all"},
			"catch-all, lowest load of all who are free, load 2 of 8",
		},
		{
			"the pool takes turns",
			[]func(*expansion.Facts){
				people(rep("ann", "ae", west, func(r *expansion.Rep) { r.Picks = 5 }), rep("ben", "ae", west, load(7), func(r *expansion.Rep) { r.Picks = 4 })),
				func(f *expansion.Facts) { f.OriginalAE = "" },
			},
			route.Choice{To: "ben", Role: "territory_rep", Kind: "territory", Rule: "territory"},
			"territory rep for West, next in turn, load 7 of 8",
		},
		{
			"when everybody is full the original AE gets one over the limit",
			[]func(*expansion.Facts){people(rep("marcus", "ae", load(8)), rep("dana", "ae", load(9)))},
			route.Choice{To: "marcus", Role: "ae", Kind: "least_loaded", Rule: "original-ae", OverLimit: true},
			"nobody free under any rule; original AE on the account, full but here, load 8 of 8",
		},
		{
			"a limit of nothing is kept even when everybody is full",
			[]func(*expansion.Facts){people(rep("marcus", "ae", limited(0), load(0)), rep("dana", "ae", load(9)))},
			route.Choice{To: "dana", Role: "ae", Kind: "least_loaded", Rule: "catch-all", OverLimit: true},
			"nobody free under any rule; catch-all, full but here, load 9 of 8",
		},
		{
			"when everybody is away the one back soonest gets it",
			[]func(*expansion.Facts){people(rep("marcus", "ae", off("2026-03-09", "2026-03-11", ""), off("2026-03-12", "2026-03-20", "")), rep("dana", "ae", off("2026-03-01", "2026-03-15", "")))},
			route.Choice{To: "dana", Role: "ae", Kind: "back_soonest", Rule: "catch-all"},
			"nobody here under any rule; back soonest, on 2026-03-16: catch-all, load 3 of 8",
		},
		{
			"of two back on the same day the one with less to do gets it",
			[]func(*expansion.Facts){people(rep("ann", "ae", off("2026-03-09", "2026-03-11", ""), load(5)), rep("ben", "ae", off("2026-03-10", "2026-03-11", ""), load(2)), rep("carl", "ae", off("2026-03-10", "2026-03-11", ""), load(4)))},
			route.Choice{To: "ben", Role: "ae", Kind: "back_soonest", Rule: "catch-all"},
			"nobody here under any rule; back soonest, on 2026-03-12: catch-all, load 2 of 8",
		},
		{
			"who said not mine is not offered it again, nor is their cover",
			[]func(*expansion.Facts){
				people(rep("marcus", "ae", off("2026-03-09", "2026-03-11", "ben")), rep("ben", "ae"), rep("dana", "ae", west)),
				func(f *expansion.Facts) { f.Exclude = []expansion.PersonID{"marcus"} },
			},
			route.Choice{To: "dana", Role: "territory_rep", Kind: "territory", Rule: "territory"},
			"territory rep for West, active, load 3 of 8",
		},
		{
			"a manager gets it where a rule names them, as an AE",
			[]func(*expansion.Facts){
				people(rep("lena", "manager"), rep("dana", "ae", west)),
				func(f *expansion.Facts) { f.OpenOwners = []expansion.PersonID{"lena"} },
			},
			route.Choice{To: "lena", Role: "ae", Kind: "open_opportunity", Rule: "open-opportunity"},
			"owner of an open opportunity on the account, active, load 3 of 8",
		},
		{
			"a partner for the account wins over one for all accounts",
			[]func(*expansion.Facts){
				people(rep("ann", "ae"), rep("ben", "specialist"), rep("marcus", "ae")),
				func(f *expansion.Facts) {
					f.Partners = []expansion.Partner{{CSM: "priya", Rep: "ann"}, {CSM: "priya", AccountID: "a1", Rep: "ben"}}
				},
			},
			route.Choice{To: "ben", Role: "expansion_rep", Kind: "partner", Rule: "partner"},
			"CSM's partner, active, load 3 of 8",
		},
		{
			"a named executive counts to the end of the last day",
			[]func(*expansion.Facts){
				people(rep("ann", "ae"), rep("marcus", "ae")),
				func(f *expansion.Facts) {
					to := date("2026-03-10")
					f.Now = time.Date(2026, 3, 10, 23, 59, 0, 0, time.UTC)
					f.Named = []expansion.NamedAccount{{AccountID: "a1", Rep: "ann", To: &to}}
				},
			},
			route.Choice{To: "ann", Role: "ae", Kind: "named", Rule: "named-account"},
			"named account executive, active, load 3 of 8",
		},
		{
			"nobody at all waits for a recipient",
			[]func(*expansion.Facts){people(rep("marcus", "ae", gone), rep("priya", "csm"))},
			route.Choice{Kind: "none"},
			"nobody is eligible under any rule",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := expansion.Facts{Now: tuesday, AccountID: "a1", Territory: "West", CSM: "priya", OriginalAE: "marcus", Type: "usage_growth", Strength: "strong", ExpansionType: "seats"}
			for _, c := range tt.facts {
				c(&f)
			}
			d, err := route.Default().Decide(f)
			got := route.Choice{To: d.To, Role: d.Role, Kind: d.Kind, Rule: d.Rule, Covering: d.Covering, OverLimit: d.OverLimit}
			if got != tt.want || d.Reason != tt.reason {
				t.Errorf("Decide = %+v %q\nwant     %+v %q", got, d.Reason, tt.want, tt.reason)
			}
			if (err != nil) != (tt.want.To == "") || err != nil && expansion.CodeOf(err) != expansion.CodeNoRecipient {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// TestDecideExplainsItself is storyboard 6.3: the rules tried, who was dropped and why,
// and who would be next.
func TestDecideExplainsItself(t *testing.T) {
	t.Parallel()
	f := expansion.Facts{
		Now: tuesday, AccountID: "a1", Territory: "West", OriginalAE: "tomoko", ExpansionType: "seats", Type: "usage_growth",
		Exclude: []expansion.PersonID{"kim"}, OpenOwners: []expansion.PersonID{"old", "stranger"},
		Reps: []expansion.Rep{
			rep("tomoko", "specialist", off("2026-03-09", "2026-04-02", "lena")), rep("lena", "manager"), rep("old", "ae", gone),
			rep("ben", "ae", west, load(8)), rep("kim", "ae", west), rep("marcus", "ae", west, load(2)), rep("dana", "ae", load(5)),
		},
	}
	d, err := route.Default().Decide(f)
	if err != nil {
		t.Fatal(err)
	}
	wantSteps := []expansion.Step{
		{Rule: "open-opportunity", Kind: "open_opportunity", Result: "nobody_eligible", Fact: "1 considered: 1 left"},
		{Rule: "partner", Kind: "partner", Result: "skipped", Fact: "no partner of the account's CSM is in force"},
		{Rule: "named-account", Kind: "named", Result: "skipped", Fact: "no named account executive is in force"},
		{Rule: "original-ae", Kind: "original_ae", Result: "nobody_eligible", Fact: "2 considered: 1 not a seller, 1 away"},
		{Rule: "specialist-first", Kind: "specialist", Result: "skipped", Fact: `signal.expansion_type is seats; the rule wants signal.expansion_type in ["cross_sell", "tier"]`},
		{Rule: "territory", Kind: "territory", Result: "chose", Fact: "territory rep for West, active, load 2 of 8"},
		{Rule: "specialist-any", Kind: "specialist", Result: "not_reached", Fact: "an earlier rule decided"},
		{Rule: "catch-all", Kind: "catch_all", Result: "not_reached", Fact: "an earlier rule decided"},
	}
	wantCandidates := []expansion.Candidate{
		{ID: "stranger", Rule: "open-opportunity", Dropped: "not known here"},
		{ID: "old", Rule: "open-opportunity", Dropped: "left"},
		{ID: "tomoko", Rule: "original-ae", Dropped: "away until 2026-04-02"},
		{ID: "lena", Rule: "original-ae", Dropped: "not a seller"},
		{ID: "ben", Rule: "territory", Dropped: "8 of 8 open"},
		{ID: "kim", Rule: "territory", Dropped: "said not mine"},
		{ID: "marcus", Rule: "territory"},
	}
	if diff := cmp.Diff(wantSteps, d.Trace); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantCandidates, d.Candidates); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	if d.IfUnavailable != "dana" || d.PolicyVersion != route.Hash(route.DefaultText()) || !reflect.DeepEqual(d.Facts, f) {
		t.Errorf("if unavailable %q, version %q", d.IfUnavailable, d.PolicyVersion)
	}
}

// TestDecideHolds checks what must hold of any decision in any world.
func TestDecideHolds(t *testing.T) {
	t.Parallel()
	p := route.Default()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "world"), 1))
		f := facts(r)
		d, _ := p.Decide(f)
		to := slices.IndexFunc(f.Reps, func(x expansion.Rep) bool { return x.ID == d.To })
		if d.To != "" && (to < 0 || !f.Reps[to].Active || slices.Contains(f.Exclude, d.To)) {
			t.Fatalf("%q was chosen: unknown, inactive or excluded\n%s", d.To, show(f))
		}
		if d.To == "" {
			for _, x := range f.Reps {
				if x.Active && (x.Role == "ae" || x.Role == "specialist") && (x.MaxOpen == nil || *x.MaxOpen > 0) && !slices.Contains(f.Exclude, x.ID) {
					t.Fatalf("dropped although %s could take it\n%s", x.ID, show(f))
				}
			}
		}
		if len(d.Trace) != len(p.Rules()) {
			t.Fatalf("%d steps for %d rules", len(d.Trace), len(p.Rules()))
		}
		// Order of the facts must not matter, nor a second try.
		g := f
		g.Reps = slices.Clone(f.Reps)
		r.Shuffle(len(g.Reps), func(i, j int) { g.Reps[i], g.Reps[j] = g.Reps[j], g.Reps[i] })
		again, _ := p.Decide(g)
		if again.To != d.To || again.Reason != d.Reason || again.Kind != d.Kind {
			t.Fatalf("%q (%s) became %q (%s) when the people came in another order\n%s", d.To, d.Reason, again.To, again.Reason, show(f))
		}
		if second, _ := p.Decide(f); !reflect.DeepEqual(second, d) {
			t.Fatalf("the same facts gave two decisions:\n%+v\n%+v", d, second)
		}
		// More load on somebody else never takes it away from who has it, turns apart:
		// they are the same under both loads.
		if len(f.Reps) > 1 && to >= 0 {
			other := (to + 1 + r.IntN(len(f.Reps)-1)) % len(f.Reps)
			g.Reps = slices.Clone(f.Reps)
			g.Reps[other].Open += 1 + r.IntN(5)
			if loaded, _ := p.Decide(g); loaded.To != d.To {
				t.Fatalf("%s lost it to %s when %s got more load\n%s", d.To, loaded.To, g.Reps[other].ID, show(f))
			}
		}
	})
}

// TestTurnsAreFair is research FR-3: after any number of turns everybody is within one
// of their share, with and without weights.
func TestTurnsAreFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "people")
		text := "rules:\n  - name: pool\n    kind: territory\n    weights:\n"
		ids, weights, total := map[string]expansion.PersonID{}, make([]int, n), 0
		f := expansion.Facts{Now: tuesday, Territory: "West"}
		for i := range n {
			weights[i] = rapid.IntRange(1, 9).Draw(t, "weight")
			total += weights[i]
			id := expansion.PersonID(fmt.Sprint("p", i))
			email := fmt.Sprintf("p%d@acme.example", i)
			ids[strings.ToUpper(email)] = id
			text += fmt.Sprintf("      - {email: %s, turns: %d}\n", email, weights[i])
			f.Reps = append(f.Reps, expansion.Rep{ID: id, Role: "ae", Active: true, Territory: "West"})
		}
		p, err := route.ParsePolicy([]byte(text + "escalation: [{to: revops}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		p, ps := p.Bind(ids)
		if len(ps) > 0 {
			t.Fatal(ps)
		}
		for turn := 1; turn <= 200; turn++ {
			c := p.Pick(route.NewTeam(f.Reps), &f)
			for i := range f.Reps {
				if f.Reps[i].ID == c.To {
					f.Reps[i].Picks++
				}
				share := float64(turn) * float64(weights[i]) / float64(total)
				if off := float64(f.Reps[i].Picks) - share; off >= 1 || off <= -1 {
					t.Fatalf("after %d turns p%d has %d, its share is %.2f (weights %v)", turn, i, f.Reps[i].Picks, share, weights)
				}
			}
		}
	})
}

func TestPeopleRuleAndConditions(t *testing.T) {
	t.Parallel()
	p, err := route.ParsePolicy([]byte(`
rules:
  - name: strategic
    kind: people
    when: account.region == "EMEA" and account.arr >= 100000
    people: [Ann@acme.example, ben@acme.example]
  - name: anyone
    kind: catch_all
escalation: [{to: revops}]
`))
	if err != nil {
		t.Fatal(err)
	}
	big, small := int64(10_000_000), int64(9_999_999)
	f := expansion.Facts{Now: tuesday, Region: "EMEA", ARRMinor: &big, Reps: []expansion.Rep{
		rep("ann", "manager"), rep("ben", "ae", func(r *expansion.Rep) { r.Picks = 1 }), rep("low", "ae", load(0)),
	}}
	bound, ps := p.Bind(map[string]expansion.PersonID{"ann@ACME.example": "ann", "ben@acme.example": "ben"})
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	check := func(p *route.Policy, want expansion.PersonID, fact string) {
		t.Helper()
		d, err := p.Decide(f)
		if err != nil || d.To != want || d.Trace[0].Fact != fact {
			t.Errorf("to %q, step %q, error %v; want %q, %q", d.To, d.Trace[0].Fact, err, want, fact)
		}
	}
	check(bound, "ann", "person named by rule strategic, next in turn, load 3 of 8")
	check(p, "low", "nobody the rule names is known here")
	f.ARRMinor = &small
	check(bound, "low", "account.arr is 99999.99; the rule wants account.arr >= 100000")
	f.ARRMinor = nil
	check(bound, "low", "account.arr is not known; the rule wants account.arr >= 100000")
	if _, ps := p.Bind(nil); len(ps) != 2 || ps[0].Line != 6 || !ps.Errors() {
		t.Errorf("binding to nobody: %v", ps)
	}
}

func TestReplayTellsWhatWouldChange(t *testing.T) {
	t.Parallel()
	p := route.Default()
	var past []expansion.Decision
	for seed := range uint64(200) {
		d, err := p.Decide(facts(rand.New(rand.NewPCG(seed, 3))))
		if err != nil && !errors.As(err, new(*expansion.Error)) {
			t.Fatal(err)
		}
		past = append(past, d)
	}
	nobody := 0
	for _, d := range past {
		if d.To == "" {
			nobody++
		}
	}
	if r := p.Replay(past); r.Total != 200 || r.Changed != 0 || r.NoRecipient != nobody {
		t.Errorf("the same policy: %+v, want no change and %d without recipient", r, nobody)
	}
	first := slices.IndexFunc(past, func(d expansion.Decision) bool { return d.To != "" })
	past[first].To = "somebody else"
	past[(first+1)%200].Kind = expansion.KindOverride
	r := p.Replay(past)
	if r.Total != 199 || r.ByHand != 1 || r.Changed != 1 || r.Changes[0].Index != first || r.Changes[0].Was != "somebody else" {
		t.Errorf("after a change: %+v", r)
	}
}
