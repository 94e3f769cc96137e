package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/expansion"
	"expansionbot/handlers"
)

var _ handlers.Slack = (*Client)(nil)

// errViewClosed says that the person closed the modal meanwhile.
var errViewClosed = expansion.Errorf(expansion.CodeGone, "The window was closed.")

// OpenView opens a modal and returns its id. A trigger works once and for 3 s: after
// that the error has CodeGone.
func (c *Client) OpenView(ctx context.Context, trigger string, v slack.ModalViewRequest) (string, error) {
	r, err := c.api.OpenViewContext(ctx, trigger, v)
	return viewID("views.open", r, err)
}

// PushView is OpenView on top of an open modal.
func (c *Client) PushView(ctx context.Context, trigger string, v slack.ModalViewRequest) (string, error) {
	r, err := c.api.PushViewContext(ctx, trigger, v)
	return viewID("views.push", r, err)
}

func viewID(method string, r *slack.ViewResponse, err error) (string, error) {
	if err != nil {
		return "", viewError(method, err)
	}
	return r.ID, nil
}

// UpdateView replaces an open modal. hash "" overwrites whatever is there; the error
// has CodeGone when the person closed it and CodeConflict when hash is not the newest.
func (c *Client) UpdateView(ctx context.Context, viewID, hash string, v slack.ModalViewRequest) error {
	if _, err := c.api.UpdateViewContext(ctx, v, "", hash, viewID); err != nil {
		return viewError("views.update", err)
	}
	return nil
}

// viewError gives a failed view call its code.
func viewError(method string, err error) error {
	wrapped := fmt.Errorf("%s: %w", method, err)
	switch word(err) {
	case "not_found", "view_not_found":
		return &expansion.Error{Code: expansion.CodeGone, Text: errViewClosed.Text, Err: wrapped}
	case "expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged":
		return &expansion.Error{Code: expansion.CodeGone, Text: "This took a while; please press again.", Err: wrapped}
	case "hash_conflict":
		return &expansion.Error{Code: expansion.CodeConflict, Text: "The window changed meanwhile; please try again.", Err: wrapped}
	}
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok && len(e.ResponseMetadata.Messages) > 0 {
		wrapped = fmt.Errorf("%w: %v", wrapped, e.ResponseMetadata.Messages)
	}
	if f := failure(err, false); !f.Permanent {
		return &expansion.Error{Code: expansion.CodeUnavailable, Text: "Slack is not answering; please try again in a minute.", Err: wrapped}
	}
	return wrapped
}

// PublishHome shows v as the person's App Home.
func (c *Client) PublishHome(ctx context.Context, slackID string, v slack.HomeTabViewRequest) error {
	if _, err := c.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: slackID, View: v}); err != nil {
		return viewError("views.publish", err)
	}
	return nil
}

// Ephemeral answers one person where they pressed: through the interaction's own URL,
// else in the channel, else in their conversation with the bot.
func (c *Client) Ephemeral(ctx context.Context, to handlers.Where, m blocks.Message) error {
	opts := []slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
	if len(m.Blocks) > 0 {
		opts = append(opts, slack.MsgOptionBlocks(m.Blocks...))
	}
	if to.Thread != "" {
		opts = append(opts, slack.MsgOptionTS(to.Thread))
	}
	var errs []error
	if to.URL != "" {
		_, _, err := c.api.PostMessageContext(ctx, to.Channel, append(opts[:len(opts):len(opts)], slack.MsgOptionResponseURL(to.URL, slack.ResponseTypeEphemeral))...)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("response_url: %w", err))
	}
	if to.Channel != "" {
		_, err := c.api.PostEphemeralContext(ctx, to.Channel, to.User, opts...)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("chat.postEphemeral: %w", err))
	}
	channel, err := c.dm(ctx, to.User)
	if err == nil && channel != to.Channel {
		_, err = c.api.PostEphemeralContext(ctx, channel, to.User, opts[:len(opts):len(opts)]...)
	}
	if err == nil && channel != to.Channel {
		return nil
	}
	return errors.Join(append(errs, err)...)
}

// Permalink is the address of a message, "" when Slack does not say.
func (c *Client) Permalink(ctx context.Context, channel, ts string) string {
	if _, err := c.identity(ctx); err == nil {
		if link := c.permalink(channel, ts, ""); link != "" {
			return link
		}
	}
	link, err := c.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: ts})
	if err != nil {
		return ""
	}
	return link
}
