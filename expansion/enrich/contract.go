package enrich

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// fillContract sets the terms and what they entitle to. It is known once ARR, seats or
// an end date is; a plan's name alone is not terms.
func fillContract(ctx context.Context, r Reader, a expansion.Account, now time.Time, c *expansion.Context) error {
	ents, err := r.Entitlements(ctx, a.ID)
	if err != nil {
		return err
	}
	if a.ARR == nil && a.SeatsLicensed == nil && a.ContractEnd == nil && len(ents) == 0 {
		c.Contract.Source = "no terms imported"
		return nil
	}
	var parts []string
	if a.Plan != "" {
		parts = append(parts, a.Plan+" plan")
	}
	if a.SeatsLicensed != nil {
		parts = append(parts, expansion.Count(int(*a.SeatsLicensed), "seat"))
	}
	if a.ARR != nil {
		parts = append(parts, a.ARR.String()+" a year")
	}
	if a.ContractEnd != nil {
		if left := daysBetween(now, *a.ContractEnd); left >= 0 {
			parts = append(parts, fmt.Sprintf("until %s (%s left)", date(*a.ContractEnd), expansion.Count(left, "day")))
		} else {
			parts = append(parts, fmt.Sprintf("ended %s", date(*a.ContractEnd)))
		}
	}
	var entitled []string
	for _, e := range validOn(ents, now) {
		label, unit := metricWords(e)
		text := label + " " + number(e.Limit)
		if unit != "" {
			text += " " + unit
		}
		if e.Period != "" {
			text += " a " + e.Period
		}
		entitled = append(entitled, text)
	}
	var out []string
	if len(parts) > 0 {
		out = append(out, strings.Join(parts, ", "))
	}
	out = append(out, "Entitlements: "+cmp.Or(strings.Join(entitled, ", "), "none recorded"))
	c.Contract = known(strings.Join(out, ". ")+".", "account record", cmp.Or(a.UpdatedAt, now))
	return nil
}

// validOn returns the entitlements in force on now's day, by metric.
func validOn(ents []expansion.Entitlement, now time.Time) []expansion.Entitlement {
	today := now.UTC().Truncate(day)
	var out []expansion.Entitlement
	for _, e := range ents {
		if (e.From == nil || !e.From.After(today)) && (e.To == nil || !e.To.Before(today)) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b expansion.Entitlement) int { return cmp.Compare(a.Metric, b.Metric) })
	return out
}

// fillHistory sets the last five expansion opportunities with how they ended. "Looked,
// none found" is known.
func fillHistory(ctx context.Context, r Reader, a expansion.Account, now time.Time, c *expansion.Context) error {
	opps, err := r.PastOpportunities(ctx, a.ID)
	if err != nil {
		return err
	}
	opps = slices.DeleteFunc(slices.Clone(opps), func(o expansion.Opportunity) bool { return o.Outcome == nil })
	const source = "opportunities"
	if len(opps) == 0 {
		c.History = known("Looked, none found.", source, now)
		return nil
	}
	slices.SortStableFunc(opps, func(a, b expansion.Opportunity) int { return b.Outcome.At.Compare(a.Outcome.At) })
	won := 0
	var parts []string
	for i, o := range opps {
		if o.Outcome.Won {
			won++
		}
		if i < 5 {
			parts = append(parts, ended(o))
		}
	}
	c.History = known(fmt.Sprintf("%d won, %d lost. %s.", won, len(opps)-won, strings.Join(parts, "; ")), source, opps[0].Outcome.At)
	return nil
}

// ended is one past opportunity in words: "Won seats +$21,600 in 34 days (Mar 2025)".
func ended(o expansion.Opportunity) string {
	var b strings.Builder
	b.WriteString("Lost")
	if o.Outcome.Won {
		b.Reset()
		b.WriteString("Won")
	}
	if l := o.ExpansionType.Label(); l != "" {
		b.WriteString(" " + strings.ToLower(l))
	}
	if m := o.Outcome.ARRChange; m != nil && o.Outcome.Won {
		b.WriteString(" " + m.Signed())
	}
	if !o.CreatedAt.IsZero() && !o.Outcome.At.Before(o.CreatedAt) {
		fmt.Fprintf(&b, " in %s", expansion.Count(daysBetween(o.CreatedAt, o.Outcome.At), "day"))
	}
	fmt.Fprintf(&b, " (%s)", o.Outcome.At.UTC().Format("Jan 2006"))
	if !o.Outcome.Won && o.Outcome.Reason != "" {
		b.WriteString(": " + o.Outcome.Reason)
	}
	if o.Outcome.Competitor != "" {
		b.WriteString(", to " + o.Outcome.Competitor)
	}
	return b.String()
}

// How long a health score counts, and how far it must move to have a trend. Scores are
// 0..100; feeds are daily to monthly.
const (
	healthFresh = 35 * day
	healthMove  = 3.0
)

// fillHealth sets the latest score and where it goes: the median of its last 7 days
// against the median of the 30 days before those.
func fillHealth(ctx context.Context, r Reader, a expansion.Account, now time.Time, c *expansion.Context) error {
	points, err := r.Health(ctx, a.ID, now.Add(-90*day))
	if err != nil {
		return err
	}
	points = slices.DeleteFunc(slices.Clone(points), func(p expansion.HealthPoint) bool {
		return p.Score == nil || !(*p.Score >= 0 && *p.Score <= 100) || p.Day.After(now)
	})
	if len(points) == 0 {
		return nil
	}
	slices.SortStableFunc(points, func(a, b expansion.HealthPoint) int { return a.Day.Compare(b.Day) })
	last := points[len(points)-1]
	if now.Sub(last.Day) > healthFresh {
		return nil
	}
	c.Health = new(*last.Score)
	var recent, before []float64
	for _, p := range points {
		switch ago := daysBetween(p.Day, last.Day); {
		case ago < 7:
			recent = append(recent, *p.Score)
		case ago < 37:
			before = append(before, *p.Score)
		}
	}
	if len(before) == 0 {
		return nil
	}
	switch d := median(recent) - median(before); {
	case d >= healthMove:
		c.HealthTrend = "rising"
	case d <= -healthMove:
		c.HealthTrend = "falling"
	default:
		c.HealthTrend = "steady"
	}
	return nil
}

// median needs at least one value; it does not change vs.
func median(vs []float64) float64 {
	s := slices.Sorted(slices.Values(vs))
	h := len(s) / 2
	if len(s)%2 == 1 {
		return s[h]
	}
	return (s[h-1] + s[h]) / 2
}

// number writes a value with at most one decimal and with thousands apart.
func number(v float64) string {
	s := strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	whole, frac, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac != "" {
		whole += "." + frac
	}
	if strings.HasPrefix(s, "-") {
		whole = "-" + whole
	}
	return whole
}
