package engine

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"

	"expansionbot/store"
)

// One audit takes up at most auditRounds times auditBatch rows; the next takes the rest.
const (
	auditBatch  = 500
	auditRounds = 40
)

// Audit gives a job to each row that waits for one and has none: a job is given up after
// many failures, or lost when somebody clears the job table, and a promise must be kept all
// the same. It returns how many rows it took up. Doing so twice does no harm: a job looks at
// its row first.
func (e *Engine) Audit(ctx context.Context) (int, error) {
	n := 0
	for range auditRounds {
		found, err := e.store.Unattended(ctx, auditBatch)
		if err != nil {
			return n, fmt.Errorf("audit: %w", err)
		}
		if len(found) == 0 {
			break
		}
		err = e.store.InTx(ctx, func(tx *store.Tx) error {
			for _, w := range found {
				for _, args := range jobsFor(w) {
					if err := tx.Enqueue(ctx, args, w.Due); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return n, fmt.Errorf("audit: %w", err)
		}
		if n += len(found); len(found) < auditBatch {
			break
		}
	}
	if n > 0 {
		e.log.WarnContext(ctx, "work whose job was lost or given up is taken up again", "rows", n)
	}
	return n, nil
}

func jobsFor(w store.Work) []river.JobArgs {
	switch w.Of {
	case "wait":
		return []river.JobArgs{WakeArgs{WaitID: w.ID}}
	case "delivery":
		return []river.JobArgs{DeliverArgs{DeliveryID: w.ID, Channel: w.Channel}}
	case "envelope":
		return []river.JobArgs{InboxArgs{EnvelopeID: w.ID}}
	}
	// A new signal has its context or not; the step that is done already does nothing.
	return []river.JobArgs{EnrichArgs{SignalID: w.ID}, PlanArgs{SignalID: w.ID}}
}
