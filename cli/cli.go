// Package cli is the command line: one file per command. The answer goes to standard
// output, talk to standard error; exit 0 is good, 1 findings of error level, 2 misuse.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"expansionbot/app"
	"expansionbot/config"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
)

// Exit codes (DESIGN §5).
const (
	exitGood     = 0
	exitFindings = 1
	exitMisuse   = 2
)

// env is what every command gets.
type env struct {
	in       io.Reader
	out, err io.Writer
	config   string // path of --config
}

// findings ends a command with exit 1; what is wrong has been printed already.
type findings struct{}

func (findings) Error() string { return "findings" }

// Main runs one command line and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	e := &env{in: in, out: out, err: errOut}
	root := newRoot(e)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return code(errOut, root.ExecuteContext(ctx))
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:           "expansionbot",
		Short:         "Notices when a customer is ready to buy more and hands it to the right seller in Slack",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err.Error()+".") })
	root.PersistentFlags().StringVar(&e.config, "config", "config.yaml", "settings file")
	root.AddCommand(newSandbox(e), newServe(e), newDoctor(e), newGoLive(e), newImport(e), newReport(e), newMigrate(e), newPolicy(e), newToken(e), newVersion(e))
	return root
}

// usage is the error of a command line that is written wrong.
func usage(cmd *cobra.Command, text string) error {
	return expansion.Errorf(expansion.CodeInvalid, "%s\nTry: %s --help", text, cmd.CommandPath())
}

// group makes a command of several, which by itself prints its help.
func group(use, short string, parts ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath()))
			}
			return cmd.Help()
		},
	}
	c.AddCommand(parts...)
	return c
}

// none refuses arguments. A word too many is more often a mistake than harmless.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(cmd, fmt.Sprintf("%s takes no arguments, but got %q.", cmd.Name(), args[0]))
	}
	return nil
}

// atMostOne refuses a second argument; what says what the first one is.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage(cmd, fmt.Sprintf("%s takes one %s, but got %d arguments.", cmd.Name(), what, len(args)))
		}
		return nil
	}
}

// stopped turns the end of ctx, which is how a person stops sandbox and serve, into success.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// misuse lists the codes that mean the command was given something wrong. All others mean
// that it was right and something else is not: a conflict, a server that is down.
var misuse = []expansion.Code{expansion.CodeInvalid, expansion.CodeNotFound}

// code prints an error as sentences for people and turns it into an exit code.
func code(w io.Writer, err error) int {
	switch {
	case err == nil:
		return exitGood
	case errors.Is(err, findings{}):
		return exitFindings
	}
	if ps, ok := errors.AsType[config.Problems](err); ok {
		for _, p := range ps {
			fmt.Fprintln(w, p)
		}
		return exitMisuse
	}
	if x, ok := errors.AsType[*badPolicy](err); ok {
		fmt.Fprintln(w, x)
		return exitMisuse
	}
	if x, ok := errors.AsType[*expansion.Error](err); ok {
		fmt.Fprintln(w, x.Text)
		if slices.Contains(misuse, x.Code) {
			return exitMisuse
		}
		return exitFindings
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "Stopped before it was done.")
		return exitFindings
	}
	if text := err.Error(); strings.HasPrefix(text, "unknown command") { // cobra's own, for the first word
		fmt.Fprintf(w, "%s\nTry: expansionbot --help\n", strings.TrimRight(text, "\n"))
		return exitMisuse
	}
	fmt.Fprintln(w, err)
	return exitFindings
}

// badPolicy is a policy file with faults, each printed with the file's name.
type badPolicy struct {
	file     string
	problems route.Problems
}

func (b *badPolicy) lines() []string {
	out := make([]string, len(b.problems))
	for i, p := range b.problems {
		out[i] = fmt.Sprintf("%s: %s", b.file, p)
	}
	return out
}

func (b *badPolicy) Error() string { return strings.Join(b.lines(), "\n") }

// load reads the settings and the policy file, which must be right both, and makes the
// logger they ask for. It opens nothing. With a bad policy the Config is there beside the
// error.
func (e *env) load() (*config.Config, app.Options, error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return nil, app.Options{}, err
	}
	text, err := os.ReadFile(cfg.Policy.File)
	if err != nil {
		return cfg, app.Options{}, &expansion.Error{Code: expansion.CodeInvalid, Field: "policy.file", Err: err, Text: fmt.Sprintf("policy.file: %s cannot be read. Copy policy.yaml of the repository there, or name another file.", cfg.Policy.File)}
	}
	_, err = route.ParsePolicy(text)
	if ps, ok := errors.AsType[route.Problems](err); ok {
		return cfg, app.Options{}, &badPolicy{file: cfg.Policy.File, problems: ps}
	}
	if err != nil {
		return cfg, app.Options{}, err
	}
	return cfg, app.Options{Policy: text, Log: logger(e.err, cfg.Log)}, nil
}

// assemble opens everything a command needs and nothing that runs.
func (e *env) assemble(ctx context.Context) (*app.Parts, error) {
	cfg, o, err := e.load()
	if err != nil {
		return nil, err
	}
	p, err := app.Assemble(ctx, cfg, o)
	return p, explain(err)
}

// look is assemble for a command that only reads, which a running bot does not keep out.
func (e *env) look(ctx context.Context) (*app.Parts, error) {
	cfg, o, err := e.load()
	if err != nil {
		return nil, err
	}
	p, err := app.Assemble(ctx, cfg, o)
	if inUse(err) {
		o.ReadOnly = true
		p, err = app.Assemble(ctx, cfg, o)
	}
	return p, explain(err)
}

// explain says what to do about a database server that does not let us in. Its own words
// are kept: they tell a wrong password from a missing database, and never hold the password.
func explain(err error) error {
	why := ""
	if x, ok := errors.AsType[*pgconn.PgError](err); ok {
		why = x.Message
	} else if x, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		why = "there is no answer"
		if n, ok := errors.AsType[*net.DNSError](x); ok {
			why = "the host " + n.Name + " is not known"
		} else if n, ok := errors.AsType[*net.OpError](x); ok && n.Err != nil {
			why = n.Err.Error()
		}
	}
	if why == "" {
		return err
	}
	return &expansion.Error{Code: expansion.CodeUnavailable, Field: "store.dsn", Err: err, Text: fmt.Sprintf("PostgreSQL at store.dsn cannot be used: %s. Check that the server runs, that the database exists and that user and password are right.", why)}
}

// inUse reports whether err says that another process has the SQLite file open.
func inUse(err error) bool {
	x, ok := errors.AsType[*expansion.Error](err)
	return ok && x.Field == "store.dsn" && x.Code == expansion.CodeConflict
}

// storeFile is the path of the SQLite file, "" for PostgreSQL.
func storeFile(cfg *config.Config) string {
	file, ok := strings.CutPrefix(cfg.Store.DSN.Reveal(), "file:")
	if !ok {
		return ""
	}
	file, _, _ = strings.Cut(file, "?")
	return file
}

// storeMissing reports whether the SQLite file has not been made yet. Commands that only
// look do not make it.
func storeMissing(cfg *config.Config) bool {
	file := storeFile(cfg)
	if file == "" {
		return false
	}
	_, err := os.Stat(file)
	return errors.Is(err, os.ErrNotExist)
}

// terminal reports whether w is one, so that bars and colour make sense.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
