package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// Lint checks a policy against the people and accounts it will meet: e-mails nobody
// has, people who left or never sell, rules that can never decide, conditions no
// account meets, territories without an AE, accounts no rule covers, and an
// escalation that ends with nobody. Problems of error level keep the policy from
// being published. Named accounts and partners are not seen here: an account that
// only those cover is reported.
func Lint(p *Policy, people []expansion.Person, accounts []expansion.Account) Problems {
	ids := make(map[string]expansion.PersonID, len(people))
	emails := make(map[expansion.PersonID]string, len(people))
	reps := make([]expansion.Rep, len(people))
	for i, x := range people {
		ids[x.Email], emails[x.ID] = x.ID, x.Email
		reps[i] = expansion.Rep{ID: x.ID, Role: x.Role, Territory: x.Territory, Manager: x.Manager, Specialties: x.Specialties, Active: x.Active}
	}
	bound, ps := p.Bind(ids)
	l := linter{p: bound, team: NewTeam(reps), emails: emails, accounts: accounts, ps: ps}
	l.people()
	l.unreachable()
	l.words()
	l.coverage()
	l.escalation()
	return l.ps.sorted()
}

type linter struct {
	p        *Policy
	team     *Team
	emails   map[expansion.PersonID]string
	accounts []expansion.Account
	ps       Problems
}

func rulePath(i int) string { return fmt.Sprintf("rules[%d]", i) }

func (l *linter) people() {
	for i := range l.p.rules {
		r := &l.p.rules[i]
		able := 0
		for _, id := range r.ids {
			rep, email := &l.team.reps[l.team.find(id)], l.emails[id]
			switch {
			case !rep.Active:
				l.ps.warnf(r.line, rulePath(i), "Rule %d `%s` names %s, who is deactivated. Take the e-mail out.", i+1, r.name, email)
			case !seller(rep) && rep.Role != expansion.RoleManager:
				l.ps.warnf(r.line, rulePath(i), "Rule %d `%s` names %s, who is %s and never gets signals. Name an AE, a specialist or a manager.", i+1, r.name, email, rep.Role.Label())
			default:
				able++
			}
		}
		if r.kind == expansion.KindPeople && able == 0 {
			l.ps.errorf(r.line, rulePath(i), "Rule %d `%s` names nobody who can take a signal. Name an active AE, specialist or manager.", i+1, r.name)
		}
	}
}

// unreachable finds rules whose condition contradicts itself, and rules that come
// after one that already took everybody they could name. It proves this for
// comparisons joined by "and"; other conditions only when they are written the same.
func (l *linter) unreachable() {
	for i := range l.p.rules {
		b := &l.p.rules[i]
		if x, y := contradiction(b.when.atoms); x != nil {
			l.ps.warnf(b.line, rulePath(i)+".when", "Rule %d `%s` can never match: %s and %s exclude each other.", i+1, b.name, x.source, y.source)
			continue
		}
		for j := range i {
			a := &l.p.rules[j]
			if !impliesAll(b.when.atoms, a.when.atoms) {
				continue
			}
			if looksAtAll(a, b) {
				l.ps.warnf(b.line, rulePath(i), "Rule %d `%s` can never match: rule %d `%s` takes everything first. Move it up or take it out.", i+1, b.name, j+1, a.name)
				break
			}
			if a.kind == expansion.KindCatchAll {
				l.ps.warnf(b.line, rulePath(i), "Rule %d `%s` can match only for a manager: rule %d `%s` takes everybody else first. Move it up.", i+1, b.name, j+1, a.name)
				break
			}
		}
	}
}

// looksAtAll reports whether everybody rule b may choose, rule a has looked at.
func looksAtAll(a, b *rule) bool {
	if a.kind == expansion.KindCatchAll {
		return !namesPeople(b.kind)
	}
	if a.kind != b.kind {
		return false
	}
	within := func(x, y []expansion.ExpansionType) bool {
		return !slices.ContainsFunc(x, func(t expansion.ExpansionType) bool { return !slices.Contains(y, t) })
	}
	switch a.kind {
	case expansion.KindSpecialist:
		return (len(a.specialties) == 0) == (len(b.specialties) == 0) && within(b.specialties, a.specialties)
	case expansion.KindTerritory:
		return a.territory == b.territory
	case expansion.KindPeople:
		return !slices.ContainsFunc(b.people, func(e string) bool { return !slices.Contains(a.people, e) })
	}
	return true
}

// impliesAll reports whether each atom of then follows from one of given.
func impliesAll(given, then []atom) bool {
	for i := range then {
		if !slices.ContainsFunc(given, func(g atom) bool { return implies(&g, &then[i]) }) {
			return false
		}
	}
	return true
}

func implies(g, x *atom) bool {
	switch {
	case g.source == x.source:
		return true
	case len(g.fields) != 1 || len(x.fields) != 1 || g.fields[0] != x.fields[0]:
		return false
	case g.text != nil && x.text != nil:
		has := func(w string) bool { return slices.Contains(x.words, w) }
		switch {
		case !g.not && !x.not:
			return !slices.ContainsFunc(g.words, func(w string) bool { return !has(w) })
		case !g.not && x.not:
			return !slices.ContainsFunc(g.words, has)
		case g.not && x.not:
			return !slices.ContainsFunc(x.words, func(w string) bool { return !slices.Contains(g.words, w) })
		}
	case g.number != nil && x.number != nil:
		lo := g.span.lo > x.span.lo || g.span.lo == x.span.lo && (g.span.loOpen || !x.span.loOpen)
		hi := g.span.hi < x.span.hi || g.span.hi == x.span.hi && (g.span.hiOpen || !x.span.hiOpen)
		return lo && hi
	}
	return false
}

// contradiction returns two atoms that never hold together.
func contradiction(atoms []atom) (x, y *atom) {
	for i := range atoms {
		for j := range i {
			a, b := &atoms[j], &atoms[i]
			if len(a.fields) != 1 || len(b.fields) != 1 || a.fields[0] != b.fields[0] {
				continue
			}
			if a.text != nil && b.text != nil {
				if a.not && !b.not {
					a, b = b, a
				}
				left := slices.ContainsFunc(a.words, func(w string) bool { return slices.Contains(b.words, w) != b.not })
				if !a.not && !left {
					return &atoms[j], &atoms[i]
				}
			}
			if a.number != nil && b.number != nil {
				lo, hi := max(a.span.lo, b.span.lo), min(a.span.hi, b.span.hi)
				if lo > hi || lo == hi && (!a.span.has(lo) || !b.span.has(lo)) {
					return &atoms[j], &atoms[i]
				}
			}
		}
	}
	return nil, nil
}

// accountWords are the account's texts that a condition or a report can group by.
var accountWords = []struct {
	field string
	of    func(*expansion.Account) string
}{
	{"account.region", func(a *expansion.Account) string { return a.Region }},
	{"account.territory", func(a *expansion.Account) string { return a.Territory }},
	{"account.segment", func(a *expansion.Account) string { return a.Segment }},
	{"account.plan", func(a *expansion.Account) string { return a.Plan }},
}

// words reports conditions on values that no account has, and territories without AE.
func (l *linter) words() {
	if len(l.accounts) == 0 {
		return
	}
	counts := make([]map[string]int, len(accountWords))
	for k, w := range accountWords {
		counts[k] = map[string]int{}
		for i := range l.accounts {
			counts[k][w.of(&l.accounts[i])]++
		}
	}
	for i := range l.p.rules {
		r := &l.p.rules[i]
		for _, a := range r.when.atoms {
			for k, w := range accountWords {
				if a.text == nil || a.not || a.fields[0] != w.field {
					continue
				}
				for _, v := range a.words {
					if counts[k][v] == 0 {
						l.ps.warnf(r.line, rulePath(i)+".when", "No account has %s %q. Check the spelling; upper and lower case differ.", strings.TrimPrefix(w.field, "account."), v)
					}
				}
			}
		}
	}
	i := slices.IndexFunc(l.p.rules, func(r rule) bool { return r.kind == expansion.KindTerritory && r.territory == "" })
	if i < 0 {
		return
	}
	territories := counts[1]
	for _, name := range slices.Sorted(maps.Keys(territories)) {
		switch {
		case name == "":
			l.ps.warnf(l.p.rules[i].line, rulePath(i), "%s no territory. Set it in the accounts.", have(territories[name]))
		case len(l.team.territories[name]) == 0:
			l.ps.warnf(l.p.rules[i].line, rulePath(i), "Territory %q (%s) has no active AE. Give it one.", name, accountsText(territories[name]))
		}
	}
}

func accountsText(n int) string {
	if n == 1 {
		return "1 live account"
	}
	return fmt.Sprintf("%d live accounts", n)
}

func have(n int) string {
	if n == 1 {
		return "1 live account has"
	}
	return fmt.Sprintf("%d live accounts have", n)
}

// coverage reports the accounts for which some signal finds no rule with anybody.
func (l *linter) coverage() {
	signals := l.signals()
	known := map[env]bool{}
	var holes []*expansion.Account
	for i := range l.accounts {
		a := &l.accounts[i]
		f := expansion.Facts{AccountID: a.ID, Segment: a.Segment, Region: a.Region, Territory: a.Territory, Plan: a.Plan, CSM: a.CSM, OriginalAE: a.OriginalAE}
		if a.ARR != nil {
			f.ARRMinor, f.Currency = &a.ARR.Minor, a.ARR.Currency
		}
		e := envOf(&f)
		at := l.team.find(a.OriginalAE)
		ae := at >= 0 && standing(&f, &l.team.reps[at], true) == free
		key := e
		key.Account.HasAE = ae
		if !l.uses("account.id") {
			key.Account.ID = ""
		}
		if !l.uses("account.arr") || a.ARR == nil { // a NaN is no key
			key.Account.ARR = -1
		}
		key.Signal = signalEnv{}
		covered, ok := known[key]
		if !ok {
			covered = l.covered(&f, e, ae, signals)
			known[key] = covered
		}
		if !covered {
			holes = append(holes, a)
		}
	}
	l.reportHoles(holes)
}

func (l *linter) covered(f *expansion.Facts, e env, ae bool, signals []signalEnv) bool {
	var buf [64]int32
	for _, s := range signals {
		e.Signal, f.ExpansionType = s, expansion.ExpansionType(s.ExpansionType)
		ok := slices.ContainsFunc(l.p.rules, func(r rule) bool {
			switch {
			case r.when.failing(&e) != nil:
				return false
			case r.kind == expansion.KindOriginalAE:
				return ae
			case r.kind == expansion.KindPeople:
				return slices.ContainsFunc(r.ids, func(id expansion.PersonID) bool {
					return standing(f, &l.team.reps[l.team.find(id)], true) == free
				})
			case namesPeople(r.kind):
				return false
			}
			return len(l.team.members(&r, f, buf[:0])) > 0
		})
		if !ok {
			return false
		}
	}
	return true
}

// reportHoles names a value when it has no covered account, the rest by an example.
func (l *linter) reportHoles(holes []*expansion.Account) {
	everywhere := len(holes) == len(l.accounts)
	for _, w := range accountWords {
		if everywhere { // no value is to blame
			break
		}
		all, open := map[string]int{}, map[string]int{}
		for i := range l.accounts {
			all[w.of(&l.accounts[i])]++
		}
		for _, a := range holes {
			open[w.of(a)]++
		}
		for _, v := range slices.Sorted(maps.Keys(open)) {
			if v == "" || open[v] < all[v] {
				continue
			}
			l.ps.warnf(0, "rules", "No rule covers %s = %s (%s). Add a rule for it, or a catch_all at the end.", strings.TrimPrefix(w.field, "account."), v, accountsText(open[v]))
			holes = slices.DeleteFunc(holes, func(a *expansion.Account) bool { return w.of(a) == v })
		}
	}
	if len(holes) > 0 {
		first := slices.MinFunc(holes, func(a, b *expansion.Account) int { return cmp.Compare(a.ID, b.ID) })
		l.ps.warnf(0, "rules", "No rule covers %s, for example %s. Add a catch_all at the end, or people to the pools.", accountsText(len(holes)), first.ID)
	}
}

func (l *linter) uses(name string) bool {
	return slices.ContainsFunc(l.p.rules, func(r rule) bool {
		return slices.ContainsFunc(r.when.atoms, func(a atom) bool { return slices.Contains(a.fields, name) })
	})
}

// signals lists signals that differ in what the policy looks at: each word, and
// numbers on both sides of each threshold.
func (l *linter) signals() []signalEnv {
	types, strengths := []string{string(expansion.UsageGrowth)}, []string{string(expansion.Strong)}
	if l.uses("signal.type") {
		types = closedWords["signal.type"]
	}
	if l.uses("signal.strength") {
		strengths = closedWords["signal.strength"]
	}
	around := func(name string) []float64 {
		out := []float64{0}
		for _, r := range l.p.rules {
			for _, a := range r.when.atoms {
				if a.number == nil || a.fields[0] != name {
					continue
				}
				for _, v := range []float64{a.span.lo, a.span.hi} {
					if v > -1e18 && v < 1e18 {
						out = append(out, v-0.01, v, v+0.01)
					}
				}
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	var out []signalEnv
	for _, score := range around("signal.score") {
		for _, potential := range around("signal.potential") {
			for _, t := range types {
				for _, s := range strengths {
					for _, x := range expansion.ExpansionTypes {
						if len(out) == maxSignals {
							return out
						}
						out = append(out, signalEnv{Type: t, Strength: s, ExpansionType: string(x), Score: score, Potential: potential, PotentialKnown: true})
					}
				}
			}
		}
	}
	return out
}

// maxSignals bounds the signals coverage tries for each kind of account.
const maxSignals = 5000

// escalation checks each level; the last must reach somebody active whoever the rep is.
func (l *linter) escalation() {
	for i := range l.p.levels {
		v, path, last := &l.p.levels[i], fmt.Sprintf("escalation[%d]", i), i == len(l.p.levels)-1
		for _, id := range v.ids {
			if rep := &l.team.reps[l.team.find(id)]; !rep.Active {
				l.ps.warnf(v.line, path, "Escalation level %d points to a deactivated user, %s. Name somebody else.", i+1, l.emails[id])
			}
		}
		if active, _ := v.reach("", l.team.reps, time.Time{}); last && len(active) == 0 {
			l.ps.errorf(v.line, path, "Escalation ends with nobody: level %d reaches no active person. Name somebody, or add a person of role revops.", i+1)
		}
	}
}
