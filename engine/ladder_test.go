package engine_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/store/storetest"
)

// under runs the world on with another policy published: the shipped one with pairs of
// old and new text.
func (w *world) under(pairs ...string) *world {
	w.t.Helper()
	text := string(route.DefaultText())
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			w.t.Fatalf("the shipped policy does not say %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	var err error
	w.Engine, err = engine.New(context.Background(), engine.Config{Store: w.store, Clock: w.clock, Policy: []byte(text), Admins: []string{"ravi@acme.example"}, Live: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w
}

// promises are the open ones of a routing: kind and time from now, rounded to minutes.
func (w *world) promises(id expansion.RoutingID) string {
	w.t.Helper()
	ws, err := w.store.OpenWaitsOf(context.Background(), string(id))
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, x := range ws {
		out = append(out, x.Kind+" "+x.DueAt.Sub(w.clock.Now()).Round(time.Minute).String())
	}
	return strings.Join(out, ", ")
}

// Two policies that differ in every time and person of the ladder.
var (
	ladderOfA = []string{
		"nudges: [4h, 24h]", "nudges: [2h]", "escalate_after: 48h", "escalate_after: 30h", "escalate_again: 24h", "escalate_again: 20h",
		"extend_by: 24h", "extend_by: 10h", "not_real_answer: 24h", "not_real_answer: 6h", "undo_window: 10m", "undo_window: 1h",
		"- to: manager", "- to: people\n    people: [dana@acme.example]",
	}
	ladderOfB = []string{
		"nudges: [4h, 24h]", "nudges: [5h]", "escalate_after: 48h", "escalate_after: 60h", "escalate_again: 24h", "escalate_again: 50h",
		"extend_by: 24h", "extend_by: 70h", "not_real_answer: 24h", "not_real_answer: 80h", "undo_window: 10m", "undo_window: 2m",
		"end: \"17:00\"", "end: \"22:00\"",
	}
)

func TestALadderClimbsThePolicyItWasRoutedUnder(t *testing.T) { // storyboard 7.9
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(t *testing.T, w *world, rt expansion.Routing)
	}{
		{"it escalates to the people named then, and again after the time said then", func(t *testing.T, w *world, rt expansion.Routing) {
			w.due(30*time.Hour + time.Minute)
			if got := w.live(rt.SignalID); got.EscalatedTo != w.people["Dana"] || got.EscalationLevel != 1 {
				t.Fatalf("escalated to %s at level %d, want Dana at 1", got.EscalatedTo, got.EscalationLevel)
			}
			if got, want := w.promises(rt.ID), "escalate_again 20h0m0s"; got != want {
				t.Fatalf("promises %q, want %q", got, want)
			}
			w.due(20*time.Hour + time.Minute)
			if got := w.live(rt.SignalID); got.EscalatedTo != w.people["Ravi"] || got.EscalationLevel != 2 {
				t.Fatalf("then to %s at level %d, want Ravi at 2", got.EscalatedTo, got.EscalationLevel)
			}
		}},
		{"a nudge outside the hours of then waits for the next working hour of then", func(t *testing.T, w *world, rt expansion.Routing) {
			w.clock.move(9 * time.Hour) // 18:00: late for A, working time for B
			w.due(0)
			if got, want := w.promises(rt.ID), "nudge 15h0m0s, escalate 21h0m0s"; got != want {
				t.Fatalf("promises %q, want %q", got, want)
			}
		}},
		{"more time is as much as was said then", func(t *testing.T, w *world, rt expansion.Routing) {
			if err := w.Extend(context.Background(), w.people["Lena"], rt.ID, 0, "on the road"); err != nil {
				t.Fatal(err)
			}
			if got, want := w.promises(rt.ID), "undo_over 1h0m0s, nudge 2h0m0s, overdue 4h0m0s, escalate 10h0m0s"; got != want {
				t.Fatalf("promises %q, want %q", got, want)
			}
		}},
		{"the CSM has as long to disagree as was said then", func(t *testing.T, w *world, rt expansion.Routing) {
			if err := w.NotReal(context.Background(), w.people["Marcus"], rt.ID, 0, "pilot", "pilot users only"); err != nil {
				t.Fatal(err)
			}
			if got, want := w.promises(rt.ID), "not_real_answer 6h0m0s"; got != want {
				t.Fatalf("promises %q, want %q", got, want)
			}
		}},
		{"it can be recalled as long as was said then", func(t *testing.T, w *world, rt expansion.Routing) {
			w.clock.move(30 * time.Minute)
			c, err := w.Case(context.Background(), w.people["Priya"], rt.Label())
			if err != nil || c.UndoUntil == nil || !c.UndoUntil.Equal(rt.RoutedAt.Add(time.Hour)) {
				t.Fatalf("the card offers the recall until %v (%v), want an hour after the routing", c.UndoUntil, err)
			}
			if err := w.Undo(context.Background(), w.people["Priya"], rt.ID, 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"what is routed from now on climbs the new one", func(t *testing.T, w *world, rt expansion.Routing) {
			if err := w.Reassign(context.Background(), w.people["Lena"], rt.ID, 0, w.people["Dana"], "travelling", ""); err != nil {
				t.Fatal(err)
			}
			next := w.live(rt.SignalID)
			if got, want := w.promises(next.ID), "undo_over 2m0s, overdue 4h0m0s, nudge 5h0m0s, escalate 60h0m0s"; got != want || w.promises(rt.ID) != "" {
				t.Fatalf("promises %q, want %q; and of the one before %q, want none", got, want, w.promises(rt.ID))
			}
			w.due(60*time.Hour + time.Minute)
			if got, want := w.promises(next.ID), "escalate_again 50h0m0s"; got != want || w.live(rt.SignalID).EscalatedTo != w.people["Lena"] {
				t.Fatalf("escalated to %s, promises %q, want Lena and %q", w.live(rt.SignalID).EscalatedTo, got, want)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				w := start(t, dsn)
				rt := w.under(ladderOfA...).routed()
				c.do(t, w.under(ladderOfB...), rt)
			})
		})
	}
}

func TestEveryMarkSaysWhichPolicySetIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		rt := w.under(ladderOfA...).routed()
		w.under(ladderOfB...)
		if err := w.Extend(context.Background(), w.people["Lena"], rt.ID, 0, "on the road"); err != nil {
			t.Fatal(err)
		}
		ws, err := w.store.OpenWaitsOf(context.Background(), string(rt.ID))
		if err != nil || len(ws) != 4 {
			t.Fatalf("open promises %v (%v), want two of its cards, a nudge and the mark", ws, err)
		}
		for _, x := range ws {
			if x.Policy != rt.Decision.PolicyVersion {
				t.Errorf("%s says policy %s, want that of the routing, %s", x.Kind, x.Policy, rt.Decision.PolicyVersion)
			}
		}
	})
}

func TestALadderWhosePolicyIsGoneClimbsTheOneInForce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.under(ladderOfA...).routed()
		w.under(ladderOfB...)
		if err := w.store.Driver().GetExecutor().Exec(ctx, `DELETE FROM policies WHERE version = '`+rt.Decision.PolicyVersion+`'`); err != nil {
			t.Fatal(err)
		}
		w.due(30*time.Hour + time.Minute)
		if got, want := w.promises(rt.ID), "escalate_again 50h0m0s"; got != want || w.live(rt.SignalID).EscalatedTo != w.people["Lena"] {
			t.Fatalf("escalated to %s, promises %q, want Lena and %q", w.live(rt.SignalID).EscalatedTo, got, want)
		}
	})
}
