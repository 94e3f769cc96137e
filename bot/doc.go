// Package bot is the product's end of Slack: Socket Mode, the 3 s ack, and the Web
// API within its rates. What people do is stored in the inbox before it is acked;
// what they read comes from blocks; what happens is decided by engine.
//
// A Client holds the tokens and the few calls everything shares. Sender shows
// deliveries (it is a notify.Channel), Bot keeps the socket and answers the people.
//
// The smallest useful program:
//
//	c, err := bot.NewClient(bot.Config{BotToken: bt, AppToken: at, Log: log, Clock: clock})
//	h := handlers.New(eng, c, log)
//	b := bot.New(c, h, eng)
//	err = b.Run(ctx) // until ctx ends or Slack refuses the tokens
package bot
