package expansion

import (
	"fmt"
	"time"
)

// Span writes a duration in the largest one or two units people use for it: "12 s",
// "7 min", "1 h 48 m", "48 h", "34 days". From two days on minutes do not matter, from
// three days on it is whole days. A negative one is none: "0 s".
func Span(d time.Duration) string {
	if d = max(0, d); d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	d = d.Round(time.Minute)
	switch h, m := int(d.Hours()), int(d.Minutes())%60; {
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case h < 48 && m > 0:
		return fmt.Sprintf("%d h %d m", h, m)
	case h <= 72:
		return fmt.Sprintf("%d h", h)
	default:
		return fmt.Sprintf("%d days", h/24)
	}
}

// Count is a number of things: "1 case", "3 cases".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
