package crmtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
)

// Fault is a way the CRM fails.
type Fault string

// The faults. All but LostAnswer happen before the request has any effect.
const (
	Throttled  Fault = "throttled"   // 429 that asks to wait a second
	DayUsedUp  Fault = "day_used_up" // the account's calls for today are gone
	HTMLPage   Fault = "html_page"   // a proxy's 503 page
	LostAnswer Fault = "lost_answer" // the write is kept, the connection is cut; reads pass
	BadToken   Fault = "bad_token"   // the credentials are refused
	Hangs      Fault = "hangs"       // no answer until the caller gives up
)

// World is the CRM's other side: what its users and its operator do. Its methods
// fail the test themselves.
type World interface {
	AddAccount(name, domain string) (id string)
	AddOwner(email, name string, active bool) (id string)
	AddOpportunity(accountID, name, stageID string) (id string) // by hand, without a key
	Edit(id string, f crm.Field, value string)                  // by hand; stage, owner, amount as "123.45"
	Notes(id string) []string                                   // bodies of the opportunity's notes
	Creates(key string) int                                     // records ever created with the key
	FailNext(f Fault, n int)                                    // n below 1 takes back what is left
	LagSearch(d time.Duration)                                  // search shows changes only after d
}

// Exercise runs the suite. newClient returns a fresh client and an empty world for
// each case; Prepare was not called on it.
func Exercise(t *testing.T, newClient func(t *testing.T) (crm.Client, World)) {
	cases := []struct {
		name string
		run  func(s *suite)
	}{
		{"check never writes and says what is missing", checkNeverWrites},
		{"prepare may be called again", prepareTwice},
		{"upsert twice makes one record", upsertTwice},
		{"concurrent upserts of one key make one record", upsertConcurrently},
		{"upsert writes only what it is given", upsertKeepsWhatItDoesNotSay},
		{"a lost answer is found by key", lostAnswer},
		{"stage, owner, amount and close date come back", roundTrip},
		{"an edit by hand is read", editByHand},
		{"an unknown stage is rejected", unknownStage},
		{"an inactive owner is rejected", inactiveOwner},
		{"update changes by id", updateByID},
		{"update never creates", updateNeverCreates},
		{"associating twice changes nothing", associateTwice},
		{"open opportunities leave out closed ones", openOpportunities},
		{"a note is written once", noteOnce},
		{"a note whose answer was lost is found", noteLostAnswer},
		{"a note keeps odd characters", noteOddCharacters},
		{"archive hides and may be repeated", archiveTwice},
		{"reads leave out what is not there", readsLeaveOut},
		{"reads take more than one page", readsPage},
		{"find account goes by the references", findAccount},
		{"find account never guesses", findAccountNeverGuesses},
		{"owners tell active from inactive", owners},
		{"stages have one start, won and lost", stages},
		{"a rate limit says how long to wait", rateLimit},
		{"a used-up day is for later", dayUsedUp},
		{"an HTML page is no answer", htmlPage},
		{"refused credentials are auth", badToken},
		{"a call that hangs ends at the deadline", hangs},
		{"a cancelled call ends at once", cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, world := newClient(t)
			c.run(&suite{T: t, c: client, w: world, ctx: t.Context()})
		})
	}
}

type suite struct {
	*testing.T
	c   crm.Client
	w   World
	ctx context.Context
}

func (s *suite) prepared() *suite {
	s.Helper()
	if err := s.c.Prepare(s.ctx); err != nil {
		s.Fatalf("prepare: %v", err)
	}
	return s
}

func (s *suite) stages() []crm.Stage {
	s.Helper()
	list, err := s.c.Stages(s.ctx)
	if err != nil {
		s.Fatalf("stages: %v", err)
	}
	return list
}

// stage returns the first stage of a meaning.
func (s *suite) stage(m crm.Meaning) crm.Stage {
	s.Helper()
	list := s.stages()
	i := slices.IndexFunc(list, func(g crm.Stage) bool { return crm.StageMeaning(g) == m })
	if i < 0 {
		s.Fatalf("no stage means %s in %+v", m, list)
	}
	return list[i]
}

// input is a whole opportunity in the first stage.
func (s *suite) input(key string) crm.OpportunityInput {
	s.Helper()
	return crm.OpportunityInput{Key: key, Name: "Brightwater Labs: seats", StageID: s.stage(crm.MeaningRouted).ID, Amount: &expansion.Money{Minor: 1_920_050, Currency: "USD"}}
}

func (s *suite) upsert(in crm.OpportunityInput) crm.WriteResult {
	s.Helper()
	r, err := s.c.Upsert(s.ctx, in)
	if err != nil {
		s.Fatalf("upsert %s: %v", in.Key, err)
	}
	return r
}

// byKey returns the one opportunity with the key.
func (s *suite) byKey(key string) crm.Snapshot {
	s.Helper()
	list, err := s.c.FindByKey(s.ctx, []string{key})
	if err != nil || len(list) != 1 {
		s.Fatalf("find by key %s: got %d records, error %v, want one", key, len(list), err)
	}
	return list[0]
}

func (s *suite) kind(err error, want crm.Kind) *crm.Error {
	s.Helper()
	e, ok := crm.AsError(err)
	if !ok || e.Kind != want {
		s.Fatalf("got error %v, want a crm.Error of kind %s", err, want)
	}
	return e
}

func (s *suite) noError(err error, doing string) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", doing, err)
	}
}
