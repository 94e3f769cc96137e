package main

import (
	"strings"
	"testing"
)

func TestSum(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, events, want string
		narrowed, good     bool
	}{
		{"counts tests and cases", `{"Action":"pass","Package":"m/a","Test":"TestA/b"}
{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a","Elapsed":0.1}`, "1 passed, 0 failed, 0 skipped", false, true},
		{"refuses a package without a test", `{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a"}
{"Action":"skip","Package":"m/b"}`, "m/b has code and no test", false, false},
		{"takes a package of test code", `{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a"}
{"Action":"skip","Package":"m/a/storetest"}`, "1 passed, 0 failed, 0 skipped", false, true},
		{"does not ask for tests everywhere under -run", `{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a"}
{"Action":"pass","Package":"m/b"}`, "1 passed, 0 failed, 0 skipped", true, true},
		{"refuses a run of nothing", `{"Action":"pass","Package":"m/a"}`, "No test ran.", true, false},
		{"shows what a failing test said", `{"Action":"output","Package":"m/a","Test":"TestA","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"m/a","Test":"TestA"}
{"Action":"fail","Package":"m/a"}`, "got 1, want 2", false, false},
		{"says why a test was skipped", `{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:1: no browser\n"}
{"Action":"skip","Package":"m/a","Test":"TestA"}
{"Action":"pass","Package":"m/a","Test":"TestB"}
{"Action":"pass","Package":"m/a"}`, "skipped TestA: a_test.go:1: no browser", false, true},
		{"counts a package that died as failed", `{"Action":"pass","Package":"m/a","Test":"TestA"}
{"Action":"fail","Package":"m/a"}`, "1 passed, 1 failed, 0 skipped", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var w strings.Builder
			suites, _ := read(strings.NewReader(c.events), &w, false)
			if good := sum(suites, &w, c.narrowed); good != c.good {
				t.Errorf("sum says %v, want %v", good, c.good)
			}
			if !strings.Contains(w.String(), c.want) {
				t.Errorf("printed\n%s\nwant it to contain %q", w.String(), c.want)
			}
		})
	}
}

// The long runs print tables; a green run must show them too.
func TestWhatPassedTestsSaidIsPrintedOnlyOnRequest(t *testing.T) {
	t.Parallel()
	const events = `{"Action":"output","Package":"m/a","Test":"TestKill","Output":"=== RUN   TestKill\n"}
{"Action":"output","Package":"m/a","Test":"TestKill","Output":"        store  kills\n"}
{"Action":"pass","Package":"m/a","Test":"TestKill"}
{"Action":"pass","Package":"m/a"}`
	for _, verbose := range []bool{false, true} {
		var w strings.Builder
		read(strings.NewReader(events), &w, verbose)
		if got := strings.Contains(w.String(), "store  kills"); got != verbose || strings.Contains(w.String(), "===") {
			t.Errorf("with -v %t it prints\n%s", verbose, &w)
		}
	}
}
