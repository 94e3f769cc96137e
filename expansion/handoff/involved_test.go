package handoff_test

import (
	"testing"

	"expansionbot/expansion"
	"expansionbot/expansion/handoff"
)

func TestPeopleInvolvedComeFirst(t *testing.T) { // storyboard 3.1, 4.2
	t.Parallel()
	p := handoff.Build(handoff.Input{
		Evidence: []expansion.Evidence{{Why: "asked for seats", People: []string{"kim"}}},
		Context:  expansion.Context{Stakeholders: []expansion.Contact{{ID: "jo", Name: "Jo Park"}, {ID: "kim", Name: "Kim Ode"}}},
	})
	if s := p.Stakeholders; len(s) != 2 || s[0].Name != "Kim Ode" || !s[0].Involved || s[1].Involved {
		t.Errorf("stakeholders = %+v; want Kim Ode first, as the one involved", s)
	}
}
