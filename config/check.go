package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds.
const (
	minLinkKey  = 32 // characters, so that a signature cannot be guessed
	minInterval = time.Minute
	maxInterval = 24 * time.Hour
)

var (
	hexDigest  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	scopeName  = regexp.MustCompile(`^[a-z][a-z_]*(:[a-z_*]+)?$`)
	sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	apiVersion = regexp.MustCompile(`^\d{2}\.0$`)
	hubVersion = regexp.MustCompile(`^(v3|20\d\d-\d\d)$`)
)

// checker collects problems and knows where each key stands.
type checker struct {
	c        *Config
	env      map[string]string
	problems Problems
}

func (k *checker) fail(path, fix, what string, args ...any) {
	p := Problem{File: k.c.file, Path: path, Line: k.c.line(path), What: fmt.Sprintf(what, args...), Fix: fix}
	if name := k.env[path]; name != "" {
		p.File, p.Path, p.Line = environment, name, 0
	}
	k.problems = append(k.problems, p)
}

// line is where a key stands in the file, or else the part it belongs to; 0 = nowhere.
func (c *Config) line(path string) int {
	for {
		if n := c.lines[path]; n > 0 {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}

// oneOf checks a word.
func (k *checker) oneOf(path, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	fix := "Use " + strings.Join(allowed, ", ") + "."
	if near := nearest(value, allowed); near != "" {
		fix = "Did you mean " + near + "?"
	}
	k.fail(path, fix, "is %q", value)
}

// check tidies the values and names everything wrong with them.
func (c *Config) check(env map[string]string) Problems {
	k := &checker{c: c, env: env}
	k.slack()
	k.store()
	for i, a := range c.Admins {
		c.Admins[i] = strings.ToLower(strings.TrimSpace(a))
		path := fmt.Sprintf("admins[%d]", i)
		if k.env["admins"] != "" {
			path = "admins"
		}
		if !isEmail(c.Admins[i]) {
			k.fail(path, "Write an address like ravi@acme.example.", "%q is not an e-mail address", a)
		} else if slices.Contains(c.Admins[:i], c.Admins[i]) {
			k.fail(path, "Remove one of the two.", "%q stands twice", a)
		}
	}
	k.crm()
	k.email()
	k.api()
	k.sources()
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	return k.problems
}

func (k *checker) slack() {
	s := &k.c.Slack
	k.token("slack.bot_token", s.BotToken, "xoxb-", "the bot token from OAuth & Permissions, it starts with xoxb-")
	k.token("slack.app_token", s.AppToken, "xapp-", "the app-level token from Basic Information, it starts with xapp-")
	if s.APIURL != "" {
		if !strings.HasSuffix(s.APIURL, "/") {
			s.APIURL += "/"
		}
		k.web("slack.api_url", s.APIURL, "Leave it empty for Slack itself.")
	}
}

func (k *checker) token(path string, t Secret, prefix, want string) {
	value := t.Reveal()
	switch {
	case value == "":
	case strings.TrimSpace(value) != value || strings.ContainsAny(value, " \t\r\n"):
		k.fail(path, "Copy it again without spaces or line breaks.", "holds a space")
	case strings.HasPrefix(value, prefix) && len(value) > len(prefix)+4:
	case strings.HasPrefix(value, "xoxb-") && prefix == "xapp-", strings.HasPrefix(value, "xapp-") && prefix == "xoxb-":
		k.fail(path, "Swap slack.bot_token and slack.app_token: this one is "+want+".", "holds the other token (%s…)", value[:5])
	case strings.HasPrefix(value, "xoxp-"):
		k.fail(path, "Use "+want+".", "holds a user token (xoxp-…)")
	default:
		k.fail(path, "Use "+want+".", "does not look like a Slack token")
	}
}

func (k *checker) store() {
	dsn := k.c.Store.DSN.Reveal()
	const fix = "Write file:expansion.db for SQLite or postgres://user:password@host/database for PostgreSQL."
	switch {
	case strings.HasPrefix(dsn, "file:"):
		if name, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?"); name == "" {
			k.fail("store.dsn", fix, "names no file")
		} else if name == ":memory:" || strings.Contains(dsn, "mode=memory") {
			k.fail("store.dsn", fix, "keeps everything in memory and would lose it at a restart")
		}
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		u, err := url.Parse(dsn)
		if err != nil {
			k.fail("store.dsn", "Write special characters of the password in percent form, for example %40 for @.", "is not a valid address")
		} else if strings.Trim(u.Path, "/") == "" {
			k.fail("store.dsn", fix, "names no database")
		}
	default:
		k.fail("store.dsn", fix, "is neither a file: nor a postgres:// address")
	}
}

func (k *checker) crm() {
	c := &k.c.CRM
	k.oneOf("crm.kind", c.Kind, "salesforce", "hubspot", "none")
	k.oneOf("crm.write", c.Write, "live", "dry-run")
	if sf := &c.Salesforce; c.Kind == "salesforce" {
		if sf.LoginURL != "" {
			sf.LoginURL = strings.TrimSuffix(sf.LoginURL, "/")
			k.web("crm.salesforce.login_url", sf.LoginURL, "Write it like https://acme.my.salesforce.com.")
		}
		if !apiVersion.MatchString(sf.APIVersion) {
			k.fail("crm.salesforce.api_version", "Write it like 63.0.", "is %q", sf.APIVersion)
		}
		if sf.ClientSecret != "" && sf.PrivateKeyFile != "" {
			k.fail("crm.salesforce.private_key_file", "Keep one of the two.", "and client_secret are both set, but only one way to sign in can be used")
		}
		if sf.PrivateKeyFile != "" && sf.Username == "" {
			k.fail("crm.salesforce.private_key_file", "Set crm.salesforce.username to the integration user.", "needs a user name to sign in as")
		}
		k.pairs("crm.salesforce.fields", sf.Fields)
		k.pairs("crm.salesforce.stages", sf.Stages)
	}
	if hs := &c.HubSpot; c.Kind == "hubspot" {
		hs.APIURL = strings.TrimSuffix(hs.APIURL, "/")
		k.web("crm.hubspot.api_url", hs.APIURL, "Leave it empty for HubSpot itself.")
		if !hubVersion.MatchString(hs.APIVersion) {
			k.fail("crm.hubspot.api_version", "Write v3, 2026-03 or 2026-09.", "is %q", hs.APIVersion)
		}
		if hs.WebhookSecret != "" && k.c.API.PublicURL == "" {
			k.fail("crm.hubspot.webhook_secret", "Set api.public_url, or leave the secret empty to poll.", "cannot be used: a signature covers the public address, and api.public_url is empty")
		}
		k.pairs("crm.hubspot.fields", hs.Fields)
		k.pairs("crm.hubspot.stages", hs.Stages)
	}
}

func (k *checker) pairs(path string, pairs []Pair) {
	seen := map[string]bool{}
	for i, p := range pairs {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case p.Ours == "" || p.Theirs == "":
			k.fail(at, "Write it like - {ours: kind, theirs: Expansion_Type__c}.", "lacks ours or theirs")
		case seen[p.Ours+"\x00"+p.Theirs]:
			k.fail(at, "Remove one of the two.", "stands twice")
		}
		seen[p.Ours+"\x00"+p.Theirs] = true
	}
}

func (k *checker) email() {
	e := &k.c.Email
	k.server("email.smtp_url", e.SMTPURL, "Write it like smtp://user:password@mail.acme.example:587.", "smtp", "smtps")
	k.server("email.imap_url", e.IMAPURL, "Write it like imaps://user:password@mail.acme.example/INBOX.", "imap", "imaps")
	if e.From != "" {
		if a, err := mail.ParseAddress(e.From); err != nil || !isEmail(a.Address) {
			k.fail("email.from", `Write it like "Expansion <expansion@acme.example>".`, "%q is not an e-mail address", e.From)
		}
	} else if e.SMTPURL != "" {
		k.fail("email.from", `Set it to the sender's address, like "Expansion <expansion@acme.example>".`, "is empty, but email.smtp_url is set")
	}
}

func (k *checker) api() {
	a := &k.c.API
	if host, port, err := net.SplitHostPort(a.Listen); err != nil || !isPort(port) || strings.ContainsAny(host, " /") {
		k.fail("api.listen", "Write it like 127.0.0.1:8080.", "%q is not host:port", a.Listen)
	}
	if a.PublicURL != "" {
		a.PublicURL = strings.TrimSuffix(a.PublicURL, "/")
		k.web("api.public_url", a.PublicURL, "Write it like https://expansion.acme.example.")
		if a.LinkKey == "" {
			k.fail("api.link_key", "Set it to 32 random characters or more, or leave api.public_url empty.", "is empty, but api.public_url is set and links in mails must be signed")
		}
	}
	if n := len(a.LinkKey.Reveal()); n > 0 && n < minLinkKey {
		k.fail("api.link_key", "Use 32 random characters or more.", "has only %d characters", n)
	}
	seen := map[string]bool{}
	for i, t := range a.Tokens {
		at := fmt.Sprintf("api.tokens[%d]", i)
		const fix = "Make the entry with expansionbot token new."
		switch {
		case t.Name == "":
			k.fail(at, fix, "has no name")
		case seen[t.Name]:
			k.fail(at+".name", "Give each token its own name.", "%q stands twice", t.Name)
		}
		seen[t.Name] = true
		if !hexDigest.MatchString(t.SHA256) {
			k.fail(at+".sha256", fix, "is not a SHA-256 of 64 hexadecimal digits")
		}
		if len(t.Scopes) == 0 {
			k.fail(at+".scopes", fix, "is empty, so the token may do nothing")
		}
		for _, s := range t.Scopes {
			if !scopeName.MatchString(s) {
				k.fail(at+".scopes", fix, "%q is not a scope", s)
			}
		}
	}
}

func (k *checker) sources() {
	seen := map[string]bool{}
	for i := range k.c.Sources {
		s := &k.c.Sources[i]
		at := fmt.Sprintf("sources[%d]", i)
		if !sourceName.MatchString(s.Name) {
			k.fail(at+".name", "Use small letters, digits, - and _, for example product_usage.", "%q is not a name", s.Name)
		} else if seen[s.Name] {
			k.fail(at+".name", "Give each source its own name; what was read already is kept under it.", "%q stands twice", s.Name)
		}
		seen[s.Name] = true
		k.oneOf(at+".kind", s.Kind, "csv", "sql", "http", "imap", "folder")
		need := func(key, value, fix string) {
			if value == "" {
				k.fail(at+"."+key, fix, "is empty, but a source of kind %s needs it", s.Kind)
			}
		}
		switch s.Kind {
		case "csv", "folder":
			need("path", s.Path, "Name the file or folder.")
		case "sql":
			need("dsn", s.DSN.Reveal(), "Write postgres://user:password@host/database.")
			need("query", s.Query, "Write a SELECT that gives the columns of its rows.")
			k.oneOf(at+".rows", s.Rows, "usage", "events", "health")
		case "http":
			need("url", s.URL.Reveal(), "Name the address that answers with one JSON object a line.")
			if s.URL != "" {
				k.secretWeb(at+".url", s.URL)
			}
			k.oneOf(at+".rows", s.Rows, "usage", "events", "health")
		case "imap":
			need("url", s.URL.Reveal(), "Write it like imaps://user:password@mail.acme.example/INBOX.")
			k.server(at+".url", s.URL, "Write it like imaps://user:password@mail.acme.example/INBOX.", "imap", "imaps")
		}
		if s.Every == 0 {
			s.Every = 15 * time.Minute
		}
		if s.Every < minInterval || s.Every > maxInterval {
			k.fail(at+".every", "Use 1m to 24h.", "is %s", s.Every)
		}
	}
}

// web checks an address that is fetched or shown. Plain http is for this machine only.
func (k *checker) web(path, value, fix string) {
	if why := webProblem(value); why != "" {
		k.fail(path, fix, "%q %s", value, why)
	}
}

func (k *checker) secretWeb(path string, value Secret) {
	if why := webProblem(value.Reveal()); why != "" {
		k.fail(path, "Write it like https://data.acme.example/usage.", "%s", why)
	}
}

func webProblem(value string) string {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return "is not a web address"
	case u.User != nil:
		return "holds a user name or password"
	case u.Fragment != "":
		return "holds a #"
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return "is not encrypted; only https leaves this machine"
	}
	return ""
}

// server checks a mail server's address, which may hold a password.
func (k *checker) server(path string, value Secret, fix string, schemes ...string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value.Reveal())
	switch {
	case err != nil:
		k.fail(path, "Write special characters of the password in percent form, for example %40 for @.", "is not a valid address")
	case !slices.Contains(schemes, u.Scheme):
		k.fail(path, fix, "does not start with %s://", strings.Join(schemes, ":// or "))
	case u.Hostname() == "":
		k.fail(path, fix, "names no server")
	case u.Port() != "" && !isPort(u.Port()):
		k.fail(path, fix, "has port %s", u.Port())
	}
}

// Loopback reports whether a host name or address is this machine.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n <= 65535
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && !strings.ContainsAny(s, " <>\"")
}

// RequiredForServe names what `serve` needs and is still empty: the lines marked REQUIRED
// in config.yaml. nil means it can start.
func (c Config) RequiredForServe() Problems {
	k := &checker{c: &c}
	need := func(path, value, fix string) {
		if value == "" {
			k.fail(path, fix+" It can also be set as "+Variable(path)+".", "is empty")
		}
	}
	need("slack.bot_token", c.Slack.BotToken.Reveal(), "Install the app from slack-manifest.yaml, then copy the bot token (xoxb-…) from OAuth & Permissions.")
	need("slack.app_token", c.Slack.AppToken.Reveal(), "Under Basic Information, App-Level Tokens, make one with connections:write and copy it (xapp-…).")
	if len(c.Admins) == 0 {
		need("admins", "", "Name at least one person of RevOps, who may publish rules, by e-mail address.")
	}
	switch c.CRM.Kind {
	case "salesforce":
		k.fail("crm.kind", "Use hubspot or none; it can also be set as "+Variable("crm.kind")+".", "is salesforce, which this version cannot write to yet")
	case "hubspot":
		need("crm.hubspot.token", c.CRM.HubSpot.Token.Reveal(), "Make a service key in HubSpot under Settings, Integrations and copy it.")
	}
	return k.problems.sorted()
}
