package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

func TestWhatLostItsJobIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]string{
		"the job table was cleared": `DELETE FROM river_job`,
		"every job was given up":    `UPDATE river_job SET state = 'discarded', finalized_at = CURRENT_TIMESTAMP`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				ctx := context.Background()
				w := start(t, dsn).with(nil, &channel{name: "slack"})
				rt := w.routed()
				w.asked()
				if err := w.StartSchedules(ctx); err != nil {
					t.Fatal(err)
				}
				_, _, err := w.Ingest(ctx, expansion.Finding{
					Signal:   expansion.Signal{AccountID: "brightwater", Type: expansion.CapacityLimit, Subject: "seats_used", Score: 0.9, ExpansionType: expansion.Seats},
					Evidence: expansion.Evidence{Source: expansion.SourceUsage, SourceID: "limit-1", OccurredAt: w.clock.Now(), Why: "all seats are in use", Score: 0.9},
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Receive(ctx, engine.Envelope{ID: "env-1", Kind: "action", User: "U1", Payload: []byte(`{}`)}); err != nil {
					t.Fatal(err)
				}
				if n, err := w.Audit(ctx); err != nil || n != 0 {
					t.Fatalf("nothing is lost yet, and the audit took up %d rows (%v)", n, err)
				}
				blocked := w.delivery(rt.SignalID, "slack", string(expansion.CardSignal))
				w.finish(blocked.ID, store.Blocked)

				if err := w.store.Driver().GetExecutor().Exec(ctx, lose); err != nil {
					t.Fatal(err)
				}
				lost, err := w.store.Unattended(ctx, 1000)
				if err != nil {
					t.Fatal(err)
				}
				has := map[string]int{}
				for _, l := range lost {
					has[l.Of]++
					if l.ID == blocked.ID {
						t.Error("a delivery that cannot succeed is tried again")
					}
				}
				waits, err := w.store.OpenWaits(ctx, w.clock.Now().AddDate(1, 0, 0), 1000)
				if err != nil {
					t.Fatal(err)
				}
				if has["wait"] != len(waits) || has["delivery"] == 0 || has["envelope"] != 1 || has["signal"] != 1 {
					t.Fatalf("found %v, want %d waits, the deliveries, 1 envelope and the new signal", has, len(waits))
				}
				if n, err := w.Audit(ctx); err != nil || n != len(lost) {
					t.Fatalf("the audit took up %d of %d rows (%v)", n, len(lost), err)
				}
				if n, err := w.Audit(ctx); err != nil || n != 0 {
					t.Fatalf("the second audit took up %d rows (%v), want none", n, err)
				}
				next, err := w.store.NextJob(ctx)
				if err != nil || next == nil || next.Before(w.clock.Now()) {
					t.Fatalf("the next job that waits for its time is at %v (%v), want the next promise", next, err)
				}
			})
		})
	}
}

// A line behind another is woken by that one, and a job that was cancelled ended for a
// reason that is still there.
func TestTheAuditLeavesAloneWhatHasNoJobOnPurpose(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		down := &channel{name: "slack", send: func(notify.Delivery) (notify.Receipt, error) {
			return notify.Receipt{}, &notify.Failure{Reason: "down", Err: errors.New("503")}
		}}
		w := start(t, dsn).with(nil, down)
		rt := w.routed()
		for range 3 {
			if err := w.Nudge(ctx, w.people["Lena"], rt.ID); err != nil {
				t.Fatal(err)
			}
		}
		exec := func(sql string) {
			t.Helper()
			if err := w.store.Driver().GetExecutor().Exec(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		ds, err := w.store.DeliveriesOf(ctx, rt.SignalID)
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]int{} // by card
		for _, d := range ds {
			if d.Parent != "" {
				lines[d.Parent]++
			}
		}
		// The jobs of the lines behind find another before them and end.
		exec(`DELETE FROM river_job WHERE kind = 'deliver'`)
		lost, err := w.store.Unattended(ctx, 1000)
		if err != nil {
			t.Fatal(err)
		}
		byID := map[string]store.Delivery{}
		for _, d := range ds {
			byID[d.ID] = d
		}
		taken := map[string]int{}
		for _, l := range lost {
			if d := byID[l.ID]; d.Parent != "" {
				taken[d.Parent]++
			}
		}
		for card, n := range lines {
			if n < 2 {
				t.Fatalf("%d lines under %s, want some behind others", n, card)
			}
			if taken[card] != 1 {
				t.Errorf("%d of %d lines under one card are taken up, want the first", taken[card], n)
			}
		}
		if len(lines) == 0 {
			t.Fatal("no lines under any card")
		}
		if n, err := w.Audit(ctx); err != nil || n != len(lost) {
			t.Fatalf("the audit took up %d of %d rows (%v)", n, len(lost), err)
		}
		exec(`UPDATE river_job SET state = 'cancelled', finalized_at = CURRENT_TIMESTAMP`)
		if n, err := w.Audit(ctx); err != nil || n != 0 {
			t.Errorf("the audit took up %d rows whose job was cancelled (%v)", n, err)
		}
	})
}

func TestTheAuditIsRegularWork(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	if err := w.StartSchedules(ctx); err != nil {
		t.Fatal(err)
	}
	rt := w.routed()
	if err := w.store.Driver().GetExecutor().Exec(ctx, `DELETE FROM river_job WHERE kind = 'wake'`); err != nil {
		t.Fatal(err)
	}
	ws, err := w.store.OpenWaitsOf(ctx, "schedule")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ws {
		if s.Kind == "audit" {
			if err := w.Wake(ctx, s.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	left, err := w.store.Unattended(ctx, 100)
	if err != nil || len(left) != 0 {
		t.Fatalf("after the regular audit these have no job: %v (%v); among them promises of %s", left, err, rt.Label())
	}
	if ws, err = w.store.OpenWaitsOf(ctx, "schedule"); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, s := range ws {
		kinds = append(kinds, fmt.Sprintf("%s in %v", s.Kind, s.DueAt.Sub(w.clock.Now()).Round(time.Minute)))
	}
	if !strings.Contains(strings.Join(kinds, ", "), "audit in 5m0s") {
		t.Fatalf("regular work ahead: %v, want the next audit in 5 minutes", kinds)
	}
}

// finish puts a delivery into a state, as its last attempt would.
func (w *world) finish(id string, state store.DeliveryState) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.store.InTx(ctx, func(tx *store.Tx) error {
		d, ok, err := tx.Claim(ctx, id, "test", tx.Now.Add(time.Minute))
		if err != nil || !ok {
			return fmt.Errorf("claim %s: %v, %w", id, ok, err)
		}
		d.State = state
		_, err = tx.Finish(ctx, d)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}
