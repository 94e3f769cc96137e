package blocks

import (
	"time"

	"expansionbot/expansion"
)

// The storyboard's cast and its Tuesday: 10 March, 82 days before the renewal.

func clock(hhmm string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2026-03-10 "+hhmm)
	if err != nil {
		panic(err)
	}
	return t
}

func at(hhmm string) *time.Time { t := clock(hhmm); return &t }

func day(s string) *time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return &t
}

func ptr[T any](v T) *T { return &v }

func usd(major int64) *expansion.Money {
	return &expansion.Money{Minor: major * 100, Currency: "USD"}
}

const london = "Europe/London"

func cast() map[expansion.PersonID]expansion.Person {
	return map[expansion.PersonID]expansion.Person{
		"priya":  {ID: "priya", Name: "Priya Nair", Role: expansion.RoleCSM, TimeZone: london, Active: true},
		"marcus": {ID: "marcus", Name: "Marcus Bell", Role: expansion.RoleAE, Manager: "lena", MaxOpen: ptr(8), TimeZone: london, Active: true},
		"dana":   {ID: "dana", Name: "Dana Ortiz", Role: expansion.RoleAE, Manager: "lena", MaxOpen: ptr(8), TimeZone: london, Active: true},
		"tomoko": {ID: "tomoko", Name: "Tomoko Arai", Role: expansion.RoleSpecialist, Manager: "lena", TimeZone: "Asia/Tokyo", Active: true},
		"lena":   {ID: "lena", Name: "Lena Vogt", Role: expansion.RoleManager, TimeZone: london, Active: true},
		"ravi":   {ID: "ravi", Name: "Ravi Shah", Role: expansion.RoleRevOps, TimeZone: london, Active: true},
	}
}

func decision() expansion.Decision {
	return expansion.Decision{
		To: "marcus", Role: expansion.ToAE, Kind: expansion.KindOriginalAE, Rule: "original_ae",
		Reason: "original AE on the account, active, load 3 of 8", PolicyVersion: "9f2ab07c41d5e6",
		Candidates: []expansion.Candidate{
			{ID: "tomoko", Rule: "specialist", Dropped: "away until 2026-04-02"},
			{ID: "lena", Rule: "partner", Dropped: "8 of 8 open"},
			{ID: "marcus", Rule: "original_ae"},
		},
		Trace: []expansion.Step{
			{Rule: "open_opportunity", Kind: expansion.KindOpenOpportunity, Result: expansion.Skipped, Fact: "no open opportunity on the account"},
			{Rule: "partner", Kind: expansion.KindPartner, Result: expansion.NobodyEligible, Fact: "8 of 8 open"},
			{Rule: "original_ae", Kind: expansion.KindOriginalAE, Result: expansion.Chose, Fact: "original AE, active, load 3 of 8"},
			{Rule: "territory", Kind: expansion.KindTerritory, Result: expansion.NotReached},
		},
		Facts: expansion.Facts{
			Now: clock("09:06"),
			Reps: []expansion.Rep{
				{ID: "marcus", Open: 3, MaxOpen: ptr(8), Away: []expansion.Away{{Person: "marcus", From: *day("2026-03-09"), To: *day("2026-04-02"), Cover: "dana"}}},
				{ID: "dana", Open: 2, MaxOpen: ptr(8)},
			},
		},
		IfUnavailable: "dana",
	}
}

func known(text string) expansion.Element {
	return expansion.Element{Known: true, Text: text, Source: "sample", AsOf: clock("06:00")}
}

// noticed is Brightwater in review at 09:07, as Priya sees it (3.2).
func noticed() expansion.Case {
	d := decision()
	people := cast()
	return expansion.Case{
		Now: clock("09:07"), Viewer: people["priya"], People: people,
		Signal: expansion.Signal{
			ID: "01JNSIGNAL0000000000001042", Number: 1042, AccountID: "brightwater", Type: expansion.UsageGrowth, Strength: expansion.Strong,
			Source: expansion.SourceUsage, DetectedAt: clock("08:00").AddDate(0, 0, -1), Score: 0.86,
			Reasons:       []string{"132 of 120 seats active for 9 days in a row", "active users up 18% in 30 days"},
			ExpansionType: expansion.Seats,
			Potential:     &expansion.Potential{Likely: *usd(19200), Low: *usd(14400), High: *usd(24000), Formula: "12 seats × $1,600"},
			Status:        expansion.Confirmed, Waiting: expansion.WaitReview, WaitUntil: at("09:17"),
			SeenCount: 3, LastSeenAt: clock("09:00"), Completeness: ptr(0.93), Version: 4,
		},
		Account: expansion.Account{
			ID: "brightwater", Name: "Brightwater Labs", Domain: "brightwater.example", Plan: "Team", ARR: usd(48000), SeatsLicensed: ptr(int64(120)),
			ContractEnd: day("2026-05-31"), CSM: "priya", OriginalAE: "marcus", Region: "UK",
		},
		Context: expansion.Context{
			Contract: known("Team plan, 120 seats until 31 May"), Usage: known("132 of 120 seats, up 18% in 30 days"),
			People: known("Jo Park is champion, Sam Lee decides"), Relationship: known("Weekly calls, last on Tuesday"),
			History: known("Went from 80 to 120 seats last year"), Competitors: known("Looked, none found"),
			Budget: expansion.Element{Ask: "Priya Nair"},
			Health: ptr(82.0), HealthTrend: "rising", GatheredAt: clock("09:06"),
		},
		Evidence: []expansion.Evidence{
			{
				Source: expansion.SourceMeeting, OccurredAt: clock("08:00"), Why: "Asked for seats in a meeting", Quote: "we'd need another thirty licences before the March rollout",
				Speaker: "Jo Park", Link: "https://meet.example/rec/8?t=31&x=1",
			},
			{Source: expansion.SourceUsage, OccurredAt: clock("07:00"), Why: "132 of 120 seats active for 9 days in a row"},
		},
		Plan: &d, RoutesAt: at("09:17"), AckWithin: 4 * time.Hour, AnswerWithin: 24 * time.Hour,
	}
}

// routed is R-311 with Marcus since 09:06, as he sees it at 09:07 (4.1).
func routed() expansion.Case {
	c := noticed()
	d := *c.Plan
	c.Plan, c.RoutesAt = nil, nil
	c.Viewer = c.People["marcus"]
	c.Signal.Status, c.Signal.Waiting = expansion.Routed, expansion.WaitNone
	c.Routing = &expansion.Routing{
		ID: "01JNROUTING000000000000311", Number: 311, SignalID: c.Signal.ID, AccountID: "brightwater", To: "marcus", Role: expansion.ToAE,
		Reason: d.Reason, Status: expansion.Pending, RoutedAt: clock("09:06"), EscalateAt: clock("09:06").AddDate(0, 0, 2),
		RoutedBy: "priya", Note: "Jo prefers phone", Decision: d, Version: 1,
		Package: expansion.Package{
			Summary:     "Brightwater Labs uses 132 of its 120 seats and asked for thirty more.",
			HealthScore: ptr(82.0), ARRCurrent: usd(48000), ARRPotential: usd(19200), HealthText: "82, rising",
			WhyNow:              "132 of 120 seats for 9 days. Jo Park on Tuesday: 'another thirty licences before the March rollout'",
			StartHere:           "Call Jo Park (VP Operations, champion) before Friday. Offer the 150-seat tier. Sam Lee (CFO) signs.",
			RecommendedApproach: "Agree the seat count with Jo Park, then send Sam Lee one page.",
			Timeline:            "Rollout in March, renewal on 31 May.", Relationship: "Weekly calls with Priya.", History: "80 to 120 seats last year.",
			Stakeholders: []expansion.Stakeholder{
				{Name: "Jo Park", Title: "VP Operations", Role: "champion", Stance: "supportive", LastContact: at("08:00"), Owner: "Priya Nair"},
				{Name: "Sam Lee", Title: "CFO", Role: "decision_maker"},
			},
			Objections: []expansion.Objection{{Says: "We could clean up unused seats", Answer: "All 132 were active in the last 9 days."}},
			Unknowns:   []string{"Budget cycle: not known. Priya Nair could know."},
			WinChance:  ptr(0.41), WinSample: 58,
		},
	}
	c.Opportunity = &expansion.Opportunity{
		ID: "01JNOPPORTUNITY00000000207", Number: 207, Name: "Brightwater Labs seats", CRM: "salesforce", CRMID: "006A", URL: "https://crm.example/006A",
		StageLabel: "Discovery", Amount: usd(19200),
	}
	c.Activities = []expansion.Activity{
		{ID: 1, At: clock("09:00"), Agent: expansion.Monitor, Verb: "signal_detected"},
		{ID: 2, At: clock("09:06"), Agent: expansion.Expander, Verb: "routed", RoutingID: c.Routing.ID},
	}
	return c
}

func with(c expansion.Case, change ...func(*expansion.Case)) expansion.Case {
	if c.Routing != nil {
		g := *c.Routing
		c.Routing = &g
	}
	if c.Opportunity != nil {
		o := *c.Opportunity
		c.Opportunity = &o
	}
	if c.Plan != nil {
		d := *c.Plan
		c.Plan = &d
	}
	c.Activities = append([]expansion.Activity(nil), c.Activities...)
	for _, f := range change {
		f(&c)
	}
	return c
}

func seenBy(id expansion.PersonID) func(*expansion.Case) {
	return func(c *expansion.Case) { c.Viewer = c.People[id] }
}

func acted(hhmm string, by expansion.PersonID, verb string, args map[string]any) func(*expansion.Case) {
	return func(c *expansion.Case) {
		a := expansion.Activity{ID: int64(len(c.Activities) + 1), At: clock(hhmm), Agent: expansion.Human, Verb: verb, Person: by, Args: args}
		if c.Routing != nil {
			a.RoutingID = c.Routing.ID
		}
		c.Activities = append(c.Activities, a)
	}
}

func acknowledged(c *expansion.Case) {
	c.Routing.Status, c.Routing.AcknowledgedAt = expansion.Acknowledged, at("09:13")
	c.Now = clock("09:20")
}

func won(c *expansion.Case) {
	acknowledged(c)
	c.Signal.Status, c.Signal.CreatedBy = expansion.Closed, "priya"
	c.Routing.Status, c.Routing.OutcomeARR = expansion.Won, usd(21600)
	c.Routing.ClosedAt = ptr(clock("09:06").AddDate(0, 0, 34))
	c.Opportunity.Outcome = &expansion.Outcome{Won: true, ARRChange: usd(21600), Reason: "need"}
	c.Now = clock("10:00").AddDate(0, 0, 34)
}

func left(d expansion.Disposition, reason string) func(*expansion.Case) {
	return func(c *expansion.Case) {
		c.Routing.Disposition, c.Routing.LeftReason = d, reason
	}
}
