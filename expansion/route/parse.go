package route

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
	"go.yaml.in/yaml/v3"
)

// Limits of a policy text. They keep a wrong file from hurting, nothing else.
const (
	maxPolicyBytes = 1 << 20
	maxRules       = 1000
	maxLevels      = 10
)

// ParsePolicy reads a policy. Keys that are left out keep the shipped default, but
// rules and escalation must be there. The error is Problems with every mistake at
// once, in the order of their lines.
func ParsePolicy(text []byte) (*Policy, error) {
	p := &Policy{
		version: Hash(text), cards: 5, peopleLine: map[string]int{}, hours: expansion.OfficeHours(nil),
		timing: defaultTiming(),
	}
	r := &policyReader{p: p}
	if root := r.document(text); root != nil {
		r.policy(root)
	}
	if len(r.ps) > 0 {
		return nil, r.ps.sorted()
	}
	return p, nil
}

func defaultTiming() Timing {
	const hour, day = time.Hour, 24 * time.Hour
	return Timing{
		ReviewWindow: 10 * time.Minute, AckTarget: 4 * hour, Nudges: []time.Duration{4 * hour, day}, NudgeGap: hour,
		EscalateAfter: 2 * day, EscalateAgain: day, ExtendBy: day, NotMineLeaves: 8 * hour,
		UndoWindow: 10 * time.Minute, HoldFor: 7 * day, AskReminder: 3 * day, ParkAfter: 7 * day,
		DuplicateWindow: 14 * day, RetryNoRecipient: 15 * time.Minute, NotRealAnswer: day,
	}
}

type policyReader struct {
	reader
	p *Policy
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// document returns the one mapping a policy text holds, nil after a problem.
func (r *policyReader) document(text []byte) *yaml.Node {
	if len(text) > maxPolicyBytes {
		r.ps.errorf(0, "", "The policy is larger than 1 MB. Split nothing: shorten it.")
		return nil
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		r.ps.errorf(0, "", "The policy is empty. Start from the shipped policy.yaml.")
		return nil
	}
	if err != nil {
		line, what := 0, err.Error()
		if m := yamlLine.FindStringSubmatch(strings.SplitN(what, "\n", 2)[0]); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits by the pattern
			what = m[2]
		}
		r.ps.errorf(line, "", "This is no valid YAML: %s. Check indentation and quotes there.", strings.TrimPrefix(what, "yaml: "))
		return nil
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) || len(doc.Content) != 1 {
		r.ps.errorf(0, "", "The file holds more than one document. Take out the line ---.")
		return nil
	}
	return doc.Content[0]
}

func (r *policyReader) policy(root *yaml.Node) {
	lines := map[string]int{}
	seen := r.mapping(root, "", []field{
		{"version", func(n *yaml.Node, path string) { r.integer(n, path, 1, 1) }},
		{"rules", r.rules},
		{"ask_first", r.askFirst},
		{"timing", func(n *yaml.Node, path string) { r.timing(n, path, lines) }},
		{"hours", r.hours},
		{"escalation", r.escalation},
		{"cards_per_day", func(n *yaml.Node, path string) { r.p.cards = r.integer(n, path, 0, 1000) }},
	})
	if !seen["rules"] && root.Kind == yaml.MappingNode {
		r.ps.errorf(root.Line, "rules", "The policy has no rules. Add rules: with at least a catch_all.")
	}
	if !seen["escalation"] && root.Kind == yaml.MappingNode {
		r.ps.errorf(root.Line, "escalation", "The policy has no escalation. Add escalation: with a last level such as - to: revops.")
	}
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

var ruleKinds = []expansion.RuleKind{
	expansion.KindOpenOpportunity, expansion.KindPartner, expansion.KindNamed, expansion.KindOriginalAE,
	expansion.KindSpecialist, expansion.KindTerritory, expansion.KindPeople, expansion.KindCatchAll,
}

func (r *policyReader) rules(n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode && (len(n.Content) == 0 || len(n.Content) > maxRules) {
		r.ps.errorf(n.Line, path, "A policy has 1 to %d rules, this one %d.", maxRules, len(n.Content))
		return
	}
	names := map[string]int{}
	r.list(n, path, func(n *yaml.Node, path string) {
		u := r.rule(n, path)
		if first := names[u.name]; first > 0 && u.name != "" {
			r.ps.errorf(n.Line, path, "Two rules are called %q, the first in line %d. Give each its own name.", u.name, first)
		}
		names[u.name] = n.Line
		r.p.rules = append(r.p.rules, u)
	})
}

// rule reads one rule. Keys that its kind doesn't use are refused: they would be
// silently without effect.
func (r *policyReader) rule(n *yaml.Node, path string) rule {
	u := rule{line: n.Line}
	seen := r.mapping(n, path, []field{
		{"name", func(n *yaml.Node, path string) {
			if u.name = r.text(n, path); u.name != "" && !namePattern.MatchString(u.name) {
				r.ps.errorf(n.Line, path, "%q is no rule name. Use up to 64 of a-z, 0-9, _ and -.", u.name)
			}
		}},
		{"kind", func(n *yaml.Node, path string) {
			if u.kind = expansion.RuleKind(r.text(n, path)); u.kind != "" && !slices.Contains(ruleKinds, u.kind) {
				r.ps.errorf(n.Line, path, "%q is no kind of rule. Choose one of %s.", u.kind, list(ruleKinds))
			}
		}},
		{"when", func(n *yaml.Node, path string) {
			if src := r.text(n, path); src != "" {
				u.when = r.condition(src, n, path)
			}
		}},
		{"people", func(n *yaml.Node, path string) { u.people = r.emails(n, path) }},
		{"specialties", func(n *yaml.Node, path string) {
			r.list(n, path, func(n *yaml.Node, path string) {
				t := expansion.ExpansionType(r.text(n, path))
				if t != "" && !t.Valid() {
					r.ps.errorf(n.Line, path, "%q is no expansion type. Choose one of %s.", t, list(expansion.ExpansionTypes))
				}
				u.specialties = append(u.specialties, t)
			})
		}},
		{"territory", func(n *yaml.Node, path string) { u.territory = r.text(n, path) }},
		{"weights", func(n *yaml.Node, path string) { u.weights = r.weights(n, path) }},
	})
	if n.Kind != yaml.MappingNode {
		return u
	}
	for _, key := range []string{"name", "kind"} {
		if !seen[key] {
			r.ps.errorf(n.Line, path, "The rule has no %s. Add %s: …", key, key)
		}
	}
	if u.kind == expansion.KindPeople && len(u.people) == 0 {
		r.ps.errorf(n.Line, path, "A rule of kind people names nobody. Add people: [name@example.com].")
	}
	uses := map[string][]expansion.RuleKind{
		"people": {expansion.KindPeople}, "specialties": {expansion.KindSpecialist}, "territory": {expansion.KindTerritory},
		"weights": {expansion.KindSpecialist, expansion.KindTerritory, expansion.KindPeople},
	}
	for _, key := range []string{"people", "specialties", "territory", "weights"} {
		if seen[key] && slices.Contains(ruleKinds, u.kind) && !slices.Contains(uses[key], u.kind) {
			r.ps.errorf(n.Line, join(path, key), "%s has no effect on a rule of kind %s. Take it out, or use kind %s.", key, u.kind, list(uses[key]))
		}
	}
	return u
}

// emails reads a list of e-mails, each once, and keeps where they stand.
func (r *policyReader) emails(n *yaml.Node, path string) []string {
	var out []string
	r.list(n, path, func(n *yaml.Node, path string) {
		e := r.person(n, path)
		if e != "" && slices.Contains(out, e) {
			r.ps.errorf(n.Line, path, "%s is there twice. Keep one.", e)
		}
		out = append(out, e)
	})
	return out
}

func (r *policyReader) person(n *yaml.Node, path string) string {
	e := r.email(n, path)
	if e != "" && r.p.peopleLine[e] == 0 {
		r.p.peopleLine[e] = n.Line
	}
	return e
}

func (r *policyReader) weights(n *yaml.Node, path string) []weight {
	var out []weight
	r.list(n, path, func(n *yaml.Node, path string) {
		w := weight{turns: 1}
		seen := r.mapping(n, path, []field{
			{"email", func(n *yaml.Node, path string) { w.email = r.person(n, path) }},
			{"turns", func(n *yaml.Node, path string) { w.turns = int64(r.integer(n, path, 1, 100)) }},
		})
		if n.Kind == yaml.MappingNode && (!seen["email"] || !seen["turns"]) {
			r.ps.errorf(n.Line, path, "A weight needs email and turns, as {email: ana@example.com, turns: 2}.")
		}
		if slices.ContainsFunc(out, func(x weight) bool { return x.email == w.email && w.email != "" }) {
			r.ps.errorf(n.Line, path, "%s has two weights. Keep one.", w.email)
		}
		out = append(out, w)
	})
	return out
}

func (r *policyReader) askFirst(n *yaml.Node, path string) {
	r.list(n, path, func(n *yaml.Node, path string) {
		t := expansion.SignalType(r.text(n, path))
		switch {
		case t != "" && !t.Valid():
			r.ps.errorf(n.Line, path, "%q is no signal type. Choose one of %s.", t, list(expansion.SignalTypes))
		case slices.Contains(r.p.askFirst, t):
			r.ps.errorf(n.Line, path, "%s is there twice. Keep one.", t)
		}
		r.p.askFirst = append(r.p.askFirst, t)
	})
}

func (r *policyReader) timing(n *yaml.Node, path string, lines map[string]int) {
	t := &r.p.timing
	// at keeps the line of a key whose value was taken, and refused for one whose was not.
	at := func(key string, n *yaml.Node, read func()) {
		before := len(r.ps)
		if read(); len(r.ps) > before {
			lines[key] = refused
		} else {
			lines[key] = n.Line
		}
	}
	set := func(key string, to *time.Duration, lo, hi time.Duration) field {
		return field{key, func(n *yaml.Node, path string) { at(key, n, func() { *to = r.duration(n, path, lo, hi) }) }}
	}
	const least = time.Second // so that the whole ladder can be tried within minutes
	r.mapping(n, path, []field{
		set("review_window", &t.ReviewWindow, 0, 14*time.Minute), // so that routing ends inside 15 min
		set("ack_target", &t.AckTarget, least, 0),
		{"nudges", func(n *yaml.Node, path string) {
			t.Nudges = nil
			at("nudges", n, func() {
				r.list(n, path, func(n *yaml.Node, path string) { t.Nudges = append(t.Nudges, r.duration(n, path, least, 0)) })
			})
		}},
		set("nudge_gap", &t.NudgeGap, 0, 0),
		set("escalate_after", &t.EscalateAfter, least, 0),
		set("escalate_again", &t.EscalateAgain, least, 0),
		set("extend_by", &t.ExtendBy, least, 0),
		set("not_mine_leaves", &t.NotMineLeaves, 0, 0),
		set("undo_window", &t.UndoWindow, 0, 24*time.Hour),
		set("hold_for", &t.HoldFor, 0, 0),
		set("ask_reminder", &t.AskReminder, least, 0),
		set("park_after", &t.ParkAfter, least, 0),
		set("duplicate_window", &t.DuplicateWindow, 0, 0),
		set("retry_no_recipient", &t.RetryNoRecipient, least, 24*time.Hour),
		set("not_real_answer", &t.NotRealAnswer, least, 0),
	})
	r.pairs(lines)
}

// refused stands for the line of a duration that cannot be held against the others.
const refused = -1

// pairs reports durations that are fine alone but not together. lines are where they
// stand; one that is not in the file is its default.
func (r *policyReader) pairs(lines map[string]int) {
	t := r.p.timing
	both := func(a, b string) bool { return lines[a] != refused && lines[b] != refused }
	if lines["nudges"] == refused {
		t.Nudges = nil
	}
	if !slices.IsSorted(t.Nudges) || len(slices.Compact(slices.Clone(t.Nudges))) != len(t.Nudges) {
		r.ps.errorf(lines["nudges"], "timing.nudges", "Nudges go from the earliest to the latest, each time once.")
	}
	if len(t.Nudges) > 0 && both("nudges", "escalate_after") && slices.Max(t.Nudges) >= t.EscalateAfter {
		r.ps.errorf(max(lines["nudges"], lines["escalate_after"]), "timing.nudges",
			"The nudge at %s comes after the escalation at %s. Make it earlier.", writeDuration(slices.Max(t.Nudges)), writeDuration(t.EscalateAfter))
	}
	if both("ack_target", "escalate_after") && t.AckTarget > t.EscalateAfter {
		r.ps.errorf(max(lines["ack_target"], lines["escalate_after"]), "timing.ack_target",
			"The target of %s is later than the escalation at %s. Make it earlier.", writeDuration(t.AckTarget), writeDuration(t.EscalateAfter))
	}
	if both("ask_reminder", "park_after") && t.AskReminder >= t.ParkAfter {
		r.ps.errorf(max(lines["ask_reminder"], lines["park_after"]), "timing.ask_reminder",
			"The reminder at %s comes after the signal is parked at %s. Make it earlier.", writeDuration(t.AskReminder), writeDuration(t.ParkAfter))
	}
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (r *policyReader) hours(n *yaml.Node, path string) {
	h := &r.p.hours
	clock := func(to *time.Duration) func(*yaml.Node, string) {
		return func(n *yaml.Node, path string) {
			s := r.text(n, path)
			if at, err := time.Parse("15:04", s); err == nil {
				*to = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
			} else if s == "24:00" {
				*to = 24 * time.Hour
			} else if s != "" {
				r.ps.errorf(n.Line, path, "%q is no time of day. Write it in quotes, as \"09:00\".", s)
			}
		}
	}
	r.mapping(n, path, []field{
		{"start", clock(&h.Start)},
		{"end", clock(&h.End)},
		{"days", func(n *yaml.Node, path string) {
			h.Days = nil
			r.list(n, path, func(n *yaml.Node, path string) {
				s := r.text(n, path)
				d := time.Weekday(slices.Index(weekdays, s))
				switch {
				case s != "" && d < 0:
					r.ps.errorf(n.Line, path, "%q is no day. Choose of %s.", s, strings.Join(weekdays, ", "))
				case slices.Contains(h.Days, d):
					r.ps.errorf(n.Line, path, "%s is there twice. Keep one.", s)
				}
				h.Days = append(h.Days, d)
			})
			if len(h.Days) == 0 {
				r.ps.errorf(n.Line, path, "There is no working day. Name at least one.")
			}
		}},
		{"holidays", func(n *yaml.Node, path string) {
			r.list(n, path, func(n *yaml.Node, path string) {
				s := r.text(n, path)
				d, err := time.Parse(time.DateOnly, s)
				if err != nil && s != "" {
					r.ps.errorf(n.Line, path, "%q is no date. Write it as 2026-12-25.", s)
				}
				h.Holidays = append(h.Holidays, d)
			})
		}},
	})
	if h.End <= h.Start {
		r.ps.errorf(n.Line, path, "Working hours end before they start. Make end later than start.")
	}
}

func (r *policyReader) escalation(n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode && (len(n.Content) == 0 || len(n.Content) > maxLevels) {
		r.ps.errorf(n.Line, path, "There are 1 to %d escalation levels, here %d.", maxLevels, len(n.Content))
		return
	}
	r.list(n, path, func(n *yaml.Node, path string) {
		l := level{line: n.Line}
		seen := r.mapping(n, path, []field{
			{"to", func(n *yaml.Node, path string) {
				if l.to = r.text(n, path); l.to != "" && l.to != toManager && l.to != toPeople && l.to != toRevOps {
					r.ps.errorf(n.Line, path, "%q is no escalation target. Choose manager, people or revops.", l.to)
				}
			}},
			{"people", func(n *yaml.Node, path string) { l.people = r.emails(n, path) }},
		})
		switch {
		case n.Kind != yaml.MappingNode:
		case !seen["to"]:
			r.ps.errorf(n.Line, path, "The level has no to. Write to: manager, to: people or to: revops.")
		case l.to == toPeople && len(l.people) == 0:
			r.ps.errorf(n.Line, path, "The level names nobody. Add people: [name@example.com].")
		case l.to != toPeople && seen["people"]:
			r.ps.errorf(n.Line, path, "people has no effect with to: %s. Take it out, or write to: people.", l.to)
		}
		r.p.levels = append(r.p.levels, l)
	})
	if k := len(r.p.levels); k > 0 && r.p.levels[k-1].to == toManager {
		r.ps.errorf(r.p.levels[k-1].line, path, "The last level may be nobody: not every rep has a manager. End with to: people or to: revops.")
	}
}

// list writes words as "a, b, c".
func list[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
