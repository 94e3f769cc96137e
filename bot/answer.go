package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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

// fillTries are the waits between tries to fill a view that an ack is just putting up.
// Slack handles the ack and our call side by side; 3 s is its own limit for the ack.
var fillTries = []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 1100 * time.Millisecond}

// FillView replaces the modal put up under an external id. It waits up to 3 s for the
// modal to appear; after that the error has CodeGone, as when the person closed it.
func (c *Client) FillView(ctx context.Context, externalID string, v slack.ModalViewRequest) error {
	for i := 0; ; i++ {
		_, err := c.api.UpdateViewContext(ctx, v, externalID, "", "")
		if err == nil {
			return nil
		}
		err = viewError("views.update", err)
		if expansion.CodeOf(err) != expansion.CodeGone || i == len(fillTries) {
			return err
		}
		wait := time.NewTimer(fillTries[i])
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return err
		}
	}
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
// else in the channel, else in their conversation with the bot. The error has
// CodeUnavailable when Slack may take it later.
func (c *Client) Ephemeral(ctx context.Context, to handlers.Where, m blocks.Message) error {
	opts := []slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
	if len(m.Blocks) > 0 {
		opts = append(opts, slack.MsgOptionBlocks(m.Blocks...))
	}
	// there is opts for the place that was pressed; the thread exists only there.
	there := slices.Clone(opts)
	if to.Thread != "" {
		there = append(there, slack.MsgOptionTS(to.Thread))
	}
	var errs []error
	if to.URL != "" {
		_, _, err := c.api.PostMessageContext(ctx, to.Channel, append(slices.Clone(there), slack.MsgOptionResponseURL(to.URL, slack.ResponseTypeEphemeral))...)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("response_url: %w", err))
	}
	if to.Channel != "" {
		_, err := c.api.PostEphemeralContext(ctx, to.Channel, to.User, there...)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("chat.postEphemeral: %w", err))
	}
	channel, err := c.dm(ctx, to.User)
	if err == nil && channel != to.Channel {
		if _, err = c.api.PostEphemeralContext(ctx, channel, to.User, opts...); err == nil {
			return nil
		}
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("in the bot's conversation: %w", err))
	}
	last, all := errs[len(errs)-1], errors.Join(errs...)
	if isWord(last, badBlockWords) && len(m.Blocks) > 0 {
		c.log.WarnContext(ctx, "slack refused an answer's blocks, sending its text", "err", all)
		return c.Ephemeral(ctx, handlers.Where{User: to.User, Channel: to.Channel, Thread: to.Thread}, blocks.Message{Text: m.Text})
	}
	if f := failure(last, false); !f.Permanent {
		return &expansion.Error{Code: expansion.CodeUnavailable, Text: "Slack is not answering; please try again in a minute.", Err: all}
	}
	return all
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
