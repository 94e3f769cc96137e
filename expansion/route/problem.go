package route

import (
	"fmt"
	"slices"
	"strings"
)

// Level says how bad a Problem is. Only errors keep a policy from being published.
type Level string

// The levels.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
)

// Problem is one thing wrong with a policy: where, what, and what to do about it.
type Problem struct {
	Line  int    `json:"line"` // in the policy text, from 1; 0 = the whole policy
	Path  string `json:"path"` // "rules[2].when", "" for the whole policy
	Text  string `json:"text"` // a sentence or two: what is wrong and the fix
	Level Level  `json:"level"`
}

// String writes the problem as one line: "line 12, rules[2].when: …".
func (p Problem) String() string {
	switch {
	case p.Line > 0 && p.Path != "":
		return fmt.Sprintf("line %d, %s: %s", p.Line, p.Path, p.Text)
	case p.Line > 0:
		return fmt.Sprintf("line %d: %s", p.Line, p.Text)
	case p.Path != "":
		return p.Path + ": " + p.Text
	}
	return p.Text
}

// Problems are all problems of a policy in the order of their lines.
type Problems []Problem

// Error implements error with one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors reports whether any problem is of error level.
func (ps Problems) Errors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Level == LevelError })
}

func (ps *Problems) errorf(line int, path, format string, args ...any) {
	*ps = append(*ps, Problem{Line: line, Path: path, Text: fmt.Sprintf(format, args...), Level: LevelError})
}

func (ps *Problems) warnf(line int, path, format string, args ...any) {
	*ps = append(*ps, Problem{Line: line, Path: path, Text: fmt.Sprintf(format, args...), Level: LevelWarning})
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int { return a.Line - b.Line })
	return ps
}
