package store_test

import (
	"fmt"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

func TestWantMakesOneRowAndRaisesItsVersion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		want := func(d store.Delivery) store.Delivery {
			t.Helper()
			write(t, s, func(tx *store.Tx) (err error) {
				d, err = tx.Want(ctx, d)
				return err
			})
			return d
		}
		card := store.Delivery{Channel: "slack", Kind: "handoff", Subject: "r1", Person: "marcus", SignalID: "s1", RoutingID: "r1", Parent: "p", Text: "Hello"}
		first := want(card)
		made := card
		made.ID, made.Wanted, made.State, made.ClaimUntil, made.CreatedAt = first.ID, 1, store.Waiting, time.UnixMicro(0).UTC(), kept
		equal(t, "new row", first, made)
		again := want(card)
		made.Wanted = 2
		equal(t, "wanted again", again, made)
		equal(t, "as read", must(s.Delivery(ctx, first.ID))(t), made)

		rows := []store.Delivery{again}
		for i, change := range []func(*store.Delivery){
			func(d *store.Delivery) { d.Channel = "email" }, func(d *store.Delivery) { d.Kind = "plan" },
			func(d *store.Delivery) { d.Subject = "r2" }, func(d *store.Delivery) { d.Person = "lena" },
		} {
			other := card
			change(&other)
			other = want(other)
			if other.ID == first.ID || other.Wanted != 1 {
				t.Errorf("change %d of the key: got row %s at %d, want a new one at 1", i, other.ID, other.Wanted)
			}
			rows = append(rows, other)
		}
		equal(t, "rows of the signal, oldest first", must(s.DeliveriesOf(ctx, "s1"))(t), rows)
		equal(t, "hand-off cards of marcus on Slack", must(s.CardsSince(ctx, "marcus", "handoff", kept))(t), 2)
		equal(t, "cards since later", must(s.CardsSince(ctx, "marcus", "handoff", kept.Add(time.Second)))(t), 0)
		_, err := s.Delivery(ctx, "none")
		wantCode(t, "a delivery nobody wanted", err, expansion.CodeNotFound)

		for state, want := range map[store.DeliveryState]store.DeliveryState{
			store.Sent: store.Waiting, store.Blocked: store.Waiting, store.Retry: store.Retry, store.Waiting: store.Waiting,
		} {
			write(t, s, func(tx *store.Tx) error {
				d, ok, err := tx.Claim(ctx, first.ID, "a", kept.Add(time.Minute))
				if err != nil || !ok {
					return fmt.Errorf("claim: %v, %w", ok, err)
				}
				d.State, d.Shown = state, d.Wanted
				if ok, err = tx.Finish(ctx, d); err != nil || !ok {
					return fmt.Errorf("finish: %v, %w", ok, err)
				}
				if d, err = tx.Want(ctx, card); err != nil {
					return err
				}
				equal(t, fmt.Sprintf("state of a %s one wanted again", state), d.State, want)
				equal(t, "wanted above shown", d.Wanted, d.Shown+1)
				return nil
			})
		}
	})
}

func TestOneAttemptAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		var d store.Delivery
		claim := func(name string, want bool) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				x, ok, err := tx.Claim(ctx, d.ID, name, tx.Now.Add(30*time.Second))
				equal(t, "claim "+name, ok, want)
				if ok {
					d = x
				}
				return err
			})
		}
		finish := func(x store.Delivery, want bool) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				ok, err := tx.Finish(ctx, x)
				equal(t, "finish "+x.Claim, ok, want)
				return err
			})
		}
		write(t, s, func(tx *store.Tx) (err error) {
			d, err = tx.Want(ctx, store.Delivery{Channel: "slack", Kind: "handoff", Subject: "r1", Person: "marcus"})
			return err
		})
		claim("a", true)
		equal(t, "first attempt", []any{d.Attempt, d.Unknown, d.Claim, d.ClaimUntil}, []any{1, false, "a", kept.Add(30 * time.Second)})
		claim("b", false)
		c.move(30*time.Second - time.Microsecond)
		claim("b", false)
		c.move(time.Microsecond)
		stale := d
		claim("c", true)
		equal(t, "attempt after one that overran", []any{d.Attempt, d.Unknown, d.Claim, *d.FirstTryAt}, []any{2, true, "c", kept})

		stale.State, stale.Shown, stale.Remote = store.Sent, 1, "stale"
		finish(stale, false)
		equal(t, "row after a stale result", must(s.Delivery(ctx, d.ID))(t), d)

		next, sent := kept.Add(time.Hour), kept.Add(time.Minute)
		d.State, d.Shown, d.Unknown, d.NextAt, d.SentAt, d.Reason, d.Remote, d.RemoteChannel, d.Link = store.Retry, 1, false, &next, &sent, "slow", "17.1", "D1", "https://slack.example/1"
		finish(d, true)
		done := d
		done.Claim, done.ClaimUntil = "", time.UnixMicro(0).UTC()
		equal(t, "row after the result", must(s.Delivery(ctx, d.ID))(t), done)
		finish(d, false) // twice
		equal(t, "tried again, by channel", must(s.UndeliveredByChannel(ctx))(t), map[string]map[string]int{"slack": {"retry": 1, "blocked": 0}})
		equal(t, "tried again", must(s.Undelivered(ctx, "slack", store.Retry, 10))(t), []store.Delivery{done})
		claim("d", true)
		equal(t, "attempt after a known result", []any{d.Attempt, d.Unknown}, []any{3, false})

		d.ID = "none"
		claim("e", false)
	})
}

func TestOneOfManyClaimsWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		var d store.Delivery
		write(t, s, func(tx *store.Tx) (err error) {
			d, err = tx.Want(t.Context(), store.Delivery{Channel: "crm", Kind: "opportunity", Subject: "o1"})
			return err
		})
		const writers = 10
		won := make(chan string, writers)
		for i := range writers {
			name := fmt.Sprint("claim ", i)
			go func() {
				var ok bool
				err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
					_, ok, err = tx.Claim(t.Context(), d.ID, name, start.Add(time.Minute))
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if !ok {
					name = ""
				}
				won <- name
			}()
		}
		var winners []string
		for range writers {
			if name := <-won; name != "" {
				winners = append(winners, name)
			}
		}
		equal(t, "winners", winners, []string{must(s.Delivery(t.Context(), d.ID))(t).Claim})
	})
}

func TestWaitsAreDoneOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		add := func(subject, kind string, after time.Duration) (w store.Wait) {
			t.Helper()
			write(t, s, func(tx *store.Tx) (err error) {
				w, err = tx.AddWait(ctx, store.Wait{Subject: subject, Kind: kind, DueAt: kept.Add(after), Policy: "p1"})
				return err
			})
			return w
		}
		if next := must(s.NextWait(ctx, "schedule"))(t); next != nil {
			t.Errorf("next wait when there is none: got %v, want nil", next)
		}
		digest := add("schedule", "digest", time.Minute)
		if next := must(s.NextWait(ctx, "schedule"))(t); next != nil {
			t.Errorf("next wait beside schedules: got %v, want nil", next)
		}
		escalate, nudge, review := add("r1", "escalate", 48*time.Hour), add("r1", "nudge", 4*time.Hour), add("s1", "review", 10*time.Minute)
		equal(t, "waits of the routing, first due first", must(s.OpenWaitsOf(ctx, "r1"))(t), []store.Wait{nudge, escalate})
		equal(t, "due by then", must(s.OpenWaits(ctx, review.DueAt, 10))(t), []store.Wait{digest, review})
		equal(t, "due a moment earlier", must(s.OpenWaits(ctx, review.DueAt.Add(-time.Microsecond), 10))(t), []store.Wait{digest})
		equal(t, "next beside schedules", must(s.NextWait(ctx, "schedule"))(t), &review.DueAt)

		done := func(id string, want bool) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				ok, err := tx.DoneWait(ctx, id)
				equal(t, "done now", ok, want)
				return err
			})
		}
		c.move(10 * time.Minute)
		done(review.ID, true)
		c.move(time.Minute)
		done(review.ID, false)
		done("none", false)
		at := kept.Add(10 * time.Minute)
		equal(t, "done at the first time", must(s.Wait(ctx, review.ID))(t).DoneAt, &at)

		ack := add("r1", "ack", time.Hour)
		write(t, s, func(tx *store.Tx) error { return tx.DropWaits(ctx, "r1", "nudge", "ack") })
		equal(t, "after two kinds were dropped", must(s.OpenWaitsOf(ctx, "r1"))(t), []store.Wait{escalate})
		write(t, s, func(tx *store.Tx) error { return tx.DropWaits(ctx, "r1") })
		equal(t, "after all were dropped", len(must(s.OpenWaitsOf(ctx, "r1"))(t)), 0)
		done(ack.ID, false)
		equal(t, "another subject's", must(s.OpenWaitsOf(ctx, "schedule"))(t), []store.Wait{digest})
	})
}
