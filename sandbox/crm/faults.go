package crm

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The faults FailNext knows. All but StoredThenCut refuse the request before it has
// any effect.
const (
	FaultSecondly      = "429_secondly"    // rate limit, Retry-After: 1
	FaultDaily         = "429_daily"       // the account's calls for today are used up
	FaultHTML          = "503_html"        // a proxy's page instead of an answer
	FaultStoredThenCut = "stored_then_cut" // the write is kept, the connection is cut before the answer; reads pass by
	FaultAuth          = "401"             // the token is refused
	FaultHang          = "hang"            // no answer until the caller gives up
)

var faultKinds = []string{FaultSecondly, FaultDaily, FaultHTML, FaultStoredThenCut, FaultAuth, FaultHang}

// FailNext makes the next n requests fail in the way kind names; several kinds queue
// up in the order asked for. n below 1 takes back what is left of that kind. An
// unknown kind is an error that lists the known ones.
func (s *Server) FailNext(kind string, n int) error {
	if !slices.Contains(faultKinds, kind) {
		return fmt.Errorf("sandbox crm: no fault is called %q; known are %q", kind, faultKinds)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 1 {
		s.faults = slices.DeleteFunc(s.faults, func(k string) bool { return k == kind })
		return nil
	}
	for range n {
		s.faults = append(s.faults, kind)
	}
	return nil
}

// SetDown makes every request answer 503 with a proxy's HTML page until it is set
// back. Nothing is stored while down.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	s.down = down
	s.mu.Unlock()
	s.changed()
}

// Down reports whether SetDown is in force.
func (s *Server) Down() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// SetReadLag makes search answer with what was true that long ago for records
// changed since, as HubSpot's search index does. Reads by id never lag. 0 ends it.
func (s *Server) SetReadLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = max(d, 0)
}

// takeFault removes and returns the fault this request must suffer, "" for none.
func (s *Server) takeFault(write bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return FaultHTML
	}
	for i, k := range s.faults {
		if k == FaultStoredThenCut && !write {
			continue
		}
		s.faults = slices.Delete(s.faults, i, i+1)
		return k
	}
	return ""
}

// fail answers a request with a fault that has no effect on what is kept.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, kind string) {
	switch kind {
	case FaultSecondly:
		w.Header().Set("Retry-After", "1")
		s.rateLimited(w, "You have reached your secondly limit.", "SECONDLY")
	case FaultDaily:
		w.Header().Set("X-HubSpot-RateLimit-Daily-Remaining", "0")
		s.rateLimited(w, "You have reached your daily limit.", "DAILY")
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>\n")
	case FaultAuth:
		s.refuse(w, unauthenticated())
	case FaultHang:
		<-r.Context().Done()
	}
}

// rateLimited writes HubSpot's 429 body, which is not its usual error shape.
func (s *Server) rateLimited(w http.ResponseWriter, message, policy string) {
	writeJSON(w, http.StatusTooManyRequests, map[string]string{
		"status": "error", "message": message, "errorType": "RATE_LIMIT",
		"correlationId": s.correlation(), "policyName": policy, "requestId": s.correlation(),
	})
}

func unauthenticated() *apiError {
	return &apiError{
		status: http.StatusUnauthorized, category: "INVALID_AUTHENTICATION",
		message: "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
	}
}
