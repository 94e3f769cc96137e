package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"expansionbot/app"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

func newPolicy(e *env) *cobra.Command {
	lint := &cobra.Command{
		Use:   "lint [policy.yaml]",
		Short: "Check a policy: syntax, and people nobody knows when the store has any",
		Args:  atMostOne("policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "policy.yaml"
			if len(args) == 1 {
				file = args[0]
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return &expansion.Error{Code: expansion.CodeNotFound, Err: err, Text: fmt.Sprintf("The policy file %s cannot be read; check the path.", file)}
			}
			p, err := route.ParsePolicy(text)
			ps, isProblems := errors.AsType[route.Problems](err)
			if err != nil && !isProblems {
				return err
			}
			if err == nil {
				if ps, err = e.lintPeople(cmd, p); err != nil {
					return err
				}
			}
			for _, x := range ps {
				fmt.Fprintf(e.out, "%s: %s\n", file, x)
			}
			if ps.Errors() {
				return findings{}
			}
			if len(ps) == 0 {
				fmt.Fprintf(e.out, "%s is good (version %.12s)\n", file, p.Version())
			}
			return nil
		},
	}
	return group("policy", "Check routing policies", lint)
}

// lintPeople compares a policy with the people and accounts in the store. Without a
// settings file or store there is nobody to compare with; linting makes neither.
func (e *env) lintPeople(cmd *cobra.Command, p *route.Policy) (route.Problems, error) {
	only := func(why string) { fmt.Fprintf(e.err, "%s; only the syntax was checked.\n", why) }
	if _, err := os.Stat(e.config); err != nil {
		only("There is no " + e.config)
		return nil, nil
	}
	cfg, o, err := e.load()
	if err != nil {
		return nil, err
	}
	if storeMissing(cfg) {
		only("The store " + storeFile(cfg) + " does not exist yet")
		return nil, nil
	}
	parts, err := app.Assemble(cmd.Context(), cfg, o)
	if inUse(err) {
		only("The store " + storeFile(cfg) + " is in use by a running expansionbot")
		return nil, nil
	}
	if err != nil {
		return nil, explain(err)
	}
	people, err := parts.Store.People(cmd.Context())
	if err == nil && len(people) == 0 {
		only("The store has no people yet")
		return nil, parts.Store.Close()
	}
	accounts, err2 := parts.Store.Accounts(cmd.Context(), "", 100_000)
	if err := errors.Join(err, err2, parts.Store.Close()); err != nil {
		return nil, err
	}
	return route.Lint(p, people, accounts), nil
}
