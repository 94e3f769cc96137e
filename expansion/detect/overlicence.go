package detect

import (
	"fmt"
	"math"
	"slices"
	"time"

	"expansionbot/expansion"
)

// OverLicenceConfig are the guards of OverLicence. Zero fields take the defaults of
// detection research §5: fewer than 5 days of 7 gave false alarms, more gave none
// fewer.
type OverLicenceConfig struct {
	Days       int           // observed days over the licence that are needed; 0 = 5
	Window     int           // of the last so many observed days; 0 = 7, at least Days
	MaxAge     time.Duration // oldest the latest day may be, whole days; 0 = 3 days
	RearmBelow float64       // fires again only after falling this share below; 0 = 0.05, at most 1
}

var _ Detector = OverLicenceConfig{}

func (c OverLicenceConfig) withDefaults() OverLicenceConfig {
	if c.Days <= 0 {
		c.Days = 5
	}
	if c.Window <= 0 {
		c.Window = 7
	}
	c.Window = max(c.Window, c.Days)
	if c.MaxAge <= 0 {
		c.MaxAge = 3 * day
	}
	if !(c.RearmBelow > 0) {
		c.RearmBelow = 0.05
	}
	c.RearmBelow = min(c.RearmBelow, 1)
	return c
}

// Name is "over_licence".
func (OverLicenceConfig) Name() string { return "over_licence" }

// Detect is OverLicence with this configuration.
func (c OverLicenceConfig) Detect(u Usage) Verdict { return OverLicence(c, u) }

const day = 24 * time.Hour

// OverLicence finds an account that uses more seats than it pays for, and keeps at it:
// over the licence on Days of the last Window observed days, the latest too, with data
// no older than MaxAge. A spike stays silent and says so.
//
// It fires once for a crossing and again only after the claim stopped being true, a day
// was RearmBelow under the licence, and the claim came true anew. Verdict.Cleared is
// set once, when a fired claim stops being true on fresh data.
//
// The finding's evidence has a SourceID made of account, metric and the first day of
// the crossing, so a repeated scan gives the same one, as long as Points reach back to
// that day. Days without a point are unknown, not zero. Values that are negative or no
// number are not looked at; of two points for a day the one received last counts.
func OverLicence(cfg OverLicenceConfig, u Usage) Verdict {
	cfg = cfg.withDefaults()
	v := Verdict{State: u.State}
	metric := u.Metric
	if metric == "" {
		metric = expansion.SeatsMetric
	}
	if metric != expansion.SeatsMetric {
		v.Silent = fmt.Sprintf("%s has no licence count to be held against", metric)
		return v
	}
	if u.Account.SeatsLicensed == nil || *u.Account.SeatsLicensed <= 0 {
		v.Silent = "how many seats the account pays for is not known"
		return v
	}
	licensed := *u.Account.SeatsLicensed
	pts := observed(u.Points, metric, u.Now)
	if len(pts) == 0 {
		v.Silent = "no usage seen yet"
		return v
	}
	latest := pts[len(pts)-1]
	if age := u.Now.UTC().Truncate(day).Sub(latest.Day); age > cfg.MaxAge {
		v.Silent = fmt.Sprintf("the latest usage is %d days old", int(age/day))
		return v
	}
	window := pts[max(0, len(pts)-cfg.Window):]
	over := countOver(window, licensed)
	isOver := latest.Value > float64(licensed)

	if !u.State.CanFire() {
		if over < cfg.Days && u.State.ClearedOn.IsZero() {
			v.State.ClearedOn, v.Cleared = latest.Day, true
		}
		rearm := float64(licensed) * (1 - cfg.RearmBelow)
		if over < cfg.Days && latest.Value <= rearm {
			v.State.Armed = true
		}
		switch {
		case v.State.Armed:
			v.Silent = fmt.Sprintf("back at %s of %d seats", number(latest.Value), licensed)
		case over >= cfg.Days:
			v.Silent = fmt.Sprintf("already reported on %s; reported again only after falling to %s seats and rising above %d",
				u.State.FiredOn.Format("2 Jan 2006"), number(math.Floor(rearm)), licensed)
		default:
			v.Silent = fmt.Sprintf("%s of %d seats; not yet down to %s", number(latest.Value), licensed, number(math.Floor(rearm)))
		}
		return v
	}

	switch {
	case !isOver && over == 0:
		v.Silent = fmt.Sprintf("%s of %d seats", number(latest.Value), licensed)
	case !isOver:
		v.Silent = fmt.Sprintf("back at %s of %d seats after %s above", number(latest.Value), licensed, days(over))
	case over < cfg.Days:
		v.Silent = fmt.Sprintf("%s of %d seats on %d of the last %s; %d are needed",
			number(latest.Value), licensed, over, observedDays(len(window)), cfg.Days)
	default:
		v.Finding = overFinding(cfg, u, metric, licensed, pts)
		v.State = State{FiredOn: latest.Day, Level: latest.Value}
	}
	return v
}

// observed returns the points that may be looked at at now, one per day, ascending.
// Points that come in order, as they should, are not sorted again.
func observed(in []expansion.UsagePoint, metric string, now time.Time) []expansion.UsagePoint {
	out := make([]expansion.UsagePoint, 0, len(in))
	sorted := true
	for i := range in {
		p := &in[i]
		if p.Metric != "" && p.Metric != metric || p.Day.After(now) || p.ReceivedAt.After(now) || !(p.Value >= 0 && p.Value <= math.MaxFloat64) {
			continue
		}
		out = append(out, *p)
		n := len(out) - 1
		out[n].Day = p.Day.UTC().Truncate(day)
		sorted = sorted && (n == 0 || out[n-1].Day.Before(out[n].Day))
	}
	if sorted {
		return out
	}
	slices.SortStableFunc(out, func(a, b expansion.UsagePoint) int {
		if c := a.Day.Compare(b.Day); c != 0 {
			return c
		}
		return a.ReceivedAt.Compare(b.ReceivedAt)
	})
	last := out[:0]
	for i, p := range out {
		if i+1 == len(out) || !out[i+1].Day.Equal(p.Day) {
			last = append(last, p)
		}
	}
	return last
}

func countOver(pts []expansion.UsagePoint, licensed int64) (n int) {
	for _, p := range pts {
		if p.Value > float64(licensed) {
			n++
		}
	}
	return n
}

// crossing is the first day over the licence of the crossing that is true at the last
// point: it walks back while the claim would still have been true.
func crossing(cfg OverLicenceConfig, pts []expansion.UsagePoint, licensed int64) time.Time {
	claim := func(end int) []expansion.UsagePoint { // the window of the claim at pts[end], nil when not true there
		w := pts[max(0, end+1-cfg.Window) : end+1]
		if countOver(w, licensed) < cfg.Days {
			return nil
		}
		return w
	}
	end := len(pts) - 1
	for end > 0 && claim(end-1) != nil {
		end--
	}
	for _, p := range claim(end) {
		if p.Value > float64(licensed) {
			return p.Day
		}
	}
	return pts[len(pts)-1].Day
}

func overFinding(cfg OverLicenceConfig, u Usage, metric string, licensed int64, pts []expansion.UsagePoint) *expansion.Finding {
	latest := pts[len(pts)-1]
	inRow := 0
	for i := len(pts) - 1; i >= 0 && pts[i].Value > float64(licensed); i-- {
		inRow++
	}
	window := pts[max(0, len(pts)-cfg.Window):]
	var held string
	if first := pts[len(pts)-inRow]; inRow >= cfg.Days && latest.Day.Sub(first.Day) == time.Duration(inRow-1)*day {
		held = fmt.Sprintf("%s of %d seats active for %d days in a row", number(latest.Value), licensed, inRow)
	} else if inRow >= cfg.Days {
		held = fmt.Sprintf("%s of %d seats active on the last %s", number(latest.Value), licensed, observedDays(inRow))
	} else {
		held = fmt.Sprintf("%s of %d seats active, over on %d of the last %s", number(latest.Value), licensed, countOver(window, licensed), observedDays(len(window)))
	}

	// Each reason is an independent hint, so they combine like one (see Combine). The
	// weights put the storyboard's case (10 % over, 9 days, up 18 %) at 0.86.
	share := latest.Value/float64(licensed) - 1
	hints := []hint{{min(0.6, 3*share), fmt.Sprintf("%s more than the contract covers (%s over)", number(latest.Value-float64(licensed)), percent(share))}}
	hints = append(hints, hint{min(0.4, 0.05*float64(max(0, inRow-4))), ""})
	if g, ok := growth(pts); ok && g >= 0.02 {
		hints = append(hints, hint{min(0.5, 1.85*g), fmt.Sprintf("active users up %s in 30 days", percent(g))})
	}
	if end := u.Account.ContractEnd; end != nil {
		if left := int(end.Sub(u.Now.UTC().Truncate(day)) / day); left >= 0 && left <= 120 {
			hints = append(hints, hint{0, fmt.Sprintf("renewal on %s, in %s", end.Format("2 Jan 2006"), days(left))})
		}
	}
	scores, reasons := []float64{0.6}, []string{held}
	slices.SortStableFunc(hints, func(a, b hint) int { return compareDesc(a.score, b.score) })
	for _, h := range hints {
		scores = append(scores, h.score)
		if h.words != "" && len(reasons) < 3 {
			reasons = append(reasons, h.words)
		}
	}
	score := round2(Combine(scores...))

	since := crossing(cfg, pts, licensed)
	extra := int64(math.Round(latest.Value)) - licensed
	details := map[string]any{
		"metric": metric, "seatsUsed": latest.Value, "seatsLicensed": licensed, "extraSeats": max(1, extra),
		"daysInARow": inRow, "overSince": since.Format(time.DateOnly), "detector": cfg.Name(),
	}
	received := latest.ReceivedAt
	if received.IsZero() {
		received = u.Now
	}
	return &expansion.Finding{
		Signal: expansion.Signal{
			AccountID: u.Account.ID, Type: expansion.UsageGrowth, Strength: expansion.StrengthOf(score), Source: expansion.SourceUsage,
			SourceReference: metric + " " + latest.Day.Format(time.DateOnly), Subject: metric, DetectedAt: u.Now, Details: details,
			Score: score, Reasons: reasons, ExpansionType: expansion.Seats, Potential: SeatPotential(max(1, extra), u.Account),
			Status: expansion.Detected, SeenCount: 1, LastSeenAt: u.Now,
		},
		Evidence: expansion.Evidence{
			Source:     expansion.SourceUsage,
			SourceID:   fmt.Sprintf("%s:%s:%s:%s", cfg.Name(), u.Account.ID, metric, since.Format(time.DateOnly)),
			OccurredAt: latest.Day, ReceivedAt: received, Why: sentence(held, reasons[1:]), Score: score, Details: details,
		},
	}
}

// growth is the median of the last 7 observed days against the median of up to 7
// observed days that end 30 days before the last. ok is false when fewer than 4 days
// are known there.
func growth(pts []expansion.UsagePoint) (float64, bool) {
	last := pts[len(pts)-1].Day
	var then []float64
	for _, p := range pts {
		if ago := last.Sub(p.Day) / day; ago >= 30 && ago < 44 {
			then = append(then, p.Value)
		}
	}
	then = then[max(0, len(then)-7):]
	if len(then) < 4 {
		return 0, false
	}
	var now []float64
	for _, p := range pts[max(0, len(pts)-7):] {
		now = append(now, p.Value)
	}
	base := median(then)
	if base <= 0 {
		return 0, false
	}
	return median(now)/base - 1, true
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
