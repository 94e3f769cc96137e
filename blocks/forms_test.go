package blocks

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// submitted is a view as Slack sends it: state is block id -> the element's state.
func submitted(t *testing.T, state string) *slack.View {
	t.Helper()
	var elements map[string]json.RawMessage
	if err := json.Unmarshal([]byte(state), &elements); err != nil {
		t.Fatal(err)
	}
	values := map[string]map[string]json.RawMessage{}
	for block, e := range elements {
		values[block] = map[string]json.RawMessage{"input": e}
	}
	raw, err := json.Marshal(map[string]any{"type": "modal", "state": map[string]any{"values": values}})
	if err != nil {
		t.Fatal(err)
	}
	var v slack.View
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func picked(value string) string {
	return `{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"x","emoji":true},"value":"` + value + `"}}`
}

func typed(s string) string {
	b, _ := json.Marshal(s)
	return `{"type":"plain_text_input","value":` + string(b) + `}`
}

// form joins block id, element pairs into a state.
func state(pairs ...string) string {
	out := "{"
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			out += ","
		}
		out += `"` + pairs[i] + `":` + pairs[i+1]
	}
	return out + "}"
}

func TestParseForms(t *testing.T) {
	t.Parallel()
	any2 := func(v any, errs map[string]string) (any, map[string]string) { return v, errs }
	logForm := func(s string) (any, map[string]string) { return any2(ParseLogSignal(submitted(t, s))) }
	preview := func(s string) (any, map[string]string) { return any2(ParsePreview(submitted(t, s))) }
	outcome := func(s string) (any, map[string]string) { return any2(ParseOutcome(submitted(t, s))) }
	for _, c := range []struct {
		name  string
		parse func(string) (any, map[string]string)
		state string
		want  any
		errs  map[string]string
	}{
		{
			"log: everything filled", logForm, state("account", picked("brightwater"), "type", picked("explicit_request"), "strength", picked("strong"),
				"what", typed("  they asked about 30 more seats "), "quote", typed("thirty"), "people", `{"type":"multi_external_select","selected_options":[{"value":"c1"},{"value":"c2"}]}`,
				"when", `{"type":"datepicker","selected_date":"2026-03-09"}`, "link", typed("https://x.example/a")),
			LogValues{
				Account: "brightwater", Type: "explicit_request", Strength: "strong", What: "they asked about 30 more seats", Quote: "thirty",
				People: []string{"c1", "c2"}, When: day("2026-03-09"), Link: "https://x.example/a",
			},
			nil,
		},
		{
			"log: empty optional fields come as null", logForm, state("account", picked("a"), "type", picked("health_indicator"), "strength", picked("moderate"),
				"what", typed("0123456789"), "quote", `{"type":"plain_text_input","value":null}`, "people", `{"type":"multi_external_select","selected_options":[]}`,
				"when", `{"type":"datepicker","selected_date":null}`, "link", `{"type":"url_text_input","value":null}`),
			LogValues{Account: "a", Type: "health_indicator", Strength: "moderate", What: "0123456789"},
			nil,
		},
		{
			"log: the storyboard's sentence stands on the field", logForm, state("account", picked("a"), "type", picked("usage_growth"), "strength", picked("strong"), "what", typed("seats")),
			nil,
			map[string]string{"what": "Say what happened in at least 10 characters."},
		},
		{"log: nothing chosen", logForm, "{}", nil, map[string]string{
			"account": "Pick the account, or 'Not in CRM yet'.", "type": "Pick what kind of signal it is.", "strength": "Pick how strong it is.",
			"what": "Say what happened in at least 10 characters.",
		}},
		{"log: a link that is no web address", logForm, state("account", picked("a"), "type", picked("usage_growth"), "strength", picked("strong"),
			"what", typed("0123456789"), "link", typed("javascript:alert(1)")), nil, map[string]string{"link": "Paste a whole web address, starting with https://."}},
		{
			"preview: as planned", preview, state("recipient", picked("marcus"), "expansion", picked("seats"), "potential", typed("19,200"), "probability", typed("41"),
				"close_date", `{"type":"datepicker","selected_date":"2026-05-31"}`, "stage", picked("s1"), "note", typed("Jo prefers phone"),
				"also", `{"type":"checkboxes","selected_options":[{"value":"email"},{"value":"hold"}]}`),
			PreviewValues{
				To: "marcus", ExpansionType: "seats", Potential: ptr(19200.0), StageID: "s1", Probability: ptr(0.41), CloseDate: day("2026-05-31"),
				Note: "Jo prefers phone", Email: true, Hold: true,
			},
			nil,
		},
		{
			"preview: a changed recipient needs a reason", preview, state("recipient", picked("dana"), "expansion", picked("seats"), "why_change", `{"type":"radio_buttons","selected_option":null}`),
			nil,
			map[string]string{"why_change": "Say why somebody else should get it."},
		},
		{
			"preview: a separate opportunity needs a reason", preview, state("recipient", picked("dana"), "expansion", picked("tier"), "attach", picked("separate"), "separate", typed(" ")),
			nil,
			map[string]string{"separate": "Say why it needs a separate one."},
		},
		{
			"preview: attaching", preview, state("recipient", picked("dana"), "expansion", picked("tier"), "attach", picked("006B")),
			PreviewValues{To: "dana", ExpansionType: "tier", Attach: "006B"},
			nil,
		},
		{
			"preview: bad numbers", preview, state("recipient", picked("dana"), "expansion", picked("tier"), "potential", typed("-5"), "probability", typed("120")),
			nil,
			map[string]string{"potential": "The amount cannot be below zero.", "probability": "Write the chance in percent, 0 to 100."},
		},
		{
			"preview: numbers that are none", preview, state("recipient", picked("dana"), "expansion", picked("tier"), "potential", typed("NaN"), "probability", typed("NaN")),
			nil,
			map[string]string{"potential": "Write the amount as a number, like 19200.", "probability": "Write the chance in percent, 0 to 100."},
		},
		{
			"outcome: won", outcome, state("result", picked("won"), "arr", typed("21600.50"), "reason", picked("need"), "rating", picked("4"), "right", picked("yes")),
			OutcomeValues{Won: true, ARR: ptr(21600.5), Reason: "need", Rating: ptr(4), SignalRight: "yes"},
			nil,
		},
		{"outcome: won needs an amount", outcome, state("result", picked("won"), "reason", picked("need")), nil, map[string]string{"arr": "Say how much the ARR changed; 0 is fine."}},
		{"outcome: lost asks only for a reason", outcome, state("result", picked("lost"), "reason", picked("price")), OutcomeValues{Reason: "price"}, nil},
		{"outcome: a churn is below zero", outcome, state("result", picked("lost"), "reason", picked("price"), "arr", typed("-100")), OutcomeValues{Reason: "price", ARR: ptr(-100.0)}, nil},
		{"outcome: nothing", outcome, "{}", nil, map[string]string{"result": "Say whether it was won or lost.", "reason": "Pick the main reason."}},
		{"similar: add", func(s string) (any, map[string]string) { return any2(ParseSimilar(submitted(t, s))) }, state("same", picked("add"), "different", typed("x")), SimilarValues{Add: true}, nil},
		{
			"similar: different needs a line", func(s string) (any, map[string]string) { return any2(ParseSimilar(submitted(t, s))) }, state("same", picked("different")), nil,
			map[string]string{"different": "Say in one line what is different."},
		},
		{
			"not mine: to somebody", func(s string) (any, map[string]string) { return any2(ParseNotMine(submitted(t, s))) }, state("recipient", picked("dana"), "reason", picked("wrong_territory")),
			NotMineValues{To: "dana", Reason: "wrong_territory"},
			nil,
		},
		{"not mine: no reason", func(s string) (any, map[string]string) { return any2(ParseNotMine(submitted(t, s))) }, "{}", nil, map[string]string{"reason": "Say why it isn't yours."}},
		{
			"not real", func(s string) (any, map[string]string) { return any2(ParseNotReal(submitted(t, s))) }, state("reason", picked("no_budget"), "line", typed("pilot users only")),
			NotRealValues{Reason: "no_budget", Line: "pilot users only"},
			nil,
		},
		{"dismiss: an unknown reason", func(s string) (any, map[string]string) { return any2(ParseDismiss(submitted(t, s))) }, state("reason", picked("boredom")), nil, map[string]string{"reason": "Say why it isn't real."}},
		{"later", func(s string) (any, map[string]string) { return any2(ParseLater(submitted(t, s))) }, state("until", picked("1m")), "1m", nil},
		{"later: nothing", func(s string) (any, map[string]string) { return any2(ParseLater(submitted(t, s))) }, "{}", nil, map[string]string{"until": "Pick when I should ask again."}},
		{
			"reassign", func(s string) (any, map[string]string) { return any2(ParseReassign(submitted(t, s))) }, state("recipient", picked("dana"), "reason", typed("travelling"), "tell", typed("Enjoy")),
			ReassignValues{To: "dana", Reason: "travelling", Tell: "Enjoy"},
			nil,
		},
		{
			"reassign: nobody", func(s string) (any, map[string]string) { return any2(ParseReassign(submitted(t, s))) }, "{}", nil,
			map[string]string{"recipient": "Pick who gets it.", "reason": "Say why, in a few words."},
		},
		{"extend", func(s string) (any, map[string]string) { return any2(ParseExtend(submitted(t, s))) }, state("reason", typed("on a plane")), "on a plane", nil},
		{"disagree", func(s string) (any, map[string]string) { return any2(ParseDisagree(submitted(t, s))) }, state("line", typed("they asked twice")), "they asked twice", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, errs := c.parse(c.state)
			if diff := cmp.Diff(c.errs, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if c.want == nil {
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

// A view without state, or none at all, is bad input, not a crash.
func TestParseWithoutState(t *testing.T) {
	t.Parallel()
	for _, v := range []*slack.View{nil, {}} {
		if _, errs := ParseLogSignal(v); errs["account"] == "" {
			t.Errorf("ParseLogSignal(%v) asks for no account: %v", v, errs)
		}
		if _, errs := ParsePreview(v); errs["recipient"] == "" {
			t.Errorf("ParsePreview(%v) asks for no recipient: %v", v, errs)
		}
	}
}

// Field errors only show on blocks that are inputs of the modal (Slack shows "trouble
// connecting" for any other).
func TestErrorsSitOnInputsOfTheirModal(t *testing.T) {
	t.Parallel()
	pending := routed()
	changed := Preview(noticed(), PreviewForm{To: Item{Value: "dana", Text: "Dana"}})
	_, logErrs := ParseLogSignal(nil)
	_, previewErrs := ParsePreview(nil)
	_, outcomeErrs := ParseOutcome(nil)
	_, notMineErrs := ParseNotMine(nil)
	_, notRealErrs := ParseNotReal(nil)
	_, dismissErrs := ParseDismiss(nil)
	_, laterErrs := ParseLater(nil)
	_, reassignErrs := ParseReassign(nil)
	_, extendErrs := ParseExtend(nil)
	_, disagreeErrs := ParseDisagree(nil)
	_, similarErrs := ParseSimilar(nil)
	_, contactErrs := ParseContact(nil)
	for _, c := range []struct {
		name string
		view slack.ModalViewRequest
		errs map[string]string
	}{
		{"log", LogSignal(LogForm{}), logErrs},
		{"preview", changed, previewErrs},
		{"outcome", Outcome(pending), outcomeErrs},
		{"not mine", NotMine(pending), notMineErrs},
		{"not real", NotReal(pending), notRealErrs},
		{"dismiss", Dismiss(pending), dismissErrs},
		{"later", Later(pending), laterErrs},
		{"reassign", Reassign(pending, Item{}), reassignErrs},
		{"extend", Extend(pending), extendErrs},
		{"disagree", Disagree(pending), disagreeErrs},
		{"similar", Similar(SimilarForm{Open: noticed()}), similarErrs},
		{"contact", Contact(pending, nil), contactErrs},
	} {
		if len(c.errs) == 0 {
			t.Errorf("%s: an empty form has no errors", c.name)
		}
		inputs := map[string]bool{}
		for _, b := range c.view.Blocks.BlockSet {
			if b.BlockType() == slack.MBTInput {
				inputs[b.ID()] = true
			}
		}
		for block := range c.errs {
			if !inputs[block] {
				t.Errorf("%s: the error on %q has no input", c.name, block)
			}
		}
	}
}
