package handlers

import (
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
)

func TestParseLeave(t *testing.T) {
	t.Parallel()
	monday := date(2026, 3, 16) // a Monday
	for _, c := range []struct {
		name, text string
		today      time.Time
		from, to   time.Time
		cover      string
	}{
		{"reads the storyboard's words", "22 Mar to 2 Apr cover <@U0DANA|dana>", monday, date(2026, 3, 22), date(2026, 4, 2), "U0DANA"},
		{"takes a handle that Slack did not resolve", "22 Mar to 2 Apr cover @dana", monday, date(2026, 3, 22), date(2026, 4, 2), "dana"},
		{"takes a name", "22 mar - 2 apr, covered by Dana Ortiz", monday, date(2026, 3, 22), date(2026, 4, 2), "Dana Ortiz"},
		{"takes an address", "22 mar - 2 apr cover dana@example.com", monday, date(2026, 3, 22), date(2026, 4, 2), "dana@example.com"},
		{"takes the cover first", "cover <@U0DANA> 22 Mar until 2 Apr", monday, date(2026, 3, 22), date(2026, 4, 2), "U0DANA"},
		{"reads months first", "March 22nd through April 2nd", monday, date(2026, 3, 22), date(2026, 4, 2), ""},
		{"reads a month said once", "22-26 Mar", monday, date(2026, 3, 22), date(2026, 3, 26), ""},
		{"reads a month said once in front", "Mar 22–26", monday, date(2026, 3, 22), date(2026, 3, 26), ""},
		{"rolls a day alone into the next month", "28 mar to 2", monday, date(2026, 3, 28), date(2026, 4, 2), ""},
		{"reads ISO dates", "2026-03-22 - 2026-04-02", monday, date(2026, 3, 22), date(2026, 4, 2), ""},
		{"reads dates with dots", "22.3. to 2.4.2026", monday, date(2026, 3, 22), date(2026, 4, 2), ""},
		{"reads slashes that can be one day only", "22/3 to 25/3", monday, date(2026, 3, 22), date(2026, 3, 25), ""},
		{"reads one day", "22 Mar", monday, date(2026, 3, 22), date(2026, 3, 22), ""},
		{"reads today and tomorrow", "today and tomorrow", monday, date(2026, 3, 16), date(2026, 3, 17), ""},
		{"starts today when only an end is said", "until friday", monday, date(2026, 3, 16), date(2026, 3, 20), ""},
		{"reads weekdays", "wed to fri", monday, date(2026, 3, 18), date(2026, 3, 20), ""},
		{"reads next monday as next week's", "next monday", monday, date(2026, 3, 23), date(2026, 3, 23), ""},
		{"reads next week", "next week cover @dana", monday, date(2026, 3, 23), date(2026, 3, 29), "dana"},
		{"reads this week from today", "this week", date(2026, 3, 18), date(2026, 3, 18), date(2026, 3, 22), ""},
		{"reads a length", "for 3 days", monday, date(2026, 3, 16), date(2026, 3, 18), ""},
		{"reads a start and a length", "from 22 Mar for 2 weeks", monday, date(2026, 3, 22), date(2026, 4, 4), ""},
		{"skips the words people put around", "I'm out from 22 Mar to 2 Apr please", monday, date(2026, 3, 22), date(2026, 4, 2), ""},
		{"takes the next year when the day has passed", "10 Jan to 12 Jan", monday, date(2027, 1, 10), date(2027, 1, 12), ""},
		{"takes the leave that runs now", "10 Mar to 20 Mar", monday, date(2026, 3, 10), date(2026, 3, 20), ""},
		{"goes over the new year", "28 Dec to 4 Jan", monday, date(2026, 12, 28), date(2027, 1, 4), ""},
		{"knows a leave that began last year", "28 Dec to 4 Jan", date(2027, 1, 2), date(2026, 12, 28), date(2027, 1, 4), ""},
		{"keeps a year that was said", "22 Mar 2027 to 2 Apr 2027", monday, date(2027, 3, 22), date(2027, 4, 2), ""},
		{"reads what Slack escaped", "22 Mar &amp; 23 Mar", monday, time.Time{}, time.Time{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseLeave(c.text, c.today)
			if c.from.IsZero() {
				if expansion.CodeOf(err) != expansion.CodeInvalid {
					t.Fatalf("ParseLeave(%q) = %+v, %v; want a refusal", c.text, got, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("ParseLeave(%q): %v", c.text, err)
			}
			if !got.From.Equal(c.from) || !got.To.Equal(c.to) || got.Cover != c.cover || got.Off {
				t.Errorf("ParseLeave(%q) = %s to %s cover %q, want %s to %s cover %q", c.text,
					sayDay(got.From), sayDay(got.To), got.Cover, sayDay(c.from), sayDay(c.to), c.cover)
			}
		})
	}
}

func TestParseLeaveRefuses(t *testing.T) {
	t.Parallel()
	today := date(2026, 3, 16)
	for text, want := range map[string]string{
		"":                           "When are you away?",
		"5 apr to 3 apr":             "That would be 5 Apr 2025 to 3 Apr 2026. Give the years",
		"soonish":                    `I don't understand "soonish".`,
		"3/4 to 5/4":                 "3/4 can be two different days",
		"31 Feb":                     "There is no 31 Feb.",
		"29 Feb":                     "There is no 29 Feb in 2027.",
		"22 Mar 2026 to 2 Mar 2026":  "is before the first",
		"1 Mar 2026 to 2 Mar 2026":   "2 Mar 2026 is in the past.",
		"1 Apr 2026 to 1 Jul 2027":   "longer than a year",
		"22 to 25":                   "Which month is that?",
		"1 Apr, 2 Apr, 3 Apr":        "more than two dates",
		"1 Apr to 3 Apr for 2 weeks": "not both",
		"cover @dana":                "When are you away?",
	} {
		_, err := ParseLeave(text, today)
		if expansion.CodeOf(err) != expansion.CodeInvalid || !strings.Contains(expansion.TextOf(err), want) {
			t.Errorf("ParseLeave(%q): %v, want %q", text, err, want)
		} else if !strings.Contains(expansion.TextOf(err), "22 Mar to 2 Apr cover @dana") {
			t.Errorf("ParseLeave(%q): %v gives no example", text, err)
		}
	}
}

func TestParseLeaveOff(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"off", "OFF", " back ", "I’m back"} {
		if l, err := ParseLeave(text, date(2026, 3, 16)); err != nil || !l.Off {
			t.Errorf("ParseLeave(%q) = %+v, %v, want off", text, l, err)
		}
	}
}

// Any text is read or refused with a sentence; a leave that is read is never past,
// backwards or longer than a year.
func FuzzParseLeave(f *testing.F) {
	for _, s := range []string{"22 Mar to 2 Apr cover @dana", "next week", "for 3 days", "29 feb 2028", "28 mar to 2", "2026-03-22..24", "until fri", "off", "\xff cover"} {
		f.Add(s, 20528)
	}
	f.Fuzz(func(t *testing.T, text string, days int) {
		today := date(1970, 1, 1).AddDate(0, 0, ((days%60000)+60000)%60000)
		l, err := ParseLeave(text, today)
		if err != nil {
			if expansion.CodeOf(err) != expansion.CodeInvalid || expansion.TextOf(err) == "" {
				t.Fatalf("ParseLeave(%q): %v has no sentence", text, err)
			}
			return
		}
		if !l.Off && (l.To.Before(l.From) || l.To.Before(today) || l.To.Sub(l.From) > longestLeave*24*time.Hour) {
			t.Fatalf("ParseLeave(%q, %s) = %+v", text, sayDay(today), l)
		}
	})
}
