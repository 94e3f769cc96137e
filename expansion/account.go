package expansion

import "time"

// Account is a customer company as the sources describe it. Pointers are nil when
// the source does not say.
type Account struct {
	ID            AccountID  `json:"customerId"`
	Name          string     `json:"name"`
	Domain        string     `json:"domain"`
	Segment       string     `json:"segment"`
	Region        string     `json:"region"`
	Territory     string     `json:"territory"`
	ARR           *Money     `json:"arrCurrent"`
	SeatsLicensed *int64     `json:"seatsLicensed"`
	Plan          string     `json:"plan"`
	ContractStart *time.Time `json:"contractStart"` // first day, 00:00 UTC
	ContractEnd   *time.Time `json:"contractEnd"`   // last day, 00:00 UTC
	CSM           PersonID   `json:"csm,omitempty"`
	OriginalAE    PersonID   `json:"originalAe,omitempty"`
	CRMID         string     `json:"crmId,omitempty"`
	Restricted    bool       `json:"restricted,omitempty"` // storyboard 7.16
	UpdatedAt     time.Time  `json:"updatedAt"`
}

// Contact is a person at the customer.
type Contact struct {
	ID            string     `json:"id"`
	AccountID     AccountID  `json:"customerId"`
	Name          string     `json:"name"`
	Email         string     `json:"email,omitempty"`
	Title         string     `json:"title"`
	Role          string     `json:"role"`   // champion, decision_maker, user, blocker, "" unknown
	Stance        string     `json:"stance"` // supportive, neutral, critical, "" unknown
	LastContactAt *time.Time `json:"lastContactAt"`
	Owner         PersonID   `json:"owner,omitempty"` // who of ours holds the relationship
}

// Entitlement is a contractual limit on a metric. Period "month" resets on the 1st,
// "" is a stock. From and To are days, nil = always.
type Entitlement struct {
	AccountID AccountID  `json:"customerId"`
	Metric    string     `json:"metric"`
	Limit     float64    `json:"limit"`
	Unit      string     `json:"unit"`
	Period    string     `json:"period"`
	From      *time.Time `json:"from"`
	To        *time.Time `json:"to"`
}

// UsagePoint is one metric of one account on one day. ReceivedAt is when we learned
// of it. A day without a point is unknown, not zero.
type UsagePoint struct {
	AccountID  AccountID `json:"customerId"`
	Metric     string    `json:"metric"`
	Day        time.Time `json:"day"` // 00:00 UTC
	Value      float64   `json:"value"`
	ReceivedAt time.Time `json:"receivedAt"`
}

// SeatsMetric is the usage metric that is held against SeatsLicensed.
const SeatsMetric = "seats_used"

// FeatureEvent is a customer's user using a feature or being refused it.
type FeatureEvent struct {
	AccountID AccountID `json:"customerId"`
	UserID    string    `json:"userId"`
	Feature   string    `json:"feature"`
	Kind      string    `json:"kind"` // used or blocked
	At        time.Time `json:"at"`
}

// HealthPoint is an account's health on a day, 0..100; nil means no score that day.
type HealthPoint struct {
	AccountID AccountID `json:"customerId"`
	Day       time.Time `json:"day"`
	Score     *float64  `json:"score"`
}

// NamedAccount says that a rep is the named executive of an account between two
// UTC days (inclusive, nil = open).
type NamedAccount struct {
	AccountID AccountID
	Rep       PersonID
	From, To  *time.Time
}

// Partner says which rep sells together with a CSM, for one account or (AccountID
// "") for all of that CSM's accounts, between two UTC days (inclusive, nil = open).
type Partner struct {
	CSM       PersonID
	AccountID AccountID
	Rep       PersonID
	From, To  *time.Time
}

// Context is what is known around a signal when it is routed: the seven elements of
// FR-2, each with where it came from.
type Context struct {
	Contract     Element `json:"contract"`     // contract terms and entitlements
	Usage        Element `json:"usage"`        // usage metrics and trends
	People       Element `json:"people"`       // champion and decision-maker
	Relationship Element `json:"relationship"` // strength indicators
	History      Element `json:"history"`      // previous expansions
	Competitors  Element `json:"competitors"`
	Budget       Element `json:"budget"` // budget cycle timing

	Health       *float64  `json:"health"`      // 0..100, latest
	HealthTrend  string    `json:"healthTrend"` // rising, falling, steady, "" unknown
	Stakeholders []Contact `json:"stakeholders"`
	GatheredAt   time.Time `json:"gatheredAt"`
}

// Element is one of the seven parts of a Context. "Looked, none found" is known,
// with its source and date; "no source connected" is not.
type Element struct {
	Known  bool      `json:"known"`
	Text   string    `json:"text"` // what a person reads; "" when not known
	Source string    `json:"source"`
	AsOf   time.Time `json:"asOf"`
	Ask    string    `json:"ask,omitempty"` // who could know, when not known
}

// ElementName names the elements in the order of their weight.
type ElementName string

// The elements' names as people read them ("missing: budget cycle").
const (
	ElementContract     ElementName = "contract"
	ElementUsage        ElementName = "usage"
	ElementPeople       ElementName = "champion and decision-maker"
	ElementRelationship ElementName = "relationship"
	ElementHistory      ElementName = "expansion history"
	ElementCompetitors  ElementName = "competitors"
	ElementBudget       ElementName = "budget cycle"
)

// NamedElement is an Element with its name and its weight in percent.
type NamedElement struct {
	Name   ElementName
	Weight int
	Element
}

// Elements returns the seven with their weights, which add up to 100.
func (c Context) Elements() []NamedElement {
	return []NamedElement{
		{ElementContract, 20, c.Contract},
		{ElementUsage, 20, c.Usage},
		{ElementPeople, 20, c.People},
		{ElementRelationship, 15, c.Relationship},
		{ElementHistory, 10, c.History},
		{ElementCompetitors, 8, c.Competitors},
		{ElementBudget, 7, c.Budget},
	}
}

// Completeness is the weight of the known elements, 0..1.
func (c Context) Completeness() float64 {
	sum := 0
	for _, e := range c.Elements() {
		if e.Known {
			sum += e.Weight
		}
	}
	return float64(sum) / 100
}

// Missing names the elements that are not known, heaviest first.
func (c Context) Missing() []ElementName {
	var out []ElementName
	for _, e := range c.Elements() {
		if !e.Known {
			out = append(out, e.Name)
		}
	}
	return out
}
