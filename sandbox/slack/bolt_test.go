package slack_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sandbox "expansionbot/sandbox/slack"
)

// boltLine is one line that testdata/bolt/app.mjs prints.
type boltLine struct {
	What, Bot, TS, Account, Error, Message string
	Messages                               []string
}

// startBolt installs Bolt into a temporary copy and starts the app. Without node it skips on a laptop
// and fails in CI.
func startBolt(t *testing.T, w *world) <-chan boltLine {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing("%s is not installed: the Bolt lane needs it", tool)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "app.mjs"} {
		b, err := os.ReadFile(filepath.Join("testdata", "bolt", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		missing("npm ci: %v\n%s", err, out)
	}
	cmd := exec.Command("node", "app.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SLACK_API_URL="+w.APIURL(), "BOT_TOKEN="+botToken, "APP_TOKEN="+appToken)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan boltLine, 100)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		sc := bufio.NewScanner(stdout)
		for sc.Scan() {
			var l boltLine
			if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
				l = boltLine{What: "noise", Message: sc.Text()}
			}
			lines <- l
		}
		io.Copy(io.Discard, stdout)
	}()
	t.Cleanup(func() {
		stdin.Close()
		kill := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		defer kill.Stop()
		<-read
		cmd.Wait()
		if t.Failed() {
			t.Logf("Bolt's log:\n%s", stderr.String())
		}
	})
	return lines
}

func TestBoltTalksToTheSandbox(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs node packages")
	}
	w := start(t)
	lines := startBolt(t, w)
	next := func(what string) boltLine {
		t.Helper()
		select {
		case l := <-lines:
			if l.What != what {
				t.Fatalf("Bolt said %+v, want %s", l, what)
			}
			return l
		case <-time.After(patience):
			t.Fatalf("Bolt never said %q", what)
		}
		return boltLine{}
	}
	if l := next("ready"); l.Bot != w.BotUserID() {
		t.Errorf("auth.test: %+v", l)
	}
	dm := w.BotDM("U1")

	if out, err := w.RunCommand(t.Context(), "U1", "C1", "hello"); err != nil || out.Text != "" {
		t.Fatalf("command: %+v, %v", out, err)
	}
	if m := w.last("U1", "C1"); m.Text != "You said hello" || !m.Ephemeral {
		t.Errorf("ack with text: %+v", m)
	}

	if out, err := w.RunCommand(t.Context(), "U1", "C1", "log"); err != nil || out.Text != "" {
		t.Fatalf("command: %+v, %v", out, err)
	}
	modals := w.Modals("U1")
	if len(modals) != 1 {
		t.Fatalf("modals: %+v", modals)
	}
	at := sandbox.Target{ViewID: modals[0].ID}
	options, err := w.Suggest(t.Context(), "U1", at, "b_account", "account", "bri")
	if err != nil || len(options) != 1 || options[0].Text != "Found bri" {
		t.Fatalf("options: %+v, %v", options, err)
	}
	for action, value := range map[string]string{"account": "A1", "what": "short"} {
		if err := w.SetState("U1", at, "b_"+action, action, value); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := w.Submit(t.Context(), "U1", modals[0].ID); err != nil || !strings.Contains(out.FieldErrors["b_what"], "at least 10") {
		t.Errorf("errors: %+v, %v", out, err)
	}
	if err := w.SetState("U1", at, "b_what", "what", "they asked for seats"); err != nil {
		t.Fatal(err)
	}
	if out, err := w.Submit(t.Context(), "U1", modals[0].ID); err != nil || out.Text != "" || len(w.Modals("U1")) != 0 {
		t.Errorf("submit: %+v, %v", out, err)
	}
	if l := next("submitted"); l.Account != "A1" || l.Message != "they asked for seats" {
		t.Errorf("submission: %+v", l)
	}

	if err := w.OpenHome(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	next("home")
	if !strings.Contains(string(w.Home("U1")), "Your queue") {
		t.Errorf("home: %s", w.Home("U1"))
	}

	if _, err := w.Say("U1", dm, "", "card please"); err != nil {
		t.Fatal(err)
	}
	ts := next("posted").TS
	card := w.last("U1", dm)
	if card.TS != ts || !strings.Contains(string(card.Metadata), "k1") {
		t.Errorf("card: %+v", card)
	}
	if out, err := w.Press(t.Context(), "U1", sandbox.Target{Channel: dm, TS: ts}, "", "r_ack", nil); err != nil || out.Text != "" {
		t.Fatalf("press: %+v, %v", out, err)
	}
	next("responded")
	if m := w.last("U1", dm); m.Text != "Acknowledged R-311:2" || m.TS != ts || !m.Edited {
		t.Errorf("respond: %+v", m)
	}

	if _, err := w.Say("U1", dm, "", "upload please"); err != nil {
		t.Fatal(err)
	}
	next("uploaded")
	m := w.last("U1", dm)
	if len(m.Files) != 1 {
		t.Fatalf("upload: %+v", m)
	}
	if _, content, ok := w.FileContent(m.Files[0].ID); !ok || string(content) != "a,b\n1,2\n" {
		t.Errorf("content: %q", content)
	}
	w.clean()

	if _, err := w.Say("U1", dm, "", "make a mistake"); err != nil {
		t.Fatal(err)
	}
	if l := next("refused"); l.Error != "invalid_blocks" || len(l.Messages) != 1 || !strings.Contains(l.Messages[0], "json-pointer:/blocks/0/text/text") {
		t.Errorf("refusal: %+v", l)
	}
	w.ForgetViolations()

	opens := w.Stats().Methods["apps.connections.open"]
	w.DropSockets("refresh_requested")
	w.until("Bolt is back", func() bool { return w.Connected() == 1 && w.Stats().Methods["apps.connections.open"] > opens })
	if out, err := w.RunCommand(t.Context(), "U1", "C1", "again"); err != nil || out.Text != "" {
		t.Errorf("after reconnect: %+v, %v", out, err)
	}
	w.clean()
}
