package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

func newPolicy(e *env) *cobra.Command {
	lint := &cobra.Command{
		Use:   "lint [policy.yaml]",
		Short: "Check a policy: syntax, and people nobody knows when the store has any",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "policy.yaml"
			if len(args) == 1 {
				file = args[0]
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return &expansion.Error{Code: expansion.CodeNotFound, Err: err, Text: fmt.Sprintf("%s cannot be read; check the path.", file)}
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
	c := &cobra.Command{Use: "policy", Short: "Routing policies", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(lint)
	return c
}

// lintPeople compares a policy with the people and accounts in the store. Without a
// settings file or store there is nobody to compare with.
func (e *env) lintPeople(cmd *cobra.Command, p *route.Policy) (route.Problems, error) {
	if _, err := os.Stat(e.config); err != nil {
		return nil, nil
	}
	parts, err := e.assemble(cmd.Context())
	if err != nil {
		return nil, err
	}
	people, err := parts.Store.People(cmd.Context())
	if err == nil && len(people) == 0 {
		fmt.Fprintln(e.err, "The store has no people yet; only the syntax was checked.")
		return nil, parts.Store.Close()
	}
	accounts, err2 := parts.Store.Accounts(cmd.Context(), "", 100_000)
	if err := errors.Join(err, err2, parts.Store.Close()); err != nil {
		return nil, err
	}
	return route.Lint(p, people, accounts), nil
}
