package slack_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sandbox "expansionbot/sandbox/slack"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	botToken = "xoxb-test"
	appToken = "xapp-test"
	patience = 20 * time.Second // real time a test waits for what should come at once
)

// world is a sandbox with two people, and an app that may connect to it.
type world struct {
	*sandbox.Server
	t   *testing.T
	api *slack.Client

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func start(t *testing.T, change ...func(*sandbox.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	cfg := sandbox.Config{BotToken: botToken, AppToken: appToken, Clock: w.clock, BaseURL: ts.URL + "/slack"}
	for _, f := range change {
		f(&cfg)
	}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/slack/", http.StripPrefix("/slack", s.Handler()))
	w.Server = s
	t.Cleanup(func() {
		s.Close()
		ts.CloseClientConnections()
		ts.Close()
	})
	s.PutUser(sandbox.User{ID: "U1", Handle: "priya", RealName: "Priya Test", Email: "priya@example.com", TimeZone: "Europe/Berlin"})
	s.PutUser(sandbox.User{ID: "U2", Handle: "marcus", RealName: "Marcus Test", Email: "marcus@example.com"})
	s.PutChannel(sandbox.Channel{ID: "C1", Name: "expansion-ops", Members: []string{"U1", "U2", s.BotUserID()}})
	s.PutChannel(sandbox.Channel{ID: "C2", Name: "elsewhere", Members: []string{"U1"}})
	w.api = w.client(botToken)
	return w
}

func (w *world) client(token string) *slack.Client {
	return slack.New(token, slack.OptionAppLevelToken(appToken), slack.OptionAPIURL(w.APIURL()), slack.OptionHTTPClient(&http.Client{Timeout: patience}))
}

// connect runs a Socket Mode app; handle gets every envelope and acks it or not.
func (w *world) connect(handle func(c *socketmode.Client, e socketmode.Event)) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	sm := socketmode.New(w.api)
	var wg sync.WaitGroup
	wg.Go(func() { sm.RunContext(ctx) })
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sm.Events:
				if e.Request != nil && e.Request.EnvelopeID != "" {
					handle(sm, e)
				}
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	w.t.Cleanup(stop)
	w.until("the app is connected", func() bool { return w.Connected() > 0 })
	return stop
}

// until waits for a visible change that makes ok true.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	changed := w.Watch(ctx)
	for !ok() {
		if _, open := <-changed; !open {
			w.t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}

func (w *world) clean() {
	w.t.Helper()
	for _, v := range w.Violations() {
		w.t.Errorf("the app broke a rule: %s", v)
	}
}

func (w *world) violated(part string) {
	w.t.Helper()
	got := strings.Join(w.Violations(), "\n")
	if !strings.Contains(got, part) {
		w.t.Errorf("violations: got %q, want one with %q", got, part)
	}
}

func (w *world) last(user, channel string) sandbox.Message {
	w.t.Helper()
	ms := w.Messages(user, channel)
	if len(ms) == 0 {
		w.t.Fatalf("%s sees no message in %s", user, channel)
	}
	return ms[len(ms)-1]
}

func ackAll(c *socketmode.Client, e socketmode.Event) { c.Ack(*e.Request) }

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("plain_text", s, false, false)
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("mrkdwn", s, false, false)
}

func modal(blocks ...slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: "log_signal", Title: plainText("Log expansion signal"), Submit: plainText("Save"),
		Close: plainText("Cancel"), PrivateMetadata: "m-1", Blocks: slack.Blocks{BlockSet: blocks},
	}
}

func whatInput() *slack.InputBlock {
	el := slack.NewPlainTextInputBlockElement(nil, "what")
	el.MinLength = 10
	return slack.NewInputBlock("b_what", plainText("What happened?"), nil, el)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func code(t *testing.T, err error, want string) {
	t.Helper()
	if got := errText(err); got != want {
		t.Errorf("error: got %q, want %q", got, want)
	}
}
