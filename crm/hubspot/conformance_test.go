package hubspot_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/crm"
	"expansionbot/crm/crmtest"
	"expansionbot/crm/hubspot"
	sandbox "expansionbot/sandbox/crm"
)

const token = "pat-sandbox"

// start is the sandbox CRM on loopback, mounted below a path as the product does it.
func start(t *testing.T) (*sandbox.Server, string) {
	t.Helper()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	s := sandbox.New(sandbox.Config{Token: token, Clock: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Millisecond)
		return at
	}})
	server := httptest.NewServer(http.StripPrefix("/hubspot", s.Handler()))
	t.Cleanup(server.Close)
	return s, server.URL + "/hubspot"
}

func client(t *testing.T, cfg hubspot.Config) *hubspot.Client {
	t.Helper()
	cfg.Token, cfg.CallsPerSecond = token, 10_000
	c, err := hubspot.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v3", "2026-03", "2026-09"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			crmtest.Exercise(t, func(t *testing.T) (crm.Client, crmtest.World) {
				s, url := start(t)
				return client(t, hubspot.Config{APIURL: url, APIVersion: version}), &world{t: t, s: s, owners: 70}
			})
		})
	}
}

// world is crmtest's view of the sandbox CRM.
type world struct {
	t      *testing.T
	s      *sandbox.Server
	owners int
}

func (w *world) AddAccount(name, domain string) string {
	return w.s.PutCompany(sandbox.Company{Name: name, Domain: domain})
}

func (w *world) AddOwner(email, name string, active bool) string {
	w.owners++
	first, last, _ := strings.Cut(name, " ")
	w.s.PutOwner(sandbox.Owner{ID: strconv.Itoa(w.owners), Email: email, First: first, Last: last, Archived: !active})
	return strconv.Itoa(w.owners)
}

func (w *world) AddOpportunity(accountID, name, stageID string) string {
	id, err := w.s.AddDeal(accountID, map[string]string{"dealname": name, "dealstage": stageID})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) Edit(id string, f crm.Field, value string) {
	name := map[crm.Field]string{crm.FieldStage: "dealstage", crm.FieldOwner: "hubspot_owner_id", crm.FieldAmount: "amount"}[f]
	if err := w.s.SetDealProperty(id, name, value); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Notes(id string) []string {
	var out []string
	for _, d := range w.s.Deals() {
		if d.ID == id {
			for _, n := range d.Notes {
				out = append(out, n.Body)
			}
		}
	}
	return out
}

func (w *world) Creates(key string) int { return w.s.CreatesByKey()[key] }

func (w *world) FailNext(f crmtest.Fault, n int) {
	kind := map[crmtest.Fault]string{
		crmtest.Throttled: sandbox.FaultSecondly, crmtest.DayUsedUp: sandbox.FaultDaily, crmtest.HTMLPage: sandbox.FaultHTML,
		crmtest.LostAnswer: sandbox.FaultStoredThenCut, crmtest.BadToken: sandbox.FaultAuth, crmtest.Hangs: sandbox.FaultHang,
	}[f]
	if err := w.s.FailNext(kind, n); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) LagSearch(d time.Duration) { w.s.SetReadLag(d) }
