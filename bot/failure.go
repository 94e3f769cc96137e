package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/notify"
)

// Reasons of a notify.Failure from Slack.
const (
	reasonRate      = "rate_limited"
	reasonDown      = "down"
	reasonLost      = "lost_answer"
	reasonNoAccount = "no_account"
	reasonAuth      = "auth"
	reasonRefused   = "refused"
)

// defaultPause is how long to wait when Slack says "too fast" without a time.
const defaultPause = 30 * time.Second

// Slack's error words by what they mean for a delivery. A word in none of the lists
// is a refusal: trying the same again cannot succeed.
var (
	rateWords = []string{"ratelimited", "rate_limited", "message_limit_exceeded", "app_rate_limited"}
	downWords = []string{"service_unavailable", "team_added_to_org", "request_timeout", "accesslimited", "org_login_required", "migration_in_progress"}
	// Slack says of these two that part of the work may have been done.
	lostWords    = []string{"internal_error", "fatal_error"}
	accountWords = []string{
		"user_not_found", "users_not_found", "user_disabled", "user_not_visible", "user_not_in_channel",
		"cannot_dm_bot", "user_is_bot", "account_not_found",
	}
	authWords = []string{
		"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
		"missing_scope", "not_allowed_token_type", "no_permission", "ekm_access_denied", "access_denied", "forbidden_team",
	}
	// The card is gone or may not be edited any more: a fresh one takes its place.
	stalePostWords = []string{"message_not_found", "edit_window_closed", "cant_update_message", "is_inactive", "block_mismatch"}
	badBlockWords  = []string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_arguments"}
	// The conversation kept for a person is no longer one.
	staleChannelWords = []string{"channel_not_found", "not_in_channel", "is_archived"}
)

// word is Slack's machine word in err, "" when it holds none.
func word(err error) string {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return e.Err
	}
	return ""
}

// isWord reports whether err is one of Slack's words.
func isWord(err error, words []string) bool { return slices.Contains(words, word(err)) }

// failure sorts what a Slack call returned. sending says that the call may have made
// a message, so that an answer that never came is not a plain failure.
func failure(err error, sending bool) *notify.Failure {
	if f, ok := errors.AsType[*notify.Failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &notify.Failure{Reason: reasonRate, RetryAfter: max(e.RetryAfter, time.Second), Err: err}
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		switch {
		case e.Code == http.StatusTooManyRequests:
			return &notify.Failure{Reason: reasonRate, RetryAfter: defaultPause, Err: err}
		case e.Code == http.StatusServiceUnavailable:
			return &notify.Failure{Reason: reasonDown, Err: err}
		case e.Code >= 500:
			return &notify.Failure{Reason: reasonDown, Unknown: sending, Err: err}
		}
		return &notify.Failure{Reason: reasonDown, Err: err}
	}
	switch w := word(err); {
	case w == "":
	case slices.Contains(rateWords, w):
		return &notify.Failure{Reason: reasonRate, RetryAfter: defaultPause, Err: err}
	case slices.Contains(downWords, w):
		return &notify.Failure{Reason: reasonDown, Err: err}
	case slices.Contains(lostWords, w):
		return &notify.Failure{Reason: reasonDown, Unknown: sending, Err: err}
	case slices.Contains(accountWords, w):
		return &notify.Failure{Reason: reasonNoAccount, Permanent: true, Err: err}
	case slices.Contains(authWords, w):
		return &notify.Failure{Reason: reasonAuth, RetryAfter: 2 * time.Minute, Text: "Slack refuses the bot's token; run `expansionbot doctor`.", Err: err}
	default:
		return &notify.Failure{Reason: reasonRefused, Permanent: true, Text: fmt.Sprintf("Slack refused the message (%s).", w), Err: err}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return &notify.Failure{Reason: reasonDown, Err: err}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || sending {
		return &notify.Failure{Reason: reasonLost, Unknown: sending, Err: err}
	}
	return &notify.Failure{Reason: reasonDown, Err: err}
}

// fatalFixes are the answers to opening a socket that no retry mends, each with what
// to do about it.
var fatalFixes = map[string]string{
	"invalid_auth":           "Slack does not know the app-level token: copy it again from Basic Information → App-Level Tokens into slack.app_token.",
	"not_authed":             "No app-level token was sent: set slack.app_token (it starts with xapp-).",
	"not_allowed_token_type": "slack.app_token is not an app-level token: it must start with xapp-, the bot's own xoxb- token belongs in slack.bot_token.",
	"account_inactive":       "The Slack app was removed from the workspace or switched off: install it again.",
	"token_revoked":          "The Slack token was revoked: make a new one and set it.",
	"token_expired":          "The Slack token has expired: make a new one and set it; token rotation must be off.",
	"missing_scope":          "The app-level token lacks connections:write: make one with that scope.",
	"forbidden_team":         "The Slack app may not be used in this workspace: ask a workspace admin to approve it.",
	"app_uninstalled":        "The Slack app was removed from the workspace: install it again.",
	"link_disabled":          "Socket Mode is switched off for the app: switch it on in the app's settings.",
}

// fatal returns the sentence for an error no retry mends, "" for any other.
func fatal(err error) string {
	if err == nil {
		return ""
	}
	if fix := fatalFixes[word(err)]; fix != "" {
		return fix
	}
	if fix := fatalFixes[err.Error()]; fix != "" {
		return fix
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok && e.Code == http.StatusNotFound {
		return "slack.api_url answers 404: it must be the folder that holds the methods, such as https://slack.com/api/."
	}
	return ""
}
