package blocks

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// managerTime is how long a manager has before the next level is told (storyboard 5.1).
const managerTime = 24 * time.Hour

// escalationCard tells a manager that nobody answered (storyboard 5.1).
func escalationCard(r reader) Message {
	g := r.Routing
	if g == nil {
		return signalCard(r)
	}
	waited := "48 h"
	if g.EscalatedAt != nil {
		waited = expansion.Span(g.EscalatedAt.Sub(g.RoutedAt))
	} else if d := r.Now.Sub(g.RoutedAt); d > 0 {
		waited = expansion.Span(d)
	}
	v, to := routingValue(g), r.first(g.To)
	state, ask, open := r.escalationState(g)
	var acts []slack.BlockElement
	if open {
		acts = append(acts, primary(ActionReassign, v, "Reassign"), button(ActionNudge, v, "Nudge "+r.plainFirst(g.To)),
			button(ActionTake, v, "I'll take it"))
		if !g.Extended {
			acts = append(acts, button(ActionExtend, v, "Give 24 h more"))
		}
	}
	if r.Account.Restricted {
		if open { // the line it stands beside else is not shown
			acts = append(acts, button(ActionWhy, v, "Why?"))
		}
		return restricted(r, ask, acts)
	}
	body := list(
		header("No answer on "+r.plainAccount()+" for "+waited),
		fields(field("Waiting for", r.who(g.To)), field("Potential", potential(r.Signal.Potential)),
			field("Strength", r.Signal.Strength.Chip()), field("Nudges sent", fmt.Sprint(r.nudges(g)))),
		section("*Why now* "+orElse(ended(said(g.Package.WhyNow, lineLen)), r.why(lineLen))),
		smallPrint(r.lastSeen(g.To), "Sent "+r.at(g.RoutedAt)+" ("+r.because(g.Decision)+")."),
		state,
		smallPrint(r.notices()...),
		actions(acts...),
		smallPrint(joined(" · ", r.Signal.Label(), g.Label())),
	)
	return Message{
		Text:   fmt.Sprintf("No answer on %s for %s%s. %s has it. %s", r.account(), waited, r.sum(), to, ask),
		Blocks: body,
	}
}

func (r reader) escalationState(g *expansion.Routing) (state slack.Block, ask string, open bool) {
	to, why := r.first(g.To), button(ActionWhy, routingValue(g), "Why?")
	switch {
	case g.Disposition == expansion.Rerouted:
		ask = r.moved(g)
	case g.Disposition == expansion.Recalled:
		ask = r.recalled(g)
	case g.Disposition == expansion.Rejected:
		ask = "Closed as not real."
	case g.Status.Final():
		ask = r.ending(g)
	case g.AcknowledgedAt != nil:
		ask = "Acknowledged by " + to + " " + r.after(g.RoutedAt, *g.AcknowledgedAt) + "."
	case g.Status != expansion.Pending:
		ask = to + " is working on it."
	default:
		ask = "Reassign, nudge or take it."
		switch {
		case g.Extended && r.Now.Before(g.EscalateAt):
			ask = to + " has until " + r.words(g.EscalateAt) + "; reassign or take it if that is too long."
		case g.EscalatedAt != nil:
			ask = "Reassign, nudge or take it by " + r.words(g.EscalatedAt.Add(managerTime)) + "."
		}
		if s := g.Decision.IfUnavailable; s != "" && s != g.To {
			return beside(ask+"\n*Suggested* "+r.who(s)+" ("+r.suggestion(g.Decision, s)+")", why), ask, true
		}
		return beside(ask, why), ask, true
	}
	return section("*" + ask + "*"), ask + " Nothing to do.", false
}

// suggestion is why somebody is proposed: the rule that named them and their load then.
func (r reader) suggestion(d expansion.Decision, id expansion.PersonID) string {
	why := "next in line"
	for _, s := range d.Facts.Reps {
		if s.ID != id {
			continue
		}
		if s.MaxOpen != nil {
			return fmt.Sprintf("%s, load %d of %d when it was sent", why, s.Open, *s.MaxOpen)
		}
		return fmt.Sprintf("%s, %d open when it was sent", why, s.Open)
	}
	return why
}

func (r reader) nudges(g *expansion.Routing) int {
	n := 0
	for _, a := range r.Activities {
		if (a.Verb == "nudged" || a.Verb == "nudge_sent") && (a.RoutingID == g.ID || a.RoutingID == "") {
			n++
		}
	}
	return n
}

// lastSeen is the last thing a person did on this signal, as far as we saw.
func (r reader) lastSeen(id expansion.PersonID) string {
	for i := len(r.Activities) - 1; i >= 0; i-- {
		if a := r.Activities[i]; a.Person == id && a.Agent == expansion.Human {
			return r.first(id) + ": last acted here " + r.at(a.At)
		}
	}
	return r.first(id) + ": has not acted on this yet"
}

// questionCard asks the CSM whether the rep's "not real" stands (storyboard 7.8).
func questionCard(r reader) Message {
	g := r.Routing
	if g == nil {
		return askCard(r)
	}
	rep := r.first(g.To)
	ask := rep + " says this isn't expansion"
	if s := feedback(g); clean(s) != "" {
		ask += ": " + quoted(s, lineLen)
	}
	asked := r.Now
	if a, ok := r.last(g.ID, "not_real"); ok {
		asked = a.At
	}
	by := asked.Add(r.AnswerWithin)
	v := routingValue(g)
	acts := []slack.BlockElement{primary(ActionAgree, v, "Agree"), button(ActionDisagree, v, "Disagree, here's why")}
	state := smallPrint("Without an answer by " + r.at(by) + " " + rep + "'s word stands.")
	text := r.account() + ": " + ask + ". Agree? Answer by " + r.words(by) + "."
	if l := r.answered(g); l != "" {
		state, acts = section("*"+l+"*"), nil
		text = r.account() + ": " + l + " Nothing to do."
	}
	if r.Account.Restricted {
		return restricted(r, "agree or say why not by "+r.words(by)+".", acts)
	}
	return Message{Text: text, Blocks: list(
		header(r.plainAccount()+": not expansion?"),
		section(ask+". Agree?"),
		fields(field("Type", typeLabel(r.Signal)), field("Strength", r.Signal.Strength.Chip()),
			field("Potential", potential(r.Signal.Potential)), field("With", r.who(g.To))),
		state,
		actions(acts...),
		smallPrint(joined(" · ", r.Signal.Label(), g.Label())),
	)}
}

// answered is how a question about "not real" ended, "" while it is open.
func (r reader) answered(g *expansion.Routing) string {
	switch {
	case g.Disposition == expansion.Rejected:
		return "Closed as not real" + r.stamp(g.ID, "not_real_agreed", "not_real_stands") + "."
	case g.Disposition == expansion.Rerouted:
		return r.moved(g)
	case g.Disposition == expansion.Recalled:
		return r.recalled(g)
	case g.Status.Final():
		return r.ending(g)
	}
	if a, ok := r.last(g.ID, "not_real", "not_real_agreed", "not_real_disagreed", "not_real_stands"); ok && a.Verb == "not_real_disagreed" {
		return r.first(a.Person) + " disagreed " + r.at(a.At) + "; it is with " + r.level(g) + " now."
	}
	return ""
}

// maxRows is how many cases one list message shows; Home has the rest.
const maxRows = 20

// listCard is several cases in one message (DESIGN §6.10, storyboard 7.3, 4.7).
func listCard(l expansion.List) Message {
	n := l.Len()
	var head, ask, foot string
	switch l.Kind {
	case expansion.ListFirstScan:
		head = expansion.Count(n, "signal") + " from the first scan"
		ask = "They were true before I looked first. They route only when you choose."
		foot = "Anything you leave stays in Home."
	case expansion.ListRoutedToday:
		head = "Routed today: " + expansion.Count(n, "more signal")
		ask = "Over your daily number of cards, so they come as one list. Each was routed when its window ended."
	case expansion.ListWhileAway:
		head = "While you were away"
		ask = awaySummary(l.Cases)
	case expansion.ListNudges:
		head = expansion.Count(n, "customer") + " waiting for you"
		ask = "Acknowledge, or say it isn't yours."
	default:
		head = expansion.Count(n, "signal")
	}
	bs := []slack.Block{header(head)}
	if ask != "" {
		bs = append(bs, section(ask))
	}
	text := head + "."
	if ask != "" {
		text += " " + ask
	}
	for i, c := range l.Cases {
		if i == maxRows {
			break
		}
		r := read(c)
		if i < 5 {
			text += " " + r.account() + r.sum() + "."
		}
		bs = append(bs, r.listRow(l.Kind))
	}
	if more := n - min(len(l.Cases), maxRows); more > 0 {
		foot = joined(" ", fmt.Sprintf("And %d more.", more), orElse(foot, "Home shows them all."))
	}
	return Message{Text: text, Blocks: list(append(bs, smallPrint(foot))...)}
}

// awaySummary is "2 went to Dana."
func awaySummary(cs []expansion.Case) string {
	var order []string
	n := map[string]int{}
	for _, c := range cs {
		r := read(c)
		if g := r.live(); g != nil {
			who := r.first(g.To)
			if n[who] == 0 {
				order = append(order, who)
			}
			n[who]++
		}
	}
	var parts []string
	for i, who := range order {
		if i == 5 {
			parts = append(parts, "more to others")
			break
		}
		parts = append(parts, fmt.Sprintf("%d went to %s", n[who], who))
	}
	return ended(joined(", ", parts...))
}

func (r reader) listRow(k expansion.ListKind) slack.Block {
	s := "*" + r.account() + "* · " + r.Signal.Strength.Chip() + " · " + typeLabel(r.Signal)
	if !r.Account.Restricted {
		s += " · " + potential(r.Signal.Potential) + "\n" + r.why(120)
	}
	g := r.live()
	switch {
	case k == expansion.ListFirstScan && r.Signal.Waiting == expansion.WaitList:
		return beside(s, overflow(ActionListRow, r.choice(ChoiceRoute, "Route"), r.choice(ChoiceOpen, "Open"), r.choice(ChoiceDismiss, "Not real")))
	case k == expansion.ListNudges && g != nil && g.Open() && g.Status == expansion.Pending:
		return beside(s+"\nWaiting since "+r.at(g.RoutedAt)+". "+r.escalates(g), button(ActionAcknowledge, routingValue(g), "Acknowledge"))
	case g != nil:
		s += "\n" + r.track(g)
	}
	return beside(s, overflow(ActionListRow, r.choice(ChoiceOpen, "Open"), r.choice(ChoiceWhy, "Why")))
}

// choice is an entry of a row's menu about the signal.
func (r reader) choice(word, label string) *slack.OptionBlockObject {
	return option(Choice(word, string(r.Signal.ID), r.Signal.Version), label)
}

// notice is a sentence that needs somebody to act (storyboard 7.2, 7.12).
func notice(m expansion.Message) Message {
	text := ended(esc(m.Text, 1500))
	if m.Case == nil {
		text = orElse(text, "Something needs a look; see Home.")
		return Message{Text: text, Blocks: list(section(text))}
	}
	r := read(*m.Case)
	var acts []slack.BlockElement
	lines := r.notices()
	if text == "" && len(lines) > 0 {
		text, lines = lines[0], lines[1:]
	}
	text = orElse(text, "This needs a look.")
	for _, n := range r.Notices {
		if n.Kind == "no_slack" {
			acts = append(acts, slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Link the right person", maxPlaceholder), ActionLinkPerson))
			break
		}
	}
	if r.Signal.Waiting == expansion.WaitRecipient && r.Signal.Status == expansion.Confirmed {
		acts = append(acts, primary(ActionSignalAssign, r.signalValue(), "Assign"))
	}
	foot := joined(" · ", r.account(), r.Signal.Label())
	block := actions(acts...)
	if a, ok := block.(*slack.ActionBlock); ok {
		a.BlockID = noticeBlock + r.signalValue()
		if g := r.live(); g != nil {
			foot += " · " + g.Label()
			a.BlockID = noticeBlock + routingValue(g)
		}
	}
	return Message{Text: r.account() + ": " + text, Blocks: list(section(text), smallPrint(lines...), block, smallPrint(foot))}
}
