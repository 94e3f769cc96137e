package blocks

import (
	"fmt"
	"strings"

	"expansionbot/expansion"
)

// activity is a line of the shared log as a sentence in mrkdwn (storyboard 3.6, 7.14).
// A verb it does not know reads as its own words, so a new one is never lost.
func (r reader) activity(a expansion.Activity) string {
	by := ""
	if a.Person != "" {
		by = r.first(a.Person)
	}
	arg := func(k string) string { return said(fmt.Sprint(orEmpty(a.Args[k])), lineLen) }
	person := func(k string) string {
		if s, ok := a.Args[k].(string); ok && s != "" {
			return r.first(expansion.PersonID(s))
		}
		return ""
	}
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
	case "confirmed":
		return did("said it is real", "Confirmed") + "."
	case "held":
		return did("put it on hold", "On hold") + "."
	case "dismissed":
		return with(did("said it is not real", "Dismissed"), "reason")
	case "parked":
		return "Parked: no answer in 7 working days."
	case "routed":
		if to := orElse(person("to"), by); to != "" {
			return "Sent to " + to + "."
		}
		return "Sent."
	case "acknowledged":
		s := did("acknowledged", "Acknowledged")
		if g := r.live(); g != nil && !a.At.Before(g.RoutedAt) {
			s += " after " + span(a.At.Sub(g.RoutedAt))
		}
		return s + "."
	case "in_progress", "started", "work_started":
		return did("started working on it", "In progress") + "."
	case "contact_logged":
		s := did("logged a contact", "Contact logged")
		if c := arg("channel"); c != "" {
			s += " (" + c + ")"
		}
		return s + "."
	case "nudged", "nudge_sent":
		return "Reminder sent" + prefixed(" to ", by) + "."
	case "escalated":
		return "Escalated to " + orElse(orElse(person("to"), by), "the next level") + "."
	case "extended":
		return with(did("gave 24 h more", "24 h more given"), "reason")
	case "not_mine":
		return with(did("says this isn't theirs", "Handed back"), "reason")
	case "rerouted", "reassigned", "taken":
		s := did("moved it", "Moved")
		if to := person("to"); to != "" {
			s += " to " + to
		}
		return with(s, "reason")
	case "not_real", "disputed", "rejection_asked":
		return with(did("says this isn't expansion", "Disputed"), "reason")
	case "rejected", "agreed":
		return did("agreed: not expansion", "Closed as not real") + "."
	case "disagreed":
		return with(did("disagrees: it is expansion", "Kept as real"), "reason")
	case "recalled":
		return with(did("recalled it", "Recalled"), "reason")
	case "opportunity_created", "crm_created":
		n := ""
		if r.Opportunity != nil {
			n = esc(r.Opportunity.Name, nameLen)
		}
		return "Created" + prefixed(": ", n) + "."
	case "stage_changed":
		return with("Stage changed in "+first(r.crm()), "stage")
	case "owner_changed":
		s := "Owner changed"
		if to := person("to"); to != "" {
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

func first(a, _ string) string { return a }

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
