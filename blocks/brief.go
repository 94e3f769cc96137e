package blocks

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// Brief is the modal "Handoff brief" (storyboard 4.2): all that is known, nothing left
// out silently. It alone shows e-mail addresses and numbers a customer wrote.
func Brief(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	if c.Account.Restricted {
		system, _ := r.crm()
		return modal(CallbackBrief, "Handoff brief", "", RoutingMeta(c), section("*"+r.account()+"* is restricted; its details are in "+system+" only."))
	}
	var p expansion.Package
	if c.Routing != nil {
		p = c.Routing.Package
	}
	full := func(s string) string { return esc(s, 1200) }
	bs := []slack.Block{
		header(r.Account.Name),
		section(orElse(full(p.Summary), r.why(1200))),
		fields(
			field("ARR now → potential", r.arr(p)), field("Win chance", winChance(p)),
			field("Renewal", r.renewal(c.Account.ContractEnd)), field("Strength", c.Signal.Strength.Chip()),
			field("Health", r.health(p)), field("Type", typeLabel(c.Signal)),
		),
		section("*Relationship*\n" + r.known(full(p.Relationship), c.Context.Relationship)),
		header("Stakeholders"),
	}
	bs = append(bs, r.stakeholders(p)...)
	bs = append(bs,
		section("*Recommended approach*\n"+orElse(full(p.RecommendedApproach), "Not known")),
		section("*Start here*\n"+orElse(full(p.StartHere), "Not known")),
		section("*Objections*\n"+objections(p.Objections)),
		section("*Timeline*\n"+orElse(full(p.Timeline), r.known("", c.Context.Budget))),
		section("*Past expansions*\n"+r.known(full(p.History), c.Context.History)),
		section("*Competitors*\n"+r.known(full(p.Competitors), c.Context.Competitors)),
		section("*Evidence*\n"+r.evidence()),
		section("*What we don't know*\n"+r.unknowns(p)),
	)
	foot := joined(" · ", c.Signal.Label(), r.completeness())
	if c.Routing != nil {
		foot = joined(" · ", c.Routing.Label(), foot)
	}
	return modal(CallbackBrief, "Handoff brief", "", RoutingMeta(c), append(bs, smallPrint(foot))...)
}

// known is a text, or the element's, or "Not known" with who could know.
func (r reader) known(s string, e expansion.Element) string {
	if s != "" {
		return s
	}
	if e.Known {
		return orElse(esc(e.Text, 1200), "Looked, none found.")
	}
	if ask := esc(e.Ask, nameLen); ask != "" {
		return "Not known. " + ask + " could know."
	}
	return "Not known"
}

// maxPeople is how many stakeholders a brief shows.
const maxPeople = 12

func (r reader) stakeholders(p expansion.Package) []slack.Block {
	people := p.Stakeholders
	if people == nil {
		for _, s := range r.Context.Stakeholders {
			owner := ""
			if s.Owner != "" {
				owner = r.Name(s.Owner)
			}
			people = append(people, expansion.Stakeholder{Name: s.Name, Title: s.Title, Role: s.Role, Stance: s.Stance, LastContact: s.LastContactAt, Owner: owner})
		}
	}
	if len(people) == 0 {
		return []slack.Block{section(r.known("", r.Context.People))}
	}
	var bs []slack.Block
	for i, s := range people {
		if i == maxPeople {
			bs = append(bs, smallPrint(fmt.Sprintf("And %d more in the CRM.", len(people)-maxPeople)))
			break
		}
		contact := "no contact on record"
		if s.LastContact != nil {
			contact = "last contact " + r.on(*s.LastContact)
		}
		owner := "relationship: not known"
		if o := esc(s.Owner, nameLen); o != "" {
			owner = "relationship: " + o
		}
		role := strings.ReplaceAll(s.Role, "_", "-")
		bs = append(bs, section("*"+name(s.Name)+"*"+prefixed(", ", esc(s.Title, nameLen))+"\n"+
			joined(" · ", involved(s), orElse(esc(role, nameLen), "role not known"), orElse(esc(s.Stance, nameLen), "stance not known"), contact, owner)))
	}
	return bs
}

// involved marks who was named when the signal was logged.
func involved(s expansion.Stakeholder) string {
	if s.Involved {
		return "involved"
	}
	return ""
}

func objections(os []expansion.Objection) string {
	var lines []string
	for i, o := range os {
		if i == 6 {
			lines = append(lines, fmt.Sprintf("And %d more.", len(os)-6))
			break
		}
		lines = append(lines, "• "+quoted(o.Says, lineLen)+" → "+orElse(esc(o.Answer, lineLen), "No answer yet."))
	}
	return orElse(strings.Join(lines, "\n"), "Not known")
}

func (r reader) evidence() string {
	var lines []string
	for i, e := range r.Evidence {
		if i == 8 {
			lines = append(lines, fmt.Sprintf("And %d older.", len(r.Evidence)-8))
			break
		}
		l := "• " + orElse(esc(e.Why, quoteLen), "Noticed")
		if q := esc(e.Quote, quoteLen); q != "" {
			l += " “" + q + "”" + prefixed(", ", esc(e.Speaker, nameLen))
		}
		lines = append(lines, l+" ("+webLink(e.Link, esc(orElse(e.Source.Words(), "source"), 30))+", "+r.on(e.OccurredAt)+")")
	}
	return orElse(fit(lines, 2800), "None kept.")
}

func (r reader) unknowns(p expansion.Package) string {
	var lines []string
	for _, u := range p.Unknowns {
		if s := esc(u, lineLen); s != "" && len(lines) < 8 {
			lines = append(lines, "• "+s)
		}
	}
	if lines == nil {
		for _, e := range r.Context.Elements() {
			if !e.Known {
				lines = append(lines, "• "+upper(string(e.Name))+": "+lower(r.known("", e.Element)))
			}
		}
	}
	return orElse(strings.Join(lines, "\n"), "Nothing missing.")
}

// Why is the modal "Why R-311" (storyboard 6.3): the rules in their order, who was
// dropped and why, and what would happen if the recipient were away.
func Why(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	title, m := "Why "+c.Signal.Label(), SignalMeta(c)
	var d expansion.Decision
	switch {
	case c.Routing != nil:
		title, m, d = "Why "+c.Routing.Label(), RoutingMeta(c), c.Routing.Decision
	case c.Plan != nil:
		d = *c.Plan
	default:
		return modal(CallbackWhy, title, "", m, section("Nothing has been decided for *"+r.account()+"* yet."))
	}
	to := "nobody"
	if d.To != "" {
		to = r.who(d.To)
	}
	bs := []slack.Block{section("*" + r.account() + "* goes to *" + to + "*, because " + orElse(r.reason(d, lineLen), r.because(d)) + ".")}
	if c.Routing != nil && c.Routing.Override != "" {
		bs = append(bs, section("*Chosen by hand* by "+r.first(c.Routing.RoutedBy)+": "+lower(esc(overrideLabel(c.Routing.Override), lineLen))+". The policy's own answer is below."))
	}
	if len(d.Trace) > 0 {
		bs = append(bs, header("Rules, in order"))
		for i := 0; i < len(d.Trace) && i < 200; i += 8 {
			var lines []string
			for j := i; j < min(i+8, len(d.Trace), 200); j++ {
				s := d.Trace[j]
				lines = append(lines, fmt.Sprintf("%d. *%s* %s", j+1, orElse(esc(s.Rule, nameLen), "unnamed"), stepWords(s.Result))+prefixed(": ", esc(r.isoDays(s.Fact), 160)))
			}
			bs = append(bs, section(strings.Join(lines, "\n")))
		}
		if n := len(d.Trace); n > 200 {
			bs = append(bs, smallPrint(fmt.Sprintf("And %d more rules, not reached or skipped.", n-200)))
		}
	}
	if s := r.dropped(d); s != "" {
		bs = append(bs, section("*Looked at and dropped*\n"+s))
	}
	if d.IfUnavailable != "" && d.To != "" {
		s := "If " + r.first(d.To) + " were away: " + r.who(d.IfUnavailable)
		bs = append(bs, section(s+"."))
	}
	version := clean(d.PolicyVersion)
	if len(version) > 8 { // a hash; its start is enough to name it
		version = version[:8]
	}
	foot := "Policy " + orElse(esc(version, 20), "version not known")
	if !d.Facts.Now.IsZero() {
		foot += " · data as it was at " + r.at(d.Facts.Now)
	}
	return modal(CallbackWhy, title, "", m, append(bs, smallPrint(foot))...)
}

func stepWords(s expansion.StepResult) string {
	switch s {
	case expansion.Chose:
		return "✓ decided"
	case expansion.Skipped:
		return "– skipped"
	case expansion.NobodyEligible:
		return "○ matched, nobody eligible"
	}
	return "· not reached"
}

func (r reader) dropped(d expansion.Decision) string {
	var lines []string
	n := 0
	seen := map[string]bool{}
	for _, p := range d.Candidates {
		key := string(p.ID) + "\x1f" + p.Dropped
		if p.Dropped == "" || seen[key] {
			continue
		}
		seen[key] = true
		if n++; n > 15 {
			continue
		}
		lines = append(lines, "• "+r.who(p.ID)+": "+esc(r.isoDays(p.Dropped), 80))
	}
	if n > 15 {
		lines = append(lines, fmt.Sprintf("And %d more.", n-15))
	}
	return strings.Join(lines, "\n")
}
