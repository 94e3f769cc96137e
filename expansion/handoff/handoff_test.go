package handoff_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"expansionbot/expansion"
	"expansionbot/expansion/handoff"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var now = time.Date(2026, 3, 10, 9, 6, 0, 0, time.UTC) // a Tuesday

func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

func known(text string) expansion.Element {
	return expansion.Element{Known: true, Text: text, Source: "test", AsOf: ago(1)}
}

// brightwater is the storyboard's case (4.1), with the budget cycle not known.
func brightwater() handoff.Input {
	usd := func(minor int64) expansion.Money { return expansion.Money{Minor: minor, Currency: "USD"} }
	return handoff.Input{
		Now: now, WinChance: new(0.41), WinSample: 58,
		Signal: expansion.Signal{
			AccountID: "brightwater", Type: expansion.UsageGrowth, Strength: expansion.Strong, Source: expansion.SourceUsage, DetectedAt: now, Score: 0.86,
			Reasons:       []string{"132 of 120 seats active for 9 days in a row", "active users up 18% in 30 days"},
			ExpansionType: expansion.Seats, Details: map[string]any{"extraSeats": int64(12)},
			Potential: &expansion.Potential{Likely: usd(480000), Low: usd(336000), High: usd(720000), Formula: "12 seats × $400"},
		},
		Evidence: []expansion.Evidence{
			{Source: expansion.SourceUsage, OccurredAt: ago(0), Why: "132 of 120 seats active for 9 days in a row."},
			{Source: expansion.SourceMeeting, OccurredAt: ago(30), Speaker: "Sam Lee", Quote: "we may grow"},
			{Source: expansion.SourceMeeting, OccurredAt: ago(1), Speaker: "Jo Park", Quote: "we'd need another thirty licences before the March rollout."},
		},
		Account: expansion.Account{
			ID: "brightwater", Name: "Brightwater Labs", Plan: "Team", ARR: new(usd(4800000)), CSM: "p-priya",
			SeatsLicensed: new(int64(120)), ContractEnd: new(time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)),
		},
		Context: expansion.Context{
			Contract: known("Team plan."), Usage: known("Seats 132 of 120."), People: known("Champion: Jo Park."),
			Relationship: known("Strong, 85 of 100."), History: known("1 won, 0 lost."), Competitors: known("Looked, none found in 3 quotes."),
			Budget: expansion.Element{Source: "no source connected", Ask: "p-priya"},
			Health: new(82.0), HealthTrend: "rising",
			Stakeholders: []expansion.Contact{
				{Name: "Jo Park", Title: "VP Operations", Role: "champion", Stance: "supportive", LastContactAt: new(ago(3)), Owner: "p-priya"},
				{Name: "Sam Lee", Title: "CFO", Role: "decision_maker", Stance: "neutral"},
				{Name: "Kim Day", Role: "user", Owner: "p-erased"},
			},
		},
		Decision: expansion.Decision{To: "p-marcus", Kind: expansion.KindOriginalAE},
		People: map[expansion.PersonID]expansion.Person{
			"p-priya": {ID: "p-priya", Name: "Priya Nair"}, "p-marcus": {ID: "p-marcus", Name: "Marcus Bell"},
		},
	}
}

func golden(t *testing.T, name string, got expansion.Package) {
	t.Helper()
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(b)); d != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", name, d)
	}
}

func TestPackageOfTheStoryboard(t *testing.T) { // storyboard 4.1, 4.2
	t.Parallel()
	golden(t, "brightwater.golden.json", handoff.Build(brightwater()))
}

func TestPackageOfNothingKnown(t *testing.T) {
	t.Parallel()
	golden(t, "nothing_known.golden.json", handoff.Build(handoff.Input{Now: now, Account: expansion.Account{Name: "Kestrel Freight"}}))
}

func TestEveryTypeHasItsPlay(t *testing.T) {
	t.Parallel()
	seen := map[string]expansion.SignalType{}
	for _, typ := range expansion.SignalTypes {
		p := handoff.Build(handoff.Input{Now: now, Signal: expansion.Signal{Type: typ}})
		if other, dup := seen[p.RecommendedApproach]; dup {
			t.Errorf("%s and %s share an approach", typ, other)
		}
		seen[p.RecommendedApproach] = typ
		if len(p.Objections) < 2 {
			t.Errorf("%s has %d objections", typ, len(p.Objections))
		}
		for _, s := range append([]string{p.RecommendedApproach}, objections(p)...) {
			if regexp.MustCompile(`[0-9$€£%]`).MatchString(s) || !strings.ContainsAny(s[len(s)-1:], ".?") {
				t.Errorf("%s: %q holds a number or is no sentence", typ, s)
			}
		}
	}
}

func objections(p expansion.Package) (out []string) {
	for _, o := range p.Objections {
		out = append(out, o.Says, o.Answer)
	}
	return out
}

func TestBuild(t *testing.T) {
	t.Parallel()
	whyNow := func(p expansion.Package) string { return p.WhyNow }
	start := func(p expansion.Package) string { return p.StartHere }
	approach := func(p expansion.Package) string { return p.RecommendedApproach }
	timeline := func(p expansion.Package) string { return p.Timeline }
	summary := func(p expansion.Package) string { return p.Summary }
	unknowns := func(p expansion.Package) string { return strings.Join(p.Unknowns, " | ") }
	says := func(p expansion.Package) string { return strings.Join(objections(p), " ") }
	for _, c := range []struct {
		name   string
		change func(*handoff.Input)
		part   func(expansion.Package) string
		has    string
		hasNot string
	}{
		{"an older quote is dated", func(in *handoff.Input) { in.Evidence = in.Evidence[:2] }, whyNow, "Sam Lee on 8 Feb 2026: 'we may grow'.", ""},
		{"without a quote only the reason stands", func(in *handoff.Input) { in.Evidence = nil }, whyNow, "132 of 120 seats active for 9 days in a row.", "'"},
		{"what a CSM wrote stands before the rules' words", func(in *handoff.Input) {
			in.Signal.Source, in.Evidence = expansion.SourceManual, []expansion.Evidence{{Why: "they asked about 30 more seats", OccurredAt: now}}
		}, whyNow, "They asked about 30 more seats.", "132"},
		{"an address in a quote is masked", func(in *handoff.Input) {
			in.Evidence[2].Quote = "write to jo.park@brightwater.example or +1 555 010 0199"
		}, whyNow, "'write to (address in brief) or (number in brief)'", "@"},
		{"a date in a quote is not a phone number", func(in *handoff.Input) { in.Evidence[2].Quote = "by 03/04/2026 for 1200 users" }, whyNow, "by 03/04/2026 for 1200 users", ""},
		{"a long quote is cut at a word", func(in *handoff.Input) { in.Evidence[2].Quote = strings.Repeat("seats and ", 60) }, whyNow, "seats…'", ""},
		{"the champion is called first", nil, start, "Call Jo Park (VP Operations, champion) by Thursday 12 Mar. Offer 12 more seats. Sam Lee (CFO) decides.", ""},
		{"a critical champion is not", func(in *handoff.Input) { in.Context.Stakeholders[0].Stance = "critical" }, start, "Call Sam Lee (CFO, decision-maker)", "decides"},
		{"a moderate signal has five working days", func(in *handoff.Input) { in.Signal.Strength = expansion.Moderate }, start, "by Tuesday 17 Mar", ""},
		{"without people the CSM is asked", func(in *handoff.Input) { in.Context.Stakeholders = nil }, start, "Ask Priya Nair (CSM) by Thursday 12 Mar whom to call first", "Jo"},
		{"seats from JSON count too", func(in *handoff.Input) { in.Signal.Details = map[string]any{"extraSeats": 30.0} }, start, "Offer 30 more seats.", ""},
		{"one seat is one seat", func(in *handoff.Input) { in.Signal.Details["extraSeats"] = 1 }, start, "Offer 1 more seat.", ""},
		{"no number is made up for a plan", func(in *handoff.Input) { in.Signal.ExpansionType = expansion.Tier }, start, "Offer the plan that holds what they look for.", "12 more"},
		{"good health is no offer yet", func(in *handoff.Input) { in.Signal.Type = expansion.HealthIndicator }, start, "Ask what works for them", "Offer"},
		{"who holds the relationship introduces", nil, approach, "Priya Nair holds the relationship with Jo Park: ask for an introduction.", ""},
		{"the rep's own relationship needs no introduction", func(in *handoff.Input) { in.Decision.To = "p-priya" }, approach, "", "introduction"},
		{"a blocker is named", func(in *handoff.Input) { in.Context.Stakeholders[2].Role = "blocker" }, approach, "Kim Day may be against it", ""},
		{"an open opportunity comes first", func(in *handoff.Input) { in.Decision.Kind = expansion.KindOpenOpportunity }, approach, "You own an open opportunity on this account", "original AE"},
		{"renewal near", nil, timeline, "Renewal 31 May 2026, in 82 days: close this before it or together with it.", ""},
		{"renewal far", func(in *handoff.Input) { in.Account.ContractEnd = new(ago(-300)) }, timeline, "in 300 days: close this well before it.", ""},
		{"contract over", func(in *handoff.Input) { in.Account.ContractEnd = new(ago(2)) }, timeline, "The contract ended on 8 Mar 2026: settle the renewal first.", ""},
		{"renewal not known", func(in *handoff.Input) { in.Account.ContractEnd = nil }, timeline, "Renewal date not known.", ""},
		{"an estimate says so", nil, summary, "+$4,800 a year, an estimate (12 seats × $400), likely between $3,360 and $7,200.", ""},
		{"a typed amount is no estimate", func(in *handoff.Input) { in.Signal.Potential.ByHand = true }, summary, "+$4,800 a year, entered by hand.", "estimate"},
		{"an unknown potential is said", func(in *handoff.Input) { in.Signal.Potential = nil }, summary, "what that may bring is not known.", "$4,800"},
		{"who could know is named", nil, unknowns, "Budget cycle: not known. Priya Nair could know.", ""},
		{"a source that failed is said", func(in *handoff.Input) {
			in.Context.Usage = expansion.Element{Source: "usage did not answer", Ask: "Sam Lee"}
		}, unknowns, "Usage: not known, usage did not answer. Sam Lee could know.", ""},
		{"an erased person is not asked, nor shown by id", func(in *handoff.Input) { in.Context.Budget.Ask = "p-erased" }, unknowns, "Budget cycle: not known.", "p-erased"},
		{"low health adds its objection", func(in *handoff.Input) { *in.Context.Health = 40 }, says, "We have open problems", ""},
		{"good health does not", nil, says, "", "We have open problems"},
		{"a competitor in their words adds its objection", func(in *handoff.Input) { in.Context.Competitors = known("Northwind: 'we look at Northwind'.") }, says, "We are looking at others too.", "Northwind"},
		{"looked and none found does not", nil, says, "", "looking at others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := brightwater()
			if c.change != nil {
				c.change(&in)
			}
			got := c.part(handoff.Build(in))
			if !strings.Contains(got, c.has) {
				t.Errorf("got %q; want it to hold %q", got, c.has)
			}
			if c.hasNot != "" && strings.Contains(got, c.hasNot) {
				t.Errorf("got %q; want it without %q", got, c.hasNot)
			}
		})
	}
}

// Whatever is missing, a package stays readable and holds no number that was not in the
// input or follows from its dates.
func TestNothingIsInvented(t *testing.T) {
	t.Parallel()
	digits := regexp.MustCompile(`\d+`)
	rapid.Check(t, func(t *rapid.T) {
		in := brightwater()
		drop := func(name string, f func()) {
			if rapid.Bool().Draw(t, name) {
				f()
			}
		}
		drop("no potential", func() { in.Signal.Potential = nil })
		drop("no details", func() { in.Signal.Details = nil })
		drop("no reasons", func() { in.Signal.Reasons = nil })
		drop("no evidence", func() { in.Evidence = nil })
		drop("no ARR", func() { in.Account.ARR = nil })
		drop("no CSM", func() { in.Account.CSM = "" })
		drop("no health", func() { in.Context.Health, in.Context.HealthTrend = nil, "" })
		drop("no stakeholders", func() { in.Context.Stakeholders = nil })
		drop("no people", func() { in.People = nil })
		drop("no history", func() { in.Context.History = expansion.Element{} })
		drop("no chance", func() { in.WinChance, in.WinSample = nil, 0 })
		in.Signal.Type = rapid.SampledFrom(expansion.SignalTypes).Draw(t, "type")
		in.Signal.ExpansionType = rapid.SampledFrom(append(expansion.ExpansionTypes, "")).Draw(t, "expansion type")
		in.Signal.Strength = rapid.SampledFrom([]expansion.Strength{expansion.Strong, expansion.Moderate, expansion.Exploratory, ""}).Draw(t, "strength")
		p := handoff.Build(in)

		allowed := map[string]bool{"2026": true, "31": true, "82": true, "8": true, "10": true, "12": true, "17": true, "24": true} // dates from now and the contract's end
		source, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		if in.Account.ARR != nil {
			text += in.Account.ARR.String()
		}
		if q := in.Signal.Potential; q != nil {
			text += q.Likely.String() + q.Low.String() + q.High.String()
		}
		for _, n := range digits.FindAllString(text, -1) {
			allowed[n] = true
		}
		for name, s := range map[string]string{
			"summary": p.Summary, "why now": p.WhyNow, "start here": p.StartHere, "approach": p.RecommendedApproach, "timeline": p.Timeline,
			"health": p.HealthText, "relationship": p.Relationship, "history": p.History, "competitors": p.Competitors, "unknowns": strings.Join(p.Unknowns, " "),
		} {
			if s == "" && name != "unknowns" {
				t.Fatalf("%s is empty", name)
			}
			for _, n := range digits.FindAllString(s, -1) {
				if !allowed[n] {
					t.Fatalf("%s holds %s, which nobody said: %q", name, n, s)
				}
			}
			for _, bad := range []string{"  ", "..", "p-", "<nil>", "%!", "( ", "''"} {
				if strings.Contains(s, bad) {
					t.Fatalf("%s holds %q: %q", name, bad, s)
				}
			}
		}
		if (p.ARRPotential == nil) != (in.Signal.Potential == nil) || p.Stakeholders == nil || p.Unknowns == nil {
			t.Fatalf("package = %+v", p)
		}
	})
}

func ExampleBuild() {
	p := handoff.Build(brightwater())
	fmt.Println(p.WhyNow)
	fmt.Println(p.StartHere)
	fmt.Println(p.Unknowns[0])
	// Output:
	// 132 of 120 seats active for 9 days in a row. Jo Park on Monday: 'we'd need another thirty licences before the March rollout'.
	// Call Jo Park (VP Operations, champion) by Thursday 12 Mar. Offer 12 more seats. Sam Lee (CFO) decides.
	// Budget cycle: not known. Priya Nair could know.
}
