package crm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tick is a clock that moves a millisecond each time it is read.
func tick() func() time.Time {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Millisecond)
		return at
	}
}

type fixture struct {
	*testing.T
	s   *Server
	url string
}

func start(t *testing.T, clock func() time.Time) fixture {
	t.Helper()
	s := New(Config{Token: "pat", Clock: clock})
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	s.PutOwner(Owner{ID: "71", Email: "marcus@expansion.example", First: "Marcus"})
	return fixture{t, s, server.URL}
}

// send makes a call and returns its status, body and headers.
func (f fixture) send(method, path, body string) (int, string, http.Header) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer pat")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func (f fixture) keyed() fixture {
	f.Helper()
	status, body, _ := f.send("POST", "/crm/v3/properties/deals", `{"name":"expansion_opportunity_id","label":"x","type":"string","fieldType":"text","groupName":"dealinformation","hasUniqueValue":true}`)
	if status != 201 {
		f.Fatalf("create property: %d %s", status, body)
	}
	return f
}

func upsertBody(key string, props string) string {
	return fmt.Sprintf(`{"inputs":[{"idProperty":"expansion_opportunity_id","id":%q,"properties":%s}]}`, key, props)
}

func TestPathsByVersion(t *testing.T) {
	t.Parallel()
	f := start(t, tick())
	company := f.s.PutCompany(Company{Name: "Brightwater Labs"})
	for path, want := range map[string]int{
		"/crm/v3/objects/companies/" + company:                            200,
		"/crm/v3/objects/0-2/" + company:                                  200,
		"/crm/objects/2026-03/companies/" + company:                       200,
		"/crm/objects/2026-09/companies/" + company:                       200,
		"/crm/objects/2025-01/companies/" + company:                       404,
		"/crm/v4/objects/companies/" + company:                            404,
		"/crm/v4/objects/companies/" + company + "/associations/deals":    200,
		"/crm/v3/objects/companies/" + company + "/associations/deals":    404,
		"/crm/objects/2026-03/companies/" + company + "/associations/0-3": 200,
		"/crm/v3/pipelines/deals":                                         200,
		"/crm/pipelines/2026-09/0-3":                                      200,
		"/crm/v3/pipelines/deals/none":                                    404,
		"/crm/v3/owners/":                                                 200,
		"/crm/owners/2026-03/71":                                          200,
		"/crm/owners/2026-03/72":                                          404,
		"/crm/properties/2026-03/deals/amount":                            200,
		"/account-info/v3/details":                                        200,
		"/account-info/2026-03/details":                                   200,
		"/account-info/v1/details":                                        404,
		"/crm/v3/objects/unicorns":                                        400,
		"/deals/search":                                                   404,
	} {
		if status, body, _ := f.send("GET", path, ""); status != want {
			t.Errorf("GET %s: got %d %s, want %d", path, status, body, want)
		}
	}
}

func TestRefusesWhatHubSpotRefuses(t *testing.T) {
	t.Parallel()
	f := start(t, tick()).keyed()
	f.send("POST", "/crm/v3/objects/deals/batch/upsert", upsertBody("k1", `{"dealname":"Seats"}`))
	f.s.PutOwner(Owner{ID: "72", Email: "left@expansion.example", Archived: true})
	status, body, _ := f.send("POST", "/crm/v3/properties/deals", `{"name":"renewal","label":"x","type":"date","fieldType":"date","groupName":"dealinformation"}`)
	if status != 201 {
		t.Fatalf("create date property: %d %s", status, body)
	}
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf(`{"id":"%d"}`, i))
	}
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"a number as a value", "POST", "/crm/v3/objects/deals", `{"properties":{"amount":5}}`, 400, "java.lang.String"},
		{"an object as a value", "POST", "/crm/v3/objects/deals", `{"properties":{"closedate":{}}}`, 400, "java.lang.String"},
		{"null as a value", "POST", "/crm/v3/objects/deals", `{"properties":{"closedate":null}}`, 400, "java.lang.String"},
		{"an unknown property", "POST", "/crm/v3/objects/deals", `{"properties":{"nonsense":"x"}}`, 400, "PROPERTY_DOESNT_EXIST"},
		{"an unknown stage", "POST", "/crm/v3/objects/deals", `{"properties":{"dealstage":"nowhere"}}`, 400, "INVALID_OPTION"},
		{"an unknown pipeline", "POST", "/crm/v3/objects/deals", `{"properties":{"pipeline":"p2","dealstage":"closedwon"}}`, 400, "INVALID_OPTION"},
		{"an unknown owner", "POST", "/crm/v3/objects/deals", `{"properties":{"hubspot_owner_id":"9"}}`, 400, "INVALID_OWNER_ID"},
		{"a deactivated owner", "POST", "/crm/v3/objects/deals", `{"properties":{"hubspot_owner_id":"72"}}`, 400, "INVALID_OWNER_ID"},
		{"a read-only property", "POST", "/crm/v3/objects/deals", `{"properties":{"hs_is_closed":"true"}}`, 400, "READ_ONLY_VALUE"},
		{"an amount in words", "POST", "/crm/v3/objects/deals", `{"properties":{"amount":"much"}}`, 400, "not a valid number"},
		{"a date off midnight", "POST", "/crm/v3/objects/deals", `{"properties":{"renewal":"2026-03-31T10:00:00Z"}}`, 400, "not midnight!"},
		{"a date that is none", "POST", "/crm/v3/objects/deals", `{"properties":{"closedate":"soon"}}`, 400, "INVALID_DATE"},
		{"a unique value twice", "POST", "/crm/v3/objects/deals", `{"properties":{"expansion_opportunity_id":"k1"}}`, 409, "already exists. Existing ID:"},
		{"an upsert without idProperty", "POST", "/crm/v3/objects/deals/batch/upsert", `{"inputs":[{"id":"k","properties":{}}]}`, 400, "idProperty"},
		{"an upsert by a common property", "POST", "/crm/v3/objects/deals/batch/upsert", `{"inputs":[{"idProperty":"dealname","id":"k","properties":{}}]}`, 400, "not a unique property"},
		{"an upsert of one key twice", "POST", "/crm/v3/objects/deals/batch/upsert", `{"inputs":[{"idProperty":"expansion_opportunity_id","id":"k","properties":{}},{"idProperty":"expansion_opportunity_id","id":"k","properties":{}}]}`, 400, "Duplicate IDs"},
		{"a batch update by hs_object_id", "POST", "/crm/v3/objects/deals/batch/update", `{"inputs":[{"idProperty":"hs_object_id","id":"1","properties":{}}]}`, 400, "left out"},
		{"101 in a batch", "POST", "/crm/v3/objects/deals/batch/read", `{"inputs":[` + strings.Join(many, ",") + `]}`, 400, "from 1 to 100"},
		{"none in a batch", "POST", "/crm/v3/objects/deals/batch/read", `{"inputs":[]}`, 400, "from 1 to 100"},
		{"a note without its time", "POST", "/crm/v3/objects/notes", `{"properties":{"hs_note_body":"x"}}`, 400, "hs_timestamp"},
		{"a note on what is not there", "POST", "/crm/v3/objects/notes", `{"properties":{"hs_timestamp":"1"},"associations":[{"to":{"id":"9"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":214}]}]}`, 404, "not found"},
		{"a note by a deal's association", "POST", "/crm/v3/objects/notes", `{"properties":{"hs_timestamp":"1"},"associations":[{"to":{"id":"9"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":341}]}]}`, 400, "does not start at NOTE"},
		{"a page of 201", "POST", "/crm/v3/objects/deals/search", `{"limit":201}`, 400, "from 1 to 200"},
		{"the 10,001st result", "POST", "/crm/v3/objects/deals/search", `{"limit":100,"after":"9901"}`, 400, "10000"},
		{"an unknown operator", "POST", "/crm/v3/objects/deals/search", `{"filterGroups":[{"filters":[{"propertyName":"amount","operator":"LIKE","value":"1"}]}]}`, 400, "LIKE"},
		{"a filter on an unknown property", "POST", "/crm/v3/objects/deals/search", `{"filterGroups":[{"filters":[{"propertyName":"nonsense","operator":"EQ","value":"1"}]}]}`, 400, "nonsense"},
		{"JSON cut short", "POST", "/crm/v3/objects/deals", `{"properties":`, 400, "Invalid input JSON"},
		{"an update of what is not there", "PATCH", "/crm/v3/objects/deals/9", `{"properties":{}}`, 404, "not found"},
		{"a property without a group", "POST", "/crm/v3/properties/deals", `{"name":"a","label":"a","type":"string","fieldType":"text"}`, 400, "group"},
		{"a property with a bad name", "POST", "/crm/v3/properties/deals", `{"name":"A b","label":"a","type":"string","fieldType":"text","groupName":"dealinformation"}`, 400, "A b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := fixture{t, f.s, f.url}.send(c.method, c.path, c.body)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("got %d %s, want %d that says %q", status, body, c.status, c.says)
			}
			var e errorBody
			if err := json.Unmarshal([]byte(body), &e); err != nil || e.Status != "error" || e.CorrelationID == "" {
				t.Errorf("got %s (%v), want HubSpot's error shape", body, err)
			}
		})
	}
	if n := len(f.s.Deals()); n != 1 {
		t.Errorf("there are %d deals after the refusals, want the first one", n)
	}
}

func TestOneBadInputRefusesTheBatch(t *testing.T) {
	t.Parallel()
	f := start(t, tick()).keyed()
	status, body, _ := f.send("POST", "/crm/v3/objects/deals/batch/upsert",
		`{"inputs":[{"idProperty":"expansion_opportunity_id","id":"k1","properties":{}},{"idProperty":"expansion_opportunity_id","id":"k2","properties":{"amount":"x"}}]}`)
	if status != 400 || len(f.s.Deals()) != 0 || len(f.s.CreatesByKey()) != 0 {
		t.Errorf("got %d %s with %d deals, want 400 and nothing kept", status, body, len(f.s.Deals()))
	}
}

func TestStageSetsProbabilityAndClosing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f := start(t, func() time.Time { return now })
	id, err := f.s.AddDeal("", map[string]string{"dealname": "Seats", "dealstage": "appointmentscheduled", "amount": "100"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"dealname": "Seats", "pipeline": "default", "dealstage": "appointmentscheduled", "amount": "100", "deal_currency_code": "USD", "hs_deal_stage_probability": "0.2", "hs_is_closed": "false", "hs_is_closed_won": "false"}
	if diff := cmp.Diff(want, f.s.Deals()[0].Properties); diff != "" {
		t.Errorf("new deal (-want +got):\n%s", diff)
	}
	if err := f.s.SetDealProperty(id, "dealstage", "closedwon"); err != nil {
		t.Fatal(err)
	}
	want["dealstage"], want["hs_deal_stage_probability"], want["hs_is_closed"], want["hs_is_closed_won"], want["closedate"] = "closedwon", "1", "true", "true", "2026-03-02T09:00:00Z"
	if diff := cmp.Diff(want, f.s.Deals()[0].Properties); diff != "" {
		t.Errorf("won deal (-want +got):\n%s", diff)
	}
	for name, value := range map[string]string{"dealstage": "nowhere", "nonsense": "x", "hubspot_owner_id": "404"} {
		if err := f.s.SetDealProperty(id, name, value); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("set %s to %s: got %v, want a refusal that names it", name, value, err)
		}
	}
	if err := f.s.SetDealProperty("404", "amount", "1"); err == nil {
		t.Error("a deal that is not there was edited")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	f := start(t, tick()).keyed()
	if err := f.s.FailNext("meteor", 1); err == nil || !strings.Contains(err.Error(), "stored_then_cut") {
		t.Errorf("an unknown fault gave %v, want the list of known ones", err)
	}
	must := func(kind string, n int) {
		t.Helper()
		if err := f.s.FailNext(kind, n); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want int, says string) http.Header {
		t.Helper()
		status, body, header := f.send("GET", "/crm/v3/owners", "")
		if status != want || !strings.Contains(body, says) {
			t.Errorf("got %d %s, want %d that says %q", status, body, want, says)
		}
		return header
	}
	must(FaultSecondly, 1)
	must(FaultDaily, 1)
	must(FaultAuth, 1)
	must(FaultHTML, 5)
	if h := read(429, `"policyName":"SECONDLY"`); h.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q, want 1", h.Get("Retry-After"))
	}
	if h := read(429, `"policyName":"DAILY"`); h.Get("X-HubSpot-RateLimit-Daily-Remaining") != "0" {
		t.Error("a used-up day has calls left")
	}
	read(401, "INVALID_AUTHENTICATION")
	read(503, "<html>")
	must(FaultHTML, 0)
	read(200, "marcus")

	f.s.SetDown(true)
	read(503, "<html>")
	if !f.s.Down() {
		t.Error("it says it is up")
	}
	f.s.SetDown(false)
	if h := read(200, "marcus"); h.Get("Date") != "Mon, 02 Mar 2026 09:00:00 GMT" {
		t.Errorf("Date is %q, want the sandbox's clock", h.Get("Date"))
	}

	must(FaultStoredThenCut, 1)
	read(200, "marcus") // reads pass by
	req, err := http.NewRequestWithContext(t.Context(), "POST", f.url+"/crm/v3/objects/deals/batch/upsert", strings.NewReader(upsertBody("k1", `{"dealname":"Seats"}`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer pat")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("the cut connection answered %d", resp.StatusCode)
	} else if !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want an end of file", err)
	}
	if n := f.s.CreatesByKey()["k1"]; n != 1 {
		t.Errorf("%d deals are stored behind the cut, want 1", n)
	}
}

func TestSearchLags(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f := start(t, func() time.Time { return now })
	company := f.s.PutCompany(Company{Name: "Brightwater Labs"})
	f.s.SetReadLag(time.Minute)
	names := func() string {
		t.Helper()
		status, body, _ := f.send("POST", "/crm/v3/objects/deals/search", `{"properties":["dealname"]}`)
		var out struct {
			Results []struct {
				Properties map[string]string `json:"properties"`
			} `json:"results"`
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 {
			t.Fatalf("search: %d %s %v", status, body, err)
		}
		var list []string
		for _, r := range out.Results {
			list = append(list, r.Properties["dealname"])
		}
		return strings.Join(list, ",")
	}
	id, err := f.s.AddDeal(company, map[string]string{"dealname": "old"})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name  string
		do    func() error
		after time.Duration
		want  string
	}{
		{"new", func() error { return nil }, 0, ""},
		{"new, a minute later", func() error { return nil }, time.Minute, "old"},
		{"renamed", func() error { return f.s.SetDealProperty(id, "dealname", "new") }, 0, "old"},
		{"renamed again", func() error { return f.s.SetDealProperty(id, "dealname", "newer") }, 30 * time.Second, "old"},
		{"a minute later", func() error { return nil }, 30 * time.Second, "newer"},
		{"archived", func() error { return f.s.ArchiveDeal(id) }, 0, "newer"},
		{"a minute after that", func() error { return nil }, time.Minute, ""},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(s.after)
		if got := names(); got != s.want {
			t.Errorf("%s: search shows %q, want %q", s.name, got, s.want)
		}
	}
}

func TestSearchOperators(t *testing.T) {
	t.Parallel()
	f := start(t, tick())
	company := f.s.PutCompany(Company{Name: "Brightwater Labs"})
	for _, p := range []map[string]string{
		{"dealname": "Alpha seats", "amount": "9", "closedate": "2026-03-01"},
		{"dealname": "Beta seats", "amount": "100", "closedate": "2026-04-01"},
		{"dealname": "Gamma", "closedate": "2026-05-01"},
	} {
		if _, err := f.s.AddDeal(map[bool]string{true: company}[p["amount"] == "100"], p); err != nil {
			t.Fatal(err)
		}
	}
	for filters, want := range map[string]string{
		`{"propertyName":"amount","operator":"GT","value":"10"}`:                                                                       "Beta seats",
		`{"propertyName":"amount","operator":"LTE","value":"9"}`:                                                                       "Alpha seats",
		`{"propertyName":"amount","operator":"LT","value":"9.5"}`:                                                                      "Alpha seats",
		`{"propertyName":"amount","operator":"NOT_HAS_PROPERTY"}`:                                                                      "Gamma",
		`{"propertyName":"amount","operator":"HAS_PROPERTY"}`:                                                                          "Alpha seats,Beta seats",
		`{"propertyName":"amount","operator":"NEQ","value":"9"}`:                                                                       "Beta seats",
		`{"propertyName":"dealname","operator":"EQ","value":"gamma"}`:                                                                  "Gamma",
		`{"propertyName":"dealname","operator":"IN","values":["Gamma","Alpha seats"]}`:                                                 "Alpha seats,Gamma",
		`{"propertyName":"dealname","operator":"NOT_IN","values":["Gamma"]}`:                                                           "Alpha seats,Beta seats",
		`{"propertyName":"dealname","operator":"CONTAINS_TOKEN","value":"seats"}`:                                                      "Alpha seats,Beta seats",
		`{"propertyName":"dealname","operator":"CONTAINS_TOKEN","value":"*amm*"}`:                                                      "Gamma",
		`{"propertyName":"dealname","operator":"NOT_CONTAINS_TOKEN","value":"seats"}`:                                                  "Gamma",
		`{"propertyName":"closedate","operator":"BETWEEN","value":"2026-03-15","highValue":"2026-04-15"}`:                              "Beta seats",
		`{"propertyName":"closedate","operator":"GTE","value":"1777593600000"}`:                                                        "Gamma",
		`{"propertyName":"associations.company","operator":"EQ","value":"` + company + `"}`:                                            "Beta seats",
		`{"propertyName":"amount","operator":"GT","value":"1"},{"propertyName":"dealname","operator":"CONTAINS_TOKEN","value":"beta"}`: "Beta seats",
	} {
		status, body, _ := f.send("POST", "/crm/v3/objects/deals/search", `{"filterGroups":[{"filters":[`+filters+`]}],"sorts":["dealname"]}`)
		var out struct {
			Results []objectJSON `json:"results"`
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 {
			t.Fatalf("%s: %d %s %v", filters, status, body, err)
		}
		var list []string
		for _, r := range out.Results {
			list = append(list, *r.Properties["dealname"])
		}
		if got := strings.Join(list, ","); got != want {
			t.Errorf("%s: got %q, want %q", filters, got, want)
		}
	}
	status, body, _ := f.send("POST", "/crm/v3/objects/deals/search", `{"query":"SEATS","sorts":[{"propertyName":"amount","direction":"DESCENDING"}],"limit":1}`)
	if status != 200 || !strings.Contains(body, "Beta") || !strings.Contains(body, `"total":2`) || !strings.Contains(body, `"after":"1"`) {
		t.Errorf("a query with a page of one gave %d %s", status, body)
	}
}

func TestPrimaryCompanyMoves(t *testing.T) {
	t.Parallel()
	f := start(t, tick())
	a, b := f.s.PutCompany(Company{Name: "A"}), f.s.PutCompany(Company{Name: "B"})
	id, err := f.s.AddDeal(b, map[string]string{"dealname": "Seats"})
	if err != nil {
		t.Fatal(err)
	}
	f.send("PUT", "/crm/v4/objects/deals/"+id+"/associations/default/companies/"+a, "")
	if got := f.s.Deals()[0].Companies; !cmp.Equal(got, []string{b, a}) {
		t.Errorf("companies are %v, want the primary %s first", got, b)
	}
	if status, body, _ := f.send("DELETE", "/crm/v4/objects/deals/"+id+"/associations/companies/"+b, ""); status != 204 {
		t.Fatalf("dissociate: %d %s", status, body)
	}
	if got := f.s.Deals()[0].Companies; !cmp.Equal(got, []string{a}) {
		t.Errorf("companies are %v, want %s", got, a)
	}
}

func TestSnapshotRestores(t *testing.T) {
	t.Parallel()
	f := start(t, tick()).keyed()
	company := f.s.PutCompany(Company{ID: "501", Name: "Brightwater Labs", Domain: "brightwater.example", OwnerID: "71", Properties: map[string]string{"tier": "gold"}})
	f.s.PutContact(Contact{Email: "jo@brightwater.example", First: "Jo", Title: "Head of Lab", CompanyID: company})
	f.send("POST", "/crm/v3/objects/deals/batch/upsert", upsertBody("k1", `{"dealname":"Seats","dealstage":"closedlost"}`))
	deal := f.s.Deals()[0].ID
	f.send("PUT", "/crm/v4/objects/deals/"+deal+"/associations/default/companies/501", "")
	f.send("POST", "/crm/v3/objects/notes", `{"properties":{"hs_note_body":"Hi","hs_timestamp":"2026-03-02"},"associations":[{"to":{"id":"`+deal+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":214}]}]}`)
	saved := f.s.Snapshot()

	g := start(t, tick())
	if err := g.s.Restore(saved); err != nil {
		t.Fatal(err)
	}
	type all struct {
		Companies []Company
		Contacts  []Contact
		Deals     []Deal
		Owners    []Owner
		Stages    []Stage
		Creates   map[string]int
	}
	look := func(s *Server) all {
		return all{s.Companies(), s.Contacts(), s.Deals(), s.Owners(), s.Stages(), s.CreatesByKey()}
	}
	if diff := cmp.Diff(look(f.s), look(g.s)); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	if got := look(g.s); len(got.Deals) != 1 || len(got.Deals[0].Notes) != 1 || got.Contacts[0].CompanyID != "501" || got.Companies[0].Properties["tier"] != "gold" || got.Creates["k1"] != 1 {
		t.Errorf("restored %+v, want all that was put", got)
	}
	if again := g.s.Snapshot(); !bytes.Equal(saved, again) {
		t.Error("a second snapshot differs from the first")
	}
	status, body, _ := g.send("POST", "/crm/v3/objects/deals/batch/upsert", upsertBody("k1", `{"dealname":"More"}`))
	if status != 200 || !strings.Contains(body, `"new":false`) {
		t.Errorf("after restoring, an upsert gave %d %s", status, body)
	}
	for _, bad := range []string{"", "{", `{"version":9}`} {
		if err := g.s.Restore([]byte(bad)); err == nil {
			t.Errorf("restored %q", bad)
		}
	}
	if len(g.s.Deals()) != 1 {
		t.Error("a refused restore lost the deals")
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	f := start(t, tick())
	ctx, cancel := contextFor(t)
	changes := f.s.Watch(ctx)
	f.s.PutCompany(Company{Name: "A"})
	f.s.PutCompany(Company{Name: "B"})
	if _, ok := <-changes; !ok {
		t.Fatal("closed while watched")
	}
	select {
	case <-changes:
		t.Error("two changes unread are more than one wake-up")
	default:
	}
	f.send("POST", "/crm/v3/objects/deals", `{"properties":{"dealname":"x"}}`)
	<-changes
	f.send("POST", "/crm/v3/objects/deals", `{"properties":{"nonsense":"x"}}`)
	f.send("GET", "/crm/v3/objects/deals", "")
	select {
	case <-changes:
		t.Error("a refusal or a read is a change")
	default:
	}
	cancel()
	for range changes { // ends only when it is closed
	}
}

func contextFor(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
