package sandbox_test

import (
	"context"
	"fmt"
	"time"

	"expansionbot/sandbox"
)

// A world starts at a time of one's choice; two days pass in an instant.
func ExampleStart() {
	ctx := context.Background()
	w, err := sandbox.Start(ctx, sandbox.Options{Listen: "127.0.0.1:0", Start: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = w.Close() }()
	if err := w.Clock.Advance(ctx, w.Start().Add(48*time.Hour)); err != nil {
		fmt.Println(err)
	}
	fmt.Println(w.Clock.Now().Format("Mon 2 Jan"), len(w.CRM.Companies()), "companies,", w.Slack.Users()[0].RealName)
	// Output: Thu 12 Mar 12 companies, Priya Nair
}
