package slack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits that are not one property's: see research on Block Kit, message and view limits.
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxBlocksChars   = 13200 // Slack publishes none; msg_blocks_too_long was seen at about this size
	maxMarkdownChars = 12000
	maxTextPost      = 40000
	maxTextUpdate    = 4000
	maxViewBytes     = 250 * 1000
	maxMetadataBytes = 8000 // Slack publishes none
)

var (
	dateForm     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	timeForm     = regexp.MustCompile(`^\d{2}:\d{2}$`)
	numberForm   = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	iconForm     = regexp.MustCompile(`^[a-z0-9_-]+$`)
	identifier   = str(1, 255)
	style        = enum("primary", "danger")
	slackFile    = object(fields{"id": opt(str(1, 255)), "url": opt(webURL(3000, true))})
	confirmation = object(fields{"title": need(plain(100)), "text": need(rich(300)), "confirm": need(plain(30)), "deny": opt(plain(30)), "style": opt(style)})
	dispatchConf = object(fields{"trigger_actions_on": need(list(1, 2, enum("on_enter_pressed", "on_character_entered")))})
	convFilter   = object(fields{
		"include":                          opt(list(1, 4, enum("im", "mpim", "private", "public"))),
		"exclude_external_shared_channels": opt(boolean), "exclude_bot_users": opt(boolean),
	})
	// maxOptionValue: libraries say 150, Slack's own type comments 75; the smaller is safe with both.
	maxOptionValue = 75
	selectOption   = option(false, false)
	richOption     = option(true, false)
	overflowOption = option(false, true)
	optionGroup    = object(fields{"label": need(plain(75)), "options": need(list(1, 100, selectOption))})
)

func option(mrkdwn, url bool) check {
	label := plain(75)
	if mrkdwn {
		label = rich(75)
	}
	fs := fields{"text": need(label), "value": need(str(1, maxOptionValue)), "description": opt(label)}
	if url {
		fs["url"] = opt(webURL(3000, false))
	}
	return object(fs)
}

// block is one row of the block table.
type block struct {
	surfaces string // space separated
	newer    bool   // refused while SetNewBlocks(false)
	fields   fields
	after    func(c *checker, ptr string, m obj)
}

// Filled by init because the tables refer to themselves (containers hold blocks).
var (
	elementTable map[string]fields
	richTable    map[string]fields
	blockTable   map[string]block
)

func elements() map[string]fields { return elementTable }
func richParts() map[string]fields {
	return richTable
}

func element(kinds ...string) check {
	base := typed(elements, kinds...)
	return func(c *checker, ptr string, v any) {
		base(c, ptr, v)
		if m, ok := v.(obj); ok {
			c.elementRules(ptr, m)
		}
	}
}

var (
	singleSelects  = []string{"static_select", "external_select", "users_select", "conversations_select", "channels_select"}
	multiSelects   = []string{"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select"}
	pickers        = []string{"datepicker", "timepicker"}
	choices        = []string{"radio_buttons", "checkboxes"}
	accessoryKinds = slices.Concat([]string{"button", "image", "overflow", "workflow_button"}, singleSelects, multiSelects, pickers, choices)
	// Whether multi selects may sit in an actions block is disputed; refusing them keeps the product on ground both readings allow.
	actionKinds = slices.Concat([]string{"button", "overflow", "workflow_button", "datetimepicker"}, singleSelects, pickers, choices)
	inputKinds  = slices.Concat([]string{"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input", "datetimepicker"}, singleSelects, multiSelects, pickers, choices)
)

func init() {
	with := func(base fields, more fields) fields {
		out := fields{"type": need(any_)}
		for _, m := range []fields{base, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	acting := fields{"action_id": opt(identifier), "confirm": opt(confirmation)}
	entry := fields{"action_id": opt(identifier), "placeholder": opt(plain(150)), "focus_on_load": opt(boolean)}
	choose := with(entry, fields{"confirm": opt(confirmation)})
	typing := with(entry, fields{"dispatch_action_config": opt(dispatchConf)})
	multi := with(choose, fields{"max_selected_items": opt(integer(1, 100))})
	conv := fields{"default_to_current_conversation": opt(boolean), "filter": opt(convFilter)}
	ids := list(1, 100, str(1, 255))
	elementTable = map[string]fields{
		"button": with(acting, fields{
			"text": need(plain(75)), "value": opt(str(0, 2000)), "url": opt(webURL(3000, false)),
			"style": opt(style), "accessibility_label": opt(str(1, 75)),
		}),
		"workflow_button": with(nil, fields{"text": need(plain(75)), "workflow": need(any_), "style": opt(style), "action_id": opt(identifier), "accessibility_label": opt(str(1, 75))}),
		"icon_button":     with(acting, fields{"icon": need(enum("trash")), "text": need(plain(75)), "value": opt(str(0, 2000)), "accessibility_label": opt(str(1, 75)), "visible_to_user_ids": opt(ids)}),
		"feedback_buttons": with(nil, fields{
			"action_id":       opt(identifier),
			"positive_button": need(object(fields{"text": need(plain(75)), "value": need(str(1, 2000)), "accessibility_label": opt(str(1, 75))})),
			"negative_button": need(object(fields{"text": need(plain(75)), "value": need(str(1, 2000)), "accessibility_label": opt(str(1, 75))})),
		}),
		"image":    with(nil, fields{"image_url": opt(webURL(3000, true)), "slack_file": opt(slackFile), "alt_text": need(str(1, 2000))}),
		"overflow": with(acting, fields{"options": need(list(1, 5, overflowOption))}),

		"static_select":        with(choose, fields{"options": opt(list(1, 100, selectOption)), "option_groups": opt(list(1, 100, optionGroup)), "initial_option": opt(selectOption)}),
		"external_select":      with(choose, fields{"min_query_length": opt(integer(0, 255)), "initial_option": opt(selectOption)}),
		"users_select":         with(choose, fields{"initial_user": opt(str(1, 255))}),
		"conversations_select": with(with(choose, conv), fields{"initial_conversation": opt(str(1, 255)), "response_url_enabled": opt(boolean)}),
		"channels_select":      with(choose, fields{"initial_channel": opt(str(1, 255)), "response_url_enabled": opt(boolean)}),

		"multi_static_select":        with(multi, fields{"options": opt(list(1, 100, selectOption)), "option_groups": opt(list(1, 100, optionGroup)), "initial_options": opt(list(1, 100, selectOption))}),
		"multi_external_select":      with(multi, fields{"min_query_length": opt(integer(0, 255)), "initial_options": opt(list(1, 100, selectOption))}),
		"multi_users_select":         with(multi, fields{"initial_users": opt(ids)}),
		"multi_conversations_select": with(with(multi, conv), fields{"initial_conversations": opt(ids)}),
		"multi_channels_select":      with(multi, fields{"initial_channels": opt(ids)}),

		"datepicker": with(choose, fields{"initial_date": opt(matching(dateForm, "a date as YYYY-MM-DD"))}),
		"timepicker": with(choose, fields{"initial_time": opt(matching(timeForm, "a time as HH:mm")), "timezone": opt(str(1, 100))}),
		"datetimepicker": with(nil, fields{
			"action_id": opt(identifier), "confirm": opt(confirmation), "focus_on_load": opt(boolean),
			"initial_date_time": opt(integer(1e9, 9999999999)),
		}),
		"radio_buttons": with(nil, fields{
			"action_id": opt(identifier), "confirm": opt(confirmation), "focus_on_load": opt(boolean),
			"options": need(list(1, 10, richOption)), "initial_option": opt(richOption),
		}),
		"checkboxes": with(nil, fields{
			"action_id": opt(identifier), "confirm": opt(confirmation), "focus_on_load": opt(boolean),
			"options": need(list(1, 10, richOption)), "initial_options": opt(list(1, 10, richOption)),
		}),

		"plain_text_input": with(typing, fields{"initial_value": opt(str(0, 3000)), "multiline": opt(boolean), "min_length": opt(integer(0, 3000)), "max_length": opt(integer(1, 3000))}),
		"email_text_input": with(typing, fields{"initial_value": opt(str(0, 3000))}),
		"url_text_input":   with(typing, fields{"initial_value": opt(str(0, 3000))}),
		"number_input": with(typing, fields{
			"is_decimal_allowed": need(boolean), "initial_value": opt(matching(numberForm, "a number in a string")),
			"min_value": opt(matching(numberForm, "a number in a string")), "max_value": opt(matching(numberForm, "a number in a string")),
		}),
		"rich_text_input": with(typing, fields{"initial_value": opt(any_), "min_lines": opt(integer(1, 100)), "max_lines": opt(integer(1, 100))}),
		"file_input":      with(nil, fields{"action_id": opt(identifier), "filetypes": opt(list(1, 100, str(1, 20))), "max_files": opt(integer(1, 10))}),
	}
	richTable = richTextTable()
	blockTable = make(map[string]block)
	for name, b := range baseBlocks() {
		blockTable[name] = b
	}
	for name, b := range newerBlocks() {
		b.newer = true
		blockTable[name] = b
	}
	for _, b := range blockTable {
		b.fields["type"] = need(any_)
		b.fields["block_id"] = opt(identifier)
	}
}

func baseBlocks() map[string]block {
	return map[string]block{
		"section": {
			surfaces: "message modal home", fields: fields{
				"text": opt(rich(3000)), "fields": opt(list(1, 10, rich(2000))),
				"accessory": opt(element(accessoryKinds...)), "expand": opt(boolean),
			},
			after: func(c *checker, ptr string, m obj) {
				if m["text"] == nil && m["fields"] == nil {
					c.fail(ptr, "must define either text or fields")
				}
			},
		},
		"header":          {surfaces: "message modal home", fields: fields{"text": need(plain(150)), "level": opt(integer(1, 4))}},
		"divider":         {surfaces: "message modal home", fields: fields{}},
		"context":         {surfaces: "message modal home", fields: fields{"elements": need(list(1, 10, contextElement))}},
		"actions":         {surfaces: "message modal home", fields: fields{"elements": need(list(1, 25, element(actionKinds...)))}, after: uniqueActionIDs},
		"context_actions": {surfaces: "message", fields: fields{"elements": need(list(1, 5, element("feedback_buttons", "icon_button")))}, after: uniqueActionIDs},
		"input": {
			surfaces: "message modal home", fields: fields{
				"label": need(plain(2000)), "element": need(element(inputKinds...)),
				"hint": opt(plain(2000)), "optional": opt(boolean), "dispatch_action": opt(boolean),
			},
			after: func(c *checker, ptr string, m obj) {
				c.inputs++
				el, _ := m["element"].(obj)
				if el != nil && el["type"] == "file_input" && c.surface != "modal" {
					c.fail(ptr+"/element/type", "unsupported type: file_input outside a modal")
				}
			},
		},
		"image": {surfaces: "message modal home", fields: fields{
			"image_url": opt(webURL(3000, true)), "slack_file": opt(slackFile),
			"alt_text": need(str(1, 2000)), "title": opt(plain(2000)),
		}, after: oneImageSource},
		"video": {surfaces: "message modal home", fields: fields{
			"video_url": need(webURL(3000, true)), "thumbnail_url": need(webURL(3000, true)),
			"alt_text": need(str(1, 2000)), "title": need(plain(200)), "title_url": opt(webURL(3000, true)), "author_name": opt(str(1, 50)),
			"provider_name": opt(str(1, 50)), "provider_icon_url": opt(webURL(3000, true)), "description": opt(plain(200)),
		}},
		"file": {surfaces: "message", fields: fields{"external_id": need(str(1, 255)), "source": need(enum("remote"))}},
		"rich_text": {surfaces: "message modal home", fields: fields{
			"elements": need(list(1, 0, typed(richParts, "rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"))),
		}},
		"markdown": {surfaces: "message", fields: fields{"text": need(func(c *checker, ptr string, v any) {
			str(1, maxMarkdownChars)(c, ptr, v)
			if s, ok := v.(string); ok {
				c.seen(s)
				c.markdown += utf8.RuneCountInString(s)
			}
		})}},
	}
}

func contextElement(c *checker, ptr string, v any) {
	m, _ := v.(obj)
	switch m["type"] {
	case "image":
		element("image")(c, ptr, v)
	case "mrkdwn", "plain_text":
		rich(3000)(c, ptr, v)
	default:
		c.fail(ptr+"/type", "unsupported type: %v", m["type"])
	}
}

func oneImageSource(c *checker, ptr string, m obj) {
	if (m["image_url"] == nil) == (m["slack_file"] == nil) {
		c.fail(ptr, "must define exactly one of image_url and slack_file")
	}
}

func uniqueActionIDs(c *checker, ptr string, m obj) {
	seen := map[string]bool{}
	els, _ := m["elements"].([]any)
	for i, e := range els {
		em, _ := e.(obj)
		id, _ := em["action_id"].(string)
		if id != "" && seen[id] {
			c.fail(fmt.Sprintf("%s/elements/%d/action_id", ptr, i), "action_id already exists: %s", id)
		}
		seen[id] = true
	}
}

// elementRules are those that look at several properties of one element.
func (c *checker) elementRules(ptr string, m obj) {
	t, _ := m["type"].(string)
	if m["focus_on_load"] == true {
		if c.focused++; c.focused > 1 {
			c.fail(ptr+"/focus_on_load", "only one element may have focus_on_load")
		}
	}
	switch t {
	case "image":
		oneImageSource(c, ptr, m)
	case "static_select", "multi_static_select":
		if (m["options"] == nil) == (m["option_groups"] == nil) {
			c.fail(ptr, "must define exactly one of options and option_groups")
		}
		c.initialOptions(ptr, m)
	case "radio_buttons", "checkboxes":
		c.initialOptions(ptr, m)
	case "plain_text_input", "number_input":
		lo, hi := "min_length", "max_length"
		if t == "number_input" {
			lo, hi = "min_value", "max_value"
		}
		a, okA := numeric(m[lo])
		b, okB := numeric(m[hi])
		if okA && okB && a > b {
			c.fail(ptr, "%s must not be more than %s", lo, hi)
		}
	}
}

// initialOptions wants unique values, and initial options that are among the offered.
func (c *checker) initialOptions(ptr string, m obj) {
	values := map[string]bool{}
	for _, o := range allOptions(m) {
		v, _ := o["value"].(string)
		if values[v] {
			c.fail(ptr+"/options", "option values must be unique: %s", v)
		}
		values[v] = true
	}
	initial, _ := m["initial_options"].([]any)
	if one := m["initial_option"]; one != nil {
		initial = append(initial, one)
	}
	for _, o := range initial {
		om, _ := o.(obj)
		if v, _ := om["value"].(string); !values[v] {
			c.fail(ptr, "initial option %q is not one of the options", v)
		}
	}
}

// blockList checks the blocks of one surface.
func (c *checker) blockList(ptr string, v any) {
	maxLen := maxMessageBlocks
	if c.surface != "message" {
		maxLen = maxViewBlocks
	}
	minLen := 0 // an empty list clears a message's blocks
	if c.surface != "message" {
		minLen = 1
	}
	list(minLen, maxLen, oneBlock)(c, ptr, v)
}

func oneBlock(c *checker, ptr string, v any) {
	m, ok := v.(obj)
	if !ok {
		c.fail(ptr, "must be an object")
		return
	}
	t, _ := m["type"].(string)
	b, known := blockTable[t]
	switch {
	case !known:
		c.fail(ptr+"/type", "unsupported type: %s", t)
		return
	case b.newer && !c.newBlocks:
		c.refused = true
		c.fail(ptr+"/type", "unsupported type: %s", t)
		return
	case !slices.Contains(strings.Fields(b.surfaces), c.surface):
		c.fail(ptr+"/type", "%s is not supported in a %s", t, c.surface)
		return
	}
	if _, ok := c.object(ptr, v, b.fields); ok && b.after != nil {
		b.after(c, ptr, m)
	}
	if id, _ := m["block_id"].(string); id != "" {
		if c.blockIDs[id] {
			c.fail(ptr+"/block_id", "block_id already exists: %s", id)
		}
		c.blockIDs[id] = true
	}
}

func newChecker(surface string, newBlocks bool) *checker {
	return &checker{surface: surface, newBlocks: newBlocks, blockIDs: map[string]bool{}}
}

// checkView checks a modal or Home view; pointers start at /view.
func checkView(v any, newBlocks bool) *checker {
	m, _ := v.(obj)
	kind, _ := m["type"].(string)
	c := newChecker(kind, newBlocks)
	blocks := need(func(c *checker, ptr string, v any) { c.blockList(ptr, v) })
	common := fields{"type": need(enum("modal", "home")), "blocks": blocks, "private_metadata": opt(str(0, 3000)), "callback_id": opt(str(0, 255)), "external_id": opt(str(0, 255))}
	if kind == "modal" {
		for k, r := range (fields{
			"title": need(plain(24)), "close": opt(plain(24)), "submit": opt(plain(24)), "clear_on_close": opt(boolean),
			"notify_on_close": opt(boolean), "submit_disabled": opt(boolean),
		}) {
			common[k] = r
		}
	}
	c.object("/view", v, common)
	if kind == "modal" && c.inputs > 0 && m["submit"] == nil {
		c.fail("/view/submit", "submit is required when an input block is within blocks")
	}
	return c
}

// checkBlocks checks the blocks of a message.
func checkBlocks(v any, newBlocks bool) *checker {
	c := newChecker("message", newBlocks)
	c.blockList("/blocks", v)
	return c
}
