package hubspot

import (
	"context"

	"golang.org/x/time/rate"
)

// A line lets calls through at HubSpot's rate. A limiter alone serves them as they come:
// behind a minute of notes and deals, the question a signal waits for would come last.
type line struct {
	limiter *rate.Limiter
	patient chan struct{} // holds the one call of those that can wait whose turn is next
}

func newLine(r rate.Limit, burst int) *line {
	return &line{rate.NewLimiter(r, burst), make(chan struct{}, 1)}
}

// wait returns when the call may go out, or with an error when ctx ends before. An urgent
// call waits for one patient call at most.
func (l *line) wait(ctx context.Context, urgent bool) error {
	if !urgent {
		select {
		case l.patient <- struct{}{}:
			defer func() { <-l.patient }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return l.limiter.Wait(ctx)
}
