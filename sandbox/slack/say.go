package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Say writes a message; threadTS "" is the channel itself. It returns the ts. The app's event is
// waited for, at most the ack deadline; without a socket it stays queued.
func (s *Server) Say(user, channel, threadTS, text string) (string, error) {
	s.mu.Lock()
	ch, err := s.speak(user, channel, threadTS)
	if err != nil {
		s.mu.Unlock()
		return "", fmt.Errorf("say: %w", err)
	}
	if strings.TrimSpace(text) == "" {
		s.mu.Unlock()
		return "", fmt.Errorf("say: a message needs text")
	}
	m := &message{Message: Message{User: user, Text: s.wire(text), ThreadTS: threadTS}}
	ev := s.add(ch, m)
	s.mu.Unlock()
	s.changed()
	s.waitEvent(ev)
	return m.TS, nil
}

// speak is a conversation user may write to. s.mu is held.
func (s *Server) speak(user, id, threadTS string) (*channel, error) {
	ch, err := s.joined(user, id)
	if err != nil {
		return nil, err
	}
	if err := ch.thread(threadTS); err != nil {
		return nil, fmt.Errorf("thread %s: %w", threadTS, err)
	}
	if ch.Archived {
		return nil, fmt.Errorf("channel %s is archived", id)
	}
	return ch, nil
}

// Upload drops a file into a channel and returns the ts of its message. The app gets a message event
// of subtype file_share, waited for as in Say.
func (s *Server) Upload(user, channel, name string, content []byte) (string, error) {
	if name == "" || len(content) == 0 {
		return "", fmt.Errorf("upload: a file needs a name and content")
	}
	s.mu.Lock()
	ch, err := s.speak(user, channel, "")
	if err != nil {
		s.mu.Unlock()
		return "", fmt.Errorf("upload %s: %w", name, err)
	}
	f := s.newFile(user, name, slices.Clone(content))
	f.Done = true
	m := &message{Message: Message{User: user}, Subtype: "file_share"}
	ev := s.share(ch, m, []*file{f})
	if slices.Contains(ch.Members, s.BotUserID()) {
		s.emit("file_shared", ch, obj{"type": "file_shared", "file_id": f.ID, "user_id": user, "file": obj{"id": f.ID}, "channel_id": ch.ID, "event_ts": m.TS})
	}
	s.mu.Unlock()
	s.changed()
	s.waitEvent(ev)
	return m.TS, nil
}

// OpenHome opens the app's Home tab: app_home_opened, waited for as in Say.
func (s *Server) OpenHome(ctx context.Context, user string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	u, ok := s.w.Users[user]
	if !ok || u.Deleted {
		s.mu.Unlock()
		return fmt.Errorf("open Home: no active person %q in the workspace", user)
	}
	ch := s.botDM(user)
	ev := obj{"type": "app_home_opened", "user": user, "channel": ch.ID, "tab": "home", "event_ts": s.nextTS()}
	if v, ok := s.w.Homes[user]; ok {
		ev["view"] = s.apiView(v)
	}
	e := s.emit("app_home_opened", nil, ev)
	s.mu.Unlock()
	s.changed()
	s.waitEvent(e)
	return nil
}
