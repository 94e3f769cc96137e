package learn

import (
	"math"
	"slices"
	"time"

	"expansionbot/expansion"
)

// z95 is the standard normal quantile of a two-sided 95 % interval.
const z95 = 1.959963984540054

// Wilson returns the 95 % score interval (Wilson 1927) of k successes in n cases,
// both in 0..1. k is clamped to 0..n; no cases give the whole range 0..1.
func Wilson(k, n int) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	k = min(max(k, 0), n)
	nf, p := float64(n), float64(k)/float64(n)
	mid := (p + z95*z95/(2*nf)) / (1 + z95*z95/nf)
	half := z95 / (1 + z95*z95/nf) * math.Sqrt(p*(1-p)/nf+z95*z95/(4*nf*nf))
	// Rounding may put the bound a hair inside p at k = 0 and k = n.
	return max(0, min(mid-half, p)), min(1, max(mid+half, p))
}

// WinRate is k of n as a rate with its Wilson interval. Under
// expansion.EnoughOutcomes cases it is not known and prints "too few (7)".
func WinRate(k, n int) expansion.Rate {
	n = max(n, 0)
	if n < expansion.EnoughOutcomes {
		return expansion.Rate{N: n}
	}
	k = min(max(k, 0), n)
	low, high := Wilson(k, n)
	return expansion.Rate{Known: true, Value: float64(k) / float64(n), Low: low, High: high, N: n}
}

// Chance returns the value a hand-off shows as win chance, nil while too few cases
// are known.
func Chance(r expansion.Rate) *float64 {
	if !r.Known {
		return nil
	}
	return new(r.Value)
}

// Median is the middle of the durations, the mean of the middle two for an even
// count. ok is false for none. The slice is not changed.
func Median(ds []time.Duration) (m time.Duration, ok bool) {
	if len(ds) == 0 {
		return 0, false
	}
	s := slices.Sorted(slices.Values(ds))
	h := len(s) / 2
	if len(s)%2 == 1 {
		return s[h], true
	}
	return s[h-1] + (s[h]-s[h-1])/2, true
}

// MedianTime is the median time to an event when some cases are still waiting
// (Kaplan–Meier): ended are the times of those that got there, open how long the
// others have waited so far. Leaving the open ones out would make slow work look
// fast. ok is false when the curve has not come down to one half.
func MedianTime(ended, open []time.Duration) (m time.Duration, ok bool) {
	type step struct {
		at    time.Duration
		event bool
	}
	steps := make([]step, 0, len(ended)+len(open))
	for _, d := range ended {
		steps = append(steps, step{d, true})
	}
	for _, d := range open {
		steps = append(steps, step{d, false})
	}
	// At equal times the event comes first: who left then had not waited longer.
	slices.SortFunc(steps, func(a, b step) int {
		if a.at != b.at {
			return int(min(max(a.at-b.at, -1), 1))
		}
		if a.event == b.event {
			return 0
		}
		if a.event {
			return -1
		}
		return 1
	})
	alive := 1.0
	for i := 0; i < len(steps); {
		j, events := i, 0
		for ; j < len(steps) && steps[j].at == steps[i].at; j++ {
			if steps[j].event {
				events++
			}
		}
		before := alive
		alive *= 1 - float64(events)/float64(len(steps)-i)
		const half = 0.5 + 1e-12 // the product of fractions is not exact
		if events > 0 && before > half && alive <= half {
			return steps[i].at, true
		}
		i = j
	}
	return 0, false
}
