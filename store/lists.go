package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// SignalFilter narrows Signals, CountSignals and what else goes over many signals. Zero
// fields do not narrow.
type SignalFilter struct {
	Types     []expansion.SignalType
	Strengths []expansion.Strength
	Statuses  []expansion.SignalStatus
	Waiting   []expansion.Waiting
	AccountID expansion.AccountID
	Accounts  []expansion.AccountID
	// Owners are who logged it, the CSM of the account, the recipient of a routing that is
	// on its path, or whom a routing that still waits was escalated to.
	Owners []expansion.PersonID
	// Needs is who has to act on it: the recipient of an open routing, whom one that still
	// waits was escalated to, and before routing whoever logged it, else the account's CSM.
	Needs expansion.PersonID
	// Viewer hides restricted accounts from whoever is neither their CSM nor their original
	// AE and has no routing of them; "" hides nothing.
	Viewer  expansion.PersonID
	NoCard  bool // nobody got a card of it
	Since   time.Time
	Before  int64 // only numbers below; 0 = from the newest
	Limit   int   // of Signals: at most 500, 0 = 500
	Oldest  bool  // of Signals: oldest first
	PerEach int   // of Signals: at most this many of each account, 0 = all
}

func (f SignalFilter) where() *where {
	w := &where{}
	in(w, "s.signal_type", f.Types)
	in(w, "s.signal_strength", f.Strengths)
	in(w, "s.status", f.Statuses)
	in(w, "s.waiting", f.Waiting)
	in(w, "s.account_id", f.Accounts)
	if f.AccountID != "" {
		w.add("s.account_id = %s", string(f.AccountID))
	}
	if !f.Since.IsZero() {
		w.add("s.detected_at >= %s", us(f.Since))
	}
	if f.Before > 0 {
		w.add("s.number < %s", f.Before)
	}
	// SQLite numbers a parameter by its first place, so using a mark again is safe. The inner
	// selects do not look at s: either database then runs them once, and PostgreSQL, which
	// guesses high for a table it has not analysed yet, does not compile the query first.
	if len(f.Owners) > 0 {
		w.conds = append(w.conds, fmt.Sprintf(`(s.created_by IN (%[1]s) OR s.account_id IN (SELECT id FROM accounts WHERE csm IN (%[1]s))
			OR s.id IN (SELECT signal_id FROM expansion_routings WHERE disposition = '' AND to_person IN (%[1]s))
			OR s.id IN (SELECT signal_id FROM expansion_routings WHERE disposition = '' AND status = 'pending' AND escalated_to IN (%[1]s)))`, marks(w, f.Owners)))
	}
	if f.Needs != "" {
		// A parked one has left the queue (storyboard 3.5), as has one put off.
		w.conds = append(w.conds, fmt.Sprintf(`(s.status IN ('detected', 'confirmed') AND s.waiting <> 'until'
				AND (s.created_by = %[1]s OR s.created_by = '' AND s.account_id IN (SELECT id FROM accounts WHERE csm = %[1]s))
			OR s.id IN (SELECT signal_id FROM expansion_routings WHERE to_person = %[1]s AND disposition = '' AND status IN ('pending', 'acknowledged', 'in_progress'))
			OR s.id IN (SELECT signal_id FROM expansion_routings WHERE escalated_to = %[1]s AND disposition = '' AND status = 'pending'))`, w.arg(string(f.Needs))))
	}
	if f.Viewer != "" {
		w.conds = append(w.conds, fmt.Sprintf(`(s.account_id NOT IN (SELECT id FROM accounts WHERE restricted = 1 AND csm <> %[1]s AND original_ae <> %[1]s)
			OR s.account_id IN (SELECT account_id FROM expansion_routings WHERE to_person = %[1]s AND disposition = '')
			OR s.account_id IN (SELECT account_id FROM expansion_routings WHERE escalated_to = %[1]s AND disposition = ''))`, w.arg(string(f.Viewer))))
	}
	if f.NoCard {
		w.conds = append(w.conds, `NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.signal_id = s.id AND d.channel = 'slack' AND d.kind = 'card_signal')`)
	}
	return w
}

// Signals lists signals, newest number first unless Oldest is set.
func (r Reader) Signals(ctx context.Context, f SignalFilter) ([]expansion.Signal, error) {
	w := f.where()
	limit := f.Limit
	if limit <= 0 || limit > 500 {
		limit = 500
	}
	order := "DESC"
	if f.Oldest {
		order = "ASC"
	}
	query := `SELECT s.doc FROM expansion_signals s` + w.String() + ` ORDER BY s.number ` + order
	if f.PerEach > 0 {
		query = `SELECT s.doc FROM (SELECT s.doc, s.number, ROW_NUMBER() OVER (PARTITION BY s.account_id ORDER BY s.number ` + order + `) AS nth FROM expansion_signals s` + w.String() +
			`) s WHERE s.nth <= ` + w.arg(f.PerEach) + ` ORDER BY s.number ` + order
	}
	return all[expansion.Signal](ctx, r, query+` LIMIT `+w.arg(limit), w.args...)
}

// CountSignals counts the signals in a filter and their accounts.
func (r Reader) CountSignals(ctx context.Context, f SignalFilter) (signals, accounts int, err error) {
	w := f.where()
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(DISTINCT s.account_id) FROM expansion_signals s`+w.String(), w.args...).Scan(&signals, &accounts)
	return signals, accounts, err
}

// AccountSignals is how many signals of a filter an account has.
type AccountSignals struct {
	ID      expansion.AccountID
	Signals int
}

// SignalAccounts lists the accounts that have signals in a filter, the one with the newest
// signal first.
func (r Reader) SignalAccounts(ctx context.Context, f SignalFilter, offset, limit int) ([]AccountSignals, error) {
	w := f.where()
	query := `SELECT s.account_id, COUNT(*) FROM expansion_signals s` + w.String() + ` GROUP BY s.account_id ORDER BY MAX(s.number) DESC, s.account_id`
	return rows(ctx, r, func(s scanner) (a AccountSignals, err error) { return a, s.Scan(&a.ID, &a.Signals) }, query+` LIMIT `+w.arg(limit)+` OFFSET `+w.arg(offset), w.args...)
}

// WaitingCSMs lists the CSMs of the accounts that have signals in a filter.
func (r Reader) WaitingCSMs(ctx context.Context, f SignalFilter) ([]expansion.PersonID, error) {
	w := f.where()
	return rows(ctx, r, func(s scanner) (id expansion.PersonID, err error) { return id, s.Scan(&id) },
		`SELECT DISTINCT c.csm FROM expansion_signals s JOIN accounts c ON c.id = s.account_id`+w.String()+` ORDER BY c.csm`, w.args...)
}

// WonSince counts the signals in a filter that were won since a time, and what they came
// to in each currency. One that was handed back and won while it waited counts.
func (r Reader) WonSince(ctx context.Context, f SignalFilter, since time.Time) (n int, sums []expansion.Money, err error) {
	w := f.where()
	w.add("g.closed_at >= %s", us(since))
	type sum struct {
		n, known int
		m        expansion.Money
	}
	ss, err := rows(ctx, r, func(s scanner) (x sum, err error) { return x, s.Scan(&x.m.Currency, &x.n, &x.known, &x.m.Minor) },
		`SELECT g.outcome_currency, COUNT(*), COUNT(g.outcome_minor), CAST(COALESCE(SUM(g.outcome_minor), 0) AS BIGINT) FROM expansion_signals s
		JOIN expansion_routings g ON g.signal_id = s.id AND g.disposition IN ('', 'rerouted') AND g.status = 'won'`+w.String()+` GROUP BY g.outcome_currency ORDER BY g.outcome_currency`, w.args...)
	for _, x := range ss {
		n += x.n
		if x.known > 0 {
			sums = append(sums, x.m)
		}
	}
	return n, sums, err
}

// Routed is what a report looks at of one routing.
type Routed struct {
	Type                     expansion.SignalType
	LoggedBy, CSM, To        expansion.PersonID // LoggedBy is "" for what was noticed by itself
	Status                   expansion.RoutingStatus
	Disposition              expansion.Disposition
	RoutedAt                 time.Time
	AcknowledgedAt, ClosedAt *time.Time
	CRMID                    string
	ARR                      *expansion.Money // of a won one
}

// RoutedSince returns the routings routed since a time that no other one replaced, oldest
// first.
func (r Reader) RoutedSince(ctx context.Context, since time.Time) ([]Routed, error) {
	return rows(ctx, r, func(s scanner) (x Routed, err error) {
		var routed int64
		var acked, closed, amount sql.NullInt64
		var currency string
		err = s.Scan(&x.Type, &x.LoggedBy, &x.CSM, &x.To, &x.Status, &x.Disposition, &routed, &acked, &closed, &x.CRMID, &amount, &currency)
		x.RoutedAt, x.AcknowledgedAt, x.ClosedAt = at(routed), atp(acked), atp(closed)
		if amount.Valid {
			x.ARR = &expansion.Money{Minor: amount.Int64, Currency: currency}
		}
		return x, err
	}, `SELECT s.signal_type, s.created_by, a.csm, r.to_person, r.status, r.disposition, r.routed_at, r.acknowledged_at, r.closed_at, o.crm_id, r.outcome_minor, r.outcome_currency
		FROM expansion_routings r JOIN expansion_signals s ON s.id = r.signal_id JOIN accounts a ON a.id = r.account_id JOIN expansion_opportunities o ON o.id = r.opportunity_id
		WHERE r.routed_at >= $1 AND (r.disposition IN ('', 'rejected') OR r.disposition = 'rerouted' AND r.status IN ('won', 'lost')) ORDER BY r.routed_at, r.number LIMIT 1000000`, us(since))
}

// atOnce is how many ids one query looks up; SQLite takes 32,766 parameters.
const atOnce = 500

// lookUp runs a query over ids, some at a time. The query holds %s where the ids go.
func lookUp[K ~string, T any](ctx context.Context, r Reader, ids []K, scan func(scanner) (T, error), query string) ([]T, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var out []T
	for part := range slices.Chunk(slices.Compact(ids), atOnce) {
		w := &where{}
		got, err := rows(ctx, r, scan, fmt.Sprintf(query, marks(w, part)), w.args...)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
	}
	return out, nil
}

// AccountsByID returns the accounts of ids that there are.
func (r Reader) AccountsByID(ctx context.Context, ids []expansion.AccountID) (map[expansion.AccountID]expansion.Account, error) {
	as, err := lookUp(ctx, r, ids, scanDoc[expansion.Account], `SELECT doc FROM accounts WHERE id IN (%s) ORDER BY id`)
	out := make(map[expansion.AccountID]expansion.Account, len(as))
	for _, a := range as {
		out[a.ID] = a
	}
	return out, err
}

// EvidenceOf returns the newest facts behind each of some signals, newest first, up to each.
func (r Reader) EvidenceOf(ctx context.Context, ids []expansion.SignalID, each int) (map[expansion.SignalID][]expansion.Evidence, error) {
	es, err := lookUp(ctx, r, ids, scanDoc[expansion.Evidence], `SELECT doc FROM (SELECT doc, signal_id, ROW_NUMBER() OVER (PARTITION BY signal_id ORDER BY occurred_at DESC, id DESC) AS nth
		FROM evidence WHERE signal_id IN (%s)) e WHERE nth <= `+fmt.Sprint(each)+` ORDER BY signal_id, nth`)
	out := make(map[expansion.SignalID][]expansion.Evidence, len(ids))
	for _, e := range es {
		out[e.SignalID] = append(out[e.SignalID], e)
	}
	return out, err
}

// ActivitiesOf returns the newest log lines of each of some signals, oldest first, up to each.
func (r Reader) ActivitiesOf(ctx context.Context, ids []expansion.SignalID, each int) (map[expansion.SignalID][]expansion.Activity, error) {
	as, err := lookUp(ctx, r, ids, scanActivity, `SELECT `+activityColumns+` FROM (SELECT `+activityColumns+`, ROW_NUMBER() OVER (PARTITION BY signal_id ORDER BY id DESC) AS nth
		FROM activities WHERE signal_id IN (%s)) a WHERE nth <= `+fmt.Sprint(each)+` ORDER BY id`)
	out := make(map[expansion.SignalID][]expansion.Activity, len(ids))
	for _, a := range as {
		out[a.SignalID] = append(out[a.SignalID], a)
	}
	return out, err
}

// LiveRoutings is LiveRouting of many signals, without the decisions.
func (r Reader) LiveRoutings(ctx context.Context, ids []expansion.SignalID) (map[expansion.SignalID]expansion.Routing, error) {
	rs, err := lookUp(ctx, r, ids, scanDoc[expansion.Routing], `SELECT doc FROM (SELECT doc, signal_id, ROW_NUMBER() OVER (PARTITION BY signal_id ORDER BY `+liveFirst+`) AS nth
		FROM expansion_routings WHERE signal_id IN (%s)) r WHERE nth = 1 ORDER BY signal_id`)
	out := make(map[expansion.SignalID]expansion.Routing, len(rs))
	for _, x := range rs {
		out[x.SignalID] = x
	}
	return out, err
}

// OpportunitiesByID returns the opportunities of ids that there are.
func (r Reader) OpportunitiesByID(ctx context.Context, ids []expansion.OpportunityID) (map[expansion.OpportunityID]expansion.Opportunity, error) {
	os, err := lookUp(ctx, r, ids, scanOpportunity, `SELECT `+opportunityColumns+` FROM expansion_opportunities WHERE id IN (%s) ORDER BY id`)
	out := make(map[expansion.OpportunityID]expansion.Opportunity, len(os))
	for _, o := range os {
		out[o.ID] = o
	}
	return out, err
}

// SignalNumbers returns the short numbers of the signals that there are.
func (r Reader) SignalNumbers(ctx context.Context, ids []expansion.SignalID) (map[expansion.SignalID]int64, error) {
	return pairs[expansion.SignalID, int64](ctx, r, ids, `SELECT id, number FROM expansion_signals WHERE id IN (%s) ORDER BY id`)
}

// RoutingNumbers returns the short numbers of the routings that there are.
func (r Reader) RoutingNumbers(ctx context.Context, ids []expansion.RoutingID) (map[expansion.RoutingID]int64, error) {
	return pairs[expansion.RoutingID, int64](ctx, r, ids, `SELECT id, number FROM expansion_routings WHERE id IN (%s) ORDER BY id`)
}

// AccountNames returns the names of the accounts that there are.
func (r Reader) AccountNames(ctx context.Context, ids []expansion.AccountID) (map[expansion.AccountID]string, error) {
	return pairs[expansion.AccountID, string](ctx, r, ids, `SELECT id, name FROM accounts WHERE id IN (%s) ORDER BY id`)
}

func pairs[K ~string, V any](ctx context.Context, r Reader, ids []K, query string) (map[K]V, error) {
	out := make(map[K]V, len(ids))
	_, err := lookUp(ctx, r, ids, func(s scanner) (id K, err error) {
		var v V
		err = s.Scan(&id, &v)
		out[id] = v
		return id, err
	}, query)
	return out, err
}

// where collects conditions and their parameters in the order they first appear, which
// is how SQLite numbers them.
type where struct {
	conds []string
	args  []any
}

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *where) add(format string, v any) { w.conds = append(w.conds, fmt.Sprintf(format, w.arg(v))) }

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

func in[T ~string](w *where, column string, values []T) {
	if len(values) > 0 {
		w.conds = append(w.conds, column+" IN ("+marks(w, values)+")")
	}
}

// marks adds values as parameters and returns what stands for them in a list.
func marks[T ~string](w *where, values []T) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = w.arg(string(v))
	}
	return strings.Join(list, ", ")
}
