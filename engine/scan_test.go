package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// overLicence gives accounts nine days on which 132 seats were in use.
func (w *world) overLicence(ids ...expansion.AccountID) {
	w.t.Helper()
	ctx := context.Background()
	err := w.store.InTx(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			for day := range 9 {
				u := expansion.UsagePoint{AccountID: id, Metric: expansion.SeatsMetric, Day: tx.Now.AddDate(0, 0, -day), Value: 132, ReceivedAt: tx.Now}
				if err := tx.PutUsage(ctx, u); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// A scan that takes longer than a job may goes on in the next one, also in another process.
func TestALongScanGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		seats := int64(120)
		first, last := expansion.AccountID("scan-000"), expansion.AccountID("scan-449")
		err := w.store.InTx(ctx, func(tx *store.Tx) error {
			for i := range 450 {
				a := expansion.Account{ID: expansion.AccountID(fmt.Sprintf("scan-%03d", i)), Name: fmt.Sprintf("Scan %03d", i), SeatsLicensed: &seats, CSM: w.people["Priya"]}
				u := expansion.UsagePoint{AccountID: a.ID, Metric: expansion.SeatsMetric, Day: tx.Now, Value: 10, ReceivedAt: tx.Now}
				if err := errors.Join(tx.PutAccount(ctx, a), tx.PutUsage(ctx, u)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.overLicence(first, last)
		w.clock.move(2 * time.Minute) // a scan overlaps with the one before by a minute
		found := func(id expansion.AccountID) int {
			t.Helper()
			ss, err := w.store.Signals(ctx, store.SignalFilter{AccountID: id})
			if err != nil {
				t.Fatal(err)
			}
			return len(ss)
		}
		if err := w.StartSchedules(ctx); err != nil {
			t.Fatal(err)
		}
		ws, err := w.store.OpenWaitsOf(ctx, "schedule")
		ws = slices.DeleteFunc(ws, func(w store.Wait) bool { return w.Kind != "scan" })
		if err != nil || len(ws) != 1 {
			t.Fatalf("regular work: %+v, %v; want the scan", ws, err)
		}
		w.clock.slow(100 * time.Millisecond) // 200 accounts take 20 s
		for step, want := range []struct {
			later       bool
			first, last int
		}{{true, 1, 0}, {true, 1, 0}, {false, 1, 1}} {
			err := w.Wake(ctx, ws[0].ID)
			if _, later := errors.AsType[*engine.Later](err); later != want.later || err != nil && !later {
				t.Fatalf("step %d: %v, want to come again: %v", step+1, err, want.later)
			}
			if f, l := found(first), found(last); f != want.first || l != want.last {
				t.Fatalf("after step %d the first account has %d signals and the last %d, want %d and %d", step+1, f, l, want.first, want.last)
			}
			// Another process.
			w.Engine, err = engine.New(ctx, engine.Config{Store: w.store, Clock: w.clock, Policy: route.DefaultText(), Admins: []string{"ravi@acme.example"}, Live: true, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
		}
		w.clock.slow(0)
		w.clock.move(time.Hour)
		if res, err := w.Scan(ctx); err != nil || res.Accounts != 0 {
			t.Fatalf("the next scan looked at %d accounts (%v), want none: nothing came since", res.Accounts, err)
		}
	})
}

// Going live before the first scan has ended must not swallow what that scan then lists.
func TestTheFirstScanAfterGoLiveIsListed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w, d := start(t, dsn), &desk{}
		var err error
		w.Engine, err = engine.New(ctx, engine.Config{
			Store: w.store, Clock: w.clock, Policy: route.DefaultText(), Admins: []string{"ravi@acme.example"}, Channels: []notify.Channel{d}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.GoLive(ctx, ""); err != nil {
			t.Fatal(err)
		}
		w.overLicence("brightwater")
		if _, err := w.Scan(ctx); err != nil {
			t.Fatal(err)
		}
		w.deliverAll()
		lists := d.of(w.people["Priya"])
		if len(lists) != 1 || lists[0].Message.List == nil || lists[0].Message.List.Len() != 1 {
			t.Fatalf("Priya was shown %d messages, want one list of one signal", len(lists))
		}
	})
}
