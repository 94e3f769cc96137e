package slack

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// obj is a decoded JSON object.
type obj = map[string]any

// checker walks decoded JSON against the tables of validate.go and collects what Slack would refuse.
// Lengths are counted in code points: how Slack counts astral characters is not published.
type checker struct {
	surface   string // "message", "modal" or "home"
	newBlocks bool   // false: blocks marked newer are refused
	problems  []string
	refused   bool            // a newer block was refused only because the switch is off
	blockIDs  map[string]bool // block_id seen on this surface
	chars     int             // visible characters, all blocks together
	markdown  int             // characters of markdown blocks
	tables    int
	inputs    int
	focused   int
	broadcast bool
}

// check judges one JSON value; ptr is its JSON pointer.
type check func(c *checker, ptr string, v any)

// rule is one property of an object.
type rule struct {
	need  bool
	check check
}

type fields map[string]rule

func need(ck check) rule { return rule{need: true, check: ck} }
func opt(ck check) rule  { return rule{check: ck} }

func (c *checker) fail(ptr, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...)+" [json-pointer:"+ptr+"]")
}

func (c *checker) seen(s string) {
	c.chars += utf8.RuneCountInString(s)
	c.liveMention(s)
}

var broadcastMention = regexp.MustCompile(`<!(channel|here|everyone)(\|[^>]*)?>`)

func (c *checker) liveMention(s string) {
	if broadcastMention.MatchString(s) {
		c.broadcast = true
	}
}

func (c *checker) object(ptr string, v any, fs fields) (obj, bool) {
	m, ok := v.(obj)
	if !ok {
		c.fail(ptr, "must be an object")
		return nil, false
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		r, known := fs[name]
		if !known {
			c.fail(ptr, "invalid additional property: %s", name)
			continue
		}
		if m[name] == nil {
			if !r.need {
				continue
			}
			delete(m, name)
			continue
		}
		r.check(c, ptr+"/"+name, m[name])
	}
	required := make([]string, 0, 4)
	for name, r := range fs {
		if _, there := m[name]; r.need && !there {
			required = append(required, name)
		}
	}
	sort.Strings(required)
	for _, name := range required {
		c.fail(ptr, "missing required field: %s", name)
	}
	return m, true
}

// -- checks for single values

func any_(*checker, string, any) {}

func boolean(c *checker, ptr string, v any) {
	if _, ok := v.(bool); !ok {
		c.fail(ptr, "must be a boolean")
	}
}

func str(minLen, maxLen int) check {
	return func(c *checker, ptr string, v any) {
		s, ok := v.(string)
		if !ok {
			c.fail(ptr, "must be a string")
			return
		}
		c.length(ptr, s, minLen, maxLen)
	}
}

func (c *checker) length(ptr, s string, minLen, maxLen int) {
	n := utf8.RuneCountInString(s)
	if n < minLen {
		c.fail(ptr, "must be more than %d characters", minLen-1)
	}
	if maxLen > 0 && n > maxLen {
		c.fail(ptr, "must be less than %d characters", maxLen+1)
	}
}

func enum(words ...string) check {
	return func(c *checker, ptr string, v any) {
		s, ok := v.(string)
		if !ok || !slices.Contains(words, s) {
			c.fail(ptr, "must be a valid enum value: one of %s", strings.Join(words, ", "))
		}
	}
}

func matching(re *regexp.Regexp, what string) check {
	return func(c *checker, ptr string, v any) {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			c.fail(ptr, "must be %s", what)
		}
	}
}

func num(v any) (float64, bool) {
	switch n := v.(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	}
	return 0, false
}

func integer(lo, hi float64) check {
	return func(c *checker, ptr string, v any) {
		f, ok := num(v)
		if !ok || f != math.Trunc(f) {
			c.fail(ptr, "must be an integer")
			return
		}
		if f < lo || f > hi {
			c.fail(ptr, "must be between %g and %g", lo, hi)
		}
	}
}

func number(c *checker, ptr string, v any) {
	if _, ok := num(v); !ok {
		c.fail(ptr, "must be a number")
	}
}

// webURL wants what Slack can fetch or open from anywhere: an absolute http(s) address.
func webURL(maxLen int, httpsOnly bool) check {
	return func(c *checker, ptr string, v any) {
		s, ok := v.(string)
		if !ok {
			c.fail(ptr, "must be a string")
			return
		}
		c.length(ptr, s, 1, maxLen)
		good := strings.HasPrefix(s, "https://") || !httpsOnly && (strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "mailto:") || strings.HasPrefix(s, "slack://"))
		if !good {
			c.fail(ptr, "must be a valid URL")
		}
	}
}

func list(minLen, maxLen int, item check) check {
	return func(c *checker, ptr string, v any) {
		l, ok := v.([]any)
		if !ok {
			c.fail(ptr, "must be an array")
			return
		}
		if len(l) < minLen {
			c.fail(ptr, "no fewer than %d items allowed", minLen)
		}
		if maxLen > 0 && len(l) > maxLen {
			c.fail(ptr, "no more than %d items allowed", maxLen)
		}
		for i, it := range l {
			item(c, fmt.Sprintf("%s/%d", ptr, i), it)
		}
	}
}

func object(fs fields, after ...func(c *checker, ptr string, m obj)) check {
	return func(c *checker, ptr string, v any) {
		m, ok := c.object(ptr, v, fs)
		if !ok {
			return
		}
		for _, f := range after {
			f(c, ptr, m)
		}
	}
}

// typed picks the table by the object's "type".
func typed(kinds func() map[string]fields, allowed ...string) check {
	return func(c *checker, ptr string, v any) {
		m, ok := v.(obj)
		if !ok {
			c.fail(ptr, "must be an object")
			return
		}
		t, _ := m["type"].(string)
		fs, known := kinds()[t]
		if !known || len(allowed) > 0 && !slices.Contains(allowed, t) {
			c.fail(ptr+"/type", "unsupported type: %s", t)
			return
		}
		c.object(ptr, v, fs)
	}
}

// text wants a text object of one of the kinds, 1 to maxLen characters.
func text(maxLen int, kinds ...string) check {
	return func(c *checker, ptr string, v any) {
		m, ok := v.(obj)
		if !ok {
			c.fail(ptr, "must be a text object")
			return
		}
		kind, _ := m["type"].(string)
		if !slices.Contains(kinds, kind) {
			c.fail(ptr+"/type", "must be %s", strings.Join(kinds, " or "))
			return
		}
		fs := fields{"type": need(any_), "text": need(func(c *checker, ptr string, v any) {
			s, ok := v.(string)
			if !ok {
				c.fail(ptr, "must be a string")
				return
			}
			c.length(ptr, s, 1, maxLen)
			c.chars += utf8.RuneCountInString(s)
			if kind == "mrkdwn" {
				c.liveMention(s)
			}
		})}
		if kind == "plain_text" {
			fs["emoji"] = opt(boolean)
		} else {
			fs["verbatim"] = opt(boolean)
		}
		c.object(ptr, v, fs)
	}
}

func plain(maxLen int) check { return text(maxLen, "plain_text") }
func rich(maxLen int) check  { return text(maxLen, "mrkdwn", "plain_text") }

// decode reads JSON keeping numbers as written.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil { // only values decoded from JSON or built here come this way
		panic("slack sandbox: " + err.Error())
	}
	return b
}
