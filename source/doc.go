// Package source reads the files and streams people bring: CSV tables of people,
// accounts and evidence, NDJSON posted over HTTP, and one public sample data set.
//
// Every reader streams: it hands each good row to a function and goes on after a bad
// one, so that one broken line never costs the rest of a file. The caller collects the
// rows, at most 500 per transaction:
//
//	stats, bad, err := source.ReadUsage(f, "usage.csv", func(p expansion.UsagePoint) error {
//		batch = append(batch, p)
//		if len(batch) < 500 {
//			return nil
//		}
//		return flush()
//	})
//
// A file is UTF-8 with a header line; a byte-order mark, CRLF line ends and the
// separators of spreadsheets set to other languages (";" and tab) are accepted. Columns
// are found by name, in any order and case; unknown ones are left out with one warning.
// Cells are trimmed. An empty cell means "not set" and never zero.
//
// Rows carry e-mail addresses where the store has person ids: whoever writes them looks
// the ids up.
package source
