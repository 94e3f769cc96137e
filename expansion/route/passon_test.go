package route_test

import (
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

func TestPassOn(t *testing.T) { // storyboard 7.7
	t.Parallel()
	away := []expansion.Away{{}} // open at both ends
	team := func(alter ...func(map[expansion.PersonID]*expansion.Rep)) []expansion.Rep {
		m := map[expansion.PersonID]*expansion.Rep{
			"marcus": {ID: "marcus", Role: expansion.RoleAE, Manager: "lena", Active: true},
			"lena":   {ID: "lena", Role: expansion.RoleManager, Manager: "vera", Active: true},
			"vera":   {ID: "vera", Role: expansion.RoleManager, Active: true},
		}
		for _, f := range alter {
			f(m)
		}
		return []expansion.Rep{*m["marcus"], *m["lena"], *m["vera"]}
	}
	const third, alone = "third time it was passed on", "nobody else is in line"
	for _, c := range []struct {
		name    string
		named   expansion.PersonID // by the policy
		times   int                // handed back by now
		reps    []expansion.Rep
		exclude []expansion.PersonID
		to      expansion.PersonID
		why     string
	}{
		{"the first time to whom the policy names", "dana", 1, team(), nil, "dana", ""},
		{"the second time too", "dana", 2, team(), nil, "dana", ""},
		{"the third time to the manager", "dana", 3, team(), nil, "lena", third},
		{"with nobody in line to the manager", "", 1, team(), nil, "lena", alone},
		{"skips a manager who is away", "", 1, team(func(m map[expansion.PersonID]*expansion.Rep) { m["lena"].Away = away }), nil, "vera", alone},
		{"skips a manager who has left", "", 1, team(func(m map[expansion.PersonID]*expansion.Rep) { m["lena"].Active = false }), nil, "vera", alone},
		{"skips a manager who handed it back", "", 3, team(), []expansion.PersonID{"marcus", "lena"}, "vera", third},
		{"skips a superior who takes no signals", "", 1, team(func(m map[expansion.PersonID]*expansion.Rep) { m["lena"].Role = expansion.RoleRevOps }), nil, "vera", alone},
		{"never to whom it came from", "", 1, team(func(m map[expansion.PersonID]*expansion.Rep) { m["marcus"].Manager = "marcus" }), nil, "", ""},
		{"a chain that goes round ends", "", 1, team(func(m map[expansion.PersonID]*expansion.Rep) { m["vera"].Manager = "lena" }), []expansion.PersonID{"lena", "vera"}, "", ""},
		{"a manager nobody knows ends it", "", 1, team(func(m map[expansion.PersonID]*expansion.Rep) { m["marcus"].Manager = "gone" }), nil, "", ""},
		{"one who was not reached, never handed back", "dana", 0, team(), nil, "dana", ""},
		{"the third time waits when no manager is here, whoever is in line", "dana", 3, team(func(m map[expansion.PersonID]*expansion.Rep) { m["lena"].Active, m["vera"].Away = false, away }), nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
			d := expansion.Decision{To: c.named, Facts: expansion.Facts{Now: now, Reps: c.reps, Exclude: c.exclude}}
			if to, why := route.PassOn(d, "marcus", c.times); to != c.to || why != c.why {
				t.Fatalf("got %q, %q; want %q, %q", to, why, c.to, c.why)
			}
		})
	}
}
