package route_test

import (
	"fmt"
	"strings"
	"testing"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

// bigWorld is a policy of 100 rules and a team of 500; the signal meets rule 97, a
// pool of 80 people.
func bigWorld(tb testing.TB) (*route.Policy, expansion.Facts) {
	tb.Helper()
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 96 {
		fmt.Fprintf(&b, "  - name: rule-%d\n    kind: %s\n    when: account.region == \"R%d\" and account.arr >= %d\n", i, []string{"territory", "specialist", "original_ae", "named"}[i%4], i, i*1000)
	}
	b.WriteString("  - {name: territory, kind: territory}\n  - {name: pool, kind: specialist}\n  - {name: all, kind: catch_all}\n  - {name: again, kind: original_ae}\nescalation: [{to: revops}]\n")
	p, err := route.ParsePolicy([]byte(b.String()))
	if err != nil {
		tb.Fatal(err)
	}
	arr := int64(5_000_000)
	f := expansion.Facts{Now: tuesday, AccountID: "a1", Region: "R120", Territory: "T3", ARRMinor: &arr, ExpansionType: "seats", Type: "usage_growth", Strength: "strong"}
	for i := range 500 {
		r := rep(expansion.PersonID(fmt.Sprintf("01J%023d", i)), "ae", load(i%9), func(r *expansion.Rep) { r.Territory, r.Picks = fmt.Sprint("T", i%6), int64(i%7) })
		if i%10 == 0 {
			r.Role = "specialist"
		}
		if i%15 == 0 {
			off("2026-03-09", "2026-03-13", "")(&r)
			zoned("America/New_York")(&r)
		}
		f.Reps = append(f.Reps, r)
	}
	return p, f
}

// BenchmarkPick: goal at most 5 µs.
func BenchmarkPick(b *testing.B) {
	p, f := bigWorld(b)
	t := route.NewTeam(f.Reps)
	b.ReportAllocs()
	for b.Loop() {
		if c := p.Pick(t, &f); c.Kind != expansion.KindTerritory {
			b.Fatal(c)
		}
	}
}

// BenchmarkPickCatchAll looks at all 500.
func BenchmarkPickCatchAll(b *testing.B) {
	p, f := bigWorld(b)
	f.Territory, f.ExpansionType = "", "seats"
	for i := range f.Reps {
		if f.Reps[i].Role == "specialist" {
			f.Reps[i].Active = false
		}
	}
	t := route.NewTeam(f.Reps)
	b.ReportAllocs()
	for b.Loop() {
		if c := p.Pick(t, &f); c.Kind != expansion.KindCatchAll {
			b.Fatal(c)
		}
	}
}

// BenchmarkDecide: goal at most 40 µs, with trace, candidates and who would be next.
func BenchmarkDecide(b *testing.B) {
	p, f := bigWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		if d, err := p.Decide(f); err != nil || d.Kind != expansion.KindTerritory {
			b.Fatal(d, err)
		}
	}
}

// BenchmarkReplay10000: goal under 1 s.
func BenchmarkReplay10000(b *testing.B) {
	p, f := bigWorld(b)
	past := make([]expansion.Decision, 10_000)
	for i := range past {
		past[i] = expansion.Decision{Facts: f}
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := p.Replay(past); r.Total != len(past) {
			b.Fatal(r.Total)
		}
	}
}

func BenchmarkParsePolicy(b *testing.B) {
	text := route.DefaultText()
	for b.Loop() {
		if _, err := route.ParsePolicy(text); err != nil {
			b.Fatal(err)
		}
	}
}
