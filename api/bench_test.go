package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

// BenchmarkIngestUsage pushes 10,000 rows a round. Goal: half the rows/s of raw batched
// inserts into the same table, which BenchmarkInsertUsage measures in the same run.
func BenchmarkIngestUsage(b *testing.B) {
	w := start(b)
	round := 0
	for b.Loop() {
		round++
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/ingest/usage", strings.NewReader(usageRows(round)))
		r.Header.Set("Authorization", "Bearer "+allToken)
		rec := httptest.NewRecorder()
		if w.api.ServeHTTP(rec, r); rec.Code != http.StatusOK {
			b.Fatal(rec.Body)
		}
	}
	b.ReportMetric(float64(benchRows*round)/b.Elapsed().Seconds(), "rows/s")
}

const benchRows = 10_000

func usageRows(round int) string {
	var s strings.Builder
	for i := range benchRows {
		fmt.Fprintf(&s, `{"account_id":"a%d","metric":"m%d","day":"2026-02-%02d","value":%d}`+"\n", i%500, round, i/500+1, i)
	}
	return s.String()
}

// BenchmarkInsertUsage is the yardstick: the same rows, 500 a transaction, nothing else.
func BenchmarkInsertUsage(b *testing.B) {
	w := start(b)
	round := 0
	for b.Loop() {
		round++
		for from := 0; from < benchRows; from += 500 {
			err := w.engine.Store().InTx(b.Context(), func(tx *store.Tx) error {
				for i := from; i < from+500; i++ {
					day := time.Date(2026, 2, i/500+1, 0, 0, 0, 0, time.UTC)
					if err := tx.PutUsage(b.Context(), expansion.UsagePoint{AccountID: expansion.AccountID(fmt.Sprintf("a%d", i%500)), Metric: fmt.Sprintf("m%d", round), Day: day, Value: float64(i), ReceivedAt: tx.Now}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(benchRows*round)/b.Elapsed().Seconds(), "rows/s")
}
