package notify

import (
	"fmt"
	"strings"

	"expansionbot/expansion"
)

// Limits of a brief in a mail; Slack and the CRM have the rest.
const (
	briefLen    = 1500 // characters of one text
	maxPeople   = 12
	maxEvidence = 10
)

// brief is the handoff brief (storyboard 4.2) in the order of the Slack modal. Nothing
// is left out silently: what nobody knows reads "Not known", with who could know.
func (w writer) brief() []part {
	p := w.Routing.Package
	full := func(s string) string { return unlinked(s, briefLen) }
	return []part{
		{Head: "Summary", Text: orElse(full(p.Summary), w.firstEvidence())},
		{Head: "Key numbers", Items: w.numbers(p), Inline: true},
		{Head: "Health and relationship", Text: sentence("Health "+w.health(p)) + " " + w.known(full(p.Relationship), w.Context.Relationship)},
		{Head: "Stakeholders", Text: w.nobody(p), Items: w.stakeholders(p)},
		{Head: "Recommended approach", Text: orElse(full(p.RecommendedApproach), unknown+".")},
		{Head: "Objections", Text: none(len(p.Objections)), Items: objections(p.Objections)},
		{Head: "Timeline", Text: w.known(full(p.Timeline), w.Context.Budget)},
		{Head: "Past expansions", Text: w.known(full(p.History), w.Context.History)},
		{Head: "Competitors", Text: w.known(full(p.Competitors), w.Context.Competitors)},
		{Head: "Evidence", Text: none(len(w.Evidence)), Items: w.evidence()},
		{Head: "What we don't know", Items: w.unknowns(p)},
	}
}

func none(n int) string {
	if n == 0 {
		return unknown + "."
	}
	return ""
}

func (w writer) numbers(p expansion.Package) []item {
	items := []item{{Head: "ARR now", Text: w.money(p.ARRCurrent)}}
	potential := item{Head: "Potential", Text: orElse(w.potential(), unknown)}
	if e := w.Signal.Potential; e != nil && !e.ByHand {
		potential.Text += fmt.Sprintf(", between %s and %s", e.Low, e.High)
		if f := oneLine(e.Formula, 120); f != "" {
			potential.Text += " (" + f + ")"
		}
	}
	items = append(items, potential, item{Head: "Renewal", Text: w.renewal()})
	seats := unknown
	if n := w.Account.SeatsLicensed; n != nil {
		seats = fmt.Sprint(*n)
	}
	return append(items, item{Head: "Seats licensed", Text: seats}, item{Head: "Plan", Text: orElse(oneLine(w.Account.Plan, 60), unknown)})
}

// known is a text, or the context element's, or "Not known" with who could know.
func (w writer) known(s string, e expansion.Element) string {
	switch ask := oneLine(e.Ask, 60); {
	case s != "":
		return sentence(s)
	case e.Known:
		return sentence(orElse(unlinked(e.Text, briefLen), "Looked, none found"))
	case ask != "":
		return unknown + ". " + ask + " could know."
	}
	return unknown + "."
}

func (w writer) people(p expansion.Package) []expansion.Stakeholder {
	if p.Stakeholders != nil {
		return p.Stakeholders
	}
	var people []expansion.Stakeholder
	for _, s := range w.Context.Stakeholders {
		owner := ""
		if s.Owner != "" {
			owner = w.Name(s.Owner)
		}
		people = append(people, expansion.Stakeholder{Name: s.Name, Title: s.Title, Role: s.Role, Stance: s.Stance, LastContact: s.LastContactAt, Owner: owner})
	}
	return people
}

func (w writer) nobody(p expansion.Package) string {
	if len(w.people(p)) > 0 {
		return ""
	}
	return w.known("", w.Context.People)
}

func (w writer) stakeholders(p expansion.Package) []item {
	var items []item
	people := w.people(p)
	for i, s := range people {
		if i == maxPeople {
			return append(items, item{Text: fmt.Sprintf("And %d more in %s.", len(people)-maxPeople, w.crm())})
		}
		contact := "no contact on record"
		if s.LastContact != nil {
			contact = "last contact " + w.on(*s.LastContact)
		}
		items = append(items, item{
			Head: joined(", ", orElse(unlinked(s.Name, 80), "(no name)"), unlinked(s.Title, 80)),
			Text: joined(" · ", orElse(strings.ReplaceAll(oneLine(s.Role, 40), "_", "-"), "role not known"), orElse(oneLine(s.Stance, 40), "stance not known"),
				contact, "relationship: "+orElse(oneLine(s.Owner, 60), "not known")),
		})
	}
	return items
}

func objections(os []expansion.Objection) []item {
	var items []item
	for _, o := range os {
		items = append(items, item{Head: "“" + unlinked(o.Says, 300) + "”", Text: orElse(unlinked(o.Answer, 500), "No answer yet.")})
	}
	return items
}

func (w writer) evidence() []item {
	var items []item
	for i, e := range w.Evidence {
		if i == maxEvidence {
			return append(items, item{Text: fmt.Sprintf("And %d older in Slack.", len(w.Evidence)-maxEvidence)})
		}
		text := unlinked(e.Why, 300)
		if q := quotation(e); q != "" {
			text = joined(" ", sentence(text), q)
		}
		it := item{Text: joined(" · ", text, orElse(e.Source.Words(), "source not known"), w.on(e.OccurredAt))}
		if u := webURL(e.Link); u != "" {
			it.Link = link{"source", u}
		}
		items = append(items, it)
	}
	return items
}

func quotation(e expansion.Evidence) string {
	q := unlinked(e.Quote, 500)
	if q == "" {
		return ""
	}
	if s := unlinked(e.Speaker, 80); s != "" {
		return s + ": “" + q + "”"
	}
	return "“" + q + "”"
}

func (w writer) unknowns(p expansion.Package) []item {
	var items []item
	for _, u := range p.Unknowns {
		if s := unlinked(u, 300); s != "" {
			items = append(items, item{Text: sentence(s)})
		}
	}
	if items == nil {
		for _, m := range w.Context.Missing() {
			items = append(items, item{Text: sentence(strings.ToUpper(string(m[:1])) + string(m[1:]) + ": not known")})
		}
	}
	if items == nil {
		items = []item{{Text: "Nothing that we look for is missing."}}
	}
	return items
}
