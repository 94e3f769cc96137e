package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"
)

func x(n int) string { return strings.Repeat("x", n) }

func rep(n int, part string) string {
	return strings.TrimSuffix(strings.Repeat(part+",", n), ",")
}

// numbered repeats part with %d replaced by 0, 1, 2 …
func numbered(n int, part string) string {
	var b []string
	for i := range n {
		b = append(b, strings.ReplaceAll(part, "%d", fmt.Sprint(i)))
	}
	return strings.Join(b, ",")
}

func pt(s string) string { return `{"type":"plain_text","text":"` + s + `"}` }
func mr(s string) string { return `{"type":"mrkdwn","text":"` + s + `"}` }
func opts(n int) string  { return numbered(n, `{"text":`+pt("o")+`,"value":"v%d"}`) }
func button(s string) string {
	return `{"type":"button","action_id":"a","text":` + pt("b") + s + `}`
}
func actions(els string) string { return `{"type":"actions","elements":[` + els + `]}` }
func inputOf(el string) string {
	return `{"type":"input","label":` + pt("l") + `,"element":` + el + `}`
}

func sel(s string) string {
	return `{"type":"static_select","action_id":"s","options":[` + opts(2) + `]` + s + `}`
}

// TestBlockLimits has a case for each limit: the last allowed form passes, the next one is refused with a pointer.
func TestBlockLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, surface, good, bad, want string
	}{
		{"header text", "message", `{"type":"header","text":` + pt(x(150)) + `}`, `{"type":"header","text":` + pt(x(151)) + `}`, "must be less than 151 characters [json-pointer:/blocks/0/text/text]"},
		{"header counts code points", "message", `{"type":"header","text":` + pt(strings.Repeat("é", 150)) + `}`, `{"type":"header","text":` + pt(strings.Repeat("é", 151)) + `}`, "less than 151"},
		{"header takes plain text only", "message", `{"type":"header","text":` + pt("h") + `}`, `{"type":"header","text":` + mr("h") + `}`, "must be plain_text [json-pointer:/blocks/0/text/type]"},
		{"mrkdwn has no emoji flag", "message", `{"type":"section","text":{"type":"plain_text","text":"a","emoji":true}}`, `{"type":"section","text":{"type":"mrkdwn","text":"a","emoji":true}}`, "invalid additional property: emoji"},
		{"text is not empty", "message", `{"type":"section","text":` + mr("a") + `}`, `{"type":"section","text":` + mr("") + `}`, "must be more than 0 characters"},
		{"section text", "home", `{"type":"section","text":` + mr(x(3000)) + `}`, `{"type":"section","text":` + mr(x(3001)) + `}`, "less than 3001"},
		{"section needs text or fields", "message", `{"type":"section","fields":[` + mr("a") + `]}`, `{"type":"section"}`, "must define either text or fields"},
		{"section fields count", "message", `{"type":"section","fields":[` + rep(10, mr("a")) + `]}`, `{"type":"section","fields":[` + rep(11, mr("a")) + `]}`, "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
		{"section field length", "message", `{"type":"section","fields":[` + mr(x(2000)) + `]}`, `{"type":"section","fields":[` + mr(x(2001)) + `]}`, "/blocks/0/fields/0/text"},
		{"context elements", "message", `{"type":"context","elements":[` + rep(10, mr("a")) + `]}`, `{"type":"context","elements":[` + rep(11, mr("a")) + `]}`, "no more than 10"},
		{"no button in context", "message", `{"type":"context","elements":[` + mr("a") + `]}`, `{"type":"context","elements":[` + button("") + `]}`, "unsupported type: button"},
		{"actions elements", "message", actions(numbered(25, `{"type":"button","action_id":"a%d","text":`+pt("b")+`}`)), actions(numbered(26, `{"type":"button","action_id":"a%d","text":`+pt("b")+`}`)), "no more than 25"},
		{"action ids in one block differ", "message", actions(button("")), actions(button("") + "," + button("")), "action_id already exists: a"},
		{"no input in actions", "message", actions(sel("")), actions(`{"type":"plain_text_input","action_id":"p"}`), "unsupported type: plain_text_input"},
		{"multi select stays out of actions", "home", `{"type":"section","text":` + mr("a") + `,"accessory":{"type":"multi_static_select","action_id":"m","options":[` + opts(1) + `]}}`, actions(`{"type":"multi_static_select","action_id":"m","options":[` + opts(1) + `]}`), "unsupported type: multi_static_select"},
		{"button text", "message", actions(`{"type":"button","text":` + pt(x(75)) + `}`), actions(`{"type":"button","text":` + pt(x(76)) + `}`), "less than 76"},
		{"button value", "message", actions(button(`,"value":"` + x(2000) + `"`)), actions(button(`,"value":"` + x(2001) + `"`)), "/elements/0/value"},
		{"button style", "message", actions(button(`,"style":"danger"`)), actions(button(`,"style":"warning"`)), "valid enum value"},
		{"button url", "message", actions(button(`,"url":"https://a.example/` + x(2980) + `"`)), actions(button(`,"url":"https://a.example/` + x(3000) + `"`)), "less than 3001"},
		{"button confirm", "message", actions(button(`,"confirm":{"title":` + pt(x(100)) + `,"text":` + mr(x(300)) + `,"confirm":` + pt(x(30)) + `,"deny":` + pt(x(30)) + `}`)), actions(button(`,"confirm":{"title":` + pt(x(101)) + `,"text":` + mr(x(301)) + `,"confirm":` + pt(x(31)) + `}`)), "less than 101"},
		{"option count", "message", actions(`{"type":"static_select","options":[` + opts(100) + `]}`), actions(`{"type":"static_select","options":[` + opts(101) + `]}`), "no more than 100"},
		{"option text", "message", actions(sel(`,"initial_option":{"text":` + pt("o") + `,"value":"v1"}`)), actions(`{"type":"static_select","options":[{"text":` + pt(x(76)) + `,"value":"v"}]}`), "less than 76"},
		{"option value", "message", actions(`{"type":"static_select","options":[{"text":` + pt("o") + `,"value":"` + x(75) + `"}]}`), actions(`{"type":"static_select","options":[{"text":` + pt("o") + `,"value":"` + x(76) + `"}]}`), "/options/0/value"},
		{"option values differ", "message", actions(sel("")), actions(`{"type":"static_select","options":[` + rep(2, opts(1)) + `]}`), "must be unique: v0"},
		{"options or groups, not both", "message", actions(`{"type":"static_select","option_groups":[{"label":` + pt("g") + `,"options":[` + opts(1) + `]}]}`), actions(sel(`,"option_groups":[{"label":` + pt("g") + `,"options":[` + opts(1) + `]}]`)), "exactly one of options and option_groups"},
		{"select options are plain text", "message", actions(sel("")), actions(`{"type":"static_select","options":[{"text":` + mr("o") + `,"value":"v"}]}`), "must be plain_text"},
		{"initial option is offered", "message", actions(sel(`,"initial_option":{"text":` + pt("o") + `,"value":"v0"}`)), actions(sel(`,"initial_option":{"text":` + pt("o") + `,"value":"zz"}`)), "is not one of the options"},
		{"placeholder", "message", actions(sel(`,"placeholder":` + pt(x(150)))), actions(sel(`,"placeholder":` + pt(x(151)))), "less than 151"},
		{"overflow options", "message", actions(`{"type":"overflow","options":[` + opts(5) + `]}`), actions(`{"type":"overflow","options":[` + opts(6) + `]}`), "no more than 5"},
		{"radio options", "modal", inputOf(`{"type":"radio_buttons","options":[` + opts(10) + `]}`), inputOf(`{"type":"radio_buttons","options":[` + opts(11) + `]}`), "no more than 10"},
		{"input label", "modal", inputOf(sel("")), `{"type":"input","label":` + pt(x(2001)) + `,"element":` + sel("") + `}`, "less than 2001"},
		{"input needs an element", "modal", inputOf(sel("")), `{"type":"input","label":` + pt("l") + `}`, "missing required field: element [json-pointer:/blocks/0]"},
		{"no button in input", "modal", inputOf(sel("")), inputOf(button("")), "unsupported type: button"},
		{"text input length order", "modal", inputOf(`{"type":"plain_text_input","min_length":5,"max_length":5}`), inputOf(`{"type":"plain_text_input","min_length":6,"max_length":5}`), "min_length must not be more than max_length"},
		{"text input max_length", "modal", inputOf(`{"type":"plain_text_input","max_length":3000}`), inputOf(`{"type":"plain_text_input","max_length":3001}`), "must be between 1 and 3000"},
		{"number input says if decimal", "modal", inputOf(`{"type":"number_input","is_decimal_allowed":true,"initial_value":"1.5"}`), inputOf(`{"type":"number_input"}`), "missing required field: is_decimal_allowed"},
		{"date form", "modal", inputOf(`{"type":"datepicker","initial_date":"2026-03-14"}`), inputOf(`{"type":"datepicker","initial_date":"14.3.2026"}`), "YYYY-MM-DD"},
		{"file input in modals only", "modal", inputOf(`{"type":"file_input","max_files":10}`), inputOf(`{"type":"file_input","max_files":11}`), "must be between 1 and 10"},
		{"one focus", "modal", inputOf(sel(`,"focus_on_load":true`)), inputOf(sel(`,"focus_on_load":true`)) + "," + inputOf(sel(`,"focus_on_load":true`)), "only one element may have focus_on_load"},
		{"image source", "message", `{"type":"image","alt_text":"a","image_url":"https://a.example/i.png"}`, `{"type":"image","alt_text":"a"}`, "exactly one of image_url and slack_file"},
		{"image is https", "message", `{"type":"image","alt_text":"a","slack_file":{"id":"F1"}}`, `{"type":"image","alt_text":"a","image_url":"http://127.0.0.1/i.png"}`, "must be a valid URL"},
		{"image needs alt text", "message", `{"type":"image","alt_text":"` + x(2000) + `","slack_file":{"id":"F1"}}`, `{"type":"image","slack_file":{"id":"F1"}}`, "missing required field: alt_text"},
		{"block_id length", "message", `{"type":"divider","block_id":"` + x(255) + `"}`, `{"type":"divider","block_id":"` + x(256) + `"}`, "less than 256"},
		{"block_id once", "message", `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}`, `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`, "block_id already exists: a [json-pointer:/blocks/1/block_id]"},
		{"action_id length", "message", actions(`{"type":"button","action_id":"` + x(255) + `","text":` + pt("b") + `}`), actions(`{"type":"button","action_id":"` + x(256) + `","text":` + pt("b") + `}`), "less than 256"},
		{"unknown block", "message", `{"type":"divider"}`, `{"type":"banner"}`, "unsupported type: banner [json-pointer:/blocks/0/type]"},
		{"unknown property", "message", `{"type":"divider"}`, `{"type":"divider","color":"red"}`, "invalid additional property: color"},
		{"message blocks", "message", rep(50, `{"type":"divider"}`), rep(51, `{"type":"divider"}`), "no more than 50 items allowed [json-pointer:/blocks]"},
		{"modal blocks", "modal", rep(100, `{"type":"divider"}`), rep(101, `{"type":"divider"}`), "no more than 100"},
		{"home needs a block", "home", `{"type":"divider"}`, ``, "no fewer than 1 items"},
		{"alert text", "modal", `{"type":"alert","level":"info","text":` + mr(x(200)) + `}`, `{"type":"alert","text":` + mr(x(201)) + `}`, "less than 201"},
		{"alert in modals only", "modal", `{"type":"alert","text":` + mr("a") + `}`, `{"type":"alert","level":"loud","text":` + mr("a") + `}`, "valid enum value"},
		{"table rows", "message", `{"type":"table","rows":[` + rep(100, `[{"type":"raw_text","text":"a"}]`) + `]}`, `{"type":"table","rows":[` + rep(101, `[{"type":"raw_text","text":"a"}]`) + `]}`, "no more than 100"},
		{"table columns", "message", `{"type":"table","rows":[[` + rep(20, `{"type":"raw_text","text":"a"}`) + `]]}`, `{"type":"table","rows":[[` + rep(21, `{"type":"raw_text","text":"a"}`) + `]]}`, "no more than 20"},
		{"one table", "message", `{"type":"table","rows":[[null]]}`, rep(2, `{"type":"table","rows":[[null]]}`), "only one table"},
		{"data table is a rectangle", "message", `{"type":"data_table","caption":"c","rows":[` + rep(2, `[{"type":"raw_text","text":"a"}]`) + `]}`, `{"type":"data_table","caption":"c","rows":[[{"type":"raw_text","text":"a"}],[]]}`, "as many cells as the first row (1)"},
		{"container title", "message", `{"type":"container","title":` + pt(x(150)) + `,"child_blocks":[{"type":"divider"}]}`, `{"type":"container","child_blocks":[{"type":"divider"}]}`, "must define title or rich_text_title"},
		{"container children", "message", `{"type":"container","title":` + pt("t") + `,"child_blocks":[` + rep(10, `{"type":"divider"}`) + `]}`, `{"type":"container","title":` + pt("t") + `,"child_blocks":[` + rep(11, `{"type":"divider"}`) + `]}`, "no more than 10"},
		{"no rich text in a container", "message", `{"type":"container","title":` + pt("t") + `,"child_blocks":[` + actions(button("")) + `]}`, `{"type":"container","title":` + pt("t") + `,"child_blocks":[{"type":"rich_text","elements":[]}]}`, "unsupported type: rich_text inside a container [json-pointer:/blocks/0/child_blocks/0/type]"},
		{"card body", "message", `{"type":"card","title":` + pt(x(150)) + `,"body":` + mr(x(200)) + `}`, `{"type":"card","title":` + pt("t") + `,"body":` + mr(x(201)) + `}`, "less than 201"},
		{"card actions", "message", `{"type":"card","actions":[` + rep(3, button("")) + `]}`, `{"type":"card","actions":[` + rep(4, button("")) + `]}`, "no more than 3"},
		{"carousel", "message", `{"type":"carousel","elements":[` + rep(10, `{"type":"card","body":`+mr("b")+`}`) + `]}`, `{"type":"carousel","elements":[{"type":"divider"}]}`, "must be card"},
		{
			"chart series match categories", "message",
			`{"type":"data_visualization","title":"t","chart":{"type":"bar","axis_config":{"categories":["a"]},"series":[{"name":"n","data":[{"label":"a","value":1}]}]}}`,
			`{"type":"data_visualization","title":"t","chart":{"type":"bar","axis_config":{"categories":["a","b"]},"series":[{"name":"n","data":[{"label":"a","value":1}]}]}}`, "one point for each category (2)",
		},
		{"pie values", "message", `{"type":"data_visualization","title":"` + x(50) + `","chart":{"type":"pie","segments":[{"label":"a","value":1}]}}`, `{"type":"data_visualization","title":"t","chart":{"type":"pie","segments":[{"label":"a","value":0}]}}`, "must be more than 0"},
		{"markdown length", "message", `{"type":"markdown","text":"` + x(12000) + `"}`, `{"type":"markdown","text":"` + x(12001) + `"}`, "less than 12001"},
		{"rich text leaves", "message", `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"bold":true}}]}]}`, `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"blink","text":"a"}]}]}`, "unsupported type: blink"},
		{"feedback buttons", "message", `{"type":"context_actions","elements":[{"type":"feedback_buttons","action_id":"f","positive_button":{"text":` + pt("+") + `,"value":"1"},"negative_button":{"text":` + pt("-") + `,"value":"0"}}]}`, `{"type":"context_actions","elements":[` + button("") + `]}`, "unsupported type: button"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := problems(t, tt.surface, tt.good); len(got) > 0 {
				t.Errorf("the allowed form was refused: %q", got)
			}
			got := strings.Join(problems(t, tt.surface, tt.bad), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("the wrong form: got %q, want %q", got, tt.want)
			}
		})
	}
}

func problems(t *testing.T, surface, blocks string) []string {
	t.Helper()
	v, err := decode([]byte("[" + blocks + "]"))
	if err != nil {
		t.Fatalf("the case is not JSON: %v in %s", err, blocks)
	}
	c := newChecker(surface, true)
	c.blockList("/blocks", v)
	return c.problems
}

func TestSurfaces(t *testing.T) {
	t.Parallel()
	for blockType, where := range map[string]string{
		"alert": "modal", "markdown": "message", "table": "message home", "data_table": "message home", "container": "message home",
		"card": "message home", "file": "message", "context_actions": "message", "section": "message modal home", "input": "message modal home",
	} {
		for _, surface := range []string{"message", "modal", "home"} {
			got := strings.Join(problems(t, surface, `{"type":"`+blockType+`"}`), "\n")
			refused := strings.Contains(got, "is not supported in a "+surface)
			if refused == strings.Contains(where, surface) {
				t.Errorf("%s in a %s: refused %v, want it in %q only", blockType, surface, refused, where)
			}
		}
	}
	if got := strings.Join(problems(t, "home", inputOf(`{"type":"file_input"}`)), ""); !strings.Contains(got, "file_input outside a modal") {
		t.Errorf("file_input in Home: %q", got)
	}
}

func TestViewLimits(t *testing.T) {
	t.Parallel()
	view := func(more string) string {
		return `{"type":"modal","title":` + pt("t") + `,"blocks":[{"type":"divider"}]` + more + `}`
	}
	for _, tt := range []struct{ name, view, want string }{
		{"a plain modal", view(""), ""},
		{"all properties", view(`,"submit":` + pt(x(24)) + `,"close":` + pt(x(24)) + `,"private_metadata":"` + x(3000) + `","callback_id":"` + x(255) + `","external_id":"` + x(255) + `","notify_on_close":true,"clear_on_close":true`), ""},
		{"title too long", `{"type":"modal","title":` + pt(x(25)) + `,"blocks":[{"type":"divider"}]}`, "less than 25 characters [json-pointer:/view/title/text]"},
		{"no title", `{"type":"modal","blocks":[{"type":"divider"}]}`, "missing required field: title [json-pointer:/view]"},
		{"no blocks", `{"type":"modal","title":` + pt("t") + `,"blocks":null}`, "missing required field: blocks"},
		{"private_metadata too long", view(`,"private_metadata":"` + x(3001) + `"`), "less than 3001"},
		{"submit too long", view(`,"submit":` + pt(x(25))), "/view/submit/text"},
		{"input without submit", `{"type":"modal","title":` + pt("t") + `,"blocks":[` + inputOf(sel("")) + `]}`, "submit is required"},
		{"block pointer", `{"type":"modal","title":` + pt("t") + `,"blocks":[{"type":"banner"}]}`, "/view/blocks/0/type"},
		{"unknown property", view(`,"colour":"red"`), "invalid additional property: colour"},
		{"home", `{"type":"home","blocks":[{"type":"divider"}],"private_metadata":"p","callback_id":"c"}`, ""},
		{"home has no title", `{"type":"home","title":` + pt("t") + `,"blocks":[{"type":"divider"}]}`, "invalid additional property: title"},
		{"other type", `{"type":"dialog","blocks":[{"type":"divider"}]}`, "valid enum value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := decode([]byte(tt.view))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(checkView(v, true).problems, "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestInitialStateOfEveryElement(t *testing.T) {
	t.Parallel()
	for kind, tt := range map[string]struct{ el, empty, initial, full string }{
		"plain_text_input":           {``, `"value":null`, `,"initial_value":"a"`, `"value":"a"`},
		"number_input":               {`,"is_decimal_allowed":false`, `"value":null`, `,"initial_value":"3"`, `"value":"3"`},
		"static_select":              {`,"options":[` + opts(1) + `]`, `"selected_option":null`, `,"initial_option":` + opts(1), `"value":"v0"`},
		"radio_buttons":              {`,"options":[` + opts(1) + `]`, `"selected_option":null`, `,"initial_option":` + opts(1), `"value":"v0"`},
		"external_select":            {``, `"selected_option":null`, `,"initial_option":` + opts(1), `"value":"v0"`},
		"checkboxes":                 {`,"options":[` + opts(1) + `]`, `"selected_options":[]`, `,"initial_options":[` + opts(1) + `]`, `"value":"v0"`},
		"multi_static_select":        {`,"options":[` + opts(1) + `]`, `"selected_options":[]`, `,"initial_options":[` + opts(1) + `]`, `"value":"v0"`},
		"users_select":               {``, `"selected_user":null`, `,"initial_user":"U1"`, `"selected_user":"U1"`},
		"multi_users_select":         {``, `"selected_users":[]`, `,"initial_users":["U1"]`, `"selected_users":["U1"]`},
		"conversations_select":       {``, `"selected_conversation":null`, `,"initial_conversation":"C1"`, `"selected_conversation":"C1"`},
		"multi_conversations_select": {``, `"selected_conversations":[]`, `,"initial_conversations":["C1"]`, `"selected_conversations":["C1"]`},
		"channels_select":            {``, `"selected_channel":null`, `,"initial_channel":"C1"`, `"selected_channel":"C1"`},
		"datepicker":                 {``, `"selected_date":null`, `,"initial_date":"2026-03-14"`, `"selected_date":"2026-03-14"`},
		"timepicker":                 {``, `"selected_time":null`, `,"initial_time":"09:30","timezone":"Europe/Berlin"`, `"timezone":"Europe/Berlin"`},
		"datetimepicker":             {``, `"selected_date_time":null`, `,"initial_date_time":1773480000`, `"selected_date_time":1773480000`},
		"file_input":                 {``, `"files":[]`, ``, `"files":[]`},
		"rich_text_input":            {``, `"rich_text_value":null`, ``, `"rich_text_value":null`},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for more, want := range map[string]string{"": tt.empty, tt.initial: tt.full} {
				block := `{"type":"input","block_id":"b","label":` + pt("l") + `,"element":{"type":"` + kind + `","action_id":"a"` + tt.el + more + `}}`
				if got := problems(t, "modal", block); len(got) > 0 {
					t.Fatalf("the case is refused: %q", got)
				}
				state := encode(buildInputs(json.RawMessage("["+block+"]"), nil))
				if !strings.Contains(string(state), want) || !strings.Contains(string(state), `"type":"`+kind+`"`) {
					t.Errorf("state: got %s, want %s", state, want)
				}
				var values map[string]map[string]slack.BlockAction
				if err := json.Unmarshal(state, &values); err != nil || string(values["b"]["a"].Type) != kind {
					t.Errorf("slack-go cannot read %s: %v", state, err)
				}
			}
		})
	}
}

func TestClientSideRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, more, value, want string }{
		{"email_text_input", "", "dana@example.com", ""},
		{"email_text_input", "", "dana@", "valid email"},
		{"email_text_input", "", "Dana <dana@example.com>", "valid email"},
		{"url_text_input", "", "https://example.com/a", ""},
		{"url_text_input", "", "example.com", "valid URL"},
		{"number_input", `,"is_decimal_allowed":true`, "1.5", ""},
		{"number_input", `,"is_decimal_allowed":false`, "1.5", "whole number"},
		{"number_input", `,"is_decimal_allowed":true`, "many", "enter a number"},
		{"number_input", `,"is_decimal_allowed":true,"min_value":"2"`, "1", "at least 2"},
		{"number_input", `,"is_decimal_allowed":true,"max_value":"2"`, "3", "at most 2"},
		{"plain_text_input", `,"min_length":2`, "é", "at least 2"},
		{"plain_text_input", `,"max_length":2`, "éé", ""},
		{"plain_text_input", `,"max_length":2`, "ééé", "at most 2"},
		{"plain_text_input", "", "  ", "required"},
	} {
		block := json.RawMessage(`[{"type":"input","block_id":"b","label":` + pt("l") + `,"element":{"type":"` + tt.kind + `","action_id":"a"` + tt.more + `}}]`)
		got := refusals(block, inputs{"b": {"a": obj{"type": tt.kind, "value": tt.value}}})["b"]
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s %q: got %q, want %q", tt.kind, tt.value, got, tt.want)
		}
	}
}

// What Slack is sent may be anything: the checker refuses, and never falls over.
func TestCheckerTakesAnyJSON(t *testing.T) {
	t.Parallel()
	words := rapid.SampledFrom([]string{
		"type", "text", "elements", "blocks", "modal", "home", "section", "actions", "button", "static_select", "options",
		"plain_text", "table", "rows", "container", "child_blocks", "rich_text", "chart", "data_visualization", "bar", "pie", "series", "element", "input", "value",
	})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			kinds := 5
			if depth == 0 {
				kinds = 3
			}
			switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
			case 0:
				return words.Draw(t, "word")
			case 1:
				return nil
			case 2:
				return json.Number(fmt.Sprint(rapid.IntRange(-5, 5000).Draw(t, "n")))
			case 3:
				return rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "list")
			}
			m := obj{"type": words.Draw(t, "type")}
			for k, v := range rapid.MapOfN(words, value(depth-1), 0, 4).Draw(t, "map") {
				m[k] = v
			}
			return m
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value(4).Draw(t, "v")
		raw := encode(v)
		checkBlocks(v, true)
		checkView(v, false)
		checkOptions(v)
		if again, err := decode(raw); err != nil {
			t.Fatalf("%s: %v", raw, err)
		} else if a, b := checkBlocks(again, true), checkBlocks(again, true); len(a.problems) != len(b.problems) {
			t.Fatalf("checking twice differs: %q, %q", a.problems, b.problems)
		}
	})
}
