package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// target finds the conversation an app names: an id, a person's id (their direct message) or #name.
// s.mu is held.
func (s *Server) target(id string) *channel {
	if ch, ok := s.w.Channels[id]; ok {
		return ch
	}
	if u, ok := s.w.Users[id]; ok && !u.Deleted && !u.Bot {
		return s.botDM(id)
	}
	if name, ok := strings.CutPrefix(id, "#"); ok {
		for _, ch := range s.w.Channels {
			if ch.Name == name && ch.IM == "" {
				return ch
			}
		}
	}
	return nil
}

// writable is target with the errors of writing there.
func (s *Server) writable(id string) (*channel, error) {
	ch := s.target(id)
	switch {
	case ch == nil:
		return nil, refuse("channel_not_found")
	case ch.Private && ch.IM == "" && !slices.Contains(ch.Members, s.BotUserID()):
		return nil, refuse("channel_not_found") // a private channel the bot is not in does not exist for it
	case !slices.Contains(ch.Members, s.BotUserID()):
		return nil, refuse("not_in_channel")
	case ch.Archived:
		return nil, refuse("is_archived")
	case ch.IM != "" && s.w.Users[ch.IM].Deleted:
		return nil, refuse("user_disabled")
	}
	return ch, nil
}

// thread checks a thread_ts. s.mu is held.
func (ch *channel) thread(ts string) error {
	if ts == "" {
		return nil
	}
	parent := ch.find(ts)
	switch {
	case parent == nil || parent.Ephemeral || parent.Deleted:
		return refuse("thread_not_found")
	case parent.ThreadTS != "" && parent.ThreadTS != parent.TS:
		return refuse("cannot_reply_to_message")
	}
	return nil
}

// add appends a message, counts it in its thread, and tells the app. s.mu is held.
func (s *Server) add(ch *channel, m *message) *event {
	m.TS = s.nextTS()
	ch.Messages = append(ch.Messages, m)
	if m.ThreadTS != "" && !m.Ephemeral {
		if parent := ch.find(m.ThreadTS); parent != nil {
			parent.ThreadTS = parent.TS
			parent.ReplyCount++
			parent.LatestReply = m.TS
		}
	}
	if m.Ephemeral {
		return nil
	}
	ev := s.apiMessage(m, false)
	ev["channel"], ev["event_ts"], ev["channel_type"] = ch.ID, m.TS, channelType(ch)
	first := s.emitMessage(ch, ev)
	if m.BotID == "" && ch.IM == "" && strings.Contains(m.Text, "<@"+s.BotUserID()) && slices.Contains(ch.Members, s.BotUserID()) {
		mention := s.apiMessage(m, false)
		mention["type"], mention["channel"], mention["event_ts"] = "app_mention", ch.ID, m.TS
		if e := s.emit("app_mention", ch, mention); e != nil {
			return e
		}
	}
	return first
}

func channelType(ch *channel) string {
	switch ch.kind() {
	case "im":
		return "im"
	case "groups":
		return "group"
	}
	return "channel"
}

// emitMessage sends a message event of a conversation the bot is in. s.mu is held.
func (s *Server) emitMessage(ch *channel, ev obj) *event {
	if !slices.Contains(ch.Members, s.BotUserID()) {
		return nil
	}
	return s.emit("message."+ch.kind(), ch, ev)
}

// apiMessage is a message as the API shows it. Metadata shows its type only, unless asked for.
func (s *Server) apiMessage(m *message, withMetadata bool) obj {
	o := obj{"type": "message", "user": m.User, "ts": m.TS, "text": m.Text, "team": s.cfg.TeamID}
	if m.Subtype != "" {
		o["subtype"] = m.Subtype
	}
	if m.BotID != "" {
		o["bot_id"], o["app_id"] = m.BotID, s.cfg.AppID
		o["bot_profile"] = obj{"id": m.BotID, "app_id": s.cfg.AppID, "name": s.cfg.BotName, "deleted": false, "updated": 0, "team_id": s.cfg.TeamID}
	}
	if m.Blocks != nil {
		o["blocks"] = m.Blocks
	}
	if m.ThreadTS != "" {
		o["thread_ts"] = m.ThreadTS
		if m.ReplyCount > 0 {
			o["reply_count"], o["latest_reply"] = m.ReplyCount, m.LatestReply
		}
	}
	if m.Edited {
		o["edited"] = obj{"user": m.User, "ts": m.EditedTS}
	}
	if len(m.Files) > 0 {
		var fs []any
		for _, f := range m.Files {
			if ff, ok := s.w.Files[f.ID]; ok {
				fs = append(fs, s.apiFile(ff))
			}
		}
		o["files"], o["upload"] = fs, true
	}
	if len(m.Reactions) > 0 {
		var rs []any
		for _, name := range m.Reactions {
			rs = append(rs, obj{"name": name, "users": []string{s.BotUserID()}, "count": 1})
		}
		o["reactions"] = rs
	}
	if m.Metadata != nil {
		if withMetadata {
			o["metadata"] = m.Metadata
		} else {
			var meta struct {
				EventType string `json:"event_type"`
			}
			if json.Unmarshal(m.Metadata, &meta) == nil {
				o["metadata"] = obj{"event_type": meta.EventType}
			}
		}
	}
	return o
}

func (c *call) postMessage() (obj, error) {
	s := c.s
	con, err := s.content(c, c.method)
	if err != nil {
		return nil, err
	}
	if con.text == "" && con.blocks == nil {
		s.violate("%s: neither text nor blocks", c.method)
		return nil, refuse("no_text")
	}
	if utf8.RuneCountInString(con.text) > maxTextPost {
		s.violate("%s: text of more than %d characters", c.method, maxTextPost)
		con.text = string([]rune(con.text)[:maxTextPost])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.writable(c.str("channel"))
	if err != nil {
		return nil, err
	}
	if err := ch.thread(c.str("thread_ts")); err != nil {
		return nil, err
	}
	m := &message{Message: Message{User: s.BotUserID(), BotID: s.BotID(), Text: con.text, Blocks: con.blocks, Metadata: con.metadata, ThreadTS: c.str("thread_ts")}}
	s.add(ch, m)
	s.net.mu.Lock()
	s.net.stats.Posts++
	s.net.mu.Unlock()
	return obj{"channel": ch.ID, "ts": m.TS, "message": s.apiMessage(m, true)}, nil
}

// own finds a message the app may change. s.mu is held.
func (s *Server) own(c *call, not string) (*channel, *message, error) {
	ch, err := s.writable(c.str("channel"))
	if err != nil {
		return nil, nil, err
	}
	m := ch.find(c.str("ts"))
	switch {
	case m == nil || m.Ephemeral || m.Deleted:
		return nil, nil, refuse("message_not_found")
	case m.BotID != s.BotID():
		return nil, nil, refuse(not)
	}
	return ch, m, nil
}

func (c *call) update() (obj, error) {
	s := c.s
	con, err := s.content(c, c.method)
	if err != nil {
		return nil, err
	}
	if !con.hasText && !con.hasBlocks {
		return nil, refuse("no_text")
	}
	if n := utf8.RuneCountInString(con.text); n > maxTextUpdate {
		s.violate("%s: text of %d characters", c.method, n)
		return nil, refuse("msg_too_long")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, m, err := s.own(c, "cant_update_message")
	if err != nil {
		return nil, err
	}
	if m.Blocks != nil && !con.hasBlocks {
		s.violate("%s: text without blocks over a message with blocks: Slack does not say whether they stay", c.method)
	}
	s.edit(ch, m, con)
	s.net.mu.Lock()
	s.net.stats.Updates++
	s.net.mu.Unlock()
	return obj{"channel": ch.ID, "ts": m.TS, "text": m.Text, "message": s.apiMessage(m, true)}, nil
}

// edit changes a message in place. Inputs keep what people entered where block and action are
// unchanged. s.mu is held.
func (s *Server) edit(ch *channel, m *message, con content) {
	before := s.apiMessage(m, false)
	if con.hasText {
		m.Text = con.text
	}
	if con.hasBlocks {
		m.Blocks = con.blocks
		for user, state := range m.State {
			m.State[user] = buildInputs(m.Blocks, state)
		}
	}
	if con.hasMetadata {
		m.Metadata = con.metadata
	}
	m.Edited, m.EditedTS = true, s.nextTS()
	if m.Ephemeral {
		return
	}
	s.emitMessage(ch, obj{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.ID, "channel_type": channelType(ch),
		"ts": m.EditedTS, "event_ts": m.EditedTS, "message": s.apiMessage(m, false), "previous_message": before,
	})
}

func (c *call) delete() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, m, err := s.own(c, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.remove(ch, m)
	return obj{"channel": ch.ID, "ts": m.TS}, nil
}

// remove leaves a tombstone. s.mu is held.
func (s *Server) remove(ch *channel, m *message) {
	before := s.apiMessage(m, false)
	m.Deleted, m.Text, m.Blocks, m.Metadata, m.Files, m.State = true, "", nil, nil, nil, nil
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		if parent := ch.find(m.ThreadTS); parent != nil && parent.ReplyCount > 0 {
			parent.ReplyCount--
		}
	}
	if m.Ephemeral {
		return
	}
	ts := s.nextTS()
	s.emitMessage(ch, obj{
		"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.ID, "channel_type": channelType(ch),
		"ts": ts, "event_ts": ts, "deleted_ts": m.TS, "previous_message": before,
	})
}

func (c *call) postEphemeral() (obj, error) {
	s := c.s
	con, err := s.content(c, c.method)
	if err != nil {
		return nil, err
	}
	if con.text == "" && con.blocks == nil {
		s.violate("%s: neither text nor blocks", c.method)
		return nil, refuse("no_text")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.writable(c.str("channel"))
	if err != nil {
		return nil, err
	}
	user := c.str("user")
	if _, ok := s.w.Users[user]; !ok || !slices.Contains(ch.Members, user) {
		return nil, refuse("user_not_in_channel")
	}
	m := s.ephemeral(ch, user, c.str("thread_ts"), con)
	return obj{"message_ts": m.TS}, nil
}

// ephemeral shows a message to one person. s.mu is held.
func (s *Server) ephemeral(ch *channel, user, threadTS string, con content) *message {
	m := &message{Message: Message{User: s.BotUserID(), BotID: s.BotID(), Text: con.text, Blocks: con.blocks, Ephemeral: true, ThreadTS: threadTS}, VisibleTo: user}
	s.add(ch, m)
	return m
}

func (c *call) permalink() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.target(c.str("channel"))
	if ch == nil {
		return nil, refuse("channel_not_found")
	}
	ts := c.str("message_ts")
	if m := ch.find(ts); m == nil || m.Ephemeral || m.Deleted {
		return nil, refuse("message_not_found")
	}
	return obj{"channel": ch.ID, "permalink": fmt.Sprintf("https://sandbox.slack.com/archives/%s/p%s", ch.ID, strings.ReplaceAll(ts, ".", ""))}, nil
}

func (c *call) reactionsAdd() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.writable(c.str("channel"))
	if err != nil {
		return nil, err
	}
	m := ch.find(c.str("timestamp"))
	name := strings.Trim(c.str("name"), ":")
	switch {
	case m == nil || m.Ephemeral || m.Deleted:
		return nil, refuse("message_not_found")
	case name == "":
		return nil, refuse("invalid_name")
	case slices.Contains(m.Reactions, name):
		return nil, refuse("already_reacted")
	}
	m.Reactions = append(m.Reactions, name)
	return nil, nil
}
