package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newToken(e *env) *cobra.Command {
	var name string
	var scopes []string
	n := &cobra.Command{
		Use:   "new",
		Short: "Make an API token; it is shown once",
		Long: "Make an API token. It is shown once and kept nowhere; config.yaml gets only its SHA-256.\n\nScopes:\n" + scopeList() +
			"  signals:* or signals is both of that kind.",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(name) == "" {
				return usage(cmd, "--name is empty: say who will use the token, for example --name warehouse.")
			}
			if len(scopes) == 0 {
				return usage(cmd, "--scopes is empty: say what the token may do, for example --scopes signals:write,signals:read.")
			}
			for i, s := range scopes {
				if scopes[i] = strings.TrimSpace(s); !knownScope(scopes[i]) {
					return usage(cmd, fmt.Sprintf("--scopes: %q is no scope. Choose from %s.", s, strings.Join(scopeNames(), ", ")))
				}
			}
			token := "exp_" + rand.Text()
			sum := sha256.Sum256([]byte(token))
			fmt.Fprintf(e.out, "%s\n", token)
			fmt.Fprintf(e.err, "Keep it; it is not shown again. Put this line under api, tokens: in config.yaml (in place of []) and restart serve:\n")
			fmt.Fprintf(e.out, "    - {name: %q, sha256: %s, scopes: [%s]}\n", name, hex.EncodeToString(sum[:]), quoted(scopes))
			return nil
		},
	}
	n.Flags().StringVar(&name, "name", "", "who uses it")
	n.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may do, joined by commas")
	return group("token", "Make tokens for the HTTP API", n)
}

// scopes are what a token may do, in the words of the HTTP API.
var scopes = [][2]string{
	{"signals:write", "log signals"},
	{"signals:read", "read signals and their routings"},
	{"route:write", "route signals"},
	{"outcome:write", "report won and lost"},
	{"ingest:write", "push usage, events and health"},
	{"activities:read", "read the log of who did what"},
	{"metrics:read", "read performance and /metrics"},
}

func scopeNames() []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = s[0]
	}
	return out
}

func scopeList() string {
	var b strings.Builder
	for _, s := range scopes {
		fmt.Fprintf(&b, "  %-16s  %s\n", s[0], s[1])
	}
	return b.String()
}

// knownScope accepts a scope, its kind ("signals") and the kind with a star ("signals:*").
func knownScope(name string) bool {
	return slices.ContainsFunc(scopes, func(s [2]string) bool {
		kind, _, _ := strings.Cut(s[0], ":")
		return name == s[0] || name == kind || name == kind+":*"
	})
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(out, ", ")
}
