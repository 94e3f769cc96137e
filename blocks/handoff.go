package blocks

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// handoffCard is the rep's card (storyboard 4.1, 4.3, 4.6; read-only 5.2, 7.7, 7.8, 7.15).
func handoffCard(r reader) Message {
	g := r.Routing
	if g == nil {
		return signalCard(r)
	}
	head := "Expansion for you: " + r.plainAccount()
	text := "Expansion for you: " + r.account() + ", " + lower(typeLabel(r.Signal)) + r.sum() + ". "
	state, ask, acts := r.handoffState(g)
	if r.Account.Restricted {
		return restricted(r, ask, acts)
	}
	p := g.Package
	body := []slack.Block{
		header(head),
		fields(
			field("Type", typeLabel(r.Signal)),
			field("Strength", r.Signal.Strength.Chip()),
			field("ARR now → potential", r.arr(p)),
			field("Win chance", winChance(p)),
			field("Renewal", r.renewal(r.Account.ContractEnd)),
			field("Health", r.health(p)),
		),
		section("*Why now* " + orElse(ended(said(p.WhyNow, quoteLen)), r.why(quoteLen))),
		section("*Start here* " + orElse(ended(said(p.StartHere, lineLen+40)), orElse(ended(said(p.RecommendedApproach, lineLen+40)), "Not known."))),
		smallPrint(r.reasons(g)...),
	}
	return Message{Text: text + ask, Blocks: list(append(body, state, smallPrint(r.notices()...), actions(acts...), r.deadline(g))...)}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (r reader) arr(p expansion.Package) string {
	now := p.ARRCurrent
	if now == nil {
		now = r.Account.ARR
	}
	grown := "Not known"
	switch {
	case r.Signal.Potential != nil:
		grown = esc(r.Signal.Potential.Likely.Signed(), nameLen)
		if !r.Signal.Potential.ByHand {
			grown += " estimate"
		}
	case p.ARRPotential != nil:
		grown = esc(p.ARRPotential.Signed(), nameLen)
	}
	return money(now) + " → " + lower(grown)
}

func winChance(p expansion.Package) string {
	if p.WinChance == nil {
		return fmt.Sprintf("too few outcomes (%d)", p.WinSample)
	}
	return fmt.Sprintf("%d%% (from %d similar)", int(*p.WinChance*100+0.5), p.WinSample)
}

func (r reader) health(p expansion.Package) string {
	if s := esc(p.HealthText, nameLen); s != "" {
		return s
	}
	if p.HealthScore != nil {
		return fmt.Sprintf("%.0f", *p.HealthScore)
	}
	return "Not known"
}

// reasons is why this person, who sent it, what they noted, and what the CRM has.
func (r reader) reasons(g *expansion.Routing) []string {
	why := "You, because: " + r.because(g.Decision)
	if g.Covering != "" { // until when is the next line
		why = "You, because: " + r.first(g.Covering) + " is away"
	}
	if g.Decision.Kind == expansion.KindOverride || g.Override != "" {
		why = "You, because: " + r.first(g.RoutedBy) + " chose you"
		if g.Override != "" {
			why += " (" + lower(esc(overrideLabel(g.Override), nameLen)) + ")"
		}
	}
	from := ""
	if g.RoutedBy == g.To {
		why = "You took it"
	} else if by := g.RoutedBy; by != "" {
		from = "from " + r.first(by)
	} else if by := r.Account.CSM; by != "" {
		from = "for " + r.first(by)
	}
	note := ""
	if n := clean(g.Note); n != "" {
		note = "notes: " + quoted(n, 120)
	}
	lines := []string{joined(" · ", why, from, note, r.crmState())}
	if g.Covering != "" {
		lines = append(lines, r.covering(g))
	}
	if d := g.Decision; d.OverLimit {
		for _, p := range d.Facts.Reps {
			if p.ID == g.To && p.MaxOpen != nil {
				lines = append(lines, fmt.Sprintf("Over your limit of %d (%s).", *p.MaxOpen, ordinal(p.Open+1)))
			}
		}
	}
	return lines
}

// covering is "You're covering Marcus until 2 Apr." (storyboard 7.3).
func (r reader) covering(g *expansion.Routing) string {
	s := "You're covering " + r.first(g.Covering)
	for _, p := range g.Decision.Facts.Reps {
		if p.ID != g.Covering {
			continue
		}
		day := g.RoutedAt.In(r.loc).Format(time.DateOnly)
		for _, a := range p.Away {
			if a.From.Format(time.DateOnly) <= day && day <= a.To.Format(time.DateOnly) {
				return s + " until " + r.day(a.To) + "."
			}
		}
	}
	return s + "."
}

func (r reader) crmState() string {
	o := r.Opportunity
	if o == nil || o.CRM == "" {
		return "no CRM connected"
	}
	system, noun := r.crm()
	if o.CRMID == "" {
		return system + " " + noun + " not created yet"
	}
	if o.GoneAt != nil {
		return system + " " + noun + " deleted"
	}
	state := system + " " + noun + " open"
	if o.Attached { // people made it; its name says which
		state = "attached to the " + system + " " + noun + " ‘" + plainName(o.Name) + "’"
	}
	if u := r.crmURL(); u != "" {
		return webLink(u, state)
	}
	return esc(state, lineLen)
}

// deadline says what happens without an answer; nil once there is one.
func (r reader) deadline(g *expansion.Routing) slack.Block {
	if _, disputed := r.disputed(g); disputed || !g.Open() || g.Status != expansion.Pending {
		return smallPrint(joined(" · ", r.Signal.Label(), g.Label()))
	}
	by := g.RoutedAt.Add(r.AckWithin)
	if g.EscalatedAt != nil {
		return smallPrint(fmt.Sprintf("Escalated to %s %s. Acknowledge, or say it isn't yours · %s", r.level(g), r.after(g.RoutedAt, *g.EscalatedAt), g.Label()))
	}
	s := "Acknowledge by " + r.at(by) + " to stay inside " + expansion.Span(r.AckWithin) + "."
	if !r.Now.Before(by) { // since when, not how long: it is read later than it is drawn
		s = "Waiting for you since " + r.dated(g.RoutedAt) + ". Acknowledge, or say it isn't yours."
	}
	return smallPrint(s + " " + r.escalates(g) + " · " + g.Label())
}

// escalates is "At 48 h it goes to Lena."
func (r reader) escalates(g *expansion.Routing) string {
	if g.EscalateAt.IsZero() {
		return ""
	}
	to := r.level(g)
	if wait := g.EscalateAt.Sub(g.RoutedAt); wait > 0 && wait%time.Hour == 0 && !g.Extended {
		return fmt.Sprintf("At %d h it goes to %s.", int(wait.Hours()), to)
	}
	return fmt.Sprintf("It goes to %s %s.", to, r.at(g.EscalateAt))
}

// markWords is the escalation with its time in words, for the fallback.
func (r reader) markWords(g *expansion.Routing) string {
	if g.EscalateAt.IsZero() || g.EscalatedAt != nil {
		return ""
	}
	return "It goes to " + r.level(g) + " at " + r.words(g.EscalateAt) + "."
}

// level is who a routing escalates to.
func (r reader) level(g *expansion.Routing) string {
	if g.EscalatedTo != "" {
		return r.first(g.EscalatedTo)
	}
	if m := r.People[g.To].Manager; m != "" {
		return r.first(m)
	}
	if r.Viewer.ID == g.To && r.Viewer.Manager != "" {
		return r.first(r.Viewer.Manager)
	}
	return "the next level"
}

// handoffState is the line about where the routing stands, the ask for the fallback, and
// the buttons that are legal now.
func (r reader) handoffState(g *expansion.Routing) (state slack.Block, ask string, acts []slack.BlockElement) {
	v := routingValue(g)
	brief := button(ActionBrief, v, "Full brief")
	switch g.Disposition {
	case expansion.Rerouted:
		l := r.moved(g)
		return section("*" + l + "*"), l + " Nothing to do.", nil
	case expansion.Recalled:
		l := r.recalled(g)
		return section("*" + l + "*"), l + " Nothing to do.", nil
	case expansion.Rejected:
		l := "Closed as not real" + r.stamp(g.ID, "not_real_agreed", "not_real_stands")
		if why := said(feedback(g), lineLen); why != "" {
			l += ": " + why
		}
		l = ended(l)
		return section("*" + l + "*"), l + " Nothing to do.", nil
	}
	if g.Status.Final() {
		l := r.ending(g)
		return section("*" + l + "*"), l, []slack.BlockElement{brief}
	}
	more := func(first ...*slack.OptionBlockObject) slack.BlockElement {
		os := append([]*slack.OptionBlockObject{option(Choice(ChoiceWhy, string(g.ID), g.Version), "Why me?")}, first...)
		if u := r.crmURL(); u != "" {
			system, _ := r.crm()
			o := option(Choice(ChoiceCRM, string(g.ID), g.Version), "Open in "+system)
			o.URL = u
			os = append(os[:1], append([]*slack.OptionBlockObject{o}, os[1:]...)...)
		}
		return overflow(ActionMore, os...)
	}
	choice := func(word, label string) *slack.OptionBlockObject {
		return option(Choice(word, string(g.ID), g.Version), label)
	}
	if a, ok := r.disputed(g); ok {
		l := "You said it isn't real"
		if r.Viewer.ID != g.To {
			l = r.first(g.To) + " said it isn't real"
		}
		l += fmt.Sprintf(". %s can answer until %s; without an answer your word stands.", orElse(r.csm(), "The CSM"), r.at(a.At.Add(r.AnswerWithin)))
		return section("*" + l + "*"), "Waiting for an answer to “not real”.", []slack.BlockElement{brief}
	}
	if g.Status == expansion.Pending {
		others := []*slack.OptionBlockObject{choice(ChoiceContact, "Log a contact"), choice(ChoiceRemind, "Remind me in 2 h")}
		if r.Opportunity != nil && r.Opportunity.GoneAt != nil { // the CRM will not say how it ends
			others = append(others, choice(ChoiceOutcome, "Close as won/lost"))
		}
		return nil, r.ackBy(g), []slack.BlockElement{
			primary(ActionAcknowledge, v, "Acknowledge"), brief, button(ActionNotMine, v, "Not mine"),
			danger(ActionNotReal, v, "Not real"),
			more(others...),
		}
	}
	l := "Acknowledged"
	if g.AcknowledgedAt != nil {
		l = "Acknowledged " + r.after(g.RoutedAt, *g.AcknowledgedAt)
		if d := g.AcknowledgedAt.Sub(g.RoutedAt); d >= time.Second { // who takes it acknowledges at once
			l += " (" + expansion.Span(d) + ")"
		}
	}
	ask = "Acknowledged; log a contact when you have one."
	acts = []slack.BlockElement{primary(ActionContact, v, "Log a contact")}
	if g.Status == expansion.InProgress {
		l += " → In progress"
		if r.Opportunity != nil && r.Opportunity.StageLabel != "" {
			l += ", stage " + name(r.Opportunity.StageLabel)
		}
		ask = "In progress; close it as won or lost when it ends."
	} else {
		acts = append(acts, button(ActionStart, v, "Start working"))
	}
	acts = append(acts, brief, more(choice(ChoiceOutcome, "Close as won/lost")))
	return section("*" + l + "*"), ask, acts
}

// ackBy is the ask of a pending card with its deadline, for the fallback.
func (r reader) ackBy(g *expansion.Routing) string {
	by := g.RoutedAt.Add(r.AckWithin)
	switch {
	case r.Now.Before(by):
		return "Acknowledge by " + r.words(by) + "."
	case g.EscalatedAt == nil && !g.EscalateAt.IsZero() && r.Now.Before(g.EscalateAt):
		return "Acknowledge before " + r.words(g.EscalateAt) + ", when it goes to " + r.level(g) + "."
	}
	return "Acknowledge now; it has waited since " + r.words(g.RoutedAt) + "."
}

// moved is "Moved to Dana by Lena at 10:02: travelling."
func (r reader) moved(g *expansion.Routing) string {
	a, known := r.last(g.ID, "reassigned", "taken", "not_mine", "rerouted")
	at := ""
	if known {
		at = " at " + r.at(a.At)
	} else if g.ClosedAt != nil {
		at = " at " + r.at(*g.ClosedAt)
	}
	if strings.HasPrefix(g.LeftReason, "Moved to ") || strings.HasPrefix(g.LeftReason, "Taken by ") { // a sentence already
		head, rest, _ := strings.Cut(g.LeftReason, ": ")
		return ended(esc(head, lineLen) + at + prefixed(": ", esc(rest, quoteLen)))
	}
	l := "Moved"
	if r.Current == nil && r.Signal.Waiting == expansion.WaitRecipient {
		l = "Handed back" // nobody took it yet
	}
	if r.Current != nil && r.Current.ID != g.ID && r.Current.To != "" {
		l += " to " + r.first(r.Current.To)
	}
	if known && a.Person != "" {
		l += " by " + r.first(a.Person)
	}
	why := g.LeftReason
	if s, ok := a.Args["reason"].(string); ok && s != "" {
		why = s
	}
	return ended(l + at + prefixed(": ", lower(esc(notMineLabel(why), lineLen))))
}

// feedback is what a rep said against a signal: their line, else the reason's label.
func feedback(g *expansion.Routing) string {
	s := g.LeftReason
	if g.SalesFeedback != nil {
		s = *g.SalesFeedback
	}
	code, line, ok := strings.Cut(s, ":")
	if ok && has(NotRealReasons, code) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
		return notRealLabel(code)
	}
	return notRealLabel(s)
}

// disputed is the rep's "not real" while the CSM has not answered it.
func (r reader) disputed(g *expansion.Routing) (expansion.Activity, bool) {
	a, ok := r.last(g.ID, "not_real", "not_real_agreed", "not_real_disagreed", "not_real_stands")
	return a, ok && a.Verb == "not_real" && g.Open()
}

// ending is "Won +$21,600 in 34 days. Thanks to Priya's note." or "Lost in 34 days: price."
func (r reader) ending(g *expansion.Routing) string {
	l := "Lost"
	if g.Status == expansion.Won {
		l = "Won"
		if g.OutcomeARR != nil {
			l += " " + esc(g.OutcomeARR.Signed(), nameLen)
		}
	}
	if g.ClosedAt != nil {
		l += " in " + expansion.Span(g.ClosedAt.Sub(g.RoutedAt))
	}
	if g.Status == expansion.Lost {
		if r.Opportunity != nil && r.Opportunity.Outcome != nil {
			if why := esc(outcomeLabel(r.Opportunity.Outcome.Reason), lineLen); why != "" {
				l += ": " + lower(why)
			}
		}
		return ended(l)
	}
	l += "."
	if by := r.Signal.CreatedBy; by != "" && by != g.To {
		l += " Thanks to " + r.first(by) + "'s note."
	}
	return l
}

// nudge reminds the rep under the card (storyboard 4.7).
func nudge(r reader) Message {
	l := r.account() + " is waiting for you. Acknowledge, or say it isn't yours."
	if r.Routing == nil {
		l = r.account() + " is waiting for you. Say yes, not now or not real."
		return Message{Text: l, Blocks: list(section(l), smallPrint(r.Signal.Label()))}
	}
	g := r.Routing
	if !g.Open() || g.Status != expansion.Pending {
		l = r.account() + ": already answered, nothing to do."
		return Message{Text: l, Blocks: list(section(l), smallPrint(g.Label()))}
	}
	return Message{
		Text:   joined(" ", l, r.markWords(g), "Waiting since "+r.words(g.RoutedAt)+"."),
		Blocks: list(section(l), smallPrint(joined(" ", "Waiting for "+expansion.Span(r.Now.Sub(g.RoutedAt))+".", r.escalates(g))+" · "+g.Label())),
	}
}

// csm is the first name of whoever looks after the account, "" when nobody does.
func (r reader) csm() string {
	if id := r.Account.CSM; id != "" {
		return r.first(id)
	}
	return ""
}
