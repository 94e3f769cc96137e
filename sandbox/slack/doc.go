// Package slack is a faithful local Slack: the Web API, Socket Mode, files and response URLs over
// loopback HTTP, and the people who use it. Unmodified Slack clients (slack-go, Bolt) talk to it by
// their API address only.
//
// It refuses what Slack refuses, with Slack's error strings: wrong tokens, missing scopes, blocks over
// their limits, spent triggers, stale view hashes, late acks. Where Slack's behaviour is not
// published the stricter reading stands, so that what passes here passes there. What an app did wrong
// is also kept as a sentence in Violations, for tests to fail on.
//
//	s, err := slack.New(slack.Config{BotToken: "xoxb-1", AppToken: "xapp-1", Clock: clock, BaseURL: base + "/slack"})
//	mux.Handle("/slack/", http.StripPrefix("/slack", s.Handler()))
//	s.PutUser(slack.User{ID: "U1", Handle: "priya", RealName: "Priya"})
//	out, err := s.RunCommand(ctx, "U1", s.BotDM("U1"), "log Brightwater")
//
// Timestamps, trigger and response URL expiry follow Config.Clock, which may be moved. The wait for an
// ack, pings and rate limits run on real time.
package slack
