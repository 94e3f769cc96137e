package sandboxtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/mail"
	"expansionbot/sandbox/slack"
	"expansionbot/sandbox/world"
	"expansionbot/store/storetest"
)

// killWindow is a place in the loop where `serve` is killed.
type killWindow struct {
	name  string
	point string // pause point; "" = the test kills by itself
	// run does one kill: it brings the process to the place, kills it, starts it again
	// and waits until the work is done. It returns the process that had to resume.
	run func(v *victim, point string) *process
	ci  string // store on which CI tries it once, "" = only make kill
}

var killWindows = []killWindow{
	{"inbox write", "pause:inbox_write", killAtPress, ""},
	{"inbox kept, not acked", "pause:inbox_kept", killAtPress, "sqlite"},
	{"press worked, not marked", "pause:inbox_worked", killAtWorked, "postgres"},
	{"press not saved", "", killAtNotSaved, ""},
	{"ingest", "pause:ingest", killAtPost, ""},
	{"Decide", "pause:decided", killAtPost, ""},
	{"Route, not committed", "pause:route_commit", killAtPost, "sqlite"},
	{"Route, committed", "pause:route_kept", killAtPost, ""},
	{"Slack claimed", "pause:slack_sending", killAtPost, ""},
	{"Slack answered", "pause:slack_answered", killAtPost, "postgres"},
	{"Slack committed", "pause:slack_committed", killAtPost, ""},
	{"mail claimed", "pause:email_sending", killAtPost, ""},
	{"mail answered", "pause:email_answered", killAtPost, ""},
	{"mail committed", "pause:email_committed", killAtPost, ""},
	{"CRM claimed", "pause:crm_sending", killAtPost, ""},
	{"CRM answered", "pause:crm_answered", killAtPost, "sqlite"},
	{"CRM committed", "pause:crm_committed", killAtPost, ""},
	{"Slack's answer lost", "", killAtLostAnswer(func(v *victim) { v.w.Slack.FailNext("chat.postMessage", slack.AcceptThenCut, 1) }), ""},
	{"mail's answer lost", "", killAtLostAnswer(func(v *victim) { must(v.t, v.w.Mail.FailNext(mail.FaultStoredThenCut, 1)) }), ""},
	{"CRM's answer lost", "", killAtLostAnswer(func(v *victim) { must(v.t, v.w.CRM.FailNext(crm.FaultStoredThenCut, 1)) }), ""},
	{"acknowledge", "pause:acknowledge", killAtAcknowledge, "postgres"},
	{"escalation mark", "pause:escalation", killAtEscalation, ""},
	{"outcome", "pause:outcome", killAtOutcome, ""},
	{"random instants", "", nil, ""},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// killAtPost: the process dies while it works a new signal.
func killAtPost(v *victim, point string) *process {
	c := v.next()
	v.start(point + "@1")
	answered := make(chan error, 1)
	go func() { answered <- v.post(c) }()
	v.atPause()
	v.kill()
	<-answered // an error, or the signal if its answer was out already
	v.start("")
	v.posted(c)
	v.handedOff(c)
	return v.proc
}

// routedCase is a case that was handed off by an undisturbed process.
func (v *victim) routedCase(point string) *signalCase {
	c := v.next()
	v.start(point)
	v.posted(c)
	v.handedOff(c)
	v.until("the card is there", func() bool { _, _, ok := v.card(c); return ok })
	return c
}

// killAtPress: the process dies while it keeps a press. Slack heard no ack, so the
// person presses again.
func killAtPress(v *victim, point string) *process {
	c := v.routedCase(point + "@1")
	pressed := make(chan error, 1)
	go func() { _, err := v.press(context.Background(), c, "Acknowledge"); pressed <- err }()
	v.atPause()
	v.kill()
	must(v.t, <-pressed)
	v.start("")
	if point == "pause:inbox_kept" { // it was kept: it takes effect without another press
		v.until("the kept press takes effect", func() bool { return v.verbs(c)["acknowledged"] == 1 })
		return v.proc
	}
	if n := v.verbs(c)["acknowledged"]; n != 0 {
		v.t.Errorf("a press that was never kept took effect")
	}
	v.acknowledge(c)
	return v.proc
}

// acknowledge presses, hears the ack, and waits for the effect.
func (v *victim) acknowledge(c *signalCase) {
	v.t.Helper()
	out, err := v.press(context.Background(), c, "Acknowledge")
	must(v.t, err)
	if out.Text != "" {
		v.t.Fatalf("case %d: %s", c.n, out.Text)
	}
	c.acked = true
	v.until("the press takes effect", func() bool { return v.verbs(c)["acknowledged"] == 1 })
}

// killAtAcknowledge: the press was acked, the process dies while it works it.
func killAtAcknowledge(v *victim, point string) *process {
	c := v.routedCase(point + "@1")
	out, err := v.press(context.Background(), c, "Acknowledge")
	must(v.t, err)
	c.acked = out.Text == ""
	v.atPause()
	v.kill()
	v.start("")
	v.until("the press takes effect", func() bool { return v.verbs(c)["acknowledged"] == 1 })
	return v.proc
}

// killAtWorked: the press took effect and the process dies before it is marked as worked.
// The next process works it again, which must not be seen.
func killAtWorked(v *victim, point string) *process {
	c := v.routedCase(point + "@1")
	out, err := v.press(context.Background(), c, "Remind me in 2 h")
	must(v.t, err)
	if out.Text != "" {
		v.t.Fatalf("case %d: %s", c.n, out.Text)
	}
	v.atPause()
	left := v.db.Left()
	v.kill()
	v.start("")
	v.until("the press is worked to its end", func() bool { return v.db.Picked(left, false) })
	if n := v.verbs(c)["remind_asked"]; n != 1 {
		v.t.Errorf("case %d: one press asked for %d reminders", c.n, n)
	}
	return v.proc
}

// killAtNotSaved: the store takes nothing while somebody presses. They are told so in
// time, and the process dies; nothing came of the press.
func killAtNotSaved(v *victim, _ string) *process {
	c := v.routedCase("")
	user, _, _ := v.card(c)
	before := v.notSaved(user)
	release := storetest.Block(v.t, v.dsn)
	defer release()
	out, err := v.press(context.Background(), c, "Acknowledge")
	must(v.t, err)
	if out.Text != "" {
		v.t.Errorf("case %d: a press that cannot be saved is not acked: %s", c.n, out.Text)
	}
	v.until("the presser is told that it was not saved", func() bool { return v.notSaved(user) > before })
	v.kill()
	release()
	v.start("")
	v.until("the log can be read", func() bool { _, err := v.logLines(); return err == nil })
	if n := v.verbs(c)["acknowledged"]; n != 0 {
		v.t.Errorf("case %d: a press that was not saved took effect", c.n)
	}
	v.acknowledge(c)
	return v.proc
}

// notSaved counts how often a person was told that their press was not saved.
func (v *victim) notSaved(user string) (n int) {
	for _, m := range v.w.Slack.Messages(user, v.w.Slack.BotDM(user)) {
		if m.Ephemeral && strings.HasPrefix(m.Text, "Not saved") {
			n++
		}
	}
	return n
}

// killAtEscalation: the 48 h mark is reached and the process dies while it acts on it.
func killAtEscalation(v *victim, point string) *process {
	c := v.routedCase(point + "@1")
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		// The killed follower ends this with or without an error; the time has moved.
		_ = v.w.Clock.Advance(context.Background(), v.w.Clock.Now().Add(48*time.Hour+time.Minute))
	}()
	v.atPause()
	v.kill()
	<-moved
	v.start("")
	v.until("the mark is acted on", func() bool { return v.verbs(c)["escalated"] >= 1 })
	if n := v.verbs(c)["escalated"]; n != 1 {
		v.t.Errorf("case %d escalated %d times at one mark", c.n, n)
	}
	p := v.proc
	v.acknowledge(c) // or the next case's mark is reached together with this one's next
	return p
}

// killAtOutcome: the opportunity was won in the CRM, the process dies while it takes
// that over.
func killAtOutcome(v *victim, point string) *process {
	c := v.routedCase(point + "@1")
	v.acknowledge(c)
	deals := v.w.CRM.Deals()
	must(v.t, v.w.CRM.SetDealProperty(deals[len(deals)-1].ID, "dealstage", "closedwon"))
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		_ = v.w.Clock.Advance(context.Background(), v.w.Clock.Now().Add(2*time.Minute))
	}()
	v.atPause()
	v.kill()
	<-moved
	v.start("")
	v.until("the outcome is taken over", func() bool { return v.verbs(c)["won"] == 1 })
	return v.proc
}

// killAtLostAnswer: something outside kept what it was sent, the answer is lost, and the
// process dies before it has looked.
func killAtLostAnswer(fault func(*victim)) func(*victim, string) *process {
	return func(v *victim, _ string) *process {
		c := v.next()
		v.start("")
		mails, deals := len(v.w.Mail.Messages()), len(v.w.CRM.Deals())
		fault(v)
		v.posted(c)
		v.until("all three have it", func() bool {
			_, _, ok := v.card(c)
			return ok && len(v.w.Mail.Messages()) > mails && len(v.w.CRM.Deals()) > deals
		})
		v.kill()
		v.start("")
		v.handedOff(c)
		return v.proc
	}
}

// killAtRandom kills n times at any instant while signals come in and every seller
// presses on their cards without a pause, up to the kill and beyond it.
func killAtRandom(v *victim, n int, row *killRow) {
	rnd := rand.New(rand.NewPCG(20, uint64(len(v.dsn))))
	var open []*signalCase
	v.start("")
	for i := range n {
		fresh := []*signalCase{v.next(), v.next()}
		ctx, stop := context.WithCancel(context.Background())
		var busy sync.WaitGroup
		busy.Go(func() {
			for _, c := range fresh {
				_ = v.post(c) // posted again below
			}
		})
		for user, cases := range v.bySeller(open) {
			busy.Go(func() { v.pressOn(ctx, cases, rand.New(rand.NewPCG(uint64(i), uint64(len(user)+len(cases))))) })
		}
		<-time.After(time.Duration(20+rnd.IntN(1200)) * time.Millisecond) // any instant
		v.kill()
		stop()
		busy.Wait()
		left := v.db.Left()
		v.start("")
		// What was claimed by the dead is tried again after the claim's own 20 s.
		whole := i%6 == 5
		v.until("what the killed process left is worked", func() bool { return v.db.Picked(left, whole) })
		row.resumed(v.proc)
		for _, c := range fresh {
			v.posted(c)
		}
		open = append(open, fresh...)
		row.kills++
	}
	for _, c := range v.cases {
		v.handedOff(c)
	}
}

// bySeller groups cases by who has the card.
func (v *victim) bySeller(cases []*signalCase) map[string][]*signalCase {
	out := map[string][]*signalCase{}
	for _, c := range cases {
		if user, _, ok := v.card(c); ok {
			out[user] = append(out[user], c)
		}
	}
	return out
}

// pressOn presses on a seller's cards, one press after the other, until ctx ends: a few
// reminders, then Acknowledge, then Start working. What was not acked is pressed again.
func (v *victim) pressOn(ctx context.Context, cases []*signalCase, rnd *rand.Rand) {
	pace := time.NewTicker(60 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		c, label := cases[rnd.IntN(len(cases))], "Remind me in 2 h"
		if rnd.IntN(4) == 0 {
			label = "Acknowledge"
		}
		_, err := v.press(ctx, c, label)
		if errors.Is(err, errNoButton) {
			_, err = v.press(ctx, c, "Start working")
		}
		if err != nil && !errors.Is(err, errNoButton) && ctx.Err() == nil {
			v.t.Errorf("case %d: %v", c.n, err)
		}
	}
}

// killRow is a line of the table.
type killRow struct {
	store, window                string
	kills, signals, deals, cards int
	ids, mails, repeats          int
	presses                      int // acked by Slack's measure
	refused                      int // of them: answered with why they change nothing
	notSaved                     int // of them: answered with "not saved"
	inbox                        int // rows, with those whose ack was not heard
	slowest                      time.Duration
}

func (r *killRow) resumed(p *process) {
	r.slowest = max(r.slowest, time.Since(p.began))
}

// audit stops the product and holds what is outside against the store.
func (v *victim) audit(r *killRow) {
	t := v.t
	v.until("no job is left", func() bool {
		_, err := v.logLines()
		return err == nil && v.idle()
	})
	v.kill()
	ctx := context.Background()
	s := storetest.Open(t, v.dsn, v.w.Clock)
	jobs, err := s.JobsByState(ctx)
	must(t, err)
	if n := jobs["discarded"] + jobs["available"] + jobs["running"]; n > 0 {
		t.Errorf("jobs lost or left: %v", jobs)
	}
	want := map[string]bool{}
	for _, c := range v.cases {
		rts, err := s.RoutingsOf(ctx, expansion.SignalID(c.id))
		must(t, err)
		if len(rts) != 1 {
			t.Errorf("case %d: %d routings, want 1", c.n, len(rts))
		}
		for _, rt := range rts {
			want[string(rt.OpportunityID)] = true
			if c.acked && rt.AcknowledgedAt == nil {
				t.Errorf("case %d: the press was acked and had no effect", c.n)
			}
		}
		v.auditLog(s.Activities(ctx, expansion.SignalID(c.id)))
	}
	v.auditPresses(r)
	for _, what := range append(v.db.Lost(v.w.Clock.Now()), v.db.Unlogged()...) {
		t.Error(what)
	}
	r.signals = len(v.cases)
	v.auditOutside(r, want)
	if len(want) != len(v.cases) || r.mails != len(v.cases) {
		t.Errorf("%d opportunities and %d Message-IDs of %d signals", len(want), r.mails, len(v.cases))
	}
	must(t, s.Close())
}

// auditOutside holds what Slack, the CRM and the mailbox have against the opportunity ids
// that were made: one record each, one live message a card, one Message-ID a mail.
func (v *victim) auditOutside(r *killRow, want map[string]bool) {
	t := v.t
	r.ids = len(want)
	for key, n := range v.w.CRM.CreatesByKey() {
		r.deals += n
		if n != 1 || !want[key] {
			t.Errorf("opportunity %s was created %d times", key, n)
		}
	}
	if r.deals != len(want) {
		t.Errorf("%d opportunities created for %d distinct ids", r.deals, len(want))
	}
	keys := map[string]int{}
	for _, p := range world.Cast() {
		for _, m := range v.w.Slack.Messages(p.SlackID, v.w.Slack.BotDM(p.SlackID)) {
			var meta struct {
				Payload struct {
					Key string `json:"key"`
				} `json:"event_payload"`
			}
			if m.BotID == "" || m.Deleted || len(m.Metadata) == 0 || json.Unmarshal(m.Metadata, &meta) != nil || meta.Payload.Key == "" {
				continue
			}
			keys[meta.Payload.Key]++
			if keys[meta.Payload.Key] > 1 {
				t.Errorf("%s has a message twice: %s", p.Handle, m.Text)
			}
		}
	}
	r.cards = len(keys)
	ids := v.w.Mail.CountByMessageID()
	r.mails = len(ids)
	for _, n := range ids {
		r.repeats += n - 1
	}
	for _, x := range v.w.Slack.Violations() {
		if !strings.Contains(x, "no ack") && !strings.Contains(x, "missing ack") && !strings.Contains(x, "not acknowledged") {
			t.Errorf("a rule of Slack's was broken: %s", x)
		}
	}
}

// auditPresses holds each press against the inbox and the log: what was acked was kept,
// or answered with "not saved"; what was kept took effect once, or came too late.
func (v *victim) auditPresses(r *killRow) {
	type target struct{ routing, verb string }
	acked, kept, first := map[target]int{}, map[target]int{}, map[target]time.Time{}
	byJob, byTarget := map[int64]int{}, map[target]int{}
	for _, l := range v.db.Lines() {
		k := target{l.Routing, l.Verb}
		byTarget[k]++
		byJob[l.Job]++
		if first[k].IsZero() {
			first[k] = l.At
		}
	}
	for _, p := range v.db.Inbox() {
		r.inbox++
		k, ok := readPress(p.Payload)
		if !ok || p.Error != "" {
			v.t.Errorf("the inbox holds what nobody pressed, or it broke: %s %q %s", p.Kind, p.Error, p.Payload)
			continue
		}
		at := target(k)
		kept[at]++
		if p.Job == 0 || byJob[p.Job] > 0 {
			continue // it took effect; finished jobs are forgotten after a day
		}
		// It changed nothing, which is right for a second press and for a reminder of what
		// was acknowledged before.
		r.refused++
		because := target{at.routing, at.verb}
		if at.verb == "remind_asked" {
			because.verb = "acknowledged"
		}
		if f := first[because]; f.IsZero() || f.After(p.DoneAt) {
			v.t.Errorf("routing %s: a kept press of %q changed nothing, and nothing before it says why", at.routing, at.verb)
		}
	}
	for k, n := range kept {
		if k.verb != "remind_asked" && byTarget[k] != 1 {
			v.t.Errorf("routing %s: %d presses of %q were kept, and it happened %d times", k.routing, n, k.verb, byTarget[k])
		}
		if byTarget[k] > n {
			v.t.Errorf("routing %s: %d presses of %q were kept, and it happened %d times", k.routing, n, k.verb, byTarget[k])
		}
	}
	user, notSaved := map[target]string{}, map[string]int{}
	for _, p := range v.presses {
		k := target{p.routing, p.verb}
		acked[k]++
		user[k] = p.user
		r.presses++
	}
	for k, n := range acked {
		notSaved[user[k]] += max(0, n-kept[k])
	}
	for who, n := range notSaved {
		if told := v.notSaved(who); n > told {
			v.t.Errorf("%s heard %d acks of presses that were not kept, and %d times \"not saved\"", who, n, told)
		}
		r.notSaved += n
	}
}

// readPress reads whose button a kept press was.
func readPress(payload string) (at struct{ routing, verb string }, ok bool) {
	var p struct {
		Actions []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			Selected struct {
				Value string `json:"value"`
			} `json:"selected_option"`
		} `json:"actions"`
	}
	if json.Unmarshal([]byte(payload), &p) != nil || len(p.Actions) != 1 {
		return at, false
	}
	x := p.Actions[0]
	at.verb, ok = map[string]string{"ho_ack": "acknowledged", "act_start": "started", "ho_more": "remind_asked"}[x.ActionID]
	at.routing, _, _ = strings.Cut(strings.TrimPrefix(x.Value+x.Selected.Value, "remind:"), ":")
	return at, ok
}

// auditLog holds a signal's log lines: each change of state is there once.
func (v *victim) auditLog(lines []expansion.Activity, err error) {
	must(v.t, err)
	n := map[string]int{}
	for _, l := range lines {
		n[l.Verb]++
	}
	for _, verb := range []string{"signal_logged", "context_gathered", "routed", "opportunity_created"} {
		if n[verb] != 1 {
			v.t.Errorf("the log has %d lines %s, want 1: %v", n[verb], verb, n)
		}
	}
	for _, verb := range []string{"acknowledged", "won"} {
		if n[verb] > 1 {
			v.t.Errorf("the log has %d lines %s, want at most 1", n[verb], verb)
		}
	}
}

// idle moves the clock over what waits for another try and reports whether the product
// says that nothing is left to do.
func (v *victim) idle() bool {
	return v.w.Clock.Advance(context.Background(), v.w.Clock.Now().Add(30*time.Second)) == nil
}

// TestKill kills `serve` with -9 inside each named window and at random instants, on
// both stores, and holds what is outside against the store. `make kill` runs all of it;
// without EXPANSION_LONG six kills show that it works.
func TestKill(t *testing.T) {
	t.Parallel()
	long := os.Getenv("EXPANSION_LONG") != ""
	bin := binary(t, "faults")
	var mu sync.Mutex
	var rows []killRow
	t.Run("windows", func(t *testing.T) {
		for _, db := range []string{"sqlite", "postgres"} {
			for _, w := range killWindows {
				if !long && w.ci != db {
					continue
				}
				t.Run(db+"/"+w.name, func(t *testing.T) {
					t.Parallel()
					dsn := ""
					if db == "sqlite" {
						dsn = storetest.SQLite(t)
					} else {
						dsn = storetest.PostgresDSN(t)
					}
					v := newVictim(t, bin, dsn)
					row := killRow{store: db, window: w.name}
					if w.run == nil {
						killAtRandom(v, 24, &row)
					} else {
						times := 1
						if long {
							times = 3
						}
						for range times {
							v.kill()
							row.resumed(w.run(v, w.point))
							row.kills++
						}
					}
					v.audit(&row)
					mu.Lock()
					rows = append(rows, row)
					mu.Unlock()
				})
			}
		}
	})
	printKills(t, rows)
}

func printKills(t *testing.T, rows []killRow) {
	slices.SortStableFunc(rows, func(a, b killRow) int { return strings.Compare(b.store, a.store) })
	var b strings.Builder
	fmt.Fprintf(&b, "%-9s %-24s %5s %7s %5s %5s %5s %5s %7s %7s %7s %9s %5s %8s\n", "store", "killed at", "kills", "signals", "opps", "ids", "cards", "mails", "repeats", "presses", "refused", "not saved", "inbox", "resumed")
	kills, presses := map[string]int{}, map[string]int{}
	for _, r := range rows {
		kills[r.store] += r.kills
		presses[r.store] += r.presses - r.notSaved
		fmt.Fprintf(&b, "%-9s %-24s %5d %7d %5d %5d %5d %5d %7d %7d %7d %9d %5d %7.1fs\n", r.store, r.window, r.kills, r.signals, r.deals, r.ids, r.cards, r.mails, r.repeats, r.presses, r.refused, r.notSaved, r.inbox, r.slowest.Seconds())
		if r.slowest > resumeWithin {
			t.Errorf("%s, %s: work was resumed after %s, want at most %s", r.store, r.window, r.slowest, resumeWithin)
		}
		if r.window == "random instants" && r.presses < 50 {
			t.Errorf("%s: %d presses were acked around the random kills; 50 would show something", r.store, r.presses)
		}
	}
	fmt.Fprintf(&b, "kills: %v\nacked presses whose effect was looked for: %v\n", kills, presses)
	t.Log("\n" + b.String())
	if file := os.Getenv("EXPANSION_KILL_TABLE"); file != "" {
		must(t, os.WriteFile(file, []byte(b.String()), 0o600))
	}
}

// The shipped binary cannot stop at a pause point: their names are not in it.
func TestShippedBinaryHoldsNoPausePoint(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile(binary(t, ""))
	must(t, err)
	faults, err := os.ReadFile(binary(t, "faults"))
	must(t, err)
	names := []string{"EXPANSION_PAUSE", "paused at "}
	for _, w := range killWindows {
		if w.point != "" && !strings.Contains(w.point, "slack_") && !strings.Contains(w.point, "email_") && !strings.Contains(w.point, "crm_") {
			names = append(names, w.point) // the others are put together from parts
		}
	}
	for _, name := range names {
		if !bytes.Contains(faults, []byte(name)) {
			t.Errorf("a binary built with the tag faults does not hold %q: this test looks for the wrong thing", name)
		}
		if bytes.Contains(shipped, []byte(name)) {
			t.Errorf("the shipped binary holds %q", name)
		}
	}
}
