// Command testcount runs `go test -json` with its arguments, prints how many tests each
// package ran and what failed, and fails where a package has code and no test.
//
//	go run ./.ci/testcount [-race] [-v] [-run PATTERN] PACKAGES…
//
// With -v it also prints what the tests that passed said, their tables of figures; what a
// failed test said is always printed.
//
// A test is a top-level Test, Example or Fuzz function; a case is a subtest of one. The
// last line is the sum. With -run only the sum must not be zero.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// helpers is the ending of packages that are test code themselves: crmtest, storetest,
// sandboxtest. The packages that call them count those tests.
const helpers = "test"

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type suite struct {
	pass, fail, skip, cases int
	seconds                 float64
	result                  string            // pass, fail or skip, "" while running
	output                  map[string]string // by test, "" = the package's own
	failed, skipped, passed []string
}

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, w io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(w, err)
		return 1
	}
	suites, build := read(out, w, slices.Contains(args, "-v"))
	err = cmd.Wait()
	narrowed := slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-run") })
	good := sum(suites, w, narrowed)
	if build != "" {
		fmt.Fprintf(w, "\nDoes not compile:\n%s", build)
		good = false
	}
	if err != nil || !good {
		return 1
	}
	return 0
}

// read collects the events and prints a line for each package as it ends; with verbose
// also what passed tests said.
func read(r io.Reader, w io.Writer, verbose bool) (map[string]*suite, string) {
	suites := map[string]*suite{}
	var build strings.Builder
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var e event
		if json.Unmarshal(sc.Bytes(), &e) != nil {
			fmt.Fprintln(w, sc.Text())
			continue
		}
		if e.Action == "build-output" {
			build.WriteString(e.Output)
			continue
		}
		if e.Package == "" {
			continue
		}
		s := suites[e.Package]
		if s == nil {
			s = &suite{output: map[string]string{}}
			suites[e.Package] = s
		}
		s.add(e)
		if s.result != "" && e.Test == "" {
			s.print(w, e.Package, verbose)
		}
	}
	if err := sc.Err(); err != nil {
		fmt.Fprintln(w, err)
	}
	return suites, build.String()
}

func (s *suite) add(e event) {
	switch e.Action {
	case "output":
		s.output[e.Test] += e.Output
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.result, s.seconds = e.Action, e.Elapsed
			return
		}
		if e.Action == "fail" {
			s.failed = append(s.failed, e.Test)
		}
		if e.Action == "skip" {
			s.skipped = append(s.skipped, e.Test)
		}
		switch {
		case strings.Contains(e.Test, "/"):
			s.cases++
		case e.Action == "pass":
			s.pass++
			s.passed = append(s.passed, e.Test)
		case e.Action == "fail":
			s.fail++
		default:
			s.skip++
		}
	}
}

func (s *suite) print(w io.Writer, pkg string, verbose bool) {
	fmt.Fprintf(w, "%-4s  %-36s %4d tests %5d cases  %d failed  %d skipped  %.1f s\n", s.result, pkg, s.pass+s.fail+s.skip, s.cases, s.fail, s.skip, s.seconds)
	for _, t := range s.failed {
		fmt.Fprint(w, s.output[t])
	}
	if s.result == "fail" {
		fmt.Fprint(w, s.output[""]) // a panic, a deadline, a leak
	}
	for _, t := range s.skipped {
		fmt.Fprintf(w, "      skipped %s: %s\n", t, strings.Join(strings.Fields(said(s.output[t])), " "))
	}
	if !verbose {
		return
	}
	for _, t := range s.passed {
		if text := said(s.output[t]); text != "" {
			fmt.Fprintf(w, "      %s\n%s", t, text)
		}
	}
}

// said is a test's output without the lines that go test adds.
func said(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if mark := strings.TrimSpace(line); mark != "" && !strings.HasPrefix(mark, "===") && !strings.HasPrefix(mark, "---") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// sum prints the last lines. It reports false when a package with code has no test, or
// nothing ran at all.
func sum(suites map[string]*suite, w io.Writer, narrowed bool) bool {
	var total suite
	good := true
	for _, pkg := range slices.Sorted(maps.Keys(suites)) {
		s := suites[pkg]
		total.pass, total.fail, total.skip, total.cases = total.pass+s.pass, total.fail+s.fail, total.skip+s.skip, total.cases+s.cases
		if s.pass+s.fail+s.skip == 0 && !narrowed && !strings.HasSuffix(pkg, helpers) && s.result != "fail" {
			fmt.Fprintf(w, "%s has code and no test. Write one beside it.\n", pkg)
			good = false
		}
		if s.result == "fail" && s.fail == 0 {
			total.fail++ // it did not compile, or died outside a test
		}
	}
	if total.pass+total.fail == 0 {
		fmt.Fprintln(w, "No test ran.")
		good = false
	}
	fmt.Fprintf(w, "\n%d packages, %d cases\n%d passed, %d failed, %d skipped\n", len(suites), total.cases, total.pass, total.fail, total.skip)
	return good && total.fail == 0
}
