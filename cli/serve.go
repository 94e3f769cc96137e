package cli

import (
	"errors"
	"fmt"
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
			if (clock != "" || live) && !localSlack(cfg) {
				return usage(cmd, "--clock and --live are for a sandbox: they need slack.api_url on this machine.")
			}
			o.ClockURL, o.Live = clock, live
			a, err := app.Start(ctx, cfg, o)
			if err != nil {
				return stopped(ctx, explain(err))
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

func localSlack(cfg *config.Config) bool {
	u, err := url.Parse(cfg.Slack.APIURL)
	return err == nil && cfg.Slack.APIURL != "" && config.Loopback(u.Hostname())
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
