package expansion

import (
	"errors"
	"fmt"
)

// Code is the machine word for a class of failure. Each room at the rim maps it
// to its own answer in one function: HTTP status, Slack copy, job result.
type Code string

// The codes. CodeNoRecipient is only ever returned by a routing decision.
const (
	CodeInvalid     Code = "invalid"
	CodeNotFound    Code = "not_found"
	CodeGone        Code = "gone"
	CodeConflict    Code = "conflict"
	CodeDenied      Code = "denied"
	CodeUnavailable Code = "unavailable"
	CodeNoRecipient Code = "no_recipient"
	CodeInternal    Code = "internal"
)

// Error is a failure a person may read.
type Error struct {
	Code  Code
	Field string // input at fault, "" if none
	Text  string // one sentence: what happened and what to do next
	Err   error  // the cause, for the log; never shown
}

// Error implements error with the sentence and, for the log, the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Text, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Text)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of code with a formatted sentence.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// FieldErrorf is Errorf for one input field with CodeInvalid.
func FieldErrorf(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal for any
// other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// TextOf returns the sentence a person may read: that of the first Error in the
// chain, or a neutral one, so that no text of a CRM or mail server gets through.
func TextOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Text
	}
	return "Something broke on my side. Your text is safe; try again."
}

// Quote puts what a person typed into quotes for a sentence, cut at 40 characters.
func Quote(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		s = string(r[:39]) + "…"
	}
	return "`" + s + "`"
}
