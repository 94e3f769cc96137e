package app

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"expansionbot/config"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

func settings(t *testing.T, env ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load("", append([]string{"EXPANSION_STORE_DSN=file:" + filepath.Join(t.TempDir(), "x.db"), "SLACK_BOT_TOKEN=xoxb-1-2-abc", "SLACK_APP_TOKEN=xapp-1-A-2-abc"}, env...))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestWhatIsNotBuiltIsRefusedWithItsKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"a dry run": {[]string{"EXPANSION_CRM_KIND=hubspot", "EXPANSION_CRM_WRITE=dry-run", "EXPANSION_CRM_HUBSPOT_TOKEN=pat-x"}, `crm.write is "dry-run"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Assemble(context.Background(), settings(t, c.env...), Options{Policy: route.DefaultText(), Log: slog.New(slog.DiscardHandler)})
			if expansion.CodeOf(err) != expansion.CodeInvalid || !strings.Contains(expansion.TextOf(err), c.want) {
				t.Fatalf("got %v, want a sentence with %s", err, c.want)
			}
		})
	}
}

func TestASettingWithoutEffectIsNamedAtStart(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := settings(t, "EXPANSION_EMAIL_IMAP_URL=imaps://user:secret@mail.acme.example/INBOX")
	p, err := Assemble(context.Background(), cfg, Options{Policy: route.DefaultText(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "key=email.imap_url") || strings.Contains(text, "secret") {
		t.Fatalf("log: %s", text)
	}
}

func TestATakenPortIsASentence(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Start(context.Background(), settings(t, "EXPANSION_API_LISTEN="+l.Addr().String()), Options{Policy: route.DefaultText()})
	if expansion.CodeOf(err) != expansion.CodeInvalid || !strings.Contains(expansion.TextOf(err), "api.listen") {
		t.Fatalf("got %v, want a sentence that names api.listen", err)
	}
}

// The follower takes over the sandbox's time, never goes back, and answers each move
// only when the product has nothing left to do.
func TestFollowedClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	moves := make(chan tick)
	answers := make(chan idle)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		for m := range moves {
			if err := wsjson.Write(r.Context(), conn, m); err != nil {
				return
			}
			var a idle
			if err := wsjson.Read(r.Context(), conn, &a); err != nil {
				return
			}
			answers <- a
		}
	}))
	t.Cleanup(web.Close)
	t.Cleanup(func() { close(moves) })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	base := time.Now().Add(1000 * time.Hour)
	go func() { moves <- tick{Seq: 1, Now: base} }()
	f, err := follow(ctx, web.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Logf("closing: %v", err)
		}
	})
	if d := f.Now().Sub(base); d < 0 || d > 5*time.Second {
		t.Fatalf("after connecting the time is off by %v", d)
	}
	p, err := Assemble(ctx, settings(t), Options{Policy: route.DefaultText(), Clock: f, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	f.attach(&App{Engine: p.Engine, Store: p.Store, clock: f, log: slog.New(slog.DiscardHandler)})
	if a := <-answers; a.Seq != 1 || !a.Idle || a.Next != nil {
		t.Fatalf("first answer %+v", a)
	}
	before := f.Now()
	moves <- tick{Seq: 2, Now: base.Add(-time.Hour)}
	if a := <-answers; a.Seq != 2 {
		t.Fatalf("second answer %+v", a)
	}
	if f.Now().Before(before) {
		t.Fatal("the clock went back")
	}
	moves <- tick{Seq: 3, Now: base.Add(48 * time.Hour)}
	<-answers
	if d := f.Now().Sub(base); d < 48*time.Hour {
		t.Fatalf("after a move of 48 h the time is only %v on", d)
	}
}
