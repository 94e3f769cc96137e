package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"expansionbot/config"
)

// The tokens are put together so that no scanner takes them for real ones.
var (
	botToken = "xoxb-" + strings.Repeat("0", 12)
	appToken = "xapp-" + strings.Repeat("0", 12)
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems loads text and returns its problems without the folder of the file.
func problems(t *testing.T, text string, env ...string) []string {
	t.Helper()
	path := write(t, text)
	_, err := config.Load(path, env)
	if err == nil {
		return nil
	}
	ps, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("error is a %T: %v", err, err)
	}
	var out []string
	for _, p := range ps {
		out = append(out, strings.ReplaceAll(p.String(), path, "config.yaml"))
	}
	return out
}

func TestShippedConfigLoadsAndNamesWhatIsRequired(t *testing.T) {
	t.Parallel()
	const file = "../config.yaml"
	c, err := config.Load(file, nil)
	if err != nil {
		t.Fatalf("config.yaml: %v", err)
	}
	plain, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, c, cmpopts.IgnoreUnexported(config.Config{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("config.yaml does not say the defaults (-default +file):\n%s", diff)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var marked, named []int
	for i, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "# REQUIRED") {
			marked = append(marked, i+1)
		}
	}
	for _, p := range c.RequiredForServe() {
		named = append(named, p.Line)
	}
	if !cmp.Equal(marked, named) {
		t.Errorf("lines marked REQUIRED are %v, RequiredForServe names %v", marked, named)
	}
}

// Every key of the struct stands in config.yaml, so that the file documents all of them.
func TestShippedConfigHasEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var check func(rt reflect.Type, m map[string]any, at string)
	check = func(rt reflect.Type, m map[string]any, at string) {
		for i := range rt.NumField() {
			f := rt.Field(i)
			name := f.Tag.Get("mapstructure")
			if name == "" {
				continue
			}
			v, ok := m[name]
			if !ok {
				t.Errorf("config.yaml lacks %s%s", at, name)
			}
			if f.Type.Kind() == reflect.Struct {
				sub, _ := v.(map[string]any)
				check(f.Type, sub, at+name+".")
			}
		}
	}
	check(reflect.TypeFor[config.Config](), got, "")
}

func TestLoadReadsFileAndEnvironment(t *testing.T) {
	t.Parallel()
	path := write(t, `
slack: {bot_token: `+botToken+`, app_token: xapp-file000000}
store: {dsn: "postgres://u:p%40ss@db/expansion"}
admins: [Ravi@acme.example]
crm:
  kind: salesforce
  salesforce:
    login_url: https://acme.my.salesforce.com/
    api_version: 61.0
    client_id: id
    client_secret: 0123
    fields: [{ours: kind, theirs: Expansion_Type__c}]
email: {smtp_url: "smtp://u:p@mail.acme.example:587", from: "Expansion <expansion@acme.example>"}
api:
  public_url: https://expansion.acme.example/
  link_key: 0123456789012345678901234567890123456789
  tokens:
    - {name: warehouse, sha256: 1111111111111111111111111111111111111111111111111111111111111111, scopes: ["ingest", "signals:read"]}
sources:
  - {name: usage, kind: csv, path: /data, every: 1h}
  - {name: warehouse, kind: sql, dsn: "postgres://db/x", query: "SELECT 1", rows: usage}
log: {level: warn}
`)
	c, err := config.Load(path, []string{
		"SLACK_APP_TOKEN=" + appToken, "EXPANSION_LOG_FORMAT=json", "EXPANSION_CRM_SALESFORCE_USERNAME=bot@acme.example", "EXPANSION_API_LISTEN=", "HOME=/x",
		"EXPANSION_ADMINS=ravi@acme.example, Ines@acme.example", "SLACK_BOT_TOKEN=xoxb-loses000000", "EXPANSION_SLACK_BOT_TOKEN=" + botToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Slack:  config.Slack{BotToken: config.Secret(botToken), AppToken: config.Secret(appToken)},
		Store:  config.Store{DSN: "postgres://u:p%40ss@db/expansion"},
		Admins: []string{"ravi@acme.example", "ines@acme.example"},
		CRM: config.CRM{
			Kind: "salesforce", Write: "live",
			Salesforce: config.Salesforce{
				LoginURL: "https://acme.my.salesforce.com", APIVersion: "61.0", ClientID: "id", ClientSecret: "0123", Username: "bot@acme.example",
				Fields: []config.Pair{{Ours: "kind", Theirs: "Expansion_Type__c"}},
			},
			HubSpot: config.HubSpot{APIURL: "https://api.hubapi.com", APIVersion: "v3", Pipeline: "default"},
		},
		Email: config.Email{SMTPURL: "smtp://u:p@mail.acme.example:587", From: "Expansion <expansion@acme.example>"},
		API: config.API{
			Listen: "127.0.0.1:8080", PublicURL: "https://expansion.acme.example", LinkKey: "0123456789012345678901234567890123456789",
			Tokens: []config.Token{{Name: "warehouse", SHA256: strings.Repeat("1", 64), Scopes: []string{"ingest", "signals:read"}}},
		},
		Sources: []config.Source{
			{Name: "usage", Kind: "csv", Path: "/data", Every: time.Hour},
			{Name: "warehouse", Kind: "sql", DSN: "postgres://db/x", Query: "SELECT 1", Rows: "usage", Every: 15 * time.Minute},
		},
		Policy: config.Policy{File: "policy.yaml"},
		Log:    config.Log{Level: "warn", Format: "json"},
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(config.Config{})); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if ps := c.RequiredForServe(); len(ps) != 1 || ps[0].Path != "crm.kind" {
		t.Errorf("required: %v", ps)
	}
	if c.Log.Slog() != slog.LevelWarn {
		t.Errorf("level %v", c.Log.Slog())
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	got := problems(t, `slack:
  bot_token: `+appToken+`
  app_token: `+botToken+`
  api_ulr: https://slack.example/api
stor:
  dsn: x
admins: ravi@acme.example
crm: {kind: sales_force, write: dryrun}
email:
  smtp_url: mail.acme.example:587
api:
  listen: "8080"
  public_url: http://expansion.acme.example
  tokens: [{name: a, sha256: abc, scopes: []}]
sources:
  - {name: Usage, kind: csv, every: often}
  - {name: b, kind: sql, dsn: x, query: y, rows: uasge}
log: {level: [debug]}
log: {format: text}
`, "EXPANSION_STORE_DNS=x", "EXPANSION_STORE_DSN=mysql://secret-host/db", "EXPANSION_SOMETHING_ELSE=1")
	want := []string{
		`config.yaml:2: slack.bot_token holds the other token (xapp-…). Swap slack.bot_token and slack.app_token: this one is the bot token from OAuth & Permissions, it starts with xoxb-.`,
		`config.yaml:3: slack.app_token holds the other token (xoxb-…). Swap slack.bot_token and slack.app_token: this one is the app-level token from Basic Information, it starts with xapp-.`,
		`config.yaml:4: slack.api_ulr is not a key of the configuration. Did you mean api_url?`,
		`config.yaml:5: stor is not a key of the configuration. Did you mean store?`,
		`config.yaml:7: admins should be a list. Write one entry per line, each after "- ".`,
		`config.yaml:8: crm.kind is "sales_force". Did you mean salesforce?`,
		`config.yaml:8: crm.write is "dryrun". Did you mean dry-run?`,
		`config.yaml:9: email.from is empty, but email.smtp_url is set. Set it to the sender's address, like "Expansion <expansion@acme.example>".`,
		`config.yaml:10: email.smtp_url does not start with smtp:// or smtps://. Write it like smtp://user:password@mail.acme.example:587.`,
		`config.yaml:11: api.link_key is empty, but api.public_url is set and links in mails must be signed. Set it to 32 random characters or more, or leave api.public_url empty.`,
		`config.yaml:12: api.listen "8080" is not host:port. Write it like 127.0.0.1:8080.`,
		`config.yaml:13: api.public_url "http://expansion.acme.example" is not encrypted; only https leaves this machine. Write it like https://expansion.acme.example.`,
		`config.yaml:14: api.tokens[0].sha256 is not a SHA-256 of 64 hexadecimal digits. Make the entry with expansionbot token new.`,
		`config.yaml:14: api.tokens[0].scopes is empty, so the token may do nothing. Make the entry with expansionbot token new.`,
		`config.yaml:16: sources[0].every is not a duration. Write it like 15m or 2h.`,
		`config.yaml:16: sources[0].name "Usage" is not a name. Use small letters, digits, - and _, for example product_usage.`,
		`config.yaml:16: sources[0].path is empty, but a source of kind csv needs it. Name the file or folder.`,
		`config.yaml:17: sources[1].rows is "uasge". Did you mean usage?`,
		`config.yaml:18: log.level should be a single value. Put it on the same line, in quotes when it holds : or #.`,
		`config.yaml:19: log stands twice. Remove one of the two.`,
		`environment: EXPANSION_STORE_DNS is not a variable of the configuration. Did you mean EXPANSION_STORE_DSN?`,
		`environment: EXPANSION_STORE_DSN is neither a file: nor a postgres:// address. Write file:expansion.db for SQLite or postgres://user:password@host/database for PostgreSQL.`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestSingleProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"user token":             {"slack: {bot_token: xoxp-000000000000}", "holds a user token"},
		"token cut short":        {"slack: {bot_token: xoxb-}", "does not look like a Slack token"},
		"token with a space":     {"slack: {bot_token: 'xoxb-0000 00000000'}", "holds a space"},
		"store in memory":        {"store: {dsn: 'file::memory:'}", "in memory"},
		"store without database": {"store: {dsn: 'postgres://u:p@db'}", "names no database"},
		"password unescaped":     {"store: {dsn: 'postgres://u:p%ss@db/x'}", "percent form"},
		"admin twice":            {"admins: [a@x.example, A@x.example]", "stands twice"},
		"admin no address":       {"admins: [ravi]", "not an e-mail address"},
		"two ways to sign in":    {"crm: {kind: salesforce, salesforce: {client_secret: s, private_key_file: k, username: u}}", "only one way"},
		"key without user":       {"crm: {kind: salesforce, salesforce: {private_key_file: k}}", "needs a user name"},
		"secret without address": {"crm: {kind: hubspot, hubspot: {webhook_secret: s}}", "api.public_url is empty"},
		"hubspot version":        {"crm: {kind: hubspot, hubspot: {api_version: v4}}", `is "v4"`},
		"field pair half empty":  {"crm: {kind: hubspot, hubspot: {fields: [{ours: kind}]}}", "lacks ours or theirs"},
		"short link key":         {"api: {link_key: abc}", "has only 3 characters"},
		"source twice":           {"sources: [{name: a, kind: folder, path: x}, {name: a, kind: folder, path: y}]", "stands twice"},
		"source too often":       {"sources: [{name: a, kind: folder, path: x, every: 5s}]", "is 5s"},
		"not YAML":               {"slack:\n  bot_token: \"x\n", "is not valid YAML"},
		"a list at the top":      {"- slack", "should hold keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := problems(t, c.text)
			if len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("got %q, want one problem with %q", got, c.want)
			}
		})
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	t.Parallel()
	c, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if c != nil || err == nil || !strings.Contains(err.Error(), "none.yaml: does not exist") {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	const word = "hunter2hunter2hunter2hunter2hunter2"
	c, err := config.Load(write(t, `
slack: {bot_token: xoxb-`+word+`, app_token: xoxb-`+word+`}
store: {dsn: "postgres://u:`+word+`@db"}
crm: {kind: hubspot, salesforce: {client_secret: `+word+`}, hubspot: {token: `+word+`, webhook_secret: `+word+`}}
email: {smtp_url: "ftp://u:`+word+`@mail", imap_url: "http://u:`+word+`@mail"}
api: {link_key: `+word+`}
sources: [{name: a, kind: http, url: "http://`+word+`.example", token: `+word+`, dsn: `+word+`, rows: usage}]
`), []string{"EXPANSION_STORE_DSN=mysql://" + word})
	if err == nil {
		t.Fatal("no problems")
	}
	j, jerr := json.Marshal(c)
	y, yerr := yaml.Marshal(c)
	if jerr != nil || yerr != nil {
		t.Fatal(jerr, yerr)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "token", c.Slack.BotToken, "all", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "token", c.Slack.BotToken, "all", *c)
	for name, text := range map[string]string{
		"error": err.Error(), "%v": fmt.Sprintf("%v", *c), "%+v": fmt.Sprintf("%+v", *c), "%#v": fmt.Sprintf("%#v", *c), "%q": fmt.Sprintf("%q", c.API.LinkKey),
		"%x": fmt.Sprintf("%x", c.API.LinkKey), "json": string(j), "yaml": string(y), "log": log.String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
			t.Errorf("%s shows a secret: %s", name, text)
		}
	}
	if !strings.Contains(string(j), "•••") || c.API.LinkKey.Reveal() != word {
		t.Errorf("json %s, reveal %q", j, c.API.LinkKey.Reveal())
	}
}

func TestRequiredForServeDependsOnTheCRM(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string][]string{
		"none":       {"slack.bot_token", "slack.app_token", "admins"},
		"hubspot":    {"slack.bot_token", "slack.app_token", "admins", "crm.hubspot.token"},
		"salesforce": {"slack.bot_token", "slack.app_token", "admins", "crm.kind"},
	} {
		c, err := config.Load("", []string{"EXPANSION_CRM_KIND=" + kind})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range c.RequiredForServe() {
			got = append(got, p.Path)
			if !strings.Contains(p.Fix, "EXPANSION_") {
				t.Errorf("%s: fix does not name the variable: %s", p.Path, p.Fix)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("slack: {bot_token: x}\nadmins: [a]\n")
	f.Add("a: &a [*a]\nslack: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Load(write(t, text), nil)
		if c == nil && err == nil {
			t.Error("neither a config nor a problem")
		}
	})
}

func ExampleLoad() {
	_, err := config.Load("testdata/typo.yaml", nil)
	fmt.Println(err)
	// Output:
	// testdata/typo.yaml:2: slack.bot_tokn is not a key of the configuration. Did you mean bot_token?
	// testdata/typo.yaml:4: log.level is "verbose". Use debug, info, warn, error.
}
