package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"expansionbot/expansion"
)

// Log adds a line to the shared log. At becomes the transaction's time.
func (t *Tx) Log(ctx context.Context, a expansion.Activity) (int64, error) {
	if a.Job == 0 {
		a.Job = t.job
	}
	var args *string
	if len(a.Args) > 0 {
		d := doc(a.Args)
		args = &d
	}
	var id int64
	err := t.tx.QueryRowContext(ctx, `INSERT INTO activities (at, agent, verb, account_id, signal_id, routing_id, person, job, envelope, args) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		us(t.Now), string(a.Agent), a.Verb, string(a.AccountID), string(a.SignalID), string(a.RoutingID), string(a.Person), a.Job, t.env, args).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("log %s: %w", a.Verb, err)
	}
	return id, nil
}

// Repeats reports whether the interaction that this transaction belongs to has logged verb
// about the signal before: one whose process died after the step and before its end is
// worked again, perhaps by another job. Outside an interaction nothing repeats.
func (t *Tx) Repeats(ctx context.Context, id expansion.SignalID, verb string) (bool, error) {
	if t.env == "" {
		return false, nil
	}
	var n int
	err := t.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM activities WHERE signal_id = $1 AND envelope = $2 AND verb = $3`, string(id), t.env, verb).Scan(&n)
	return n > 0, err
}

const activityColumns = `id, at, agent, verb, account_id, signal_id, routing_id, person, job, args`

func scanActivity(s scanner) (expansion.Activity, error) {
	var a expansion.Activity
	var when int64
	var args sql.NullString
	err := s.Scan(&a.ID, &when, &a.Agent, &a.Verb, &a.AccountID, &a.SignalID, &a.RoutingID, &a.Person, &a.Job, &args)
	a.At = at(when)
	if err == nil && args.Valid {
		err = json.Unmarshal([]byte(args.String), &a.Args)
	}
	return a, err
}

// Activities returns a signal's log lines, oldest first, the newest 200 at most.
func (r Reader) Activities(ctx context.Context, id expansion.SignalID) ([]expansion.Activity, error) {
	return rows(ctx, r, scanActivity, `SELECT * FROM (SELECT `+activityColumns+` FROM activities WHERE signal_id = $1 ORDER BY id DESC LIMIT 200) x ORDER BY id`, string(id))
}

// ActivitiesOfAccount returns an account's newest log lines, newest first.
func (r Reader) ActivitiesOfAccount(ctx context.Context, id expansion.AccountID, limit int) ([]expansion.Activity, error) {
	return rows(ctx, r, scanActivity, `SELECT `+activityColumns+` FROM activities WHERE account_id = $1 ORDER BY id DESC LIMIT $2`, string(id), limit)
}

// ActivitiesAfter returns log lines with an id above after, oldest first.
func (r Reader) ActivitiesAfter(ctx context.Context, after int64, limit int) ([]expansion.Activity, error) {
	return rows(ctx, r, scanActivity, `SELECT `+activityColumns+` FROM activities WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// Activity returns one log line.
func (r Reader) Activity(ctx context.Context, id int64) (expansion.Activity, error) {
	as, err := rows(ctx, r, scanActivity, `SELECT `+activityColumns+` FROM activities WHERE id = $1`, id)
	if err == nil && len(as) == 0 {
		err = expansion.Errorf(expansion.CodeNotFound, "There is no such log line.")
	}
	if err != nil {
		return expansion.Activity{}, err
	}
	return as[0], nil
}

// Wait is a promise to do something at a time. Kind says what, Subject to what.
type Wait struct {
	ID      string
	Subject string
	Kind    string
	DueAt   time.Time
	DoneAt  *time.Time
	Policy  string // version of the policy that set it
}

const waitColumns = `id, subject, kind, due_at, done_at, policy`

func scanWait(s scanner) (Wait, error) {
	var w Wait
	var due int64
	var done sql.NullInt64
	err := s.Scan(&w.ID, &w.Subject, &w.Kind, &due, &done, &w.Policy)
	w.DueAt, w.DoneAt = at(due), atp(done)
	return w, err
}

// AddWait keeps a promise and gives it an id. The caller enqueues the job that wakes it.
func (t *Tx) AddWait(ctx context.Context, w Wait) (Wait, error) {
	w.ID = t.NewID()
	_, err := t.exec(ctx, `INSERT INTO waits (id, subject, kind, due_at, policy) VALUES ($1, $2, $3, $4, $5)`, w.ID, w.Subject, w.Kind, us(w.DueAt), w.Policy)
	return w, err
}

// Wait returns one promise.
func (r Reader) Wait(ctx context.Context, id string) (Wait, error) {
	ws, err := rows(ctx, r, scanWait, `SELECT `+waitColumns+` FROM waits WHERE id = $1`, id)
	if err == nil && len(ws) == 0 {
		err = expansion.Errorf(expansion.CodeNotFound, "There is no such wait.")
	}
	if err != nil {
		return Wait{}, err
	}
	return ws[0], nil
}

// OpenWaits returns the promises not done that are due by due, first due first.
func (r Reader) OpenWaits(ctx context.Context, due time.Time, limit int) ([]Wait, error) {
	return rows(ctx, r, scanWait, `SELECT `+waitColumns+` FROM waits WHERE done_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2`, us(due), limit)
}

// OpenWaitsOf returns the promises about a subject that are not done.
func (r Reader) OpenWaitsOf(ctx context.Context, subject string) ([]Wait, error) {
	return rows(ctx, r, scanWait, `SELECT `+waitColumns+` FROM waits WHERE subject = $1 AND done_at IS NULL ORDER BY due_at, id`, subject)
}

// NextWait is when the next promise about anything but except is due; nil when there is
// none.
func (r Reader) NextWait(ctx context.Context, except string) (*time.Time, error) {
	var due sql.NullInt64
	err := r.q.QueryRowContext(ctx, `SELECT MIN(due_at) FROM waits WHERE done_at IS NULL AND subject <> $1`, except).Scan(&due)
	return atp(due), err
}

// DoneWait marks a promise as kept or dropped. It reports false when it already was.
func (t *Tx) DoneWait(ctx context.Context, id string) (bool, error) {
	n, err := t.exec(ctx, `UPDATE waits SET done_at = $1 WHERE id = $2 AND done_at IS NULL`, us(t.Now), id)
	return n == 1, err
}

// ForgetWait removes a promise nobody will ask about, kept or not. It reports false when
// it is gone already.
func (t *Tx) ForgetWait(ctx context.Context, id string) (bool, error) {
	n, err := t.exec(ctx, `DELETE FROM waits WHERE id = $1`, id)
	return n == 1, err
}

// DropWaits marks all promises about a subject as done; kinds narrows when given.
func (t *Tx) DropWaits(ctx context.Context, subject string, kinds ...string) error {
	w := where{args: []any{us(t.Now)}}
	w.add("subject = %s", subject)
	in(&w, "kind", kinds)
	_, err := t.exec(ctx, `UPDATE waits SET done_at = $1`+w.String()+` AND done_at IS NULL`, w.args...)
	return err
}

// DeliveryState is how the newest version of an outside thing stands.
type DeliveryState string

// The states. A Blocked one is not tried again by itself.
const (
	Waiting DeliveryState = "waiting"
	Sent    DeliveryState = "sent"
	Retry   DeliveryState = "retry"
	Blocked DeliveryState = "blocked"
)

// Delivery is one thing outside: a card, a thread line, a mail, a CRM record. Wanted
// and Shown are versions: it is up to date when they are equal.
type Delivery struct {
	ID, Channel, Kind, Subject  string
	Person                      expansion.PersonID
	SignalID                    expansion.SignalID
	RoutingID                   expansion.RoutingID
	Parent                      string // id of the card a thread line belongs under
	Text                        string
	Wanted, Shown               int64
	State                       DeliveryState
	Claim                       string // attempt under way
	ClaimUntil                  time.Time
	Unknown                     bool // an attempt ended without a result
	Attempt                     int
	NextAt                      *time.Time
	Reason                      string
	Remote, RemoteChannel, Link string
	CreatedAt                   time.Time
	FirstTryAt, SentAt          *time.Time
}

const deliveryColumns = `id, channel, kind, subject, person, signal_id, routing_id, parent, text, wanted, shown, state, claim, claim_until, unknown, attempt, next_at, reason, remote, remote_channel, link, created_at, first_try_at, sent_at`

func scanDelivery(s scanner) (Delivery, error) {
	var d Delivery
	var until, created int64
	var next, first, sent sql.NullInt64
	err := s.Scan(&d.ID, &d.Channel, &d.Kind, &d.Subject, &d.Person, &d.SignalID, &d.RoutingID, &d.Parent, &d.Text, &d.Wanted, &d.Shown, &d.State, &d.Claim, &until, &d.Unknown, &d.Attempt,
		&next, &d.Reason, &d.Remote, &d.RemoteChannel, &d.Link, &created, &first, &sent)
	d.ClaimUntil, d.CreatedAt, d.NextAt, d.FirstTryAt, d.SentAt = at(until), at(created), atp(next), atp(first), atp(sent)
	return d, err
}

// Want asks for a new version of an outside thing: it makes the row of (channel, kind,
// subject, person) or raises its wanted version, and returns it. A blocked one is
// waiting again.
func (t *Tx) Want(ctx context.Context, d Delivery) (Delivery, error) {
	d.ID = t.NewID()
	return t.delivery(ctx, `INSERT INTO deliveries (id, channel, kind, subject, person, signal_id, routing_id, parent, text, wanted, shown, state, claim, claim_until, unknown, attempt, reason, remote, remote_channel, link, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 0, 'waiting', '', 0, 0, 0, '', '', '', '', $10)
		ON CONFLICT (channel, kind, subject, person) DO UPDATE SET wanted = deliveries.wanted + 1, state = CASE deliveries.state WHEN 'retry' THEN 'retry' ELSE 'waiting' END RETURNING `+deliveryColumns,
		d.ID, d.Channel, d.Kind, d.Subject, string(d.Person), string(d.SignalID), string(d.RoutingID), d.Parent, d.Text, us(t.Now))
}

func (r Reader) delivery(ctx context.Context, query string, args ...any) (Delivery, error) {
	d, err := scanDelivery(r.q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return d, expansion.Errorf(expansion.CodeNotFound, "There is no such delivery.")
	}
	return d, err
}

// Delivery returns one row.
func (r Reader) Delivery(ctx context.Context, id string) (Delivery, error) {
	return r.delivery(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1`, id)
}

// DeliveriesOf returns the rows about a signal, oldest first.
func (r Reader) DeliveriesOf(ctx context.Context, id expansion.SignalID) ([]Delivery, error) {
	return rows(ctx, r, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE signal_id = $1 ORDER BY id`, string(id))
}

// NextBelow returns the oldest line under a card that is not shown yet and can be; nil when
// there is none.
func (r Reader) NextBelow(ctx context.Context, card string) (*Delivery, error) {
	ds, err := rows(ctx, r, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE parent = $1 AND shown < wanted AND state <> 'blocked' ORDER BY id LIMIT 1`, card)
	if err != nil || len(ds) == 0 {
		return nil, err
	}
	return &ds[0], nil
}

// Undelivered returns rows of a channel that are in a state for other reasons than those in
// except, oldest first.
func (r Reader) Undelivered(ctx context.Context, channel string, state DeliveryState, limit int, except ...string) ([]Delivery, error) {
	var w where
	w.add("channel = %s", channel)
	w.add("state = %s", string(state))
	for _, reason := range except {
		w.add("reason <> %s", reason)
	}
	return rows(ctx, r, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries`+w.String()+` ORDER BY id LIMIT `+w.arg(limit), w.args...)
}

// BlockedFor returns a person's rows of a channel that are not tried again by themselves,
// oldest first.
func (r Reader) BlockedFor(ctx context.Context, channel string, person expansion.PersonID, limit int) ([]Delivery, error) {
	return rows(ctx, r, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE channel = $1 AND state = $2 AND person = $3 ORDER BY id LIMIT $4`, channel, string(Blocked), string(person), limit)
}

// CardsSince counts the top-level cards of a kind made for a person since a time.
func (r Reader) CardsSince(ctx context.Context, person expansion.PersonID, kind string, since time.Time) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries WHERE person = $1 AND kind = $2 AND channel = 'slack' AND created_at >= $3`, string(person), kind, us(since)).Scan(&n)
	return n, err
}

// Claim starts an attempt on a delivery, good until until. It reports false when another
// attempt is under way.
func (t *Tx) Claim(ctx context.Context, id, claim string, until time.Time) (Delivery, bool, error) {
	d, err := t.delivery(ctx, `UPDATE deliveries SET claim = $1, claim_until = $2, attempt = attempt + 1, unknown = CASE WHEN claim <> '' THEN 1 ELSE unknown END,
		first_try_at = COALESCE(first_try_at, $3) WHERE id = $4 AND (claim = '' OR claim_until <= $3) RETURNING `+deliveryColumns, claim, us(until), us(t.Now), id)
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return d, false, nil
	}
	return d, err == nil, err
}

// Finish ends attempt claim with d's result. It reports false when the attempt was no
// longer the delivery's own (it overran its time and another took over).
func (t *Tx) Finish(ctx context.Context, d Delivery) (bool, error) {
	unknown := int64(0)
	if d.Unknown {
		unknown = 1
	}
	n, err := t.exec(ctx, `UPDATE deliveries SET claim = '', claim_until = 0, shown = $1, state = $2, unknown = $3, attempt = $4, next_at = $5, reason = $6, remote = $7, remote_channel = $8, link = $9, sent_at = $10
		WHERE id = $11 AND claim = $12`,
		d.Shown, string(d.State), unknown, d.Attempt, usp(d.NextAt), d.Reason, d.Remote, d.RemoteChannel, d.Link, usp(d.SentAt), d.ID, d.Claim)
	return n == 1, err
}

// Hasten makes a delivery that waits for another try due at once. It reports false when
// it does not wait any more. Nothing else of the row is written: what an attempt found
// since it was read stays.
func (t *Tx) Hasten(ctx context.Context, id string) (bool, error) {
	n, err := t.exec(ctx, `UPDATE deliveries SET next_at = NULL WHERE id = $1 AND state = 'retry' AND claim = ''`, id)
	return n == 1, err
}
