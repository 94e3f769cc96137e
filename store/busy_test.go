package store_test

import (
	"context"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

// Slack hears within three seconds that a press was not saved, whoever holds the file: a
// writer that waits for somebody else's lock gives up with its context.
func TestAWriterWaitsForAnothersLockOnlyAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := storetest.Open(t, dsn, &clock{now: time.Now()})
	release := storetest.Block(t, dsn)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := s.InTx(ctx, func(*store.Tx) error { return nil })
	if took := time.Since(began); expansion.CodeOf(err) != expansion.CodeUnavailable || took > 2*time.Second {
		t.Errorf("after %v: %v, want unavailable within a moment of the context's end", took, err)
	}
	done := make(chan error, 1)
	go func() { done <- s.InTx(t.Context(), func(*store.Tx) error { return nil }) }()
	release()
	if err := <-done; err != nil {
		t.Errorf("a writer with time does not wait for the lock: %v", err)
	}
}
