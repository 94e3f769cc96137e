package source

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"expansionbot/expansion"
)

const (
	// MaxLineBytes is the longest line a reader takes; a longer one is refused as one row
	// and the file goes on.
	MaxLineBytes = 1 << 20
	// maxRecordLines is how many lines one quoted CSV row may run over. A quote that is
	// never closed then costs its own line and not the rest of the file.
	maxRecordLines = 100
)

var errTooLong = fmt.Errorf("is longer than %d bytes", MaxLineBytes)

// lines splits a stream into lines without their ends and survives overlong ones.
type lines struct {
	r    *bufio.Reader
	line int // number of the line last returned
	buf  []byte
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next line. errTooLong means the line was skipped.
func (l *lines) next() (string, error) {
	l.buf = l.buf[:0]
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		if !long {
			l.buf = append(l.buf, part...)
			long = len(l.buf) > MaxLineBytes+2
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if err != nil && len(part) == 0 && len(l.buf) == 0 {
			return "", io.EOF
		}
		break
	}
	l.line++
	if long {
		return "", errTooLong
	}
	return string(bytes.TrimSuffix(bytes.TrimSuffix(l.buf, []byte("\n")), []byte("\r"))), nil
}

// record is one CSV row. Cells are valid until the next call.
type record struct {
	line  int
	cells []string
}

// records splits a stream into CSV rows (RFC 4180).
type records struct {
	lines *lines
	line  int // line of the row last returned
	comma byte
	width int // cells in the header; 0 while it is read
	ahead []ahead
	cells []string
}

// ahead is a line that was read while looking for the end of a quoted cell.
type ahead struct {
	line int
	text string
	err  error
}

func newRecords(r io.Reader) *records {
	return &records{lines: newLines(r), comma: ','}
}

// header reads the first line: names in lower case. It finds the separator.
func (r *records) header(file string) ([]string, error) {
	first := r.peek(0)
	if errors.Is(first.err, io.EOF) {
		return nil, expansion.Errorf(expansion.CodeInvalid, "%s is empty; its first line should name the columns.", file)
	}
	if first.err != nil && !errors.Is(first.err, errTooLong) {
		return nil, fmt.Errorf("read %s: %w", file, first.err)
	}
	if strings.HasPrefix(first.text, "\xff\xfe") || strings.HasPrefix(first.text, "\xfe\xff") {
		return nil, expansion.Errorf(expansion.CodeInvalid, "%s is UTF-16; save it again as \"CSV UTF-8\".", file)
	}
	r.ahead[0].text = strings.TrimPrefix(first.text, "\ufeff")
	if text := r.ahead[0].text; !strings.Contains(text, ",") {
		switch {
		case strings.Contains(text, ";"):
			r.comma = ';'
		case strings.Contains(text, "\t"):
			r.comma = '\t'
		}
	}
	rec, err := r.next()
	if bad, ok := errors.AsType[RowError](err); ok {
		return nil, expansion.Errorf(expansion.CodeInvalid, "%s has no readable header: line %d %s.", file, bad.Line, bad.Reason)
	}
	if err != nil {
		return nil, fmt.Errorf("read header of %s: %w", file, err)
	}
	names := make([]string, len(rec.cells))
	for i, c := range rec.cells {
		names[i] = strings.ToLower(strings.TrimSpace(c))
	}
	if blank(names) {
		return nil, expansion.Errorf(expansion.CodeInvalid, "%s starts with a blank line; its first line should name the columns.", file)
	}
	r.width = len(names)
	return names, nil
}

// peek returns the i-th line that is not used yet.
func (r *records) peek(i int) ahead {
	for len(r.ahead) <= i {
		if n := len(r.ahead); n > 0 && errors.Is(r.ahead[n-1].err, io.EOF) {
			return r.ahead[n-1]
		}
		text, err := r.lines.next()
		r.ahead = append(r.ahead, ahead{r.lines.line, text, err})
	}
	return r.ahead[i]
}

// use drops the first n lines.
func (r *records) use(n int) {
	r.ahead = append(r.ahead[:0], r.ahead[n:]...)
}

// next returns the next row. A RowError is about that row alone: call again.
func (r *records) next() (record, error) {
	first := r.peek(0)
	if first.err != nil && !errors.Is(first.err, errTooLong) {
		return record{}, first.err // io.EOF and read errors stay ahead for ever
	}
	r.line = first.line
	if first.err != nil {
		r.use(1)
		return record{}, RowError{Line: first.line, Reason: first.err.Error()}
	}
	if !strings.Contains(first.text, `"`) {
		r.use(1)
		r.cells = splitPlain(r.cells[:0], first.text, r.comma)
		return r.checked(record{first.line, r.cells})
	}
	text, n := r.quoted(first.text)
	if n == 0 {
		r.use(1)
		return record{}, RowError{Line: first.line, Reason: `opens a quote (") that is not closed`}
	}
	cells, err := r.parse(text)
	if n > 1 && (err != nil || r.width > 0 && len(cells) != r.width) {
		// Two stray quotes far apart look like one long cell. Give up the first line only.
		r.use(1)
		return record{}, RowError{Line: first.line, Reason: `has a quote (") that does not belong; write a quote inside a cell twice`}
	}
	r.use(n)
	if err != nil {
		return record{}, RowError{Line: first.line, Reason: `has a quote (") that does not belong; write a quote inside a cell twice`}
	}
	return r.checked(record{first.line, cells})
}

// quoted joins lines until the quotes are even and says how many it took, 0 when they
// never are.
func (r *records) quoted(text string) (string, int) {
	open := strings.Count(text, `"`)%2 == 1
	if !open {
		return text, 1
	}
	var b strings.Builder
	b.WriteString(text)
	for n := 1; n < maxRecordLines; n++ {
		more := r.peek(n)
		if more.err != nil || b.Len()+len(more.text) > MaxLineBytes {
			return "", 0
		}
		b.WriteByte('\n')
		b.WriteString(more.text)
		if strings.Count(more.text, `"`)%2 == 1 {
			return b.String(), n + 1
		}
	}
	return "", 0
}

func (r *records) parse(text string) ([]string, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma = rune(r.comma)
	c.FieldsPerRecord = -1
	return c.Read()
}

func (r *records) checked(rec record) (record, error) {
	for i, c := range rec.cells {
		if !utf8.ValidString(c) {
			return rec, RowError{Line: rec.line, Column: i + 1, Reason: fmt.Sprintf("cell %d is not UTF-8; save the file again as \"CSV UTF-8\"", i+1)}
		}
	}
	return rec, nil
}

// splitPlain splits a line without quotes; most lines of a big file are such, and
// encoding/csv is several times slower on them.
func splitPlain(cells []string, text string, comma byte) []string {
	for {
		i := strings.IndexByte(text, comma)
		if i < 0 {
			return append(cells, text)
		}
		cells = append(cells, text[:i])
		text = text[i+1:]
	}
}

// Limit returns a reader that fails with a sentence for people once more than max bytes
// were read from r. name is what the sentence calls it; max 0 means no limit.
func Limit(r io.Reader, name string, max int64) io.Reader {
	if max <= 0 {
		return r
	}
	return &limited{r: r, name: name, left: max, max: max}
}

type limited struct {
	r         io.Reader
	name      string
	left, max int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, expansion.Errorf(expansion.CodeInvalid, "%s is larger than %d bytes; split it into smaller files.", l.name, l.max)
	}
	return n, err
}

// Open opens a file for one of the readers and refuses one that is no regular file or
// larger than max bytes (0 = no limit). The caller closes it.
func Open(path string, max int64) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, &expansion.Error{Code: expansion.CodeNotFound, Text: fmt.Sprintf("There is no file %s; check the path.", path), Err: err}
		}
		return nil, &expansion.Error{Code: expansion.CodeInvalid, Text: fmt.Sprintf("%s cannot be opened; check its permissions.", path), Err: err}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = expansion.Errorf(expansion.CodeInvalid, "%s is no file; name a file.", path)
	}
	if err == nil && max > 0 && info.Size() > max {
		err = expansion.Errorf(expansion.CodeInvalid, "%s is larger than %d bytes; split it into smaller files.", path, max)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
