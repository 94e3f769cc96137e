package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
	"expansionbot/source"
	"expansionbot/store"
)

// batchRows is how many rows one transaction writes at most (DESIGN §6.1).
const batchRows = 500

// ImportFile is one table to import. Open is called once per pass.
type ImportFile struct {
	Name string // shown in errors; its ending and first word tell the kind
	Kind source.Kind
	Open func() (io.ReadCloser, error)
}

// ImportResult is what an import read and refused.
type ImportResult struct {
	Files    []FileResult
	Errors   []source.RowError
	Warnings []string
}

// FileResult counts one file's rows.
type FileResult struct {
	Name string
	source.Stats
}

// Bad is how many rows were refused.
func (r ImportResult) Bad() int {
	n := 0
	for _, f := range r.Files {
		n += f.Bad
	}
	return n
}

// Import reads tables in the order their kinds depend on each other. Good rows are kept
// in batches, bad ones reported; importing the same again changes nothing. With strict,
// everything is read once first, and nothing is kept if one row is bad.
func (e *Engine) Import(ctx context.Context, files []ImportFile, strict bool) (ImportResult, error) {
	if strict {
		dry, err := e.importAll(ctx, files, false)
		if err != nil || dry.Bad() > 0 {
			return dry, err
		}
	}
	return e.importAll(ctx, files, true)
}

func (e *Engine) importAll(ctx context.Context, files []ImportFile, keep bool) (ImportResult, error) {
	var res ImportResult
	im := &importer{e: e, keep: keep, unknown: map[string]int{}}
	for _, kind := range source.Kinds {
		for _, f := range files {
			if f.Kind != kind {
				continue
			}
			if err := im.load(ctx); err != nil {
				return res, err
			}
			stats, bad, err := im.file(ctx, f)
			res.Files = append(res.Files, FileResult{f.Name, stats})
			res.Errors = append(res.Errors, bad...)
			res.Warnings = append(res.Warnings, stats.Warnings...)
			if err != nil {
				return res, fmt.Errorf("import %s: %w", f.Name, err)
			}
		}
	}
	for email, n := range im.unknown {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s is in no people file; %d rows name them and were kept without them.", email, n))
	}
	return res, nil
}

// importer resolves addresses and writes batches.
type importer struct {
	e       *Engine
	keep    bool
	ids     map[string]expansion.PersonID
	unknown map[string]int
}

// load reads who is known, before each file: the file before may have added people.
func (im *importer) load(ctx context.Context) error {
	people, err := im.e.store.People(ctx)
	if err != nil {
		return err
	}
	im.ids = make(map[string]expansion.PersonID, len(people))
	for _, p := range people {
		im.ids[p.Email] = p.ID
	}
	return nil
}

func (im *importer) id(email string) expansion.PersonID {
	email = strings.ToLower(email)
	if email == "" {
		return ""
	}
	id, ok := im.ids[email]
	if !ok && im.keep {
		im.unknown[email]++
	}
	return id
}

// writeRows collects up to batchRows values and writes them in one transaction each;
// then, if any, ends each transaction.
func writeRows[T any](ctx context.Context, im *importer, read func(yield func(T) error) (source.Stats, []source.RowError, error), put func(*store.Tx, T) error, then ...func(*store.Tx) error) (source.Stats, []source.RowError, error) {
	var batch []T
	flush := func() error {
		if len(batch) == 0 || !im.keep {
			batch = batch[:0]
			return nil
		}
		err := im.e.store.InTx(ctx, func(tx *store.Tx) error {
			for _, v := range batch {
				if err := put(tx, v); err != nil {
					return err
				}
			}
			for _, end := range then {
				if err := end(tx); err != nil {
					return err
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	stats, bad, err := read(func(v T) error {
		if batch = append(batch, v); len(batch) == batchRows {
			return flush()
		}
		return ctx.Err()
	})
	if err == nil {
		err = flush()
	}
	return stats, bad, err
}

func (im *importer) file(ctx context.Context, f ImportFile) (source.Stats, []source.RowError, error) {
	r, err := f.Open()
	if err != nil {
		return source.Stats{}, nil, err
	}
	defer r.Close()
	switch f.Kind {
	case source.KindPeople:
		return im.people(ctx, r, f.Name)
	case source.KindAccounts:
		return writeRows(ctx, im, func(y func(source.AccountRow) error) (source.Stats, []source.RowError, error) {
			return source.ReadAccounts(r, f.Name, y)
		}, func(tx *store.Tx, row source.AccountRow) error { return im.account(ctx, tx, row) })
	case source.KindContacts:
		return writeRows(ctx, im, func(y func(source.ContactRow) error) (source.Stats, []source.RowError, error) {
			return source.ReadContacts(r, f.Name, y)
		}, func(tx *store.Tx, row source.ContactRow) error {
			row.Contact.Owner = im.id(row.OwnerEmail)
			return tx.PutContact(ctx, row.Contact)
		})
	case source.KindNamed:
		return writeRows(ctx, im, func(y func(source.NamedRow) error) (source.Stats, []source.RowError, error) {
			return source.ReadNamed(r, f.Name, y)
		}, func(tx *store.Tx, row source.NamedRow) error {
			if rep := im.id(row.Email); rep != "" {
				return tx.PutNamed(ctx, expansion.NamedAccount{AccountID: row.AccountID, Rep: rep, From: row.From, To: row.To})
			}
			return nil
		})
	case source.KindPartners:
		return writeRows(ctx, im, func(y func(source.PartnerRow) error) (source.Stats, []source.RowError, error) {
			return source.ReadPartners(r, f.Name, y)
		}, func(tx *store.Tx, row source.PartnerRow) error {
			csm, rep := im.id(row.CSMEmail), im.id(row.Email)
			if csm == "" || rep == "" {
				return nil
			}
			return tx.PutPartner(ctx, expansion.Partner{CSM: csm, AccountID: row.AccountID, Rep: rep, From: row.From, To: row.To})
		})
	case source.KindEntitlements:
		return writeRows(ctx, im, func(y func(expansion.Entitlement) error) (source.Stats, []source.RowError, error) {
			return source.ReadEntitlements(r, f.Name, y)
		}, func(tx *store.Tx, v expansion.Entitlement) error { return tx.PutEntitlement(ctx, v) })
	case source.KindUsage:
		return writeRows(ctx, im, func(y func(expansion.UsagePoint) error) (source.Stats, []source.RowError, error) {
			return source.ReadUsage(r, f.Name, y)
		}, func(tx *store.Tx, v expansion.UsagePoint) error { return im.usage(ctx, tx, v) })
	case source.KindEvents:
		return writeRows(ctx, im, func(y func(expansion.FeatureEvent) error) (source.Stats, []source.RowError, error) {
			return source.ReadEvents(r, f.Name, y)
		}, func(tx *store.Tx, v expansion.FeatureEvent) error { return tx.PutEvent(ctx, v) })
	case source.KindHealth:
		return writeRows(ctx, im, func(y func(expansion.HealthPoint) error) (source.Stats, []source.RowError, error) {
			return source.ReadHealth(r, f.Name, y)
		}, func(tx *store.Tx, v expansion.HealthPoint) error { return tx.PutHealth(ctx, v) })
	}
	return source.Stats{}, nil, expansion.Errorf(expansion.CodeInvalid, "%s holds nothing that can be imported yet: name it people.csv, accounts.csv, usage.csv, events.csv, health.csv, entitlements.csv, contacts.csv, named.csv or partners.csv.", f.Name)
}

// people writes everybody first and their managers after, since a manager may stand
// further down in the file. It keeps what the file does not know: Slack and CRM links.
func (im *importer) people(ctx context.Context, r io.Reader, name string) (source.Stats, []source.RowError, error) {
	var managed []source.PersonRow
	stats, bad, err := writeRows(ctx, im, func(y func(source.PersonRow) error) (source.Stats, []source.RowError, error) {
		return source.ReadPeople(r, name, func(row source.PersonRow) error {
			managed = append(managed, row)
			return y(row)
		})
	}, func(tx *store.Tx, row source.PersonRow) error {
		p := row.Person
		old, err := tx.PersonByEmail(ctx, p.Email)
		switch {
		case err == nil:
			p.ID, p.Manager = old.ID, old.Manager
			if p.SlackID == "" {
				p.SlackID = old.SlackID
			}
			if p.CRMOwnerID == "" {
				p.CRMOwnerID = old.CRMOwnerID
			}
		case expansion.CodeOf(err) == expansion.CodeNotFound:
			p.ID = expansion.PersonID(tx.NewID())
		default:
			return err
		}
		return tx.PutPerson(ctx, p)
	})
	if err != nil || !im.keep {
		return stats, bad, err
	}
	if err := im.load(ctx); err != nil {
		return stats, bad, err
	}
	return stats, bad, im.e.store.InTx(ctx, func(tx *store.Tx) error {
		for _, row := range managed {
			p, err := tx.PersonByEmail(ctx, row.Email)
			if err != nil {
				return err
			}
			if m := im.id(row.ManagerEmail); m != p.Manager {
				p.Manager = m
				if err := tx.PutPerson(ctx, p); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// account keeps what the file does not know: the CRM's id.
func (im *importer) account(ctx context.Context, tx *store.Tx, row source.AccountRow) error {
	a := row.Account
	a.CSM, a.OriginalAE = im.id(row.CSMEmail), im.id(row.AEEmail)
	old, err := tx.Account(ctx, a.ID)
	switch {
	case err == nil:
		a.CRMID, a.UpdatedAt = old.CRMID, old.UpdatedAt
	case expansion.CodeOf(err) == expansion.CodeNotFound:
		a.UpdatedAt = tx.Now
	default:
		return err
	}
	return tx.PutAccount(ctx, a)
}

// usage keeps a point as received now when the file does not say when it became known.
func (im *importer) usage(ctx context.Context, tx *store.Tx, v expansion.UsagePoint) error {
	if v.ReceivedAt.IsZero() {
		v.ReceivedAt = tx.Now
	}
	return tx.PutUsage(ctx, v)
}

// LookArgs lets the detectors look at accounts that got new usage.
type LookArgs struct {
	AccountIDs []string `json:"account_ids"`
}

// Kind implements river.JobArgs.
func (LookArgs) Kind() string { return "look" }

// Look runs the detectors over some accounts now.
func (e *Engine) Look(ctx context.Context, ids []string) error {
	var res ScanResult
	for _, id := range ids {
		if err := e.scanAccount(ctx, expansion.AccountID(id), &res); err != nil {
			return fmt.Errorf("look at %s: %w", id, err)
		}
	}
	return nil
}

// Push takes evidence in that was pushed over HTTP as one JSON object a line. Rows are
// kept as they come; accounts with new usage are looked at right away.
func (e *Engine) Push(ctx context.Context, kind source.Kind, r io.Reader) (source.Stats, []source.RowError, error) {
	im := &importer{e: e, keep: true, unknown: map[string]int{}}
	switch kind {
	case source.KindUsage:
		seen := map[string]bool{}
		return writeRows(ctx, im, func(y func(expansion.UsagePoint) error) (source.Stats, []source.RowError, error) {
			return source.ReadUsageJSON(r, "body", y)
		}, func(tx *store.Tx, v expansion.UsagePoint) error {
			seen[string(v.AccountID)] = true
			return im.usage(ctx, tx, v)
		}, func(tx *store.Tx) error {
			ids := slices.Sorted(maps.Keys(seen))
			clear(seen)
			return tx.Enqueue(ctx, LookArgs{AccountIDs: ids}, time.Time{})
		})
	case source.KindEvents:
		return writeRows(ctx, im, func(y func(expansion.FeatureEvent) error) (source.Stats, []source.RowError, error) {
			return source.ReadEventsJSON(r, "body", y)
		}, func(tx *store.Tx, v expansion.FeatureEvent) error { return tx.PutEvent(ctx, v) })
	case source.KindHealth:
		return writeRows(ctx, im, func(y func(expansion.HealthPoint) error) (source.Stats, []source.RowError, error) {
			return source.ReadHealthJSON(r, "body", y)
		}, func(tx *store.Tx, v expansion.HealthPoint) error { return tx.PutHealth(ctx, v) })
	}
	return source.Stats{}, nil, expansion.Errorf(expansion.CodeInvalid, "%s cannot be pushed yet.", kind)
}

// maxFile bounds one imported file.
const maxFile = 4 << 30

// ImportFiles lists the tables under paths: files as they are named, folders with all
// files in them that a reader is for. A path nothing can be read from is an error.
func ImportFiles(paths []string) ([]ImportFile, error) {
	var out []ImportFile
	add := func(path string, must bool) error {
		head, err := headOf(path)
		if err != nil {
			return err
		}
		kind := source.KindOf(path, head)
		if !slices.Contains(source.Kinds, kind) {
			if !must {
				return nil
			}
			return expansion.Errorf(expansion.CodeInvalid, "%s holds nothing that can be imported: name it people.csv, accounts.csv, usage.csv, events.csv, health.csv, entitlements.csv, contacts.csv, named.csv or partners.csv.", path)
		}
		out = append(out, ImportFile{Name: path, Kind: kind, Open: func() (io.ReadCloser, error) { return source.Open(path, maxFile) }})
		return nil
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, &expansion.Error{Code: expansion.CodeNotFound, Text: fmt.Sprintf("There is no file or folder %s; check the path.", p), Err: err}
		}
		if !info.IsDir() {
			if err := add(p, true); err != nil {
				return nil, err
			}
			continue
		}
		found := len(out)
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, &expansion.Error{Code: expansion.CodeInvalid, Text: fmt.Sprintf("The folder %s cannot be read; check its permissions.", p), Err: err}
		}
		for _, e := range entries {
			if e.Type().IsRegular() {
				if err := add(filepath.Join(p, e.Name()), false); err != nil {
					return nil, err
				}
			}
		}
		if len(out) == found {
			return nil, expansion.Errorf(expansion.CodeInvalid, "The folder %s holds no file that can be imported: people.csv, accounts.csv, usage.csv and so on.", p)
		}
	}
	return out, nil
}

// headOf reads the first line of a table, for telling its kind by its columns.
func headOf(path string) ([]string, error) {
	f, err := source.Open(path, maxFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 4096).ReadSlice('\n')
	if err != nil && len(line) == 0 {
		return nil, nil // empty: its name may still tell
	}
	return source.Header(string(line)), nil
}

// ImportRavenstack imports the public RavenStack sample from a folder; its doc comment in
// source says what is derived from what.
func (e *Engine) ImportRavenstack(ctx context.Context, dir string) (ImportResult, map[string]int, error) {
	im := &importer{e: e, keep: true, unknown: map[string]int{}}
	var accounts []source.AccountRow
	var usage []expansion.UsagePoint
	flush := func() error {
		return e.store.InTx(ctx, func(tx *store.Tx) error {
			for _, a := range accounts {
				if err := im.account(ctx, tx, a); err != nil {
					return err
				}
			}
			for _, u := range usage {
				if err := im.usage(ctx, tx, u); err != nil {
					return err
				}
			}
			accounts, usage = accounts[:0], usage[:0]
			return nil
		})
	}
	stats, bad, err := source.ConvertRavenstack(dir, source.RavenstackOut{
		Account: func(a source.AccountRow) error {
			if accounts = append(accounts, a); len(accounts) == batchRows {
				return flush()
			}
			return nil
		},
		Usage: func(u expansion.UsagePoint) error {
			if usage = append(usage, u); len(usage) == batchRows {
				return flush()
			}
			return nil
		},
	})
	if err == nil {
		err = flush()
	}
	res := ImportResult{Errors: bad, Files: []FileResult{{"ravenstack_accounts.csv", stats.Accounts}, {"ravenstack_subscriptions.csv", stats.Subscriptions}, {"ravenstack_feature_usage.csv", stats.Usage}}}
	return res, stats.Reasons, err
}
