package api

import (
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
)

// The JSON of the product requirements: their names first, ours after. Amounts are
// numbers in major units with their currency beside them; null is "not known".

type signalJSON struct {
	ID              expansion.SignalID   `json:"id"`
	CustomerID      expansion.AccountID  `json:"customerId"`
	SignalType      expansion.SignalType `json:"signalType"`
	SignalStrength  expansion.Strength   `json:"signalStrength"`
	Source          expansion.Source     `json:"source"`
	SourceReference string               `json:"sourceReference"`
	DetectedAt      time.Time            `json:"detectedAt"`
	Details         map[string]any       `json:"details"`

	Label         string                   `json:"label"`
	Status        expansion.SignalStatus   `json:"status"`
	Waiting       *string                  `json:"waiting"`
	WaitUntil     *time.Time               `json:"waitUntil"`
	Score         float64                  `json:"score"`
	Reasons       []string                 `json:"reasons"`
	ExpansionType expansion.ExpansionType  `json:"expansionType"`
	Potential     *potentialJSON           `json:"potential"`
	SeenCount     int                      `json:"seenCount"`
	LastSeenAt    time.Time                `json:"lastSeenAt"`
	OpportunityID *expansion.OpportunityID `json:"opportunityId"`
	Completeness  *float64                 `json:"contextCompleteness"`
	DismissReason *string                  `json:"dismissReason"`
}

type potentialJSON struct {
	Likely   float64 `json:"likely"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Currency string  `json:"currency"`
	Formula  string  `json:"formula"`
	ByHand   bool    `json:"byHand"`
}

func signalOf(s expansion.Signal) signalJSON {
	j := signalJSON{
		ID: s.ID, CustomerID: s.AccountID, SignalType: s.Type, SignalStrength: s.Strength, Source: s.Source, SourceReference: s.SourceReference, DetectedAt: s.DetectedAt.UTC(), Details: s.Details,
		Label: s.Label(), Status: s.Status, Waiting: textOrNull(string(s.Waiting)), WaitUntil: utc(s.WaitUntil), Score: s.Score, Reasons: s.Reasons, ExpansionType: s.ExpansionType,
		SeenCount: s.SeenCount, LastSeenAt: s.LastSeenAt.UTC(), OpportunityID: textOrNull(s.OpportunityID), Completeness: s.Completeness, DismissReason: textOrNull(s.DismissReason),
	}
	if j.Details == nil {
		j.Details = map[string]any{}
	}
	if j.Reasons == nil {
		j.Reasons = []string{}
	}
	if p := s.Potential; p != nil {
		j.Potential = &potentialJSON{p.Likely.Major(), p.Low.Major(), p.High.Major(), p.Likely.Currency, p.Formula, p.ByHand}
	}
	return j
}

type signalsPage struct {
	Items      []signalJSON `json:"items"`
	NextCursor *string      `json:"nextCursor"` // null at the end
}

type routingJSON struct {
	SignalID         expansion.SignalID      `json:"signalId"`
	CustomerID       expansion.AccountID     `json:"customerId"`
	RoutedToUserID   expansion.PersonID      `json:"routedToUserId"`
	RoutedToRole     expansion.RoutedToRole  `json:"routedToRole"`
	RoutingReason    string                  `json:"routingReason"`
	OpportunityID    expansion.OpportunityID `json:"opportunityId"`
	HandoffPackage   packageJSON             `json:"handoffPackage"`
	Status           expansion.RoutingStatus `json:"status"`
	SalesFeedback    *string                 `json:"salesFeedback"`
	OutcomeARRChange *float64                `json:"outcomeArrChange"`
	RoutedAt         time.Time               `json:"routedAt"`
	AcknowledgedAt   *time.Time              `json:"acknowledgedAt"`
	ClosedAt         *time.Time              `json:"closedAt"`

	ID              expansion.RoutingID `json:"id"`
	Label           string              `json:"label"`
	Disposition     *string             `json:"disposition"` // rerouted, rejected, recalled; null on the path
	LeftReason      *string             `json:"leftReason"`
	EscalateAt      time.Time           `json:"escalateAt"`
	EscalatedAt     *time.Time          `json:"escalatedAt"`
	Note            *string             `json:"note"`
	OutcomeCurrency *string             `json:"currency"` // of outcomeArrChange
}

type packageJSON struct {
	Summary             string            `json:"summary"`
	HealthScore         *float64          `json:"healthScore"`
	ARRCurrent          *float64          `json:"arrCurrent"`
	ARRPotential        *float64          `json:"arrPotential"`
	Currency            *string           `json:"currency"` // of both; of arrCurrent should they differ
	PotentialCurrency   *string           `json:"potentialCurrency"`
	Stakeholders        []stakeholderJSON `json:"stakeholders"`
	RecommendedApproach string            `json:"recommendedApproach"`
	Timeline            string            `json:"timeline"`
	WhyNow              string            `json:"whyNow"`
	Objections          []objectionJSON   `json:"objections"`
	Unknowns            []string          `json:"unknowns"`
}

type stakeholderJSON struct {
	Name        string     `json:"name"`
	Title       string     `json:"title"`
	Role        *string    `json:"role"`
	Stance      *string    `json:"stance"`
	LastContact *time.Time `json:"lastContact"`
	Owner       *string    `json:"owner"`
}

type objectionJSON struct {
	Says   string `json:"says"`
	Answer string `json:"answer"`
}

func routingOf(r expansion.Routing) routingJSON {
	arr, currency := amount(r.OutcomeARR)
	return routingJSON{
		SignalID: r.SignalID, CustomerID: r.AccountID, RoutedToUserID: r.To, RoutedToRole: r.Role, RoutingReason: r.Reason, OpportunityID: r.OpportunityID,
		HandoffPackage: packageOf(r.Package), Status: r.Status, SalesFeedback: r.SalesFeedback, OutcomeARRChange: arr, RoutedAt: r.RoutedAt.UTC(), AcknowledgedAt: utc(r.AcknowledgedAt), ClosedAt: utc(r.ClosedAt),
		ID: r.ID, Label: r.Label(), Disposition: textOrNull(string(r.Disposition)), LeftReason: textOrNull(r.LeftReason), EscalateAt: r.EscalateAt.UTC(), EscalatedAt: utc(r.EscalatedAt), Note: textOrNull(r.Note), OutcomeCurrency: currency,
	}
}

func packageOf(p expansion.Package) packageJSON {
	j := packageJSON{
		Summary: p.Summary, HealthScore: p.HealthScore, RecommendedApproach: p.RecommendedApproach, Timeline: p.Timeline, WhyNow: p.WhyNow,
		Stakeholders: []stakeholderJSON{}, Objections: []objectionJSON{}, Unknowns: append([]string{}, p.Unknowns...),
	}
	j.ARRCurrent, j.Currency = amount(p.ARRCurrent)
	j.ARRPotential, j.PotentialCurrency = amount(p.ARRPotential)
	if j.Currency == nil {
		j.Currency = j.PotentialCurrency
	}
	for _, s := range p.Stakeholders {
		j.Stakeholders = append(j.Stakeholders, stakeholderJSON{s.Name, s.Title, textOrNull(s.Role), textOrNull(s.Stance), utc(s.LastContact), textOrNull(s.Owner)})
	}
	for _, o := range p.Objections {
		j.Objections = append(j.Objections, objectionJSON(o))
	}
	return j
}

type statusJSON struct {
	OpportunityID expansion.OpportunityID `json:"opportunityId"`
	Label         string                  `json:"label"`
	Name          string                  `json:"name"`
	CustomerID    expansion.AccountID     `json:"customerId"`
	SignalID      expansion.SignalID      `json:"signalId"`
	Status        expansion.RoutingStatus `json:"status"`
	ExpansionType expansion.ExpansionType `json:"expansionType"`
	Stage         *string                 `json:"stage"`
	StageID       *string                 `json:"stageId"`
	Probability   *float64                `json:"probability"` // 0..1
	Amount        *float64                `json:"amount"`
	Currency      *string                 `json:"currency"`
	CloseDate     *string                 `json:"closeDate"` // YYYY-MM-DD
	OwnerUserID   expansion.PersonID      `json:"ownerUserId"`
	OwnerEmail    *string                 `json:"ownerEmail"`
	CRM           crmJSON                 `json:"crm"`
	Outcome       *outcomeJSON            `json:"outcome"` // null while open
	Routing       routingJSON             `json:"routing"` // the current one
	CreatedAt     time.Time               `json:"createdAt"`
}

// crmJSON says where the record is; id and url are null until the CRM answered.
type crmJSON struct {
	Kind *string `json:"kind"`
	ID   *string `json:"id"`
	URL  *string `json:"url"`
}

type outcomeJSON struct {
	Outcome          string    `json:"outcome"` // won, lost
	OutcomeARRChange *float64  `json:"outcomeArrChange"`
	Currency         *string   `json:"currency"`
	Reason           *string   `json:"reason"`
	Competitor       *string   `json:"competitor"`
	SalesFeedback    *string   `json:"salesFeedback"`
	Rating           *int      `json:"rating"` // 1..5
	SignalRight      *string   `json:"signalRight"`
	From             string    `json:"from"` // crm, slack, api
	At               time.Time `json:"at"`
}

func statusOf(v engine.OpportunityView) statusJSON {
	o := v.Opportunity
	j := statusJSON{
		OpportunityID: o.ID, Label: o.Label(), Name: o.Name, CustomerID: o.AccountID, SignalID: o.SignalID, Status: v.Routing.Status, ExpansionType: o.ExpansionType,
		Stage: textOrNull(o.StageLabel), StageID: textOrNull(o.StageID), Probability: o.Probability, OwnerUserID: o.Owner, OwnerEmail: textOrNull(v.Owner.Email),
		CRM: crmJSON{textOrNull(o.CRM), textOrNull(o.CRMID), textOrNull(o.URL)}, Routing: routingOf(v.Routing), CreatedAt: o.CreatedAt.UTC(),
	}
	j.Amount, j.Currency = amount(o.Amount)
	if o.CloseDate != nil {
		d := o.CloseDate.UTC().Format(time.DateOnly)
		j.CloseDate = &d
	}
	if out := o.Outcome; out != nil {
		j.Outcome = &outcomeJSON{Outcome: "lost", Reason: textOrNull(out.Reason), Competitor: textOrNull(out.Competitor), SalesFeedback: textOrNull(out.Feedback), Rating: out.Rating, SignalRight: textOrNull(out.SignalRight), From: out.From, At: out.At.UTC()}
		if out.Won {
			j.Outcome.Outcome = "won"
		}
		j.Outcome.OutcomeARRChange, j.Outcome.Currency = amount(out.ARRChange)
	}
	return j
}

func amount(m *expansion.Money) (*float64, *string) {
	if m == nil {
		return nil, nil
	}
	v := m.Major()
	return &v, &m.Currency
}

func textOrNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
