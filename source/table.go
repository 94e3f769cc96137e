package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"expansionbot/expansion"
)

// Stats counts what a reader met. Blank lines count nowhere.
type Stats struct {
	Rows     int      // rows after the header
	Good     int      // rows handed on
	Bad      int      // rows refused; all of them, also past MaxRowErrors
	Warnings []string // sentences about the file as a whole, such as unknown columns
}

// MaxRowErrors is how many refused rows a reader describes; further ones are counted in
// Stats.Bad only, so that a file of the wrong kind cannot fill the memory.
const MaxRowErrors = 10_000

// RowError says why one row was refused. It may quote the cell: show it to the person
// who brought the file and keep it out of logs.
type RowError struct {
	File       string
	Line       int    // 1 is the first line of the file; for a row over several lines, its first
	Column     int    // 1 is the first cell as the file orders them; 0 = the row as a whole
	ColumnName string // as the format names it; "" = the row as a whole
	Reason     string // what is wrong and what is expected
}

// Error implements error with one sentence that names file, line and column.
func (e RowError) Error() string {
	if e.ColumnName == "" {
		return fmt.Sprintf("%s line %d: %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("%s line %d, column %s: %s", e.File, e.Line, e.ColumnName, e.Reason)
}

// Refusal is returned by a yield that cannot take a row for a reason the reader does not
// know, such as an account nobody has: the row is refused like any other, and the file
// goes on.
type Refusal struct {
	Column string // as the format names it
	Reason string // what is wrong and what is expected
}

// Error implements error.
func (r Refusal) Error() string { return r.Column + ": " + r.Reason }

// column is one column of a format.
type column struct {
	name    string
	aliases []string // other names, also the JSON ones
	must    bool     // a file without it is refused
}

func must(names ...string) column {
	return column{name: names[0], aliases: names[1:], must: true}
}

func may(names ...string) column {
	return column{name: names[0], aliases: names[1:]}
}

// is reports whether a header cell means this column, in any case.
func (c column) is(name string) bool {
	return name == c.name || slices.ContainsFunc(c.aliases, func(a string) bool { return strings.EqualFold(a, name) })
}

// table is one format: its columns and how a row becomes a value.
type table[T any] struct {
	columns []column
	parse   func(r *row) T
}

// reading is the state shared by the CSV and NDJSON readers of one file.
type reading struct {
	file  string
	stats Stats
	bad   []RowError
}

func (rd *reading) refuse(e RowError) {
	e.File = rd.file
	rd.stats.Bad++
	if len(rd.bad) < MaxRowErrors {
		rd.bad = append(rd.bad, e)
	}
}

// readCSV reads one CSV file of a format.
func readCSV[T any](r io.Reader, file string, t table[T], yield func(T) error) (Stats, []RowError, error) {
	rd := &reading{file: file}
	recs := newRecords(r)
	header, err := recs.header(file)
	if err != nil {
		return rd.stats, nil, err
	}
	positions, err := t.positions(rd, header)
	if err != nil {
		return rd.stats, nil, err
	}
	rw := &row{columns: t.columns, positions: positions, cells: make([]cellText, len(t.columns))}
	for {
		rec, err := recs.next()
		if errors.Is(err, io.EOF) {
			return rd.stats, rd.bad, nil
		}
		if bad, ok := errors.AsType[RowError](err); ok {
			rd.stats.Rows++
			rd.refuse(bad)
			continue
		}
		if err != nil {
			return rd.stats, rd.bad, fmt.Errorf("read %s after line %d: %w", file, recs.line, err)
		}
		if blank(rec.cells) {
			continue
		}
		rd.stats.Rows++
		if reason := checkWidth(rec.cells, len(header)); reason != "" {
			rd.refuse(RowError{Line: rec.line, Reason: reason})
			continue
		}
		rw.reset(rec.line)
		for i, pos := range positions {
			for _, p := range pos {
				rw.add(i, p+1, rec.cells[p])
			}
		}
		if err := deliver(rd, rw, t, yield); err != nil {
			return rd.stats, rd.bad, err
		}
	}
}

// deliver parses the row that rw holds and hands it on. The error is yield's own, unless
// it is a Refusal.
func deliver[T any](rd *reading, rw *row, t table[T], yield func(T) error) error {
	v := t.parse(rw)
	if rw.err != nil {
		rd.refuse(*rw.err)
		return nil
	}
	if err := yield(v); err != nil {
		no, ok := errors.AsType[Refusal](err)
		if !ok {
			return err
		}
		rw.failf(no.Column, "%s", no.Reason)
		rd.refuse(*rw.err)
		return nil
	}
	rd.stats.Good++
	return nil
}

// positions maps each column of the format to the header cells that hold it, and warns
// once about the others.
func (t table[T]) positions(rd *reading, header []string) ([][]int, error) {
	positions := make([][]int, len(t.columns))
	seen := map[string]bool{}
	var unknown []string
	for p, name := range header {
		if name != "" && seen[name] {
			return nil, expansion.Errorf(expansion.CodeInvalid, "%s has the column %q twice; remove one of them.", rd.file, name)
		}
		seen[name] = true
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.is(name) })
		if i < 0 {
			if name != "" {
				unknown = append(unknown, name)
			}
			continue
		}
		positions[i] = append(positions[i], p)
	}
	for i, c := range t.columns {
		if c.must && positions[i] == nil {
			return nil, expansion.Errorf(expansion.CodeInvalid, "%s has no column %q; its first line is %q.", rd.file, c.name, cut(strings.Join(header, ","), 200))
		}
	}
	if len(unknown) > 0 {
		rd.stats.Warnings = append(rd.stats.Warnings, fmt.Sprintf("%s: left out unknown columns %s", rd.file, cut(strings.Join(unknown, ", "), 300)))
	}
	return positions, nil
}

// checkWidth compares a row with its header. Surplus empty cells, which spreadsheets
// add, are fine.
func checkWidth(cells []string, width int) string {
	if len(cells) < width {
		return fmt.Sprintf("has %d cells where the header has %d", len(cells), width)
	}
	for _, c := range cells[width:] {
		if strings.TrimSpace(c) != "" {
			return fmt.Sprintf("has %d cells where the header has %d", len(cells), width)
		}
	}
	return ""
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if rs := []rune(s); len(rs) > n {
		return string(rs[:n]) + "…"
	}
	return s
}
