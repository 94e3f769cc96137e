package slack

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Stats are counts since the server was made.
type Stats struct {
	Acks           int             // envelopes acknowledged in time
	LateAcks       int             // acks after the deadline, not honoured
	MissedAcks     int             // envelopes whose deadline passed
	AckLatencies   []time.Duration // of the newest 10,000 acks, oldest first
	EventsResent   int
	FramesTooLong  int
	Posts, Updates int            // messages accepted by chat.postMessage and chat.update
	Methods        map[string]int // calls per Web API method, refused ones included
}

// violate records a rule the app broke.
func (s *Server) violate(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.log.Warn("slack rule broken", "rule", text)
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if len(s.net.violations) < keptViolations {
		s.net.violations = append(s.net.violations, text)
	}
}

// Violations lists the rules the app broke, oldest first, at most 1,000: late or missing acks, acks for
// unknown envelopes, blocks over their limits, messages without fallback text, broadcast mentions.
// Injected faults and what happens while a socket is cut are not the app's fault and not listed.
func (s *Server) Violations() []string {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	return slices.Clone(s.net.violations)
}

// ForgetViolations empties Violations, for tests that break a rule on purpose.
func (s *Server) ForgetViolations() {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.net.violations = nil
}

// Stats returns a copy of the counts.
func (s *Server) Stats() Stats {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	st := s.net.stats
	st.AckLatencies = slices.Clone(st.AckLatencies)
	st.Methods = maps.Clone(st.Methods)
	return st
}
