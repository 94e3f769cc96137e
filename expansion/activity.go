package expansion

import (
	"fmt"
	"strings"
	"time"
)

// Words writes a line of the shared log as one sentence of plain text. name gives a
// person's name, "" when the person was erased. A verb it does not know reads as its own
// words, so a new one is never lost. The cards have their own wording of the same verbs
// (blocks), which also knows the case around the line.
func (a Activity) Words(name func(PersonID) string) string {
	w := words{a, name}
	if f, ok := activityWords[a.Verb]; ok {
		return f(w)
	}
	if what, ok := strings.CutSuffix(a.Verb, "_changed"); ok {
		return w.with(upperFirst(strings.ReplaceAll(what, "_", " "))+" changed in the CRM", "to")
	}
	if a.Verb == "" {
		return "Updated."
	}
	s := upperFirst(strings.ReplaceAll(a.Verb, "_", " "))
	if by := w.who(a.Person); by != "" {
		s += " by " + by
	}
	return s + "."
}

// activityWords has one row per verb of the engine, and the older names of some.
var activityWords = map[string]func(words) string{
	"signal_detected": func(w words) string {
		s := "Noticed " + orText(lowerFirst(SignalType(w.arg("type")).Label()), "a signal")
		if st := Strength(w.arg("strength")); st.Valid() {
			s += ", " + string(st)
		}
		if source := Source(w.arg("source")); source == SourceManual {
			s += ", " + source.Words()
		} else {
			s += prefixed(", from ", source.Words())
		}
		return s + "."
	},
	"signal_logged": func(w words) string {
		s := w.did("logged a signal", "Signal logged") + prefixed(": ", lowerFirst(SignalType(w.arg("type")).Label()))
		if st := Strength(w.arg("strength")); st.Valid() && w.arg("type") != "" {
			s += ", " + string(st)
		}
		return s + "."
	},
	"evidence_added": func(w words) string { return "Seen again; kept as one signal." },
	"strength_raised": func(w words) string {
		return "Now " + orText(w.arg("to"), "stronger") + prefixed(": ", w.arg("why")) + w.stop("why")
	},
	"context_gathered": func(w words) string {
		s := "Context gathered"
		if f, ok := w.Args["complete"].(float64); ok {
			s += fmt.Sprintf(", %d%% complete", int(f*100+0.5))
		}
		return s + "."
	},
	"planned":           func(w words) string { return "Shown for review; routes by itself when the review time ends." },
	"asked":             func(w words) string { return "Asked the CSM whether it is real." },
	"ask_reminded":      func(w words) string { return "Reminded " + orText(w.who(w.Person), "the CSM") + "; still no answer." },
	"waiting_recipient": func(w words) string { return "Nobody is eligible now; waiting for a recipient." },
	"later":             func(w words) string { return w.did("said it is real, but not now", "Put off") + "." },
	"returned":          func(w words) string { return "Back after waiting." },
	"confirmed":         func(w words) string { return w.did("said it is real", "Confirmed") + "." },
	"held":              func(w words) string { return w.did("put it on hold", "On hold") + "." },
	"dismissed":         func(w words) string { return w.with(w.did("said it is not real", "Dismissed"), "reason") },
	"parked":            func(w words) string { return "Parked: no answer in time." },
	"routed": func(w words) string {
		s := "Sent" + prefixed(" to ", w.who(w.Person))
		switch kind := RuleKind(w.arg("kind")); kind {
		case KindOverride:
			return s + ", chosen by hand" + prefixed(" by ", w.person("by")) + "."
		case KindCover:
			if away := w.person("covering"); away != "" {
				return s + ", covering for " + away + "."
			}
			return s + " as cover."
		default:
			return s + prefixed(": ", kind.Words()) + "."
		}
	},
	"acknowledged": func(w words) string {
		s := w.did("acknowledged", "Acknowledged")
		if n, ok := w.number("after"); ok {
			s += " after " + Span(time.Duration(n)*time.Second)
		}
		return s + "."
	},
	"started":        func(w words) string { return w.did("started working on it", "In progress") + "." },
	"in_progress":    func(w words) string { return w.did("started working on it", "In progress") + "." },
	"contact_logged": func(w words) string { return w.with(w.did("logged a contact", "Contact logged"), "channel") },
	"nudged":         func(w words) string { return "Reminder sent" + prefixed(" to ", w.who(w.Person)) + "." },
	"remind_asked":   func(w words) string { return w.did("asked to be reminded", "A reminder is set") + "." },
	"reminded":       func(w words) string { return "Reminded " + orText(w.who(w.Person), "the recipient") + ", as asked." },
	"nudge_asked":    func(w words) string { return w.did("asked for a reminder", "Reminder asked for") + "." },
	"escalated": func(w words) string {
		s := "Escalated to " + orText(w.person("to"), "the next level")
		if n, ok := w.number("late"); ok && n > 0 {
			s += ", late by " + Span(time.Duration(n)*time.Second)
		}
		return s + "."
	},
	"extended": func(w words) string { return w.with(w.did("gave 24 h more", "24 h more given"), "reason") },
	"not_mine": func(w words) string {
		s := w.did("says this isn't theirs", "Handed on") + prefixed(" (", spacedWords(w.arg("reason")))
		if strings.Contains(s, " (") {
			s += ")"
		}
		return s + "." + prefixed(" Sent to ", orText(w.person("next"), w.person("to"))) + map[bool]string{true: ".", false: ""}[w.person("next")+w.person("to") != ""]
	},
	"reassigned": func(w words) string {
		to := w.person("to")
		return w.with(w.did("moved it"+prefixed(" to ", to), "Moved"+prefixed(" to ", to)), "reason")
	},
	"rerouted": func(w words) string { return w.with("Moved"+prefixed(" to ", w.person("to")), "reason") },
	"linked": func(w words) string {
		return w.did("picked the Slack account of "+orText(w.person("to"), "the recipient"), "Slack account picked") + "."
	},
	"taken":                func(w words) string { return w.did("took it", "Taken over") + "." },
	"not_real":             func(w words) string { return w.with(w.did("says this isn't expansion", "Disputed"), "reason") },
	"not_real_agreed":      func(w words) string { return w.did("agreed: not expansion", "Closed as not real") + "." },
	"not_real_disagreed":   func(w words) string { return w.with(w.did("disagrees: it is expansion", "Kept as real"), "why") },
	"not_real_stands":      func(w words) string { return "No answer in time: closed as not real." },
	"recalled":             func(w words) string { return w.did("recalled it", "Recalled") + "." },
	"opportunity_created":  func(w words) string { return "Opportunity created in the CRM." },
	"opportunity_attached": func(w words) string { return "Attached to the opportunity that is open in the CRM." },
	"attach_failed": func(w words) string {
		return "The opportunity it was to be attached to is not open any more; it gets its own."
	},
	"stage_changed":     func(w words) string { return w.with("Stage changed in the CRM", "to") },
	"opportunity_gone":  func(w words) string { return "The opportunity is not in the CRM any more; nothing is written to it." },
	"opportunity_back":  func(w words) string { return "The opportunity is back in the CRM; it is followed again." },
	"outcome_corrected": func(w words) string { return w.with("The CRM says otherwise, so it is changed here too", "to") },
	"reopened":          func(w words) string { return "Opened again in the CRM; back in progress." },
	"owner_changed": func(w words) string {
		return "Owner changed in the CRM" + prefixed(" to ", w.person("person")) + "." // "to" is the CRM's own id
	},
	"close_date_changed": func(w words) string {
		return "Close date changed in the CRM" + prefixed(" to ", dayWords(w.arg("to"), w.At)) + "."
	},
	"amount_changed": func(w words) string {
		return "Amount changed in the CRM" + prefixed(" to ", w.arg("to")) + "."
	},
	"won":  func(w words) string { return w.did("closed it as won", "Won") + w.from() + "." },
	"lost": func(w words) string { return w.did("closed it as lost", "Lost") + w.from() + "." },
	"delivered": func(w words) string {
		return delivered(w) + " delivered" + prefixed(" to ", w.who(w.Person)) + prefixed(" by ", ChannelWords(w.arg("channel"))) + "."
	},
	"delivery_blocked": func(w words) string {
		return delivered(w) + " could not be delivered" + prefixed(" to ", w.who(w.Person)) + prefixed(" by ", ChannelWords(w.arg("channel"))) + prefixed(": ", spacedWords(w.arg("reason"))) + "."
	},
	"away_set": func(w words) string {
		return w.did("is away", "Away") + w.days() + prefixed("; cover is ", w.person("cover")) + "."
	},
	"away_cleared": func(w words) string { return w.did("is back", "Back") + "." },
	"went_live":    func(w words) string { return w.did("went live", "Went live") + "." },
}

func delivered(w words) string {
	switch MessageKind(w.arg("kind")) {
	case CardHandoff:
		return "Handoff"
	case CardEscalation:
		return "Escalation"
	}
	if w.arg("channel") == "crm" {
		return "Opportunity"
	}
	return "Message"
}

// ChannelWords is what people read of a way out: "Slack", "email", "CRM".
func ChannelWords(channel string) string {
	switch channel {
	case "slack":
		return "Slack"
	case "email":
		return "email"
	case "crm":
		return "CRM"
	}
	return channel
}

// words is an activity with who is who.
type words struct {
	Activity
	name func(PersonID) string
}

func (w words) who(id PersonID) string {
	if id == "" {
		return ""
	}
	return orText(w.name(id), erased)
}

// erased stands for a person whose name is not kept any more.
const erased = "someone"

func (w words) did(active, passive string) string {
	switch by := w.who(w.Person); by {
	case "":
		return passive
	case erased:
		return upperFirst(by) + " " + active // a name keeps its own first letter: "de Vries"
	default:
		return by + " " + active
	}
}

func (w words) arg(key string) string {
	if v := w.Args[key]; v != nil {
		return strings.TrimSpace(fmt.Sprint(v))
	}
	return ""
}

// number reads a whole number as it is in memory or after it was stored as JSON.
func (w words) number(key string) (int64, bool) {
	switch n := w.Args[key].(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	}
	return 0, false
}

func (w words) person(key string) string { return w.who(PersonID(w.arg(key))) }

func (w words) with(sentence, key string) string {
	return sentence + prefixed(": ", spacedWords(w.arg(key))) + w.stop(key)
}

// stop is the full stop unless the argument that ends the sentence has one.
func (w words) stop(key string) string {
	if v := w.arg(key); strings.HasSuffix(v, ".") || strings.HasSuffix(v, "!") || strings.HasSuffix(v, "?") {
		return ""
	}
	return "."
}

func (w words) from() string {
	switch w.arg("from") {
	case "crm":
		return " in the CRM"
	case "api":
		return " over the API"
	}
	return ""
}

// days is " on 25 Nov", " from 22 Mar to 2 Apr".
func (w words) days() string {
	from, to := dayWords(w.arg("from"), w.At), dayWords(w.arg("to"), w.At)
	if from == to {
		return prefixed(" on ", from)
	}
	return prefixed(" from ", from) + prefixed(" to ", to)
}

// dayWords is a day kept as 2026-04-02 as people write it: "2 Apr", with the year when it
// is not the one of at. Anything else stays as it is.
func dayWords(s string, at time.Time) string {
	t, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil:
		return s
	case t.Year() == at.Year():
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// spacedWords writes a reason word as words: no_budget is "no budget".
func spacedWords(s string) string {
	if strings.ContainsRune(s, ' ') {
		return s
	}
	return strings.ReplaceAll(s, "_", " ")
}

func prefixed(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func orText(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// lowerFirst writes a label inside a sentence; "ARR" keeps its capitals.
func lowerFirst(s string) string {
	if len(s) > 1 && strings.ToUpper(s[1:2]) != s[1:2] {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
