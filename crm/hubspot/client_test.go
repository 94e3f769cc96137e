package hubspot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/crm/hubspot"
	"expansionbot/expansion"
	sandbox "expansionbot/sandbox/crm"
)

func TestNewRefusesAnImpossibleConfig(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]hubspot.Config{
		"crm.hubspot.token":       {},
		"crm.hubspot.api_version": {Token: "x", APIVersion: "v2"},
		"crm.hubspot.api_url":     {Token: "x", APIURL: "api.hubapi.com"},
	} {
		_, err := hubspot.New(cfg)
		if e, ok := errors.AsType[*expansion.Error](err); !ok || e.Field != field || e.Code != expansion.CodeInvalid {
			t.Errorf("%+v: got %v, want a refusal of %s", cfg, err, field)
		}
	}
}

// answering is a server that gives one answer to everything.
func answering(t *testing.T, f http.HandlerFunc) *hubspot.Client {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return client(t, hubspot.Config{APIURL: server.URL})
}

func TestRefusalKinds(t *testing.T) {
	t.Parallel()
	const page = "<html>oops</html>"
	for _, c := range []struct {
		name        string
		status      int
		header      string // Retry-After
		body        string
		write, read crm.Kind
		wait        time.Duration
		text        string
	}{
		{"a second's limit", 429, "1", `{"message":"secondly limit","policyName":"SECONDLY","correlationId":"c-1"}`, crm.Retry, crm.Retry, time.Second, "secondly limit"},
		{"a rolling limit without a word how long", 429, "", `{"policyName":"TEN_SECONDLY_ROLLING"}`, crm.Retry, crm.Retry, 10 * time.Second, ""},
		{"a rate limit as a page", 429, "", page, crm.Retry, crm.Retry, 10 * time.Second, "an answer that is not JSON"},
		{"the day's limit", 429, "", `{"policyName":"DAILY"}`, crm.RetryLater, crm.RetryLater, time.Hour, ""},
		{"the day's limit with a date", 429, "Mon, 02 Mar 2026 11:00:00 GMT", `{"policyName":"DAILY"}`, crm.RetryLater, crm.RetryLater, 2 * time.Hour, ""},
		{"locked", 423, "", `{"message":"locked"}`, crm.Retry, crm.Retry, 2 * time.Second, "locked"},
		{"being moved", 477, "3600", `{"message":"migration in progress"}`, crm.RetryLater, crm.RetryLater, time.Hour, "migration in progress"},
		{"a wrong token", 401, "", `{"message":"no"}`, crm.Auth, crm.Auth, 0, "no"},
		{"a missing scope", 403, "", `{"message":"no","category":"MISSING_SCOPES"}`, crm.Auth, crm.Auth, 0, "no"},
		{"not there", 404, "", `{"message":"resource not found"}`, crm.Gone, crm.Gone, 0, "resource not found"},
		{"a wrong address", 404, "", page, crm.Rejected, crm.Rejected, 0, "an answer that is not JSON"},
		{"a value refused", 400, "", `{"message":"x: [{\"error\":\"INVALID_OPTION\"}]","errors":[{"message":"a\nwas bad","code":"INVALID_OPTION"},{"message":"b was bad"}]}`, crm.Rejected, crm.Rejected, 0, "a was bad; b was bad"},
		{"a conflict", 409, "", `{"message":"already exists","category":"CONFLICT"}`, crm.Rejected, crm.Rejected, 0, "already exists"},
		{"broken", 500, "", `{"message":"internal error"}`, crm.Unknown, crm.Retry, 0, "internal error"},
		{"a gateway's page", 502, "", page, crm.Unknown, crm.Retry, 0, "an answer that is not JSON"},
		{"a proxy's own number", 524, "", page, crm.Unknown, crm.Retry, 0, "an answer that is not JSON"},
		{"a request timeout", 408, "", page, crm.Unknown, crm.Retry, 0, "an answer that is not JSON"},
		{"a redirect", 302, "", page, crm.Rejected, crm.Rejected, 0, "an answer that is not JSON"},
		{"a page that says all is well", 200, "", page, crm.Unknown, crm.Retry, 0, "no usable answer"},
		{"an empty success", 200, "", `{"results":[]}`, crm.Unknown, "", 0, "the answer names no deal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			hub := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", "Mon, 02 Mar 2026 09:00:00 GMT")
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			_, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1", Name: "Seats"})
			e, ok := crm.AsError(err)
			if !ok || e.Kind != c.write || e.RetryAfter != c.wait || e.Text != c.text || e.Op != "upsert" {
				t.Errorf("write: got %+v, want kind %s, wait %s, text %q", err, c.write, c.wait, c.text)
			}
			_, err = hub.FindByKey(t.Context(), []string{"k1"})
			if e, ok := crm.AsError(err); ok != (c.read != "") || ok && (e.Kind != c.read || e.RetryAfter != c.wait) {
				t.Errorf("read: got %+v, want kind %q, wait %s", err, c.read, c.wait)
			}
		})
	}
}

func TestNoConnectionIsNoUnknown(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	hub := client(t, hubspot.Config{APIURL: "http://" + l.Addr().String()})
	_, err = hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1"})
	if e, ok := crm.AsError(err); !ok || e.Kind != crm.Retry {
		t.Errorf("got %v, want a retry: nothing was ever sent", err)
	}
}

func TestAMissingIDIsNeverSent(t *testing.T) {
	t.Parallel()
	hub := answering(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("sent %s %s", r.Method, r.URL) })
	for _, id := range []string{"", ".", ".."} {
		_, updateErr := hub.Update(t.Context(), id, crm.OpportunityInput{Name: "x"})
		_, noteErr := hub.Note(t.Context(), id, "", "R-1", "x")
		_, openErr := hub.OpenOpportunities(t.Context(), id)
		for _, err := range []error{updateErr, noteErr, openErr, hub.Archive(t.Context(), id), hub.Associate(t.Context(), id, "5"), hub.Associate(t.Context(), "5", id)} {
			if e, ok := crm.AsError(err); !ok || e.Kind != crm.Rejected {
				t.Errorf("id %q: got %v, want rejected", id, err)
			}
		}
	}
}

func TestAnswerCutInTheMiddle(t *testing.T) {
	t.Parallel()
	hub := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"results":[`)
	})
	_, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1"})
	if e, ok := crm.AsError(err); !ok || e.Kind != crm.Unknown || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want unknown", err)
	}
}

func TestOwnTimeout(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	hub := client(t, hubspot.Config{APIURL: server.URL, Timeout: 200 * time.Millisecond})
	err := hub.Associate(t.Context(), "1", "2") // no deadline from us
	if e, ok := crm.AsError(err); !ok || e.Kind != crm.Unknown {
		t.Errorf("got %v, want unknown", err)
	}
}

func TestErrorsCarryNoSecret(t *testing.T) {
	t.Parallel()
	hub := answering(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Authorization"), http.StatusBadGateway)
	})
	_, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1"})
	if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("got %v, want an error without token or address", err)
	}
}

func TestOptionalPropertiesAreWrittenWhereTheyExist(t *testing.T) {
	t.Parallel()
	s, url := start(t)
	hub := client(t, hubspot.Config{APIURL: url})
	if err := hub.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := crm.OpportunityInput{Key: "k1", Name: "Seats", ExpansionType: "seats", SignalType: "usage_limit"}
	r, err := hub.Upsert(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Deals()[0].Properties; p["expansion_type"] != "" {
		t.Errorf("wrote a property that is not there: %v", p)
	}
	body := `{"name":"expansion_type","label":"Expansion type","type":"string","fieldType":"text","groupName":"dealinformation"}`
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/crm/v3/properties/deals", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("create the property: %v %v", resp, err)
	}
	resp.Body.Close()
	levels := map[string]crm.Level{}
	for _, f := range hub.Check(t.Context()) { // doctor looks again
		for _, name := range []string{"expansion_type", "expansion_signal_type", "expansion_opportunity_id"} {
			if strings.Contains(f.What, name) {
				levels[name] = f.Level
			}
		}
	}
	if levels["expansion_type"] != crm.LevelPass || levels["expansion_signal_type"] != crm.LevelWarn || levels["expansion_opportunity_id"] != crm.LevelPass {
		t.Errorf("check says %v", levels)
	}
	if _, err := hub.Update(t.Context(), r.ID, in); err != nil {
		t.Fatal(err)
	}
	if p := s.Deals()[0].Properties; p["expansion_type"] != "seats" {
		t.Errorf("the property is %q, want seats", p["expansion_type"])
	}
}

func TestAnOptionalPropertyDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	var lists, upserts atomic.Int32
	hub := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && lists.Add(1) == 1:
			fmt.Fprint(w, `{"results":[{"name":"expansion_type"}]}`)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `{"results":[]}`)
		default:
			upserts.Add(1)
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if strings.Contains(string(body), "expansion_type") {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"message":"Property values were not valid: [{\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"expansion_type\"}]"}`)
				return
			}
			fmt.Fprint(w, `{"results":[{"id":"7","url":"https://x.example/7","new":true}]}`)
		}
	})
	for range 2 {
		r, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1", ExpansionType: "seats"})
		if err != nil || r.ID != "7" {
			t.Fatalf("got %+v, %v; want it written without the property", r, err)
		}
	}
	if lists.Load() != 2 || upserts.Load() != 3 {
		t.Errorf("%d looks and %d upserts, want 2 and 3", lists.Load(), upserts.Load())
	}
}

func TestAMissingKeyPropertyIsSentOnce(t *testing.T) {
	t.Parallel()
	_, url := start(t) // not prepared
	hub := client(t, hubspot.Config{APIURL: url})
	_, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1", ExpansionType: "seats"})
	if e, ok := crm.AsError(err); !ok || e.Kind != crm.Rejected || !strings.Contains(e.Text, "expansion_opportunity_id") {
		t.Errorf("got %v, want a refusal that names the property", err)
	}
}

func TestALooseSearchHitIsNoMatch(t *testing.T) {
	t.Parallel()
	hub := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"results":[{"id":"1","properties":{"name":"Brightwater Labs Ltd","domain":"labs.brightwater.example"}}]}`)
	})
	for _, ref := range []crm.AccountRef{{Domain: "brightwater.example"}, {Name: "Brightwater Labs"}} {
		if got, err := hub.FindAccount(t.Context(), ref); expansion.CodeOf(err) != expansion.CodeNotFound {
			t.Errorf("%+v: got %+v, %v; want not found", ref, got, err)
		}
	}
}

func TestTheFirstCompanyStaysPrimary(t *testing.T) {
	t.Parallel()
	s, url := start(t)
	hub := client(t, hubspot.Config{APIURL: url})
	low, high := s.PutCompany(sandbox.Company{ID: "501"}), s.PutCompany(sandbox.Company{ID: "502"})
	id, err := s.AddDeal(high, map[string]string{"dealname": "Seats"})
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Associate(t.Context(), id, low); err != nil {
		t.Fatal(err)
	}
	got, err := hub.Read(t.Context(), []string{id})
	if err != nil || len(got) != 1 || got[0].AccountID != high {
		t.Errorf("got %+v, %v; want account %s", got, err, high)
	}
	noteID, err := hub.Note(t.Context(), id, low, "R-1", "x")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/crm/v4/objects/companies/"+low+"/associations/notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), noteID) {
		t.Errorf("the company's notes are %s, %v; want %s", body, err, noteID)
	}
}

func TestAccountIDProperty(t *testing.T) {
	t.Parallel()
	s, url := start(t)
	id := s.PutCompany(sandbox.Company{Name: "Brightwater Labs", Domain: "brightwater.example", Properties: map[string]string{"account_ref": "A-17"}})
	s.PutCompany(sandbox.Company{Name: "Other", Domain: "other.example", Properties: map[string]string{"account_ref": "A-18"}})
	hub := client(t, hubspot.Config{APIURL: url, AccountID: "account_ref"})
	got, err := hub.FindAccount(t.Context(), crm.AccountRef{ExternalID: "A-17", Domain: "other.example"})
	if err != nil || got.ID != id {
		t.Errorf("got %+v, %v; want %s, our id before the domain", got, err, id)
	}
}

func TestPrepareRefusesAPropertyThatIsNotUnique(t *testing.T) {
	t.Parallel()
	hub := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"results":[{"name":"expansion_opportunity_id","hasUniqueValue":false}]}`)
	})
	if e, ok := crm.AsError(hub.Prepare(t.Context())); !ok || e.Kind != crm.Rejected {
		t.Errorf("got %v, want rejected", e)
	}
	found := false
	for _, f := range hub.Check(t.Context()) {
		found = found || f.Level == crm.LevelFail && strings.Contains(f.What, "no unique values")
	}
	if !found {
		t.Error("check does not say so")
	}
}

func TestPrepareLosesTheRaceInPeace(t *testing.T) {
	t.Parallel()
	hub := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"message":"already exists"}`)
			return
		}
		fmt.Fprint(w, `{"results":[]}`)
	})
	if err := hub.Prepare(t.Context()); err != nil {
		t.Errorf("another replica was first: got %v", err)
	}
}

func TestLinksWithoutAnAddressInTheAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, details, want string
		status              int
	}{
		{"from the account's details", `{"portalId":42,"uiDomain":"app-eu1.hubspot.com"}`, "https://app-eu1.hubspot.com/contacts/42/record/0-3/7", 200},
		{"none while the details are refused", `{"message":"no"}`, "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{}, 10)
			hub := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/account-info/v3/") {
					asked <- struct{}{}
					w.WriteHeader(c.status)
					fmt.Fprint(w, c.details)
					return
				}
				fmt.Fprint(w, `{"results":[{"id":"7","new":true}]}`)
			})
			for range 2 {
				r, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1"})
				if err != nil || r.URL != c.want {
					t.Errorf("got %+v, %v; want the address %q", r, err, c.want)
				}
			}
			if len(asked) != 1 {
				t.Errorf("the details were asked for %d times, want once", len(asked))
			}
		})
	}
}

func TestPathsAndBodies(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]string{
		"v3": {
			"POST /base/crm/v3/objects/deals/batch/upsert", "PATCH /base/crm/v3/objects/deals/a%2Fb", "PUT /base/crm/v4/objects/deals/7/associations/default/companies/5",
			"POST /base/crm/v3/objects/deals/batch/read", "GET /base/crm/v3/pipelines/deals/default", "DELETE /base/crm/v3/objects/deals/7",
		},
		"2026-09": {
			"POST /base/crm/objects/2026-09/deals/batch/upsert", "PATCH /base/crm/objects/2026-09/deals/a%2Fb", "PUT /base/crm/objects/2026-09/deals/7/associations/default/companies/5",
			"POST /base/crm/objects/2026-09/deals/batch/read", "GET /base/crm/pipelines/2026-09/deals/default", "DELETE /base/crm/objects/2026-09/deals/7",
		},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			type seen struct {
				line string
				body []byte
			}
			calls := make(chan seen, 20)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				calls <- seen{r.Method + " " + r.URL.EscapedPath(), b}
				if r.Header.Get("Authorization") != "Bearer "+token {
					t.Errorf("authorization is %q", r.Header.Get("Authorization"))
				}
				fmt.Fprint(w, `{"id":"7","url":"https://x.example/7","results":[]}`)
			}))
			t.Cleanup(server.Close)
			hub := client(t, hubspot.Config{APIURL: server.URL + "/base", APIVersion: version})
			closing := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
			_, err := hub.Upsert(t.Context(), crm.OpportunityInput{Key: "k1", Name: "Seats", StageID: "s", Amount: &expansion.Money{Minor: 1_920_005, Currency: "USD"}, CloseDate: &closing})
			if e, ok := crm.AsError(err); !ok || e.Kind != crm.Unknown {
				t.Fatalf("upsert: %v", err)
			}
			for _, err := range []error{
				second(hub.Update(t.Context(), "a/b", crm.OpportunityInput{Name: "n"})), hub.Associate(t.Context(), "7", "5"),
				second(hub.FindByKey(t.Context(), []string{"k1"})), second(hub.Stages(t.Context())), hub.Archive(t.Context(), "7"),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			close(calls)
			var got []string
			for c := range calls {
				if len(got) == 0 {
					var in any
					if err := json.Unmarshal(c.body, &in); err != nil {
						t.Fatal(err)
					}
					body, err := json.Marshal(in)
					const want = `{"inputs":[{"id":"k1","idProperty":"expansion_opportunity_id","properties":{"amount":"19200.05","closedate":"2026-03-31T00:00:00.000Z","deal_currency_code":"USD","dealname":"Seats","dealstage":"s","expansion_opportunity_id":"k1","pipeline":"default"}}]}`
					if err != nil || string(body) != want {
						t.Errorf("the upsert sent\n%s\nwant\n%s", body, want)
					}
				}
				got = append(got, c.line)
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func ExampleNew() {
	hub, err := hubspot.New(hubspot.Config{Token: "service-key", APIVersion: "2026-09"})
	fmt.Println(hub.Name(), err)
	// Output: hubspot <nil>
}
