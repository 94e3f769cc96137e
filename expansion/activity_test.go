package expansion

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestActivityWords(t *testing.T) {
	t.Parallel()
	names := map[PersonID]string{"p1": "Priya Nair", "p2": "Marcus Lee"}
	name := func(id PersonID) string { return names[id] }
	for _, c := range []struct {
		verb   string
		person PersonID
		args   map[string]any
		want   string
	}{
		{"signal_detected", "", map[string]any{"type": "usage_growth", "strength": "strong", "source": "usage_data"}, "Noticed usage growth, strong, from usage data."},
		{"signal_detected", "", nil, "Noticed a signal."},
		{"signal_logged", "p1", nil, "Priya Nair logged a signal."},
		{"signal_logged", "p1", map[string]any{"type": "explicit_request", "strength": "moderate"}, "Priya Nair logged a signal: asked for it, moderate."},
		{"signal_logged", "gone", nil, "Someone logged a signal."},
		{"strength_raised", "", map[string]any{"to": "strong", "why": "They asked for a quote."}, "Now strong: They asked for a quote."},
		{"context_gathered", "", map[string]any{"complete": 0.55}, "Context gathered, 55% complete."},
		{"signal_detected", "", map[string]any{"type": "usage_growth", "source": "manual"}, "Noticed usage growth, logged by hand."},
		{"routed", "p2", map[string]any{"rule": "original-ae", "kind": "original_ae", "by": ""}, "Sent to Marcus Lee: original AE."},
		{"routed", "p2", map[string]any{"rule": "original-ae", "kind": "cover", "covering": "p1"}, "Sent to Marcus Lee, covering for Priya Nair."},
		{"routed", "p2", map[string]any{"rule": "original-ae", "kind": "cover"}, "Sent to Marcus Lee as cover."},
		{"routed", "p2", map[string]any{"rule": "override", "kind": "override", "by": "p1"}, "Sent to Marcus Lee, chosen by hand by Priya Nair."},
		{"acknowledged", "p2", map[string]any{"after": int64(59)}, "Marcus Lee acknowledged after 59 s."},
		{"acknowledged", "p2", map[string]any{"after": float64(3900)}, "Marcus Lee acknowledged after 1 h 5 m."},
		{"acknowledged", "p2", map[string]any{"after": float64(72 * 3600)}, "Marcus Lee acknowledged after 72 h."},
		{"dismissed", "p1", map[string]any{"reason": "no_budget"}, "Priya Nair said it is not real: no budget."},
		{"not_mine", "p2", map[string]any{"reason": "wrong_territory", "next": "p1"}, "Marcus Lee says this isn't theirs (wrong territory). Sent to Priya Nair."},
		{"not_mine", "p2", nil, "Marcus Lee says this isn't theirs."},
		{"escalated", "", map[string]any{"to": "p1", "late": 7200}, "Escalated to Priya Nair, late by 2 h."},
		{"escalated", "", nil, "Escalated to the next level."},
		{"stage_changed", "", map[string]any{"to": "Proposal"}, "Stage changed in the CRM: Proposal."},
		{"close_date_changed", "", map[string]any{"to": "2026-06-30"}, "Close date changed in the CRM to 30 Jun."},
		{"close_date_changed", "", map[string]any{"to": "2027-01-30"}, "Close date changed in the CRM to 30 Jan 2027."},
		{"amount_changed", "", map[string]any{"to": "$21,600"}, "Amount changed in the CRM to $21,600."},
		{"owner_changed", "", map[string]any{"to": "77"}, "Owner changed in the CRM."},
		{"owner_changed", "", map[string]any{"to": "77", "person": "p2"}, "Owner changed in the CRM to Marcus Lee."},
		{"won", "", map[string]any{"from": "crm"}, "Won in the CRM."},
		{"lost", "p2", map[string]any{"from": "api"}, "Marcus Lee closed it as lost over the API."},
		{"delivered", "p2", map[string]any{"channel": "slack", "kind": "card_handoff"}, "Handoff delivered to Marcus Lee by Slack."},
		{"delivery_blocked", "p2", map[string]any{"channel": "email", "kind": "card_handoff", "reason": "bad_address"}, "Handoff could not be delivered to Marcus Lee by email: bad address."},
		{"away_set", "p2", map[string]any{"from": "2026-03-02", "to": "2026-03-06", "cover": "p1"}, "Marcus Lee is away from 2 Mar to 6 Mar; cover is Priya Nair."},
		{"away_set", "p2", map[string]any{"from": "2026-03-02", "to": "2026-03-02", "cover": ""}, "Marcus Lee is away on 2 Mar."},
		{"away_set", "p2", map[string]any{"from": "2026-12-30", "to": "2027-01-02"}, "Marcus Lee is away from 30 Dec to 2 Jan 2027."},
		{"new_thing", "p1", nil, "New thing by Priya Nair."},
		{"", "", nil, "Updated."},
	} {
		a := Activity{At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Verb: c.verb, Person: c.person, Args: c.args}
		if got := a.Words(name); got != c.want {
			t.Errorf("%s %v: got %q, want %q", c.verb, c.args, got, c.want)
		}
	}
}

func TestEveryKnownVerbReadsWithoutArguments(t *testing.T) {
	t.Parallel()
	for verb := range activityWords {
		got := Activity{Verb: verb}.Words(func(PersonID) string { return "" })
		if !strings.HasSuffix(got, ".") || strings.Contains(got, "<nil>") || strings.Contains(got, "  ") || strings.Contains(got, "..") {
			t.Errorf("%s: got %q, want a plain sentence", verb, got)
		}
	}
}

var verbInEngine = regexp.MustCompile(`(?:Verb(?:, \w+\.\w+)? ?[:=]+ |activity\([\w.]+, |change(?:Routing|Signal)\(ctx, by, id, )"([a-z_]+)"`)

func TestEveryVerbOfTheEngineHasWords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../engine/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range verbInEngine.FindAllStringSubmatch(string(b), -1) {
			found++
			if activityWords[m[1]] == nil {
				t.Errorf("%s logs %s, for which activityWords has no sentence", filepath.Base(f), m[1])
			}
		}
	}
	if found < 25 {
		t.Errorf("found %d verbs in engine, want 25 at least: does the pattern still fit?", found)
	}
}
