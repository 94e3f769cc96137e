package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"expansionbot/sandbox/world"
)

// feeder hands the world's usage to the product's API when it is due. What cannot be
// delivered stays due and is tried again.
type feeder struct {
	start   time.Time
	now     func() time.Time
	api     func() (url, token string)
	log     *slog.Logger
	changed func() // called after a delivery
	client  *http.Client
	poke    chan struct{}

	sending sync.Mutex // one delivery at a time, in order

	mu      sync.Mutex
	batches []world.Batch
	done    int // how many were delivered
}

func newFeeder(start time.Time, batches []world.Batch, done int, now func() time.Time, api func() (string, string), log *slog.Logger) *feeder {
	return &feeder{
		start: start, now: now, api: api, log: log, changed: func() {},
		client: &http.Client{Timeout: 10 * time.Second}, poke: make(chan struct{}, 1),
		batches: batches, done: min(done, len(batches)),
	}
}

func (f *feeder) delivered() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done
}

// head returns the first batch not delivered yet and when it is due.
func (f *feeder) head() (b world.Batch, at time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done >= len(f.batches) {
		return world.Batch{}, time.Time{}, false
	}
	b = f.batches[f.done]
	return b, f.start.Add(b.After), true
}

// nextAfter is the due time of the first batch that is not due at now yet. ok is
// false while there is nobody to deliver to: the clock need not stop then.
func (f *feeder) nextAfter(now time.Time) (time.Time, bool) {
	if url, _ := f.api(); url == "" {
		return time.Time{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.batches[f.done:] {
		if at := f.start.Add(b.After); at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}

func (f *feeder) wake() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// deliverDue delivers all that is due, in order, and stops at the first failure. It
// reports whether something due is left.
func (f *feeder) deliverDue(ctx context.Context) (left bool) {
	f.sending.Lock()
	defer f.sending.Unlock()
	for {
		b, at, ok := f.head()
		if !ok || at.After(f.now()) {
			return false
		}
		url, token := f.api()
		if url == "" {
			return true
		}
		if err := f.send(ctx, url, token, b); err != nil {
			f.log.WarnContext(ctx, "sandbox feed not delivered", "batch", b.Title, "err", err)
			return true
		}
		f.mu.Lock()
		f.done++
		f.mu.Unlock()
		f.changed()
	}
}

func (f *feeder) send(ctx context.Context, url, token string, b world.Batch) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/")+b.Path, bytes.NewReader(b.NDJSON))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("sandbox-feed-%d-%d", f.start.Unix(), int64(b.After/time.Second)))
	res, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return fmt.Errorf("%s answered %s: %s", b.Path, res.Status, text)
	}
	return nil
}

// run delivers what real time brings until ctx ends.
func (f *feeder) run(ctx context.Context, moved <-chan struct{}) {
	pause := time.Second
	for {
		wait := time.Hour
		if f.deliverDue(ctx) {
			wait = pause
			pause = min(2*pause, 30*time.Second)
		} else {
			pause = time.Second
			if _, at, ok := f.head(); ok {
				wait = min(wait, at.Sub(f.now()))
			}
		}
		timer := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-moved:
		case <-f.poke:
		case <-timer.C:
		}
		timer.Stop()
	}
}
