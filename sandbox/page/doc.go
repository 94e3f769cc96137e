// Package page is the sandbox's browser page: two small Slacks side by side, the
// product's timeline, the CRM, the mailbox, the clock, and switches that break parts.
//
// The Go side hands out state as JSON and passes a person's acts on to the sandbox's
// Slack, CRM and clock. What is shown is drawn by static/app.js; Block Kit is drawn
// by static/blockkit.js, from the JSON the product sent and nothing else.
//
//	GET  /                      the page
//	GET  /page/state            clock, cast, switches, guide, connection
//	GET  /page/pane             one person's Slack: ?user=U…&channel=D…
//	GET  /page/events           server-sent events: which part changed
//	POST /page/act              a person's act: press, submit, command …
//	POST /page/upload           a file dropped into a conversation
//	GET  /page/file             ?id=F…: a shared file
//	GET  /page/crm, POST        records; edit one property by hand
//	GET  /page/mail, /page/mail/html
//	GET  /page/timeline         the product's activities, ?after=N
//	POST /page/clock, /page/switch
package page
