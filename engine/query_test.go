package engine_test

import (
	"context"
	"strings"
	"testing"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/source"
	"expansionbot/store/storetest"
)

// Storyboard 7.16: nobody outside the account's team reads a restricted account's case,
// also not by its number.
func TestARestrictedCaseIsForItsTeam(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := start(t, storetest.SQLite(t))
	w.load(source.KindPeople, "people.csv", peopleCSV+"tomoko@acme.example,Tomoko Sato,specialist,,lena@acme.example,,,,true\n")
	ps, err := w.store.People(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		w.people[p.FirstName()] = p.ID
	}
	lines := strings.Split(strings.TrimSpace(accountsCSV), "\n")
	w.load(source.KindAccounts, "accounts.csv", lines[0]+",restricted\n"+lines[1]+",true\n")
	s := w.logged()
	if _, err := w.Route(ctx, w.people["Priya"], s.ID, 0, engine.RouteInput{To: w.people["Dana"], OverrideReason: "knows the customer"}); err != nil {
		t.Fatal(err)
	}
	for name, may := range map[string]bool{"Priya": true, "Marcus": true, "Dana": true, "Lena": true, "Ravi": true, "Tomoko": false} {
		_, err := w.Case(ctx, w.people[name], s.Label())
		if may && err != nil {
			t.Errorf("%s may not see it: %v", name, err)
		}
		if !may && expansion.CodeOf(err) != expansion.CodeDenied {
			t.Errorf("%s sees a restricted case, error %v", name, err)
		}
		cs, _, err := w.List(ctx, w.people[name], engine.ListFilter{})
		if err != nil || len(cs) == 1 != may {
			t.Errorf("%s has %d cases in a list (%v), may see it: %v", name, len(cs), err, may)
		}
	}
}
