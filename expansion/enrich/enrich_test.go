package enrich_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"expansionbot/expansion"
	"expansionbot/expansion/enrich"
)

var now = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

// memory is a reader over slices; down makes one of its lists fail.
type memory struct {
	entitlements []expansion.Entitlement
	usage        []expansion.UsagePoint
	health       []expansion.HealthPoint
	contacts     []expansion.Contact
	past         []expansion.Opportunity
	evidence     []expansion.Evidence
	down         string
}

func answer[T any](m memory, list string, of []T, keep func(T) bool) ([]T, error) {
	if m.down == list || m.down == "all" {
		return nil, errors.New("connection refused by db7:5432")
	}
	var out []T
	for _, v := range of {
		if keep == nil || keep(v) {
			out = append(out, v)
		}
	}
	return out, nil
}

func (m memory) Entitlements(context.Context, expansion.AccountID) ([]expansion.Entitlement, error) {
	return answer(m, "entitlements", m.entitlements, nil)
}

func (m memory) Usage(_ context.Context, _ expansion.AccountID, metric string, since time.Time) ([]expansion.UsagePoint, error) {
	return answer(m, "usage", m.usage, func(p expansion.UsagePoint) bool { return p.Metric == metric && !p.Day.Before(since) })
}

func (m memory) Health(_ context.Context, _ expansion.AccountID, since time.Time) ([]expansion.HealthPoint, error) {
	return answer(m, "health", m.health, func(p expansion.HealthPoint) bool { return !p.Day.Before(since) })
}

func (m memory) Contacts(context.Context, expansion.AccountID) ([]expansion.Contact, error) {
	return answer(m, "contacts", m.contacts, nil)
}

func (m memory) PastOpportunities(context.Context, expansion.AccountID) ([]expansion.Opportunity, error) {
	return answer(m, "past", m.past, nil)
}

func (m memory) Evidence(_ context.Context, _ expansion.AccountID, since time.Time) ([]expansion.Evidence, error) {
	return answer(m, "evidence", m.evidence, func(e expansion.Evidence) bool { return !e.OccurredAt.Before(since) })
}

var _ enrich.Reader = memory{}

func brightwater() expansion.Account {
	return expansion.Account{
		ID: "brightwater", Name: "Brightwater Labs", Plan: "Team", SeatsLicensed: new(int64(120)), CSM: "p-priya",
		ARR: &expansion.Money{Minor: 4800000, Currency: "USD"}, ContractEnd: new(time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)), UpdatedAt: ago(2),
	}
}

func full() memory {
	var m memory
	m.entitlements = []expansion.Entitlement{
		{Metric: "storage_gb", Limit: 500, Unit: "GB"},
		{Metric: "api_calls", Limit: 10000, Period: "month"},
		{Metric: "storage_gb", Limit: 200, Unit: "GB", To: new(ago(100))},
	}
	for d := 89; d >= 0; d-- {
		m.usage = append(m.usage, expansion.UsagePoint{Metric: expansion.SeatsMetric, Day: ago(d).Truncate(24 * time.Hour), Value: math.Round(100 + 32*float64(89-d)/89)})
		m.health = append(m.health, expansion.HealthPoint{Day: ago(d).Truncate(24 * time.Hour), Score: new(82 - float64(d)/5)})
	}
	m.contacts = []expansion.Contact{
		{Name: "Sam Lee", Title: "CFO", Role: "decision_maker", Stance: "neutral", LastContactAt: new(ago(40))},
		{Name: "Kim Day", Title: "Analyst", Role: "user"},
		{Name: "Jo Park", Title: "VP Operations", Role: "champion", Stance: "supportive", LastContactAt: new(ago(3)), Owner: "p-priya"},
	}
	m.past = []expansion.Opportunity{
		{ExpansionType: expansion.Seats, CreatedAt: ago(400), Outcome: &expansion.Outcome{Won: true, At: ago(366), ARRChange: &expansion.Money{Minor: 2160000, Currency: "USD"}}},
		{ExpansionType: expansion.Tier, CreatedAt: ago(200), Outcome: &expansion.Outcome{At: ago(140), Reason: "price"}},
		{ExpansionType: expansion.Seats, CreatedAt: ago(10)},
	}
	m.evidence = []expansion.Evidence{
		{Source: expansion.SourceMeeting, OccurredAt: ago(7), Speaker: "Jo Park", Quote: "we'd need another thirty licences before the March rollout"},
		{Source: expansion.SourceEmail, OccurredAt: ago(20), Speaker: "Sam Lee", Quote: "Our budget round closes in September."},
		{Source: expansion.SourceMeeting, OccurredAt: ago(60), Speaker: "Sam Lee", Quote: "Finance is evaluating Northwind Cloud as well."},
	}
	return m
}

func gather(m memory) expansion.Context {
	return enrich.Gather(context.Background(), enrich.FromStore(m), brightwater(), now)
}

func TestEverythingKnown(t *testing.T) {
	t.Parallel()
	c := gather(full())
	want := map[expansion.ElementName]string{
		expansion.ElementContract:     "Team plan, 120 seats, $48,000 a year, until 31 May 2026 (82 days left). Entitlements: API calls 10,000 a month, storage 500 GB.",
		expansion.ElementUsage:        "Seats 132 of 120 (110%), up 9% in 30 days, up 32% in 90 days, baseline 112 ▁▁▂▂▃▄▅▅▆▆▇██.",
		expansion.ElementPeople:       "Champion: Jo Park (VP Operations), supportive. Decision-maker: Sam Lee (CFO).",
		expansion.ElementRelationship: "Strong, 85 of 100: last contact 3 days ago (recency 40 of 40), 3 days in touch in 30 days (frequency 15 of 20), 2 people in 90 days (breadth 10 of 20), CFO (seniority 20 of 20).",
		expansion.ElementHistory:      "1 won, 1 lost. Lost tier in 60 days (Oct 2025): price; Won seats +$21,600 in 34 days (Mar 2025).",
		expansion.ElementCompetitors:  "Northwind Cloud: 'Finance is evaluating Northwind Cloud as well.' (Sam Lee, 9 Jan 2026).",
		expansion.ElementBudget:       "'Our budget round closes in September.' (Sam Lee, 18 Feb 2026).",
	}
	got := map[expansion.ElementName]string{}
	for _, e := range c.Elements() {
		got[e.Name] = e.Text
		if e.Source == "" || e.AsOf.IsZero() || e.AsOf.After(now) {
			t.Errorf("%s has source %q as of %v", e.Name, e.Source, e.AsOf)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("elements (-want +got):\n%s", d)
	}
	if c.Completeness() != 1 || c.Missing() != nil {
		t.Errorf("completeness %v, missing %v; want all", c.Completeness(), c.Missing())
	}
	if c.Health == nil || *c.Health != 82 || c.HealthTrend != "rising" {
		t.Errorf("health = %v, %q; want 82, rising", c.Health, c.HealthTrend)
	}
	if names := []string{c.Stakeholders[0].Name, c.Stakeholders[1].Name, c.Stakeholders[2].Name}; !slices.Equal(names, []string{"Jo Park", "Sam Lee", "Kim Day"}) {
		t.Errorf("stakeholders = %v; want champion, decision-maker, user", names)
	}
}

func TestWhatIsKnownAndWhatIsNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*memory)
		element expansion.ElementName
		known   bool
		text    string // contained when known
		source  string
	}{
		{"looked for history, none found, is known", func(m *memory) { m.past = nil }, expansion.ElementHistory, true, "Looked, none found.", "opportunities"},
		{"an opportunity still open is no history", func(m *memory) { m.past = m.past[2:] }, expansion.ElementHistory, true, "Looked, none found.", "opportunities"},
		{"history that cannot be read is not known", func(m *memory) { m.down = "past" }, expansion.ElementHistory, false, "", "opportunities did not answer"},
		{"no usage for 90 days is not known", func(m *memory) { m.usage = nil }, expansion.ElementUsage, false, "", "no usage in 90 days"},
		{"usage that cannot be read is not known", func(m *memory) { m.down = "usage" }, expansion.ElementUsage, false, "", "usage did not answer"},
		{"no word about a competitor is known when there were words", func(m *memory) { m.evidence = m.evidence[:1] }, expansion.ElementCompetitors, true, "Looked, none found in 1 quote.", "conversations"},
		{"without any words nobody looked for competitors", func(m *memory) { m.evidence = nil }, expansion.ElementCompetitors, false, "", "no source connected"},
		{"usage evidence holds no words", func(m *memory) {
			m.evidence = []expansion.Evidence{{Source: expansion.SourceUsage, OccurredAt: ago(1)}}
		}, expansion.ElementCompetitors, false, "", "no source connected"},
		{"words without a date of money say nothing of the budget", func(m *memory) { m.evidence = m.evidence[:1] }, expansion.ElementBudget, false, "", "no source connected"},
		{"our own plan is no competitor", func(m *memory) { m.evidence[2].Quote = "We would switch to Enterprise soon" }, expansion.ElementCompetitors, true, "Looked, none found", "conversations"},
		{"a month is no competitor", func(m *memory) { m.evidence[2].Quote = "could it be April instead of March?" }, expansion.ElementCompetitors, true, "Looked, none found", "conversations"},
		{"their own person is no competitor", func(m *memory) { m.evidence[2].Quote = "ask Kim instead of Jo please" }, expansion.ElementCompetitors, true, "Looked, none found", "conversations"},
		{"contacts without roles say nothing of the champion", func(m *memory) { m.contacts = m.contacts[1:2] }, expansion.ElementPeople, false, "", "no contact has a role"},
		{"a missing champion is said", func(m *memory) { m.contacts = m.contacts[:2] }, expansion.ElementPeople, true, "Champion: none named. Decision-maker: Sam Lee (CFO).", "contacts"},
		{"two champions are both named", func(m *memory) { m.contacts[1].Role = "champion" }, expansion.ElementPeople, true, "2 champions: Jo Park (VP Operations), supportive; Kim Day (Analyst).", "contacts"},
		{"nobody ever in touch is not known", func(m *memory) { m.contacts, m.evidence = nil, nil }, expansion.ElementRelationship, false, "", "no contact on record"},
		{"an old single contact is weak", func(m *memory) {
			m.contacts, m.evidence = []expansion.Contact{{Name: "Kim Day", LastContactAt: new(ago(80))}}, nil
		}, expansion.ElementRelationship, true, "Weak, 9 of 100: last contact 80 days ago", "contacts and conversations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := full()
			c.change(&m)
			for _, e := range gather(m).Elements() {
				if e.Name != c.element {
					continue
				}
				if e.Known != c.known || !strings.Contains(e.Text, c.text) || e.Source != c.source {
					t.Errorf("%s = %+v; want known %v, %q from %q", e.Name, e.Element, c.known, c.text, c.source)
				}
				if !e.Known && (e.Text != "" || e.Ask != "p-priya") {
					t.Errorf("unknown %s has text %q and asks %q; want no text and the CSM", e.Name, e.Text, e.Ask)
				}
			}
		})
	}
}

func TestWithoutACSMTheDecisionMakerIsAsked(t *testing.T) {
	t.Parallel()
	m := full()
	m.evidence = nil
	a := brightwater()
	a.CSM = ""
	c := enrich.Gather(context.Background(), enrich.FromStore(m), a, now)
	if c.Budget.Ask != "Sam Lee" {
		t.Errorf("budget asks %q; want Sam Lee", c.Budget.Ask)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	points := func(days int, f func(ago int) float64) (out []expansion.HealthPoint) {
		for d := days; d >= 0; d-- {
			out = append(out, expansion.HealthPoint{Day: ago(d), Score: new(f(d))})
		}
		return out
	}
	for _, c := range []struct {
		name   string
		points []expansion.HealthPoint
		score  float64 // -1: not known
		trend  string
	}{
		{"rises", points(60, func(d int) float64 { return 90 - float64(d) }), 90, "rising"},
		{"falls", points(60, func(d int) float64 { return 30 + float64(d) }), 30, "falling"},
		{"a wobble is steady", points(60, func(d int) float64 { return 80 + float64(d%3) }), 80, "steady"},
		{"one score has no trend", points(0, func(int) float64 { return 70 }), 70, ""},
		{"no score that day is not zero", []expansion.HealthPoint{{Day: ago(1), Score: new(70.0)}, {Day: ago(0)}}, 70, ""},
		{"out of range is no score", []expansion.HealthPoint{{Day: ago(0), Score: new(820.0)}, {Day: ago(0), Score: new(math.NaN())}}, -1, ""},
		{"two months old is not known", []expansion.HealthPoint{{Day: ago(60), Score: new(70.0)}}, -1, ""},
		{"nothing is not known", nil, -1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := gather(memory{health: c.points})
			if (got.Health == nil) != (c.score < 0) || got.Health != nil && *got.Health != c.score || got.HealthTrend != c.trend {
				t.Errorf("health = %v, %q; want %v, %q", got.Health, got.HealthTrend, c.score, c.trend)
			}
		})
	}
}

// provider fills with f.
type provider func(c *expansion.Context) error

func (provider) Name() string { return "extra" }
func (p provider) Fill(_ context.Context, _ expansion.Account, _ time.Time, c *expansion.Context) error {
	return p(c)
}

func TestAFailedProviderLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c := enrich.Gather(context.Background(), []enrich.Provider{provider(func(c *expansion.Context) error {
		c.Budget = expansion.Element{Known: true, Text: "half read"}
		c.Stakeholders = append(c.Stakeholders, expansion.Contact{Name: "half"})
		return errors.New("cut off")
	})}, brightwater(), now)
	if c.Budget.Known || len(c.Stakeholders) != 0 || c.Completeness() != 0 {
		t.Errorf("context after a failed provider = %+v", c)
	}
}

func TestKnownNeverTurnsUnknown(t *testing.T) {
	t.Parallel()
	ps := append(enrich.FromStore(full()), provider(func(c *expansion.Context) error {
		*c = expansion.Context{}
		return nil
	}))
	if c := enrich.Gather(context.Background(), ps, brightwater(), now); c.Completeness() != 1 {
		t.Errorf("a later provider took away %v", c.Missing())
	}
}

func TestNoCauseOfAFailureIsShown(t *testing.T) {
	t.Parallel()
	m := full()
	m.down = "all"
	c := gather(m)
	for _, e := range c.Elements() {
		if e.Known || strings.Contains(e.Source, "db7") {
			t.Errorf("%s = %+v", e.Name, e.Element)
		}
	}
}

func TestACancelledGatherStillAnswers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := enrich.Gather(ctx, enrich.FromStore(full()), brightwater(), now)
	if c.Completeness() != 0 || c.Usage.Source != "usage did not answer" || !c.GatheredAt.Equal(now) {
		t.Errorf("context = %+v", c)
	}
}

func TestMetricsReadAsWords(t *testing.T) { // storyboard 2, the account card
	t.Parallel()
	m := full()
	m.usage = nil
	for d := range 90 {
		m.usage = append(m.usage, expansion.UsagePoint{Metric: "storage_gb", Day: ago(d).Truncate(24 * time.Hour), Value: 361 + float64(d%2)})
	}
	if got, want := gather(m).Usage.Text, "Storage 361 of 500 GB (72%), flat in 30 days, flat in 90 days, baseline 362 ▄▄▄▄▄▄▄▄▄▄▄▄▄."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []float64
		want string
	}{
		{nil, ""},
		{[]float64{5}, "▄"},
		{[]float64{3, 3, 3}, "▄▄▄"},
		{[]float64{361, 362, 361, 362}, "▄▄▄▄"}, // a wobble is not a swing
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█"},
		{[]float64{0, math.NaN(), 7}, "▁ █"},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, "▁█"},
	} {
		if got := enrich.Sparkline(c.in); got != c.want {
			t.Errorf("Sparkline(%v) = %q; want %q", c.in, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		vs := rapid.SliceOf(rapid.Float64()).Draw(t, "values")
		if got := enrich.Sparkline(vs); utf8.RuneCountInString(got) != len(vs) {
			t.Fatalf("Sparkline(%v) = %q has not one character each", vs, got)
		}
	})
}

func TestAnyPartOfTheStoreGivesAnHonestContext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := full()
		cut := func(name string, n int) int { return rapid.IntRange(0, n).Draw(t, name) }
		m.entitlements = m.entitlements[:cut("entitlements", len(m.entitlements))]
		m.usage = m.usage[cut("usage", len(m.usage)):]
		m.health = m.health[:cut("health", len(m.health))]
		m.contacts = m.contacts[:cut("contacts", len(m.contacts))]
		m.past = m.past[:cut("past", len(m.past))]
		m.evidence = m.evidence[cut("evidence", len(m.evidence)):]
		m.down = rapid.SampledFrom([]string{"", "entitlements", "usage", "health", "contacts", "past", "evidence", "all"}).Draw(t, "down")
		for _, e := range gather(m).Elements() {
			if e.Known == (e.Text == "") || e.Source == "" || e.Known && (e.Ask != "" || e.AsOf.IsZero()) || !e.Known && !e.AsOf.IsZero() {
				t.Fatalf("%s = %+v", e.Name, e.Element)
			}
		}
	})
}

func ExampleGather() {
	m := full()
	m.evidence = m.evidence[:1]
	c := enrich.Gather(context.Background(), enrich.FromStore(m), brightwater(), now)
	fmt.Printf("%.0f%% complete, missing: %v\n", 100*c.Completeness(), c.Missing())
	fmt.Println(c.Usage.Text)
	// Output:
	// 93% complete, missing: [budget cycle]
	// Seats 132 of 120 (110%), up 9% in 30 days, up 32% in 90 days, baseline 112 ▁▁▂▂▃▄▅▅▆▆▇██.
}

func ExampleSparkline() {
	fmt.Println(enrich.Sparkline([]float64{112, 112, 114, 118, 121, 130, 132}))
	// Output: ▁▁▁▃▄██
}
