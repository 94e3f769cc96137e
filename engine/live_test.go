package engine_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/notify"
	"expansionbot/source"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// desk is a Slack that keeps what each person was shown.
type desk struct {
	mu   sync.Mutex
	seen []notify.Delivery
}

func (d *desk) Name() string { return "slack" }

func (d *desk) Send(_ context.Context, x notify.Delivery) (notify.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, x)
	return notify.Receipt{Channel: "D1", Remote: x.ID}, nil
}

func (d *desk) Find(context.Context, notify.Delivery) (notify.Receipt, bool, error) {
	return notify.Receipt{}, false, nil
}

func (d *desk) Check(context.Context) []expansion.Check { return nil }

// of lists what was shown to a person, oldest first.
func (d *desk) of(id expansion.PersonID) []notify.Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []notify.Delivery
	for _, x := range d.seen {
		if x.To.ID == id {
			out = append(out, x)
		}
	}
	return out
}

// A product that is not live yet counts and messages nobody; "Go live" makes one list per
// CSM of what was found, which routes only when chosen.
func TestShadowStartMessagesNobodyUntilGoLive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w, d := start(t, dsn), &desk{}
		var err error
		w.Engine, err = engine.New(ctx, engine.Config{
			Store: w.store, Clock: w.clock, Policy: route.DefaultText(), Admins: []string{"ravi@acme.example"},
			Channels: []notify.Channel{d}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.load(source.KindAccounts, "more.csv", `account_id,name,domain,segment,region,territory,arr_cents,currency,seats_licensed,plan,contract_start,contract_end,csm_email,ae_email
kestrel,Kestrel Freight,kestrel.example,mid,EMEA,west,7200000,USD,200,team,2025-06-01,2026-05-31,priya@acme.example,marcus@acme.example
`)
		seen := func(account expansion.AccountID, key string) expansion.Signal {
			t.Helper()
			s, _, err := w.Submit(ctx, "", engine.LogInput{AccountID: account, Type: expansion.UsageGrowth, Strength: expansion.Strong, What: "132 of 120 seats are in use", SourceID: key})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := seen("brightwater", "scan-1")
		w.due(time.Hour)
		if got, err := w.store.Signal(ctx, s.ID); err != nil || got.Waiting != expansion.WaitList || got.Status != expansion.Detected {
			t.Fatalf("in the shadow it is %s, waiting %q (%v), want detected and for the list", got.Status, got.Waiting, err)
		}
		if on, n, err := w.Shadow(ctx); !on || n != 1 || err != nil {
			t.Fatalf("shadow %v with %d signals (%v), want on with 1", on, n, err)
		}
		if ds, err := w.store.DeliveriesOf(ctx, s.ID); err != nil || len(ds) != 0 {
			t.Fatalf("%d messages wanted in the shadow (%v), want none", len(ds), err)
		}

		if err := w.GoLive(ctx, w.people["Priya"]); expansion.CodeOf(err) != expansion.CodeDenied {
			t.Fatalf("a CSM goes live: %v", err)
		}
		if err := w.GoLive(ctx, w.people["Ravi"]); err != nil {
			t.Fatal(err)
		}
		if err := w.GoLive(ctx, w.people["Ravi"]); expansion.CodeOf(err) != expansion.CodeConflict {
			t.Fatalf("going live twice: %v", err)
		}
		ds, err := w.store.Undelivered(ctx, "slack", store.Waiting, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range ds {
			if err := w.Deliver(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
		}
		lists := d.of(w.people["Priya"])
		if len(lists) != 1 || lists[0].Message.List == nil || lists[0].Message.List.Kind != expansion.ListFirstScan || len(lists[0].Message.List.Cases) != 1 {
			t.Fatalf("Priya was shown %d messages, want one list of one signal: %+v", len(lists), lists)
		}
		if n := len(d.of(w.people["Marcus"])); n != 0 {
			t.Fatalf("Marcus was shown %d messages, want none", n)
		}
		w.due(time.Hour)
		if rt, err := w.store.LiveRouting(ctx, s.ID); err != nil || rt != nil {
			t.Fatalf("what was found in the shadow routed by itself: %+v, %v", rt, err)
		}

		if _, err := w.Scan(ctx); err != nil {
			t.Fatal(err)
		}
		if next := seen("kestrel", "scan-2"); next.Waiting != expansion.WaitReview {
			t.Fatalf("after going live a signal waits for %q, want review", next.Waiting)
		}
		if _, err := w.Route(ctx, w.people["Priya"], s.ID, 0, engine.RouteInput{}); err != nil {
			t.Fatalf("routing from the list: %v", err)
		}
	})
}
