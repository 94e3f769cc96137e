package store_test

import (
	"testing"
	"time"

	"expansionbot/store"
)

// On PostgreSQL another attempt may end between the read and the write. What it found,
// above all where the message is, must not be overwritten: it would be posted again.
func TestHastenKeepsWhatAnAttemptFoundMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		var d store.Delivery
		attempt := func(change func(d *store.Delivery)) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				x, _, err := tx.Claim(ctx, d.ID, tx.NewID(), tx.Now.Add(time.Minute))
				if err != nil {
					return err
				}
				change(&x)
				_, err = tx.Finish(ctx, x)
				return err
			})
		}
		hasten := func(want bool) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				got, err := tx.Hasten(ctx, d.ID)
				equal(t, "hastened", got, want)
				return err
			})
		}
		write(t, s, func(tx *store.Tx) (err error) {
			d, err = tx.Want(ctx, store.Delivery{Channel: "slack", Kind: "thread_line", Subject: "1", Person: "ben"})
			return err
		})
		hasten(false) // it waits for its first try
		next := kept.Add(time.Hour)
		attempt(func(d *store.Delivery) { d.State, d.Unknown, d.NextAt = store.Retry, true, &next })
		before := must(s.Delivery(ctx, d.ID))(t)
		hasten(true)
		before.NextAt = nil
		equal(t, "row that waits", must(s.Delivery(ctx, d.ID))(t), before)
		attempt(func(d *store.Delivery) { d.State, d.Shown, d.Unknown, d.Remote = store.Sent, 1, false, "17.1" })
		before = must(s.Delivery(ctx, d.ID))(t)
		hasten(false)
		equal(t, "row that arrived meanwhile", must(s.Delivery(ctx, d.ID))(t), before)
	})
}
