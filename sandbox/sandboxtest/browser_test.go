package sandboxtest_test

import (
	"context"
	"errors"
	"fmt"
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
)

// visitor uses the sandbox page in a real browser, by clicks and keys only.
type visitor struct {
	t     *testing.T
	ctx   context.Context
	shots string // folder of screenshots

	mu         sync.Mutex
	complaints []string // what the browser's console said
}

// visit opens url in Chromium. Without one the test is skipped, and fails in CI.
func visit(t *testing.T, url string, width, height int64) *visitor {
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
	v := &visitor{t: t, shots: os.Getenv("SCREENSHOTS")}
	if v.shots == "" {
		v.shots = t.TempDir()
	}
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir())}
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		opts = append(opts, chromedp.Flag(name, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	v.ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	console := chromedp.Console(v.ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException() {
				v.mu.Lock()
				v.complaints = append(v.complaints, m.String()+" "+m.URL)
				v.mu.Unlock()
			}
		}
	}()
	v.do("open the page", chromedp.EmulateViewport(width, height), v.media("light"), chromedp.Navigate(url))
	v.until("the page is ready", `document.body.dataset.ready`)
	return v
}

// heard is what the browser complained about, "" for nothing.
func (v *visitor) heard() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.Join(v.complaints, "\n")
}

func (v *visitor) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.fail(what, err)
	}
}

func (v *visitor) fail(what string, err error) {
	v.t.Helper()
	v.look("failed")
	v.t.Fatalf("%s: %v %s (screenshots in %s)", what, err, v.heard(), v.shots)
}

// media sets the colour scheme; motion is always reduced, so that screenshots are still.
func (v *visitor) media(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	})
}

// until waits for a JavaScript condition. The page's policy forbids eval, so the asking
// is done from here.
func (v *visitor) until(what, condition string) {
	v.t.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for {
		ok, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err != nil {
			v.fail(what, err)
		}
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			v.fail(what, fmt.Errorf("never true: %s", condition))
		}
	}
}

// reads waits until the text of everything at sel holds part.
func (v *visitor) reads(sel, part string) {
	v.t.Helper()
	v.until(fmt.Sprintf("%s reads %q", sel, part), fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.textContent.replace(/[\u2068\u2069]/g, '').includes(%q))`, sel, part))
}

// clickWithin is how long one click may look for its target before it is aimed again.
const clickWithin = 5 * time.Second

// click waits for aim, which marks an element with data-aim, and clicks that. A card that
// is edited at this very moment is drawn anew and loses its mark: then it is aimed again.
func (v *visitor) click(what, aim string) {
	v.t.Helper()
	var err error
	for range 4 {
		v.until(what, aim)
		ctx, cancel := context.WithTimeout(v.ctx, clickWithin)
		err = chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`[data-aim]`)))
		cancel()
		if err == nil {
			return
		}
		if !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "Could not find node") {
			break
		}
	}
	v.fail(what, err)
}

// press clicks the last visible button within sel that has this label.
func (v *visitor) press(sel, label string) {
	v.t.Helper()
	v.click(fmt.Sprintf("%s has the button %q", sel, label), fmt.Sprintf(`(() => {
		document.querySelectorAll('[data-aim]').forEach(e => e.removeAttribute('data-aim'));
		const all = [...document.querySelectorAll(%q)].flatMap(e => [...e.querySelectorAll('button')]).filter(b => (b.textContent.trim() === %q || b.getAttribute('aria-label') === %q) && b.offsetParent && !b.disabled && !b.closest('[inert]'));
		const b = all.at(-1);
		if (!b) return false;
		b.scrollIntoView({ block: 'nearest' });
		b.dataset.aim = '1';
		return true;
	})()`, sel, label, label))
}

// say types a line into a pane's composer and sends it.
func (v *visitor) say(pane, line string) {
	v.t.Helper()
	v.do("type "+line, chromedp.Click(chromedp.CSS(pane+` .box`)), chromedp.KeyEvent(line), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("\r"))
}

// choose picks an option of the select with that label in a pane's modal.
func (v *visitor) choose(pane, label, option string) {
	v.t.Helper()
	v.click("the field "+label, fmt.Sprintf(`(() => {
		document.querySelectorAll('[data-aim]').forEach(e => e.removeAttribute('data-aim'));
		const f = [...document.querySelectorAll('%s .b-input')].find(e => e.querySelector('.in-label').textContent.startsWith(%q))?.querySelector('input');
		if (f) f.dataset.aim = '1';
		return f;
	})()`, pane, label))
	v.do("choose "+option, chromedp.KeyEvent(option))
	v.until("one option is left", `document.querySelectorAll('.pick-option').length === 1`)
	v.do("take it", chromedp.KeyEvent("\r"))
}

// become shows another person's Slack in a pane.
func (v *visitor) become(pane, name string) {
	v.t.Helper()
	v.do("open the list of people", chromedp.Click(chromedp.CSS(pane+` .who-pick`)))
	v.until("the list of people", `document.activeElement.closest('.menu')`)
	v.do("pick "+name, chromedp.KeyEvent(strings.Fields(name)[0]), chromedp.KeyEvent("\r"))
	v.reads(pane+` .who strong`, name)
}

// move presses a button of the clock and waits until all that came due is done.
func (v *visitor) move(by string) {
	v.t.Helper()
	v.do("move the clock", chromedp.Click(chromedp.CSS(`[data-by="`+by+`"]`)))
	v.until("the clock to arrive", `!document.querySelector('.clock').classList.contains('moving')`)
}

// ticked waits for a step of the guide strip to tick itself.
func (v *visitor) ticked(n int) {
	v.t.Helper()
	v.until(fmt.Sprintf("step %d is done", n), fmt.Sprintf(`document.querySelectorAll('.guide .step')[%d].classList.contains('done')`, n-1))
}

// look takes a screenshot.
func (v *visitor) look(name string) string {
	v.t.Helper()
	b, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	path := filepath.Join(v.shots, name+".png")
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		v.t.Logf("no screenshot %s: %v", name, err)
	}
	return path
}

// number evaluates an expression.
func (v *visitor) number(js string) float64 {
	v.t.Helper()
	n, err := chromedp.Run(v.ctx, chromedp.Evaluate[float64](js))
	if err != nil {
		v.fail(js, err)
	}
	return n
}

// maxPicture keeps the README quick to load, in bytes.
const maxPicture = 300 << 10

// picture takes a screenshot for the README. With UPDATE_SCREENSHOTS=1 it replaces the
// one in docs/img.
func (v *visitor) picture(name string) {
	v.t.Helper()
	b, err := os.ReadFile(v.look(name))
	if err != nil {
		v.t.Fatal(err)
	}
	if len(b) > maxPicture {
		v.t.Errorf("%s is %d bytes, want at most %d", name, len(b), maxPicture)
	}
	if os.Getenv("UPDATE_SCREENSHOTS") != "1" {
		return
	}
	dir := filepath.Join("..", "..", "docs", "img")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// at names what has the keyboard: its label or text, shortened.
func (v *visitor) at() string {
	v.t.Helper()
	s, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`(e => (e.getAttribute('aria-label') || e.textContent).trim().slice(0, 40))(document.activeElement)`))
	if err != nil {
		v.fail("find the keyboard", err)
	}
	return s
}
