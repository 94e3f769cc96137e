package slack

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// richTextTable lists rich_text parts. A section, quote or preformatted part holds leaves; a list holds sections.
func richTextTable() map[string]fields {
	styleOf := opt(object(fields{
		"bold": opt(boolean), "italic": opt(boolean), "strike": opt(boolean), "code": opt(boolean),
		"underline": opt(boolean), "highlight": opt(boolean), "client_highlight": opt(boolean), "unlink": opt(boolean),
	}))
	typ := need(any_)
	leaves := []string{"text", "link", "user", "usergroup", "channel", "emoji", "date", "color", "broadcast", "team"}
	inner := need(list(0, 0, typed(richParts, leaves...)))
	sections := need(list(0, 0, typed(richParts, "rich_text_section")))
	broadcast := func(c *checker, ptr string, v any) {
		enum("here", "channel", "everyone")(c, ptr, v)
		c.broadcast = true
	}
	shown := func(c *checker, ptr string, v any) {
		str(1, 0)(c, ptr, v)
		if s, ok := v.(string); ok {
			c.chars += utf8.RuneCountInString(s)
		}
	}
	border := opt(integer(0, 1))
	return map[string]fields{
		"rich_text_section":      {"type": typ, "elements": inner},
		"rich_text_quote":        {"type": typ, "elements": inner, "border": border},
		"rich_text_preformatted": {"type": typ, "elements": inner, "border": border, "language": opt(str(1, 50))},
		"rich_text_list": {
			"type": typ, "elements": sections, "style": need(enum("bullet", "ordered")),
			"indent": opt(integer(0, 8)), "offset": opt(integer(0, 1e6)), "border": border,
		},
		"text":      {"type": typ, "text": need(shown), "style": styleOf},
		"link":      {"type": typ, "url": need(webURL(3000, false)), "text": opt(shown), "unsafe": opt(boolean), "style": styleOf},
		"user":      {"type": typ, "user_id": need(str(1, 255)), "style": styleOf},
		"usergroup": {"type": typ, "usergroup_id": need(str(1, 255)), "style": styleOf},
		"team":      {"type": typ, "team_id": need(str(1, 255)), "style": styleOf},
		"channel":   {"type": typ, "channel_id": need(str(1, 255)), "style": styleOf},
		"emoji":     {"type": typ, "name": need(str(1, 255)), "unicode": opt(str(0, 100)), "skin_tone": opt(integer(0, 6)), "url": opt(str(0, 3000)), "style": styleOf},
		"date":      {"type": typ, "timestamp": need(integer(0, 9999999999)), "format": need(str(1, 255)), "url": opt(str(0, 3000)), "fallback": opt(str(0, 3000)), "style": styleOf},
		"color":     {"type": typ, "value": need(str(1, 10)), "style": styleOf},
		"broadcast": {"type": typ, "range": need(broadcast), "style": styleOf},
	}
}

// newerBlocks are those that not every workspace accepts yet: each has a plain twin in the product.
// Where sources disagree on surfaces or children the narrower reading stands.
func newerBlocks() map[string]block {
	richText := func(c *checker, ptr string, v any) {
		m, _ := v.(obj)
		if m["type"] != "rich_text" {
			c.fail(ptr+"/type", "must be rich_text")
			return
		}
		oneBlock(c, ptr, v)
	}
	icon := object(fields{"type": need(enum("icon")), "name": need(matching(iconForm, "an icon name"))})
	cardFields := func() fields {
		return fields{
			"hero_image": opt(element("image")), "icon": opt(element("image")), "slack_icon": opt(icon), "title": opt(rich(150)),
			"subtitle": opt(rich(150)), "body": opt(rich(200)), "subtext": opt(rich(200)), "actions": opt(list(1, 3, element("button"))),
		}
	}
	cardRules := func(c *checker, ptr string, m obj) {
		if m["hero_image"] == nil && m["title"] == nil && m["body"] == nil && m["actions"] == nil {
			c.fail(ptr, "must define at least one of hero_image, title, body, actions")
		}
	}
	task := fields{
		"task_id": need(str(1, 255)), "title": need(str(1, 255)), "status": opt(enum("pending", "in_progress", "complete", "error")),
		"details": opt(richText), "output": opt(richText), "hide_title": opt(boolean),
		"sources": opt(list(0, 0, object(fields{"type": need(enum("url")), "url": need(webURL(3000, false)), "text": need(str(1, 255))}))),
	}
	return map[string]block{
		"alert": {surfaces: "modal", fields: fields{"text": need(rich(200)), "level": opt(enum("default", "info", "warning", "error", "success"))}},
		"card":  {surfaces: "message home", fields: cardFields(), after: cardRules},
		"carousel": {surfaces: "message home", fields: fields{"elements": need(list(1, 10, func(c *checker, ptr string, v any) {
			m, _ := v.(obj)
			if m["type"] != "card" {
				c.fail(ptr+"/type", "must be card")
				return
			}
			oneBlock(c, ptr, v)
		}))}},
		"container": {
			surfaces: "message home", fields: fields{
				"title": opt(plain(150)), "rich_text_title": opt(richText), "subtitle": opt(rich(150)),
				"icon": opt(element("image")), "width": opt(enum("narrow", "standard", "wide", "full")), "is_collapsible": opt(boolean),
				"default_collapsed": opt(boolean), "has_header_divider": opt(boolean), "child_blocks": need(list(1, 10, containerChild)),
			},
			after: func(c *checker, ptr string, m obj) {
				if m["title"] == nil && m["rich_text_title"] == nil {
					c.fail(ptr, "must define title or rich_text_title")
				}
				if m["default_collapsed"] == true && m["is_collapsible"] != true {
					c.fail(ptr+"/default_collapsed", "requires is_collapsible")
				}
				if m["has_header_divider"] == true && m["is_collapsible"] == true {
					c.fail(ptr+"/has_header_divider", "is for containers that do not collapse")
				}
			},
		},
		"table": {
			surfaces: "message home", fields: fields{
				"rows":            need(list(1, 100, list(1, 20, tableCell("raw_text", "raw_number", "rich_text")))),
				"column_settings": opt(list(0, 20, object(fields{"align": opt(enum("", "left", "center", "right")), "is_wrapped": opt(boolean)}))),
			},
			after: func(c *checker, ptr string, m obj) {
				if c.tables++; c.tables > 1 {
					c.fail(ptr, "only one table is allowed in a message")
				}
			},
		},
		"data_table": {surfaces: "message home", fields: fields{
			"caption":   need(str(1, 255)),
			"rows":      need(list(2, 201, list(1, 20, tableCell("raw_text", "raw_number", "rich_text", "action")))),
			"page_size": opt(integer(1, 100)), "row_header_column_index": opt(integer(0, 19)),
		}, after: dataTableRules},
		"data_visualization": {surfaces: "message home", fields: fields{"title": need(str(1, 50)), "chart": need(chart)}},
		"task_card":          {surfaces: "message", fields: task},
		"plan": {surfaces: "message", fields: fields{"title": need(str(1, 255)), "tasks": opt(list(0, 50, func(c *checker, ptr string, v any) {
			m, _ := v.(obj)
			if m["type"] != "task_card" {
				c.fail(ptr+"/type", "must be task_card")
				return
			}
			oneBlock(c, ptr, v)
		}))}},
	}
}

// containerChildren is what both Slack's docs and its live validator are known to take.
var containerChildren = map[string]bool{"actions": true, "context": true, "divider": true, "header": true, "image": true, "section": true, "table": true, "video": true}

func containerChild(c *checker, ptr string, v any) {
	m, _ := v.(obj)
	t, _ := m["type"].(string)
	if !containerChildren[t] {
		c.fail(ptr+"/type", "unsupported type: %s inside a container", t)
		return
	}
	oneBlock(c, ptr, v)
}

func tableCell(kinds ...string) check {
	allowed := map[string]bool{}
	for _, k := range kinds {
		allowed[k] = true
	}
	return func(c *checker, ptr string, v any) {
		if v == nil { // an empty cell
			return
		}
		m, _ := v.(obj)
		t, _ := m["type"].(string)
		if !allowed[t] {
			c.fail(ptr+"/type", "unsupported type: %s", t)
			return
		}
		words := func(c *checker, ptr string, v any) {
			str(0, 3000)(c, ptr, v)
			if s, ok := v.(string); ok {
				c.chars += utf8.RuneCountInString(s)
			}
		}
		switch t {
		case "raw_text":
			c.object(ptr, v, fields{"type": need(any_), "text": need(words)})
		case "raw_number":
			c.object(ptr, v, fields{"type": need(any_), "value": need(number), "text": opt(words)})
		case "rich_text":
			oneBlock(c, ptr, v)
		case "action":
			c.object(ptr, v, fields{"type": need(any_), "element": need(element("button")), "fallback": opt(tableCell("raw_text", "raw_number"))})
		}
	}
}

func dataTableRules(c *checker, ptr string, m obj) {
	rows, _ := m["rows"].([]any)
	chars, width := 0, -1
	for i, r := range rows {
		cells, _ := r.([]any)
		if width < 0 {
			width = len(cells)
		}
		if len(cells) != width {
			c.fail(fmt.Sprintf("%s/rows/%d", ptr, i), "must have as many cells as the first row (%d)", width)
		}
		for _, cell := range cells {
			cm, _ := cell.(obj)
			s, _ := cm["text"].(string)
			chars += utf8.RuneCountInString(s)
		}
	}
	if chars > 20000 {
		c.fail(ptr+"/rows", "must be less than 20001 characters in all")
	}
	if i, ok := num(m["row_header_column_index"]); ok && width >= 0 && int(i) >= width {
		c.fail(ptr+"/row_header_column_index", "must name a column")
	}
}

var seriesItem = object(fields{"name": need(str(1, 20)), "data": need(list(1, 20, object(fields{"label": need(str(1, 20)), "value": need(number)})))})

func chart(c *checker, ptr string, v any) {
	m, _ := v.(obj)
	switch m["type"] {
	case "pie":
		c.object(ptr, v, fields{"type": need(any_), "segments": need(list(1, 6, object(fields{"label": need(str(1, 20)), "value": need(number)},
			func(c *checker, ptr string, m obj) {
				if f, ok := num(m["value"]); ok && f <= 0 {
					c.fail(ptr+"/value", "must be more than 0")
				}
			})))})
	case "bar", "area", "line":
		axis := object(fields{"categories": need(list(1, 20, str(1, 20))), "x_label": opt(str(0, 50)), "y_label": opt(str(0, 50))})
		c.object(ptr, v, fields{"type": need(any_), "series": need(list(1, 6, seriesItem)), "axis_config": need(axis)})
		axisConfig, _ := m["axis_config"].(obj)
		categories, _ := axisConfig["categories"].([]any)
		series, _ := m["series"].([]any)
		for i, s := range series {
			sm, _ := s.(obj)
			if data, _ := sm["data"].([]any); len(data) != len(categories) {
				c.fail(fmt.Sprintf("%s/series/%d/data", ptr, i), "must have one point for each category (%d)", len(categories))
			}
		}
	default:
		c.fail(ptr+"/type", "unsupported type: %v", m["type"])
	}
}

// numeric reads a JSON number or a number in a string.
func numeric(v any) (float64, bool) {
	if s, ok := v.(string); ok {
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	return num(v)
}

// checkOptions judges the answer to a block_suggestion: options or option_groups, at most 100, values unique.
func checkOptions(v any) (problems []string, options []obj) {
	c := newChecker("modal", true)
	m, ok := c.object("", v, fields{
		"options":       opt(list(0, 100, selectOption)),
		"option_groups": opt(list(0, 100, object(fields{"label": need(plain(75)), "options": need(list(0, 100, selectOption))}))),
	})
	if !ok {
		return c.problems, nil
	}
	if m["options"] == nil && m["option_groups"] == nil {
		c.fail("", "must define options or option_groups")
	}
	options = allOptions(m)
	seen := map[string]bool{}
	for _, o := range options {
		value, _ := o["value"].(string)
		if seen[value] {
			c.fail("/options", "option values must be unique: %s", value)
		}
		seen[value] = true
	}
	if len(options) > 100 {
		c.fail("/options", "no more than 100 items allowed")
	}
	return c.problems, options
}

// allOptions lists the options of an element or answer, groups included, in order.
func allOptions(m obj) []obj {
	var out []obj
	take := func(v any) {
		l, _ := v.([]any)
		for _, o := range l {
			if om, ok := o.(obj); ok {
				out = append(out, om)
			}
		}
	}
	take(m["options"])
	groups, _ := m["option_groups"].([]any)
	for _, g := range groups {
		if gm, ok := g.(obj); ok {
			take(gm["options"])
		}
	}
	return out
}
