package world

import (
	"hash/fnv"
	"math"
	"time"
)

// history is how many days of usage are known at the start; the last is yesterday.
const history = 120

// The metrics of usage.csv. Seats are assigned licences and don't dip on weekends.
const (
	metricSeats   = "seats_used"
	metricActive  = "active_users"
	metricStorage = "storage_gb"
)

// crossing says when an account goes over its licence: offsets are days from the
// start's day, -1 is yesterday. On these days it uses the values given, on all
// later ones the last.
type crossing struct {
	from int
	seat []int64
}

// Over on four of the last seven days, so that one more day is the fifth (Kestrel:
// three and two, so that it takes until tomorrow).
var crossings = map[string]crossing{
	"brightwater": {from: -4, seat: []int64{126, 129, 131, 132, 132}},
	"alder":       {from: -4, seat: []int64{63, 64, 66, 66, 67}},
	"kestrel":     {from: -3, seat: []int64{206, 209, 211, 214, 215}},
}

// seats is the account's assigned seats on a day, counted from the start's day.
func (a Account) seats(day int) int64 {
	if c, ok := crossings[a.ID]; ok && day >= c.from {
		return c.seat[min(day-c.from, len(c.seat)-1)]
	}
	// A slow climb that has settled for the last three weeks.
	t := math.Min(1, float64(day+history)/float64(history-21))
	v := float64(a.seatsFrom) + float64(a.seatsTo-a.seatsFrom)*t
	return int64(math.Round(v)) - int64(jitter(a.ID, metricSeats, day)*2)
}

// active is how many people used the product on a day: most seats, fewer on
// weekends, growing over the last 30 days by activeGrowth.
func (a Account) active(day int, date time.Time) int64 {
	v := float64(a.seatsFrom) * 0.82
	if t := float64(day+30) / 30; t > 0 {
		v *= 1 + a.activeGrowth*math.Min(t, 1)
	}
	if wd := date.Weekday(); wd == time.Saturday || wd == time.Sunday {
		v *= 0.7
	}
	return int64(math.Round(v + 2*jitter(a.ID, metricActive, day) - 1))
}

// storage has settled at about 60 % of what the contract holds.
func (a Account) storage(day int) int64 {
	return int64(math.Round(float64(a.storageLimit())*0.6 + 3*jitter(a.ID, metricStorage, day)))
}

func (a Account) storageLimit() int64 { return a.Seats * 5 }

func (a Account) health(day int) float64 {
	v := a.Health + 2*jitter(a.ID, "health", day) - 1
	if a.ID == "brightwater" { // rising, and above 80 for as long as we look back
		v = 80.8 + 1.4*float64(day+history)/history + 0.2*jitter(a.ID, "health", day)
	}
	return math.Round(v*10) / 10
}

// jitter is a fixed number in [0,1) for a point: noise that is the same every time.
func jitter(id, metric string, day int) float64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	h.Write([]byte(metric))
	h.Write([]byte{byte(day), byte(day >> 8)})
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
