package blocks

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// signalCard is the CSM's card: what was noticed and, once routed, how it goes
// (storyboard 3.2, 3.3, 3.6, 7.1, 7.2, 7.15).
func signalCard(r reader) Message {
	if r.Signal.Status == expansion.Detected && r.Signal.Waiting == expansion.WaitCSM {
		return askCard(r)
	}
	head := r.plainAccount() + " " + may(r.Signal.ExpansionType)
	text := r.account() + " " + may(r.Signal.ExpansionType) + r.sum() + ". "
	state, ask, acts := r.signalState()
	if r.Account.Restricted {
		return restricted(r, ask, acts)
	}
	strength := r.Signal.Strength.Chip()
	if r.Signal.Score > 0 {
		strength += fmt.Sprintf(" (%.2f)", r.Signal.Score)
	}
	return Message{
		Text: text + ask,
		Blocks: list(
			header(head),
			fields(field("Type", typeLabel(r.Signal)), field("Strength", strength),
				field("ARR now", money(r.Account.ARR)), field("Potential", potential(r.Signal.Potential))),
			section(joined("\n", "*Why* "+r.why(quoteLen), r.quote(lineLen))),
			smallPrint(r.scored()),
			state,
			smallPrint(r.notices()...),
			actions(acts...),
			smallPrint(r.seenRouted()),
		),
	}
}

func (r reader) seenRouted() string {
	return joined(" · ", r.seen(), r.routedNumbers())
}

// numbers are what to ask for: "S-1042 · R-311 · O-207".
func (r reader) numbers() string { return joined(" · ", r.Signal.Label(), r.routedNumbers()) }

func (r reader) routedNumbers() string {
	s := ""
	if g := r.live(); g != nil {
		s = g.Label()
	}
	if r.Opportunity != nil && r.Opportunity.Number > 0 {
		s = joined(" · ", s, r.Opportunity.Label())
	}
	return s
}

// signalState is the line that edits itself, the same as a sentence for the fallback,
// and the buttons that are legal now.
func (r reader) signalState() (state slack.Block, ask string, acts []slack.BlockElement) {
	s, v := r.Signal, r.signalValue()
	route := primary(ActionSignalRoute, v, "Route now")
	edit := button(ActionSignalPreview, v, "Edit or override")
	hold := button(ActionSignalHold, v, "Hold")
	not := danger(ActionSignalDismiss, v, "Not real")
	line := func(l string) slack.Block { return smallPrint(l) }

	switch s.Status {
	case expansion.Routed, expansion.Closed:
		if r.live() != nil {
			return r.routedState()
		}
	case expansion.Dismissed:
		if g := r.live(); g != nil && g.Disposition == expansion.Rejected {
			l := "Closed as not real" + r.stamp(g.ID, "not_real_agreed", "not_real_stands") + prefixed(": ", said(feedback(g), lineLen))
			return section("*" + ended(l) + "*"), "Closed as not real; nothing to do.", nil
		}
		l := "Dismissed" + r.stamp("", "dismissed")
		if why := esc(dismissLabel(s.DismissReason), lineLen); why != "" {
			l += ": " + lower(why)
		}
		return line(ended(l)), "Dismissed; nothing to do.", nil
	case expansion.Parked:
		return line("Parked: no answer in 7 working days. It counts as unlabelled, not as wrong."),
			"Parked without an answer; route it if it is real.", []slack.BlockElement{route, not}
	case expansion.Merged:
		return line("Kept as one with an earlier signal on this account."), "Merged with an earlier signal; nothing to do.", nil
	case expansion.Confirmed:
		if g := r.Routing; g != nil && g.Disposition == expansion.Recalled {
			l := r.recalled(g)
			return section("*" + l + "*"), l + " Nothing to do.", []slack.BlockElement{edit, not}
		}
	}

	switch s.Waiting {
	case expansion.WaitReview:
		when, words := "soon", "soon"
		if r.RoutesAt != nil {
			when, words = "at "+r.at(*r.RoutesAt), "at "+r.words(*r.RoutesAt)
		}
		to := "nobody yet"
		if r.Plan != nil && r.Plan.To != "" {
			to = r.who(r.Plan.To)
		}
		l := "Going to " + to
		if r.Plan != nil && r.Plan.To != "" {
			l = fmt.Sprintf("Going to *%s* (%s, %s)", to, r.because(*r.Plan), availability(*r.Plan))
		}
		l += " " + when + " unless you change it · " + r.completeness()
		return smallPrint(l, r.attaches(), r.noOwner("the CRM")), fmt.Sprintf("Goes to %s %s unless you change it.", to, words),
			[]slack.BlockElement{route, edit, hold, not}
	case expansion.WaitHeld:
		return line("Held" + r.stamp("", "held") + ". It does not route until you say so · " + r.completeness()),
			"Held; it routes when you say so.", []slack.BlockElement{route, edit, not}
	case expansion.WaitRecipient:
		l, words := "Waiting for a recipient: nobody is eligible now.", "Nobody is eligible now; assign somebody"
		if s.WaitUntil != nil {
			l += " Next try " + r.at(*s.WaitUntil) + "."
			words += " or wait for the next try at " + r.words(*s.WaitUntil)
		}
		return line(l), words + ".", []slack.BlockElement{primary(ActionSignalAssign, v, "Assign"), hold, not}
	case expansion.WaitUntil:
		l := "Real, not now. I'll ask again"
		if s.WaitUntil != nil {
			l += " on " + r.on(*s.WaitUntil)
		}
		return line(l + "."), l + ".", []slack.BlockElement{route, not}
	case expansion.WaitList:
		return line("It was true before I looked first, so it routes only when you choose · " + r.completeness()),
			"It routes only when you choose.", []slack.BlockElement{route, edit, not}
	}
	if s.Status == expansion.Detected {
		return line("Gathering the context…"), "I'm gathering the context; I'll update this message.", nil
	}
	if s.Status == expansion.Closed {
		return line("Closed."), "Closed; nothing to do.", nil
	}
	return line("Finding the right seller…"), "I'm finding the right seller; I'll update this message.", nil
}

// noOwner says that rules fell past the owners (storyboard 7.2).
func (r reader) noOwner(system string) string {
	if r.Plan == nil || r.Plan.To == "" || r.Account.OriginalAE != "" || len(r.Plan.Facts.OpenOwners) > 0 || len(r.Plan.Facts.Named) > 0 {
		return ""
	}
	switch r.Plan.Kind {
	case expansion.KindSpecialist, expansion.KindTerritory, expansion.KindCatchAll, expansion.KindLeastLoaded, expansion.KindBackSoonest:
		return fmt.Sprintf("%s has no owner in %s. Going to %s (%s).", r.account(), system, r.first(r.Plan.To), r.because(*r.Plan))
	}
	return ""
}

func (r reader) recalled(g *expansion.Routing) string {
	l := "Recalled" + r.stamp(g.ID, "recalled")
	why := g.LeftReason
	if strings.HasPrefix(why, "Recalled by ") { // a sentence already
		_, why, _ = strings.Cut(why, ": ")
	}
	return ended(l + prefixed(": ", esc(why, lineLen)))
}

// routedState is the status track of storyboard 3.6 and, for ten minutes, Undo.
func (r reader) routedState() (slack.Block, string, []slack.BlockElement) {
	g := r.live()
	thread := button(ActionSignalThread, routingValue(g), "Open thread")
	why := button(ActionWhy, routingValue(g), "Why?")
	if g.Disposition == expansion.Recalled {
		l := r.recalled(g)
		return section("*" + l + "*"), l + " Nothing to do.", []slack.BlockElement{thread}
	}
	to := r.first(g.To)
	track := section("*" + r.track(g) + "*\nWith *" + r.who(g.To) + "* (" + r.because(g.Decision) + ").")
	if g.Status == expansion.Pending && r.UndoUntil != nil && r.Now.Before(*r.UndoUntil) {
		s := fmt.Sprintf("Routed to %s at %s. Undo until %s.", to, r.at(g.RoutedAt), r.at(*r.UndoUntil))
		return section(joined("\n", "*"+r.track(g)+"*", s)),
			fmt.Sprintf("Routed to %s at %s. Undo until %s.", to, r.words(g.RoutedAt), r.words(*r.UndoUntil)),
			[]slack.BlockElement{button(ActionRouteUndo, routingValue(g), "Undo"), thread, why}
	}
	return track, "Routed to " + to + ". " + ended(r.plainTrack(g)), []slack.BlockElement{thread, why}
}

// step is one point of the track.
type step struct {
	what, at, words string
}

func (r reader) steps(g *expansion.Routing) []step {
	at, words := r.at, r.words
	started, begun := r.last(g.ID, "started", "in_progress")
	moments := []*time.Time{g.EscalatedAt, g.AcknowledgedAt}
	if begun {
		moments = append(moments, &started.At)
	}
	if !r.oneDay(g.RoutedAt, moments...) {
		at, words = r.dated, r.datedWords
	}
	out := []step{{"Sent", at(g.RoutedAt), words(g.RoutedAt)}}
	if g.EscalatedAt != nil && g.AcknowledgedAt == nil {
		to := "the next level"
		if g.EscalatedTo != "" {
			to = r.first(g.EscalatedTo)
		}
		out = append(out, step{"Escalated to " + to, at(*g.EscalatedAt), words(*g.EscalatedAt)})
	}
	if g.AcknowledgedAt != nil {
		out = append(out, step{"Acknowledged", at(*g.AcknowledgedAt), words(*g.AcknowledgedAt)})
	}
	if a, ok := r.meeting(); ok {
		out = append(out, step{"Meeting", r.on(a.At), r.on(a.At)})
	} else if g.Status == expansion.InProgress {
		if begun {
			out = append(out, step{"In progress", at(started.At), words(started.At)})
		} else {
			out = append(out, step{what: "In progress"})
		}
	}
	switch {
	case g.Status == expansion.Won && g.OutcomeARR != nil:
		m := esc(g.OutcomeARR.Signed(), nameLen)
		out = append(out, step{"Won", m, m})
	case g.Status == expansion.Won:
		out = append(out, step{what: "Won"})
	case g.Status == expansion.Lost:
		out = append(out, step{what: "Lost"})
	case g.Disposition == expansion.Rejected:
		out = append(out, step{what: "Not real"})
	case g.Status == expansion.Pending && g.EscalatedAt == nil:
		out = append(out, step{what: "waiting for " + r.first(g.To)})
	}
	return out
}

func (r reader) meeting() (expansion.Activity, bool) {
	for i := len(r.Activities) - 1; i >= 0; i-- {
		a := r.Activities[i]
		if strings.HasPrefix(a.Verb, "meeting") || a.Verb == "contact_logged" && a.Args["channel"] == "meeting" {
			return a, true
		}
	}
	return expansion.Activity{}, false
}

// track is "Sent 09:06 → Acknowledged 09:13 → Won +$21,600".
func (r reader) track(g *expansion.Routing) string {
	var parts []string
	for _, s := range r.steps(g) {
		parts = append(parts, joined(" ", s.what, s.at))
	}
	return strings.Join(parts, " → ")
}

func (r reader) plainTrack(g *expansion.Routing) string {
	var parts []string
	for _, s := range r.steps(g) {
		parts = append(parts, joined(" ", s.what, s.words))
	}
	return strings.Join(parts, " → ")
}

// askCard asks the CSM whether a weak hint is real (storyboard 3.5).
func askCard(r reader) Message {
	head := r.plainAccount() + ": is this real?"
	v := r.signalValue()
	acts := []slack.BlockElement{
		primary(ActionSignalConfirm, v, "Yes, route it"), button(ActionSignalLater, v, "Real, not now"),
		danger(ActionSignalDismiss, v, "Not real"),
	}
	state := smallPrint("It does not route without you · " + r.completeness())
	text := r.account() + ": is this real? " + typeLabel(r.Signal) + r.sum() + ". Say yes, not now or not real"
	if s := r.Signal; s.Status != expansion.Detected || s.Waiting != expansion.WaitCSM {
		var words string
		state, words, acts = r.signalState()
		text = r.account() + ": " + lower(typeLabel(r.Signal)) + r.sum() + ". " + words
	} else if s.WaitUntil != nil {
		text += " by " + r.words(*s.WaitUntil) + "."
		state = smallPrint("It does not route without you; without an answer it is parked " + r.at(*s.WaitUntil) + " · " + r.completeness())
	} else {
		text += "; without an answer in 7 working days it is parked."
	}
	if r.Account.Restricted {
		return restricted(r, "say yes, not now or not real.", acts)
	}
	what := r.quote(quoteLen)
	if what == "" {
		what = r.why(quoteLen)
	} else if len(r.Signal.Reasons) > 0 {
		what += "\n*Why* " + r.why(lineLen)
	}
	return Message{Text: text, Blocks: list(
		header(head),
		fields(field("Type", esc(r.Signal.Type.Label(), nameLen)+" · "+lower(typeLabel(r.Signal))), field("Strength", r.Signal.Strength.Chip()),
			field("ARR now", money(r.Account.ARR)), field("Potential", potential(r.Signal.Potential))),
		section(what),
		smallPrint(r.scored()),
		state,
		smallPrint(r.notices()...),
		actions(acts...),
		smallPrint(r.seenRouted()),
	)}
}

// restricted shows nothing of an account but its name, what is asked and where to look
// (storyboard 7.16).
func restricted(r reader, ask string, acts []slack.BlockElement) Message {
	system, _ := r.crm()
	var allowed []slack.BlockElement
	for _, a := range acts {
		if b, ok := a.(*slack.ButtonBlockElement); !ok || b.ActionID != ActionBrief {
			allowed = append(allowed, a)
		}
	}
	if open := r.openCRM(); open != nil {
		allowed = append(allowed, open)
	}
	return Message{
		Text: r.account() + " (restricted): " + ask,
		Blocks: list(header(r.plainAccount()), section("This account is restricted; its details are in "+system+" only."),
			actions(allowed...), smallPrint(r.numbers())),
	}
}

// attaches says to which open opportunity the signal goes by itself, "" for none.
func (r reader) attaches() string {
	if r.Plan == nil {
		return ""
	}
	o := expansion.AttachTo(r.Duplicates, r.Plan.To)
	if o == nil || clean(o.Name) == "" {
		return ""
	}
	return "Attaches to ‘" + name(o.Name) + "’, which is open already."
}

// openCRM is the button "Open in Salesforce", nil while there is nothing to open.
func (r reader) openCRM() slack.BlockElement {
	u := r.crmURL()
	if u == "" {
		return nil
	}
	system, _ := r.crm()
	return button(ActionOpenLink, "", "Open in "+system).WithURL(u)
}
