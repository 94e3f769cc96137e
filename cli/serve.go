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
		Args:  cobra.NoArgs,
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
				return expansion.Errorf(expansion.CodeInvalid, "--clock and --live are for a sandbox: they need slack.api_url on this machine.")
			}
			o.ClockURL, o.Live = clock, live
			a, err := app.Start(ctx, cfg, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.out, "Serving on http://%s\n", a.Addr())
			return a.Run(ctx)
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

func newDoctor(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at settings, store, Slack, CRM and mail, and say how to fix what is wrong",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, o, err := e.load()
			if err != nil {
				return err
			}
			bad := false
			for _, p := range cfg.RequiredForServe() {
				fmt.Fprintf(e.out, "fail  Settings: %s\n", p)
				bad = true
			}
			p, err := app.Assemble(cmd.Context(), cfg, o)
			if err != nil {
				return err
			}
			for _, c := range p.Engine.Check(cmd.Context()) {
				fmt.Fprintf(e.out, "%-4s  %s: %s\n", c.Level, c.What, c.Text)
				if c.Fix != "" {
					fmt.Fprintf(e.out, "      → %s\n", c.Fix)
				}
				bad = bad || c.Level == expansion.CheckFail
			}
			if err := p.Store.Close(); err != nil {
				return err
			}
			if bad {
				return findings{}
			}
			return nil
		},
	}
}

func newGoLive(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "go-live",
		Short: "End the shadow start: from now on signals message people",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := e.assemble(cmd.Context())
			if err != nil {
				return err
			}
			_, seen, err := p.Engine.Shadow(cmd.Context())
			if err == nil {
				err = p.Engine.GoLive(cmd.Context(), "")
			}
			if err == nil {
				fmt.Fprintf(e.out, "Live. %d signals found so far are listed to their CSMs and route only when chosen there.\n", seen)
			}
			return errors.Join(err, p.Store.Close())
		},
	}
}

func newMigrate(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the store's tables up to date",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := e.assemble(cmd.Context()) // opening migrates
			if err != nil {
				return err
			}
			v, err := p.Store.Version(cmd.Context())
			if err == nil {
				fmt.Fprintf(e.out, "The %s store is at version %d.\n", p.Store.Dialect(), v)
			}
			return errors.Join(err, p.Store.Close())
		},
	}
}
