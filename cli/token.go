package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"expansionbot/expansion"
)

func newToken(e *env) *cobra.Command {
	var name string
	var scopes []string
	n := &cobra.Command{
		Use:   "new",
		Short: "Make an API token; it is shown once",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if strings.TrimSpace(name) == "" {
				return expansion.Errorf(expansion.CodeInvalid, "--name is empty: say who will use the token, for example --name warehouse.")
			}
			if len(scopes) == 0 {
				return expansion.Errorf(expansion.CodeInvalid, "--scopes is empty: give what the token may do, for example --scopes signals:write,signals:read.")
			}
			token := "exp_" + rand.Text()
			sum := sha256.Sum256([]byte(token))
			fmt.Fprintf(e.out, "%s\n", token)
			fmt.Fprintf(e.err, "Keep it; it is not shown again. Add this line under api.tokens in config.yaml:\n")
			fmt.Fprintf(e.out, "  - {name: %q, sha256: %s, scopes: [%s]}\n", name, hex.EncodeToString(sum[:]), quoted(scopes))
			return nil
		},
	}
	n.Flags().StringVar(&name, "name", "", "who uses it")
	n.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may do, joined by commas")
	c := &cobra.Command{Use: "token", Short: "API tokens", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(n)
	return c
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", strings.TrimSpace(w))
	}
	return strings.Join(out, ", ")
}
