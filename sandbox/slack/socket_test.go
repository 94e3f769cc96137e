package slack_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sandbox "expansionbot/sandbox/slack"

	"github.com/coder/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

func TestCommandAckWithPayloadShowsAnEphemeral(t *testing.T) {
	t.Parallel()
	w := start(t)
	var got slack.SlashCommand
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		got = e.Data.(slack.SlashCommand)
		c.Ack(*e.Request, map[string]any{"text": "Menu", "blocks": []slack.Block{slack.NewSectionBlock(mrkdwn("*Menu*"), nil, nil)}})
	})
	out, err := w.RunCommand(t.Context(), "U1", "C1", "ooo cover @marcus & <b>")
	if err != nil || out.Text != "" {
		t.Fatalf("got %+v, %v", out, err)
	}
	if want := "ooo cover <@U2|marcus> &amp; &lt;b&gt;"; got.Text != want {
		t.Errorf("text: got %q, want %q", got.Text, want)
	}
	if got.Command != "/expansion" || got.ChannelName != "expansion-ops" || got.UserName != "priya" || got.ResponseURL == "" || got.TriggerID == "" {
		t.Errorf("payload: %+v", got)
	}
	if m := w.last("U1", "C1"); !m.Ephemeral || m.Text != "Menu" {
		t.Errorf("message: %+v", m)
	}
	if n := len(w.Messages("U2", "C1")); n != 0 {
		t.Errorf("marcus sees %d messages, want none", n)
	}
	if st := w.Stats(); st.Acks != 1 || len(st.AckLatencies) != 1 || st.MissedAcks != 0 {
		t.Errorf("stats: %+v", st)
	}
	w.clean()
}

func TestCommandAckThatSlackWouldRefuse(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		c.Ack(*e.Request, map[string]any{"text": "x", "blocks": []slack.Block{slack.NewHeaderBlock(plainText(strings.Repeat("x", 151)))}})
	})
	out, err := w.RunCommand(t.Context(), "U1", "C1", "")
	if err != nil || !strings.Contains(out.Text, "invalid_blocks") {
		t.Errorf("got %+v, %v", out, err)
	}
	w.violated("must be less than 151 characters [json-pointer:/blocks/0/text/text]")
}

func TestInteractionsFailWithoutSocketOrAck(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *sandbox.Config) { c.AckTimeout = 200 * time.Millisecond })
	out, err := w.RunCommand(t.Context(), "U1", "C1", "help")
	if err != nil || out.Code != "dispatch_failed" || out.Text != `/expansion failed with the error "dispatch_failed"` {
		t.Fatalf("no socket: got %+v, %v", out, err)
	}
	w.clean()
	late := make(chan socketmode.Request, 1)
	var client *socketmode.Client
	w.connect(func(c *socketmode.Client, e socketmode.Event) { client = c; late <- *e.Request })
	out, err = w.RunCommand(t.Context(), "U1", "C1", "help")
	if err != nil || out.Code != "operation_timeout" {
		t.Fatalf("no ack: got %+v, %v", out, err)
	}
	w.violated("slash command not acked within 200ms")
	client.Ack(<-late, map[string]any{"text": "too late"})
	deadline := time.After(patience)
	for w.Stats().LateAcks == 0 {
		select {
		case <-deadline:
			t.Fatal("the late ack was never counted")
		case <-time.After(time.Millisecond):
		}
	}
	w.violated("slash command acked late")
	if n := len(w.Messages("U1", "C1")); n != 0 {
		t.Errorf("a late ack showed %d messages, want none", n)
	}
}

// rawSocket opens a Socket Mode connection by hand and reads the hello.
func rawSocket(t *testing.T, w *world) *websocket.Conn {
	t.Helper()
	_, url, err := w.api.StartSocketModeContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	if f := readFrame(t, conn); f["type"] != "hello" {
		t.Fatalf("first frame: %v", f)
	}
	if _, _, err := websocket.Dial(t.Context(), url, nil); err == nil {
		t.Fatal("a ticket worked twice")
	}
	w.until("the socket is up", func() bool { return w.Connected() > 0 })
	return conn
}

func readFrame(t *testing.T, conn *websocket.Conn) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, b, err := conn.Read(ctx)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	var f map[string]any
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSocketRules(t *testing.T) {
	t.Parallel()
	t.Run("a frame above 20,480 bytes closes with 1009", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		conn := rawSocket(t, w)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"envelope_id":"x","payload":"`+strings.Repeat("x", 20480)+`"}`)); err != nil {
			t.Fatal(err)
		}
		_, _, err := conn.Read(t.Context())
		if got := websocket.CloseStatus(err); got != websocket.StatusMessageTooBig {
			t.Errorf("close: got %v, want 1009", err)
		}
		w.violated("closes the socket above 20480")
	})
	t.Run("unknown, double and over-full acks are violations", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		conn := rawSocket(t, w)
		done := make(chan error, 1)
		go func() { done <- w.OpenHome(t.Context(), "U1") }()
		f := readFrame(t, conn)
		id := f["envelope_id"].(string)
		if f["type"] != "events_api" || f["accepts_response_payload"] != false || f["retry_attempt"] != float64(0) {
			t.Errorf("envelope: %v", f)
		}
		for _, frame := range []string{`{"envelope_id":"nobody"}`, `{"envelope_id":"` + id + `","payload":{"text":"hi"}}`, `{"envelope_id":"` + id + `"}`, `{"hello":1}`} {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(conn.CloseRead(t.Context())); err != nil { // a pong comes after the frames before it
			t.Fatal(err)
		}
		w.violated("unknown envelope")
		w.violated("acked with a payload")
		w.violated("acked twice")
		w.violated("without envelope_id")
	})
	t.Run("the eleventh socket is sent away", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		for range 10 {
			rawSocket(t, w)
		}
		conn := rawSocket(t, w)
		w.until("ten are up", func() bool { return w.Connected() == 10 })
		if f := readFrame(t, conn); f["type"] != "disconnect" || f["reason"] != "too_many_websockets" {
			t.Errorf("got %v", f)
		}
		if got := w.Connected(); got != 10 {
			t.Errorf("connected: got %d, want 10", got)
		}
	})
	t.Run("envelopes go round", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		one := rawSocket(t, w)
		two := rawSocket(t, w)
		w.until("both are up", func() bool { return w.Connected() == 2 })
		for _, conn := range []*websocket.Conn{two, one} {
			done := make(chan error, 1)
			go func() { done <- w.OpenHome(t.Context(), "U1") }()
			f := readFrame(t, conn)
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"envelope_id":"`+f["envelope_id"].(string)+`"}`)); err != nil {
				t.Fatal(err)
			}
			<-done
		}
		w.clean()
	})
}

func TestEventsWaitForASocketAndAreResent(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *sandbox.Config) { c.AckTimeout = 100 * time.Millisecond })
	if _, err := w.Say("U1", w.BotDM("U1"), "", "hello there"); err != nil {
		t.Fatal(err)
	}
	type seen struct {
		id      string
		attempt int
		reason  string
	}
	got := make(chan seen, 10)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		var env struct {
			EventID string `json:"event_id"`
		}
		json.Unmarshal(e.Request.Payload, &env)
		got <- seen{env.EventID, e.Request.RetryAttempt, e.Request.RetryReason}
		if e.Request.RetryAttempt == 2 {
			c.Ack(*e.Request)
		}
	})
	first := <-got
	for attempt := 1; attempt <= 2; attempt++ {
		if again := <-got; again != (seen{first.id, attempt, "timeout"}) {
			t.Errorf("attempt %d: got %+v after %+v", attempt, again, first)
		}
	}
	w.violated("event message not acked within 100ms")
	if n := w.Stats().EventsResent; n != 2 {
		t.Errorf("resent: got %d, want 2", n)
	}
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"warning", "refresh_requested", "link_disabled", "too_many_websockets"} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.connect(ackAll)
			opens := w.Stats().Methods["apps.connections.open"]
			w.DropSockets(reason)
			w.until("a new socket is up", func() bool { return w.Connected() == 1 && w.Stats().Methods["apps.connections.open"] > opens })
			if out, err := w.RunCommand(t.Context(), "U1", "C1", "help"); err != nil || out.Text != "" {
				t.Errorf("after reconnect: %+v, %v", out, err)
			}
			w.clean()
		})
	}
}

func TestSlackDown(t *testing.T) {
	t.Parallel()
	w := start(t)
	var said atomic.Value
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		if ev, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			if m, ok := ev.InnerEvent.Data.(*slackevents.MessageEvent); ok {
				said.Store(m.Text)
			}
		}
		c.Ack(*e.Request)
	})
	w.SetDown(true)
	w.until("the socket is cut", func() bool { return w.Connected() == 0 })
	if _, err := w.api.AuthTest(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("API while down: %v", err)
	}
	if out, _ := w.RunCommand(t.Context(), "U1", "C1", "help"); out.Code != "dispatch_failed" {
		t.Errorf("command while down: %+v", out)
	}
	if _, err := w.Say("U1", w.BotDM("U1"), "", "are you there?"); err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Snapshot()
	if err != nil || !strings.Contains(string(snapshot), "are you there?") {
		t.Errorf("snapshot lost the waiting event: %v", err)
	}
	w.SetDown(false)
	w.until("the socket is back", func() bool { return w.Connected() == 1 })
	deadline := time.After(patience)
	for w.Stats().Acks == 0 {
		select {
		case <-deadline:
			t.Fatal("the event never came")
		case <-time.After(time.Millisecond):
		}
	}
	if got := said.Load(); got != "are you there?" {
		t.Errorf("event: got %v", got)
	}
	w.clean()
}

func TestSocketNeedsATicket(t *testing.T) {
	t.Parallel()
	w := start(t)
	r, err := http.Get(strings.TrimSuffix(w.APIURL(), "api/") + "link/?ticket=made-up")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusForbidden {
		t.Errorf("status: got %d, want 403", r.StatusCode)
	}
}

func TestAckOnANewerSocket(t *testing.T) {
	t.Parallel()
	for strict, want := range map[bool]string{false: "", true: "operation_timeout"} {
		w := start(t, func(c *sandbox.Config) { c.AckTimeout = 2 * time.Second })
		w.SetStrictAcks(strict)
		first := rawSocket(t, w)
		done := make(chan sandbox.Outcome, 1)
		go func() {
			out, _ := w.RunCommand(t.Context(), "U1", "C1", "help")
			done <- out
		}()
		f := readFrame(t, first)
		w.DropSockets("warning")
		if bye := readFrame(t, first); bye["type"] != "disconnect" || bye["reason"] != "warning" {
			t.Errorf("got %v", bye)
		}
		first.CloseNow()
		second := rawSocket(t, w)
		if err := second.Write(t.Context(), websocket.MessageText, []byte(`{"envelope_id":"`+f["envelope_id"].(string)+`"}`)); err != nil {
			t.Fatal(err)
		}
		if out := <-done; out.Code != want {
			t.Errorf("strict %v: got %+v, want %q", strict, out, want)
		}
		w.clean()
	}
}

func TestEventsOfThePeopleAndChannels(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := make(chan string, 10)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		if ev, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			got <- ev.InnerEvent.Type
		}
		c.Ack(*e.Request)
	})
	next := func(want string) {
		t.Helper()
		select {
		case name := <-got:
			if name != want {
				t.Errorf("event: got %s, want %s", name, want)
			}
		case <-time.After(patience):
			t.Errorf("no %s came", want)
		}
	}
	w.PutUser(sandbox.User{ID: "U7", Handle: "tomoko"})
	next("team_join")
	w.PutUser(sandbox.User{ID: "U7", Handle: "tomoko", Deleted: true})
	next("user_change")
	w.PutUser(sandbox.User{ID: "U7", Handle: "tomoko", Deleted: true}) // no change, no event
	w.PutChannel(sandbox.Channel{ID: "C1", Name: "expansion-ops", Members: []string{"U1", w.BotUserID()}, External: true})
	next("channel_shared")
	w.PutChannel(sandbox.Channel{ID: "C1", Name: "expansion-ops", Members: []string{"U1", w.BotUserID()}})
	next("channel_unshared")
	if _, err := w.Say("U1", "C1", "", "nobody subscribed to message.channels"); err != nil {
		t.Fatal(err)
	}
	if err := w.OpenHome(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	next("app_home_opened")
	w.clean()
}
