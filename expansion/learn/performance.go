package learn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// Sample is one routing as the report counts it. Recalled routings and those rerouted
// to somebody else do not belong here: the one that replaced them does.
type Sample struct {
	Type           expansion.SignalType
	Rep            expansion.PersonID
	RoutedAt       time.Time
	AcknowledgedAt *time.Time       // nil: not yet
	ClosedAt       *time.Time       // nil: open
	Won            *bool            // nil: open; counts only with ClosedAt
	ARR            *expansion.Money // change of yearly revenue; counts only when won
	Opportunity    bool             // it became an opportunity in the CRM
}

// The targets of the product requirements ("Success Metrics").
const (
	targetOpportunity = 0.60
	targetWin         = 0.30
	targetAcknowledge = 4 * time.Hour
)

// Performance counts the samples routed in [since, until) as they stood at until: an
// acknowledgement or a close after until is still open. A zero since has no start.
// The win rate of the target line is won of all routed, as the product requirements
// measure it, and is judged once expansion.EnoughOutcomes have closed; rows give won
// of closed. Times are elapsed.
func Performance(samples []Sample, since, until time.Time) expansion.Performance {
	var all tally
	byType := map[expansion.SignalType]*tally{}
	byRep := map[expansion.PersonID]*tally{}
	for _, s := range samples {
		if s.RoutedAt.Before(since) || !s.RoutedAt.Before(until) {
			continue
		}
		all.add(s, until)
		at(byType, s.Type).add(s, until)
		at(byRep, s.Rep).add(s, until)
	}
	p := expansion.Performance{Since: since, Until: until, Routed: all.routed, Targets: all.targets(), ARR: all.money()}
	for _, t := range expansion.SignalTypes {
		if a := byType[t]; a != nil {
			r := a.row()
			r.Type = t
			p.ByType = append(p.ByType, r)
		}
	}
	for id, a := range byRep {
		r := a.row()
		r.Rep = id
		p.ByRep = append(p.ByRep, r)
	}
	slices.SortFunc(p.ByRep, func(a, b expansion.PerformanceRow) int {
		return cmp.Or(b.Routed-a.Routed, cmp.Compare(a.Rep, b.Rep))
	})
	return p
}

func at[K comparable](m map[K]*tally, k K) *tally {
	if m[k] == nil {
		m[k] = new(tally)
	}
	return m[k]
}

// tally adds up samples.
type tally struct {
	routed, opportunities, won, lost int
	acked, waiting                   []time.Duration
	closed, open                     []time.Duration
	arr                              map[string]int64 // minor units by currency
}

func (t *tally) add(s Sample, until time.Time) {
	t.routed++
	if s.Opportunity {
		t.opportunities++
	}
	if s.AcknowledgedAt != nil && !s.AcknowledgedAt.After(until) {
		t.acked = append(t.acked, s.AcknowledgedAt.Sub(s.RoutedAt))
	} else {
		t.waiting = append(t.waiting, until.Sub(s.RoutedAt))
	}
	if s.ClosedAt == nil || s.Won == nil || s.ClosedAt.After(until) {
		t.open = append(t.open, until.Sub(s.RoutedAt))
		return
	}
	t.closed = append(t.closed, s.ClosedAt.Sub(s.RoutedAt))
	if !*s.Won {
		t.lost++
		return
	}
	t.won++
	if s.ARR != nil {
		if t.arr == nil {
			t.arr = map[string]int64{}
		}
		t.arr[s.ARR.Currency] += s.ARR.Minor
	}
}

func (t *tally) row() expansion.PerformanceRow {
	r := expansion.PerformanceRow{
		Routed: t.routed, Acknowledged: len(t.acked), Opportunities: t.opportunities, Won: t.won, Lost: t.lost,
		WinRate: WinRate(t.won, t.won+t.lost), ARR: t.money(),
	}
	if m, ok := MedianTime(t.acked, t.waiting); ok {
		r.ToAcknowledge = &m
	}
	if m, ok := MedianTime(t.closed, t.open); ok {
		r.ToClose = &m
	}
	return r
}

func (t *tally) money() []expansion.Money {
	var out []expansion.Money
	for c, minor := range t.arr {
		out = append(out, expansion.Money{Minor: minor, Currency: c})
	}
	slices.SortFunc(out, func(a, b expansion.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return out
}

func (t *tally) targets() []expansion.Target {
	outcomes := t.won + t.lost
	win := rateTarget("Win rate", t.won, t.routed, outcomes, targetWin)
	ack := expansion.Target{Name: "Time to acknowledge", Now: "nothing routed yet", Target: "under 4 h", N: len(t.acked), Enough: len(t.acked) >= expansion.EnoughOutcomes}
	if m, ok := MedianTime(t.acked, t.waiting); ok {
		ack.Now = expansion.Span(m)
		if ack.Enough {
			ack.Value, ack.Met = new(m.Hours()), m < targetAcknowledge
		}
	} else if t.routed > 0 {
		ack.Now = fmt.Sprintf("more than half still wait (%d of %d)", len(t.waiting), t.routed)
	}
	arr := expansion.Target{Name: "ARR from routed signals", Now: "none yet", N: t.won, Enough: true}
	if ms := t.money(); len(ms) > 0 {
		words := make([]string, len(ms))
		for i, m := range ms {
			words[i] = m.Signed()
		}
		arr.Now = strings.Join(words, ", ")
	}
	return []expansion.Target{
		rateTarget("Signal to opportunity", t.opportunities, t.routed, t.routed, targetOpportunity), win, ack, arr,
	}
}

// rateTarget is met when k of n is over want; it is judged when cases are enough.
func rateTarget(name string, k, n, cases int, want float64) expansion.Target {
	t := expansion.Target{Name: name, Target: fmt.Sprintf("over %.0f%%", 100*want), N: cases, Enough: cases >= expansion.EnoughOutcomes}
	if !t.Enough {
		t.Now = expansion.Rate{N: cases}.String()
		return t
	}
	v := float64(k) / float64(n)
	t.Value, t.Met, t.Now = &v, v > want, fmt.Sprintf("%.0f%% (%d of %d)", 100*v, k, n)
	return t
}
