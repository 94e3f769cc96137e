package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"expansionbot/expansion"
)

// problem is an RFC 9457 answer. Code is the machine word, Detail the sentence for a
// person, Field the input at fault.
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      string       `json:"code"`
	Field     string       `json:"field,omitempty"`
	RequestID string       `json:"requestId"`
	Ingest    *ingestState `json:"ingest,omitempty"` // the rows, when none could be used
}

// refusal is an answer that only HTTP knows.
type refusal struct {
	status    int
	code      string
	text      string
	challenge string // WWW-Authenticate
	cause     error  // for the log
	ingest    *ingestState
}

// Error implements error.
func (r *refusal) Error() string {
	if r.cause != nil {
		return r.code + ": " + r.text + ": " + r.cause.Error()
	}
	return r.code + ": " + r.text
}

// Unwrap returns the cause.
func (r *refusal) Unwrap() error { return r.cause }

// retryAfterSeconds is how long a client that hears 503 should wait.
const retryAfterSeconds = 5

// problemOf is the HTTP column of the error table: every failure becomes a problem here
// and nowhere else.
func problemOf(err error, requestID string) problem {
	p := problem{RequestID: requestID, Detail: expansion.TextOf(err)}
	if r, ok := errors.AsType[*refusal](err); ok {
		p.Status, p.Code, p.Detail, p.Ingest = r.status, r.code, r.text, r.ingest
	} else {
		code := expansion.CodeOf(err)
		if code == expansion.CodeInternal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
			code, p.Detail = expansion.CodeUnavailable, "This took too long. Try again in a moment; sending the same again does nothing twice."
		}
		p.Code = string(code)
		switch code {
		case expansion.CodeInvalid:
			p.Status = http.StatusUnprocessableEntity
		case expansion.CodeNotFound:
			p.Status = http.StatusNotFound
		case expansion.CodeGone:
			p.Status = http.StatusGone
		case expansion.CodeConflict, expansion.CodeNoRecipient:
			p.Status = http.StatusConflict
		case expansion.CodeDenied:
			p.Status = http.StatusForbidden
		case expansion.CodeUnavailable:
			p.Status = http.StatusServiceUnavailable
		default:
			p.Status, p.Code = http.StatusInternalServerError, string(expansion.CodeInternal)
			p.Detail = "Something broke on my side (ref " + requestID + "). Try again; if it stays, give the ref to whoever runs the bot."
		}
		if e, ok := errors.AsType[*expansion.Error](err); ok && p.Status < http.StatusInternalServerError {
			p.Field = e.Field
		}
	}
	p.Type, p.Title = "urn:expansionbot:problem:"+p.Code, http.StatusText(p.Status)
	return p
}

// fail answers err. It is the one place where a failed request is logged.
func (s *server) fail(w http.ResponseWriter, c *call, err error) {
	p := problemOf(err, c.id)
	switch {
	case p.Status == http.StatusInternalServerError:
		s.log.ErrorContext(c.ctx(), "http request failed", "request_id", c.id, "err", err)
	case p.Status == http.StatusServiceUnavailable:
		s.log.WarnContext(c.ctx(), "http request not served", "request_id", c.id, "err", err)
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfterSeconds))
	}
	if r, ok := errors.AsType[*refusal](err); ok && r.challenge != "" {
		w.Header().Set("WWW-Authenticate", r.challenge)
	}
	writeJSON(w, "application/problem+json", p.Status, p)
}
