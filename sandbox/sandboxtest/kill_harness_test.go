package sandboxtest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/sandbox"
	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
	"expansionbot/store/storetest"
)

// resumeWithin is the promise: what a killed process left is done this long after the
// restart, in real time.
const resumeWithin = 60 * time.Second

// binary builds the product once, with or without the pause points.
func binary(t *testing.T, tags string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "expansionbot")
	cmd := exec.Command("go", "build", "-tags", tags, "-o", out, "expansionbot")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build -tags %q: %v\n%s", tags, err, b)
	}
	return out
}

// quickPolicy is the shipped policy without a review window.
func quickPolicy(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Replace(b, []byte("review_window: 10m"), []byte("review_window: 0"), 1)
	if bytes.Equal(out, b) {
		t.Fatal("policy.yaml has no line review_window: 10m to change")
	}
	return out
}

// victim is a world in this process and a `serve` beside it that is killed and started
// again.
type victim struct {
	t     *testing.T
	w     *sandbox.World
	bin   string
	dir   string
	dsn   string
	token string
	db    *storetest.Audit

	proc  *process
	cases []*signalCase

	mu      sync.Mutex
	presses []keptPress // whose ack Slack heard
}

// signalCase is one signal of a victim and what must come of it.
type signalCase struct {
	n       int
	account world.Account
	typ     string
	about   string // what would be bought
	id      string // of the signal; "" until the product answered
	label   string // S-1042
	routing string // "" until it was asked for and there
	acked   bool   // somebody pressed Acknowledge and Slack heard the ack
}

// keptPress is a press whose ack Slack heard.
type keptPress struct {
	user, routing string
	verb          string // of its log line
}

// process is one life of `serve`.
type process struct {
	cmd    *exec.Cmd
	url    string
	began  time.Time
	paused chan struct{} // closed when it stands at its pause point
	exited chan struct{}

	mu  sync.Mutex
	log []string // its last lines
}

func newVictim(t *testing.T, bin, dsn string) *victim {
	t.Helper()
	w, err := sandbox.Start(context.Background(), sandbox.Options{Listen: "127.0.0.1:0", NoFeed: true})
	if err != nil {
		t.Fatal(err)
	}
	w.Slack.SetLimits(false)
	v := &victim{t: t, w: w, bin: bin, dir: t.TempDir(), dsn: dsn, token: "exp_kill"}
	t.Cleanup(func() {
		v.kill()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	x, sum := w.Addresses(), sha256.Sum256([]byte(v.token))
	cfg := fmt.Sprintf(`slack: {bot_token: %q, app_token: %q, api_url: %q}
store: {dsn: %q}
admins: [%s]
crm: {kind: hubspot, hubspot: {api_url: %q, token: %q}}
email: {smtp_url: %q, from: "Expansion <expansion@acme.example>"}
api:
  listen: "127.0.0.1:0"
  tokens: [{name: kill, sha256: %s, scopes: [signals:write, signals:read, route:write, ingest:write, activities:read, metrics:read]}]
policy: {file: %q}
log: {level: debug}
`, x.BotToken, x.AppToken, x.SlackAPI, dsn, strings.Join(world.Admins(), ", "), x.HubSpot, x.CRMToken, x.SMTP, hex.EncodeToString(sum[:]), v.write("policy.yaml", quickPolicy(t)))
	v.write("config.yaml", []byte(cfg))
	tables := filepath.Join(v.dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range world.Files(w.Start()) {
		v.write(filepath.Join("tables", name), b)
	}
	cmd := exec.Command(bin, "import", "--config", filepath.Join(v.dir, "config.yaml"), tables)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, b)
	}
	v.db = storetest.OpenAudit(t, dsn)
	return v
}

func (v *victim) write(name string, b []byte) string {
	v.t.Helper()
	file := filepath.Join(v.dir, name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return file
}

// start starts `serve`, to stop at pause ("" = nowhere), and waits until Slack reaches it.
func (v *victim) start(pause string) {
	v.t.Helper()
	p := &process{began: time.Now(), paused: make(chan struct{}), exited: make(chan struct{})}
	p.cmd = exec.Command(v.bin, "serve", "--config", filepath.Join(v.dir, "config.yaml"), "--clock", v.w.Addresses().Clock, "--live")
	p.cmd.Env = append(os.Environ(), "EXPANSION_PAUSE="+pause)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	errOut, err := p.cmd.StderrPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.proc = p
	var readers sync.WaitGroup
	readers.Go(func() { p.read(errOut) })
	serving := make(chan string, 1)
	readers.Go(func() {
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			if url, ok := strings.CutPrefix(sc.Text(), "Serving on "); ok {
				serving <- url
			}
		}
	})
	go func() {
		readers.Wait()
		_ = p.cmd.Wait() // killed is how it ends
		close(p.exited)
	}()
	select {
	case p.url = <-serving:
	case <-p.paused: // work left by the killed one brought it there at once
	case <-p.exited:
		v.t.Fatalf("serve ended by itself:\n%s", p.tail())
	case <-time.After(resumeWithin):
		v.t.Fatalf("serve does not serve:\n%s", p.tail())
	}
	if p.url != "" {
		v.until("Slack reaches the bot", func() bool { return v.w.Slack.Connected() > 0 || p.isPaused() })
	}
}

func (p *process) read(r io.Reader) {
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		p.mu.Lock()
		p.log = append(p.log, sc.Text())
		if len(p.log) > 40 {
			p.log = p.log[1:]
		}
		p.mu.Unlock()
		if strings.HasPrefix(sc.Text(), "paused at ") {
			close(p.paused)
		}
	}
}

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

func (p *process) isPaused() bool {
	select {
	case <-p.paused:
		return true
	default:
		return false
	}
}

// kill ends the process as a power cut does, and waits until Slack noticed.
func (v *victim) kill() {
	p := v.proc
	if p == nil {
		return
	}
	v.proc = nil
	_ = p.cmd.Process.Kill() // SIGKILL; it may be gone already
	<-p.exited
	v.until("Slack noticed that the bot is gone", func() bool { return v.w.Slack.Connected() == 0 })
}

// atPause waits until the process stands at its pause point.
func (v *victim) atPause() {
	v.t.Helper()
	select {
	case <-v.proc.paused:
	case <-v.proc.exited:
		v.t.Fatalf("serve ended by itself:\n%s", v.proc.tail())
	case <-time.After(30 * time.Second):
		v.t.Fatalf("the pause point was not reached:\n%s", v.proc.tail())
	}
}

// until waits for ok, at most resumeWithin.
func (v *victim) until(what string, ok func() bool) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), resumeWithin)
	defer cancel()
	look := time.NewTicker(25 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-ctx.Done():
			tail := ""
			if v.proc != nil {
				tail = v.proc.tail()
			}
			lines, err := v.logLines()
			v.t.Fatalf("waited %s in vain: %s\nlog: %v %v\n%s", resumeWithin, what, lines, err, tail)
		}
	}
}

// call asks the product's HTTP side. An error is a killed or paused process.
func (v *victim) call(ctx context.Context, method, path string, in, out any) error {
	p := v.proc
	if p == nil || p.url == "" {
		return fmt.Errorf("no process")
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+v.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	return json.Unmarshal(b, out)
}

// next makes a case nobody used before: another account, or another type on it.
func (v *victim) next() *signalCase {
	n := len(v.cases)
	accounts := world.Accounts()
	round := n / len(accounts) // of another type and about another purchase, or it would be added to the one before
	c := &signalCase{n: n, account: accounts[n%len(accounts)], typ: string(expansion.SignalTypes[round%len(expansion.SignalTypes)]), about: string(expansion.ExpansionTypes[round%len(expansion.ExpansionTypes)])}
	v.cases = append(v.cases, c)
	return c
}

// post logs the case as its account's CSM. Posting again is the same signal.
func (v *victim) post(c *signalCase) error {
	var got struct {
		ID    string `json:"id"`
		Label string `json:"label"`
	}
	err := v.call(context.Background(), http.MethodPost, "/api/expansion/signal", map[string]any{
		"customerId": c.account.ID, "signalType": c.typ, "expansionType": c.about, "signalStrength": "strong", "source": "manual", "sourceReference": fmt.Sprintf("case-%d", c.n),
		"what": fmt.Sprintf("They asked for more of it, case %d.", c.n), "by": c.account.CSM + "@" + world.Domain,
	}, &got)
	if err == nil {
		c.id, c.label = got.ID, got.Label
	}
	return err
}

// posted posts until the product has answered.
func (v *victim) posted(c *signalCase) {
	v.t.Helper()
	var err error
	v.until("the signal is taken", func() bool { err = v.post(c); return err == nil })
}

// verbs counts the log lines about a case's signal.
func (v *victim) verbs(c *signalCase) map[string]int {
	all, _ := v.logLines()
	return all[c.label]
}

type logLine struct {
	Verb   string `json:"verb"`
	Signal string `json:"signal"` // label
}

// logLines reads the shared log through the API: lines by signal and verb.
func (v *victim) logLines() (map[string]map[string]int, error) {
	out := map[string]map[string]int{}
	after := int64(0)
	for {
		var page struct {
			Items []logLine `json:"items"`
			Next  int64     `json:"next"`
		}
		if err := v.call(context.Background(), http.MethodGet, fmt.Sprintf("/api/activities?limit=500&after=%d", after), nil, &page); err != nil {
			return nil, err
		}
		for _, l := range page.Items {
			if out[l.Signal] == nil {
				out[l.Signal] = map[string]int{}
			}
			out[l.Signal][l.Verb]++
		}
		if len(page.Items) < 500 {
			return out, nil
		}
		after = page.Next
	}
}

// handedOff waits until the case's package went out on all three ways.
func (v *victim) handedOff(c *signalCase) {
	v.t.Helper()
	var got map[string]int
	v.until(fmt.Sprintf("case %d (%s, %s) is handed off by Slack, mail and CRM", c.n, c.account.Name, c.label), func() bool {
		got = v.verbs(c)
		whole := !slices.ContainsFunc(v.w.CRM.Deals(), func(d crm.Deal) bool { return len(d.Companies) != 1 || len(d.Notes) != 1 })
		return got["routed"] == 1 && got["delivered"] >= 2 && got["opportunity_created"] == 1 && whole
	})
}

// routing is the id of the routing a case's signal has; "" while it has none.
func (v *victim) routing(c *signalCase) string {
	if c.routing == "" && c.id != "" {
		c.routing = v.db.RoutingOf(c.id)
	}
	return c.routing
}

// card finds the hand-off card of the case's routing: who has it, and the message.
func (v *victim) card(c *signalCase) (user string, m slack.Message, ok bool) {
	id := v.routing(c)
	if id == "" {
		return "", m, false
	}
	for _, p := range world.Cast() {
		for _, x := range v.w.Slack.Messages(p.SlackID, v.w.Slack.BotDM(p.SlackID)) {
			if x.BotID != "" && !x.Deleted && strings.Contains(html.UnescapeString(x.Text), "Expansion for you: "+c.account.Name) && bytes.Contains(x.Blocks, []byte(id+":")) {
				user, m, ok = p.SlackID, x, true
			}
		}
	}
	return user, m, ok
}

// cardButtons are the presses of a card by their label, with what they log.
var cardButtons = map[string]string{"Acknowledge": "acknowledged", "Remind me in 2 h": "remind_asked", "Start working": "started"}

// errNoButton says that the card does not offer what was to be pressed.
var errNoButton = errors.New("no such button on the card")

// cardButton is one thing to press on a card.
type cardButton struct {
	block, action string
	value         any // of an entry of a menu, nil for a button
}

// buttons reads what a card offers, by label.
func buttons(t testing.TB, m slack.Message) map[string]cardButton {
	type words struct {
		Text string `json:"text"`
	}
	var blocks []struct {
		BlockID  string `json:"block_id"`
		Elements []struct {
			ActionID string          `json:"action_id"`
			Text     json.RawMessage `json:"text"` // an object on a button, a string in a context
			Options  []struct {
				Text  words  `json:"text"`
				Value string `json:"value"`
			} `json:"options"`
		} `json:"elements"`
	}
	must(t, json.Unmarshal(m.Blocks, &blocks))
	out := map[string]cardButton{}
	for _, b := range blocks {
		for _, e := range b.Elements {
			var label words
			if e.ActionID != "" && json.Unmarshal(e.Text, &label) == nil {
				out[label.Text] = cardButton{b.BlockID, e.ActionID, nil}
			}
			for _, o := range e.Options {
				out[o.Text.Text] = cardButton{b.BlockID, e.ActionID, o.Value}
			}
		}
	}
	return out
}

// press presses what the case's card offers under label.
func (v *victim) press(ctx context.Context, c *signalCase, label string) (slack.Outcome, error) {
	user, m, ok := v.card(c)
	if !ok {
		return slack.Outcome{}, fmt.Errorf("no card for %s", c.account.Name)
	}
	b, ok := buttons(v.t, m)[label]
	if !ok {
		return slack.Outcome{}, fmt.Errorf("%w: %q for %s", errNoButton, label, c.account.Name)
	}
	out, err := v.w.Slack.Press(ctx, user, slack.Target{Channel: v.w.Slack.BotDM(user), TS: m.TS}, b.block, b.action, b.value)
	if err == nil && out.Text == "" {
		v.mu.Lock()
		v.presses = append(v.presses, keptPress{user, c.routing, cardButtons[label]})
		v.mu.Unlock()
	}
	return out, err
}
