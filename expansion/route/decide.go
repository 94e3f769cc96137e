package route

import (
	"slices"
	"time"

	"expansionbot/expansion"
)

// Choice is a decision without its explanation.
type Choice struct {
	To        expansion.PersonID     `json:"to,omitempty"` // "" = nobody
	Role      expansion.RoutedToRole `json:"role,omitempty"`
	Kind      expansion.RuleKind     `json:"kind"`
	Rule      string                 `json:"rule"`               // name of the deciding rule, "" when nobody
	Covering  expansion.PersonID     `json:"covering,omitempty"` // whom To stands in for
	OverLimit bool                   `json:"overLimit,omitempty"`
}

// Decide picks the rep for f. It reads no clock and does no I/O: the same policy and
// facts give the same Decision, so live routing, preview, "why?" and replay all call
// it. Trace has one Step per rule in file order; rules after the deciding one are
// NotReached, except that a fallback (least loaded, back soonest) has tried them all.
// If nobody is eligible, To is "", Kind is none and the error has CodeNoRecipient;
// the Decision then still tells why.
func (p *Policy) Decide(f expansion.Facts) (expansion.Decision, error) {
	return p.DecideIn(&Team{reps: f.Reps}, f)
}

// DecideIn is Decide over a Team made of f.Reps, for many decisions over one team.
func (p *Policy) DecideIn(t *Team, f expansion.Facts) (expansion.Decision, error) {
	log := newLog(p, t, &f)
	c := p.choose(t, &f, log)
	d := expansion.Decision{
		Kind: expansion.KindNone, Candidates: log.candidates, Trace: log.steps(c), PolicyVersion: p.version, Facts: f,
		Reason: "nobody is eligible under any rule",
	}
	if c.to < 0 {
		return d, expansion.Errorf(expansion.CodeNoRecipient, "Nobody can take this signal: all who sell are inactive or said it isn't theirs. Assign somebody by hand.")
	}
	s := p.summary(t, c)
	d.To, d.Role, d.Kind, d.Rule, d.Covering, d.OverLimit = s.To, s.Role, s.Kind, s.Rule, s.Covering, s.OverLimit
	d.Reason = log.reason(c)
	without := f
	without.Exclude = append(append(make([]expansion.PersonID, 0, len(f.Exclude)+1), f.Exclude...), d.To)
	if next := p.choose(t, &without, nil); next.to >= 0 {
		d.IfUnavailable = t.reps[next.to].ID
	}
	return d, nil
}

// Pick is Decide without Candidates, Trace and IfUnavailable, over a Team instead of
// f.Reps: microseconds, for replay and reports. Nobody eligible is Kind none.
func (p *Policy) Pick(t *Team, f *expansion.Facts) Choice {
	return p.summary(t, p.choose(t, f, nil))
}

// choice is the result of choose in indexes.
type choice struct {
	to       int32 // index into the team, -1 = nobody
	rule     int   // index into the rules
	kind     expansion.RuleKind
	covering int32 // -1 = nobody
	several  bool  // there was more than one to choose from
	back     time.Time
}

var nobody = choice{to: -1, rule: -1, kind: expansion.KindNone, covering: -1}

func (p *Policy) summary(t *Team, c choice) Choice {
	if c.to < 0 {
		return Choice{Kind: expansion.KindNone}
	}
	r, rep := &p.rules[c.rule], &t.reps[c.to]
	s := Choice{To: rep.ID, Kind: c.kind, Rule: r.name, Role: expansion.ToAE, OverLimit: isFull(rep)}
	switch {
	case r.kind == expansion.KindTerritory:
		s.Role = expansion.ToTerritoryRep
	case rep.Role == expansion.RoleSpecialist:
		s.Role = expansion.ToExpansionRep
	}
	if c.covering >= 0 {
		s.Covering = t.reps[c.covering].ID
	}
	return s
}

// choose applies the rules in order, then the fallbacks. log is nil on the fast way.
func (p *Policy) choose(t *Team, f *expansion.Facts, log *log) choice {
	e := envOf(f)
	for i := range p.rules {
		r := &p.rules[i]
		if a := r.when.failing(&e); a != nil {
			if log != nil {
				log.skip(i, a.explain(&e))
			}
			continue
		}
		c := p.try(t, f, i, log)
		if c.to >= 0 {
			return c
		}
	}
	return p.fallback(t, f, &e)
}

// try applies one rule whose condition holds.
func (p *Policy) try(t *Team, f *expansion.Facts, i int, log *log) choice {
	r := &p.rules[i]
	c := choice{to: -1, rule: i, kind: r.kind, covering: -1}
	var idBuf [8]expansion.PersonID
	var buf [64]int32
	people := p.peopleOf(t, f, r, idBuf[:0], buf[:0], log)
	isNamed := namesPeople(r.kind)
	weighted := len(r.weights) > 0 && Pooled(r.kind)
	var eligible []int32
	for _, at := range people {
		s := standing(f, &t.reps[at], isNamed)
		if log != nil {
			log.candidate(i, at, s)
		}
		if s != free {
			continue
		}
		if weighted {
			eligible = append(eligible, at)
		}
		c.several = c.to >= 0
		if c.to < 0 || r.before(&t.reps[at], &t.reps[c.to]) {
			c.to = at
		}
	}
	if len(eligible) > 1 {
		c.to = nextInTurn(t, r, eligible)
	}
	if c.to >= 0 {
		return c
	}
	if !isNamed {
		return c
	}
	for _, id := range named(r, f, idBuf[:0]) {
		at := t.find(id)
		if at < 0 {
			continue
		}
		cover := coverOf(t, f, at, i, log)
		if cover >= 0 && (c.to < 0 || lighter(&t.reps[cover], &t.reps[c.to])) {
			c.several = c.to >= 0
			c.to, c.covering, c.kind = cover, at, expansion.KindCover
		}
	}
	return c
}

// peopleOf lists who a rule looks at, in indexes: the people it names who are known
// here, or the members of its pool. The result may be the team's own: read only.
func (p *Policy) peopleOf(t *Team, f *expansion.Facts, r *rule, ids []expansion.PersonID, buf []int32, log *log) []int32 {
	if !namesPeople(r.kind) {
		return t.members(r, f, buf)
	}
	for _, id := range named(r, f, ids) {
		at := t.find(id)
		if at >= 0 {
			buf = append(buf, at)
		} else if log != nil {
			log.unknown(id, r.name)
		}
	}
	return buf
}

// before orders two eligible people of equal weight: by turns taken where everybody
// gets their share, else by load.
func (r *rule) before(a, b *expansion.Rep) bool {
	if Pooled(r.kind) && a.Picks != b.Picks {
		return a.Picks < b.Picks
	}
	return lighter(a, b)
}

// nextInTurn is weighted round robin without a state of its own. After n turns each
// person should have had n × their weight ÷ all weights. Of those whom one more turn
// leaves below the next whole turn of their share, it takes the one whose turns per
// weight would be fewest: the quota method of Balinski and Young, which keeps
// everybody within one turn of their share. With equal weights that is who has had
// fewest.
func nextInTurn(t *Team, r *rule, people []int32) int32 {
	var turns, weights int64
	for _, at := range people {
		turns += t.reps[at].Picks
		weights += r.turnsOf(t.reps[at].ID)
	}
	best, bestWeight := int32(-1), int64(1)
	for _, at := range people {
		rep := &t.reps[at]
		w := r.turnsOf(rep.ID)
		if (turns+1)*w <= rep.Picks*weights {
			continue // has had their share
		}
		if best >= 0 {
			mine, theirs := (rep.Picks+1)*bestWeight, (t.reps[best].Picks+1)*w
			if mine > theirs || mine == theirs && !lighter(rep, &t.reps[best]) {
				continue
			}
		}
		best, bestWeight = at, w
	}
	return best
}

func (r *rule) turnsOf(id expansion.PersonID) int64 {
	for i := range r.weights {
		if r.weights[i].id == id {
			return r.weights[i].turns
		}
	}
	return 1
}

// lighter orders by load, then turns taken, then id, so that ties are never chance.
func lighter(a, b *expansion.Rep) bool {
	if a.Open != b.Open {
		return a.Open < b.Open
	}
	if a.Picks != b.Picks {
		return a.Picks < b.Picks
	}
	return a.ID < b.ID
}

// coverOf follows the covers of somebody who is away to the first one who is here.
// It returns -1 when that one can't take it, and for somebody who is here, who left,
// or who said the signal isn't theirs: then nobody should stand in for them.
func coverOf(t *Team, f *expansion.Facts, at int32, rule int, log *log) int32 {
	if slices.Contains(f.Exclude, t.reps[at].ID) {
		return -1
	}
	var buf [8]int32
	for seen := append(buf[:0], at); ; seen = append(seen, at) {
		r := &t.reps[at]
		leave, ok := leaveOn(r, f.Now)
		if !ok || !r.Active || leave.Cover == "" {
			return -1
		}
		if at = t.find(leave.Cover); at < 0 {
			if log != nil {
				log.unknown(leave.Cover, log.p.rules[rule].name)
			}
			return -1
		}
		if slices.Contains(seen, at) { // round in a circle
			return -1
		}
		s := standing(f, &t.reps[at], false)
		if log != nil {
			log.candidate(rule, at, s)
		}
		if s == free {
			return at
		}
	}
}

// fallback chooses when no rule has anybody eligible: the least loaded of those who
// are only full, under the first rule that has such people; else, of all who are
// away, the one who is back soonest; else nobody. Covers are not looked at.
func (p *Policy) fallback(t *Team, f *expansion.Facts, e *env) choice {
	soonest := nobody
	for i := range p.rules {
		r := &p.rules[i]
		if r.when.failing(e) != nil {
			continue
		}
		lightest := choice{to: -1, rule: i, kind: expansion.KindLeastLoaded, covering: -1}
		var idBuf [8]expansion.PersonID
		var buf [64]int32
		for _, at := range p.peopleOf(t, f, r, idBuf[:0], buf[:0], nil) {
			rep := &t.reps[at]
			switch standing(f, rep, namesPeople(r.kind)) {
			case full:
				lightest.several = lightest.to >= 0
				if lightest.to < 0 || lighter(rep, &t.reps[lightest.to]) {
					lightest.to = at
				}
			case away:
				leave, _ := leaveOn(rep, f.Now)
				back := backAt(rep, leave)
				if soonest.to < 0 || back.Before(soonest.back) || back.Equal(soonest.back) && lighter(rep, &t.reps[soonest.to]) {
					soonest = choice{to: at, rule: i, kind: expansion.KindBackSoonest, covering: -1, back: back}
				}
			}
		}
		if lightest.to >= 0 {
			return lightest
		}
	}
	return soonest
}
