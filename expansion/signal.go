package expansion

import (
	"fmt"
	"strings"
	"time"
)

// Ids. Each is a ULID unless its comment says otherwise; people see the short
// human number beside it (S-1042, R-311, O-207).
type (
	SignalID      string
	RoutingID     string
	OpportunityID string
	PersonID      string
	AccountID     string // the imported account_id, as the source writes it
)

// SignalType is the kind of evidence a signal rests on.
type SignalType string

// The six kinds of the product requirements.
const (
	UsageGrowth      SignalType = "usage_growth"
	FeatureAdoption  SignalType = "feature_adoption"
	ExplicitRequest  SignalType = "explicit_request"
	BudgetDiscussion SignalType = "budget_discussion"
	CapacityLimit    SignalType = "capacity_limit"
	HealthIndicator  SignalType = "health_indicator"
)

// SignalTypes lists every type in the order the log modal shows them.
var SignalTypes = []SignalType{UsageGrowth, FeatureAdoption, ExplicitRequest, BudgetDiscussion, CapacityLimit, HealthIndicator}

var typeLabels = map[SignalType]string{
	UsageGrowth: "Usage growth", FeatureAdoption: "Feature adoption", ExplicitRequest: "Asked for it",
	BudgetDiscussion: "Budget talk", CapacityLimit: "Capacity limit", HealthIndicator: "Health",
}

// Label returns the words people see for the type.
func (t SignalType) Label() string { return typeLabels[t] }

// Valid reports whether t is one of the six.
func (t SignalType) Valid() bool { return typeLabels[t] != "" }

// Strength is how sure we are that the customer is ready to buy.
type Strength string

// The three strengths, strongest first.
const (
	Strong      Strength = "strong"
	Moderate    Strength = "moderate"
	Exploratory Strength = "exploratory"
)

// Default score floors of the strengths (storyboard 3.2: 0.86 is strong; detection
// research §2). Scores are probabilities in 0..1.
const (
	StrongFrom   = 0.75
	ModerateFrom = 0.50
)

// StrengthOf maps a score in 0..1 to its strength with the default floors.
func StrengthOf(score float64) Strength {
	switch {
	case score >= StrongFrom:
		return Strong
	case score >= ModerateFrom:
		return Moderate
	}
	return Exploratory
}

// Rank orders strengths: exploratory 1, moderate 2, strong 3, anything else 0.
func (s Strength) Rank() int {
	switch s {
	case Strong:
		return 3
	case Moderate:
		return 2
	case Exploratory:
		return 1
	}
	return 0
}

// Valid reports whether s is one of the three.
func (s Strength) Valid() bool { return s.Rank() > 0 }

// Chip is the shape-and-word mark of a strength, never colour alone.
func (s Strength) Chip() string {
	switch s {
	case Strong:
		return "●●● Strong"
	case Moderate:
		return "●●○ Moderate"
	case Exploratory:
		return "●○○ Exploratory"
	}
	return "○○○ Unknown"
}

// Source says where evidence came from, in the product requirements' words.
type Source string

// The sources.
const (
	SourceUsage   Source = "usage_data"
	SourceMeeting Source = "meeting_transcript"
	SourceEmail   Source = "email"
	SourceManual  Source = "manual"
	SourceSystem  Source = "system"
)

// Words returns what people read: "usage data", "logged by hand".
func (s Source) Words() string {
	if s == SourceManual {
		return "logged by hand"
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// SignalStatus is where a signal stands.
type SignalStatus string

// Signal states. The way is Detected → Confirmed → Routed → Closed; Dismissed,
// Merged and Parked end it early.
const (
	Detected  SignalStatus = "detected"
	Confirmed SignalStatus = "confirmed"
	Routed    SignalStatus = "routed"
	Closed    SignalStatus = "closed"
	Dismissed SignalStatus = "dismissed"
	Merged    SignalStatus = "merged"
	Parked    SignalStatus = "parked"
)

var signalMoves = map[SignalStatus][]SignalStatus{
	Detected:  {Confirmed, Dismissed, Merged, Parked},
	Confirmed: {Routed, Detected, Dismissed, Merged, Parked},
	Routed:    {Closed, Confirmed, Dismissed},
	Parked:    {Detected, Confirmed, Dismissed, Merged},
}

// CanMove reports whether a signal may go from one state to another. A routed
// signal goes back to Confirmed when its routing was recalled.
func (s SignalStatus) CanMove(to SignalStatus) bool {
	for _, t := range signalMoves[s] {
		if t == to {
			return true
		}
	}
	return false
}

// Open reports whether a signal in this state may still take evidence.
func (s SignalStatus) Open() bool {
	return s == Detected || s == Confirmed || s == Routed || s == Parked
}

// Waiting says what an open, unrouted signal waits for.
type Waiting string

// What a Confirmed signal (review, held, recipient) or a Detected one (csm, until,
// list) waits for. "" waits for nothing but the next job.
const (
	WaitNone      Waiting = ""
	WaitReview    Waiting = "review"    // the review window ends
	WaitHeld      Waiting = "held"      // the CSM pressed Hold
	WaitRecipient Waiting = "recipient" // nobody was eligible; retried
	WaitCSM       Waiting = "csm"       // the CSM was asked
	WaitUntil     Waiting = "until"     // the CSM said "real, not now"
	WaitList      Waiting = "list"      // found at the first scan; routes only when chosen
)

// ExpansionType is what the customer may buy.
type ExpansionType string

// The four kinds of expansion.
const (
	Seats     ExpansionType = "seats"
	Tier      ExpansionType = "tier"
	Upsell    ExpansionType = "upsell"
	CrossSell ExpansionType = "cross_sell"
)

// ExpansionTypes lists the kinds in the order menus show them.
var ExpansionTypes = []ExpansionType{Seats, Tier, Upsell, CrossSell}

var expansionLabels = map[ExpansionType]string{Seats: "Seats", Tier: "Tier", Upsell: "Upsell", CrossSell: "Cross-sell"}

// Label returns the words people see.
func (t ExpansionType) Label() string { return expansionLabels[t] }

// Valid reports whether t is one of the four.
func (t ExpansionType) Valid() bool { return expansionLabels[t] != "" }

// Signal is a claim that an account may buy more, with how sure we are and why.
// At most one open signal exists per DuplicateKey.
type Signal struct {
	ID              SignalID       `json:"id"`
	Number          int64          `json:"number"` // shown as S-1042
	AccountID       AccountID      `json:"customerId"`
	Type            SignalType     `json:"signalType"`
	Strength        Strength       `json:"signalStrength"`
	Source          Source         `json:"source"` // of the first evidence
	SourceReference string         `json:"sourceReference"`
	Subject         string         `json:"subject"` // what it is about: "seats_used", a feature, a topic
	DetectedAt      time.Time      `json:"detectedAt"`
	Details         map[string]any `json:"details"`

	Score         float64       `json:"score"`   // 0..1
	Reasons       []string      `json:"reasons"` // top three, in words, strongest first
	ExpansionType ExpansionType `json:"expansionType"`
	Potential     *Potential    `json:"potential"` // nil: not known
	Status        SignalStatus  `json:"status"`
	Waiting       Waiting       `json:"waiting,omitempty"`
	WaitUntil     *time.Time    `json:"waitUntil,omitempty"` // when review, until or retry ends
	CreatedBy     PersonID      `json:"createdBy,omitempty"` // the CSM who logged it, "" for automatic ones
	SeenCount     int           `json:"seenCount"`
	LastSeenAt    time.Time     `json:"lastSeenAt"`
	OpportunityID OpportunityID `json:"opportunityId,omitempty"`
	Completeness  *float64      `json:"contextCompleteness"` // 0..1, nil before enrichment
	DismissReason string        `json:"dismissReason,omitempty"`
	Version       int64         `json:"version"`
	UpdatedAt     time.Time     `json:"updatedAt"`
}

// Label is the short human number, "S-1042".
func (s Signal) Label() string { return fmt.Sprintf("S-%d", s.Number) }

// DuplicateKey is the same for signals that are one: account, type and subject.
func (s Signal) DuplicateKey() string {
	return string(s.AccountID) + "\x1f" + string(s.Type) + "\x1f" + s.Subject
}

// Potential is an estimate of the yearly revenue an expansion may add.
type Potential struct {
	Likely  Money  `json:"likely"`
	Low     Money  `json:"low"`
	High    Money  `json:"high"`
	Formula string `json:"formula"` // in words: "12 seats × $1,600"
	ByHand  bool   `json:"byHand"`  // a person typed it; then it is no estimate
}

// Evidence is one fact behind a signal. (Source, SourceID) is unique, so the same
// fact delivered twice counts once.
type Evidence struct {
	ID         string         `json:"id"`
	SignalID   SignalID       `json:"signalId"`
	Source     Source         `json:"source"`
	SourceID   string         `json:"sourceId"`   // unique in its source
	OccurredAt time.Time      `json:"occurredAt"` // when it was true for the customer
	ReceivedAt time.Time      `json:"receivedAt"` // when we learned of it
	Why        string         `json:"why"`        // a sentence
	Quote      string         `json:"quote,omitempty"`
	Speaker    string         `json:"speaker,omitempty"`
	Link       string         `json:"link,omitempty"`
	By         PersonID       `json:"by,omitempty"`
	People     []string       `json:"people,omitempty"` // contact ids of who was involved
	Score      float64        `json:"score"`
	Details    map[string]any `json:"details,omitempty"`
}

// Finding is what a detector returns: a signal to be, with the evidence for it.
// Engine gives it ids, merges it with an open duplicate or keeps it as new.
type Finding struct {
	Signal   Signal
	Evidence Evidence
}
