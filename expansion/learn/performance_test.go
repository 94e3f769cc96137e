package learn_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"expansionbot/expansion"
	"expansionbot/expansion/learn"
)

var (
	since = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	until = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// sample was routed day days into the period, acknowledged after ack and, unless
// won is nil, closed after 5 days.
func sample(day int, ack time.Duration, won *bool) learn.Sample {
	s := learn.Sample{Type: expansion.UsageGrowth, Rep: "marcus", RoutedAt: since.AddDate(0, 0, day), Opportunity: true}
	s.AcknowledgedAt = new(s.RoutedAt.Add(ack))
	if won != nil {
		s.Won, s.ClosedAt = won, new(s.RoutedAt.AddDate(0, 0, 5))
		s.ARR = &expansion.Money{Minor: 2160000, Currency: "USD"}
	}
	return s
}

func times(n int, s learn.Sample) (out []learn.Sample) {
	for range n {
		out = append(out, s)
	}
	return out
}

func TestTargetsSayNowTargetAndWhetherThereIsEnough(t *testing.T) {
	t.Parallel()
	ss := times(10, sample(1, time.Hour, new(true)))
	ss = append(ss, times(12, sample(2, 2*time.Hour, new(false)))...)
	ss = append(ss, times(3, sample(3, 3*time.Hour, nil))...)
	got := learn.Performance(ss, since, until)
	want := []expansion.Target{
		{Name: "Signal to opportunity", Now: "100% (25 of 25)", Target: "over 60%", Value: new(1.0), N: 25, Enough: true, Met: true},
		{Name: "Win rate", Now: "40% (10 of 25)", Target: "over 30%", Value: new(0.4), N: 22, Enough: true, Met: true},
		{Name: "Time to acknowledge", Now: "2 h", Target: "under 4 h", Value: new(2.0), N: 25, Enough: true, Met: true},
		{Name: "ARR from routed signals", Now: "+$216,000", N: 10, Enough: true},
	}
	if d := cmp.Diff(want, got.Targets); d != "" {
		t.Errorf("targets (-want +got):\n%s", d)
	}
	if got.ByRep[0].WinRate.N != 22 || got.ByRep[0].WinRate.String() != "45%" {
		t.Errorf("rep's win rate = %v of %d; want 45%% of the 22 closed", got.ByRep[0].WinRate, got.ByRep[0].WinRate.N)
	}
}

func TestFewCasesGiveNoPercentage(t *testing.T) {
	t.Parallel()
	p := learn.Performance(times(7, sample(1, 7*time.Minute, new(true))), since, until)
	for i, now := range []string{"too few (7)", "too few (7)", "7 min", "+$151,200"} {
		if p.Targets[i].Now != now {
			t.Errorf("%s: now = %q; want %q", p.Targets[i].Name, p.Targets[i].Now, now)
		}
		if p.Targets[i].Met {
			t.Errorf("%s is met on 7 cases", p.Targets[i].Name)
		}
	}
}

func TestNothingRoutedIsNotAnError(t *testing.T) {
	t.Parallel()
	p := learn.Performance(nil, since, until)
	if p.Routed != 0 || p.Targets[0].Now != "too few (0)" || p.Targets[2].Now != "nothing routed yet" || p.Targets[3].Now != "none yet" {
		t.Errorf("performance of nothing = %+v", p)
	}
}

func TestOnlyWhatHadHappenedByTheEndCounts(t *testing.T) {
	t.Parallel()
	late := sample(27, 30*time.Hour, new(true)) // acknowledged and closed after until
	before := sample(-1, time.Hour, new(true))  // routed before since
	at := sample(28, time.Hour, new(true))      // routed at until
	p := learn.Performance([]learn.Sample{late, before, at}, since, until)
	if p.Routed != 1 || p.ByRep[0].Acknowledged != 0 || p.ByRep[0].Won != 0 || p.ByRep[0].Open() != 1 || len(p.ARR) != 0 {
		t.Errorf("performance = %+v; want one routing, still open and waiting", p)
	}
}

func TestCurrenciesAreNeverSummed(t *testing.T) {
	t.Parallel()
	usd, eur := sample(1, time.Hour, new(true)), sample(1, time.Hour, new(true))
	eur.ARR = &expansion.Money{Minor: 100000, Currency: "EUR"}
	unknown := sample(1, time.Hour, new(true))
	unknown.ARR = nil
	p := learn.Performance([]learn.Sample{usd, eur, unknown}, since, until)
	want := []expansion.Money{{Minor: 100000, Currency: "EUR"}, {Minor: 2160000, Currency: "USD"}}
	if d := cmp.Diff(want, p.ARR); d != "" {
		t.Errorf("ARR (-want +got):\n%s", d)
	}
	if p.Targets[3].Now != "+€1,000, +$21,600" {
		t.Errorf("target line = %q", p.Targets[3].Now)
	}
}

func TestRowsAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ss := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) learn.Sample {
			var won *bool
			if rapid.Bool().Draw(t, "closed") {
				won = new(rapid.Bool().Draw(t, "won"))
			}
			s := sample(rapid.IntRange(-5, 35).Draw(t, "day"), time.Duration(rapid.IntRange(0, 900).Draw(t, "ack"))*time.Hour, won)
			s.Rep = expansion.PersonID(rapid.SampledFrom([]string{"marcus", "dana", "tomoko"}).Draw(t, "rep"))
			s.Type = rapid.SampledFrom(expansion.SignalTypes).Draw(t, "type")
			return s
		}), 0, 60).Draw(t, "samples")
		p := learn.Performance(ss, since, until)
		for name, rows := range map[string][]expansion.PerformanceRow{"type": p.ByType, "rep": p.ByRep} {
			routed, won := 0, 0
			for _, r := range rows {
				routed, won = routed+r.Routed, won+r.Won
				if r.Open() < 0 || r.Acknowledged > r.Routed {
					t.Fatalf("row by %s is impossible: %+v", name, r)
				}
			}
			if routed != p.Routed || won != p.Targets[3].N {
				t.Fatalf("rows by %s add up to %d routed, %d won; want %d, %d", name, routed, won, p.Routed, p.Targets[3].N)
			}
		}
	})
}

func ExamplePerformance() {
	routed := time.Date(2026, 2, 3, 9, 6, 0, 0, time.UTC)
	p := learn.Performance([]learn.Sample{{
		Type: expansion.UsageGrowth, Rep: "marcus", RoutedAt: routed, Opportunity: true,
		AcknowledgedAt: new(routed.Add(7 * time.Minute)), ClosedAt: new(routed.AddDate(0, 0, 20)),
		Won: new(true), ARR: &expansion.Money{Minor: 2160000, Currency: "USD"},
	}}, since, until)
	for _, t := range p.Targets {
		fmt.Printf("%s: %s, target %q\n", t.Name, t.Now, t.Target)
	}
	// Output:
	// Signal to opportunity: too few (1), target "over 60%"
	// Win rate: too few (1), target "over 30%"
	// Time to acknowledge: 7 min, target "under 4 h"
	// ARR from routed signals: +$21,600, target ""
}

func ExampleWinRate() {
	fmt.Println(learn.WinRate(24, 58))
	fmt.Println(learn.WinRate(3, 7))
	// Output:
	// 41%
	// too few (7)
}
