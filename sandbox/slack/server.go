package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	externalTeam       = "T0EXTERNAL"
	maxResponseURLUses = 5
	responseURLLife    = 30 * time.Minute
	triggerLife        = 3 * time.Second
	maxBody            = 32 << 20
)

// Config says which app is installed in the workspace. The zero value of an optional field takes the
// default named beside it.
type Config struct {
	TeamID, TeamName, AppID string           // "T0SANDBOX", "Expansion sandbox", "A0EXPANSION"
	BotToken, AppToken      string           // required
	BotName                 string           // "Expansion"
	Command                 string           // "/expansion"
	Scopes                  []string         // granted bot scopes; nil = those of the product's manifest
	Events                  []string         // subscribed bot events; nil = those of the product's manifest
	Clock                   func() time.Time // required
	BaseURL                 string           // where Handler is reachable, without a trailing slash
	Log                     *slog.Logger     // nil = discard
	AckTimeout              time.Duration    // real time the app has to ack; 0 = 3 s
}

var (
	manifestScopes = []string{
		"commands", "chat:write", "im:write", "im:read", "im:history", "users:read", "users:read.email", "users.profile:read",
		"files:read", "files:write", "channels:read", "groups:read", "app_mentions:read", "dnd:read",
	}
	manifestEvents = []string{"app_home_opened", "app_mention", "message.im", "team_join", "user_change", "channel_shared", "channel_unshared", "app_uninstalled", "tokens_revoked"}
)

// Server is one workspace with one installed app. All methods are safe for concurrent use.
type Server struct {
	cfg    Config
	log    *slog.Logger
	mu     sync.Mutex // guards w and offered; taken before net.mu
	w      *world
	net    network
	limits limiter

	offered map[string]map[string]obj // user+element -> option value -> option, from Suggest
	pruneAt int                       // how many triggers and response URLs there may be before old ones are dropped

	watchMu  sync.Mutex
	watchers map[chan struct{}]bool

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes an empty workspace. It needs tokens and a clock.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.BotToken == "" || cfg.AppToken == "":
		return nil, fmt.Errorf("sandbox Slack needs BotToken and AppToken")
	case cfg.BotToken == cfg.AppToken:
		return nil, fmt.Errorf("sandbox Slack needs different BotToken and AppToken")
	case cfg.Clock == nil:
		return nil, fmt.Errorf("sandbox Slack needs a Clock")
	case strings.HasSuffix(cfg.BaseURL, "/"):
		return nil, fmt.Errorf("sandbox Slack BaseURL %q must not end in a slash", cfg.BaseURL)
	}
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&cfg.TeamID, "T0SANDBOX")
	def(&cfg.TeamName, "Expansion sandbox")
	def(&cfg.AppID, "A0EXPANSION")
	def(&cfg.BotName, "Expansion")
	def(&cfg.Command, "/expansion")
	if cfg.Scopes == nil {
		cfg.Scopes = manifestScopes
	}
	if cfg.Events == nil {
		cfg.Events = manifestEvents
	}
	if cfg.AckTimeout == 0 {
		cfg.AckTimeout = 3 * time.Second
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, log: log, w: newWorld(), offered: map[string]map[string]obj{}, watchers: map[chan struct{}]bool{}}
	s.net.init()
	s.limits.init()
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Close drops every socket and waits for what the server started. State stays readable.
func (s *Server) Close() {
	s.stop()
	s.dropAll("", 0)
	s.wg.Wait()
}

// BotUserID is the user id of the app's bot, for Channel.Members.
func (s *Server) BotUserID() string { return "U0EXPANSION" }

// BotID is the bot id that the app's messages carry.
func (s *Server) BotID() string { return "B0EXPANSION" }

// APIURL is what Slack clients take as their API address; it ends in a slash.
func (s *Server) APIURL() string { return s.cfg.BaseURL + "/api/" }

// Handler serves /api/<method>, /link, /upload/, /files/ and /response/ relative to where it is mounted.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("/link/", s.serveLink)
	mux.HandleFunc("/link", s.serveLink)
	mux.HandleFunc("POST /upload/{secret}", s.serveUpload)
	mux.HandleFunc("GET /files/{id}/{name}", s.serveFile)
	mux.HandleFunc("GET /signin", serveSignIn)
	mux.HandleFunc("POST /response/{secret}", s.serveResponse)
	return mux
}

// Watch returns a channel that gets a value after something visible changed; changes close together
// come as one. It ends with ctx.
func (s *Server) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	s.watchMu.Lock()
	s.watchers[ch] = true
	s.watchMu.Unlock()
	context.AfterFunc(ctx, func() {
		s.watchMu.Lock()
		delete(s.watchers, ch)
		close(ch)
		s.watchMu.Unlock()
	})
	return ch
}

func (s *Server) changed() {
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// -- Web API

// apiError is a refusal: {"ok":false,"error":code} and what goes beside it.
type apiError struct {
	code string
	more obj
}

func (e *apiError) Error() string { return e.code }

func refuse(code string) error { return &apiError{code: code} }

// call is one Web API request being answered.
type call struct {
	s      *Server
	method string
	args   map[string]any // strings from forms, any JSON value from JSON bodies
	warn   []string
}

func (c *call) str(name string) string {
	switch v := c.args[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

func (c *call) bool(name string) bool {
	v := c.str(name)
	return v == "true" || v == "1"
}

func (c *call) has(name string) bool { return c.args[name] != nil && c.args[name] != "" }

// json reads an argument that is JSON in a string or JSON itself; ok is false for broken JSON.
func (c *call) json(name string) (v any, ok bool) {
	s, isString := c.args[name].(string)
	if !isString {
		return c.args[name], true
	}
	if strings.TrimSpace(s) == "" {
		return nil, true
	}
	v, err := decode([]byte(s))
	return v, err == nil
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	if s.net.isDown() {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	s.net.count(name)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	args, token, err := readArgs(r)
	if err != nil {
		answer(w, nil, &apiError{code: "invalid_json"})
		return
	}
	fault, faulty := s.net.fault(name)
	if faulty && s.serveFault(w, r, fault) {
		return
	}
	m, known := methods[name]
	if !known {
		s.violate("unknown method %s called", name)
		answer(w, nil, &apiError{code: "unknown_method", more: obj{"req_method": name}})
		return
	}
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.cfg.Scopes, ","))
	w.Header().Set("X-Accepted-OAuth-Scopes", m.scope)
	c := &call{s: s, method: name, args: args}
	if err := s.allow(c, m, token); err != nil {
		answer(w, nil, err)
		return
	}
	if wait := s.limits.take(name, m.tier, s.bucketOf(c.str("channel"))); wait > 0 {
		tooMany(w, int(wait.Seconds()+0.999))
		return
	}
	out, err := m.run(c)
	s.changed()
	if faulty && fault == AcceptThenCut {
		cut(w)
		return
	}
	if err == nil && len(c.warn) > 0 {
		out["warning"] = strings.Join(c.warn, ",")
		meta, _ := out["response_metadata"].(obj)
		if meta == nil {
			meta = obj{}
		}
		meta["warnings"] = c.warn
		out["response_metadata"] = meta
	}
	answer(w, out, err)
}

// bucketOf is the conversation a post is counted for: a person's id and their direct message are one.
func (s *Server) bucketOf(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.target(id); ch != nil {
		return ch.ID
	}
	return id
}

// allow checks the token and the scope of the method.
func (s *Server) allow(c *call, m method, token string) error {
	want, other := s.cfg.BotToken, s.cfg.AppToken
	if m.app {
		want, other = other, want
	}
	switch token {
	case want:
	case other:
		return refuse("not_allowed_token_type")
	case "":
		return refuse("not_authed")
	default:
		return refuse("invalid_auth")
	}
	if m.scope != "" {
		return s.needScope(m.scope)
	}
	return nil
}

func (s *Server) needScope(scope string) error {
	if slices.Contains(s.cfg.Scopes, scope) {
		return nil
	}
	return &apiError{code: "missing_scope", more: obj{"needed": scope, "provided": strings.Join(s.cfg.Scopes, ",")}}
}

// readArgs takes form, multipart, query and JSON arguments, and the token from header or form.
func readArgs(r *http.Request) (args map[string]any, token string, err error) {
	args = map[string]any{}
	if h := r.Header.Get("Authorization"); h != "" {
		token = strings.TrimSpace(strings.TrimPrefix(h, "Bearer"))
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, "", err
		}
		if len(strings.TrimSpace(string(body))) > 0 {
			v, err := decode(body)
			if err != nil {
				return nil, "", err
			}
			m, ok := v.(obj)
			if !ok {
				if v != nil {
					return nil, "", fmt.Errorf("not an object")
				}
				m = obj{}
			}
			maps.Copy(args, m)
		}
		for k, vs := range r.URL.Query() {
			args[k] = vs[0]
		}
		return args, token, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		err = r.ParseMultipartForm(maxBody)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		return nil, "", err
	}
	for k, vs := range r.Form {
		args[k] = vs[0]
	}
	if t, _ := args["token"].(string); t != "" && token == "" {
		token = t
	}
	delete(args, "token")
	return args, token, nil
}

func answer(w http.ResponseWriter, out obj, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err != nil {
		out = obj{"ok": false, "error": err.Error()}
		if e, ok := err.(*apiError); ok {
			maps.Copy(out, e.more)
		}
	} else {
		if out == nil {
			out = obj{}
		}
		out["ok"] = true
	}
	w.Write(encode(out))
}
