package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// channel is one that does what the test says.
type channel struct {
	name string
	send func(notify.Delivery) (notify.Receipt, error)
	find func(notify.Delivery) (notify.Receipt, bool, error)

	mu    sync.Mutex
	sends []notify.Delivery
	finds int
}

func (c *channel) Name() string                            { return c.name }
func (c *channel) Check(context.Context) []expansion.Check { return nil }

func (c *channel) Send(_ context.Context, d notify.Delivery) (notify.Receipt, error) {
	c.mu.Lock()
	c.sends = append(c.sends, d)
	c.mu.Unlock()
	if c.send == nil {
		return notify.Receipt{Channel: "D1", Remote: d.ID}, nil
	}
	return c.send(d)
}

func (c *channel) Find(_ context.Context, d notify.Delivery) (notify.Receipt, bool, error) {
	c.finds++
	if c.find == nil {
		return notify.Receipt{}, false, nil
	}
	return c.find(d)
}

// with gives the world an engine with channels and a CRM over the same store.
func (w *world) with(c crm.Client, chs ...notify.Channel) *world {
	w.t.Helper()
	var err error
	w.Engine, err = engine.New(context.Background(), engine.Config{Store: w.store, Clock: w.clock, CRM: c, Channels: chs, Policy: route.DefaultText(), Admins: []string{"ravi@acme.example"}, Live: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w
}

// delivery is the one of a signal on a channel, of a kind ("" = any).
func (w *world) delivery(id expansion.SignalID, channel, kind string) store.Delivery {
	w.t.Helper()
	ds, err := w.store.DeliveriesOf(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range ds {
		if d.Channel == channel && (kind == "" || d.Kind == kind) {
			return d
		}
	}
	w.t.Fatalf("no %s delivery %s of %s", channel, kind, id)
	return store.Delivery{}
}

func TestALookUpThatFailsDoesNotForgetThatTheAnswerWasLost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	slack := &channel{name: "slack"}
	w := start(t, storetest.SQLite(t)).with(nil, slack)
	rt := w.routed()
	d := w.delivery(rt.SignalID, "slack", string(expansion.CardHandoff))

	lost := errors.New("connection reset")
	slack.send = func(notify.Delivery) (notify.Receipt, error) {
		return notify.Receipt{}, &notify.Failure{Reason: "down", Unknown: true, Err: lost}
	}
	w.later(d.ID, w.Deliver(ctx, d.ID))
	slack.find = func(notify.Delivery) (notify.Receipt, bool, error) {
		return notify.Receipt{}, false, &notify.Failure{Reason: "rate_limited", Err: errors.New("429")}
	}
	w.clock.move(3 * time.Minute)
	w.later(d.ID, w.Deliver(ctx, d.ID))
	slack.find = func(notify.Delivery) (notify.Receipt, bool, error) {
		return notify.Receipt{Channel: "D1", Remote: "1.1"}, true, nil
	}
	slack.send = func(d notify.Delivery) (notify.Receipt, error) {
		if d.Receipt.Remote == "" {
			t.Error("posted a second time")
		}
		return notify.Receipt{Channel: "D1", Remote: "1.1"}, nil
	}
	w.clock.move(3 * time.Minute)
	if err := w.Deliver(ctx, d.ID); err != nil {
		t.Fatal(err)
	}
}

// later: the try failed, and the job of the next one was kept in the same step as the
// failure. So a process that dies right after it loses nothing.
func (w *world) later(id string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("got %v, want the failure to be kept", err)
	}
	ctx := context.Background()
	d, err := w.store.Delivery(ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	if d.NextAt == nil || d.State != store.Retry {
		w.t.Fatalf("the delivery is %s, next try %v, want a next try", d.State, d.NextAt)
	}
	if _, err := w.store.WakeDueJobs(ctx, d.NextAt.Add(-time.Millisecond)); err != nil {
		w.t.Fatal(err)
	}
	if n, err := w.store.WakeDueJobs(ctx, d.NextAt.Add(time.Millisecond)); err != nil || n != 1 {
		w.t.Fatalf("%d jobs are due at the next try (%v), want the one that tries", n, err)
	}
}

func TestARoutingThatWasNotMailedIsNotTakenBackByMail(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mail := &channel{name: "email"}
	w := start(t, storetest.SQLite(t)).with(nil, mail)
	rt, err := w.Route(ctx, w.people["Priya"], w.logged().ID, 0, engine.RouteInput{NoEmail: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Undo(ctx, w.people["Priya"], rt.ID, 0); err != nil {
		t.Fatal(err)
	}
	ds, err := w.store.DeliveriesOf(ctx, rt.SignalID)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if d.Channel == "email" {
			t.Errorf("a mail about %s goes to somebody who never got one", rt.Label())
		}
	}
}

func TestAnOutageDoesNotMultiplyTheTries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	slack := &channel{name: "slack", send: func(notify.Delivery) (notify.Receipt, error) {
		return notify.Receipt{}, &notify.Failure{Reason: "rate_limited", RetryAfter: 90 * time.Second, Err: errors.New("429")}
	}}
	w := start(t, storetest.SQLite(t)).with(nil, slack)
	rt := w.routed()
	d := w.delivery(rt.SignalID, "slack", string(expansion.CardHandoff))
	w.later(d.ID, w.Deliver(ctx, d.ID))
	n := len(slack.sends)
	// Other changes of the same card ask for it again meanwhile.
	for range 3 {
		if err := w.Deliver(ctx, d.ID); err != nil {
			t.Fatalf("another job for a delivery that waits: %v, want it to end", err)
		}
	}
	if len(slack.sends) != n {
		t.Fatalf("%d tries inside the time Slack asked to wait", len(slack.sends)-n)
	}
	w.clock.move(91 * time.Second)
	w.later(d.ID, w.Deliver(ctx, d.ID))
	if len(slack.sends) != n+1 {
		t.Fatal("not tried when the wait was over")
	}
}

func TestTheFirstSuccessWakesTheRest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	down := func(notify.Delivery) (notify.Receipt, error) {
		return notify.Receipt{}, &notify.Failure{Reason: "down", RetryAfter: time.Hour, Err: errors.New("503")}
	}
	slack := &channel{name: "slack", send: down}
	w := start(t, storetest.SQLite(t)).with(nil, slack)
	rt := w.routed()
	mine, theirs := w.delivery(rt.SignalID, "slack", string(expansion.CardHandoff)), w.delivery(rt.SignalID, "slack", string(expansion.CardSignal))
	w.later(mine.ID, w.Deliver(ctx, mine.ID))
	w.clock.move(30 * time.Minute)
	w.later(theirs.ID, w.Deliver(ctx, theirs.ID))
	slack.send = nil
	w.clock.move(30*time.Minute + time.Second)
	if err := w.Deliver(ctx, mine.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Deliver(ctx, theirs.ID); err != nil {
		t.Fatal(err)
	}
	if d := w.delivery(rt.SignalID, "slack", string(expansion.CardSignal)); d.State != store.Sent {
		t.Fatalf("half an hour before its own time the other card is %s, want sent", d.State)
	}
}

// What waits for a person, or for a time the other side named, is not sooner ready because
// something else got through.
func TestASuccessWakesOnlyWhatWaitedForTheChannel(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"rate_limited", "account_not_found", "several_accounts"} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				ctx := context.Background()
				slack := &channel{name: "slack"}
				w := start(t, dsn).with(nil, slack)
				fail := func(reason string) {
					slack.send = func(notify.Delivery) (notify.Receipt, error) {
						return notify.Receipt{}, &notify.Failure{Reason: reason, RetryAfter: time.Hour, Err: errors.New("not now")}
					}
				}
				rt := w.routed()
				mine, theirs := w.delivery(rt.SignalID, "slack", string(expansion.CardHandoff)), w.delivery(rt.SignalID, "slack", string(expansion.CardSignal))
				fail("down")
				w.later(mine.ID, w.Deliver(ctx, mine.ID))
				w.clock.move(30 * time.Minute)
				fail(reason)
				w.later(theirs.ID, w.Deliver(ctx, theirs.ID))
				slack.send = nil
				w.clock.move(30*time.Minute + time.Second)
				for _, id := range []string{mine.ID, theirs.ID} {
					if err := w.Deliver(ctx, id); err != nil {
						t.Fatal(err)
					}
				}
				if d := w.delivery(rt.SignalID, "slack", string(expansion.CardSignal)); d.State != store.Retry {
					t.Errorf("half an hour before its time what waits for %s is %s", reason, d.State)
				}
				w.clock.move(30 * time.Minute)
				if err := w.Deliver(ctx, theirs.ID); err != nil {
					t.Fatal(err)
				}
				if d := w.delivery(rt.SignalID, "slack", string(expansion.CardSignal)); d.State != store.Sent {
					t.Errorf("at its time what waits for %s is %s", reason, d.State)
				}
			})
		})
	}
}
