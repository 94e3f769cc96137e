package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"expansionbot/expansion"
)

// People are ours by id, for names.
type People map[expansion.PersonID]expansion.Person

// name returns the person's name, or "someone" when the person was erased. Control
// characters become spaces, so a name cannot break a line or a column.
func (p People) name(id expansion.PersonID) string {
	if who, ok := p[id]; ok && who.Name != "" {
		return plain(who.Name)
	}
	return "someone"
}

func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// Text renders p as plain text with aligned columns and no markup: the period, the
// four targets as now, target, enough data, then a table by type and one by rep.
// Lines end in "\n" and have no trailing blanks. Dates are UTC.
func Text(p expansion.Performance, people People) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Signal performance, %s\n", period(p))
	fmt.Fprintf(&b, "%s\n", counted(p.Routed, "routing"))
	if len(p.Targets) > 0 {
		b.WriteString("\n")
		rows := [][]string{{"", "now", "target", "enough data?"}}
		for _, t := range p.Targets {
			rows = append(rows, []string{t.Name, t.Now, cmp.Or(t.Target, "none, tracked"), enough(t)})
		}
		table(&b, rows)
	}
	if len(p.ByType) > 0 {
		b.WriteString("\nBy signal type\n")
		table(&b, cells("type", p.ByType, func(r expansion.PerformanceRow) string { return cmp.Or(r.Type.Label(), plain(string(r.Type))) }))
	}
	if len(p.ByRep) > 0 {
		b.WriteString("\nBy rep\n")
		table(&b, cells("rep", p.ByRep, func(r expansion.PerformanceRow) string { return people.name(r.Rep) }))
	}
	b.WriteString("\n\"Win rate\" above is won of all routed; \"won of closed\" leaves out open ones and gives the 95% range.\n" +
		"A percentage needs " + fmt.Sprint(expansion.EnoughOutcomes) + " outcomes. Times are elapsed medians in which open ones count.\n")
	return b.String()
}

func period(p expansion.Performance) string {
	const day = "2 Jan 2006"
	if p.Since.IsZero() {
		return "until " + p.Until.UTC().Format(day)
	}
	return p.Since.UTC().Format(day) + " to " + p.Until.UTC().Format(day)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// enough answers "enough data?" for a target: "yes, met", "yes, not met", "no, 7 of
// 20", and "-" for one that is only tracked.
func enough(t expansion.Target) string {
	switch {
	case !t.Enough:
		return fmt.Sprintf("no, %d of %d", t.N, expansion.EnoughOutcomes)
	case t.Met:
		return "yes, met"
	case t.Value == nil:
		return "-"
	}
	return "yes, not met"
}

func cells(first string, rows []expansion.PerformanceRow, name func(expansion.PerformanceRow) string) [][]string {
	out := [][]string{{first, "routed", "ack", "opportunities", "won", "lost", "open", "won of closed", "to acknowledge", "to close", "ARR won"}}
	for _, r := range rows {
		out = append(out, []string{
			name(r), fmt.Sprint(r.Routed), fmt.Sprint(r.Acknowledged), fmt.Sprint(r.Opportunities), fmt.Sprint(r.Won), fmt.Sprint(r.Lost),
			fmt.Sprint(r.Open()), rate(r.WinRate), took(r.ToAcknowledge), took(r.ToClose), money(r.ARR),
		})
	}
	return out
}

func rate(r expansion.Rate) string {
	if !r.Known {
		return r.String()
	}
	return fmt.Sprintf("%s (%.0f to %.0f)", r, 100*r.Low, 100*r.High)
}

func took(d *time.Duration) string {
	if d == nil {
		return "-"
	}
	return expansion.Span(*d)
}

func money(ms []expansion.Money) string {
	words := make([]string, len(ms))
	for i, m := range ms {
		words[i] = m.Signed()
	}
	return cmp.Or(strings.Join(words, ", "), "-")
}

// table writes rows in columns two blanks apart. Columns that hold only whole numbers
// below their heading are set to the right.
func table(b *strings.Builder, rows [][]string) {
	width, number := make([]int, len(rows[0])), make([]bool, len(rows[0]))
	for c := range width {
		number[c] = len(rows) > 1
		for i, r := range rows {
			width[c] = max(width[c], utf8.RuneCountInString(r[c]))
			number[c] = number[c] && (i == 0 || strings.Trim(r[c], "0123456789") == "")
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for c, s := range r {
			pad := strings.Repeat(" ", width[c]-utf8.RuneCountInString(s))
			if number[c] {
				line.WriteString(pad + s)
			} else {
				line.WriteString(s + pad)
			}
			line.WriteString("  ")
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
