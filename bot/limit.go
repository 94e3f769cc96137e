package bot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Slack's rates (research/slack.md §2): one message a second and conversation with
// short bursts, and about 50 edits a minute for the whole workspace.
const (
	postEvery  = time.Second
	postBurst  = 3
	editEvery  = 1200 * time.Millisecond
	editBurst  = 20
	queueLimit = 5 * time.Second // a delivery waits at most so long for its turn, then its job does
)

// A gate lets calls through at a rate and stays shut while Slack asked for a pause.
// Both run on real time, like Slack's own limits.
type gate struct {
	rate *rate.Limiter

	mu   sync.Mutex
	shut chan struct{} // closed when the pause ends; nil while open
}

func newGate(every time.Duration, burst int) *gate {
	return &gate{rate: rate.NewLimiter(rate.Every(every), burst)}
}

// pass waits for its turn, at most queueLimit. The error says that the turn did not
// come; nothing was used up then.
func (g *gate) pass(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queueLimit)
	defer cancel()
	for {
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut == nil {
			break
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return fmt.Errorf("wait for slack's pause: %w", ctx.Err())
		}
	}
	if err := g.rate.Wait(ctx); err != nil {
		return fmt.Errorf("wait for a turn: %w", err)
	}
	return nil
}

// pause shuts the gate for d from now. The newest answer of Slack counts: it ends an
// older pause early or makes it longer.
func (g *gate) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	g.mu.Lock()
	g.shut = done
	g.mu.Unlock()
	time.AfterFunc(d, func() {
		g.mu.Lock()
		if g.shut == done {
			g.shut = nil
		}
		g.mu.Unlock()
		close(done)
	})
}

// gates are the gates of every conversation, made when first used.
type gates struct {
	mu sync.Mutex
	by map[string]*gate
}

func (g *gates) of(channel string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil {
		g.by = make(map[string]*gate)
	}
	if g.by[channel] == nil {
		g.by[channel] = newGate(postEvery, postBurst)
	}
	return g.by[channel]
}
