package blocks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	sandbox "expansionbot/sandbox/slack"
)

// The sandbox's Slack validates on its own, without Check: everything this package makes
// goes over the wire to it, on its surface.
func TestSandboxSlackTakesEverything(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	s, err := sandbox.New(sandbox.Config{BotToken: "xoxb-blocks", AppToken: "xapp-blocks", BaseURL: ts.URL + "/slack", Clock: func() time.Time { return clock("09:07") }})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/slack/", http.StripPrefix("/slack", s.Handler()))
	t.Cleanup(func() {
		s.Close()
		ts.CloseClientConnections()
		ts.Close()
	})
	s.SetLimits(false)
	s.PutUser(sandbox.User{ID: "U1", Handle: "priya", RealName: "Priya Nair", TimeZone: london})
	api := slack.New("xoxb-blocks", slack.OptionAppLevelToken("xapp-blocks"), slack.OptionAPIURL(s.APIURL()), slack.OptionHTTPClient(&http.Client{Timeout: 20 * time.Second}))
	dm := s.BotDM("U1")

	posts := map[string]Message{}
	for _, sc := range scenes() {
		m, err := Render(sc.m)
		if err != nil {
			t.Fatal(err)
		}
		posts[sc.name] = m
	}
	for name, v := range answers() {
		switch v := v.(type) {
		case Message:
			posts[name] = v
		case slack.HomeTabViewRequest:
			if _, err := api.PublishView("U1", v, ""); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, m := range posts {
		_, at, err := api.PostMessage(dm, slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		busy := Busy(m)
		if _, _, _, err := api.UpdateMessage(dm, at, slack.MsgOptionText(busy.Text, false), slack.MsgOptionBlocks(busy.Blocks...)); err != nil {
			t.Errorf("%s, while working: %v", name, err)
		}
	}

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	sm := socketmode.New(api)
	opened := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { _ = sm.RunContext(ctx) })
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sm.Events:
				cmd, ok := e.Data.(slack.SlashCommand)
				if !ok {
					continue
				}
				v, err := api.OpenView(cmd.TriggerID, Loading("Expansion"))
				for name, m := range modals() {
					if err != nil {
						break
					}
					if _, err := api.UpdateView(m.(slack.ModalViewRequest), "", "", v.ID); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				opened <- err
				sm.Ack(*e.Request)
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	changed := s.Watch(ctx)
	for s.Connected() == 0 {
		if _, ok := <-changed; !ok {
			t.Fatal("the socket never connected")
		}
	}
	if _, err := s.RunCommand(ctx, "U1", dm, "log"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	for _, v := range s.Violations() {
		t.Errorf("the sandbox saw: %s", v)
	}
}
