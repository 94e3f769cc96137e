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
