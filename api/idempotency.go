package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"expansionbot/engine"
	"expansionbot/expansion"
)

// once answers a request that has an Idempotency-Key: the first time by doing it, later
// with what was answered then. Keys belong to their token. Answers of 500 and above are
// not kept, so that trying again can succeed.
func (s *server) once(w http.ResponseWriter, c *call, e endpoint) {
	key := digest(c.token, c.key)
	request := digest(c.r.Method, c.r.URL.RequestURI(), strings.ToLower(c.r.Header.Get("X-Expansion-Actor")), string(c.body))
	unlock, err := s.keys.lock(c.ctx(), key)
	if err != nil {
		s.fail(w, c, err)
		return
	}
	defer unlock()
	was, err := s.engine.Store().Answered(c.ctx(), key)
	if err != nil {
		s.fail(w, c, err)
		return
	}
	if was != nil {
		if was.Request != request {
			s.fail(w, c, expansion.FieldErrorf("Idempotency-Key", "This Idempotency-Key was used for another request. Use a new key for a new request."))
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		w.Header().Set("Content-Type", contentType(was.Status))
		w.WriteHeader(was.Status)
		_, _ = w.Write([]byte(was.Body))
		return
	}
	rec := &recorder{ResponseWriter: w}
	s.answer(rec, c, e)
	if rec.status < http.StatusInternalServerError {
		// The work is done and dated; a lost answer costs a repeated look, never a repeated effect.
		keep := engine.Answer{Request: request, Status: rec.status, Body: rec.body.String()}
		if err := s.engine.KeepAnswer(context.WithoutCancel(c.ctx()), key, keep); err != nil {
			s.log.WarnContext(c.ctx(), "answer not kept", "request_id", c.id, "err", err)
		}
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body.Bytes())
}

func contentType(status int) string {
	if status >= http.StatusBadRequest {
		return "application/problem+json"
	}
	return "application/json"
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// recorder holds an answer back until it is kept.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// keyLocks lets one request per key work at a time in this process. Two processes can
// both do the work; then the evidence's own key and the state of the routing decide.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

func (k *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		k.mu.Lock()
		busy, ok := k.held[key]
		if !ok {
			if k.held == nil {
				k.held = map[string]chan struct{}{}
			}
			done := make(chan struct{})
			k.held[key] = done
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				delete(k.held, key)
				k.mu.Unlock()
				close(done)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
