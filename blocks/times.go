package blocks

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"expansionbot/expansion"
)

// lens is a reader's view of time: when it is now and in which zone they live.
type lens struct {
	now time.Time
	loc *time.Location
}

func (l lens) sameDay(t time.Time) bool {
	y, m, d := t.In(l.loc).Date()
	ny, nm, nd := l.now.In(l.loc).Date()
	return y == ny && m == nm && d == nd
}

// words is a moment in the reader's own zone, for plain text: "09:06" today, else
// "14 Mar 09:06", with the year when it is another one.
func (l lens) words(t time.Time) string {
	t = t.In(l.loc)
	switch {
	case l.sameDay(t):
		return t.Format("15:04")
	case t.Year() == l.now.In(l.loc).Year():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}

// at is a moment as a Slack date token, for mrkdwn only; its fallback is words.
func (l lens) at(t time.Time) string {
	format := "{date_short} {time}"
	if l.sameDay(t) {
		format = "{time}"
	}
	return fmt.Sprintf("<!date^%d^%s|%s>", t.Unix(), format, l.words(t))
}

// dated is at with the day always there, for moments that stand beside one of another day;
// Slack writes it as it is when it is read: "yesterday", "Mar 14, 2026".
func (l lens) dated(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), l.datedWords(t))
}

func (l lens) datedWords(t time.Time) string {
	if t.In(l.loc).Year() == l.now.In(l.loc).Year() {
		return t.In(l.loc).Format("2 Jan 15:04")
	}
	return t.In(l.loc).Format("2 Jan 2006 15:04")
}

// oneDay reports whether all moments, nil ones left out, are on one day of the reader's.
func (l lens) oneDay(first time.Time, others ...*time.Time) bool {
	for _, t := range others {
		if t != nil && t.In(l.loc).Format(time.DateOnly) != first.In(l.loc).Format(time.DateOnly) {
			return false
		}
	}
	return true
}

// after is at, with the day when it is not the day of start, as whose story it is told.
func (l lens) after(start, t time.Time) string {
	if l.oneDay(start, &t) {
		return l.at(t)
	}
	return l.dated(t)
}

// on is the reader's day of a moment: "today", "Monday" within the last week, else "14 Mar".
func (l lens) on(t time.Time) string {
	local, now := t.In(l.loc), l.now.In(l.loc)
	switch age := l.now.Sub(t); {
	case l.sameDay(t):
		return "today"
	case age > 0 && age < 6*24*time.Hour:
		return local.Format("Monday")
	case local.Year() == now.Year():
		return local.Format("2 Jan")
	}
	return local.Format("2 Jan 2006")
}

// day is a calendar day kept as 00:00 UTC. It has no zone, so it gets no date token.
func (l lens) day(t time.Time) string {
	t = t.UTC()
	if t.Year() == l.now.In(l.loc).Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// until is how many days of the reader's calendar lie before day, negative when past.
func (l lens) until(day time.Time) int {
	y, m, d := l.now.In(l.loc).Date()
	return int(day.UTC().Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)).Hours() / 24)
}

// renewal is "31 May, 82 days", "Not known" for nil.
func (l lens) renewal(end *time.Time) string {
	if end == nil {
		return "Not known"
	}
	n := l.until(*end)
	switch {
	case n == 0:
		return l.day(*end) + ", today"
	case n < 0:
		return fmt.Sprintf("%s, %s ago", l.day(*end), expansion.Count(-n, "day"))
	}
	return fmt.Sprintf("%s, %s", l.day(*end), expansion.Count(n, "day"))
}

var isoDay = regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}\b`)

// isoDays is s with days like 2026-04-02 as people write them.
func (l lens) isoDays(s string) string {
	return isoDay.ReplaceAllStringFunc(s, func(day string) string {
		if t, err := time.Parse(time.DateOnly, day); err == nil {
			return l.day(t)
		}
		return day
	})
}

// ordinal is "1st", "9th", "22nd".
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}

var numberWords = strings.Fields("No One Two Three Four Five Six Seven")

func numberWord(n int) string {
	if n >= 0 && n < len(numberWords) {
		return numberWords[n]
	}
	return fmt.Sprint(n)
}
