// Package cli is the command line: one file per command. The answer goes to standard
// output, talk to standard error; exit 0 is good, 1 findings of error level, 2 misuse.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"expansionbot/app"
	"expansionbot/config"
	"expansionbot/expansion"
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
	root.PersistentFlags().StringVar(&e.config, "config", "config.yaml", "settings file")
	root.AddCommand(newSandbox(e), newServe(e), newDoctor(e), newGoLive(e), newImport(e), newReport(e), newMigrate(e), newPolicy(e), newToken(e), newVersion(e))
	return root
}

// code prints an error as sentences for people and turns it into an exit code.
func code(w io.Writer, err error) int {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
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
	if x, ok := errors.AsType[*expansion.Error](err); ok {
		fmt.Fprintln(w, x.Text)
		if x.Code == expansion.CodeUnavailable || x.Code == expansion.CodeInternal {
			return exitFindings
		}
		return exitMisuse
	}
	text := err.Error()
	if strings.HasPrefix(text, "unknown command") || strings.HasPrefix(text, "unknown flag") || strings.HasPrefix(text, "unknown shorthand") {
		text += "\nTry: expansionbot --help"
	}
	fmt.Fprintln(w, text)
	return exitMisuse
}

// load reads the settings, the policy file and makes the logger they ask for.
func (e *env) load() (*config.Config, app.Options, error) {
	cfg, err := config.Load(e.config, os.Environ())
	if err != nil {
		return nil, app.Options{}, err
	}
	text, err := os.ReadFile(cfg.Policy.File)
	if err != nil {
		return nil, app.Options{}, &expansion.Error{Code: expansion.CodeInvalid, Field: "policy.file", Err: err, Text: fmt.Sprintf("policy.file: %s cannot be read. Copy policy.yaml of the repository there, or name another file.", cfg.Policy.File)}
	}
	return cfg, app.Options{Policy: text, Log: logger(e.err, cfg.Log)}, nil
}

func logger(w io.Writer, l config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.Slog()}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// assemble opens everything a command needs and nothing that runs.
func (e *env) assemble(ctx context.Context) (*app.Parts, error) {
	cfg, o, err := e.load()
	if err != nil {
		return nil, err
	}
	return app.Assemble(ctx, cfg, o)
}

// terminal reports whether w is one, so that bars and colour make sense.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
