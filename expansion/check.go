package expansion

// Check is one line of doctor: what was looked at, how it stands, and the fix.
type Check struct {
	Level CheckLevel `json:"level"`
	What  string     `json:"what"` // "Slack scopes"
	Text  string     `json:"text"` // what was found
	Fix   string     `json:"fix,omitempty"`
}

// CheckLevel is how a check ended.
type CheckLevel string

// The levels. Only CheckFail makes doctor exit 1.
const (
	CheckPass CheckLevel = "pass"
	CheckWarn CheckLevel = "warn"
	CheckFail CheckLevel = "fail"
)
