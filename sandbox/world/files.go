package world

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const dateOnly = "2006-01-02"

// firstDay is the start's date in the office's zone, as 00:00 UTC of that date.
func firstDay(start time.Time) time.Time {
	loc, err := time.LoadLocation(Zone)
	if err != nil { // no zone data on this machine
		loc = time.UTC
	}
	y, m, d := start.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Files returns the tables `expansionbot import` reads, by file name, with all that
// is known at start: usage and health up to yesterday.
func Files(start time.Time) map[string][]byte {
	day0 := firstDay(start)
	date := func(offset int) string { return day0.AddDate(0, 0, offset).Format(dateOnly) }
	files := map[string][]byte{}

	t := newTable("email", "name", "role", "territory", "manager_email", "max_open", "time_zone", "specialties", "active", "slack_id", "crm_owner_id")
	for _, p := range cast {
		t.row(p.Email, p.Name, p.Role, p.Territory, p.Manager, p.MaxOpen, p.TimeZone, p.Specialties, "true", p.SlackID, p.OwnerID)
	}
	files["people.csv"] = t.bytes()

	t = newTable("account_id", "name", "domain", "segment", "region", "territory", "arr_cents", "currency", "seats_licensed", "plan", "contract_start", "contract_end", "csm_email", "original_ae_email")
	for _, a := range accounts {
		t.row(a.ID, a.Name, a.Domain, a.Segment, a.Region, a.Territory, num(a.ARRCents), "USD", num(a.Seats), a.Plan, date(a.EndsIn-364), date(a.EndsIn), a.csmEmail(), a.aeEmail())
	}
	files["accounts.csv"] = t.bytes()

	t = newTable("account_id", "metric", "limit", "unit", "period", "from", "to")
	for _, a := range accounts {
		t.row(a.ID, metricStorage, num(a.storageLimit()), "GB", "", date(a.EndsIn-364), date(a.EndsIn))
	}
	files["entitlements.csv"] = t.bytes()

	t = newTable("account_id", "metric", "day", "value")
	for _, a := range accounts {
		for d := -history; d < 0; d++ {
			t.row(a.ID, metricSeats, date(d), num(a.seats(d)))
			t.row(a.ID, metricActive, date(d), num(a.active(d, day0.AddDate(0, 0, d))))
			t.row(a.ID, metricStorage, date(d), num(a.storage(d)))
		}
	}
	files["usage.csv"] = t.bytes()

	files["events.csv"] = events(day0)

	t = newTable("account_id", "day", "score")
	for _, a := range accounts {
		for d := -history; d < 0; d++ {
			t.row(a.ID, date(d), strconv.FormatFloat(a.health(d), 'f', 1, 64))
		}
	}
	files["health.csv"] = t.bytes()

	t = newTable("account_id", "name", "email", "title", "role", "stance", "last_contact")
	for _, a := range accounts {
		for _, c := range a.Contacts {
			t.row(a.ID, c.Name, c.email(a), c.Title, c.Role, c.Stance, date(-c.Days))
		}
	}
	files["contacts.csv"] = t.bytes()

	t = newTable("account_id", "email", "from", "to")
	t.row("northlight", "aisha@"+Domain, date(-200), "")
	t.row("harborline", "ben@"+Domain, date(-150), date(150))
	t.row("oakhurst", "dana@"+Domain, date(-400), date(-40)) // ran out
	files["named.csv"] = t.bytes()

	t = newTable("csm_email", "account_id", "email", "from", "to")
	t.row("jonas@"+Domain, "summerset", "tomoko@"+Domain, date(-90), "")
	files["partners.csv"] = t.bytes()
	return files
}

func (c Contact) email(a Account) string {
	f := strings.Fields(strings.ToLower(strings.TrimPrefix(c.Name, "Dr ")))
	return strings.Join(f, ".") + "@" + a.Domain
}

// events are features in use, and a few attempts at one the plan does not hold: two
// people on two days, which is too little to be a signal.
func events(day0 time.Time) []byte {
	t := newTable("account_id", "user_id", "feature", "kind", "at")
	features := []string{"boards", "exports", "approvals"}
	for _, a := range accounts {
		for d := -42; d < 0; d += 3 {
			for i, f := range features {
				at := day0.AddDate(0, 0, d).Add(time.Duration(8*60+int(jitter(a.ID, f, d)*540)) * time.Minute)
				t.row(a.ID, fmt.Sprintf("%s-u%03d", a.ID, 1+(i*7+(d+42)/3)%20), f, "used", at.Format(time.RFC3339))
			}
		}
	}
	for i, d := range []int{-9, -6} {
		at := day0.AddDate(0, 0, d).Add(time.Duration(10*60+17*i) * time.Minute)
		t.row("veldt", fmt.Sprintf("veldt-u%03d", 4+i), "audit_log", "blocked", at.Format(time.RFC3339))
	}
	return t.bytes()
}

type table struct {
	buf bytes.Buffer
	w   *csv.Writer
}

func newTable(columns ...string) *table {
	t := &table{}
	t.w = csv.NewWriter(&t.buf)
	t.row(columns...)
	return t
}

func (t *table) row(cells ...string) { _ = t.w.Write(cells) } // a bytes.Buffer takes all

func (t *table) bytes() []byte {
	t.w.Flush()
	return t.buf.Bytes()
}

func num(n int64) string { return strconv.FormatInt(n, 10) }
