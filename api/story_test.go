package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
)

func TestSignalIsLoggedRoutedWatchedAndClosed(t *testing.T) {
	t.Parallel()
	w := start(t)
	signal := w.must(201, "POST", "/api/expansion/signal", seatsSignal, "X-Expansion-Actor: "+priya)
	for path, want := range map[string]string{
		"customerId": "brightwater", "signalType": "explicit_request", "signalStrength": "strong", "source": "manual", "sourceReference": "call-42",
		"label": "S-1001", "status": "confirmed", "waiting": "review", "expansionType": "seats",
	} {
		if got := signal.text(path); got != want {
			t.Errorf("signal %s: got %q, want %q", path, got, want)
		}
	}
	if got := signal.at("details.seats"); got != 30.0 {
		t.Errorf("details.seats: got %v, want 30", got)
	}
	// 30 of 100 seats at 48,000 a year.
	if got, cur := signal.at("potential.likely"), signal.text("potential.currency"); got != 14400.0 || cur != "USD" {
		t.Errorf("potential: got %v %s, want 14400 USD", got, cur)
	}

	routing := w.must(201, "POST", "/api/expansion/S-1001/route", `{"note":"Rollout is in March"}`, "X-Expansion-Actor: "+priya)
	for path, want := range map[string]string{
		"signalId": signal.text("id"), "customerId": "brightwater", "routedToUserId": string(w.person(marcus).ID), "routedToRole": "ae", "status": "pending",
		"label": "R-301", "note": "Rollout is in March", "handoffPackage.currency": "USD",
	} {
		if got := routing.text(path); got != want {
			t.Errorf("routing %s: got %q, want %q", path, got, want)
		}
	}
	if got := routing.at("handoffPackage.arrCurrent"); got != 48000.0 {
		t.Errorf("arrCurrent: got %v, want 48000", got)
	}
	if routing.text("handoffPackage.summary") == "" || routing.text("routingReason") == "" {
		t.Errorf("summary and reason should not be empty: %s", routing.Body)
	}
	if got := routing.at("handoffPackage.healthScore"); got != nil {
		t.Errorf("healthScore: got %v, want null since no source says", got)
	}

	id := routing.text("opportunityId")
	for _, ref := range []string{id, "O-201", "o-201", "201"} {
		status := w.must(200, "GET", "/api/expansion/"+ref+"/status", "")
		if got := status.text("opportunityId"); got != id {
			t.Errorf("status of %s: got %s, want %s", ref, got, id)
		}
		if got := status.text("ownerEmail"); got != marcus {
			t.Errorf("owner of %s: got %s, want %s", ref, got, marcus)
		}
	}

	closed := w.must(200, "POST", "/api/expansion/O-201/feedback", `{"outcome":"won","outcomeArrChange":15500.5,"currency":"usd","salesFeedback":"They liked the seat packs","rating":5,"signalRight":"yes"}`, "X-Expansion-Actor: "+marcus)
	for path, want := range map[string]string{"status": "won", "outcome.outcome": "won", "outcome.currency": "USD", "outcome.from": "api", "routing.status": "won", "routing.salesFeedback": "They liked the seat packs"} {
		if got := closed.text(path); got != want {
			t.Errorf("closed %s: got %q, want %q", path, got, want)
		}
	}
	if got := closed.at("routing.outcomeArrChange"); got != 15500.5 {
		t.Errorf("outcomeArrChange: got %v, want 15500.5", got)
	}
	again := w.must(409, "POST", "/api/expansion/O-201/feedback", `{"outcome":"lost","reason":"price"}`, "X-Expansion-Actor: "+marcus)
	if got := again.text("detail"); got != "R-301 is won already. Nothing changed." {
		t.Errorf("second outcome: got %q", got)
	}
	list := w.must(200, "GET", "/api/expansion/brightwater/signals?status=closed", "")
	if items := list.at("items").([]any); len(items) != 1 || items[0].(map[string]any)["status"] != "closed" {
		t.Errorf("closed signals: %s", list.Body)
	}
}

func TestCRMIDFindsTheOpportunity(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, routing := w.routed()
	ctx := context.Background()
	o, err := w.engine.Store().Opportunity(ctx, expansion.OpportunityID(routing.text("opportunityId")))
	if err != nil {
		t.Fatal(err)
	}
	o.CRM, o.CRMID, o.URL = "hubspot", "9876543210", "https://crm.example/9876543210"
	if err := w.keepOpportunity(ctx, o); err != nil {
		t.Fatal(err)
	}
	status := w.must(200, "GET", "/api/expansion/9876543210/status", "")
	if got := status.text("opportunityId"); got != string(o.ID) || status.text("crm.kind") != "hubspot" {
		t.Errorf("by the CRM's id: %s", status.Body)
	}
}

func TestSameEvidenceTwiceIsOneSignal(t *testing.T) {
	t.Parallel()
	w := start(t)
	first := w.must(201, "POST", "/api/expansion/signal", seatsSignal)
	again := w.must(200, "POST", "/api/expansion/signal", seatsSignal)
	if again.text("id") != first.text("id") || again.at("seenCount") != 1.0 {
		t.Errorf("the same reference again: %s", again.Body)
	}
	other := w.must(200, "POST", "/api/expansion/signal", strings.Replace(seatsSignal, "call-42", "call-43", 1))
	if other.text("id") != first.text("id") || other.at("seenCount") != 2.0 {
		t.Errorf("other evidence of the same: %s", other.Body)
	}
}

func TestSignalWithoutAPersonIsTheCSMsAndNotTheAdmins(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.must(201, "POST", "/api/expansion/signal", `{"customerId":"brightwater","signalType":"usage_growth","signalStrength":"strong","details":{"seatsUsed":112,"seats_licensed":100}}`)
	if got := a.text("source"); got != "system" {
		t.Errorf("source: got %s, want system", got)
	}
	s, err := w.engine.Store().Signal(context.Background(), expansion.SignalID(a.text("id")))
	if err != nil || s.CreatedBy != "" {
		t.Errorf("created by %q, %v; want nobody", s.CreatedBy, err)
	}
	ev, err := w.engine.Store().SignalEvidence(context.Background(), s.ID)
	if err != nil || len(ev) != 1 || ev[0].Why != "Usage growth: seats licensed 100, seats used 112" {
		t.Errorf("evidence %+v, %v", ev, err)
	}
	// Named in the body, it is theirs.
	b := w.must(201, "POST", "/api/expansion/signal", `{"customerId":"plainview","signalType":"budget_discussion","what":"Budget for next year is open","by":"DAN@acme.example"}`)
	s, err = w.engine.Store().Signal(context.Background(), expansion.SignalID(b.text("id")))
	if err != nil || s.CreatedBy != w.person("dan@acme.example").ID || b.text("source") != "manual" {
		t.Errorf("created by %q from %s, %v; want Dan, manual", s.CreatedBy, b.text("source"), err)
	}
}

func TestSignalsComeInPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	types := []string{"usage_growth", "feature_adoption", "explicit_request", "budget_discussion", "capacity_limit"}
	for _, typ := range types {
		w.must(201, "POST", "/api/expansion/signal", fmt.Sprintf(`{"customerId":"brightwater","signalType":%q,"signalStrength":"strong"}`, typ))
	}
	var labels []string
	path := "/api/expansion/brightwater/signals?limit=2"
	for range len(types) {
		a := w.must(200, "GET", path, "")
		for _, i := range a.at("items").([]any) {
			labels = append(labels, i.(map[string]any)["label"].(string))
		}
		next, ok := a.at("nextCursor").(string)
		if !ok {
			break
		}
		path = "/api/expansion/brightwater/signals?limit=2&cursor=" + next
	}
	if want := []string{"S-1005", "S-1004", "S-1003", "S-1002", "S-1001"}; !slices.Equal(labels, want) {
		t.Errorf("got %v, want %v", labels, want)
	}
	a := w.must(200, "GET", "/api/expansion/brightwater/signals?type=usage_growth,capacity_limit", "")
	if got := len(a.at("items").([]any)); got != 2 {
		t.Errorf("two types: got %d items", got)
	}
	if a := w.must(200, "GET", "/api/expansion/plainview/signals", ""); len(a.at("items").([]any)) != 0 {
		t.Errorf("an account without signals: %s", a.Body)
	}
}

func TestOverrideNeedsAReason(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must(201, "POST", "/api/expansion/signal", seatsSignal, "X-Expansion-Actor: "+priya)
	a := w.must(422, "POST", "/api/expansion/1001/route", `{"to":"sofia@acme.example"}`)
	if a.text("field") != "reason" || a.text("detail") != "Say why Sofia and not the one the policy chose." {
		t.Errorf("without a reason: %s", a.Body)
	}
	b := w.must(201, "POST", "/api/expansion/1001/route", `{"to":"Sofia@acme.example","reason":"she ran the pilot","potential":20000,"expansionType":"tier","closeDate":"2026-06-30","probability":0.4,"email":false,"hold":false}`)
	if b.text("routedToUserId") != string(w.person("sofia@acme.example").ID) || b.at("handoffPackage.arrPotential") != 20000.0 {
		t.Errorf("routed by hand: %s", b.Body)
	}
	st := w.must(200, "GET", "/api/expansion/"+b.text("opportunityId")+"/status", "")
	if st.text("closeDate") != "2026-06-30" || st.at("probability") != 0.4 || st.text("expansionType") != "tier" || st.at("amount") != 20000.0 {
		t.Errorf("opportunity: %s", st.Body)
	}
	if c := w.must(409, "POST", "/api/expansion/1001/route", ""); c.text("detail") != "Already routed to Sofia Ruiz as R-301. Nothing changed." {
		t.Errorf("a second route: %s", c.Body)
	}
}

func TestRestrictedAccountIsForItsTeam(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must(200, "GET", "/api/expansion/secret/signals", "", "X-Expansion-Actor: "+priya)
	a := w.must(403, "GET", "/api/expansion/secret/signals", "", "X-Expansion-Actor: "+marcus)
	if got := a.text("detail"); got != "Secret & Sons is restricted to its account team. Ask RevOps." {
		t.Errorf("got %q", got)
	}
}

func TestActivitiesTellTheStoryInWords(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.routed()
	w.advance(90 * time.Minute)
	rt, err := w.engine.Store().RoutingByNumber(context.Background(), 301)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Acknowledge(context.Background(), rt.To, rt.ID, 0); err != nil {
		t.Fatal(err)
	}
	a := w.must(200, "GET", "/api/activities?limit=500", "")
	var texts []string
	for _, i := range a.at("items").([]any) {
		m := i.(map[string]any)
		texts = append(texts, m["text"].(string))
		if m["account"] != "Brightwater Labs" || m["signal"] != "S-1001" {
			t.Errorf("line %v", m)
		}
	}
	for _, want := range []string{"Priya Nair logged a signal: asked for it, strong.", "Shown for review; routes by itself when the review time ends.", "Sent to Marcus Lee: original AE.", "Marcus Lee acknowledged after 1 h 30 m."} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is missing in %q", want, texts)
		}
	}
	next := fmt.Sprintf("%.0f", a.at("next"))
	if b := w.must(200, "GET", "/api/activities?after="+next, ""); len(b.at("items").([]any)) != 0 || fmt.Sprintf("%.0f", b.at("next")) != next {
		t.Errorf("after the last: %s", b.Body)
	}
	if b := w.must(200, "GET", "/api/activities?limit=1", ""); len(b.at("items").([]any)) != 1 {
		t.Errorf("limit 1: %s", b.Body)
	}
}

func TestIngestKeepsGoodRowsAndNamesBadOnes(t *testing.T) {
	t.Parallel()
	w := start(t)
	nd := "Content-Type: application/x-ndjson"
	a := w.must(200, "POST", "/ingest/usage", `{"account_id":"brightwater","metric":"seats_used","day":"2026-03-01","value":104}
{"account_id":"brightwater","metric":"seats_used","day":"1 March","value":104}

{"account_id":"brightwater","metric":"seats_used","day":"2026-03-02","value":"105","note":"x"}
`, nd)
	if a.at("rows") != 3.0 || a.at("good") != 2.0 || a.at("bad") != 1.0 {
		t.Errorf("counts: %s", a.Body)
	}
	row := a.at("errors").([]any)[0].(map[string]any)
	if row["line"] != 2.0 || row["field"] != "day" || row["reason"] == "" {
		t.Errorf("bad row: %v", row)
	}
	if warn := a.at("warnings").([]any); len(warn) != 1 || !strings.Contains(warn[0].(string), "note") {
		t.Errorf("warnings: %v", warn)
	}
	points, err := w.engine.Store().Usage(context.Background(), "brightwater", expansion.SeatsMetric, time.Time{})
	if err != nil || len(points) != 2 || points[1].Value != 105 {
		t.Errorf("kept %+v, %v", points, err)
	}
	w.must(200, "POST", "/ingest/events", `{"account_id":"brightwater","user_id":"u1","feature":"sso","kind":"blocked","at":"2026-03-02T10:00:00Z"}`, nd)
	w.must(200, "POST", "/ingest/health", `{"account_id":"brightwater","day":"2026-03-02","score":82}`, nd, "Authorization: Bearer exp_wide")
	none := w.must(422, "POST", "/ingest/health", strings.Repeat("{\"account_id\":\"brightwater\",\"day\":\"2026-03-02\",\"score\":182}\n", 130), nd)
	if none.at("ingest.bad") != 130.0 || len(none.at("ingest.errors").([]any)) != 100 {
		t.Errorf("no good row: %s", none.Body)
	}
	if empty := w.must(422, "POST", "/ingest/events", "\n\n", nd); empty.text("detail") != "The body has no rows. Send one JSON object a line." {
		t.Errorf("no rows: %s", empty.Body)
	}
	w.must(404, "POST", "/ingest/meetings", "{}", nd)
}

func TestTwoCallersAtOnceMakeOneSignal(t *testing.T) {
	t.Parallel()
	w := start(t)
	codes := make(chan int)
	for range 8 {
		go func() {
			r := newRequest(w, seatsSignal, "Idempotency-Key: once")
			rec := recorded(w, r)
			codes <- rec.Code
		}()
	}
	for range 8 {
		if code := <-codes; code != http.StatusCreated {
			t.Errorf("got %d, want 201 for all: they are one request", code)
		}
	}
	if a := w.must(200, "GET", "/api/expansion/brightwater/signals", ""); len(a.at("items").([]any)) != 1 {
		t.Errorf("got %s, want one signal", a.Body)
	}
}
