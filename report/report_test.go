package report_test

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"expansionbot/expansion"
	"expansionbot/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", name, d)
	}
}

var people = report.People{
	"p-marcus": {ID: "p-marcus", Name: "Marcus Bell"},
	"p-dana":   {ID: "p-dana", Name: "Dana\nOrtiz"},
	"p-evil":   {ID: "p-evil", Name: `=HYPERLINK("http://x.example")`},
}

func month() expansion.Performance {
	min, h, d := time.Minute, time.Hour, 24*time.Hour
	usd := func(minor int64) expansion.Money { return expansion.Money{Minor: minor, Currency: "USD"} }
	return expansion.Performance{
		Since: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Routed: 61,
		Targets: []expansion.Target{
			{Name: "Signal to opportunity", Now: "62% (38 of 61)", Target: "over 60%", Value: new(0.62), N: 61, Enough: true, Met: true},
			{Name: "Win rate", Now: "25% (15 of 61)", Target: "over 30%", Value: new(0.25), N: 30, Enough: true},
			{Name: "Time to acknowledge", Now: "1 h 48 m", Target: "under 4 h", N: 12},
			{Name: "ARR from routed signals", Now: "+€1,000, +$64,000", N: 15, Enough: true},
		},
		ByType: []expansion.PerformanceRow{
			{
				Type: expansion.UsageGrowth, Routed: 50, Acknowledged: 48, Opportunities: 35, Won: 12, Lost: 13, ToAcknowledge: new(108 * min), ToClose: new(34 * d),
				WinRate: expansion.Rate{Known: true, Value: 0.48, Low: 0.3, High: 0.665, N: 25}, ARR: []expansion.Money{usd(6400000)},
			},
			{
				Type: expansion.BudgetDiscussion, Routed: 11, Acknowledged: 4, Opportunities: 3, Won: 3, Lost: 2, ToAcknowledge: new(3 * h),
				WinRate: expansion.Rate{N: 5}, ARR: []expansion.Money{{Minor: 100000, Currency: "EUR"}},
			},
		},
		ByRep: []expansion.PerformanceRow{
			{Rep: "p-marcus", Routed: 30, Acknowledged: 30, Opportunities: 20, Won: 9, Lost: 7, ToAcknowledge: new(40 * min), WinRate: expansion.Rate{N: 16}, ARR: []expansion.Money{usd(4400000)}},
			{Rep: "p-dana", Routed: 20, Acknowledged: 20, Opportunities: 12, Won: 6, Lost: 6, ToAcknowledge: new(26 * h), WinRate: expansion.Rate{N: 12}, ARR: []expansion.Money{{Minor: 100000, Currency: "EUR"}, usd(2000000)}},
			{Rep: "p-evil", Routed: 6, Acknowledged: 2, Lost: 2, WinRate: expansion.Rate{N: 2}},
			{Rep: "p-erased", Routed: 5, WinRate: expansion.Rate{N: 0}},
		},
	}
}

func TestTextOfAMonth(t *testing.T) {
	t.Parallel()
	golden(t, "month.golden.txt", report.Text(month(), people))
}

func TestTextOfNothing(t *testing.T) {
	t.Parallel()
	golden(t, "empty.golden.txt", report.Text(expansion.Performance{Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)}, nil))
}

func TestTextHasNoMarkup(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"*", "|", "`", "\t", "#"} {
		if s := report.Text(month(), people); strings.Contains(s, mark) {
			t.Errorf("text holds %q", mark)
		}
	}
}

func TestCSVOfAMonth(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := report.CSV(&b, month(), people); err != nil {
		t.Fatal(err)
	}
	golden(t, "month.golden.csv", b.String())
}

func TestNoCSVCellIsAFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ '"\t\r\n]{0,3}[=+\-@＝＋－＠].{0,8}`)).Draw(t, "name")
		p := expansion.Performance{ByRep: []expansion.PerformanceRow{{Rep: expansion.PersonID(name), Routed: 1}}}
		var b strings.Builder
		if err := report.CSV(&b, p, report.People{expansion.PersonID(name): {Name: name}}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatalf("not RFC 4180: %v", err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if bare := strings.TrimLeft(cell, " \u00a0\ufeff\""); bare != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(bare)[0]) {
					t.Fatalf("cell %q of name %q would run as a formula", cell, name)
				}
			}
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestCSVSaysWhenItCouldNotBeWritten(t *testing.T) {
	t.Parallel()
	if err := report.CSV(fullDisk{}, month(), people); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("CSV to a full disk = %v; want its error", err)
	}
}

func ExampleText() {
	fmt.Print(report.Text(expansion.Performance{
		Since: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Routed: 1,
		Targets: []expansion.Target{{Name: "Win rate", Now: "too few (1)", Target: "over 30%", N: 1}},
	}, nil))
	// Output:
	// Signal performance, 1 Feb 2026 to 3 Mar 2026
	// 1 routing
	//
	//           now          target    enough data?
	// Win rate  too few (1)  over 30%  no, 1 of 20
	//
	// "Win rate" above is won of all routed; "won of closed" leaves out open ones and gives the 95% range.
	// A percentage needs 20 outcomes. Times are elapsed medians in which open ones count.
}

func ExampleCell() {
	fmt.Println(report.Cell("=1+1"), report.Cell("Marcus Bell"))
	// Output: '=1+1 Marcus Bell
}
