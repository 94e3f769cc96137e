package sandboxtest_test

import (
	"slices"
	"testing"
	"time"

	"expansionbot/sandbox/crm"
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

// openDeal makes a deal at Brightwater by hand, as its owner would.
func openDeal(t *testing.T, s *sandboxtest.Sandbox, owner string) string {
	t.Helper()
	company := slices.IndexFunc(s.CRM.Companies(), func(c crm.Company) bool { return c.Name == "Brightwater Labs" })
	who := slices.IndexFunc(s.CRM.Owners(), func(o crm.Owner) bool { return o.First == owner })
	if company < 0 || who < 0 {
		t.Fatalf("no Brightwater Labs or no %s in the CRM", owner)
	}
	id, err := s.CRM.AddDeal(s.CRM.Companies()[company].ID, map[string]string{
		"dealname": "Brightwater renewal + seats", "dealstage": s.CRM.Stages()[1].ID, "pipeline": "default", "amount": "52000", "hubspot_owner_id": s.CRM.Owners()[who].ID,
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Storyboard 7.5: an opportunity is open already. Its owner wins over the rules, the
// signal is attached to it, and what people wrote there stays as it is.
func TestAttachesToTheOpenOpportunity(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		id := openDeal(t, s, "Dana")
		stage := s.CRM.Stages()[1]
		priya := s.As("priya").Command("log Brightwater they asked about 30 more seats")
		priya.Modal("Log expansion signal").Set("Signal type", "Asked for it").Submit()
		m := priya.Modal("Confirm routing", "Open already: ‘Brightwater renewal + seats’, owner Dana Ortiz, stage "+stage.Label, "Attach to it", "Create a separate one", "owner of an open opportunity")
		priya.Expect("Brightwater Labs", "Attaches to ‘Brightwater renewal + seats’")
		m.Submit()
		card := s.As("dana").Expect("Expansion for you: Brightwater Labs")
		d := s.Deal("with our key and the brief", func(d crm.Deal) bool { return d.Properties["expansion_opportunity_id"] != "" && len(d.Notes) == 1 })
		card.Expect("attached to the HubSpot deal ‘Brightwater renewal + seats’")
		s.As("dana").Command("why R-301").Modal("Why R-301", "goes to Dana Ortiz", "open-opportunity")
		card.Press("Acknowledge").Expect("Acknowledged")
		s.Advance(2 * time.Minute)
		if d = s.CRM.Deals()[0]; d.ID != id || len(s.CRM.Deals()) != 1 || d.Properties["amount"] != "52000" || d.Properties["dealstage"] != stage.ID || d.Properties["dealname"] != "Brightwater renewal + seats" {
			t.Fatalf("want the one deal %s as it was; there are %d, the first is %s with %v", id, len(s.CRM.Deals()), d.ID, d.Properties)
		}
		if err := s.CRM.SetDealProperty(id, "dealstage", "closedwon"); err != nil {
			t.Fatal(err)
		}
		s.Advance(2 * time.Minute)
		card.Expect("Won")
		s.As("priya").Never("+$52,000") // the renewal is not what the signal brought
	})
}

// Storyboard 7.5, 7.15: taking an attached routing back leaves the deal to its owner.
func TestUndoLeavesTheDealItWasAttachedTo(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	id := openDeal(t, s, "Marcus")
	routed(s)
	s.Deal("with our key", func(d crm.Deal) bool {
		return d.ID == id && d.Properties["expansion_opportunity_id"] != "" && len(d.Notes) == 1
	})
	s.As("priya").Expect("Brightwater Labs", "Undo until").Press("Undo").Expect("Recalled by Priya")
	s.Advance(time.Minute)
	if d := s.CRM.Deals()[0]; d.ID != id || d.Archived || d.Properties["dealstage"] != s.CRM.Stages()[1].ID {
		t.Fatalf("the deal is not as its owner left it: %+v", d)
	}
}

// Storyboard 7.5: a separate one needs a reason, and is made.
func TestASeparateOpportunityNeedsAReason(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	openDeal(t, s, "Marcus")
	m := brightwater(s)
	m.Set("attach", "Create a separate one")
	if out := m.TrySubmit(); out.FieldErrors["separate"] != "Say why it needs a separate one." {
		t.Fatalf("submitted without a reason: %+v", out)
	}
	m.Set("separate", "another budget").Submit()
	s.Until("there are two deals", func() bool { return len(s.CRM.Deals()) == 2 })
}

// Storyboard 7.5: what closed before the signal was routed is not attached to.
func TestAClosedOpportunityIsNotAttachedTo(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	id := openDeal(t, s, "Marcus")
	m := brightwater(s)
	if err := s.CRM.SetDealProperty(id, "dealstage", "closedwon"); err != nil {
		t.Fatal(err)
	}
	m.Submit()
	s.Deal("of its own", func(d crm.Deal) bool { return d.ID != id && d.Properties["dealname"] == "Brightwater Labs: seats" })
	s.As("marcus").Expect("Expansion for you: Brightwater Labs", "HubSpot deal open").Press("Acknowledge").Expect("Acknowledged")
}

// Storyboard 3.1: an account that is not in the CRM yet. The hand-off goes out and says
// so; the deal is made once somebody added the company.
func TestAnAccountThatIsNotInTheCRMYet(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		priya := s.As("priya").Command("log")
		m := priya.Modal("Log expansion signal")
		m.Set("Account", "Quarry Tools").Set("Signal type", "Asked for it").Set("Strength", "Strong").Set("What happened?", "they asked about 40 seats to begin with").Submit()
		priya.Modal("Confirm routing", "Quarry Tools").Submit()
		s.Until("somebody has the hand-off", func() bool { return s.As("tomoko").Count("Expansion for you: Quarry Tools") == 1 })
		card := s.As("tomoko").Expect("Expansion for you: Quarry Tools")
		card.Expect("Quarry Tools is not in HubSpot yet; the opportunity will be created when it is added there.")
		if n := len(s.CRM.Deals()); n != 0 {
			t.Fatalf("%d deals without a company, want none", n)
		}
		s.CRM.PutCompany(crm.Company{Name: "Quarry Tools"})
		s.Advance(21 * time.Minute)
		s.Deal("with its company", func(d crm.Deal) bool {
			return d.Properties["dealname"] == "Quarry Tools: seats" && len(d.Companies) == 1
		})
		card.Expect("HubSpot deal open")
	})
}

// Storyboard 3.1, 4.2: who was there is named with the log and stands first in the brief.
func TestPeopleInvolvedReachTheBrief(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	priya := s.As("priya").Command("log Brightwater they asked about 30 more seats")
	priya.Modal("Log expansion signal").Set("Signal type", "Asked for it").Set("People involved", "Sam Lee").Submit()
	priya.Modal("Confirm routing").Submit()
	s.As("marcus").Expect("Expansion for you: Brightwater Labs").Press("Full brief")
	s.As("marcus").Modal("Handoff brief", "Sam Lee, CFO\ninvolved · ")
}
