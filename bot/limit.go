package bot

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"expansionbot/engine"
)

// Slack's rates (research/slack.md §2): one message a second and conversation with
// short bursts, and about 50 edits a minute for the whole workspace.
const (
	postEvery  = time.Second
	postBurst  = 3
	editEvery  = 1200 * time.Millisecond
	editBurst  = 20
	patience   = 250 * time.Millisecond // a worker waits at most so long for a turn; after that the job does
	queueLimit = 5 * time.Second        // the same for the second message of one attempt, which would lose its place
	maxBooked  = 1000                   // booked turns that are kept before old ones are dropped
)

// A gate lets calls through at a rate and stays shut while Slack asked for a pause.
// Both run on real time, like Slack's own limits.
type gate struct {
	rate *rate.Limiter

	mu     sync.Mutex
	shut   chan struct{}                // closed when the pause ends; nil while open
	booked map[string]*rate.Reservation // turns by delivery
}

func newGate(every time.Duration, burst int) *gate {
	return &gate{rate: rate.NewLimiter(rate.Every(every), burst), booked: map[string]*rate.Reservation{}}
}

// pass lets a delivery through when its turn comes within that time. Otherwise it books a
// turn and returns an *engine.Later that says when to come back: a worker that waited
// would be missing where a card is due at once. Coming back early keeps the turn.
func (g *gate) pass(ctx context.Context, delivery string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
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
			return &engine.Later{After: time.Second, Reason: "slack asked for a pause"}
		}
	}
	turn, wait := g.book(delivery)
	if wait > within {
		return &engine.Later{After: wait, Reason: "its turn at slack comes then"}
	}
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			if turn.Delay() > 0 {
				return &engine.Later{After: turn.Delay(), Reason: "its turn at slack comes then"}
			}
		}
	}
	g.mu.Lock()
	delete(g.booked, delivery)
	g.mu.Unlock()
	return nil
}

// book returns the delivery's turn and how long until then.
func (g *gate) book(delivery string) (*rate.Reservation, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	turn := g.booked[delivery]
	if turn == nil {
		if len(g.booked) >= maxBooked {
			// Those whose turn is over were not needed any more, or book again.
			maps.DeleteFunc(g.booked, func(_ string, r *rate.Reservation) bool { return r.Delay() == 0 })
		}
		turn = g.rate.Reserve()
		g.booked[delivery] = turn
	}
	return turn, turn.Delay()
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
