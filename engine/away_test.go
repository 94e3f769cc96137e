package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// away is a world whose Marcus goes on leave with Dana as cover, and the lists he was sent.
type away struct {
	*world
	lists []notify.Delivery
}

func onLeave(t *testing.T, dsn string) *away {
	a := &away{world: start(t, dsn)}
	a.with(nil, &channel{name: "slack", send: func(d notify.Delivery) (notify.Receipt, error) {
		if d.Message.List != nil && d.Message.List.Kind == expansion.ListWhileAway {
			a.lists = append(a.lists, d)
		}
		return notify.Receipt{Channel: "D1", Remote: d.ID}, nil
	}})
	return a
}

// leave sets Marcus's leave by how many days from today.
func (a *away) leave(from, to int) {
	a.t.Helper()
	now := a.clock.Now()
	if err := a.SetAway(context.Background(), a.people["Marcus"], now.AddDate(0, 0, from), now.AddDate(0, 0, to), a.people["Dana"]); err != nil {
		a.t.Fatal(err)
	}
}

// covered is a signal of an account of Marcus's that goes to his cover now.
func (a *away) covered(key string) string {
	a.t.Helper()
	ctx := context.Background()
	s, _, err := a.Ingest(ctx, expansion.Finding{
		Signal:   expansion.Signal{AccountID: "brightwater", Type: expansion.ExplicitRequest, Subject: key, Score: 0.9, ExpansionType: expansion.Seats, CreatedBy: a.people["Priya"]},
		Evidence: expansion.Evidence{Source: expansion.SourceManual, SourceID: key, OccurredAt: a.clock.Now(), Why: "they asked for " + key, Score: 0.9},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, step := range []func(context.Context, expansion.SignalID) error{a.Enrich, a.Plan} {
		if err := step(ctx, s.ID); err != nil {
			a.t.Fatal(err)
		}
	}
	a.due(11 * time.Minute)
	if rt := a.live(s.ID); rt.Covering != a.people["Marcus"] || rt.To != a.people["Dana"] {
		a.t.Fatalf("%s went to %s covering %q, want Dana covering Marcus", key, rt.To, rt.Covering)
	}
	return s.Label()
}

// listed moves the clock and returns the signals of each list Marcus was sent since the
// last call.
func (a *away) listed(d time.Duration) [][]string {
	a.t.Helper()
	ctx := context.Background()
	a.due(d)
	ds, err := a.store.Undelivered(ctx, "slack", store.Waiting, 1000)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, d := range ds {
		if d.Kind == string(expansion.CardList) {
			if err := a.Deliver(ctx, d.ID); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	var out [][]string
	for _, l := range a.lists {
		var labels []string
		for _, c := range l.Message.List.Cases {
			labels = append(labels, c.Signal.Label())
		}
		out = append(out, labels)
	}
	a.lists = nil
	return out
}

const day = 24 * time.Hour

func TestEachLeaveHasAListOfItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		a := onLeave(t, dsn)
		a.leave(0, 2)
		first := a.covered("seats")
		wantLists(t, "after the first leave", a.listed(3*day), [][]string{{first}})
		a.leave(0, 1)
		second := a.covered("tier")
		wantLists(t, "after the second leave", a.listed(2*day), [][]string{{second}})
		a.leave(0, 1)
		wantLists(t, "after a leave in which nothing came", a.listed(2*day), nil)
	})
}

func TestALeaveThatIsMadeLongerKeepsItsBeginning(t *testing.T) {
	t.Parallel()
	a := onLeave(t, storetest.SQLite(t))
	a.leave(0, 2)
	first := a.covered("seats")
	wantLists(t, "still away", a.listed(2*day), nil)
	a.leave(0, 3)
	second := a.covered("tier")
	wantLists(t, "after all of it", a.listed(4*day), [][]string{{first, second}})
}

func TestWhoComesBackEarlyGetsTheListAtOnce(t *testing.T) {
	t.Parallel()
	a := onLeave(t, storetest.SQLite(t))
	a.leave(0, 9)
	first := a.covered("seats")
	wantLists(t, "still away", a.listed(2*day), nil)
	if err := a.ClearAway(context.Background(), a.people["Marcus"]); err != nil {
		t.Fatal(err)
	}
	wantLists(t, "back early", a.listed(0), [][]string{{first}})
	wantLists(t, "at the end it once had", a.listed(10*day), nil)
}

// A leave that has begun keeps its days and its list, whatever is planned after it.
func TestALeaveSetBeforeTheListOfAnotherIsSent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		a := onLeave(t, dsn)
		a.leave(0, 4)
		first := a.covered("seats")
		wantLists(t, "still away", a.listed(3*day), nil)
		a.leave(4, 6)
		second := a.covered("tier") // still away
		wantLists(t, "after the first leave", a.listed(2*day), [][]string{{first, second}})
		wantLists(t, "in the second leave", a.listed(2*day), nil)
		third := a.covered("usage")
		wantLists(t, "after the second leave", a.listed(4*day), [][]string{{third}})
	})
}

func TestALeaveSetOnTheFirstMorningBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		a := onLeave(t, dsn)
		a.leave(0, 1)
		first := a.covered("seats")
		a.untilEarly(2)
		a.leave(7, 9)
		wantLists(t, "on that morning", a.listed(4*time.Hour), [][]string{{first}})
		wantLists(t, "after a leave in which nothing came", a.listed(12*day), nil)
	})
}

func TestALeaveEndedOnItsFirstDayOrBeforeItsListHasItAtOnce(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(a *away){
		"on its first day":          func(*away) {},
		"on the first morning back": func(a *away) { a.untilEarly(3) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				a := onLeave(t, dsn)
				a.leave(0, 2)
				first := a.covered("seats")
				back(a)
				if err := a.ClearAway(context.Background(), a.people["Marcus"]); err != nil {
					t.Fatal(err)
				}
				wantLists(t, "at once", a.listed(0), [][]string{{first}})
				wantLists(t, "later", a.listed(10*day), nil)
			})
		})
	}
}

func TestBackEarlyTheNextLeaveStaysPlanned(t *testing.T) {
	t.Parallel()
	a := onLeave(t, storetest.SQLite(t))
	ctx := context.Background()
	a.leave(0, 4)
	a.leave(7, 9)
	for _, want := range []int{2, 0} { // the one they are on ends, then the one to come is dropped
		if err := a.ClearAway(ctx, a.people["Marcus"]); err != nil {
			t.Fatal(err)
		}
		a.listed(0)
		if as, err := a.store.Aways(ctx, a.clock.Now()); err != nil || len(as) != want {
			t.Fatalf("leaves kept: %v, %v, want %d", as, err, want)
		}
	}
}

// untilEarly moves the clock to 05:11 of a day from today on, Marcus's time.
func (a *away) untilEarly(days int) {
	a.t.Helper()
	now := a.clock.Now()
	p, err := a.store.Person(context.Background(), a.people["Marcus"])
	if err != nil {
		a.t.Fatal(err)
	}
	local := now.In(p.Location())
	to := time.Date(local.Year(), local.Month(), local.Day()+days, 5, 11, 0, 0, p.Location())
	wantLists(a.t, "before nine", a.listed(to.Sub(now)), nil)
}

func wantLists(t *testing.T, when string, got, want [][]string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", when, d)
	}
}
