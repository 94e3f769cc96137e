// Package handoff writes the package a rep gets: short sentences made of what is known
// about the signal, its evidence and its account, and of the playbook for its type. It
// is pure and invents nothing: a number, name or date in a package was in the input,
// and what is not known is said, with who could know.
//
// The smallest useful program:
//
//	p := handoff.Build(handoff.Input{Signal: s, Evidence: ev, Account: a, Context: c, Decision: d, People: people, Now: now})
//	fmt.Println(p.WhyNow)
//	fmt.Println(p.StartHere)
package handoff
