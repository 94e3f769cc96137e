package route

import (
	"slices"
	"time"

	"expansionbot/expansion"
)

// Who an escalation level reaches.
const (
	toManager = "manager"
	toPeople  = "people"
	toRevOps  = "revops"
)

// Escalation is one level of the ladder with the people it reaches now.
type Escalation struct {
	Level int                  `json:"level"` // from 1, as in the policy
	To    []expansion.PersonID `json:"to"`    // never empty, in id order except for named people
	Why   string               `json:"why"`   // "manager of the rep", "named by the policy", "RevOps"
	Last  bool                 `json:"last"`  // no later level reaches anybody else
}

// NextLevel returns the first level above level (0 = none used yet) that reaches
// somebody who is active, here and not the rep. When all such people are away, it is
// the last level that reaches anybody active. ok is false when nobody is left: the
// caller stays with the level it has, or at level 0 tells RevOps.
func (p *Policy) NextLevel(rep expansion.PersonID, level int, reps []expansion.Rep, now time.Time) (e Escalation, ok bool) {
	last := Escalation{}
	for i := max(level, 0); i < len(p.levels); i++ {
		active, here := p.levels[i].reach(rep, reps, now)
		at := Escalation{Level: i + 1, To: here, Why: levelWords[p.levels[i].to]}
		switch {
		case len(here) > 0 && !ok:
			e, ok = at, true
			e.Last = true
		case len(active) > 0 && ok:
			e.Last = false
		case len(active) > 0:
			at.To = active
			last = at
		}
	}
	if !ok && last.Level > 0 {
		last.Last = true
		return last, true
	}
	return e, ok
}

var levelWords = map[string]string{toManager: "manager of the rep", toPeople: "named by the policy", toRevOps: "RevOps"}

// reach lists who a level reaches: all who are active, and those of them not away.
func (l *level) reach(rep expansion.PersonID, reps []expansion.Rep, now time.Time) (active, here []expansion.PersonID) {
	var ids []expansion.PersonID
	switch l.to {
	case toManager:
		if i := slices.IndexFunc(reps, func(r expansion.Rep) bool { return r.ID == rep }); i >= 0 {
			ids = append(ids, reps[i].Manager)
		}
	case toPeople:
		ids = l.ids
	case toRevOps:
		for _, r := range reps {
			if r.Role == expansion.RoleRevOps {
				ids = append(ids, r.ID)
			}
		}
		slices.Sort(ids)
	}
	for _, id := range ids {
		i := slices.IndexFunc(reps, func(r expansion.Rep) bool { return r.ID == id })
		if i < 0 || id == rep || id == "" || !reps[i].Active {
			continue
		}
		active = append(active, id)
		if !isAway(&reps[i], now) {
			here = append(here, id)
		}
	}
	return active, here
}

// handBacks is how often a signal is handed back as "not mine" before it goes to a
// manager instead of the next in line (storyboard 7.7).
const handBacks = 3

// PassOn says who gets a signal after from, who handed it back as not theirs or was not
// reached with it; times is how often it was handed back by now. That is who d names; when
// d names nobody, and from the third time on, it is the first manager above from who is
// active, here and did not hand it back too, with the reason in words. to is "" when there
// is no such manager: it then waits for a recipient.
func PassOn(d expansion.Decision, from expansion.PersonID, times int) (to expansion.PersonID, why string) {
	switch {
	case times >= handBacks:
		why = "third time it was passed on"
	case d.To == "":
		why = "nobody else is in line"
	default:
		return d.To, ""
	}
	f, seen := &d.Facts, map[expansion.PersonID]bool{from: true}
	for at := from; ; {
		i := slices.IndexFunc(f.Reps, func(r expansion.Rep) bool { return r.ID == at })
		if i < 0 {
			return "", ""
		}
		if r := &f.Reps[i]; at != from && r.Active && Takes(r.Role) && !slices.Contains(f.Exclude, at) && !isAway(r, f.Now) {
			return at, why
		}
		if at = f.Reps[i].Manager; seen[at] {
			return "", "" // a chain that goes round
		}
		seen[at] = true
	}
}
