package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// envPrefix starts every environment variable of ours.
const envPrefix = "EXPANSION"

// maxFileBytes is far more than any sensible configuration.
const maxFileBytes = 1 << 20

// environment is the File of problems that come from a variable.
const environment = "environment"

// Load reads path ("" = no file) and env (as os.Environ gives it) and checks them. The
// error is Problems, all of them at once; the Config beside it is what could be read, so
// that doctor can go on, and nil only when the file itself cannot be read.
func Load(path string, env []string) (*Config, error) {
	l := &loader{file: path, lines: map[string]int{}, v: viper.New()}
	walk(reflect.TypeFor[Config](), "", func(key string, f reflect.StructField) {
		l.keys = append(l.keys, key)
		l.v.SetDefault(key, f.Tag.Get("default"))
	})
	if path != "" && !l.readFile() {
		return nil, l.problems
	}
	l.readEnv(env)
	c := &Config{file: path, lines: l.lines}
	if err := l.v.Unmarshal(c); err != nil {
		l.problems = append(l.problems, Problem{File: path, What: "cannot be read: " + err.Error()})
	}
	l.problems = append(l.problems, c.check(l.env)...)
	if len(l.problems) > 0 {
		return c, l.problems.sorted()
	}
	return c, nil
}

type loader struct {
	file     string
	v        *viper.Viper
	keys     []string          // paths of all scalars outside lists, and of admins
	env      map[string]string // path → variable that set it
	lines    map[string]int
	problems Problems
}

// walk calls fn for each key that can be set by a variable.
func walk(t reflect.Type, prefix string, fn func(key string, f reflect.StructField)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("mapstructure")
		switch {
		case name == "":
		case f.Type.Kind() == reflect.Struct:
			walk(f.Type, prefix+name+".", fn)
		case f.Type.Kind() != reflect.Slice || f.Type.Elem().Kind() == reflect.String:
			fn(prefix+name, f)
		}
	}
}

func (l *loader) readFile() bool {
	fail := func(line int, what, fix string) bool {
		l.problems = append(l.problems, Problem{File: l.file, Line: line, What: what, Fix: fix})
		return false
	}
	f, err := os.Open(l.file)
	if errors.Is(err, os.ErrNotExist) {
		return fail(0, "does not exist", "Copy config.yaml from the repository, or name another file with --config.")
	}
	if err != nil {
		return fail(0, "cannot be opened", "Check the file's permissions.")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil || len(text) > maxFileBytes {
		return fail(0, "cannot be read or is larger than 1 MiB", "Name a YAML file.")
	}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		line, what := yamlError(err)
		return fail(line, "is not valid YAML: "+what, "Indent with spaces, and put values that hold : or # in quotes.")
	}
	if len(doc.Content) == 0 {
		return true
	}
	values, _ := l.value(doc.Content[0], reflect.TypeFor[Config](), "").(map[string]any)
	if err := l.v.MergeConfigMap(values); err != nil {
		return fail(0, "cannot be read: "+err.Error(), "")
	}
	return true
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

func yamlError(err error) (int, string) {
	what := err.Error()
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits only
		return line, what[len(m[0]):]
	}
	return 0, strings.TrimPrefix(what, "yaml: ")
}

// value turns a node into what viper takes and names what does not belong. Scalars stay
// the text they were written as, so that 63.0 is not cut to 63 nor a digest of digits
// read as a number. nil = not set.
func (l *loader) value(n *yaml.Node, t reflect.Type, path string) any {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if path != "" {
		l.lines[path] = n.Line
	}
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || n.Value == "") {
		return nil
	}
	fail := func(what, fix string) any {
		l.problems = append(l.problems, Problem{File: l.file, Path: path, Line: n.Line, What: what, Fix: fix})
		return nil
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		if _, err := time.ParseDuration(n.Value); n.Kind != yaml.ScalarNode || err != nil {
			return fail("is not a duration", "Write it like 15m or 2h.")
		}
		return n.Value
	case t.Kind() == reflect.Struct:
		if n.Kind != yaml.MappingNode {
			return fail("should hold keys", "Write its keys below it, indented: "+strings.Join(names(t), ", ")+".")
		}
		return l.mapping(n, t, path)
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return fail("should be a list", `Write one entry per line, each after "- ".`)
		}
		out := []any{}
		for i, e := range n.Content {
			if v := l.value(e, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); v != nil {
				out = append(out, v)
			}
		}
		return out
	case n.Kind != yaml.ScalarNode:
		return fail("should be a single value", "Put it on the same line, in quotes when it holds : or #.")
	}
	return n.Value
}

func (l *loader) mapping(n *yaml.Node, t reflect.Type, path string) map[string]any {
	out := map[string]any{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := key.Value
		if path != "" {
			at = path + "." + key.Value
		}
		f, ok := field(t, key.Value)
		switch {
		case !ok:
			fix := "Remove it; the keys here are " + strings.Join(names(t), ", ") + "."
			if near := nearest(key.Value, names(t)); near != "" {
				fix = "Did you mean " + near + "?"
			}
			l.problems = append(l.problems, Problem{File: l.file, Path: at, Line: key.Line, What: "is not a key of the configuration", Fix: fix})
		case seen[key.Value]:
			l.problems = append(l.problems, Problem{File: l.file, Path: at, Line: key.Line, What: "stands twice", Fix: "Remove one of the two."})
		default:
			if v := l.value(n.Content[i+1], f.Type, at); v != nil {
				out[key.Value] = v
			}
			l.lines[at] = key.Line
		}
		seen[key.Value] = true
	}
	return out
}

func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); name != "" && f.Tag.Get("mapstructure") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func names(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("mapstructure"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// Variable is the environment variable that sets a key: "store.dsn" is EXPANSION_STORE_DSN.
func Variable(key string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readEnv takes the variables out of env itself, not out of the process, so that a test
// or the sandbox decides what is seen.
func (l *loader) readEnv(env []string) {
	vars := map[string]string{}
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok && value != "" {
			vars[name] = value
		}
	}
	l.env = map[string]string{}
	known := map[string]bool{}
	set := func(key, name string) {
		known[name] = true
		value, ok := vars[name]
		if !ok {
			return
		}
		l.env[key] = name
		if key == "admins" {
			l.v.Set(key, strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }))
			return
		}
		l.v.Set(key, value)
	}
	set("slack.bot_token", "SLACK_BOT_TOKEN")
	set("slack.app_token", "SLACK_APP_TOKEN")
	for _, key := range l.keys {
		set(key, Variable(key))
	}
	// A variable that is almost one of ours is a typing mistake; others are not our affair.
	spelled := slices.Sorted(maps.Keys(known))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if known[name] || !strings.HasPrefix(name, envPrefix+"_") {
			continue
		}
		if near := nearest(name, spelled); near != "" {
			l.problems = append(l.problems, Problem{File: environment, Path: name, What: "is not a variable of the configuration", Fix: "Did you mean " + near + "?"})
		}
	}
}
