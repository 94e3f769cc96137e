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

// A place is where `make kill` stops the process to kill it, by the name that
// EXPANSION_PAUSE takes. In the shipped binary there are no names.
type place string

// The places. The three of a delivery come after its channel's name.
const (
	atInboxWrite  place = "pause:inbox_write"  // a press is being kept
	atInboxKept   place = "pause:inbox_kept"   // it is kept and not acked yet
	atInboxWorked place = "pause:inbox_worked" // it took effect and is not marked as worked
	atIngest      place = "pause:ingest"       // a new signal is being kept
	atDecided     place = "pause:decided"      // the recipient is chosen
	atRouteCommit place = "pause:route_commit" // the routing is written, not committed
	atRouteKept   place = "pause:route_kept"   // the routing is committed
	sending       place = "_sending"           // the claim is committed, nothing is sent
	answered      place = "_answered"          // the other side has it, we have not kept so
	committed     place = "_committed"         // we have kept so
	atAcknowledge place = "pause:acknowledge"  // an acknowledgement is being kept
	atEscalation  place = "pause:escalation"   // a 48 h mark is being acted on
	atOutcome     place = "pause:outcome"      // won or lost is being taken over
)

// pauses counts how often the place was passed that EXPANSION_PAUSE names.
var pauses struct {
	sync.Mutex
	n int
}

// pause stops the calling goroutine for ever at the n-th passing of the place that the
// environment variable EXPANSION_PAUSE names as name@n, after it said so on standard
// error. Whoever set the variable kills the process then.
func pause(here place) {
	name := string(here)
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
	stop := pauses.n == n
	pauses.Unlock()
	if stop {
		fmt.Fprintf(os.Stderr, "paused at %s\n", name)
		select {}
	}
}

// pauseAt is pause at a step of a hand-off's first delivery, or of its opportunity's.
func pauseAt(d store.Delivery, step place) {
	if d.Channel == channelCRM || d.Kind == string(expansion.CardHandoff) {
		pause(place("pause:"+d.Channel) + step)
	}
}
