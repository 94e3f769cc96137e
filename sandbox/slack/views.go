package slack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

const maxStack = 3 // modals on top of each other

// View is one modal as a person sees it.
type View struct {
	ID         string            `json:"id"`
	Hash       string            `json:"hash"`
	CallbackID string            `json:"callback_id"`
	JSON       json.RawMessage   `json:"json"`             // the view object with state.values
	Errors     map[string]string `json:"errors,omitempty"` // block id -> what is wrong, until the next submit or edit
}

// view is a modal or Home.
type view struct {
	ID       string            `json:"id"`
	User     string            `json:"user"`
	Hash     string            `json:"hash"`
	Root     string            `json:"root"`
	Previous string            `json:"previous,omitempty"`
	Content  obj               `json:"content"` // as the app sent it, normalised
	State    inputs            `json:"state"`
	Errors   map[string]string `json:"errors,omitempty"`
}

func (v *view) str(name string) string { s, _ := v.Content[name].(string); return s }
func (v *view) bool(name string) bool  { return v.Content[name] == true }

func (v *view) blocks() json.RawMessage { return encode(v.Content["blocks"]) }

// apiView is a view as the API and payloads show it, encoded because views change. s.mu is held.
func (s *Server) apiView(v *view) json.RawMessage {
	o := obj{
		"id": v.ID, "team_id": s.cfg.TeamID, "type": "modal", "title": nil, "close": nil, "submit": nil, "private_metadata": "",
		"callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false, "state": obj{"values": v.State},
		"hash": v.Hash, "root_view_id": v.Root, "previous_view_id": nil, "app_id": s.cfg.AppID, "bot_id": s.BotID(), "app_installed_team_id": s.cfg.TeamID,
	}
	if v.Previous != "" {
		o["previous_view_id"] = v.Previous
	}
	for k, val := range v.Content {
		o[k] = val
	}
	return encode(o)
}

// newHash changes at every update. s.mu is held.
func (s *Server) newHash() string {
	return fmt.Sprintf("%s.%s", s.nextTS()[:10], secret()[:8])
}

// viewArg reads and checks the view argument of views.* or of an ack.
func (s *Server) viewArg(v any, where string) (obj, error) {
	m, ok := v.(obj)
	if !ok {
		return nil, &apiError{code: "invalid_arguments", more: obj{"response_metadata": obj{"messages": []string{"[ERROR] missing required field: view"}}}}
	}
	if len(encode(m)) > maxViewBytes {
		s.violate("%s: view of more than %d bytes", where, maxViewBytes)
		return nil, refuse("view_too_large")
	}
	if err := s.judge(checkView(m, s.net.newer()), where, "invalid_arguments"); err != nil {
		return nil, err
	}
	s.sent(m)
	blocks, _ := m["blocks"].([]any)
	s.normalise(blocks)
	for _, name := range []string{"title", "submit", "close"} {
		if m[name] == nil {
			delete(m, name)
		} else {
			s.fill(m[name])
		}
	}
	return m, nil
}

func (c *call) viewArg(kind string) (obj, error) {
	raw, ok := c.json("view")
	if !ok {
		return nil, refuse("invalid_arguments")
	}
	m, err := c.s.viewArg(raw, c.method)
	if err == nil && kind != "" && m["type"] != kind {
		c.s.violate("%s: view of type %v", c.method, m["type"])
		return nil, &apiError{code: "invalid_arguments", more: obj{"response_metadata": obj{"messages": []string{"[ERROR] must be " + kind + " [json-pointer:/view/type]"}}}}
	}
	return m, err
}

// liveTrigger finds a trigger that can still be used. The caller spends it, once Slack has taken the view. s.mu is held.
func (s *Server) liveTrigger(id string) (*trigger, error) {
	t, ok := s.w.Triggers[id]
	switch {
	case !ok:
		return nil, refuse("invalid_trigger_id")
	case t.Used:
		return nil, refuse("exchanged_trigger_id")
	case !s.cfg.Clock().Before(t.Expires):
		return nil, refuse("expired_trigger_id")
	}
	return t, nil
}

// trigger makes a trigger for an interaction of user, from a modal if view is set. s.mu is held.
func (s *Server) trigger(user, view string) string {
	s.w.Seq++
	id := fmt.Sprintf("%d.%d.%s", s.w.Seq, s.cfg.Clock().UnixMilli(), secret())
	now := s.cfg.Clock()
	s.prune(now)
	s.w.Triggers[id] = &trigger{User: user, Expires: now.Add(triggerLife), View: view}
	return id
}

// prune drops triggers and response URLs that expired half an hour ago: long enough to tell expired
// from unknown. It looks only when their number has doubled. s.mu is held.
func (s *Server) prune(now time.Time) {
	if len(s.w.Triggers)+len(s.w.ResponseURLs) < s.pruneAt {
		return
	}
	maps.DeleteFunc(s.w.Triggers, func(_ string, t *trigger) bool { return now.Sub(t.Expires) > responseURLLife })
	maps.DeleteFunc(s.w.ResponseURLs, func(_ string, u *responseURL) bool { return now.Sub(u.Expires) > responseURLLife })
	s.pruneAt = max(2000, 2*(len(s.w.Triggers)+len(s.w.ResponseURLs)))
}

// externalTaken says whether another open view has the external id. s.mu is held.
func (s *Server) externalTaken(m obj, except string) bool {
	ext, _ := m["external_id"].(string)
	v := s.viewByExternal(ext)
	return v != nil && v.ID != except
}

func (s *Server) viewByExternal(ext string) *view {
	if ext == "" {
		return nil
	}
	return s.findView(func(v *view) bool { return v.str("external_id") == ext })
}

func (s *Server) findView(is func(*view) bool) *view {
	for _, stack := range s.w.Stacks {
		for _, v := range stack {
			if is(v) {
				return v
			}
		}
	}
	for _, v := range s.w.Homes {
		if is(v) {
			return v
		}
	}
	return nil
}

// push puts a view on top of user's stack. s.mu is held.
func (s *Server) push(user string, m obj) *view {
	v := &view{ID: s.id("V"), User: user, Content: m}
	v.Root = v.ID
	if stack := s.w.Stacks[user]; len(stack) > 0 {
		v.Root, v.Previous = stack[0].ID, stack[len(stack)-1].ID
	}
	v.Hash, v.State = s.newHash(), buildInputs(v.blocks(), nil)
	s.w.Stacks[user] = append(s.w.Stacks[user], v)
	return v
}

// replace gives a view new content. Entered values stay where block and action are unchanged. s.mu is held.
func (s *Server) replace(v *view, m obj) {
	v.Content, v.Errors, v.Hash = m, nil, s.newHash()
	v.State = buildInputs(v.blocks(), v.State)
}

func (c *call) viewsOpen() (obj, error) { return c.openOrPush(false) }
func (c *call) viewsPush() (obj, error) { return c.openOrPush(true) }

func (c *call) openOrPush(push bool) (obj, error) {
	s := c.s
	m, err := c.viewArg("modal")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.liveTrigger(c.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	if s.externalTaken(m, "") {
		return nil, refuse("duplicate_external_id")
	}
	inModal := t.View != "" && slices.ContainsFunc(s.w.Stacks[t.User], func(v *view) bool { return v.ID == t.View })
	switch {
	case push && !inModal:
		return nil, refuse("not_found")
	case inModal && len(s.w.Stacks[t.User]) >= maxStack:
		return nil, refuse("push_limit_reached")
	case !inModal: // a new root: whatever was open is gone
		delete(s.w.Stacks, t.User)
	}
	t.Used = true
	return obj{"view": s.apiView(s.push(t.User, m))}, nil
}

func (c *call) viewsUpdate() (obj, error) {
	s := c.s
	m, err := c.viewArg("")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewByExternal(c.str("external_id"))
	if id := c.str("view_id"); id != "" {
		v = s.findView(func(v *view) bool { return v.ID == id })
	}
	switch {
	case v == nil:
		return nil, refuse("not_found")
	case c.has("hash") && c.str("hash") != v.Hash:
		return nil, refuse("hash_conflict")
	case s.externalTaken(m, v.ID):
		return nil, refuse("duplicate_external_id")
	case m["type"] != v.Content["type"]:
		return nil, refuse("invalid_arguments")
	}
	s.replace(v, m)
	return obj{"view": s.apiView(v)}, nil
}

func (c *call) viewsPublish() (obj, error) {
	s := c.s
	m, err := c.viewArg("home")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.w.Users[c.str("user_id")]
	if !ok || u.Bot {
		return nil, refuse("user_not_found")
	}
	v := s.w.Homes[u.ID]
	var mine string
	if v != nil {
		mine = v.ID
		if c.has("hash") && c.str("hash") != v.Hash {
			return nil, refuse("hash_conflict")
		}
	}
	if s.externalTaken(m, mine) {
		return nil, refuse("duplicate_external_id")
	}
	if v == nil {
		v = &view{ID: s.id("V"), User: u.ID}
		v.Root = v.ID
		s.w.Homes[u.ID] = v
	}
	s.replace(v, m)
	return obj{"view": s.apiView(v)}, nil
}

// Home returns the view object published for user, or nil.
func (s *Server) Home(user string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.w.Homes[user]
	if !ok {
		return nil
	}
	return s.apiView(v)
}

// Modals lists user's open modals, the bottom one first. Only the last can be used.
func (s *Server) Modals(user string) []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []View
	for _, v := range s.w.Stacks[user] {
		out = append(out, View{ID: v.ID, Hash: v.Hash, CallbackID: v.str("callback_id"), JSON: s.apiView(v), Errors: maps.Clone(v.Errors)})
	}
	return out
}
