package page

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/mail"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
)

var tuesday = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

// hand is a clock moved by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *hand) Advance(_ context.Context, to time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if to.Sub(h.now) > 100*time.Hour {
		return fmt.Errorf("clock follower 1 was still busy")
	}
	h.now = to
	return nil
}

func (h *hand) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{})
	context.AfterFunc(ctx, func() { close(ch) })
	return ch
}

type fixture struct {
	*Server
	clock *hand
	url   string
	mu    sync.Mutex
	log   []map[string]any // the product's activities
}

func (f *fixture) happened(verb string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, map[string]any{"id": len(f.log) + 1, "at": tuesday, "agent": "expansion", "verb": verb, "text": verb})
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{clock: &hand{now: tuesday}}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		var after int
		_, _ = fmt.Sscan(r.FormValue("after"), &after)
		if r.Header.Get("Authorization") != "Bearer tok" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": f.log[min(after, len(f.log)):]})
	}))
	t.Cleanup(api.Close)
	s, err := slack.New(slack.Config{BotToken: "xoxb-1", AppToken: "xapp-1", Clock: f.clock.Now, BaseURL: "http://127.0.0.1/slack"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c := crm.New(crm.Config{Token: "pat", Clock: f.clock.Now})
	m := mail.New(mail.Config{Clock: f.clock.Now})
	if _, err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	world.Seed(s, c)
	f.Server = New(Deps{
		Slack: s, CRM: c, Mail: m, Clock: f.clock, NextMorning: func(now time.Time) time.Time { return now.Add(24 * time.Hour) },
		Coming: func() []Coming { return []Coming{{At: tuesday.Add(8 * time.Second), Title: "Usage arrives"}} }, API: func() (string, string) { return api.URL, "tok" },
	})
	srv := httptest.NewServer(f.Server)
	f.url = srv.URL
	t.Cleanup(func() { f.Close(); srv.Close() })
	return f
}

func (f *fixture) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(f.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func (f *fixture) post(t *testing.T, path, body string) (out result) {
	t.Helper()
	res, err := http.Post(f.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != 200 {
		b, _ := io.ReadAll(res.Body)
		return result{Error: fmt.Sprintf("%d %s", res.StatusCode, b)}
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestPageAllowsItsOwnScriptsOnly(t *testing.T) {
	t.Parallel()
	f := open(t)
	res, body := f.get(t, "/")
	csp := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		t.Errorf("policy: %s", csp)
	}
	body = strings.ReplaceAll(body, `<script type="module" src="/static/app.js"></script>`, "")
	if m := regexp.MustCompile(`(?i)<script|<style|\son\w+=|\sstyle=`).FindString(body); m != "" {
		t.Errorf("the page holds inline script or style: %s", m)
	}
	if !strings.Contains(body, "Watch a usage signal route itself") {
		t.Error("the page does not carry its first state")
	}
	entries, err := os.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile("static/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`).Find(b); m != nil {
			t.Errorf("static/%s uses %s, which would let text become markup or code", e.Name(), m)
		}
		if m := regexp.MustCompile(`(?:src|href|import|from|url)\s*[=(]?\s*["'(]?https?://`).Find(b); m != nil {
			t.Errorf("static/%s loads something from outside: %s", e.Name(), m)
		}
		if res, _ := f.get(t, "/static/"+e.Name()); res.StatusCode != 200 {
			t.Errorf("/static/%s answers %d", e.Name(), res.StatusCode)
		}
	}
}

func TestPane(t *testing.T) {
	t.Parallel()
	f := open(t)
	if res, _ := f.get(t, "/page/pane?user=UNOBODY"); res.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown person: got %d, want 404", res.StatusCode)
	}
	if out := f.post(t, "/page/act", `{"kind":"say","user":"U0PRIYA","channel":"C0GENERAL","text":"hello <b> @marcus"}`); out.Error != "" {
		t.Fatal(out.Error)
	}
	_, body := f.get(t, "/page/pane?user=U0MARCUS&channel=C0GENERAL")
	var p pane
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Messages) != 1 || !strings.Contains(p.Messages[0].Text, "&lt;b&gt; <@U0MARCUS") {
		t.Errorf("Marcus sees %+v", p.Messages)
	}
	unread := map[string]int{}
	for _, c := range p.Conversations {
		unread[c.Name] = c.Unread
	}
	if unread["general"] != 1 {
		t.Errorf("unread: %v, want 1 in general", unread)
	}
	f.post(t, "/page/act", `{"kind":"read","user":"U0MARCUS","channel":"C0GENERAL"}`)
	if n := f.Slack.Conversations("U0MARCUS"); n[1].Unread != 0 {
		t.Errorf("after reading %d are unread", n[1].Unread)
	}
	_, body = f.get(t, "/page/pane?user=U0MARCUS&channel=C0EXPOPS")
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Channel != p.DM {
		t.Errorf("a channel Marcus is not in shows %q, want his own %q", p.Channel, p.DM)
	}
}

func TestActsSayWhatWentWrong(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, c := range []struct{ name, path, body, want string }{
		{"an act that doesn't exist", "/page/act", `{"kind":"dance"}`, `The page knows no act "dance".`},
		{"a command while no bot is connected", "/page/act", `{"kind":"command","user":"U0PRIYA","channel":"` + f.Slack.BotDM("U0PRIYA") + `","text":"mine"}`, "dispatch_failed"},
		{"a button that isn't there", "/page/act", `{"kind":"press","user":"U0PRIYA","target":{"home":true},"action":"x"}`, "no Home yet"},
		{"broken JSON", "/page/act", `{`, "400 The page sent something unreadable"},
		{"time running backwards", "/page/clock", `{"by":"-1h"}`, "forward only"},
		{"a clock that cannot move", "/page/clock", `{"by":"200h"}`, "Clock follower 1 was still busy."},
		{"a part that doesn't exist", "/page/switch", `{"part":"moon","down":true}`, `no part "moon"`},
		{"a property that is not for hands", "/page/crm", `{"deal":"1","property":"dealname","value":"x"}`, "nothing else"},
		{"a deal that isn't there", "/page/crm", `{"deal":"1","property":"dealstage","value":"closedwon"}`, "no deal 1"},
	} {
		out := f.post(t, c.path, c.body)
		if got := out.Error + out.Text; !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q in it", c.name, got, c.want)
		}
	}
}

func TestSwitchesAndClock(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, part := range []string{"crm", "mail", "slack"} {
		if out := f.post(t, "/page/switch", `{"part":"`+part+`","down":true}`); out.Error != "" {
			t.Errorf("%s: %s", part, out.Error)
		}
	}
	if down := f.state().Down; !down["crm"] || !down["mail"] || !down["slack"] {
		t.Errorf("down: %v, want all", down)
	}
	f.post(t, "/page/switch", `{"part":"mail","down":false}`)
	if f.Mail.Down() {
		t.Error("the mail server did not come back")
	}
	f.post(t, "/page/clock", `{"by":"4h"}`)
	f.post(t, "/page/clock", `{"next_morning":true}`)
	if got, want := f.clock.Now(), tuesday.Add(28*time.Hour); !got.Equal(want) {
		t.Errorf("the clock is at %v, want %v", got, want)
	}
}

func TestUploadedFilesNeverRunHere(t *testing.T) {
	t.Parallel()
	f := open(t)
	var b bytes.Buffer
	mw := multipart.NewWriter(&b)
	for k, v := range map[string]string{"user": "U0PRIYA", "channel": f.Slack.BotDM("U0PRIYA")} {
		if err := mw.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	part, err := mw.CreateFormFile("file", "../brightwater-qbr.html")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, "<script>alert(1)</script>")
	if err := mw.Close(); err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(f.url+"/page/upload", mw.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	m := f.Slack.Messages("U0PRIYA", f.Slack.BotDM("U0PRIYA"))
	if len(m) != 1 || len(m[0].Files) != 1 || m[0].Files[0].Name != "brightwater-qbr.html" {
		t.Fatalf("messages: %+v", m)
	}
	got, body := f.get(t, "/page/file?id="+m[0].Files[0].ID)
	if !strings.Contains(body, "alert") || got.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(got.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a file is served as %v", got.Header)
	}
	if got, _ := f.get(t, "/page/file?id=F0"); got.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown file: %d", got.StatusCode)
	}
}

func TestGuideTicksWhatReallyHappenedAndKeepsIt(t *testing.T) {
	t.Parallel()
	f := open(t)
	ticked := func() string {
		var ids []string
		for _, s := range f.guide.list() {
			if s.Done {
				ids = append(ids, s.ID)
			}
		}
		return strings.Join(ids, " ")
	}
	hubspot := func(path, body string) {
		t.Helper()
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer pat")
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		f.CRM.Handler().ServeHTTP(w, req)
		if w.Code != http.StatusCreated {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	hubspot("/crm/v3/properties/deals", `{"name":"expansion_opportunity_id","label":"Key","type":"string","fieldType":"text","groupName":"dealinformation","hasUniqueValue":true}`)
	hubspot("/crm/v3/objects/deals", `{"properties":{"dealname":"a","dealstage":"qualifiedtobuy","pipeline":"default","expansion_opportunity_id":"O-1"}}`)
	for _, c := range []struct {
		what string
		do   func()
		want string
	}{
		{"a routing", func() { f.happened("routed") }, "route"},
		{"an absence", func() { f.happened("away_set") }, "route away"},
		{"an escalation", func() { f.happened("escalated") }, "route away escalate"},
		{"a deal made after the CRM broke", func() {
			f.CRM.SetDown(true)
			eventually(t, "the page to see the CRM down", func() bool { f.guide.mu.Lock(); defer f.guide.mu.Unlock(); return f.guide.broke })
			f.CRM.SetDown(false)
			hubspot("/crm/v3/objects/deals", `{"properties":{"dealname":"b","dealstage":"qualifiedtobuy","pipeline":"default","expansion_opportunity_id":"O-2"}}`)
		}, "route away escalate break"},
		{"a win and the report", func() { f.happened("won"); f.guide.reported() }, "route away escalate break won"},
	} {
		c.do()
		eventually(t, c.what+" to be ticked", func() bool { return ticked() == c.want })
	}
	b, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := open(t)
	if err := again.Restore(b); err != nil {
		t.Fatal(err)
	}
	again.checkGuide()
	for _, s := range again.guide.list() {
		if !s.Done {
			t.Errorf("%s is no longer ticked after a restart", s.ID)
		}
	}
	if err := again.Restore([]byte("{")); err == nil {
		t.Error("a broken snapshot was accepted")
	}
}

func TestTimelineAndItsFailure(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.happened("routed")
	f.happened("acknowledged")
	eventually(t, "the timeline", func() bool { items, _ := f.time.after(0); return len(items) == 2 })
	_, body := f.get(t, "/page/timeline?after=1")
	if !strings.Contains(body, "acknowledged") || strings.Contains(body, "routed") {
		t.Errorf("after 1: %s", body)
	}
	f.time.add(nil, fmt.Errorf("it answered 500"))
	if _, body := f.get(t, "/page/timeline"); !strings.Contains(body, "could not be read: it answered 500") {
		t.Errorf("a failing log is not mentioned: %s", body)
	}
}

func TestEventsTellOfChanges(t *testing.T) {
	t.Parallel()
	f := open(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/page/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(res.Body); sc.Scan(); {
			if s, ok := strings.CutPrefix(sc.Text(), "data: "); ok {
				lines <- s
			}
		}
	}()
	next := func() (out struct {
		Parts []string
		State state
	},
	) {
		t.Helper()
		select {
		case s := <-lines:
			if err := json.Unmarshal([]byte(s), &out); err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no event came")
		}
		return out
	}
	if first := next(); len(first.State.People) < 10 || len(first.State.Guide) != 5 || len(first.State.Coming) != 1 {
		t.Errorf("the first event: %+v", first)
	}
	if _, err := f.Slack.Say("U0PRIYA", "C0GENERAL", "", "hi"); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(strings.Join(next().Parts, " "), "slack") {
	}
}
