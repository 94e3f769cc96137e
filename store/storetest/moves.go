package storetest

import (
	"database/sql"
	"strings"
	"testing"

	"expansionbot/expansion"
)

// Moves keeps every change of a routing's status or disposition, by a trigger: reading
// the rows now and then would miss what happens in between.
type Moves struct {
	t  testing.TB
	db *sql.DB
}

// Move is one change of a routing.
type Move struct {
	Routing  expansion.RoutingID
	From, To expansion.RoutingStatus
	Was, Is  expansion.Disposition
}

// WatchMoves begins to keep the changes in the database of dsn, which has its tables.
func WatchMoves(t testing.TB, dsn string) *Moves {
	t.Helper()
	const table = `CREATE TABLE test_moves (n @N@, routing TEXT NOT NULL, old_status TEXT NOT NULL, new_status TEXT NOT NULL, was TEXT NOT NULL, is_now TEXT NOT NULL)`
	const insert = `INSERT INTO test_moves (routing, old_status, new_status, was, is_now) VALUES (NEW.id, OLD.status, NEW.status, OLD.disposition, NEW.disposition);`
	const changed = `OLD.status <> NEW.status OR OLD.disposition <> NEW.disposition`
	driver, dsn2, n := "sqlite3", dsn+"?_busy_timeout=10000", "INTEGER PRIMARY KEY"
	steps := []string{"CREATE TRIGGER test_moved AFTER UPDATE ON expansion_routings WHEN " + changed + " BEGIN " + insert + " END"}
	if strings.HasPrefix(dsn, "postgres") {
		driver, dsn2, n = "pgx", dsn, "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
		steps = []string{
			"CREATE FUNCTION test_moved() RETURNS trigger AS $$ BEGIN " + insert + " RETURN NEW; END $$ LANGUAGE plpgsql",
			"CREATE TRIGGER test_moved AFTER UPDATE ON expansion_routings FOR EACH ROW WHEN (" + changed + ") EXECUTE FUNCTION test_moved()",
		}
	}
	db, err := sql.Open(driver, dsn2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, step := range append([]string{strings.Replace(table, "@N@", n, 1)}, steps...) {
		if _, err := db.Exec(step); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	return &Moves{t: t, db: db}
}

// All lists the changes so far, oldest first.
func (m *Moves) All() []Move {
	m.t.Helper()
	rows, err := m.db.Query(`SELECT routing, old_status, new_status, was, is_now FROM test_moves ORDER BY n`)
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	var out []Move
	for rows.Next() {
		var x Move
		if err := rows.Scan(&x.Routing, &x.From, &x.To, &x.Was, &x.Is); err != nil {
			m.t.Fatal(err)
		}
		out = append(out, x)
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	return out
}

// Unworked counts the kept Slack interactions whose work is not done.
func (m *Moves) Unworked() (n int) {
	m.t.Helper()
	if err := m.db.QueryRow(`SELECT COUNT(*) FROM inbox WHERE done_at IS NULL`).Scan(&n); err != nil {
		m.t.Fatal(err)
	}
	return n
}
