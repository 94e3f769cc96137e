// Package sandboxtest runs the whole product against a sandbox inside a test and lets
// the test act as the cast do, in their words:
//
//	s := sandboxtest.Start(t)
//	s.As("marcus").Expect("Expansion for you: Brightwater Labs").Press("Acknowledge")
//
// It sees only what a person sees: what was posted to the local Slack, what is in the
// CRM and in the mailbox. It waits for things to become true and never sleeps.
package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/app"
	"expansionbot/sandbox"
	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// within is how long anything may take to become true, in real time. A story on a busy
// machine takes a second or two; this only bounds a failing test.
const within = 20 * time.Second

// Sandbox is a running product with everything it talks to.
type Sandbox struct {
	*sandbox.World
	App      *app.App
	APIURL   string
	APIToken string

	t    testing.TB
	log  *slog.Logger
	o    Options
	stop func() // ends the product; nil while it is stopped
}

// Options change what Start does. The zero value is the sandbox a newcomer gets.
type Options struct {
	DSN    string       // of the store; "" = SQLite in the test's folder
	Policy []byte       // nil = the shipped one
	Feed   bool         // let the world's usage cross lines while the test runs
	Log    *slog.Logger // nil = none, or the test's output when SANDBOX_LOG is set
}

// Start runs a sandbox for the test and stops it at the end. A rule of Slack's that the
// bot broke fails the test.
func Start(t testing.TB, opts ...Options) *Sandbox {
	t.Helper()
	var o Options
	if len(opts) > 0 {
		o = opts[0]
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("SANDBOX_LOG") != "" {
		log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if o.Log != nil {
		log = o.Log
	}
	ctx := context.Background()
	w, err := sandbox.Start(ctx, sandbox.Options{Listen: "127.0.0.1:0", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Slack.SetLimits(false) // stories are about what is said, not how fast
	if o.DSN == "" {
		o.DSN = storetest.SQLite(t)
	}
	s := &Sandbox{World: w, t: t, log: log, o: o}
	t.Cleanup(func() {
		s.Stop()
		keep(w.Slack.Payloads())
		for _, v := range w.Slack.Violations() {
			t.Errorf("a rule of Slack's was broken: %s", v)
		}
	})
	s.run()
	if o.Feed {
		w.SetAPI(s.APIURL, s.APIToken)
	}
	return s
}

// run starts the product and waits until it can be used.
func (s *Sandbox) run() {
	s.t.Helper()
	ctx, x := context.Background(), s.World.Addresses()
	var err error
	s.App, s.APIURL, s.APIToken, err = app.StartLocal(ctx, app.Local{
		SlackAPI: x.SlackAPI, BotToken: x.BotToken, AppToken: x.AppToken, HubSpot: x.HubSpot, CRMToken: x.CRMToken, SMTP: x.SMTP, Clock: x.Clock,
		DSN: s.o.DSN, Policy: s.o.Policy, Admins: s.Admins(), Tables: s.Tables(), Log: s.log,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.App.Run(run) }()
	s.stop = func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("the product stopped with: %v", err)
		}
	}
	s.Until("the bot is connected and knows the CRM's stages", func() bool {
		st, err := s.App.Engine.Stages(ctx)
		return s.App.Ready() && err == nil && len(st) > 0
	})
}

// Stop ends the product and leaves the world: Slack, CRM, mail and clock go on.
func (s *Sandbox) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Restart starts the product again on the same store.
func (s *Sandbox) Restart() {
	s.t.Helper()
	s.Stop()
	s.run()
}

// Until waits until ok, or fails the test with what was waited for.
func (s *Sandbox) Until(what string, ok func() bool) {
	s.t.Helper()
	s.until(func() string { return what }, ok)
}

func (s *Sandbox) until(what func() string, ok func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	slackChanged, crmChanged, mailChanged := s.Slack.Watch(ctx), s.CRM.Watch(ctx), s.Mail.Watch(ctx)
	look := time.NewTicker(20 * time.Millisecond) // for what no wire shows, such as the product's readiness
	defer look.Stop()
	for !ok() {
		select {
		case <-slackChanged:
		case <-crmChanged:
		case <-mailChanged:
		case <-look.C:
		case <-ctx.Done():
			s.t.Fatalf("waited %s in vain: %s", within, what())
		}
	}
}

// Settle waits until the product has carried out everything asked of it so far: no job is
// due or under way, and whatever is not up to date outside waits for its next try. A count
// or an absence is looked at after this.
func (s *Sandbox) Settle() {
	s.t.Helper()
	if s.stop == nil {
		return // a stopped product does nothing
	}
	s.Until("no job is due and no delivery is behind", func() bool {
		// A job that only comes back in a moment counts as due. The queue is looked at on both
		// sides of the deliveries: one may have made the other.
		return s.queueEmpty() && s.deliveriesUp() && s.queueEmpty()
	})
}

func (s *Sandbox) queueEmpty() bool {
	n, err := s.App.Store.JobsDue(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return n == 0
}

func (s *Sandbox) deliveriesUp() bool {
	for _, channel := range []string{"slack", "email", "crm"} {
		ds, err := s.App.Store.Undelivered(context.Background(), channel, store.Waiting, 1)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(ds) > 0 {
			return false
		}
	}
	return true
}

// Advance moves the clock; everything due on the way happens before it returns.
func (s *Sandbox) Advance(d time.Duration) {
	s.t.Helper()
	if err := s.Clock.Advance(context.Background(), s.Clock.Now().Add(d)); err != nil {
		s.t.Fatal(err)
	}
}

// Push posts rows to the product's HTTP side, one JSON object a line.
func (s *Sandbox) Push(path, ndjson string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.APIURL+path, strings.NewReader(ndjson))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.APIToken)
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		b, _ := io.ReadAll(res.Body)
		s.t.Fatalf("POST %s: %s: %s", path, res.Status, b)
	}
}

// Deal waits for a deal in the CRM of which ok holds.
func (s *Sandbox) Deal(what string, ok func(crm.Deal) bool) crm.Deal {
	s.t.Helper()
	var found crm.Deal
	s.Until("a deal in the CRM: "+what, func() bool {
		i := slices.IndexFunc(s.CRM.Deals(), ok)
		if i >= 0 {
			found = s.CRM.Deals()[i]
		}
		return i >= 0
	})
	return found
}

// Deals fails unless the CRM, once all is settled, has n deals.
func (s *Sandbox) Deals(n int) {
	s.t.Helper()
	s.Settle()
	if got := len(s.CRM.Deals()); got != n {
		s.t.Fatalf("%d deals in the CRM, want %d", got, n)
	}
}

// Person is one of the cast, acting.
type Person struct {
	s  *Sandbox
	id string
	dm string
}

// As acts as one of the cast, by first name in lower case.
func (s *Sandbox) As(handle string) *Person {
	s.t.Helper()
	p, ok := world.ByHandle(handle)
	if !ok {
		s.t.Fatalf("nobody in the cast is called %s", handle)
	}
	return &Person{s: s, id: p.SlackID, dm: s.Slack.BotDM(p.SlackID)}
}

// Card is a message as the person sees it now.
type Card struct {
	p  *Person
	ts string
}

// messages are what the bot told the person, newest first, replies in threads included.
func (p *Person) messages() []slack.Message {
	ms := slices.Clone(p.s.Slack.Messages(p.id, p.dm))
	slices.Reverse(ms)
	return ms
}

// Expect waits for a message from the bot whose text holds every part, and returns the
// newest such.
func (p *Person) Expect(parts ...string) *Card {
	p.s.t.Helper()
	var c *Card
	p.s.until(func() string { return fmt.Sprintf("%s reads %q; there is:\n%s", p.id, parts, p.All()) }, func() bool {
		for _, m := range p.messages() {
			if m.BotID != "" && !m.Deleted && holds(Words(m), parts) {
				c = &Card{p: p, ts: m.TS}
				return true
			}
		}
		return false
	})
	return c
}

// Never fails if the bot, once all is settled, has told the person anything that holds
// every part.
func (p *Person) Never(parts ...string) {
	p.s.t.Helper()
	p.s.Settle()
	for _, m := range p.messages() {
		if m.BotID != "" && holds(Words(m), parts) {
			p.s.t.Fatalf("%s reads %q:\n%s", p.id, parts, Words(m))
		}
	}
}

// Exactly fails unless, once all is settled, n messages hold every part.
func (p *Person) Exactly(n int, parts ...string) {
	p.s.t.Helper()
	p.s.Settle()
	if got := p.Count(parts...); got != n {
		p.s.t.Fatalf("%s has %d messages with %q, want %d; there is:\n%s", p.id, got, parts, n, p.All())
	}
}

// Count is how many messages hold every part now.
func (p *Person) Count(parts ...string) int {
	n := 0
	for _, m := range p.messages() {
		if m.BotID != "" && !m.Deleted && holds(Words(m), parts) {
			n++
		}
	}
	return n
}

// All is everything the bot told the person, for failure texts.
func (p *Person) All() string {
	var b strings.Builder
	for _, m := range p.s.Slack.Messages(p.id, p.dm) {
		fmt.Fprintf(&b, "— %s\n", Words(m))
	}
	return b.String()
}

func holds(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// Words is all text of a message: the fallback and every text in its blocks.
func Words(m slack.Message) string {
	return m.Text + "\n" + strings.Join(texts(m.Blocks), "\n")
}

// texts collects every text of a JSON tree of blocks, without Slack's marks.
func texts(raw json.RawMessage) []string {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case []any:
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			if s, ok := x["text"].(string); ok {
				out = append(out, strings.NewReplacer("*", "", "&amp;", "&", "&lt;", "<", "&gt;", ">", "\u2068", "", "\u2069", "").Replace(s))
			}
			for k, y := range x {
				if _, ok := y.(string); !ok || k != "text" {
					walk(y)
				}
			}
		}
	}
	walk(v)
	return out
}

// Expect waits until the card holds every part.
func (c *Card) Expect(parts ...string) *Card {
	c.p.s.t.Helper()
	c.p.s.until(func() string {
		return fmt.Sprintf("the card of %s holds %q; it reads:\n%s", c.p.id, parts, Words(c.message()))
	}, func() bool { return holds(Words(c.message()), parts) })
	return c
}

// Reply waits for a line under the card that holds every part.
func (c *Card) Reply(parts ...string) *Card {
	c.p.s.t.Helper()
	c.p.s.Until(fmt.Sprintf("under the card of %s stands %q", c.p.id, parts), func() bool {
		for _, m := range c.p.messages() {
			if m.ThreadTS == c.ts && m.TS != c.ts && holds(Words(m), parts) {
				return true
			}
		}
		return false
	})
	return c
}

func (c *Card) message() slack.Message {
	for _, m := range c.p.messages() {
		if m.TS == c.ts {
			return m
		}
	}
	return slack.Message{}
}

// Press presses the button with that label and waits for the ack.
func (c *Card) Press(label string) *Card {
	c.p.s.t.Helper()
	if out := c.TryPress(label); out.Text != "" {
		c.p.s.t.Fatalf("pressing %q: %s", label, out.Text)
	}
	return c
}

// TryPress is Press for presses that may fail.
func (c *Card) TryPress(label string) slack.Outcome {
	c.p.s.t.Helper()
	var e element
	c.p.s.until(func() string {
		return fmt.Sprintf("the card of %s has the button %q; it reads:\n%s", c.p.id, label, Words(c.message()))
	}, func() bool {
		var ok bool
		e, ok = find(c.message().Blocks, label)
		return ok
	})
	out, err := c.p.s.Slack.Press(context.Background(), c.p.id, slack.Target{Channel: c.p.dm, TS: c.ts}, e.block, e.action, e.value)
	if err != nil {
		c.p.s.t.Fatalf("pressing %q: %v", label, err)
	}
	return out
}

// Pick chooses a person in the card's menu of people.
func (c *Card) Pick(handle string) *Card {
	c.p.s.t.Helper()
	who, ok := world.ByHandle(handle)
	if !ok {
		c.p.s.t.Fatalf("nobody has the handle %q", handle)
	}
	var block, action string
	c.p.s.until(func() string {
		return fmt.Sprintf("the card of %s has a menu of people; it reads:\n%s", c.p.id, Words(c.message()))
	}, func() bool {
		block, action = peopleMenu(c.message().Blocks)
		return action != ""
	})
	out, err := c.p.s.Slack.Press(context.Background(), c.p.id, slack.Target{Channel: c.p.dm, TS: c.ts}, block, action, who.SlackID)
	if err != nil || out.Text != "" {
		c.p.s.t.Fatalf("picking %s: %v %s", handle, err, out.Text)
	}
	return c
}

// peopleMenu finds the first menu of people; the ids are "" for none.
func peopleMenu(blocks json.RawMessage) (block, action string) {
	var bs []struct {
		BlockID  string         `json:"block_id"`
		Elements []blockElement `json:"elements"`
	}
	if len(blocks) == 0 || json.Unmarshal(blocks, &bs) != nil {
		return "", ""
	}
	for _, b := range bs {
		for _, e := range b.Elements {
			if e.Type == "users_select" {
				return b.BlockID, e.ActionID
			}
		}
	}
	return "", ""
}

// Buttons lists the labels on the card.
func (c *Card) Buttons() []string {
	var out []string
	for _, e := range elements(c.message().Blocks) {
		out = append(out, e.label)
	}
	return out
}

// element is something that can be pressed.
type element struct {
	block, action, label string
	value                any    // option value of an overflow, nil for a button
	carries              string // what the press brings along
}

func find(blocks json.RawMessage, label string) (element, bool) {
	for _, e := range elements(blocks) {
		if e.label == label {
			return e, true
		}
	}
	return element{}, false
}

type blockElement struct {
	Type     string          `json:"type"`
	ActionID string          `json:"action_id"`
	Value    string          `json:"value"`
	Text     json.RawMessage `json:"text"` // an object on a button, a string in a context
	Options  []struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
		Value string `json:"value"`
	} `json:"options"`
}

func elements(blocks json.RawMessage) []element {
	var bs []struct {
		BlockID   string         `json:"block_id"`
		Elements  []blockElement `json:"elements"`
		Accessory *blockElement  `json:"accessory"`
	}
	if len(blocks) == 0 || json.Unmarshal(blocks, &bs) != nil {
		return nil
	}
	var out []element
	for _, b := range bs {
		es := b.Elements
		if b.Accessory != nil {
			es = append(es, *b.Accessory)
		}
		for _, e := range es {
			switch e.Type {
			case "button":
				var label struct {
					Text string `json:"text"`
				}
				if json.Unmarshal(e.Text, &label) == nil {
					out = append(out, element{b.BlockID, e.ActionID, label.Text, nil, e.Value})
				}
			case "overflow":
				for _, o := range e.Options {
					out = append(out, element{b.BlockID, e.ActionID, o.Text.Text, o.Value, o.Value})
				}
			}
		}
	}
	return out
}
