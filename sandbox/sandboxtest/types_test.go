package sandboxtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"expansionbot/sandbox/sandboxtest"
)

// TestMain holds every payload the stories sent against Slack's own types, once all of
// them have ended.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = typed(sandboxtest.Payloads())
	}
	os.Exit(code)
}

// typed is the exit code of the check. Without node it skips on a laptop and fails in CI.
func typed(payloads []json.RawMessage) int {
	if len(payloads) == 0 {
		return 0 // no story ran
	}
	err := checkTypes(payloads)
	if tool, ok := errors.AsType[*missingTool](err); ok && os.Getenv("CI") != "true" {
		fmt.Println("skipped: payloads against @slack/types:", tool)
		return 0
	}
	if err != nil {
		fmt.Println("FAIL: payloads against @slack/types:", err)
		return 1
	}
	return 0
}

// missingTool says that the check could not run here.
type missingTool struct{ what string }

func (m *missingTool) Error() string { return m.what }

// checkTypes compiles the payloads as constants of Slack's types, beside wrong.ts, whose
// errors must be found.
func checkTypes(payloads []json.RawMessage) error {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return &missingTool{tool + " is not installed"}
		}
	}
	dir, err := os.MkdirTemp("", "payload-types-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"package.json", "package-lock.json", "tsconfig.json", "wrong.ts"} {
		b, err := os.ReadFile(filepath.Join("testdata", "types", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	src, lines := typeScript(payloads)
	if err := os.WriteFile(filepath.Join(dir, "payloads.ts"), src, 0o600); err != nil {
		return err
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return &missingTool{fmt.Sprintf("npm ci: %v\n%s", err, out)}
	}
	tsc := exec.Command("node", filepath.Join("node_modules", "typescript", "bin", "tsc"), "--noEmit", "--pretty", "false")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		return fmt.Errorf("tsc: %w\n%s", err, explained(string(out), lines))
	}
	return nil
}

// typeScript writes one constant a line; lines are the payloads by line number.
func typeScript(payloads []json.RawMessage) (src []byte, lines []json.RawMessage) {
	var b bytes.Buffer
	line := func(p json.RawMessage, format string, args ...any) {
		fmt.Fprintf(&b, format+"\n", args...)
		lines = append(lines, p)
	}
	line(nil, `import type { HomeView, KnownBlock, ModalView } from "@slack/types";`)
	for i, p := range payloads {
		var view struct {
			Type   string          `json:"type"`
			Blocks json.RawMessage `json:"blocks"`
		}
		if p[0] == '[' {
			line(p, "export const p%d: KnownBlock[] = %s;", i, p)
			continue
		}
		if err := json.Unmarshal(p, &view); err != nil || view.Blocks == nil {
			line(p, "export const p%d: never = %s;", i, p)
			continue
		}
		name := map[string]string{"modal": "ModalView", "home": "HomeView"}[view.Type]
		if name == "" {
			name = "never"
		}
		// A view's own type takes any block; its blocks are checked by theirs.
		line(p, "export const p%d: %s = %s;", i, name, p)
		line(view.Blocks, "export const p%d_blocks: KnownBlock[] = %s;", i, view.Blocks)
	}
	return b.Bytes(), lines
}

var tscLine = regexp.MustCompile(`^payloads\.ts\((\d+),(\d+)\)`)

// explained shows what stands where tsc found an error, for the first ten.
func explained(out string, lines []json.RawMessage) string {
	var b strings.Builder
	n := 0
	for l := range strings.Lines(out) {
		if n == 10 {
			break
		}
		b.WriteString(l)
		m := tscLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		n++
		row, _ := strconv.Atoi(m[1])
		col, _ := strconv.Atoi(m[2])
		if row < 1 || row > len(lines) {
			continue
		}
		text := string(lines[row-1])
		from := min(max(col-100, 0), len(text))
		fmt.Fprintf(&b, "    … %s …\n", text[from:min(from+300, len(text))])
	}
	return b.String()
}
