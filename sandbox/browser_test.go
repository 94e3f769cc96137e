package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// browser starts Chromium, or skips where there is none (and fails in CI).
func browser(t *testing.T) context.Context {
	t.Helper()
	path := "/usr/bin/chromium"
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("chromium"); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("no chromium here, and CI needs it")
			}
			t.Skip("no chromium here")
		}
	}
	opts := append([]chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU},
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// toyApp answers the sandbox as a bot would, with blocks written by hand.
type toyApp struct {
	api *slackgo.Client
	got chan string // what people did, as "kind id value"
}

func startApp(t *testing.T, w *World) *toyApp {
	t.Helper()
	a := w.Addresses()
	api := slackgo.New(a.BotToken, slackgo.OptionAppLevelToken(a.AppToken), slackgo.OptionAPIURL(a.SlackAPI))
	app := &toyApp{api: api, got: make(chan string, 100)}
	sm := socketmode.New(api)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = sm.RunContext(ctx) }()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-sm.Events:
				app.event(t, sm, e)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	wait(t, "the toy app to connect", func() bool { return w.Slack.Connected() > 0 })
	return app
}

func (a *toyApp) event(t *testing.T, sm *socketmode.Client, e socketmode.Event) {
	if e.Request == nil || e.Request.EnvelopeID == "" { // hello and the like
		return
	}
	ack := func(payload ...any) {
		if len(payload) == 0 {
			_ = sm.Ack(*e.Request)
			return
		}
		_ = sm.Ack(*e.Request, payload[0])
	}
	switch v := e.Data.(type) {
	case slackgo.SlashCommand:
		ack()
		a.got <- "command " + v.Text
		var view slackgo.ModalViewRequest
		if err := json.Unmarshal(read(t, "modal.json"), &view); err != nil {
			t.Error(err)
		}
		if _, err := a.api.OpenView(v.TriggerID, view); err != nil {
			t.Errorf("open view: %v", err)
		}
	case slackgo.InteractionCallback:
		switch v.Type {
		case slackgo.InteractionTypeBlockSuggestion:
			a.got <- "suggest " + v.Value
			ack(map[string]any{"options": []any{option("Brightwater Labs", "brightwater", "West · $48,000"), option("Bright Side Media", "brightside", "East · $9,000")}})
		case slackgo.InteractionTypeViewSubmission:
			words, _ := v.View.State.Values["what"]["text"], 0
			account := v.View.State.Values["account"]["pick"].SelectedOption.Value
			a.got <- "submit " + account + " " + words.Value
			if account == "brightside" {
				ack(map[string]any{"response_action": "errors", "errors": map[string]string{"account": "That account is closed. Pick another."}})
				return
			}
			ack()
		case slackgo.InteractionTypeBlockActions:
			ack()
			for _, b := range v.ActionCallback.BlockActions {
				a.got <- "press " + b.ActionID + " " + b.Value + b.SelectedOption.Value
			}
		default:
			ack()
		}
	case slackevents.EventsAPIEvent:
		ack()
		if home, ok := v.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent); ok {
			var view slackgo.HomeTabViewRequest
			if err := json.Unmarshal(read(t, "home.json"), &view); err != nil {
				t.Error(err)
			}
			if _, err := a.api.PublishView(home.User, view, ""); err != nil {
				t.Errorf("publish Home: %v", err)
			}
		}
	default:
		ack()
	}
}

func option(text, value, description string) map[string]any {
	plain := func(s string) map[string]any { return map[string]any{"type": "plain_text", "text": s} }
	return map[string]any{"text": plain(text), "value": value, "description": plain(description)}
}

// expect waits for one thing a person did and fails if it is another.
func (a *toyApp) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-a.got:
		if got != want {
			t.Fatalf("the app heard %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("the app never heard %q", want)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// post sends the blocks of a file through the Web API, as the product would.
func post(t *testing.T, w *World, user, name, thread string) (ts string) {
	t.Helper()
	a := w.Addresses()
	form := url.Values{"token": {a.BotToken}, "channel": {w.Slack.BotDM(user)}, "text": {"fallback of " + name}, "blocks": {string(read(t, name))}, "thread_ts": {thread}}
	res, err := http.PostForm(a.SlackAPI+"chat.postMessage", form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out struct {
		OK     bool     `json:"ok"`
		TS     string   `json:"ts"`
		Error  string   `json:"error"`
		Errors []string `json:"errors"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || !out.OK {
		t.Fatalf("post %s: %v %s %v", name, err, out.Error, out.Errors)
	}
	return out.TS
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// until waits for a JavaScript condition. The page's policy forbids eval, so the
// asking is done from here.
func until(condition string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		limit := time.After(10 * time.Second)
		for {
			ok, err := chromedp.Evaluate[bool]("!!("+condition+")")(ctx, tab)
			if err != nil || ok {
				return err
			}
			select {
			case <-tick.C:
			case <-limit:
				return fmt.Errorf("never true: %s", condition)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

func script(js string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool]("("+js+", true)")(ctx, tab)
		return err
	})
}

func TestPageShowsWhatTheBotSentAndCarriesWhatPeopleDo(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	w := start(t, Options{Start: tuesday, NoFeed: true})
	activities(t, w)
	app := startApp(t, w)
	const priya, marcus = "U0PRIYA", "U0MARCUS"
	w.Slack.SetLimits(false)
	card := post(t, w, priya, "signal.json", "")
	post(t, w, priya, "hint.json", card)
	post(t, w, priya, "hint.json", "")
	post(t, w, marcus, "handoff.json", "")
	sendMail(t, w)
	if _, err := w.CRM.AddDeal("9001", map[string]string{"dealname": "Brightwater Labs seats", "dealstage": "qualifiedtobuy", "amount": "19200", "hubspot_owner_id": "502", "closedate": "2026-04-30"}); err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var complaints []string
	heard := func() string { mu.Lock(); defer mu.Unlock(); return strings.Join(complaints, "\n") }
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException() {
				mu.Lock()
				complaints = append(complaints, m.String()+" "+m.URL)
				mu.Unlock()
			}
		}
	}()
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			if b, e := chromedp.Run(ctx, chromedp.CaptureScreenshot()); e == nil {
				_ = os.WriteFile(filepath.Join(t.ArtifactDir(), "failed.png"), b, 0o600)
			}
			t.Fatalf("%s: %v (%s)", what, err, heard())
		}
	}
	look := func(name string) {
		t.Helper()
		b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := func(sel string) string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS(sel)))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	number := func(js string) float64 {
		t.Helper()
		n, err := chromedp.Run(ctx, chromedp.Evaluate[float64](js))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}

	media := func(scheme string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
			return err
		})
	}
	do("open the page", chromedp.EmulateViewport(1480, 860), media("light"), chromedp.Navigate(w.Addresses().Page),
		until(`document.querySelectorAll('#left .card').length === 2 && document.querySelectorAll('#right .card').length === 1`), until(`document.querySelectorAll('#left .dot').length === 0`))
	look("light")
	for _, want := range []string{"Brightwater Labs may need more seats", "●●●", "Route now", "Priya Nair", "1 reply"} {
		if got := text("#left"); !strings.Contains(got, want) {
			t.Errorf("Priya's pane lacks %q", want)
		}
	}
	if live := number(`document.querySelectorAll('.mention.live').length`); live != 0 {
		t.Errorf("%v live mentions are shown, want none", live)
	}

	// A button reaches the app; an overflow menu works from the keyboard.
	do("press Acknowledge", chromedp.Click(chromedp.CSS(`#right [data-action=ho_ack]`)))
	app.expect(t, "press ho_ack R-311:1")
	do("open the overflow menu", chromedp.Focus(chromedp.CSS(`#right [data-action=ho_more]`)), chromedp.KeyEvent("\r"), until(`document.activeElement.closest('.menu')`), chromedp.KeyEvent("\r"))
	app.expect(t, "press ho_more why")

	// A command opens a modal; the field error the app answers stands at its field.
	do("type a command", chromedp.Focus(chromedp.CSS(`#left .box`)), chromedp.KeyEvent("/expansion lo"), until(`!document.querySelector('#left .hints').hidden`))
	look("completion")
	do("send it", chromedp.KeyEvent("g Brightwater\r"), until(`document.querySelector('#left .modal')`))
	app.expect(t, "command log Brightwater")
	look("modal")
	do("pick an account", chromedp.Click(chromedp.CSS(`#left [data-block=account] input`)), chromedp.KeyEvent("Bri"), until(`document.querySelectorAll('.pick-option').length === 2`))
	app.expect(t, "suggest Bri")
	look("suggestions")
	do("choose the wrong one", chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent("\r"), until(`document.querySelector('#left [data-block=account] input').value === 'Bright Side Media'`),
		chromedp.Click(chromedp.CSS(`#left [data-block=what] textarea`)), chromedp.KeyEvent("They asked about 30 more seats."), chromedp.Click(chromedp.CSS(`#left .modal-foot .pri`)), until(`document.querySelector('#left [data-block=account] .in-err').textContent !== ''`))
	app.expect(t, "submit brightside They asked about 30 more seats.")
	if got := text(`#left [data-block=account] .in-err`); got != "That account is closed. Pick another." {
		t.Errorf("the field error reads %q", got)
	}
	look("errors")
	do("pick the right one", chromedp.Click(chromedp.CSS(`#left [data-block=account] input`)), until(`document.activeElement.selectionEnd === 17 && document.activeElement.selectionStart === 0`), chromedp.KeyEvent("Bri"), until(`document.querySelectorAll('.pick-option').length === 2`), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent("\r"), until(`document.querySelector('#left [data-block=account] input').value === 'Brightwater Labs'`))
	app.expect(t, "suggest Bri")
	do("submit", chromedp.Click(chromedp.CSS(`#left .modal-foot .pri`)), until(`!document.querySelector('#left .modal')`))
	app.expect(t, "submit brightwater They asked about 30 more seats.")

	// Threads, then a message with every block there is, and an injected mention.
	do("open a thread", chromedp.Click(chromedp.CSS(`#left .thread`)), until(`document.querySelector('#left .thread-head')`))
	look("thread")
	do("close it", chromedp.KeyEvent("\u001b"), until(`!document.querySelector('#left .thread-head')`))
	post(t, w, priya, "everything.json", "")
	do("see every block", until(`document.querySelector('#left .b-carousel')`), until(`document.querySelector('#left .mention.live')`))
	look("everything")
	if unknown := number(`document.querySelectorAll('#left .unknown').length`); unknown != 0 {
		t.Errorf("%v parts of everything.json are drawn as unknown", unknown)
	}

	// Hostile text stays text.
	if _, _, err := app.api.PostMessage(w.Slack.BotDM(priya), slackgo.MsgOptionText("a *b <javascript:alert(1)|bad> c* &lt;img src=x onerror=alert(1)&gt; <https://127.0.0.1/ok|fine> \"><script>alert(1)</script>", false)); err != nil {
		t.Fatal(err)
	}
	do("see it", until(`[...document.querySelectorAll('#left .msg')].at(-1).textContent.includes('<img src=x onerror=alert(1)>')`))
	if n := number(`[...document.querySelectorAll('#left .msg')].at(-1).querySelectorAll('script,img,a:not([href^="https:"])').length`); n != 0 {
		t.Errorf("hostile text became %v elements", n)
	}
	if n := number(`[...document.querySelectorAll('#left .msg')].at(-1).querySelectorAll('a').length`); n != 1 {
		t.Errorf("got %v links in the hostile message, want the harmless one", n)
	}

	// Home, channels, another person.
	do("open Home", chromedp.Click(chromedp.CSS(`#right nav button:nth-child(1)`)), until(`document.querySelector('#right .home .b-header')`))
	look("home")
	do("press in Home", chromedp.Click(chromedp.CSS(`#right [data-action=menu_log]`)))
	app.expect(t, "press menu_log home")
	do("open the channels", chromedp.Click(chromedp.CSS(`#right nav button:nth-child(3)`)), until(`document.querySelectorAll('#right .chan').length === 3`))
	do("see who there is", chromedp.Click(chromedp.CSS(`#right .who-pick`)), until(`document.querySelectorAll('.menu-item').length === 11`))
	look("people")
	do("become Lena", chromedp.KeyEvent("Le\r"), until(`document.querySelector('#right .who strong').textContent === 'Lena Hoff'`))
	do("become Marcus again", chromedp.Click(chromedp.CSS(`#right .who-pick`)), until(`document.querySelector('.menu')`), chromedp.KeyEvent("Ma\r"), until(`document.querySelector('#right .who strong').textContent === 'Marcus Bell'`), chromedp.Click(chromedp.CSS(`#right nav button:nth-child(2)`)), until(`document.querySelector('#right .card')`))

	// Behind the scenes.
	do("see the timeline", until(`document.querySelectorAll('.tl-group').length >= 1`), until(`document.querySelectorAll('.step.done').length === 1`))
	do("see the CRM", chromedp.Click(chromedp.CSS(`#tab-crm`)), until(`document.querySelector('.rec')`))
	look("crm")
	do("win the deal by hand", chromedp.Click(chromedp.CSS(`.rec [data-key$=dealstage]`)), until(`document.activeElement.closest('.menu')`), chromedp.KeyEvent("Closed\r"), until(`document.querySelector('.rec .tag.good')`))
	if got := w.CRM.Deals()[0].Properties["dealstage"]; got != "closedwon" {
		t.Errorf("the CRM holds the stage %q, want closedwon", got)
	}
	do("read a mail", chromedp.Click(chromedp.CSS(`#tab-mail`)), until(`document.querySelector('.mail-row')`), chromedp.Click(chromedp.CSS(`.mail-row`)), until(`document.querySelector('.mail-open iframe')?.dataset.loaded`))
	look("mail")

	// The clock and the switches.
	before := w.Clock.Now()
	do("move the clock", chromedp.Click(chromedp.CSS(`[data-by="1h"]`)), until(`document.querySelector('#clock').textContent.includes('10:0')`))
	if d := w.Clock.Now().Sub(before); d < time.Hour {
		t.Errorf("the clock moved %v, want an hour", d)
	}
	do("break the CRM", chromedp.Click(chromedp.CSS(`[data-part=crm]`)), until(`document.querySelector('[data-part=crm]').getAttribute('aria-pressed') === 'true'`))
	if !w.CRM.Down() {
		t.Error("the switch did not take the CRM down")
	}
	do("mend it", chromedp.Click(chromedp.CSS(`[data-part=crm]`)), until(`document.querySelector('[data-part=crm]').getAttribute('aria-pressed') === 'false'`))

	do("go dark", media("dark"), chromedp.Click(chromedp.CSS(`#tab-timeline`)), script(`document.querySelector('#left .feed').scrollTop = 0`), until(`document.querySelector('.tl-group')`))
	look("dark")
	do("go small", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), until(`getComputedStyle(document.querySelector('#phone')).display === 'grid'`), chromedp.Click(chromedp.CSS(`[data-go=right]`)), until(`document.querySelector('#right .card').offsetParent`))
	look("phone")
	if number(`document.documentElement.scrollWidth - innerWidth`) > 0 {
		t.Error("the page is wider than a phone")
	}
	if v := w.Slack.Violations(); len(v) != 1 || !strings.Contains(v[0], "live broadcast mention") {
		t.Errorf("rules broken: %v, want only the mention in everything.json", v)
	}
	if h := heard(); h != "" {
		t.Errorf("the browser complained: %s", h)
	}
	if t.Failed() {
		fmt.Println("screenshots:", t.ArtifactDir())
	}
}
