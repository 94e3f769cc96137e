// Package app wires the rooms into one running product. It is used by the command line
// and by the sandbox's tests, so that both run the very same thing.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"expansionbot/api"
	"expansionbot/bot"
	"expansionbot/config"
	"expansionbot/crm"
	"expansionbot/crm/hubspot"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/handlers"
	"expansionbot/jobs"
	"expansionbot/notify"
	"expansionbot/store"
)

// Options are what config.yaml does not say.
type Options struct {
	Policy []byte          // text of the policy file
	Clock  expansion.Clock // nil = the real one, unless ClockURL is set
	// ClockURL is the address of a sandbox's clock to follow; "" = none. It is accepted
	// only with a Slack on loopback.
	ClockURL string
	Live     bool // skip the shadow start; only with a Slack on loopback
	ReadOnly bool // look beside the process that has the SQLite file open
	Log      *slog.Logger
	// Listener takes the HTTP side's requests; nil = listen on api.listen.
	Listener net.Listener
	Tables   map[string][]byte // imported before anything runs if the store is empty, by file name
}

// App is the running product.
type App struct {
	Engine *engine.Engine
	Store  *store.Store

	cfg    *config.Config
	clock  expansion.Clock
	follow *follower
	bot    *bot.Bot
	queue  *jobs.Queue
	http   *http.Server
	addr   string
	log    *slog.Logger
}

// Parts are the rooms that doctor looks at: everything but what runs.
type Parts struct {
	Engine *engine.Engine
	Store  *store.Store
	slack  *bot.Client
	clock  expansion.Clock
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

// Assemble opens the store and makes the engine with its CRM and channels, without
// starting anything. The caller closes Store.
func Assemble(ctx context.Context, cfg *config.Config, o Options) (*Parts, error) {
	p := &Parts{clock: o.Clock}
	if p.clock == nil {
		p.clock = realClock{}
	}
	var err error
	if p.slack, err = slackClient(cfg, p.clock, o.Log); err != nil {
		return nil, err
	}
	c, err := crmClient(cfg)
	if err != nil {
		return nil, err
	}
	for _, key := range unread(cfg) {
		o.Log.WarnContext(ctx, "a setting has no effect in this version", "key", key)
	}
	open := store.Open
	if o.ReadOnly {
		open = store.OpenToRead
	}
	if p.Store, err = open(ctx, cfg.Store.DSN.Reveal(), p.clock); err != nil {
		return nil, err
	}
	// The channels call back into the engine that is made with them.
	var channels []notify.Channel
	if p.slack != nil {
		channels = append(channels, bot.NewSender(p.slack, func(ctx context.Context, id expansion.PersonID, slackID string) error {
			return p.Engine.LinkPerson(ctx, id, slackID)
		}))
	}
	if url := cfg.Email.SMTPURL.Reveal(); url != "" {
		mail, err := notify.NewEmail(notify.EmailConfig{SMTPURL: url, From: cfg.Email.From, PublicURL: cfg.API.PublicURL, Link: func(id expansion.RoutingID, person expansion.PersonID) string {
			if token := p.Engine.AckToken(id, person); token != "" {
				return "/ack/" + token
			}
			return ""
		}})
		if err != nil {
			return nil, errors.Join(err, p.Store.Close())
		}
		channels = append(channels, mail)
	}
	p.Engine, err = engine.New(ctx, engine.Config{Store: p.Store, Clock: p.clock, CRM: c, Channels: channels, Policy: o.Policy, Admins: cfg.Admins, Live: o.Live, ReadOnly: o.ReadOnly, LinkKey: cfg.API.LinkKey.Reveal(), Log: o.Log})
	if err != nil {
		return nil, errors.Join(err, p.Store.Close())
	}
	return p, nil
}

func slackClient(cfg *config.Config, clock expansion.Clock, log *slog.Logger) (*bot.Client, error) {
	if cfg.Slack.BotToken == "" {
		return nil, nil
	}
	return bot.NewClient(bot.Config{APIURL: cfg.Slack.APIURL, BotToken: cfg.Slack.BotToken.Reveal(), AppToken: cfg.Slack.AppToken.Reveal(), Clock: clock, Log: log})
}

func crmClient(cfg *config.Config) (crm.Client, error) {
	if cfg.CRM.Write != "live" && cfg.CRM.Kind != "none" {
		return nil, expansion.FieldErrorf("crm.write", "crm.write is %q: this version can only write live. Set crm.kind to none to keep opportunities here only.", cfg.CRM.Write)
	}
	switch cfg.CRM.Kind {
	case "hubspot":
		h := cfg.CRM.HubSpot
		return hubspot.New(hubspot.Config{APIURL: h.APIURL, Token: h.Token.Reveal(), APIVersion: h.APIVersion, Pipeline: h.Pipeline, AccountID: h.AccountField})
	case "none", "":
		return nil, nil
	}
	return nil, expansion.FieldErrorf("crm.kind", "crm.kind is %q: this version writes to hubspot or none.", cfg.CRM.Kind)
}

// unread names the settings that are set and that this version does nothing with, so
// that nobody waits for what will not come.
func unread(cfg *config.Config) []string {
	var out []string
	for key, set := range map[string]bool{
		"sources": len(cfg.Sources) > 0, "email.imap_url": cfg.Email.IMAPURL != "", "crm.hubspot.webhook_secret": cfg.CRM.HubSpot.WebhookSecret != "",
		"crm.hubspot.fields": len(cfg.CRM.HubSpot.Fields) > 0, "crm.hubspot.stages": len(cfg.CRM.HubSpot.Stages) > 0,
	} {
		if set {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Start assembles the product and starts it: jobs, HTTP, then the Slack socket. Run
// must be called next.
func Start(ctx context.Context, cfg *config.Config, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{cfg: cfg, log: o.Log}
	if o.ClockURL != "" {
		f, err := follow(ctx, o.ClockURL, o.Log)
		if err != nil {
			return nil, err
		}
		a.follow, o.Clock = f, f
	}
	p, err := assembleAllowed(ctx, cfg, o)
	if err != nil {
		return nil, errors.Join(err, a.follow.Close())
	}
	a.Engine, a.Store, a.clock = p.Engine, p.Store, p.clock
	if err := a.start(ctx, p, o); err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	return a, nil
}

// askWithin is how long Slack and the CRM get to refuse a token at the start.
const askWithin = 5 * time.Second

// assembleAllowed is Assemble after Slack and the CRM were asked whether they take their
// tokens, so that a wrong one ends the start before anything is opened. One that does not
// answer now may do so later.
func assembleAllowed(ctx context.Context, cfg *config.Config, o Options) (*Parts, error) {
	clock := o.Clock
	if clock == nil {
		clock = realClock{}
	}
	ask, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	s, err := slackClient(cfg, clock, o.Log)
	if err != nil {
		return nil, err
	}
	c, err := crmClient(cfg)
	if err != nil {
		return nil, err
	}
	var g errgroup.Group
	if s != nil {
		g.Go(func() error {
			defer s.Close()
			return s.Refused(ask)
		})
	}
	if c != nil {
		g.Go(func() error {
			_, err := c.Stages(ask)
			if x, ok := crm.AsError(err); ok && x.Kind == crm.Auth {
				key := "crm." + cfg.CRM.Kind + ".token"
				return &expansion.Error{Code: expansion.CodeInvalid, Field: key, Err: err, Text: fmt.Sprintf("%s is refused (status %d). Copy the token again and give it the scopes that expansionbot doctor names.", key, x.Status)}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return Assemble(ctx, cfg, o)
}

func (a *App) start(ctx context.Context, p *Parts, o Options) error {
	if err := seed(ctx, a.Engine, o.Tables); err != nil {
		return err
	}
	h := handlers.New(a.Engine, p.slack, a.log)
	a.bot = bot.New(p.slack, h, a.Engine)
	l := o.Listener
	var err error
	if l == nil {
		l, err = net.Listen("tcp", a.cfg.API.Listen)
	}
	if err != nil {
		return &expansion.Error{Code: expansion.CodeInvalid, Field: "api.listen", Err: err, Text: fmt.Sprintf("Cannot listen on api.listen %s: is another process using the port?", a.cfg.API.Listen)}
	}
	a.addr = l.Addr().String()
	tokens := make([]api.Token, 0, len(a.cfg.API.Tokens))
	for _, t := range a.cfg.API.Tokens {
		tokens = append(tokens, api.Token{Name: t.Name, SHA256: t.SHA256, Scopes: t.Scopes})
	}
	a.http = &http.Server{Handler: api.New(api.Config{Engine: a.Engine, Tokens: tokens, Clock: a.clock, Ready: a.ready, Log: a.log, PublicURL: a.cfg.API.PublicURL}), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := a.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("http server stopped", "err", err)
		}
	}()
	if a.queue, err = jobs.Start(ctx, a.Store, a.Engine, a.clock, h.Work, a.log); err != nil {
		return err
	}
	if a.follow != nil {
		a.follow.attach(a)
	}
	if _, err := a.Engine.Audit(ctx); err != nil {
		return err
	}
	return a.Engine.StartSchedules(ctx)
}

// Addr is where the HTTP side listens.
func (a *App) Addr() string { return a.addr }

func (a *App) ready() error {
	if !a.bot.Ready() {
		return expansion.Errorf(expansion.CodeUnavailable, "Slack is not connected.")
	}
	return a.Store.Ping(context.Background())
}

// Ready reports whether Slack can reach the bot.
func (a *App) Ready() bool { return a.bot.Ready() }

// Run keeps the Slack socket until ctx ends, then stops everything and returns.
func (a *App) Run(ctx context.Context) error {
	g, run := errgroup.WithContext(ctx)
	g.Go(func() error { return a.bot.Run(run) })
	g.Go(func() error {
		// The CRM's stages and owners may take a while; nothing waits for them but a first routing.
		if err := a.Engine.RefreshCRM(run); err != nil && run.Err() == nil {
			a.log.WarnContext(run, "the CRM's stages and owners could not be read; the poll tries again", "err", err)
		}
		return nil
	})
	err := g.Wait()
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

// stopWithin is how long running jobs get to finish.
const stopWithin = 10 * time.Second

// Stop stops what Start started, in the opposite order.
func (a *App) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	var errs []error
	if a.queue != nil {
		errs = append(errs, a.queue.Stop(ctx))
	}
	if a.http != nil {
		errs = append(errs, a.http.Shutdown(ctx))
	}
	if a.follow != nil {
		errs = append(errs, a.follow.Close())
	}
	return errors.Join(append(errs, a.Store.Close())...)
}
