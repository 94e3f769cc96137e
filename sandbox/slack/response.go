package slack

import (
	"fmt"
	"net/http"
)

// newResponseURL makes the response_url of an interaction. ts is the message it is about, "" for a
// command. s.mu is held.
func (s *Server) newResponseURL(user string, ch *channel, m *message) string {
	now := s.cfg.Clock()
	s.prune(now)
	key := secret()
	u := &responseURL{Channel: ch.ID, User: user, Expires: now.Add(responseURLLife)}
	if m != nil {
		u.TS, u.Ephemeral = m.TS, m.Ephemeral
		if m.ThreadTS != "" && m.ThreadTS != m.TS {
			u.ThreadTS = m.ThreadTS
		}
	}
	s.w.ResponseURLs[key] = u
	return s.cfg.BaseURL + "/response/" + key
}

// serveResponse takes what an app posts to a response_url: five uses within 30 minutes. It answers
// "ok" and never a ts.
func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	if s.net.isDown() {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	s.net.count("response_url")
	fault, faulty := s.net.fault("response_url")
	if faulty && s.serveFault(w, r, fault) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	args, _, err := readArgs(r)
	if err == nil {
		if p, ok := args["payload"].(string); ok { // the old form: payload=<json>
			v, derr := decode([]byte(p))
			m, isObject := v.(obj)
			if derr != nil || !isObject {
				err = fmt.Errorf("payload is not a JSON object")
			}
			args = m
		}
	}
	if err == nil {
		err = s.respond(r.PathValue("secret"), args)
	} else {
		err = refuse("invalid_payload")
	}
	s.changed()
	switch {
	case faulty:
		cut(w)
	case err == nil:
		w.Write([]byte("ok"))
	case err.Error() == "used_url" || err.Error() == "expired_url":
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"ok":false,"error":%q}`, err.Error())
	default:
		answer(w, nil, err)
	}
}

func (s *Server) respond(key string, args map[string]any) error {
	s.mu.Lock()
	u, ok := s.w.ResponseURLs[key]
	now := s.cfg.Clock()
	switch {
	case !ok || !now.Before(u.Expires):
		s.mu.Unlock()
		return refuse("expired_url")
	case u.Uses >= maxResponseURLUses:
		s.mu.Unlock()
		s.violate("response_url used more than %d times", maxResponseURLUses)
		return refuse("used_url")
	}
	u.Uses++
	s.mu.Unlock()
	c := &call{s: s, method: "response_url", args: args}
	deleting := c.bool("delete_original")
	con, err := s.content(c, c.method)
	if err != nil {
		return err
	}
	if con.text == "" && con.blocks == nil && !deleting {
		s.violate("response_url: neither text nor blocks")
		return refuse("no_text")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.w.Channels[u.Channel]
	if !ok {
		return refuse("channel_not_found")
	}
	original := ch.find(u.TS)
	if original != nil && (original.Deleted || original.BotID != s.BotID()) {
		original = nil
	}
	switch {
	case deleting && original != nil:
		s.remove(ch, original)
		return nil
	case deleting:
		return nil
	case c.bool("replace_original") && original != nil:
		con.hasText, con.hasBlocks = true, true // a response is a whole message
		s.edit(ch, original, con)
		return nil
	}
	// A command has no original to replace: a new message comes, as without the flag.
	thread := c.str("thread_ts")
	if thread == "" {
		thread = u.ThreadTS
	}
	if c.str("response_type") == "in_channel" {
		s.add(ch, &message{Message: Message{User: s.BotUserID(), BotID: s.BotID(), Text: con.text, Blocks: con.blocks, Metadata: con.metadata, ThreadTS: thread}})
		return nil
	}
	s.ephemeral(ch, u.User, thread, con)
	return nil
}
