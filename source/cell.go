package source

import (
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of cells, in characters.
const (
	maxID   = 200
	maxText = 500
)

// Days before and after these are typing mistakes.
const (
	firstYear = 1970
	lastYear  = 2200
)

// row is one row while it is parsed: cells by column name and the first thing wrong.
type row struct {
	columns   []column
	positions [][]int
	cells     []cellText
	line      int
	err       *RowError
}

// cellText is a trimmed cell and its place in the file.
type cellText struct {
	text string
	pos  int // 1 = first cell of the line; 0 = not there
}

func (r *row) reset(line int) {
	clear(r.cells)
	r.line, r.err = line, nil
}

// add sets the cell of column i. Two columns of one meaning may stand in a file as long
// as they do not contradict each other.
func (r *row) add(i, pos int, text string) {
	text = strings.TrimSpace(text)
	c := &r.cells[i]
	switch {
	case c.text == "":
		*c = cellText{text, pos}
	case text != "" && !strings.EqualFold(text, c.text):
		r.fail(i, fmt.Sprintf("two columns for %s say %s and %s; they must be the same", r.columns[i].name, quote(c.text), quote(text)))
	}
}

func (r *row) fail(i int, reason string) {
	if r.err == nil {
		r.err = &RowError{Line: r.line, Column: r.cells[i].pos, ColumnName: r.columns[i].name, Reason: reason}
		if r.err.Column == 0 && len(r.positions) > i && len(r.positions[i]) > 0 {
			r.err.Column = r.positions[i][0] + 1
		}
	}
}

// failf refuses the row because of a column.
func (r *row) failf(name, format string, args ...any) {
	_, i := r.cell(name)
	r.fail(i, fmt.Sprintf(format, args...))
}

// cell returns a column's text and index. A name the format does not have is a mistake
// in this package.
func (r *row) cell(name string) (string, int) {
	for i := range r.columns {
		if r.columns[i].name == name {
			return r.cells[i].text, i
		}
	}
	panic("source: no column " + name)
}

// text reads one line of text.
func (r *row) text(name string) string {
	s, i := r.cell(name)
	return r.bounded(i, s, maxText)
}

// id reads an identifier that has to be there.
func (r *row) id(name string) string {
	s, i := r.cell(name)
	if s == "" {
		r.fail(i, "is empty")
		return ""
	}
	return r.bounded(i, s, maxID)
}

func (r *row) bounded(i int, s string, limit int) string {
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		r.fail(i, fmt.Sprintf("is longer than %d characters", limit))
	}
	for _, c := range s {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			r.fail(i, "holds a control character")
			break
		}
	}
	return s
}

// email reads an address in lower case, "" when the cell is empty.
func (r *row) email(name string) string {
	s, i := r.cell(name)
	if s == "" {
		return ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > 254 || strings.ContainsAny(s, " \"<>\r\n\t") {
		r.fail(i, quote(s)+" is not an e-mail address")
		return ""
	}
	return strings.ToLower(s)
}

// mustEmail is email for a cell that has to be there.
func (r *row) mustEmail(name string) string {
	if s, i := r.cell(name); s == "" {
		r.fail(i, "is empty")
		return ""
	}
	return r.email(name)
}

// whole reads a whole number from 0 up; nil when the cell is empty.
func (r *row) whole(name string) *int64 {
	s, i := r.cell(name)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s[0] == '+' {
		r.fail(i, quote(s)+" is not a whole number; write it like 4800000")
		return nil
	}
	if n < 0 {
		r.fail(i, quote(s)+" is below zero")
		return nil
	}
	return &n
}

// number reads a decimal number; ok is false when the cell is empty.
func (r *row) number(name string) (v float64, ok bool) {
	s, i := r.cell(name)
	if s == "" {
		return 0, false
	}
	// ParseFloat also takes Inf, NaN and hexadecimal.
	plain := strings.Trim(s, "0123456789+-.eE") == ""
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !plain {
		r.fail(i, quote(s)+" is not a number; write it like 1250.5")
		return 0, false
	}
	return v, true
}

// mustNumber is number for a cell that has to be there.
func (r *row) mustNumber(name string) float64 {
	if s, i := r.cell(name); s == "" {
		r.fail(i, "is empty; leave the row out where nothing was measured")
		return 0
	}
	v, _ := r.number(name)
	return v
}

// day reads YYYY-MM-DD as 00:00 UTC; nil when the cell is empty.
func (r *row) day(name string) *time.Time {
	s, i := r.cell(name)
	if s == "" {
		return nil
	}
	t, ok := parseDay(s)
	if !ok {
		r.fail(i, quote(s)+" is not a day; write it like 2026-03-02")
		return nil
	}
	return &t
}

// mustDay is day for a cell that has to be there.
func (r *row) mustDay(name string) time.Time {
	if s, i := r.cell(name); s == "" {
		r.fail(i, "is empty")
		return time.Time{}
	}
	if t := r.day(name); t != nil {
		return *t
	}
	return time.Time{}
}

func parseDay(s string) (time.Time, bool) {
	if len(s) != len(time.DateOnly) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil && t.Year() >= firstYear && t.Year() <= lastYear
}

// span reads two days and refuses an end before its start.
func (r *row) span(from, to string) (start, end *time.Time) {
	start, end = r.day(from), r.day(to)
	if start != nil && end != nil && end.Before(*start) {
		r.failf(to, "ends on %s, before it starts on %s", end.Format(time.DateOnly), start.Format(time.DateOnly))
	}
	return start, end
}

// instant reads an RFC 3339 time that has to be there, in UTC.
func (r *row) instant(name string) time.Time {
	s, i := r.cell(name)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		r.fail(i, quote(s)+" is not a time; write it like 2026-03-02T09:14:00Z")
		return time.Time{}
	}
	return t.UTC()
}

// truth reads true or false; an empty cell is def.
func (r *row) truth(name string, def bool) bool {
	s, i := r.cell(name)
	switch strings.ToLower(s) {
	case "":
		return def
	case "true":
		return true
	case "false":
		return false
	}
	r.fail(i, quote(s)+" is neither true nor false")
	return def
}

// word reads one of a few words in lower case; an empty cell is "".
func (r *row) word(name string, allowed ...string) string {
	s, i := r.cell(name)
	w := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(s))
	if w == "" {
		return ""
	}
	for _, a := range allowed {
		if a == w {
			return a
		}
	}
	r.fail(i, quote(s)+" is not one of "+strings.Join(allowed, ", "))
	return ""
}

// mustWord is word for a cell that has to be there.
func (r *row) mustWord(name string, allowed ...string) string {
	if s, i := r.cell(name); s == "" {
		r.fail(i, "is empty; it is one of "+strings.Join(allowed, ", "))
		return ""
	}
	return r.word(name, allowed...)
}

// quote writes a cell in quotes, shortened.
func quote(s string) string { return strconv.Quote(cut(s, 60)) }
