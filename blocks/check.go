package blocks

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/slack-go/slack"
)

// Check returns what Slack would refuse in v, one sentence each with a JSON pointer, nil
// when all is well. v is a Message, a modal or Home view, a slack.OptionsResponse, or a
// slice of blocks. Lengths are counted in UTF-16 units, never fewer than Slack counts.
//
// Beyond Slack's limits it holds our own rules: no live mention or link token but dates,
// date tokens in mrkdwn only, mrkdwn verbatim, no more than one primary button in a row.
func Check(v any) []string {
	switch x := v.(type) {
	case []slack.Block:
		v = Message{Text: "blocks", Blocks: x}
	case *Message:
		v = *x
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return []string{"/: does not marshal: " + err.Error()}
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return []string{"/: is not an object: " + err.Error()}
	}
	c := &checker{blockIDs: map[string]bool{}}
	switch kind, _ := tree["type"].(string); {
	case kind == "modal":
		c.surface = "modal"
		c.modal(tree, len(raw))
	case kind == "home":
		c.surface = "home"
		c.max(len(raw), 250_000, "/", "view bytes")
		c.text(tree, "private_metadata", "/private_metadata", 3000)
		c.blocks(tree["blocks"], 100)
	case isOptions(v):
		c.max(len(raw), maxSuggestions, "/", "answer bytes")
		c.options(tree["options"], "/options", 0, 100, false)
	default:
		c.surface = "message"
		c.message(tree)
	}
	return c.out
}

func isOptions(v any) bool {
	switch v.(type) {
	case slack.OptionsResponse, *slack.OptionsResponse:
		return true
	}
	return false
}

type checker struct {
	surface  string
	blockIDs map[string]bool
	inputs   int
	chars    int // all text together
	out      []string
}

func (c *checker) bad(at, format string, args ...any) {
	c.out = append(c.out, at+": "+fmt.Sprintf(format, args...))
}

func (c *checker) max(n, limit int, at, what string) {
	if n > limit {
		c.bad(at, "%d %s, at most %d", n, what, limit)
	}
}

// text checks a plain string of an object.
func (c *checker) text(o map[string]any, key, at string, limit int) {
	if s, ok := o[key].(string); ok {
		c.max(units(s), limit, at, "characters")
	}
}

func (c *checker) message(m map[string]any) {
	s, _ := m["text"].(string)
	if strings.TrimSpace(s) == "" {
		c.bad("/text", "is empty; notifications and screen readers read it")
	}
	c.max(units(s), maxText, "/text", "characters")
	c.tokens(s, "/text", true)
	if strings.Contains(s, "<!date^") {
		c.bad("/text", "has a date token; notifications do not draw it")
	}
	c.blocks(m["blocks"], 50)
	c.max(c.chars, 10_000, "/blocks", "characters together")
}

func (c *checker) modal(m map[string]any, size int) {
	c.max(size, 250_000, "/", "view bytes")
	c.object(m["title"], "/title", "plain_text", maxTitle, true)
	c.object(m["submit"], "/submit", "plain_text", maxTitle, false)
	c.object(m["close"], "/close", "plain_text", maxTitle, false)
	c.text(m, "private_metadata", "/private_metadata", 3000)
	c.text(m, "callback_id", "/callback_id", 255)
	c.blocks(m["blocks"], 100)
	if c.inputs > 0 && m["submit"] == nil {
		c.bad("/submit", "is missing although there are inputs")
	}
}

func (c *checker) blocks(v any, limit int) {
	bs, _ := v.([]any)
	if len(bs) == 0 {
		c.bad("/blocks", "is empty")
	}
	c.max(len(bs), limit, "/blocks", "blocks")
	for i, b := range bs {
		at := fmt.Sprintf("/blocks/%d", i)
		o, ok := b.(map[string]any)
		if !ok {
			c.bad(at, "is not a block")
			continue
		}
		c.block(o, at)
	}
}

// blockFields are the fields a block may have beside type and block_id.
var blockFields = map[string]string{
	"section": "text fields accessory expand", "header": "text level", "context": "elements", "actions": "elements",
	"divider": "", "input": "label element hint optional dispatch_action", "alert": "text level",
}

func (c *checker) known(o map[string]any, at, allowed string) {
	names := " type block_id action_id " + allowed + " "
	for k := range o {
		if !strings.Contains(names, " "+k+" ") {
			c.bad(at, "has an unknown field %q", k)
		}
	}
}

func (c *checker) block(o map[string]any, at string) {
	kind, _ := o["type"].(string)
	allowed, ok := blockFields[kind]
	if !ok {
		c.bad(at, "has the type %q, which this package does not make", kind)
		return
	}
	c.known(o, at, allowed)
	c.text(o, "block_id", at+"/block_id", 255)
	if id, _ := o["block_id"].(string); id != "" {
		if c.blockIDs[id] {
			c.bad(at, "repeats the block_id %q", id)
		}
		c.blockIDs[id] = true
	}
	switch kind {
	case "section":
		fs, _ := o["fields"].([]any)
		if o["text"] == nil && len(fs) == 0 {
			c.bad(at, "has neither text nor fields")
		}
		c.object(o["text"], at+"/text", "", maxSection, false)
		c.max(len(fs), 10, at+"/fields", "fields")
		for i, f := range fs {
			c.object(f, fmt.Sprintf("%s/fields/%d", at, i), "", maxField, true)
		}
		if a, ok := o["accessory"].(map[string]any); ok {
			c.element(a, at+"/accessory", "section")
		}
	case "header":
		c.object(o["text"], at+"/text", "plain_text", maxHeader, true)
	case "alert":
		if c.surface != "modal" {
			c.bad(at, "an alert may stand in modals only")
		}
		c.object(o["text"], at+"/text", "", maxAlert, true)
	case "context":
		c.each(o["elements"], at+"/elements", 10, func(e map[string]any, at string) {
			c.object(e, at, "", maxContext, true)
		})
	case "actions":
		primaries, ids := 0, map[string]bool{}
		c.each(o["elements"], at+"/elements", 25, func(e map[string]any, at string) {
			c.element(e, at, "actions")
			if e["style"] == "primary" {
				primaries++
			}
			id, _ := e["action_id"].(string)
			if ids[id] {
				c.bad(at, "repeats the action_id %q in its row", id)
			}
			ids[id] = true
		})
		c.max(primaries, 1, at, "primary buttons")
	case "input":
		c.inputs++
		if id, _ := o["block_id"].(string); id == "" {
			c.bad(at, "an input needs a block_id for its errors")
		}
		c.object(o["label"], at+"/label", "plain_text", 2000, true)
		c.object(o["hint"], at+"/hint", "plain_text", maxHint, false)
		e, _ := o["element"].(map[string]any)
		c.element(e, at+"/element", "input")
	}
}

func (c *checker) each(v any, at string, limit int, fn func(map[string]any, string)) {
	es, _ := v.([]any)
	if len(es) == 0 {
		c.bad(at, "is empty")
	}
	c.max(len(es), limit, at, "elements")
	for i, e := range es {
		o, _ := e.(map[string]any)
		fn(o, fmt.Sprintf("%s/%d", at, i))
	}
}

// object checks a text object; kind "" allows both.
func (c *checker) object(v any, at, kind string, limit int, required bool) {
	if v == nil {
		if required {
			c.bad(at, "is missing")
		}
		return
	}
	o, _ := v.(map[string]any)
	t, _ := o["type"].(string)
	s, _ := o["text"].(string)
	c.known(o, at, "text emoji verbatim")
	if t != "plain_text" && t != "mrkdwn" || kind != "" && t != kind {
		c.bad(at, "is %q, must be %s", t, orElse(kind, "plain_text or mrkdwn"))
	}
	if strings.TrimSpace(s) == "" {
		c.bad(at, "is empty")
	}
	n := units(s)
	c.chars += n
	c.max(n, limit, at, "characters")
	if t == "mrkdwn" {
		if o["emoji"] != nil {
			c.bad(at, "mrkdwn may not have emoji")
		}
		if o["verbatim"] != true {
			c.bad(at, "is not verbatim, so addresses and names in it would become links")
		}
		c.tokens(s, at, true)
		return
	}
	c.tokens(s, at, false)
}

// tokens looks at everything between < and >: in mrkdwn only dates and web links are
// ours; in plain text a date token would be shown as it is.
func (c *checker) tokens(s, at string, mrkdwn bool) {
	if !mrkdwn {
		if strings.Contains(s, "<!date^") {
			c.bad(at, "has a date token, which plain text does not draw")
		}
		return
	}
	for rest := s; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			if strings.Contains(rest, ">") {
				c.bad(at, "has an unescaped >")
			}
			return
		}
		j := strings.IndexByte(rest[i:], '>')
		if j < 0 {
			c.bad(at, "has an unescaped <")
			return
		}
		if token := rest[i+1 : i+j]; !strings.HasPrefix(token, "!date^") && !strings.HasPrefix(token, "https://") && !strings.HasPrefix(token, "http://") {
			c.bad(at, "has a live mention %q", token)
		}
		rest = rest[i+j+1:]
	}
}

// elementRule says where an element may stand and what fields it may have.
type elementRule struct{ where, fields string }

const selectFields = "placeholder confirm focus_on_load "

var elementRules = map[string]elementRule{
	"button":                {"section actions", "text url value confirm style accessibility_label"},
	"overflow":              {"section actions", "options confirm"},
	"static_select":         {"section actions input", selectFields + "options option_groups initial_option"},
	"external_select":       {"section actions input", selectFields + "initial_option min_query_length"},
	"users_select":          {"section actions input", selectFields + "initial_user"},
	"multi_external_select": {"section input", selectFields + "initial_options min_query_length max_selected_items"},
	"datepicker":            {"section actions input", selectFields + "initial_date"},
	"radio_buttons":         {"section actions input", "options initial_option confirm focus_on_load"},
	"checkboxes":            {"section actions input", "options initial_options confirm focus_on_load"},
	"plain_text_input":      {"input", "placeholder initial_value multiline min_length max_length dispatch_action_config focus_on_load"},
	"url_text_input":        {"input", "placeholder initial_value dispatch_action_config focus_on_load"},
	"number_input":          {"input", "placeholder is_decimal_allowed initial_value min_value max_value dispatch_action_config focus_on_load"},
}

func (c *checker) element(o map[string]any, at, where string) {
	kind, _ := o["type"].(string)
	rule, ok := elementRules[kind]
	if !ok || !strings.Contains(" "+rule.where+" ", " "+where+" ") {
		c.bad(at, "a %q may not stand in %s", kind, where)
		return
	}
	c.known(o, at, rule.fields)
	if id, _ := o["action_id"].(string); id == "" {
		c.bad(at, "has no action_id")
	}
	c.text(o, "action_id", at+"/action_id", 255)
	c.object(o["placeholder"], at+"/placeholder", "plain_text", maxPlaceholder, false)
	c.confirm(o["confirm"], at+"/confirm")
	switch kind {
	case "button":
		c.object(o["text"], at+"/text", "plain_text", maxButton, true)
		c.text(o, "value", at+"/value", 2000)
		c.text(o, "url", at+"/url", 3000)
		if s := o["style"]; s != nil && s != "primary" && s != "danger" {
			c.bad(at, "has the style %q", s)
		}
	case "overflow":
		c.options(o["options"], at+"/options", 1, 5, true)
	case "static_select":
		os := c.options(o["options"], at+"/options", 1, 100, false)
		c.initial(o["initial_option"], os, at+"/initial_option")
	case "radio_buttons", "checkboxes":
		os := c.options(o["options"], at+"/options", 1, 10, false)
		c.initial(o["initial_option"], os, at+"/initial_option")
		if is, ok := o["initial_options"].([]any); ok {
			if len(is) == 0 {
				c.bad(at, "initial_options may be left out but not empty")
			}
			for _, i := range is {
				c.initial(i, os, at+"/initial_options")
			}
		}
	case "external_select", "multi_external_select":
		if i := o["initial_option"]; i != nil {
			c.options([]any{i}, at+"/initial_option", 1, 1, false)
		}
		if is, ok := o["initial_options"]; ok {
			c.options(is, at+"/initial_options", 1, 100, false)
		}
	case "plain_text_input":
		n, _ := o["max_length"].(float64)
		c.max(int(n), 3000, at+"/max_length", "characters")
		if s, _ := o["initial_value"].(string); n > 0 && units(s) > int(n) {
			c.bad(at, "starts with more than max_length")
		}
	}
}

func (c *checker) confirm(v any, at string) {
	o, ok := v.(map[string]any)
	if !ok {
		return
	}
	c.object(o["title"], at+"/title", "plain_text", 100, true)
	c.object(o["text"], at+"/text", "", 300, true)
	c.object(o["confirm"], at+"/confirm", "plain_text", 30, true)
	c.object(o["deny"], at+"/deny", "plain_text", 30, false)
}

// options checks a list of options and returns them as JSON, for initial ones.
func (c *checker) options(v any, at string, least, most int, url bool) map[string]bool {
	os, _ := v.([]any)
	if len(os) < least {
		c.bad(at, "%d options, at least %d", len(os), least)
	}
	c.max(len(os), most, at, "options")
	values, whole := map[string]bool{}, map[string]bool{}
	for i, v := range os {
		at := fmt.Sprintf("%s/%d", at, i)
		o, _ := v.(map[string]any)
		fields := "text value description"
		if url {
			fields += " url"
		}
		c.known(o, at, fields)
		c.object(o["text"], at+"/text", "plain_text", maxOption, true)
		c.object(o["description"], at+"/description", "plain_text", maxOption, false)
		c.text(o, "url", at+"/url", 3000)
		value, _ := o["value"].(string)
		if value == "" {
			c.bad(at, "has no value")
		}
		c.max(units(value), maxOptionValue, at+"/value", "characters")
		if values[value] {
			c.bad(at, "repeats the value %q", value)
		}
		values[value] = true
		whole[canonical(o)] = true
	}
	return whole
}

func (c *checker) initial(v any, os map[string]bool, at string) {
	if v != nil && !os[canonical(v)] {
		c.bad(at, "is not one of the options")
	}
}

// canonical is a JSON value as text with sorted keys.
func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// ActionIDs lists the action ids in v, sorted, each once; v is what Check takes.
func ActionIDs(v any) []string {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return nil
	}
	seen := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if id, _ := v["action_id"].(string); id != "" {
				seen[id] = true
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(tree)
	out := make([]string, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	sort.Strings(out)
	return out
}
