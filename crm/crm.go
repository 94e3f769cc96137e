// Package crm is the seam to the customer's CRM: what the product asks of one, in
// words every CRM has, and the rules for merging what both sides changed.
//
// One implementation is in crm/hubspot; crmtest.Exercise is what any must pass.
// A [Client] does no retries of its own and keeps no state worth saving. The caller
// makes every effect repeatable: it writes by key until the CRM's id is known and by
// id after, looks up before it resends a write that ended in [Unknown], and stores
// which step it has done. The usual first write is
//
//	res, err := client.Upsert(ctx, crm.OpportunityInput{Key: string(o.ID), Name: "Brightwater Labs: seats", StageID: first})
//	if e, ok := crm.AsError(err); ok && e.Kind == crm.Unknown {
//		found, err = client.FindByKey(ctx, []string{string(o.ID)}) // maybe it arrived
//	}
//	err = client.Associate(ctx, res.ID, accountID)
//	noteID, err = client.Note(ctx, res.ID, accountID, "R-311", brief)
package crm

import (
	"context"
	"time"

	"expansionbot/expansion"
)

// Client is a CRM. Every method that leaves the process has a deadline of its own,
// earlier than or equal to ctx's. Failures of the CRM are an *[Error] in the chain;
// the only *expansion.Error are FindAccount's "none" and "several".
type Client interface {
	// Name is the CRM's short name: "hubspot" or "salesforce".
	Name() string
	// Check looks whether the product can work with this CRM and never writes. It
	// always returns findings: an unreachable CRM is one of level fail.
	Check(ctx context.Context) []Finding
	// Prepare makes the property that holds our key unique if it is missing. It may
	// be called at every start.
	Prepare(ctx context.Context) error
	// FindAccount finds the one account ref means, by the first reference it has:
	// CRMID, ExternalID, Domain, exact Name. It never guesses: none is
	// expansion.CodeNotFound, several are expansion.CodeConflict.
	FindAccount(ctx context.Context, ref AccountRef) (Account, error)
	// OpenOpportunities lists those on an account whose stage is not closed, by
	// whomever they were made, ascending by id.
	OpenOpportunities(ctx context.Context, accountID string) ([]Snapshot, error)
	// Owners lists everybody who may own an opportunity, the inactive ones too.
	Owners(ctx context.Context) ([]Owner, error)
	// Stages lists the stages of the configured pipeline in their order.
	Stages(ctx context.Context) ([]Stage, error)
	// Upsert creates the opportunity of in.Key or changes it if there is one. A
	// second call with the same key never makes a second record.
	Upsert(ctx context.Context, in OpportunityInput) (WriteResult, error)
	// Update changes an opportunity by the CRM's id and never creates: one that is
	// not there is an Error of kind Gone.
	Update(ctx context.Context, id string, in OpportunityInput) (WriteResult, error)
	// Associate joins an opportunity with an account. Doing it twice changes nothing.
	Associate(ctx context.Context, id, accountID string) error
	// Note puts body, plain text, on the opportunity and, unless "", the account.
	// It carries "[key]"; if a note of the opportunity has it already, its id is
	// returned and nothing is written.
	Note(ctx context.Context, id, accountID, key, body string) (noteID string, err error)
	// FindByKey reads opportunities by our keys, in no particular order. Keys the
	// CRM does not know are absent from the result.
	FindByKey(ctx context.Context, keys []string) ([]Snapshot, error)
	// Read reads opportunities by the CRM's ids. Archived ones come back with
	// Archived set; ids the CRM does not know are absent.
	Read(ctx context.Context, ids []string) ([]Snapshot, error)
	// Archive removes an opportunity from the CRM's lists. One that is gone already
	// is no error.
	Archive(ctx context.Context, id string) error
}

// OpportunityInput is what to write. A zero or nil field is not written, so nothing
// a person set in the CRM is blanked by accident.
type OpportunityInput struct {
	Key           string // our opportunity id; required by Upsert, and stored by Update when set
	Name          string
	StageID       string // the CRM's
	OwnerID       string // the CRM's
	AccountID     string // the CRM's; written by CRMs that keep it on the record, else use Associate
	Description   string // plain text
	ExpansionType string // written only where the CRM has the property
	SignalType    string // written only where the CRM has the property
	Amount        *expansion.Money
	Probability   *float64   // 0..1; leave nil to let the stage set it
	CloseDate     *time.Time // written as an instant in UTC
}

// Snapshot is an opportunity as the CRM shows it. Nil means the CRM has no value.
type Snapshot struct {
	Key         string // our id, "" for one made by hand
	ID          string
	Name        string
	StageID     string
	OwnerID     string
	AccountID   string // the primary account, "" for none
	URL         string // for people; "" if the CRM did not say
	Amount      *expansion.Money
	Probability *float64 // 0..1
	CloseDate   *time.Time
	Archived    bool
	Modified    time.Time // the CRM's clock
}

// WriteResult says what a write made. Created is true when the record is new.
type WriteResult struct {
	ID, URL string
	Created bool
}

// AccountRef names an account in as many ways as are known. Empty ones are skipped.
type AccountRef struct {
	CRMID      string
	ExternalID string // our account id, if the CRM carries it in a property
	Domain     string // as in brightwater.example
	Name       string // compared whole, without regard to case
}

// Account is a customer company as the CRM has it.
type Account struct {
	ID, Name, Domain string
	OwnerID          string // "" for none
	URL              string
}

// Owner is a person who may own opportunities. Inactive owners keep their old
// records but are refused on new ones.
type Owner struct {
	ID, Email, Name string
	Active          bool
}

// Stage is one step of the pipeline.
type Stage struct {
	ID, Label   string
	Probability float64 // 0..1
	Closed, Won bool
	Order       int // 0 is the first stage
}

// Finding is one line of Check. Fix is "" when Level is pass.
type Finding struct {
	Level Level
	What  string // one sentence
	Fix   string // what to do, one sentence
}

// Level is how serious a Finding is.
type Level string

// The levels. LevelFail means opportunities cannot be written.
const (
	LevelPass Level = "pass"
	LevelWarn Level = "warn"
	LevelFail Level = "fail"
)
