package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

const benchSignals = 1000

// many is a store with 1,000 signals on 200 accounts, all Priya's: 500 are routed to 20
// sellers, 100 are won, the rest waits. Each has evidence, log lines and deliveries.
func many(b *testing.B, dsn string) (e *engine.Engine, viewer expansion.PersonID, ss []expansion.Signal) {
	b.Helper()
	ctx := context.Background()
	c := &clock{now: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}
	s := storetest.Open(b, dsn, c)
	e, err := engine.New(ctx, engine.Config{Store: s, Clock: c, Policy: route.DefaultText(), Admins: []string{"ravi@acme.example"}, Live: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	seller := func(i int) expansion.PersonID { return expansion.PersonID(fmt.Sprintf("rep-%02d", i%20)) }
	err = s.InTx(ctx, func(tx *store.Tx) error {
		put := func(p expansion.Person) error {
			p.Name, p.Email, p.Active, p.TimeZone = string(p.ID), string(p.ID)+"@acme.example", true, "UTC"
			return tx.PutPerson(ctx, p)
		}
		if err := put(expansion.Person{ID: "priya", Role: expansion.RoleCSM}); err != nil {
			return err
		}
		for i := range 20 {
			if err := put(expansion.Person{ID: seller(i), Role: expansion.RoleAE, Territory: "west", Manager: "priya"}); err != nil {
				return err
			}
		}
		for i := range benchSignals / 5 {
			id := expansion.AccountID(fmt.Sprintf("account-%03d", i))
			if err := tx.PutAccount(ctx, expansion.Account{ID: id, Name: string(id), CSM: "priya", OriginalAE: seller(i), Territory: "west", ARR: &expansion.Money{Minor: 4800000, Currency: "USD"}}); err != nil {
				return err
			}
		}
		for i := range benchSignals {
			x, err := keepOne(ctx, tx, i, seller(i))
			if err != nil {
				return err
			}
			ss = append(ss, x)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return e, "priya", ss
}

func keepOne(ctx context.Context, tx *store.Tx, i int, to expansion.PersonID) (expansion.Signal, error) {
	acct := expansion.AccountID(fmt.Sprintf("account-%03d", i%(benchSignals/5)))
	full := 0.8
	s := expansion.Signal{
		ID: expansion.SignalID(tx.NewID()), Number: int64(1001 + i), AccountID: acct, Type: expansion.UsageGrowth, Strength: expansion.Strong, Status: expansion.Confirmed, Waiting: expansion.WaitReview,
		Subject: fmt.Sprint(i), DetectedAt: tx.Now, Completeness: &full, Potential: &expansion.Potential{Likely: expansion.Money{Minor: 1920000, Currency: "USD"}},
	}
	rt := expansion.Routing{
		ID: expansion.RoutingID(tx.NewID()), Number: int64(301 + i), SignalID: s.ID, AccountID: acct, To: to, OpportunityID: expansion.OpportunityID(tx.NewID()), Status: expansion.Pending, RoutedAt: tx.Now, EscalateAt: tx.Now.Add(48 * time.Hour),
	}
	o := expansion.Opportunity{ID: rt.OpportunityID, Number: int64(201 + i), SignalID: s.ID, RoutingID: rt.ID, AccountID: acct, Name: "Seats", Owner: to, Amount: &expansion.Money{Minor: 1920000, Currency: "USD"}}
	switch {
	case i%10 == 0:
		s.Status, rt.Status, rt.ClosedAt, rt.AcknowledgedAt, rt.OutcomeARR = expansion.Closed, expansion.Won, &tx.Now, &tx.Now, o.Amount
		o.Outcome = &expansion.Outcome{Won: true, ARRChange: o.Amount, From: "slack", At: tx.Now}
	case i%2 == 0:
		s.Status = expansion.Routed
	}
	if s.Status != expansion.Confirmed {
		s.Waiting, s.OpportunityID = expansion.WaitNone, o.ID
		if err := tx.InsertRouting(ctx, &rt, false); err != nil {
			return s, err
		}
		if err := tx.InsertOpportunity(ctx, &o); err != nil {
			return s, err
		}
	}
	if err := tx.InsertSignal(ctx, &s); err != nil {
		return s, err
	}
	if err := tx.PutContext(ctx, s.ID, store.SignalContext{}); err != nil {
		return s, err
	}
	for j := range 2 {
		ev := expansion.Evidence{ID: tx.NewID(), SignalID: s.ID, Source: expansion.SourceUsage, SourceID: fmt.Sprintf("%d-%d", i, j), OccurredAt: tx.Now, Why: "132 of 120 seats are in use"}
		if _, err := tx.AddEvidence(ctx, ev, acct); err != nil {
			return s, err
		}
	}
	for _, verb := range []string{"signal_detected", "context_gathered", "planned", "routed"} {
		a := expansion.Activity{Agent: expansion.Monitor, Verb: verb, AccountID: acct, SignalID: s.ID}
		if s.Status != expansion.Confirmed {
			a.RoutingID = rt.ID
		}
		if _, err := tx.Log(ctx, a); err != nil {
			return s, err
		}
	}
	for _, person := range []expansion.PersonID{"priya", to} {
		if _, err := tx.Want(ctx, store.Delivery{Channel: "slack", Kind: string(expansion.CardSignal), Subject: string(s.ID), Person: person, SignalID: s.ID}); err != nil {
			return s, err
		}
	}
	return s, nil
}

// BenchmarkReads measures what people and programs look at most, with 1,000 signals in the
// store. Goal: a list costs a fixed number of queries, so a page of 100 stays below the
// same 100 cases drawn one by one, which is the first line.
func BenchmarkReads(b *testing.B) {
	ctx := context.Background()
	for _, db := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.PostgresDSN}} {
		b.Run(db.name, func(b *testing.B) {
			e, viewer, ss := many(b, db.dsn(b))
			run := func(name string, fn func() error) {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if err := fn(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			run("100 cases one by one", func() error {
				for _, s := range ss[len(ss)-100:] {
					if _, err := e.Case(ctx, viewer, string(s.ID)); err != nil {
						return err
					}
				}
				return nil
			})
			run("list of 100", func() error {
				_, _, err := e.List(ctx, viewer, engine.ListFilter{Limit: 100})
				return err
			})
			run("home", func() error {
				_, err := e.Home(ctx, viewer, engine.ListFilter{Owner: viewer}, 1)
				return err
			})
			run("mine", func() error {
				_, _, err := e.Mine(ctx, viewer)
				return err
			})
			run("GET activities of 500", func() error {
				_, err := e.ActivityItems(ctx, 2000, 500)
				return err
			})
			run("GET signals of an account", func() error {
				_, _, err := e.SignalsOf(ctx, viewer, engine.ListFilter{AccountID: ss[0].AccountID, Limit: 100})
				return err
			})
			run("report", func() error {
				_, _, err := e.Report(ctx, viewer, e.Now().AddDate(0, 0, -30))
				return err
			})
		})
	}
}
