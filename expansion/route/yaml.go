package route

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// reader walks YAML nodes and collects every problem instead of stopping at the
// first.
type reader struct{ ps Problems }

// field reads the value of one key of a mapping.
type field struct {
	key  string
	read func(n *yaml.Node, path string)
}

// mapping reads n by fields and reports keys that are unknown or there twice. It
// returns the keys that were there.
func (r *reader) mapping(n *yaml.Node, path string, fields []field) map[string]bool {
	seen := map[string]bool{}
	if n.Kind != yaml.MappingNode {
		r.ps.errorf(n.Line, path, "Expected keys and values (%s: …), found %s.", fields[0].key, shape(n))
		return seen
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := join(path, k.Value)
		j := slices.IndexFunc(fields, func(f field) bool { return f.key == k.Value })
		switch {
		case k.Kind != yaml.ScalarNode || j < 0:
			r.ps.errorf(k.Line, at, "Unknown key %q.%s", k.Value, suggest(k.Value, fields))
		case seen[k.Value]:
			r.ps.errorf(k.Line, at, "The key %q is there twice. Keep one.", k.Value)
		default:
			seen[k.Value] = true
			fields[j].read(v, at)
		}
	}
	return seen
}

// list calls read for each element of a sequence.
func (r *reader) list(n *yaml.Node, path string, read func(n *yaml.Node, path string)) {
	if n.Kind != yaml.SequenceNode {
		r.ps.errorf(n.Line, path, "Expected a list, found %s. Write [a, b] or one \"- \" a line.", shape(n))
		return
	}
	for i, c := range n.Content {
		read(c, fmt.Sprintf("%s[%d]", path, i))
	}
}

// text reads a scalar that is not empty.
func (r *reader) text(n *yaml.Node, path string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
		r.ps.errorf(n.Line, path, "Expected a text, found %s.", shape(n))
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// integer reads a whole number of lo..hi.
func (r *reader) integer(n *yaml.Node, path string, lo, hi int) int {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < lo || v > hi {
		r.ps.errorf(n.Line, path, "Expected a whole number from %d to %d, found %s.", lo, hi, shape(n))
		return lo
	}
	return v
}

// duration reads a duration of lo..hi; hi 0 means ten years.
func (r *reader) duration(n *yaml.Node, path string, lo, hi time.Duration) time.Duration {
	if hi == 0 {
		hi = maxDuration
	}
	if n.Kind != yaml.ScalarNode {
		r.ps.errorf(n.Line, path, "Expected a duration such as 10m, 4h or 2d, found %s.", shape(n))
		return lo
	}
	d, err := ParseDuration(n.Value)
	switch {
	case err != nil:
		r.ps.errorf(n.Line, path, "%q is not a duration. Write seconds (600), or 10m, 4h, 2d, 1d12h.", n.Value)
		return lo
	case d < lo || d > hi:
		r.ps.errorf(n.Line, path, "%s is out of range. Choose %s to %s.", n.Value, writeDuration(lo), writeDuration(hi))
		return lo
	}
	return d
}

// emailPattern is enough to catch a name or a Slack id where an e-mail belongs.
var emailPattern = regexp.MustCompile(`^[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+$`)

// email reads an e-mail and folds it.
func (r *reader) email(n *yaml.Node, path string) string {
	s := r.text(n, path)
	if s != "" && !emailPattern.MatchString(s) {
		r.ps.errorf(n.Line, path, "%q is not an e-mail address. People in a policy are named by e-mail.", s)
		return ""
	}
	return foldEmail(s)
}

// maxDuration bounds every duration of a policy: ten years.
const maxDuration = 3650 * 24 * time.Hour

var dayPrefix = regexp.MustCompile(`^(\d{1,4})d(.*)$`)

// ParseDuration reads seconds ("600"), Go's syntax ("1h30m") or days in front of it
// ("2d", "1d12h"; a day is 24 h). Negative durations and those above ten years are
// refused.
func ParseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		s = strconv.FormatUint(n, 10) + "s"
	}
	var days, rest time.Duration
	if m := dayPrefix.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1]) // at most four digits by the pattern
		if days, s = time.Duration(n)*24*time.Hour, m[2]; s == "" {
			s = "0s"
		}
	}
	rest, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("duration %q: %w", s, err)
	}
	if rest < 0 || rest > maxDuration || days+rest > maxDuration || s[0] == '+' || s[0] == '-' {
		return 0, fmt.Errorf("duration %q: not within 0 and ten years", s)
	}
	return days + rest, nil
}

// writeDuration is the inverse of ParseDuration in its shortest form: "14m", "2d".
func writeDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d == 0 {
		return "0s"
	}
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// shape says in words what a node is.
func shape(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias (*); write the value out"
	case n.Tag == "!!null" || n.Value == "":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

// suggest names the known key nearest to got, or all of them.
func suggest(got string, fields []field) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
		if distance(strings.ToLower(got), f.key) <= 2 {
			return fmt.Sprintf(" Did you mean %q?", f.key)
		}
	}
	return " Known here: " + strings.Join(keys, ", ") + "."
}

// distance is the Levenshtein distance, for short words.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
