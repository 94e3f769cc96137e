package sandboxtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/blocks"
	"expansionbot/expansion"
	"expansionbot/sandbox/sandboxtest"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
	"expansionbot/store/storetest"
)

// What the fuzz does at least on each store: presses in Slack, and how often it sees each
// legal change of status. With EXPANSION_LONG it is twice that.
const (
	presses = 500
	seen    = 10
)

// The companies run side by side, each with its own Slack and CRM, because a bot keeps to
// the rates of those.
const companies = 2

// Whatever right and wrong people press, twice, late and out of order: a signal keeps one
// owner and one opportunity, and a status only moves along the PRD's path.
func TestFuzzedPressesKeepOneOwnerAndOneOpportunity(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.PostgresDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &pressFuzz{t: t, presses: presses, seen: seen, rnd: rand.New(rand.NewPCG(7, 21)), sent: map[string]int{}, heard: &refusals{by: map[string]int{}}}
			if os.Getenv("EXPANSION_LONG") != "" {
				f.presses, f.seen = 2*presses, 2*seen
			}
			for range companies {
				f.open(dsn(t))
			}
			f.run()
		})
	}
}

var statuses = []expansion.RoutingStatus{expansion.Pending, expansion.Acknowledged, expansion.InProgress, expansion.Won, expansion.Lost}

// step is what the person whose turn it is does next with a signal: the label of a button,
// or a stage set in the CRM.
type step string

const (
	acknowledge step = "Acknowledge"
	begin       step = "Start working"
	outcome     step = "Close as won/lost"
	won         step = "won" // outcome, filled so
	lost        step = "lost"
	notMine     step = "Not mine"
	notReal     step = "Not real"
	agree       step = "Agree"
	disagree    step = "Disagree, here's why"
	take        step = "I'll take it"
	reassign    step = "Reassign"
	undo        step = "Undo"
	routeNow    step = "Route now"
	crmBegin    step = "qualifiedtobuy" // a stage's id in the CRM
	crmWon      step = "closedwon"
	crmLost     step = "closedlost"
)

// ways from the first card to the end; together they take each legal change.
var ways = [][]step{
	{acknowledge, begin, won},
	{acknowledge, begin, lost},
	{acknowledge, won},
	{acknowledge, lost},
	{acknowledge, won},
	{acknowledge, lost},
	{crmBegin, won},
	{crmBegin, lost},
	{crmWon},
	{crmLost},
	{crmWon},
	{crmLost},
}

// detours before a way.
var detours = [][]step{
	nil,
	{notMine},
	nil,
	{notReal, disagree, reassign},
	nil,
	nil,
	{notReal, disagree, take},
	nil,
	{undo, routeNow},
	nil,
	{notMine, notMine},
	nil,
	{notReal, agree},
}

// modal says what a button's modal is called and how it is filled.
var modals = map[step]struct {
	callback string
	fill     map[string]string
}{
	won:      {blocks.CallbackOutcome, map[string]string{blocks.BlockResult: blocks.ResultWon, blocks.BlockARR: "12000", blocks.BlockReason: "need"}},
	lost:     {blocks.CallbackOutcome, map[string]string{blocks.BlockResult: blocks.ResultLost, blocks.BlockReason: "price"}},
	notMine:  {blocks.CallbackNotMine, map[string]string{blocks.BlockReason: blocks.NotMineTerritory}},
	notReal:  {blocks.CallbackNotReal, map[string]string{blocks.BlockReason: blocks.NotRealNoIntent, blocks.BlockLine: "pilot users only"}},
	disagree: {blocks.CallbackDisagree, map[string]string{blocks.BlockLine: "They asked for a quote."}},
	reassign: {blocks.CallbackReassign, map[string]string{blocks.BlockRecipient: "Aisha", blocks.BlockReason: "travelling"}},
}

// pressFuzz presses in some companies on one kind of store.
type pressFuzz struct {
	t         *testing.T
	presses   int // at least so many
	seen      int // and each legal change so often
	rnd       *rand.Rand
	companies []*pressed
	round     int
	dealt     int // signals so far, over all companies
	heard     *refusals

	mu   sync.Mutex
	sent map[string]int // presses by kind
	errs []string
}

// pressed is one company.
type pressed struct {
	f      *pressFuzz
	s      *sandboxtest.Sandbox
	watch  *storetest.Moves
	byID   map[expansion.PersonID]string // handles
	people []*presser
	cases  []*pressCase
	posted int
	polled chan error // the CRM is being read; nil = it is not
}

// presser is somebody who presses.
type presser struct {
	*sandboxtest.Person
	handle  string
	known   map[string]string
	buttons []sandboxtest.Button // all they ever saw, newest last
	form    *form                // the modal they have before them
	acts    int                  // in this round
	typing  bool                 // into a modal, in this round
	asked   map[string]int       // round in which they listed an account
}

type form struct {
	step   step
	since  int // round
	late   int // rounds it lies about
	random bool
}

// pressCase is one signal on its way.
type pressCase struct {
	id      expansion.SignalID
	account world.Account
	way     []step
	tries   int
	from    *expansion.Routing // when the step began
	live    expansion.Routing
}

// refusals counts what the bot refused, by code, and keeps what broke.
type refusals struct {
	mu     sync.Mutex
	by     map[string]int
	broken []string
}

func (r *refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r *refusals) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *refusals) WithGroup(string) slog.Handler            { return r }
func (r *refusals) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch rec.Message {
	case "slack call refused":
		rec.Attrs(func(a slog.Attr) bool {
			if a.Key == "code" {
				r.by[a.Value.String()]++
			}
			return a.Key != "code"
		})
	case "slack call failed", "interaction not worked", "slack handler panicked", "job panicked", "slack ack not sent":
		text := rec.Message
		rec.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		r.broken = append(r.broken, text)
	}
	return nil
}

// open starts a company. Everybody asks for help first: a shared copy of a card needs a
// conversation to be pressed in.
func (f *pressFuzz) open(dsn string) {
	s := sandboxtest.Start(f.t, sandboxtest.Options{DSN: dsn, Policy: quickPolicy(f.t), Log: slog.New(f.heard)})
	c := &pressed{f: f, s: s, watch: storetest.WatchMoves(f.t, dsn), byID: map[expansion.PersonID]string{}}
	people, err := s.App.Store.People(f.t.Context())
	must(f.t, err)
	for _, p := range people {
		handle, _, _ := strings.Cut(p.Email, "@")
		c.byID[p.ID] = handle
	}
	for _, p := range world.Cast() {
		who := &presser{Person: s.As(p.Handle), handle: p.Handle, known: map[string]string{}, asked: map[string]int{}}
		who.Command("help").Expect("What I understand")
		c.people = append(c.people, who)
	}
	f.companies = append(f.companies, c)
}

func (f *pressFuzz) run() {
	began := time.Now()
	for {
		moves := f.moves()
		total := f.total()
		least := f.rarest(moves)
		if total >= f.presses && least >= f.seen && f.covered() {
			break
		}
		if f.round++; f.round > 600 {
			f.t.Fatalf("after %d rounds, %d presses and %d signals still only: %v", f.round, total, f.dealt, moves)
		}
		var acts []func()
		for _, c := range f.companies {
			acts = append(acts, c.plan(total < f.presses)...)
		}
		var wg sync.WaitGroup
		for _, act := range acts {
			wg.Go(act)
		}
		wg.Wait()
		for _, c := range f.companies {
			c.s.Until("every press is worked", func() bool { return c.watch.Unworked() == 0 })
		}
		f.fail()
	}
	routings := 0
	for _, c := range f.companies {
		if c.polled != nil {
			must(f.t, <-c.polled)
		}
		for _, k := range c.cases {
			routings += c.check(k, true)
		}
		for key, n := range c.s.CRM.CreatesByKey() {
			if n != 1 {
				f.t.Errorf("%d records were made in the CRM for opportunity %s", n, key)
			}
		}
	}
	f.report(routings, time.Since(began))
}

// fail ends the test when something broke.
func (f *pressFuzz) fail() {
	f.t.Helper()
	f.heard.mu.Lock()
	defer f.heard.mu.Unlock()
	if all := append(f.errs, f.heard.broken...); len(all) > 0 {
		f.t.Fatalf("round %d:\n%s", f.round, strings.Join(all, "\n"))
	}
}

func (f *pressFuzz) total() int {
	n := 0
	for kind, x := range f.sent {
		if kind != "look" {
			n += x
		}
	}
	return n
}

// moves counts the changes of status over all companies and holds each against the path.
func (f *pressFuzz) moves() map[[2]expansion.RoutingStatus]int {
	out := map[[2]expansion.RoutingStatus]int{}
	for _, c := range f.companies {
		for _, m := range c.watch.All() {
			switch {
			case m.From == m.To && m.Was == expansion.OnPath:
			case m.Was != expansion.OnPath || m.Is != expansion.OnPath:
				f.t.Fatalf("routing %s went from %s %q to %s %q: who left the path stays where they left it", m.Routing, m.From, m.Was, m.To, m.Is)
			case !m.From.CanMove(m.To):
				f.t.Fatalf("routing %s went from %s to %s", m.Routing, m.From, m.To)
			default:
				out[[2]expansion.RoutingStatus{m.From, m.To}]++
			}
		}
	}
	return out
}

// legal lists the changes of the PRD's path.
func legal() (out [][2]expansion.RoutingStatus) {
	for _, from := range statuses {
		for _, to := range statuses {
			if from.CanMove(to) {
				out = append(out, [2]expansion.RoutingStatus{from, to})
			}
		}
	}
	return out
}

// rarest is how often the least frequent legal change was seen.
func (f *pressFuzz) rarest(moves map[[2]expansion.RoutingStatus]int) int {
	least := f.presses
	for _, m := range legal() {
		least = min(least, moves[m])
	}
	return least
}

// covered reports whether each way to hand a routing on was carried out.
func (f *pressFuzz) covered() bool {
	done := f.verbs()
	for _, verb := range []string{"not_mine", "not_real", "not_real_disagreed", "reassigned", "taken", "recalled"} {
		if done[verb] == 0 {
			return false
		}
	}
	return true
}

// verbs counts what people carried out.
func (f *pressFuzz) verbs() map[string]int {
	out := map[string]int{}
	for _, c := range f.companies {
		for after := int64(0); ; {
			as, err := c.s.App.Store.ActivitiesAfter(f.t.Context(), after, 1000)
			must(f.t, err)
			if len(as) == 0 {
				break
			}
			for _, a := range as {
				if after = a.ID; a.Agent == expansion.Human {
					out[a.Verb]++
				}
			}
		}
	}
	return out
}

func (f *pressFuzz) report(routings int, took time.Duration) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d presses in Slack on %d signals and %d routings in %d rounds, %s\n", f.t.Name(), f.total(), f.dealt, routings, f.round, took.Round(time.Second))
	list := func(title string, counts map[string]int) {
		fmt.Fprintf(&b, "%s:", title)
		for _, k := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&b, " %s %d,", k, counts[k])
		}
		b.WriteString("\n")
	}
	list("sent", f.sent)
	f.heard.mu.Lock()
	list("refused", f.heard.by)
	for _, code := range []expansion.Code{expansion.CodeDenied, expansion.CodeConflict, expansion.CodeGone} {
		if f.heard.by[string(code)] == 0 {
			f.t.Errorf("nothing was refused as %s", code)
		}
	}
	f.heard.mu.Unlock()
	list("carried out", f.verbs())
	moves := f.moves()
	for _, m := range legal() {
		fmt.Fprintf(&b, "%-13s → %-13s %4d\n", m[0], m[1], moves[m])
	}
	f.t.Log(b.String())
}

// one does a press and counts it.
func (f *pressFuzz) one(kind string, press func(context.Context) (slack.Outcome, error)) {
	out, err := press(context.Background())
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.errs = append(f.errs, fmt.Sprintf("%s: %v", kind, err))
	case out.Text != "":
		f.errs = append(f.errs, fmt.Sprintf("%s: %s", kind, out.Text))
	default:
		f.sent[kind]++
	}
}

func (f *pressFuzz) oneIn(n int) bool { return f.rnd.IntN(n) == 0 }

// plan is what the company's people do at once in this round. noise adds the wrong
// people, the old cards and the second presses.
func (c *pressed) plan(noise bool) (acts []func()) {
	f := c.f
	for _, p := range c.people {
		p.acts, p.typing = 0, false
		p.buttons = append(p.buttons, p.News(p.known)...)
		acts = append(acts, c.answer(p)...)
	}
	open := 0
	for _, k := range c.cases {
		c.check(k, false)
		if c.advance(k); len(k.way) > 0 {
			open++
		}
	}
	for open < 12 { // as many in flight as there are accounts
		c.deal()
		open++
	}
	order := slices.Clone(c.cases)
	f.rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, k := range order {
		if len(k.way) > 0 {
			acts = append(acts, c.proceed(k)...)
		}
	}
	if noise {
		for _, p := range c.people {
			acts = append(acts, c.disturb(p)...)
		}
	}
	if c.polled != nil {
		select {
		case err := <-c.polled:
			must(f.t, err)
			c.polled = nil
		default:
		}
	}
	if c.polled == nil {
		c.polled = make(chan error, 1)
		go func() { c.polled <- c.s.App.Engine.Poll(context.Background()) }()
	}
	return acts
}

// deal logs a signal as the account's CSM; without a review window it is routed at once.
func (c *pressed) deal() {
	f, accounts := c.f, world.Accounts()
	n, i := f.dealt, c.posted
	c.posted++
	k := &pressCase{account: accounts[i%len(accounts)]}
	k.way = append(slices.Clone(detours[n%len(detours)]), ways[n%len(ways)]...)
	typ := expansion.SignalTypes[i/len(accounts)%len(expansion.SignalTypes)]
	body, err := json.Marshal(map[string]any{
		"customerId": k.account.ID, "signalType": typ, "signalStrength": "strong", "source": "manual", "sourceReference": fmt.Sprintf("press-%d", i),
		"what": "They asked for more of what they have.", "by": k.account.CSM + "@" + world.Domain,
	})
	must(f.t, err)
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, c.s.APIURL+"/api/expansion/signal", bytes.NewReader(body))
	must(f.t, err)
	req.Header.Set("Authorization", "Bearer "+c.s.APIToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	must(f.t, err)
	defer res.Body.Close()
	var got struct {
		ID     expansion.SignalID `json:"id"`
		Detail string             `json:"detail"`
	}
	must(f.t, json.NewDecoder(res.Body).Decode(&got))
	if k.id = got.ID; k.id == "" {
		f.t.Fatalf("POST signal: %s %s", res.Status, got.Detail)
	}
	if slices.ContainsFunc(c.cases, func(x *pressCase) bool { return x.id == k.id }) {
		return // it was added to one that is open
	}
	f.dealt++
	c.cases = append(c.cases, k)
}

// check holds a signal's routings against the promises, keeps the live one in k and
// returns how many there are. Nothing may be under way when it is the last look.
func (c *pressed) check(k *pressCase, last bool) int {
	t := c.f.t
	t.Helper()
	signal, err := c.s.App.Store.Signal(t.Context(), k.id)
	must(t, err)
	rts, err := c.s.App.Store.RoutingsOf(t.Context(), k.id)
	must(t, err)
	if len(rts) == 0 {
		return 0
	}
	slices.SortFunc(rts, func(a, b expansion.Routing) int { return int(a.Number - b.Number) })
	owners := 0
	for i, rt := range rts {
		if rt.Disposition == expansion.OnPath {
			owners++
		}
		if i > 0 && rts[i-1].Disposition != expansion.Recalled && rt.OpportunityID != rts[i-1].OpportunityID {
			t.Fatalf("%s has opportunity %s, %s before it %s", rt.Label(), rt.OpportunityID, rts[i-1].Label(), rts[i-1].OpportunityID)
		}
	}
	k.live = rts[len(rts)-1]
	want := 1
	if k.live.Disposition != expansion.OnPath {
		want = 0
	}
	if owners != want {
		t.Fatalf("signal %s has %d owners, want %d", k.id, owners, want)
	}
	if k.live.Disposition == expansion.Rerouted && (signal.Status == expansion.Routed || signal.Status == expansion.Confirmed && signal.Waiting == expansion.WaitNone) {
		t.Fatalf("%s was rerouted to nobody", k.live.Label())
	}
	if last && k.live.Disposition == expansion.OnPath {
		o, err := c.s.App.Store.Opportunity(t.Context(), k.live.OpportunityID)
		must(t, err)
		if o.Owner != k.live.To || o.RoutingID != k.live.ID {
			as, err := c.s.App.Store.Activities(t.Context(), k.id)
			must(t, err)
			var log strings.Builder
			for _, a := range as {
				fmt.Fprintf(&log, "%s %s %s %s %v\n", a.At.Format("15:04:05.000"), a.Verb, a.RoutingID, c.byID[a.Person], a.Args)
			}
			t.Fatalf("opportunity %s is owned by %s by %s, the live routing %s by %s:\n%s", o.Label(), c.byID[o.Owner], o.RoutingID, k.live.ID, c.byID[k.live.To], &log)
		}
	}
	return len(rts)
}

// advance drops the steps that are done or can no longer be.
func (c *pressed) advance(k *pressCase) {
	if k.live.ID == "" {
		return
	}
	for len(k.way) > 0 {
		rt := k.live
		if k.from == nil {
			k.from, k.tries = &rt, 0
		}
		over := rt.Status.Final() || rt.Disposition == expansion.Rejected || rt.Disposition == expansion.Rerouted // with nobody to take it
		var done bool
		switch k.way[0] {
		case acknowledge:
			done = rt.Status != expansion.Pending
		case begin, crmBegin:
			done = rt.Status == expansion.InProgress
		case notMine, reassign, take:
			done = rt.ID != k.from.ID
		case notReal:
			done = rt.SalesFeedback != nil
		case disagree:
			done = rt.EscalatedTo != ""
		case undo:
			done = rt.Disposition == expansion.Recalled
		case routeNow:
			done = rt.Disposition == expansion.OnPath
		}
		if over || rt.Disposition == expansion.Recalled && k.way[0] != routeNow && k.way[0] != undo {
			k.way = nil
			return
		}
		if !done && k.tries < 40 {
			return
		}
		k.way, k.from = k.way[1:], nil
	}
}

// proceed lets the person whose turn it is take the signal's next step.
func (c *pressed) proceed(k *pressCase) (acts []func()) {
	f, rt := c.f, k.live
	if rt.ID == "" {
		return nil
	}
	next := k.way[0]
	switch next {
	case crmBegin, crmWon, crmLost:
		k.tries++
		o, err := c.s.App.Store.Opportunity(f.t.Context(), rt.OpportunityID)
		must(f.t, err)
		if o.CRMID != "" && k.tries%10 == 1 {
			must(f.t, c.s.CRM.SetDealProperty(o.CRMID, "dealstage", string(next)))
		}
		if o.CRMID == "" {
			k.tries = 0 // it waits its turn at the CRM
		}
		return nil
	}
	label, who, subject := string(next), c.byID[rt.To], string(rt.ID)
	switch next {
	case won, lost:
		label = string(outcome)
	case agree, disagree, undo:
		who = k.account.CSM
	case routeNow:
		who, subject = k.account.CSM, string(k.id)
	case take, reassign:
		who = "lena"
	}
	p := c.person(who)
	b, ok := p.last(label, subject)
	if ok && label == string(outcome) && (p.form != nil || p.typing) {
		// Sales management and RevOps may say how it ended, too: on a copy of the seller's card.
		for _, who := range []string{"ravi", "ines", "lena"} {
			if x := c.person(who); x.form == nil && !x.typing {
				p = x
			}
		}
	}
	if p.acts >= 3 || modals[next].callback != "" && (p.form != nil || p.typing) {
		return nil
	}
	if !ok {
		return c.look(p, k)
	}
	k.tries++
	p.acts++
	acts = append(acts, c.press(p, b, next, false)...)
	if f.oneIn(4) { // somebody else at the same time, on a copy of the same card
		acts = append(acts, c.press(c.people[f.rnd.IntN(len(c.people))], b, next, true)...)
	}
	return acts
}

// look gets the case as it stands now: the person lists the account and opens the row.
func (c *pressed) look(p *presser, k *pressCase) []func() {
	f := c.f
	p.acts++
	if b, ok := p.last("Open", string(k.id)); ok {
		return []func(){func() {
			f.one("look", func(ctx context.Context) (slack.Outcome, error) { return p.PressSeen(ctx, b) })
		}}
	}
	if at, ok := p.asked[k.account.ID]; ok && f.round-at < 3 {
		return nil
	}
	p.asked[k.account.ID] = f.round
	return []func(){func() {
		f.one("look", func(ctx context.Context) (slack.Outcome, error) { return p.Type(ctx, "list account: "+k.account.Name) })
	}}
}

func (c *pressed) person(handle string) *presser {
	return c.people[slices.IndexFunc(c.people, func(p *presser) bool { return p.handle == handle })]
}

// last is the newest button with that label on that routing or signal that p saw.
func (p *presser) last(label, subject string) (sandboxtest.Button, bool) {
	for _, b := range slices.Backward(p.buttons) {
		if b.Label == label && on(b) == subject {
			return b, true
		}
	}
	return sandboxtest.Button{}, false
}

// on is the id a button is about.
func on(b sandboxtest.Button) string {
	if _, id, _, err := blocks.ParseChoice(b.Value); err == nil {
		return id
	}
	id, _, _ := blocks.ParseValue(b.Value)
	return id
}

// press lets p press b, now and then twice at once. What opens a modal is filled and sent
// in a later round.
func (c *pressed) press(p *presser, b sandboxtest.Button, next step, random bool) (acts []func()) {
	f := c.f
	kind := "card"
	if random {
		kind = "old or not theirs"
	}
	one := func() {
		f.one(kind, func(ctx context.Context) (slack.Outcome, error) { return p.PressSeen(ctx, b) })
	}
	if modals[next].callback != "" {
		if p.form != nil || p.typing {
			return nil
		}
		p.form = &form{step: next, since: f.round, random: random}
		if f.oneIn(4) {
			p.form.late = 1 + f.rnd.IntN(4)
		}
		return []func(){one}
	}
	acts = append(acts, one)
	if f.oneIn(4) {
		kind = "twice at once"
		acts = append(acts, one)
	}
	return acts
}

// answer sends the modal p has before them, once it is there and has lain about.
func (c *pressed) answer(p *presser) []func() {
	f, m := c.f, p.Top()
	if p.form == nil {
		return nil
	}
	if f.round-p.form.since > 20 || m != nil && m.Callback() != modals[p.form.step].callback {
		p.form, p.typing = nil, true
		return []func(){func() { _ = p.Close(context.Background()) }}
	}
	if m == nil || f.round-p.form.since < p.form.late {
		return nil
	}
	step, kind := p.form.step, "modal"
	switch {
	case p.form.late > 0:
		kind = "late modal"
	case p.form.random:
		kind = "modal not theirs"
	}
	again := p.form
	p.form, p.typing = nil, true
	fill := maps.Clone(modals[step].fill)
	if step == reassign {
		fill[blocks.BlockRecipient] = []string{"Aisha", "Ben", "Dana", "Marcus", "Tomoko"}[f.rnd.IntN(5)]
	}
	twice := f.oneIn(4)
	return []func(){func() {
		if err := m.Fill(context.Background(), fill); err != nil {
			f.one(kind, func(context.Context) (slack.Outcome, error) { return slack.Outcome{}, err })
			return
		}
		var wg sync.WaitGroup
		if twice {
			wg.Go(func() {
				if out, err := m.Send(context.Background()); err == nil && out.Text == "" { // an error: the first had closed it
					f.one("modal twice at once", func(context.Context) (slack.Outcome, error) { return out, nil })
				}
			})
		}
		out, err := m.Send(context.Background())
		wg.Wait()
		if err != nil && twice {
			return // the second was faster
		}
		if text := strings.Join(slices.Collect(maps.Values(out.FieldErrors)), " "); strings.Contains(text, "press again") {
			p.form = again // the bot was too busy to keep it; the person tries once more
			f.one("look", func(context.Context) (slack.Outcome, error) { return slack.Outcome{}, nil })
			return
		} else if text != "" {
			err = fmt.Errorf("%s: %v", step, out.FieldErrors)
		}
		f.one(kind, func(context.Context) (slack.Outcome, error) { return out, err })
	}}
}

// random are the labels pressed without reason, and what their modal is filled with.
var random = map[string]step{
	"Acknowledge": acknowledge, "Start working": begin, "Not mine": notMine, "Not real": notReal, "Close as won/lost": lost,
	"I'll take it": take, "Reassign": reassign, "Agree": agree, "Disagree, here's why": disagree, "Undo": undo, "Route now": routeNow, "Remind me in 2 h": "Remind me in 2 h",
}

// disturb lets p press something out of order: an old card of their own, or a copy of
// somebody else's.
func (c *pressed) disturb(p *presser) []func() {
	f := c.f
	if !f.oneIn(2) {
		return nil
	}
	from := c.people[f.rnd.IntN(len(c.people))]
	if f.oneIn(2) {
		from = p
	}
	for range 20 {
		if len(from.buttons) == 0 {
			break
		}
		b := from.buttons[f.rnd.IntN(len(from.buttons))]
		next, ok := random[b.Label]
		if ok && (from != p || b.Label != "Not real" && b.Label != "Undo" && b.Label != "Close as won/lost" || f.oneIn(4)) {
			return c.press(p, b, next, true)
		}
	}
	return nil
}
