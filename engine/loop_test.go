package engine_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/source"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// clock is a movable one.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration // added at each look; 0 = 1 ms
	read func()        // called at each look, when set
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(c.step, time.Millisecond))
	if c.read != nil {
		c.read()
	}
	return c.now
}

func (c *clock) slow(step time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step = step
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const peopleCSV = `email,name,role,territory,manager_email,max_open,time_zone,specialties,active
priya@acme.example,Priya Nair,csm,,lena@acme.example,,Europe/Lisbon,,true
marcus@acme.example,Marcus Bell,ae,west,lena@acme.example,8,Europe/Dublin,,true
dana@acme.example,Dana Ortiz,ae,west,lena@acme.example,8,Europe/Dublin,,true
lena@acme.example,Lena Hoff,manager,,,,Europe/Berlin,,true
ravi@acme.example,Ravi Menon,revops,,,,Europe/Berlin,,true
`

const accountsCSV = `account_id,name,domain,segment,region,territory,arr_cents,currency,seats_licensed,plan,contract_start,contract_end,csm_email,ae_email
brightwater,Brightwater Labs,brightwater.example,mid,EMEA,west,4800000,USD,120,team,2025-06-01,2026-05-31,priya@acme.example,marcus@acme.example
`

type world struct {
	*engine.Engine
	t      *testing.T
	store  *store.Store
	clock  *clock
	people map[string]expansion.PersonID
}

func start(t *testing.T, dsn string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}, people: map[string]expansion.PersonID{}}
	w.store = storetest.Open(t, dsn, w.clock)
	var err error
	w.Engine, err = engine.New(context.Background(), engine.Config{Store: w.store, Clock: w.clock, Policy: route.DefaultText(), Admins: []string{"ravi@acme.example"}, Live: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.load(source.KindPeople, "people.csv", peopleCSV)
	w.load(source.KindAccounts, "accounts.csv", accountsCSV)
	ps, err := w.store.People(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		w.people[p.FirstName()] = p.ID
	}
	return w
}

func (w *world) load(kind source.Kind, name, text string) engine.ImportResult {
	w.t.Helper()
	res, err := w.Import(context.Background(), []engine.ImportFile{{Name: name, Kind: kind, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewBufferString(text)), nil }}}, false)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(res.Errors) > 0 {
		w.t.Fatalf("rows refused: %v", res.Errors)
	}
	return res
}

func (w *world) logged() expansion.Signal {
	w.t.Helper()
	res, err := w.Log(context.Background(), w.people["Priya"], engine.LogInput{AccountID: "brightwater", Type: expansion.ExplicitRequest, What: "they asked about 30 more seats"})
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Signal
}

func (w *world) routed() expansion.Routing {
	w.t.Helper()
	rt, err := w.Route(context.Background(), w.people["Priya"], w.logged().ID, 0, engine.RouteInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	return rt
}

func (w *world) verbs(id expansion.SignalID) []string {
	w.t.Helper()
	as, err := w.store.Activities(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, a := range as {
		out = append(out, a.Verb)
	}
	return out
}

func TestOneSignalFromLogToWon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		s := w.logged()
		if s.Status != expansion.Confirmed || s.Waiting != expansion.WaitReview || s.Completeness == nil {
			t.Fatalf("after the log the signal is %s, waiting %q, completeness %v", s.Status, s.Waiting, s.Completeness)
		}
		c, err := w.Case(ctx, w.people["Priya"], s.Label())
		if err != nil {
			t.Fatal(err)
		}
		if c.Plan == nil || c.Plan.To != w.people["Marcus"] || c.RoutesAt == nil {
			t.Fatalf("preview: plan %+v, routes at %v", c.Plan, c.RoutesAt)
		}
		rt, err := w.Route(ctx, w.people["Priya"], s.ID, s.Version, engine.RouteInput{Note: "Jo prefers phone"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Acknowledge(ctx, w.people["Dana"], rt.ID, rt.Version); expansion.CodeOf(err) != expansion.CodeDenied {
			t.Fatalf("somebody else's acknowledge: %v", err)
		}
		w.clock.move(7 * time.Minute)
		if err := w.Acknowledge(ctx, w.people["Marcus"], rt.ID, rt.Version); err != nil {
			t.Fatal(err)
		}
		if err := w.Acknowledge(ctx, w.people["Marcus"], rt.ID, rt.Version); expansion.TextOf(err) != "Already acknowledged by Marcus at 09:07. Nothing changed." {
			t.Fatalf("second press: %v", err)
		}
		if err := w.Start(ctx, w.people["Marcus"], rt.ID, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.RecordOutcome(ctx, w.people["Marcus"], rt.ID, 0, expansion.Outcome{Won: true, ARRChange: &expansion.Money{Minor: 2160000, Currency: "USD"}}); err != nil {
			t.Fatal(err)
		}
		want := []string{"signal_logged", "context_gathered", "planned", "routed", "acknowledged", "started", "won"}
		if d := cmp.Diff(want, w.verbs(s.ID)); d != "" {
			t.Fatalf("log (-want +got):\n%s", d)
		}
		p, _, err := w.Report(ctx, "", w.clock.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if p.Routed != 1 || len(p.ARR) != 1 || p.ARR[0].String() != "$21,600" {
			t.Fatalf("report: %+v", p)
		}
	})
}

func TestReviewWindowEndsAndFortyEightHoursEscalate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		s := w.logged()
		w.due(10*time.Minute + time.Second)
		rt, err := w.store.LiveRouting(ctx, s.ID)
		if err != nil || rt == nil {
			t.Fatalf("not routed when the window ended: %v", err)
		}
		w.due(48*time.Hour + time.Minute)
		got, err := w.store.Routing(ctx, rt.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.EscalatedTo != w.people["Lena"] {
			t.Fatalf("escalated to %q, log %v", got.EscalatedTo, w.verbs(s.ID))
		}
		if err := w.Reassign(ctx, w.people["Lena"], rt.ID, got.Version, w.people["Dana"], "travelling", ""); err != nil {
			t.Fatal(err)
		}
		next, err := w.store.LiveRouting(ctx, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if next.To != w.people["Dana"] || next.OpportunityID != rt.OpportunityID {
			t.Fatalf("after the reassignment %s has it under %s, want Dana under %s", next.To, next.OpportunityID, rt.OpportunityID)
		}
	})
}

// due moves the clock and keeps every promise due by then, in order.
func (w *world) due(d time.Duration) {
	w.t.Helper()
	ctx := context.Background()
	w.clock.move(d)
	for range 50 {
		ws, err := w.store.OpenWaits(ctx, w.clock.Now(), 1)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(ws) == 0 {
			return
		}
		if err := w.Wake(ctx, ws[0].ID); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("promises never end")
}

func TestUndoTakesItBackInsideTenMinutes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.routed()
		if err := w.Undo(ctx, w.people["Priya"], rt.ID, rt.Version); err != nil {
			t.Fatal(err)
		}
		if err := w.Acknowledge(ctx, w.people["Marcus"], rt.ID, rt.Version); expansion.CodeOf(err) != expansion.CodeGone {
			t.Fatalf("acknowledging a recalled routing: %v", err)
		}
		again, err := w.Route(ctx, w.people["Priya"], rt.SignalID, 0, engine.RouteInput{})
		if err != nil {
			t.Fatal(err)
		}
		if again.OpportunityID == rt.OpportunityID {
			t.Fatal("after a recall the new routing has the old opportunity")
		}
	})
}

func TestNotMineGoesToTheNextInLine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.routed()
		if err := w.NotMine(ctx, w.people["Marcus"], rt.ID, rt.Version, engine.NotMineInput{Reason: "wrong_territory"}); err != nil {
			t.Fatal(err)
		}
		next, err := w.store.LiveRouting(ctx, rt.SignalID)
		if err != nil {
			t.Fatal(err)
		}
		if next.To != w.people["Dana"] || next.Bounces != 1 || next.EscalateAt.Before(rt.EscalateAt) {
			t.Fatalf("next: %+v", next)
		}
	})
}
