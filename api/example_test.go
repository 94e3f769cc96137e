package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"expansionbot/api"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/store"
)

// The smallest API: a store, an engine over it, and the handler.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "expansion")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	policy, err := os.ReadFile("../policy.yaml")
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	clock := expansion.ClockFunc(func() time.Time { return time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC) })
	st, err := store.Open(ctx, "file:"+filepath.Join(dir, "expansion.db"), clock)
	if err != nil {
		panic(err)
	}
	defer st.Close()
	e, err := engine.New(ctx, engine.Config{Store: st, Clock: clock, Policy: policy, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	h := api.New(api.Config{Engine: e, Clock: clock})

	for _, path := range []string{"/healthz", "/api/activities"} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		body, _ := io.ReadAll(rec.Body)
		if rec.Code != 200 {
			body = []byte(rec.Header().Get("WWW-Authenticate") + "\n")
		}
		fmt.Printf("%d %s", rec.Code, body)
	}
	// Output:
	// 200 {"status":"ok"}
	// 401 Bearer realm="expansionbot"
}
