package route

import (
	"fmt"
	"strconv"
	"strings"

	"expansionbot/expansion"
)

// log collects what a decision looked at, for "why?".
type log struct {
	p          *Policy
	t          *Team
	f          *expansion.Facts
	candidates []expansion.Candidate
	seen       []state // per person, the state last logged + 1
	skipped    []string
	counts     [][full + 1]int // per rule, people by state
	unknowns   map[expansion.PersonID]bool
}

func newLog(p *Policy, t *Team, f *expansion.Facts) *log {
	return &log{
		p: p, t: t, f: f, candidates: []expansion.Candidate{}, seen: make([]state, len(t.reps)),
		skipped: make([]string, len(p.rules)), counts: make([][full + 1]int, len(p.rules)),
	}
}

func (l *log) skip(rule int, why string) { l.skipped[rule] = why }

// candidate notes a person under a rule. Somebody several rules look at is listed
// once, and again only when they stand differently (a manager as a cover).
func (l *log) candidate(rule int, at int32, s state) {
	l.counts[rule][s]++
	if l.seen[at] == s+1 {
		return
	}
	l.seen[at] = s + 1
	l.candidates = append(l.candidates, expansion.Candidate{ID: l.t.reps[at].ID, Rule: l.p.rules[rule].name, Dropped: l.dropped(at, s)})
}

// unknown notes somebody a rule names whom the facts don't hold.
func (l *log) unknown(id expansion.PersonID, rule string) {
	if l.unknowns[id] {
		return
	}
	if l.unknowns == nil {
		l.unknowns = map[expansion.PersonID]bool{}
	}
	l.unknowns[id] = true
	l.candidates = append(l.candidates, expansion.Candidate{ID: id, Rule: rule, Dropped: "not known here"})
}

func (l *log) dropped(at int32, s state) string {
	r := &l.t.reps[at]
	switch s {
	case left:
		return "left"
	case excluded:
		return "said not mine"
	case notSeller:
		return "not a seller"
	case takesNothing:
		return "takes nothing"
	case away:
		return "away " + awayText(r, l.f)
	case full:
		return strconv.Itoa(r.Open) + " of " + strconv.Itoa(*r.MaxOpen) + " open"
	}
	return ""
}

// awayText is "until 2026-04-02", the last day of the leave.
func awayText(r *expansion.Rep, f *expansion.Facts) string {
	leave, _ := leaveOn(r, f.Now)
	if last := lastDay(r, leave); last < openEnd {
		return "until " + dateText(last)
	}
	return "without an end date"
}

// steps writes the trace: one step per rule in file order.
func (l *log) steps(c choice) []expansion.Step {
	out := make([]expansion.Step, len(l.p.rules))
	// A fallback comes after all rules; a direct choice ends the trace.
	fellBack := c.to < 0 || c.kind == expansion.KindLeastLoaded || c.kind == expansion.KindBackSoonest
	for i := range l.p.rules {
		r := &l.p.rules[i]
		s := expansion.Step{Rule: r.name, Kind: r.kind}
		switch {
		case i == c.rule:
			s.Result, s.Fact = expansion.Chose, l.reason(c)
		case !fellBack && i > c.rule:
			s.Result, s.Fact = expansion.NotReached, "an earlier rule decided"
		case l.skipped[i] != "":
			s.Result, s.Fact = expansion.Skipped, l.skipped[i]
		case l.counts[i] == [full + 1]int{}:
			s.Result, s.Fact = expansion.Skipped, l.noOne(r)
		default:
			s.Result, s.Fact = expansion.NobodyEligible, l.tally(i)
		}
		out[i] = s
	}
	return out
}

// noOne says why a rule has nobody to look at.
func (l *log) noOne(r *rule) string {
	switch r.kind {
	case expansion.KindOpenOpportunity:
		return "no open opportunity on the account whose owner is known here"
	case expansion.KindPartner:
		return "no partner of the account's CSM is in force"
	case expansion.KindNamed:
		return "no named account executive is in force"
	case expansion.KindOriginalAE:
		return "the account has no original AE known here"
	case expansion.KindSpecialist:
		return "no active specialist for " + l.specialty(r)
	case expansion.KindTerritory:
		if t := wantedTerritory(r, l.f); t != "" {
			return "no active AE in territory " + t
		}
		return "the account has no territory"
	case expansion.KindPeople:
		return "nobody the rule names is known here"
	}
	return "there is no active AE or specialist"
}

var stateWords = map[state]string{
	left: "left", excluded: "said not mine", notSeller: "not a seller", takesNothing: "takes nothing", away: "away", full: "full",
}

// tally is "3 considered: 2 full, 1 away".
func (l *log) tally(rule int) string {
	n := 0
	var parts []string
	for s := left; s <= full; s++ {
		if k := l.counts[rule][s]; k > 0 {
			n += k
			parts = append(parts, fmt.Sprintf("%d %s", k, stateWords[s]))
		}
	}
	return fmt.Sprintf("%d considered: %s", n, strings.Join(parts, ", "))
}

// reason says in words and without names why c was chosen.
func (l *log) reason(c choice) string {
	r, rep := &l.p.rules[c.rule], &l.t.reps[c.to]
	who, load := l.who(r), loadText(rep)
	switch c.kind {
	case expansion.KindCover:
		return "cover for the " + who + ", who is away " + awayText(&l.t.reps[c.covering], l.f) + "; " + load
	case expansion.KindLeastLoaded:
		if c.several {
			return "nobody free under any rule; least loaded of the full: " + who + ", " + load
		}
		return "nobody free under any rule; " + who + ", full but here, " + load
	case expansion.KindBackSoonest:
		if c.back.Unix() >= openEnd*86400 {
			return "nobody here under any rule; " + who + ", away without an end date, " + load
		}
		return "nobody here under any rule; back soonest, on " + c.back.Format("2006-01-02") + ": " + who + ", " + load
	case expansion.KindCatchAll:
		return who + ", lowest load of all who are free, " + load
	}
	if c.several && Pooled(c.kind) {
		return who + ", next in turn, " + load
	}
	return who + ", active, " + load
}

// who is what a rule calls its people.
func (l *log) who(r *rule) string {
	switch r.kind {
	case expansion.KindOpenOpportunity:
		return "owner of an open opportunity on the account"
	case expansion.KindPartner:
		return "CSM's partner"
	case expansion.KindNamed:
		return "named account executive"
	case expansion.KindOriginalAE:
		return "original AE on the account"
	case expansion.KindSpecialist:
		return "specialist for " + l.specialty(r)
	case expansion.KindTerritory:
		return "territory rep for " + wantedTerritory(r, l.f)
	case expansion.KindPeople:
		return "person named by rule " + r.name
	}
	return "catch-all"
}

func (l *log) specialty(r *rule) string {
	types := r.specialties
	if len(types) == 0 {
		types = []expansion.ExpansionType{l.f.ExpansionType}
	}
	words := make([]string, len(types))
	for i, t := range types {
		if words[i] = strings.ToLower(t.Label()); words[i] == "" {
			words[i] = "an unknown expansion type"
		}
	}
	return strings.Join(words, " or ")
}

// loadText is "load 3 of 8", or "load 3" without a limit.
func loadText(r *expansion.Rep) string {
	s := "load " + strconv.Itoa(r.Open)
	if r.MaxOpen != nil {
		s += " of " + strconv.Itoa(*r.MaxOpen)
	}
	return s
}
