package api

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
)

// link is the path behind the Acknowledge link of routing number n for its recipient.
func (w *world) link(n int64) string {
	w.t.Helper()
	rt, err := w.engine.Store().RoutingByNumber(context.Background(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return "/ack/" + w.engine.AckToken(rt.ID, rt.To)
}

func (w *world) status(n int64) expansion.RoutingStatus {
	w.t.Helper()
	rt, err := w.engine.Store().RoutingByNumber(context.Background(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return rt.Status
}

var anyTag = regexp.MustCompile(`(?i)<(script|img|link|iframe|object)|\son[a-z]+=|style="`)

func TestAcknowledgeLinkNeedsAPress(t *testing.T) { // storyboard 9
	t.Parallel()
	w := start(t)
	w.routed()
	link := w.link(301)
	for _, method := range []string{"GET", "HEAD", "GET"} {
		r := w.do(method, link, "", "Authorization: ")
		if r.Code != 200 {
			t.Fatalf("%s: %d %s", method, r.Code, r.Body)
		}
	}
	if st := w.status(301); st != expansion.Pending {
		t.Fatalf("opening the link made it %s; only the button may", st)
	}
	page := w.do("GET", link, "", "Authorization: ")
	html := page.Body.String()
	for _, want := range []string{"Expansion for you: Brightwater Labs, seats", `<form method="post">`, "Acknowledge</button>", "Marcus Lee", "R-301", "&#43;$14,400 a year"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is missing in %s", want, html)
		}
	}
	csp := page.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || !strings.Contains(csp, "frame-ancestors 'none'") || page.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", page.Header())
	}
	if tag := anyTag.FindString(html); tag != "" {
		t.Errorf("the page has %q, which its policy forbids", tag)
	}

	w.advance(5 * time.Minute)
	press := w.do("POST", link, "", "Authorization: ", "Content-Type: application/x-www-form-urlencoded")
	if press.Code != 303 || press.Header().Get("Location") != "."+strings.TrimPrefix(link, "/ack") {
		t.Fatalf("press: %d %v", press.Code, press.Header())
	}
	if st := w.status(301); st != expansion.Acknowledged {
		t.Errorf("after the press: %s", st)
	}
	after := w.do("GET", link, "", "Authorization: ").Body.String()
	if !strings.Contains(after, "Brightwater Labs is yours") || !strings.Contains(after, "Acknowledged on 3 March 2026 at 10:05 EST.") || strings.Contains(after, "<button") {
		t.Errorf("after the press: %s", after)
	}
	if again := w.do("POST", link, "", "Authorization: "); again.Code != 303 {
		t.Errorf("a second press: %d %s", again.Code, again.Body)
	}
}

func TestAcknowledgeLinkThatIsNotOurs(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.routed()
	link := w.link(301)
	for _, method := range []string{"GET", "POST"} {
		for name, path := range map[string]string{"made up": "/ack/abc.def", "changed": link[:len(link)-2] + "xx", "no dot": "/ack/abc"} {
			a := w.do(method, path, "", "Authorization: ")
			if a.Code != 403 || !strings.Contains(a.Body.String(), "This link is not valid. Acknowledge in Slack instead.") {
				t.Errorf("%s %s: %d %s", method, name, a.Code, a.Body)
			}
		}
	}
	w.advance(15 * 24 * time.Hour)
	if a := w.do("POST", link, "", "Authorization: "); a.Code != 410 || !strings.Contains(a.Body.String(), "This link has expired.") {
		t.Errorf("expired: %d %s", a.Code, a.Body)
	}
	if st := w.status(301); st != expansion.Pending {
		t.Errorf("got %s, want pending still", st)
	}
}

func TestAcknowledgeLinkAfterItMovedOn(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.routed()
	link := w.link(301)
	lena := w.person("lena@acme.example")
	rt, err := w.engine.Store().RoutingByNumber(context.Background(), 301)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Reassign(context.Background(), lena.ID, rt.ID, 0, w.person("sofia@acme.example").ID, "holiday <b>", ""); err != nil {
		t.Fatal(err)
	}
	if a := w.do("POST", link, "", "Authorization: "); a.Code != 303 {
		t.Errorf("press: %d %s", a.Code, a.Body)
	}
	html := w.do("GET", link, "", "Authorization: ").Body.String()
	if !strings.Contains(html, "R-301 was rerouted: Moved to Sofia by Lena: holiday &lt;b&gt;.") || strings.Contains(html, "<button") {
		t.Errorf("page: %s", html)
	}
	if st := w.status(302); st != expansion.Pending {
		t.Errorf("the new routing is %s, want pending", st)
	}
}
