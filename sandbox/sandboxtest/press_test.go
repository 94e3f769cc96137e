package sandboxtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"expansionbot/expansion"
	"expansionbot/sandbox/sandboxtest"
	"expansionbot/sandbox/world"
)

// presses is how many verbs the fuzz sends at least, and seen how often it must see each
// legal change of status.
const (
	presses = 1000
	seen    = 20
)

// Whatever right and wrong people press, twice, late and out of order: a signal keeps one
// owner and one opportunity, and a status only moves along the PRD's path.
func TestFuzzedPressesKeepOneOwnerAndOneOpportunity(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandboxtest.Options{Policy: quickPolicy(t)})
	f := &pressFuzz{t: t, s: s, rnd: rand.New(rand.NewPCG(7, 21)), moves: map[string]int{}, refused: map[expansion.Code]int{}}
	people, err := s.App.Store.People(t.Context())
	must(t, err)
	f.people = people
	for f.presses < presses || f.rarest() < seen {
		if f.routings > 400 {
			t.Fatalf("after %d routings and %d presses still only: %v", f.routings, f.presses, f.moves)
		}
		f.one()
	}
	var b strings.Builder
	for _, from := range statuses {
		for _, to := range statuses {
			if from.CanMove(to) {
				fmt.Fprintf(&b, "%-13s → %-13s %4d\n", from, to, f.moves[string(from)+">"+string(to)])
			}
		}
	}
	t.Logf("%d presses on %d routings, refused %v\n%s", f.presses, f.routings, f.refused, &b)
	if f.refused[expansion.CodeDenied] == 0 || f.refused[expansion.CodeConflict] == 0 || f.refused[expansion.CodeGone] == 0 {
		t.Errorf("no wrong person, no second or no late press was refused: %v", f.refused)
	}
}

var statuses = []expansion.RoutingStatus{expansion.Pending, expansion.Acknowledged, expansion.InProgress, expansion.Won, expansion.Lost}

type pressFuzz struct {
	t      testing.TB
	s      *sandboxtest.Sandbox
	rnd    *rand.Rand
	people []expansion.Person

	presses, routings int
	moves             map[string]int // "pending>acknowledged"
	refused           map[expansion.Code]int
}

// rarest is how often the least frequent legal change was seen.
func (f *pressFuzz) rarest() int {
	least := presses
	for _, from := range statuses {
		for _, to := range statuses {
			if from.CanMove(to) {
				least = min(least, f.moves[string(from)+">"+string(to)])
			}
		}
	}
	return least
}

// one routes a signal and presses on it until it is closed, and a few times after.
func (f *pressFuzz) one() {
	ctx := f.t.Context()
	accounts := world.Accounts()
	a := accounts[f.routings%len(accounts)]
	f.routings++
	id := f.post(a, expansion.SignalTypes[f.rnd.IntN(len(expansion.SignalTypes))])
	f.s.Until("the signal is routed", func() bool {
		rts, err := f.s.App.Store.RoutingsOf(ctx, id)
		return err == nil && len(rts) > 0
	})
	rt := f.live(id)
	opportunity := rt.OpportunityID
	for late := 0; late < 2; {
		if rt.Status.Final() {
			late++
		}
		before := rt
		// One to three people press at once.
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 1 + f.rnd.IntN(8)/6 {
			press := f.pick(rt)
			f.presses++
			wg.Go(func() {
				err := press(ctx)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					f.refused[expansion.CodeOf(err)]++
					if c := expansion.CodeOf(err); c == expansion.CodeInternal || c == "" {
						f.t.Errorf("a press broke: %v", err)
					}
				}
			})
		}
		wg.Wait()
		rt = f.check(id, before, opportunity)
	}
}

// post logs a signal as the account's CSM; without a review window it is routed at once.
func (f *pressFuzz) post(a world.Account, typ expansion.SignalType) expansion.SignalID {
	f.t.Helper()
	body, err := json.Marshal(map[string]any{
		"customerId": a.ID, "signalType": typ, "signalStrength": "strong", "source": "manual", "sourceReference": fmt.Sprintf("press-%d", f.routings),
		"what": "They asked for more of what they have.", "by": a.CSM + "@" + world.Domain,
	})
	must(f.t, err)
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.s.APIURL+"/api/expansion/signal", bytes.NewReader(body))
	must(f.t, err)
	req.Header.Set("Authorization", "Bearer "+f.s.APIToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	must(f.t, err)
	defer res.Body.Close()
	var got struct {
		ID     expansion.SignalID `json:"id"`
		Detail string             `json:"detail"`
	}
	must(f.t, json.NewDecoder(res.Body).Decode(&got))
	if got.ID == "" {
		f.t.Fatalf("POST signal: %s %s", res.Status, got.Detail)
	}
	return got.ID
}

func (f *pressFuzz) byEmail(handle string) expansion.PersonID {
	i := slices.IndexFunc(f.people, func(p expansion.Person) bool { return p.Email == handle+"@"+world.Domain })
	return f.people[i].ID
}

// live is the newest routing of a signal.
func (f *pressFuzz) live(id expansion.SignalID) expansion.Routing {
	rts, err := f.s.App.Store.RoutingsOf(f.t.Context(), id)
	must(f.t, err)
	if len(rts) == 0 {
		f.t.Fatalf("signal %s was not routed", id)
	}
	slices.SortFunc(rts, func(a, b expansion.Routing) int { return int(a.Number - b.Number) })
	return rts[len(rts)-1]
}

// pick chooses a press: mostly by the right person, on the version they may have seen.
func (f *pressFuzz) pick(rt expansion.Routing) func(context.Context) error {
	e := f.s.App.Engine
	by := rt.To
	if f.rnd.IntN(4) == 0 {
		by = f.people[f.rnd.IntN(len(f.people))].ID
	}
	version := max(0, rt.Version-int64(f.rnd.IntN(3)))
	switch n := f.rnd.IntN(20); {
	case n < 6:
		return func(ctx context.Context) error { return e.Acknowledge(ctx, by, rt.ID, version) }
	case n < 11:
		return func(ctx context.Context) error { return e.Start(ctx, by, rt.ID, version) }
	case n < 14:
		return func(ctx context.Context) error {
			return e.RecordOutcome(ctx, by, rt.ID, version, expansion.Outcome{Won: true})
		}
	case n < 17:
		return func(ctx context.Context) error {
			return e.RecordOutcome(ctx, by, rt.ID, version, expansion.Outcome{Reason: "price"})
		}
	case n < 19:
		to := f.people[f.rnd.IntN(len(f.people))].ID
		lena := f.byEmail("lena")
		return func(ctx context.Context) error {
			return e.Reassign(ctx, lena, rt.ID, version, to, "travelling", "")
		}
	}
	lena := f.byEmail("lena")
	return func(ctx context.Context) error { return e.Take(ctx, lena, rt.ID, version) }
}

// check holds a signal's routings against the promises and counts what moved.
func (f *pressFuzz) check(id expansion.SignalID, before expansion.Routing, opportunity expansion.OpportunityID) expansion.Routing {
	f.t.Helper()
	rts, err := f.s.App.Store.RoutingsOf(f.t.Context(), id)
	must(f.t, err)
	owners := 0
	for _, rt := range rts {
		if rt.Disposition == expansion.OnPath {
			owners++
		}
		if rt.OpportunityID != opportunity {
			f.t.Fatalf("%s has opportunity %s, its signal's first routing has %s", rt.Label(), rt.OpportunityID, opportunity)
		}
		if rt.ID == before.ID && rt.Status != before.Status {
			if !before.Status.CanMove(rt.Status) {
				f.t.Fatalf("%s went from %s to %s", rt.Label(), before.Status, rt.Status)
			}
			f.moves[string(before.Status)+">"+string(rt.Status)]++
		}
	}
	if owners != 1 {
		f.t.Fatalf("signal %s has %d owners, want 1", id, owners)
	}
	o, err := f.s.App.Store.Opportunity(f.t.Context(), opportunity)
	must(f.t, err)
	now := f.live(id)
	if o.Owner != now.To || o.RoutingID != now.ID {
		f.t.Fatalf("opportunity %s is owned by %s by %s, the live routing %s by %s", o.Label(), o.Owner, o.RoutingID, now.ID, now.To)
	}
	return now
}
