package sandboxtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
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

// span is a soak's size: it stops adding days when its real time is over, and has shown
// nothing before the least.
type span struct {
	days, least int
	within      time.Duration
}

var (
	weeks = span{days: 35, least: 14, within: 7 * time.Minute} // with EXPANSION_LONG
	brief = span{days: 2, least: 2, within: 2 * time.Minute}   // too short to see anything grow
)

// settled is after how many days caches and pools have their size.
const settled = 7

// soak is a company whose weeks pass in minutes.
type soak struct {
	*victim
	rnd    *rand.Rand
	days   int
	posted int
	usage  int // batches pushed
	heard  int // presses acked
	broken map[string]int
	stages map[string]int // CRM stage changes by what was set
	done   map[string]bool
}

// figures is what a running process takes and keeps.
type figures struct {
	heap, fds, goroutines float64
	rows                  map[string]int
	jobs                  map[string]int
}

// TestSoak lets weeks pass under load: usage every day, signals by hand, presses, changes
// in the CRM, and outages of CRM, mail and Slack for hours. At the end nothing is missed,
// nothing is doubled and nothing grew that should not. Without EXPANSION_LONG it is two days.
func TestSoak(t *testing.T) {
	t.Parallel()
	size := brief
	if os.Getenv("EXPANSION_LONG") != "" {
		size = weeks
	}
	bin := binary(t, "")
	var mu sync.Mutex
	var tables strings.Builder
	t.Run("stores", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, dsn string) {
			text := soakOne(newVictim(t, bin, dsn), size)
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&tables, "%s\n%s", t.Name(), text)
		})
	})
	t.Log("\n" + tables.String())
}

// soakOne lets the days pass on one store and returns its figures.
func soakOne(v *victim, size span) string {
	s := &soak{victim: v, rnd: rand.New(rand.NewPCG(35, 7)), broken: map[string]int{}, stages: map[string]int{}, done: map[string]bool{}}
	began := time.Now()
	v.start("")
	feed := world.Feed(v.w.Start())
	var early figures
	for s.days < size.days && time.Since(began) < size.within {
		s.day(feed)
		s.days++
		if s.days == settled {
			early = s.measure()
		}
	}
	if s.days < size.least {
		v.t.Errorf("only %d days passed in %s, want at least %d", s.days, size.within, size.least)
	}
	s.fix()
	s.quiet()
	late := s.measure()
	if s.days > settled {
		s.grown(early, late)
	}
	row := killRow{}
	v.auditOutside(&row, s.openAndClosed())
	return s.table(time.Since(began), early, late, row)
}

// day is one day: usage in the morning, signals and presses between, something broken
// for a few hours on most days.
func (s *soak) day(feed []world.Batch) {
	for s.usage < len(feed) && !s.w.Start().Add(feed[s.usage].After).After(s.w.Clock.Now()) {
		s.until("usage is taken", func() bool { return s.push(feed[s.usage]) == nil })
		s.usage++
	}
	for step := range 4 {
		repair := func() {}
		if step == 1 || step == 2 {
			repair = s.breakSomething()
		}
		for range s.rnd.IntN(2) {
			c := s.next()
			s.until("the signal is taken", func() bool { return s.post(c) == nil })
			s.posted++
		}
		s.pressSome()
		s.sellInCRM()
		s.advance(6 * time.Hour)
		repair()
	}
}

// advance moves the time; a follower that is busy with an outage is waited for.
func (s *soak) advance(d time.Duration) {
	s.t.Helper()
	to := s.w.Clock.Now().Add(d)
	var err error
	s.until("the time is moved", func() bool {
		if to.Before(s.w.Clock.Now()) {
			return true
		}
		err = s.w.Clock.Advance(context.Background(), to)
		return err == nil
	})
}

// breakSomething takes a service away, or lets it lose answers, and returns what brings
// it back.
func (s *soak) breakSomething() (repair func()) {
	what := []string{"", "CRM down", "mail down", "Slack down", "CRM loses answers", "mail loses answers", "Slack loses answers", "sockets drop"}[s.rnd.IntN(8)]
	s.broken[what]++
	switch what {
	case "CRM down":
		s.w.CRM.SetDown(true)
		return func() { s.w.CRM.SetDown(false) }
	case "mail down":
		must(s.t, s.w.Mail.SetDown(true))
		return func() { must(s.t, s.w.Mail.SetDown(false)) }
	case "Slack down":
		s.w.Slack.SetDown(true)
		return func() {
			s.w.Slack.SetDown(false)
			s.until("Slack reaches the bot again", func() bool { return s.w.Slack.Connected() > 0 })
		}
	case "CRM loses answers":
		must(s.t, s.w.CRM.FailNext(crm.FaultStoredThenCut, 1))
	case "mail loses answers":
		must(s.t, s.w.Mail.FailNext(mail.FaultStoredThenCut, 1))
	case "Slack loses answers":
		s.w.Slack.FailNext("chat.postMessage", slack.AcceptThenCut, 1)
	case "sockets drop":
		s.w.Slack.DropSockets("refresh_requested")
	}
	return func() {}
}

// fix brings everything back.
func (s *soak) fix() {
	s.w.CRM.SetDown(false)
	must(s.t, s.w.CRM.FailNext(crm.FaultStoredThenCut, 0))
	must(s.t, s.w.Mail.SetDown(false))
	s.w.Slack.SetDown(false)
	s.until("Slack reaches the bot", func() bool { return s.w.Slack.Connected() > 0 })
}

// pressSome presses on a few cards. About one signal in four is never answered and
// climbs the ladder.
func (s *soak) pressSome() {
	for _, c := range s.cases {
		if c.n%4 == 3 || s.done[c.label] || s.rnd.IntN(3) == 0 {
			continue
		}
		label := []string{"Acknowledge", "Start working", "Remind me in 2 h"}[s.rnd.IntN(3)]
		out, err := s.press(context.Background(), c, label)
		switch {
		case errors.Is(err, errNoButton):
		case err == nil && out.Text == "":
			s.heard++
			if label == "Start working" {
				s.done[c.label] = true
			}
		}
	}
}

// sellInCRM moves a few opportunities on in the CRM, as sellers do there.
func (s *soak) sellInCRM() {
	deals := s.w.CRM.Deals()
	if len(deals) == 0 {
		return
	}
	stages := []string{"qualifiedtobuy", "presentationscheduled", "closedwon", "closedlost"}
	d := deals[s.rnd.IntN(len(deals))]
	stage := stages[s.rnd.IntN(len(stages))]
	if strings.HasPrefix(d.Properties["dealstage"], "closed") {
		return // what is closed stays closed
	}
	must(s.t, s.w.CRM.SetDealProperty(d.ID, "dealstage", stage))
	s.stages[stage]++
}

// push posts a batch of usage.
func (s *soak) push(b world.Batch) error {
	req, err := http.NewRequest(http.MethodPost, s.proc.url+b.Path, bytes.NewReader(b.NDJSON))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", res.Status, text)
	}
	return err
}

// quiet lets what still waits for another try happen.
func (s *soak) quiet() {
	s.until("nothing is left to do", func() bool { return s.idle() && len(s.db.Lost(s.w.Clock.Now())) == 0 })
}

// measure reads what the process takes, at rest.
func (s *soak) measure() figures {
	s.t.Helper()
	s.until("nothing is under way", func() bool { return s.idle() && s.db.Picked(s.db.Left(), false) })
	f := figures{rows: s.db.Rows(), jobs: map[string]int{}}
	for _, j := range s.db.Jobs("") {
		f.jobs[j.State]++
	}
	// The next collection's goal is twice what was alive after the last one.
	f.heap = s.metric("go_memstats_next_gc_bytes") / 2
	f.fds, f.goroutines = s.metric("process_open_fds"), s.metric("go_goroutines")
	return f
}

func (s *soak) metric(name string) float64 {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.proc.url+"/metrics", nil)
	must(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(s.t, err)
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			must(s.t, err)
			return n
		}
	}
	s.t.Fatalf("/metrics has no %s:\n%s", name, text)
	return 0
}

// grown holds what a process takes after weeks against what it took after the first.
func (s *soak) grown(early, late figures) {
	const mb = 1 << 20
	if late.heap > 1.5*early.heap+8*mb {
		s.t.Errorf("the heap grew from %.1f MB on day %d to %.1f MB on day %d", early.heap/mb, settled, late.heap/mb, s.days)
	}
	if late.goroutines > early.goroutines+20 {
		s.t.Errorf("goroutines grew from %.0f to %.0f", early.goroutines, late.goroutines)
	}
	if late.fds > early.fds+10 {
		s.t.Errorf("open files grew from %.0f to %.0f", early.fds, late.fds)
	}
	// What is kept of a signal must not depend on how long the product runs. Finished jobs
	// go after a day of the machine's time, which the sandbox's runs ahead of: here they stay.
	for _, table := range []string{"activities", "deliveries", "waits", "river_job"} {
		was, is := perSignal(early, table), perSignal(late, table)
		if is > 1.5*was+2 {
			s.t.Errorf("%s has %.1f rows a signal on day %d and %.1f on day %d", table, was, settled, is, s.days)
		}
	}
}

func perSignal(f figures, table string) float64 {
	return float64(f.rows[table]) / float64(max(1, f.rows["expansion_signals"]))
}

// openAndClosed returns the opportunity ids of all routings.
func (s *soak) openAndClosed() map[string]bool {
	ids := map[string]bool{}
	for _, id := range s.db.Opportunities() {
		ids[id] = true
	}
	for _, c := range s.cases {
		if s.routing(c) == "" {
			s.t.Errorf("case %d (%s, %s) was taken and never routed", c.n, c.account.Name, expansion.SignalType(c.typ).Label())
		}
	}
	return ids
}

func (s *soak) table(took time.Duration, early, late figures, row killRow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %d days in %s: %d batches of usage, %d signals by hand, %d presses acked, CRM stages %v, outages %v\n", s.days, took.Round(time.Second), s.usage, s.posted, s.heard, s.stages, s.broken)
	fmt.Fprintf(&b, "  opportunities created %d, distinct ids %d, cards %d, Message-IDs %d, mails repeated %d\n", row.deals, row.ids, row.cards, row.mails, row.repeats)
	fmt.Fprintf(&b, "  %-24s %9s %9s\n", "", "day "+strconv.Itoa(settled), "day "+strconv.Itoa(s.days))
	line := func(name string, first, last any) {
		if early.rows == nil {
			first = "–" // the run ended before that day
		}
		fmt.Fprintf(&b, "  %-24s %9v %9v\n", name, first, last)
	}
	line("live heap, MB", fmt.Sprintf("%.1f", early.heap/(1<<20)), fmt.Sprintf("%.1f", late.heap/(1<<20)))
	line("goroutines", early.goroutines, late.goroutines)
	line("open files", early.fds, late.fds)
	line("jobs finished", early.jobs["completed"], late.jobs["completed"])
	line("jobs ahead", early.jobs["scheduled"]+early.jobs["retryable"], late.jobs["scheduled"]+late.jobs["retryable"])
	for _, table := range []string{"expansion_signals", "expansion_routings", "expansion_opportunities", "activities", "deliveries", "waits", "inbox", "idempotency", "usage_daily"} {
		line(table, early.rows[table], late.rows[table])
	}
	return b.String()
}
