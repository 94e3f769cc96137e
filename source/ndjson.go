package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// readJSON reads newline-delimited JSON objects of a format. Unknown keys are left out
// with one warning.
func readJSON[T any](r io.Reader, name string, t table[T], yield func(T) error) (Stats, []RowError, error) {
	rd := &reading{file: name}
	src := newLines(r)
	rw := &row{columns: t.columns, cells: make([]cellText, len(t.columns))}
	unknown := map[string]bool{}
	for {
		text, err := src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, errTooLong) {
			rd.stats.Rows++
			rd.refuse(RowError{Line: src.line, Reason: err.Error()})
			continue
		}
		if err != nil {
			return rd.stats, rd.bad, fmt.Errorf("read %s after line %d: %w", name, src.line, err)
		}
		if src.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		rd.stats.Rows++
		if utf8.ValidString(text) && rw.flat(text) {
			if err := deliver(rd, rw.at(src.line), t, yield); err != nil {
				return rd.stats, rd.bad, err
			}
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
			rd.refuse(RowError{Line: src.line, Reason: "is not a JSON object on one line"})
			continue
		}
		if !utf8.ValidString(text) {
			rd.refuse(RowError{Line: src.line, Reason: "is not UTF-8"})
			continue
		}
		rw.reset(src.line)
		if known := rw.fill(object); known < len(object) && len(unknown) < maxUnknown {
			noteUnknown(unknown, object, t.columns)
		}
		if err := deliver(rd, rw, t, yield); err != nil {
			return rd.stats, rd.bad, err
		}
	}
	if len(unknown) > 0 {
		keys := slices.Sorted(maps.Keys(unknown))
		rd.stats.Warnings = append(rd.stats.Warnings, fmt.Sprintf("%s: left out unknown keys %s", name, strings.Join(keys, ", ")))
	}
	return rd.stats, rd.bad, nil
}

// maxUnknown is how many unknown keys the warning names.
const maxUnknown = 20

func noteUnknown(unknown map[string]bool, object map[string]json.RawMessage, columns []column) {
	for key := range object {
		known := func(c column) bool { return key == c.name || slices.Contains(c.aliases, key) }
		if len(unknown) < maxUnknown && !slices.ContainsFunc(columns, known) {
			unknown[cut(key, 40)] = true
		}
	}
}

// flat reads the plain kind of line that machines write, about four times faster than
// encoding/json: one object, each key known and there once, texts without escapes. It
// reports false for everything else, valid or not, and leaves that to encoding/json.
func (r *row) flat(text string) bool {
	r.reset(0)
	rest, ok := strings.CutPrefix(strings.Trim(text, " \t\r"), "{")
	for ok {
		var key, cell string
		if key, rest, ok = plainString(skip(rest)); !ok {
			return false
		}
		if rest, ok = strings.CutPrefix(skip(rest), ":"); !ok {
			return false
		}
		if cell, rest, ok = plainValue(skip(rest)); !ok {
			return false
		}
		i := slices.IndexFunc(r.columns, func(c column) bool { return key == c.name })
		if i < 0 || r.cells[i].pos != 0 {
			return false
		}
		r.add(i, 1, cell)
		r.cells[i].pos = 1 // marks it as seen; at clears it
		if rest = skip(rest); rest == "}" {
			return true
		}
		rest, ok = strings.CutPrefix(rest, ",")
	}
	return false
}

// at names the line of a row that flat has read.
func (r *row) at(line int) *row {
	r.line = line
	for i := range r.cells {
		r.cells[i].pos = 0
	}
	return r
}

func skip(s string) string { return strings.TrimLeft(s, " \t") }

// plainString reads a JSON string without escapes or control characters.
func plainString(s string) (value, rest string, ok bool) {
	if len(s) < 2 || s[0] != '"' {
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], s[i+1:], true
		case c == '\\', c < ' ':
			return "", "", false
		}
	}
	return "", "", false
}

// plainValue reads a string, a number or null.
func plainValue(s string) (value, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		return plainString(s)
	}
	if rest, ok := strings.CutPrefix(s, "null"); ok {
		return "", rest, true
	}
	end := strings.IndexAny(s, ",} \t")
	if end <= 0 || !plainNumber(s[:end]) {
		return "", "", false
	}
	return s[:end], s[end:], true
}

// plainNumber reports digits with an optional minus and fraction, as JSON writes them.
func plainNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, dot := strings.Cut(s, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (whole == "0" || whole[0] != '0') && (!dot || digits(fraction))
}

// fill takes an object's values as cells and says how many of its keys are known. Keys
// are matched in their exact case.
func (r *row) fill(object map[string]json.RawMessage) (known int) {
	for i, c := range r.columns {
		for n := -1; n < len(c.aliases); n++ {
			key := c.name
			if n >= 0 {
				key = c.aliases[n]
			}
			raw, ok := object[key]
			if !ok {
				continue
			}
			known++
			if cell, ok := cellOf(raw); ok {
				r.add(i, 0, cell)
			} else {
				r.fail(i, "is not a text, number, true, false or null")
			}
		}
	}
	return known
}

// cellOf turns a JSON value into the text a CSV cell would hold.
func cellOf(raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case '{', '[':
		return "", false
	case 'n':
		return "", true
	}
	return string(raw), true
}
