package detect

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Combine merges scores of independent evidence into one: 1 − ∏(1 − score), "noisy or".
// More evidence never lowers it, one piece alone keeps its score, none is 0. Scores
// are clamped to 0..1; NaN counts as 0. Feed it one score per independent source: the
// same fact told twice is one piece.
func Combine(scores ...float64) float64 {
	doubt := 1.0
	for _, s := range scores {
		if s > 0 { // also false for NaN
			doubt *= 1 - min(s, 1)
		}
	}
	return 1 - doubt
}

// hint is one reason with its own score.
type hint struct {
	score float64
	words string
}

func compareDesc(a, b float64) int { return cmp.Compare(b, a) }

// number writes a usage value without a needless fraction: "132", "131.5".
func number(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

// percent writes a share as people read it: "18%"; under one percent "under 1%".
func percent(share float64) string {
	if p := math.Round(100 * share); p >= 1 {
		return fmt.Sprintf("%.0f%%", p)
	}
	return "under 1%"
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

func observedDays(n int) string {
	if n == 1 {
		return "1 observed day"
	}
	return fmt.Sprintf("%d observed days", n)
}

// sentence joins the first phrase and the rest with semicolons, with a capital and a stop.
func sentence(first string, rest []string) string {
	s := strings.Join(append([]string{first}, rest...), "; ")
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:] + "."
}
