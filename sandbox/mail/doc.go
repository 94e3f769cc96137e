// Package mail is the sandbox's mailbox: a real SMTP server on loopback that keeps
// whatever it is given instead of sending it on. It speaks plain SMTP, asks for no
// password and offers no TLS, so a mail client needs only its address.
//
//	box := mail.New(mail.Config{Clock: time.Now})
//	addr, err := box.Start()          // "127.0.0.1:41207"
//	…send mail to addr…
//	for _, m := range box.Messages() { fmt.Println(m.Subject) }
//
// It breaks on request: SetDown refuses connections, FailNext answers the next
// messages with an error or cuts the line before or after a message was kept.
package mail
