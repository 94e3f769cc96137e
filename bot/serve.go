package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/handlers"
)

// What people read when the bot will not or cannot take what they did.
const (
	textShared   = "I don't work in channels shared with other companies. Try me in a DM."
	textUnsure   = "I can't tell right now whether this channel is shared with another company, so I stay quiet here. Try me in a DM, or again in a minute."
	textNotSaved = "Not saved: I could not write it down just now. Please press again."
	textRetype   = "Not saved: I could not write it down just now. Please send it again."
	textBusy     = "I'm busy right now. Please press again."
)

// take starts work on an envelope. It waits while too many are being taken, so that
// the socket slows down rather than the process growing.
func (b *Bot) take(ctx context.Context, req *socketmode.Request) {
	b.taking <- struct{}{}
	b.work.Go(func() {
		defer func() { <-b.taking }()
		b.handle(ctx, req)
	})
}

// handle stores what must not be lost, acks, and starts what runs at once.
func (b *Bot) handle(base context.Context, req *socketmode.Request) {
	ctx, cancel := context.WithTimeout(base, ackWithin)
	defer cancel()
	answered := false
	ack := func(payload any) {
		answered = true
		if !req.AcceptsResponsePayload {
			payload = nil
		}
		b.send(ctx, req.EnvelopeID, payload)
	}
	defer func() {
		if p := recover(); p != nil {
			b.log.ErrorContext(ctx, "slack handler panicked", "envelope_id", req.EnvelopeID, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			if !answered {
				ack(nil)
			}
		}
	}()

	call, err := handlers.Parse(engine.Envelope{ID: req.EnvelopeID, Kind: kindOf(req.Type), Payload: req.Payload})
	if err != nil {
		b.log.WarnContext(ctx, "slack envelope not understood", "envelope_id", req.EnvelopeID, "err", err)
		ack(nil)
		return
	}
	if b.housekeeping(ctx, call) {
		ack(nil)
		return
	}
	if text := b.refuse(ctx, call); text != "" {
		b.answerAck(base, ack, call, text)
		return
	}
	look := b.h.Look(call)
	switch look.Way {
	case handlers.Suggest:
		ack(b.h.Suggest(ctx, call))
	case handlers.Open:
		ack(look.Ack)
		b.open(base, call)
	case handlers.Store:
		if err := b.store(ctx, call.Env); err != nil {
			b.log.ErrorContext(ctx, "inbox missed an envelope", "envelope_id", call.Env.ID, "kind", call.Env.Kind, "name", call.Name, "err", err)
			b.notSaved(base, ack, call, look)
			return
		}
		ack(look.Ack)
	default:
		ack(look.Ack)
	}
}

// housekeeping takes the events that are about the bot itself.
func (b *Bot) housekeeping(ctx context.Context, c *handlers.Call) bool {
	if c.Env.Kind != handlers.KindEvent {
		return false
	}
	switch c.Name {
	case "channel_shared", "channel_unshared":
		b.c.forgetShared(c.Channel)
	case "app_uninstalled", "tokens_revoked":
		b.log.ErrorContext(ctx, "slack withdrew the app's access", "event", c.Name)
	default:
		return c.External || c.FromBot
	}
	return true
}

// refuse returns what to say instead of an answer: to people of other companies, and
// in channels they read. "" means go on.
func (b *Bot) refuse(ctx context.Context, c *handlers.Call) string {
	if me := b.c.known(); me != nil && me.EnterpriseID == "" && c.Team != "" && me.TeamID != "" && c.Team != me.TeamID {
		return textShared
	}
	if c.Channel == "" || (c.Env.Kind != handlers.KindCommand && c.Env.Kind != handlers.KindShortcut) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	shared, err := b.c.Shared(ctx, c.Channel)
	switch {
	case err != nil:
		b.log.WarnContext(ctx, "slack channel not looked up", "channel", c.Channel, "err", err)
		return textUnsure
	case shared:
		return textShared
	}
	return ""
}

// answerAck says text to the presser: in the ack of a command, else beside it.
func (b *Bot) answerAck(base context.Context, ack func(any), c *handlers.Call, text string) {
	switch c.Env.Kind {
	case handlers.KindCommand:
		ack(ephemeral(text))
	case handlers.KindSuggest:
		ack(slack.OptionsResponse{Options: []*slack.OptionBlockObject{}})
	case handlers.KindEvent, handlers.KindClosed, handlers.KindSubmit:
		ack(nil)
	default:
		ack(nil)
		b.tell(base, c, text)
	}
}

// notSaved is the answer when the inbox failed: the person keeps what they typed and
// is asked to try again.
func (b *Bot) notSaved(base context.Context, ack func(any), c *handlers.Call, look handlers.Look) {
	switch {
	case c.Env.Kind == handlers.KindCommand:
		ack(ephemeral(textRetype))
	case c.Env.Kind == handlers.KindSubmit && look.Field != "":
		ack(slack.NewErrorsViewSubmissionResponse(map[string]string{look.Field: textNotSaved}))
	default:
		ack(nil)
		b.tell(base, c, textNotSaved)
	}
}

// ephemeral is an ack of a command that only the sender sees.
func ephemeral(text string) map[string]any {
	return map[string]any{"response_type": slack.ResponseTypeEphemeral, "text": text}
}

// store keeps the envelope within a second.
func (b *Bot) store(ctx context.Context, e engine.Envelope) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	fresh, err := b.inbox.Receive(ctx, e)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if !fresh {
		b.log.InfoContext(ctx, "slack envelope came again", "envelope_id", e.ID, "kind", e.Kind)
	}
	return nil
}

// send queues an ack; the library writes it on the socket that is open then.
func (b *Bot) send(ctx context.Context, envelope string, payload any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackWithin)
	defer cancel()
	err := b.sm.AckCtx(ctx, envelope, payload)
	if err != nil && payload != nil && !errors.Is(err, context.DeadlineExceeded) {
		// Too big for a frame: an empty ack is better than an error at the person's.
		b.log.ErrorContext(ctx, "slack ack payload refused", "envelope_id", envelope, "err", err)
		err = b.sm.AckCtx(ctx, envelope, nil)
	}
	if err != nil {
		b.log.ErrorContext(ctx, "slack ack not sent", "envelope_id", envelope, "err", err)
		return
	}
	b.acked.Store(true)
}

// open runs what shows something and changes nothing, beside at most 31 others.
func (b *Bot) open(base context.Context, c *handlers.Call) {
	b.beside(base, func(ctx context.Context) { b.h.Open(ctx, c) }, func() {
		b.log.WarnContext(base, "slack work refused, all places taken", "envelope_id", c.Env.ID, "name", c.Name)
		if c.Env.Kind != handlers.KindEvent {
			b.say(base, c, textBusy)
		}
	})
}

// tell says a sentence to the presser, beside the others.
func (b *Bot) tell(base context.Context, c *handlers.Call, text string) {
	b.beside(base, func(ctx context.Context) { b.say(ctx, c, text) }, func() {
		b.log.WarnContext(base, "slack answer dropped, all places taken", "envelope_id", c.Env.ID)
	})
}

func (b *Bot) say(ctx context.Context, c *handlers.Call, text string) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	if err := b.c.Ephemeral(ctx, c.Where(), blocks.Message{Text: text}); err != nil {
		b.log.WarnContext(ctx, "slack answer not shown", "envelope_id", c.Env.ID, "err", err)
	}
}

// beside runs f among those that run at once, or full when no place gets free.
func (b *Bot) beside(base context.Context, f func(context.Context), full func()) {
	wait := time.NewTimer(slotWithin)
	defer wait.Stop()
	select {
	case b.opening <- struct{}{}:
	case <-wait.C:
		full()
		return
	}
	b.work.Go(func() {
		defer func() { <-b.opening }()
		ctx, cancel := context.WithTimeout(base, openWithin)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				b.log.ErrorContext(ctx, "slack handler panicked", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		f(ctx)
	})
}
