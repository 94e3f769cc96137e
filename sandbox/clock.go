package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"expansionbot/sandbox/world"
)

// idleLimit is the real time one step of an advance may take before it is given up.
const idleLimit = 30 * time.Second

// Clock is real time plus an offset that never falls. Programs follow it over a
// websocket: when it is moved it stops at each of their due marks and goes on once
// they say that nothing is left to do there.
type Clock struct {
	log   *slog.Logger
	limit time.Duration // idleLimit; shorter in tests
	feed  *feeder       // nil feeds nothing

	moving chan struct{} // holds one token; whoever has it may move the clock

	mu        sync.Mutex
	offset    time.Duration
	seq       int64
	followers map[*follower]bool
	watchers  map[chan struct{}]bool
}

func newClock(offset time.Duration, log *slog.Logger) *Clock {
	c := &Clock{
		log: log, limit: idleLimit, moving: make(chan struct{}, 1), offset: offset,
		followers: map[*follower]bool{}, watchers: map[chan struct{}]bool{},
	}
	c.moving <- struct{}{}
	return c
}

// Now is the sandbox's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return time.Now().Add(c.offset).Round(0).UTC() }

// Offset is how far the clock is ahead of (or behind) real time. It never falls.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Watch returns a channel that gets a value after the clock was moved. It closes
// when ctx ends.
func (c *Clock) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	c.watchers[ch] = true
	c.mu.Unlock()
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, ch)
		close(ch)
	})
	return ch
}

// Followers is how many programs follow the clock now.
func (c *Clock) Followers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.followers)
}

// raise moves the clock forward to t if it isn't there yet.
func (c *Clock) raise(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := t.Sub(c.now()); d > 0 {
		c.offset += d
	}
	for ch := range c.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Advance moves the clock to to, stopping at every due mark on the way, and returns
// when every follower is idle there. A second call waits for the first. It is an
// error to ask for a time that has passed, and if a follower is still busy after
// 30 s of real time; the clock then stays where it got.
func (c *Clock) Advance(ctx context.Context, to time.Time) error {
	select {
	case <-c.moving:
		defer func() { c.moving <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if now := c.Now(); to.Before(now) {
		return fmt.Errorf("the sandbox clock is at %s and cannot go back to %s", now.Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	// A mark that stays due although everyone says they are idle must not turn forever.
	stuck := time.Now().Add(c.limit)
	for {
		if c.feed != nil {
			c.feed.deliverDue(ctx)
		}
		due, who, err := c.settle(ctx)
		if err != nil {
			return err
		}
		now := c.Now()
		mark := to
		if !due.IsZero() && due.Before(mark) {
			mark = due
		}
		if c.feed != nil {
			if at, ok := c.feed.nextAfter(now); ok && at.Before(mark) {
				mark = at
			}
		}
		if mark.After(now) {
			c.raise(mark)
			stuck = time.Now().Add(c.limit)
			continue
		}
		if due.IsZero() || due.After(now) {
			if !now.Before(to) {
				return nil
			}
			continue
		}
		if time.Now().After(stuck) {
			return fmt.Errorf("clock follower %s says it is idle but keeps work due at %s; look at its log", who, due.Format(time.RFC3339))
		}
		select { // something came due between the answer and now: ask again
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle tells every follower the time and waits until each is idle. It returns the
// earliest next mark of all (zero if none) and the follower it belongs to.
func (c *Clock) settle(ctx context.Context) (due time.Time, who string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	c.mu.Lock()
	c.seq++
	seq, now := c.seq, c.now()
	all := make([]*follower, 0, len(c.followers))
	for f := range c.followers {
		all = append(all, f)
	}
	c.mu.Unlock()
	for _, f := range all {
		f.tell(ctx, seq, now)
	}
	for _, f := range all {
		next, ok, err := f.waitIdle(ctx, seq)
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return time.Time{}, "", fmt.Errorf("clock follower %s was still busy at %s after %v; look at its log, then move the clock again", f.name, now.Format(time.RFC3339), c.limit)
		case err != nil:
			return time.Time{}, "", err
		case ok && !next.IsZero() && (due.IsZero() || next.Before(due)):
			due, who = next, f.name
		}
	}
	return due, who, nil
}

// follower is one program on the websocket.
type follower struct {
	name string
	conn *websocket.Conn
	gone context.Context // ends with the connection

	mu   sync.Mutex
	idle int64 // highest seq answered
	next time.Time
	news chan struct{} // closed and replaced on each answer
}

type tick struct {
	Seq int64     `json:"seq"`
	Now time.Time `json:"now"`
}

type answer struct {
	Seq  int64      `json:"seq"`
	Idle bool       `json:"idle"`
	Next *time.Time `json:"next"`
}

func (f *follower) tell(ctx context.Context, seq int64, now time.Time) {
	b, err := json.Marshal(tick{seq, now})
	if err == nil {
		err = f.conn.Write(ctx, websocket.MessageText, b)
	}
	if err != nil {
		_ = f.conn.CloseNow() // its reader ends and f.gone with it
	}
}

// waitIdle waits for the answer to seq. ok is false if the follower went away, which
// is no error: a killed program has no work left that the clock could wait for.
func (f *follower) waitIdle(ctx context.Context, seq int64) (next time.Time, ok bool, err error) {
	for {
		f.mu.Lock()
		idle, next, news := f.idle, f.next, f.news
		f.mu.Unlock()
		if idle >= seq {
			return next, true, nil
		}
		select {
		case <-news:
		case <-f.gone.Done():
			return time.Time{}, false, nil
		case <-ctx.Done():
			return time.Time{}, false, ctx.Err()
		}
	}
}

func (f *follower) read(ctx context.Context) error {
	for {
		_, b, err := f.conn.Read(ctx)
		if err != nil {
			return err
		}
		var a answer
		if err := json.Unmarshal(b, &a); err != nil {
			_ = f.conn.Close(websocket.StatusUnsupportedData, "want {seq,idle,next}")
			return fmt.Errorf("clock follower %s: %w", f.name, err)
		}
		if !a.Idle {
			continue
		}
		f.mu.Lock()
		f.idle = max(f.idle, a.Seq)
		f.next = time.Time{}
		if a.Next != nil {
			f.next = *a.Next
		}
		close(f.news)
		f.news = make(chan struct{})
		f.mu.Unlock()
	}
}

// ServeHTTP answers GET /clock, POST /clock/advance and the websocket /clock/follow.
func (c *Clock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /clock", "GET /clock/":
		c.writeNow(w)
	case "POST /clock/advance":
		c.serveAdvance(w, r)
	case "GET /clock/follow":
		c.serveFollow(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (c *Clock) writeNow(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"now": c.Now()})
}

func (c *Clock) serveAdvance(w http.ResponseWriter, r *http.Request) {
	var in struct {
		By          string    `json:"by"`
		To          time.Time `json:"to"`
		NextMorning bool      `json:"next_morning"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		http.Error(w, `Send {"by":"1h"}, {"to":"2026-03-10T09:00:00Z"} or {"next_morning":true}.`, http.StatusBadRequest)
		return
	}
	to := in.To
	switch {
	case in.NextMorning:
		to = NextMorning(c.Now())
	case in.By != "":
		d, err := time.ParseDuration(in.By)
		if err != nil || d < 0 {
			http.Error(w, `"by" is a duration such as "90m" or "48h".`, http.StatusBadRequest)
			return
		}
		to = c.Now().Add(d)
	case to.IsZero():
		http.Error(w, `Send {"by":"1h"}, {"to":"2026-03-10T09:00:00Z"} or {"next_morning":true}.`, http.StatusBadRequest)
		return
	}
	if err := c.Advance(r.Context(), to); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	c.writeNow(w)
}

func (c *Clock) serveFollow(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil) // refuses other origins
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	f := &follower{name: r.RemoteAddr, conn: conn, gone: ctx, news: make(chan struct{})}
	c.mu.Lock()
	seq, now := c.seq, c.now()
	c.followers[f] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.followers, f)
		c.mu.Unlock()
	}()
	f.tell(ctx, seq, now)
	if c.feed != nil {
		c.feed.wake()
	}
	if err := f.read(ctx); err != nil {
		c.log.DebugContext(ctx, "clock follower left", "follower", f.name, "err", err)
	}
}

// NextMorning is the next 09:00 on a weekday in the sandbox's office, after now.
func NextMorning(now time.Time) time.Time {
	loc, err := time.LoadLocation(world.Zone)
	if err != nil {
		loc = time.UTC
	}
	y, m, d := now.In(loc).Date()
	for n := 0; ; n++ {
		t := time.Date(y, m, d+n, 9, 0, 0, 0, loc)
		if wd := t.Weekday(); t.After(now) && wd != time.Saturday && wd != time.Sunday {
			return t.UTC()
		}
	}
}
