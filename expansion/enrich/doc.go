// Package enrich gathers what is known around a signal into an expansion.Context,
// each element with its source and date. It never guesses: an element is known when
// something was found or when somebody looked and found none; it stays unknown when
// no source is connected or the source did not answer.
//
// The smallest useful program:
//
//	c := enrich.Gather(ctx, enrich.FromStore(reader), account, now)
//	fmt.Printf("%.0f%% complete, missing: %v\n", 100*c.Completeness(), c.Missing())
//
// For an element that is not known, Source holds the reason ("no source connected",
// "usage did not answer") and Ask who could know: the id of a person of ours or, when
// the account has no CSM, the name of a contact.
package enrich
