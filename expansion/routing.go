package expansion

import (
	"fmt"
	"time"
)

// RoutedToRole is the recipient's role in the product requirements' words.
type RoutedToRole string

// The three roles of ExpansionRouting.
const (
	ToAE           RoutedToRole = "ae"
	ToExpansionRep RoutedToRole = "expansion_rep"
	ToTerritoryRep RoutedToRole = "territory_rep"
)

// RoutingStatus is exactly the product requirements' path.
type RoutingStatus string

// The path: Pending → Acknowledged → InProgress → Won | Lost.
const (
	Pending      RoutingStatus = "pending"
	Acknowledged RoutingStatus = "acknowledged"
	InProgress   RoutingStatus = "in_progress"
	Won          RoutingStatus = "won"
	Lost         RoutingStatus = "lost"
)

var routingRank = map[RoutingStatus]int{Pending: 1, Acknowledged: 2, InProgress: 3, Won: 4, Lost: 4}

// CanMove reports whether a routing may go from one status to another: only
// forward, steps may be skipped (a deal can be won without "in progress"), and won
// and lost are the end. Pending → Lost happens when "not real" was agreed.
func (s RoutingStatus) CanMove(to RoutingStatus) bool {
	return routingRank[to] > routingRank[s] && routingRank[s] > 0 && routingRank[s] < 4
}

// Final reports whether nothing can follow.
func (s RoutingStatus) Final() bool { return s == Won || s == Lost }

// Disposition says how a routing left its path early; "" while it is on it.
type Disposition string

// The ways to leave early.
const (
	OnPath   Disposition = ""
	Rerouted Disposition = "rerouted"
	Rejected Disposition = "rejected"
	Recalled Disposition = "recalled"
)

// Routing is one signal sent to one person.
type Routing struct {
	ID             RoutingID     `json:"id"`
	Number         int64         `json:"number"` // shown as R-311
	SignalID       SignalID      `json:"signalId"`
	AccountID      AccountID     `json:"customerId"`
	To             PersonID      `json:"routedToUserId"`
	Role           RoutedToRole  `json:"routedToRole"`
	Reason         string        `json:"routingReason"` // in words: "original AE on the account, active, load 3 of 8"
	OpportunityID  OpportunityID `json:"opportunityId"`
	Package        Package       `json:"handoffPackage"`
	Status         RoutingStatus `json:"status"`
	Disposition    Disposition   `json:"disposition,omitempty"`
	LeftReason     string        `json:"leftReason,omitempty"` // why it left early, in words
	HandedBack     bool          `json:"handedBack,omitempty"` // it left because the recipient said it isn't theirs
	SalesFeedback  *string       `json:"salesFeedback"`
	OutcomeARR     *Money        `json:"outcomeArrChange"`
	RoutedAt       time.Time     `json:"routedAt"`
	AcknowledgedAt *time.Time    `json:"acknowledgedAt"`
	ClosedAt       *time.Time    `json:"closedAt"`

	RoutedBy        PersonID   `json:"routedBy,omitempty"` // "" when the review window ended by itself
	Covering        PersonID   `json:"covering,omitempty"` // the person this one stands in for
	Note            string     `json:"note,omitempty"`     // the CSM's note for sales
	Separate        string     `json:"separate,omitempty"` // why it has an opportunity of its own beside an open one
	Override        string     `json:"override,omitempty"` // reason when a person chose the recipient
	NoHold          bool       `json:"noHold,omitempty"`   // routed without keeping others off the account
	NoEmail         bool       `json:"noEmail,omitempty"`  // routed by Slack only
	EscalateAt      time.Time  `json:"escalateAt"`         // the 48 h mark
	EscalatedAt     *time.Time `json:"escalatedAt"`
	EscalatedTo     PersonID   `json:"escalatedTo,omitempty"`
	EscalationLevel int        `json:"escalationLevel,omitempty"` // of the policy's ladder; 0 = not escalated
	Extended        bool       `json:"extended,omitempty"`        // "Give 24 h more" was used
	Bounces         int        `json:"bounces"`                   // "not mine" presses on this signal so far
	Decision        Decision   `json:"-"`                         // facts, trace and policy version it was decided with
	Version         int64      `json:"version"`                   // counts changes of status, recipient or terms
}

// Label is the short human number, "R-311".
func (r Routing) Label() string { return fmt.Sprintf("R-%d", r.Number) }

// Open reports whether the routing still needs somebody to work it.
func (r Routing) Open() bool { return r.Disposition == OnPath && !r.Status.Final() }

// Facts is all a routing decision may look at: ids, numbers and dates, no names.
type Facts struct {
	Now            time.Time      `json:"now"`
	AccountID      AccountID      `json:"accountId"`
	Segment        string         `json:"segment"`
	Region         string         `json:"region"`
	Territory      string         `json:"territory"`
	Plan           string         `json:"plan"`
	ARRMinor       *int64         `json:"arrMinor"`
	Currency       string         `json:"currency,omitempty"`
	CSM            PersonID       `json:"csm,omitempty"`
	OriginalAE     PersonID       `json:"originalAe,omitempty"`
	Type           SignalType     `json:"type"`
	Strength       Strength       `json:"strength"`
	Score          float64        `json:"score"`
	ExpansionType  ExpansionType  `json:"expansionType"`
	PotentialMinor *int64         `json:"potentialMinor"`
	OpenOwners     []PersonID     `json:"openOwners,omitempty"` // owners of open opportunities on the account
	Named          []NamedAccount `json:"named,omitempty"`      // of this account
	Partners       []Partner      `json:"partners,omitempty"`   // of this account's CSM
	Reps           []Rep          `json:"reps"`                 // everybody, any order
	Exclude        []PersonID     `json:"exclude,omitempty"`    // said "not mine" to this signal
}

// RuleKind is what a policy rule looks for, or how a fallback chose.
type RuleKind string

// The kinds of the shipped policy, in its order, and of its fallbacks.
const (
	KindOpenOpportunity RuleKind = "open_opportunity"
	KindPartner         RuleKind = "partner"
	KindNamed           RuleKind = "named"
	KindOriginalAE      RuleKind = "original_ae"
	KindSpecialist      RuleKind = "specialist"
	KindTerritory       RuleKind = "territory"
	KindCatchAll        RuleKind = "catch_all"
	KindPeople          RuleKind = "people" // a rule that names people itself
	KindCover           RuleKind = "cover"
	KindLeastLoaded     RuleKind = "least_loaded"
	KindBackSoonest     RuleKind = "back_soonest"
	KindOverride        RuleKind = "override" // a person chose
	KindNone            RuleKind = "none"
)

var kindWords = map[RuleKind]string{
	KindOpenOpportunity: "owner of the open opportunity", KindPartner: "sales partner", KindNamed: "named executive",
	KindOriginalAE: "original AE", KindSpecialist: "specialist pool", KindTerritory: "territory", KindCatchAll: "catch-all",
	KindPeople: "named in the policy", KindCover: "cover", KindLeastLoaded: "least loaded", KindBackSoonest: "back soonest",
	KindOverride: "chosen by hand",
}

// Words returns what people read of a decision's kind, "" for one that names nobody.
func (k RuleKind) Words() string { return kindWords[k] }

// Decision is who gets a signal and why. To is "" when nobody is eligible.
type Decision struct {
	To            PersonID     `json:"to,omitempty"`
	Role          RoutedToRole `json:"role,omitempty"`
	Kind          RuleKind     `json:"kind"`
	Rule          string       `json:"rule"`               // name of the deciding rule
	Reason        string       `json:"reason"`             // in words, no names: "original AE on the account, active, load 3 of 8"
	Covering      PersonID     `json:"covering,omitempty"` // whom To stands in for
	Candidates    []Candidate  `json:"candidates"`         // everybody considered, in the order considered
	Trace         []Step       `json:"trace"`              // one per rule, in file order
	PolicyVersion string       `json:"policyVersion"`      // hash of the policy text
	Facts         Facts        `json:"facts"`
	OverLimit     bool         `json:"overLimit,omitempty"`     // To was full and got it all the same
	IfUnavailable PersonID     `json:"ifUnavailable,omitempty"` // who would get it without To
}

// Candidate is a person the policy looked at and, if dropped, why.
type Candidate struct {
	ID      PersonID `json:"id"`
	Rule    string   `json:"rule"`
	Dropped string   `json:"dropped,omitempty"` // "" = eligible; else "away until 2026-04-02", "8 of 8 open", "left", "said not mine", "not a seller"
}

// Step is what one rule of the policy did.
type Step struct {
	Rule   string     `json:"rule"`
	Kind   RuleKind   `json:"kind"`
	Result StepResult `json:"result"`
	Fact   string     `json:"fact"` // the fact that decided it, in words
}

// StepResult says how a rule ended.
type StepResult string

// The results: Chose decided; Skipped did not apply; NobodyEligible applied but had
// no one; NotReached came after the deciding rule.
const (
	Chose          StepResult = "chose"
	Skipped        StepResult = "skipped"
	NobodyEligible StepResult = "nobody_eligible"
	NotReached     StepResult = "not_reached"
)

// Package is the hand-off a rep gets.
type Package struct {
	Summary             string        `json:"summary"`
	HealthScore         *float64      `json:"healthScore"`
	ARRCurrent          *Money        `json:"arrCurrent"`
	ARRPotential        *Money        `json:"arrPotential"`
	Stakeholders        []Stakeholder `json:"stakeholders"`
	RecommendedApproach string        `json:"recommendedApproach"`
	Timeline            string        `json:"timeline"`

	WhyNow       string      `json:"whyNow"`
	StartHere    string      `json:"startHere"` // the next step in one or two sentences
	Objections   []Objection `json:"objections"`
	HealthText   string      `json:"healthText"` // "82, rising" or "Not known"
	Relationship string      `json:"relationship"`
	History      string      `json:"history"`
	Competitors  string      `json:"competitors"`
	Unknowns     []string    `json:"unknowns"`  // "Budget cycle: not known. Priya Nair could know."
	WinChance    *float64    `json:"winChance"` // 0..1, nil while there are too few outcomes
	WinSample    int         `json:"winSample"`
}

// Stakeholder is a person at the customer as the package shows them.
type Stakeholder struct {
	Name        string     `json:"name"`
	Title       string     `json:"title"`
	Role        string     `json:"role"`
	Stance      string     `json:"stance"`
	LastContact *time.Time `json:"lastContact"`
	Owner       string     `json:"owner"`              // our person's name, "" unknown
	Involved    bool       `json:"involved,omitempty"` // named by who logged the signal
}

// Objection is one the rep may hear, with an answer.
type Objection struct {
	Says   string `json:"says"`
	Answer string `json:"answer"`
}
