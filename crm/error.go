package crm

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"expansionbot/expansion"
)

// Kind says what a caller may do about an Error.
type Kind string

// The kinds.
const (
	// Retry: nothing happened; send the same again after RetryAfter or the usual wait.
	Retry Kind = "retry"
	// RetryLater: nothing happened and it will not for long: the day's calls are used
	// up. Wait RetryAfter and tell an admin.
	RetryLater Kind = "retry_later"
	// Auth: the credentials or their permissions do not suffice. An admin must act.
	Auth Kind = "auth"
	// Rejected: the CRM refuses these values. A person must change something.
	Rejected Kind = "rejected"
	// Gone: the record is not there or archived.
	Gone Kind = "gone"
	// Unknown: the request may have reached the CRM and the answer is lost (timeout,
	// cut connection, 5xx on a write). Look up before sending again.
	Unknown Kind = "unknown"
)

// Code is the product's word for the kind.
func (k Kind) Code() expansion.Code {
	switch k {
	case Retry, RetryLater, Unknown:
		return expansion.CodeUnavailable
	case Auth:
		return expansion.CodeDenied
	case Rejected:
		return expansion.CodeInvalid
	case Gone:
		return expansion.CodeGone
	}
	return expansion.CodeInternal
}

// Error is a failed call. Its text is the CRM's own and for the log and the admin's
// doctor page; other people get a sentence of ours.
type Error struct {
	Kind          Kind
	Op            string        // the Client method, lower case
	Status        int           // HTTP status, 0 if there was no answer
	Text          string        // the CRM's words: one line, at most 300 characters
	CorrelationID string        // what the CRM's support asks for, "" if none
	RetryAfter    time.Duration // what the CRM asked to wait, 0 if it did not say
	Err           error         // the cause, nil if the CRM answered
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "crm %s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, ", status %d", e.Status)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, ": %s", e.Text)
	}
	if e.CorrelationID != "" {
		fmt.Fprintf(&b, " (correlation %s)", e.CorrelationID)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError finds the first *Error in err's chain.
func AsError(err error) (*Error, bool) { return errors.AsType[*Error](err) }

// maxText is how much of a CRM's words an Error keeps, in characters.
const maxText = 300

// CleanText makes a CRM's words fit for a log line: one line, no control characters,
// at most 300 characters.
func CleanText(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText-1]) + "…"
	}
	return s
}
