package crm

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestVendorSDK drives the server with HubSpot's own JavaScript client, code that
// nobody here wrote. It needs Node and npm; without them it is skipped, but not in CI.
func TestVendorSDK(t *testing.T) {
	t.Parallel()
	ci := os.Getenv("CI") == "true"
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if ci {
				t.Fatalf("%s is needed in CI: %v", tool, err)
			}
			t.Skipf("%s is not installed", tool)
		}
	}
	if testing.Short() {
		t.Skip("installs a package from npm")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/sdk")); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if ci {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("npm ci: %v", err)
	}

	s := New(Config{Token: "pat-sdk", Clock: tick(), AppURL: "http://127.0.0.1/crm"})
	s.PutOwner(Owner{ID: "71", Email: "marcus@expansion.example", First: "Marcus", Last: "Reed"})
	company := s.PutCompany(Company{Name: "Brightwater Labs", Domain: "brightwater.example"})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	run := exec.CommandContext(ctx, "node", "sdk.mjs")
	run.Dir = dir
	run.Env = append(os.Environ(), "CRM_URL="+server.URL, "CRM_TOKEN=pat-sdk", "CRM_COMPANY="+company, "CRM_OWNER=71")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("sdk.mjs: %v\n%s", err, out)
	}
	const lanes = 13 // the script's "ok" lines
	if n := strings.Count(string(out), "ok "); n != lanes {
		t.Errorf("the script proved %d things, want %d:\n%s", n, lanes, out)
	}
	if n := s.CreatesByKey()["opp-1"]; n != 1 {
		t.Errorf("%d deals were created for opp-1, want 1", n)
	}
}
