// Package store keeps everything: one type over SQLite (embedded, the default) and
// PostgreSQL, with the same SQL text and the same code path for both.
//
// Reads go through a Reader, on a pool of their own; the only way to write is InTx,
// whose Tx carries the row changes, the activity lines and the jobs of one step, so
// that they commit together or not at all. Times are kept as microseconds since 1970
// in UTC, days as days since 1970; the database is never asked for the time.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/mattn/go-sqlite3"
	"github.com/oklog/ulid/v2"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"expansionbot/expansion"
)

// Dialect is which database is behind a Store.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite3"
	Postgres Dialect = "postgres"
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	Reader
	dialect Dialect
	write   *sql.DB
	read    *sql.DB
	jobs    *river.Client[*sql.Tx]
	clock   expansion.Clock
	file    string       // SQLite only
	lock    *flock.Flock // SQLite only: one process per file
	// turn is held by the one job of all that may stand in line for SQLite's writer. A press,
	// which Slack wants kept within seconds, finds at most that one before it.
	turn chan struct{}

	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
}

// Open opens the database of dsn ("file:expansion.db" or "postgres://…"), brings its
// tables up to date and returns it. Writers wait up to 10 s for each other. A second
// process on the same SQLite file is refused.
func Open(ctx context.Context, dsn string, clock expansion.Clock) (*Store, error) {
	s := &Store{clock: clock, entropy: ulid.Monotonic(rand.Reader, 0)}
	var err error
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		err = s.openPostgres(dsn)
	} else {
		err = s.openSQLite(dsn)
	}
	if err != nil {
		return nil, err
	}
	s.Reader = Reader{q: s.read}
	if err := s.write.PingContext(ctx); err != nil {
		text := "No database answers at store.dsn. Check that it runs and that host, user, password and database name are right."
		if s.dialect == SQLite {
			text = fmt.Sprintf("%s is not a database that can be opened. Check that the file is expansionbot's and may be written.", s.file)
		}
		return nil, &expansion.Error{Code: expansion.CodeUnavailable, Field: "store.dsn", Text: text, Err: errors.Join(err, s.Close())}
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.jobs, err = river.NewClient(s.Driver(), &river.Config{Test: river.TestConfig{Time: JobTime{clock}}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("job client: %w", err), s.Close())
	}
	return s, nil
}

func (s *Store) openSQLite(dsn string) error {
	file, query, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	if file == "" || file == ":memory:" {
		return expansion.FieldErrorf("store.dsn", "store.dsn %q names no file. Use file:expansion.db or postgres://….", dsn)
	}
	v, err := url.ParseQuery(query)
	if err != nil {
		return expansion.FieldErrorf("store.dsn", "store.dsn has options that cannot be read after the question mark: use key=value.")
	}
	s.dialect, s.file = SQLite, file
	s.lock = flock.New(file + ".lock")
	got, err := s.lock.TryLock()
	if err != nil {
		return &expansion.Error{Code: expansion.CodeInvalid, Field: "store.dsn", Err: err, Text: fmt.Sprintf("Cannot write next to %s. Create the folder %s or point store.dsn elsewhere.", file, filepath.Dir(file))}
	}
	if !got {
		return &expansion.Error{Code: expansion.CodeConflict, Field: "store.dsn", Text: fmt.Sprintf("%s is in use by another expansionbot process. Stop that one, or use postgres:// to run several.", file)}
	}
	return s.pools(file, v)
}

// OpenToRead opens a SQLite file beside the process that has it open. Nothing can be
// written, tables are taken as they are, and that process is not disturbed: its log of
// changes (WAL) lets others read. On PostgreSQL Open is enough.
func OpenToRead(ctx context.Context, dsn string, clock expansion.Clock) (*Store, error) {
	file, query, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	v, err := url.ParseQuery(query)
	if err != nil {
		return nil, expansion.FieldErrorf("store.dsn", "store.dsn has options that cannot be read after the question mark: use key=value.")
	}
	v.Set("mode", "rw") // never makes the file
	s := &Store{clock: clock, entropy: ulid.Monotonic(rand.Reader, 0), dialect: SQLite, file: file}
	if err := s.pools(file, v); err != nil {
		return nil, err
	}
	if err := s.write.Close(); err != nil {
		return nil, errors.Join(err, s.read.Close())
	}
	s.write = s.read
	s.Reader = Reader{q: s.read}
	if err := s.read.PingContext(ctx); err != nil {
		return nil, &expansion.Error{Code: expansion.CodeUnavailable, Field: "store.dsn", Text: fmt.Sprintf("%s cannot be read beside the process that uses it.", file), Err: errors.Join(err, s.Close())}
	}
	return s, nil
}

func (s *Store) pools(file string, v url.Values) (err error) {
	// In the DSN they reach every pooled connection; through Exec only one.
	for k, val := range map[string]string{"_journal_mode": "WAL", "_synchronous": "FULL", "_busy_timeout": strconv.Itoa(busyTurn), "_foreign_keys": "on", "_cache_size": "-16000"} {
		v.Set(k, val)
	}
	v.Set("_txlock", "immediate")
	if s.write, err = sql.Open("sqlite3", "file:"+file+"?"+v.Encode()); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1) // SQLite has one writer; waiting in Go is fair, waiting in SQLite is not
	s.turn = make(chan struct{}, 1)
	v.Set("_txlock", "deferred")
	v.Set("_query_only", "on")
	if s.read, err = sql.Open("sqlite3", "file:"+file+"?"+v.Encode()); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(8)
	return nil
}

func (s *Store) openPostgres(dsn string) error {
	s.dialect = Postgres
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return &expansion.Error{Code: expansion.CodeInvalid, Field: "store.dsn", Text: "store.dsn is not a PostgreSQL address. Write postgres://user:password@host:5432/database.", Err: err}
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	s.write, s.read = db, db
	return nil
}

// Close closes the pools and gives the file free.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// Dialect tells which database is behind s.
func (s *Store) Dialect() Dialect { return s.dialect }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// Driver is the job library's driver on the writing pool.
func (s *Store) Driver() riverdriver.Driver[*sql.Tx] {
	if s.dialect == SQLite {
		return riversqlite.New(s.write)
	}
	return riverdatabasesql.New(s.write)
}

// NewID makes a ULID: unique, and rising with time.
func (s *Store) NewID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ulid.MustNew(ulid.Timestamp(s.clock.Now()), s.entropy).String()
}

// Tx is one transaction. Now is the same time for all of it.
type Tx struct {
	Reader
	Now time.Time
	s   *Store
	tx  *sql.Tx
	job int64
	env string // the envelope being worked
}

type (
	jobKey      struct{}
	envelopeKey struct{}
)

// WithJob marks ctx as the work of job id, which activity lines then carry.
func WithJob(ctx context.Context, id int64) context.Context {
	return context.WithValue(ctx, jobKey{}, id)
}

// WithEnvelope marks ctx as the work of a kept interaction, by which Repeats knows it again.
func WithEnvelope(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, envelopeKey{}, id)
}

// InTx runs fn in a transaction: committed when fn returns nil, rolled back
// otherwise. Inside, use only tx: on SQLite a second connection would wait for this
// one. A PostgreSQL deadlock is tried again up to three times, so fn may run more than
// once and must change nothing but tx.
func (s *Store) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	for try := 1; ; try++ {
		err := s.inTx(ctx, fn)
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && try < 4 && (pg.Code == "40P01" || pg.Code == "40001") {
			continue
		}
		return err
	}
}

// How long a writer waits for a lock on the SQLite file that another program holds, say a
// backup: so many turns of so many milliseconds. Within a turn SQLite hears of no context.
const (
	busyTurn  = 250
	busyTurns = 40
)

// begin waits for the lock as long as ctx lasts, and 10 s at most.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	for turn := 1; ; turn++ {
		tx, err := s.write.BeginTx(ctx, nil)
		if e, ok := errors.AsType[sqlite3.Error](err); !ok || e.Code != sqlite3.ErrBusy || turn == busyTurns || ctx.Err() != nil {
			return tx, err
		}
	}
}

func (s *Store) inTx(ctx context.Context, fn func(tx *Tx) error) error {
	job, _ := ctx.Value(jobKey{}).(int64)
	if job != 0 && s.turn != nil {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return unavailable(fmt.Errorf("wait for a turn: %w", ctx.Err()))
		}
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return unavailable(fmt.Errorf("begin: %w", err))
	}
	env, _ := ctx.Value(envelopeKey{}).(string)
	t := &Tx{Reader: Reader{q: tx}, Now: s.clock.Now().UTC().Truncate(time.Microsecond), s: s, tx: tx, job: job, env: env}
	returned := false
	defer func() {
		if !returned { // fn panicked: SQLite's only writing connection must not stay taken
			_ = tx.Rollback()
		}
	}()
	err = fn(t)
	returned = true
	if err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		// The end of ctx may have rolled back before: that is then the reason.
		return unavailable(fmt.Errorf("commit: %w", errors.Join(ctx.Err(), err)))
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func unavailable(err error) error {
	return &expansion.Error{Code: expansion.CodeUnavailable, Text: "The database does not answer right now. Try again in a moment.", Err: err}
}

// NewID makes a ULID.
func (t *Tx) NewID() string { return t.s.NewID() }

// Enqueue adds a job that becomes due at at; the zero time and the past mean now. The
// job exists only if the transaction commits.
func (t *Tx) Enqueue(ctx context.Context, args river.JobArgs, at time.Time) error {
	opts := &river.InsertOpts{}
	if at.After(t.Now) {
		opts.ScheduledAt = at
	}
	if _, err := t.s.jobs.InsertTx(ctx, t.tx, args, opts); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

// LockAccount makes other writers of the account wait for this transaction's end.
func (t *Tx) LockAccount(ctx context.Context, id expansion.AccountID) error {
	if t.s.dialect == SQLite {
		return nil // the write transaction is exclusive already
	}
	_, err := t.tx.ExecContext(ctx, `SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE`, string(id))
	return err
}

// poolLock is an arbitrary constant: the advisory lock under which loads and pool
// counters are read and a routing is committed.
const poolLock = 119119

// LockPool makes other routing decisions wait for this transaction's end.
func (t *Tx) LockPool(ctx context.Context) error {
	if t.s.dialect == SQLite {
		return nil
	}
	_, err := t.tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, poolLock)
	return err
}

// Next returns the next value of a named counter, starting after first-1.
func (t *Tx) Next(ctx context.Context, name string, first int64) (int64, error) {
	var n int64
	err := t.tx.QueryRowContext(ctx, `INSERT INTO counters (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`, name, first).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("next %s: %w", name, err)
	}
	return n, nil
}

func (t *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// isUnique reports whether err is a broken unique or primary key constraint.
func isUnique(err error) bool {
	if e, ok := errors.AsType[sqlite3.Error](err); ok {
		return e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	return false
}
