package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"expansionbot/app"
	"expansionbot/config"
	"expansionbot/expansion"
)

func newDoctor(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at settings, store, Slack, CRM and mail, and say how to fix what is wrong",
		Long: "Look at every part and print pass, warn or fail for each, with the fix. Nothing is changed.\n" +
			"A part that warns works without what is missing; the exit code is 1 only if one fails.",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks, err := e.doctor(cmd.Context())
			bad := false
			for _, c := range checks {
				fmt.Fprintf(e.out, "%-4s  %s: %s\n", c.Level, c.What, c.Text)
				if c.Fix != "" {
					fmt.Fprintf(e.out, "      → %s\n", c.Fix)
				}
				bad = bad || c.Level == expansion.CheckFail
			}
			if err == nil && bad {
				return findings{}
			}
			return err
		},
	}
}

// doctor looks at the settings first: with wrong ones the other parts cannot be asked.
func (e *env) doctor(ctx context.Context) ([]expansion.Check, error) {
	cfg, o, err := e.load()
	if ps, ok := errors.AsType[config.Problems](err); ok {
		return settings(ps), nil
	}
	if cfg == nil {
		return nil, err
	}
	out := settings(cfg.RequiredForServe())
	if len(out) == 0 {
		out = []expansion.Check{{Level: expansion.CheckPass, What: "Settings", Text: "all that serve needs is there"}}
	}
	if x, ok := errors.AsType[*badPolicy](err); ok {
		for _, line := range x.lines() {
			out = append(out, expansion.Check{Level: expansion.CheckFail, What: "Policy", Text: line})
		}
		return out, nil
	}
	if x, ok := errors.AsType[*expansion.Error](err); ok { // it cannot be read
		return append(out, expansion.Check{Level: expansion.CheckFail, What: "Policy", Text: x.Text}), nil
	}
	if err != nil {
		return out, err
	}
	out = append(out, expansion.Check{Level: expansion.CheckPass, What: "Policy", Text: cfg.Policy.File + " is good"})
	more, err := checkParts(ctx, cfg, o)
	return append(out, more...), err
}

func settings(ps config.Problems) []expansion.Check {
	var out []expansion.Check
	for _, p := range ps {
		fix := p.Fix
		p.Fix = ""
		out = append(out, expansion.Check{Level: expansion.CheckFail, What: "Settings", Text: p.String(), Fix: fix})
	}
	return out
}

// ofStore are the parts whose answers come from the store.
var ofStore = []string{"Store", "People", "Work"}

// checkParts asks the store, the CRM and the channels. A SQLite file that is not there, or
// that a running bot has open, does not keep the others from being asked: they get an empty
// store of their own, which is thrown away.
func checkParts(ctx context.Context, cfg *config.Config, o app.Options) (out []expansion.Check, err error) {
	var instead *expansion.Check
	var p *app.Parts
	if storeMissing(cfg) {
		instead = &expansion.Check{Level: expansion.CheckWarn, What: "Store", Text: storeFile(cfg) + " does not exist yet", Fix: "Import people.csv and accounts.csv, which makes it: expansionbot import DIR."}
	} else if p, err = app.Assemble(ctx, cfg, o); inUse(err) {
		instead = &expansion.Check{Level: expansion.CheckWarn, What: "Store", Text: storeFile(cfg) + " is in use by a running expansionbot; what is in it was not looked at", Fix: "Nothing, if that is serve. Stop it and run doctor again to see people and work."}
	} else if err != nil {
		return failed(err)
	}
	if instead != nil {
		dir, err := os.MkdirTemp("", "expansion-doctor-")
		if err != nil {
			return nil, fmt.Errorf("make a temporary folder: %w", err)
		}
		defer os.RemoveAll(dir)
		c := *cfg
		c.Store.DSN = config.Secret("file:" + filepath.Join(dir, "empty.db"))
		if p, err = app.Assemble(ctx, &c, o); err != nil {
			return failed(err)
		}
	}
	checks := p.Engine.Check(ctx)
	if instead != nil {
		checks = slices.DeleteFunc(checks, func(c expansion.Check) bool { return slices.Contains(ofStore, c.What) })
		checks = slices.Insert(checks, 0, *instead)
	}
	return checks, p.Store.Close()
}

// failed is a part that cannot even be made, for example a database that does not answer.
func failed(err error) ([]expansion.Check, error) {
	if x, ok := errors.AsType[*expansion.Error](explain(err)); ok {
		what := "Settings"
		if x.Field == "store.dsn" {
			what = "Store"
		}
		return []expansion.Check{{Level: expansion.CheckFail, What: what, Text: x.Text}}, nil
	}
	return nil, err
}
