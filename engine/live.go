package engine

import (
	"context"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// quiet reports whether automatic signals message nobody: before RevOps pressed "Go
// live", and until the first scan has listed what was true before we looked.
func (e *Engine) quiet(ctx context.Context, r store.Reader) (bool, error) {
	if e.live {
		return false, nil
	}
	var live, scanned bool
	if err := r.Setting(ctx, "live", &live); err != nil {
		return false, err
	}
	err := r.Setting(ctx, "first_scan_done", &scanned)
	return !live || !scanned, err
}

// Shadow reports whether the product still watches without messaging, and how many
// signals it has seen so far.
func (e *Engine) Shadow(ctx context.Context) (on bool, seen int, err error) {
	if e.live {
		return false, 0, nil
	}
	var live bool
	if err := e.store.Setting(ctx, "live", &live); err != nil || live {
		return false, 0, err
	}
	seen, _, err = e.store.CountSignals(ctx, fromFirstScan)
	return true, seen, err
}

// fromFirstScan are the signals that were true before we looked; they route only when chosen.
var fromFirstScan = store.SignalFilter{Waiting: []expansion.Waiting{expansion.WaitList}}

// GoLive ends the shadow start. What was found so far becomes one list per CSM; it
// routes only when chosen there. by "" is the command line of whoever runs the process.
func (e *Engine) GoLive(ctx context.Context, by expansion.PersonID) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if by != "" {
			p, err := e.person(ctx, tx.Reader, by)
			if err != nil {
				return err
			}
			if !e.IsAdmin(p) {
				return expansion.Errorf(expansion.CodeDenied, "Only RevOps can go live.")
			}
		}
		var live bool
		if err := tx.Setting(ctx, "live", &live); err != nil {
			return err
		}
		if live || e.live {
			return expansion.Errorf(expansion.CodeConflict, "It is live already. Nothing changed.")
		}
		if err := tx.PutSetting(ctx, "live", true); err != nil {
			return err
		}
		n, _, err := tx.CountSignals(ctx, fromFirstScan)
		if err != nil {
			return err
		}
		if _, err := tx.Log(ctx, expansion.Activity{Agent: expansion.Human, Verb: "went_live", Person: by, Args: map[string]any{"signals": n}}); err != nil {
			return err
		}
		return e.wantFirstScanLists(ctx, tx)
	})
}

// wantFirstScanLists asks for each CSM's list of what was true before we looked.
func (e *Engine) wantFirstScanLists(ctx context.Context, tx *store.Tx) error {
	csms, err := tx.WaitingCSMs(ctx, fromFirstScan)
	if err != nil {
		return err
	}
	for _, csm := range csms {
		if csm == "" {
			continue
		}
		p, err := tx.Person(ctx, csm)
		if err != nil {
			return err
		}
		day := tx.Now.In(p.Location()).Format(time.DateOnly)
		if err := e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardList), Subject: string(expansion.ListFirstScan) + " " + day, Person: csm}); err != nil {
			return err
		}
	}
	return nil
}
