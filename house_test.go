package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "expansionbot"

// rooms says what each room may import of ours, besides expansion, which everybody may.
// A name with /* is every room right under it. docs/ARCHITECTURE.md draws this table.
var rooms = map[string][]string{
	".":                   {"cli"},
	"cli":                 {"app", "config", "sandbox", "engine", "expansion/*"},
	"app":                 {"api", "blocks", "bot", "config", "crm", "crm/*", "engine", "expansion/*", "handlers", "jobs", "notify", "report", "source", "store"},
	"bot":                 {"handlers", "blocks", "engine", "notify"},
	"handlers":            {"engine", "blocks"},
	"api":                 {"engine"},
	"jobs":                {"engine", "store", "notify"}, // store and notify for the plumbing of jobs: driver, clock, waits
	"engine":              {"expansion/*", "store", "crm", "source", "notify", "report"},
	"crm":                 {},
	"crm/salesforce":      {"crm"},
	"crm/hubspot":         {"crm"},
	"crm/crmtest":         {"crm"},
	"store":               {},
	"store/storetest":     {"store"},
	"source":              {},
	"notify":              {},
	"blocks":              {},
	"report":              {},
	"config":              {},
	"expansion":           {},
	"expansion/detect":    {},
	"expansion/enrich":    {},
	"expansion/route":     {},
	"expansion/handoff":   {},
	"expansion/learn":     {},
	"sandbox":             {"sandbox/*"}, // never a room of the product: it is reached over the wire
	"sandbox/page":        {"sandbox/*"},
	"sandbox/world":       {"sandbox/slack", "sandbox/crm", "sandbox/mail"},
	"sandbox/slack":       {},
	"sandbox/crm":         {},
	"sandbox/mail":        {},
	"sandbox/sandboxtest": {"app", "sandbox", "sandbox/*", "store", "store/storetest"},
	".ci/testcount":       {},
	"examples":            {"config", "expansion/route"},
}

// wired lists the rooms whose tests build the product around them, each with its reason.
var wired = map[string]string{
	"handlers":            "a press is tested through the real bot, jobs and store",
	"api":                 "requests are tested against a real engine and store",
	"cli":                 "commands are tested against what they start",
	"app":                 "wires everything anyway",
	"jobs":                "a worker is tested with a real engine, which needs a policy",
	"sandbox/sandboxtest": "a story starts and restarts the product with what only its rooms can make",
}

// inTests is what tests may import beyond their room's own list: the sandbox as the other
// end of the wire, conformance suites, and all but the command line where wired says so.
func inTests(room, to string) bool {
	_, all := wired[room]
	return to == room || to == "sandbox" || strings.HasPrefix(to, "sandbox/") || strings.HasSuffix(to, "test") || all && to != "cli"
}

// rim lists where the clock may be read, each with its reason. Everywhere else the time
// comes in as a value or from an expansion.Clock.
var rim = map[string]string{
	"app":     "makes the real clock and follows the sandbox's",
	"cli":     "shows progress while a person waits",
	"sandbox": "owns the clock that everybody else follows",
}

// badNames are package names that say nothing, and CRM words that mean something else.
var badNames = []string{"util", "utils", "common", "model", "models", "helper", "helpers", "manager", "pipeline", "stage", "deal", "misc", "base", "shared"}

const maxLines = 800

// goFile is one parsed Go file of the repository.
type goFile struct {
	path string // slashes, from the root
	room string // folder; "." is the root
	test bool
	ast  *ast.File
	fset *token.FileSet
	text string
}

func (f *goFile) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(p).Line)
}

// files returns the repository's files as slash paths, without what git ignores.
var files = sync.OnceValues(func() ([]string, error) {
	skip := []string{".git", "node_modules", "dist"}
	var out []string
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skip, d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular():
			out = append(out, filepath.ToSlash(p))
		}
		return nil
	})
	return out, err
})

// goFiles parses every Go file. Files that do not parse are the compiler's to report.
var goFiles = sync.OnceValues(func() ([]*goFile, error) {
	all, err := files()
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var out []*goFile
	for _, p := range all {
		if path.Ext(p) != ".go" {
			continue
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		a, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		out = append(out, &goFile{path: p, room: path.Dir(p), test: strings.HasSuffix(p, "_test.go"), ast: a, fset: fset, text: string(text)})
	}
	return out, nil
})

func parsed(t *testing.T) []*goFile {
	t.Helper()
	fs, err := goFiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(fs) < 100 {
		t.Fatalf("found %d Go files; the rules would hold over nothing", len(fs))
	}
	return fs
}

func imports(f *goFile) map[string]token.Pos {
	out := map[string]token.Pos{}
	for _, i := range f.ast.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil {
			out[p] = i.Pos()
		}
	}
	return out
}

// allowed reports whether room may import to.
func allowed(room, to string, test bool) bool {
	if to == "expansion" || test && inTests(room, to) {
		return true
	}
	return slices.ContainsFunc(rooms[room], func(a string) bool {
		folder, all := strings.CutSuffix(a, "/*")
		return a == to || all && path.Dir(to) == folder
	})
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	for _, f := range parsed(t) {
		if _, ok := rooms[f.room]; !ok {
			t.Errorf("%s: %s is not a room of the table in house_test.go; add it there with what it may import, and to docs/ARCHITECTURE.md", f.path, f.room)
			continue
		}
		for p, pos := range imports(f) {
			to, ours := strings.CutPrefix(p, module+"/")
			switch {
			case !ours && f.room == "expansion" && !f.test && strings.Contains(strings.Split(p, "/")[0], "."):
				t.Errorf("%s: expansion imports %s; it has the standard library only. Take the value in as data.", f.at(pos), p)
			case ours && !allowed(f.room, to, f.test):
				t.Errorf("%s: %s may not import %s. Pass the value in, or declare the few methods you need as an interface where you use them; a new edge belongs into the table in house_test.go and docs/ARCHITECTURE.md.", f.at(pos), f.room, to)
			}
		}
	}
}

func TestImportTableRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		test     bool
		want     bool
	}{
		{"engine", "expansion/route", false, true},
		{"engine", "bot", false, false},
		{"expansion/route", "expansion/detect", false, false},
		{"sandbox", "engine", false, false},
		{"sandbox/slack", "sandbox/crm", false, false},
		{"app", "sandbox", false, false},
		{"app", "crm/hubspot", false, true},
		{"bot", "sandbox/slack", false, false},
		{"bot", "sandbox/slack", true, true},
		{"blocks", "engine", true, false},
		{"handlers", "store", true, true},
		{"handlers", "store", false, false},
	} {
		if got := allowed(c.from, c.to, c.test); got != c.want {
			t.Errorf("allowed(%s, %s, test %v) = %v, want %v", c.from, c.to, c.test, got, c.want)
		}
	}
}

func TestOnePackageCommentPerPackage(t *testing.T) {
	t.Parallel()
	with := map[string][]string{}
	for _, f := range parsed(t) {
		if f.test {
			continue
		}
		if _, ok := with[f.room]; !ok {
			with[f.room] = nil
		}
		if f.ast.Doc != nil {
			with[f.room] = append(with[f.room], f.path)
		}
	}
	for room, docs := range with {
		if len(docs) != 1 {
			t.Errorf("%s has %d package comments %v; write one, in doc.go or the main file", room, len(docs), docs)
		}
	}
}

func TestPackageNamesSaySomething(t *testing.T) {
	t.Parallel()
	for _, f := range parsed(t) {
		if name := f.ast.Name.Name; slices.Contains(badNames, name) || slices.Contains(badNames, path.Base(f.room)) {
			t.Errorf("%s: a package called %s says nothing or is a CRM word; name it after what it holds", f.path, name)
		}
	}
}

func TestTimeComesIn(t *testing.T) {
	t.Parallel()
	for _, f := range parsed(t) {
		_, edge := rim[strings.Split(f.room, "/")[0]]
		timeUses(f, func(name string, pos token.Pos) {
			switch {
			case name == "Sleep" && f.test:
				t.Errorf("%s: a test sleeps; wait for the condition, on a channel, or in a synctest bubble", f.at(pos))
			case name == "Sleep":
				t.Errorf("%s: nothing sleeps; a wait is a row with a due time, or a select on a timer and ctx.Done", f.at(pos))
			case !f.test && !edge && (name == "Now" || name == "Since" || name == "Until"):
				t.Errorf("%s: time.%s reads the machine's clock; take now as a value or an expansion.Clock", f.at(pos), name)
			}
		})
	}
}

// timeUses calls use for each name of package time that f mentions.
func timeUses(f *goFile, use func(name string, pos token.Pos)) {
	name := ""
	for _, i := range f.ast.Imports {
		if i.Path.Value == `"time"` {
			name = "time"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == name {
				use(s.Sel.Name, s.Pos())
			}
		}
		return true
	})
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range parsed(t) {
		if n := strings.Count(f.text, "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d; a file is one topic, so split it by topic", f.path, n, maxLines)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	t.Parallel()
	marks := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`)
	for _, f := range parsed(t) {
		for _, g := range f.ast.Comments {
			if m := marks.FindString(g.Text()); m != "" {
				t.Errorf("%s: a comment says %s; do it, or write an issue and say in the comment what is", f.at(g.Pos()), m)
			}
		}
	}
}

func TestExportedNamesAreExplained(t *testing.T) {
	t.Parallel()
	for _, f := range parsed(t) {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			unexplained(d, func(name string, pos token.Pos) {
				t.Errorf("%s: %s is exported and has no comment; say in a sentence what it is, its units and limits, and what zero means", f.at(pos), name)
			})
		}
	}
}

// unexplained calls say for each exported function, method of an exported type, type,
// constant and variable of d without a comment. A comment on a group counts for all in it.
func unexplained(d ast.Decl, say func(name string, pos token.Pos)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || ast.IsExported(receiver(d.Recv))) {
			say(d.Name.Name, d.Pos())
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					say(s.Name.Name, s.Pos())
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						say(n.Name, n.Pos())
					}
				}
			}
		}
	}
}

func receiver(l *ast.FieldList) string {
	x := l.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.Ident:
			return y.Name
		default:
			return ""
		}
	}
}
