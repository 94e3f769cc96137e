package blocks_test

import (
	"fmt"
	"time"

	"expansionbot/blocks"
	"expansionbot/expansion"
)

func ExampleRender() {
	sent := time.Date(2026, 3, 10, 9, 6, 0, 0, time.UTC)
	c := expansion.Case{
		Now:     sent.Add(time.Minute),
		Viewer:  expansion.Person{ID: "marcus", Name: "Marcus Bell"},
		Account: expansion.Account{Name: "Brightwater Labs"},
		Signal:  expansion.Signal{Number: 1042, ExpansionType: expansion.Seats, Strength: expansion.Strong, Status: expansion.Routed},
		Routing: &expansion.Routing{ID: "01J", Number: 311, To: "marcus", Status: expansion.Pending, RoutedAt: sent, Version: 1},

		AckWithin: 4 * time.Hour,
	}
	m, err := blocks.Render(expansion.Message{Kind: expansion.CardHandoff, Case: &c})
	fmt.Println(m.Text, err)
	fmt.Println(blocks.Check(m))
	// Output:
	// Expansion for you: Brightwater Labs, seats. Acknowledge by 13:06. <nil>
	// []
}

func ExampleParseValue() {
	id, version, err := blocks.ParseValue(blocks.Value("01JNROUTING", 3))
	fmt.Println(id, version, err)
	// Output: 01JNROUTING 3 <nil>
}

func ExampleUnknown() {
	fmt.Println(blocks.Unknown("lgo", "log").Text)
	// Output: I don't know `lgo`. Did you mean `log`? Try `/expansion help`.
}
