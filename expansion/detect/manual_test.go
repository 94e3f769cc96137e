package detect_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"expansionbot/expansion"
	"expansionbot/expansion/detect"
)

func TestManualSuggestion(t *testing.T) {
	t.Parallel()
	ago := func(days int) time.Time { return today.AddDate(0, 0, -days) }
	for _, c := range []struct {
		name string
		in   detect.ManualInput
		want string
	}{
		{"an ask with a number is strong (storyboard 3.1)", detect.ManualInput{Type: expansion.ExplicitRequest, What: "they asked about 30 more seats"}, "Suggested: strong (explicit ask, within 7 days)."},
		{"an ask with a date is strong", detect.ManualInput{Type: expansion.ExplicitRequest, What: "wants the next plan before the March rollout"}, "Suggested: strong (explicit ask, within 7 days)."},
		{"an ask without either is moderate", detect.ManualInput{Type: expansion.ExplicitRequest, What: "asked what else we offer"}, "Suggested: moderate (explicit ask, within 7 days)."},
		{"nothing typed yet goes by the type", detect.ManualInput{Type: expansion.ExplicitRequest}, "Suggested: moderate (explicit ask, within 7 days)."},
		{"approved money with a number is strong", detect.ManualInput{Type: expansion.BudgetDiscussion, What: "the board approved 50,000 extra for tools"}, "Suggested: strong (budget talk, within 7 days)."},
		{"an old ask is weaker", detect.ManualInput{Type: expansion.ExplicitRequest, What: "they asked about 30 more seats", OccurredAt: ago(45)}, "Suggested: moderate (explicit ask, within 90 days)."},
		{"a hint is a hint", detect.ManualInput{Type: expansion.ExplicitRequest, What: "they might want something some day"}, "Suggested: exploratory (only a hint so far, explicit ask)."},
		{"less is never a strong yes", detect.ManualInput{Type: expansion.ExplicitRequest, What: "they asked to cancel 30 seats before May"}, "Suggested: exploratory (the words may mean less, not more, explicit ask)."},
		{"a denied need is never a strong yes", detect.ManualInput{Type: expansion.ExplicitRequest, Quote: "We don’t need 30 more seats by May"}, "Suggested: exploratory (the words may mean less, not more, explicit ask)."},
		{"good health alone is a hint", detect.ManualInput{Type: expansion.HealthIndicator, What: "they are very happy with us"}, "Suggested: exploratory (good health, within 7 days)."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.in.Now = today
			score, got, reasons := detect.Manual(c.in)
			if got != c.want {
				t.Errorf("suggestion = %q (score %v, %q); want %q", got, score, reasons, c.want)
			}
		})
	}
}

func TestManualReadsWhatTheWordsSay(t *testing.T) {
	t.Parallel()
	const date, less = "a date is named", "the words may mean less, not more"
	for _, c := range []struct {
		what, reason string
		want         bool
	}{
		{"wants a plan before the March rollout", date, true},
		{"needs it by 3 April", date, true},
		{"wants to start next quarter", date, true},
		{"asked for 30", date, false},
		{"this may help them", date, false},
		{"asked, and they don't want to wait", less, false},
		{"they can't wait for more", less, false},
		{"we don't want it", less, true},
		{"they do not need any more seats", less, true},
		{"there is no need now", less, true},
		{"remove the old users", less, true},
	} {
		_, _, reasons := detect.Manual(detect.ManualInput{Type: expansion.HealthIndicator, What: c.what, Now: today})
		if got := slices.Contains(reasons, c.reason); got != c.want {
			t.Errorf("%q: reasons %q; want %q in it: %v", c.what, reasons, c.reason, c.want)
		}
	}
}

func TestManualReasons(t *testing.T) {
	t.Parallel()
	_, _, got := detect.Manual(detect.ManualInput{Type: expansion.ExplicitRequest, What: "They asked for thirty more seats", Quote: "thirty more, please", Now: today})
	if d := cmp.Diff([]string{"explicit ask", "within 7 days", "30 more seats"}, got); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}

func TestThePersonsOwnStrengthWins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := detect.ManualInput{
			Type:     rapid.SampledFrom(expansion.SignalTypes).Draw(t, "type"),
			Strength: rapid.SampledFrom([]expansion.Strength{expansion.Strong, expansion.Moderate, expansion.Exploratory}).Draw(t, "strength"),
			What:     rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"cancel it", "approved: 30 more seats by May"})).Draw(t, "what"),
			Now:      today,
		}
		score, suggestion, reasons := detect.Manual(in)
		if got := expansion.StrengthOf(score); got != in.Strength {
			t.Fatalf("chose %s, score %v is %s", in.Strength, score, got)
		}
		own := in
		own.Strength = ""
		if _, rules, _ := detect.Manual(own); rules != suggestion {
			t.Fatalf("the choice changed the suggestion from %q to %q", rules, suggestion)
		}
		if len(reasons) == 0 || len(reasons) > 3 || score < 0 || score > 1 {
			t.Fatalf("score %v, reasons %q", score, reasons)
		}
	})
}

func TestMoreEvidenceNeverLowersTheScore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOf(rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64())).Draw(t, "scores")
		extra := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Just(math.NaN()), rapid.Just(math.Inf(-1))).Draw(t, "extra")
		before, after := detect.Combine(scores...), detect.Combine(append(scores, extra)...)
		if after < before || after < 0 || after > 1 {
			t.Fatalf("%v with %v more went from %v to %v", scores, extra, before, after)
		}
		for _, s := range scores {
			if s <= 1 && after+1e-12 < s {
				t.Fatalf("the whole %v is under its part %v", after, s)
			}
		}
	})
}

func TestTypeOf(t *testing.T) { // storyboard 3.1
	t.Parallel()
	for text, want := range map[string]expansion.SignalType{
		"they asked about 30 more seats":       expansion.ExplicitRequest,
		"Sam said the budget is set in June":   expansion.BudgetDiscussion,
		"they hit the limit twice this week":   expansion.CapacityLimit,
		"running out of seats":                 expansion.CapacityLimit,
		"active users doubled since the pilot": expansion.UsageGrowth,
		"good call with Jo":                    "",
		"":                                     "",
	} {
		if got := detect.TypeOf(text); got != want {
			t.Errorf("TypeOf(%q) = %q; want %q", text, got, want)
		}
	}
}

func TestExpansionTypeOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t    expansion.SignalType
		text string
		want expansion.ExpansionType
	}{
		{expansion.ExplicitRequest, "they asked about 30 more seats", expansion.Seats},
		{expansion.ExplicitRequest, "another thirty Licences on the plan", expansion.Seats},
		{expansion.BudgetDiscussion, "money for the enterprise plan", expansion.Tier},
		{expansion.ExplicitRequest, "can we get the reporting module", expansion.CrossSell},
		{expansion.CapacityLimit, "storage is 95% full", expansion.Upsell},
		{expansion.FeatureAdoption, "", expansion.Tier},
		{expansion.UsageGrowth, "", expansion.Seats},
		{expansion.HealthIndicator, "", expansion.Upsell},
	} {
		if got := detect.ExpansionTypeOf(c.t, c.text); got != c.want {
			t.Errorf("ExpansionTypeOf(%s, %q) = %s; want %s", c.t, c.text, got, c.want)
		}
	}
}

func TestEstimateSeats(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]int64{
		"they asked about 30 more seats":                              30,
		"we'd need another thirty licences before the March rollout":  30,
		"Could we add twenty-five users in May?":                      25,
		"an extra 1,200 seats":                                        1200,
		"please add a dozen more licenses":                            12,
		"two hundred and ten additional users":                        210,
		"We go from 120 to 150 seats in May":                          30,
		"30 seats more, please":                                       30,
		"one more seat":                                               1,
		"Thirty additional named users":                               30,
		"we have 120 seats":                                           0,
		"we need more seats":                                          0,
		"take 30 more seats off, we reduce to 90":                     0,
		"30 fewer seats":                                              0,
		"we don't need 30 more seats":                                 0,
		"we don't need 30 more seats, but 5 more users would be good": 5,
		"from 150 to 120 seats":                                       0,
		"call me at 555 0100 about seats":                             0,
		"99999999999999999999 more seats":                             0,
		"we do not want storage. We want 10 extra seats.":             10,
		"": 0,
		"hundred hundred hundred hundred hundred hundred more seats":          0,
		"they bought 30 hours of training and like the seats":                 0,
		"can you send us a quote for 40 additional seats for the Porto team?": 40,
	} {
		seats, p := detect.EstimateSeats(words, brightwater())
		if seats != want {
			t.Errorf("EstimateSeats(%q) = %d; want %d", words, seats, want)
		}
		if (p != nil) != (want > 0) {
			t.Errorf("EstimateSeats(%q) potential = %+v", words, p)
		}
	}
	if n, p := detect.EstimateSeats("30 more seats", expansion.Account{}); n != 30 || p != nil {
		t.Errorf("without ARR: %d seats, %+v; want 30 and no potential", n, p)
	}
}

func TestPotentialIsOrderedAndNearItsFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := expansion.Account{
			ARR:           &expansion.Money{Minor: rapid.Int64Range(1, 1e12).Draw(t, "arr"), Currency: "EUR"},
			SeatsLicensed: new(rapid.Int64Range(1, 1e6).Draw(t, "seats")),
		}
		extra := rapid.Int64Range(1, 1e5).Draw(t, "extra")
		p := detect.SeatPotential(extra, a)
		if p == nil || p.ByHand || p.Low.Minor > p.Likely.Minor || p.Likely.Minor > p.High.Minor || p.Likely.Currency != "EUR" {
			t.Fatalf("potential of %d seats = %+v", extra, p)
		}
		exact := float64(extra) * float64(a.ARR.Minor) / float64(*a.SeatsLicensed)
		if math.Abs(float64(p.Likely.Minor)-exact) > 51 {
			t.Fatalf("likely %d is not %v", p.Likely.Minor, exact)
		}
	})
}

func FuzzEstimateSeats(f *testing.F) {
	f.Add("another thirty licences")
	f.Add("from 1 to 2 seats")
	f.Fuzz(func(t *testing.T, words string) {
		if n, _ := detect.EstimateSeats(words, expansion.Account{}); n < 0 || n > 100_000 {
			t.Errorf("EstimateSeats(%q) = %d", words, n)
		}
	})
}

func ExampleManual() {
	score, suggestion, reasons := detect.Manual(detect.ManualInput{Type: expansion.ExplicitRequest, What: "they asked about 30 more seats", Now: today})
	fmt.Println(score)
	fmt.Println(suggestion)
	fmt.Println(reasons)
	// Output:
	// 0.76
	// Suggested: strong (explicit ask, within 7 days).
	// [explicit ask within 7 days 30 more seats]
}

func ExampleEstimateSeats() {
	a := expansion.Account{SeatsLicensed: new(int64(120)), ARR: &expansion.Money{Minor: 19200000, Currency: "USD"}}
	n, p := detect.EstimateSeats("we'd need another thirty licences", a)
	fmt.Println(n, p.Likely.Signed(), p.Formula)
	// Output: 30 +$48,000 30 seats × $1,600
}

func ExampleCombine() {
	fmt.Printf("%.2f %.2f\n", detect.Combine(0.6), detect.Combine(0.6, 0.5))
	// Output: 0.60 0.80
}
