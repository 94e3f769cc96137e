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

const conflictText = "Somebody changed this a moment ago. Look at the card again."

// InsertSignal keeps a new signal. Version becomes 1. A second open signal with the
// same duplicate key is CodeConflict.
func (t *Tx) InsertSignal(ctx context.Context, s *expansion.Signal) error {
	s.Version, s.UpdatedAt = 1, t.Now
	_, err := t.exec(ctx, `INSERT INTO expansion_signals (id, number, account_id, signal_type, signal_strength, status, waiting, open_key, opportunity_id, created_by, detected_at, updated_at, version, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		string(s.ID), s.Number, string(s.AccountID), string(s.Type), string(s.Strength), string(s.Status), string(s.Waiting), openKey(*s),
		string(s.OpportunityID), string(s.CreatedBy), us(s.DetectedAt), us(t.Now), s.Version, doc(s))
	if isUnique(err) {
		return &expansion.Error{Code: expansion.CodeConflict, Text: "There is an open signal like this one already.", Err: err}
	}
	return err
}

func openKey(s expansion.Signal) *string {
	if !s.Status.Open() {
		return nil
	}
	k := s.DuplicateKey()
	return &k
}

// UpdateSignal keeps a changed signal if nobody changed it since s was read, and raises
// its version; otherwise CodeConflict. A signal that is no longer open gives its duplicate
// key free; one whose key was released before does not take it again.
func (t *Tx) UpdateSignal(ctx context.Context, s *expansion.Signal) error {
	was := s.Version
	s.Version, s.UpdatedAt = was+1, t.Now
	n, err := t.exec(ctx, `UPDATE expansion_signals SET signal_strength = $1, status = $2, waiting = $3, open_key = CASE WHEN open_key IS NULL THEN NULL ELSE $4 END, opportunity_id = $5, updated_at = $6, version = $7, doc = $8
		WHERE id = $9 AND version = $10`,
		string(s.Strength), string(s.Status), string(s.Waiting), openKey(*s), string(s.OpportunityID), us(t.Now), s.Version, doc(s), string(s.ID), was)
	if err != nil {
		return err
	}
	if n == 0 {
		return &expansion.Error{Code: expansion.CodeConflict, Text: conflictText, Err: fmt.Errorf("update signal %s at version %d", s.ID, was)}
	}
	return nil
}

// ReleaseSignalKey lets a new signal with the same duplicate key be opened beside s,
// whose window has passed.
func (t *Tx) ReleaseSignalKey(ctx context.Context, id expansion.SignalID) error {
	_, err := t.exec(ctx, `UPDATE expansion_signals SET open_key = NULL WHERE id = $1`, string(id))
	return err
}

// Signal returns one signal by its ULID.
func (r Reader) Signal(ctx context.Context, id expansion.SignalID) (expansion.Signal, error) {
	return one[expansion.Signal](ctx, r, "There is no such signal.", `SELECT doc FROM expansion_signals WHERE id = $1`, string(id))
}

// SignalByNumber returns one signal by its short number.
func (r Reader) SignalByNumber(ctx context.Context, n int64) (expansion.Signal, error) {
	return one[expansion.Signal](ctx, r, fmt.Sprintf("There is no signal S-%d.", n), `SELECT doc FROM expansion_signals WHERE number = $1`, n)
}

// OpenSignal returns the open signal with a duplicate key; nil when there is none.
func (r Reader) OpenSignal(ctx context.Context, key string) (*expansion.Signal, error) {
	s, err := one[expansion.Signal](ctx, r, "", `SELECT doc FROM expansion_signals WHERE open_key = $1`, key)
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// PutContext keeps what was gathered around a signal.
func (t *Tx) PutContext(ctx context.Context, id expansion.SignalID, c SignalContext) error {
	_, err := t.exec(ctx, `UPDATE expansion_signals SET context = $1 WHERE id = $2`, doc(c), string(id))
	return err
}

// SignalContext is what enrichment found: the seven elements and what the CRM has open
// on the account.
type SignalContext struct {
	Context expansion.Context           `json:"context"`
	Open    []expansion.OpenOpportunity `json:"open"`
}

// Context returns what was gathered around a signal, the zero value before that.
func (r Reader) Context(ctx context.Context, id expansion.SignalID) (SignalContext, error) {
	var c SignalContext
	var d sql.NullString
	err := r.q.QueryRowContext(ctx, `SELECT context FROM expansion_signals WHERE id = $1`, string(id)).Scan(&d)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil || !d.Valid {
		return c, err
	}
	return c, json.Unmarshal([]byte(d.String), &c)
}

// AddEvidence keeps a fact. It reports false when the same one was kept before.
func (t *Tx) AddEvidence(ctx context.Context, e expansion.Evidence, account expansion.AccountID) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO evidence (id, signal_id, account_id, source, source_id, occurred_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		e.ID, string(e.SignalID), string(account), string(e.Source), e.SourceID, us(e.OccurredAt), doc(e))
	return n == 1, err
}

// HasEvidence reports whether a fact was kept, and for which signal.
func (r Reader) HasEvidence(ctx context.Context, source expansion.Source, sourceID string) (expansion.SignalID, bool, error) {
	var id string
	err := r.q.QueryRowContext(ctx, `SELECT signal_id FROM evidence WHERE source = $1 AND source_id = $2`, string(source), sourceID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return expansion.SignalID(id), err == nil, err
}

// SignalEvidence returns the facts behind a signal, newest first.
func (r Reader) SignalEvidence(ctx context.Context, id expansion.SignalID) ([]expansion.Evidence, error) {
	return all[expansion.Evidence](ctx, r, `SELECT doc FROM evidence WHERE signal_id = $1 ORDER BY occurred_at DESC, id DESC LIMIT 100`, string(id))
}

// Evidence returns the facts about an account since a time, newest first, 200 at most.
func (r Reader) Evidence(ctx context.Context, id expansion.AccountID, since time.Time) ([]expansion.Evidence, error) {
	return all[expansion.Evidence](ctx, r, `SELECT doc FROM evidence WHERE account_id = $1 AND occurred_at >= $2 ORDER BY occurred_at DESC, id DESC LIMIT 200`, string(id), us(since))
}
