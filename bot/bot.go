package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/handlers"
)

// Bounds of the bot's work.
const (
	ackWithin   = 2500 * time.Millisecond // Slack gives 3 s
	storeWithin = time.Second             // of that for the inbox
	openWithin  = 10 * time.Second        // for what runs at once after the ack
	stopWithin  = 10 * time.Second        // for what is under way when the bot stops
	slotWithin  = 500 * time.Millisecond  // for a free place among those that run at once
	retryWithin = 10 * time.Second        // longest wait between two tries to connect
	ackGrace    = 250 * time.Millisecond  // for acks still queued in the client at the stop

	maxTaking  = 64 // envelopes being stored and acked at a time
	maxOpening = 32 // views and Homes being made at a time
)

// Inbox keeps an envelope before it is acked. fresh is false when it was kept before.
type Inbox interface {
	Receive(ctx context.Context, e engine.Envelope) (fresh bool, err error)
}

// Handler answers what people do. *handlers.Handlers is the real one.
type Handler interface {
	// Look says how the call wants to be answered; it asks nobody.
	Look(c *handlers.Call) handlers.Look
	// Suggest makes the options of an external select.
	Suggest(ctx context.Context, c *handlers.Call) any
	// Open shows a view or App Home. What goes wrong it tells the person and the log.
	Open(ctx context.Context, c *handlers.Call)
}

var _ Handler = (*handlers.Handlers)(nil)

// Bot keeps the socket to Slack and answers what comes through it.
type Bot struct {
	c     *Client
	h     Handler
	inbox Inbox
	log   *slog.Logger
	sm    *socketmode.Client

	ready   atomic.Bool
	taking  chan struct{}
	opening chan struct{}
	work    sync.WaitGroup
	acked   atomic.Bool // since the socket's last start
}

// New makes a bot; Run starts it.
func New(c *Client, h Handler, inbox Inbox) *Bot {
	return &Bot{
		c: c, h: h, inbox: inbox, log: c.log,
		sm:     socketmode.New(c.api, socketmode.OptionLog(log.New(io.Discard, "", 0)), socketmode.OptionReadLimit(maxFrame)),
		taking: make(chan struct{}, maxTaking), opening: make(chan struct{}, maxOpening),
	}
}

// maxFrame bounds what Slack may send in one frame: far above any real envelope.
const maxFrame = 8 << 20

// Ready reports whether Slack can reach the bot now.
func (b *Bot) Ready() bool { return b.ready.Load() }

// Check is doctor's view of Slack from inside a running bot.
func (b *Bot) Check(ctx context.Context) []expansion.Check {
	checks := b.c.Check(ctx)
	if b.Ready() {
		return append(checks, expansion.Check{Level: expansion.CheckPass, What: "Slack socket", Text: "connected"})
	}
	return append(checks, expansion.Check{Level: expansion.CheckFail, What: "Slack socket", Text: "not connected", Fix: "Look for slack errors in the log; the bot keeps trying."})
}

// Run connects, answers and reconnects until ctx ends, then finishes what is under way
// within 10 s and returns nil. It returns an error only when Slack refuses in a way no
// retry mends; the error's sentence says what to do.
func (b *Bot) Run(ctx context.Context) error {
	defer b.c.Close()
	defer b.ready.Store(false)
	if err := b.meet(ctx); err != nil {
		return err
	}
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	socket := &socketLoop{sm: b.sm, log: b.log, done: make(chan error, 1)}
	go func() { socket.done <- socket.run(base) }()

	err := b.loop(ctx, base, socket)
	idle := b.drain()
	stop()
	if !socket.ended {
		<-socket.done
	}
	<-idle // what was cut off ends with base
	return err
}

// meet asks Slack who the bot is. Only a refused token is an error: a Slack that is
// down now may answer later.
func (b *Bot) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.c.cfg.HTTPTimeout)
	defer cancel()
	_, err := b.c.identity(ctx)
	if isWord(err, authWords) {
		return expansion.Errorf(expansion.CodeInvalid, "Slack refuses the bot token (%s). %s", word(err), botTokenFix(err))
	}
	if err != nil && ctx.Err() == nil {
		b.log.WarnContext(ctx, "slack does not answer yet", "err", err)
	}
	return nil
}

// loop takes what the socket brings until ctx ends or the socket is refused.
func (b *Bot) loop(ctx, base context.Context, socket *socketLoop) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-socket.done:
			socket.ended = true
			return err
		case evt := <-b.sm.Events:
			if err := b.event(base, socket, evt); err != nil {
				return err
			}
		}
	}
}

// drain waits for what is under way, at most 10 s, then a moment for acks the client
// still holds. The channel closes when nothing is under way any more.
func (b *Bot) drain() <-chan struct{} {
	done := make(chan struct{})
	go func() { b.work.Wait(); close(done) }()
	limit := time.NewTimer(stopWithin)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		b.log.Warn("slack work cut off at the stop")
	}
	if b.acked.Load() && b.Ready() {
		grace := time.NewTimer(ackGrace)
		defer grace.Stop()
		<-grace.C
	}
	return done
}

// event acts on one thing the socket client says. The error ends the bot.
func (b *Bot) event(ctx context.Context, socket *socketLoop, evt socketmode.Event) error {
	switch evt.Type {
	case socketmode.EventTypeHello:
		b.ready.Store(true)
		b.log.InfoContext(ctx, "slack connected")
		if b.c.known() == nil {
			b.work.Go(func() { _ = b.meet(ctx) })
		}
	case socketmode.EventTypeConnecting:
		b.ready.Store(false)
	case socketmode.EventTypeConnectionError:
		b.ready.Store(false)
		e, ok := evt.Data.(*slack.ConnectionErrorEvent)
		if !ok {
			return nil
		}
		if fix := fatal(e.ErrorObj); fix != "" {
			return &expansion.Error{Code: expansion.CodeInvalid, Text: fix, Err: e.ErrorObj}
		}
		b.log.WarnContext(ctx, "slack connection failed", "attempt", e.Attempt, "err", e.ErrorObj)
		if e.Backoff > retryWithin {
			socket.again()
		}
	case socketmode.EventTypeErrorWriteFailed:
		// The socket broke under an ack: it goes out on the next one.
		if e, ok := evt.Data.(*socketmode.ErrorWriteFailed); ok && e.Response != nil {
			b.work.Go(func() { b.send(ctx, e.Response.EnvelopeID, e.Response.Payload) })
		}
	case socketmode.EventTypeErrorBadMessage:
		if e, ok := evt.Data.(*socketmode.ErrorBadMessage); ok {
			b.badMessage(ctx, e)
		}
	case socketmode.EventTypeIncomingError:
		b.log.DebugContext(ctx, "slack socket read", "data", fmt.Sprint(evt.Data))
	case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
		if evt.Request != nil {
			b.take(ctx, evt.Request)
		}
	}
	return nil
}

// badMessage is an envelope the library could not read: one of a new kind, or an event
// with a block it rejects. What we can read ourselves is taken; the rest is acked, or
// Slack would send it three times more.
func (b *Bot) badMessage(ctx context.Context, e *socketmode.ErrorBadMessage) {
	var req socketmode.Request
	if json.Unmarshal(e.Message, &req) != nil || req.EnvelopeID == "" {
		b.log.WarnContext(ctx, "slack sent an unreadable frame", "err", e.Cause)
		return
	}
	if kindOf(req.Type) != "" {
		b.take(ctx, &req)
		return
	}
	b.log.InfoContext(ctx, "slack sent an envelope of an unknown kind", "envelope_id", req.EnvelopeID, "kind", req.Type)
	b.work.Go(func() { b.send(ctx, req.EnvelopeID, nil) })
}

// kindOf names an envelope's kind for handlers.Parse, "" for unknown ones.
func kindOf(socketType string) string {
	switch socketType {
	case socketmode.RequestTypeSlashCommands:
		return handlers.KindCommand
	case socketmode.RequestTypeInteractive:
		return handlers.KindInteractive
	case socketmode.RequestTypeEventsAPI:
		return handlers.KindEvent
	}
	return ""
}

// socketLoop keeps the library's connection loop running. The library waits up to 5
// minutes between tries; again starts it afresh after 10 s.
type socketLoop struct {
	sm    *socketmode.Client
	log   *slog.Logger
	done  chan error
	ended bool // done was read; only Run's goroutine looks

	mu     sync.Mutex
	cancel context.CancelFunc
}

// run ends with nil when ctx ends, or with the error no retry mends.
func (l *socketLoop) run(ctx context.Context) error {
	for {
		one, cancel := context.WithCancel(ctx)
		l.mu.Lock()
		l.cancel = cancel
		l.mu.Unlock()
		err := l.sm.RunContext(one)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if fix := fatal(err); fix != "" {
			return &expansion.Error{Code: expansion.CodeInvalid, Text: fix, Err: err}
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			l.log.WarnContext(ctx, "slack connection ended", "err", err)
		}
	}
}

// again cuts the library's long wait short.
func (l *socketLoop) again() {
	l.mu.Lock()
	cancel := l.cancel
	l.mu.Unlock()
	if cancel != nil {
		time.AfterFunc(retryWithin, cancel)
	}
}
