package engine

import (
	"context"
	"fmt"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/detect"
	"expansionbot/store"
)

const (
	scanBatch = 200              // accounts that one step of a scan looks at
	scanFor   = 10 * time.Second // how long a job scans or polls before it makes room for others
)

// ScanResult is what a scan looked at and found.
type ScanResult struct{ Accounts, Signals, Merged, Cleared int }

// scanProgress is how far a scan that has not ended is. Began is zero when none is under way.
type scanProgress struct {
	Began time.Time           `json:"began"`
	After expansion.AccountID `json:"after"` // those up to here have been looked at
}

// Scan looks at the accounts whose usage changed since the last scan began, from where an
// earlier one was stopped. Each account's finding and what the detector remembers commit
// together.
func (e *Engine) Scan(ctx context.Context) (ScanResult, error) {
	var res ScanResult
	for {
		if done, err := e.scanStep(ctx, &res); err != nil || done {
			return res, err
		}
	}
}

// scanWhile is Scan for a job: after a while it returns a *Later, to go on from there.
func (e *Engine) scanWhile(ctx context.Context) error {
	var res ScanResult
	for began := e.clock.Now(); ; {
		if done, err := e.scanStep(ctx, &res); err != nil || done {
			return err
		}
		if e.clock.Now().Sub(began) >= scanFor {
			return &Later{Reason: "the scan goes on"}
		}
	}
}

// scanStep looks at the next accounts and keeps how far it is. done is true at the end.
func (e *Engine) scanStep(ctx context.Context, res *ScanResult) (done bool, err error) {
	var since time.Time
	var at scanProgress
	if err := e.store.Setting(ctx, "scan_watermark", &since); err != nil {
		return false, err
	}
	if err := e.store.Setting(ctx, "scan_progress", &at); err != nil {
		return false, err
	}
	next := at
	if next.Began.IsZero() {
		next.Began = e.clock.Now().UTC()
	}
	ids, err := e.store.UsageAccounts(ctx, expansion.SeatsMetric, since, at.After, scanBatch)
	if err != nil {
		return false, fmt.Errorf("scan after %q: %w", at.After, err)
	}
	for _, id := range ids {
		if err := e.scanAccount(ctx, id, res); err != nil {
			return false, fmt.Errorf("scan %s: %w", id, err)
		}
	}
	if done = len(ids) < scanBatch; !done {
		next.After = ids[len(ids)-1]
	}
	return done, e.store.InTx(ctx, func(tx *store.Tx) error {
		var now scanProgress
		if err := tx.Setting(ctx, "scan_progress", &now); err != nil {
			return err
		}
		if now != at {
			return nil // another scan beside this one has gone on from here; what was found is kept
		}
		if !done {
			return tx.PutSetting(ctx, "scan_progress", next)
		}
		return e.scanned(ctx, tx, next.Began)
	})
}

// scanned keeps that all that changed before began has been looked at.
func (e *Engine) scanned(ctx context.Context, tx *store.Tx, began time.Time) error {
	var before, live bool
	if err := tx.Setting(ctx, "first_scan_done", &before); err != nil {
		return err
	}
	if err := tx.PutSetting(ctx, "first_scan_done", true); err != nil {
		return err
	}
	if err := tx.PutSetting(ctx, "scan_progress", scanProgress{}); err != nil {
		return err
	}
	// Overlap, so that a row committed while we read is looked at again.
	if err := tx.PutSetting(ctx, "scan_watermark", began.Add(-time.Minute)); err != nil {
		return err
	}
	if err := tx.Setting(ctx, "live", &live); err != nil || before || !live {
		return err
	}
	return e.wantFirstScanLists(ctx, tx) // Go live was pressed before there was anything to list
}

func (e *Engine) scanAccount(ctx context.Context, id expansion.AccountID, res *ScanResult) error {
	acct, err := e.store.Account(ctx, id)
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return nil // usage came before its account; the account's import makes it count
	}
	if err != nil {
		return err
	}
	now := e.clock.Now()
	points, err := e.store.Usage(ctx, id, expansion.SeatsMetric, now.AddDate(0, 0, -90))
	if err != nil {
		return err
	}
	det := detect.OverLicenceConfig{}
	var state detect.State
	if err := e.store.DetectorState(ctx, id, det.Name(), &state); err != nil {
		return err
	}
	v := detect.OverLicence(det, detect.Usage{Account: acct, Metric: expansion.SeatsMetric, Points: points, Now: now, State: state})
	res.Accounts++
	if v.Finding == nil && v.State == state {
		return nil
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.PutDetectorState(ctx, id, det.Name(), v.State); err != nil {
			return err
		}
		if v.Cleared {
			res.Cleared++
		}
		if v.Finding == nil {
			return nil
		}
		addTo, err := e.noticed(ctx, tx, *v.Finding)
		if err != nil {
			return err
		}
		_, fresh, err := e.ingest(ctx, tx, *v.Finding, addTo)
		if fresh {
			res.Signals++
		} else {
			res.Merged++
		}
		return err
	})
}
