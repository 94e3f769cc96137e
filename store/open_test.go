package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"expansionbot/expansion"
	"expansionbot/store"
	"expansionbot/store/storetest"
)

func TestOpeningAgainMigratesOnceAndKeepsAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		c := &clock{now: start}
		tables := []string{"goose_db_version", "river_migration"}
		var applied []int
		var version int64
		for i := range 2 {
			s, err := store.Open(t.Context(), dsn, c)
			if err != nil {
				t.Fatal(err)
			}
			db := raw(t, dsn)
			got := []int{count(t, db, tables[0]), count(t, db, tables[1])}
			v := must(s.Version(t.Context()))(t)
			if i == 0 {
				applied, version = got, v
				write(t, s, func(tx *store.Tx) error { return tx.PutSetting(t.Context(), "mode", "live") })
			}
			equal(t, "migrations applied", got, applied)
			equal(t, "version", v, version)
			var mode string
			if err := s.Setting(t.Context(), "mode", &mode); err != nil {
				t.Fatal(err)
			}
			equal(t, "mode", mode, "live")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if version < 1 {
			t.Errorf("version: got %d, want the number of a migration", version)
		}
	})
}

func TestTwoProcessesMayStartOnAnEmptyPostgresAtOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.PostgresDSN(t)
	const processes = 4
	done := make(chan error)
	for range processes {
		go func() {
			s, err := store.Open(t.Context(), dsn, &clock{now: start})
			if err == nil {
				err = s.Close()
			}
			done <- err
		}()
	}
	for range processes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestASecondProcessOnTheSameFileIsRefused(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	c := &clock{now: start}
	first, err := store.Open(t.Context(), dsn, c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), dsn, c)
	wantCode(t, "second process", err, expansion.CodeConflict)
	want := strings.TrimPrefix(dsn, "file:") + " is in use by another expansionbot process. Stop that one, or use postgres:// to run several."
	equal(t, "sentence", expansion.TextOf(err), want)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), dsn, c)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestAnAddressThatCannotBeOpenedIsASentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	noDatabase := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(noDatabase, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ dsn, says string }{
		"empty":                     {"", "names no file"},
		"file without a name":       {"file:", "names no file"},
		"memory":                    {"file::memory:?cache=shared", "names no file"},
		"missing folder":            {"file:" + filepath.Join(dir, "none", "x.db"), "Create the folder " + filepath.Join(dir, "none")},
		"options":                   {"file:" + filepath.Join(dir, "x.db") + "?%zz", "use key=value"},
		"no database":               {"file:" + noDatabase, "is not a database that can be opened"},
		"PostgreSQL address":        {"postgres://user:secret@host:notaport/db", "Write postgres://user:password@host:5432/database"},
		"PostgreSQL is not running": {"postgres://user:secret@127.0.0.1:1/db", "Check that it runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // a refused address leaves no lock behind
				_, err := store.Open(t.Context(), tc.dsn, &clock{now: start})
				e, ok := errors.AsType[*expansion.Error](err)
				if !ok || e.Field != "store.dsn" || !strings.Contains(e.Text, tc.says) {
					t.Fatalf("open %s: got %v, want a sentence about store.dsn with %q", tc.dsn, err, tc.says)
				}
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("the password is in the error: %v", err)
				}
			}
		})
	}
}

// A second process may look at a SQLite file beside the one that has it open: it sees what
// was kept, also later, and can write nothing.
func TestAnotherProcessMayRead(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), storetest.SQLite(t)
	s := storetest.Open(t, dsn, &clock{now: kept})
	r, err := store.OpenToRead(ctx, dsn, &clock{now: kept})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, func(tx *store.Tx) error { return tx.PutSetting(ctx, "live", true) })
	var live bool
	if err := r.Setting(ctx, "live", &live); err != nil || !live {
		t.Errorf("read beside the writer: %v, %v; want what it has just kept", live, err)
	}
	if err := r.InTx(ctx, func(tx *store.Tx) error { return tx.PutSetting(ctx, "live", false) }); err == nil {
		t.Error("a store opened to read was written")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	write(t, s, func(tx *store.Tx) error { return tx.PutSetting(ctx, "live", false) })
	if _, err := store.OpenToRead(ctx, storetest.SQLite(t), &clock{now: kept}); err == nil {
		t.Error("a file that is not there was opened to read")
	}
}
