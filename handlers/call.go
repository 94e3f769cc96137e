package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
)

// Kinds of envelope. The first three are kept in the inbox; the others run at once
// and change nothing.
const (
	KindCommand  = "command"
	KindAction   = "action" // a button, menu or select
	KindSubmit   = "submit" // a modal
	KindEvent    = "event"
	KindSuggest  = "suggest"  // an external select asks for options
	KindShortcut = "shortcut" // a message or global shortcut
	KindClosed   = "closed"   // a modal was closed

	// KindInteractive is what the socket calls every interaction; Parse finds the kind
	// above it stands for.
	KindInteractive = "interactive"
)

// Call is one thing a person did, as Slack told it.
type Call struct {
	Env  engine.Envelope // Kind is one of the refined kinds; ID of an event is its event_id
	User string          // Slack user id
	Team string          // the user's own team, which is another one for strangers
	Name string          // what to look up in the table: word, action id, callback id or event type
	Args string          // command: what follows the word, as typed; suggest: what was typed

	Channel string // "" for Home, modals and global shortcuts
	Thread  string // ts of the thread pressed in, "" outside
	Trigger string // opens one view within 3 s
	Answer  string // response_url, "" where there is none

	Block  string   // action, suggest: the block
	Value  string   // action: button value, chosen option or typed text
	Values []string // action: every chosen option of a multi select

	View    *slack.View    // submit, and action or suggest inside a view
	Message *slack.Message // shortcut: the message; action: the card

	Tab      string // event app_home_opened
	Subtype  string // event message
	FromBot  bool   // event message
	DM       bool   // event message, command: in a direct message
	External bool   // event: in a channel shared with another company
}

// Parse reads an envelope as it came or as it was kept. It looks at nothing else.
func Parse(env engine.Envelope) (*Call, error) {
	switch env.Kind {
	case KindCommand:
		return parseCommand(env)
	case KindEvent:
		return parseEvent(env)
	case KindInteractive, KindAction, KindSubmit, KindSuggest, KindShortcut, KindClosed:
		return parseInteraction(env)
	}
	return nil, fmt.Errorf("envelope %s: unknown kind %q", env.ID, env.Kind)
}

func parseCommand(env engine.Envelope) (*Call, error) {
	var c slack.SlashCommand
	if err := json.Unmarshal(env.Payload, &c); err != nil {
		return nil, fmt.Errorf("command %s: %w", env.ID, err)
	}
	word, args := firstWord(c.Text)
	env.User = c.UserID
	return &Call{
		Env: env, User: c.UserID, Team: c.TeamID, Name: strings.ToLower(word), Args: args, Channel: c.ChannelID,
		DM: c.ChannelName == "directmessage", Trigger: c.TriggerID, Answer: c.ResponseURL,
	}, nil
}

// firstWord cuts the first word off s. Both parts are trimmed.
func firstWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	if i := strings.IndexFunc(s, isSpace); i >= 0 {
		return s[:i], strings.TrimSpace(s[i:])
	}
	return s, ""
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0' }

func parseInteraction(env engine.Envelope) (*Call, error) {
	var cb slack.InteractionCallback
	if err := json.Unmarshal(env.Payload, &cb); err != nil {
		return nil, fmt.Errorf("interaction %s: %w", env.ID, err)
	}
	env.User = cb.User.ID
	c := &Call{
		User: cb.User.ID, Team: cb.User.TeamID, Channel: cb.Channel.ID, Thread: cb.Container.ThreadTs,
		Trigger: cb.TriggerID, Answer: cb.ResponseURL,
	}
	if c.Channel == "" {
		c.Channel = cb.Container.ChannelID
	}
	if cb.View.ID != "" {
		v := cb.View
		c.View = &v
	}
	if cb.Message.Timestamp != "" {
		m := cb.Message
		c.Message = &m
	}
	switch cb.Type {
	case slack.InteractionTypeBlockActions:
		env.Kind = KindAction
		if len(cb.ActionCallback.BlockActions) == 0 {
			return nil, fmt.Errorf("interaction %s: no action in it", env.ID)
		}
		a := cb.ActionCallback.BlockActions[0]
		c.Name, c.Block = a.ActionID, a.BlockID
		c.Value, c.Values = actionValue(a)
	case slack.InteractionTypeViewSubmission:
		env.Kind, c.Name = KindSubmit, cb.View.CallbackID
	case slack.InteractionTypeViewClosed:
		env.Kind, c.Name = KindClosed, cb.View.CallbackID
	case slack.InteractionTypeBlockSuggestion:
		env.Kind, c.Name, c.Block, c.Args = KindSuggest, cb.ActionID, cb.BlockID, strings.TrimSpace(cb.Value)
	case slack.InteractionTypeMessageAction, slack.InteractionTypeShortcut:
		env.Kind, c.Name = KindShortcut, cb.CallbackID
	default:
		return nil, fmt.Errorf("interaction %s: unknown type %q", env.ID, cb.Type)
	}
	c.Env = env
	return c, nil
}

// actionValue is what an element of any kind was set to.
func actionValue(a *slack.BlockAction) (string, []string) {
	var many []string
	for _, o := range a.SelectedOptions {
		many = append(many, o.Value)
	}
	for _, v := range []string{
		a.Value, a.SelectedOption.Value, a.SelectedUser, a.SelectedDate, a.SelectedTime, a.SelectedConversation, a.SelectedChannel,
	} {
		if v != "" {
			return v, many
		}
	}
	return "", many
}

// eventPayload is the part of an event envelope the bot acts on. It is read leniently:
// the rest of an event, and events not known yet, must not get in the way of the ack.
type eventPayload struct {
	EventID  string `json:"event_id"`
	TeamID   string `json:"team_id"`
	External bool   `json:"is_ext_shared_channel"`
	Event    struct {
		Type        string          `json:"type"`
		User        json.RawMessage `json:"user"` // an id, or an object in user_change and team_join
		Channel     json.RawMessage `json:"channel"`
		ChannelType string          `json:"channel_type"`
		Subtype     string          `json:"subtype"`
		BotID       string          `json:"bot_id"`
		Tab         string          `json:"tab"`
		Text        string          `json:"text"`
		TS          string          `json:"ts"`
		ThreadTS    string          `json:"thread_ts"`
	} `json:"event"`
}

func parseEvent(env engine.Envelope) (*Call, error) {
	var p eventPayload
	if err := json.Unmarshal(env.Payload, &p); err != nil {
		return nil, fmt.Errorf("event %s: %w", env.ID, err)
	}
	if p.EventID != "" {
		env.ID = p.EventID
	}
	e := p.Event
	env.User = idOf(e.User)
	return &Call{
		Env: env, User: env.User, Team: p.TeamID, Name: e.Type, Args: e.Text, Channel: idOf(e.Channel), Thread: e.ThreadTS,
		Tab: e.Tab, Subtype: e.Subtype, FromBot: e.BotID != "", DM: e.ChannelType == "im", External: p.External,
	}, nil
}

// idOf reads "U1" or {"id": "U1"}; anything else is "".
func idOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var o struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &o) == nil {
		return o.ID
	}
	return ""
}

// Way is how an interaction is answered.
type Way int

// The ways. An ack may carry a payload in each of them.
const (
	Ignore  Way = iota // acked; nothing follows
	Reply              // the ack is the whole answer: field errors, help
	Suggest            // acked with options that Suggest makes
	Open               // acked, then Open runs at once: it shows something and changes nothing
	Store              // kept in the inbox, acked, then worked by a job
)

// Look is how a Call wants to be answered, found without asking anybody.
type Look struct {
	Way   Way
	Ack   any    // payload of the ack, nil for none
	Field string // submit: block id that can carry an error, "" when the modal has no input
}

// Where says where the presser reads an answer that only they see. The first that
// works is used: URL, then Channel, then the bot's own conversation with User.
type Where struct {
	User, Channel, Thread, URL string
}

// Slack is what handlers need of Slack beyond the ack. *bot.Client is the real one.
type Slack interface {
	// OpenView and PushView spend the trigger and return the view's id.
	OpenView(ctx context.Context, trigger string, v slack.ModalViewRequest) (string, error)
	PushView(ctx context.Context, trigger string, v slack.ModalViewRequest) (string, error)
	// UpdateView replaces an open modal; hash "" overwrites whatever is there.
	UpdateView(ctx context.Context, viewID, hash string, v slack.ModalViewRequest) error
	// FillView replaces the modal that was put up under an external id by an ack, waiting a
	// little for it to appear. CodeGone: it is not there (any more).
	FillView(ctx context.Context, externalID string, v slack.ModalViewRequest) error
	// PublishHome shows a person's App Home.
	PublishHome(ctx context.Context, slackID string, v slack.HomeTabViewRequest) error
	// Ephemeral answers one person where they pressed.
	Ephemeral(ctx context.Context, to Where, m blocks.Message) error
	// Permalink is the address of a message, "" when Slack does not say.
	Permalink(ctx context.Context, channel, ts string) string
}

// Where is where the presser reads an answer.
func (c *Call) Where() Where {
	return Where{User: c.User, Channel: c.Channel, Thread: c.Thread, URL: c.Answer}
}
