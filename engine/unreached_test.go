package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// noAccount is a channel that knows everybody but those it names.
func noAccount(name string, unknown map[expansion.PersonID]bool) *channel {
	c := &channel{name: name}
	c.send = func(d notify.Delivery) (notify.Receipt, error) {
		if unknown[d.To.ID] && d.To.SlackID == "" {
			return notify.Receipt{}, &notify.Failure{Reason: "no_account", Permanent: true, Err: errors.New("nobody there")}
		}
		return notify.Receipt{Channel: "D1", Remote: d.ID}, nil
	}
	return c
}

// everything sends what waits, by all channels.
func (w *world) everything() {
	w.t.Helper()
	ds, err := w.store.Undelivered(w.t.Context(), "email", store.Waiting, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range ds {
		if err := w.Deliver(w.t.Context(), d.ID); err != nil {
			w.t.Fatal(err)
		}
	}
	w.slack()
}

// asked is what a person's newest notice says, "" for none.
func asked(c *channel, who expansion.PersonID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := ""
	for _, d := range c.sends {
		if d.To.ID == who && d.Message.Kind == expansion.CardNotice {
			text = d.Message.Text
		}
	}
	return text
}

// tries is how often a person's hand-off was tried.
func tries(c *channel, who expansion.PersonID) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.sends {
		if d.To.ID == who && d.Message.Kind == expansion.CardHandoff {
			n++
		}
	}
	return n
}

// Storyboard 7.12: Slack knows nobody by the address. The CSM and RevOps are asked, the
// account picked is remembered, and the card arrives.
func TestAPickedAccountGetsTheCard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		marcus := w.people["Marcus"]
		slack, mail := noAccount("slack", map[expansion.PersonID]bool{marcus: true}), &channel{name: "email"}
		w.with(nil, slack, mail)
		rt := w.routed()
		w.everything()
		for _, who := range []string{"Priya", "Ravi"} {
			if got, want := asked(slack, w.people[who]), "No Slack account for marcus@…; emailed instead. Pick the right person?"; got != want {
				t.Errorf("%s is asked %q, want %q", who, got, want)
			}
		}
		for _, who := range []string{"Dana", "Lena"} {
			if got := asked(slack, w.people[who]); got != "" {
				t.Errorf("%s is asked %q, want nothing", who, got)
			}
		}
		before := tries(slack, marcus)
		w.due(pickTime)
		if got := w.live(rt.SignalID); got.ID != rt.ID {
			t.Fatalf("%s has it as %s though the mail went out", got.To, got.Label())
		}

		if err := w.LinkRecipient(t.Context(), w.people["Dana"], rt.ID, "U9"); expansion.CodeOf(err) != expansion.CodeDenied {
			t.Errorf("another seller picks: %v, want denied", err)
		}
		if err := w.LinkPerson(t.Context(), w.people["Dana"], "UDANA"); err != nil {
			t.Fatal(err)
		}
		if err := w.LinkRecipient(t.Context(), w.people["Ravi"], rt.ID, "UDANA"); expansion.CodeOf(err) != expansion.CodeConflict {
			t.Errorf("somebody else's account: %v, want conflict", err)
		}
		if err := w.LinkRecipient(t.Context(), w.people["Ravi"], rt.ID, "U9"); err != nil {
			t.Fatal(err)
		}
		w.everything()
		if tries(slack, marcus) == before {
			t.Error("the card was not tried again")
		}
		if p, err := w.PersonBySlack(t.Context(), "U9"); err != nil || p.ID != marcus {
			t.Errorf("U9 is %q, %v; want %q", p.ID, err, marcus)
		}
		if d := w.delivery(rt.SignalID, "slack", string(expansion.CardHandoff)); d.SentAt == nil {
			t.Errorf("the card is %s (%s), want it sent", d.State, d.Reason)
		}
		if got, want := asked(slack, w.people["Priya"]), "Marcus Bell has a Slack account now, and "+rt.Label()+" in it."; got != want {
			t.Errorf("then the notice says %q, want %q", got, want)
		}
		if err := w.LinkRecipient(t.Context(), w.people["Priya"], rt.ID, "U8"); expansion.CodeOf(err) != expansion.CodeConflict {
			t.Errorf("a second pick: %v, want conflict", err)
		}
	})
}

const pickTime = 31 * time.Minute

// Storyboard 7.12: neither way reaches them. After 30 min the next in line has it; where
// there is nobody else the manager has.
func TestWhoIsReachedByNoWayIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		gone, next string
	}{
		"to the next in line":          {"", "Dana"},
		"to the manager if no one is":  {"Dana", "Lena"},
		"not once the account is told": {"", "Marcus"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				w := start(t, dsn)
				if tt.gone != "" {
					w.leave(tt.gone)
				}
				marcus := map[expansion.PersonID]bool{w.people["Marcus"]: true}
				slack, mail := noAccount("slack", marcus), noAccount("email", marcus)
				w.with(nil, slack, mail)
				rt := w.routed()
				w.everything()
				if got, want := asked(slack, w.people["Priya"]), "No Slack account for marcus@…, and the email was refused. If nobody is picked within 30 min, the next in line gets it. Pick the right person?"; got != want {
					t.Errorf("the CSM is asked %q, want %q", got, want)
				}
				n := tries(slack, rt.To)
				w.due(pickTime - 2*time.Minute)
				if got := w.live(rt.SignalID); got.ID != rt.ID {
					t.Fatalf("before its time it is %s", got.Label())
				}
				if tt.next == "Marcus" {
					if err := w.LinkRecipient(t.Context(), w.people["Priya"], rt.ID, "U9"); err != nil {
						t.Fatal(err)
					}
					w.everything()
				}
				w.due(2 * time.Minute)
				w.everything()
				got := w.live(rt.SignalID)
				if got.To != w.people[tt.next] {
					t.Fatalf("%s has it, want %s", got.To, tt.next)
				}
				if tt.next == "Marcus" {
					return
				}
				old, err := w.store.Routing(t.Context(), rt.ID)
				if err != nil || old.Disposition != expansion.Rerouted || !strings.Contains(old.LeftReason, "neither in Slack nor by email") {
					t.Errorf("the first routing was %s: %q, %v", old.Disposition, old.LeftReason, err)
				}
				if tries(slack, got.To) == 0 || tries(mail, got.To) == 0 {
					t.Errorf("%s got it by Slack %d times and by mail %d times", tt.next, tries(slack, got.To), tries(mail, got.To))
				}
				if got, want := asked(slack, w.people["Priya"]), rt.Label()+" is not with Marcus Bell any more. Nothing is left to pick."; got != want {
					t.Errorf("then the notice says %q, want %q", got, want)
				}
				if w.notice(got, "mail_down") {
					t.Errorf("the mail of %s is shown as missing with %s", rt.Label(), got.Label())
				}
				if n > 2 {
					t.Errorf("a card nobody can see was tried %d times in one go", n)
				}
			})
		})
	}
}

// Who was not reached has not handed it back: the next one has a 48 h of their own, and it
// does not count towards the third time.
func TestWhoIsPassedOverHasNotHandedItBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(w *world, id expansion.SignalID)
		late   bool // nobody can take it when it is passed over, and somebody can later
		next   string
		times  int
	}{
		"the next in line can take it":              {func(*world, expansion.SignalID) {}, false, "Lena", 0},
		"nobody can take it at first":               {func(w *world, _ expansion.SignalID) { w.away("Lena"); w.away("Vera") }, true, "Lena", 0},
		"after it was handed back twice, by others": {func(w *world, id expansion.SignalID) { w.notMine(id); w.notMine(id) }, false, "Uma", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				w := start(t, dsn).wholeTeam()
				if tt.times == 0 {
					w.leave("Dana", "Tomoko", "Uma")
				}
				unknown := map[expansion.PersonID]bool{}
				w.with(nil, noAccount("slack", unknown), noAccount("email", unknown))
				rt := w.routed()
				tt.before(w, rt.SignalID)
				over := w.live(rt.SignalID)
				unknown[over.To] = true
				w.everything()
				w.due(pickTime)
				if tt.late {
					if s := w.signal(rt.SignalID); s.Waiting != expansion.WaitRecipient {
						t.Fatalf("it is %s, waiting %q, want for a recipient", s.Status, s.Waiting)
					}
					if err := w.ClearAway(t.Context(), w.people["Lena"]); err != nil {
						t.Fatal(err)
					}
					w.due(16 * time.Minute)
				}
				got := w.live(rt.SignalID)
				if !got.Open() || got.ID == over.ID || w.name(got.To) != tt.next || got.Bounces != tt.times {
					t.Fatalf("%s has it (open %v) after %d times, want %s after %d", w.name(got.To), got.Open(), got.Bounces, tt.next, tt.times)
				}
				if mark := got.EscalateAt.Sub(got.RoutedAt); mark != 48*time.Hour {
					t.Errorf("%s has %v to acknowledge, want 48 h", tt.next, mark)
				}
			})
		})
	}
}
