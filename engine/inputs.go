package engine

import (
	"time"

	"expansionbot/expansion"
)

// LogInput is what a CSM types in the log modal, or the API is posted.
type LogInput struct {
	AccountID     expansion.AccountID
	NewAccount    string // name of an account that is not in the CRM yet, instead of AccountID
	Type          expansion.SignalType
	Strength      expansion.Strength      // "" = as the rules score it
	What          string                  // what happened, 10 to 2,000 characters
	Quote         string                  // their words, optional
	People        []string                // contact ids, optional
	OccurredAt    time.Time               // zero = now
	Link          string                  // source link, optional
	SourceID      string                  // idempotency key of the evidence; "" = made
	Source        expansion.Source        // "" = manual
	Speaker       string                  // who said it, when logged from a message
	AddTo         expansion.SignalID      // add to this open signal ("Add to it")
	Different     string                  // why it is not the open one ("It's different"), one line
	ExpansionType expansion.ExpansionType // "" = by type
	Potential     *expansion.Money        // nil = estimate
	Details       map[string]any
}

// RouteInput is what the preview modal may change. Zero fields mean "as planned".
type RouteInput struct {
	To             expansion.PersonID // "" = as the policy decides
	OverrideReason string             // required when To differs from the plan
	ExpansionType  expansion.ExpansionType
	Potential      *expansion.Money
	StageID        string
	Probability    *float64 // 0..1
	CloseDate      *time.Time
	Note           string
	NoEmail        bool
	NoHold         bool
	Attach         string // the CRM's id of the open opportunity it belongs to; "" = as expansion.AttachTo says
	Separate       string // why it gets an opportunity of its own beside an open one; "" = it is attached
}

// NotMineInput is the "Not the right rep?" modal.
type NotMineInput struct {
	To     expansion.PersonID // "" = next in line
	Reason string             // wrong_territory, moved_teams, conflict, no_time, other
}

// Envelope is one Slack interaction as it is kept in the inbox: acked only after it
// is stored, worked by a job.
type Envelope struct {
	ID      string // Slack's envelope id, unique
	Kind    string // command, action, submit, event
	User    string // Slack user id
	Payload []byte // JSON as it came
}

// ListFilter narrows a list of signals. Zero fields do not narrow.
type ListFilter struct {
	Types     []expansion.SignalType
	Strengths []expansion.Strength
	Statuses  []expansion.SignalStatus
	AccountID expansion.AccountID
	Owner     expansion.PersonID // CSM or rep of the live routing
	Team      expansion.PersonID // manager whose reports' signals to show
	Since     time.Time
	After     int64 // cursor: signals with a smaller number; 0 = from the newest
	Limit     int   // 0 = 10; at most 100
}
