package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
)

// PutAccount adds an account or replaces the one with the same id.
func (t *Tx) PutAccount(ctx context.Context, a expansion.Account) error {
	_, err := t.exec(ctx, `INSERT INTO accounts (id, name, id_folded, name_folded, domain, csm, original_ae, restricted, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_folded = excluded.name_folded, domain = excluded.domain, csm = excluded.csm, original_ae = excluded.original_ae, restricted = excluded.restricted, doc = excluded.doc`,
		string(a.ID), a.Name, strings.ToLower(string(a.ID)), strings.ToLower(a.Name), strings.ToLower(a.Domain), string(a.CSM), string(a.OriginalAE), flag(a.Restricted), doc(a))
	return err
}

// Account returns one account.
func (r Reader) Account(ctx context.Context, id expansion.AccountID) (expansion.Account, error) {
	return one[expansion.Account](ctx, r, "No account matches. Try the domain, like brightwater.example.", `SELECT doc FROM accounts WHERE id = $1`, string(id))
}

// Accounts returns up to limit accounts with an id after after, by id.
func (r Reader) Accounts(ctx context.Context, after expansion.AccountID, limit int) ([]expansion.Account, error) {
	return all[expansion.Account](ctx, r, `SELECT doc FROM accounts WHERE id > $1 ORDER BY id LIMIT $2`, string(after), limit)
}

// SearchAccounts finds accounts whose name or domain contains q or whose id is q, whatever its case;
// names that begin with it come first.
func (r Reader) SearchAccounts(ctx context.Context, q string, limit int) ([]expansion.Account, error) {
	q = strings.ToLower(strings.TrimSpace(q))
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q)
	return all[expansion.Account](ctx, r, `SELECT doc FROM accounts
		WHERE name_folded LIKE $1 ESCAPE '\' OR domain LIKE $1 ESCAPE '\' OR id_folded = $2
		ORDER BY CASE WHEN name_folded LIKE $3 ESCAPE '\' THEN 0 ELSE 1 END, name, id LIMIT $4`, "%"+like+"%", q, like+"%", limit)
}

// PutContact adds a contact or replaces the one with the same id.
func (t *Tx) PutContact(ctx context.Context, c expansion.Contact) error {
	_, err := t.exec(ctx, `INSERT INTO contacts (id, account_id, doc) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, doc = excluded.doc`, c.ID, string(c.AccountID), doc(c))
	return err
}

// Contacts returns the people of an account.
func (r Reader) Contacts(ctx context.Context, id expansion.AccountID) ([]expansion.Contact, error) {
	return all[expansion.Contact](ctx, r, `SELECT doc FROM contacts WHERE account_id = $1 ORDER BY id`, string(id))
}

// PutEntitlement adds an entitlement or replaces the one of the same metric and start.
func (t *Tx) PutEntitlement(ctx context.Context, e expansion.Entitlement) error {
	_, err := t.exec(ctx, `INSERT INTO entitlements (account_id, metric, from_day, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, metric, from_day) DO UPDATE SET doc = excluded.doc`, string(e.AccountID), e.Metric, dayOf(e.From), doc(e))
	return err
}

// Entitlements returns the limits of an account.
func (r Reader) Entitlements(ctx context.Context, id expansion.AccountID) ([]expansion.Entitlement, error) {
	return all[expansion.Entitlement](ctx, r, `SELECT doc FROM entitlements WHERE account_id = $1 ORDER BY metric, from_day`, string(id))
}

// PutUsage keeps a point; a later value for the same account, metric and day replaces
// the earlier one. An equal value changes nothing, also not when it was received.
func (t *Tx) PutUsage(ctx context.Context, p expansion.UsagePoint) error {
	_, err := t.exec(ctx, `INSERT INTO usage_daily (account_id, metric, day, value, received_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id, metric, day) DO UPDATE SET value = excluded.value, received_at = excluded.received_at WHERE usage_daily.value <> excluded.value`,
		string(p.AccountID), p.Metric, Day(p.Day), p.Value, us(p.ReceivedAt))
	return err
}

// Usage returns the points of one metric from since on, oldest first.
func (r Reader) Usage(ctx context.Context, id expansion.AccountID, metric string, since time.Time) ([]expansion.UsagePoint, error) {
	return rows(ctx, r, func(s scanner) (expansion.UsagePoint, error) {
		var day, received int64
		p := expansion.UsagePoint{AccountID: id, Metric: metric}
		err := s.Scan(&day, &p.Value, &received)
		p.Day, p.ReceivedAt = dayTime(day), at(received)
		return p, err
	}, `SELECT day, value, received_at FROM usage_daily WHERE account_id = $1 AND metric = $2 AND day >= $3 ORDER BY day`, string(id), metric, Day(since))
}

// UsageAccounts returns up to limit accounts, by id after after, of whose metric
// anything was received since receivedSince: those a scan has to look at.
func (r Reader) UsageAccounts(ctx context.Context, metric string, receivedSince time.Time, after expansion.AccountID, limit int) ([]expansion.AccountID, error) {
	return rows(ctx, r, func(s scanner) (expansion.AccountID, error) {
		var id string
		err := s.Scan(&id)
		return expansion.AccountID(id), err
	}, `SELECT DISTINCT account_id FROM usage_daily WHERE metric = $1 AND received_at >= $2 AND account_id > $3 ORDER BY account_id LIMIT $4`, metric, us(receivedSince), string(after), limit)
}

// PutEvent keeps a feature event; the same one twice counts once.
func (t *Tx) PutEvent(ctx context.Context, e expansion.FeatureEvent) error {
	_, err := t.exec(ctx, `INSERT INTO feature_events (account_id, user_id, feature, kind, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		string(e.AccountID), e.UserID, e.Feature, e.Kind, us(e.At))
	return err
}

// PutHealth keeps a day's health score; nil says there was none.
func (t *Tx) PutHealth(ctx context.Context, h expansion.HealthPoint) error {
	_, err := t.exec(ctx, `INSERT INTO health_daily (account_id, day, score) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, day) DO UPDATE SET score = excluded.score`, string(h.AccountID), Day(h.Day), h.Score)
	return err
}

// Health returns the scores from since on, oldest first.
func (r Reader) Health(ctx context.Context, id expansion.AccountID, since time.Time) ([]expansion.HealthPoint, error) {
	return rows(ctx, r, func(s scanner) (expansion.HealthPoint, error) {
		var day int64
		var score sql.NullFloat64
		err := s.Scan(&day, &score)
		h := expansion.HealthPoint{AccountID: id, Day: dayTime(day)}
		if score.Valid {
			h.Score = &score.Float64
		}
		return h, err
	}, `SELECT day, score FROM health_daily WHERE account_id = $1 AND day >= $2 ORDER BY day`, string(id), Day(since))
}

// DetectorState returns what a detector remembers of an account; v is left as it is
// when that is nothing.
func (r Reader) DetectorState(ctx context.Context, id expansion.AccountID, detector string, v any) error {
	return r.document(ctx, v, `SELECT doc FROM detector_states WHERE account_id = $1 AND detector = $2`, string(id), detector)
}

// PutDetectorState keeps what a detector remembers of an account.
func (t *Tx) PutDetectorState(ctx context.Context, id expansion.AccountID, detector string, v any) error {
	_, err := t.exec(ctx, `INSERT INTO detector_states (account_id, detector, doc) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, detector) DO UPDATE SET doc = excluded.doc`, string(id), detector, doc(v))
	return err
}

// Counts are how many rows the main tables hold.
type Counts struct{ People, Accounts, Usage, Signals, Routings, Opportunities int64 }

// Counts counts.
func (r Reader) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	for _, t := range []struct {
		table string
		n     *int64
	}{{"people", &c.People}, {"accounts", &c.Accounts}, {"usage_daily", &c.Usage}, {"expansion_signals", &c.Signals}, {"expansion_routings", &c.Routings}, {"expansion_opportunities", &c.Opportunities}} {
		if err := r.q.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.table).Scan(t.n); err != nil {
			return c, fmt.Errorf("count %s: %w", t.table, err)
		}
	}
	return c, nil
}
