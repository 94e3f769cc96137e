package hubspot

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A signal's question is asked next, however many writes wait.
func TestUrgentCallGoesBeforeTheOnesThatCanWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(10, 1) // a call every 100 ms
		done := make(chan time.Duration, 100)
		began := time.Now()
		for range 100 {
			go func() {
				if err := l.wait(t.Context(), false); err != nil {
					t.Error(err)
				}
				done <- time.Since(began)
			}()
		}
		synctest.Wait()
		if err := l.wait(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("the urgent call waited %v, want one call's turn", took)
		}
		var last time.Duration
		for range 100 {
			last = <-done
		}
		if want := 10 * time.Second; last != want {
			t.Errorf("101 calls were through after %v, want %v", last, want)
		}
	})
}

func TestCallThatCanWaitGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1, 1)
		var ahead sync.WaitGroup
		for range 2 { // one goes at once, one holds the next turn
			ahead.Go(func() {
				if err := l.wait(t.Context(), false); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := l.wait(ctx, false); err == nil {
			t.Error("went out though its time was over")
		}
		ahead.Wait()
	})
}
