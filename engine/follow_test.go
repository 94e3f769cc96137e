package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// told lists the verbs of the lines a person was shown under a card, in their order.
func (d *desk) told(id expansion.PersonID) []string {
	var out []string
	for _, x := range d.of(id) {
		if x.Message.Kind == expansion.ThreadLine {
			out = append(out, x.Message.Activity.Verb)
		}
	}
	return out
}

func (w *world) poll() {
	w.t.Helper()
	if err := w.Poll(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// slack sends everything that waits for Slack, the newest first.
func (w *world) slack() {
	w.t.Helper()
	for range 50 {
		ds, err := w.store.Undelivered(context.Background(), "slack", store.Waiting, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(ds) == 0 {
			return
		}
		for _, x := range slices.Backward(ds) {
			// A line whose card is not there yet comes later.
			if err := w.Deliver(context.Background(), x.ID); err != nil && !errors.As(err, new(*engine.Later)) {
				w.t.Fatal(err)
			}
		}
	}
	w.t.Fatal("there is always more for Slack")
}

func (w *world) notice(rt expansion.Routing, kind string) bool {
	w.t.Helper()
	c, err := w.Case(context.Background(), w.people["Marcus"], rt.Label())
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.ContainsFunc(c.Notices, func(n expansion.Notice) bool { return n.Kind == kind })
}

// An opportunity that somebody archives or deletes in the CRM is said to be gone under both
// cards, once; nothing is written to it until it is back.
func TestAnOpportunityGoneFromTheCRMIsToldAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(c *fakeCRM){
		"archived": func(c *fakeCRM) { c.edit(func(s *crm.Snapshot) { s.Archived = true }) },
		"deleted":  func(c *fakeCRM) { delete(c.recs, "o1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				ctx := context.Background()
				d := &desk{}
				w, c, rt := inCRMOn(t, dsn, d)
				w.slack()
				kept := c.recs["o1"]
				gone(c)
				w.poll()
				w.poll()
				w.slack()
				for _, who := range []string{"Priya", "Marcus"} {
					if n := times(d.told(w.people[who]), "opportunity_gone"); n != 1 {
						t.Errorf("%s was told %d times that it is gone, want once: %v", who, n, d.told(w.people[who]))
					}
				}
				if !w.notice(rt, "crm_gone") {
					t.Error("the card does not say that it is gone")
				}
				before := len(c.updates)
				if err := w.Acknowledge(ctx, w.people["Marcus"], rt.ID, 0); err != nil {
					t.Fatal(err)
				}
				if err := w.Reassign(ctx, w.people["Lena"], rt.ID, 0, w.people["Dana"], "travelling", ""); err != nil {
					t.Fatal(err)
				}
				w.sync(rt.SignalID)
				if n := len(c.updates) - before; n != 0 {
					t.Errorf("%d writes to an opportunity that is gone, want none", n)
				}
				if x := w.delivery(rt.SignalID, "crm", ""); x.State != store.Sent {
					t.Errorf("the CRM's delivery is %s, want nothing that waits or is blocked", x.State)
				}

				kept.Archived = false
				c.recs["o1"] = kept
				w.poll()
				w.sync(rt.SignalID)
				w.slack()
				if n := times(d.told(w.people["Priya"]), "opportunity_back"); n != 1 {
					t.Errorf("Priya was told %d times that it is back, want once", n)
				}
				if got := c.recs["o1"].OwnerID; got != "u-dana" {
					t.Errorf("after it is back its owner is %s, want u-dana who got it meanwhile", got)
				}
				if next := w.live(rt.SignalID); w.notice(next, "crm_gone") {
					t.Error("the card still says that it is gone")
				}
			})
		})
	}
}

// A record that people made stays in the stage they choose, also after somebody recorded
// an outcome here, which stands until theirs says otherwise.
func TestTheStageOfAnAttachedDealStaysAsPeopleSetIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w, c := withCRM(t, dsn)
		c.recs["o1"] = crm.Snapshot{ID: "o1", Name: "Renewal", StageID: "new", OwnerID: "u-marcus", AccountID: "a1"}
		c.open = []string{"o1"}
		rt := w.routed()
		w.sync(rt.SignalID)
		if o := w.opportunity(rt); !o.Attached || o.StageID != "new" {
			t.Fatalf("opportunity %+v, want the open one in its stage", o)
		}
		if err := w.RecordOutcome(context.Background(), w.people["Marcus"], rt.ID, 0, expansion.Outcome{Won: true}); err != nil {
			t.Fatal(err)
		}
		w.sync(rt.SignalID)
		check := func(stage string, status expansion.RoutingStatus) {
			t.Helper()
			c.edit(func(s *crm.Snapshot) { s.StageID = stage })
			w.poll()
			w.sync(rt.SignalID)
			got, o := w.live(rt.SignalID), w.opportunity(rt)
			if c.recs["o1"].StageID != stage || o.StageID != stage || got.Status != status {
				t.Errorf("moved to %s it is in %s there and %s here, and %s; want %s", stage, c.recs["o1"].StageID, o.StageID, got.Status, status)
			}
		}
		check("quote", expansion.Won)
		check("lost", expansion.Lost)
		check("new", expansion.InProgress)
	})
}

// What Undo archives while a poll is reading is not gone from the CRM: we took it back.
func TestOurOwnUndoIsNotToldAsGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		d := &desk{}
		w, c, rt := inCRMOn(t, dsn, d)
		c.before = func() {
			if err := w.Undo(ctx, w.people["Priya"], rt.ID, 0); err != nil {
				t.Error(err)
			}
			if err := w.Deliver(ctx, w.delivery(rt.SignalID, "crm", "").ID); err != nil {
				t.Error(err)
			}
		}
		w.poll()
		w.slack()
		if !c.recs["o1"].Archived {
			t.Fatal("it is not archived, want what was recalled taken back")
		}
		if o := w.opportunity(rt); o.GoneAt != nil || slices.Contains(w.verbs(rt.SignalID), "opportunity_gone") {
			t.Errorf("gone at %v, told %v; want neither", o.GoneAt, d.told(w.people["Priya"]))
		}
	})
}

// A poll that takes longer than a job may goes on in the next one, also in another process.
func TestALongPollGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w, c, rt := inCRMOn(t, dsn)
		err := w.store.InTx(ctx, func(tx *store.Tx) error {
			for i := range 250 {
				o := expansion.Opportunity{ID: expansion.OpportunityID(w.store.NewID()), Number: int64(1000 + i), SignalID: rt.SignalID, RoutingID: rt.ID, AccountID: rt.AccountID, CRMID: fmt.Sprintf("gone-%d", i), GoneAt: &tx.Now}
				if err := tx.InsertOpportunity(ctx, &o); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.StartSchedules(ctx); err != nil {
			t.Fatal(err)
		}
		ws, err := w.store.OpenWaitsOf(ctx, "schedule")
		ws = slices.DeleteFunc(ws, func(w store.Wait) bool { return w.Kind != "poll" })
		if err != nil || len(ws) != 1 {
			t.Fatalf("regular work: %+v, %v; want the poll", ws, err)
		}
		w.clock.slow(11 * time.Second)
		for step, want := range []int{100, 100, 51} {
			c.asked = nil
			err := w.Wake(ctx, ws[0].ID)
			if _, later := errors.AsType[*engine.Later](err); later != (want == 100) || err != nil && !later {
				t.Fatalf("step %d: %v, want to come again: %v", step+1, err, want == 100)
			}
			if len(c.asked) != want {
				t.Fatalf("step %d read %d opportunities, want %d", step+1, len(c.asked), want)
			}
			w.with(c) // another process
		}
		if c.asked[50] != "gone-249" {
			t.Errorf("the last one read is %s, want gone-249", c.asked[50])
		}
		c.asked = nil
		w.poll()
		if len(c.asked) != 251 || c.asked[0] != "o1" {
			t.Errorf("the next poll read %d opportunities, want all 251", len(c.asked))
		}
	})
}

func times(verbs []string, verb string) int {
	n := 0
	for _, v := range verbs {
		if v == verb {
			n++
		}
	}
	return n
}

// Storyboard 7.14: the CRM wins for the stage, also when the end was recorded by hand here.
func TestTheCRMsWordOnTheEndIsFollowed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		d := &desk{}
		w, c, rt := inCRMOn(t, dsn, d)
		won := expansion.Outcome{Won: true, ARRChange: &expansion.Money{Minor: 2160000, Currency: "USD"}, Feedback: "they like it"}
		if err := w.RecordOutcome(ctx, w.people["Marcus"], rt.ID, 0, won); err != nil {
			t.Fatal(err)
		}
		w.sync(rt.SignalID)
		if got := c.recs["o1"].StageID; got != "won" {
			t.Fatalf("stage in the CRM %s after won by hand, want won", got)
		}
		check := func(what string, status expansion.RoutingStatus, arr string, signal expansion.SignalStatus, told string) {
			t.Helper()
			w.slack()
			got, o := w.live(rt.SignalID), w.opportunity(rt)
			text := ""
			if got.OutcomeARR != nil {
				text = got.OutcomeARR.String()
			}
			if got.ID != rt.ID || got.Status != status || text != arr {
				t.Errorf("%s: %s is %s with %q, want %s with %q", what, got.Label(), got.Status, text, status, arr)
			}
			if ended := o.Outcome != nil; ended != status.Final() || ended && o.Outcome.Won != (status == expansion.Won) {
				t.Errorf("%s: outcome %+v", what, o.Outcome)
			}
			if s, err := w.store.Signal(ctx, rt.SignalID); err != nil || s.Status != signal {
				t.Errorf("%s: the signal is %s (%v), want %s", what, s.Status, err, signal)
			}
			lines := d.told(w.people["Priya"])
			if lines[len(lines)-1] != told {
				t.Errorf("%s: the last line under the card is %s, want %s", what, lines[len(lines)-1], told)
			}
		}
		c.edit(func(s *crm.Snapshot) { s.StageID = "lost" })
		w.sync(rt.SignalID)
		check("lost in the CRM", expansion.Lost, "", expansion.Closed, "outcome_corrected")
		if o := w.opportunity(rt); o.Outcome.Feedback != "they like it" || o.Outcome.From != "crm" {
			t.Errorf("outcome %+v, want the CRM's with the feedback kept", o.Outcome)
		}
		if p, _, err := w.Report(ctx, "", rt.RoutedAt.Add(-time.Hour)); err != nil || len(p.ARR) != 0 {
			t.Errorf("report: ARR %v, %v; want none", p.ARR, err)
		}
		c.edit(func(s *crm.Snapshot) { s.StageID = "won" })
		w.poll()
		check("won after all", expansion.Won, "$21,600", expansion.Closed, "outcome_corrected")
		c.edit(func(s *crm.Snapshot) { s.Amount = &expansion.Money{Minor: 1000000, Currency: "USD"} })
		w.poll()
		check("another amount", expansion.Won, "$10,000", expansion.Closed, "amount_changed")
		c.edit(func(s *crm.Snapshot) { s.StageID = "quote" })
		w.poll()
		w.sync(rt.SignalID)
		check("opened again", expansion.InProgress, "", expansion.Routed, "reopened")
		if got := c.recs["o1"].StageID; got != "quote" {
			t.Errorf("the stage chosen in the CRM was set back to %s", got)
		}
		c.edit(func(s *crm.Snapshot) { s.StageID = "lost" })
		w.poll()
		check("lost in the end", expansion.Lost, "", expansion.Closed, "lost")
	})
}

// What was closed in the CRM before the end recorded here was written there is the CRM's.
func TestLostInTheCRMMeanwhileStands(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	c.edit(func(s *crm.Snapshot) { s.StageID = "lost" })
	if err := w.RecordOutcome(context.Background(), w.people["Marcus"], rt.ID, 0, expansion.Outcome{Won: true}); err != nil {
		t.Fatal(err)
	}
	w.sync(rt.SignalID)
	if got := w.live(rt.SignalID); got.Status != expansion.Lost || c.recs["o1"].StageID != "lost" {
		t.Errorf("it is %s here and %s in the CRM, want lost in both", got.Status, c.recs["o1"].StageID)
	}
}

// Of several stages that mean lost, the one chosen in the CRM is not set back.
func TestAnotherStageThatMeansLostStays(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	if err := w.RecordOutcome(context.Background(), w.people["Marcus"], rt.ID, 0, expansion.Outcome{Reason: "price"}); err != nil {
		t.Fatal(err)
	}
	w.sync(rt.SignalID)
	if got := c.recs["o1"].StageID; got != "lost" {
		t.Fatalf("stage %s after lost by hand, want the pipeline's first that means it", got)
	}
	c.edit(func(s *crm.Snapshot) { s.StageID = "dropped" })
	w.sync(rt.SignalID)
	if got := w.live(rt.SignalID); got.Status != expansion.Lost || c.recs["o1"].StageID != "dropped" {
		t.Errorf("it is %s here and %s in the CRM, want lost and dropped", got.Status, c.recs["o1"].StageID)
	}
}

// A deal that ended long ago is read back with the stages, once an hour.
func TestAnEndOfLastMonthIsFollowed(t *testing.T) {
	t.Parallel()
	w, c, rt := inCRM(t)
	if err := w.RecordOutcome(context.Background(), w.people["Marcus"], rt.ID, 0, expansion.Outcome{Won: true}); err != nil {
		t.Fatal(err)
	}
	w.sync(rt.SignalID)
	w.clock.move(30 * 24 * time.Hour)
	c.edit(func(s *crm.Snapshot) { s.StageID = "lost" })
	w.poll()
	if got := w.live(rt.SignalID); got.Status != expansion.Lost {
		t.Errorf("it is %s, want lost as in the CRM", got.Status)
	}
}

// The lines under a card come in the order in which things happened, whichever job runs first.
func TestTheStageComesBeforeTheEndUnderTheCard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		d := &desk{}
		w, c, rt := inCRMOn(t, dsn, d)
		w.slack()
		c.edit(func(s *crm.Snapshot) { s.StageID, s.Amount = "won", &expansion.Money{Minor: 100, Currency: "USD"} })
		w.poll()
		w.slack()
		want := []string{"opportunity_created", "stage_changed", "amount_changed", "won"}
		for _, who := range []string{"Priya", "Marcus"} {
			var got []string
			for _, v := range d.told(w.people[who]) {
				if slices.Contains(want, v) {
					got = append(got, v)
				}
			}
			if got = got[max(0, len(got)-3):]; !slices.Equal(got, want[1:]) {
				t.Errorf("%s was told %v, want %v", who, got, want[1:])
			}
		}
		if got := w.live(rt.SignalID); got.Status != expansion.Won {
			t.Errorf("it is %s, want won", got.Status)
		}
	})
}

// A line that can never be shown does not hold up the ones behind it.
func TestABlockedLineHoldsUpNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	var lines []store.Delivery
	err := w.store.InTx(ctx, func(tx *store.Tx) error {
		for _, subject := range []string{"1", "2", "3"} {
			d, err := tx.Want(ctx, store.Delivery{Channel: "slack", Kind: "thread_line", Subject: subject, Person: w.people["Priya"], Parent: "card"})
			if err != nil {
				return err
			}
			lines = append(lines, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, state := range []store.DeliveryState{store.Blocked, store.Sent, store.Sent} {
		next, err := w.store.NextBelow(ctx, "card")
		if err != nil || next == nil || next.ID != lines[i].ID {
			t.Fatalf("next %+v, %v; want line %d", next, err, i+1)
		}
		err = w.store.InTx(ctx, func(tx *store.Tx) error {
			d, _, err := tx.Claim(ctx, next.ID, "mine", tx.Now.Add(time.Minute))
			if err != nil {
				return err
			}
			d.State = state
			if state == store.Sent {
				d.Shown = d.Wanted
			}
			_, err = tx.Finish(ctx, d)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if next, err := w.store.NextBelow(ctx, "card"); err != nil || next != nil {
		t.Fatalf("next %+v, %v; want none", next, err)
	}
}

func (w *world) opportunity(rt expansion.Routing) expansion.Opportunity {
	w.t.Helper()
	o, err := w.store.Opportunity(context.Background(), rt.OpportunityID)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}
