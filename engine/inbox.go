package engine

import (
	"context"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// Receive keeps a Slack interaction and enqueues its work, in one transaction, before
// Slack is told that it arrived. fresh is false for one that was kept before.
func (e *Engine) Receive(ctx context.Context, env Envelope) (fresh bool, err error) {
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		if fresh, err = tx.PutInbox(ctx, env.ID, env.Kind, env.User, env.Payload); err != nil || !fresh {
			return err
		}
		err := tx.Enqueue(ctx, InboxArgs{EnvelopeID: env.ID}, time.Time{})
		pause(atInboxWrite)
		return err
	})
	pause(atInboxKept)
	return fresh, err
}

// WorkInbox hands a kept interaction to work, once: after work returned nil or an error
// that trying again cannot mend, it is done.
func (e *Engine) WorkInbox(ctx context.Context, id string, work func(context.Context, Envelope) error) error {
	kind, user, payload, done, err := e.store.Inbox(ctx, id)
	if err != nil || done {
		return err
	}
	problem := ""
	if err := work(store.WithEnvelope(ctx, id), Envelope{ID: id, Kind: kind, User: user, Payload: payload}); err != nil {
		if expansion.CodeOf(err) == expansion.CodeUnavailable {
			return &Later{After: time.Second, Reason: "something it needs does not answer"}
		}
		// The presser was told; the reference in the log leads here.
		e.log.ErrorContext(ctx, "interaction not worked", "envelope_id", id, "err", err)
		problem = string(expansion.CodeOf(err))
	}
	pause(atInboxWorked)
	return e.store.InTx(ctx, func(tx *store.Tx) error { return tx.InboxDone(ctx, id, problem) })
}
