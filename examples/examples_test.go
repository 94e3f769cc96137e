package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"expansionbot/config"
	"expansionbot/expansion/route"
)

// secrets stand in for what the examples leave to the environment.
var secrets = []string{
	"SLACK_BOT_TOKEN=xoxb-1-example", "SLACK_APP_TOKEN=xapp-1-example",
	"EXPANSION_CRM_HUBSPOT_TOKEN=pat-example", "EXPANSION_EMAIL_SMTP_URL=smtp://u:p@mail.acme.example:587",
	"EXPANSION_API_LINK_KEY=" + "0123456789abcdef0123456789abcdef",
}

func each(t *testing.T, pattern string, least int) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < least {
		t.Fatalf("%s matches %d files, want %d or more", pattern, len(names), least)
	}
	return names
}

func TestPoliciesAreGood(t *testing.T) {
	t.Parallel()
	for _, name := range each(t, "policies/*.yaml", 3) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := route.ParsePolicy(text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConfigsAreEnoughForServe(t *testing.T) {
	t.Parallel()
	for _, name := range each(t, "configs/*.yaml", 3) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			env := secrets
			if strings.Contains(name, "pilot") {
				env = secrets[:2]
			}
			if strings.Contains(name, "replicas") {
				env = append(secrets[:3:3], "EXPANSION_STORE_DSN=postgres://u:p@db.acme.example/expansion")
			}
			cfg, err := config.Load(name, env)
			if err != nil {
				t.Fatal(err)
			}
			if ps := cfg.RequiredForServe(); len(ps) > 0 {
				t.Error(ps)
			}
		})
	}
}

func TestConfigWithoutSecretsIsRefused(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load("configs/pilot.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.RequiredForServe()) != 2 {
		t.Errorf("serve asks for %v, want the two Slack tokens", cfg.RequiredForServe())
	}
}
