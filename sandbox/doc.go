// Package sandbox runs a whole invented workplace on loopback: a Slack, a CRM, a
// mailbox, a movable clock, and a browser page that shows them. The product speaks
// to it over the wire only, exactly as it speaks to the real services.
//
//	w, err := sandbox.Start(ctx, sandbox.Options{Listen: "127.0.0.1:0"})
//	if err != nil { return err }
//	defer w.Close()
//	a := w.Addresses()          // where everything is, and throw-away credentials
//	…start the product with these…
//	w.SetAPI("http://127.0.0.1:8080", token)   // usage is fed to it from now on
//	err = w.Clock.Advance(ctx, w.Clock.Now().Add(48*time.Hour))
//
// The rooms below it: slack, crm, mail (the services), world (people, accounts and
// what happens to them), page (the browser page).
package sandbox
