// Package storetest gives tests a real store on each database the product runs on.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"expansionbot/expansion"
	"expansionbot/store"
)

// Postgres names the environment variable with the address of a PostgreSQL server on
// which databases may be made.
const Postgres = "EXPANSION_TEST_POSTGRES"

// Each runs fn once on SQLite and once on PostgreSQL, with the address of an empty
// database. Without a PostgreSQL server that half is skipped on a laptop and fails in CI.
func Each(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, PostgresDSN(t))
	})
}

// SQLite is the address of an empty SQLite file that goes with the test.
func SQLite(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "expansion.db")
}

// PostgresDSN makes an empty PostgreSQL database that goes with the test.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Postgres)
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI needs PostgreSQL: set %s", Postgres)
		}
		t.Skipf("no PostgreSQL: set %s to run this", Postgres)
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "expansion_" + strings.ToLower(ulid.Make().String())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Open opens a store for the test.
func Open(t testing.TB, dsn string, clock expansion.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dsn, clock)
	if err != nil {
		t.Fatal(fmt.Errorf("open %s: %w", dsn, err))
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
