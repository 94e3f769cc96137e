package engine_test

import (
	"context"
	"slices"
	"testing"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// A process that dies between a press's effect and the note that it was worked leaves the
// job to the next one.
func TestAPressWorkedAgainTakesEffectOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		rt := w.routed()
		contact := engine.ContactInput{Channel: "call", Direction: "out", Line: "Asked for the order form."}
		for job, press := range []struct {
			verb string
			do   func(context.Context) error
		}{
			{"remind_asked", func(ctx context.Context) error {
				due, err := w.Remind(ctx, w.people["Marcus"], rt.ID)
				if due.IsZero() {
					t.Error("the second working of \"Remind me\" does not say when")
				}
				return err
			}},
			{"nudged", func(ctx context.Context) error { return w.Nudge(ctx, w.people["Lena"], rt.ID) }},
			{"acknowledged", func(ctx context.Context) error { return w.Acknowledge(ctx, w.people["Marcus"], rt.ID, rt.Version) }},
			{"contact_logged", func(ctx context.Context) error {
				return w.LogContact(ctx, w.people["Marcus"], rt.ID, rt.Version, contact)
			}},
			{"started", func(ctx context.Context) error { return w.Start(ctx, w.people["Marcus"], rt.ID, rt.Version) }},
		} {
			ctx := store.WithJob(t.Context(), int64(100+job))
			for range 2 {
				if err := press.do(ctx); err != nil {
					t.Errorf("%s: %v", press.verb, err)
				}
			}
			if n := count(w.verbs(rt.SignalID), press.verb); n != 1 {
				t.Errorf("%s is in the log %d times after one press that was worked twice", press.verb, n)
			}
			if press.verb != "contact_logged" {
				continue
			}
			// Another press of the same kind is another contact.
			if err := press.do(store.WithJob(t.Context(), 200)); err != nil {
				t.Error(err)
			}
			if n := count(w.verbs(rt.SignalID), press.verb); n != 2 {
				t.Errorf("%s is in the log %d times after two presses", press.verb, n)
			}
		}
		if got, err := w.store.Routing(t.Context(), rt.ID); err != nil || got.Status != expansion.InProgress {
			t.Errorf("the routing is %s, %v", got.Status, err)
		}
	})
}

func count(verbs []string, verb string) int {
	return len(slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return v != verb }))
}
