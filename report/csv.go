package report

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
)

// CSV writes p as one RFC 4180 table with a header line: section (target, type, rep),
// name, counts, rates 0..1 with four decimals, hours with two, and won ARR as one
// "USD 21600.00" per currency, joined by "; ". What is not known is an empty cell.
// Rep rows also carry the id. Text that a spreadsheet would run as a formula gets an
// apostrophe in front. Errors are the writer's.
func CSV(w io.Writer, p expansion.Performance, people People) error {
	c := csv.NewWriter(w)
	rows := [][]string{{
		"section", "name", "id", "now", "target", "enough", "met", "routed", "acknowledged", "opportunities", "won", "lost", "open",
		"won_of_closed", "won_of_closed_low", "won_of_closed_high", "hours_to_acknowledge", "hours_to_close", "arr_won",
	}}
	for _, t := range p.Targets {
		r := make([]string, len(rows[0]))
		copy(r, []string{"target", t.Name, "", t.Now, t.Target, strconv.FormatBool(t.Enough), ""})
		if t.Value != nil {
			r[6] = strconv.FormatBool(t.Met)
		}
		rows = append(rows, r)
	}
	for _, r := range p.ByType {
		rows = append(rows, csvRow("type", cmp.Or(r.Type.Label(), string(r.Type)), string(r.Type), r))
	}
	for _, r := range p.ByRep {
		rows = append(rows, csvRow("rep", people.name(r.Rep), string(r.Rep), r))
	}
	for _, r := range rows {
		for i := range r {
			r[i] = Cell(r[i])
		}
		if err := c.Write(r); err != nil {
			return fmt.Errorf("write performance as CSV: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write performance as CSV: %w", err)
	}
	return nil
}

func csvRow(section, name, id string, r expansion.PerformanceRow) []string {
	low, high, value := "", "", ""
	if r.WinRate.Known {
		value, low, high = share(r.WinRate.Value), share(r.WinRate.Low), share(r.WinRate.High)
	}
	arr := make([]string, len(r.ARR))
	for i, m := range r.ARR {
		arr[i] = strings.TrimSpace(fmt.Sprintf("%s %.2f", m.Currency, m.Major()))
	}
	return []string{
		section, name, id, "", "", "", "",
		strconv.Itoa(r.Routed), strconv.Itoa(r.Acknowledged), strconv.Itoa(r.Opportunities), strconv.Itoa(r.Won), strconv.Itoa(r.Lost), strconv.Itoa(r.Open()),
		value, low, high, hours(r.ToAcknowledge), hours(r.ToClose), strings.Join(arr, "; "),
	}
}

func share(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }

func hours(d *time.Duration) string {
	if d == nil {
		return ""
	}
	return strconv.FormatFloat(d.Hours(), 'f', 2, 64)
}

// Cell makes a value safe as a CSV cell: when it starts with =, +, -, @ or one of their
// full-width forms, a tab or a line break, also behind blanks or quotes, an apostrophe
// goes in front, which spreadsheets show as text (OWASP, "CSV Injection"). NUL bytes
// are dropped.
func Cell(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	bare := strings.TrimLeft(s, " '\"\u00a0\ufeff")
	if bare != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(bare)[0]) {
		return "'" + s
	}
	return s
}
