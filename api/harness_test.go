package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/store"
)

const (
	peopleCSV = `email,name,role,territory,manager_email,time_zone,active
priya@acme.example,Priya Nair,csm,,,America/New_York,true
dan@acme.example,Dan Field,csm,,,,true
marcus@acme.example,Marcus Lee,ae,West,lena@acme.example,America/New_York,true
sofia@acme.example,Sofia Ruiz,ae,East,lena@acme.example,,true
lena@acme.example,Lena Brandt,manager,,,,true
ravi@acme.example,Ravi Shah,revops,,,,true
gone@acme.example,Gone Person,csm,,,,false
`
	accountsCSV = `account_id,name,domain,territory,arr_cents,currency,seats_licensed,csm_email,ae_email,restricted
brightwater,Brightwater Labs,brightwater.example,West,4800000,USD,100,priya@acme.example,marcus@acme.example,false
plainview,Plainview,plainview.example,East,,,,,sofia@acme.example,false
secret,Secret & Sons,secret.example,East,100000,EUR,10,priya@acme.example,sofia@acme.example,true
`
	allToken = "exp_all"
	ravi     = "ravi@acme.example"
	priya    = "priya@acme.example"
	marcus   = "marcus@acme.example"
)

// world is the API over a real store and engine, with neither CRM nor channels.
type world struct {
	t      testing.TB
	engine *engine.Engine
	api    http.Handler
	now    atomic.Int64
	doc    *document
}

func start(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, doc: readDocument(t)}
	w.now.Store(time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC).UnixMicro())
	clock := expansion.ClockFunc(func() time.Time { return time.UnixMicro(w.now.Load()).UTC() })
	ctx := t.Context()
	st, err := store.Open(ctx, "file:"+filepath.Join(t.TempDir(), "test.db"), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	policy, err := os.ReadFile("../policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w.engine, err = engine.New(ctx, engine.Config{Store: st, Clock: clock, Policy: policy, Admins: []string{ravi}, Live: true, LinkKey: strings.Repeat("k", 32), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) engine.ImportFile {
		f := engine.ImportFile{Name: name + ".csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
		switch name {
		case "people":
			f.Kind = "people"
		case "accounts":
			f.Kind = "accounts"
		}
		return f
	}
	res, err := w.engine.Import(ctx, []engine.ImportFile{file("people", peopleCSV), file("accounts", accountsCSV)}, true)
	if err != nil || res.Bad() > 0 {
		t.Fatalf("import: %v %v", err, res.Errors)
	}
	cfg := Config{Engine: w.engine, Clock: clock, Log: log, Tokens: []Token{token("all", allToken, Scopes...), token("reader", "exp_read", "signals:read"), token("wide", "exp_wide", "ingest", "signals:*")}}
	for _, c := range change {
		c(&cfg)
	}
	w.api = New(cfg)
	return w
}

func token(name, secret string, scopes ...string) Token {
	sum := sha256.Sum256([]byte(secret))
	return Token{Name: name, SHA256: hex.EncodeToString(sum[:]), Scopes: scopes}
}

func (w *world) advance(d time.Duration) { w.now.Add(d.Microseconds()) }

// answer is a response with its JSON decoded.
type answer struct {
	*httptest.ResponseRecorder
	json map[string]any
}

// do sends a request with the all-scopes token, holds the answer against openapi.yaml and
// returns it. headers are "Name: value"; an empty value removes the header.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+allToken)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	w.api.ServeHTTP(a.ResponseRecorder, r)
	if a.Header().Get("X-Request-Id") == "" {
		w.t.Errorf("%s %s: no X-Request-Id", r.Method, r.URL.Path)
	}
	if strings.Contains(a.Header().Get("Content-Type"), "json") {
		d := json.NewDecoder(bytes.NewReader(a.Body.Bytes()))
		if err := d.Decode(&a.json); err != nil {
			w.t.Fatalf("%s %s: %v in %s", r.Method, r.URL.Path, err, a.Body)
		}
	}
	w.doc.check(w.t, r, a)
	return a
}

// must is do with the status it should have.
func (w *world) must(status int, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.do(method, path, body, headers...)
	if a.Code != status {
		w.t.Fatalf("%s %s: got %d %s, want %d", method, path, a.Code, a.Body, status)
	}
	return a
}

// text returns a field of an answer, by its path with dots.
func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a answer) at(path string) any {
	var v any = a.json
	for key := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

const seatsSignal = `{"customerId":"brightwater","signalType":"explicit_request","signalStrength":"strong","source":"manual","sourceReference":"call-42",
	"details":{"seats":30},"what":"They asked for another thirty licences before the March rollout","quote":"another thirty licences"}`

// routed posts a signal as Priya and routes it; the policy gives it to Marcus.
func (w *world) routed() (signal, routing answer) {
	w.t.Helper()
	signal = w.must(201, "POST", "/api/expansion/signal", seatsSignal, "X-Expansion-Actor: "+priya)
	routing = w.must(201, "POST", "/api/expansion/"+signal.text("id")+"/route", "", "X-Expansion-Actor: "+priya)
	return signal, routing
}

func (w *world) person(email string) expansion.Person {
	w.t.Helper()
	p, err := w.engine.Store().PersonByEmail(context.Background(), email)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}
