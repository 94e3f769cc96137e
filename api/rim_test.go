package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"expansionbot/expansion"
	"expansionbot/store"
)

func newRequest(w *world, body string, headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/api/expansion/signal", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+allToken)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func recorded(w *world, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return rec
}

func (w *world) keepOpportunity(ctx context.Context, o expansion.Opportunity) error {
	return w.engine.Store().InTx(ctx, func(tx *store.Tx) error { return tx.UpdateOpportunity(ctx, &o) })
}

func TestBadInputsSayWhatWhereAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, routing := w.routed()
	feedback := "/api/expansion/" + routing.text("opportunityId") + "/feedback"
	w.must(201, "POST", "/api/expansion/signal", `{"customerId":"plainview","signalType":"usage_growth","signalStrength":"strong"}`)
	const signal, route = "/api/expansion/signal", "/api/expansion/S-1002/route"
	with := func(extra string) string {
		return `{"customerId":"brightwater","signalType":"usage_growth",` + extra + `}`
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		field, detail      string
	}{
		{"POST", signal, ``, 422, "", "The body is empty. Send a JSON object."},
		{"POST", signal, `{"customerId":`, 422, "", "The body is not a whole JSON object."},
		{"POST", signal, `{"customerId" "x"}`, 422, "", "The body is not JSON: it breaks off or is wrong at byte 15."},
		{"POST", signal, `[1]`, 422, "", "The body is a list. Send a JSON object."},
		{"POST", signal, `{} {}`, 422, "", "The body has something after the JSON object. Send one object."},
		{"POST", signal, `{}`, 422, "customerId", "customerId is missing. Give the account's id as it was imported."},
		{"POST", signal, `{"customerId":7}`, 422, "customerId", "`customerId` is a number; it should be a text."},
		{"POST", signal, `{"customerId":"brightwater"}`, 422, "signalType", "signalType is missing. Use usage_growth, feature_adoption, explicit_request, budget_discussion, capacity_limit or health_indicator."},
		{"POST", signal, `{"customerId":"nobody","signalType":"usage_growth"}`, 404, "customerId", "No account has the id `nobody`. Check it, or import the account first."},
		{"POST", signal, with(`"signalStrength":"huge"`), 422, "signalStrength", "signalStrength is `huge`. Use strong, moderate or exploratory, or leave it out to have it scored."},
		{"POST", signal, with(`"source":"fax"`), 422, "source", "source is `fax`. Use usage_data, meeting_transcript, email, manual or system."},
		{"POST", signal, with(`"details":[]`), 422, "details", "`details` is a list; it should be a JSON object."},
		{"POST", signal, with(`"what":"short"`), 422, "what", "Say what happened in at least 10 characters."},
		{"POST", signal, with(`"colour":"red"`), 422, "colour", "`colour` is not a field of this request. /openapi.yaml lists the fields."},
		{"POST", signal, with(`"occurredAt":"soon"`), 422, "occurredAt", "occurredAt is `soon`. Write it as 2026-03-01T09:30:00Z or 2026-03-01."},
		{"POST", signal, with(`"occurredAt":"2027-01-01"`), 422, "occurredAt", "That day is in the future. Say when it happened."},
		{"POST", signal, with(`"link":"javascript:alert(1)"`), 422, "link", "link is not a web address. Use one that starts with https://."},
		{"POST", signal, with(`"potential":1e300`), 422, "potential", "potential is too large. Give it in whole units of its currency, not in cents."},
		{"POST", signal, with(`"potential":10,"currency":"dollars"`), 422, "currency", "currency is `DOLLARS`. Give a code of three letters such as USD."},
		{"POST", signal, with(`"currency":"USD"`), 422, "currency", "currency stands without potential. Give both, or neither."},
		{"POST", signal, `{"customerId":"plainview","signalType":"usage_growth","potential":10}`, 422, "currency", "currency is missing and the account has none. Give a code such as USD."},
		{"POST", signal, with(`"by":"stranger@acme.example"`), 403, "", "Nobody active in the people list has the address `stranger@acme.example`. Import them first, or leave the address out."},
		{"POST", signal, with(`"by":"gone@acme.example"`), 403, "", "Nobody active in the people list has the address `gone@acme.example`. Import them first, or leave the address out."},
		{"POST", signal, with(`"quote":"` + strings.Repeat("é", 2001) + `"`), 422, "quote", "quote has 2001 characters; 2000 at most fit."},
		{"GET", "/api/expansion/nobody/signals", "", 404, "", ""},
		{"GET", "/api/expansion/brightwater/signals?limit=0", "", 422, "limit", "limit is `0`. Use a whole number from 1 to 100."},
		{"GET", "/api/expansion/brightwater/signals?cursor=x", "", 422, "cursor", "cursor is `x`. Use the one from the page before, or leave it out."},
		{"GET", "/api/expansion/brightwater/signals?status=new", "", 422, "status", "status is `new`. Use detected, confirmed, routed, closed, dismissed, merged or parked."},
		{"POST", "/api/expansion/S-9/route", "", 404, "", ""},
		{"POST", "/api/expansion/nothing/route", "", 404, "", "There is no signal `NOTHING`. Ids look like S-1042 or are the id the API answered."},
		{"POST", route, `{"to":"stranger@acme.example","reason":"x"}`, 422, "to", "Nobody in the people list has the address `stranger@acme.example`. Give the e-mail of a seller."},
		{"POST", route, `{"to":"priya@acme.example","reason":"x"}`, 422, "to", "Priya Nair does not sell. Choose an account executive or specialist."},
		{"POST", route, `{"reason":"because"}`, 422, "reason", "reason explains the choice of to, which is missing. Add to, or put the words in note."},
		{"POST", route, `{"probability":40}`, 422, "probability", "probability is outside 0 to 1. Write 25 percent as 0.25."},
		{"POST", route, `{"closeDate":"June"}`, 422, "closeDate", "closeDate is `June`. Write it as 2026-03-01."},
		{"POST", route, `{"stageId":"zz"}`, 422, "stageId", "stageId is `zz`, which is no open stage of the CRM's pipeline. Leave it out for the first stage."},
		{"POST", route, `{"by":"marcus@acme.example"}`, 403, "", ""},
		{"GET", "/api/expansion/O-9/status", "", 404, "", ""},
		{"GET", "/api/expansion/nothing/status", "", 404, "", "There is no opportunity `nothing`. Ids look like O-207, are the id the API answered, or the CRM's."},
		{"POST", feedback, `{}`, 422, "outcome", "outcome is missing. Use won or lost."},
		{"POST", feedback, `{"outcome":"lost"}`, 422, "reason", "Choose the main reason it was lost."},
		{"POST", feedback, `{"outcome":"lost","reason":"price","outcomeArrChange":5}`, 422, "outcomeArrChange", "A lost opportunity changes no revenue. Leave outcomeArrChange out."},
		{"POST", feedback, `{"outcome":"won","rating":9}`, 422, "rating", "The rating is 1 to 5."},
		{"POST", feedback, `{"outcome":"won","rating":1.5}`, 422, "rating", "`rating` is a number; it should be a whole number."},
		{"POST", feedback, `{"outcome":"won","signalRight":"maybe"}`, 422, "signalRight", "signalRight is `maybe`. Use yes, partly or no."},
		{"POST", feedback, `{"outcome":"won","by":"sofia@acme.example"}`, 403, "", "Only Marcus Lee can do that with R-301. Ask them, or their manager."},
		{"GET", "/api/activities?after=-1", "", 422, "after", "after is `-1`. Use the one from the page before, or leave it out."},
		{"GET", "/api/nothing", "", 404, "", "There is nothing at `/api/nothing`. /openapi.yaml lists what there is."},
		{"DELETE", "/api/expansion/brightwater/signals", "", 405, "", "/api/expansion/brightwater/signals does not take `DELETE`. Use GET, HEAD."},
	} {
		a := w.do(c.method, c.path, c.body)
		if a.Code != c.status || a.text("field") != c.field || c.detail != "" && a.text("detail") != c.detail {
			t.Errorf("%s %s %.60s\n got %d %s %q\nwant %d %s %q", c.method, c.path, c.body, a.Code, a.text("field"), a.text("detail"), c.status, c.field, c.detail)
		}
		if d := a.text("detail"); !strings.HasSuffix(d, ".") || a.text("requestId") != a.Header().Get("X-Request-Id") {
			t.Errorf("%s %s: detail %q should be a sentence, request id %q", c.method, c.path, d, a.text("requestId"))
		}
	}
}

func TestTokensAreCheckedWithTheirScopes(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, c := range []struct {
		name, auth string
		path       string
		status     int
		challenge  string
	}{
		{"no token", "", "/api/activities", 401, `Bearer realm="expansionbot"`},
		{"another scheme", "Basic abc", "/api/activities", 401, `Bearer realm="expansionbot"`},
		{"an unknown token", "Bearer exp_nobody", "/api/activities", 401, `Bearer realm="expansionbot", error="invalid_token"`},
		{"the digest is no token", "Bearer " + token("", allToken).SHA256, "/api/activities", 401, `Bearer realm="expansionbot", error="invalid_token"`},
		{"a token without the scope", "Bearer exp_read", "/api/activities", 403, `Bearer realm="expansionbot", error="insufficient_scope", scope="activities:read"`},
		{"a token with the scope", "Bearer exp_read", "/api/expansion/brightwater/signals", 200, ""},
		{"a token with all of a kind", "bearer exp_wide", "/api/expansion/brightwater/signals", 200, ""},
		{"health is open", "", "/healthz", 200, ""},
		{"metrics are not", "Bearer exp_read", "/metrics", 403, `Bearer realm="expansionbot", error="insufficient_scope", scope="metrics:read"`},
	} {
		a := w.do("GET", c.path, "", "Authorization: "+c.auth)
		if a.Code != c.status || a.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: got %d %q, want %d %q", c.name, a.Code, a.Header().Get("WWW-Authenticate"), c.status, c.challenge)
		}
	}
}

func TestEveryScopedEndpointRefusesWithoutAToken(t *testing.T) {
	t.Parallel()
	w := start(t)
	scoped := 0
	for _, e := range (&server{}).endpoints() {
		if e.scope == "" {
			continue
		}
		scoped++
		path := strings.NewReplacer("{customerId}", "brightwater", "{signalId}", "S-1", "{opportunityId}", "O-1").Replace(e.path)
		if a := w.do(e.method, path, "{}", "Authorization: "); a.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: got %d, want 401", e.method, path, a.Code)
		}
	}
	if scoped < 9 {
		t.Errorf("%d endpoints have a scope, want 9 at least", scoped)
	}
}

func TestIdempotencyKeyAnswersTheSameAgain(t *testing.T) {
	t.Parallel()
	w := start(t)
	body := `{"customerId":"brightwater","signalType":"usage_growth","signalStrength":"strong"}`
	first := w.must(201, "POST", "/api/expansion/signal", body, "Idempotency-Key: k1")
	again := w.must(201, "POST", "/api/expansion/signal", body, "Idempotency-Key: k1")
	if again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" || first.Header().Get("Idempotent-Replayed") != "" {
		t.Errorf("replay: %v %s", again.Header(), again.Body)
	}
	other := w.must(422, "POST", "/api/expansion/signal", strings.Replace(body, "strong", "moderate", 1), "Idempotency-Key: k1")
	if other.text("field") != "Idempotency-Key" || other.text("detail") != "This Idempotency-Key was used for another request. Use a new key for a new request." {
		t.Errorf("another request: %s", other.Body)
	}
	// Another person is another request; another token has keys of its own.
	w.must(422, "POST", "/api/expansion/signal", body, "Idempotency-Key: k1", "X-Expansion-Actor: "+priya)
	if a := w.must(200, "POST", "/api/expansion/signal", body, "Idempotency-Key: k1", "Authorization: Bearer exp_wide"); a.text("id") != first.text("id") || a.at("seenCount") != 2.0 {
		t.Errorf("another token: %s", a.Body)
	}
	refused := w.must(422, "POST", "/api/expansion/signal", `{}`, "Idempotency-Key: k2")
	if a := w.must(422, "POST", "/api/expansion/signal", `{}`, "Idempotency-Key: k2"); a.text("detail") != refused.text("detail") {
		t.Errorf("a refusal again: %s", a.Body)
	}
	w.must(422, "POST", "/api/expansion/signal", body, "Idempotency-Key: "+strings.Repeat("k", 256))
	row := `{"account_id":"brightwater","metric":"seats_used","day":"2026-03-01","value":104}`
	w.must(200, "POST", "/ingest/usage", row, "Idempotency-Key: k3")
	if a := w.must(200, "POST", "/ingest/usage", row, "Idempotency-Key: k3"); a.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("ingest again: %v", a.Header())
	}
}

func TestBodiesHaveLimits(t *testing.T) {
	t.Parallel()
	w := start(t)
	big := `{"customerId":"` + strings.Repeat("x", maxBody) + `"}`
	if a := w.must(413, "POST", "/api/expansion/signal", big); a.text("detail") != "The body is larger than 256 KB. Send it in parts." {
		t.Errorf("got %s", a.Body)
	}
	// A body that does not say its length is cut off where the limit is.
	r := newRequest(w, big)
	r.ContentLength = -1
	if a := w.send(r); a.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("without a length: got %d", a.Code)
	}
	rows := bytes.Repeat([]byte(`{"account_id":"brightwater","day":"2026-03-02","score":82}`+"\n"), 10)
	pad := bytes.Repeat([]byte(" \n"), maxIngest/2)
	r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest/health", bytes.NewReader(append(rows, pad...)))
	r.ContentLength = -1
	r.Header.Set("Authorization", "Bearer "+allToken)
	if a := w.send(r); a.Code != http.StatusRequestEntityTooLarge || a.text("detail") != "The body is larger than 32 MB. Send it in parts." {
		t.Errorf("rows: got %d %s", a.Code, a.Body)
	}
	if a := w.must(415, "POST", "/api/expansion/signal", "a=b", "Content-Type: application/x-www-form-urlencoded"); a.text("code") != "media_type" {
		t.Errorf("got %s", a.Body)
	}
}

func TestReadinessFollowsTheParts(t *testing.T) {
	t.Parallel()
	var state error
	w := start(t, func(c *Config) { c.Ready = func() error { return state } })
	if a := w.must(200, "GET", "/readyz", ""); a.text("status") != "ready" {
		t.Errorf("got %s", a.Body)
	}
	state = errors.New("dial secret-host: refused")
	a := w.must(503, "GET", "/readyz", "")
	if a.Header().Get("Retry-After") != "5" || a.text("detail") != "Not ready yet. The log says what is missing." {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	state = expansion.Errorf(expansion.CodeUnavailable, "Slack is not connected yet.")
	if a := w.must(503, "GET", "/readyz", ""); a.text("detail") != "Slack is not connected yet." {
		t.Errorf("got %s", a.Body)
	}
	w.must(200, "GET", "/healthz", "")
}

func TestOurFaultSaysNothingOfTheCauseAndLogsIt(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := start(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Ready = func() error { panic("boom 42") }
	})
	a := w.do("GET", "/readyz", "", "X-Request-Id: ref-7f3a")
	if a.Code != 500 || a.text("detail") != "Something broke on my side (ref ref-7f3a). Try again; if it stays, give the ref to whoever runs the bot." {
		t.Errorf("got %d %s", a.Code, a.Body)
	}
	if !strings.Contains(log.String(), "boom 42") || !strings.Contains(log.String(), "request_id=ref-7f3a") || strings.Contains(a.Body.String(), "boom") {
		t.Errorf("answer %s, log %s", a.Body, log.String())
	}
}

func TestErrorTable(t *testing.T) {
	t.Parallel()
	for code, want := range map[expansion.Code]int{
		expansion.CodeInvalid: 422, expansion.CodeNotFound: 404, expansion.CodeGone: 410, expansion.CodeConflict: 409, expansion.CodeDenied: 403,
		expansion.CodeUnavailable: 503, expansion.CodeNoRecipient: 409, expansion.CodeInternal: 500,
	} {
		p := problemOf(&expansion.Error{Code: code, Text: "Said.", Err: errors.New("hidden")}, "id")
		if p.Status != want || p.Code != string(code) || strings.Contains(p.Detail, "hidden") {
			t.Errorf("%s: got %+v, want status %d", code, p, want)
		}
	}
	if p := problemOf(context.DeadlineExceeded, "id"); p.Status != 503 {
		t.Errorf("deadline: got %+v, want 503", p)
	}
	if p := problemOf(errors.New("sql: secret"), "id"); p.Status != 500 || strings.Contains(p.Detail, "secret") {
		t.Errorf("any error: got %+v", p)
	}
}

func TestMetricsCountRequestsAndWork(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.routed()
	w.must(404, "GET", "/api/nothing", "")
	text := w.must(200, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		`expansion_http_requests_total{code="201",method="POST",route="/api/expansion/signal"} 1`,
		`expansion_http_requests_total{code="201",method="POST",route="/api/expansion/{signalId}/route"} 1`,
		`expansion_http_requests_total{code="404",method="GET",route="none"} 1`,
		`expansion_signals{status="routed"} 1`,
		`expansion_jobs{state="`,
		"# TYPE expansion_http_requests_total counter", "# TYPE expansion_jobs gauge", "# TYPE go_goroutines gauge",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "brightwater") {
		t.Error("a path with an id is a label of its own; it should be the route")
	}
}

func TestDocumentIsServedWithThePublicAddress(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.PublicURL = "https://bot.acme.example/" })
	if text := w.must(200, "GET", "/openapi.yaml", "", "Authorization: ").Body.String(); !strings.Contains(text, "\n  - url: https://bot.acme.example\n") {
		t.Errorf("no public address in %.200s", text)
	}
}

func TestABrokenTokenLineIsIgnoredWithAWarning(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := start(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Tokens = append(c.Tokens, Token{Name: "short", SHA256: "abc"}, token("lost", "exp_lost", "signals:reed"))
	})
	w.must(200, "GET", "/api/activities", "")
	if s := log.String(); !strings.Contains(s, "token=short") || !strings.Contains(s, "scope=signals:reed") {
		t.Errorf("log %s", s)
	}
}
