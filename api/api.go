package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
)

// Limits of one request.
const (
	maxBody    = 256 << 10        // bytes of a JSON body
	maxIngest  = 32 << 20         // bytes of an NDJSON body
	answerTime = 30 * time.Second // a request that takes longer is answered 503
	ingestTime = 5 * time.Minute  // the same for a body of rows
)

// Config is what the API needs. Engine and Clock are required.
type Config struct {
	Engine    *engine.Engine
	Tokens    []Token
	Clock     expansion.Clock
	Ready     func() error // nil error = ready to work; nil func = always ready
	Log       *slog.Logger // nil = nothing is logged
	PublicURL string       // where readers reach this API; "" = unknown, then openapi.yaml names only "/"
}

// New returns the handler of every HTTP endpoint. It starts nothing.
func New(cfg Config) http.Handler {
	s := &server{metrics: newMetrics(), engine: cfg.Engine, clock: cfg.Clock, ready: cfg.Ready, log: cfg.Log, publicURL: strings.TrimSuffix(cfg.PublicURL, "/"), mux: http.NewServeMux()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.tokens = readTokens(cfg.Tokens, s.log)
	for _, e := range s.endpoints() {
		s.mux.Handle(e.method+" "+e.path, s.serve(e))
	}
	return s
}

type server struct {
	engine    *engine.Engine
	clock     expansion.Clock
	ready     func() error
	log       *slog.Logger
	publicURL string
	tokens    []knownToken
	mux       *http.ServeMux
	metrics   *metrics
	keys      keyLocks
}

// endpoint is one route. Exactly one of json and page is set.
type endpoint struct {
	method, path string
	scope        string                                                      // "" = open to everybody
	json         func(c *call) (status int, body any, err error)             // answers JSON
	stream       bool                                                        // json reads the body itself
	page         func(w http.ResponseWriter, r *http.Request, c *call) error // answers something else
}

// endpoints is the whole surface; openapi.yaml lists the same, which a test holds.
func (s *server) endpoints() []endpoint {
	return []endpoint{
		{method: "POST", path: "/api/expansion/signal", scope: ScopeSignalsWrite, json: s.postSignal},
		{method: "GET", path: "/api/expansion/{customerId}/signals", scope: ScopeSignalsRead, json: s.getSignals},
		{method: "POST", path: "/api/expansion/{signalId}/route", scope: ScopeRouteWrite, json: s.postRoute},
		{method: "GET", path: "/api/expansion/{opportunityId}/status", scope: ScopeSignalsRead, json: s.getStatus},
		{method: "POST", path: "/api/expansion/{opportunityId}/feedback", scope: ScopeOutcomeWrite, json: s.postFeedback},
		{method: "GET", path: "/api/activities", scope: ScopeActivitiesRead, json: s.getActivities},
		{method: "POST", path: "/ingest/usage", scope: ScopeIngestWrite, json: s.ingest("usage"), stream: true},
		{method: "POST", path: "/ingest/events", scope: ScopeIngestWrite, json: s.ingest("events"), stream: true},
		{method: "POST", path: "/ingest/health", scope: ScopeIngestWrite, json: s.ingest("health"), stream: true},
		{method: "GET", path: "/ack/{token}", page: s.ackPage},
		{method: "POST", path: "/ack/{token}", page: s.ackPress},
		{method: "GET", path: "/healthz", json: s.getHealth},
		{method: "GET", path: "/readyz", json: s.getReady},
		{method: "GET", path: "/metrics", scope: ScopeMetricsRead, page: s.getMetrics},
		{method: "GET", path: "/openapi.yaml", page: s.getOpenAPI},
	}
}

// call is one request being answered.
type call struct {
	r     *http.Request
	id    string // request id
	token string // name of the bearer token, "" on open endpoints
	key   string // Idempotency-Key, "" for none
	body  []byte // of a JSON POST
}

func (c *call) ctx() context.Context { return c.r.Context() }

type callKey struct{}

// ServeHTTP implements http.Handler: everything that is the same for every request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: r.Header.Get("X-Request-Id")}
	if !plainID(c.id) {
		c.id = s.engine.Store().NewID()
	}
	within := answerTime
	if strings.HasPrefix(r.URL.Path, "/ingest/") {
		within = ingestTime
	}
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), callKey{}, c), within)
	defer cancel()
	c.r = r.WithContext(ctx)
	h := w.Header()
	h.Set("X-Request-Id", c.id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	cw := &countingWriter{ResponseWriter: w}
	began := s.clock.Now()
	_, route := s.mux.Handler(r)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.fail(cw, c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
		s.metrics.add(r.Method, route, cw.status)
		s.log.DebugContext(ctx, "http request", "request_id", c.id, "route", route, "status", cw.status, "token", c.token, "duration_ms", s.clock.Now().Sub(began).Milliseconds())
	}()
	if route == "" {
		s.noRoute(cw, c)
		return
	}
	s.mux.ServeHTTP(cw, c.r)
}

// noRoute answers what the mux has no route for, which is 404, or 405 for a known path.
func (s *server) noRoute(w http.ResponseWriter, c *call) {
	probe := &countingWriter{ResponseWriter: discard{http.Header{}}}
	s.mux.ServeHTTP(probe, c.r)
	if allow := probe.Header().Get("Allow"); probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allow)
		s.fail(w, c, &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", text: fmt.Sprintf("%s does not take %s. Use %s.", c.r.URL.Path, expansion.Quote(c.r.Method), allow)})
		return
	}
	s.fail(w, c, &refusal{status: http.StatusNotFound, code: string(expansion.CodeNotFound), text: fmt.Sprintf("There is nothing at %s. /openapi.yaml lists what there is.", expansion.Quote(c.r.URL.Path))})
}

// serve answers one endpoint: who asks, may they, was it asked before, then the work.
func (s *server) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := r.Context().Value(callKey{}).(*call)
		c.r = r
		if e.scope != "" {
			name, err := s.authorize(r, e.scope)
			if err != nil {
				s.fail(w, c, err)
				return
			}
			c.token = name
		}
		if e.page != nil {
			if err := e.page(w, r, c); err != nil {
				s.fail(w, c, err)
			}
			return
		}
		if r.Method == http.MethodPost {
			if err := s.prepare(w, c, e); err != nil {
				s.fail(w, c, err)
				return
			}
			if c.key != "" {
				s.once(w, c, e)
				return
			}
		}
		s.answer(w, c, e)
	})
}

// prepare reads the body within its limit.
func (s *server) prepare(w http.ResponseWriter, c *call, e endpoint) error {
	limit := int64(maxBody)
	if e.stream {
		limit = maxIngest
	}
	if c.r.ContentLength > limit {
		return tooLarge(limit)
	}
	c.r.Body = http.MaxBytesReader(w, c.r.Body, limit)
	if !e.stream {
		if t := c.r.Header.Get("Content-Type"); t != "" && !strings.HasPrefix(t, "application/json") {
			return &refusal{status: http.StatusUnsupportedMediaType, code: "media_type", text: "The body should be JSON. Send it with Content-Type: application/json."}
		}
	}
	keys := c.r.Header.Values("Idempotency-Key")
	if len(keys) > 1 || len(keys) == 1 && !plainKey(keys[0]) {
		return expansion.FieldErrorf("Idempotency-Key", "The Idempotency-Key should be one header of 1 to 255 printable ASCII characters.")
	}
	if len(keys) == 1 {
		c.key = keys[0]
	}
	if e.stream && c.key == "" {
		return nil
	}
	var err error
	if c.body, err = io.ReadAll(c.r.Body); err != nil {
		return bodyError(err, limit)
	}
	c.r.Body = io.NopCloser(bytes.NewReader(c.body))
	return nil
}

func tooLarge(limit int64) error {
	size := fmt.Sprintf("%d KB", limit>>10)
	if limit >= 1<<20 {
		size = fmt.Sprintf("%d MB", limit>>20)
	}
	return &refusal{status: http.StatusRequestEntityTooLarge, code: "too_large", text: fmt.Sprintf("The body is larger than %s. Send it in parts.", size)}
}

func bodyError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	return &refusal{status: http.StatusBadRequest, code: string(expansion.CodeInvalid), text: "The body did not arrive whole. Send it again.", cause: err}
}

func (s *server) answer(w http.ResponseWriter, c *call, e endpoint) {
	status, body, err := e.json(c)
	if err != nil {
		s.fail(w, c, err)
		return
	}
	writeJSON(w, "application/json", status, body)
}

func writeJSON(w http.ResponseWriter, kind string, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("api: an answer does not marshal: %v", err))
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the reader may be gone; nothing is left to do then
}

// decode reads the JSON body into v, refusing keys it does not know.
func (c *call) decode(v any, optional bool) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		if optional {
			return nil
		}
		return expansion.FieldErrorf("", "The body is empty. Send a JSON object.")
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return expansion.FieldErrorf("", "The body has something after the JSON object. Send one object.")
		}
		return nil
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if te.Field == "" {
			return expansion.FieldErrorf("", "The body is a %s. Send a JSON object.", jsonWord(te.Value))
		}
		return expansion.FieldErrorf(te.Field, "%s is a %s; it should be a %s.", expansion.Quote(te.Field), jsonWord(te.Value), jsonKind(te.Type.Kind().String()))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return expansion.FieldErrorf(name, "%s is not a field of this request. /openapi.yaml lists the fields.", expansion.Quote(name))
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return expansion.FieldErrorf("", "The body is not JSON: it breaks off or is wrong at byte %d.", se.Offset)
	}
	return expansion.FieldErrorf("", "The body is not a whole JSON object.")
}

// jsonWord says what kind of JSON value was found, as people call it.
func jsonWord(v string) string {
	switch word, _, _ := strings.Cut(v, " "); word { // "number 1.5" has the value too
	case "string":
		return "text"
	case "bool":
		return "truth value"
	case "array":
		return "list"
	default:
		return word
	}
}

func jsonKind(kind string) string {
	switch kind {
	case "string":
		return "text"
	case "bool":
		return "truth value"
	case "map", "struct":
		return "JSON object"
	case "int", "int64":
		return "whole number"
	}
	return "number"
}

// plainID reports whether s may serve as a request id.
func plainID(s string) bool {
	return len(s) > 0 && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	}) < 0
}

func plainKey(s string) bool {
	return len(s) > 0 && len(s) <= 255 && strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}

// countingWriter remembers the status for metrics.
type countingWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *countingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard is a response nobody reads.
type discard struct{ h http.Header }

// Header implements http.ResponseWriter.
func (d discard) Header() http.Header { return d.h }

// Write implements http.ResponseWriter.
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (d discard) WriteHeader(int) {}
