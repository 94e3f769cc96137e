// Package world is the sandbox's invented company and its customers: who works
// there, twelve accounts with contracts, contacts and 120 days of usage, and what
// will happen to them in the days after the sandbox starts.
//
// Everything follows from the start time alone: the same start gives the same bytes.
//
//	files := world.Files(start)          // what `expansionbot import` reads
//	world.Seed(slackServer, crmServer)   // people into Slack, accounts into the CRM
//	for _, b := range world.Feed(start)  // usage that arrives while one watches
//
// At the start nobody is over their licence for five of the last seven days. Three
// accounts cross during the feed: Brightwater Labs after 8 seconds, Alder & Co after
// an hour, Kestrel Freight the next morning.
package world
