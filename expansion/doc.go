// Package expansion holds the words of the product and what must always hold
// for them: accounts, signals and their evidence, people, routings, hand-off
// packages, opportunities, outcomes, holds and the shared activity log.
//
// It does no input or output and imports only the standard library, so every
// other room may use it. JSON names are those of the product requirements
// (customerId, signalType, routedToUserId …); a number nobody knows is JSON null,
// never 0.
//
// The smallest useful program:
//
//	s := expansion.Signal{AccountID: "brightwater", Type: expansion.UsageGrowth, Score: 0.86}
//	s.Strength = expansion.StrengthOf(s.Score)
//	fmt.Println(s.Strength.Chip()) // ●●● Strong
package expansion
