package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"expansionbot/api"
	"expansionbot/config"
	"expansionbot/expansion"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		code int
		text string
	}{
		{"success is 0", nil, 0, ""},
		{"findings are printed already", fmt.Errorf("close: %w", findings{}), 1, ""},
		{"bad settings are misuse, one line each", config.Problems{{Path: "admins", What: "is empty"}, {Path: "log.level", What: "is odd"}}, 2, "admins is empty.\nlog.level is odd.\n"},
		{"a bad value is misuse", expansion.Errorf(expansion.CodeInvalid, "This is wrong."), 2, "This is wrong.\n"},
		{"a missing file is misuse", expansion.Errorf(expansion.CodeNotFound, "There is none."), 2, "There is none.\n"},
		{"a conflict is a finding", expansion.Errorf(expansion.CodeConflict, "It is live already."), 1, "It is live already.\n"},
		{"a right that is missing is a finding", expansion.Errorf(expansion.CodeDenied, "Only RevOps can."), 1, "Only RevOps can.\n"},
		{"a server that is down is a finding", expansion.Errorf(expansion.CodeUnavailable, "It is down."), 1, "It is down.\n"},
		{"the cause stays out", &expansion.Error{Code: expansion.CodeInternal, Text: "Something broke.", Err: errors.New("secret")}, 1, "Something broke.\n"},
		{"an unknown error is shown, for there is no log", errors.New("disk full"), 1, "disk full\n"},
		{"work cut short by Ctrl-C is not done", fmt.Errorf("import: %w", context.Canceled), 1, "Stopped before it was done.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if got := code(&b, c.err); got != c.code || b.String() != c.text {
				t.Errorf("code(%v) = %d, printed %q; want %d, %q", c.err, got, b.String(), c.code, c.text)
			}
		})
	}
}

func TestCtrlCIsAGoodEndOnlyWhereItIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	if err := stopped(ctx, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("while ctx runs: %v, want context.Canceled", err)
	}
	cancel()
	if err := stopped(ctx, fmt.Errorf("run: %w", context.Canceled)); err != nil {
		t.Errorf("after Ctrl-C: %v, want nil", err)
	}
	broken := errors.New("broken")
	if err := stopped(ctx, broken); !errors.Is(err, broken) {
		t.Errorf("another error after Ctrl-C: %v, want it back", err)
	}
}

func TestExplainsWhatPostgresSays(t *testing.T) {
	t.Parallel()
	err := explain(fmt.Errorf("migrate: %w", &pgconn.PgError{Code: "28P01", Message: `password authentication failed for user "expansion"`}))
	want := `PostgreSQL at store.dsn cannot be used: password authentication failed for user "expansion". Check that the server runs, that the database exists and that user and password are right.`
	if expansion.CodeOf(err) != expansion.CodeUnavailable || expansion.TextOf(err) != want {
		t.Errorf("got %s %q, want unavailable %q", expansion.CodeOf(err), expansion.TextOf(err), want)
	}
	if plain := errors.New("no table"); !errors.Is(explain(plain), plain) || expansion.CodeOf(explain(plain)) != expansion.CodeInternal {
		t.Errorf("another error became %v", explain(plain))
	}
}

func TestTokenKnowsEveryScopeOfTheAPI(t *testing.T) {
	t.Parallel()
	if got, want := strings.Join(scopeNames(), " "), strings.Join(api.Scopes, " "); got != want {
		t.Errorf("scopes of token new: %s; want those of the API: %s", got, want)
	}
	for _, s := range []string{"", "signal", "signals:", "signals:delete", "*", "signals:write:all"} {
		if knownScope(s) {
			t.Errorf("%q is taken for a scope", s)
		}
	}
}

func TestLogIsForPeople(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h := logger(&b, config.Log{Level: "info", Format: "text"}).With("agent", "expansion").Handler()
	at := time.Date(2026, 3, 2, 9, 30, 0, 5e8, time.FixedZone("", 3600))
	r := slog.NewRecord(at, slog.LevelWarn, "crm is slow", 0)
	r.AddAttrs(slog.Duration("after", 1500*time.Millisecond), slog.String("err", "no answer"))
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := h.WithGroup("job").Handle(t.Context(), slog.NewRecord(at, slog.LevelInfo, "two\nlines", 0)); err != nil {
		t.Fatal(err)
	}
	want := "2026-03-02T08:30:00Z  WARN   crm is slow  agent=expansion after=1.5s err=\"no answer\"\n" +
		"2026-03-02T08:30:00Z  INFO   two lines  agent=expansion\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if h.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug is on at level info")
	}
}
