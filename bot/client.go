package bot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// Config says which Slack to speak to.
type Config struct {
	APIURL      string          // "" = Slack's own; a missing last slash is added
	BotToken    string          // xoxb-…, required
	AppToken    string          // xapp-…, required for Bot, not for Sender
	HTTPTimeout time.Duration   // of one Web API call; 0 = 8 s
	Log         *slog.Logger    // nil = nothing is logged
	Clock       expansion.Clock // required: how old a cached look-up is
}

const (
	defaultTimeout = 8 * time.Second
	sharedFor      = 10 * time.Minute // how long "is this channel shared?" is believed
)

// Scopes are the bot scopes the product uses, as the manifest asks for them.
var Scopes = []string{
	"commands", "chat:write", "im:write", "im:read", "im:history", "users:read", "users:read.email",
	"users.profile:read", "files:read", "files:write", "channels:read", "groups:read", "app_mentions:read", "dnd:read",
}

// Client is one workspace's Web API within its rates. It is safe for concurrent use
// and starts no goroutine.
type Client struct {
	cfg  Config
	log  *slog.Logger
	api  *slack.Client
	http *http.Client

	posts gates
	edits *gate

	mu     sync.Mutex
	me     *slack.AuthTestResponse
	dms    map[string]string // Slack user id -> conversation with the bot
	own    map[string]bool   // those conversations
	shared map[string]sharedChannel
}

type sharedChannel struct {
	shared bool
	at     time.Time
}

// NewClient checks the configuration and reaches for nothing.
func NewClient(cfg Config) (*Client, error) {
	switch {
	case cfg.Clock == nil:
		return nil, fmt.Errorf("bot: a clock is required")
	case cfg.BotToken == "":
		return nil, expansion.FieldErrorf("slack.bot_token", "slack.bot_token is empty: copy the Bot User OAuth Token (xoxb-…) from the app's OAuth page.")
	case strings.HasPrefix(cfg.BotToken, "xapp-"):
		return nil, expansion.FieldErrorf("slack.bot_token", "slack.bot_token holds an app-level token: it must be the Bot User OAuth Token (xoxb-…).")
	case strings.HasPrefix(cfg.AppToken, "xoxb-"):
		return nil, expansion.FieldErrorf("slack.app_token", "slack.app_token holds a bot token: it must be an App-Level Token (xapp-…) with connections:write.")
	}
	if cfg.APIURL == "" {
		cfg.APIURL = slack.APIURL
	}
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/"
	}
	if cfg.HTTPTimeout <= 0 {
		cfg.HTTPTimeout = defaultTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	hc := &http.Client{Timeout: cfg.HTTPTimeout, Transport: http.DefaultTransport.(*http.Transport).Clone()}
	opts := []slack.Option{slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc)}
	if cfg.AppToken != "" {
		opts = append(opts, slack.OptionAppLevelToken(cfg.AppToken))
	}
	return &Client{
		cfg: cfg, log: cfg.Log, http: hc, api: slack.New(cfg.BotToken, opts...),
		edits: newGate(editEvery, editBurst),
		dms:   make(map[string]string), own: make(map[string]bool), shared: make(map[string]sharedChannel),
	}, nil
}

// Close lets go of idle connections. The client may be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// identity is who the bot is, asked once.
func (c *Client) identity(ctx context.Context) (*slack.AuthTestResponse, error) {
	c.mu.Lock()
	me := c.me
	c.mu.Unlock()
	if me != nil {
		return me, nil
	}
	me, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth.test: %w", err)
	}
	c.mu.Lock()
	c.me = me
	c.mu.Unlock()
	return me, nil
}

// known is the identity if it was asked already, else nil.
func (c *Client) known() *slack.AuthTestResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me
}

// dm is the bot's conversation with a Slack user, opened once and remembered.
func (c *Client) dm(ctx context.Context, user string) (string, error) {
	c.mu.Lock()
	id := c.dms[user]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	ch, _, _, err := c.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}, ReturnIM: true})
	if err != nil {
		return "", fmt.Errorf("conversations.open: %w", err)
	}
	if ch == nil || ch.ID == "" {
		return "", fmt.Errorf("conversations.open: no conversation in the answer")
	}
	c.mu.Lock()
	c.dms[user], c.own[ch.ID] = ch.ID, true
	c.mu.Unlock()
	return ch.ID, nil
}

// forgetDM drops a conversation that turned out to be stale.
func (c *Client) forgetDM(user string) {
	c.mu.Lock()
	delete(c.own, c.dms[user])
	delete(c.dms, user)
	c.mu.Unlock()
}

// Shared reports whether people of other companies read the channel. It is believed
// for 10 minutes or until Slack says the channel was shared or unshared. When Slack
// can't be asked the error is set and the caller must act as if it were shared.
func (c *Client) Shared(ctx context.Context, channel string) (bool, error) {
	now := c.cfg.Clock.Now()
	c.mu.Lock()
	known, ok := c.shared[channel]
	own := c.own[channel]
	c.mu.Unlock()
	if own {
		return false, nil
	}
	if ok && now.Sub(known.at) < sharedFor {
		return known.shared, nil
	}
	ch, err := c.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	if err != nil {
		return true, fmt.Errorf("conversations.info: %w", err)
	}
	shared := ch.IsExtShared || ch.IsPendingExtShared || (ch.IsShared && !ch.IsOrgShared)
	c.mu.Lock()
	c.shared[channel] = sharedChannel{shared, now}
	c.mu.Unlock()
	return shared, nil
}

// forgetShared drops what is believed about a channel.
func (c *Client) forgetShared(channel string) {
	c.mu.Lock()
	delete(c.shared, channel)
	c.mu.Unlock()
}

// permalink is the address of a message, computed as Slack does, or "" while the
// workspace is not known.
func (c *Client) permalink(channel, ts, thread string) string {
	me := c.known()
	if me == nil || me.URL == "" || ts == "" {
		return ""
	}
	link := strings.TrimSuffix(me.URL, "/") + "/archives/" + channel + "/p" + strings.ReplaceAll(ts, ".", "")
	if thread != "" && thread != ts {
		link += "?thread_ts=" + thread + "&cid=" + channel
	}
	return link
}

// Check is Slack's part of doctor: token, scopes and, with an app token, whether a
// socket may be opened. It sends nothing to anybody.
func (c *Client) Check(ctx context.Context) []expansion.Check {
	me, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return []expansion.Check{{Level: expansion.CheckFail, What: "Slack bot token", Text: checkText(err), Fix: botTokenFix(err)}}
	}
	c.mu.Lock()
	c.me = me
	c.mu.Unlock()
	checks := []expansion.Check{
		{Level: expansion.CheckPass, What: "Slack bot token", Text: fmt.Sprintf("%s in workspace %s", me.User, me.Team)},
		checkScopes(me.Header),
	}
	if c.cfg.AppToken == "" {
		return append(checks, expansion.Check{
			Level: expansion.CheckFail, What: "Slack Socket Mode", Text: "slack.app_token is empty",
			Fix: "Make an App-Level Token with connections:write and set slack.app_token.",
		})
	}
	if _, _, err := c.api.StartSocketModeContext(ctx); err != nil {
		fix := fatal(err)
		if fix == "" {
			fix = "Check the network to Slack and try again."
		}
		return append(checks, expansion.Check{Level: expansion.CheckFail, What: "Slack Socket Mode", Text: checkText(err), Fix: fix})
	}
	return append(checks, expansion.Check{Level: expansion.CheckPass, What: "Slack Socket Mode", Text: "a socket may be opened"})
}

// Refused reports which of the two tokens Slack refuses: an *expansion.Error that names
// the key and what to do. A Slack that does not answer refuses nothing: nil.
func (c *Client) Refused(ctx context.Context) error {
	_, err := c.identity(ctx)
	if isWord(err, authWords) {
		return expansion.FieldErrorf("slack.bot_token", "Slack refuses the bot token (%s). %s", word(err), botTokenFix(err))
	}
	if err != nil || c.cfg.AppToken == "" {
		return nil
	}
	if _, _, err := c.api.StartSocketModeContext(ctx); err != nil {
		if fix := fatal(err); fix != "" {
			return &expansion.Error{Code: expansion.CodeInvalid, Field: "slack.app_token", Text: fix, Err: err}
		}
	}
	return nil
}

func checkText(err error) string {
	if w := word(err); w != "" {
		return "Slack answers " + w
	}
	return "Slack does not answer"
}

func botTokenFix(err error) string {
	if isWord(err, authWords) {
		return "Copy the Bot User OAuth Token (xoxb-…) again from the app's OAuth page into slack.bot_token."
	}
	return "Check slack.api_url and the network to Slack."
}

// checkScopes holds the scopes Slack says were granted against those needed.
func checkScopes(h http.Header) expansion.Check {
	granted := strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(granted) == 0 {
		return expansion.Check{
			Level: expansion.CheckWarn, What: "Slack scopes", Text: "Slack did not say which scopes were granted",
			Fix: "Compare the app's scopes with slack-manifest.yaml.",
		}
	}
	var missing []string
	for _, s := range Scopes {
		if !slices.Contains(granted, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		return expansion.Check{
			Level: expansion.CheckFail, What: "Slack scopes", Text: "missing: " + strings.Join(missing, ", "),
			Fix: "Add them in the app's OAuth page (or paste slack-manifest.yaml again) and reinstall the app.",
		}
	}
	return expansion.Check{Level: expansion.CheckPass, What: "Slack scopes", Text: fmt.Sprintf("all %d granted", len(Scopes))}
}
