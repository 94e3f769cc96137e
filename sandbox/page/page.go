package page

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/mail"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
)

// Clock is the sandbox's clock as the page uses it.
type Clock interface {
	Now() time.Time
	// Advance moves the clock and returns when everything due on the way is done.
	Advance(ctx context.Context, to time.Time) error
	// Watch gets a value after each move and closes when ctx ends.
	Watch(ctx context.Context) <-chan struct{}
}

// Coming is something the world will do by itself, shown ahead in the timeline.
type Coming struct {
	At    time.Time `json:"at"`
	Title string    `json:"title"`
}

// Deps are the parts the page shows. Slack, CRM, Mail and Clock are required.
type Deps struct {
	Slack       *slack.Server
	CRM         *crm.Server
	Mail        *mail.Server
	Clock       Clock
	NextMorning func(now time.Time) time.Time // where "Next morning" leads; nil hides the button
	Coming      func() []Coming               // what comes next, soonest first; nil shows nothing
	API         func() (url, token string)    // the product's API; url "" while it is not running
	Log         *slog.Logger                  // nil logs nothing
}

//go:embed static
var files embed.FS

var index = template.Must(template.ParseFS(files, "static/index.html"))

// Server is the page. It is an http.Handler for "/" and "/page/…".
type Server struct {
	Deps
	mux   *http.ServeMux
	guide guide
	time  timeline

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	slackOff bool
	dirty    map[string]bool // parts that changed since the last broadcast
	poke     chan struct{}
	viewers  map[chan []string]bool
	watchers map[chan struct{}]bool // of the guide
}

var _ http.Handler = (*Server)(nil)

// New makes the page and starts watching the parts; Close ends that.
func New(d Deps) *Server {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.API == nil {
		d.API = func() (string, string) { return "", "" }
	}
	s := &Server{
		Deps: d, mux: http.NewServeMux(), dirty: map[string]bool{}, poke: make(chan struct{}, 1),
		viewers: map[chan []string]bool{}, watchers: map[chan struct{}]bool{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	static, err := fs.Sub(files, "static")
	if err != nil { // the folder is embedded above
		panic(err)
	}
	s.mux.HandleFunc("GET /{$}", s.serveIndex)
	s.mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	s.mux.HandleFunc("GET /page/state", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.state()) })
	s.mux.HandleFunc("GET /page/pane", s.servePane)
	s.mux.HandleFunc("GET /page/events", s.serveEvents)
	s.mux.HandleFunc("POST /page/act", s.serveAct)
	s.mux.HandleFunc("POST /page/upload", s.serveUpload)
	s.mux.HandleFunc("GET /page/file", s.serveFile)
	s.mux.HandleFunc("GET /page/crm", s.serveCRM)
	s.mux.HandleFunc("POST /page/crm", s.editCRM)
	s.mux.HandleFunc("GET /page/mail", s.serveMail)
	s.mux.HandleFunc("GET /page/mail/html", s.serveMailHTML)
	s.mux.HandleFunc("GET /page/timeline", s.serveTimeline)
	s.mux.HandleFunc("POST /page/clock", s.moveClock)
	s.mux.HandleFunc("POST /page/switch", s.throwSwitch)
	s.watch("slack", d.Slack.Watch(s.ctx))
	s.watch("crm", d.CRM.Watch(s.ctx))
	s.watch("mail", d.Mail.Watch(s.ctx))
	s.watch("clock", d.Clock.Watch(s.ctx))
	s.wg.Go(s.broadcast)
	s.wg.Go(s.follow)
	return s
}

// Close ends the page's watching and every event stream.
func (s *Server) Close() {
	s.stop()
	s.wg.Wait()
}

// policy lets the page run its own script and style and nothing else. Mails are
// shown in a frame with a policy of its own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers the page's paths. A POST from another site's page is refused.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !LocalHost(r.Host) {
		http.Error(w, "The sandbox answers on this computer only: open it as http://127.0.0.1 and its port.", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !SameOrigin(r) {
		http.Error(w, "This request came from another page and was refused.", http.StatusForbidden)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	initial, err := json.Marshal(s.state())
	if err != nil {
		s.Log.ErrorContext(r.Context(), "page state", "err", err)
		http.Error(w, "The page could not be made; look at the sandbox's log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := index.Execute(w, map[string]any{"State": string(initial), "NextMorning": s.NextMorning != nil}); err != nil {
		s.Log.DebugContext(r.Context(), "page not sent", "err", err)
	}
}

// member is one of the cast as the page lists them.
type member struct {
	ID       string `json:"id"` // in Slack
	Name     string `json:"name"`
	Handle   string `json:"handle"`
	Title    string `json:"title"`
	Role     string `json:"role"` // "" for people outside the cast
	TimeZone string `json:"tz"`
	External bool   `json:"external,omitempty"`
	Deleted  bool   `json:"deleted,omitempty"`
}

type state struct {
	Now      time.Time       `json:"now"`
	People   []member        `json:"people"`
	Channels []channelName   `json:"channels"`
	Bot      string          `json:"bot"` // its Slack user id
	Down     map[string]bool `json:"down"`
	Guide    []step          `json:"guide"`
	Bots     int             `json:"bots"` // sockets of the product
	Coming   []Coming        `json:"coming"`
	Broken   []string        `json:"broken"` // Slack's rules the product broke, newest last
}

type channelName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (s *Server) state() state {
	out := state{
		Now: s.Clock.Now(), Bot: s.Slack.BotUserID(), Guide: s.guide.list(), Bots: s.Slack.Connected(), Coming: []Coming{}, Broken: s.Slack.Violations(),
		Down: map[string]bool{"crm": s.CRM.Down(), "mail": s.Mail.Down(), "slack": s.slackDown()},
	}
	if s.Coming != nil {
		out.Coming = append(out.Coming, s.Coming()...)
	}
	roles := map[string]string{}
	for _, p := range world.Cast() {
		roles[p.SlackID] = p.Role
	}
	seen := map[string]bool{}
	for _, u := range s.Slack.Users() {
		out.People = append(out.People, member{
			ID: u.ID, Name: u.RealName, Handle: u.Handle, Title: u.Title, Role: roles[u.ID], TimeZone: u.TimeZone, External: u.External, Deleted: u.Deleted,
		})
		if u.Bot || u.Deleted {
			continue
		}
		for _, c := range s.Slack.Conversations(u.ID) {
			if c.Kind == "channel" && !seen[c.ID] {
				seen[c.ID] = true
				out.Channels = append(out.Channels, channelName{c.ID, c.Name})
			}
		}
	}
	return out
}

// pane is one person's Slack.
type pane struct {
	User          string               `json:"user"`
	Channel       string               `json:"channel"`
	DM            string               `json:"dm"`
	Conversations []slack.Conversation `json:"conversations"`
	Messages      []slack.Message      `json:"messages"`
	Home          json.RawMessage      `json:"home"`
	Modals        []slack.View         `json:"modals"`
}

// maxShown is how many of a conversation's messages the page draws, the newest.
const maxShown = 200

func (s *Server) servePane(w http.ResponseWriter, r *http.Request) {
	user, channel := r.FormValue("user"), r.FormValue("channel")
	p := pane{User: user, Channel: channel, DM: s.Slack.BotDM(user)}
	if p.DM == "" {
		http.Error(w, "Nobody here has that Slack id.", http.StatusNotFound)
		return
	}
	p.Conversations = s.Slack.Conversations(user)
	known := false
	for _, c := range p.Conversations {
		known = known || c.ID == channel
	}
	if !known {
		p.Channel = p.DM
	}
	p.Messages = s.Slack.Messages(user, p.Channel)
	if over := len(p.Messages) - maxShown; over > 0 {
		p.Messages = p.Messages[over:]
	}
	p.Home, p.Modals = s.Slack.Home(user), s.Slack.Modals(user)
	writeJSON(w, p)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the browser that left needs no answer
}

// readJSON decodes a POST's body into v and answers for it if that fails.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(v)
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, "The page sent something unreadable; reload it.", status)
	return false
}
