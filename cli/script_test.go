package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"expansionbot/cli"
	"expansionbot/sandbox"
	"expansionbot/sandbox/world"
	"expansionbot/store/storetest"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// TestMain lets scripts call expansionbot: it is this test binary under another name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"expansionbot": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// patience bounds every wait of a script; it is reached only when something is broken.
const patience = time.Minute

// TestCommands runs the pages of the manual in testdata/script on SQLite.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params("sqlite", func(*testscript.Env) error { return nil }))
}

// TestCommandsOnPostgres runs those that keep something on PostgreSQL too.
func TestCommandsOnPostgres(t *testing.T) {
	t.Parallel()
	if os.Getenv(storetest.Postgres) == "" && os.Getenv("CI") == "" {
		t.Skipf("no PostgreSQL: set %s to run this", storetest.Postgres)
	}
	p := params("postgres", func(e *testscript.Env) error {
		t, ok := e.T().(testing.TB)
		if !ok {
			return errors.New("the script's T is not a testing.TB")
		}
		e.Setenv("EXPANSION_STORE_DSN", storetest.PostgresDSN(t))
		return nil
	})
	p.Dir = ""
	for _, name := range []string{"golive", "import", "migrate", "report", "world"} {
		p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txtar"))
	}
	testscript.Run(t, p)
}

// params are a script's surroundings: the repository's config.yaml and policy.yaml beside
// it, as after a clone, and these commands:
//
//	exits N cmd…     run cmd, which must end with exit code N
//	start NAME cmd…  run cmd beside the script and go on when it has printed a line; of a JSON
//	                 object each key becomes $NAME_key, of other text the address $NAME_url
//	interrupt NAME   press Ctrl-C there; it must end with 0. Leaves NAME.stdout and NAME.stderr
//	get URL TEXT     ask until the answer is 200 and holds TEXT
//	sample DIR       write the sandbox's tables
//	digest FILE      the SHA-256 in the second line of FILE is that of its first line
//	port NAME        take a port that stays in use; $NAME is its address
//	gone PATTERN     no file matches PATTERN
func params(kind string, setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"config.yaml", "policy.yaml"} {
				b, err := os.ReadFile(filepath.Join("..", name))
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), b, 0o600); err != nil {
					return err
				}
			}
			e.Values[running] = map[string]*process{}
			return setup(e)
		},
		Condition: func(c string) (bool, error) {
			if c == "sqlite" || c == "postgres" {
				return c == kind, nil
			}
			return false, errors.New("unknown condition " + c)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "interrupt": interrupt, "get": get, "sample": sample, "digest": digest, "port": port, "gone": gone,
		},
	}
}

func want(ts *testscript.TestScript, neg bool, args []string, n int, use string) {
	if neg || len(args) < n {
		ts.Fatalf("usage: %s", use)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "exits N cmd…")
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		x, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = x.ExitCode()
	}
	if got != code {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, code)
	}
}

// running is where a script keeps what it started, by name.
type key int

const running key = 0

type process struct {
	cmd    *exec.Cmd
	out    *lockedBuffer
	err    *lockedBuffer
	exited chan struct{}
	end    error // valid once exited is closed
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var address = regexp.MustCompile(`https?://[^\s]+`)

func start(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "start NAME cmd…")
	name := args[0]
	bin, err := exec.LookPath(args[1])
	ts.Check(err)
	p := &process{cmd: exec.Command(bin, args[2:]...), out: &lockedBuffer{}, err: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = environ(ts)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = io.MultiWriter(p.out, w), p.err
	ts.Check(p.cmd.Start())
	go func() {
		p.end = p.cmd.Wait()
		_ = w.Close()
		close(p.exited)
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, r)
	}()
	var line string
	select {
	case line = <-first:
	case <-time.After(patience):
	}
	if line == "" {
		ts.Fatalf("%s printed nothing; stderr:\n%s", strings.Join(args[1:], " "), p.err)
	}
	ts.Value(running).(map[string]*process)[name] = p
	object := map[string]string{}
	if json.Unmarshal([]byte(line), &object) == nil {
		for k, v := range object {
			ts.Setenv(name+"_"+k, v)
		}
		return
	}
	ts.Setenv(name+"_url", address.FindString(line))
}

// environ is the script's environment: Setenv of a script is not that of this process.
func environ(ts *testscript.TestScript) []string {
	var out []string
	for _, k := range passed {
		if v := ts.Getenv(k); v != "" {
			out = append(out, k+"="+v)
		}
	}
	return out
}

// passed are the variables that a started command may see.
var passed = []string{
	"PATH", "HOME", "TMPDIR", "EXPANSION_STORE_DSN", "EXPANSION_ADMINS", "EXPANSION_SLACK_BOT_TOKEN", "EXPANSION_SLACK_APP_TOKEN", "EXPANSION_SLACK_API_URL",
	"EXPANSION_CRM_KIND", "EXPANSION_CRM_HUBSPOT_API_URL", "EXPANSION_CRM_HUBSPOT_TOKEN", "EXPANSION_EMAIL_SMTP_URL", "EXPANSION_EMAIL_FROM", "EXPANSION_API_LISTEN",
}

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "interrupt NAME")
	p := ts.Value(running).(map[string]*process)[args[0]]
	if p == nil {
		ts.Fatalf("%s was not started", args[0])
	}
	ts.Check(p.cmd.Process.Signal(os.Interrupt))
	select {
	case <-p.exited:
	case <-time.After(patience):
		ts.Fatalf("%s does not stop; stderr:\n%s", args[0], p.err)
	}
	for name, b := range map[string]*lockedBuffer{"stdout": p.out, "stderr": p.err} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+"."+name), []byte(b.String()), 0o600))
	}
	if p.end != nil {
		ts.Fatalf("%s: %v; stderr:\n%s", args[0], p.end, p.err)
	}
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "get URL TEXT")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := "no answer"
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
		ts.Check(err)
		if res, err := http.DefaultClient.Do(req); err == nil {
			b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
			_ = res.Body.Close()
			if last = res.Status + " " + string(b); res.StatusCode == http.StatusOK && strings.Contains(string(b), args[1]) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%s: last answer %.500s; want 200 and %q", args[0], last, args[1])
		}
	}
}

func sample(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "sample DIR")
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	for name, b := range world.Files(sandbox.NextMorning(time.Now().AddDate(0, 0, -7))) {
		ts.Check(os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}

func digest(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "digest FILE")
	token, line, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	sum := sha256.Sum256([]byte(token))
	if h := hex.EncodeToString(sum[:]); token == "" || !strings.Contains(line, "sha256: "+h) {
		ts.Fatalf("the line %q does not hold %s, the SHA-256 of the token before it", line, h)
	}
}

func port(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "port NAME")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func gone(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "gone PATTERN")
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) > 0 {
		ts.Fatalf("still there: %q", found)
	}
}
