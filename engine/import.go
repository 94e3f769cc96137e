package engine

import (
	"bufio"
	"cmp"
	"context"
	"errors"
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
	im := e.importer(keep)
	for _, kind := range source.Kinds {
		for _, f := range files {
			if f.Kind != kind {
				continue
			}
			if kind == source.KindOpportunities {
				res.Warnings = append(res.Warnings, f.Name+" was left out: opportunities come from the CRM.")
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
	res.Warnings = append(res.Warnings, im.warnings()...)
	return res, nil
}

// importer resolves addresses and writes batches.
type importer struct {
	e        *Engine
	keep     bool
	name     string // of the file under way
	ids      map[string]expansion.PersonID
	listed   map[string]int // rows of the people files so far that name an address
	accounts map[expansion.AccountID]bool
	unknown  map[missing]int
	touched  map[string]bool // accounts the transaction under way writes about; nil = nobody asks
}

// missing is who or what rows of a file name and nobody has imported.
type missing struct {
	file    string
	email   string
	account expansion.AccountID
}

func (e *Engine) importer(keep bool) *importer {
	return &importer{e: e, keep: keep, listed: map[string]int{}, accounts: map[expansion.AccountID]bool{}, unknown: map[missing]int{}}
}

// warnings says what rows were kept without, and which wait for their account.
func (im *importer) warnings() []string {
	var out []string
	waiting := map[string][]string{}
	rows := map[string]int{}
	for m, n := range im.unknown {
		if m.email != "" {
			out = append(out, fmt.Sprintf("%s: %s is in no people file; %s kept without them.", m.file, m.email, rowsAre(n)))
			continue
		}
		waiting[m.file] = append(waiting[m.file], string(m.account))
		rows[m.file] += n
	}
	for file, accounts := range waiting {
		slices.Sort(accounts)
		out = append(out, fmt.Sprintf("%s: %s about %s nobody has imported, first %s; that counts once the account is there.", file, rowsAre(rows[file]), expansion.Count(len(accounts), "account"), accounts[0]))
	}
	slices.Sort(out)
	return out
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
		im.unknown[missing{file: im.name, email: email}]++
	}
	return id
}

// someone refuses a row whose column names nobody we know.
func (im *importer) someone(column, email string) error {
	email = strings.ToLower(email)
	if _, ok := im.ids[email]; ok || im.listed[email] > 0 {
		return nil
	}
	return source.Refusal{Column: column, Reason: email + " is in no people file; import them first"}
}

// about counts rows about an account that is not there yet.
func (im *importer) about(ctx context.Context, r store.Reader, id expansion.AccountID) error {
	known, asked := im.accounts[id]
	if !asked {
		_, err := r.Account(ctx, id)
		if known = err == nil; !known && expansion.CodeOf(err) != expansion.CodeNotFound {
			return err
		}
		im.accounts[id] = known
	}
	if !known {
		im.unknown[missing{file: im.name, account: id}]++
	}
	return nil
}

func rowsAre(n int) string {
	if n == 1 {
		return "1 row is"
	}
	return fmt.Sprintf("%d rows are", n)
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
	im.name = f.Name
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
			return errors.Join(im.about(ctx, tx.Reader, row.Contact.AccountID), tx.PutContact(ctx, row.Contact))
		})
	case source.KindNamed:
		return writeRows(ctx, im, func(y func(source.NamedRow) error) (source.Stats, []source.RowError, error) {
			return source.ReadNamed(r, f.Name, func(row source.NamedRow) error {
				if err := im.someone("email", row.Email); err != nil {
					return err
				}
				return y(row)
			})
		}, func(tx *store.Tx, row source.NamedRow) error {
			return errors.Join(im.about(ctx, tx.Reader, row.AccountID), tx.PutNamed(ctx, expansion.NamedAccount{AccountID: row.AccountID, Rep: im.id(row.Email), From: row.From, To: row.To}))
		})
	case source.KindPartners:
		return writeRows(ctx, im, func(y func(source.PartnerRow) error) (source.Stats, []source.RowError, error) {
			return source.ReadPartners(r, f.Name, func(row source.PartnerRow) error {
				if err := cmp.Or(im.someone("csm_email", row.CSMEmail), im.someone("email", row.Email)); err != nil {
					return err
				}
				return y(row)
			})
		}, func(tx *store.Tx, row source.PartnerRow) error {
			return tx.PutPartner(ctx, expansion.Partner{CSM: im.id(row.CSMEmail), AccountID: row.AccountID, Rep: im.id(row.Email), From: row.From, To: row.To})
		})
	case source.KindEntitlements:
		return writeRows(ctx, im, func(y func(expansion.Entitlement) error) (source.Stats, []source.RowError, error) {
			return source.ReadEntitlements(r, f.Name, y)
		}, func(tx *store.Tx, v expansion.Entitlement) error {
			return errors.Join(im.about(ctx, tx.Reader, v.AccountID), tx.PutEntitlement(ctx, v))
		})
	}
	return im.evidence(ctx, f.Kind, evidenceReaders{source.ReadUsage, source.ReadEvents, source.ReadHealth}, r)
}

// evidenceReaders read the three kinds of evidence in one form, CSV or JSON lines.
type evidenceReaders struct {
	usage  func(io.Reader, string, func(expansion.UsagePoint) error) (source.Stats, []source.RowError, error)
	events func(io.Reader, string, func(expansion.FeatureEvent) error) (source.Stats, []source.RowError, error)
	health func(io.Reader, string, func(expansion.HealthPoint) error) (source.Stats, []source.RowError, error)
}

// evidence takes usage, feature events or health scores in; then is as in writeRows.
func (im *importer) evidence(ctx context.Context, kind source.Kind, read evidenceReaders, r io.Reader, then ...func(*store.Tx) error) (source.Stats, []source.RowError, error) {
	switch kind {
	case source.KindUsage:
		return happenings(ctx, im, r, read.usage, func(v expansion.UsagePoint) (expansion.AccountID, string, time.Time) {
			return v.AccountID, "day", v.Day
		},
			func(tx *store.Tx, v expansion.UsagePoint) error { return im.usage(ctx, tx, v) }, then...)
	case source.KindEvents:
		return happenings(ctx, im, r, read.events, func(v expansion.FeatureEvent) (expansion.AccountID, string, time.Time) {
			return v.AccountID, "at", v.At
		},
			func(tx *store.Tx, v expansion.FeatureEvent) error { return tx.PutEvent(ctx, v) }, then...)
	case source.KindHealth:
		return happenings(ctx, im, r, read.health, func(v expansion.HealthPoint) (expansion.AccountID, string, time.Time) {
			return v.AccountID, "day", v.Day
		},
			func(tx *store.Tx, v expansion.HealthPoint) error { return tx.PutHealth(ctx, v) }, then...)
	}
	return source.Stats{}, nil, expansion.Errorf(expansion.CodeInvalid, "%s holds nothing that can be imported: name it %s.", im.name, tables)
}

// happenings writes rows about an account and a time that is not in the future; of says
// which account, and which column holds which time.
func happenings[T any](ctx context.Context, im *importer, r io.Reader, read func(io.Reader, string, func(T) error) (source.Stats, []source.RowError, error), of func(T) (expansion.AccountID, string, time.Time), put func(*store.Tx, T) error, then ...func(*store.Tx) error) (source.Stats, []source.RowError, error) {
	latest := im.e.clock.Now().Add(24 * time.Hour) // a day of slack covers every time zone
	return writeRows(ctx, im, func(y func(T) error) (source.Stats, []source.RowError, error) {
		return read(r, im.name, func(v T) error {
			if _, column, at := of(v); at.After(latest) {
				return source.Refusal{Column: column, Reason: at.Format(time.DateOnly) + " is in the future"}
			}
			return y(v)
		})
	}, func(tx *store.Tx, v T) error {
		account, _, _ := of(v)
		if err := im.about(ctx, tx.Reader, account); err != nil {
			return err
		}
		if im.touched != nil {
			im.touched[string(account)] = true
		}
		return put(tx, v)
	}, then...)
}

// tables are the names a file to import may have.
const tables = "people.csv, accounts.csv, usage.csv, events.csv, health.csv, entitlements.csv, contacts.csv, named.csv or partners.csv"

// people writes everybody first and their managers after, since a manager may stand
// further down in the file. It keeps what the file does not know: Slack and CRM links.
func (im *importer) people(ctx context.Context, r io.Reader, name string) (source.Stats, []source.RowError, error) {
	var managed []source.PersonRow
	stats, bad, err := writeRows(ctx, im, func(y func(source.PersonRow) error) (source.Stats, []source.RowError, error) {
		return source.ReadPeople(r, name, func(row source.PersonRow) error {
			if im.listed[row.Email]++; im.listed[row.Email] > 1 {
				return source.Refusal{Column: "email", Reason: row.Email + " stands twice; keep one row for each person"}
			}
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
	im := e.importer(true)
	im.name = "body"
	if kind == source.KindUsage {
		im.touched = map[string]bool{}
	}
	stats, bad, err := im.evidence(ctx, kind, evidenceReaders{source.ReadUsageJSON, source.ReadEventsJSON, source.ReadHealthJSON}, r, func(tx *store.Tx) error {
		if len(im.touched) == 0 {
			return nil
		}
		ids := slices.Sorted(maps.Keys(im.touched))
		clear(im.touched) // the rows fill it again should the transaction be run again
		return tx.Enqueue(ctx, LookArgs{AccountIDs: ids}, time.Time{})
	})
	stats.Warnings = append(stats.Warnings, im.warnings()...)
	return stats, bad, err
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
			return expansion.Errorf(expansion.CodeInvalid, "%s holds nothing that can be imported: name it %s.", path, tables)
		}
		if kind == source.KindOpportunities && must {
			return expansion.Errorf(expansion.CodeInvalid, "%s cannot be imported: opportunities come from the CRM.", path)
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
	im := e.importer(true)
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
