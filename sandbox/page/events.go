package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// settleFor is how long changes are gathered before browsers are told.
const settleFor = 60 * time.Millisecond

// watch marks part as changed for every value of ch, until ch closes.
func (s *Server) watch(part string, ch <-chan struct{}) {
	s.wg.Go(func() {
		for range ch {
			s.touch(part)
		}
	})
}

func (s *Server) touch(part string) {
	s.mu.Lock()
	s.dirty[part] = true
	s.mu.Unlock()
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// broadcast looks at what changed, brings the guide up to date and tells browsers.
func (s *Server) broadcast() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.poke:
		}
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(settleFor):
		}
		s.checkGuide()
		s.mu.Lock()
		parts := make([]string, 0, len(s.dirty))
		for p := range s.dirty {
			parts = append(parts, p)
		}
		clear(s.dirty)
		slices.Sort(parts)
		for ch := range s.viewers {
			select {
			case was := <-ch: // not taken yet: the browser gets both at once
				ch <- append(was, parts...)
			default:
				ch <- parts
			}
		}
		s.mu.Unlock()
	}
}

func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	flush, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "This server cannot stream.", http.StatusInternalServerError)
		return
	}
	ch := make(chan []string, 1) // filled by broadcast alone
	s.mu.Lock()
	s.viewers[ch] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.viewers, ch)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprint(w, "retry: 1000\n\n")
	s.sendState(w, []string{"slack", "crm", "mail", "clock", "timeline"})
	flush.Flush()
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case parts := <-ch:
			s.sendState(w, parts)
		case <-beat.C:
			s.sendState(w, nil)
		}
		flush.Flush()
	}
}

func (s *Server) sendState(w http.ResponseWriter, parts []string) {
	b, err := json.Marshal(map[string]any{"parts": parts, "state": s.state()})
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(w, "event: change\ndata: %s\n\n", b)
}

// Watch returns a channel that gets a value after the guide moved on; it closes when
// ctx ends.
func (s *Server) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[ch] = true
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
		close(ch)
	})
	return ch
}

func (s *Server) guideMoved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
