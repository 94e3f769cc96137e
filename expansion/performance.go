package expansion

import (
	"fmt"
	"time"
)

// EnoughOutcomes is how many cases a percentage needs before it is shown; below it
// a cell reads "too few (7)" (storyboard 5.4).
const EnoughOutcomes = 20

// Performance is how the routings of a period did. Every figure is about the
// routings sent in [Since, Until), as far as they had come by Until; what happened
// later does not count. Rates hold cases, not money; money is per currency and never
// summed across.
type Performance struct {
	Since   time.Time        `json:"since"`
	Until   time.Time        `json:"until"`
	Routed  int              `json:"routed"`
	Targets []Target         `json:"targets"` // the four of the product requirements, in their order
	ByType  []PerformanceRow `json:"byType"`  // in the order of SignalTypes, only types that were routed
	ByRep   []PerformanceRow `json:"byRep"`   // most routed first, then by id
	ARR     []Money          `json:"arr"`     // won, one per currency, sorted by currency
}

// Target is one success metric of the product requirements: what it is now, what it
// should be, and whether there is enough data to judge.
type Target struct {
	Name   string   `json:"name"`   // "Signal to opportunity"
	Now    string   `json:"now"`    // "62% (36 of 58)", "1 h 48 m", "too few (7)"
	Target string   `json:"target"` // "over 60%", "under 4 h"; "" for what is only tracked
	Value  *float64 `json:"value"`  // 0..1 for a rate, hours for a time; nil: not enough data, or money
	N      int      `json:"n"`      // cases it rests on
	Enough bool     `json:"enough"` // N is at least EnoughOutcomes; always true for money
	Met    bool     `json:"met"`    // only true when Enough; always false without a target
}

// PerformanceRow is one signal type's or one rep's part of a Performance.
type PerformanceRow struct {
	Type          SignalType     `json:"signalType,omitempty"` // set in ByType
	Rep           PersonID       `json:"repId,omitempty"`      // set in ByRep
	Routed        int            `json:"routed"`
	Acknowledged  int            `json:"acknowledged"`
	Opportunities int            `json:"opportunities"`
	Won           int            `json:"won"`
	Lost          int            `json:"lost"`
	WinRate       Rate           `json:"winRate"`       // won of closed
	ToAcknowledge *time.Duration `json:"toAcknowledge"` // median, elapsed, those still waiting counted; nil: half have not
	ToClose       *time.Duration `json:"toClose"`       // median, elapsed, open ones counted; nil: half have not
	ARR           []Money        `json:"arr"`           // won, one per currency, sorted by currency
}

// Open is how many of the row's routings are neither won nor lost.
func (r PerformanceRow) Open() int { return r.Routed - r.Won - r.Lost }

// Rate is a share of N cases with its 95 % interval. While Known is false there are
// too few cases and Value, Low and High are 0 and mean nothing.
type Rate struct {
	Known bool    `json:"known"`
	Value float64 `json:"value"` // 0..1
	Low   float64 `json:"low"`   // 0..1, at most Value
	High  float64 `json:"high"`  // 0..1, at least Value
	N     int     `json:"n"`
}

// String writes the rate as people read it: "41%" or "too few (7)".
func (r Rate) String() string {
	if !r.Known {
		return fmt.Sprintf("too few (%d)", r.N)
	}
	return fmt.Sprintf("%.0f%%", 100*r.Value)
}
