package config_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"
)

// The manifest stands beside config.yaml and is read by nobody but Slack, so a mistake in
// it would only show when somebody sets the app up.
func TestSlackManifestIsInsideSlacksLimits(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../slack-manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m slack.Manifest
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("slack-manifest.yaml: %v", err)
	}
	if len(m.Features.SlashCommands) != 1 || len(m.Features.Shortcuts) != 1 {
		t.Fatalf("got %d commands and %d shortcuts, want one each", len(m.Features.SlashCommands), len(m.Features.Shortcuts))
	}
	command, shortcut := m.Features.SlashCommands[0], m.Features.Shortcuts[0]
	// Limits: @slack/web-api, manifest.d.ts.
	for _, l := range []struct {
		name, value string
		most        int
	}{
		{"display_information.name", m.Display.Name, 35},
		{"display_information.description", m.Display.Description, 140},
		{"bot_user.display_name", m.Features.BotUser.DisplayName, 80},
		{"slash command", command.Command, 32},
		{"slash command description", command.Description, 2000},
		{"slash command usage_hint", command.UsageHint, 1000},
		{"shortcut name", shortcut.Name, 24},
		{"shortcut callback_id", shortcut.CallbackID, 255},
		{"shortcut description", shortcut.Description, 150},
	} {
		if n := utf8.RuneCountInString(l.value); n < 1 || n > l.most {
			t.Errorf("%s has %d characters, want 1 to %d", l.name, n, l.most)
		}
	}
	if n := len(m.Display.LongDescription); n != 0 && (n < 175 || n > 4000) {
		t.Errorf("long_description has %d characters, want none or 175 to 4000", n)
	}
	if !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(m.Display.BackgroundColor) {
		t.Errorf("background_color %q is not a colour", m.Display.BackgroundColor)
	}
	if command.Command != "/expansion" || !command.ShouldEscape || command.Url != "" {
		t.Errorf("slash command %+v", command)
	}
	if shortcut.Type != slack.MessageShortcut || shortcut.CallbackID != "log_from_message" {
		t.Errorf("shortcut %+v", shortcut)
	}
	if s := m.Settings; !s.SocketModeEnabled || s.TokenRotationEnabled || s.OrgDeployEnabled || s.Interactivity == nil || !s.Interactivity.IsEnabled || s.Interactivity.RequestUrl != "" {
		t.Errorf("settings %+v: the bot needs Socket Mode with interactivity and fixed tokens", s)
	}
	if h := m.Features.AppHome; !h.HomeTabEnabled || !h.MessagesTabEnabled || h.MessagesTabReadOnlyEnabled {
		t.Errorf("app_home %+v: Home and a DM that takes files are needed", h)
	}
	// Each event needs its scope, or Slack refuses the manifest.
	for event, scope := range map[string]string{
		"app_mention": "app_mentions:read", "message.im": "im:history", "team_join": "users:read", "user_change": "users:read",
		"channel_shared": "channels:read", "channel_unshared": "channels:read",
	} {
		if slices.Contains(m.Settings.EventSubscriptions.BotEvents, event) && !slices.Contains(m.OAuthConfig.Scopes.Bot, scope) {
			t.Errorf("event %s needs the scope %s", event, scope)
		}
	}
	for what, list := range map[string][]string{"scopes": m.OAuthConfig.Scopes.Bot, "events": m.Settings.EventSubscriptions.BotEvents} {
		sorted := slices.Clone(list)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != len(list) || len(list) == 0 || len(list) > 100 {
			t.Errorf("%s: %d entries, some twice: %v", what, len(list), list)
		}
	}
	for _, needed := range []string{"commands", "chat:write", "im:write", "users:read.email", "files:read"} {
		if !slices.Contains(m.OAuthConfig.Scopes.Bot, needed) {
			t.Errorf("scope %s is missing", needed)
		}
	}
}
