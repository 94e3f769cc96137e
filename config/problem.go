package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong in the configuration. No secret is ever part of it.
type Problem struct {
	File string // the file, or "environment"
	Path string // the key, "slack.bot_token"; "" = the file as a whole
	Line int    // in File; 0 = the key does not stand there
	What string // what is wrong
	Fix  string // what to do, a sentence
}

// String is the problem in one line: "config.yaml:12: slack.bot_token is … Do …".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.File != "" {
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + " ")
	}
	b.WriteString(p.What + ".")
	if p.Fix != "" {
		b.WriteString(" " + p.Fix)
	}
	return b.String()
}

// Problems is everything wrong at once, in the order of the file.
type Problems []Problem

// Error implements error with one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(order(a), order(b)) })
	return ps
}

// order puts problems without a line last.
func order(p Problem) int {
	if p.Line == 0 {
		return 1 << 30
	}
	return p.Line
}

// nearest returns the candidate that is at most two typing mistakes away from word, ""
// for none.
func nearest(word string, candidates []string) string {
	best, found := 3, ""
	for _, c := range candidates {
		d := distance(strings.ToLower(word), strings.ToLower(c))
		if d < best && d < len(c) {
			best, found = d, c
		}
	}
	return found
}

// distance is how many letters have to be added, dropped, changed or swapped with their
// neighbour to make b of a.
func distance(a, b string) int {
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}
