// Package learn turns outcomes into what the next decision and the report may use:
// rates with intervals, medians that count what is still open, and the four target
// lines. It is pure: no clock, no input or output.
//
// The smallest useful program:
//
//	r := learn.WinRate(24, 58)
//	fmt.Println(r) // 41%
//	fmt.Println(learn.WinRate(3, 7)) // too few (7)
package learn
