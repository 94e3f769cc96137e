package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"
)

var tuesday = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC) // 09:00 in Lisbon too

func start(t *testing.T, o Options) *World {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	w, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

// product is a stand-in for the product's API: it takes usage and has a log.
type product struct {
	mu     sync.Mutex
	refuse int      // answer 503 that often
	took   []string // bodies of /ingest/usage
	items  []map[string]any
}

func (p *product) bodies() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.took...)
}

func (p *product) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer tok" {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case "/ingest/usage":
		if p.refuse > 0 {
			p.refuse--
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		b, _ := io.ReadAll(r.Body)
		p.took = append(p.took, string(b))
	case "/api/activities":
		after, _ := strconv.Atoi(r.FormValue("after"))
		_ = json.NewEncoder(w).Encode(map[string]any{"items": p.items[min(after, len(p.items)):]})
	default:
		http.NotFound(w, r)
	}
}

func serveProduct(t *testing.T, p *product) string {
	t.Helper()
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.URL
}

// activities gives the page a log to show.
func activities(t *testing.T, w *World) {
	t.Helper()
	p := &product{}
	for i, a := range [][]string{
		{"monitor", "detected", "Seats crossed 120 on day 9", "", "usage_growth 0.86"},
		{"researcher", "enriched", "Context gathered, 93%", "", ""},
		{"expansion", "decided", "Marcus Bell chosen: original AE", "", "policy v14"},
		{"communicator", "routed", "Priya pressed Route now", "R-311", ""},
		{"communicator", "crm_created", "Opportunity O-207 created, 1 try", "R-311", ""},
		{"communicator", "delivered", "Slack DM and e-mail delivered", "R-311", ""},
	} {
		p.items = append(p.items, map[string]any{"id": i + 1, "at": tuesday.Add(time.Duration(i) * time.Minute), "agent": a[0], "verb": a[1], "text": a[2], "signal": "S-1042", "routing": a[3], "job": a[4], "account": "Brightwater Labs"})
	}
	w.SetAPI(serveProduct(t, p), "tok")
}

func sendMail(t *testing.T, w *World) {
	t.Helper()
	host, port, _ := strings.Cut(strings.TrimPrefix(w.Addresses().SMTP, "smtp://"), ":")
	n, _ := strconv.Atoi(port)
	c, err := gomail.NewClient(host, gomail.WithPort(n), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithHELO("localhost"))
	if err != nil {
		t.Fatal(err)
	}
	m := gomail.NewMsg()
	if err := m.FromFormat("Expansion", "expansion@acme.example"); err != nil {
		t.Fatal(err)
	}
	if err := m.To("marcus@acme.example"); err != nil {
		t.Fatal(err)
	}
	m.SetMessageIDWithValue("r-311@acme.example")
	m.Subject("Expansion for you: Brightwater Labs, seats, +$19,200 estimate")
	m.SetBodyString(gomail.TypeTextPlain, "132 of 120 seats for 9 days.\nCall Jo Park before Friday.")
	m.AddAlternativeString(gomail.TypeTextHTML, `<div style="font:15px sans-serif;color:#222"><h2 style="margin:0 0 8px">Expansion for you: Brightwater Labs</h2><p>132 of 120 seats for 9 days.</p><p><a href="http://127.0.0.1:8080/ack/x" style="background:#0b6b4f;color:#fff;padding:8px 14px;border-radius:6px;text-decoration:none">Acknowledge</a></p><script>document.title='run'</script></div>`)
	if err := c.DialAndSend(m); err != nil {
		t.Fatal(err)
	}
}

func TestAddressesLeadToEveryPart(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday, NoFeed: true})
	a := w.Addresses()
	get := func(url, token string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	for _, c := range []struct{ name, url, token, want string }{
		{"the page", a.Page, "", "Expansion sandbox"},
		{"the script", a.Page + "static/app.js", "", "EventSource"},
		{"Slack", a.SlackAPI + "users.list", a.BotToken, "Priya Nair"},
		{"the CRM", a.HubSpot + "/crm/v3/objects/companies?limit=100", a.CRMToken, "brightwater.example"},
		{"the clock", a.Clock, "", `{"now":"2026-03-10T09:0`},
		{"the page's state", a.Page + "page/state", "", "Watch a usage signal route itself"},
	} {
		if code, body := get(c.url, c.token); code != 200 || !strings.Contains(body, c.want) {
			t.Errorf("%s: got %d %.200s, want %q in it", c.name, code, body, c.want)
		}
	}
	if code, _ := get(a.HubSpot+"/crm/v3/objects/companies", "wrong"); code != http.StatusUnauthorized {
		t.Errorf("the CRM took a wrong token: %d", code)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"page", "slack_api", "bot_token", "app_token", "salesforce", "hubspot", "crm_token", "smtp", "clock", "api", "api_token"} {
		if !bytes.Contains(b, []byte(`"`+key+`":`)) {
			t.Errorf("--json lacks %q", key)
		}
	}
}

func TestListensOnThisComputerOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:80", "example.com:80", "nonsense"} {
		if w, err := Start(t.Context(), Options{Listen: addr}); err == nil {
			_ = w.Close()
			t.Errorf("%s was accepted", addr)
		}
	}
}

func TestOtherSitesCannotReachIn(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Start: tuesday, NoFeed: true})
	for _, c := range []struct {
		name, host, origin, path string
	}{
		{"a name pointed at this computer", "evil.example", "", "/page/act"},
		{"another site's page", "", "https://evil.example", "/page/switch"},
		{"another local program's page", "", "http://127.0.0.1:1", "/page/clock"},
		{"another site's page at the clock", "", "https://evil.example", "/clock/advance"},
		{"a sandboxed frame", "", "null", "/page/crm"},
	} {
		req, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(w.Addresses().Page, "/")+c.path, strings.NewReader(`{"by":"1h","part":"crm","down":true}`))
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			req.Host = c.host
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", c.name, res.StatusCode)
		}
	}
	if w.CRM.Down() || w.Clock.Now().After(tuesday.Add(30*time.Minute)) {
		t.Error("a refused request had an effect")
	}
}

func TestStateOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	w := start(t, Options{Start: tuesday, DataDir: dir})
	p := &product{}
	w.SetAPI(serveProduct(t, p), "tok")
	if _, err := w.Slack.Say("U0PRIYA", w.Slack.BotDM("U0PRIYA"), "", "remember me"); err != nil {
		t.Fatal(err)
	}
	sendMail(t, w)
	if err := w.CRM.SetDealProperty(addDeal(t, w), "dealstage", "closedwon"); err != nil {
		t.Fatal(err)
	}
	if err := w.Clock.Advance(t.Context(), tuesday.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	was, fed := w.Addresses(), len(p.bodies())
	wait(t, "a file written before Close", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "slack.json"))
		return err == nil && bytes.Contains(b, []byte("remember me"))
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	again := start(t, Options{Start: tuesday.AddDate(1, 0, 0), DataDir: dir})
	again.SetAPI(serveProduct(t, p), "tok")
	if got := again.Addresses(); got.BotToken != was.BotToken || got.CRMToken != was.CRMToken {
		t.Error("the credentials changed")
	}
	if !again.Start().Equal(tuesday) {
		t.Errorf("the world started at %v, want %v", again.Start(), tuesday)
	}
	if now := again.Clock.Now(); now.Before(tuesday.Add(48*time.Hour)) || now.After(tuesday.Add(49*time.Hour)) {
		t.Errorf("the clock is at %v after the restart", now)
	}
	if m := again.Slack.Messages("U0PRIYA", again.Slack.BotDM("U0PRIYA")); len(m) != 1 || m[0].Text != "remember me" {
		t.Errorf("messages after the restart: %+v", m)
	}
	if len(again.Mail.Messages()) != 1 || again.CRM.Deals()[0].Properties["dealstage"] != "closedwon" {
		t.Error("mail or CRM forgot")
	}
	if err := again.Clock.Advance(t.Context(), again.Clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := len(p.bodies()); got != fed {
		t.Errorf("the feed delivered %d batches again", got-fed)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func addDeal(t *testing.T, w *World) string {
	t.Helper()
	id, err := w.CRM.AddDeal("9001", map[string]string{"dealname": "Brightwater Labs seats", "dealstage": "qualifiedtobuy"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestDamagedStateIsRefusedByName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "world.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Listen: "127.0.0.1:0", DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "world.json") {
		t.Errorf("got %v, want an error that names world.json", err)
	}
}
