//go:build faults

package engine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"expansionbot/expansion"
	"expansionbot/store"
)

// pauses counts how often the place was passed that EXPANSION_PAUSE names.
var pauses struct {
	sync.Mutex
	n int
}

// pause stops the calling goroutine for ever at the n-th passing of the place that the
// environment variable EXPANSION_PAUSE names as name@n, after it said so on standard
// error. Whoever set the variable kills the process then.
func pause(name string) {
	want, nth, _ := strings.Cut(os.Getenv("EXPANSION_PAUSE"), "@")
	if want != name {
		return
	}
	n, err := strconv.Atoi(nth)
	if err != nil {
		n = 1
	}
	pauses.Lock()
	pauses.n++
	here := pauses.n == n
	pauses.Unlock()
	if here {
		fmt.Fprintf(os.Stderr, "paused at %s\n", name)
		select {}
	}
}

// pauseAt is pause at a step of a hand-off's first delivery, or of its opportunity's.
func pauseAt(d store.Delivery, step string) {
	if d.Channel == channelCRM || d.Kind == string(expansion.CardHandoff) {
		pause("pause:" + d.Channel + "_" + step)
	}
}
