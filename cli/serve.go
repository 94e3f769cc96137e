package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/spf13/cobra"

	"expansionbot/app"
	"expansionbot/config"
	"expansionbot/expansion"
)

func newServe(e *env) *cobra.Command {
	var clock string
	var live bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the bot against a real Slack workspace, CRM and mail server",
		Long: "Run the bot until Ctrl-C. Everything it needs is in config.yaml; expansionbot doctor says what is missing.\n" +
			"On an empty store it starts in shadow: it watches and messages nobody until RevOps presses Go live.",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			cfg, o, err := e.load()
			if err != nil {
				return err
			}
			if ps := cfg.RequiredForServe(); len(ps) > 0 {
				return ps
			}
			if (clock != "" || live) && !onThisMachine(cfg.Slack.APIURL) {
				return usage(cmd, "--clock and --live are for a sandbox: they need slack.api_url on this machine.")
			}
			if clock != "" && !onThisMachine(clock) {
				return usage(cmd, fmt.Sprintf("--clock %s is not an address on this machine. Give the clock address that expansionbot sandbox --world --json prints.", clock))
			}
			o.ClockURL, o.Live = clock, live
			a, err := app.Start(ctx, cfg, o)
			if err != nil {
				return stopped(ctx, explainClock(clock, explain(err)))
			}
			if shadow, seen, err := a.Engine.Shadow(ctx); err == nil && shadow {
				o.Log.InfoContext(ctx, "watching only, automatic signals message nobody until go-live", "signals", seen)
			}
			fmt.Fprintf(e.out, "Serving on http://%s\n", a.Addr())
			return stopped(ctx, a.Run(ctx))
		},
	}
	c.Flags().StringVar(&clock, "clock", "", "follow a sandbox's clock at this address")
	c.Flags().BoolVar(&live, "live", false, "skip the shadow start (sandbox only)")
	return c
}

// explainClock says what to do when nothing answers where the sandbox's clock should be.
func explainClock(clock string, err error) error {
	if _, ours := errors.AsType[*expansion.Error](err); ours || clock == "" {
		return err
	}
	if _, ok := errors.AsType[net.Error](err); !ok {
		return err
	}
	return &expansion.Error{Code: expansion.CodeUnavailable, Field: "clock", Err: err, Text: fmt.Sprintf("No clock answers at %s. Start expansionbot sandbox --world first, and give the clock address it prints with --json.", clock)}
}

// onThisMachine reports whether an address is a web address on loopback.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && config.Loopback(u.Hostname())
}

func newGoLive(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "go-live",
		Short: "End the shadow start: from now on signals message people",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := e.assemble(cmd.Context())
			if inUse(err) {
				return &expansion.Error{Code: expansion.CodeConflict, Err: err, Text: "The store is in use by a running expansionbot. Press Go live in its Home in Slack, or stop it first."}
			}
			if err != nil {
				return err
			}
			_, seen, err := p.Engine.Shadow(cmd.Context())
			if err == nil {
				err = p.Engine.GoLive(cmd.Context(), "")
			}
			if err == nil {
				fmt.Fprintf(e.out, "Live. Signals message people from now on; the %d found so far are listed to their CSMs and route only when chosen there.\n", seen)
			}
			return errors.Join(err, p.Store.Close())
		},
	}
}

func newMigrate(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the store's tables up to date",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, o, err := e.load()
			if err != nil {
				return err
			}
			p, err := app.Assemble(cmd.Context(), cfg, o) // opening migrates
			if err != nil {
				return explain(err)
			}
			v, err := p.Store.Version(cmd.Context())
			if err == nil {
				name := "PostgreSQL"
				if storeFile(cfg) != "" {
					name = "SQLite"
				}
				fmt.Fprintf(e.out, "The %s store is up to date, at version %d.\n", name, v)
			}
			return errors.Join(err, p.Store.Close())
		},
	}
}
