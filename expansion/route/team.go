package route

import (
	"math"
	"slices"
	"sync"
	"time"

	"expansionbot/expansion"
)

// Team is everybody a decision may look at, indexed once for many decisions. It
// keeps the slice it was made of, which must not change afterwards; then several
// goroutines may use it.
type Team struct {
	reps        []expansion.Rep
	byID        map[expansion.PersonID]int32 // nil: look through reps
	sellers     []int32                      // AEs and specialists, active
	specialists []int32
	territories map[string][]int32 // AEs
}

// NewTeam indexes reps. Of two reps with the same id the first counts. Inactive ones
// are kept: a rule may name them.
func NewTeam(reps []expansion.Rep) *Team {
	t := &Team{reps: reps, byID: make(map[expansion.PersonID]int32, len(reps)), territories: map[string][]int32{}}
	for i := range reps {
		r, at := &reps[i], int32(i)
		if _, twice := t.byID[r.ID]; twice {
			continue
		}
		t.byID[r.ID] = at
		if !r.Active || !seller(r) {
			continue
		}
		t.sellers = append(t.sellers, at)
		if r.Role == expansion.RoleSpecialist {
			t.specialists = append(t.specialists, at)
		} else if r.Territory != "" {
			t.territories[r.Territory] = append(t.territories[r.Territory], at)
		}
	}
	return t
}

// find returns the index of a person, -1 when nobody has that id.
func (t *Team) find(id expansion.PersonID) int32 {
	if t.byID != nil {
		if i, ok := t.byID[id]; ok {
			return i
		}
		return -1
	}
	for i := range t.reps {
		if t.reps[i].ID == id {
			return int32(i)
		}
	}
	return -1
}

// Takes reports whether people of a role may be given a signal by name: by a person, by
// the CRM's owner, by a rule that names them. A pool holds sellers only.
func Takes(r expansion.Role) bool {
	return r == expansion.RoleAE || r == expansion.RoleSpecialist || r == expansion.RoleManager
}

func seller(r *expansion.Rep) bool {
	return r.Role == expansion.RoleAE || r.Role == expansion.RoleSpecialist
}

// members lists the active people of r's pool; buf is used when the team has no index.
func (t *Team) members(r *rule, f *expansion.Facts, buf []int32) []int32 {
	out := buf[:0]
	switch {
	case t.byID == nil:
		for i := range t.reps {
			if rep := &t.reps[i]; rep.Active && inPool(r, f, rep) {
				out = append(out, int32(i))
			}
		}
	case r.kind == expansion.KindTerritory:
		return t.territories[wantedTerritory(r, f)]
	case r.kind == expansion.KindSpecialist:
		for _, i := range t.specialists {
			if inPool(r, f, &t.reps[i]) {
				out = append(out, i)
			}
		}
	default:
		return t.sellers
	}
	return out
}

// inPool reports whether a person belongs to the pool of a specialist, territory or
// catch_all rule.
func inPool(r *rule, f *expansion.Facts, rep *expansion.Rep) bool {
	switch r.kind {
	case expansion.KindSpecialist:
		if rep.Role != expansion.RoleSpecialist {
			return false
		}
		if len(rep.Specialties) == 0 {
			return true
		}
		if len(r.specialties) == 0 {
			return slices.Contains(rep.Specialties, f.ExpansionType)
		}
		return slices.ContainsFunc(r.specialties, func(t expansion.ExpansionType) bool { return slices.Contains(rep.Specialties, t) })
	case expansion.KindTerritory:
		want := wantedTerritory(r, f)
		return rep.Role == expansion.RoleAE && want != "" && rep.Territory == want
	}
	return seller(rep)
}

func wantedTerritory(r *rule, f *expansion.Facts) string {
	if r.territory != "" {
		return r.territory
	}
	return f.Territory
}

// state is how a person stands for one rule, worst reason first.
type state uint8

const (
	free state = iota
	left
	excluded
	notSeller
	takesNothing
	away
	full
)

// standing returns the state of a person; named says that a rule names them, which
// lets managers in.
func standing(f *expansion.Facts, r *expansion.Rep, named bool) state {
	switch {
	case !r.Active:
		return left
	case slices.Contains(f.Exclude, r.ID):
		return excluded
	case !seller(r) && (!named || !Takes(r.Role)):
		return notSeller
	case r.MaxOpen != nil && *r.MaxOpen <= 0:
		return takesNothing
	case isAway(r, f.Now):
		return away
	case isFull(r):
		return full
	}
	return free
}

func isFull(r *expansion.Rep) bool { return r.MaxOpen != nil && r.Open >= *r.MaxOpen }

func isAway(r *expansion.Rep, now time.Time) bool {
	_, ok := leaveOn(r, now)
	return ok
}

// leaveOn returns the first listed leave that holds now's date in the person's own
// zone. A leave without a first or last day is open at that end.
func leaveOn(r *expansion.Rep, now time.Time) (expansion.Away, bool) {
	if len(r.Away) == 0 {
		return expansion.Away{}, false
	}
	today := dayOf(now)
	zoned := false
	for _, a := range r.Away {
		from, to := leaveDays(a)
		if from > today+1 || to < today-1 { // no zone is that far from UTC
			continue
		}
		if from < today && today < to { // whatever the zone
			return a, true
		}
		if !zoned {
			_, offset := now.In(zoneOf(r.TimeZone)).Zone()
			today, zoned = floorDay(now.Unix()+int64(offset)), true
		}
		if from <= today && today <= to {
			return a, true
		}
	}
	return expansion.Away{}, false
}

// lastDay is the last day of the leave somebody is on, with the leaves that touch or
// overlap it, as a count of days since 1970.
func lastDay(r *expansion.Rep, on expansion.Away) int64 {
	_, last := leaveDays(on)
	for changed := true; changed; {
		changed = false
		for _, a := range r.Away {
			if from, to := leaveDays(a); from <= last+1 && to > last {
				last, changed = to, true
			}
		}
	}
	return last
}

// backAt is 00:00 of the day after the leave, in the person's own zone.
func backAt(r *expansion.Rep, on expansion.Away) time.Time {
	last := lastDay(r, on)
	if last >= openEnd {
		return time.Unix(openEnd*86400, 0)
	}
	return time.Date(1970, 1, 1+int(last)+1, 0, 0, 0, 0, zoneOf(r.TimeZone))
}

// openEnd stands for "no last day", in days since 1970 (the year 3000 or so).
const openEnd = 376_200

func leaveDays(a expansion.Away) (from, to int64) {
	from, to = int64(math.MinInt32), int64(openEnd)
	if !a.From.IsZero() {
		from = dayOf(a.From)
	}
	if !a.To.IsZero() {
		to = min(dayOf(a.To), openEnd)
	}
	return from, to
}

// dayOf counts the UTC days since 1970.
func dayOf(t time.Time) int64 { return floorDay(t.Unix()) }

func floorDay(unix int64) int64 {
	d := unix / 86400
	if unix%86400 < 0 {
		d--
	}
	return d
}

// dateText writes a day count as "2026-04-02".
func dateText(day int64) string {
	return time.Unix(day*86400, 0).UTC().Format(time.DateOnly)
}

var zones sync.Map // zone name -> *time.Location; reading a zone from disk takes longer than a decision

// zoneOf is the time zone of that name, UTC when it is empty or unknown.
func zoneOf(name string) *time.Location {
	if name == "" {
		return time.UTC
	}
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location)
	}
	loc := expansion.Person{TimeZone: name}.Location()
	if name == "Local" { // would mean another zone on each machine
		loc = time.UTC
	}
	zones.Store(name, loc)
	return loc
}

// inForce reports whether now's UTC day lies between two days, nil = open.
func inForce(from, to *time.Time, now time.Time) bool {
	today := dayOf(now)
	return (from == nil || dayOf(*from) <= today) && (to == nil || today <= dayOf(*to))
}

// named lists the people a rule names for f, each once, in the order of the facts.
func named(r *rule, f *expansion.Facts, buf []expansion.PersonID) []expansion.PersonID {
	buf = buf[:0]
	add := func(id expansion.PersonID) {
		if id != "" && !slices.Contains(buf, id) {
			buf = append(buf, id)
		}
	}
	switch r.kind {
	case expansion.KindOpenOpportunity:
		for _, id := range f.OpenOwners {
			add(id)
		}
	case expansion.KindPartner:
		mine := func(p *expansion.Partner, account expansion.AccountID) bool {
			return f.CSM != "" && p.CSM == f.CSM && p.AccountID == account && inForce(p.From, p.To, f.Now)
		}
		for _, account := range [2]expansion.AccountID{f.AccountID, ""} {
			for i := range f.Partners {
				if mine(&f.Partners[i], account) {
					add(f.Partners[i].Rep)
				}
			}
			if len(buf) > 0 { // a row with the account is then the only one looked at
				break
			}
		}
	case expansion.KindNamed:
		for i := range f.Named {
			if n := &f.Named[i]; n.AccountID == f.AccountID && inForce(n.From, n.To, f.Now) {
				add(n.Rep)
			}
		}
	case expansion.KindOriginalAE:
		add(f.OriginalAE)
	case expansion.KindPeople:
		for _, id := range r.ids {
			add(id)
		}
	}
	return buf
}

func namesPeople(k expansion.RuleKind) bool {
	return k != expansion.KindSpecialist && k != expansion.KindTerritory && k != expansion.KindCatchAll
}
