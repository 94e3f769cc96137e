package engine_test

import (
	"context"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store/storetest"
)

// fakeCRM keeps opportunities by id and answers from them.
type fakeCRM struct {
	crm.Client // what the tests do not call
	recs       map[string]crm.Snapshot
	updates    []crm.OpportunityInput
	owners     []crm.Owner
	asked      []string // ids that were read
	open       []string // ids of what is open on every account beside ours

	before func() // once, before the next read; nil = nothing
	lost   bool   // the next update arrives and its answer does not
	absent bool   // the CRM has no such account
}

func (c *fakeCRM) Name() string                  { return "hubspot" }
func (c *fakeCRM) Prepare(context.Context) error { return nil }
func (c *fakeCRM) Stages(context.Context) ([]crm.Stage, error) {
	return []crm.Stage{{ID: "new", Label: "New"}, {ID: "quote", Label: "Quote", Order: 1}, {ID: "won", Label: "Won", Closed: true, Won: true, Order: 2}, {ID: "lost", Label: "Lost", Closed: true, Order: 3}, {ID: "dropped", Label: "Dropped", Closed: true, Order: 4}}, nil
}
func (c *fakeCRM) Owners(context.Context) ([]crm.Owner, error) { return c.owners, nil }
func (c *fakeCRM) FindAccount(context.Context, crm.AccountRef) (crm.Account, error) {
	if c.absent {
		return crm.Account{}, expansion.Errorf(expansion.CodeNotFound, "No such company.")
	}
	return crm.Account{ID: "a1"}, nil
}

func (c *fakeCRM) OpenOpportunities(ctx context.Context, _ string) ([]crm.Snapshot, error) {
	return c.Read(ctx, c.open)
}
func (c *fakeCRM) Associate(context.Context, string, string) error { return nil }
func (c *fakeCRM) Archive(_ context.Context, id string) error {
	r := c.recs[id]
	r.Archived = true
	c.recs[id] = r
	return nil
}

func (c *fakeCRM) Note(context.Context, string, string, string, string) (string, error) {
	return "n1", nil
}

func (c *fakeCRM) Upsert(_ context.Context, in crm.OpportunityInput) (crm.WriteResult, error) {
	c.recs["o1"] = crm.Snapshot{ID: "o1", Key: in.Key, Name: in.Name, StageID: in.StageID, OwnerID: in.OwnerID, AccountID: "a1", Amount: in.Amount, CloseDate: in.CloseDate}
	return crm.WriteResult{ID: "o1", Created: true}, nil
}

func (c *fakeCRM) Update(_ context.Context, id string, in crm.OpportunityInput) (crm.WriteResult, error) {
	c.updates = append(c.updates, in)
	r := c.recs[id]
	if in.StageID != "" {
		r.StageID = in.StageID
	}
	if in.OwnerID != "" {
		r.OwnerID = in.OwnerID
	}
	if in.Amount != nil {
		r.Amount = in.Amount
	}
	c.recs[id] = r
	if c.lost {
		c.lost = false
		return crm.WriteResult{}, &crm.Error{Kind: crm.Unknown}
	}
	return crm.WriteResult{ID: id}, nil
}

func (c *fakeCRM) Read(_ context.Context, ids []string) (out []crm.Snapshot, err error) {
	if before := c.before; before != nil {
		c.before = nil
		before()
	}
	c.asked = append(c.asked, ids...)
	for _, id := range ids {
		if r, ok := c.recs[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func (c *fakeCRM) edit(fn func(*crm.Snapshot)) {
	r := c.recs["o1"]
	fn(&r)
	c.recs["o1"] = r
}

// inCRM is a world with a routing whose opportunity the CRM has.
func inCRM(t *testing.T) (*world, *fakeCRM, expansion.Routing) {
	t.Helper()
	return inCRMOn(t, storetest.SQLite(t))
}

func inCRMOn(t *testing.T, dsn string, chs ...notify.Channel) (*world, *fakeCRM, expansion.Routing) {
	t.Helper()
	w, c := withCRM(t, dsn, chs...)
	rt := w.routed()
	w.sync(rt.SignalID)
	return w, c, rt
}

// withCRM is a world with a CRM in which nothing is yet.
func withCRM(t *testing.T, dsn string, chs ...notify.Channel) (*world, *fakeCRM) {
	t.Helper()
	c := &fakeCRM{recs: map[string]crm.Snapshot{}, owners: []crm.Owner{{ID: "u-marcus", Email: "marcus@acme.example", Active: true}, {ID: "u-dana", Email: "dana@acme.example", Active: true}, {ID: "u-priya", Email: "priya@acme.example", Active: true}}}
	w := start(t, dsn).with(c, chs...)
	if err := w.RefreshCRM(context.Background()); err != nil {
		t.Fatal(err)
	}
	return w, c
}

// sync works the CRM delivery until there is nothing left to do, after a poll.
func (w *world) sync(id expansion.SignalID) {
	w.t.Helper()
	ctx := context.Background()
	for range 4 {
		if err := w.Deliver(ctx, w.delivery(id, "crm", "").ID); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Poll(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestAnOwnerNobodyKnowsStaysInTheCRM(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	c.edit(func(s *crm.Snapshot) { s.OwnerID = "u-stranger" })
	w.sync(rt.SignalID)
	if got := c.recs["o1"].OwnerID; got != "u-stranger" {
		t.Errorf("the owner set in the CRM was set back to %s", got)
	}
	if err := w.Reassign(context.Background(), w.people["Lena"], rt.ID, 0, w.people["Dana"], "travelling", ""); err != nil {
		t.Fatal(err)
	}
	w.sync(rt.SignalID)
	if got := c.recs["o1"].OwnerID; got != "u-dana" {
		t.Errorf("after a reassignment the owner is %s, want u-dana", got)
	}
}

// A change in the CRM that is read before our reassignment was written there takes nothing
// of it back.
func TestAPollBeforeTheDeliveryDoesNotUndoAReassignment(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	ctx := context.Background()
	if err := w.Reassign(ctx, w.people["Lena"], rt.ID, 0, w.people["Dana"], "travelling", ""); err != nil {
		t.Fatal(err)
	}
	c.edit(func(s *crm.Snapshot) { s.StageID = "quote" })
	if err := w.Poll(ctx); err != nil {
		t.Fatal(err)
	}
	w.sync(rt.SignalID)
	if got := w.live(rt.SignalID); got.To != w.people["Dana"] || got.Status != expansion.InProgress || c.recs["o1"].OwnerID != "u-dana" {
		t.Fatalf("%s is %s with %s and its record with %s, want Dana, in progress, and u-dana", got.Label(), got.Status, got.To, c.recs["o1"].OwnerID)
	}
}

// A poll that waits its turn at the CRM may read an owner we set ourselves after it had
// read the opportunity: that is nobody's change, and the reassignment since then stands.
func TestASlowPollDoesNotUndoAReassignment(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	ctx := context.Background()
	reassign := func(to string) {
		t.Helper()
		if err := w.Reassign(ctx, w.people["Lena"], w.live(rt.SignalID).ID, 0, w.people[to], "travelling", ""); err != nil {
			t.Error(err)
		}
	}
	reassign("Dana")
	asking, delivered, polled := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	c.before = func() { // Dana is on her way to the CRM
		reassign("Marcus")
		c.before = func() {
			close(asking)
			<-delivered
		}
		go func() { polled <- w.Poll(ctx) }()
		<-asking
	}
	if err := w.Deliver(ctx, w.delivery(rt.SignalID, "crm", "").ID); err != nil {
		t.Error(err)
	}
	close(delivered)
	if err := <-polled; err != nil {
		t.Fatal(err)
	}
	w.sync(rt.SignalID)
	if got := w.live(rt.SignalID); got.To != w.people["Marcus"] || c.recs["o1"].OwnerID != "u-marcus" {
		t.Fatalf("%s is with %s and its record with %s, want Marcus and u-marcus", got.Label(), got.To, c.recs["o1"].OwnerID)
	}
}

// An update whose answer was lost may have arrived: the owner in it is ours.
func TestAnOwnerWhoseAnswerWasLostIsNobodysChange(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	ctx := context.Background()
	for _, to := range []string{"Dana", "Marcus"} {
		if err := w.Reassign(ctx, w.people["Lena"], w.live(rt.SignalID).ID, 0, w.people[to], "travelling", ""); err != nil {
			t.Fatal(err)
		}
		if to == "Dana" {
			c.lost = true
			if err := w.Deliver(ctx, w.delivery(rt.SignalID, "crm", "").ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Poll(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.live(rt.SignalID); got.To != w.people["Marcus"] {
		t.Fatalf("%s is with %s, want Marcus", got.Label(), got.To)
	}
}

func TestAnOwnerWhoDoesNotSellStopsNothing(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	c.edit(func(s *crm.Snapshot) { s.OwnerID, s.StageID = "u-priya", "quote" })
	w.sync(rt.SignalID)
	got := w.live(rt.SignalID)
	if got.ID != rt.ID || got.Status != expansion.InProgress || c.recs["o1"].OwnerID != "u-priya" {
		t.Fatalf("%s is %s, owner in the CRM %s; want %s in progress and u-priya", got.Label(), got.Status, c.recs["o1"].OwnerID, rt.Label())
	}
}

func TestAClosedOneIsNotHandedToItsNewOwner(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("closed by hand", func(t *testing.T) {
		t.Parallel()
		w, c, rt := inCRM(t)
		c.edit(func(s *crm.Snapshot) { s.OwnerID, s.StageID = "u-dana", "quote" }) // not polled yet
		if err := w.RecordOutcome(ctx, w.people["Marcus"], rt.ID, 0, expansion.Outcome{Won: true, ARRChange: &expansion.Money{Minor: 100, Currency: "USD"}}); err != nil {
			t.Fatal(err)
		}
		w.sync(rt.SignalID)
		if got := w.live(rt.SignalID); got.ID != rt.ID || got.Status != expansion.Won {
			t.Errorf("%s is %s, want %s won", got.Label(), got.Status, rt.Label())
		}
		if got := c.recs["o1"].StageID; got != "won" {
			t.Errorf("stage in the CRM %s, want won: what was recorded by hand is lost", got)
		}
	})
	t.Run("closed there", func(t *testing.T) {
		t.Parallel()
		w, c, rt := inCRM(t)
		c.edit(func(s *crm.Snapshot) { s.OwnerID, s.StageID = "u-dana", "won" })
		w.sync(rt.SignalID)
		if got := w.live(rt.SignalID); got.ID != rt.ID || got.Status != expansion.Won {
			t.Errorf("%s is %s, want %s won without another hand-off", got.Label(), got.Status, rt.Label())
		}
	})
}

func TestPeopleImportedLaterAreLinkedToTheirOwners(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, c, _ := inCRM(t)
	c.owners = append(c.owners, crm.Owner{ID: "u-lena", Email: "lena@acme.example", Active: true})
	w.clock.move(2 * time.Hour)
	if err := w.Poll(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := w.store.Person(ctx, w.people["Lena"])
	if err != nil || p.CRMOwnerID != "u-lena" {
		t.Fatalf("owner %q, %v; want u-lena", p.CRMOwnerID, err)
	}
}

// An account may stay out of the CRM for days: that it is not there yet draws no card anew,
// and a recipient without a Slack account is one line in the log, whatever changes.
func TestAnAccountThatStaysOutOfTheCRMIsToldOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		c := &fakeCRM{recs: map[string]crm.Snapshot{}, absent: true}
		slack := &channel{name: "slack"}
		w := start(t, dsn).with(c, slack)
		if err := w.RefreshCRM(ctx); err != nil {
			t.Fatal(err)
		}
		slack.send = noAccount("slack", map[expansion.PersonID]bool{w.people["Marcus"]: true}).send
		rt := w.routed()
		id := w.delivery(rt.SignalID, "crm", "").ID
		try := func() {
			t.Helper()
			if err := w.Deliver(ctx, id); err != nil {
				t.Fatal(err)
			}
			w.slack()
			w.clock.move(11 * time.Minute)
		}
		try()
		sends := len(slack.sends)
		for range 5 {
			try()
		}
		if n := len(slack.sends) - sends; n != 0 {
			t.Errorf("five more looks at the CRM drew %d messages", n)
		}
		if !w.notice(rt, "not_in_crm") {
			t.Error("the cards do not say that the account is not in the CRM")
		}
		for range 3 { // changes of the case draw every card anew
			if err := w.Nudge(ctx, w.people["Lena"], rt.ID); err != nil {
				t.Fatal(err)
			}
			w.slack()
		}
		if n := count(w.verbs(rt.SignalID), "delivery_blocked"); n != 1 {
			t.Errorf("one recipient without a Slack account is in the log %d times", n)
		}
		c.absent = false
		sends = len(slack.sends)
		try()
		if len(slack.sends) == sends || w.notice(rt, "not_in_crm") {
			t.Error("the cards are not told that the account is there now")
		}
	})
}
