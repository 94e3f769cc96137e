package route_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"github.com/google/go-cmp/cmp"
)

func TestShippedPolicyIsTheDefault(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, route.DefaultText()) {
		t.Error("policy.yaml at the root and expansion/route/default.yaml differ; copy one over the other")
	}
	p := route.Default()
	day := 24 * time.Hour
	want := route.Timing{
		ReviewWindow: 10 * time.Minute, AckTarget: 4 * time.Hour, Nudges: []time.Duration{4 * time.Hour, day}, NudgeGap: time.Hour, EscalateAfter: 2 * day,
		EscalateAgain: day, ExtendBy: day, NotMineLeaves: 8 * time.Hour, UndoWindow: 10 * time.Minute, HoldFor: 7 * day, AskReminder: 3 * day, ParkAfter: 7 * day,
		DuplicateWindow: 14 * day, RetryNoRecipient: 15 * time.Minute, NotRealAnswer: day,
	}
	if diff := cmp.Diff(want, p.Timing()); diff != "" {
		t.Errorf("timing (-want +got):\n%s", diff)
	}
	short, err := route.ParsePolicy([]byte("rules: [{name: all, kind: catch_all}]\nescalation: [{to: revops}]"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, short.Timing()); diff != "" || short.CardsPerDay() != 5 || p.CardsPerDay() != 5 {
		t.Errorf("a policy without timing differs from the shipped one:\n%s", diff)
	}
	if !p.AsksFirst(expansion.UsageGrowth, expansion.Exploratory) || p.AsksFirst(expansion.UsageGrowth, expansion.Strong) {
		t.Error("the shipped policy asks first about exploratory signals, and about no others")
	}
	if h := p.Hours(time.UTC); h.Start != 9*time.Hour || h.End != 17*time.Hour || len(h.Days) != 5 {
		t.Errorf("hours %+v", h)
	}
}

// TestParseReportsEverythingAtOnce holds lines, paths and the sentences.
func TestParseReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := route.ParsePolicy([]byte(`version: 1
ruels: []
rules:
  - name: emea
    kind: territory
    when: account.regin == "EMEA"
  - name: emea
    kind: catchall
    kind: catch_all
  - {name: Bad Name, kind: people, people: [ana, ben@acme.example, ben@acme.example]}
  - name: odd
    kind: original_ae
    territory: West
    when: signal.type == "usage-growth"
  - kind: specialist
    specialties: [seat]
    weights: [{email: ann@acme.example, turns: 0}]
timing:
  review_window: 15m
  ack_target: soon
  nudges: [4h, 72h]
  hold_for: -1h
hours: {start: "17:00", end: "09:00", days: [monday]}
escalation:
  - to: people
  - to: manager
cards_per_day: many
`))
	ps, ok := errors.AsType[route.Problems](err)
	if !ok {
		t.Fatalf("error is %T %v", err, err)
	}
	want := strings.TrimSpace(`
line 2, ruels: Unknown key "ruels". Did you mean "rules"?
line 6, rules[0].when: The condition does not compile at column 9 of "account.regin == \"EMEA\"": account has no field regin. The fields are listed at the top of the shipped policy.yaml.
line 7, rules[1]: Two rules are called "emea", the first in line 4. Give each its own name.
line 8, rules[1].kind: "catchall" is no kind of rule. Choose one of open_opportunity, partner, named, original_ae, specialist, territory, people, catch_all.
line 9, rules[1].kind: The key "kind" is there twice. Keep one.
line 10, rules[2].name: "Bad Name" is no rule name. Use up to 64 of a-z, 0-9, _ and -.
line 10, rules[2].people[0]: "ana" is not an e-mail address. People in a policy are named by e-mail.
line 10, rules[2].people[2]: ben@acme.example is there twice. Keep one.
line 11, rules[3].territory: territory has no effect on a rule of kind original_ae. Take it out, or use kind territory.
line 14, rules[3].when: signal.type is never "usage-growth". It is one of usage_growth, feature_adoption, explicit_request, budget_discussion, capacity_limit, health_indicator.
line 15, rules[4]: The rule has no name. Add name: …
line 16, rules[4].specialties[0]: "seat" is no expansion type. Choose one of seats, tier, upsell, cross_sell.
line 17, rules[4].weights[0].turns: Expected a whole number from 1 to 100, found "0".
line 19, timing.review_window: 15m is out of range. Choose 0s to 14m.
line 20, timing.ack_target: "soon" is not a duration. Write seconds (600), or 10m, 4h, 2d, 1d12h.
line 21, timing.nudges: The nudge at 3d comes after the escalation at 2d. Make it earlier.
line 22, timing.hold_for: "-1h" is not a duration. Write seconds (600), or 10m, 4h, 2d, 1d12h.
line 23, hours.days[0]: "monday" is no day. Choose of sun, mon, tue, wed, thu, fri, sat.
line 23, hours: Working hours end before they start. Make end later than start.
line 25, escalation[0]: The level names nobody. Add people: [name@example.com].
line 26, escalation: The last level may be nobody: not every rep has a manager. End with to: people or to: revops.
line 27, cards_per_day: Expected a whole number from 0 to 1000, found "many".`)
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(ps.Error(), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestParseRefusesWhatIsNoPolicy(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "a list": "- a", "a word": "policy", "bad YAML": "rules: [\n  {", "a tab": "rules:\n\t- a", "no rules": "escalation: [{to: revops}]",
		"no escalation": "rules: [{name: a, kind: catch_all}]", "empty rules": "rules: []\nescalation: [{to: revops}]", "an alias": "rules: &r [{name: a, kind: catch_all}]\nescalation: *r",
		"two documents": "rules: [{name: a, kind: catch_all}]\nescalation: [{to: revops}]\n---\nrules: []\n", "too large": strings.Repeat("#", 1<<20+1),
		"another version": "version: 2\nrules: [{name: a, kind: catch_all}]\nescalation: [{to: revops}]",
	} {
		p, err := route.ParsePolicy([]byte(text))
		if ps, ok := errors.AsType[route.Problems](err); p != nil || !ok || !ps.Errors() {
			t.Errorf("%s: policy %v, error %v", name, p, err)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"600": 10 * time.Minute, "0": 0, "10m": 10 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute, "0d": 0, " 4h ": 4 * time.Hour,
	} {
		if got, err := route.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "1d-2h", "+5m", "99999d", "9999d", "1d 2h", "d", "h", "5000000000"} {
		if got, err := route.ParseDuration(text); err == nil {
			t.Errorf("%q = %v, want an error", text, got)
		}
	}
}

// FuzzParsePolicy: no text makes the parser panic or accept what it can't decide with.
func FuzzParsePolicy(f *testing.F) {
	f.Add(route.DefaultText())
	f.Add([]byte("rules: [{name: a, kind: people, people: [a@b.example], when: 'account.arr > 5 and signal.score < 1'}]\nescalation: [{to: revops}]"))
	f.Add([]byte("rules: &a [*a]\n<<: {a: b}\ntiming: {nudges: [1, 1d]}"))
	facts := expansion.Facts{Now: tuesday, AccountID: "a1", Territory: "West", ExpansionType: "seats", Reps: []expansion.Rep{rep("ann", "ae"), rep("tim", "specialist", west)}}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := route.ParsePolicy(text)
		if ps, ok := errors.AsType[route.Problems](err); err != nil && (!ok || len(ps) == 0 || p != nil) {
			t.Fatalf("policy %v with error %T %v", p, err, err)
		}
		if err != nil {
			return
		}
		d, _ := p.Decide(facts)
		c := p.Pick(route.NewTeam(facts.Reps), &facts)
		if c.To != d.To || c.Kind != d.Kind || len(d.Trace) != len(p.Rules()) {
			t.Fatalf("Decide %+v, Pick %+v", d, c)
		}
		route.Lint(p, nil, nil)
	})
}

// The whole ladder can be tried live: every duration may be written in seconds.
func TestEveryDurationAcceptsSeconds(t *testing.T) {
	t.Parallel()
	keys := []string{
		"review_window", "ack_target", "nudge_gap", "escalate_after", "escalate_again", "extend_by", "not_mine_leaves", "undo_window",
		"hold_for", "park_after", "duplicate_window", "retry_no_recipient", "not_real_answer",
	}
	var b strings.Builder
	b.WriteString("version: 1\nrules: [{name: all, kind: catch_all}]\nescalation: [{to: revops}]\ntiming:\n  nudges: [1, 2s]\n  ask_reminder: 2\n")
	for _, k := range keys {
		fmt.Fprintf(&b, "  %s: 30\n", k)
	}
	p, err := route.ParsePolicy([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(p.Timing())
	for i := range v.NumField() {
		d, ok := v.Field(i).Interface().(time.Duration)
		if name := v.Type().Field(i).Name; ok && d != 30*time.Second && name != "AskReminder" {
			t.Errorf("%s is %v, want 30s", name, d)
		}
	}
}

// A value that is refused is not held against others as if it were something else.
func TestRefusedDurationIsReportedOnce(t *testing.T) {
	t.Parallel()
	_, err := route.ParsePolicy([]byte("version: 1\nrules: [{name: all, kind: catch_all}]\nescalation: [{to: revops}]\ntiming:\n  escalate_after: 500ms\n  nudges: [4h, soon]\n  park_after: never\n"))
	ps, ok := errors.AsType[route.Problems](err)
	if !ok || len(ps) != 3 {
		t.Fatalf("got %v, want one problem for each of the three values", err)
	}
}
