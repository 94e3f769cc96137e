package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

func newReport(e *env) *cobra.Command {
	var csv bool
	c := &cobra.Command{
		Use:   "report [PERIOD]",
		Short: "Print how routed signals did",
		Long:  "Print how the signals routed within a period did, up to now. A period is written 7d, 90d or 48h; without one it is 30d.",
		Args:  atMostOne("period"),
		RunE: func(cmd *cobra.Command, args []string) error {
			period := 30 * 24 * time.Hour
			if len(args) == 1 {
				d, err := route.ParseDuration(args[0])
				if err != nil || d <= 0 {
					return expansion.Errorf(expansion.CodeInvalid, "%s is no period. Write days like 30d or hours like 48h.", expansion.Quote(args[0]))
				}
				period = d
			}
			p, err := e.look(cmd.Context())
			if err != nil {
				return err
			}
			return errors.Join(p.Engine.WriteReport(cmd.Context(), e.out, p.Engine.Now().Add(-period), csv), p.Store.Close())
		},
	}
	c.Flags().BoolVar(&csv, "csv", false, "as CSV")
	return c
}

func newVersion(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  none,
		RunE: func(*cobra.Command, []string) error {
			v, revision := "devel", ""
			if b, ok := debug.ReadBuildInfo(); ok {
				if b.Main.Version != "" && b.Main.Version != "(devel)" {
					v = b.Main.Version
				}
				for _, s := range b.Settings {
					if s.Key == "vcs.revision" && len(s.Value) >= 12 {
						revision = " " + s.Value[:12]
					}
				}
			}
			fmt.Fprintf(e.out, "expansionbot %s%s\n", v, revision)
			return nil
		},
	}
}
