package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"expansionbot/app"
	"expansionbot/config"
	"expansionbot/expansion"
	"expansionbot/sandbox"
)

func newSandbox(e *env) *cobra.Command {
	var o sandboxOptions
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run everything on this computer, with sample companies, in a browser page",
		Long: "Run the real bot against a Slack, CRM and mailbox on this computer, with sample companies,\n" +
			"and show them in a browser page. Nothing leaves this computer; no account is needed.",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkListen(o.listen); err != nil {
				return err
			}
			return stopped(cmd.Context(), runSandbox(cmd.Context(), e, o))
		},
	}
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:7700", "address of the page, on this computer")
	c.Flags().StringVar(&o.data, "data", "", "folder to keep the state in (default: a temporary one)")
	c.Flags().BoolVar(&o.json, "json", false, "print addresses and throw-away credentials as one JSON object")
	c.Flags().BoolVar(&o.world, "world", false, "run only Slack, CRM, mail, page and clock, without the bot")
	c.Flags().BoolVar(&o.verbose, "verbose", false, "print the bot's log")
	return c
}

type sandboxOptions struct {
	listen, data         string
	json, world, verbose bool
}

// checkListen refuses an address that cannot be listened on or that others could reach.
func checkListen(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	switch {
	case err != nil:
		return expansion.FieldErrorf("listen", "--listen %q is no address. Write host:port, for example 127.0.0.1:7700; port 0 takes a free one.", addr)
	case host != "" && !config.Loopback(host):
		return expansion.FieldErrorf("listen", "--listen %s could be reached from other computers, and the sandbox has no passwords. Use 127.0.0.1.", addr)
	}
	return nil
}

// readyWithin is how long the bot may take to connect to the sandbox's Slack.
const readyWithin = 15 * time.Second

func runSandbox(ctx context.Context, e *env, o sandboxOptions) (err error) {
	dir := o.data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "expansion-sandbox-"); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return &expansion.Error{Code: expansion.CodeInvalid, Field: "data", Err: err, Text: fmt.Sprintf("The folder %s cannot be made; choose another with --data.", dir)}
	}
	log := slog.New(slog.DiscardHandler)
	if o.verbose {
		log = logger(e.err, config.Log{Level: "debug"})
	}
	w, err := sandbox.Start(ctx, sandbox.Options{Listen: o.listen, DataDir: o.data, Log: log})
	if errors.Is(err, syscall.EADDRINUSE) {
		return &expansion.Error{Code: expansion.CodeInvalid, Field: "listen", Err: err, Text: fmt.Sprintf("Cannot listen on %s: another process has it, maybe a second sandbox. Stop that one, or choose --listen 127.0.0.1:0 for a free port.", o.listen)}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if o.world {
		if err := announce(e.out, o, w.Addresses()); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	x := w.Addresses()
	a, url, token, err := app.StartLocal(ctx, app.Local{
		SlackAPI: x.SlackAPI, BotToken: x.BotToken, AppToken: x.AppToken, HubSpot: x.HubSpot, CRMToken: x.CRMToken, SMTP: x.SMTP, Clock: x.Clock,
		Dir: dir, Admins: w.Admins(), Tables: w.Tables(), Log: log,
	})
	if err != nil {
		return err
	}
	g, run := errgroup.WithContext(ctx)
	g.Go(func() error { return a.Run(run) })
	g.Go(func() error {
		if err := waitReady(run, a); err != nil {
			return err
		}
		w.SetAPI(url, token)
		return announce(e.out, o, w.Addresses())
	})
	return g.Wait()
}

func waitReady(ctx context.Context, a *app.App) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for !a.Ready() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("the bot did not connect to the sandbox's Slack: %w", ctx.Err())
		}
	}
	return nil
}

func announce(w io.Writer, o sandboxOptions, a sandbox.Addresses) error {
	if o.json {
		return json.NewEncoder(w).Encode(a)
	}
	_, err := fmt.Fprintf(w, "Open %s  (Ctrl-C stops it)\n", a.Page)
	return err
}
