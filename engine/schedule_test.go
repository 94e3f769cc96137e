package engine_test

import (
	"testing"
	"time"

	"expansionbot/store/storetest"
)

// A poll a minute is half a million a year.
func TestRegularWorkLeavesNoRowsBehind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		w := start(t, dsn)
		if err := w.StartSchedules(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := storetest.OpenAudit(t, dsn).Rows()["waits"]
		ran := 0
		for range 20 {
			w.clock.move(10 * time.Minute)
			due, err := w.store.OpenWaits(t.Context(), w.clock.Now(), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range due {
				ran++
				for range 2 { // its job may be worked again after a death
					if err := w.Wake(t.Context(), x.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if ran < 20 {
			t.Fatalf("regular work came due %d times in 200 minutes", ran)
		}
		if n := storetest.OpenAudit(t, dsn).Rows()["waits"]; n != before {
			t.Errorf("%d promises after regular work ran %d times, want %d", n, ran, before)
		}
	})
}
