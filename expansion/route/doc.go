// Package route decides which seller gets a signal, by a policy anyone can read.
//
// A policy is a YAML file: an ordered list of rules, each with a kind (who it looks
// for) and, if wanted, a condition (when it applies), beside the durations, working
// hours and escalation levels every routing follows. The first rule that yields
// somebody eligible wins. When no rule does, the least loaded of those who are only
// full gets the signal, else the one who is back soonest, else nobody.
//
// Everything here is pure: no clock, no network, no store. The same policy and facts
// give the same answer, so live routing, preview, "why?", replay and evaluation call
// the same Decide. Pick is the same choice without the trace, for many at once.
//
// The smallest useful program:
//
//	p := route.Default()
//	d, err := p.Decide(facts)
//	fmt.Println(d.To, d.Reason, err)
package route
