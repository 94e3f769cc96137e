package learn_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"expansionbot/expansion/learn"
)

func TestWilson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		k, n      int
		low, high float64
	}{
		{"published: 17 of 24 right is 51 to 85", 17, 24, 0.508, 0.851},
		{"published: 81 of 263 is 25.5 to 36.6 (Newcombe 1998)", 81, 263, 0.2553, 0.3662},
		{"nothing won of 20 is not zero chance", 0, 20, 0, 0.161},
		{"all won of 20 is not certainty", 20, 20, 0.839, 1},
		{"no cases say nothing", 0, 0, 0, 1},
		{"more successes than cases count as all", 25, 20, 0.839, 1},
		{"fewer than none count as none", -3, 20, 0, 0.161},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			low, high := learn.Wilson(c.k, c.n)
			if math.Abs(low-c.low) > 0.0006 || math.Abs(high-c.high) > 0.0006 {
				t.Errorf("Wilson(%d, %d) = %.4f, %.4f; want %.4f, %.4f", c.k, c.n, low, high, c.low, c.high)
			}
		})
	}
}

func TestWilsonHoldsTheShareAndShrinks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		low, high := learn.Wilson(k, n)
		p := float64(k) / float64(n)
		if low < 0 || high > 1 || low > p || high < p {
			t.Fatalf("Wilson(%d, %d) = %v, %v does not hold %v inside 0..1", k, n, low, high, p)
		}
		low2, high2 := learn.Wilson(2*k, 2*n)
		if high2-low2 >= high-low {
			t.Fatalf("twice the cases gave a wider interval: %v against %v", high2-low2, high-low)
		}
	})
}

func TestWinRateNeedsTwentyCases(t *testing.T) {
	t.Parallel()
	few := learn.WinRate(7, 19)
	if few.Known || few.String() != "too few (19)" || learn.Chance(few) != nil {
		t.Errorf("WinRate(7, 19) = %+v (%s), chance %v; want not known", few, few, learn.Chance(few))
	}
	enough := learn.WinRate(5, 20)
	if !enough.Known || enough.String() != "25%" || *learn.Chance(enough) != 0.25 {
		t.Errorf("WinRate(5, 20) = %+v (%s); want 25%%", enough, enough)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	h := time.Hour
	for _, c := range []struct {
		name string
		in   []time.Duration
		want time.Duration
		ok   bool
	}{
		{"none has no median", nil, 0, false},
		{"the middle of three, in any order", []time.Duration{9 * h, 1 * h, 2 * h}, 2 * h, true},
		{"between the middle two of four", []time.Duration{1 * h, 2 * h, 4 * h, 9 * h}, 3 * h, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.in)
			got, ok := learn.Median(c.in)
			if got != c.want || ok != c.ok {
				t.Errorf("Median(%v) = %v, %v; want %v, %v", c.in, got, ok, c.want, c.ok)
			}
			if !slices.Equal(before, c.in) {
				t.Errorf("Median changed its input to %v", c.in)
			}
		})
	}
}

func TestMedianTime(t *testing.T) {
	t.Parallel()
	h := func(ns ...int) (ds []time.Duration) {
		for _, n := range ns {
			ds = append(ds, time.Duration(n)*time.Hour)
		}
		return ds
	}
	for _, c := range []struct {
		name        string
		ended, open []time.Duration
		want        time.Duration
		ok          bool
	}{
		{"with nothing open it is the time half had got there", h(1, 2, 3, 4, 5), nil, 3 * time.Hour, true},
		{"those who wait longer push it up", h(1, 2, 3), h(90, 95), 3 * time.Hour, true},
		{"those who just started do not", h(1, 2, 3), h(0, 0), 2 * time.Hour, true},
		{"half still waiting long gives none", h(1), h(50, 50, 50), 0, false},
		{"nobody gives none", nil, nil, 0, false},
		{"nobody there yet gives none", nil, h(3), 0, false},
		{"many at once count together", h(2, 2, 2, 2), h(2), 2 * time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := learn.MedianTime(c.ended, c.open)
			if got != c.want || ok != c.ok {
				t.Errorf("MedianTime(%v, %v) = %v, %v; want %v, %v", c.ended, c.open, got, ok, c.want, c.ok)
			}
		})
	}
}

func TestWaitingLongerNeverLowersTheMedian(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.SliceOfN(rapid.IntRange(0, 200), 1, 40)
		toTimes := func(ns []int) (ds []time.Duration) {
			for _, n := range ns {
				ds = append(ds, time.Duration(n)*time.Hour)
			}
			return ds
		}
		ended, open := toTimes(hours.Draw(t, "ended")), toTimes(hours.Draw(t, "open"))
		without, _ := learn.MedianTime(ended, nil)
		with, ok := learn.MedianTime(ended, open)
		if ok && with < without {
			t.Fatalf("median %v with %d open ones is under %v without them", with, len(open), without)
		}
		if ok && !slices.Contains(ended, with) {
			t.Fatalf("median %v is not the time of any that ended", with)
		}
	})
}
