package slack

import (
	"encoding/json"
	"slices"
)

// keptPayloads bounds what Payloads remembers; a story sends a few hundred at most.
const keptPayloads = 500

// sent remembers a checked payload as the app sent it, before Slack's own additions.
func (s *Server) sent(v any) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if len(s.net.payloads) < keptPayloads {
		s.net.payloads = append(s.net.payloads, encode(v))
	}
}

// Payloads lists the blocks of messages (arrays) and the views (objects of type modal or
// home) that the app sent and Slack accepted, oldest first, at most 500. They are as the
// app wrote them, for checks against Slack's own types.
func (s *Server) Payloads() []json.RawMessage {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	return slices.Clone(s.net.payloads)
}
