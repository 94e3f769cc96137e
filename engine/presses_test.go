package engine_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/store/storetest"
)

func TestNotMineGoesToTheManagerWhenNobodyElseIsInLine(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	rt := w.routed()
	if err := w.NotMine(ctx, w.people["Marcus"], rt.ID, 0, engine.NotMineInput{Reason: "no_time"}); err != nil {
		t.Fatal(err)
	}
	second := w.live(rt.SignalID)
	if err := w.NotMine(ctx, w.people["Dana"], second.ID, 0, engine.NotMineInput{Reason: "no_time"}); err != nil {
		t.Fatalf("the last one in line passes it on: %v", err)
	}
	if third := w.live(rt.SignalID); third.To != w.people["Lena"] || third.Bounces != 2 {
		t.Fatalf("it went to %s after %d bounces, want Lena after 2", third.To, third.Bounces)
	}
}

func TestNotMineCannotNameOneself(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	rt := w.routed()
	err := w.NotMine(ctx, w.people["Marcus"], rt.ID, 0, engine.NotMineInput{Reason: "other", To: w.people["Marcus"]})
	if expansion.CodeOf(err) != expansion.CodeInvalid {
		t.Fatalf("passing it on to oneself: %v, want CodeInvalid", err)
	}
}

func TestNotRealPressedTwiceAsksOnceAndTheDayRunsFromTheFirst(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	rt := w.routed()
	if err := w.NotReal(ctx, w.people["Marcus"], rt.ID, 0, "pilot", "pilot users only"); err != nil {
		t.Fatal(err)
	}
	w.clock.move(time.Hour)
	if err := w.NotReal(ctx, w.people["Marcus"], rt.ID, 0, "pilot", "pilot users only"); expansion.CodeOf(err) != expansion.CodeConflict {
		t.Fatalf("second press: %v, want CodeConflict", err)
	}
	w.due(23*time.Hour + time.Minute)
	if got := w.live(rt.SignalID); got.Disposition != expansion.Rejected {
		t.Fatalf("a day after the first press it is %q, want rejected", got.Disposition)
	}
}

func TestDisagreeingTwiceEscalatesOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	rt := w.routed()
	if err := w.AnswerNotReal(ctx, w.people["Priya"], rt.ID, true, ""); expansion.CodeOf(err) != expansion.CodeConflict {
		t.Fatalf("an answer nobody asked for: %v, want CodeConflict", err)
	}
	if err := w.NotReal(ctx, w.people["Marcus"], rt.ID, 0, "pilot", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.AnswerNotReal(ctx, w.people["Priya"], rt.ID, false, "they asked for a quote"); err != nil {
		t.Fatal(err)
	}
	if err := w.AnswerNotReal(ctx, w.people["Priya"], rt.ID, false, "they asked for a quote"); expansion.CodeOf(err) != expansion.CodeConflict {
		t.Fatalf("second press: %v, want CodeConflict", err)
	}
	if got := w.live(rt.SignalID); got.EscalationLevel != 1 || got.EscalatedTo != w.people["Lena"] {
		t.Fatalf("escalated to %s at level %d, want Lena at 1", got.EscalatedTo, got.EscalationLevel)
	}
}

func TestTakeIsOneChange(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	rt := w.routed()
	if err := w.Take(ctx, w.people["Lena"], rt.ID, 0); err != nil {
		t.Fatal(err)
	}
	got := w.live(rt.SignalID)
	if got.To != w.people["Lena"] || got.Status != expansion.Acknowledged || !got.AcknowledgedAt.Equal(got.RoutedAt) {
		t.Fatalf("taken: %s has it, %s at %v, routed at %v; want Lena, acknowledged as it was routed", got.To, got.Status, got.AcknowledgedAt, got.RoutedAt)
	}
	if vs := w.verbs(rt.SignalID); !slices.Contains(vs, "acknowledged") {
		t.Fatalf("log: %v, want an acknowledgement", vs)
	}
	ws, err := w.store.OpenWaitsOf(ctx, string(got.ID))
	if err != nil || len(ws) != 0 {
		t.Fatalf("promises left: %v, %v", ws, err)
	}
}

// live is the signal's routing that counts.
func (w *world) live(id expansion.SignalID) expansion.Routing {
	w.t.Helper()
	rt, err := w.store.LiveRouting(context.Background(), id)
	if err != nil || rt == nil {
		w.t.Fatalf("routing of %s: %v, %v", id, rt, err)
	}
	return *rt
}
