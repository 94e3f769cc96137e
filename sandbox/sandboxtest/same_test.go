package sandboxtest_test

import (
	"testing"
	"time"

	"expansionbot/sandbox/sandboxtest"
	"expansionbot/sandbox/world"
)

// usageFound lets Brightwater's usage cross its licence and waits for the CSM's card.
func usageFound(s *sandboxtest.Sandbox) *sandboxtest.Card {
	s.SetAPI(s.APIURL, s.APIToken)
	s.Advance(time.Minute)
	return s.As("priya").Expect("Brightwater Labs may need more seats", "Marcus Bell")
}

func closeModals(t *testing.T, s *sandboxtest.Sandbox, handle string) {
	t.Helper()
	p, _ := world.ByHandle(handle)
	for _, v := range s.Slack.Modals(p.SlackID) {
		if err := s.Slack.CloseView(t.Context(), p.SlackID, v.ID, true); err != nil {
			t.Fatal(err)
		}
	}
}

// Storyboard 7.1: what Priya heard may be what the meter showed, though the types differ.
// The same is one signal and one deal; what is different becomes its own.
func TestLogByHandBesideAUsageSignalAsks(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		card := usageFound(s)
		priya := s.As("priya").Command("log Brightwater they asked about 30 more seats")
		priya.Modal("Log expansion signal").Set("Signal type", "Asked for it").Set("Their words, if you have them", "another thirty licences before March").Submit()
		priya.Modal("Similar signal", "Looks like S-1001 from today", "they asked about 30 more seats").Submit()
		priya.Modal("Log expansion signal", "Added to S-1001.")
		card.Expect("Seen 2 times")
		s.Advance(11 * time.Minute)
		s.As("marcus").Expect("Expansion for you: Brightwater Labs", "another thirty licences before March")
		s.Until("the deal is in the CRM", func() bool { return len(s.CRM.Deals()) > 0 })
		if n := len(s.CRM.Deals()); n != 1 {
			t.Fatalf("%d deals, want 1", n)
		}

		closeModals(t, s, "priya")
		priya.Command("log Brightwater 12 more seats for the new office in Lyon")
		priya.Modal("Log expansion signal").Set("Signal type", "Asked for it").Submit()
		m := priya.Modal("Similar signal", "Looks like S-1001")
		m.Set("same", "It's different").Set("different", "another office").Submit()
		priya.Modal("Confirm routing").Submit()
		s.Until("the other deal is in the CRM", func() bool { return len(s.CRM.Deals()) == 2 })
	})
}
