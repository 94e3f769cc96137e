package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
)

const routingColumns = `doc, decision`

func scanRouting(s scanner) (expansion.Routing, error) {
	var r expansion.Routing
	var d, decision string
	if err := s.Scan(&d, &decision); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(d), &r); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(decision), &r.Decision)
}

// InsertRouting keeps a new routing. Version becomes 1. taken says whether the recipient
// was chosen from a pool by turns, which counts as one of their turns.
func (t *Tx) InsertRouting(ctx context.Context, r *expansion.Routing, taken bool) error {
	r.Version = 1
	minor, currency := amount(r.OutcomeARR)
	_, err := t.exec(ctx, `INSERT INTO expansion_routings (id, number, signal_id, account_id, to_person, escalated_to, status, disposition, opportunity_id, routed_at, acknowledged_at, closed_at, escalate_at, outcome_minor, outcome_currency, pooled, version, doc, decision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		string(r.ID), r.Number, string(r.SignalID), string(r.AccountID), string(r.To), string(r.EscalatedTo), string(r.Status), string(r.Disposition), string(r.OpportunityID),
		us(r.RoutedAt), usp(r.AcknowledgedAt), usp(r.ClosedAt), us(r.EscalateAt), minor, currency, flag(taken), r.Version, doc(r), doc(r.Decision))
	return err
}

// amount is how money is kept: no amount has no currency.
func amount(m *expansion.Money) (minor *int64, currency string) {
	if m == nil {
		return nil, ""
	}
	return &m.Minor, m.Currency
}

// UpdateRouting keeps a changed routing if nobody changed it since r was read, and
// raises its version; otherwise CodeConflict. The decision never changes.
func (t *Tx) UpdateRouting(ctx context.Context, r *expansion.Routing) error {
	was := r.Version
	r.Version = was + 1
	minor, currency := amount(r.OutcomeARR)
	n, err := t.exec(ctx, `UPDATE expansion_routings SET escalated_to = $1, status = $2, disposition = $3, acknowledged_at = $4, closed_at = $5, escalate_at = $6, outcome_minor = $7, outcome_currency = $8, version = $9, doc = $10 WHERE id = $11 AND version = $12`,
		string(r.EscalatedTo), string(r.Status), string(r.Disposition), usp(r.AcknowledgedAt), usp(r.ClosedAt), us(r.EscalateAt), minor, currency, r.Version, doc(r), string(r.ID), was)
	if err != nil {
		return err
	}
	if n == 0 {
		return &expansion.Error{Code: expansion.CodeConflict, Text: conflictText, Err: fmt.Errorf("update routing %s at version %d", r.ID, was)}
	}
	return nil
}

func (r Reader) routing(ctx context.Context, missing, cond string, args ...any) (expansion.Routing, error) {
	rs, err := rows(ctx, r, scanRouting, `SELECT `+routingColumns+` FROM expansion_routings WHERE `+cond, args...)
	if err != nil {
		return expansion.Routing{}, err
	}
	if len(rs) == 0 {
		return expansion.Routing{}, &expansion.Error{Code: expansion.CodeNotFound, Text: missing}
	}
	return rs[0], nil
}

// Routing returns one routing by its ULID.
func (r Reader) Routing(ctx context.Context, id expansion.RoutingID) (expansion.Routing, error) {
	return r.routing(ctx, "There is no such routing.", `id = $1`, string(id))
}

// RoutingByNumber returns one routing by its short number.
func (r Reader) RoutingByNumber(ctx context.Context, n int64) (expansion.Routing, error) {
	return r.routing(ctx, fmt.Sprintf("There is no routing R-%d.", n), `number = $1`, n)
}

// liveFirst orders a signal's routings: the one on its path, else the newest.
const liveFirst = `CASE disposition WHEN '' THEN 0 ELSE 1 END, number DESC`

// LiveRouting returns the signal's routing that has not left its path, else the newest
// one; nil when the signal was never routed.
func (r Reader) LiveRouting(ctx context.Context, id expansion.SignalID) (*expansion.Routing, error) {
	x, err := r.routing(ctx, "", `signal_id = $1 ORDER BY `+liveFirst+` LIMIT 1`, string(id))
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &x, nil
}

// RoutingsOf returns all routings of a signal, oldest first.
func (r Reader) RoutingsOf(ctx context.Context, id expansion.SignalID) ([]expansion.Routing, error) {
	return rows(ctx, r, scanRouting, `SELECT `+routingColumns+` FROM expansion_routings WHERE signal_id = $1 ORDER BY number`, string(id))
}

// RoutingsOfPerson returns a person's open routings, oldest first.
func (r Reader) RoutingsOfPerson(ctx context.Context, id expansion.PersonID) ([]expansion.Routing, error) {
	return rows(ctx, r, scanRouting, `SELECT `+routingColumns+` FROM expansion_routings
		WHERE to_person = $1 AND disposition = '' AND status IN ('pending', 'acknowledged', 'in_progress') ORDER BY number LIMIT 200`, string(id))
}

// HoldsRouting reports whether a routing of an account that has not left its path, open
// or ended, is a person's or was escalated to them.
func (r Reader) HoldsRouting(ctx context.Context, person expansion.PersonID, account expansion.AccountID) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM expansion_routings WHERE (to_person = $1 OR escalated_to = $1) AND account_id = $2 AND disposition = ''`, string(person), string(account)).Scan(&n)
	return n > 0, err
}

// RoutingsSince returns the routings routed since a time, oldest first.
func (r Reader) RoutingsSince(ctx context.Context, since time.Time) ([]expansion.Routing, error) {
	return rows(ctx, r, scanRouting, `SELECT `+routingColumns+` FROM expansion_routings WHERE routed_at >= $1 ORDER BY routed_at, number LIMIT 100000`, us(since))
}

// Load is how many routings a person has open, and how many turns they took in pools.
type Load struct{ Open, Turns int64 }

// Loads returns everybody's load.
func (r Reader) Loads(ctx context.Context) (map[expansion.PersonID]Load, error) {
	rs, err := r.q.QueryContext(ctx, `SELECT to_person, SUM(CASE WHEN disposition = '' AND status IN ('pending', 'acknowledged', 'in_progress') THEN 1 ELSE 0 END), SUM(pooled)
		FROM expansion_routings GROUP BY to_person ORDER BY to_person`)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	out := map[expansion.PersonID]Load{}
	for rs.Next() {
		var id string
		var l Load
		if err := rs.Scan(&id, &l.Open, &l.Turns); err != nil {
			return nil, err
		}
		out[expansion.PersonID(id)] = l
	}
	return out, rs.Err()
}

const opportunityColumns = `id, number, signal_id, routing_id, account_id, name, expansion_type, amount_minor, currency, stage_id, stage, probability, close_date, owner, crm, crm_id, agreed, url, attached, associated, note_id, outcome, gone_at, created_at, version`

func scanOpportunity(s scanner) (expansion.Opportunity, error) {
	var o expansion.Opportunity
	var amount, closeDate, gone sql.NullInt64
	var currency string
	var probability sql.NullFloat64
	var outcome sql.NullString
	var created int64
	err := s.Scan(&o.ID, &o.Number, &o.SignalID, &o.RoutingID, &o.AccountID, &o.Name, &o.ExpansionType, &amount, &currency, &o.StageID, &o.StageLabel, &probability, &closeDate,
		&o.Owner, &o.CRM, &o.CRMID, &o.Agreed, &o.URL, &o.Attached, &o.Associated, &o.NoteID, &outcome, &gone, &created, &o.Version)
	if err != nil {
		return o, err
	}
	if amount.Valid {
		o.Amount = &expansion.Money{Minor: amount.Int64, Currency: currency}
	}
	if probability.Valid {
		o.Probability = &probability.Float64
	}
	o.CloseDate, o.GoneAt, o.CreatedAt = atp(closeDate), atp(gone), at(created)
	if outcome.Valid {
		o.Outcome = &expansion.Outcome{}
		err = json.Unmarshal([]byte(outcome.String), o.Outcome)
	}
	return o, err
}

func opportunityValues(o expansion.Opportunity) (amount *int64, currency string, won *int64, outcome *string, associated int64) {
	if o.Amount != nil {
		amount, currency = &o.Amount.Minor, o.Amount.Currency
	}
	if o.Outcome != nil {
		w, d := int64(0), doc(o.Outcome)
		if o.Outcome.Won {
			w = 1
		}
		won, outcome = &w, &d
	}
	return amount, currency, won, outcome, flag(o.Associated)
}

// InsertOpportunity keeps a new opportunity. Version becomes 1.
func (t *Tx) InsertOpportunity(ctx context.Context, o *expansion.Opportunity) error {
	o.Version, o.CreatedAt = 1, t.Now
	amount, currency, won, outcome, associated := opportunityValues(*o)
	_, err := t.exec(ctx, `INSERT INTO expansion_opportunities (id, number, signal_id, routing_id, account_id, name, expansion_type, amount_minor, currency, stage_id, stage, probability, close_date, owner, crm, crm_id, agreed, url, attached, associated, note_id, won, outcome, gone_at, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`,
		string(o.ID), o.Number, string(o.SignalID), string(o.RoutingID), string(o.AccountID), o.Name, string(o.ExpansionType), amount, currency, o.StageID, o.StageLabel, o.Probability, usp(o.CloseDate),
		string(o.Owner), o.CRM, o.CRMID, o.Agreed, o.URL, flag(o.Attached), associated, o.NoteID, won, outcome, usp(o.GoneAt), us(o.CreatedAt), o.Version)
	return err
}

// UpdateOpportunity keeps a changed opportunity if nobody changed it since o was read,
// and raises its version; otherwise CodeConflict.
func (t *Tx) UpdateOpportunity(ctx context.Context, o *expansion.Opportunity) error {
	was := o.Version
	o.Version = was + 1
	amount, currency, won, outcome, associated := opportunityValues(*o)
	n, err := t.exec(ctx, `UPDATE expansion_opportunities SET routing_id = $1, name = $2, expansion_type = $3, amount_minor = $4, currency = $5, stage_id = $6, stage = $7, probability = $8, close_date = $9, owner = $10,
		crm = $11, crm_id = $12, agreed = $13, url = $14, attached = $15, associated = $16, note_id = $17, won = $18, outcome = $19, gone_at = $20, version = $21 WHERE id = $22 AND version = $23`,
		string(o.RoutingID), o.Name, string(o.ExpansionType), amount, currency, o.StageID, o.StageLabel, o.Probability, usp(o.CloseDate), string(o.Owner),
		o.CRM, o.CRMID, o.Agreed, o.URL, flag(o.Attached), associated, o.NoteID, won, outcome, usp(o.GoneAt), o.Version, string(o.ID), was)
	if err != nil {
		return err
	}
	if n == 0 {
		return &expansion.Error{Code: expansion.CodeConflict, Text: conflictText, Err: fmt.Errorf("update opportunity %s at version %d", o.ID, was)}
	}
	return nil
}

func (r Reader) opportunity(ctx context.Context, missing, cond string, args ...any) (expansion.Opportunity, error) {
	os, err := rows(ctx, r, scanOpportunity, `SELECT `+opportunityColumns+` FROM expansion_opportunities WHERE `+cond, args...)
	if err != nil {
		return expansion.Opportunity{}, err
	}
	if len(os) == 0 {
		return expansion.Opportunity{}, &expansion.Error{Code: expansion.CodeNotFound, Text: missing}
	}
	return os[0], nil
}

// Opportunity returns one opportunity by its ULID.
func (r Reader) Opportunity(ctx context.Context, id expansion.OpportunityID) (expansion.Opportunity, error) {
	return r.opportunity(ctx, "There is no such opportunity.", `id = $1`, string(id))
}

// OpportunityByNumber returns one opportunity by its short number.
func (r Reader) OpportunityByNumber(ctx context.Context, n int64) (expansion.Opportunity, error) {
	return r.opportunity(ctx, fmt.Sprintf("There is no opportunity O-%d.", n), `number = $1`, n)
}

// OpportunityByCRMID returns one opportunity by the CRM's id.
func (r Reader) OpportunityByCRMID(ctx context.Context, id string) (expansion.Opportunity, error) {
	return r.opportunity(ctx, "There is no opportunity with this CRM id.", `crm_id = $1 ORDER BY number DESC LIMIT 1`, id)
}

// FollowedOpportunities returns those that the CRM knows, whose routing is on its path or
// was handed back with nobody else to take it, and that are open or were closed since a
// time, by number after after.
func (r Reader) FollowedOpportunities(ctx context.Context, closedSince time.Time, after int64, limit int) ([]expansion.Opportunity, error) {
	return rows(ctx, r, scanOpportunity, `SELECT o.`+strings.ReplaceAll(opportunityColumns, ", ", ", o.")+` FROM expansion_opportunities o JOIN expansion_routings r ON r.id = o.routing_id
		WHERE o.crm_id <> '' AND o.number > $1 AND r.disposition IN ('', 'rerouted') AND (o.won IS NULL OR r.closed_at >= $2) ORDER BY o.number LIMIT $3`, after, us(closedSince), limit)
}

// PastOpportunities returns an account's opportunities that ended, newest first.
func (r Reader) PastOpportunities(ctx context.Context, id expansion.AccountID) ([]expansion.Opportunity, error) {
	return rows(ctx, r, scanOpportunity, `SELECT `+opportunityColumns+` FROM expansion_opportunities WHERE account_id = $1 AND won IS NOT NULL ORDER BY number DESC LIMIT 20`, string(id))
}

// Outcomes counts what a signal type's ended opportunities came to.
func (r Reader) Outcomes(ctx context.Context, t expansion.SignalType) (won, total int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COALESCE(SUM(o.won), 0), COUNT(*) FROM expansion_opportunities o JOIN expansion_signals s ON s.id = o.signal_id
		WHERE o.won IS NOT NULL AND s.signal_type = $1`, string(t)).Scan(&won, &total)
	return won, total, err
}
