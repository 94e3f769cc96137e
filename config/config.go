// Package config turns config.yaml and the environment into one checked struct.
//
//	cfg, err := config.Load("config.yaml", os.Environ())
//	if problems, ok := errors.AsType[config.Problems](err); ok {
//		// every problem at once, each with its path, line and fix
//	}
//
// Every scalar key can also be set as EXPANSION_ + its path in upper case with "_", for
// example EXPANSION_STORE_DSN; SLACK_BOT_TOKEN and SLACK_APP_TOKEN are honoured too. The
// environment wins over the file, the file over the defaults. An empty value counts as
// not set.
package config

import (
	"log/slog"
	"time"
)

// Config is everything that is set before the program starts. Routing rules and their
// durations live in the policy file instead.
//
// The default tags are the defaults; config.yaml at the root of the repository repeats
// each comment.
type Config struct {
	Slack   Slack    `mapstructure:"slack"`
	Store   Store    `mapstructure:"store"`
	Admins  []string `mapstructure:"admins"` // e-mail addresses of RevOps, in lower case; EXPANSION_ADMINS takes them joined by commas
	CRM     CRM      `mapstructure:"crm"`
	Email   Email    `mapstructure:"email"`
	API     API      `mapstructure:"api"`
	Sources []Source `mapstructure:"sources"`
	Policy  Policy   `mapstructure:"policy"`
	Log     Log      `mapstructure:"log"`

	file  string         // where it was read from, "" = nowhere
	lines map[string]int // path → line in file
}

// Slack is the workspace.
type Slack struct {
	BotToken Secret `mapstructure:"bot_token"` // xoxb-…
	AppToken Secret `mapstructure:"app_token"` // xapp-…, an app-level token with connections:write
	APIURL   string `mapstructure:"api_url"`   // "" = Slack's own; ends in "/" otherwise
}

// Store is where everything is kept.
type Store struct {
	DSN Secret `mapstructure:"dsn" default:"file:expansion.db"` // file:… is SQLite, postgres://… PostgreSQL
}

// CRM says which CRM is written to and how.
type CRM struct {
	Kind       string     `mapstructure:"kind" default:"none"`  // salesforce, hubspot or none
	Write      string     `mapstructure:"write" default:"live"` // live or dry-run: what would be written is only logged
	Salesforce Salesforce `mapstructure:"salesforce"`
	HubSpot    HubSpot    `mapstructure:"hubspot"`
}

// Salesforce is one org. It signs in with ClientID and ClientSecret (client credentials)
// or with ClientID, Username and PrivateKeyFile (JWT bearer).
type Salesforce struct {
	LoginURL       string `mapstructure:"login_url"`                  // the My Domain address, https://acme.my.salesforce.com
	APIVersion     string `mapstructure:"api_version" default:"63.0"` // as in the path, without the v
	ClientID       string `mapstructure:"client_id"`
	ClientSecret   Secret `mapstructure:"client_secret"`
	PrivateKeyFile string `mapstructure:"private_key_file"` // PEM, relative to the working directory
	Username       string `mapstructure:"username"`
	Fields         []Pair `mapstructure:"fields"`
	Stages         []Pair `mapstructure:"stages"`
}

// HubSpot is one portal.
type HubSpot struct {
	APIURL        string `mapstructure:"api_url" default:"https://api.hubapi.com"`
	APIVersion    string `mapstructure:"api_version" default:"v3"`   // v3, 2026-03 or 2026-09
	Token         Secret `mapstructure:"token"`                      // a service key or private-app token
	WebhookSecret Secret `mapstructure:"webhook_secret"`             // the app's client secret; "" = changes are polled
	Pipeline      string `mapstructure:"pipeline" default:"default"` // id of the deal pipeline
	AccountField  string `mapstructure:"account_field"`              // company property that holds our account id; "" = companies are found by domain
	Fields        []Pair `mapstructure:"fields"`
	Stages        []Pair `mapstructure:"stages"`
}

// Pair maps a word of ours to one of theirs. It is a list entry, because the case of map
// keys would be lost.
type Pair struct {
	Ours   string `mapstructure:"ours"`
	Theirs string `mapstructure:"theirs"`
}

// Email is how mail goes out and replies come in.
type Email struct {
	SMTPURL Secret `mapstructure:"smtp_url"` // smtp://user:pass@host:587 (STARTTLS where offered) or smtps://…:465; "" = no mail
	From    string `mapstructure:"from"`     // "Expansion <expansion@acme.example>"
	IMAPURL Secret `mapstructure:"imap_url"` // imaps://user:pass@host/INBOX for replies; "" = not read
}

// API is the HTTP side.
type API struct {
	Listen    string  `mapstructure:"listen" default:"127.0.0.1:8080"` // host:port
	PublicURL string  `mapstructure:"public_url"`                      // https address people reach it at; "" = mails say "Acknowledge in Slack"
	LinkKey   Secret  `mapstructure:"link_key"`                        // signs the links in mails; 32 characters or more
	Tokens    []Token `mapstructure:"tokens"`
}

// Token is one API client. `expansionbot token new` prints the entry.
type Token struct {
	Name   string   `mapstructure:"name"`
	SHA256 string   `mapstructure:"sha256"` // of the token, 64 hexadecimal digits
	Scopes []string `mapstructure:"scopes"`
}

// Source is a place evidence is read from on a schedule.
type Source struct {
	Name  string        `mapstructure:"name"`
	Kind  string        `mapstructure:"kind"`  // csv, sql, http, imap or folder
	Path  string        `mapstructure:"path"`  // csv: a file or folder of tables; folder: transcripts and mails
	URL   Secret        `mapstructure:"url"`   // http: where NDJSON is fetched; imap: the mailbox
	Token Secret        `mapstructure:"token"` // http: bearer token, "" = none
	DSN   Secret        `mapstructure:"dsn"`   // sql: postgres://… or file:…
	Query string        `mapstructure:"query"` // sql: a SELECT with the columns of Rows
	Rows  string        `mapstructure:"rows"`  // sql, http: what comes, usage, events or health
	Every time.Duration `mapstructure:"every"` // how often it is read, 1m to 24h; 0 = 15 minutes
}

// Policy names the routing policy.
type Policy struct {
	File string `mapstructure:"file" default:"policy.yaml"` // relative to the working directory
}

// Log is what goes to standard error.
type Log struct {
	Level  string `mapstructure:"level" default:"info"`  // debug, info, warn or error
	Format string `mapstructure:"format" default:"text"` // text or json
}

// Slog returns the level as log/slog has it.
func (l Log) Slog() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

// hidden is what a secret looks like wherever it is printed.
const hidden = "•••"

// Secret is a value that is never printed: every way of formatting it gives "•••", or ""
// when it is empty. Reveal gives the value.
type Secret string

// Reveal returns the value, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString implements fmt.GoStringer, for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON implements json.Marshaler.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
