package slack

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Fault is a way an API call can go wrong; see FailNext.
type Fault string

// Faults of FailNext. All but AcceptThenCut leave the call undone.
const (
	RateLimited         Fault = "rate_limited"           // HTTP 429 with Retry-After: 1
	RateLimitedNoHeader Fault = "rate_limited_no_header" // HTTP 429 without Retry-After
	OKFalseRatelimited  Fault = "ok_false_ratelimited"   // HTTP 200 {"ok":false,"error":"ratelimited"}
	Error500HTML        Fault = "error_500_html"         // HTTP 500 with an HTML page
	AcceptThenCut       Fault = "accept_then_cut"        // the call is done, the connection is cut without an answer
	Hang                Fault = "hang"                   // no answer until the client gives up
)

// Error is the fault of answering {"ok":false,"error":code}.
func Error(code string) Fault { return Fault("error:" + code) }

// FailNext makes the next n calls of a method fail; "*" is any method, and the pseudo methods
// "upload", "download" and "response_url" name those addresses. n <= 0 takes the method's faults back.
func (s *Server) FailNext(method string, f Fault, n int) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if n <= 0 {
		delete(s.net.faults, method)
		return
	}
	for range n {
		s.net.faults[method] = append(s.net.faults[method], f)
	}
}

func (n *network) fault(method string) (Fault, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range []string{method, "*"} {
		if q := n.faults[key]; len(q) > 0 {
			n.faults[key] = q[1:]
			return q[0], true
		}
	}
	return "", false
}

// serveFault answers in place of the method; it reports false for AcceptThenCut, which needs the method run.
func (s *Server) serveFault(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f {
	case AcceptThenCut:
		return false
	case RateLimited:
		tooMany(w, 1)
	case RateLimitedNoHeader:
		w.WriteHeader(http.StatusTooManyRequests)
	case OKFalseRatelimited:
		answer(w, nil, refuse("ratelimited"))
	case Error500HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		w.Write([]byte("<!doctype html><title>Server Error</title><h1>Something went wrong</h1>\n"))
	case Hang:
		select {
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		cut(w)
	default:
		answer(w, nil, refuse(string(f[len("error:"):])))
	}
	return true
}

func tooMany(w http.ResponseWriter, seconds int) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, seconds)))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusTooManyRequests)
	w.Write([]byte(`{"ok":false,"error":"ratelimited"}`))
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the other way to end a connection without an answer
	}
	conn.Close()
}

// -- rate limits, on real time

// tier is Slack's rate class of a method.
type tier int

const (
	tierNone tier = iota
	tier1
	tier2
	tier3
	tier4
	tierPost // chat.postMessage: one a second per channel, short bursts
)

// perMinute are the published floors; a burst of one minute's worth is let through.
var perMinute = map[tier]float64{tier1: 1, tier2: 20, tier3: 50, tier4: 100}

type bucket struct {
	tokens float64
	at     time.Time
}

type limiter struct {
	mu      sync.Mutex
	on      bool
	buckets map[string]*bucket
	now     func() time.Time
}

func (l *limiter) init() {
	l.on, l.buckets = true, map[string]*bucket{}
	l.now = realNow // a moved clock must not refill them
}

// SetLimits switches rate limiting; on is the default. Switching forgets what was used.
func (s *Server) SetLimits(on bool) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.on, s.limits.buckets = on, map[string]*bucket{}
}

// take uses one token and returns 0, or returns how long until there is one.
func (l *limiter) take(method string, t tier, channel string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on || t == tierNone {
		return 0
	}
	key, burst, perSecond := method, perMinute[t], perMinute[t]/60
	if t == tierPost {
		key, burst, perSecond = method+" "+channel, 3, 1
	}
	now := l.now()
	b, ok := l.buckets[key]
	if !ok {
		b = &bucket{tokens: burst, at: now}
		l.buckets[key] = b
	}
	b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / perSecond * float64(time.Second))
	}
	b.tokens--
	return 0
}
