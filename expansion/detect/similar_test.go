package detect_test

import (
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/detect"
)

func TestSimilar(t *testing.T) { // storyboard 7.1
	t.Parallel()
	const window = 14 * 24 * time.Hour
	now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	seats := expansion.Signal{
		ID: "usage", AccountID: "brightwater", Type: expansion.UsageGrowth, Subject: expansion.SeatsMetric, ExpansionType: expansion.Seats,
		Status: expansion.Detected, LastSeenAt: now.Add(-time.Hour),
	}
	with := func(change func(*expansion.Signal)) expansion.Signal {
		s := seats
		change(&s)
		return s
	}
	logged := expansion.Signal{AccountID: "brightwater", Type: expansion.ExplicitRequest, Subject: "seats", ExpansionType: expansion.Seats}
	for _, tt := range []struct {
		name string
		open []expansion.Signal
		want expansion.SignalID
	}{
		{"nothing is open", nil, ""},
		{"a usage signal about the same purchase", []expansion.Signal{seats}, "usage"},
		{"a routed one takes evidence too", []expansion.Signal{with(func(s *expansion.Signal) { s.Status = expansion.Routed })}, "usage"},
		{"another kind of purchase is another signal", []expansion.Signal{with(func(s *expansion.Signal) { s.ExpansionType = expansion.Tier })}, ""},
		{"another account's is not", []expansion.Signal{with(func(s *expansion.Signal) { s.AccountID = "kestrel" })}, ""},
		{"a closed one is over", []expansion.Signal{with(func(s *expansion.Signal) { s.Status = expansion.Closed })}, ""},
		{"seen on the window's last day", []expansion.Signal{with(func(s *expansion.Signal) { s.LastSeenAt = now.Add(-window) })}, "usage"},
		{"last seen before the window", []expansion.Signal{with(func(s *expansion.Signal) { s.LastSeenAt = now.Add(-window - time.Second) })}, ""},
		{"the same type and subject before one that was seen later", []expansion.Signal{seats, with(func(s *expansion.Signal) {
			s.ID, s.Type, s.Subject, s.LastSeenAt = "asked", expansion.ExplicitRequest, "seats", now.Add(-48*time.Hour)
		})}, "asked"},
		{"the same type and subject though its kind of purchase was corrected", []expansion.Signal{with(func(s *expansion.Signal) {
			s.ID, s.Type, s.Subject, s.ExpansionType = "asked", expansion.ExplicitRequest, "seats", expansion.Tier
		})}, "asked"},
		{"the one seen last of several", []expansion.Signal{with(func(s *expansion.Signal) { s.ID, s.LastSeenAt = "old", now.Add(-72*time.Hour) }), seats}, "usage"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got expansion.SignalID
			if s := detect.Similar(logged, now, tt.open, window); s != nil {
				got = s.ID
			}
			if got != tt.want {
				t.Errorf("similar = %q, want %q", got, tt.want)
			}
		})
	}
}
