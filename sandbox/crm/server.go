package crm

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// portalID is the sandbox account's number, in links and error texts.
const portalID = 4242424

// homeCurrency is the sandbox account's own currency, used where a deal names none.
const homeCurrency = "USD"

// maxBody bounds a request body; HubSpot's own bound is not published.
const maxBody = 4 << 20

// Config says how the server behaves. Token and Clock are required.
type Config struct {
	Token  string           // the bearer token every request must carry
	Clock  func() time.Time // the sandbox's movable clock
	Log    *slog.Logger     // nil logs nothing
	AppURL string           // start of the links to records; "" means https://app.hubspot.com
}

// Server is the sandbox CRM. Its methods are safe for use by several goroutines.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	state    state
	faults   []string
	down     bool
	lag      time.Duration
	watchers []chan struct{}
	requests int64 // answered, for rate-limit headers and correlation ids
}

// New makes an empty account with HubSpot's default sales pipeline. It panics when
// Token or Clock is missing, as nothing could work without them.
func New(cfg Config) *Server {
	if cfg.Token == "" || cfg.Clock == nil {
		panic("sandbox crm: Config needs Token and Clock")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.AppURL == "" {
		cfg.AppURL = "https://app.hubspot.com"
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), state: newState()}
	s.objectRoutes()
	s.associationRoutes()
	s.accountRoutes()
	return s
}

// Handler serves HubSpot's paths from its root: /crm/v3/…, /crm/v4/…,
// /crm/objects/2026-03/… and /account-info/…. Mounted below a prefix, strip it first.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.cfg.Clock().UTC().Format(http.TimeFormat))
	// Read before anything else: only then does the server notice a caller that left.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.refuse(w, &apiError{status: http.StatusRequestEntityTooLarge, category: "VALIDATION_ERROR", message: "The request body is too large."})
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	path, ok := canonical(r.URL.EscapedPath())
	write := isWrite(r.Method, path)
	fault := s.takeFault(write)
	s.limitHeaders(w)
	s.cfg.Log.DebugContext(r.Context(), "crm request", "method", r.Method, "path", r.URL.Path, "fault", fault)
	switch {
	case fault == FaultStoredThenCut:
		s.handle(discard{}, r, path, ok)
		panic(http.ErrAbortHandler) // cuts the connection without an answer
	case fault != "":
		s.fail(w, r, fault)
	default:
		s.handle(w, r, path, ok)
	}
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request, path string, ok bool) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.Token)) != 1 {
		s.refuse(w, unauthenticated())
		return
	}
	plain, err := url.PathUnescape(path)
	if !ok || err != nil {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = plain, path
	s.mux.ServeHTTP(w, inner)
}

var dates = []string{"2026-03", "2026-09"}

// canonical folds HubSpot's two ways to name a version into one path without any:
// /crm/v3/objects/deals/1 and /crm/objects/2026-03/deals/1 are /objects/deals/1.
// Associations live on v4 beside v3, as they do at HubSpot.
func canonical(path string) (string, bool) {
	part := strings.Split(strings.Trim(path, "/"), "/")
	if len(part) == 3 && part[0] == "account-info" && part[2] == "details" {
		return "/account", part[1] == "v3" || slices.Contains(dates, part[1])
	}
	if len(part) < 3 || part[0] != "crm" {
		return "", false
	}
	area, version, rest := part[2], part[1], part[3:]
	if slices.Contains(dates, part[2]) {
		area, version = part[1], part[2]
	}
	links := area == "associations" || area == "objects" && slices.Contains(rest, "associations")
	switch version {
	case "v3":
		if links {
			return "", false
		}
	case "v4":
		if !links {
			return "", false
		}
	default:
		if !slices.Contains(dates, version) {
			return "", false
		}
	}
	return "/" + strings.Join(append([]string{area}, rest...), "/"), true
}

func isWrite(method, path string) bool {
	return method != http.MethodGet && !strings.HasSuffix(path, "/search") && !strings.HasSuffix(path, "/batch/read")
}

func (s *Server) limitHeaders(w http.ResponseWriter) {
	const daily = 625_000 // a Professional account's calls a day
	s.mu.Lock()
	s.requests++
	used := s.requests
	s.mu.Unlock()
	h := w.Header()
	h.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(daily))
	h.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.FormatInt(max(daily-used, 0), 10))
	h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
	h.Set("X-HubSpot-RateLimit-Max", "190")
	h.Set("X-HubSpot-RateLimit-Remaining", "189")
}

func (s *Server) correlation() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Correlations++
	return fmt.Sprintf("5a4dbc00-0000-4000-8000-%012x", s.state.Correlations)
}

// answer runs f under the lock and writes its value or its refusal. A value of nil
// is answered with no body.
func (s *Server) answer(w http.ResponseWriter, status int, f func() (any, *apiError)) {
	s.mu.Lock()
	v, e := f()
	s.mu.Unlock()
	switch {
	case e != nil:
		s.refuse(w, e)
	case v == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, status, v)
	}
}

// change is answer for writes: watchers are told when f succeeded.
func (s *Server) change(w http.ResponseWriter, status int, f func() (any, *apiError)) {
	s.answer(w, status, func() (any, *apiError) {
		v, e := f()
		if e == nil {
			s.notify()
		}
		return v, e
	})
}

func (s *Server) refuse(w http.ResponseWriter, e *apiError) {
	writeJSON(w, e.status, errorBody{"error", e.message, s.correlation(), e.category, e.details, e.context})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller left: nobody to tell
}

// decode reads the JSON body into v, in HubSpot's words when it cannot.
func decode(r *http.Request, v any) *apiError {
	d := json.NewDecoder(r.Body)
	if err := d.Decode(v); err != nil {
		return invalid("Invalid input JSON on line 1, column %d: %s", d.InputOffset()+1, err)
	}
	return nil
}

// Watch returns a channel that gets a value after each change of what is kept;
// changes that come faster than they are read are one. It is closed when ctx ends.
func (s *Server) Watch(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers = append(s.watchers, c)
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchers = slices.DeleteFunc(s.watchers, func(o chan struct{}) bool { return o == c })
		close(c)
	})
	return c
}

func (s *Server) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify()
}

// notify wakes the watchers. The caller holds s.mu.
func (s *Server) notify() {
	for _, c := range s.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// discard is where the answer to a cut connection goes.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
