package store_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// start is when every story begins: with microseconds, and with nanoseconds below them
// that no database keeps.
var start = time.Date(2026, 3, 2, 10, 0, 0, 123456789, time.UTC)

// kept is start as a database gives it back.
var kept = start.Truncate(time.Microsecond)

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// each runs fn on an empty store of each database.
func each(t *testing.T, fn func(t *testing.T, s *store.Store, c *clock)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, dsn string) {
		c := &clock{now: start}
		fn(t, storetest.Open(t, dsn, c), c)
	})
}

// write runs fn in a transaction that has to commit.
func write(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// must returns v, or ends the test with err.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func wantCode(t *testing.T, what string, err error, code expansion.Code) {
	t.Helper()
	if got := expansion.CodeOf(err); got != code {
		t.Errorf("%s: got code %q (%v), want %q", what, got, err, code)
	}
}

// raw opens the database beside the store, to look at what it wrote.
func raw(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	driver := "sqlite3"
	if strings.HasPrefix(dsn, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func count(t *testing.T, db *sql.DB, from string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		t.Fatalf("count %s: %v", from, err)
	}
	return n
}

// work is a job of the tests.
type work struct {
	What string `json:"what"`
}

func (work) Kind() string { return "work" }

// signal is a signal with number n, changed by change.
func signal(s *store.Store, n int64, change ...func(*expansion.Signal)) expansion.Signal {
	x := expansion.Signal{
		ID: expansion.SignalID(s.NewID()), Number: n, AccountID: "brightwater", Type: expansion.UsageGrowth, Strength: expansion.Strong,
		Source: expansion.SourceUsage, Subject: "seats_used", DetectedAt: kept, Score: 0.86, Status: expansion.Detected, SeenCount: 1, LastSeenAt: kept,
	}
	for _, f := range change {
		f(&x)
	}
	return x
}

// routing is a pending routing of x to a person.
func routing(s *store.Store, n int64, x expansion.Signal, to expansion.PersonID) expansion.Routing {
	return expansion.Routing{
		ID: expansion.RoutingID(s.NewID()), Number: n, SignalID: x.ID, AccountID: x.AccountID, To: to, Role: expansion.ToAE,
		OpportunityID: expansion.OpportunityID(s.NewID()), Status: expansion.Pending, RoutedAt: kept, EscalateAt: kept.Add(48 * time.Hour),
	}
}

func TestRowActivityAndJobCommitTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		c := &clock{now: start}
		s, db := storetest.Open(t, dsn, c), raw(t, dsn)
		ctx := store.WithJob(t.Context(), 77)
		refused := errors.New("refused")
		x := signal(s, 1042)
		step := func(end error) func(tx *store.Tx) error {
			return func(tx *store.Tx) error {
				x.Version = 0
				if err := tx.InsertSignal(ctx, &x); err != nil {
					return err
				}
				if _, err := tx.Log(ctx, expansion.Activity{Agent: expansion.Monitor, Verb: "signal_detected", AccountID: x.AccountID, SignalID: x.ID, Args: map[string]any{"n": 1.0}}); err != nil {
					return err
				}
				if err := tx.Enqueue(ctx, work{"enrich"}, time.Time{}); err != nil {
					return err
				}
				return end
			}
		}
		tables := []string{"expansion_signals", "activities", "river_job"}

		if err := s.InTx(ctx, step(refused)); !errors.Is(err, refused) {
			t.Fatalf("a step that was refused: got %v, want its error", err)
		}
		for _, table := range tables {
			equal(t, "rows of "+table+" after the roll-back", count(t, db, table), 0)
		}

		if err := s.InTx(ctx, step(nil)); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			equal(t, "rows of "+table+" after the commit", count(t, db, table), 1)
		}
		as := must(s.Activities(ctx, x.ID))(t)
		if len(as) != 1 {
			t.Fatalf("log lines: got %d, want 1", len(as))
		}
		want := expansion.Activity{ID: as[0].ID, At: kept, Agent: expansion.Monitor, Verb: "signal_detected", AccountID: x.AccountID, SignalID: x.ID, Job: 77, Args: map[string]any{"n": 1.0}}
		equal(t, "log line", as[0], want)
		equal(t, "the same line by its id", must(s.Activity(ctx, want.ID))(t), want)
		equal(t, "the signal", must(s.Signal(ctx, x.ID))(t), x)
	})
}

func TestAPanicOrAnEndedContextLeavesNothingAndBlocksNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		put := func(tx *store.Tx, name string) error { return tx.PutSetting(t.Context(), name, 1) }
		func() {
			defer func() {
				if v := recover(); v != "bug" {
					t.Errorf("panic: got %v, want it to come through", v)
				}
			}()
			_ = s.InTx(t.Context(), func(tx *store.Tx) error {
				if err := put(tx, "panicked"); err != nil {
					return err
				}
				panic("bug")
			})
		}()

		ctx, cancel := context.WithCancel(t.Context())
		err := s.InTx(ctx, func(tx *store.Tx) error {
			err := put(tx, "canceled")
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("commit after the context ended: got %v, want %v", err, context.Canceled)
		}

		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := s.InTx(ctx, func(tx *store.Tx) error { return put(tx, "next") }); err != nil {
			t.Fatalf("the next transaction: %v", err)
		}
		for name, want := range map[string]int{"panicked": 0, "canceled": 0, "next": 1} {
			var got int
			if err := s.Setting(t.Context(), name, &got); err != nil {
				t.Fatal(err)
			}
			equal(t, name, got, want)
		}
	})
}

func TestCountersHaveNoGapsAndNoDoubles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		const writers = 50
		refused := errors.New("refused")
		var mu sync.Mutex
		var got []int64
		var wg sync.WaitGroup
		seats := make(chan struct{}, 12) // connections: a server shared with other tests has 100 for all
		for i := range writers {
			wg.Go(func() {
				seats <- struct{}{}
				defer func() { <-seats }()
				var n int64
				err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
					if n, err = tx.Next(t.Context(), "signal", 1042); err == nil && i%5 == 0 {
						err = refused // its number goes to somebody else
					}
					return err
				})
				switch {
				case errors.Is(err, refused):
				case err != nil:
					t.Error(err)
				default:
					mu.Lock()
					got = append(got, n)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		var want []int64
		for i := range int64(writers - writers/5) {
			want = append(want, 1042+i)
		}
		equal(t, "numbers given", got, want)
		write(t, s, func(tx *store.Tx) error {
			equal(t, "first number of another counter", must(tx.Next(t.Context(), "routing", 311))(t), int64(311))
			return nil
		})
	})
}

func TestIDsRiseWithTime(t *testing.T) {
	t.Parallel()
	c := &clock{now: start}
	s := storetest.Open(t, storetest.SQLite(t), c)
	last := ""
	for i := range 1000 {
		if i%100 == 99 {
			c.move(time.Millisecond)
		}
		id := s.NewID()
		if id <= last {
			t.Fatalf("id %d: got %s after %s, want a later one", i, id, last)
		}
		last = id
	}
}

func TestTimesKeepMicrosecondsInUTC(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		far := time.FixedZone("far", 5*3600+1800)
		local := start.Add(time.Hour).In(far)
		want := local.UTC().Truncate(time.Microsecond)
		x := signal(s, 1)
		r := routing(s, 1, x, "marcus")
		o := expansion.Opportunity{ID: r.OpportunityID, Number: 1, SignalID: x.ID, RoutingID: r.ID, AccountID: x.AccountID, CloseDate: &local}
		var w store.Wait
		var d store.Delivery
		write(t, s, func(tx *store.Tx) (err error) {
			equal(t, "the transaction's time", tx.Now, kept)
			if w, err = tx.AddWait(ctx, store.Wait{Subject: "s", Kind: "k", DueAt: local}); err != nil {
				return err
			}
			if d, err = tx.Want(ctx, store.Delivery{Channel: "slack", Kind: "card", Subject: "s"}); err != nil {
				return err
			}
			var ok bool
			if d, ok, err = tx.Claim(ctx, d.ID, "a", local); err != nil || !ok {
				t.Errorf("claim: got %v, %v", ok, err)
			}
			return errors.Join(
				tx.PutHold(ctx, expansion.Hold{AccountID: "brightwater", Holder: "marcus", Until: local}),
				tx.PutUsage(ctx, expansion.UsagePoint{AccountID: "brightwater", Metric: "m", Day: local, Value: 1, ReceivedAt: local}),
				tx.InsertSignal(ctx, &x), tx.InsertRouting(ctx, &r, false), tx.InsertOpportunity(ctx, &o))
		})
		equal(t, "wait due", must(s.Wait(ctx, w.ID))(t).DueAt, want)
		equal(t, "next wait", must(s.NextWait(ctx, ""))(t), &want)
		equal(t, "claimed until", d.ClaimUntil, want)
		equal(t, "first try", d.FirstTryAt, &kept)
		equal(t, "hold until", must(s.Hold(ctx, "brightwater", start))(t).Until, want)
		u := must(s.Usage(ctx, "brightwater", "m", start))(t)
		if len(u) != 1 {
			t.Fatalf("usage: got %d points, want 1", len(u))
		}
		equal(t, "usage day", u[0].Day, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
		equal(t, "usage received", u[0].ReceivedAt, want)
		got := must(s.Opportunity(ctx, o.ID))(t)
		equal(t, "close date", got.CloseDate, &want)
		equal(t, "created", got.CreatedAt, kept)
	})
}

func TestDaysBefore1970CountDownwards(t *testing.T) {
	t.Parallel()
	for day, want := range map[time.Time]int64{
		time.Unix(0, 0):      0,
		time.Unix(-1, 0):     -1,
		time.Unix(-86400, 0): -1,
		time.Unix(-86401, 0): -2,
		time.Unix(86399, 0):  0,
		time.Unix(86400, 0):  1,
	} {
		equal(t, day.UTC().String(), store.Day(day), want)
	}
}
