package slack

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is a person (or, with Bot, an app) of the workspace.
type User struct {
	ID       string `json:"id"`        // "U…", required
	Handle   string `json:"handle"`    // what @ names, without the @
	RealName string `json:"real_name"` //
	Email    string `json:"email"`     // "" hides it, as for a person without a confirmed address
	Title    string `json:"title"`     //
	TimeZone string `json:"time_zone"` // IANA name; "" is UTC
	Deleted  bool   `json:"deleted"`   // deactivated: cannot be messaged
	Bot      bool   `json:"bot"`       // another app's bot
	External bool   `json:"external"`  // belongs to another company, met through a shared channel
	Guest    bool   `json:"guest"`     // a restricted member
	Status   string `json:"status"`    // status text, "" if none
}

// Channel is a public, private or (External) shared channel. The bot takes part only if its id
// (Server.BotUserID) is among Members.
type Channel struct {
	ID       string   `json:"id"` // "C…", required
	Name     string   `json:"name"`
	Members  []string `json:"members"`
	Private  bool     `json:"private"`
	External bool     `json:"external"` // shared with another company
	Archived bool     `json:"archived"`
}

// File is an uploaded file without its content.
type File struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Title      string `json:"title"`
	Mimetype   string `json:"mimetype"`
	Size       int    `json:"size"` // bytes
	User       string `json:"user"`
	URLPrivate string `json:"url_private"` // needs the bot token; the page uses FileContent
}

// Message is one message as a person sees it.
type Message struct {
	TS                string          `json:"ts"`
	ThreadTS          string          `json:"thread_ts,omitempty"` // parent's TS; equal to TS on a parent with replies
	User              string          `json:"user"`
	BotID             string          `json:"bot_id,omitempty"` // set on the app's messages
	Text              string          `json:"text"`             // Slack's wire text: & < > are entities
	Blocks            json.RawMessage `json:"blocks,omitempty"` // array, nil if none
	Edited            bool            `json:"edited,omitempty"`
	EditedTS          string          `json:"edited_ts,omitempty"`
	Ephemeral         bool            `json:"ephemeral,omitempty"`
	Deleted           bool            `json:"deleted,omitempty"` // a tombstone: no text, no blocks
	Metadata          json.RawMessage `json:"metadata,omitempty"`
	Files             []File          `json:"files,omitempty"`
	ResponseURLUsable bool            `json:"response_url_usable,omitempty"` // an interaction on it gave a response_url that still works
	ReplyCount        int             `json:"reply_count,omitempty"`
	LatestReply       string          `json:"latest_reply,omitempty"` // TS of the newest reply
}

// message is a Message and what the person does not see.
type message struct {
	Message
	VisibleTo string            `json:"visible_to,omitempty"` // ephemerals: the one reader
	Subtype   string            `json:"subtype,omitempty"`
	State     map[string]inputs `json:"state,omitempty"` // per user: what they typed into its inputs
	Reactions []string          `json:"reactions,omitempty"`
}

// channel is a conversation; IM is the person of a direct message with the bot.
type channel struct {
	Channel
	IM       string            `json:"im,omitempty"`
	Messages []*message        `json:"messages"`
	Read     map[string]string `json:"read"` // user -> TS read up to
}

func (ch *channel) kind() string {
	switch {
	case ch.IM != "":
		return "im"
	case ch.Private:
		return "groups"
	}
	return "channels"
}

func (ch *channel) find(ts string) *message {
	// Messages are in rising TS order.
	i, ok := slices.BinarySearchFunc(ch.Messages, ts, func(m *message, ts string) int { return strings.Compare(m.TS, ts) })
	if !ok {
		return nil
	}
	return ch.Messages[i]
}

type file struct {
	File
	Content []byte   `json:"content"`
	Shared  []string `json:"shared"` // channel ids
	Created int64    `json:"created"`
	Secret  string   `json:"secret,omitempty"` // upload address, until completed
	Length  int      `json:"length"`           // announced by getUploadURLExternal
	Done    bool     `json:"done"`
}

type trigger struct {
	User    string    `json:"user"`
	Expires time.Time `json:"expires"`
	Used    bool      `json:"used"`
	View    string    `json:"view,omitempty"` // the modal it came from
}

type responseURL struct {
	Channel   string    `json:"channel"`
	User      string    `json:"user"`
	TS        string    `json:"ts,omitempty"` // the message it was made for; "" for commands
	Uses      int       `json:"uses"`
	Expires   time.Time `json:"expires"`
	ThreadTS  string    `json:"thread_ts,omitempty"`
	Ephemeral bool      `json:"ephemeral,omitempty"`
}

func (u *responseURL) usable(now time.Time) bool {
	return u.Uses < maxResponseURLUses && now.Before(u.Expires)
}

// world is everything that outlives a restart.
type world struct {
	LastTS       int64                   `json:"last_ts"` // microseconds
	Seq          int64                   `json:"seq"`
	Users        map[string]User         `json:"users"`
	UserOrder    []string                `json:"user_order"`
	Channels     map[string]*channel     `json:"channels"`
	ChannelOrder []string                `json:"channel_order"`
	Homes        map[string]*view        `json:"homes"`
	Stacks       map[string][]*view      `json:"stacks"` // user -> open modals, bottom first
	Files        map[string]*file        `json:"files"`
	Triggers     map[string]*trigger     `json:"triggers"`
	ResponseURLs map[string]*responseURL `json:"response_urls"`
	Pending      []*event                `json:"pending"` // events not yet acknowledged, filled by Snapshot
}

func newWorld() *world {
	return &world{
		Users: map[string]User{}, Channels: map[string]*channel{}, Homes: map[string]*view{}, Stacks: map[string][]*view{},
		Files: map[string]*file{}, Triggers: map[string]*trigger{}, ResponseURLs: map[string]*responseURL{},
	}
}

// nextTS is the clock in seconds with six decimals, always above every earlier one.
func (s *Server) nextTS() string {
	s.w.LastTS = max(s.cfg.Clock().UnixMicro(), s.w.LastTS+1)
	return fmt.Sprintf("%d.%06d", s.w.LastTS/1e6, s.w.LastTS%1e6)
}

// id makes a Slack-like id that is unique in this world.
func (s *Server) id(prefix string) string {
	s.w.Seq++
	return fmt.Sprintf("%s0%08d", prefix, s.w.Seq)
}

func secret() string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Snapshot returns the whole workspace as JSON, with the events the app has not acknowledged yet.
// Rate limits, faults, statistics and violations are not part of it.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := *s.w
	w.Pending = s.pendingEvents()
	b, err := json.Marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("snapshot the Slack workspace: %w", err)
	}
	return b, nil
}

// Restore replaces the workspace by one that Snapshot made. Sockets stay open; events of the
// snapshot are sent again, as Slack does after an outage.
func (s *Server) Restore(b []byte) error {
	w := newWorld()
	if err := json.Unmarshal(b, w); err != nil {
		return fmt.Errorf("restore the Slack workspace: %w", err)
	}
	if w.Users == nil || w.Channels == nil || w.Homes == nil || w.Stacks == nil || w.Files == nil || w.Triggers == nil || w.ResponseURLs == nil {
		return fmt.Errorf("restore the Slack workspace: a part of it is null")
	}
	for id, ch := range w.Channels {
		if ch == nil {
			return fmt.Errorf("restore the Slack workspace: channel %s is null", id)
		}
		if ch.Read == nil {
			ch.Read = map[string]string{}
		}
	}
	s.mu.Lock()
	pending := w.Pending
	w.Pending = nil
	s.w = w
	s.mu.Unlock()
	s.requeue(pending)
	s.changed()
	return nil
}

// PutUser adds or replaces a person. With an app connected, a new person is announced by team_join
// and a changed one by user_change.
func (s *Server) PutUser(u User) {
	s.mu.Lock()
	before, known := s.w.Users[u.ID]
	s.w.Users[u.ID] = u
	if !known {
		s.w.UserOrder = append(s.w.UserOrder, u.ID)
	}
	if s.Connected() > 0 && before != u {
		name := "team_join"
		if known {
			name = "user_change"
		}
		s.emit(name, nil, obj{"type": name, "user": s.apiUser(u), "event_ts": s.nextTS()})
	}
	s.mu.Unlock()
	s.changed()
}

// Users lists the people in the order they were added, deactivated ones included.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]User, 0, len(s.w.UserOrder))
	for _, id := range s.w.UserOrder {
		out = append(out, s.w.Users[id])
	}
	return out
}

// PutChannel adds a channel or replaces its settings, keeping its messages. With an app connected,
// sharing it with another company or ending that is announced.
func (s *Server) PutChannel(c Channel) {
	s.mu.Lock()
	c.Members = slices.Clone(c.Members)
	ch, known := s.w.Channels[c.ID]
	if !known {
		ch = &channel{Read: map[string]string{}}
		s.w.Channels[c.ID] = ch
		s.w.ChannelOrder = append(s.w.ChannelOrder, c.ID)
	}
	was := ch.External
	ch.Channel = c
	if known && was != c.External && s.Connected() > 0 {
		name := "channel_shared"
		if was {
			name = "channel_unshared"
		}
		s.emit(name, ch, obj{"type": name, "channel": c.ID, "connected_team_id": externalTeam, "event_ts": s.nextTS()})
	}
	s.mu.Unlock()
	s.changed()
}

// botDM finds or opens the direct message between the bot and a person.
func (s *Server) botDM(user string) *channel {
	id := "D" + strings.TrimPrefix(strings.TrimPrefix(user, "U"), "W")
	ch, ok := s.w.Channels[id]
	if !ok {
		ch = &channel{Channel: Channel{ID: id, Members: []string{user, s.BotUserID()}, External: s.w.Users[user].External}, IM: user, Read: map[string]string{}}
		s.w.Channels[id] = ch
		s.w.ChannelOrder = append(s.w.ChannelOrder, id)
	}
	return ch
}

// BotDM returns the id of the direct message between the bot and user, opening it if needed.
// It is "" for someone who is not in the workspace.
func (s *Server) BotDM(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.w.Users[user]; !ok {
		return ""
	}
	return s.botDM(user).ID
}

// Conversation is one line of a person's channel list.
type Conversation struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"` // "im" or "channel"
	Name     string `json:"name"`
	Unread   int    `json:"unread"`
	External bool   `json:"external"` // shared with another company
}

// Conversations lists what user can open, the bot's direct message first.
func (s *Server) Conversations(user string) []Conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.w.Users[user]; !ok {
		return nil
	}
	dm := s.botDM(user)
	out := []Conversation{{ID: dm.ID, Kind: "im", Name: s.cfg.BotName, Unread: unread(dm, user), External: dm.External}}
	for _, id := range s.w.ChannelOrder {
		ch := s.w.Channels[id]
		if ch.IM != "" || !slices.Contains(ch.Members, user) {
			continue
		}
		out = append(out, Conversation{ID: id, Kind: "channel", Name: ch.Name, Unread: unread(ch, user), External: ch.External})
	}
	return out
}

func unread(ch *channel, user string) int {
	n := 0
	for _, m := range ch.Messages {
		if m.TS > ch.Read[user] && m.User != user && !m.Deleted && (!m.Ephemeral || m.VisibleTo == user) {
			n++
		}
	}
	return n
}

// MarkRead clears user's unread count in a channel.
func (s *Server) MarkRead(user, channel string) {
	s.mu.Lock()
	if ch, ok := s.w.Channels[channel]; ok && len(ch.Messages) > 0 {
		ch.Read[user] = ch.Messages[len(ch.Messages)-1].TS
	}
	s.mu.Unlock()
	s.changed()
}

// Messages lists what user sees in a channel, oldest first: thread replies and their own ephemerals
// included, deleted messages as tombstones. It is nil for a channel they are not in.
func (s *Server) Messages(user, channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.w.Channels[channel]
	if !ok || !slices.Contains(ch.Members, user) {
		return nil
	}
	usable := map[string]bool{}
	now := s.cfg.Clock()
	for _, u := range s.w.ResponseURLs {
		if u.Channel == channel && u.TS != "" && u.usable(now) {
			usable[u.TS] = true
		}
	}
	out := make([]Message, 0, len(ch.Messages))
	for _, m := range ch.Messages {
		if m.Ephemeral && (m.VisibleTo != user || m.Deleted) {
			continue
		}
		mm := m.Message
		mm.ResponseURLUsable = usable[m.TS]
		out = append(out, mm)
	}
	return out
}
