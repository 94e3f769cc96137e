package expansion

import "time"

// Clock tells the time at the rim of the program. Inner rooms take the time as a
// value. In the sandbox the clock can be moved forward; it never goes back.
type Clock interface {
	Now() time.Time
}

// ClockFunc makes a Clock of a function.
type ClockFunc func() time.Time

// Now calls the function.
func (f ClockFunc) Now() time.Time { return f() }
