package route

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"expansionbot/expansion"
	"github.com/expr-lang/expr"
)

var corpus = []string{
	`account.region == "EMEA"`, `account.region != "EMEA"`, `"EMEA" == account.region`, `account.region in ["EMEA", "MEA"]`,
	`account.region not in ["EMEA"]`, `not (account.region == "EMEA")`, `!(account.region != "EMEA")`, `not (account.arr > 100)`,
	`account.arr > 100`, `account.arr >= 100.5`, `account.arr < 100`, `account.arr <= 100`, `account.arr == 100`, `account.arr != 100`, `100 < account.arr`,
	`account.arr > 100 and account.arr < 200 && account.region == "EMEA"`, `account.region == "EMEA" or account.arr > 100 and signal.score > 0.5`,
	`(account.region == "EMEA" or account.arr_known) and signal.type == "usage_growth"`, `account.has_csm and not account.has_original_ae`,
	`account.plan startsWith "ent" and lower(account.segment) == "smb"`, `account.segment matches "^s" and account.plan contains "t"`,
	`signal.potential / account.arr > 0.2`, `signal.potential_known ? signal.potential > 10 : false`, `account.region == account.territory`,
	`any([1, 2, 3], # > 2) and signal.expansion_type in ["tier", "seats"]`, `account.region == "EMEA" and [1, 2][7] == 1`, `account.arr > -5`,
	`signal.strength in ["strong", "moderate"] and account.currency == "EUR"`, `account.region in []`, `account?.region == "EMEA"`, `true`, `false and true`,
}

// TestConditionsMeanWhatExprSays compares the compiled atoms with the whole program.
func TestConditionsMeanWhatExprSays(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	number := func() float64 {
		return []float64{math.NaN(), 0, -5, 99, 100, 100.5, 150, 200, 0.5, 0.6}[r.IntN(10)]
	}
	for _, src := range corpus {
		whole, err := compile(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		c, err := newCondition(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		for range 500 {
			e := env{
				Account: accountEnv{
					Segment: pick("", "smb", "SMB"), Region: pick("EMEA", "MEA", "", "West"), Territory: pick("West", "EMEA"), Plan: pick("enterprise", "start", ""),
					Currency: pick("EUR", "USD"), ARR: number(), ARRKnown: r.IntN(2) == 0, HasCSM: r.IntN(2) == 0, HasAE: r.IntN(2) == 0,
				},
				Signal: signalEnv{
					Type: pick("usage_growth", "capacity_limit"), Strength: pick("strong", "moderate", "exploratory"), ExpansionType: pick("seats", "tier", "upsell"),
					Score: number(), Potential: number(), PotentialKnown: r.IntN(2) == 0,
				},
			}
			out, err := expr.Run(whole, e)
			want := err == nil && out == true
			if got := c.failing(&e) == nil; got != want {
				t.Fatalf("%s gives %v, expr says %v (%v) for %+v", src, got, want, err, e)
			}
		}
	}
}

func TestSimpleConditionsRunNatively(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`account.region == "EMEA"`, `account.region not in ["a", "b"] and account.arr >= 5`, `not (signal.type == "usage_growth")`, `signal.score < 0.5`} {
		c, err := newCondition(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range c.atoms {
			if a.prog != nil {
				t.Errorf("%s: %s runs as a program, want it compiled", src, a.source)
			}
		}
	}
}

// TestConditionsHaveNoClockAndNoSideDoor keeps decisions repeatable.
func TestConditionsHaveNoClockAndNoSideDoor(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`now().Year() > 2000`, `date("2026-01-01") < now()`, `account.arr`, `account.nothing == 1`, `account.region == 5`, `fromJSON("1") == 1`, `account.region = "x"`, ``} {
		if _, err := newCondition(src); err == nil {
			t.Errorf("%q compiled, want it refused", src)
		}
	}
}

func TestEveryFieldCanBeExplained(t *testing.T) {
	t.Parallel()
	e := envOf(&expansion.Facts{})
	for _, part := range reflect.VisibleFields(reflect.TypeFor[env]()) {
		for _, f := range reflect.VisibleFields(part.Type) {
			name := part.Tag.Get("expr") + "." + f.Tag.Get("expr")
			if got := fieldText(name, &e); got == "not a field" {
				t.Errorf("%s has no words for the trace", name)
			}
		}
	}
}

func TestContradictionAndImplication(t *testing.T) {
	t.Parallel()
	tests := []struct {
		given, then  string
		contradicts  bool // given with itself
		givenImplies bool
	}{
		{`account.region == "EMEA"`, `account.region in ["EMEA", "MEA"]`, false, true},
		{`account.region in ["EMEA", "MEA"]`, `account.region == "EMEA"`, false, false},
		{`account.region == "EMEA"`, `account.region != "MEA"`, false, true},
		{`account.region not in ["a", "b"]`, `account.region != "a"`, false, true},
		{`account.region != "a"`, `account.region not in ["a", "b"]`, false, false},
		{`account.arr > 100`, `account.arr >= 100`, false, true},
		{`account.arr >= 100`, `account.arr > 100`, false, false},
		{`account.arr > 100 and account.plan == "x"`, `account.arr > 50`, false, true},
		{`account.arr > 100 and account.arr <= 100`, `account.plan == "x"`, true, false},
		{`account.arr >= 100 and account.arr <= 100`, `account.arr == 100`, false, false}, // true, but beyond one atom's proof
		{`account.region == "a" and account.region == "b"`, `account.plan == "x"`, true, false},
		{`account.region != "a" and account.region == "a"`, `account.region == "a"`, true, true},
		{`account.region != "a" and account.region != "b"`, `account.region != "b"`, false, true},
		{`lower(account.plan) == "x" and account.has_csm`, `account.has_csm`, false, true},
	}
	for _, tt := range tests {
		given, err1 := newCondition(tt.given)
		then, err2 := newCondition(tt.then)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if x, _ := contradiction(given.atoms); (x != nil) != tt.contradicts {
			t.Errorf("contradiction in %s: %v, want %v", tt.given, x != nil, tt.contradicts)
		}
		if got := impliesAll(given.atoms, then.atoms); got != tt.givenImplies {
			t.Errorf("%s implies %s: %v, want %v", tt.given, tt.then, got, tt.givenImplies)
		}
	}
}
