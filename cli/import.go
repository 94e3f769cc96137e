package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"expansionbot/engine"
	"expansionbot/expansion"
)

// shownErrors is how many refused rows are printed; the counts cover all.
const shownErrors = 100

func newImport(e *env) *cobra.Command {
	var strict, scan bool
	var from string
	c := &cobra.Command{
		Use:   "import DIR|FILE…",
		Short: "Import people, accounts, usage, events and health from CSV files",
		Long: "Import tables from CSV files, or every table in a folder. A table is known by the first word of its\n" +
			"file name (people, accounts, contacts, named, partners, entitlements, usage, events, health), else by\n" +
			"its columns. Good rows are kept and bad ones named with line and column; importing the same again\n" +
			"changes nothing. docs/import.md lists the columns.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "Name at least one CSV file, or a folder of them.")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if from != "" && (from != "ravenstack" || len(args) != 1) {
				return expansion.Errorf(expansion.CodeInvalid, "--from takes ravenstack and one folder.")
			}
			var files []engine.ImportFile
			var err error
			if from == "" {
				if files, err = engine.ImportFiles(args); err != nil {
					return err
				}
			}
			p, err := e.assemble(ctx)
			if inUse(err) {
				return &expansion.Error{Code: expansion.CodeConflict, Err: err, Text: "The store is in use by a running expansionbot, and nothing was imported. Stop it and import again, or push usage, events and health to it: POST /ingest/usage, /ingest/events or /ingest/health at its api.listen. With postgres:// both can run."}
			}
			if err != nil {
				return err
			}
			var res engine.ImportResult
			var reasons map[string]int
			if from == "ravenstack" {
				res, reasons, err = p.Engine.ImportRavenstack(ctx, args[0])
			} else {
				if terminal(e.err) {
					withBar(e.err, files, strict)
				}
				res, err = p.Engine.Import(ctx, files, strict)
			}
			printImport(e, res, reasons, strict)
			if err == nil && scan {
				var s engine.ScanResult
				if s, err = p.Engine.Scan(ctx); err == nil {
					fmt.Fprintf(e.out, "scan: %d accounts looked at, %d new signals, %d merged\n", s.Accounts, s.Signals, s.Merged)
				}
			}
			if err = errors.Join(err, p.Store.Close()); err == nil && res.Bad() > 0 {
				return findings{}
			}
			return err
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "import nothing if one row is bad")
	c.Flags().BoolVar(&scan, "scan", false, "look for signals right after")
	c.Flags().StringVar(&from, "from", "", "convert a known data set: ravenstack")
	return c
}

func printImport(e *env, res engine.ImportResult, reasons map[string]int, strict bool) {
	for i, r := range res.Errors {
		if i == shownErrors {
			fmt.Fprintf(e.err, "… and %d more rows refused\n", res.Bad()-shownErrors)
			break
		}
		fmt.Fprintln(e.err, r)
	}
	for _, w := range res.Warnings {
		fmt.Fprintln(e.err, w)
	}
	for _, f := range res.Files {
		rows := "rows"
		if f.Rows == 1 {
			rows = "row"
		}
		fmt.Fprintf(e.out, "%s: %d %s, %d good, %d refused\n", f.Name, f.Rows, rows, f.Good, f.Bad)
	}
	for _, k := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(e.out, "refused because %s: %d\n", k, reasons[k])
	}
	if strict && res.Bad() > 0 {
		fmt.Fprintln(e.out, "Nothing was imported.")
	}
}

// withBar shows how much of all files has been read.
func withBar(w io.Writer, files []engine.ImportFile, strict bool) {
	var total int64
	for _, f := range files {
		if info, err := os.Stat(f.Name); err == nil {
			total += info.Size()
		}
	}
	if strict {
		total *= 2 // once to check, once to import
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("importing"))
	for i := range files {
		open := files[i].Open
		files[i].Open = func() (io.ReadCloser, error) {
			r, err := open()
			if err != nil {
				return nil, err
			}
			b := progressbar.NewReader(r, bar)
			return &b, nil
		}
	}
}
