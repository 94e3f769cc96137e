package crm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"expansionbot/sandbox/crm"
)

func ExampleNew() {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := crm.New(crm.Config{Token: "pat-sandbox", Clock: func() time.Time { return now }})
	s.PutCompany(crm.Company{ID: "501", Name: "Brightwater Labs", Domain: "brightwater.example"})
	server := httptest.NewServer(http.StripPrefix("/hubspot", s.Handler()))
	defer server.Close()

	req, err := http.NewRequest("POST", server.URL+"/hubspot/crm/objects/2026-03/deals", strings.NewReader(`{"properties":{"dealname":"Seats","dealstage":"qualifiedtobuy"}}`))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer pat-sandbox")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	for _, d := range s.Deals() {
		fmt.Println(resp.StatusCode, d.Properties["dealname"], d.Properties["hs_deal_stage_probability"])
	}
	// Output: 201 Seats 0.4
}
