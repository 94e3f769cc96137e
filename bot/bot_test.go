package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goslack "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"expansionbot/blocks"
	"expansionbot/expansion"
	"expansionbot/handlers"
	"expansionbot/notify"
	"expansionbot/sandbox/slack"
)

func (w *world) command(text string) slack.Outcome {
	w.t.Helper()
	out, err := w.slack.RunCommand(w.t.Context(), marcus, w.slack.BotDM(marcus), text)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// card posts one to Marcus and returns where it is.
func (w *world) card() slack.Target {
	w.t.Helper()
	r, err := w.sender(nil).Send(w.t.Context(), delivery("D1", "Brightwater Labs"))
	if err != nil {
		w.t.Fatal(err)
	}
	return slack.Target{Channel: r.Channel, TS: r.Remote}
}

func (w *world) press(at slack.Target) slack.Outcome {
	w.t.Helper()
	out, err := w.slack.Press(w.t.Context(), marcus, at, "", "ho_ack", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func modal() goslack.ModalViewRequest {
	text := func(s string) *goslack.TextBlockObject {
		return goslack.NewTextBlockObject(goslack.PlainTextType, s, false, false)
	}
	return goslack.ModalViewRequest{
		Type: goslack.VTModal, CallbackID: "log_signal", Title: text("Log expansion signal"), Submit: text("Save"),
		Blocks: goslack.Blocks{BlockSet: []goslack.Block{
			goslack.NewInputBlock("account", text("Account"), nil, goslack.NewOptionsSelectBlockElement(goslack.OptTypeExternal, nil, "pick_account")).WithOptional(true),
			goslack.NewInputBlock("what", text("What happened?"), nil, goslack.NewPlainTextInputBlockElement(nil, "input")),
		}},
	}
}

func TestKeepsEveryCommandAndPressBeforeTheAck(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), &box{}
	w.run(&hand{}, in)
	if out := w.command("mine"); out.Code != "" {
		t.Fatalf("command: %+v", out)
	}
	if out := w.press(w.card()); out.Code != "" {
		t.Fatalf("press: %+v", out)
	}
	kept := in.kept() // already there: the acks came after
	if len(kept) != 2 || kept[0].Kind != handlers.KindCommand || kept[1].Kind != handlers.KindAction || kept[1].User != marcus {
		t.Fatalf("kept %+v", kept)
	}
	c, err := handlers.Parse(kept[1])
	if err != nil || c.Name != "ho_ack" || c.Value != "R1:1" || c.Answer == "" {
		t.Errorf("kept press reads back as %+v, %v", c, err)
	}
	if v := w.slack.Violations(); len(v) > 0 {
		t.Errorf("rules broken: %q", v)
	}
}

func TestSaysSoWhenNothingWasSaved(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), &box{}
	h := &hand{}
	h.look = func(c *handlers.Call) handlers.Look {
		switch {
		case c.Name == "log":
			return handlers.Look{Way: handlers.Open}
		case c.Env.Kind == handlers.KindSubmit:
			return handlers.Look{Way: handlers.Store, Field: "what"}
		}
		return handlers.Look{Way: handlers.Store}
	}
	h.open = func(ctx context.Context, c *handlers.Call) {
		if _, err := w.c.OpenView(ctx, c.Trigger, modal()); err != nil {
			t.Error(err)
		}
	}
	w.run(h, in)
	at := w.card()
	in.break_(errStore)

	if out := w.command("mine"); out.Code != "" {
		t.Errorf("command: %+v", out)
	}
	w.eventually("the command's answer", func() bool { return w.reads(textRetype) })
	if out := w.press(at); out.Code != "" {
		t.Errorf("press: %+v", out)
	}
	w.eventually("the press's answer", func() bool { return w.reads(textNotSaved) })

	w.command("log Brightwater")
	w.eventually("the modal", func() bool { return len(w.slack.Modals(marcus)) == 1 })
	view := w.slack.Modals(marcus)[0]
	if err := w.slack.SetState(marcus, slack.Target{ViewID: view.ID}, "what", "input", "They asked for 30 seats"); err != nil {
		t.Fatal(err)
	}
	out, err := w.slack.Submit(t.Context(), marcus, view.ID)
	if err != nil || out.FieldErrors["what"] != textNotSaved {
		t.Errorf("submit: %+v, %v, want the sentence on the field", out, err)
	}
	in.break_(nil)
	if out, err := w.slack.Submit(t.Context(), marcus, view.ID); err != nil || len(out.FieldErrors) > 0 || out.Code != "" {
		t.Errorf("submit again: %+v, %v", out, err)
	}
	if kept := in.kept(); len(kept) != 1 || !strings.Contains(string(kept[0].Payload), "They asked for 30 seats") {
		t.Errorf("kept %d envelopes, want the submitted text", len(kept))
	}
	if v := w.slack.Violations(); len(v) > 0 {
		t.Errorf("rules broken: %q", v)
	}
}

func (w *world) reads(text string) bool {
	for _, m := range w.dm() {
		if m.Text == text {
			return true
		}
	}
	return false
}

func TestSuggestsWhileTyping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &hand{}
	h.look = func(c *handlers.Call) handlers.Look {
		if c.Env.Kind == handlers.KindSuggest {
			return handlers.Look{Way: handlers.Suggest}
		}
		return handlers.Look{Way: handlers.Open}
	}
	h.open = func(ctx context.Context, c *handlers.Call) {
		if _, err := w.c.OpenView(ctx, c.Trigger, modal()); err != nil {
			t.Error(err)
		}
	}
	w.run(h, &box{})
	w.command("log")
	w.eventually("the modal", func() bool { return len(w.slack.Modals(marcus)) == 1 })
	got, err := w.slack.Suggest(t.Context(), marcus, slack.Target{ViewID: w.slack.Modals(marcus)[0].ID}, "account", "pick_account", "bright")
	if err != nil || len(got) != 1 || got[0].Value != "a1" {
		t.Errorf("offered %+v, %v", got, err)
	}
}

func TestLosesNothingOverReconnects(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), &box{}
	b := w.run(&hand{}, in)
	at := w.card()
	for i, reason := range []string{"warning", "refresh_requested", "too_many_websockets"} {
		w.slack.DropSockets(reason)
		// Said while no socket may be up: Slack keeps events and sends them again.
		if _, err := w.slack.Say(marcus, w.slack.BotDM(marcus), "", fmt.Sprintf("note %d", i)); err != nil {
			t.Fatal(err)
		}
		w.eventually("the bot is back", func() bool { return w.slack.Connected() == 1 && b.Ready() })
		w.eventually("the note was kept", func() bool { return strings.Contains(keptText(in), fmt.Sprintf("note %d", i)) })
		if out := w.press(at); out.Code != "" {
			t.Errorf("press after %s: %+v", reason, out)
		}
	}
	seen := map[string]int{}
	for _, e := range in.kept() {
		seen[e.ID]++
		if seen[e.ID] > 1 {
			t.Errorf("envelope %s kept twice", e.ID)
		}
	}
	if len(seen) != 6 {
		t.Errorf("kept %d envelopes, want 3 notes and 3 presses", len(seen))
	}
}

func keptText(in *box) string {
	var all strings.Builder
	for _, e := range in.kept() {
		all.Write(e.Payload)
	}
	return all.String()
}

func TestStaysQuietInSharedChannels(t *testing.T) {
	t.Parallel()
	w, in := newWorld(t), &box{}
	w.slack.PutChannel(slack.Channel{ID: "C0SHARED", Name: "with-brightwater", Members: []string{marcus, w.slack.BotUserID()}, External: true})
	w.slack.PutChannel(slack.Channel{ID: "C0OURS", Name: "sales", Members: []string{marcus, w.slack.BotUserID()}})
	w.run(&hand{}, in)
	for channel, quiet := range map[string]bool{"C0SHARED": true, "C0OURS": false} {
		if out, err := w.slack.RunCommand(t.Context(), marcus, channel, "mine"); err != nil || out.Code != "" {
			t.Fatalf("%s: %+v, %v", channel, out, err)
		}
		said := false
		for _, m := range w.slack.Messages(marcus, channel) {
			said = said || (m.Text == textShared && m.Ephemeral)
		}
		if said != quiet {
			t.Errorf("%s: refused = %v, want %v", channel, said, quiet)
		}
	}
	if kept := in.kept(); len(kept) != 1 {
		t.Errorf("kept %d commands, want the one of our own channel", len(kept))
	}
}

func TestRefusedTokensEndTheBotWithAFix(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"not_allowed_token_type": "must start with xapp-",
		"invalid_auth":           "app-level token",
		"missing_scope":          "connections:write",
	} {
		w := newWorld(t)
		w.slack.FailNext("apps.connections.open", slack.Error(code), 100)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := New(w.c, &hand{}, &box{}).Run(ctx)
		cancel()
		if !strings.Contains(expansion.TextOf(err), want) || expansion.CodeOf(err) != expansion.CodeInvalid {
			t.Errorf("%s: Run = %v, want %q", code, err, want)
		}
	}
	w := newWorld(t, func(c *Config) { c.BotToken = "xoxb-wrong" })
	if err := New(w.c, &hand{}, &box{}).Run(t.Context()); !strings.Contains(expansion.TextOf(err), "slack.bot_token") {
		t.Errorf("wrong bot token: Run = %v", err)
	}
	if _, err := NewClient(Config{BotToken: "xapp-1", Clock: expansion.ClockFunc(time.Now)}); expansion.CodeOf(err) != expansion.CodeInvalid {
		t.Errorf("tokens swapped: %v", err)
	}
}

func TestAcksWhenAHandlerPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &hand{look: func(*handlers.Call) handlers.Look { panic("a bug") }}
	w.run(h, &box{})
	if out := w.command("mine"); out.Code != "" {
		t.Errorf("command: %+v, want an ack all the same", out)
	}
	h.look = nil
	if out := w.press(w.card()); out.Code != "" {
		t.Errorf("press afterwards: %+v", out)
	}
}

func TestAcksEnvelopesItDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.run(&hand{}, &box{})
	frame, err := json.Marshal(map[string]any{"type": "brand_new", "envelope_id": "E-new", "payload": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.event(t.Context(), nil, socketmode.Event{Type: socketmode.EventTypeErrorBadMessage, Data: &socketmode.ErrorBadMessage{Message: frame}}); err != nil {
		t.Fatal(err)
	}
	w.eventually("Slack got an ack it never asked for", func() bool {
		return strings.Contains(strings.Join(w.slack.Violations(), "\n"), "unknown envelope")
	})
}

func TestEphemeralAnswersOutliveTheResponseURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dm := w.slack.BotDM(marcus)
	where := handlers.Where{User: marcus, Channel: dm, URL: strings.TrimSuffix(w.slack.APIURL(), "api/") + "response/used-up"}
	if err := w.c.Ephemeral(t.Context(), where, message("Nothing changed.")); err != nil {
		t.Fatal(err)
	}
	ms := w.dm()
	if len(ms) != 1 || !ms[0].Ephemeral || ms[0].Text != "Nothing changed." {
		t.Errorf("Marcus reads %+v", ms)
	}
}

func TestAnswersInPlainTextWhenBlocksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slack.FailNext("chat.postEphemeral", slack.Error("invalid_blocks"), 2) // in the channel and in the DM
	m := blocks.Message{Text: "Nothing waits on you.", Blocks: []goslack.Block{goslack.NewDividerBlock()}}
	w.slack.PutChannel(slack.Channel{ID: "C0OURS", Name: "sales", Members: []string{marcus, w.slack.BotUserID()}})
	if err := w.c.Ephemeral(t.Context(), handlers.Where{User: marcus, Channel: "C0OURS"}, m); err != nil {
		t.Fatal(err)
	}
	if ms := w.slack.Messages(marcus, "C0OURS"); len(ms) != 1 || ms[0].Text != m.Text || len(ms[0].Blocks) > 0 {
		t.Errorf("Marcus reads %+v", ms)
	}
	w.slack.SetDown(true)
	if err := w.c.Ephemeral(t.Context(), handlers.Where{User: marcus, Channel: "C0OURS"}, m); expansion.CodeOf(err) != expansion.CodeUnavailable {
		t.Errorf("Slack down: %v, want unavailable", err)
	}
}

func TestRefusesMoreViewsThanItCanMake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hold := make(chan struct{})
	h := &hand{look: func(c *handlers.Call) handlers.Look { return handlers.Look{Way: handlers.Open} }}
	h.open = func(context.Context, *handlers.Call) { <-hold }
	b := w.run(h, &box{})
	at := w.card()
	for range maxOpening {
		w.press(at)
	}
	w.eventually("all places are taken", func() bool { return len(h.names()) == maxOpening })
	if out := w.press(at); out.Code != "" {
		t.Errorf("one press more: %+v, want an ack", out)
	}
	w.eventually("the presser is told", func() bool { return w.reads(textBusy) })
	close(hold)
	w.eventually("the places are free again", func() bool { return len(b.opening) == 0 })
}

func TestAcksHundredsOfPressesInTime(t *testing.T) { // DESIGN §9 wants p99 < 250 ms on a quiet machine
	t.Parallel()
	w, in := newWorld(t), &box{}
	w.run(&hand{}, in)
	at := w.card()
	const presses = 400
	var all sync.WaitGroup
	for range presses {
		all.Go(func() {
			if out, err := w.slack.Press(t.Context(), marcus, at, "", "ho_ack", nil); err != nil || out.Code != "" {
				t.Errorf("press: %+v, %v", out, err)
			}
		})
	}
	all.Wait()
	ls := w.slack.Stats().AckLatencies
	slices.Sort(ls)
	t.Logf("p50 %s, p99 %s", ls[len(ls)/2], ls[len(ls)*99/100])
	if p99 := ls[len(ls)*99/100]; len(ls) < presses || p99 > time.Second {
		t.Errorf("%d acks, p99 %s", len(ls), p99)
	}
	if n := len(in.kept()); n != presses {
		t.Errorf("kept %d of %d presses", n, presses)
	}
}

// The job of a submit may be done before Slack put the "Working…" view up.
func TestFillsAViewThatAppearsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	waiting := make(chan error, 1)
	go func() { waiting <- w.c.FillView(t.Context(), "working-1", modal()) }()
	w.eventually("it was asked for", func() bool { return w.slack.Stats().Methods["views.update"] > 0 })
	h := &hand{look: func(*handlers.Call) handlers.Look { return handlers.Look{Way: handlers.Open} }}
	h.open = func(ctx context.Context, c *handlers.Call) {
		v := modal()
		v.ExternalID, v.CallbackID = "working-1", "wait"
		if _, err := w.c.OpenView(ctx, c.Trigger, v); err != nil {
			t.Error(err)
		}
	}
	w.run(h, &box{})
	w.command("log")
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	if vs := w.slack.Modals(marcus); len(vs) != 1 || vs[0].CallbackID != "log_signal" {
		t.Errorf("Marcus sees %+v, want the filled modal", vs)
	}
}

func TestViewErrorsHaveCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.c.OpenView(t.Context(), "no-such-trigger", modal()); expansion.CodeOf(err) != expansion.CodeGone {
		t.Errorf("a bad trigger: %v, want gone", err)
	}
	if err := w.c.UpdateView(t.Context(), "V0NONE", "", modal()); expansion.CodeOf(err) != expansion.CodeGone {
		t.Errorf("a closed view: %v, want gone", err)
	}
	w.slack.SetDown(true)
	if err := w.c.UpdateView(t.Context(), "V0NONE", "", modal()); expansion.CodeOf(err) != expansion.CodeUnavailable {
		t.Errorf("Slack down: %v, want unavailable", err)
	}
}

func TestFailureOfAForeignErrorIsUnknownWhenSending(t *testing.T) {
	t.Parallel()
	if f := failure(context.DeadlineExceeded, true); !f.Unknown || f.Permanent {
		t.Errorf("%+v, want unknown", f)
	}
	if f := failure(&notify.Failure{Reason: "x"}, true); f.Reason != "x" {
		t.Errorf("%+v, want it kept", f)
	}
}
