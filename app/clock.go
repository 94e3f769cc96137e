package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// follower is a clock that follows a sandbox's: real time plus an offset that never
// falls. When the sandbox moves the time, the follower lets everything due by then
// happen and only then says that it is idle.
type follower struct {
	conn   *websocket.Conn
	offset atomic.Int64 // nanoseconds
	log    *slog.Logger
	stop   context.CancelFunc
	done   sync.WaitGroup

	app      *App
	attached chan struct{} // closed when app is set
}

// tick is what the sandbox's clock says, idle what we answer.
type tick struct {
	Seq int64     `json:"seq"`
	Now time.Time `json:"now"`
}

type idle struct {
	Seq  int64      `json:"seq"`
	Idle bool       `json:"idle"`
	Next *time.Time `json:"next"` // our next due mark; null = none
}

// follow connects to the clock and takes over its time before it returns.
func follow(ctx context.Context, url string, log *slog.Logger) (*follower, error) {
	dial, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ws := strings.Replace(strings.TrimSuffix(url, "/")+"/follow", "http", "ws", 1)
	conn, _, err := websocket.Dial(dial, ws, nil)
	if err != nil {
		return nil, fmt.Errorf("follow the clock at %s: %w", url, err)
	}
	f := &follower{conn: conn, log: log, attached: make(chan struct{})}
	var first tick
	if err := wsjson.Read(dial, conn, &first); err != nil {
		return nil, fmt.Errorf("read the clock at %s: %w", url, err)
	}
	f.set(first.Now)
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	f.done.Go(func() { f.run(run, first) })
	return f, nil
}

// Now is the followed time.
func (f *follower) Now() time.Time { return time.Now().Add(time.Duration(f.offset.Load())) }

func (f *follower) set(now time.Time) {
	for {
		old := f.offset.Load()
		next := int64(time.Until(now))
		if next <= old || f.offset.CompareAndSwap(old, next) {
			return
		}
	}
}

func (f *follower) attach(a *App) {
	f.app = a
	close(f.attached)
}

// Close ends following; the time stays where it is. It may be called on nil.
func (f *follower) Close() error {
	if f == nil {
		return nil
	}
	f.stop()
	err := f.conn.CloseNow()
	f.done.Wait()
	return err
}

func (f *follower) run(ctx context.Context, t tick) {
	select {
	case <-f.attached:
	case <-ctx.Done():
		return
	}
	for {
		f.set(t.Now)
		next, err := f.app.settle(ctx)
		if err != nil {
			if ctx.Err() == nil {
				f.log.WarnContext(ctx, "could not settle after the clock moved", "err", err)
			}
			return
		}
		if err := wsjson.Write(ctx, f.conn, idle{Seq: t.Seq, Idle: true, Next: next}); err != nil {
			break
		}
		if err := wsjson.Read(ctx, f.conn, &t); err != nil {
			break
		}
	}
	if ctx.Err() == nil {
		f.log.WarnContext(ctx, "the sandbox's clock is gone; time goes on by itself")
	}
}

// settleEvery is how often the queue is looked at while it empties.
const settleEvery = 10 * time.Millisecond

// settle makes everything happen that is due now, regular work included, and returns
// the next mark.
func (a *App) settle(ctx context.Context) (*time.Time, error) {
	if err := a.Engine.RunSchedulesNow(ctx); err != nil {
		a.log.WarnContext(ctx, "regular work failed", "err", err) // the CRM may be switched off
	}
	t := time.NewTicker(settleEvery)
	defer t.Stop()
	for {
		if _, err := a.Store.WakeDueJobs(ctx, a.clock.Now()); err != nil {
			return nil, err
		}
		n, err := a.Store.JobsDue(ctx)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return a.Engine.NextDue(ctx)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
