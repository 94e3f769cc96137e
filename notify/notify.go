// Package notify is the delivery seam: what a channel must do so that every message
// arrives once, in order and newest state last, and when a failed one is tried again.
// The Slack channel is the bot's; e-mail lives here.
package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"expansionbot/expansion"
)

// Channel shows messages to people in one medium.
type Channel interface {
	// Name is "slack" or "email".
	Name() string
	// Send shows d: it edits what d.Receipt names, or posts anew when that is empty.
	// The error is a *Failure, or any other error, which counts as one to retry with
	// an unknown result.
	Send(ctx context.Context, d Delivery) (Receipt, error)
	// Find looks for an earlier Send of d whose answer was lost. ok is false when it is
	// not there or the medium cannot be asked.
	Find(ctx context.Context, d Delivery) (r Receipt, ok bool, err error)
	// Check is the channel's part of doctor. It sends nothing.
	Check(ctx context.Context) []expansion.Check
}

// Delivery is one thing to show one person, in its newest state.
type Delivery struct {
	ID      string // of the delivery row; the idempotency key, e.g. in Slack's message metadata
	Version int64  // the wanted version this content is, rising
	To      expansion.Person
	Message expansion.Message
	Receipt Receipt   // where it is shown already; zero = nowhere yet
	Parent  Receipt   // the card a thread line belongs under; zero for cards
	Since   time.Time // when the first try began, for look-ups; real time
}

// Receipt says where a message is shown.
type Receipt struct {
	Channel string `json:"channel,omitempty"` // Slack conversation id
	Remote  string `json:"remote,omitempty"`  // Slack ts, mail Message-ID
	Link    string `json:"link,omitempty"`    // permalink if the medium has one
}

// Failure is a refused or lost delivery.
type Failure struct {
	Reason     string        // machine word: rate_limited, down, no_account, refused, bounced …
	Permanent  bool          // trying again cannot succeed
	Unknown    bool          // it may have arrived: look before sending again
	RetryAfter time.Duration // the other side asked to wait; 0 = it did not say
	Text       string        // for people, "" = none
	Err        error
}

// Error implements error.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Reason, f.Err) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// AsFailure returns err as a Failure; anything that is not one counts as an unknown
// result that is worth another try.
func AsFailure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Reason: "error", Unknown: true, Err: err}
}

// Bounds of the wait between tries (DESIGN §6.5).
const (
	minWait = 5 * time.Second
	maxWait = 2 * time.Minute
)

// Wait is how long to wait before try number attempt+1: it doubles from 5 s up to
// 2 min, with up to 20 % taken off at random so that many waiting do not come at once.
// What the other side asked for in after is a floor.
func Wait(attempt int, after time.Duration) time.Duration {
	w := maxWait
	if attempt < 6 {
		w = min(maxWait, minWait<<max(0, attempt-1))
	}
	w -= time.Duration(rand.Int64N(int64(w)/5 + 1))
	return max(w, after)
}
