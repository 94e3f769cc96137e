package engine_test

import (
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/store/storetest"
)

// Storyboard 7.1: a program cannot be asked. What a person noticed goes to the open signal
// about the same purchase; what a detector found keeps a signal of its own type.
func TestSubmittedByHandJoinsTheSimilarSignal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		submit := func(by expansion.PersonID, in engine.LogInput) (expansion.Signal, bool) {
			t.Helper()
			in.AccountID = "brightwater"
			s, fresh, err := w.Submit(t.Context(), by, in)
			if err != nil {
				t.Fatal(err)
			}
			return s, fresh
		}
		usage, _ := submit("", engine.LogInput{Type: expansion.UsageGrowth, What: "132 of 120 seats are in use", Source: expansion.SourceUsage})
		for name, by := range map[string]expansion.PersonID{"by a person": w.people["Priya"], "of the source manual": ""} {
			s, fresh := submit(by, engine.LogInput{Type: expansion.ExplicitRequest, What: "they asked about 30 more seats " + name, Source: expansion.SourceManual})
			if fresh || s.ID != usage.ID {
				t.Errorf("a signal %s: %s, new: %t; want it added to %s", name, s.Label(), fresh, usage.Label())
			}
		}
		if s, fresh := submit("", engine.LogInput{Type: expansion.CapacityLimit, What: "nobody can be given a seat", Source: expansion.SourceSystem}); !fresh {
			t.Errorf("a detector's signal of another type was added to %s", s.Label())
		}
		if s, fresh := submit(w.people["Priya"], engine.LogInput{Type: expansion.FeatureAdoption, What: "they want the enterprise plan"}); !fresh {
			t.Errorf("a signal about another kind of purchase was added to %s", s.Label())
		}
	})
}

// Storyboard 7.1, the other way round: the meter shows what a person heard before. It is one
// signal, seen twice; a person's signal about something else stays apart.
func TestUsageJoinsWhatAPersonLogged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		log  engine.LogInput
		want int // signals the scan makes
	}{
		"the same purchase": {engine.LogInput{Type: expansion.ExplicitRequest, What: "they asked about 30 more seats"}, 0},
		"another purchase":  {engine.LogInput{Type: expansion.FeatureAdoption, What: "they want the enterprise plan"}, 1},
		"heard too long ago": {engine.LogInput{
			Type: expansion.ExplicitRequest, What: "they asked about 30 more seats", OccurredAt: time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC),
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				w := start(t, dsn)
				tt.log.AccountID = "brightwater"
				res, err := w.Log(t.Context(), w.people["Priya"], tt.log)
				if err != nil {
					t.Fatal(err)
				}
				w.overLicence("brightwater")
				found, err := w.Scan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if found.Signals != tt.want || found.Merged != 1-tt.want {
					t.Errorf("the scan made %d signals and merged %d, want %d and %d", found.Signals, found.Merged, tt.want, 1-tt.want)
				}
				if s := w.signal(res.Signal.ID); s.SeenCount != 2-tt.want {
					t.Errorf("%s was seen %d times, want %d", s.Label(), s.SeenCount, 2-tt.want)
				}
			})
		})
	}
}

// The signal to add to may end while somebody looks at the question.
func TestNothingIsAddedToASignalThatWasDismissedMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		priya := w.people["Priya"]
		in := engine.LogInput{AccountID: "brightwater", Type: expansion.ExplicitRequest, What: "they asked about 30 more seats"}
		first, err := w.Log(t.Context(), priya, in)
		if err != nil {
			t.Fatal(err)
		}
		id := first.Signal.ID
		if err := w.Dismiss(t.Context(), priya, id, 0, "duplicate"); err != nil {
			t.Fatal(err)
		}
		in.AddTo, in.What = id, "they asked about 30 more seats again"
		if _, err := w.Log(t.Context(), priya, in); expansion.CodeOf(err) != expansion.CodeGone {
			t.Errorf("got %v, want gone", err)
		}
		if s := w.signal(id); s.SeenCount != 1 {
			t.Errorf("%s was seen %d times, want 1", s.Label(), s.SeenCount)
		}
	})
}
