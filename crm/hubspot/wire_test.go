package hubspot

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"19200": 1_920_000, "19200.5": 1_920_050, "19200.05": 1_920_005, "-0.50": -50, "0": 0, "1.92E4": 1_920_000, "1e2": 10_000,
		"0.005": 1, "90071992547409.93": 9_007_199_254_740_993,
	} {
		if got, ok := parseAmount(in); !ok || got != want {
			t.Errorf("%q is %d, %v; want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", "much", "1,000", "1e99", "NaN"} {
		if got, ok := parseAmount(in); ok {
			t.Errorf("%q is %d, want no amount", in, got)
		}
	}
}

func TestAmountRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(-1<<52, 1<<52).Draw(t, "minor")
		if got, ok := parseAmount(formatAmount(minor)); !ok || got != minor {
			t.Fatalf("%d became %q became %d, %v", minor, formatAmount(minor), got, ok)
		}
	})
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	for _, in := range []string{"2026-03-31T00:00:00Z", "2026-03-31T00:00:00.000Z", "2026-03-31T02:00:00+02:00", "2026-03-31", "1774915200000"} {
		if got, ok := parseTime(in); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, %v; want %v", in, got, ok, want)
		}
	}
	if got, ok := parseTime("soon"); ok {
		t.Errorf("soon is %v", got)
	}
}

func TestNoteHTML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, mark, want string }{
		{"Hello\nJo & <b>", "[R-1]", "Hello<br>Jo &amp; &lt;b&gt;<br><br>[R-1]"},
		{"[R-1] Hello", "[R-1]", "[R-1] Hello"},
		{"", "[R-1]", "[R-1]"},
	} {
		if got := noteHTML(c.body, c.mark); got != c.want {
			t.Errorf("%q became %q, want %q", c.body, got, c.want)
		}
	}
}

func TestBareDomain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"brightwater.example": "brightwater.example", " HTTPS://www.Brightwater.example/a?b ": "brightwater.example", "": "", "www.example": "example",
	} {
		if got := bareDomain(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
