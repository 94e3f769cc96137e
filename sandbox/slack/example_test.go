package slack_test

import (
	"context"
	"fmt"
	"time"

	sandbox "expansionbot/sandbox/slack"
)

func ExampleServer() {
	s, err := sandbox.New(sandbox.Config{
		BotToken: "xoxb-1", AppToken: "xapp-1", BaseURL: "http://127.0.0.1:7700/slack",
		Clock: func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	s.PutUser(sandbox.User{ID: "U1", Handle: "priya", RealName: "Priya"})
	out, err := s.RunCommand(context.Background(), "U1", s.BotDM("U1"), "log Brightwater")
	fmt.Println(out.Text, err) // nothing is connected yet
	ts, err := s.Say("U1", s.BotDM("U1"), "", "R&D wants <more> seats")
	fmt.Println(ts, err)
	fmt.Println(s.Messages("U1", s.BotDM("U1"))[0].Text)
	// Output:
	// /expansion failed with the error "dispatch_failed" <nil>
	// 1772442000.000000 <nil>
	// R&amp;D wants &lt;more&gt; seats
}
