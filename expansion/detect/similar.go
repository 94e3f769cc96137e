package detect

import (
	"time"

	"expansionbot/expansion"
)

// Similar is the open signal that a log by hand, or a finding beside one, is probably about,
// nil when there is none. open are the account's open signals; one counts if it was last seen at most
// window before at, when the logged thing happened. The same type and subject is the
// same signal. So is, else, the last seen of those about the same kind of purchase: a
// customer buys the same seats once, whether a meter showed the need or a person heard it.
func Similar(logged expansion.Signal, at time.Time, open []expansion.Signal, window time.Duration) *expansion.Signal {
	var like *expansion.Signal
	for i := range open {
		s := &open[i]
		if s.AccountID != logged.AccountID || !s.Status.Open() || at.Sub(s.LastSeenAt) > window {
			continue
		}
		if s.DuplicateKey() == logged.DuplicateKey() {
			return s
		}
		if s.ExpansionType == logged.ExpansionType && (like == nil || s.LastSeenAt.After(like.LastSeenAt)) {
			like = s
		}
	}
	return like
}
