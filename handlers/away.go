package handlers

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
)

// Leave is what "/expansion ooo …" says.
type Leave struct {
	Off   bool      // "off": the leave is over
	From  time.Time // whole days, both included, as 00:00 UTC of the date
	To    time.Time
	Cover string // "U…" from a mention, else a name, handle or e-mail as typed; "" = none
}

// longestLeave is the most days one leave may have; longer is taken for a mistyped year.
const longestLeave = 366

const leaveHelp = `Say it like "22 Mar to 2 Apr cover @dana", or "off".`

// ParseLeave reads the words after "ooo". today is the reader's local date, as 00:00
// UTC: a date without a year is the one now running or the next to come. The error has
// CodeInvalid and names what was not understood.
func ParseLeave(text string, today time.Time) (Leave, error) {
	text = strings.Join(strings.Fields(strings.Map(plainRune, html.UnescapeString(text))), " ")
	rest, cover := cutCover(text)
	rest = strings.ToLower(strings.TrimSpace(rest))
	switch rest {
	case "off", "back", "i'm back", "im back", "clear", "none", "cancel", "stop", "end", "in":
		return Leave{Off: true}, nil
	case "":
		return Leave{}, leaveError("When are you away?")
	}
	s := scanner{rest: rest, today: today}
	if err := s.scan(); err != nil {
		return Leave{}, err
	}
	from, to, err := s.days()
	if err != nil {
		return Leave{}, err
	}
	switch {
	case to.Before(from):
		return Leave{}, leaveError("The last day (%s) is before the first (%s).", sayDay(to), sayDay(from))
	case to.Before(today):
		return Leave{}, leaveError("%s is in the past.", sayDay(to))
	case len(s.found) > 1 && s.found[0].y == 0 && s.found[0].exact.IsZero() && from.Before(today.AddDate(0, -6, 0)):
		// The two days were more likely exchanged than the leave begun last year.
		return Leave{}, leaveError("That would be %s to %s. Give the years if you mean it.", sayDay(from), sayDay(to))
	case to.Sub(from) > longestLeave*24*time.Hour:
		return Leave{}, leaveError("%s to %s is longer than a year.", sayDay(from), sayDay(to))
	}
	return Leave{From: from, To: to, Cover: cover}, nil
}

func leaveError(format string, args ...any) error {
	return expansion.FieldErrorf("ooo", "%s %s", fmt.Sprintf(format, args...), leaveHelp)
}

func sayDay(t time.Time) string { return t.Format("2 Jan 2006") }

// plainRune turns the dashes, quotes and spaces that keyboards make into plain ones.
func plainRune(r rune) rune {
	switch r {
	case '–', '—', '‒', '−':
		return '-'
	case '\u00a0', '\u202f', '\t', '\n', '\r':
		return ' '
	case '’', '‘':
		return '\''
	}
	return r
}

var (
	coverWord = regexp.MustCompile(`(?i)(?:^|[\s,;(])(?:my\s+)?cover(?:ed|ing)?(?:\s+(?:is|by|with|person))?\s*[:=]?\s+`)
	mention   = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(?:\|[^>]*)?>`)
	handle    = regexp.MustCompile(`^(?:[^\s@,;]+@[^\s,;]+|@[^\s,;]+)`)
)

// cutCover takes the cover out of s: a mention, a handle or an address is one word,
// a name is everything up to the end.
func cutCover(s string) (rest, cover string) {
	at := coverWord.FindStringIndex(s)
	if at == nil {
		return s, ""
	}
	before, after := s[:at[0]], s[at[1]:]
	if m := mention.FindStringSubmatchIndex(after); m != nil {
		return before + " " + after[m[1]:], after[m[2]:m[3]]
	}
	if m := handle.FindString(after); m != "" {
		return before + " " + after[len(m):], strings.TrimPrefix(m, "@")
	}
	return before, strings.Trim(after, " .,;)")
}

// A day as it was typed: some of its parts may be missing.
type day struct {
	y, m, d  int // 0 = not said; d is always set unless exact
	exact    time.Time
	weekday  time.Weekday
	byName   bool // weekday is meant
	nextWeek bool
}

// scanner reads days, lengths and the words between them.
type scanner struct {
	rest    string
	today   time.Time
	found   []day
	length  int  // "for 2 weeks": days, 0 = not said
	toFirst bool // "until …" came before any day: from today
	week    time.Time
}

const months = `january|february|march|april|may|june|july|august|september|october|november|december|` +
	`jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec`

const weekdays = `monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues|tue|wed|thurs|thur|thu|fri|sat|sun`

var (
	dateISO     = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b`)
	dateDots    = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.(\d{4})?`)
	dateSlash   = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})(?:/(\d{4}))?\b`)
	dayMonth    = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th)?[\s-]*(?:of )?(` + months + `)\b\.?,?(?:[\s-](\d{4})\b)?`)
	monthDay    = regexp.MustCompile(`^(` + months + `)\.? ?(?:the )?(\d{1,2})(?:st|nd|rd|th)?\b(?:,? (\d{4})\b)?`)
	dayOnly     = regexp.MustCompile(`^(?:the )?(\d{1,2})(?:st|nd|rd|th)?\b`)
	dayName     = regexp.MustCompile(`^(next |this |coming )?(` + weekdays + `)\b`)
	wholeWeek   = regexp.MustCompile(`^(?:all )?(this|next|all)(?: of)? week\b`)
	forLength   = regexp.MustCompile(`^for (?:the )?(?:next )?(\d{1,3}|a|an|one|two|three|four) (day|week|month)s?\b`)
	untilWords  = regexp.MustCompile(`^(?:up to and including|up to|to|until|till|til|through|thru|and back on|-+>?|\.\.+)(?:\s|\b|$)`)
	fillerWords = regexp.MustCompile(`^(?:i'?m|i am|i'll be|be|am|from|out of office|out|ooo|away|off|on|starting|start|between|and|the|holidays?|vacation|leave|pto|sick|inclusive|incl\.?|with|no|please|,|;|\.|\(|\))(?:\s|$|\b)`)
)

var numbers = map[string]int{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}

func (s *scanner) scan() error {
	for {
		s.rest = strings.TrimLeft(s.rest, " ")
		if s.rest == "" {
			return nil
		}
		done, err := s.one()
		if err != nil {
			return err
		}
		if !done {
			w, _ := firstWord(s.rest)
			return leaveError("I don't understand %q.", cutRunes(w, 30))
		}
		if len(s.found) > 2 {
			return leaveError("I see more than two dates.")
		}
	}
}

// one reads one thing off the front; false = nothing fits.
func (s *scanner) one() (bool, error) {
	if m := s.match(wholeWeek); m != nil {
		s.week = monday(s.today)
		if m[1] == "next" {
			s.week = s.week.AddDate(0, 0, 7)
		}
		return true, nil
	}
	if m := s.match(forLength); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = numbers[m[1]]
		}
		s.length = n * map[string]int{"day": 1, "week": 7, "month": 30}[m[2]]
		if s.length == 0 {
			return false, leaveError("%q is no time at all.", m[0])
		}
		return true, nil
	}
	if s.match(untilWords) != nil {
		if len(s.found) == 0 {
			s.toFirst = true
		}
		return true, nil
	}
	if ok, err := s.date(); ok || err != nil {
		return ok, err
	}
	return s.match(fillerWords) != nil, nil
}

func (s *scanner) date() (bool, error) {
	if m := s.match(dateISO); m != nil {
		return true, s.add(m[1], num(m[2]), m[3])
	}
	if m := s.match(dateDots); m != nil {
		return true, s.add(m[3], num(m[2]), m[1])
	}
	if m := s.match(dateSlash); m != nil {
		a, b := num(m[1]), num(m[2])
		switch {
		case a > 12 && b <= 12:
			return true, s.add(m[3], b, m[1])
		case b > 12 && a <= 12, a == b:
			return true, s.add(m[3], a, m[2])
		}
		return false, leaveError("%s can be two different days: write the month as a word.", m[0])
	}
	if m := s.match(dayMonth); m != nil {
		return true, s.add(m[3], monthOf(m[2]), m[1])
	}
	if m := s.match(monthDay); m != nil {
		return true, s.add(m[3], monthOf(m[1]), m[2])
	}
	for word, plus := range map[string]int{"today": 0, "tonight": 0, "tomorrow": 1} {
		if rest, ok := strings.CutPrefix(s.rest, word); ok {
			s.rest = rest
			s.found = append(s.found, day{exact: s.today.AddDate(0, 0, plus)})
			return true, nil
		}
	}
	if m := s.match(dayName); m != nil {
		s.found = append(s.found, day{byName: true, weekday: weekdayOf(m[2]), nextWeek: m[1] == "next "})
		return true, nil
	}
	if m := s.match(dayOnly); m != nil {
		return true, s.add("", 0, m[1])
	}
	return false, nil
}

// match takes what re finds off the front.
func (s *scanner) match(re *regexp.Regexp) []string {
	m := re.FindStringSubmatch(s.rest)
	if m != nil {
		s.rest = s.rest[len(m[0]):]
	}
	return m
}

func (s *scanner) add(year string, month int, dom string) error {
	d := day{y: num(year), m: month, d: num(dom)}
	if d.m > 12 || (month == 0 && d.d == 0) {
		return leaveError("There is no month %d.", d.m)
	}
	if d.d < 1 || d.d > 31 || (d.m > 0 && d.d > daysIn(d.y, d.m)) {
		return leaveError("There is no %d %s.", d.d, time.Month(max(d.m, 1)).String()[:3])
	}
	s.found = append(s.found, d)
	return nil
}

// daysIn is the length of a month; February of an unsaid year may have 29.
func daysIn(year, month int) int {
	if year == 0 {
		year = 2024
	}
	return date(year, month+1, 0).Day()
}

// days turns what was read into the first and the last day.
func (s *scanner) days() (from, to time.Time, err error) {
	if !s.week.IsZero() && len(s.found) == 0 {
		from, to = s.week, s.week.AddDate(0, 0, 6)
		if from.Before(s.today) {
			from = s.today
		}
		return from, to, nil
	}
	var first, last day
	switch {
	case len(s.found) == 2:
		first, last = s.found[0], s.found[1]
	case len(s.found) == 1 && s.toFirst:
		first, last = day{exact: s.today}, s.found[0]
	case len(s.found) == 1:
		first, last = s.found[0], s.found[0]
	case s.length > 0:
		return s.today, s.today.AddDate(0, 0, s.length-1), nil
	default:
		return from, to, leaveError("I see no date.")
	}
	if first.m == 0 && first.d > 0 { // "22-26 Mar": the month stands once
		first.m, first.y = last.m, last.y
	}
	if last.m == 0 && last.d > 0 {
		last.m, last.y = first.m, first.y
		if last.d < first.d && last.m > 0 { // "28 Mar to 2"
			last.m++
			if last.m > 12 {
				last.m = 1
				if last.y > 0 {
					last.y++
				}
			}
		}
	}
	if (first.d > 0 && first.m == 0) || (last.d > 0 && last.m == 0) {
		return from, to, leaveError("Which month is that?")
	}
	if first.y == 0 && first.m > 0 && last.y > 0 { // "28 Dec to 4 Jan 2027"
		first.y = last.y
		if date(first.y, first.m, first.d).After(date(last.y, last.m, last.d)) {
			first.y--
		}
	}
	from, to, err = s.years(first, last)
	if err == nil && s.length > 0 {
		if len(s.found) == 2 || s.toFirst {
			return from, to, leaveError("Say either a last day or how long, not both.")
		}
		to = from.AddDate(0, 0, s.length-1)
	}
	return from, to, err
}

// years fills in the years that were not said: the leave that is running now, else the
// next to come.
func (s *scanner) years(first, last day) (from, to time.Time, err error) {
	for year := s.today.Year() - 1; ; year++ {
		from = s.on(first, year, s.today)
		to = s.on(last, from.Year(), from)
		if to.Before(from) && last.y == 0 && last.m > 0 {
			to = s.on(last, from.Year()+1, from)
		}
		said := first.y > 0 || first.m == 0
		running := !from.After(s.today) && !to.Before(s.today)
		coming := year == s.today.Year() && !to.Before(s.today)
		if !said && !running && !coming && year <= s.today.Year() {
			continue
		}
		if err = exists(first, from); err == nil {
			err = exists(last, to)
		}
		return from, to, err
	}
}

// exists refuses 29 Feb of a year without one.
func exists(d day, t time.Time) error {
	if d.d == 0 || t.Day() == d.d {
		return nil
	}
	return leaveError("There is no %d %s in %d.", d.d, time.Month(d.m).String()[:3], t.Year())
}

// on is the date of d in year; weekdays are counted from after.
func (s *scanner) on(d day, year int, after time.Time) time.Time {
	switch {
	case !d.exact.IsZero():
		return d.exact
	case d.byName && d.nextWeek:
		return monday(s.today).AddDate(0, 0, 7+(int(d.weekday)+6)%7)
	case d.byName:
		return after.AddDate(0, 0, (int(d.weekday)-int(after.Weekday())+7)%7)
	case d.y > 0:
		year = d.y
	}
	return date(year, d.m, d.d)
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// monday is the Monday of t's week.
func monday(t time.Time) time.Time { return t.AddDate(0, 0, -((int(t.Weekday()) + 6) % 7)) }

func monthOf(s string) int {
	for m := time.January; m <= time.December; m++ {
		if strings.HasPrefix(strings.ToLower(m.String()), s[:3]) {
			return int(m)
		}
	}
	return 0
}

func weekdayOf(s string) time.Weekday {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.HasPrefix(strings.ToLower(d.String()), s[:3]) {
			return d
		}
	}
	return time.Sunday
}

func num(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil { // an empty group
		return 0
	}
	return n
}

func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// localDate is the date at t in loc, as 00:00 UTC.
func localDate(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return date(y, int(m), d)
}
