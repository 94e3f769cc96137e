package handlers_test

import (
	"fmt"
	"time"

	"expansionbot/handlers"
)

func ExampleParseLeave() {
	today := time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)
	l, err := handlers.ParseLeave("22 Mar to 2 Apr cover <@U0DANA|dana>", today)
	fmt.Println(l.From.Format(time.DateOnly), l.To.Format(time.DateOnly), l.Cover, err)
	_, err = handlers.ParseLeave("3/4", today)
	fmt.Println(err)
	// Output:
	// 2026-03-22 2026-04-02 U0DANA <nil>
	// invalid: 3/4 can be two different days: write the month as a word. Say it like "22 Mar to 2 Apr cover @dana", or "off".
}
