package hubspot

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"expansionbot/crm"
)

// What to wait when HubSpot does not say. Ten seconds is the window of its rolling
// limit; the day's limit ends at midnight of an account's zone we don't know.
const (
	waitRolling = 10 * time.Second
	waitDaily   = time.Hour
	waitLocked  = 2 * time.Second // 423, HubSpot's own advice
)

// statusMigrating is HubSpot's own: the account is being moved, for up to a day.
const statusMigrating = 477

// errorBody is what HubSpot sends with a refusal; a rate limit has policyName instead
// of category.
type errorBody struct {
	Message       string `json:"message"`
	CorrelationID string `json:"correlationId"`
	Category      string `json:"category"`
	PolicyName    string `json:"policyName"`
	Errors        []struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	} `json:"errors"`
}

// text prefers the single errors: the message repeats them inside escaped JSON.
func (b errorBody) text() string {
	var list []string
	for _, e := range b.Errors {
		if e.Message != "" && !slices.Contains(list, e.Message) {
			list = append(list, e.Message)
		}
	}
	if len(list) == 0 {
		return crm.CleanText(b.Message)
	}
	return crm.CleanText(strings.Join(list, "; "))
}

// has reports whether one of the single errors has the code.
func (b errorBody) has(code string) bool {
	for _, e := range b.Errors {
		if e.Code == code {
			return true
		}
	}
	return strings.Contains(b.Message, `"error":"`+code+`"`)
}

// missingProperty marks the refusal of a property that is not there.
type missingProperty struct{}

func (missingProperty) Error() string { return "a property does not exist" }

// refusal turns an answer of 300 and up into an error. Its kind depends on the status
// and, for 429, on the policy; never on the text.
func refusal(in call, resp *http.Response, raw []byte) *crm.Error {
	e := &crm.Error{Op: in.op, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	var b errorBody
	isJSON := json.Unmarshal(raw, &b) == nil
	if isJSON {
		e.Text, e.CorrelationID = b.text(), crm.CleanText(b.CorrelationID)
	} else {
		e.Text = "an answer that is not JSON"
	}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests:
		e.Kind = crm.Retry
		wait := waitRolling
		if b.PolicyName == "DAILY" {
			e.Kind, wait = crm.RetryLater, waitDaily
		}
		if e.RetryAfter == 0 {
			e.RetryAfter = wait
		}
	case s == http.StatusLocked:
		e.Kind = crm.Retry
		if e.RetryAfter == 0 {
			e.RetryAfter = waitLocked
		}
	case s == statusMigrating:
		e.Kind = crm.RetryLater
		if e.RetryAfter == 0 {
			e.RetryAfter = waitDaily
		}
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Kind = crm.Auth
	case s == http.StatusNotFound && isJSON:
		e.Kind = crm.Gone
	case s >= 500, s == http.StatusRequestTimeout:
		e.Kind = crm.Retry
		if in.write {
			e.Kind = crm.Unknown
		}
	default:
		e.Kind = crm.Rejected
		if b.has("PROPERTY_DOESNT_EXIST") {
			e.Err = missingProperty{}
		}
	}
	return e
}

// retryAfter reads the header in both its forms; a date counts from the answer's own
// Date, so no clock of ours is needed. 0 means it did not say.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseFloat(v, 64); err == nil && n > 0 && n < float64(24*time.Hour/time.Second) {
		return time.Duration(n * float64(time.Second))
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(until.Sub(now), 0)
}

// isKind reports whether err is a *crm.Error of the kind.
func isKind(err error, kind crm.Kind) bool {
	e, ok := crm.AsError(err)
	return ok && e.Kind == kind
}
