package world

import (
	"bytes"
	"encoding/json"
	"time"
)

// Batch is usage that reaches the product after the start: NDJSON is POSTed to Path
// below the product's API once After has passed.
type Batch struct {
	After  time.Duration
	Path   string // "/ingest/usage"
	NDJSON []byte // lines of {"account_id","metric","day","value"}
	Title  string // for the log, e.g. "Brightwater Labs: usage of today"
}

// feedDays is how many days after the start's the feed goes on.
const feedDays = 21

// Feed lists what arrives after start, by rising After. Brightwater's day comes
// after 8 seconds, Alder's after an hour, everyone else's after two; from the next
// day on all of them at 08:30 in the office's zone.
func Feed(start time.Time) []Batch {
	day0 := firstDay(start)
	loc, err := time.LoadLocation(Zone)
	if err != nil {
		loc = time.UTC
	}
	var first, second, rest []Account
	for _, a := range accounts {
		switch a.ID {
		case "brightwater":
			first = append(first, a)
		case "alder":
			second = append(second, a)
		default:
			rest = append(rest, a)
		}
	}
	feed := []Batch{
		{8 * time.Second, "/ingest/usage", rows(day0, 0, first), "Brightwater Labs: usage of today"},
		{time.Hour, "/ingest/usage", rows(day0, 0, second), "Alder & Co: usage of today"},
		{2 * time.Hour, "/ingest/usage", rows(day0, 0, rest), "Ten more accounts: usage of today"},
	}
	y, m, d := start.In(loc).Date()
	for n := 1; n <= feedDays; n++ {
		at := time.Date(y, m, d+n, 8, 30, 0, 0, loc)
		if after := at.Sub(start); after > 2*time.Hour {
			feed = append(feed, Batch{after, "/ingest/usage", rows(day0, n, accounts), "All accounts: usage of the day"})
		}
	}
	return feed
}

func rows(day0 time.Time, day int, list []Account) []byte {
	type row struct {
		AccountID string `json:"account_id"`
		Metric    string `json:"metric"`
		Day       string `json:"day"`
		Value     int64  `json:"value"`
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	date := day0.AddDate(0, 0, day)
	for _, a := range list {
		for _, m := range []struct {
			name  string
			value int64
		}{{metricSeats, a.seats(day)}, {metricActive, a.active(day, date)}, {metricStorage, a.storage(day)}} {
			_ = enc.Encode(row{a.ID, m.name, date.Format(dateOnly), m.value})
		}
	}
	return b.Bytes()
}
