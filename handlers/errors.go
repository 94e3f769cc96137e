package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"expansionbot/expansion"
)

// sentence is what the presser reads about err; what is not for people goes to the log
// with the reference they see. It is the one place that maps codes to Slack copy.
func (h *Handlers) sentence(ctx context.Context, c *Call, err error) string {
	switch code := expansion.CodeOf(err); code {
	case expansion.CodeUnavailable:
		h.log.WarnContext(ctx, "slack call waits", "envelope_id", c.Env.ID, "name", c.Name, "err", err)
		if c.Env.Kind == KindCommand || c.Env.Kind == KindAction || c.Env.Kind == KindSubmit {
			return "Still working; I'll update this message."
		}
		return expansion.TextOf(err)
	case expansion.CodeInternal:
		ref := reference(c.Env.ID)
		h.log.ErrorContext(ctx, "slack call failed", "ref", ref, "envelope_id", c.Env.ID, "kind", c.Env.Kind, "name", c.Name, "err", err)
		return "Something broke on my side (ref " + ref + "). Your text is safe; try again."
	default:
		h.log.InfoContext(ctx, "slack call refused", "envelope_id", c.Env.ID, "name", c.Name, "code", string(code), "err", err)
		return expansion.TextOf(err)
	}
}

// retry reports whether the inbox job should try again.
func retry(err error) bool {
	switch expansion.CodeOf(err) {
	case expansion.CodeUnavailable, expansion.CodeInternal:
		return true
	}
	return false
}

// reference is a short mark that a person can tell and the log can be searched for.
func reference(envelope string) string {
	sum := sha256.Sum256([]byte(envelope))
	return hex.EncodeToString(sum[:2])
}

// recent remembers the newest n keys.
type recent[V any] struct {
	mu   sync.Mutex
	max  int
	by   map[string]V
	keys []string // oldest first
}

func newRecent[V any](n int) *recent[V] { return &recent[V]{max: n, by: make(map[string]V)} }

// add keeps a value; false when the key was there already, which changes nothing.
func (r *recent[V]) add(key string, v V) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.by[key]; ok {
		return false
	}
	if len(r.keys) >= r.max {
		delete(r.by, r.keys[0])
		r.keys = r.keys[1:]
	}
	r.by[key] = v
	r.keys = append(r.keys, key)
	return true
}

func (r *recent[V]) get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.by[key]
	return v, ok
}
