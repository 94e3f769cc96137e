package bot

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	goslack "github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/handlers"
	"expansionbot/notify"
	"expansionbot/sandbox/slack"
)

const (
	botToken = "xoxb-test"
	appToken = "xapp-test"
	marcus   = "U0MARCUS"
)

// world is a local Slack with Marcus in it and a client for it.
type world struct {
	t     *testing.T
	slack *slack.Server
	c     *Client
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	srv, err := slack.New(slack.Config{BotToken: botToken, AppToken: appToken, BaseURL: base, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(srv.Handler())
	web.Listener = l
	web.Start()
	t.Cleanup(func() { srv.Close(); web.Close() })
	srv.PutUser(slack.User{ID: marcus, Handle: "marcus", RealName: "Marcus Bell", Email: "marcus@example.com", TimeZone: "Europe/London"})
	cfg := Config{APIURL: srv.APIURL(), BotToken: botToken, AppToken: appToken, Clock: expansion.ClockFunc(time.Now)}
	for _, f := range change {
		f(&cfg)
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &world{t: t, slack: srv, c: c}
}

// dm is what Marcus reads in his conversation with the bot.
func (w *world) dm() []slack.Message { return w.slack.Messages(marcus, w.slack.BotDM(marcus)) }

// eventually waits until ok holds, looking again whenever the local Slack changed.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	changed := w.slack.Watch(ctx)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatalf("never happened: %s", what)
		}
	}
}

// sender is a Slack channel that renders a notice as its text with a button.
func (w *world) sender(link LinkPerson) *Sender {
	s := NewSender(w.c, link)
	s.render = func(m expansion.Message) (blocks.Message, error) {
		return blocks.Message{Text: m.Text, Blocks: []goslack.Block{
			goslack.NewSectionBlock(goslack.NewTextBlockObject(goslack.PlainTextType, m.Text, false, false), nil, nil),
			goslack.NewActionBlock("", goslack.NewButtonBlockElement("ho_ack", "R1:1", goslack.NewTextBlockObject(goslack.PlainTextType, "Acknowledge", false, false))),
		}}, nil
	}
	return s
}

func delivery(id, text string) notify.Delivery {
	return notify.Delivery{
		ID: id, Version: 1, Since: time.Now(), To: expansion.Person{ID: "p-marcus", Name: "Marcus Bell", Email: "marcus@example.com", SlackID: marcus},
		Message: expansion.Message{Kind: expansion.CardNotice, Text: text},
	}
}

// box is an inbox in memory that can be made to fail.
type box struct {
	mu   sync.Mutex
	fail error
	got  []engine.Envelope
	seen map[string]bool
}

func (b *box) Receive(_ context.Context, e engine.Envelope) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return false, b.fail
	}
	if b.seen[e.ID] {
		return false, nil
	}
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	b.seen[e.ID] = true
	b.got = append(b.got, e)
	return true, nil
}

func (b *box) break_(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func (b *box) kept() []engine.Envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]engine.Envelope(nil), b.got...)
}

// hand is a handler whose answers a test sets.
type hand struct {
	mu     sync.Mutex
	look   func(c *handlers.Call) handlers.Look
	open   func(ctx context.Context, c *handlers.Call)
	opened []string
}

func (h *hand) Look(c *handlers.Call) handlers.Look {
	if h.look != nil {
		return h.look(c)
	}
	return handlers.Look{Way: handlers.Store}
}

func (h *hand) Suggest(context.Context, *handlers.Call) any {
	return goslack.OptionsResponse{Options: []*goslack.OptionBlockObject{
		goslack.NewOptionBlockObject("a1", goslack.NewTextBlockObject(goslack.PlainTextType, "Brightwater Labs", false, false), nil),
	}}
}

func (h *hand) Open(ctx context.Context, c *handlers.Call) {
	h.mu.Lock()
	h.opened = append(h.opened, c.Name)
	open := h.open
	h.mu.Unlock()
	if open != nil {
		open(ctx, c)
	}
}

func (h *hand) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.opened...)
}

// run starts a bot and waits until Slack reaches it. It is stopped at the end of the
// test, and must stop without an error.
func (w *world) run(h Handler, inbox Inbox) *Bot {
	w.t.Helper()
	b := New(w.c, h, inbox)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("Run: %v", err)
			}
		case <-time.After(15 * time.Second):
			w.t.Error("Run did not end")
		}
	})
	w.eventually("the bot is ready", b.Ready)
	return b
}

func metadataKey(m slack.Message) string {
	var d struct {
		EventPayload struct {
			Key string `json:"key"`
		} `json:"event_payload"`
	}
	if json.Unmarshal(m.Metadata, &d) != nil {
		return ""
	}
	return d.EventPayload.Key
}

var errStore = errors.New("disk full")

func message(text string) blocks.Message { return blocks.Message{Text: text} }
