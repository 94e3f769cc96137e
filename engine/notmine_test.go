package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/source"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// Marcus and Dana report to Lena, she to Vera. Tomoko and Uma sell far away.
const wholeTeamCSV = `email,name,role,territory,manager_email,max_open,time_zone,specialties,active
vera@acme.example,Vera Lind,manager,,,,Europe/Berlin,,true
lena@acme.example,Lena Hoff,manager,,vera@acme.example,,Europe/Berlin,,true
tomoko@acme.example,Tomoko Abe,ae,east,lena@acme.example,8,Asia/Tokyo,,true
uma@acme.example,Uma Rao,ae,east,lena@acme.example,8,Asia/Kolkata,,true
`

func (w *world) wholeTeam() *world {
	w.t.Helper()
	w.load(source.KindPeople, "people.csv", wholeTeamCSV)
	ps, err := w.store.People(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range ps {
		w.people[p.FirstName()] = p.ID
	}
	return w
}

// notMine is pressed by whoever has the signal now.
func (w *world) notMine(id expansion.SignalID) {
	w.t.Helper()
	rt := w.live(id)
	if err := w.NotMine(context.Background(), rt.To, rt.ID, 0, engine.NotMineInput{Reason: "no_time"}); err != nil {
		w.t.Fatalf("%s says not mine: %v", w.name(rt.To), err)
	}
}

func (w *world) name(id expansion.PersonID) string {
	for n, p := range w.people {
		if p == id {
			return n
		}
	}
	return string(id)
}

func (w *world) away(name string) {
	w.t.Helper()
	if err := w.SetAway(context.Background(), w.people[name], w.clock.Now(), w.clock.Now().AddDate(0, 0, 7), ""); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhoGetsWhatIsHandedBack(t *testing.T) { // storyboard 7.7, 7.2
	t.Parallel()
	for _, c := range []struct {
		name  string
		alter func(w *world)
		press int    // presses, by whoever has it
		want  string // who has it then, "" = it waits for a recipient
	}{
		{"the third time it goes to the manager", nil, 3, "Lena"},
		{"the third time, the manager is away: to hers", func(w *world) { w.away("Lena") }, 3, "Vera"},
		{"the third time, the manager has left: to hers", func(w *world) { w.leave("Lena") }, 3, "Vera"},
		{"the fourth time, the manager handed it back too: to hers", nil, 4, "Vera"},
		{"the fifth time, nobody is above the last manager: it waits", nil, 5, ""},
		{"the third time, no manager is here: it waits though sellers are left", func(w *world) { w.away("Lena"); w.away("Vera") }, 3, ""},
		{"nobody else is in line: to the manager", func(w *world) { w.leave("Tomoko", "Uma") }, 2, "Lena"},
		{"nobody else is in line and the manager is away: to hers", func(w *world) { w.leave("Tomoko", "Uma"); w.away("Lena") }, 2, "Vera"},
		{"nobody else is in line and every manager has left: it waits", func(w *world) { w.leave("Dana", "Tomoko", "Uma", "Lena", "Vera") }, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				w := start(t, dsn).wholeTeam()
				rt := w.routed()
				if c.alter != nil {
					c.alter(w)
				}
				for range c.press {
					w.notMine(rt.SignalID)
				}
				got := w.live(rt.SignalID)
				if c.want == "" {
					w.promised(rt.SignalID)
					if s := w.signal(rt.SignalID); got.Open() || s.Waiting != expansion.WaitRecipient {
						t.Fatalf("%s has it, and the signal is %s, waiting %q; want it to wait for a recipient", w.name(got.To), s.Status, s.Waiting)
					}
					return
				}
				if !got.Open() || w.name(got.To) != c.want || got.Bounces != c.press {
					t.Fatalf("%s has it after %d times, open %v; want %s after %d", w.name(got.To), got.Bounces, got.Open(), c.want, c.press)
				}
			})
		})
	}
}

func TestWhatWaitsAfterItWasHandedBackGoesOnWithItsOpportunity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn).with(nil, &channel{name: "email"}, &channel{name: "slack"})
		s := w.logged()
		rt, err := w.Route(ctx, w.people["Priya"], s.ID, 0, engine.RouteInput{Note: "Jo prefers phone", NoEmail: true})
		if err != nil {
			t.Fatal(err)
		}
		w.away("Lena")
		w.leave("Dana")
		w.notMine(s.ID)

		if h, err := w.store.Hold(ctx, rt.AccountID, w.clock.Now()); err != nil || h != nil {
			t.Errorf("while it waits the account is held: %+v, %v", h, err)
		}
		told := map[string]bool{}
		ds, err := w.store.DeliveriesOf(ctx, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			if d.Kind == string(expansion.CardNotice) {
				told[w.name(d.Person)] = true
			}
		}
		if len(told) != 2 || !told["Ravi"] || !told["Lena"] {
			t.Errorf("told are %v, want RevOps and the managers: Ravi and Lena", told)
		}

		w.due(16 * time.Minute) // tried again: still nobody
		if got := w.signal(s.ID); got.Waiting != expansion.WaitRecipient {
			t.Fatalf("tried again it is %s, waiting %q, want recipient", got.Status, got.Waiting)
		}
		if err := w.ClearAway(ctx, w.people["Lena"]); err != nil {
			t.Fatal(err)
		}
		w.due(16 * time.Minute)
		next := w.live(s.ID)
		if !next.Open() || w.name(next.To) != "Lena" || next.OpportunityID != rt.OpportunityID || next.Bounces != 1 || next.Note != rt.Note || !next.NoEmail {
			t.Fatalf("then %s has it (open %v), opportunity %s, bounces %d, note %q, no mail %v; want Lena under %s, 1, as it was routed",
				w.name(next.To), next.Open(), next.OpportunityID, next.Bounces, next.Note, next.NoEmail, rt.OpportunityID)
		}
		if !next.EscalateAt.Equal(rt.EscalateAt) {
			t.Errorf("its mark is %v, want the first one, %v", next.EscalateAt, rt.EscalateAt)
		}
		if o, err := w.store.Opportunity(ctx, next.OpportunityID); err != nil || o.RoutingID != next.ID || o.Owner != next.To {
			t.Errorf("the opportunity is %s's under %s (%v), want Lena's", w.name(o.Owner), o.RoutingID, err)
		}
	})
}

// Each time nobody can take a signal it is told anew, and not at each try.
func TestASecondTimeNobodyCanTakeItIsTold(t *testing.T) { // storyboard 7.2
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		slack := &channel{name: "slack"}
		w := start(t, dsn).with(nil, slack)
		told := func() (n int) {
			w.slack()
			slack.mu.Lock()
			defer slack.mu.Unlock()
			for _, d := range slack.sends {
				if d.Message.Kind == expansion.CardNotice && d.To.ID == w.people["Ravi"] && d.Receipt == (notify.Receipt{}) {
					n++
				}
			}
			return n
		}
		id := w.routed().SignalID
		w.away("Lena")
		w.leave("Dana")
		w.notMine(id)
		w.due(16 * time.Minute) // tried again: still nobody
		if n := told(); n != 1 {
			t.Fatalf("RevOps is told %d times, want once", n)
		}
		if err := w.ClearAway(t.Context(), w.people["Lena"]); err != nil {
			t.Fatal(err)
		}
		w.due(16 * time.Minute)
		w.notMine(id) // Lena, the last who could
		if s := w.signal(id); s.Waiting != expansion.WaitRecipient {
			t.Fatalf("the signal is %s, waiting %q, want for a recipient", s.Status, s.Waiting)
		}
		if n := told(); n != 2 {
			t.Fatalf("RevOps is told %d times, want twice", n)
		}
	})
}

func TestDismissedWhileItWaitsItsOpportunityEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.routed()
		w.leave("Dana", "Lena")
		w.notMine(rt.SignalID)
		if err := w.Dismiss(ctx, w.people["Priya"], rt.SignalID, 0, "one_off"); err != nil {
			t.Fatal(err)
		}
		o, err := w.store.Opportunity(ctx, rt.OpportunityID)
		if err != nil || o.Outcome == nil || o.Outcome.Won || o.Outcome.Reason != "disqualified" {
			t.Fatalf("outcome %+v (%v), want disqualified", o.Outcome, err)
		}
	})
}

// The end counts where the signal was last, and the CRM is followed beyond it.
func TestClosedInTheCRMWhileItWaitsTheSignalEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w, c, rt := inCRMOn(t, dsn)
		w.leave("Dana", "Lena")
		w.notMine(rt.SignalID)
		check := func(stage string, status expansion.RoutingStatus, verb string, won int, signal expansion.SignalStatus, waiting expansion.Waiting) {
			t.Helper()
			c.edit(func(s *crm.Snapshot) { s.StageID = stage })
			w.poll()
			got := w.live(rt.SignalID)
			if s := w.signal(rt.SignalID); s.Status != signal || s.Waiting != waiting || got.Disposition != expansion.Rerouted || got.Status != status {
				t.Errorf("%s: the signal is %s, waiting %q, the routing %s and %q; want %s, %q and handed back, %s", stage, s.Status, s.Waiting, got.Status, got.Disposition, signal, waiting, status)
			}
			if v := w.verbs(rt.SignalID); !slices.Contains(v[max(0, len(v)-2):], verb) {
				t.Errorf("%s: the log ends %v, want %s", stage, v, verb)
			}
			p, _, err := w.Report(ctx, "", rt.RoutedAt.Add(-time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			home, err := w.Home(ctx, w.people["Ravi"], engine.ListFilter{}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if ended := status.Final(); ended != (p.Routed == 1) || home.Totals.Won != won {
				t.Errorf("%s: the report has %d routings and the home %d won, want %d won", stage, p.Routed, home.Totals.Won, won)
			}
		}
		check("won", expansion.Won, "won", 1, expansion.Closed, expansion.WaitNone)
		check("lost", expansion.Lost, "outcome_corrected", 0, expansion.Closed, expansion.WaitNone)
		check("quote", expansion.InProgress, "reopened", 0, expansion.Confirmed, expansion.WaitRecipient)
		check("won", expansion.Won, "won", 1, expansion.Closed, expansion.WaitNone)
		w.due(time.Hour)
		if s := w.signal(rt.SignalID); s.Status != expansion.Closed {
			t.Errorf("the signal is %s an hour later, want closed", s.Status)
		}
	})
}

func TestWhoHandedItBackIsNotNamedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		rt := w.routed()
		w.notMine(rt.SignalID)
		const want = "Marcus Bell said already that it isn't theirs. Choose somebody else, "
		refused := func(what string, err error, or string) {
			t.Helper()
			e, ok := errors.AsType[*expansion.Error](err)
			if !ok || e.Code != expansion.CodeInvalid || e.Field != "recipient" || e.Text != want+or {
				t.Errorf("%s: %v, want the sentence on the recipient", what, err)
			}
		}
		dana := w.live(rt.SignalID)
		refused("Dana names Marcus", w.NotMine(ctx, w.people["Dana"], dana.ID, 0, engine.NotMineInput{Reason: "other", To: w.people["Marcus"]}), "or nobody for the next in line.")
		if got := w.live(rt.SignalID); got.ID != dana.ID || !got.Open() {
			t.Fatalf("after the refusal %s has it, want Dana", w.name(got.To))
		}

		w.leave("Lena")
		w.notMine(rt.SignalID) // nobody is left: it waits
		again := engine.RouteInput{To: w.people["Marcus"], OverrideReason: "he knows them"}
		_, err := w.Route(ctx, w.people["Priya"], rt.SignalID, 0, again)
		refused("the CSM names Marcus", err, "or ask a sales manager.")
		got, err := w.Route(ctx, w.people["Ravi"], rt.SignalID, 0, again)
		if err != nil || got.To != w.people["Marcus"] || got.OpportunityID != rt.OpportunityID {
			t.Fatalf("RevOps insists: %v, %s has it under %s; want Marcus under %s", err, w.name(got.To), got.OpportunityID, rt.OpportunityID)
		}
	})
}

func TestWhoGetsItNextHasTheirOwnWorkingDay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn).wholeTeam()
		rt := w.routed() // Tuesday 09:00 in Dublin
		w.clock.move(47 * time.Hour)
		if err := w.NotMine(ctx, w.people["Marcus"], rt.ID, 0, engine.NotMineInput{Reason: "other", To: w.people["Tomoko"]}); err != nil {
			t.Fatal(err)
		}
		next := w.live(rt.SignalID)
		// Thursday 08:00 in Dublin is 17:00 in Tokyo: her 8 hours are all of Friday.
		if want := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC); next.EscalateAt.Sub(want).Abs() > time.Minute {
			t.Fatalf("her mark is %v, want Friday 17:00 in Tokyo, %v", next.EscalateAt, want)
		}
	})
}

func TestManagersOfEachOtherHandItBackOnceEach(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		w := start(t, dsn)
		// Lena and Vera report to each other, as a people list may say by mistake.
		w.wholeTeam()
		if err := w.store.InTx(ctx, func(tx *store.Tx) error {
			p, err := tx.Person(ctx, w.people["Vera"])
			if err != nil {
				return err
			}
			p.Manager = w.people["Lena"]
			return tx.PutPerson(ctx, p)
		}); err != nil {
			t.Fatal(err)
		}
		rt := w.routed()
		var had []string
		for range 5 {
			had = append(had, w.name(w.live(rt.SignalID).To))
			w.notMine(rt.SignalID)
		}
		if s := w.signal(rt.SignalID); s.Waiting != expansion.WaitRecipient {
			t.Fatalf("it is %s, waiting %q, want recipient", s.Status, s.Waiting)
		}
		slices.Sort(had)
		if len(slices.Compact(had)) != 5 {
			t.Fatalf("somebody had it twice: %v", had)
		}
	})
}
