package route_test

import (
	"fmt"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

func ExamplePolicy_Decide() {
	limit := 8
	facts := expansion.Facts{
		Now: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC), AccountID: "brightwater", OriginalAE: "marcus", ExpansionType: expansion.Seats,
		Reps: []expansion.Rep{
			{ID: "marcus", Role: expansion.RoleAE, Active: true, MaxOpen: &limit, Open: 3},
			{ID: "dana", Role: expansion.RoleAE, Active: true, MaxOpen: &limit, Open: 2},
		},
	}
	d, err := route.Default().Decide(facts)
	fmt.Println(d.To, "because:", d.Reason, err)
	fmt.Println("without:", d.IfUnavailable)
	// Output:
	// marcus because: original AE on the account, active, load 3 of 8 <nil>
	// without: dana
}

func ExampleParsePolicy() {
	_, err := route.ParsePolicy([]byte("rules:\n  - name: all\n    knid: catch_all\nescalation: [{to: revops}]\n"))
	fmt.Println(err)
	// Output:
	// line 2, rules[0]: The rule has no kind. Add kind: …
	// line 3, rules[0].knid: Unknown key "knid". Did you mean "kind"?
}
