package engine_test

import (
	"context"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// hint is weak evidence nobody vouched for.
func (w *world) hint(id string, score float64) expansion.Signal {
	w.t.Helper()
	s, _, err := w.Ingest(context.Background(), expansion.Finding{
		Signal:   expansion.Signal{AccountID: "brightwater", Type: expansion.UsageGrowth, Subject: "seats_used", Score: score, ExpansionType: expansion.Seats},
		Evidence: expansion.Evidence{Source: expansion.SourceUsage, SourceID: id, OccurredAt: w.clock.Now(), Why: "more seats are in use", Score: score},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// asked is a weak signal whose CSM was asked.
func (w *world) asked() expansion.Signal {
	w.t.Helper()
	s := w.hint("usage-1", 0.4)
	for _, step := range []func(context.Context, expansion.SignalID) error{w.Enrich, w.Plan} {
		if err := step(context.Background(), s.ID); err != nil {
			w.t.Fatal(err)
		}
	}
	if s = w.signal(s.ID); s.Waiting != expansion.WaitCSM {
		w.t.Fatalf("the weak signal is %s, waiting %q, want it put to its CSM", s.Status, s.Waiting)
	}
	return s
}

func (w *world) signal(id expansion.SignalID) expansion.Signal {
	w.t.Helper()
	s, err := w.store.Signal(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// promised fails the test when a signal waits for a time and nothing will wake it.
func (w *world) promised(id expansion.SignalID) {
	w.t.Helper()
	s := w.signal(id)
	ws, err := w.store.OpenWaitsOf(context.Background(), string(id))
	if err != nil {
		w.t.Fatal(err)
	}
	switch s.Waiting {
	case expansion.WaitReview, expansion.WaitRecipient, expansion.WaitUntil, expansion.WaitCSM:
		if len(ws) == 0 {
			w.t.Fatalf("%s is %s, waiting for %s, and no promise will wake it", s.Label(), s.Status, s.Waiting)
		}
	}
}

// dieAt is a context that ends at the n-th time the clock is read: a process that dies on
// its way, between two transactions or inside one.
func (w *world) dieAt(n int) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(context.Background())
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.read = func() {
		if n--; n == 0 {
			end()
		}
	}
	return ctx, end
}

func TestADeathAfterYesRouteItLeavesNothingWaitingForEver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		s := w.asked()
		died := 0
		for n := 1; w.signal(s.ID).Status != expansion.Routed; n++ {
			if n > 200 {
				t.Fatal("it never gets through")
			}
			ctx, end := w.dieAt(n)
			if err := w.Confirm(ctx, w.people["Priya"], s.ID, 0); err != nil {
				died++
			}
			end()
			w.promised(s.ID)
		}
		if died < 3 {
			t.Fatalf("it died %d times on the way, want a death at every step", died)
		}
	})
}

func TestYesRouteItWithNobodyToTakeItWaitsForARecipient(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	s := w.asked()
	w.leave("Marcus", "Dana", "Lena")
	if err := w.Confirm(ctx, w.people["Priya"], s.ID, 0); expansion.CodeOf(err) != expansion.CodeNoRecipient {
		t.Fatalf("got %v, want CodeNoRecipient", err)
	}
	w.promised(s.ID)
	if s = w.signal(s.ID); s.Waiting != expansion.WaitRecipient {
		t.Fatalf("it is %s, waiting %q, want recipient", s.Status, s.Waiting)
	}
}

func TestAParkedSignalIsPlannedAgainWhenItGetsStronger(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		s := w.asked()
		w.due(9 * 24 * time.Hour)
		if s = w.signal(s.ID); s.Status != expansion.Parked {
			t.Fatalf("seven working days without an answer: it is %s, want parked", s.Status)
		}
		w.hint("usage-2", 0.1)
		if s = w.signal(s.ID); s.Strength != expansion.Exploratory || s.Status != expansion.Parked {
			t.Fatalf("after evidence that changes nothing it is %s and %s, want parked", s.Strength, s.Status)
		}
		jobs := w.jobsDue()
		w.hint("usage-3", 0.9)
		if n := w.jobsDue() - jobs; n != 1 {
			t.Fatalf("%d jobs came of it, want the one that plans", n)
		}
		if err := w.Plan(ctx, s.ID); err != nil {
			t.Fatal(err)
		}
		if s = w.signal(s.ID); s.Status != expansion.Confirmed || s.Waiting != expansion.WaitReview {
			t.Fatalf("now %s, it is %s, waiting %q; want it shown for review", s.Strength, s.Status, s.Waiting)
		}
		w.promised(s.ID)
		w.due(time.Hour)
		if s = w.signal(s.ID); s.Status != expansion.Routed {
			t.Fatalf("after the review it is %s, want routed", s.Status)
		}
	})
}

func TestWhoeverGetsItNextKeepsNoHoldAndNoMail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn).with(nil, &channel{name: "email"}, &channel{name: "slack"})
		s := w.logged()
		rt, err := w.Route(ctx, w.people["Priya"], s.ID, 0, engine.RouteInput{NoHold: true, NoEmail: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"not mine", func() error {
				return w.NotMine(ctx, w.people["Marcus"], w.live(s.ID).ID, 0, engine.NotMineInput{Reason: "no_time"})
			}},
			{"reassigned", func() error {
				return w.Reassign(ctx, w.people["Lena"], w.live(s.ID).ID, 0, w.people["Marcus"], "travelling", "")
			}},
			{"taken", func() error { return w.Take(ctx, w.people["Lena"], w.live(s.ID).ID, 0) }},
		} {
			before := w.live(s.ID)
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if w.live(s.ID).ID == before.ID {
				t.Fatalf("%s: it was not given to anybody else", step.name)
			}
			if h, err := w.store.Hold(ctx, rt.AccountID, w.clock.Now()); err != nil || h != nil {
				t.Errorf("%s: hold %+v, %v; want none, as it was routed", step.name, h, err)
			}
			ds, err := w.store.DeliveriesOf(ctx, s.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				if d.Channel == "email" {
					t.Errorf("%s: a mail goes out, want none, as it was routed", step.name)
				}
			}
		}
	})
}

func (w *world) jobsDue() int {
	w.t.Helper()
	n, err := w.store.JobsDue(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// leave makes people inactive.
func (w *world) leave(names ...string) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.store.InTx(ctx, func(tx *store.Tx) error {
		for _, n := range names {
			p, err := tx.Person(ctx, w.people[n])
			if err != nil {
				return err
			}
			p.Active = false
			if err := tx.PutPerson(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// What a card says of a time is true when it is read, not only when it was drawn.
func TestCardsAreDrawnAgainWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		shown := map[expansion.MessageKind]expansion.Case{}
		edits := map[expansion.MessageKind]int{}
		slack := &channel{name: "slack", send: func(d notify.Delivery) (notify.Receipt, error) {
			if d.Message.Case != nil {
				shown[d.Message.Kind] = *d.Message.Case
				edits[d.Message.Kind]++
			}
			return notify.Receipt{Channel: "D1", Remote: d.ID}, nil
		}}
		w := start(t, dsn).with(nil, slack)
		rt := w.routed()
		w.slack()
		if c := shown[expansion.CardSignal]; c.UndoUntil == nil {
			t.Fatal("the CSM's card offers no undo at first")
		}

		w.due(10 * time.Minute)
		w.slack()
		if c := shown[expansion.CardSignal]; c.UndoUntil != nil {
			t.Errorf("the undo window is over and the CSM's card, drawn at %s, offers it until %s", c.Now, c.UndoUntil)
		}
		if err := w.Undo(ctx, w.people["Priya"], rt.ID, 0); expansion.CodeOf(err) != expansion.CodeConflict {
			t.Errorf("an undo the card does not offer any more: %v", err)
		}

		w.due(3*time.Hour + 50*time.Minute)
		w.slack()
		if c := shown[expansion.CardHandoff]; c.Now.Before(rt.RoutedAt.Add(c.AckWithin)) {
			t.Errorf("the time to acknowledge is over and the recipient's card was drawn at %s, sent at %s", c.Now, rt.RoutedAt)
		}

		// Once it is acknowledged nothing is due at those times.
		again := w.asked()
		if err := w.Confirm(ctx, w.people["Priya"], again.ID, 0); err != nil {
			t.Fatal(err)
		}
		next := w.live(again.ID)
		if err := w.Acknowledge(ctx, w.people["Marcus"], next.ID, 0); err != nil {
			t.Fatal(err)
		}
		w.slack()
		before := edits[expansion.CardSignal] + edits[expansion.CardAsk] + edits[expansion.CardHandoff]
		w.due(10 * time.Minute)
		w.slack()
		if now := edits[expansion.CardSignal] + edits[expansion.CardAsk] + edits[expansion.CardHandoff]; now != before {
			t.Errorf("%d edits for a routing that was acknowledged", now-before)
		}
	})
}
