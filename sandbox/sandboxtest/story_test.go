package sandboxtest_test

import (
	"strings"
	"testing"
	"time"

	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/sandboxtest"
	"expansionbot/store/storetest"
)

// brightwater logs the storyboard's signal as Priya and stops at the preview.
func brightwater(s *sandboxtest.Sandbox) *sandboxtest.Modal {
	priya := s.As("priya").Command("log Brightwater they asked about 30 more seats")
	m := priya.Modal("Log expansion signal", "Brightwater")
	m.Set("Signal type", "Asked for it").Submit()
	return priya.Modal("Confirm routing", "Marcus")
}

// routed routes it and waits for Marcus's card.
func routed(s *sandboxtest.Sandbox) *sandboxtest.Card {
	brightwater(s).Submit()
	return s.As("marcus").Expect("Expansion for you: Brightwater Labs")
}

// bothStores runs a story on SQLite and on PostgreSQL.
func bothStores(t *testing.T, story func(t *testing.T, s *sandboxtest.Sandbox)) {
	storetest.Each(t, func(t *testing.T, dsn string) { story(t, sandboxtest.Start(t, sandboxtest.Options{DSN: dsn})) })
}

// Storyboard 3.1, 3.3, 4.1, 4.3, 4.6, 5.4: the loop by hand, from the command to the report.
func TestLoopFromLogToReport(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		card := routed(s)
		card.Expect("Why now", "Start here", "original AE")
		deal := s.Deal("for Brightwater", func(d crm.Deal) bool { return strings.Contains(d.Properties["dealname"], "Brightwater") })
		s.Deal("with its company and its note", func(d crm.Deal) bool { return d.ID == deal.ID && len(d.Companies) == 1 && len(d.Notes) == 1 })
		s.Until("the mail is there", func() bool { return len(s.Mail.Messages()) == 1 })
		card.Press("Acknowledge").Expect("Acknowledged")
		s.As("priya").Expect("Brightwater Labs", "Acknowledged")
		if err := s.CRM.SetDealProperty(deal.ID, "dealstage", "closedwon"); err != nil {
			t.Fatal(err)
		}
		s.Advance(2 * time.Minute)
		card.Expect("Won")
		s.As("priya").Expect("Brightwater Labs", "Won")
		s.As("ravi").Command("report 30d").Expect("Signal to opportunity", "ARR from routed signals")
	})
}

// Storyboard 3.2, 10: usage crosses the licence, and the signal routes by itself.
func TestUsageSignalRoutesItself(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		s.SetAPI(s.APIURL, s.APIToken)
		s.Advance(time.Minute)
		card := s.As("priya").Expect("Brightwater Labs may need more seats", "Marcus Bell")
		card.Expect("of 120 seats")
		s.Advance(11 * time.Minute)
		s.As("marcus").Expect("Expansion for you: Brightwater Labs", "Seats")
		card.Expect("Sent")
	})
}

// Storyboard 5.1, 7.9: nobody answers for 48 hours.
func TestEscalatesToManagerAfter48h(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		card := routed(s)
		s.Advance(48*time.Hour + time.Minute)
		lena := s.As("lena").Expect("No answer on Brightwater Labs for 48 h")
		card.Reply("waiting for you")
		lena.Press("Reassign")
		m := s.As("lena").Modal("Reassign")
		m.Set("recipient", "Dana").Set("reason", "travelling")
		m.Submit()
		s.As("dana").Expect("Expansion for you: Brightwater Labs")
		card.Expect("Moved to Dana")
		s.Deals(1) // the one that changed its owner
	})
}

// Storyboard 5.1: the manager's other three buttons.
func TestManagerTakesNudgesOrExtends(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	s.Advance(48*time.Hour + time.Minute)
	lena := s.As("lena").Expect("No answer on Brightwater Labs")
	lena.Press("Give 24 h more")
	m := s.As("lena").Modal("Give 24 h more")
	m.Set("reason", "he is back tomorrow")
	m.Submit()
	s.As("lena").NoModal()
	lena.Press("Nudge Marcus")
	lena.Press("I'll take it")
	card.Expect("Taken by Lena")
	s.As("lena").Expect("Expansion for you: Brightwater Labs", "Acknowledged")
}

// Storyboard 7.3: Marcus is away; his cover gets it and Marcus is not messaged.
func TestCoverGetsItWhileMarcusIsAway(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	today := s.Clock.Now()
	s.As("marcus").Command("ooo " + today.Format("2 Jan") + " to " + today.AddDate(0, 0, 7).Format("2 Jan") + " cover @dana")
	s.As("marcus").Expect("Dana")
	brightwater2 := s.As("priya").Command("log Brightwater they asked about 30 more seats").Modal("Log expansion signal")
	brightwater2.Set("Signal type", "Asked for it").Submit()
	s.As("priya").Modal("Confirm routing", "Dana").Submit()
	s.As("dana").Expect("Expansion for you: Brightwater Labs", "covering Marcus")
	s.As("marcus").Never("Expansion for you")
}

// Storyboard 7.7: "Not mine" hands it on at once.
func TestNotMineGoesToTheNextInLine(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	card.Press("Not mine")
	m := s.As("marcus").Modal("Not the right rep?")
	m.Set("reason", "Wrong territory")
	m.Submit()
	s.As("dana").Expect("Expansion for you: Brightwater Labs")
	card.Expect("Moved to Dana by Marcus", "wrong territory")
}

// Storyboard 7.8: "Not real" asks the CSM, who agrees.
func TestNotRealIsAgreedByTheCSM(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	card.Press("Not real")
	m := s.As("marcus").Modal("Not real?")
	m.Set("reason", "Not buying intent").Set("line", "pilot users only")
	m.Submit()
	s.As("priya").Expect("pilot users only").Press("Agree")
	s.Deal("closed as lost", func(d crm.Deal) bool { return d.Properties["dealstage"] == "closedlost" })
	card.Expect("not real")
}

// Storyboard 7.1: the same by hand again asks whether it is the same.
func TestSameSignalAgainIsAddedToTheOpenOne(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	routed(s)
	priya := s.As("priya").Command("log Brightwater they asked again about 30 more seats")
	priya.Modal("Log expansion signal").Set("Signal type", "Asked for it").Submit()
	m := priya.Modal("Similar signal", "Looks like S-1001 from today")
	m.Submit()
	priya.Expect("Brightwater Labs", "Seen 2 times")
	s.Deals(1)
}

// Storyboard 7.15: undo inside ten minutes takes everything back.
func TestUndoRecallsTheRouting(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	deal := s.Deal("for Brightwater", func(d crm.Deal) bool { return strings.Contains(d.Properties["dealname"], "Brightwater") })
	s.As("priya").Expect("Brightwater Labs", "Undo until").Press("Undo")
	card.Expect("Recalled by Priya")
	s.Deal("removed", func(d crm.Deal) bool { return d.ID == deal.ID && d.Archived })
}

// Storyboard 7.11: the CRM is down; the hand-off goes out, the card says so, it heals.
func TestHandoffGoesOutWhileTheCRMIsDown(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		s.CRM.SetDown(true)
		card := routed(s)
		card.Expect("HubSpot is not answering")
		s.CRM.SetDown(false)
		s.Advance(5 * time.Minute)
		s.Deal("created once", func(d crm.Deal) bool { return strings.Contains(d.Properties["dealname"], "Brightwater") })
		s.Settle()
		for key, n := range s.CRM.CreatesByKey() {
			if n != 1 {
				t.Fatalf("%d records were made for %s", n, key)
			}
		}
	})
}

// A CRM broken after the clock was moved by two days heals like any other: retries follow
// the moved clock.
func TestCRMBreaksAfterTheClockMoved(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	s.Advance(48 * time.Hour)
	s.CRM.SetDown(true)
	card := routed(s)
	card.Expect("HubSpot is not answering")
	s.Advance(10 * time.Minute)
	card.Expect("HubSpot is not answering")
	s.CRM.SetDown(false)
	s.Advance(5 * time.Minute)
	s.Deal("created", func(d crm.Deal) bool { return strings.Contains(d.Properties["dealname"], "Brightwater") })
}

// Storyboard 7.13: Slack is down; the mail goes at once, the card follows, once.
func TestSlackDownDelaysTheCardOnly(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	m := brightwater(s)
	s.Slack.FailNext("chat.postMessage", "ratelimited", 3)
	m.Submit()
	s.Until("the mail is there", func() bool { return len(s.Mail.Messages()) == 1 })
	s.Advance(5 * time.Minute)
	s.As("marcus").Expect("Expansion for you: Brightwater Labs")
	s.As("marcus").Exactly(1, "Expansion for you: Brightwater Labs")
}

// Storyboard 1.4: a second press and somebody else's press change nothing.
func TestSecondPressAnswersThePresserOnly(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	card := routed(s)
	marcus, dana := s.As("marcus"), s.As("dana").Command("help")
	dana.Expect("What I understand")
	seen := card.Button("Acknowledge")
	dana.PressSeen(t.Context(), seen)
	dana.Expect("Only Marcus Bell can do that with R-301. Ask them, or their manager.")
	card.Press("Acknowledge").Expect("Acknowledged")
	marcus.PressSeen(t.Context(), seen)
	marcus.Expect("Already acknowledged by Marcus at ", "Nothing changed.")
	card.Press("Start working")
	card.Expect("In progress")
	dana.Never("Already acknowledged")
	s.Deals(1)
}
