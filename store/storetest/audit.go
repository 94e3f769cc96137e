package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Audit reads a database beside the product that runs on it, past the store: what a
// test holds the product against must not come from the product. It only reads.
type Audit struct {
	t  testing.TB
	db *sql.DB
	pg bool
}

// OpenAudit opens the database of dsn for reading until the test ends. Its tables must
// exist.
func OpenAudit(t testing.TB, dsn string) *Audit {
	t.Helper()
	a := &Audit{t: t, pg: !strings.HasPrefix(dsn, "file:")}
	driver := "pgx"
	if !a.pg {
		driver, dsn = "sqlite3", dsn+"?_query_only=on&_busy_timeout=10000"
	}
	var err error
	if a.db, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	a.db.SetMaxOpenConns(2)
	t.Cleanup(func() {
		if err := a.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// Press is a kept Slack interaction.
type Press struct {
	ID, Kind, User string
	Payload        string // JSON as Slack sent it
	Done           bool   // worked to its end
	DoneAt         time.Time
	Error          string // why it could not be worked
	Job            int64  // that works it; 0 = gone: finished jobs are kept for a day
	Jobs           int
}

// Job is a piece of work that is not finished, or has worked an interaction.
type Job struct {
	ID          int64
	Kind, State string
	Of          string // id of what it is about
}

// Open reports whether the job is still to do.
func (j Job) Open() bool {
	return j.State != "completed" && j.State != "cancelled" && j.State != "discarded"
}

// each calls row for every row of a query. An error ends the test.
func (a *Audit) each(row func(scan func(...any)), query string, args ...any) {
	a.t.Helper()
	rows, err := a.db.QueryContext(context.Background(), query, args...)
	if err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		row(func(to ...any) {
			if err := rows.Scan(to...); err != nil {
				a.t.Fatalf("%s: %v", query, err)
			}
		})
	}
	if err := rows.Err(); err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
}

// Jobs returns the jobs of a kind, or all with "".
func (a *Audit) Jobs(kind string) []Job {
	a.t.Helper()
	var out []Job
	text := "json(args)"
	if a.pg {
		text = "args::text"
	}
	a.each(func(scan func(...any)) {
		var j Job
		var args string
		scan(&j.ID, &j.Kind, &j.State, &args)
		var of map[string]any
		if err := json.Unmarshal([]byte(args), &of); err != nil {
			a.t.Fatalf("job %d: %v", j.ID, err)
		}
		for _, key := range []string{"envelope_id", "wait_id", "delivery_id", "signal_id"} {
			if s, ok := of[key].(string); ok {
				j.Of = s
				break
			}
		}
		out = append(out, j)
	}, `SELECT id, kind, state, `+text+` FROM river_job WHERE $1 = '' OR kind = $1 ORDER BY id`, kind)
	return out
}

// Inbox returns the kept interactions, oldest first, with the jobs that work them.
func (a *Audit) Inbox() []Press {
	a.t.Helper()
	byEnvelope := map[string][]Job{}
	for _, j := range a.Jobs("inbox") {
		byEnvelope[j.Of] = append(byEnvelope[j.Of], j)
	}
	var out []Press
	a.each(func(scan func(...any)) {
		var p Press
		var done sql.NullInt64
		scan(&p.ID, &p.Kind, &p.User, &p.Payload, &done, &p.Error)
		p.Done, p.DoneAt = done.Valid, time.UnixMicro(done.Int64)
		p.Jobs = len(byEnvelope[p.ID])
		for _, j := range byEnvelope[p.ID] {
			p.Job = j.ID
		}
		out = append(out, p)
	}, `SELECT id, kind, slack_user, payload, done_at, error FROM inbox ORDER BY received_at, id`)
	return out
}

// RoutingOf is the id of a signal's newest routing, "" when it has none.
func (a *Audit) RoutingOf(signal string) (id string) {
	a.t.Helper()
	a.each(func(scan func(...any)) { scan(&id) }, `SELECT id FROM expansion_routings WHERE signal_id = $1 ORDER BY number DESC LIMIT 1`, signal)
	return id
}

// Line is a line of the shared log.
type Line struct {
	Verb, Signal, Routing string
	Job                   int64 // that wrote it, 0 = none
	At                    time.Time
}

// Lines returns the shared log, oldest first.
func (a *Audit) Lines() (out []Line) {
	a.t.Helper()
	a.each(func(scan func(...any)) {
		var l Line
		var at int64
		scan(&l.Verb, &l.Signal, &l.Routing, &l.Job, &at)
		l.At = time.UnixMicro(at)
		out = append(out, l)
	}, `SELECT verb, signal_id, routing_id, job, at FROM activities ORDER BY id`)
	return out
}

// Opportunities returns the ids of all opportunities.
func (a *Audit) Opportunities() (out []string) {
	a.t.Helper()
	a.each(func(scan func(...any)) {
		var id string
		scan(&id)
		out = append(out, id)
	}, `SELECT id FROM expansion_opportunities ORDER BY id`)
	return out
}

// Work is what a killed process left.
type Work struct {
	presses, jobs map[string]bool
	deliveries    map[string]int64 // the version wanted then
}

// Left lists what is under way or due now.
func (a *Audit) Left() Work {
	a.t.Helper()
	w := Work{presses: map[string]bool{}, jobs: map[string]bool{}, deliveries: map[string]int64{}}
	for _, p := range a.Inbox() {
		if !p.Done {
			w.presses[p.ID] = true
		}
	}
	for _, j := range a.Jobs("") {
		if j.State == "available" || j.State == "running" {
			w.jobs[fmt.Sprint(j.ID)] = true
		}
	}
	a.each(func(scan func(...any)) {
		var id string
		var wanted, shown int64
		scan(&id, &wanted, &shown)
		w.deliveries[id] = wanted
	}, `SELECT id, wanted, shown FROM deliveries WHERE shown < wanted ORDER BY id`)
	return w
}

// Picked reports whether another process has worked the presses and jobs of w; one that
// waits for its next time counts. With whole the deliveries must have arrived too.
func (a *Audit) Picked(w Work, whole bool) bool {
	a.t.Helper()
	now := a.Left()
	for id := range w.presses {
		if now.presses[id] {
			return false
		}
	}
	for id := range w.jobs {
		if now.jobs[id] {
			return false
		}
	}
	if !whole {
		return true
	}
	picked := true
	a.each(func(scan func(...any)) {
		var id string
		var shown int64
		scan(&id, &shown)
		if shown < w.deliveries[id] {
			picked = false
		}
	}, `SELECT id, shown FROM deliveries ORDER BY id`)
	return picked
}

// Block keeps everybody from writing to the database of dsn until release is called.
func Block(t testing.TB, dsn string) (release func()) {
	t.Helper()
	ctx := context.Background()
	driver, lock := "pgx", `BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE`
	if strings.HasPrefix(dsn, "file:") {
		driver, lock, dsn = "sqlite3", `BEGIN IMMEDIATE`, dsn+"?_busy_timeout=10000"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, lock); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if _, err := conn.ExecContext(ctx, `ROLLBACK`); err != nil {
			t.Error(err)
		}
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
}

// Lost lists in sentences what nobody will ever finish, or should have by now: an
// interaction kept and not worked, a promise past its time or without a job that will
// wake it, something outside that is behind what is wanted. It asks for a product that
// is stopped after it had nothing left to do at now.
func (a *Audit) Lost(now time.Time) []string {
	a.t.Helper()
	var out []string
	waiting := map[string]int{}
	for _, j := range a.Jobs("") {
		switch {
		case j.State == "discarded" || j.State == "cancelled":
			out = append(out, fmt.Sprintf("job %d (%s of %s) was given up", j.ID, j.Kind, j.Of))
		case j.State == "available" || j.State == "running":
			out = append(out, fmt.Sprintf("job %d (%s of %s) is %s", j.ID, j.Kind, j.Of, j.State))
		case j.Open():
			waiting[j.Kind+" "+j.Of]++
		}
	}
	for _, p := range a.Inbox() {
		if !p.Done {
			out = append(out, fmt.Sprintf("interaction %s (%s by %s) was kept and never worked", p.ID, p.Kind, p.User))
		}
		if p.Jobs > 1 {
			out = append(out, fmt.Sprintf("interaction %s has %d jobs", p.ID, p.Jobs))
		}
	}
	a.each(func(scan func(...any)) {
		var id, subject, kind string
		var due int64
		scan(&id, &subject, &kind, &due)
		// Regular work is not waited for when the time is moved.
		if at := time.UnixMicro(due); at.Before(now) && subject != "schedule" {
			out = append(out, fmt.Sprintf("promise %s of %s was due at %s", kind, subject, at.UTC().Format(time.RFC3339)))
		}
		if waiting["wake "+id] == 0 {
			out = append(out, fmt.Sprintf("promise %s of %s has no job that wakes it", kind, subject))
		}
	}, `SELECT id, subject, kind, due_at FROM waits WHERE done_at IS NULL ORDER BY id`)
	a.each(func(scan func(...any)) {
		var id, waiting string
		scan(&id, &waiting)
		out = append(out, fmt.Sprintf("signal %s is detected, waits for %q, and no promise is open that ends it", id, waiting))
	}, `SELECT id, waiting FROM expansion_signals s WHERE status = 'detected' AND waiting NOT IN ('list', 'held') AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.subject = s.id AND w.done_at IS NULL) ORDER BY id`)
	a.each(func(scan func(...any)) {
		var id string
		scan(&id)
		out = append(out, fmt.Sprintf("routing %s is pending and climbs no ladder", id))
	}, `SELECT id FROM expansion_routings r WHERE status = 'pending' AND disposition = '' AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.subject = r.id AND w.done_at IS NULL)
		AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.subject = r.id AND w.kind = 'escalate_again') ORDER BY id`)
	a.each(func(scan func(...any)) {
		var id, channel, kind, person, state, reason string
		var wanted, shown int64
		scan(&id, &channel, &kind, &person, &state, &reason, &wanted, &shown)
		out = append(out, fmt.Sprintf("%s %s for %s shows version %d of %d: %s %s", channel, kind, person, shown, wanted, state, reason))
	}, `SELECT id, channel, kind, person, state, reason, wanted, shown FROM deliveries WHERE shown < wanted OR state <> 'sent' ORDER BY id`)
	slices.Sort(out)
	return out
}

// Unlogged lists in sentences the states without their line in the shared log, and the
// lines a single interaction wrote twice.
func (a *Audit) Unlogged() []string {
	a.t.Helper()
	type line struct{ verb, signal, routing string }
	lines, bySignal := map[line]int{}, map[line]int{}
	byJob := map[string]int{}
	inbox := map[int64]bool{}
	for _, j := range a.Jobs("inbox") {
		inbox[j.ID] = true
	}
	for _, l := range a.Lines() {
		lines[line{l.Verb, l.Signal, l.Routing}]++
		bySignal[line{l.Verb, l.Signal, ""}]++
		if inbox[l.Job] {
			byJob[fmt.Sprintf("job %d wrote %s about %s", l.Job, l.Verb, l.Signal)]++
		}
	}
	var out []string
	for what, n := range byJob {
		if n > 1 {
			out = append(out, fmt.Sprintf("%s %d times", what, n))
		}
	}
	need := func(what, signal, routing string, verbs ...string) {
		for _, v := range verbs {
			if routing == "" && bySignal[line{v, signal, ""}] > 0 || lines[line{v, signal, routing}] > 0 {
				return
			}
		}
		out = append(out, fmt.Sprintf("%s has no line %s", what, strings.Join(verbs, " or ")))
	}
	a.each(func(scan func(...any)) {
		var id, status string
		var gathered bool
		scan(&id, &status, &gathered)
		what := "signal " + id + ", " + status + ","
		need(what, id, "", "signal_logged", "signal_detected")
		if gathered {
			need(what, id, "", "context_gathered")
		}
		switch status {
		case "dismissed":
			need(what, id, "", "dismissed", "not_real_agreed", "not_real_stands", "not_real", "recalled")
		case "parked":
			need(what, id, "", "parked")
		case "routed":
			need(what, id, "", "routed")
		case "closed":
			need(what, id, "", "won", "lost")
		}
	}, `SELECT id, status, context IS NOT NULL FROM expansion_signals ORDER BY id`)
	a.each(func(scan func(...any)) {
		var id, signal, status, disposition, doc string
		var acknowledged bool
		scan(&id, &signal, &status, &disposition, &acknowledged, &doc)
		var rt struct {
			Level    int  `json:"escalationLevel"`
			Extended bool `json:"extended"`
		}
		if err := json.Unmarshal([]byte(doc), &rt); err != nil {
			a.t.Fatalf("routing %s: %v", id, err)
		}
		what := "routing " + id + ", " + status + " " + disposition
		need(what, signal, id, "routed")
		if acknowledged {
			need(what, signal, id, "acknowledged", "started", "contact_logged", "taken", "won", "lost")
		}
		switch {
		case status == "in_progress":
			need(what, signal, id, "started", "in_progress", "stage_changed")
		case status == "won" || status == "lost" && disposition == "":
			need(what, signal, id, status)
		}
		if disposition != "" {
			need(what, signal, id, "rerouted", "reassigned", "taken", "not_mine", "recalled", "not_real_agreed", "not_real_stands", "not_real")
		}
		if rt.Level > 0 {
			need(what, signal, id, "escalated")
		}
		if rt.Extended {
			need(what, signal, id, "extended")
		}
	}, `SELECT id, signal_id, status, disposition, acknowledged_at IS NOT NULL, doc FROM expansion_routings ORDER BY id`)
	a.each(func(scan func(...any)) {
		var id, signal string
		scan(&id, &signal)
		need("opportunity "+id, signal, "", "opportunity_created")
	}, `SELECT id, signal_id FROM expansion_opportunities WHERE crm_id <> '' ORDER BY id`)
	a.each(func(scan func(...any)) {
		var id, signal, channel string
		scan(&id, &signal, &channel)
		need("hand-off "+id+" by "+channel, signal, "", "delivered")
	}, `SELECT id, signal_id, channel FROM deliveries WHERE kind = 'card_handoff' AND sent_at IS NOT NULL AND channel <> 'crm' ORDER BY id`)
	slices.Sort(out)
	return out
}

// Rows counts the rows of each table that grows with use.
func (a *Audit) Rows() map[string]int {
	a.t.Helper()
	out := map[string]int{}
	for _, table := range []string{"expansion_signals", "expansion_routings", "expansion_opportunities", "activities", "evidence", "deliveries", "waits", "inbox", "idempotency", "river_job", "usage_daily", "feature_events"} {
		var n int
		if err := a.db.QueryRowContext(context.Background(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
			a.t.Fatalf("count %s: %v", table, err)
		}
		out[table] = n
	}
	return out
}
