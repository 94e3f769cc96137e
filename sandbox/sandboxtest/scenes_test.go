package sandboxtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/sandboxtest"
	"expansionbot/sandbox/world"
	"expansionbot/source"
)

// found posts a signal nobody vouches for, as a detector of another system would.
func found(t *testing.T, s *sandboxtest.Sandbox, account, strength string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"customerId": account, "signalType": "usage_growth", "signalStrength": strength,
		"what": "more seats are in use than the licence has", "quote": "maybe more seats next year", "sourceReference": "scan-" + account,
	})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, s.APIURL+"/api/expansion/signal", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.APIToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("POST signal for %s: %s: %s", account, res.Status, b)
	}
}

// everywhere finds a signal at each of the twelve customers.
func everywhere(t *testing.T, s *sandboxtest.Sandbox, strength string) {
	t.Helper()
	for _, a := range world.Accounts() {
		found(t, s, a.ID, strength)
	}
}

// Storyboard 2: what can be typed is offered, and a slip is guessed.
func TestMenuHelpAndSlips(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	priya := s.As("priya").Command("")
	menu := priya.Expect("What would you like to do?")
	menu.Press("My queue")
	priya.Expect("Nothing waits on you.")
	menu.Press("Help")
	help := priya.Expect("What I understand", "/expansion ooo 22 Mar to 2 Apr cover @dana")
	for _, b := range help.Buttons() {
		t.Errorf("help has a button %q", b)
	}
	priya.Command("lgo Brightwater").Expect("I don't know `lgo`. Did you mean `log`? Try `/expansion help`.")
	priya.Command("xyzzy").Expect("I don't know `xyzzy`. Try `/expansion help`.")
	priya.Command("contact Brightwater").Expect("I don't know `contact`.")
	priya.Never("contact NAME")
	priya.Never("drop a")
	menu.Press("Log a signal")
	priya.Modal("Log expansion signal")
}

// Storyboard 2, 6.3: an account, my queue, the trace, the list with filters.
func TestLookingThingsUp(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		routed(s)
		priya, marcus := s.As("priya"), s.As("marcus")
		priya.Command("account brightwater").Expect("Brightwater Labs: 1 open signal.", "Marcus Bell until", "120 seats", "$48,000")
		priya.Command("account Nobody Inc").Expect("No account matches. Try the domain, like brightwater.example.")
		priya.Command("why R-301").Modal("Why R-301", "goes to Marcus Bell", "original-ae", "not reached", "If Marcus were away: Dana Ortiz", "data as it was at")
		priya.Command("why R-999").Modal("Why", "R-999")

		row := priya.Command("list type: asked strength: strong status: open account: Brightwater owner: @marcus since: 30d").Expect("1 signal · type: asked", "Marcus Bell", "●─●─○ pending")
		for _, b := range row.Buttons() {
			if b == "Note" || b == "Dismiss" {
				t.Errorf("the row of a routed signal offers %q", b)
			}
		}
		priya.Command("list status: parked").Expect("No signals match.")
		priya.Command("list type: nonsense").Expect(`There is no type "nonsense".`)
		priya.Command("list whatever").Expect("I don't understand")

		mine := marcus.Command("mine").Expect("1 signal waits on you, oldest first.", "Acknowledge before")
		mine.Press("Acknowledge")
		marcus.Expect("Expansion for you: Brightwater Labs", "Acknowledged")
		// The copy in "mine" still has its button: a stale press (storyboard 1.4).
		mine.Press("Acknowledge")
		marcus.Expect("Already acknowledged by Marcus at ", "Nothing changed.")
	})
}

// Storyboard 2, 8: a long list has pages, and so has Home; filters narrow and are cleared.
func TestListAndHomeTurnPages(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	everywhere(t, s, "exploratory")
	ravi := s.As("ravi")
	ravi.Command("list").Expect("12 signals, page 1 of 2", "Tidewell").Press("Next")
	ravi.Expect("12 signals, page 2 of 2", "Brightwater Labs")
	ravi.Expect("12 signals, page 1 of 2").Press("Open in Home")
	ravi.Expect("It is in my Home tab now.")

	home := ravi.Home().Expect("Expansion", "0 need you", "Updated")
	home.Choose("home_scope", "all").Expect("12 open", "page 1 of 2", "Summerset Hotels").Without("Brightwater Labs")
	home.Press("Next page").Expect("page 2 of 2", "Brightwater Labs").Without("Summerset Hotels")
	home.Press("Refresh").Expect("page 2 of 2", "Brightwater Labs")
	home.Press("Earlier page").Expect("page 1 of 2", "Summerset Hotels")
	home.Choose("home_strength", "strong").Expect("No signals match these filters.", "Clear filters")
	home.Press("Clear filters").Expect("No open signals.")

	priya := s.As("priya").Home().Expect("6 need you", "Kestrel Freight").Without("Tidewell Insurance")
	priya.Press("Open")
	s.As("priya").Modal("Handoff brief")
}

// Storyboard 8: what a press on a card changes shows on Home after "Refresh".
func TestHomeIsRefreshed(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	home := s.As("marcus").Home().Expect("1 need you", "●─●─○ pending")
	card.Press("Acknowledge").Expect("Acknowledged")
	home.Press("Refresh").Expect("●─●─○ acknowledged")
}

// Storyboard 2: a colleague's message becomes a signal with its words as the quote.
func TestMessageShortcut(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	ts := s.As("marcus").Say("C0GENERAL", "Jo asked for thirty more licences before March")
	priya := s.As("priya").Shortcut("log_from_message", "C0GENERAL", ts)
	m := priya.Modal("Log expansion signal")
	m.Set("Account", "Brightwater").Set("Signal type", "Asked for it").Set("Strength", "Strong").Set("What happened?", "Jo wants thirty more licences").Submit()
	priya.Modal("Confirm routing", "Marcus Bell").Submit()
	s.As("priya").Expect("Brightwater Labs", "thirty more licences before March", "Marcus Bell")
}

// Storyboard 3.2: "Hold" keeps it until somebody routes it; "Route now" does.
func TestHoldThenRouteNow(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	found(t, s, "brightwater", "strong")
	card := s.As("priya").Expect("Brightwater Labs may need more seats", "unless you change it")
	card.Press("Hold").Expect("Held", "It does not route until you say so")
	s.Advance(2 * time.Hour)
	s.As("marcus").Never("Expansion for you")
	card.Press("Route now").Expect("Undo until")
	s.As("marcus").Expect("Expansion for you: Brightwater Labs")
}

// Storyboard 3.3: another recipient needs a reason, and the card says who chose.
func TestOverrideNeedsAReason(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		found(t, s, "brightwater", "strong")
		priya := s.As("priya")
		priya.Expect("Brightwater Labs may need more seats").Press("Edit or override")
		priya.Modal("Confirm routing", "To Marcus Bell", "routes by itself in").Set("Recipient", "Dana")
		m := priya.Modal("Confirm routing", "Why the change?", "of 8 · free")
		if out := m.TrySubmit(); out.FieldErrors["why_change"] == "" {
			t.Fatalf("without a reason: %+v", out)
		}
		m.Set("Why the change?", "Knows the customer").Set("Notes for sales", "Jo prefers phone").Submit()
		s.As("dana").Expect("Expansion for you: Brightwater Labs", "Priya chose you (knows the customer)", "Jo prefers phone")
		s.As("marcus").Never("Expansion for you")
		priya.Command("why R-301").Modal("Why R-301", "Chosen by hand by Priya: knows the customer")
	})
}

// Storyboard 3.2: "Not real" asks why and ends it.
func TestNotRealEndsASignal(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	found(t, s, "brightwater", "strong")
	priya := s.As("priya")
	card := priya.Expect("Brightwater Labs may need more seats")
	card.Press("Not real")
	m := priya.Modal("Not real?", "Why not?")
	if out := m.TrySubmit(); out.FieldErrors["reason"] == "" {
		t.Fatalf("without a reason: %+v", out)
	}
	m.Set("Why not?", "Old news").Submit()
	card.Expect("Dismissed by Priya", "old news")
	if bs := card.Buttons(); len(bs) > 0 {
		t.Errorf("a dismissed card still has %q", bs)
	}
	s.Advance(time.Hour)
	s.As("marcus").Never("Expansion for you")
}

// Storyboard 3.5: a weak hint goes nowhere without Priya.
func TestWeakHintAsksFirst(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	found(t, s, "kestrel", "exploratory")
	found(t, s, "alder", "exploratory")
	found(t, s, "veldt", "exploratory")
	priya := s.As("priya")
	yes := priya.Expect("Kestrel Freight: is this real?", "maybe more seats next year", "It does not route without you")
	yes.Press("Yes, route it").Expect("Undo until")
	s.As("marcus").Expect("Expansion for you: Kestrel Freight")

	later := priya.Expect("Alder & Co: is this real?")
	later.Press("Real, not now")
	priya.Modal("Real, not now", "Alder & Co").Set("When?", "In 2 weeks").Submit()
	later.Expect("Real, not now. I'll ask again")

	not := priya.Expect("Veldt Robotics: is this real?")
	not.Press("Not real")
	priya.Modal("Not real?").Set("Why not?", "Wrong account").Submit()
	not.Expect("Dismissed by Priya", "wrong account")

	s.Advance(15 * 24 * time.Hour)
	later.Expect("is this real?").Reply("Back after waiting.")
	s.As("marcus").Never("Expansion for you: Alder & Co")
	s.As("dana").Never("Expansion for you: Veldt Robotics")
}

// Storyboard 3.5: no answer is reminded once and then parked.
func TestUnansweredQuestionIsParked(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		found(t, s, "kestrel", "exploratory")
		card := s.As("priya").Expect("Kestrel Freight: is this real?")
		s.Advance(47 * time.Hour)
		s.As("priya").Exactly(0, "Reminded")
		s.Advance(5 * 24 * time.Hour)
		card.Reply("Reminded Priya; still no answer.")
		s.Advance(7 * 24 * time.Hour)
		card.Expect("Parked: no answer in 7 working days")
		s.As("priya").Exactly(1, "Reminded")
		s.As("priya").Command("mine").Expect("Nothing waits on you.")
		s.As("marcus").Never("Expansion for you")
	})
}

// Storyboard 4.2: the brief says what is known and what is not.
func TestFullBrief(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	routed(s).Press("Full brief")
	s.As("marcus").Modal("Handoff brief", "Brightwater Labs", "Jo Park", "VP Operations", "Sam Lee", "What we don't know")
}

// Storyboard 4.4, 7.9: a contact Marcus logs is his answer, and Priya reads it.
func TestLoggedContactEndsTheLadder(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	card.Press("Log a contact")
	m := s.As("marcus").Modal("Log customer contact", "Brightwater Labs")
	if out := m.TrySubmit(); out.FieldErrors["channel"] == "" || out.FieldErrors["line"] == "" {
		t.Fatalf("an empty contact: %+v", out)
	}
	m.Set("With whom?", "Jo Park").Set("How?", "Call").Set("Who contacted whom?", "We contacted them").Set("In one line", "wants a quote for 150").Set("Next step", "send it Friday").Submit()
	card.Expect("Acknowledged").Reply("Marcus logged a contact (call): wants a quote for 150. Next: send it Friday.")
	s.As("priya").Expect("may need more seats", "Acknowledged").Reply("Marcus logged a contact (call)")
	s.Advance(49 * time.Hour)
	s.As("lena").Never("No answer on Brightwater Labs")

	for _, b := range card.Buttons() {
		if b == "Suggest times" {
			t.Error("the card offers “Suggest times”, which does nothing")
		}
	}
	card.Press("Log a contact") // the primary button now
	m = s.As("marcus").Modal("Log customer contact")
	m.Set("How?", "Meeting").Set("In one line", "met the team").Submit()
	s.As("priya").Expect("may need more seats", "Meeting")
}

// Storyboard 4.1: "Remind me in 2 h" reminds once, under the card, unless it is answered.
func TestRemindMeInTwoHours(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	card.Press("Remind me in 2 h")
	s.As("marcus").Expect("I'll remind you at ")
	card.Press("Remind me in 2 h") // twice is once
	s.Advance(2*time.Hour + time.Minute)
	card.Reply("Brightwater Labs is waiting for you")
	s.As("marcus").Exactly(1, "is waiting for you")
	card.Press("Remind me in 2 h").Press("Acknowledge").Expect("Acknowledged")
	s.Advance(3 * time.Hour)
	s.As("marcus").Exactly(1, "waiting for you")
}

// Storyboard 4.6: the outcome by button, for those who don't live in the CRM.
func TestOutcomeByButton(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		card := routed(s)
		deal := s.Deal("for Brightwater", func(d crm.Deal) bool { return strings.Contains(d.Properties["dealname"], "Brightwater") })
		card.Press("Acknowledge").Expect("Acknowledged").Press("Close as won/lost")
		m := s.As("marcus").Modal("Record outcome")
		m.Set("Won or lost?", "Won").Set("arr", "").Set("Main reason", "Clear need")
		if out := m.TrySubmit(); out.FieldErrors["arr"] != "Say how much the ARR changed; 0 is fine." {
			t.Fatalf("won without an amount: %+v", out)
		}
		m.Set("arr", "21600").Set("Was the signal right?", "Yes").Submit()
		card.Expect("Won +$21,600", "Thanks to Priya's note.")
		s.As("priya").Expect("Won +$21,600")
		s.Deal("won", func(d crm.Deal) bool { return d.ID == deal.ID && d.Properties["dealstage"] == "closedwon" })
	})
}

// Storyboard 4.6: lost asks only for a reason.
func TestLostByButton(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	card.Press("Acknowledge").Expect("Acknowledged").Press("Close as won/lost")
	s.As("marcus").Modal("Record outcome").Set("Won or lost?", "Lost").Set("Main reason", "No budget").Submit()
	card.Expect("Lost in", "no budget")
	s.As("priya").Expect("may need more seats", "Lost")
	s.Deal("lost", func(d crm.Deal) bool { return d.Properties["dealstage"] == "closedlost" })
}

// sellers imports the people with every seller active or gone.
func sellers(t *testing.T, s *sandboxtest.Sandbox, active bool) {
	t.Helper()
	lines := strings.Split(string(world.Files(s.World.Start())["people.csv"]), "\n")
	for i, l := range lines {
		if strings.Contains(l, ",ae,") || strings.Contains(l, ",specialist,") {
			lines[i] = strings.Replace(l, ",true,", fmt.Sprintf(",%v,", active), 1)
		}
	}
	text := strings.Join(lines, "\n")
	res, err := s.App.Engine.Import(context.Background(), []engine.ImportFile{{Name: "people.csv", Kind: source.KindPeople, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}}, false)
	if err != nil || res.Bad() > 0 {
		t.Fatalf("people not imported: %v %v", err, res.Errors)
	}
}

// Storyboard 7.2: nobody can take it; RevOps and the manager hear of it once, it is tried
// again, and it goes out when somebody is back.
func TestNobodyEligibleWaitsForARecipient(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		sellers(t, s, false)
		found(t, s, "brightwater", "strong")
		card := s.As("priya").Expect("Brightwater Labs may need more seats", "nobody")
		s.Advance(11 * time.Minute)
		card.Expect("Waiting for a recipient: nobody is eligible now.", "Next try")
		notice := s.As("ravi").Expect("has no recipient: nobody the policy allows is free. It is tried again every 15 min.")
		s.As("lena").Expect("has no recipient")
		if bs := notice.Buttons(); len(bs) != 1 || bs[0] != "Assign" {
			t.Errorf("the notice has the buttons %q, want Assign", bs)
		}
		s.Advance(31 * time.Minute)
		s.As("ravi").Exactly(1, "has no recipient")
		sellers(t, s, true)
		s.Advance(16 * time.Minute)
		s.As("marcus").Expect("Expansion for you: Brightwater Labs")
		card.Expect("Sent")
	})
}

// DESIGN §6: from the sixth card of a day on there is one list, and everything routes.
func TestSixthCardOfADayIsInTheList(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	priya := s.As("priya")
	six := []string{"quillon", "veldt", "copperleaf", "kestrel", "alder", "brightwater"}
	for i, a := range six {
		found(t, s, a, "strong")
		if i < 5 {
			s.Until("card for "+a, func() bool { return priya.Count("unless you change it") == i+1 })
		}
	}
	priya.Expect("Routed today: 1 more signal", "Brightwater Labs")
	s.Advance(11 * time.Minute)
	s.Until("six were routed", func() bool { return len(s.CRM.Deals()) == 6 })
	s.As("marcus").Expect("Expansion for you: Brightwater Labs")
	s.As("marcus").Expect("Expansion for you: Kestrel Freight")
	priya.Exactly(1, "Routed today")
	priya.Exactly(0, "Brightwater Labs may need more seats")
}

// The daily list is for what has no card: five signals make none.
func TestFiveCardsMakeNoList(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	for _, a := range []string{"quillon", "veldt", "copperleaf", "kestrel", "alder"} {
		found(t, s, a, "strong")
	}
	s.Until("five cards", func() bool { return s.As("priya").Count("unless you change it") == 5 })
	s.Advance(11 * time.Minute)
	s.Until("five were routed", func() bool { return len(s.CRM.Deals()) == 5 })
	s.As("priya").Never("Routed today")
}

// Storyboard 7.9: the bot was down over the 48 h mark; it escalates on start, once.
func TestStoppedOverTheMarkDoublesNothing(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		card := routed(s)
		s.Deal("with its note", func(d crm.Deal) bool { return len(d.Notes) == 1 })
		s.Until("the mail is there", func() bool { return len(s.Mail.Messages()) == 1 })
		s.Stop()
		s.Advance(50 * time.Hour)
		s.Restart()
		s.As("lena").Expect("No answer on Brightwater Labs")
		card.Reply("Escalated to Lena", "Late by 2 h")
		s.Advance(time.Minute)
		for who, words := range map[string]string{"lena": "No answer on Brightwater Labs", "marcus": "Expansion for you: Brightwater Labs", "priya": "Brightwater Labs may need more seats"} {
			s.As(who).Exactly(1, words)
		}
		if n := s.As("marcus").Count("Escalated to Lena"); n > 2 { // the line and the card's state
			t.Errorf("the escalation is told %d times:\n%s", n, s.As("marcus").All())
		}
		s.Deals(1)
		card.Press("Acknowledge").Expect("Acknowledged")
	})
}

// Storyboard 11: who may not is told who can, and nothing changes.
func TestWrongPeoplePressing(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	s.As("dana").Command("undo R-301").Expect("Only Priya Nair can do that with S-1001, or a sales manager.")
	s.As("marcus").Command("undo R-301").Expect("Only Priya Nair can do that")
	s.As("jonas").Command("list").Expect("1 signal").Press("Open")
	s.As("jonas").Expect("Brightwater Labs may need more seats", "Undo until").Press("Undo")
	s.As("jonas").Expect("Only Priya Nair can do that with S-1001, or a sales manager.")
	card.Expect("Acknowledge by")

	found(t, s, "kestrel", "strong")
	s.As("jonas").Command("list account: Kestrel").Expect("Kestrel Freight", "1 signal").Press("Open")
	s.As("jonas").Expect("Kestrel Freight may need more seats").Press("Route now")
	s.As("jonas").Expect("Only Priya Nair can do that with S-1002, or a sales manager.")
	s.As("marcus").Never("Expansion for you: Kestrel Freight")
}

// Storyboard 1.4: two windows on one card; what was opened before says what happened.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	found(t, s, "brightwater", "strong")
	priya := s.As("priya")
	card := priya.Expect("Brightwater Labs may need more seats")
	card.Press("Edit or override")
	m := priya.Modal("Confirm routing", "Marcus Bell")
	card.Press("Route now").Expect("Undo until")
	m.Submit()
	priya.Expect("Already routed to Marcus Bell as R-301. Nothing changed.")
	s.As("marcus").Exactly(1, "Expansion for you: Brightwater Labs")

	// Marcus says "Not mine" in one window after Priya took it back in the other.
	mine := s.As("marcus").Expect("Expansion for you: Brightwater Labs")
	mine.Press("Not mine")
	not := s.As("marcus").Modal("Not the right rep?")
	card.Press("Undo").Expect("Recalled by Priya")
	not.Set("reason", "Wrong territory").Submit()
	s.As("marcus").Expect("R-301 was recalled by Priya. Nothing changed.")
	s.As("dana").Never("Expansion for you")
}

// Storyboard 7.15: after ten minutes, or once it is acknowledged, it is rerouted instead.
func TestUndoComesTooLate(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	sent := s.As("priya").Expect("Brightwater Labs", "Undo until")
	s.Advance(11 * time.Minute)
	s.Settle()
	if slices.Contains(sent.Buttons(), "Undo") {
		t.Error("the card still offers Undo")
	}
	s.As("priya").Command("undo r301").Expect("The time to undo R-301 is over. Reroute it instead.")
	card.Press("Acknowledge").Expect("Acknowledged")
	s.As("priya").Command("undo r301").Expect("R-301 was acknowledged already. Reroute it instead.")
	card.Expect("Acknowledged")
}
