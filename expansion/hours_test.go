package expansion_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"expansionbot/expansion"
	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("zone %s: %v", name, err)
	}
	return loc
}

func TestHoursAddAndNext(t *testing.T) {
	t.Parallel()
	ny, utc := zone(t, "America/New_York"), time.UTC
	office := expansion.OfficeHours
	night := expansion.Hours{Start: 0, End: 24 * time.Hour, Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Zone: ny}
	holiday := office(utc)
	holiday.Holidays = []time.Time{time.Date(2026, 3, 9, 0, 0, 0, 0, utc)}
	tests := []struct {
		name     string
		h        expansion.Hours
		from     time.Time
		d        time.Duration
		wantNext time.Time
		want     time.Time
	}{
		{
			"four hours inside one day end the same day", office(utc), time.Date(2026, 3, 10, 9, 6, 0, 0, utc), 4 * time.Hour,
			time.Date(2026, 3, 10, 9, 6, 0, 0, utc), time.Date(2026, 3, 10, 13, 6, 0, 0, utc),
		},
		{
			"Friday afternoon goes on on Monday", office(utc), time.Date(2026, 3, 6, 15, 0, 0, 0, utc), 4 * time.Hour,
			time.Date(2026, 3, 6, 15, 0, 0, 0, utc), time.Date(2026, 3, 9, 11, 0, 0, 0, utc),
		},
		{
			"a holiday is passed over", holiday, time.Date(2026, 3, 6, 18, 0, 0, 0, utc), time.Hour,
			time.Date(2026, 3, 10, 9, 0, 0, 0, utc), time.Date(2026, 3, 10, 10, 0, 0, 0, utc),
		},
		{
			"the end of the day is not working time but may be a result", office(utc), time.Date(2026, 3, 10, 17, 0, 0, 0, utc), 8 * time.Hour,
			time.Date(2026, 3, 11, 9, 0, 0, 0, utc), time.Date(2026, 3, 11, 17, 0, 0, 0, utc),
		},
		{
			"nothing to add is the next working instant", office(utc), time.Date(2026, 3, 7, 12, 0, 0, 0, utc), 0,
			time.Date(2026, 3, 9, 9, 0, 0, 0, utc), time.Date(2026, 3, 9, 9, 0, 0, 0, utc),
		},
		{
			"work starts at nine on the wall clock before the clocks change", office(ny), time.Date(2026, 3, 6, 3, 0, 0, 0, utc), time.Hour,
			time.Date(2026, 3, 6, 14, 0, 0, 0, utc), time.Date(2026, 3, 6, 15, 0, 0, 0, utc),
		},
		{
			"work starts at nine on the wall clock after the clocks change", office(ny), time.Date(2026, 3, 9, 3, 0, 0, 0, utc), time.Hour,
			time.Date(2026, 3, 9, 13, 0, 0, 0, utc), time.Date(2026, 3, 9, 14, 0, 0, 0, utc),
		},
		{
			"the day the clocks go forward has 23 hours", night, time.Date(2026, 3, 8, 0, 0, 0, 0, ny), 23 * time.Hour,
			time.Date(2026, 3, 8, 0, 0, 0, 0, ny), time.Date(2026, 3, 9, 0, 0, 0, 0, ny),
		},
		{
			"the day the clocks go back has 25 hours", night, time.Date(2026, 11, 1, 0, 0, 0, 0, ny), 25 * time.Hour,
			time.Date(2026, 11, 1, 0, 0, 0, 0, ny), time.Date(2026, 11, 2, 0, 0, 0, 0, ny),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			next, err := tt.h.Next(tt.from)
			if err != nil || !next.Equal(tt.wantNext) {
				t.Errorf("Next(%v) = %v, %v; want %v", tt.from, next, err, tt.wantNext)
			}
			got, err := tt.h.Add(tt.from, tt.d)
			if err != nil || !got.Equal(tt.want) {
				t.Errorf("Add(%v, %v) = %v, %v; want %v", tt.from, tt.d, got, err, tt.want)
			}
			if between := tt.h.Between(tt.from, tt.want); between != tt.d {
				t.Errorf("Between(%v, %v) = %v, want %v", tt.from, tt.want, between, tt.d)
			}
		})
	}
}

func TestHoursWithoutWorkingTimeEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	backward := expansion.OfficeHours(nil)
	backward.Start, backward.End = backward.End, backward.Start
	for name, h := range map[string]expansion.Hours{"zero": {}, "end before start": backward} {
		if _, err := h.Next(now); !errors.Is(err, expansion.ErrNoWorkingTime) {
			t.Errorf("%s: Next error = %v, want ErrNoWorkingTime", name, err)
		}
		if _, err := h.Add(now, time.Hour); !errors.Is(err, expansion.ErrNoWorkingTime) {
			t.Errorf("%s: Add error = %v, want ErrNoWorkingTime", name, err)
		}
		if d := h.Between(now, now.AddDate(1, 0, 0)); d != 0 {
			t.Errorf("%s: Between = %v, want 0", name, d)
		}
	}
	if _, err := expansion.OfficeHours(nil).Add(now, 1<<62); !errors.Is(err, expansion.ErrNoWorkingTime) {
		t.Errorf("Add of 146 years: error = %v, want ErrNoWorkingTime", err)
	}
}

func TestHoursBetweenUndoesAdd(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, zone(t, "America/New_York"), zone(t, "Asia/Kolkata"), zone(t, "Australia/Lord_Howe")}
	rapid.Check(t, func(t *rapid.T) {
		h := expansion.Hours{
			Start: time.Duration(rapid.IntRange(0, 1439).Draw(t, "start")) * time.Minute,
			Days:  rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) time.Weekday { return time.Weekday(rapid.IntRange(0, 6).Draw(t, "d")) }), 1, 7, rapid.ID).Draw(t, "days"),
			Zone:  rapid.SampledFrom(zones).Draw(t, "zone"),
		}
		h.End = h.Start + time.Duration(rapid.Int64Range(1, int64((24*time.Hour-h.Start)/time.Minute)).Draw(t, "long"))*time.Minute
		from := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "t"), 0)
		d := time.Duration(rapid.Int64Range(1, 200*3600).Draw(t, "d")) * time.Second
		end, err := h.Add(from, d)
		if errors.Is(err, expansion.ErrNoWorkingTime) {
			return // a few minutes a week hold less than d in ten years
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Between(from, end); got != d {
			t.Fatalf("%+v: Between(%v, %v) = %v, want %v", h, from, end, got, d)
		}
		next, err := h.Next(from)
		if err != nil || h.Between(from, next) != 0 {
			t.Fatalf("%+v: %v of work before Next(%v) = %v, %v", h, h.Between(from, next), from, next, err)
		}
	})
}

func ExampleHours_Add() {
	friday := time.Date(2026, 3, 6, 15, 0, 0, 0, time.UTC)
	due, err := expansion.OfficeHours(time.UTC).Add(friday, 4*time.Hour)
	fmt.Println(due.Format("Mon 15:04"), err)
	// Output: Mon 11:00 <nil>
}
