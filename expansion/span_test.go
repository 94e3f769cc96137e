package expansion_test

import (
	"testing"
	"time"

	"expansionbot/expansion"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Hour, "0 s"},
		{0, "0 s"},
		{59*time.Second + 999*time.Millisecond, "59 s"},
		{time.Minute, "1 min"},
		{7*time.Minute + 29*time.Second, "7 min"},
		{7*time.Minute + 30*time.Second, "8 min"},
		{59*time.Minute + 40*time.Second, "1 h"},
		{108 * time.Minute, "1 h 48 m"},
		{4 * time.Hour, "4 h"},
		{47*time.Hour + 5*time.Minute, "47 h 5 m"},
		{48 * time.Hour, "48 h"},
		{50*time.Hour + 10*time.Minute, "50 h"},
		{72*time.Hour + 59*time.Minute, "72 h"},
		{73 * time.Hour, "3 days"},
		{34*day + time.Hour, "34 days"},
	} {
		if got := expansion.Span(c.d); got != c.want {
			t.Errorf("Span(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}
