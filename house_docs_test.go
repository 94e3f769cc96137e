package main_test

import (
	"bufio"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machine matches folders of one machine and hosts of package registries: neither means
// anything in another checkout.
var machine = regexp.MustCompile(`(^|[\s"'(=:,\x60])(/(work|root|home/\w+|Users/\w+)/\w|[A-Z]:\\Users\\)|\b(registry|goproxy|mirror|artifactory|nexus|proxy|deb)\.[a-z0-9-]+(\.[a-z0-9-]+)*\.(org|com|net|io|dev|internal|local)\b`)

func TestNothingNamesAMachine(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{`open "/` + `home/ana/x"`, "see /" + "root/go", "https://proxy." + "golang.org/x", "registry." + "npmjs.org"} {
		if !machine.MatchString(bad) {
			t.Errorf("the pattern does not see %q", bad)
		}
	}
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(b[:min(len(b), 8000)], 0) || path.Ext(p) == ".db" { // pictures and databases
			continue
		}
		for n, line := range strings.Split(string(b), "\n") {
			if m := machine.FindString(line); m != "" {
				t.Errorf("%s:%d: %q names one machine or a package registry; write a relative path or an example address", p, n+1, strings.TrimSpace(m))
			}
		}
	}
}

// licences that may ship with a product: permissive, or (MPL) copyleft by file.
var licences = []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0"}

func TestLicencesAreListed(t *testing.T) {
	t.Parallel()
	required := requires(t)
	direct := map[string]bool{}
	for _, f := range parsed(t) {
		for p := range imports(f) {
			if m := moduleOf(p, required); m != "" {
				direct[m] = true
			}
		}
	}
	text, err := os.ReadFile("LICENSES.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], ".") {
			continue
		}
		name, licence := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		listed[name] = true
		if !direct[name] {
			t.Errorf("LICENSES.md lists %s, which nothing imports; take it out", name)
		}
		if !slices.Contains(licences, licence) {
			t.Errorf("LICENSES.md: %s is under %q, not one of %s", name, licence, strings.Join(licences, ", "))
		}
	}
	for m := range direct {
		if !listed[m] {
			t.Errorf("%s is imported and not in LICENSES.md; read its licence and add a line", m)
		}
	}
}

// requires returns the modules go.mod requires, longest first.
func requires(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	line := regexp.MustCompile(`^(?:require )?\s*([a-z0-9.-]+\.[a-z]+/\S+) v\S+`)
	var out []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if m := line.FindStringSubmatch(sc.Text()); m != nil {
			out = append(out, m[1])
		}
	}
	if len(out) == 0 {
		t.Fatal("go.mod requires nothing; the rule would hold over nothing")
	}
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

// moduleOf is the module a package is in; "" for the standard library and ours.
func moduleOf(pkg string, modules []string) string {
	for _, m := range modules {
		if pkg == m || strings.HasPrefix(pkg, m+"/") {
			return m
		}
	}
	return ""
}

var link = regexp.MustCompile(`(!?)\[[^\]]*\]\(([^)#\s]+)[^)]*\)`)

func TestLinksLead(t *testing.T) {
	t.Parallel()
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range all {
		if path.Ext(p) != ".md" {
			continue
		}
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "!" || strings.Contains(m[2], "://") { // pictures are made by a run of the sandbox
				continue
			}
			seen++
			if _, err := os.Stat(path.Join(path.Dir(p), m[2])); err != nil {
				t.Errorf("%s links to %s, which is not there", p, m[2])
			}
		}
	}
	if seen == 0 {
		t.Error("no link was found; the rule would hold over nothing")
	}
}
