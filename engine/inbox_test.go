package engine_test

import (
	"context"
	"errors"
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
			// The second working is by another job: the audit makes a new one for what was lost.
			env := engine.Envelope{ID: press.verb, Kind: "action", User: "U1", Payload: []byte(`{}`)}
			if _, err := w.Receive(t.Context(), env); err != nil {
				t.Fatal(err)
			}
			for again := range 2 {
				err := w.WorkInbox(store.WithJob(t.Context(), int64(100+10*job+again)), env.ID, func(ctx context.Context, _ engine.Envelope) error {
					if err := press.do(ctx); err != nil {
						t.Errorf("%s: %v", press.verb, err)
					}
					if again == 0 {
						return expansion.Errorf(expansion.CodeUnavailable, "It died here.")
					}
					return nil
				})
				if err != nil && !errors.As(err, new(*engine.Later)) {
					t.Fatal(err)
				}
			}
			if n := count(w.verbs(rt.SignalID), press.verb); n != 1 {
				t.Errorf("%s is in the log %d times after one press that was worked twice", press.verb, n)
			}
			if press.verb != "contact_logged" {
				continue
			}
			// Another press of the same kind is another contact.
			if err := press.do(store.WithEnvelope(t.Context(), "another")); err != nil {
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
