package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Outcome is what a person sees at once after an act. The zero value means all went well; what the
// app shows later is in Messages, Modals and Home.
type Outcome struct {
	Text        string            `json:"text"`                   // what Slack's client says went wrong, "" if nothing
	Code        string            `json:"code,omitempty"`         // "dispatch_failed": no socket; "operation_timeout": no ack; "invalid_response": the ack was refused
	FieldErrors map[string]string `json:"field_errors,omitempty"` // of Submit: block id -> text; the modal stays open
}

const codeResponse = "invalid_response"

// Target says where an element is: a message (Channel and TS), a modal (ViewID) or the person's Home.
type Target struct {
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
	ViewID  string `json:"view_id,omitempty"`
	Home    bool   `json:"home,omitempty"`

	// Seen are the blocks the person's client still shows of the message: an older version of it, or a
	// card somebody shared with them. nil = as they are now.
	Seen json.RawMessage `json:"-"`
}

// place is a resolved Target.
type place struct {
	user   User
	ch     *channel
	m      *message
	v      *view
	blocks json.RawMessage
}

// resolve finds what user can see at t. s.mu is held.
func (s *Server) resolve(user string, t Target) (place, error) {
	u, ok := s.w.Users[user]
	if !ok || u.Deleted {
		return place{}, fmt.Errorf("no active person %q in the workspace", user)
	}
	switch {
	case t.Home:
		v, ok := s.w.Homes[user]
		if !ok {
			return place{}, fmt.Errorf("%s has no Home yet", u.Handle)
		}
		return place{user: u, v: v, blocks: v.blocks()}, nil
	case t.ViewID != "":
		stack := s.w.Stacks[user]
		i := slices.IndexFunc(stack, func(v *view) bool { return v.ID == t.ViewID })
		if i < 0 {
			return place{}, fmt.Errorf("%s has no open modal %s", u.Handle, t.ViewID)
		}
		if i != len(stack)-1 {
			return place{}, fmt.Errorf("modal %s is covered by %s", t.ViewID, stack[len(stack)-1].ID)
		}
		return place{user: u, v: stack[i], blocks: stack[i].blocks()}, nil
	}
	ch, err := s.joined(user, t.Channel)
	if err != nil {
		return place{}, err
	}
	m := ch.find(t.TS)
	if m == nil || m.Deleted || m.Ephemeral && m.VisibleTo != user {
		return place{}, fmt.Errorf("%s sees no message %s in %s", u.Handle, t.TS, t.Channel)
	}
	p := place{user: u, ch: ch, m: m, blocks: m.Blocks}
	if t.Seen != nil {
		p.blocks = t.Seen
	}
	return p, nil
}

// joined is a conversation user is in. s.mu is held.
func (s *Server) joined(user, id string) (*channel, error) {
	ch, ok := s.w.Channels[id]
	if !ok || !slices.Contains(ch.Members, user) {
		return nil, fmt.Errorf("%s is not in a channel %q", user, id)
	}
	return ch, nil
}

// element finds an element; an empty blockID takes the first with the action id.
func (p place) element(blockID, actionID string) (placed, error) {
	for _, e := range elementsOf(p.blocks) {
		if e.actionID == actionID && (blockID == "" || e.blockID == blockID) {
			return e, nil
		}
	}
	return placed{}, fmt.Errorf("no element with action_id %q in block %q there", actionID, blockID)
}

// state is where the place keeps what user entered. s.mu is held.
func (p place) state() inputs {
	if p.v != nil {
		return p.v.State
	}
	if p.m.State == nil {
		p.m.State = map[string]inputs{}
	}
	if p.m.State[p.user.ID] == nil {
		p.m.State[p.user.ID] = buildInputs(p.m.Blocks, nil)
	}
	return p.m.State[p.user.ID]
}

func offerKey(user string, p place, e placed) string {
	where := ""
	if p.v != nil {
		where = p.v.ID
	} else {
		where = p.ch.ID + "/" + p.m.TS
	}
	return strings.Join([]string{user, where, e.blockID, e.actionID}, "\x00")
}

// enter puts a value into the state and returns the entry. s.mu is held.
func (s *Server) enter(p place, e placed, value any) (obj, error) {
	entry, err := s.entry(p.user.ID, e, value, s.offered[offerKey(p.user.ID, p, e)])
	if err != nil {
		return nil, err
	}
	st := p.state()
	if st[e.blockID] == nil {
		st[e.blockID] = map[string]obj{}
	}
	st[e.blockID][e.actionID] = entry
	if p.v != nil {
		delete(p.v.Errors, e.blockID)
	}
	return entry, nil
}

// base is what every interaction payload holds. s.mu is held.
func (s *Server) base(kind string, u User) obj {
	team := s.cfg.TeamID
	if u.External {
		team = externalTeam
	}
	return obj{
		"type": kind, "user": obj{"id": u.ID, "username": u.Handle, "name": u.Handle, "team_id": team}, "api_app_id": s.cfg.AppID, "token": "sandbox",
		"team": obj{"id": s.cfg.TeamID, "domain": "sandbox"}, "enterprise": nil, "is_enterprise_install": false,
	}
}

// where adds container, message, channel or view, and state. s.mu is held.
func (s *Server) where(o obj, p place) {
	if p.v != nil {
		o["container"] = obj{"type": "view", "view_id": p.v.ID}
		o["view"] = s.apiView(p.v)
		return
	}
	container := obj{"type": "message", "message_ts": p.m.TS, "channel_id": p.ch.ID, "is_ephemeral": p.m.Ephemeral}
	if p.m.ThreadTS != "" {
		container["thread_ts"] = p.m.ThreadTS
	}
	o["container"] = container
	o["channel"] = obj{"id": p.ch.ID, "name": slashName(p.ch)}
	if !p.m.Ephemeral { // Slack does not hand an ephemeral back
		o["message"] = s.apiMessage(p.m, false)
	}
}

func slashName(ch *channel) string {
	switch {
	case ch.IM != "":
		return "directmessage"
	case ch.Private:
		return "privategroup"
	}
	return ch.Name
}

// Press uses an element. Buttons take nil; a select, radio group or overflow its option's value;
// multi selects and checkboxes a []string; people and conversations their ids; dates "YYYY-MM-DD";
// typed inputs the text; nil clears. An element of an input block without dispatch_action only keeps
// the value, as in Slack; all else reaches the app. A confirm dialog counts as confirmed. An empty
// blockID takes the first element with the action id.
func (s *Server) Press(ctx context.Context, user string, t Target, blockID, actionID string, value any) (Outcome, error) {
	payload, what, err := s.press(user, t, blockID, actionID, value)
	if err != nil {
		return Outcome{}, fmt.Errorf("press %s: %w", actionID, err)
	}
	s.changed()
	if payload == nil {
		return Outcome{}, nil
	}
	_, code, err := s.deliver(ctx, "interactive", what, false, payload)
	if err != nil || code == "" {
		return Outcome{}, err
	}
	return Outcome{Code: code, Text: "This app did not respond (" + code + "). Try again."}, nil
}

// press keeps the value and makes the payload; nil means the app is not told.
func (s *Server) press(user string, t Target, blockID, actionID string, value any) (obj, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.resolve(user, t)
	if err != nil {
		return nil, "", err
	}
	e, err := p.element(blockID, actionID)
	if err != nil {
		return nil, "", err
	}
	ts := s.nextTS()
	action := obj{"type": e.kind, "action_id": e.actionID, "block_id": e.blockID, "action_ts": ts}
	for _, name := range []string{"placeholder", "confirm", "initial_option", "initial_options", "initial_date", "initial_time", "initial_user", "initial_conversation"} {
		if v, ok := e.el[name]; ok {
			action[name] = v
		}
	}
	switch e.kind {
	case "button", "icon_button", "workflow_button":
		for _, name := range []string{"text", "value", "style", "url"} {
			if v, ok := e.el[name]; ok {
				action[name] = v
			}
		}
	case "overflow":
		words, err := wordsOf(value, false)
		if err != nil {
			return nil, "", err
		}
		i := slices.IndexFunc(allOptions(e.el), func(o obj) bool { return o["value"] == words[0] })
		if i < 0 {
			return nil, "", fmt.Errorf("the menu has no entry %q", words[0])
		}
		action["selected_option"] = allOptions(e.el)[i]
	case "feedback_buttons":
		words, err := wordsOf(value, false)
		if err != nil {
			return nil, "", err
		}
		action["value"] = words[0]
	default:
		entry, err := s.enter(p, e, value)
		if err != nil {
			return nil, "", err
		}
		if e.input != nil && e.input["dispatch_action"] != true {
			return nil, "", nil
		}
		for k, v := range entry {
			action[k] = v
		}
	}
	payload := s.base("block_actions", p.user)
	s.where(payload, p)
	payload["actions"] = []any{action}
	payload["state"] = encode(obj{"values": p.state()})
	modal := ""
	if p.v != nil && !t.Home {
		modal = p.v.ID
	}
	payload["trigger_id"] = s.trigger(user, modal)
	if p.m != nil {
		payload["response_url"] = s.newResponseURL(user, p.ch, p.m)
	}
	return payload, "block_actions " + actionID, nil
}

// SetState fills an input without telling the app. Values are those of Press.
func (s *Server) SetState(user string, t Target, blockID, actionID string, value any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.resolve(user, t)
	if err == nil {
		var e placed
		if e, err = p.element(blockID, actionID); err == nil {
			_, err = s.enter(p, e, value)
		}
	}
	if err != nil {
		return fmt.Errorf("fill %s: %w", actionID, err)
	}
	s.changed()
	return nil
}

// RunCommand types the app's slash command with text (without the command itself). @handle and
// #channel become ids and & < > entities, as should_escape in the manifest asks.
func (s *Server) RunCommand(ctx context.Context, user, channel, text string) (Outcome, error) {
	s.mu.Lock()
	u, ok := s.w.Users[user]
	if !ok || u.Deleted {
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("run %s: no active person %q in the workspace", s.cfg.Command, user)
	}
	ch, err := s.joined(user, channel)
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("run %s: %w", s.cfg.Command, err)
	}
	link := s.newResponseURL(user, ch, nil)
	payload := obj{
		"token": "sandbox", "team_id": s.cfg.TeamID, "team_domain": "sandbox", "channel_id": ch.ID, "channel_name": slashName(ch),
		"user_id": u.ID, "user_name": u.Handle, "command": s.cfg.Command, "text": s.wire(strings.TrimSpace(text)), "api_app_id": s.cfg.AppID,
		"is_enterprise_install": "false", "response_url": link, "trigger_id": s.trigger(user, ""),
	}
	if u.External {
		payload["team_id"] = externalTeam
	}
	s.mu.Unlock()
	failed := func(code string) Outcome {
		return Outcome{Code: code, Text: fmt.Sprintf("%s failed with the error %q", s.cfg.Command, code)}
	}
	reply, code, err := s.deliver(ctx, "slash_commands", "slash command", true, payload)
	if err != nil {
		return Outcome{}, err
	}
	if code != "" {
		return failed(code), nil
	}
	if reply == nil {
		return Outcome{}, nil
	}
	if err := s.commandReply(ch, user, reply); err != nil {
		return failed(err.Error()), nil
	}
	s.changed()
	return Outcome{}, nil
}

// commandReply shows the message an ack of a command brought.
func (s *Server) commandReply(ch *channel, user string, reply json.RawMessage) error {
	v, err := decode(reply)
	if err != nil {
		return refuse(codeResponse)
	}
	if text, ok := v.(string); ok {
		v = obj{"text": text}
	}
	m, ok := v.(obj)
	if !ok {
		s.violate("slash command acked with neither text nor an object")
		return refuse(codeResponse)
	}
	c := &call{s: s, method: "slash command ack", args: m}
	con, err := s.content(c, c.method)
	if err != nil {
		return err
	}
	if con.text == "" && con.blocks == nil {
		s.violate("slash command acked with a message without text and blocks")
		return refuse("no_text")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.str("response_type") == "in_channel" {
		s.add(ch, &message{Message: Message{User: s.BotUserID(), BotID: s.BotID(), Text: con.text, Blocks: con.blocks}})
		return nil
	}
	s.ephemeral(ch, user, "", con)
	return nil
}

var (
	entities  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	atHandle  = regexp.MustCompile(`(^|[\s(])@([A-Za-z0-9._-]+)`)
	atChannel = regexp.MustCompile(`(^|[\s(])#([a-z0-9_-]+)`)
)

// wire turns what a person typed into Slack's wire text. s.mu is held.
func (s *Server) wire(text string) string {
	text = entities.Replace(text)
	text = atHandle.ReplaceAllStringFunc(text, func(hit string) string {
		at := strings.Index(hit, "@")
		if strings.EqualFold(hit[at+1:], s.bot().Handle) {
			return hit[:at] + "<@" + s.BotUserID() + "|" + s.bot().Handle + ">"
		}
		for _, id := range s.w.UserOrder {
			if u := s.w.Users[id]; strings.EqualFold(u.Handle, hit[at+1:]) {
				return hit[:at] + "<@" + u.ID + "|" + u.Handle + ">"
			}
		}
		return hit
	})
	return atChannel.ReplaceAllStringFunc(text, func(hit string) string {
		at := strings.Index(hit, "#")
		for _, ch := range s.w.Channels {
			if ch.IM == "" && ch.Name == hit[at+1:] {
				return hit[:at] + "<#" + ch.ID + "|" + ch.Name + ">"
			}
		}
		return hit
	})
}

// Shortcut uses the app's message shortcut on a message, or with an empty channel its global one.
func (s *Server) Shortcut(ctx context.Context, user, callbackID, channel, ts string) (Outcome, error) {
	s.mu.Lock()
	var payload obj
	if channel == "" {
		u, ok := s.w.Users[user]
		if !ok || u.Deleted {
			s.mu.Unlock()
			return Outcome{}, fmt.Errorf("shortcut %s: no active person %q in the workspace", callbackID, user)
		}
		payload = s.base("shortcut", u)
	} else {
		p, err := s.resolve(user, Target{Channel: channel, TS: ts})
		if err != nil {
			s.mu.Unlock()
			return Outcome{}, fmt.Errorf("shortcut %s: %w", callbackID, err)
		}
		if p.m.Ephemeral {
			s.mu.Unlock()
			return Outcome{}, fmt.Errorf("shortcut %s: an ephemeral message has no shortcuts", callbackID)
		}
		payload = s.base("message_action", p.user)
		payload["message"], payload["message_ts"] = s.apiMessage(p.m, false), p.m.TS
		payload["channel"] = obj{"id": p.ch.ID, "name": slashName(p.ch)}
		// The message is somebody's: a response never replaces it, so the URL names none.
		payload["response_url"] = s.newResponseURL(user, p.ch, nil)
	}
	payload["callback_id"], payload["action_ts"], payload["trigger_id"] = callbackID, s.nextTS(), s.trigger(user, "")
	s.mu.Unlock()
	_, code, err := s.deliver(ctx, "interactive", "shortcut "+callbackID, false, payload)
	if err != nil || code == "" {
		return Outcome{}, err
	}
	return Outcome{Code: code, Text: "The shortcut did not work (" + code + "). Try again."}, nil
}
