package detect

import (
	"time"

	"expansionbot/expansion"
)

// Detector looks at one metric of one account. It is the door for further kinds:
// growth, capacity and health detectors have this shape too.
type Detector interface {
	// Name is a machine word that never changes: it is part of Evidence.SourceID.
	Name() string
	// Detect reads no clock and does no I/O. It does not keep or change u.Points.
	Detect(u Usage) Verdict
}

// Usage is what is known of one metric of one account at Now.
type Usage struct {
	Account expansion.Account
	Metric  string                 // "" = expansion.SeatsMetric
	Points  []expansion.UsagePoint // ascending by day, one metric; 60 days or more give all reasons
	Now     time.Time              // points received or dated after it are not looked at
	State   State                  // the State of the verdict before this one
}

// State is what a detector remembers of one account and metric between scans. The
// zero value has never fired and is armed.
type State struct {
	Armed     bool      `json:"armed"`     // may fire; see CanFire for the zero value
	FiredOn   time.Time `json:"firedOn"`   // day of the observation it last fired on, zero = never
	ClearedOn time.Time `json:"clearedOn"` // day that firing stopped being true, zero = it has not
	Level     float64   `json:"level"`     // value it last fired at
}

// CanFire reports whether the detector is armed: it never fired, or the value fell far
// enough since.
func (s State) CanFire() bool { return s.Armed || s.FiredOn.IsZero() }

// Verdict is the outcome of one look. Finding and Silent exclude each other.
type Verdict struct {
	Finding *expansion.Finding // nil: nothing to say
	State   State              // to keep for the next look
	Cleared bool               // what was fired earlier stopped being true just now; said once
	Silent  string             // why there is no finding, a phrase for people
}
