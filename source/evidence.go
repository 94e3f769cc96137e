package source

import (
	"io"
	"strings"

	"expansionbot/expansion"
)

var usage = table[expansion.UsagePoint]{
	columns: []column{must("account_id", "customerId"), must("metric"), must("day"), must("value"), may("received_on", "receivedOn")},
	parse: func(r *row) expansion.UsagePoint {
		p := expansion.UsagePoint{
			AccountID: expansion.AccountID(r.id("account_id")),
			Metric:    r.id("metric"),
			Day:       r.mustDay("day"),
			Value:     r.mustNumber("value"),
		}
		if t := r.day("received_on"); t != nil {
			p.ReceivedAt = *t
		}
		return p
	},
}

var events = table[expansion.FeatureEvent]{
	columns: []column{must("account_id", "customerId"), must("user_id", "userId"), must("feature"), must("kind"), must("at")},
	parse: func(r *row) expansion.FeatureEvent {
		return expansion.FeatureEvent{
			AccountID: expansion.AccountID(r.id("account_id")),
			UserID:    r.id("user_id"),
			Feature:   r.id("feature"),
			Kind:      r.mustWord("kind", "used", "blocked"),
			At:        r.instant("at"),
		}
	},
}

var health = table[expansion.HealthPoint]{
	columns: []column{must("account_id", "customerId"), must("day"), must("score")},
	parse: func(r *row) expansion.HealthPoint {
		h := expansion.HealthPoint{AccountID: expansion.AccountID(r.id("account_id")), Day: r.mustDay("day")}
		s, _ := r.cell("score")
		switch strings.ToLower(s) {
		case "", "nan", "n/a", "null":
			return h
		}
		v, ok := r.number("score")
		if ok && (v < 0 || v > 100) {
			r.failf("score", "%s is outside 0 to 100", quote(s))
		}
		h.Score = &v
		return h
	},
}

// ReadUsage reads usage.csv. ReceivedAt is 00:00 UTC of received_on and zero when the
// file does not say: the same day in an evaluation, now in an import.
func ReadUsage(r io.Reader, file string, yield func(expansion.UsagePoint) error) (Stats, []RowError, error) {
	return readCSV(r, file, usage, yield)
}

// ReadEvents reads events.csv.
func ReadEvents(r io.Reader, file string, yield func(expansion.FeatureEvent) error) (Stats, []RowError, error) {
	return readCSV(r, file, events, yield)
}

// ReadHealth reads health.csv. Blank, NaN, n/a and null in any case are a nil Score; a
// score outside 0 to 100 is a bad row.
func ReadHealth(r io.Reader, file string, yield func(expansion.HealthPoint) error) (Stats, []RowError, error) {
	return readCSV(r, file, health, yield)
}

// ReadUsageJSON reads usage as one JSON object a line, keys as the columns of usage.csv
// (customerId is account_id too). Numbers may stand in quotes; null is an empty cell.
func ReadUsageJSON(r io.Reader, name string, yield func(expansion.UsagePoint) error) (Stats, []RowError, error) {
	return readJSON(r, name, usage, yield)
}

// ReadEventsJSON reads feature events as one JSON object a line.
func ReadEventsJSON(r io.Reader, name string, yield func(expansion.FeatureEvent) error) (Stats, []RowError, error) {
	return readJSON(r, name, events, yield)
}

// ReadHealthJSON reads health scores as one JSON object a line.
func ReadHealthJSON(r io.Reader, name string, yield func(expansion.HealthPoint) error) (Stats, []RowError, error) {
	return readJSON(r, name, health, yield)
}
