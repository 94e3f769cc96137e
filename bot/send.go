package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/notify"
)

// cardEvent is the event_type of the metadata that makes a post findable. Everybody in
// the workspace can read metadata: it holds an id and a version, nothing else.
const cardEvent = "expansion_card"

// Bounds of a look-up for a post whose answer was lost.
const (
	findMargin = 5 * time.Second
	findPage   = 100
	findPages  = 5
)

// maxSection is Slack's limit on a section's text in characters.
const maxSection = 3000

// LinkPerson keeps the Slack account found for a person by e-mail.
type LinkPerson func(ctx context.Context, person expansion.PersonID, slackID string) error

// Sender shows deliveries in Slack: cards in the person's conversation with the bot,
// edited in place, and lines in their threads.
type Sender struct {
	c      *Client
	link   LinkPerson
	render func(expansion.Message) (blocks.Message, error)
}

var _ notify.Channel = (*Sender)(nil)

// NewSender makes the Slack channel. link may be nil: then an account found by e-mail
// is looked up again next time.
func NewSender(c *Client, link LinkPerson) *Sender {
	return &Sender{c: c, link: link, render: blocks.Render}
}

// Name is "slack".
func (s *Sender) Name() string { return "slack" }

// Check is the client's.
func (s *Sender) Check(ctx context.Context) []expansion.Check { return s.c.Check(ctx) }

// Send edits the message the receipt names, or posts a new one with the delivery's id
// in its metadata. A card that Slack no longer lets us edit is posted afresh. The error
// is a *notify.Failure; after one with Unknown set, ask Find before sending again. An
// *engine.Later says that nothing was sent and when its turn comes.
func (s *Sender) Send(ctx context.Context, d notify.Delivery) (notify.Receipt, error) {
	m, err := s.render(d.Message)
	if err != nil {
		return notify.Receipt{}, &notify.Failure{Reason: reasonRefused, Permanent: true, Err: fmt.Errorf("render %s: %w", d.ID, err)}
	}
	channel, err := s.conversation(ctx, d)
	if err != nil {
		return notify.Receipt{}, err
	}
	r, err := s.show(ctx, d, channel, m, patience)
	if isWord(err, staleChannelWords) && d.Receipt.Remote == "" && d.Parent.Remote == "" {
		s.c.forgetDM(d.To.SlackID)
		if channel, err = s.conversation(ctx, d); err != nil {
			return notify.Receipt{}, err
		}
		r, err = s.show(ctx, d, channel, m, queueLimit)
	}
	if isWord(err, badBlockWords) {
		s.c.log.WarnContext(ctx, "slack refused blocks, sending the plain twin", "delivery_id", d.ID, "kind", string(d.Message.Kind), "err", err)
		r, err = s.show(ctx, d, channel, plainTwin(m), queueLimit)
	}
	if _, later := errors.AsType[*engine.Later](err); later {
		return notify.Receipt{}, err
	}
	if err != nil {
		return notify.Receipt{}, failure(err, true)
	}
	return r, nil
}

// show edits or posts m once, if its turn comes within that time.
func (s *Sender) show(ctx context.Context, d notify.Delivery, channel string, m blocks.Message, within time.Duration) (notify.Receipt, error) {
	if d.Receipt.Remote != "" {
		r, err := s.edit(ctx, d, channel, m, within)
		if !isWord(err, stalePostWords) && (d.Receipt.Channel == "" || !isWord(err, staleChannelWords)) {
			return r, err
		}
		s.c.log.InfoContext(ctx, "slack card cannot be edited, posting a fresh one", "delivery_id", d.ID, "err", err)
	}
	return s.post(ctx, d, channel, m, within)
}

func (s *Sender) edit(ctx context.Context, d notify.Delivery, channel string, m blocks.Message, within time.Duration) (notify.Receipt, error) {
	if err := s.c.edits.pass(ctx, d.ID, within); err != nil {
		return notify.Receipt{}, err
	}
	_, ts, _, err := s.c.api.UpdateMessageContext(ctx, channel, d.Receipt.Remote, content(d, m)...)
	if err != nil {
		pauseFor(s.c.edits, err)
		return notify.Receipt{}, err
	}
	if ts == "" {
		ts = d.Receipt.Remote
	}
	return notify.Receipt{Channel: channel, Remote: ts, Link: s.c.permalink(channel, ts, d.Parent.Remote)}, nil
}

func (s *Sender) post(ctx context.Context, d notify.Delivery, channel string, m blocks.Message, within time.Duration) (notify.Receipt, error) {
	g := s.c.posts.of(channel)
	if err := g.pass(ctx, d.ID, within); err != nil {
		return notify.Receipt{}, err
	}
	opts := append(content(d, m), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if d.Parent.Remote != "" {
		opts = append(opts, slack.MsgOptionTS(d.Parent.Remote))
	}
	at, ts, err := s.c.api.PostMessageContext(ctx, channel, opts...)
	if err != nil {
		pauseFor(g, err)
		return notify.Receipt{}, err
	}
	if ts == "" { // "ok": false without an error word reaches us as success
		return notify.Receipt{}, &notify.Failure{Reason: reasonLost, Unknown: true, Err: fmt.Errorf("chat.postMessage: no ts in the answer")}
	}
	if at == "" {
		at = channel
	}
	return notify.Receipt{Channel: at, Remote: ts, Link: s.c.permalink(at, ts, d.Parent.Remote)}, nil
}

// pauseFor shuts the gate when Slack said "too fast".
func pauseFor(g *gate, err error) {
	if f := failure(err, false); f.Reason == reasonRate {
		g.pause(f.RetryAfter)
	}
}

// content is what a post and an edit have in common. Text, blocks and metadata always
// go together: what Slack keeps of the ones left out is not documented.
func content(d notify.Delivery, m blocks.Message) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.Text, false),
		slack.MsgOptionBlocks(m.Blocks...),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: cardEvent, EventPayload: map[string]any{"key": d.ID, "v": d.Version}}),
	}
}

// plainTwin is m in the plainest blocks there are: its text, and its buttons so that
// it can still be answered.
func plainTwin(m blocks.Message) blocks.Message {
	text := m.Text
	if r := []rune(text); len(r) > maxSection {
		text = string(r[:maxSection-1]) + "…"
	}
	twin := blocks.Message{Text: m.Text, Blocks: []slack.Block{
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false), nil, nil),
	}}
	for _, b := range m.Blocks {
		if a, ok := b.(*slack.ActionBlock); ok {
			twin.Blocks = append(twin.Blocks, a)
		}
	}
	return twin
}

// conversation is where d belongs: where it or its parent is shown, else the person's
// conversation with the bot.
func (s *Sender) conversation(ctx context.Context, d notify.Delivery) (string, error) {
	if d.Receipt.Channel != "" && d.Receipt.Remote != "" {
		return d.Receipt.Channel, nil
	}
	if d.Parent.Channel != "" && d.Parent.Remote != "" {
		return d.Parent.Channel, nil
	}
	id, err := s.account(ctx, d.To)
	if err != nil {
		return "", err
	}
	channel, err := s.c.dm(ctx, id)
	if err != nil {
		return "", s.noAccount(failure(err, false), d.To)
	}
	return channel, nil
}

// account is the person's Slack id, looked up by e-mail when it is not known.
func (s *Sender) account(ctx context.Context, p expansion.Person) (string, error) {
	if p.SlackID != "" {
		return p.SlackID, nil
	}
	if p.Email == "" {
		return "", s.noAccount(&notify.Failure{Reason: reasonNoAccount, Permanent: true, Err: fmt.Errorf("person %s has no e-mail address", p.ID)}, p)
	}
	u, err := s.c.api.GetUserByEmailContext(ctx, p.Email)
	if err != nil {
		return "", s.noAccount(failure(fmt.Errorf("users.lookupByEmail: %w", err), false), p)
	}
	if u.Deleted || u.IsBot {
		return "", s.noAccount(&notify.Failure{Reason: reasonNoAccount, Permanent: true, Err: fmt.Errorf("account %s is deactivated or a bot", u.ID)}, p)
	}
	if me := s.c.known(); me != nil && me.TeamID != "" && u.TeamID != "" && u.TeamID != me.TeamID && me.EnterpriseID == "" {
		return "", s.noAccount(&notify.Failure{Reason: reasonNoAccount, Permanent: true, Err: fmt.Errorf("account %s belongs to another workspace", u.ID)}, p)
	}
	if s.link != nil {
		if err := s.link(ctx, p.ID, u.ID); err != nil {
			s.c.log.WarnContext(ctx, "slack account not remembered", "person_id", string(p.ID), "err", err)
		}
	}
	return u.ID, nil
}

// noAccount adds the sentence people read when a person can't be reached in Slack.
func (s *Sender) noAccount(f *notify.Failure, p expansion.Person) *notify.Failure {
	if f.Reason == reasonNoAccount && f.Text == "" {
		local, _, _ := strings.Cut(p.Email, "@")
		f.Text = fmt.Sprintf("No Slack account for %s@….", local)
		if local == "" {
			f.Text = fmt.Sprintf("No Slack account for %s.", p.Name)
		}
	}
	return f
}

// Find looks through the conversation (the thread, for a line under a card) for a post
// that carries the delivery's id, from 5 s before the first try. ok is false when
// there is none; the newest is taken if a fresh card replaced an older one.
func (s *Sender) Find(ctx context.Context, d notify.Delivery) (notify.Receipt, bool, error) {
	channel, err := s.conversation(ctx, notify.Delivery{ID: d.ID, To: d.To, Parent: d.Parent})
	if err != nil {
		return notify.Receipt{}, false, err
	}
	oldest := ""
	if !d.Since.IsZero() {
		oldest = slackTime(d.Since.Add(-findMargin))
	}
	cursor := ""
	for range findPages {
		var (
			page []slack.Message
			next string
		)
		if d.Parent.Remote != "" {
			page, _, next, err = s.c.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: d.Parent.Remote, Oldest: oldest, Limit: findPage, Cursor: cursor, IncludeAllMetadata: true,
			})
		} else {
			var h *slack.GetConversationHistoryResponse
			h, err = s.c.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
				ChannelID: channel, Oldest: oldest, Limit: findPage, Cursor: cursor, IncludeAllMetadata: true,
			})
			if err == nil {
				page, next = h.Messages, h.ResponseMetaData.NextCursor
			}
		}
		if isWord(err, []string{"thread_not_found", "message_not_found", "channel_not_found"}) {
			return notify.Receipt{}, false, nil
		}
		if err != nil {
			return notify.Receipt{}, false, failure(fmt.Errorf("look up %s: %w", d.ID, err), false)
		}
		for _, m := range page {
			if key, _ := m.Metadata.EventPayload["key"].(string); m.Metadata.EventType == cardEvent && key == d.ID {
				return notify.Receipt{Channel: channel, Remote: m.Timestamp, Link: s.c.permalink(channel, m.Timestamp, d.Parent.Remote)}, true, nil
			}
		}
		if next == "" {
			return notify.Receipt{}, false, nil
		}
		cursor = next
	}
	return notify.Receipt{}, false, nil
}

// slackTime writes t as Slack writes message times: seconds with six decimals.
func slackTime(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + fmt.Sprintf(".%06d", t.Nanosecond()/1000)
}
