package route_test

import (
	"strings"
	"testing"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"github.com/google/go-cmp/cmp"
)

func person(email string, role expansion.Role, changes ...func(*expansion.Person)) expansion.Person {
	id, _, _ := strings.Cut(email, "@")
	p := expansion.Person{ID: expansion.PersonID(id), Email: email, Role: role, Active: true}
	for _, c := range changes {
		c(&p)
	}
	return p
}

func in(territory string) func(*expansion.Person) {
	return func(p *expansion.Person) { p.Territory = territory }
}
func deactivated(p *expansion.Person) { p.Active = false }

// TestLint is storyboard 6.2.
func TestLint(t *testing.T) {
	t.Parallel()
	p, err := route.ParsePolicy([]byte(`rules:
  - name: named-people
    kind: people
    when: account.segment == "Strategic"
    people: [ann@acme.example, old@acme.example, priya@acme.example, nobody@acme.example]
  - name: old-people
    kind: people
    when: account.plan == "x"
    people: [old@acme.example]
  - name: emea
    kind: territory
    when: account.region in ["EMEA", "AMER"]
  - name: emea-enterprise
    kind: territory
    when: account.region == "EMEA" and account.arr > 100
  - name: never
    kind: catch_all
    when: signal.score > 0.9 and signal.score < 0.5
  - name: everybody
    kind: catch_all
    when: account.region != "MEA" and account.id != "a9"
  - name: late
    kind: original_ae
    when: account.region == "EMEA"
escalation:
  - {to: people, people: [old@acme.example]}
  - {to: revops}
`))
	if err != nil {
		t.Fatal(err)
	}
	people := []expansion.Person{
		person("ann@acme.example", "ae", in("West")), person("old@acme.example", "ae", in("East"), deactivated), person("priya@acme.example", "csm"),
		person("ravi@acme.example", "revops", deactivated),
	}
	accounts := []expansion.Account{
		{ID: "a1", Region: "EMEA", Territory: "West", Segment: "SMB", Plan: "x"},
		{ID: "a2", Region: "MEA", Segment: "SMB", Plan: "y"},
		{ID: "a3", Region: "MEA", Territory: "East", Segment: "SMB", Plan: "y"},
		{ID: "a4", Region: "MEA", Territory: "West", Segment: "SMB", Plan: "y"},
		{ID: "a9", Region: "APAC", Territory: "West", Segment: "SMB", Plan: "y"},
		{ID: "a8", Region: "APAC", Territory: "West", Segment: "SMB", Plan: "y"},
	}
	got := route.Lint(p, people, accounts)
	lines := make([]string, len(got))
	for i, x := range got {
		lines[i] = string(x.Level) + " " + x.String()
	}
	expect := []string{
		"warning rules: No rule covers region = MEA (3 live accounts). Add a rule for it, or a catch_all at the end.",
		"warning rules: No rule covers 1 live account, for example a9. Add a catch_all at the end, or people to the pools.",
		"warning line 2, rules[0]: Rule 1 `named-people` names old@acme.example, who is deactivated. Take the e-mail out.",
		"warning line 2, rules[0]: Rule 1 `named-people` names priya@acme.example, who is CSM and never gets signals. Name an AE, a specialist or a manager.",
		`warning line 2, rules[0].when: No account has segment "Strategic". Check the spelling; upper and lower case differ.`,
		"error line 5: Nobody here has the e-mail nobody@acme.example. Import the person or take the e-mail out.",
		"warning line 6, rules[1]: Rule 2 `old-people` names old@acme.example, who is deactivated. Take the e-mail out.",
		"error line 6, rules[1]: Rule 2 `old-people` names nobody who can take a signal. Name an active AE, specialist or manager.",
		`warning line 10, rules[2].when: No account has region "AMER". Check the spelling; upper and lower case differ.`,
		"warning line 10, rules[2]: 1 live account has no territory. Set it in the accounts.",
		`warning line 10, rules[2]: Territory "East" (1 live account) has no active AE. Give it one.`,
		"warning line 13, rules[3]: Rule 4 `emea-enterprise` can never match: rule 3 `emea` takes everything first. Move it up or take it out.",
		"warning line 16, rules[4].when: Rule 5 `never` can never match: signal.score > 0.9 and signal.score < 0.5 exclude each other.",
		"warning line 26, escalation[0]: Escalation level 1 points to a deactivated user, old@acme.example. Name somebody else.",
		"error line 27, escalation[1]: Escalation ends with nobody: level 2 reaches no active person. Name somebody, or add a person of role revops.",
	}
	if diff := cmp.Diff(expect, lines); diff != "" {
		t.Errorf("lint (-want +got):\n%s", diff)
	}
}

func TestLintOfTheShippedPolicyIsClean(t *testing.T) {
	t.Parallel()
	people := []expansion.Person{person("ann@acme.example", "ae", in("West")), person("ravi@acme.example", "revops")}
	accounts := []expansion.Account{{ID: "a1", Territory: "West", Region: "AMER"}, {ID: "a2", Territory: "West", Region: "EMEA"}}
	if ps := route.Lint(route.Default(), people, accounts); len(ps) > 0 {
		t.Errorf("problems:\n%v", ps)
	}
	ps := route.Lint(route.Default(), people[1:], accounts)
	if ps.Errors() || len(ps) != 2 || ps[0].Text != "No rule covers 2 live accounts, for example a1. Add a catch_all at the end, or people to the pools." {
		t.Errorf("without anybody who sells:\n%v", ps)
	}
}

func TestCatchAllBeforeOthersIsReported(t *testing.T) {
	t.Parallel()
	p, err := route.ParsePolicy([]byte("rules:\n  - {name: all, kind: catch_all}\n  - {name: ae, kind: original_ae}\n  - {name: pool, kind: specialist}\nescalation: [{to: revops}]"))
	if err != nil {
		t.Fatal(err)
	}
	ps := route.Lint(p, []expansion.Person{person("ravi@acme.example", "revops")}, nil)
	if len(ps) != 2 || !strings.Contains(ps[0].Text, "`ae` can match only for a manager") || !strings.Contains(ps[1].Text, "`pool` can never match: rule 1 `all`") {
		t.Errorf("problems:\n%v", ps)
	}
}

func TestNextLevel(t *testing.T) {
	t.Parallel()
	p, err := route.ParsePolicy([]byte(`rules: [{name: all, kind: catch_all}]
escalation:
  - to: manager
  - {to: people, people: [vera@acme.example, otto@acme.example]}
  - to: revops
`))
	if err != nil {
		t.Fatal(err)
	}
	p, ps := p.Bind(map[string]expansion.PersonID{"vera@acme.example": "vera", "otto@acme.example": "otto"})
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	under := func(m expansion.PersonID) func(*expansion.Rep) { return func(r *expansion.Rep) { r.Manager = m } }
	vacation := off("2026-03-09", "2026-03-13", "")
	team := func(lena, vera, otto, ravi func(*expansion.Rep)) []expansion.Rep {
		return []expansion.Rep{rep("marcus", "ae", under("lena")), rep("lena", "manager", under("lena"), lena), rep("vera", "manager", vera), rep("otto", "csm", otto), rep("ravi", "revops", ravi)}
	}
	here := func(*expansion.Rep) {}
	tests := []struct {
		name  string
		rep   expansion.PersonID
		level int
		team  []expansion.Rep
		want  route.Escalation
		ok    bool
	}{
		{"first the manager", "marcus", 0, team(here, here, here, here), route.Escalation{Level: 1, To: []expansion.PersonID{"lena"}, Why: "manager of the rep"}, true},
		{"then the people the policy names, in its order", "marcus", 1, team(here, here, here, here), route.Escalation{Level: 2, To: []expansion.PersonID{"vera", "otto"}, Why: "named by the policy"}, true},
		{"in the end RevOps", "marcus", 2, team(here, here, here, here), route.Escalation{Level: 3, To: []expansion.PersonID{"ravi"}, Why: "RevOps", Last: true}, true},
		{"a manager who is away is passed over", "marcus", 0, team(vacation, here, gone, here), route.Escalation{Level: 2, To: []expansion.PersonID{"vera"}, Why: "named by the policy"}, true},
		{"a manager is not told about themselves", "lena", 0, team(here, here, here, here), route.Escalation{Level: 2, To: []expansion.PersonID{"vera", "otto"}, Why: "named by the policy"}, true},
		{"the last level with somebody is the last", "marcus", 0, team(here, gone, gone, gone), route.Escalation{Level: 1, To: []expansion.PersonID{"lena"}, Why: "manager of the rep", Last: true}, true},
		{"when all are away the last level hears of it", "marcus", 0, team(vacation, vacation, gone, gone), route.Escalation{Level: 2, To: []expansion.PersonID{"vera"}, Why: "named by the policy", Last: true}, true},
		{"after the last level there is none", "marcus", 3, team(here, here, here, here), route.Escalation{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := p.NextLevel(tt.rep, tt.level, tt.team, tuesday)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
				t.Errorf("ok %v, want %v; (-want +got):\n%s", ok, tt.ok, diff)
			}
		})
	}
}

func TestStartPicksAndPooled(t *testing.T) {
	t.Parallel()
	picks := func(n int64) func(*expansion.Rep) { return func(r *expansion.Rep) { r.Picks = n } }
	others := []expansion.Rep{rep("a", "ae", picks(10)), rep("b", "ae", picks(13)), rep("c", "ae", picks(500), gone)}
	if got := route.StartPicks(others); got != 11 {
		t.Errorf("StartPicks = %d, want 11", got)
	}
	if got := route.StartPicks(nil); got != 0 {
		t.Errorf("StartPicks of nobody = %d, want 0", got)
	}
	if !route.Pooled(expansion.KindTerritory) || route.Pooled(expansion.KindOriginalAE) || route.Pooled(expansion.KindCover) {
		t.Error("only pools take turns")
	}
}
