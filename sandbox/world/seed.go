package world

import (
	"strings"

	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/slack"
)

// Seed puts the cast into Slack, with a channel or two, and owners, companies and
// contacts into the CRM. Repeating it changes nothing.
func Seed(s *slack.Server, c *crm.Server) {
	var everyone, sales []string
	for _, p := range cast {
		s.PutUser(slack.User{ID: p.SlackID, Handle: p.Handle, RealName: p.Name, Email: p.Email, Title: p.Title, TimeZone: p.TimeZone})
		everyone = append(everyone, p.SlackID)
		if p.Role != "csm" && p.Role != "revops" {
			sales = append(sales, p.SlackID)
		}
		first, last, _ := strings.Cut(p.Name, " ")
		c.PutOwner(crm.Owner{ID: p.OwnerID, Email: p.Email, First: first, Last: last})
	}
	s.PutUser(slack.User{ID: "U0JOPARK", Handle: "jo", RealName: "Jo Park", Title: "Brightwater Labs", TimeZone: "Europe/Paris", External: true})
	priya, _ := ByHandle("priya")
	marcus, _ := ByHandle("marcus")
	ravi, _ := ByHandle("ravi")
	ines, _ := ByHandle("ines")
	bot := s.BotUserID()
	s.PutChannel(slack.Channel{ID: "C0GENERAL", Name: "general", Members: append(everyone, bot)})
	s.PutChannel(slack.Channel{ID: "C0SALES", Name: "sales", Members: sales})
	s.PutChannel(slack.Channel{ID: "C0EXPOPS", Name: "expansion-ops", Members: []string{ravi.SlackID, ines.SlackID, bot}})
	s.PutChannel(slack.Channel{ID: "C0BRIGHT", Name: "brightwater-acme", Members: []string{priya.SlackID, marcus.SlackID, "U0JOPARK", bot}, External: true})

	owner := map[string]string{}
	for _, p := range cast {
		owner[p.Handle] = p.OwnerID
	}
	for i, a := range accounts {
		c.PutCompany(crm.Company{ID: a.CRMID, Name: a.Name, Domain: a.Domain, OwnerID: owner[a.AE], Properties: map[string]string{
			"annualrevenue": num(a.ARRCents / 100), "country": a.Region,
		}})
		for j, p := range a.Contacts {
			first, last, _ := strings.Cut(strings.TrimPrefix(p.Name, "Dr "), " ")
			c.PutContact(crm.Contact{ID: num(int64(20001 + i*10 + j)), Email: p.email(a), First: first, Last: last, Title: p.Title, CompanyID: a.CRMID})
		}
	}
}
