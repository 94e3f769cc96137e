package blocks

import (
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
)

// activity is a line of the shared log as a sentence in mrkdwn (storyboard 3.6, 7.14).
// A verb it does not know reads as its own words, so a new one is never lost.
func (r reader) activity(a expansion.Activity) string {
	by := ""
	if a.Person != "" {
		by = r.first(a.Person)
	}
	if r.Account.Restricted { // what was said stays in the CRM; who did what does not
		open := map[string]any{}
		for _, k := range []string{"to", "next", "late"} {
			switch a.Verb {
			case "stage_changed", "amount_changed", "close_date_changed":
				continue
			}
			if v, ok := a.Args[k]; ok {
				open[k] = v
			}
		}
		a.Args = open
	}
	arg := func(k string) string { return said(fmt.Sprint(orEmpty(a.Args[k])), lineLen) }
	person := func(k string) string { // an id: a string once it was stored
		if s := fmt.Sprint(orEmpty(a.Args[k])); s != "" {
			return r.first(expansion.PersonID(s))
		}
		return ""
	}
	reason := func() string { return lower(said(notRealLabel(fmt.Sprint(orEmpty(a.Args["reason"]))), lineLen)) }
	with := func(sentence, key string) string {
		if v := arg(key); v != "" {
			return ended(sentence + ": " + v)
		}
		return sentence + "."
	}
	did := func(active, passive string) string {
		if by == "" {
			return passive
		}
		return by + " " + active
	}
	switch a.Verb {
	case "signal_detected", "detected":
		return with("Noticed", "why")
	case "signal_logged", "logged":
		return did("logged it", "Logged") + "."
	case "evidence_added", "merged":
		return "Seen again; kept as one signal."
	case "strength_raised":
		return with("Now "+r.Signal.Strength.Chip(), "why")
	case "context_gathered", "enriched":
		return "Context gathered: " + r.completeness() + "."
	case "planned":
		return "Routes by itself when the review time ends."
	case "asked":
		return "Asked" + prefixed(" ", r.csm()) + " whether it is real."
	case "ask_reminded":
		return "Reminded" + prefixed(" ", orElse(by, r.csm())) + "; still no answer."
	case "waiting_recipient":
		return "Nobody is eligible now; waiting for a recipient."
	case "later":
		return did("said it is real, but not now", "Put off") + "."
	case "returned":
		return "Back after waiting."
	case "confirmed":
		return did("said it is real", "Confirmed") + "."
	case "held":
		return did("put it on hold", "On hold") + "."
	case "dismissed":
		return ended(did("said it is not real", "Dismissed") + prefixed(": ", lower(said(dismissLabel(fmt.Sprint(orEmpty(a.Args["reason"]))), lineLen))))
	case "parked":
		return "Parked: no answer in 7 working days."
	case "routed":
		to := orElse(person("to"), by)
		if to == "" {
			if g := r.live(); g != nil {
				to = r.first(g.To)
			}
		}
		return "Sent" + prefixed(" to ", to) + "."
	case "delivered":
		return "Delivered" + prefixed(" to ", by) + prefixed(" by ", esc(expansion.ChannelWords(fmt.Sprint(orEmpty(a.Args["channel"]))), nameLen)) + "."
	case "acknowledged":
		s := did("acknowledged", "Acknowledged")
		if g := r.live(); g != nil && a.RoutingID == g.ID && !a.At.Before(g.RoutedAt) {
			s += " after " + expansion.Span(a.At.Sub(g.RoutedAt))
		}
		return s + "."
	case "in_progress", "started":
		return did("started working on it", "In progress") + "."
	case "contact_logged":
		s := with(did("logged a contact", "Contact logged")+bracketed(lower(contactLabel(fmt.Sprint(orEmpty(a.Args["channel"]))))), "line")
		if next := arg("next_step"); next != "" {
			s += ended(" Next: " + next)
		}
		return s
	case "remind_asked":
		return did("asked to be reminded in 2 h", "A reminder in 2 h asked for") + "."
	case "reminded":
		return "Reminder sent" + prefixed(" to ", by) + ", as asked."
	case "nudged":
		return "Reminder sent" + prefixed(" to ", by) + "."
	case "nudge_asked":
		return did("asked for a reminder", "Reminder asked for") + "."
	case "escalated":
		s := "Escalated to " + orElse(orElse(person("to"), by), "the next level") + "."
		if n, ok := number64(a.Args["late"]); ok && n > 0 {
			s += " Late by " + expansion.Span(time.Duration(n)*time.Second) + "."
		}
		return s
	case "extended":
		return with(did("gave 24 h more", "24 h more given"), "reason")
	case "not_mine":
		why := bracketed(lower(said(notMineLabel(fmt.Sprint(orEmpty(a.Args["reason"]))), lineLen)))
		s := did("says this isn't theirs", "Handed on") + why + "."
		if to := person("to"); to != "" {
			s = did("says this is "+to+"'s", "Handed on to "+to) + why + "."
		}
		if next := orElse(person("next"), person("to")); next != "" {
			s += " Sent to " + next + "."
		}
		return s
	case "reassigned", "taken", "rerouted":
		if to := person("to"); a.Verb != "taken" && to != "" {
			return with(did("moved it to "+to, "Moved to "+to), "reason")
		}
		return with(did("took it", "Moved on"), "reason")
	case "linked":
		return did("picked the Slack account of "+orElse(person("to"), "the recipient"), "Slack account picked") + "."
	case "not_real":
		return ended(did("says this isn't expansion", "Disputed") + prefixed(": ", reason()))
	case "not_real_agreed":
		return did("agreed: not expansion", "Closed as not real") + "."
	case "not_real_disagreed":
		return with(did("disagrees: it is expansion", "Kept as real"), "why")
	case "not_real_stands":
		return "No answer in time: closed as not real."
	case "recalled":
		return with(did("recalled it", "Recalled"), "reason")
	case "opportunity_created", "crm_created":
		n := ""
		if r.Opportunity != nil {
			n = esc(r.Opportunity.Name, nameLen)
		}
		if n == "" { // the account card looks at no one opportunity
			return upper(second(r.crm())) + " created."
		}
		return "Created: " + n + "."
	case "opportunity_attached":
		n := ""
		if r.Opportunity != nil {
			n = "‘" + name(r.Opportunity.Name) + "’"
		}
		return "Attached to " + orElse(n, "the open opportunity") + "."
	case "opportunity_gone":
		system, noun := r.crm()
		return "The " + noun + " is not in " + system + " any more. Nothing is written to it; restored there, it is followed again."
	case "opportunity_back":
		system, noun := r.crm()
		return "The " + noun + " is back in " + system + "; it is followed again."
	case "outcome_corrected":
		return first(r.crm()) + " says " + orElse(arg("to"), "otherwise") + ", so it is changed here too."
	case "reopened":
		return "Opened again in " + first(r.crm()) + "; back in progress."
	case "stage_changed":
		return with("Stage changed in "+first(r.crm()), "to")
	case "close_date_changed", "amount_changed":
		what, _ := strings.CutSuffix(a.Verb, "_changed")
		return upper(strings.ReplaceAll(what, "_", " ")) + " changed" + prefixed(" to ", r.isoDays(arg("to"))) + " in " + first(r.crm()) + "."
	case "owner_changed":
		s := "Owner changed"
		if to := person("person"); to != "" { // "to" is the CRM's own id
			s += " to " + to
		}
		return s + " in " + first(r.crm()) + prefixed(" by ", by) + "."
	case "won", "lost":
		if g := r.live(); g != nil && g.Status.Final() {
			return r.ending(g)
		}
		return upper(a.Verb) + "."
	}
	words := esc(strings.ReplaceAll(a.Verb, "_", " "), nameLen)
	if words == "" {
		words = "updated"
	}
	return upper(words) + prefixed(" by ", by) + "."
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// number64 reads a whole number as it is in memory or after it was stored as JSON.
func number64(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

func first(a, _ string) string { return a }

func second(_, b string) string { return b }

func prefixed(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}
