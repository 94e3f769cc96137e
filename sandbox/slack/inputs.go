package slack

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// inputs is state.values: block id -> action id -> what is entered, in Slack's shape.
type inputs map[string]map[string]obj

// placed is an element and where it stands.
type placed struct {
	blockID, actionID, kind string
	el                      obj
	input                   obj // the input block around it, nil elsewhere
}

// elementsOf lists the interactive elements of blocks in reading order.
func elementsOf(raw json.RawMessage) []placed {
	if raw == nil {
		return nil
	}
	v, err := decode(raw)
	if err != nil {
		return nil
	}
	var out []placed
	var walk func(v any, blockID string, input obj)
	walk = func(v any, blockID string, input obj) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e, blockID, input)
			}
		case obj:
			if id, ok := v["block_id"].(string); ok {
				blockID = id
			}
			if v["type"] == "input" {
				input = v
			}
			kind, _ := v["type"].(string)
			if id, ok := v["action_id"].(string); ok && elementTable[kind] != nil {
				out = append(out, placed{blockID: blockID, actionID: id, kind: kind, el: v, input: input})
				return
			}
			// Maps have no order, so the properties that hold elements are walked by name.
			for _, name := range []string{"accessory", "element", "elements", "rows", "child_blocks", "actions"} {
				walk(v[name], blockID, input)
			}
		}
	}
	walk(v, "", nil)
	return out
}

// buildInputs makes the state of blocks: old values where block, action and kind are unchanged,
// else the element's initial value, else the empty form.
func buildInputs(blocks json.RawMessage, old inputs) inputs {
	out := inputs{}
	for _, p := range elementsOf(blocks) {
		entry := initialEntry(p)
		if entry == nil {
			continue
		}
		if was, ok := old[p.blockID][p.actionID]; ok && was["type"] == p.kind {
			entry = was
		}
		if out[p.blockID] == nil {
			out[p.blockID] = map[string]obj{}
		}
		out[p.blockID][p.actionID] = entry
	}
	return out
}

// valueKey is the property of a state entry that holds the value; "" for what has no state.
func valueKey(kind string) string {
	switch kind {
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		return "value"
	case "static_select", "external_select", "radio_buttons":
		return "selected_option"
	case "multi_static_select", "multi_external_select", "checkboxes":
		return "selected_options"
	case "users_select":
		return "selected_user"
	case "multi_users_select":
		return "selected_users"
	case "conversations_select":
		return "selected_conversation"
	case "multi_conversations_select":
		return "selected_conversations"
	case "channels_select":
		return "selected_channel"
	case "multi_channels_select":
		return "selected_channels"
	case "datepicker":
		return "selected_date"
	case "timepicker":
		return "selected_time"
	case "datetimepicker":
		return "selected_date_time"
	case "file_input":
		return "files"
	case "rich_text_input":
		return "rich_text_value"
	}
	return ""
}

func initialEntry(p placed) obj {
	key := valueKey(p.kind)
	if key == "" {
		return nil
	}
	entry := obj{"type": p.kind}
	name := "initial_" + strings.TrimPrefix(key, "selected_")
	if key == "rich_text_value" {
		name = "initial_value"
	}
	entry[key] = p.el[name] // nil when there is none
	if entry[key] == nil && (strings.HasPrefix(p.kind, "multi_") || p.kind == "checkboxes" || p.kind == "file_input") {
		entry[key] = []any{}
	}
	if zone, ok := p.el["timezone"]; ok {
		entry["timezone"] = zone
	}
	return entry
}

// entry turns what a person chose or typed into a state entry. offered are the options an external
// select has shown. s.mu is held.
func (s *Server) entry(user string, p placed, value any, offered map[string]obj) (obj, error) {
	key := valueKey(p.kind)
	entry := initialEntry(p)
	if key == "" {
		return nil, fmt.Errorf("%s has no value to set", p.kind)
	}
	if value == nil {
		delete(p.el, "initial_"+strings.TrimPrefix(key, "selected_"))
		delete(p.el, "initial_value")
		return initialEntry(p), nil
	}
	many := strings.HasPrefix(p.kind, "multi_") || p.kind == "checkboxes" || p.kind == "file_input"
	words, err := wordsOf(value, many)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", p.kind, p.actionID, err)
	}
	if limit, ok := num(p.el["max_selected_items"]); ok && len(words) > int(limit) {
		return nil, fmt.Errorf("%s %q takes at most %d items", p.kind, p.actionID, int(limit))
	}
	if p.kind == "file_input" {
		if limit, ok := num(p.el["max_files"]); ok && len(words) > int(limit) {
			return nil, fmt.Errorf("%s %q takes at most %d files", p.kind, p.actionID, int(limit))
		}
	}
	values := make([]any, 0, len(words))
	for _, w := range words {
		v, err := s.oneValue(user, p, w, offered)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	if many {
		entry[key] = values
	} else {
		entry[key] = values[0]
	}
	return entry, nil
}

// wordsOf reads a value as strings: exactly one unless many.
func wordsOf(value any, many bool) ([]string, error) {
	var out []string
	switch v := value.(type) {
	case string:
		out = []string{v}
	case []string:
		out = v
	case []any:
		for _, e := range v {
			out = append(out, fmt.Sprint(e))
		}
	case int, int64, json.Number:
		out = []string{fmt.Sprint(v)}
	case float64:
		out = []string{strconv.FormatFloat(v, 'f', -1, 64)}
	default:
		return nil, fmt.Errorf("cannot take a %T", value)
	}
	if !many && len(out) != 1 {
		return nil, fmt.Errorf("takes one value, not %d", len(out))
	}
	return out, nil
}

func (s *Server) oneValue(user string, p placed, w string, offered map[string]obj) (any, error) {
	no := func(format string, args ...any) (any, error) {
		return nil, fmt.Errorf("%s %q: %s", p.kind, p.actionID, fmt.Sprintf(format, args...))
	}
	switch p.kind {
	case "static_select", "multi_static_select", "radio_buttons", "checkboxes":
		for _, o := range allOptions(p.el) {
			if o["value"] == w {
				return o, nil
			}
		}
		return no("no option has value %q", w)
	case "external_select", "multi_external_select":
		if o, ok := offered[w]; ok {
			return o, nil
		}
		for _, name := range []string{"initial_option", "initial_options"} {
			for _, o := range allOptions(obj{"options": asList(p.el[name])}) {
				if o["value"] == w {
					return o, nil
				}
			}
		}
		return no("value %q was not offered", w)
	case "users_select", "multi_users_select":
		if u, ok := s.w.Users[w]; !ok || u.Deleted {
			return no("no such person %q", w)
		}
	case "conversations_select", "multi_conversations_select", "channels_select", "multi_channels_select":
		ch, ok := s.w.Channels[w]
		if !ok || ch.Private && !slices.Contains(ch.Members, user) {
			return no("no such conversation %q", w)
		}
		filter, _ := p.el["filter"].(obj)
		if ch.External && filter["exclude_external_shared_channels"] == true {
			return no("conversation %q is shared with another company and filtered out", w)
		}
	case "datepicker":
		if _, err := time.Parse("2006-01-02", w); err != nil {
			return no("%q is not a date", w)
		}
	case "timepicker":
		if _, err := time.Parse("15:04", w); err != nil {
			return no("%q is not a time", w)
		}
	case "datetimepicker":
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return no("%q is not a Unix time", w)
		}
		return n, nil
	case "file_input":
		f, ok := s.w.Files[w]
		if !ok {
			return no("no such file %q", w)
		}
		return s.apiFile(f), nil
	case "rich_text_input":
		return richTextOf(w), nil
	default:
		if w == "" {
			return nil, nil
		}
	}
	return w, nil
}

func asList(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func richTextOf(text string) obj {
	return obj{"type": "rich_text", "elements": []any{obj{"type": "rich_text_section", "elements": []any{obj{"type": "text", "text": text}}}}}
}

// refusals are the fields Slack's client would not submit, with what it says beside them.
func refusals(blocks json.RawMessage, state inputs) map[string]string {
	out := map[string]string{}
	for _, p := range elementsOf(blocks) {
		if p.input == nil {
			continue
		}
		if text := refusal(p, state[p.blockID][p.actionID]); text != "" {
			out[p.blockID] = text
		}
	}
	return out
}

func refusal(p placed, entry obj) string {
	value := entry[valueKey(p.kind)]
	empty := value == nil
	if l, ok := value.([]any); ok && len(l) == 0 {
		empty = true
	}
	word, isString := value.(string)
	if isString && strings.TrimSpace(word) == "" {
		empty = true
	}
	if empty {
		if p.input["optional"] == true {
			return ""
		}
		return "Please complete this required field."
	}
	switch p.kind {
	case "plain_text_input":
		n := float64(utf8.RuneCountInString(word))
		if lo, ok := num(p.el["min_length"]); ok && n < lo {
			return fmt.Sprintf("Please use at least %g characters.", lo)
		}
		hi, ok := num(p.el["max_length"])
		if !ok {
			hi = 3000
		}
		if n > hi {
			return fmt.Sprintf("Please use at most %g characters.", hi)
		}
	case "number_input":
		return numberRefusal(p.el, word)
	case "email_text_input":
		if a, err := mail.ParseAddress(word); err != nil || a.Address != word || !strings.Contains(word[strings.LastIndex(word, "@"):], ".") {
			return "Please enter a valid email address."
		}
	case "url_text_input":
		if u, err := url.Parse(word); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "Please enter a valid URL."
		}
	}
	return ""
}

func numberRefusal(el obj, word string) string {
	f, err := strconv.ParseFloat(word, 64)
	if err != nil || !numberForm.MatchString(word) {
		return "Please enter a number."
	}
	if el["is_decimal_allowed"] != true && strings.Contains(word, ".") {
		return "Please enter a whole number."
	}
	if lo, ok := numeric(el["min_value"]); ok && f < lo {
		return fmt.Sprintf("Please enter at least %g.", lo)
	}
	if hi, ok := numeric(el["max_value"]); ok && f > hi {
		return fmt.Sprintf("Please enter at most %g.", hi)
	}
	return ""
}
