package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// noticed keeps n signals that were noticed by themselves, each on an account of its own
// whose CSM is given, as waiting for what is given.
func (w *world) noticed(n int, csm expansion.PersonID, waiting expansion.Waiting) []expansion.Signal {
	w.t.Helper()
	ctx := context.Background()
	var out []expansion.Signal
	err := w.store.InTx(ctx, func(tx *store.Tx) error {
		out = out[:0]
		for range n {
			number, err := tx.Next(ctx, "signal", 1001)
			if err != nil {
				return err
			}
			a := expansion.Account{ID: expansion.AccountID(fmt.Sprintf("many-%05d", number)), Name: fmt.Sprintf("Many %05d", number), CSM: csm}
			if err := tx.PutAccount(ctx, a); err != nil {
				return err
			}
			s := expansion.Signal{ID: expansion.SignalID(tx.NewID()), Number: number, AccountID: a.ID, Type: expansion.UsageGrowth, Strength: expansion.Strong, Status: expansion.Confirmed, Waiting: waiting, DetectedAt: tx.Now}
			if waiting == expansion.WaitList {
				s.Status = expansion.Detected
			}
			if err := tx.InsertSignal(ctx, &s); err != nil {
				return err
			}
			out = append(out, s)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) mine(who string) (cs []expansion.Case, total int) {
	w.t.Helper()
	cs, total, err := w.Mine(context.Background(), w.people[who])
	if err != nil {
		w.t.Fatal(err)
	}
	return cs, total
}

func (w *world) home(who string, f engine.ListFilter, page int) engine.HomeView {
	w.t.Helper()
	v, err := w.Home(context.Background(), w.people[who], f, page)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// Storyboard 5.1: what nobody acknowledged for 48 h waits on the manager, in her queue and
// her Home, until somebody answers it.
func TestWhatWasEscalatedWaitsOnTheManager(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		rt := w.routed()
		lena := engine.ListFilter{Owner: w.people["Lena"]}
		if _, n := w.mine("Lena"); n != 0 {
			t.Fatalf("%d wait on Lena before the mark, want none", n)
		}
		w.due(48*time.Hour + time.Minute)
		cs, n := w.mine("Lena")
		if n != 1 || len(cs) != 1 || cs[0].Routing == nil || cs[0].Routing.ID != rt.ID {
			t.Fatalf("%d wait on Lena (%d drawn), want %s", n, len(cs), rt.Label())
		}
		if v := w.home("Lena", lena, 1); v.Totals.NeedYou != 1 || v.Totals.Open != 1 || len(v.Groups) != 1 {
			t.Fatalf("Lena's Home: %+v with %d customers, want one that needs her", v.Totals, len(v.Groups))
		}
		if err := w.Acknowledge(context.Background(), w.people["Marcus"], rt.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, n := w.mine("Lena"); n != 0 {
			t.Fatalf("%d wait on Lena after Marcus answered, want none", n)
		}
		if _, n := w.mine("Marcus"); n != 1 {
			t.Fatalf("%d wait on Marcus, want the one he works on", n)
		}
	})
}

// What waits longest comes first, however much came after it.
func TestMineBeginsWithTheOldestOfAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		ss := w.noticed(130, w.people["Priya"], expansion.WaitReview)
		cs, n := w.mine("Priya")
		if n != 130 || len(cs) != 20 {
			t.Fatalf("%d in all and %d drawn, want 130 and 20", n, len(cs))
		}
		for i, c := range cs {
			if c.Signal.ID != ss[i].ID {
				t.Fatalf("place %d has %s, want %s", i+1, c.Signal.Label(), ss[i].Label())
			}
		}
	})
}

// Going live tells every CSM, also one whose only signal is older than 500 others.
func TestGoLiveListsMoreThanFiveHundred(t *testing.T) {
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
		w.noticed(1, w.people["Dana"], expansion.WaitList)
		w.noticed(520, w.people["Priya"], expansion.WaitList)
		if on, n, err := w.Shadow(ctx); !on || n != 521 || err != nil {
			t.Fatalf("shadow %v with %d signals (%v), want on with 521", on, n, err)
		}
		if err := w.GoLive(ctx, w.people["Ravi"]); err != nil {
			t.Fatal(err)
		}
		w.deliverAll()
		for who, want := range map[string]int{"Dana": 1, "Priya": 520} {
			lists := d.of(w.people[who])
			if len(lists) != 1 || lists[0].Message.List == nil || lists[0].Message.List.Len() != want {
				t.Errorf("%s was shown %d messages, want one list of %d: %+v", who, len(lists), want, lists)
			}
		}
	})
}

// deliverAll sends what waits to be shown in Slack.
func (w *world) deliverAll() {
	w.t.Helper()
	ds, err := w.store.Undelivered(context.Background(), "slack", store.Waiting, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range ds {
		if err := w.Deliver(context.Background(), x.ID); err != nil {
			w.t.Fatal(err)
		}
	}
}

// The totals are of everything, not of what is on the page, and the pages reach everything.
func TestHomeCountsAllAndPagesAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.routed()
		if err := w.RecordOutcome(ctx, w.people["Marcus"], rt.ID, 0, expansion.Outcome{Won: true, ARRChange: &expansion.Money{Minor: 2160000, Currency: "USD"}}); err != nil {
			t.Fatal(err)
		}
		ss := w.noticed(70, w.people["Priya"], expansion.WaitReview)
		for name, f := range map[string]engine.ListFilter{
			"her own, as it opens": {Owner: w.people["Priya"], Statuses: []expansion.SignalStatus{expansion.Detected, expansion.Confirmed, expansion.Routed}},
			"narrowed to one":      {Owner: w.people["Priya"], AccountID: ss[0].AccountID},
			"her own, no filter":   {Owner: w.people["Priya"]},
			"everybody's":          {},
		} {
			want := engine.Totals{NeedYou: 70, Open: 70, Won: 1, WonARR: []expansion.Money{{Minor: 2160000, Currency: "USD"}}}
			if d := cmp.Diff(want, w.home("Priya", f, 1).Totals); d != "" {
				t.Errorf("%s: totals (-want +got):\n%s", name, d)
			}
		}
		if v := w.home("Dana", engine.ListFilter{Owner: w.people["Dana"]}, 1); v.Totals.Won+v.Totals.Open+v.Totals.NeedYou != 0 {
			t.Errorf("Dana's totals %+v, want none", v.Totals)
		}
		seen := map[expansion.SignalID]bool{}
		for page := 1; page <= 9; page++ {
			v := w.home("Priya", engine.ListFilter{Owner: w.people["Priya"]}, page)
			if v.Page != page || v.Pages != 9 {
				t.Fatalf("page %d of %d, want %d of 9", v.Page, v.Pages, page)
			}
			for _, g := range v.Groups {
				for _, c := range g.Cases {
					seen[c.Signal.ID] = true
				}
			}
		}
		if len(seen) != 70 {
			t.Errorf("the pages show %d signals, want 70", len(seen))
		}
		if v := w.home("Priya", engine.ListFilter{Owner: w.people["Priya"]}, 99); v.Page != 9 || len(v.Groups) != 6 {
			t.Errorf("beyond the last page: page %d with %d customers, want page 9 with 6", v.Page, len(v.Groups))
		}
		w.clock.move(31 * 24 * time.Hour)
		if v := w.home("Priya", engine.ListFilter{Owner: w.people["Priya"]}, 1); v.Totals.Won != 0 {
			t.Errorf("%d won in the next quarter, want none", v.Totals.Won)
		}
	})
}

// A line of a list is the same case as the card's, without what no list shows.
func TestALineIsTheCase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.routed()
		if err := w.NotMine(ctx, w.people["Marcus"], rt.ID, 0, engine.NotMineInput{Reason: "wrong_territory"}); err != nil {
			t.Fatal(err)
		}
		want, err := w.Case(ctx, w.people["Priya"], string(rt.SignalID))
		if err != nil {
			t.Fatal(err)
		}
		cs, _, err := w.List(ctx, w.people["Priya"], engine.ListFilter{})
		if err != nil || len(cs) != 1 {
			t.Fatalf("%d cases, %v; want one", len(cs), err)
		}
		want.Now, want.Context, want.Notices, want.UndoUntil, want.Routing.Decision = cs[0].Now, expansion.Context{}, nil, nil, expansion.Decision{}
		want.AckWithin, want.AnswerWithin = 0, 0
		if d := cmp.Diff(want, cs[0]); d != "" {
			t.Errorf("case (-) and line (+) differ:\n%s", d)
		}
	})
}
