package enrich

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"expansionbot/expansion"
)

// fillUsage sets the metrics that the contract counts, seats first: the latest value
// against its limit, the trend over 30 and 90 days, the baseline and a sparkline.
func fillUsage(ctx context.Context, r Reader, a expansion.Account, now time.Time, c *expansion.Context) error {
	ents, err := r.Entitlements(ctx, a.ID)
	if err != nil {
		return err
	}
	type metric struct {
		name, label, unit string
		limit             float64 // 0 = not known
	}
	seats := metric{name: expansion.SeatsMetric, label: "Seats"}
	if a.SeatsLicensed != nil {
		seats.limit = float64(*a.SeatsLicensed)
	}
	metrics := []metric{seats}
	for _, e := range validOn(ents, now) {
		if !slices.ContainsFunc(metrics, func(m metric) bool { return m.name == e.Metric }) {
			label, unit := metricWords(e)
			metrics = append(metrics, metric{e.Metric, upperFirst(label), unit, e.Limit})
		}
	}
	var lines []string
	var asOf time.Time
	for _, m := range metrics {
		points, err := r.Usage(ctx, a.ID, m.name, now.Add(-90*day))
		if err != nil {
			return err
		}
		points = slices.DeleteFunc(slices.Clone(points), func(p expansion.UsagePoint) bool {
			return p.Day.After(now) || p.ReceivedAt.After(now) || math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || p.Value < 0
		})
		if len(points) == 0 {
			continue
		}
		slices.SortStableFunc(points, func(a, b expansion.UsagePoint) int { return a.Day.Compare(b.Day) })
		lines = append(lines, usageLine(m.label, m.unit, m.limit, points))
		if last := points[len(points)-1].Day; last.After(asOf) {
			asOf = last
		}
	}
	if len(lines) == 0 {
		c.Usage.Source = "no usage in 90 days"
		return nil
	}
	c.Usage = known(strings.Join(lines, ". ")+".", "usage data", asOf)
	return nil
}

// byteUnits are the units that end a metric's name where its contract gives none.
var byteUnits = map[string]string{"kb": "kB", "mb": "MB", "gb": "GB", "tb": "TB"}

// metricWords is a contract's metric for people, with the unit it counts in: "storage"
// and "GB" of storage_gb, "API calls" and "" of api_calls.
func metricWords(e expansion.Entitlement) (label, unit string) {
	words := strings.FieldsFunc(e.Metric, func(r rune) bool { return r == '_' || r == ' ' })
	unit = e.Unit
	if n := len(words); n > 1 {
		if u := byteUnits[strings.ToLower(words[n-1])]; u != "" {
			words, unit = words[:n-1], cmp.Or(unit, u)
		}
	}
	for i, w := range words {
		if strings.EqualFold(w, "api") {
			words[i] = "API"
		}
	}
	return strings.Join(words, " "), unit
}

// upperFirst begins a sentence.
func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// usageLine is one metric in words; points are ascending and not empty.
func usageLine(label, unit string, limit float64, points []expansion.UsagePoint) string {
	last := points[len(points)-1]
	s := fmt.Sprintf("%s %s", label, number(last.Value))
	if limit > 0 {
		s += " of " + strings.TrimSpace(number(limit)+" "+unit) + fmt.Sprintf(" (%.0f%%)", 100*last.Value/limit)
	} else if unit != "" {
		s += " " + unit
	}
	var trends []string
	for _, days := range []int{30, 90} {
		if t, ok := trend(points, days); ok {
			trends = append(trends, fmt.Sprintf("%s in %d days", t, days))
		}
	}
	if len(trends) > 0 {
		s += ", " + strings.Join(trends, ", ")
	}
	if b, ok := baseline(points); ok {
		s += ", baseline " + number(math.Round(b))
	}
	return s + " " + Sparkline(weekly(points))
}

// minForTrend is how many observed days a trend needs: a week of them.
const minForTrend = 7

// trend is the change over the last days in words: the Theil–Sen slope, which one or
// two bad days do not bend, times the days seen, against where that line began. ok is false with
// fewer than minForTrend points or when they span less than half of the days.
func trend(points []expansion.UsagePoint, days int) (string, bool) {
	last := points[len(points)-1].Day
	var in []expansion.UsagePoint
	for _, p := range points {
		if daysBetween(p.Day, last) <= days {
			in = append(in, p)
		}
	}
	if len(in) < minForTrend || daysBetween(in[0].Day, last)*2 < days {
		return "", false
	}
	slope := theilSen(in)
	var centred []float64 // values moved along the line to the last day: their median is the line's end
	for _, p := range in {
		centred = append(centred, p.Value+slope*float64(daysBetween(p.Day, last)))
	}
	end := median(centred)
	change := slope * float64(days)
	start := end - change
	if share := change / start; start > 0 && math.Abs(share) < 10 {
		switch pct := math.Round(100 * share); {
		case pct >= 1:
			return fmt.Sprintf("up %.0f%%", pct), true
		case pct <= -1:
			return fmt.Sprintf("down %.0f%%", -pct), true
		}
		return "flat", true
	}
	return fmt.Sprintf("%+.0f", change), true
}

// theilSen is the median of the slopes per day between all pairs of points. Points are
// one a day at most 90 days long, so there are at most some 4,000 pairs.
func theilSen(points []expansion.UsagePoint) float64 {
	var slopes []float64
	for i, p := range points {
		for _, q := range points[i+1:] {
			if d := daysBetween(p.Day, q.Day); d > 0 {
				slopes = append(slopes, (q.Value-p.Value)/float64(d))
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return median(slopes)
}

// baseline is the median of the 28 days that end 42 days before the last point
// (detection research §5), known from 7 observed days on.
func baseline(points []expansion.UsagePoint) (float64, bool) {
	last := points[len(points)-1].Day
	var vs []float64
	for _, p := range points {
		if ago := daysBetween(p.Day, last); ago >= 42 && ago < 70 {
			vs = append(vs, p.Value)
		}
	}
	if len(vs) < minForTrend {
		return 0, false
	}
	return median(vs), true
}

// weekly is the median of each week that has points, oldest first, counted back from
// the last point.
func weekly(points []expansion.UsagePoint) []float64 {
	last := points[len(points)-1].Day
	weeks := map[int][]float64{}
	oldest := 0
	for _, p := range points {
		w := daysBetween(p.Day, last) / 7
		weeks[w] = append(weeks[w], p.Value)
		oldest = max(oldest, w)
	}
	var out []float64
	for w := oldest; w >= 0; w-- {
		if vs := weeks[w]; len(vs) > 0 {
			out = append(out, median(vs))
		}
	}
	return out
}

// flatBelow is the spread, as a share of the highest value, that a sparkline draws as flat:
// drawn from ▁ to █ it would look like wild swings.
const flatBelow = 0.02

// Sparkline draws values as ▁ (the lowest) to █ (the highest), one character each; when
// they are as good as equal every one is ▄. Values that are no number are left out as a blank.
func Sparkline(values []float64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	low, high := math.Inf(1), math.Inf(-1)
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for _, v := range values {
		if finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case !finite(v):
			b.WriteRune(' ')
		case high == low, low > 0 && (high-low)/high < flatBelow:
			b.WriteRune('▄')
		default:
			share := (v/2 - low/2) / (high/2 - low/2) // halves keep the difference of huge values finite
			if !finite(share) {
				share = 0 // the values differ by less than a half can show
			}
			b.WriteRune(bars[min(7, int(share*8))])
		}
	}
	return b.String()
}
