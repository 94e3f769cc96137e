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

func (r Reader) document(ctx context.Context, v any, query string, args ...any) error {
	var d string
	err := r.q.QueryRowContext(ctx, query, args...).Scan(&d)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(d), v)
}

// Setting reads a named value into v, which stays as it is when none is kept.
func (r Reader) Setting(ctx context.Context, name string, v any) error {
	return r.document(ctx, v, `SELECT value FROM settings WHERE name = $1`, name)
}

// PutSetting keeps a named value.
func (t *Tx) PutSetting(ctx context.Context, name string, v any) error {
	_, err := t.exec(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, doc(v))
	return err
}

// PutPolicy keeps a policy text under its version. It reports whether it is new.
func (t *Tx) PutPolicy(ctx context.Context, version, text string) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO policies (version, text, published_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, version, text, us(t.Now))
	return n == 1, err
}

// PolicyInForce returns the newest published policy; "" when there is none.
func (r Reader) PolicyInForce(ctx context.Context) (version, text string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT version, text FROM policies ORDER BY published_at DESC, version LIMIT 1`).Scan(&version, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return version, text, err
}

// Policy returns the text of one version.
func (r Reader) Policy(ctx context.Context, version string) (text string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT text FROM policies WHERE version = $1`, version).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", expansion.Errorf(expansion.CodeNotFound, "There is no policy version %s.", version)
	}
	return text, err
}

// Answer is what an HTTP request with an Idempotency-Key was answered.
type Answer struct {
	Request string // digest of method, path and body: another request under the same key is refused
	Status  int
	Body    string
}

// Answered returns the answer kept under key; nil when there is none.
func (r Reader) Answered(ctx context.Context, key string) (*Answer, error) {
	var a Answer
	err := r.q.QueryRowContext(ctx, `SELECT request, status, body FROM idempotency WHERE key = $1`, key).Scan(&a.Request, &a.Status, &a.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &a, err
}

// PutAnswer keeps an answer; the first under a key stays.
func (t *Tx) PutAnswer(ctx context.Context, key string, a Answer) error {
	_, err := t.exec(ctx, `INSERT INTO idempotency (key, request, status, body, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, key, a.Request, a.Status, a.Body, us(t.Now))
	return err
}

// PutInbox keeps an envelope. It reports whether it is fresh: false means that one with
// the same id was kept before.
func (t *Tx) PutInbox(ctx context.Context, id, kind, user string, payload []byte) (fresh bool, err error) {
	n, err := t.exec(ctx, `INSERT INTO inbox (id, kind, slack_user, payload, received_at, error) VALUES ($1, $2, $3, $4, $5, '') ON CONFLICT DO NOTHING`,
		id, kind, user, string(payload), us(t.Now))
	return n == 1, err
}

// Inbox returns a kept envelope and whether it has been worked.
func (r Reader) Inbox(ctx context.Context, id string) (kind, user string, payload []byte, done bool, err error) {
	var text string
	var doneAt sql.NullInt64
	err = r.q.QueryRowContext(ctx, `SELECT kind, slack_user, payload, done_at FROM inbox WHERE id = $1`, id).Scan(&kind, &user, &text, &doneAt)
	return kind, user, []byte(text), doneAt.Valid, err
}

// InboxDone marks an envelope as worked; problem is "" or why it could not be.
func (t *Tx) InboxDone(ctx context.Context, id, problem string) error {
	_, err := t.exec(ctx, `UPDATE inbox SET done_at = $1, error = $2 WHERE id = $3`, us(t.Now), problem, id)
	return err
}

// Hold returns the account's hold if one is on at now; nil otherwise.
func (r Reader) Hold(ctx context.Context, id expansion.AccountID, now time.Time) (*expansion.Hold, error) {
	h := expansion.Hold{AccountID: id}
	var until int64
	var holder, routing string
	err := r.q.QueryRowContext(ctx, `SELECT holder, routing_id, until FROM holds WHERE account_id = $1 AND until > $2 AND lifted_at IS NULL`, string(id), us(now)).Scan(&holder, &routing, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hold: %w", err)
	}
	h.Holder, h.RoutingID, h.Until = expansion.PersonID(holder), expansion.RoutingID(routing), at(until)
	return &h, nil
}

// PutHold puts a hold on an account, replacing an earlier one.
func (t *Tx) PutHold(ctx context.Context, h expansion.Hold) error {
	_, err := t.exec(ctx, `INSERT INTO holds (account_id, holder, routing_id, until, lifted_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id) DO UPDATE SET holder = excluded.holder, routing_id = excluded.routing_id, until = excluded.until, lifted_at = excluded.lifted_at`,
		string(h.AccountID), string(h.Holder), string(h.RoutingID), us(h.Until), usp(h.LiftedAt))
	return err
}

// LiftHold ends the hold that a routing put on its account.
func (t *Tx) LiftHold(ctx context.Context, id expansion.RoutingID) error {
	_, err := t.exec(ctx, `UPDATE holds SET lifted_at = $1 WHERE routing_id = $2 AND lifted_at IS NULL`, us(t.Now), string(id))
	return err
}
