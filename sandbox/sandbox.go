package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/mail"
	"expansionbot/sandbox/page"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
)

// DefaultListen is where the page is served unless Options say otherwise.
const DefaultListen = "127.0.0.1:7700"

// Options say how a world starts. The zero value works.
type Options struct {
	Listen  string       // a loopback host and port, port 0 for a free one; "" is DefaultListen
	DataDir string       // folder for the state, made if missing; "" keeps it in memory only
	Start   time.Time    // the clock at the first start; zero is the next weekday, 09:00 in the office's zone. A kept world goes on where it was.
	NoFeed  bool         // deliver no usage by itself
	Log     *slog.Logger // nil logs nothing
}

// Addresses is where a world's parts are and the throw-away credentials they take.
type Addresses struct {
	Page       string `json:"page"`
	SlackAPI   string `json:"slack_api"` // with the trailing slash slack-go needs
	BotToken   string `json:"bot_token"`
	AppToken   string `json:"app_token"`
	Salesforce string `json:"salesforce"` // "" until the sandbox speaks Salesforce
	HubSpot    string `json:"hubspot"`
	CRMToken   string `json:"crm_token"`
	SMTP       string `json:"smtp"` // smtp://host:port, no password
	Clock      string `json:"clock"`
	API        string `json:"api"` // the product's, "" until SetAPI
	APIToken   string `json:"api_token"`
}

// World is a running sandbox.
type World struct {
	Slack *slack.Server
	CRM   *crm.Server
	Mail  *mail.Server
	Clock *Clock
	Page  *page.Server

	set  settings
	base string // "http://127.0.0.1:7700"
	feed *feeder
	http *http.Server

	stop func() // ends what runs in the background
	wg   sync.WaitGroup

	mu            sync.Mutex
	smtp          string
	api, apiToken string
	changed       map[chan struct{}]bool
	saveErr       error
	closed        bool
}

// Start builds a world and serves it until Close or until ctx ends. An error names
// the part that could not start; nothing is left running then.
func Start(ctx context.Context, o Options) (_ *World, err error) {
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen address %q: want host:port such as %s", o.Listen, DefaultListen)
	}
	if host == "" {
		o.Listen, host = "127.0.0.1"+o.Listen, "127.0.0.1"
	}
	if !page.LocalHost(host) {
		return nil, fmt.Errorf("sandbox: %s is not a loopback address; the sandbox has no passwords and listens on this computer only", host)
	}
	set, kept, err := prepare(o)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen on %s: %w", o.Listen, err)
	}
	w := &World{set: set, base: "http://" + l.Addr().String(), changed: map[chan struct{}]bool{}}
	ctx, w.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			_ = l.Close()
			w.stop()
			if w.Slack != nil {
				w.Slack.Close()
			}
			if w.Mail != nil {
				_ = w.Mail.Close()
			}
			if w.Page != nil {
				w.Page.Close()
			}
			w.wg.Wait()
		}
	}()
	if err := w.build(o, kept); err != nil {
		return nil, err
	}
	w.serve(ctx, l, o)
	return w, nil
}

// prepare reads the kept settings or makes new ones.
func prepare(o Options) (s settings, kept bool, err error) {
	if o.DataDir != "" {
		if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
			return s, false, fmt.Errorf("sandbox: make the data folder: %w", err)
		}
		if s, kept, err = loadSettings(o.DataDir); err != nil || kept {
			return s, kept, err
		}
	}
	now := time.Now()
	s.Start = o.Start
	if s.Start.IsZero() {
		s.Start = NextMorning(now)
	}
	s.Start = s.Start.UTC()
	s.Offset = s.Start.Sub(now)
	s.BotToken, s.AppToken, s.CRMToken = "xoxb-sandbox-"+secret(), "xapp-sandbox-"+secret(), "pat-sandbox-"+secret()
	return s, false, nil
}

func secret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, it says
	return hex.EncodeToString(b)
}

func (w *World) build(o Options, kept bool) (err error) {
	w.Clock = newClock(w.set.Offset, o.Log)
	if !o.NoFeed {
		w.feed = newFeeder(w.set.Start, world.Feed(w.set.Start), w.set.Delivered, w.Clock.Now, w.apiAddress, o.Log)
		w.feed.changed = w.touch
		w.Clock.feed = w.feed
	}
	w.Slack, err = slack.New(slack.Config{BotToken: w.set.BotToken, AppToken: w.set.AppToken, Clock: w.Clock.Now, BaseURL: w.base + "/slack", Log: o.Log})
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	w.CRM = crm.New(crm.Config{Token: w.set.CRMToken, Clock: w.Clock.Now, Log: o.Log})
	w.Mail = mail.New(mail.Config{Clock: w.Clock.Now, Log: o.Log})
	addr, err := w.Mail.Start()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	w.smtp = addr
	if kept {
		for file, restore := range map[string]func([]byte) error{"slack.json": w.Slack.Restore, "crm.json": w.CRM.Restore, "mail.json": w.Mail.Restore} {
			if _, err := load(o.DataDir, file, restore); err != nil {
				return err
			}
		}
	} else {
		world.Seed(w.Slack, w.CRM)
	}
	w.Page = page.New(page.Deps{
		Slack: w.Slack, CRM: w.CRM, Mail: w.Mail, Clock: w.Clock, NextMorning: NextMorning, Coming: w.coming, API: w.apiAddress, Log: o.Log,
	})
	if kept {
		if _, err := load(o.DataDir, "guide.json", w.Page.Restore); err != nil {
			return err
		}
	}
	return nil
}

// serve starts all that runs in the background.
func (w *World) serve(ctx context.Context, l net.Listener, o Options) {
	w.http = &http.Server{
		Handler: w.handler(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	w.wg.Go(func() {
		if err := w.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("sandbox stopped serving", "err", err)
		}
	})
	context.AfterFunc(ctx, func() { _ = w.http.Close() })
	if w.feed != nil {
		w.wg.Go(func() { w.feed.run(ctx, w.Clock.Watch(ctx)) })
	}
	if o.DataDir == "" {
		return
	}
	k := &keeper{dir: o.DataDir, onErr: func(file string, err error) {
		o.Log.Error("sandbox state not saved", "file", file, "err", err)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.saveErr = fmt.Errorf("save %s: %w", file, err)
	}}
	k.parts = []part{
		{"slack.json", w.Slack.Snapshot, w.Slack.Watch},
		{"crm.json", func() ([]byte, error) { return w.CRM.Snapshot(), nil }, w.CRM.Watch},
		{"mail.json", w.Mail.Snapshot, w.Mail.Watch},
		{"guide.json", w.Page.Snapshot, w.Page.Watch},
		{"world.json", w.settings, w.watchSettings},
	}
	w.wg.Go(k.start(ctx))
}

func (w *World) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/slack/", http.StripPrefix("/slack", w.Slack.Handler()))
	mux.Handle("/hubspot/", http.StripPrefix("/hubspot", w.CRM.Handler()))
	mux.Handle("/clock", w.Clock)
	mux.Handle("/clock/", w.Clock)
	mux.Handle("/", w.Page)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case !page.LocalHost(r.Host): // a web site whose name was pointed at this computer
			http.Error(rw, "The sandbox answers on this computer only.", http.StatusForbidden)
		case r.Method == http.MethodPost && r.URL.Path == "/clock/advance" && !page.SameOrigin(r):
			http.Error(rw, "This request came from another page and was refused.", http.StatusForbidden)
		default:
			mux.ServeHTTP(rw, r)
		}
	})
}

// Start is when this world began, by its own clock. Files and Feed follow from it.
func (w *World) Start() time.Time { return w.set.Start }

// Tables are what `expansionbot import` reads to know this world, by file name: its
// people, accounts and what is known of them when it begins.
func (w *World) Tables() map[string][]byte { return world.Files(w.set.Start) }

// Admins are the addresses of the world's RevOps people.
func (w *World) Admins() []string { return world.Admins() }

// Addresses says where everything is.
func (w *World) Addresses() Addresses {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Addresses{
		Page: w.base + "/", SlackAPI: w.Slack.APIURL(), BotToken: w.set.BotToken, AppToken: w.set.AppToken,
		HubSpot: w.base + "/hubspot", CRMToken: w.set.CRMToken, SMTP: "smtp://" + w.smtp, Clock: w.base + "/clock", API: w.api, APIToken: w.apiToken,
	}
}

// SetAPI tells the world where the product's API is and a token for it; from then on
// usage is fed to it and the page shows its log. url "" takes it away.
func (w *World) SetAPI(url, token string) {
	w.mu.Lock()
	w.api, w.apiToken = url, token
	w.mu.Unlock()
	if w.feed != nil {
		w.feed.wake()
	}
}

func (w *World) apiAddress() (url, token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.api, w.apiToken
}

// coming is the next two batches of the feed, for the page.
func (w *World) coming() []page.Coming {
	if w.feed == nil {
		return nil
	}
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	var out []page.Coming
	for _, b := range w.feed.batches[w.feed.done:] {
		out = append(out, page.Coming{At: w.feed.start.Add(b.After), Title: b.Title})
		if len(out) == 2 {
			break
		}
	}
	return out
}

func (w *World) settings() ([]byte, error) {
	s := w.set
	s.Offset = w.Clock.Offset()
	if w.feed != nil {
		s.Delivered = w.feed.delivered()
	}
	return json.MarshalIndent(s, "", "  ")
}

func (w *World) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.changed {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// watchSettings gets a value when the clock was moved or the feed went on.
func (w *World) watchSettings(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	w.changed[ch] = true
	w.mu.Unlock()
	moved := w.Clock.Watch(ctx)
	w.wg.Go(func() {
		for range moved {
			w.touch()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.changed, ch)
		close(ch)
	})
	return ch
}

// Close ends the world and saves it. The error is the last one met while saving.
func (w *World) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.mu.Unlock()
	w.stop() // ends sockets and streams; the keeper saves once more
	w.Slack.Close()
	w.Page.Close()
	_ = w.http.Close()
	err := w.Mail.Close()
	w.wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(err, w.saveErr)
}
