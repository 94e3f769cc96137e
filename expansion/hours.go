package expansion

import (
	"errors"
	"slices"
	"time"
)

// Hours are the working hours of a person or a team on their own wall clock.
// The zero value has no working day: Next and Add return ErrNoWorkingTime and
// Between returns 0.
type Hours struct {
	Start    time.Duration  // of the working day since midnight, 0..24 h
	End      time.Duration  // of the working day since midnight, above Start, at most 24 h
	Days     []time.Weekday // working days of the week
	Holidays []time.Time    // dates that are no working days, kept as 00:00 UTC of that date
	Zone     *time.Location // nil = UTC
}

// ErrNoWorkingTime says that Hours hold no working time within the searched span.
var ErrNoWorkingTime = errors.New("no working time within ten years: set working days and an end after the start")

// maxWorkDays bounds every walk over days: ten years, or a hundred for Between.
const maxWorkDays = 3660

// OfficeHours are Monday to Friday, 09:00 to 17:00, in zone (nil = UTC).
func OfficeHours(zone *time.Location) Hours {
	return Hours{
		Start: 9 * time.Hour, End: 17 * time.Hour, Zone: zone,
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
	}
}

// In returns the same hours on the wall clock of zone (nil = UTC).
func (h Hours) In(zone *time.Location) Hours {
	h.Zone = zone
	return h
}

// Next returns t when it is working time, else the next instant work starts. The
// end of a working day is no longer working time.
func (h Hours) Next(t time.Time) (time.Time, error) {
	for i := range maxWorkDays {
		from, to, ok := h.window(t, i)
		switch {
		case !ok || !t.Before(to):
		case t.Before(from):
			return from, nil
		default:
			return t, nil
		}
	}
	return time.Time{}, ErrNoWorkingTime
}

// Add returns the instant at which d of working time has passed since t. A d of 0
// or less is Next(t). The result may be the very end of a working day. More working
// time than ten years hold is ErrNoWorkingTime.
func (h Hours) Add(t time.Time, d time.Duration) (time.Time, error) {
	at, err := h.Next(t)
	if err != nil || d <= 0 {
		return at, err
	}
	for i := range maxWorkDays {
		from, to, ok := h.window(at, i)
		if !ok {
			continue
		}
		if i == 0 {
			from = at
		}
		if length := to.Sub(from); length < d {
			d -= length
			continue
		}
		return from.Add(d), nil
	}
	return time.Time{}, ErrNoWorkingTime
}

// Between returns the working time from a to b, 0 when b is not after a. Time more
// than a hundred years after a is not counted.
func (h Hours) Between(a, b time.Time) time.Duration {
	var sum time.Duration
	for i := range 10 * maxWorkDays {
		from, to, ok := h.window(a, i)
		if !from.Before(b) {
			break
		}
		if !ok {
			continue
		}
		if from.Before(a) {
			from = a
		}
		if b.Before(to) {
			to = b
		}
		if from.Before(to) {
			sum += to.Sub(from)
		}
	}
	return sum
}

// window is the working time of the i-th day after t's own date. ok is false on
// days without work; from is set all the same. On a day the clocks change, the
// window is as long as it really lasts.
func (h Hours) window(t time.Time, i int) (from, to time.Time, ok bool) {
	zone := h.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := t.In(zone).Date()
	d += i
	from, to = wall(y, m, d, h.Start, zone), wall(y, m, d, h.End, zone)
	date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	ok = slices.Contains(h.Days, date.Weekday()) && h.Start >= 0 && h.End <= 24*time.Hour && from.Before(to) &&
		!slices.ContainsFunc(h.Holidays, func(x time.Time) bool { return date.Equal(x) })
	return from, to, ok
}

// wall is the instant a wall clock shows of on that day; an hour the clocks skip
// is moved by what they skip.
func wall(y int, m time.Month, d int, of time.Duration, zone *time.Location) time.Time {
	return time.Date(y, m, d, int(of/time.Hour), 0, 0, int(of%time.Hour), zone)
}
