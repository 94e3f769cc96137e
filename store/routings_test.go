package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// contextEnded is a context that ended before it was used.
func contextEnded(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

func TestARoutingKeepsItsDecision(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		zero := 0
		r := routing(s, 311, signal(s, 1), "marcus")
		r.Decision = expansion.Decision{To: "marcus", Kind: expansion.KindOriginalAE, Rule: "original AE", PolicyVersion: "p1", Facts: expansion.Facts{
			Now: kept, AccountID: "brightwater", Reps: []expansion.Rep{{ID: "marcus", MaxOpen: &zero}, {ID: "lena"}},
		}}
		write(t, s, func(tx *store.Tx) error { return tx.InsertRouting(ctx, &r, true) })
		equal(t, "routing", must(s.RoutingByNumber(ctx, 311))(t), r)

		decided := r.Decision
		write(t, s, func(tx *store.Tx) error {
			r.Status, r.Decision = expansion.Acknowledged, expansion.Decision{}
			return tx.UpdateRouting(ctx, &r)
		})
		equal(t, "decision after a change", must(s.Routing(ctx, r.ID))(t).Decision, decided)
		_, err := s.Routing(ctx, "none")
		wantCode(t, "a routing nobody made", err, expansion.CodeNotFound)
	})
}

func TestLoadsAndTheLiveRouting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		x, y := signal(s, 1), signal(s, 2)
		if live := must(s.LiveRouting(ctx, x.ID))(t); live != nil {
			t.Errorf("live routing before any: got %v, want nil", live)
		}
		number := int64(0)
		add := func(x expansion.Signal, to expansion.PersonID, taken bool, change func(*expansion.Routing)) expansion.Routing {
			number++
			r := routing(s, number, x, to)
			r.RoutedAt = kept.Add(time.Duration(number) * time.Hour)
			change(&r)
			write(t, s, func(tx *store.Tx) error { return tx.InsertRouting(ctx, &r, taken) })
			return r
		}
		asIs := func(*expansion.Routing) {}
		left := add(x, "marcus", true, func(r *expansion.Routing) { r.Disposition = expansion.Rerouted })
		live := add(x, "lena", true, asIs)
		rejected := add(x, "marcus", false, func(r *expansion.Routing) { r.Disposition = expansion.Rejected })
		won := add(y, "lena", true, func(r *expansion.Routing) { r.Status = expansion.Won })
		working := add(y, "lena", false, func(r *expansion.Routing) { r.Status = expansion.InProgress })

		equal(t, "live routing", must(s.LiveRouting(ctx, x.ID))(t).ID, live.ID)
		equal(t, "loads", must(s.Loads(ctx))(t), map[expansion.PersonID]store.Load{"marcus": {Open: 0, Turns: 1}, "lena": {Open: 2, Turns: 2}})
		equal(t, "routings of the signal", must(s.RoutingsOf(ctx, x.ID))(t), []expansion.Routing{left, live, rejected})
		equal(t, "open routings of lena", must(s.RoutingsOfPerson(ctx, "lena"))(t), []expansion.Routing{live, working})
		equal(t, "routings from the fourth on", must(s.RoutingsSince(ctx, won.RoutedAt))(t), []expansion.Routing{won, working})
		write(t, s, func(tx *store.Tx) error {
			live.Disposition = expansion.Recalled
			return tx.UpdateRouting(ctx, &live)
		})
		equal(t, "newest routing when all have left", must(s.LiveRouting(ctx, x.ID))(t).ID, rejected.ID)
	})
}

func TestAnOpportunityKeepsNothingAndZeroApart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		x := signal(s, 1)
		r := routing(s, 1, x, "marcus")
		write(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.InsertSignal(ctx, &x), tx.InsertRouting(ctx, &r, false))
		})
		zero, none, day := 0.0, 0, kept.AddDate(0, 3, 0)
		for i, o := range []expansion.Opportunity{
			{Name: "nothing known"},
			{Name: "all zero", Amount: &expansion.Money{Currency: "EUR"}, Probability: &zero, Outcome: &expansion.Outcome{ARRChange: &expansion.Money{Currency: "EUR"}, Rating: &none, At: kept}},
			{
				Name: "all known", ExpansionType: expansion.Seats, Amount: &expansion.Money{Minor: 4_800_000, Currency: "USD"}, StageID: "2", StageLabel: "Proposal", Probability: new(0.4), CloseDate: &day, Owner: "marcus",
				CRM: "salesforce", CRMID: "006A", URL: "https://crm.example/006A", Agreed: `{"stage":"2"}`, Associated: true, NoteID: "n1",
				Outcome: &expansion.Outcome{Won: true, ARRChange: &expansion.Money{Minor: 100, Currency: "USD"}, Reason: "price", Rating: new(5), From: "crm", At: kept},
			},
		} {
			o.ID, o.Number, o.SignalID, o.RoutingID, o.AccountID = expansion.OpportunityID(s.NewID()), int64(i+1), x.ID, r.ID, x.AccountID
			write(t, s, func(tx *store.Tx) error { return tx.InsertOpportunity(ctx, &o) })
			equal(t, o.Name, must(s.OpportunityByNumber(ctx, o.Number))(t), o)
			write(t, s, func(tx *store.Tx) error { return tx.UpdateOpportunity(ctx, &o) })
			equal(t, o.Name+", kept again", must(s.Opportunity(ctx, o.ID))(t), o)
		}
		won, total, err := s.Outcomes(ctx, x.Type)
		if won != 1 || total != 2 || err != nil {
			t.Errorf("outcomes: got %d of %d, %v, want 1 of 2", won, total, err)
		}
		won, total, err = s.Outcomes(ctx, expansion.BudgetDiscussion)
		if won != 0 || total != 0 || err != nil {
			t.Errorf("outcomes of a type nobody sold: got %d of %d, %v, want none", won, total, err)
		}
		equal(t, "by the CRM's id", must(s.OpportunityByCRMID(ctx, "006A"))(t).Name, "all known")
		equal(t, "open ones the CRM knows", len(must(s.FollowedOpportunities(ctx, kept, 0, 10))(t)), 0)
		past := must(s.PastOpportunities(ctx, x.AccountID))(t)
		if len(past) != 2 || past[0].Number != 3 || past[1].Number != 2 {
			t.Errorf("past ones, newest first: got %+v, want 3 and 2", past)
		}
		_, err = s.OpportunityByCRMID(ctx, "none")
		wantCode(t, "an id the CRM never gave", err, expansion.CodeNotFound)
	})
}

func TestAHoldEndsByItselfOrWithItsRouting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		h := expansion.Hold{AccountID: "brightwater", Holder: "marcus", RoutingID: "r1", Until: kept.Add(time.Hour)}
		at := func(d time.Duration) *expansion.Hold {
			t.Helper()
			return must(s.Hold(ctx, "brightwater", kept.Add(d)))(t)
		}
		write(t, s, func(tx *store.Tx) error { return tx.PutHold(ctx, h) })
		equal(t, "hold", at(time.Hour-time.Microsecond), &h)
		equal(t, "hold at its end", at(time.Hour), (*expansion.Hold)(nil))

		h.Holder, h.RoutingID, h.Until = "lena", "r2", kept.Add(2*time.Hour)
		write(t, s, func(tx *store.Tx) error { return tx.PutHold(ctx, h) })
		equal(t, "the hold that replaced it", at(time.Hour), &h)
		write(t, s, func(tx *store.Tx) error { return tx.LiftHold(ctx, "r1") })
		equal(t, "hold after another routing's was lifted", at(0), &h)
		write(t, s, func(tx *store.Tx) error { return tx.LiftHold(ctx, "r2") })
		equal(t, "hold after it was lifted", at(0), (*expansion.Hold)(nil))
		write(t, s, func(tx *store.Tx) error { return tx.PutHold(ctx, h) })
		equal(t, "a new hold on the account", at(0), &h)
	})
}
