package expansion

import (
	"fmt"
	"time"
)

// Opportunity is the CRM record as we know it. Its id is made with the first
// routing, is the CRM's unique key, and is kept through reroutes.
type Opportunity struct {
	ID            OpportunityID `json:"id"`
	Number        int64         `json:"number"` // shown as O-207
	SignalID      SignalID      `json:"signalId"`
	AccountID     AccountID     `json:"customerId"`
	RoutingID     RoutingID     `json:"routingId"` // the current one
	Name          string        `json:"name"`
	ExpansionType ExpansionType `json:"expansionType"`
	Amount        *Money        `json:"amount"`
	StageID       string        `json:"stageId"`
	StageLabel    string        `json:"stage"`
	Probability   *float64      `json:"probability"` // 0..1
	CloseDate     *time.Time    `json:"closeDate"`
	Owner         PersonID      `json:"owner"`
	CRM           string        `json:"crm"`   // hubspot, salesforce, "" for none
	CRMID         string        `json:"crmId"` // "" until the CRM answered
	URL           string        `json:"url"`
	Agreed        string        `json:"-"`        // what both sides last agreed on, the CRM room's own JSON; "" = nothing yet
	Attached      bool          `json:"attached"` // it was open in the CRM before; it is read, and never written but for our key and a note
	Associated    bool          `json:"-"`        // the link to the account is made
	NoteID        string        `json:"-"`        // the brief's note in the CRM
	Outcome       *Outcome      `json:"outcome"`
	GoneAt        *time.Time    `json:"-"` // when it was found archived or deleted in the CRM; nothing is written there
	CreatedAt     time.Time     `json:"createdAt"`
	Version       int64         `json:"version"`
}

// Label is the short human number, "O-207".
func (o Opportunity) Label() string { return fmt.Sprintf("O-%d", o.Number) }

// Outcome is how an opportunity ended.
type Outcome struct {
	Won         bool      `json:"won"`
	ARRChange   *Money    `json:"arrChange"`
	Reason      string    `json:"reason"`
	Competitor  string    `json:"competitor,omitempty"`
	Feedback    string    `json:"feedback,omitempty"`    // what the customer said
	Rating      *int      `json:"rating"`                // 1..5
	SignalRight string    `json:"signalRight,omitempty"` // yes, partly, no
	From        string    `json:"from"`                  // "crm", "slack", "api"
	By          PersonID  `json:"by,omitempty"`
	At          time.Time `json:"at"`
}

// Hold keeps everybody but one person from contacting an account until a day ends.
type Hold struct {
	AccountID AccountID  `json:"customerId"`
	Holder    PersonID   `json:"holder"`
	RoutingID RoutingID  `json:"routingId"`
	Until     time.Time  `json:"until"`
	LiftedAt  *time.Time `json:"liftedAt"`
}

// Agent names the four agents of the product requirements, and people.
type Agent string

// Who did a step.
const (
	Monitor      Agent = "monitor"
	Researcher   Agent = "researcher"
	Expander     Agent = "expansion"
	Communicator Agent = "communicator"
	Human        Agent = "person"
)

// Activity is one line of the shared log. Lines are never edited; ids are ascending.
// Args hold ids and numbers; names and quotes are joined in when it is shown.
type Activity struct {
	ID        int64          `json:"id"`
	At        time.Time      `json:"at"`
	Agent     Agent          `json:"agent"`
	Verb      string         `json:"verb"` // signal_detected, context_gathered, routed, acknowledged …
	AccountID AccountID      `json:"customerId"`
	SignalID  SignalID       `json:"signalId,omitempty"`
	RoutingID RoutingID      `json:"routingId,omitempty"`
	Person    PersonID       `json:"person,omitempty"` // who did it, or to whom it happened
	Job       int64          `json:"job,omitempty"`    // the job that did it, 0 for none
	Args      map[string]any `json:"args,omitempty"`
}

// Case is all that is known about one signal, with its account, routing and
// opportunity, as one person may see it at one time. Cards, modals, mails and pages
// are drawn from a Case and nothing else.
type Case struct {
	Now         time.Time
	Viewer      Person
	Signal      Signal
	Evidence    []Evidence // newest first
	Account     Account
	Context     Context
	Plan        *Decision    // preview: who would get it now; nil once routed
	Routing     *Routing     // the one this card is about; nil before routing
	Current     *Routing     // the signal's live routing when it is another one than Routing
	Opportunity *Opportunity // nil before routing
	People      map[PersonID]Person
	Activities  []Activity        // of this signal, oldest first
	Duplicates  []OpenOpportunity // open in the CRM on this account (storyboard 7.5)
	Notices     []Notice
	RoutesAt    *time.Time // when the review window ends
	UndoUntil   *time.Time // nil: cannot be undone

	AckWithin, AnswerWithin time.Duration // what the policy allows for an acknowledgement, and for an answer to "not real"
}

// Name returns a person's name, or "someone" when the person was erased.
func (c Case) Name(id PersonID) string {
	if p, ok := c.People[id]; ok {
		return p.Name
	}
	return "someone"
}

// OpenOpportunity is one already open in the CRM on the account.
type OpenOpportunity struct {
	CRMID, Name, Stage string
	Owner              PersonID
}

// AttachTo is the open opportunity that a routing to a person belongs to unless somebody
// says otherwise (storyboard 7.5): the first the person owns, else the first; nil when
// none is open.
func AttachTo(open []OpenOpportunity, to PersonID) *OpenOpportunity {
	for i := range open {
		if to != "" && open[i].Owner == to {
			return &open[i]
		}
	}
	if len(open) == 0 {
		return nil
	}
	return &open[0]
}

// Notice is a line a card shows because something outside does not work right now.
type Notice struct {
	Kind  string     // crm_down, crm_gone, not_in_crm, slack_late, mail_down, no_slack, over_limit, late_escalation
	Text  string     // in words, without the try count
	Try   int        // attempts so far
	Next  *time.Time // when it is tried next
	Delay time.Duration
}
