// Package report renders a Performance for people who want it outside Slack's
// cards: as a plain text table and as a CSV file that is safe to open. It is pure;
// names come in as a map and a person who is not in it reads "someone".
//
// The smallest useful program:
//
//	fmt.Print(report.Text(performance, people))
package report
