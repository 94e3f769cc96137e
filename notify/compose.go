package notify

import (
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
)

// writer composes the letters about one case for one reader.
type writer struct {
	expansion.Case
	to  expansion.Person
	loc *time.Location
}

// compose makes the letter of a delivery. A nil letter means there is nothing to mail;
// recalled says that the letter, or the silence, is about a recalled routing.
func (e *Email) compose(d Delivery) (l *letter, recalled bool, err error) {
	shown := d.Receipt.Remote != ""
	w := writer{to: d.To, loc: d.To.Location()}
	if d.Message.Case != nil {
		w.Case = *d.Message.Case
	}
	if w.Now.IsZero() {
		w.Now = d.Since
	}
	switch d.Message.Kind {
	case expansion.CardNotice:
		if shown {
			return nil, false, nil
		}
		return w.notice(d.Message.Text), false, nil
	case expansion.CardList:
		if shown {
			return nil, false, nil
		}
		if d.Message.List == nil {
			return nil, false, unfit(d, "has no list")
		}
		return w.list(*d.Message.List), false, nil
	case expansion.CardHandoff, expansion.ThreadNudge, expansion.CardEscalation:
	default:
		return nil, false, unfit(d, "has no look in mail")
	}
	if d.Message.Case == nil || d.Message.Case.Routing == nil {
		return nil, false, unfit(d, "has no routing")
	}
	open := w.Routing.Open() && w.Routing.Status == expansion.Pending && w.Routing.AcknowledgedAt == nil
	switch kind := d.Message.Kind; {
	case kind == expansion.CardHandoff && w.Routing.Disposition == expansion.Recalled:
		if d.Receipt.Channel == stateRecalled {
			return nil, true, nil
		}
		return w.recall(), true, nil
	case shown, kind == expansion.CardHandoff && w.Routing.Disposition != expansion.OnPath, kind != expansion.CardHandoff && !open:
		return nil, false, nil
	case kind == expansion.ThreadNudge:
		return w.nudge(e.ackURL(w)), false, nil
	case kind == expansion.CardEscalation:
		return w.escalation(), false, nil
	}
	return w.handoff(e.ackURL(w), open), false, nil
}

func unfit(d Delivery, why string) *Failure {
	return &Failure{Reason: "unsupported", Permanent: true, Err: fmt.Errorf("delivery %s of kind %s %s", d.ID, d.Message.Kind, why)}
}

// ackURL is the acknowledge link for the reader, "" when there is none.
func (e *Email) ackURL(w writer) string {
	if e.cfg.PublicURL == "" || e.cfg.Link == nil || w.Routing == nil || w.Routing.To != w.to.ID {
		return ""
	}
	u := e.cfg.Link(w.Routing.ID, w.to.ID)
	if strings.HasPrefix(u, "/") {
		u = e.cfg.PublicURL + u
	}
	return webURL(u)
}

// handoff is the e-mail twin of the rep's card (storyboard 4.1 and 9).
func (w writer) handoff(ack string, open bool) *letter {
	g, p := w.Routing, w.Routing.Package
	l := &letter{
		Subject: w.subject(),
		Title:   "Expansion for you: " + w.account(),
		Footer:  w.footer(),
	}
	switch {
	case g.Status == expansion.Won:
		l.State = "Won."
	case g.Status == expansion.Lost:
		l.State = "Closed as lost."
	case g.AcknowledgedAt != nil:
		l.State = "Acknowledged " + w.at(*g.AcknowledgedAt) + "."
	case !open:
		l.State = "In progress."
	}
	w.ask(l, ack, open)
	if w.Account.Restricted {
		l.Subject = "Expansion for you: " + w.account()
		l.Preview = w.account() + " is restricted."
		l.Paras = []para{{"", w.account() + " is restricted; the details are in Slack and " + w.crm() + " only."}}
		return l
	}
	l.Facts = []fact{
		{"Type", w.kind()},
		{"Strength", orElse(w.Signal.Strength.Chip(), unknown)},
		{"ARR now → potential", w.money(p.ARRCurrent) + " → " + orElse(w.potential(), "not known")},
		{"Win chance", winChance(p)},
		{"Renewal", w.renewal()},
		{"Health", w.health(p)},
	}
	why := orElse(said(p.WhyNow, 500), w.firstEvidence())
	l.Paras = []para{
		{"Why now", why},
		{"Start here", orElse(said(p.StartHere, 500), orElse(said(p.RecommendedApproach, 500), "Not known."))},
	}
	l.Preview = why
	l.Why = w.because()
	for _, n := range w.Notices {
		if t := oneLine(n.Text, 300); t != "" {
			l.Why = append(l.Why, t)
		}
	}
	l.Brief = w.brief()
	return l
}

// ask puts in the link or the way to Slack, and what happens without an answer.
func (w writer) ask(l *letter, ack string, open bool) {
	g := w.Routing
	if w.Opportunity != nil {
		if u := webURL(w.Opportunity.URL); u != "" {
			l.Links = append(l.Links, link{"Open in " + w.crm(), u})
		}
	}
	if !open {
		return
	}
	if ack != "" {
		l.Button, l.URL = "Acknowledge", ack
		l.Hint = "The link opens a page with a button. It is for you alone."
	} else {
		l.Hint = "Acknowledge in Slack: press Acknowledge on the card in your messages from Expansion."
	}
	by := g.RoutedAt.Add(w.AckWithin)
	after := "Acknowledge by " + w.at(by) + " to stay inside " + expansion.Span(w.AckWithin) + "."
	if !w.Now.Before(by) {
		after = "Waiting for you for " + expansion.Span(w.Now.Sub(g.RoutedAt)) + "."
	}
	if !g.EscalateAt.IsZero() && g.EscalatedAt == nil {
		if wait := g.EscalateAt.Sub(g.RoutedAt); wait > 0 && wait%time.Hour == 0 && !g.Extended {
			after += fmt.Sprintf(" At %d h it goes to %s.", int(wait.Hours()), w.level())
		} else {
			after += fmt.Sprintf(" It goes to %s %s.", w.level(), w.at(g.EscalateAt))
		}
	}
	if g.EscalatedAt != nil {
		after = "Escalated to " + w.level() + " " + w.at(*g.EscalatedAt) + ". Acknowledge, or say it isn't yours."
	}
	l.After = append(l.After, after)
}

// nudge is a reminder under the first mail (storyboard 4.7).
func (w writer) nudge(ack string) *letter {
	l := &letter{
		Subject: "Re: " + w.subject(),
		Title:   w.account() + " is waiting for you",
		Paras:   []para{{"", "Acknowledge, or say it isn't yours. Sent to you " + w.at(w.Routing.RoutedAt) + ", " + expansion.Span(w.Now.Sub(w.Routing.RoutedAt)) + " ago."}},
		Footer:  w.footer(),
	}
	if w.Account.Restricted {
		l.Subject = "Re: Expansion for you: " + w.account()
	} else {
		l.Facts = []fact{{"Type", w.kind()}, {"Strength", w.Signal.Strength.Chip()}, {"Potential", orElse(w.potential(), unknown)}, {"Renewal", w.renewal()}}
	}
	l.Preview = l.Paras[0].Text
	w.ask(l, ack, true)
	return l
}

// escalation tells the manager that nobody answered (storyboard 5.1).
func (w writer) escalation() *letter {
	g := w.Routing
	waited := w.Now.Sub(g.RoutedAt)
	if g.EscalatedAt != nil {
		waited = g.EscalatedAt.Sub(g.RoutedAt)
	}
	rep := w.first(g.To)
	title := "No answer on " + w.account() + " for " + expansion.Span(waited)
	l := &letter{Subject: title, Title: title, Footer: w.footer()}
	l.Paras = []para{{"", rep + " has had it since " + w.at(g.RoutedAt) + " and has not answered."}}
	if w.Opportunity != nil {
		if u := webURL(w.Opportunity.URL); u != "" {
			l.Links = append(l.Links, link{"Open in " + w.crm(), u})
		}
	}
	l.Hint = "Reassign it, nudge " + rep + ", take it yourself or give 24 h more: the buttons are on the card in Slack."
	if !w.Account.Restricted {
		if p := w.potential(); p != "" {
			l.Subject += ", " + p
		}
		l.Facts = []fact{
			{"Waiting for", w.Name(g.To)},
			{"Potential", orElse(w.potential(), unknown)},
			{"Strength", w.Signal.Strength.Chip()},
			{"Nudges sent", fmt.Sprint(w.nudges())},
		}
		l.Paras = append(l.Paras, para{"Why now", orElse(said(g.Package.WhyNow, 500), w.firstEvidence())})
		if s := g.Decision.IfUnavailable; s != "" && s != g.To {
			l.Paras = append(l.Paras, para{"Suggested", w.Name(s) + ", next in line."})
		}
	}
	l.Preview = l.Paras[0].Text
	return l
}

// recall takes a mailed card back (storyboard 7.15).
func (w writer) recall() *letter {
	g := w.Routing
	state := "Recalled"
	if g.RoutedBy != "" {
		state += " by " + w.first(g.RoutedBy)
	}
	if g.ClosedAt != nil {
		state += " " + w.at(*g.ClosedAt)
	}
	if why := said(g.LeftReason, 200); why != "" {
		state += ": " + why
	}
	l := &letter{
		Subject: "Please ignore " + g.Label() + ": " + w.account(),
		Title:   "Please ignore " + g.Label(),
		State:   sentence(state),
		Paras:   []para{{"", "Nothing to do. " + w.account() + " is not yours to contact because of this, and the link in the earlier mail no longer works."}},
		Footer:  w.footer(),
	}
	l.Preview = l.State
	return l
}

// notice is a sentence that needs somebody to act.
func (w writer) notice(text string) *letter {
	text = oneLine(text, 1000)
	l := &letter{Subject: oneLine(text, 90), Title: "Something needs you", Preview: text, Paras: []para{{"", text}}, Hint: "The buttons for it are in Slack.", Footer: w.footer()}
	if l.Subject == "" {
		l.Subject = l.Title
	}
	return l
}

// list is several cases in one mail.
func (w writer) list(list expansion.List) *letter {
	n := list.Len()
	titles := map[expansion.ListKind]string{
		expansion.ListNudges:      expansion.Count(n, "case") + " waiting for you",
		expansion.ListWhileAway:   "While you were away: " + expansion.Count(n, "case") + " went to others",
		expansion.ListRoutedToday: "Routed today: " + expansion.Count(n, "case"),
		expansion.ListFirstScan:   "Found at the first scan: " + expansion.Count(n, "case"),
	}
	title := orElse(titles[list.Kind], expansion.Count(n, "case"))
	l := &letter{Subject: title, Title: title, Preview: title, Hint: "The buttons for each are in Slack.", Footer: w.footer()}
	for i, c := range list.Cases {
		if i == maxListed {
			break
		}
		cw := writer{c, w.to, w.loc}
		text := ""
		if !c.Account.Restricted {
			text = joined(" · ", cw.kind(), c.Signal.Strength.Chip(), cw.potential())
		}
		if c.Routing != nil {
			text = joined(" · ", text, cw.Name(c.Routing.To), c.Routing.Label())
		} else {
			text = joined(" · ", text, c.Signal.Label())
		}
		l.Paras = append(l.Paras, para{cw.account(), text})
	}
	if more := n - min(len(list.Cases), maxListed); more > 0 {
		l.Paras = append(l.Paras, para{"", fmt.Sprintf("And %d more in Slack.", more)})
	}
	return l
}

// maxListed is how many cases a list shows.
const maxListed = 20
