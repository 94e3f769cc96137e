package notify

import (
	"time"

	"github.com/wneessen/go-mail/smtp"

	"expansionbot/expansion"
)

func serverInfo(name string, tls bool, mech string) *smtp.ServerInfo {
	return &smtp.ServerInfo{Name: name, TLS: tls, Auth: []string{mech}}
}

func ptr[T any](v T) *T { return &v }

func usd(minor int64) *expansion.Money { return &expansion.Money{Minor: minor, Currency: "USD"} }

// brightwater is storyboard 4.1.
func brightwater() expansion.Case {
	now := time.Date(2026, 3, 10, 13, 6, 0, 0, time.UTC) // 09:06 in New York
	day := func(m time.Month, d int) *time.Time { return ptr(time.Date(2026, m, d, 0, 0, 0, 0, time.UTC)) }
	return expansion.Case{
		Now: now, AckWithin: 4 * time.Hour,
		Signal: expansion.Signal{
			ID: "sig", Number: 1042, AccountID: "a7", Type: expansion.UsageGrowth, Strength: expansion.Strong, ExpansionType: expansion.Seats,
			Potential: &expansion.Potential{Likely: *usd(1920000), Low: *usd(1440000), High: *usd(2880000), Formula: "12 seats × $1,600"},
		},
		Evidence: []expansion.Evidence{
			{
				Source: expansion.SourceMeeting, OccurredAt: now.Add(-20 * time.Hour), Why: "Asked for licences in the quarterly review", Speaker: "Jo Park",
				Quote: "another thirty licences before the March rollout", Link: "https://calls.example/42?a=1&b=2",
			},
			{Source: expansion.SourceUsage, OccurredAt: now.Add(-9 * 24 * time.Hour), Why: "132 of 120 seats for 9 days"},
		},
		Account: expansion.Account{ID: "a7", Name: "Brightwater Labs", ARR: usd(4800000), SeatsLicensed: ptr(int64(120)), Plan: "Team", ContractEnd: day(5, 31), CSM: "priya"},
		Routing: &expansion.Routing{
			ID: "rt", Number: 311, To: "marcus", Status: expansion.Pending, RoutedAt: now, EscalateAt: now.Add(48 * time.Hour), RoutedBy: "priya", Note: "Jo prefers phone",
			Decision: expansion.Decision{Kind: expansion.KindOriginalAE, IfUnavailable: "dana"},
			Package: expansion.Package{
				Summary: "Brightwater Labs runs over its seats since a reorganisation and wants to roll out in March.", ARRCurrent: usd(4800000), ARRPotential: usd(1920000),
				WhyNow:      "132 of 120 seats for 9 days. Jo Park on Tuesday: 'another thirty licences before the March rollout'.",
				StartHere:   "Call Jo Park (VP Operations, champion) before Friday. Offer the 150-seat tier. Sam Lee (CFO) signs.",
				HealthScore: ptr(82.0), HealthText: "82, rising", WinChance: ptr(0.41), WinSample: 58,
				RecommendedApproach: "Lead with the rollout date; the budget is there until the end of the quarter.", Timeline: "Rollout in March, renewal on 31 May.",
				Relationship: "Weekly calls with Jo Park.", History: "10 seats in 2024, 20 seats in 2025", Competitors: "None named.",
				Stakeholders: []expansion.Stakeholder{
					{Name: "Jo Park", Title: "VP Operations", Role: "champion", Stance: "supportive", LastContact: day(3, 3), Owner: "Priya Nair"},
					{Name: "Sam Lee", Title: "CFO", Role: "decision_maker"},
				},
				Objections: []expansion.Objection{{Says: "We only need it for the rollout", Answer: "Offer a three-month ramp."}},
				Unknowns:   []string{"Budget cycle: not known. Priya Nair could know."},
			},
		},
		Opportunity: &expansion.Opportunity{ID: "op", Number: 207, CRM: "salesforce", CRMID: "006", URL: "https://acme.my.salesforce.example/006"},
		People: map[expansion.PersonID]expansion.Person{
			"marcus": {ID: "marcus", Email: "marcus@acme.example", Name: "Marcus Bell", Role: expansion.RoleAE, Manager: "lena", TimeZone: "America/New_York"},
			"priya":  {ID: "priya", Email: "priya@acme.example", Name: "Priya Nair", Role: expansion.RoleCSM},
			"lena":   {ID: "lena", Email: "lena@acme.example", Name: "Lena Fox", Role: expansion.RoleManager, TimeZone: "Europe/Berlin"},
			"dana":   {ID: "dana", Email: "dana@acme.example", Name: "Dana Ortiz", Role: expansion.RoleAE},
		},
	}
}

// bare is a case about which next to nothing is known.
func bare() expansion.Case {
	c := brightwater()
	c.Signal = expansion.Signal{Number: 1043, Type: expansion.ExplicitRequest, Strength: expansion.Exploratory}
	c.Account = expansion.Account{ID: "k1", Name: "Kestrel Freight"}
	c.Evidence, c.Opportunity = nil, nil
	c.Context.People.Ask = "Priya Nair"
	c.Routing = &expansion.Routing{ID: "rt2", Number: 312, To: "marcus", Status: expansion.Pending, RoutedAt: c.Now, Reason: "the only one left"}
	return c
}

// recalled is brightwater after "Undo" (storyboard 7.15).
func recalled() expansion.Case {
	c := brightwater()
	c.Routing.Disposition, c.Routing.LeftReason = expansion.Recalled, "wrong account"
	c.Now = c.Now.Add(3 * time.Minute)
	c.Routing.ClosedAt = &c.Now
	return c
}

// hostile is full of text that wants to be more than text.
func hostile() expansion.Case {
	c := brightwater()
	c.Account.Name = "Bright\r\nBcc: all@evil.example\u202e <b>Labs</b> & \"Sons\" 🚀"
	c.Routing.Package.WhyNow = `<script>alert(1)</script> see https://evil.example/login or www.evil.example, mail jo@brightwater.example, call +1 (415) 555-0134 now`
	c.Routing.Package.Summary = "Summary with <img src=x onerror=alert(1)> and jo@brightwater.example"
	c.Routing.Note = "{{.Secret}} javascript:alert(1)"
	c.Evidence[0].Link = "javascript:alert(1)"
	c.Evidence[1].Link = `https://ok.example/"><script>`
	c.Opportunity.URL = "javascript:alert(1)"
	c.Routing.Package.Stakeholders[0].Name = "\u202eJo\x00 Park"
	return c
}
