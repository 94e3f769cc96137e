package sandboxtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"expansionbot/sandbox/sandboxtest"
)

// Storyboard 10: a newcomer follows the guide strip from the first message to the
// report, by clicking in the page, and every step ticks itself.
func TestNewcomerFollowsTheGuideInABrowser(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandboxtest.Options{Feed: true})
	v := visit(t, s.Addresses().Page, 1480, 860)
	v.look("00-start")

	// 1 Watch a usage signal route itself.
	v.reads("#left .card", "Brightwater Labs may need more seats")
	v.look("10-priya-card")
	v.do("go small", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	v.until("the phone's tabs", `getComputedStyle(document.querySelector('#phone')).display === 'grid'`)
	v.picture("sandbox-phone")
	v.do("go wide again", chromedp.EmulateViewport(1480, 860))
	v.press("#left", "Edit or override")
	v.reads("#left .modal", "Confirm routing")
	v.look("11-preview")
	v.press("#left .modal", "Why?")
	v.until("the trace is open", `document.querySelector('#left .modal h2')?.textContent !== 'Confirm routing' && !document.querySelector('#left .modal').textContent.includes('Loading')`)
	v.look("11-why")
	v.press("#left .modal", "Back")
	v.until("the preview is on top again", `document.querySelector('#left .modal h2')?.textContent === 'Confirm routing'`)
	v.press("#left .modal-foot", "Back")
	v.until("the modal is gone", `!document.querySelector('#left .modal')`)
	v.press("#left", "Route now")
	v.reads("#right .card", "Expansion for you: Brightwater Labs")
	v.ticked(1)
	v.look("12-marcus-card")
	v.press("#right", "Full brief")
	v.reads("#right .modal", "Handoff brief")
	v.look("13-brief")
	v.press("#right .modal-foot", "Close")
	v.press("#right", "Acknowledge")
	v.reads("#right .card", "Acknowledged")
	v.reads("#left .card", "Acknowledged")
	v.until("the word of success is gone", `!document.querySelector('.toast')`)
	v.picture("sandbox")

	// 2 Send Marcus away.
	v.say("#right", "/expansion ooo today cover @dana")
	v.reads("#right .msg", "Dana")
	v.ticked(2)
	v.look("20-away")
	v.move("4h")
	v.reads("#left .card", "Alder & Co")
	v.become("#right", "Dana Ortiz")
	v.reads("#right .card", "Alder & Co")
	v.look("21-dana")

	// 3 Let 48 h pass.
	v.move("48h")
	v.ticked(3)
	v.look("30-48h")
	v.become("#right", "Lena Hoff")
	v.reads("#right .card", "No answer on Alder & Co for 48 h")
	v.until("Lena has read it", `!document.querySelector('.dot')`)
	v.look("31-lena")
	v.do("go dark", v.media("dark"))
	v.until("the word of success is gone", `!document.querySelector('.toast')`)
	v.picture("sandbox-dark")
	v.do("go light", v.media("light"))

	// 4 Break the CRM.
	v.press(".break", "CRM")
	v.until("the CRM is off", `document.querySelector('[data-part=crm]').getAttribute('aria-pressed') === 'true'`)
	v.say("#left", "/expansion log Fernwood they asked for 20 more seats before the spring")
	v.reads("#left .modal", "Log expansion signal")
	v.look("40-log")
	v.choose("#left .modal", "Signal type", "Asked for it")
	v.press("#left .modal-foot", "Save and preview")
	v.reads("#left .modal", "Confirm routing")
	v.look("41-confirm")
	v.press("#left .modal-foot", "Route now")
	v.until("the modal is gone", `!document.querySelector('#left .modal')`)
	v.reads("#left .card", "Routed to")
	v.look("42-crm-down")
	v.press(".break", "CRM")
	v.until("the CRM is on", `document.querySelector('[data-part=crm]').getAttribute('aria-pressed') === 'false'`)
	v.move("1h")
	v.ticked(4)

	v.look("43-healed")

	// 5 Close it as won, see the report.
	v.press("#side .tabs", "CRM")
	v.reads("#side .rec", "Brightwater")
	v.look("50-crm")
	v.do("open its stages", chromedp.Click(chromedp.CSS(`#side .rec:last-of-type [data-key$=dealstage]`)))
	v.look("50-stages")
	v.press(".menu", "Closed Won")
	v.reads("#side .rec .tag", "won")
	v.move("1h")
	v.say("#right", "/expansion report")
	v.reads("#right .msg", "Signal to opportunity")
	v.ticked(5)
	v.look("51-report")
	v.press("#side .tabs", "Timeline")
	v.look("52-all-done")

	// What else there is to see.
	v.press("#side .tabs", "Mailbox")
	v.reads("#side .mail-row", "Brightwater")
	v.look("60-mails")
	v.do("open the oldest mail", chromedp.Click(chromedp.CSS(`#side li:last-child .mail-row`)))
	v.until("the mail is drawn", `document.querySelector('.mail-open iframe')?.dataset.loaded`)
	v.look("61-mail")
	v.press("#left .who", "Home")
	v.reads("#left .home", "Expansion")
	v.become("#right", "Marcus Bell")
	v.look("62-home")
	v.press("#left .who", "Messages")
	v.say("#left", "/expansion account Brightwater")
	v.reads("#left .only-you", "Brightwater")
	v.look("63-account")
	v.say("#left", "/expansion mine")
	v.say("#left", "/expansion list")
	v.say("#right", "/expansion")
	v.until("the menu", `document.querySelector('#right .only-you')`)
	v.until("the answers", `document.querySelectorAll('#left .only-you').length >= 3`)
	v.look("64-list-menu")
	v.say("#right", "/expansion lgo")
	v.until("an answer", `document.querySelectorAll('#right .only-you').length >= 2`)
	v.do("open a thread", chromedp.Click(chromedp.CSS(`#left .thread`)))
	v.reads("#left .thread-head", "Thread")
	v.look("65-thread")
	v.press("#left", "All messages")
	v.become("#right", "Ravi Menon")
	v.say("#right", "/expansion help")
	v.until("an answer", `document.querySelector('#right .only-you')`)
	v.look("66-ravi")
	v.press("#left .who", "Channels")
	v.look("67-channels")
	v.press("#left .who", "Messages")

	v.do("go dark", v.media("dark"))
	v.press("#side .tabs", "Timeline")
	v.look("70-dark")
	v.do("go small", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), v.media("light"))
	v.look("80-phone")
	if n := v.number(`document.documentElement.scrollWidth - 390`); n > 0 {
		wide, _ := chromedp.Run(v.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll('body, body *')].filter(e => e.getBoundingClientRect().right > 391 && e.offsetParent).map(e => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right)).slice(0, 8).join(', ')`))
		t.Errorf("the page is %v px wider than a phone: %s", n, wide)
	}
	v.press("#phone", "Behind the scenes")
	v.look("81-phone-side")
	if h := v.heard(); h != "" {
		t.Errorf("the browser complained: %s", h)
	}
}

// The page is used by keyboard alone, keeps still for who asked for it, and runs under a
// policy that lets no script in.
func TestPageByKeyboard(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandboxtest.Options{Feed: true})
	v := visit(t, s.Addresses().Page, 1480, 860)
	v.reads("#left .card", "Brightwater Labs may need more seats")

	// Tab goes down the page: clock, switches, guide, Priya's Slack from its head to its
	// composer, and what has the keyboard shows it.
	v.do("start at the top", chromedp.Focus(chromedp.CSS(`[data-by="1h"]`)))
	var order []string
	for {
		here := v.at()
		order = append(order, here)
		if here == "Send" || len(order) > 60 {
			break
		}
		if len(order) == 1 { // put there by the test: the browser shows what keys reached
			v.do("press Tab", chromedp.KeyEvent("\t"))
			continue
		}
		if n := v.number(`(e => e.matches(':focus-visible') && (getComputedStyle(e).outlineStyle !== 'none' || getComputedStyle(e.closest('.compose') || e).boxShadow !== 'none') ? 1 : 0)(document.activeElement)`); n != 1 {
			t.Errorf("%q has the keyboard and does not show it", here)
		}
		v.do("press Tab", chromedp.KeyEvent("\t"))
	}
	want := []string{"+1 h", "CRM", "Light or dark", "1Watch a usage signal route itself", "Priya Nair", "Messages", "Route now", "/expansion", "Message", "Send"}
	at := 0
	for _, got := range order {
		if at < len(want) && strings.HasPrefix(got, want[at]) {
			at++
		}
	}
	if at < len(want) {
		t.Errorf("Tab never comes to %q after %q; its way is %q", want[at], want[:at], order)
	}

	// Enter presses a button and sends a line; Escape closes a modal and gives the
	// keyboard back.
	v.do("go to the composer", chromedp.Focus(chromedp.CSS(`#left .box`)), chromedp.KeyEvent("/expansion log Brightwater"), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("\r"))
	v.reads("#left .modal", "What happened?")
	for range 40 { // more than the modal has fields
		v.do("press Tab", chromedp.KeyEvent("\t"))
		if n := v.number(`document.activeElement.closest('#left .modal') ? 1 : 0`); n != 1 {
			t.Fatalf("Tab left the modal for %q", v.at())
		}
	}
	v.do("press Escape", chromedp.KeyEvent(kb.Escape))
	v.until("the modal is gone", `!document.querySelector('#left .modal')`)
	v.until("the composer has the keyboard again", `document.activeElement === document.querySelector('#left .box')`)
	v.do("press Route now", chromedp.Focus(chromedp.CSS(`#left [data-action=sig_route]`)), chromedp.KeyEvent("\r"))
	v.reads("#right .card", "Expansion for you: Brightwater Labs")
	v.ticked(1)

	if n := v.number(`document.getAnimations().length`); n != 0 {
		t.Errorf("%v things move for a person who asked for stillness", n)
	}
	res, err := http.Get(s.Addresses().Page)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if p := res.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
		t.Errorf("the page's policy is %q, want nothing allowed but its own files", p)
	}
	if h := v.heard(); h != "" {
		t.Errorf("the browser complained: %s", h)
	}
}
