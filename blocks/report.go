package blocks

import (
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// ReportView is /expansion report as words (storyboard 5.4). Cells come ready: "34%",
// or "too few (7)" below 20 outcomes.
type ReportView struct {
	Title  string       // "Signals, last 30 days, my team"
	Lines  []ReportLine // the four targets
	Tables []ReportTable
	Note   string // how to read it, where the chart is
}

// ReportLine is one target: now, target, and whether there is enough data.
type ReportLine struct {
	Name, Now, Target string
	Enough            bool
}

// ReportTable is a table; rows shorter than Columns are filled with blanks.
type ReportTable struct {
	Title   string
	Columns []string
	Rows    [][]string
}

// Performance is p as a ReportView: the four targets, then by type and by rep. Scope
// is whose signals they are ("my team"), people name the reps.
func Performance(p expansion.Performance, scope string, people map[expansion.PersonID]expansion.Person) ReportView {
	days := int(p.Until.Sub(p.Since).Hours()/24 + 0.5)
	v := ReportView{Title: "Signals, last " + expansion.Count(max(days, 1), "day") + prefixed(", ", scope)}
	for _, t := range p.Targets {
		v.Lines = append(v.Lines, ReportLine{Name: t.Name, Now: t.Now, Target: t.Target, Enough: t.Enough})
	}
	columns := []string{"", "Routed", "Acked", "Won", "Lost", "Win rate", "ARR won"}
	table := func(title, first string, rows []expansion.PerformanceRow, name func(expansion.PerformanceRow) string) {
		if len(rows) == 0 {
			return
		}
		t := ReportTable{Title: title, Columns: append([]string{first}, columns[1:]...)}
		for _, r := range rows {
			var arr []string
			for _, m := range r.ARR {
				arr = append(arr, m.String())
			}
			t.Rows = append(t.Rows, []string{
				name(r), strconv.Itoa(r.Routed), strconv.Itoa(r.Acknowledged), strconv.Itoa(r.Won),
				strconv.Itoa(r.Lost), r.WinRate.String(), strings.Join(arr, " "),
			})
		}
		v.Tables = append(v.Tables, t)
	}
	table("By type", "Type", p.ByType, func(r expansion.PerformanceRow) string { return r.Type.Label() })
	table("By rep", "Rep", p.ByRep, func(r expansion.PerformanceRow) string { return expansion.Case{People: people}.Name(r.Rep) })
	return v
}

// Report answers /expansion report. Tables are plain text in a fixed width, so that they
// read the same on every client; a table that outgrows a block is cut and says so.
func Report(v ReportView) Message {
	title := orElse(cut(v.Title, 120), "Signal performance")
	text := esc(title, maxHeader) + "."
	bs := []slack.Block{header(title)}
	var fs []*slack.TextBlockObject
	for i, l := range v.Lines {
		value := orElse(esc(l.Now, nameLen), "Not known")
		against := prefixed("target ", esc(l.Target, nameLen))
		if !l.Enough {
			against = joined(", ", against, "not enough data yet")
		}
		if i < 10 { // a line of its own: a column is too narrow for both
			fs = append(fs, field(orElse(esc(l.Name, nameLen), "Value"), joined("\n", value, upper(against))))
			text += " " + esc(l.Name, nameLen) + ": " + joined(", ", value, against) + "."
		}
	}
	if len(fs) > 0 {
		bs = append(bs, fields(fs...))
	}
	for i, t := range v.Tables {
		if i == 10 {
			break
		}
		bs = append(bs, section("*"+orElse(esc(t.Title, nameLen), "Table")+"*\n"+table(t)))
	}
	if len(v.Lines) == 0 && len(v.Tables) == 0 {
		bs = append(bs, section("Nothing to report yet."))
		text += " Nothing to report yet."
	}
	return Message{Text: text, Blocks: list(append(bs, smallPrint(esc(v.Note, 500)))...)}
}

const maxCell = 24

// table draws t in a fixed width. Columns after the eighth are left out.
func table(t ReportTable) string {
	cols := min(len(t.Columns), 8)
	if cols == 0 || len(t.Rows) == 0 {
		return "Nothing yet."
	}
	rows := append([][]string{t.Columns}, t.Rows...)
	cells := make([][]string, len(rows))
	width := make([]int, cols)
	for i, row := range rows {
		cells[i] = make([]string, cols)
		for j := range cols {
			if j < len(row) {
				cells[i][j] = cut(row[j], maxCell)
			}
			width[j] = max(width[j], uniseg.StringWidth(cells[i][j]))
		}
	}
	lines := make([]string, 0, len(rows))
	for _, row := range cells {
		var b strings.Builder
		for j, c := range row {
			if j > 0 {
				b.WriteString("  ")
			}
			b.WriteString(marks.Replace(c))
			if j < cols-1 {
				b.WriteString(strings.Repeat(" ", max(0, width[j]-uniseg.StringWidth(c))))
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return "```\n" + fit(lines, 2000) + "\n```"
}
