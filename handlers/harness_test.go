package handlers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/bot"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/handlers"
	"expansionbot/jobs"
	"expansionbot/notify"
	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
	"expansionbot/source"
	"expansionbot/store"
)

// office is the whole product over a local Slack: engine, store, jobs and bot are real.
type office struct {
	t     *testing.T
	slack *slack.Server
	e     *engine.Engine
}

// open starts an office with the storyboard's people and customers.
func open(t *testing.T) *office {
	t.Helper()
	ctx := t.Context()
	now := time.Now
	clock := expansion.ClockFunc(now)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	sl, err := slack.New(slack.Config{BotToken: "xoxb-1", AppToken: "xapp-1", BaseURL: "http://" + l.Addr().String(), Clock: now})
	check(t, err)
	web := httptest.NewUnstartedServer(sl.Handler())
	web.Listener = l
	web.Start()
	t.Cleanup(func() { sl.Close(); web.Close() })
	cs := crm.New(crm.Config{Token: "pat", Clock: now})
	world.Seed(sl, cs)

	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, err := store.Open(ctx, "file:"+filepath.Join(t.TempDir(), "x.db"), clock)
	check(t, err)
	c, err := bot.NewClient(bot.Config{APIURL: sl.APIURL(), BotToken: "xoxb-1", AppToken: "xapp-1", Clock: clock, Log: log})
	check(t, err)
	policy, err := os.ReadFile("../policy.yaml")
	check(t, err)
	e, err := engine.New(ctx, engine.Config{
		Store: st, Clock: clock, Policy: policy, Admins: []string{"ravi@" + world.Domain}, Live: true, Log: log,
		Channels: []notify.Channel{bot.NewSender(c, nil)},
	})
	check(t, err)
	var files []engine.ImportFile
	tables := world.Files(now())
	for _, name := range []string{"people.csv", "accounts.csv", "contacts.csv"} {
		if tables[name] == nil {
			continue
		}
		header, _, _ := strings.Cut(string(tables[name]), "\n")
		files = append(files, engine.ImportFile{Name: name, Kind: source.KindOf(name, strings.Split(strings.TrimSpace(header), ",")), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(tables[name])), nil
		}})
	}
	res, err := e.Import(ctx, files, true)
	check(t, err)
	if res.Bad() > 0 {
		t.Fatalf("import: %v", res.Errors)
	}
	h := handlers.New(e, c, log)
	q, err := jobs.Start(ctx, st, e, clock, h.Work, log)
	check(t, err)
	b := bot.New(c, h, e)
	run, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(run) }()
	o := &office{t: t, slack: sl, e: e}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("bot: %v", err)
		}
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Stop(end); err != nil {
			t.Errorf("jobs: %v", err)
		}
		if err := st.Close(); err != nil {
			t.Errorf("store: %v", err)
		}
		if v := sl.Violations(); len(v) > 0 {
			t.Errorf("Slack's rules broken: %q", v)
		}
	})
	o.eventually(func() string { return "the bot is ready" }, b.Ready)
	return o
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) eventually(what func() string, ok func() bool) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	changed := o.slack.Watch(ctx)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			o.t.Fatalf("never happened: %s", what())
		}
	}
}

// someone is one of the cast at their Slack.
type someone struct {
	*office
	id string
}

func (o *office) as(handle string) someone {
	o.t.Helper()
	p, ok := world.ByHandle(handle)
	if !ok {
		o.t.Fatalf("nobody is called %s", handle)
	}
	return someone{o, p.SlackID}
}

func (s someone) dm() string { return s.slack.BotDM(s.id) }

func (s someone) types(text string) {
	s.t.Helper()
	out, err := s.slack.RunCommand(s.t.Context(), s.id, s.dm(), text)
	if err != nil || out.Text != "" {
		s.t.Fatalf("/expansion %s: %+v, %v", text, out, err)
	}
}

// reads waits for a message that holds all of the words and returns where it is.
func (s someone) reads(words ...string) slack.Target {
	s.t.Helper()
	var at slack.Target
	s.eventually(func() string { return fmt.Sprintf("%s reads %q; has %s", s.id, words, s.all()) }, func() bool {
		for _, m := range slices.Backward(s.slack.Messages(s.id, s.dm())) {
			if holds(m.Text+string(m.Blocks), words) {
				at = slack.Target{Channel: s.dm(), TS: m.TS}
				return true
			}
		}
		return false
	})
	return at
}

func (s someone) all() string {
	var b strings.Builder
	for _, m := range s.slack.Messages(s.id, s.dm()) {
		fmt.Fprintf(&b, "\n- %s", m.Text)
	}
	return b.String()
}

func holds(text string, words []string) bool {
	text = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">", "\u2068", "", "\u2069", "").Replace(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func (s someone) presses(at slack.Target, action string, value any) {
	s.t.Helper()
	out, err := s.slack.Press(s.t.Context(), s.id, at, "", action, value)
	if err != nil || out.Text != "" {
		s.t.Fatalf("press %s: %+v, %v", action, out, err)
	}
}

// sees waits for the top modal to hold the words.
func (s someone) sees(words ...string) slack.View {
	s.t.Helper()
	var v slack.View
	s.eventually(func() string { return fmt.Sprintf("%s sees a modal with %q; sees %s", s.id, words, v.JSON) }, func() bool {
		if ms := s.slack.Modals(s.id); len(ms) > 0 {
			v = ms[len(ms)-1]
			return holds(string(v.JSON), words)
		}
		return false
	})
	return v
}

func (s someone) fills(v slack.View, block, action string, value any) {
	s.t.Helper()
	check(s.t, s.slack.SetState(s.id, slack.Target{ViewID: v.ID}, block, action, value))
}

func (s someone) submits(v slack.View) {
	s.t.Helper()
	out, err := s.slack.Submit(s.t.Context(), s.id, v.ID)
	if err != nil || out.Text != "" || len(out.FieldErrors) > 0 {
		s.t.Fatalf("submit %s: %+v, %v", v.CallbackID, out, err)
	}
}

// home waits for App Home to hold the words and returns it.
func (s someone) home(words ...string) json.RawMessage {
	s.t.Helper()
	var home json.RawMessage
	s.eventually(func() string { return fmt.Sprintf("%s's Home holds %q; is %s", s.id, words, home) }, func() bool {
		home = s.slack.Home(s.id)
		return holds(string(home), words)
	})
	return home
}
