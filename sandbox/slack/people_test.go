package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	sandbox "expansionbot/sandbox/slack"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

func TestHome(t *testing.T) {
	t.Parallel()
	w := start(t)
	opens := make(chan *slackevents.AppHomeOpenedEvent, 2)
	presses := make(chan slack.InteractionCallback, 1)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		switch data := e.Data.(type) {
		case slackevents.EventsAPIEvent:
			if ev, ok := data.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent); ok {
				opens <- ev
			}
		case slack.InteractionCallback:
			presses <- data
		}
		c.Ack(*e.Request)
	})
	if err := w.OpenHome(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	if ev := <-opens; ev.User != "U1" || ev.Tab != "home" || ev.View != nil {
		t.Errorf("event: %+v", ev)
	}
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewHeaderBlock(plainText("Your queue")), slack.NewActionBlock("b", slack.NewButtonBlockElement("home_mine", "1", plainText("Mine"))),
	}}}
	view, err := w.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "U1", View: home})
	code(t, err, "")
	if !strings.Contains(string(w.Home("U1")), "Your queue") || w.Home("U2") != nil {
		t.Errorf("home: %s / %s", w.Home("U1"), w.Home("U2"))
	}
	stale := "1.old"
	_, err = w.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "U1", View: home, Hash: &stale})
	code(t, err, "hash_conflict")
	if out, err := w.Press(t.Context(), "U1", sandbox.Target{Home: true}, "b", "home_mine", nil); err != nil || out.Text != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if cb := <-presses; cb.View.ID != view.ID || cb.Container.Type != "view" || cb.ResponseURL != "" || cb.TriggerID == "" {
		t.Errorf("press: %+v", cb)
	}
	if err := w.OpenHome(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	if ev := <-opens; ev.View == nil || ev.View.ID != view.ID {
		t.Errorf("second event: %+v", ev)
	}
	w.clean()
}

func TestShortcutAndThread(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := make(chan slack.InteractionCallback, 1)
	mentions := make(chan string, 4)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		switch data := e.Data.(type) {
		case slack.InteractionCallback:
			got <- data
		case slackevents.EventsAPIEvent:
			if m, ok := data.InnerEvent.Data.(*slackevents.AppMentionEvent); ok {
				mentions <- m.Text
			}
		}
		c.Ack(*e.Request)
	})
	ts, err := w.Say("U2", "C1", "", "they want 30 more seats @expansion")
	if err != nil {
		t.Fatal(err)
	}
	if m := <-mentions; !strings.Contains(m, "<@"+w.BotUserID()) {
		t.Errorf("mention: %q", m)
	}
	if out, err := w.Shortcut(t.Context(), "U1", "log_from_message", "C1", ts); err != nil || out.Text != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if cb := <-got; cb.Type != slack.InteractionTypeMessageAction || cb.CallbackID != "log_from_message" || cb.Message.User != "U2" || cb.Channel.ID != "C1" || cb.ResponseURL == "" {
		t.Errorf("payload: %+v", cb)
	}
	link, err := w.api.GetPermalink(&slack.PermalinkParameters{Channel: "C1", Ts: ts})
	if err != nil || !strings.Contains(link, "/archives/C1/p") {
		t.Errorf("permalink: %q, %v", link, err)
	}
	_, reply, err := w.api.PostMessage("C1", slack.MsgOptionText("in the thread", false), slack.MsgOptionTS(ts))
	code(t, err, "")
	if m := w.Messages("U1", "C1"); m[0].ReplyCount != 1 || m[0].LatestReply != reply || m[1].ThreadTS != ts {
		t.Errorf("thread: %+v", m)
	}
	_, _, err = w.api.PostMessage("C1", slack.MsgOptionText("x", false), slack.MsgOptionTS(reply))
	code(t, err, "cannot_reply_to_message")
	if cs := w.Conversations("U1"); cs[0].Kind != "im" || cs[1].ID != "C1" || cs[1].Unread != 2 {
		t.Errorf("conversations: %+v", cs)
	}
	w.MarkRead("U1", "C1")
	if cs := w.Conversations("U1"); cs[1].Unread != 0 {
		t.Errorf("after reading: %+v", cs)
	}
	w.clean()
}

func TestFilesBothWays(t *testing.T) {
	t.Parallel()
	w := start(t)
	shared := make(chan *slackevents.MessageEvent, 1)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		if ev, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			if m, ok := ev.InnerEvent.Data.(*slackevents.MessageEvent); ok && m.SubType == "file_share" && m.BotID == "" {
				shared <- m
			}
		}
		c.Ack(*e.Request)
	})
	dm := w.BotDM("U1")
	ts, err := w.Upload("U1", dm, "call.vtt", []byte("WEBVTT\n\nthirty more seats"))
	if err != nil {
		t.Fatal(err)
	}
	ev := <-shared
	if ev.TimeStamp != ts || len(ev.Message.Files) != 1 {
		t.Fatalf("event: %+v", ev)
	}
	f := ev.Message.Files[0]
	var b bytes.Buffer
	if err := w.api.GetFile(f.URLPrivateDownload, &b); err != nil || b.String() != "WEBVTT\n\nthirty more seats" {
		t.Errorf("download: %q, %v", b.String(), err)
	}
	r, err := http.Get(f.URLPrivateDownload)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || !strings.Contains(r.Request.URL.RawQuery, "redir=") {
		t.Errorf("without token: %d %s %s", r.StatusCode, r.Header.Get("Content-Type"), r.Request.URL)
	}
	if info, _, _, err := w.api.GetFileInfo(f.ID, 0, 0); err != nil || info.Name != "call.vtt" || info.Size != 25 {
		t.Errorf("info: %+v, %v", info, err)
	}

	up, err := w.api.UploadFile(slack.UploadFileParameters{Filename: "chart.png", Title: "Chart", FileSize: 4, Reader: strings.NewReader("\x89PNG"), Channel: dm, ThreadTimestamp: ts, InitialComment: "The chart"})
	if err != nil {
		t.Fatal(err)
	}
	m := w.last("U1", dm)
	if len(m.Files) != 1 || m.Files[0].ID != up.ID || m.Files[0].Title != "Chart" || m.ThreadTS != ts || m.Text != "The chart" {
		t.Errorf("message: %+v", m)
	}
	if meta, content, ok := w.FileContent(up.ID); !ok || string(content) != "\x89PNG" || meta.Mimetype != "image/png" {
		t.Errorf("content: %+v %q %v", meta, content, ok)
	}
	w.clean()
}

func TestCancelledActEnds(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *sandbox.Config) { c.AckTimeout = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	w.connect(func(c *socketmode.Client, e socketmode.Event) { cancel() })
	if _, err := w.RunCommand(ctx, "U1", "C1", "help"); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	w.clean()
}

func TestSnapshotCarriesTheWorld(t *testing.T) {
	t.Parallel()
	w := start(t)
	v := opened(w, modal(whatInput()), func(c *socketmode.Client, r *socketmode.Request, _ slack.InteractionCallback) { c.Ack(*r) })
	if err := w.SetState("U1", sandbox.Target{ViewID: v.ID}, "b_what", "what", "typed before the restart"); err != nil {
		t.Fatal(err)
	}
	_, ts, err := w.api.PostMessage("C1", slack.MsgOptionText("kept", false), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "expansion_card", EventPayload: map[string]any{"key": "k1"}}))
	code(t, err, "")
	if _, err := w.Upload("U1", "C1", "a.txt", []byte("bytes")); err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := start(t)
	if err := again.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	ms := again.Messages("U1", "C1")
	if len(ms) != 2 || ms[0].TS != ts || !strings.Contains(string(ms[0].Metadata), "k1") {
		t.Errorf("messages: %+v", ms)
	}
	if _, content, ok := again.FileContent(ms[1].Files[0].ID); !ok || string(content) != "bytes" {
		t.Errorf("file: %q %v", content, ok)
	}
	views := again.Modals("U1")
	if len(views) != 1 || views[0].ID != v.ID || !strings.Contains(string(views[0].JSON), "typed before the restart") {
		t.Errorf("modals: %+v", views)
	}
	_, later, err := again.api.PostMessage("C1", slack.MsgOptionText("after", false))
	if err != nil || later <= ms[1].TS {
		t.Errorf("ts after restart: %q after %q, %v", later, ms[1].TS, err)
	}
	if err := again.Restore([]byte("{")); err == nil {
		t.Error("a broken snapshot was restored")
	}
	var any map[string]any
	if json.Unmarshal(snapshot, &any) != nil {
		t.Error("snapshot is not JSON")
	}
}
