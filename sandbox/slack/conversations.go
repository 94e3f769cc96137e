package slack

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var tsForm = regexp.MustCompile(`^\d+(\.\d{1,6})?$`)

// apiChannel is a conversation as the API shows it. s.mu is held.
func (s *Server) apiChannel(ch *channel) obj {
	o := obj{
		"id": ch.ID, "created": 1700000000, "is_archived": ch.Archived, "is_im": ch.IM != "", "is_mpim": false,
		"is_channel": ch.IM == "" && !ch.Private, "is_group": ch.IM == "" && ch.Private, "is_private": ch.Private || ch.IM != "",
		"is_shared": ch.External, "is_ext_shared": ch.External, "is_org_shared": false, "is_pending_ext_shared": false,
		"context_team_id": s.cfg.TeamID,
	}
	if ch.External {
		o["connected_team_ids"], o["conversation_host_id"] = []string{s.cfg.TeamID, externalTeam}, s.cfg.TeamID
	}
	if ch.IM != "" {
		o["user"], o["is_user_deleted"], o["is_open"] = ch.IM, s.w.Users[ch.IM].Deleted, true
		return o
	}
	o["name"], o["name_normalized"], o["is_general"] = ch.Name, ch.Name, false
	o["is_member"] = slices.Contains(ch.Members, s.BotUserID())
	o["creator"] = ""
	empty := obj{"value": "", "creator": "", "last_set": 0}
	o["topic"], o["purpose"] = empty, empty
	return o
}

// readable finds a conversation and checks the scope for its kind: verb is "read" or "history".
// s.mu is held.
func (c *call) readable(verb string) (*channel, error) {
	s := c.s
	ch, ok := s.w.Channels[c.str("channel")]
	if !ok {
		return nil, refuse("channel_not_found")
	}
	if err := s.needScope(ch.kind() + ":" + verb); err != nil {
		return nil, err
	}
	in := slices.Contains(ch.Members, s.BotUserID())
	if !in && ch.Private {
		return nil, refuse("channel_not_found")
	}
	if !in && verb == "history" {
		return nil, refuse("not_in_channel")
	}
	return ch, nil
}

func (c *call) conversationsOpen() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := c.str("channel"); id != "" {
		ch, ok := s.w.Channels[id]
		if !ok || ch.IM == "" {
			return nil, refuse("channel_not_found")
		}
		return obj{"channel": s.apiChannel(ch), "no_op": true, "already_open": true}, nil
	}
	users := strings.FieldsFunc(c.str("users"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case len(users) == 0:
		return nil, refuse("users_list_not_supplied")
	case len(users) > 1:
		if err := s.needScope("mpim:write"); err != nil {
			return nil, err
		}
		return nil, refuse("method_not_supported_for_channel_type")
	}
	u, ok := s.w.Users[users[0]]
	switch {
	case !ok:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	case u.Bot:
		return nil, refuse("user_not_visible")
	}
	_, open := s.w.Channels["D"+strings.TrimPrefix(strings.TrimPrefix(u.ID, "U"), "W")]
	ch := s.botDM(u.ID)
	if c.bool("return_im") {
		return obj{"channel": s.apiChannel(ch), "no_op": open, "already_open": open}, nil
	}
	return obj{"channel": obj{"id": ch.ID}, "no_op": open, "already_open": open}, nil
}

func (c *call) conversationsInfo() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := c.readable("read")
	if err != nil {
		return nil, err
	}
	o := s.apiChannel(ch)
	if c.bool("include_num_members") {
		o["num_members"] = len(ch.Members)
	}
	return obj{"channel": o}, nil
}

// page cuts n items at the cursor; a limit outside 1..most falls back to def or most.
func (c *call) page(n, def, most int) (from, to int, next string, err error) {
	limit := def
	if l, e := strconv.Atoi(c.str("limit")); e == nil && l > 0 {
		limit = min(l, most)
	}
	if cur := c.str("cursor"); cur != "" {
		b, e := base64.StdEncoding.DecodeString(cur)
		from, err = strconv.Atoi(strings.TrimPrefix(string(b), "next:"))
		if e != nil || err != nil || from < 0 || from > n {
			return 0, 0, "", refuse("invalid_cursor")
		}
	}
	to = min(n, from+limit)
	if to < n {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(to)))
	}
	return from, to, next, nil
}

func (c *call) history() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := c.readable("history")
	if err != nil {
		return nil, err
	}
	return c.messagesOf(ch, func(m *message) bool { return m.ThreadTS == "" || m.ThreadTS == m.TS }, true)
}

// messagesOf answers history and replies: within oldest and latest, both exclusive unless inclusive.
func (c *call) messagesOf(ch *channel, want func(*message) bool, newestFirst bool) (obj, error) {
	oldest, latest, inclusive := c.str("oldest"), c.str("latest"), c.bool("inclusive")
	for arg, code := range map[string]string{oldest: "invalid_ts_oldest", latest: "invalid_ts_latest"} {
		if arg != "" && arg != "now" && !tsForm.MatchString(arg) {
			return nil, refuse(code)
		}
	}
	var found []*message
	for _, m := range ch.Messages {
		if m.Ephemeral || m.Deleted || !want(m) {
			continue
		}
		if o := compareTS(m.TS, oldest); oldest != "" && oldest != "0" && (o < 0 || o == 0 && !inclusive) {
			continue
		}
		if l := compareTS(m.TS, latest); latest != "" && latest != "now" && (l > 0 || l == 0 && !inclusive) {
			continue
		}
		found = append(found, m)
	}
	if newestFirst {
		slices.Reverse(found)
	}
	from, to, next, err := c.page(len(found), 100, 999)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, to-from)
	for _, m := range found[from:to] {
		out = append(out, c.s.apiMessage(m, c.bool("include_all_metadata")))
	}
	o := obj{"messages": out, "has_more": next != "", "pin_count": 0}
	if next != "" {
		o["response_metadata"] = obj{"next_cursor": next}
	}
	return o, nil
}

// compareTS compares two ts of any number of decimals without going through floats.
func compareTS(a, b string) int {
	pad := func(ts string) string {
		head, frac, _ := strings.Cut(ts, ".")
		return strings.Repeat("0", max(0, 12-len(head))) + head + "." + (frac + "000000")[:6]
	}
	return strings.Compare(pad(a), pad(b))
}

func (c *call) replies() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := c.readable("history")
	if err != nil {
		return nil, err
	}
	ts := c.str("ts")
	parent := ch.find(ts)
	if parent == nil || parent.Ephemeral || parent.Deleted && parent.ReplyCount == 0 {
		return nil, refuse("thread_not_found")
	}
	return c.messagesOf(ch, func(m *message) bool { return m.TS == ts || m.ThreadTS == ts }, false)
}

func (c *call) members() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := c.readable("read")
	if err != nil {
		return nil, err
	}
	from, to, next, err := c.page(len(ch.Members), 100, 999)
	if err != nil {
		return nil, err
	}
	return obj{"members": ch.Members[from:to], "response_metadata": obj{"next_cursor": next}}, nil
}

func (c *call) conversationsList() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	kinds := c.str("types")
	if kinds == "" {
		kinds = "public_channel"
	}
	want := map[string]bool{}
	for _, k := range strings.Split(kinds, ",") {
		kind, ok := map[string]string{"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}[strings.TrimSpace(k)]
		if !ok {
			return nil, refuse("invalid_types")
		}
		if err := s.needScope(kind + ":read"); err != nil {
			return nil, err
		}
		want[kind] = true
	}
	var found []any
	for _, id := range s.w.ChannelOrder {
		ch := s.w.Channels[id]
		hidden := ch.Private && !slices.Contains(ch.Members, s.BotUserID())
		if want[ch.kind()] && !hidden && !(c.bool("exclude_archived") && ch.Archived) {
			found = append(found, s.apiChannel(ch))
		}
	}
	from, to, next, err := c.page(len(found), 100, 999)
	if err != nil {
		return nil, err
	}
	return obj{"channels": found[from:to:to], "response_metadata": obj{"next_cursor": next}}, nil
}
