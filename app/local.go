package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"

	"expansionbot/config"
	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/source"
)

// Local says where the parts of a sandbox are. Everything is on loopback.
type Local struct {
	SlackAPI, BotToken, AppToken string
	HubSpot, CRMToken            string
	SMTP                         string // smtp://host:port
	Clock                        string
	DSN                          string            // "" = a file in Dir
	Dir                          string            // folder for the store
	Policy                       []byte            // text of the policy; nil = the shipped one
	Admins                       []string          // e-mails of RevOps
	Tables                       map[string][]byte // imported when the store is empty, by file name
	Log                          *slog.Logger      // nil = none
}

// scopes of the sandbox's own API token: all there are.
var localScopes = []string{"signals:write", "signals:read", "route:write", "outcome:write", "ingest:write", "activities:read", "metrics:read"}

// StartLocal starts the product against a sandbox, live from the start, with the
// sandbox's sample data. It returns the API's address and a token for it. Settings and
// the environment are not looked at.
func StartLocal(ctx context.Context, l Local) (a *App, apiURL, apiToken string, err error) {
	// The address is in mails that are made before anything is served there, so the port
	// is taken first.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", "", fmt.Errorf("listen on loopback: %w", err)
	}
	apiURL, apiToken = "http://"+listener.Addr().String(), "exp_"+rand.Text()
	dsn := l.DSN
	if dsn == "" {
		dsn = "file:" + filepath.Join(l.Dir, "expansion.db")
	}
	cfg, err := config.Load("", []string{
		"EXPANSION_SLACK_API_URL=" + l.SlackAPI, "EXPANSION_SLACK_BOT_TOKEN=" + l.BotToken, "EXPANSION_SLACK_APP_TOKEN=" + l.AppToken,
		"EXPANSION_STORE_DSN=" + dsn, "EXPANSION_CRM_KIND=hubspot", "EXPANSION_CRM_HUBSPOT_API_URL=" + l.HubSpot, "EXPANSION_CRM_HUBSPOT_TOKEN=" + l.CRMToken,
		"EXPANSION_EMAIL_SMTP_URL=" + l.SMTP, "EXPANSION_EMAIL_FROM=Expansion <expansion@acme.example>",
		"EXPANSION_API_PUBLIC_URL=" + apiURL, "EXPANSION_API_LINK_KEY=" + rand.Text() + rand.Text(),
	})
	if err != nil {
		return nil, "", "", err
	}
	if l.Policy == nil {
		l.Policy = route.DefaultText()
	}
	sum := sha256.Sum256([]byte(apiToken))
	cfg.Admins = l.Admins
	cfg.API.Tokens = []config.Token{{Name: "sandbox", SHA256: hex.EncodeToString(sum[:]), Scopes: localScopes}}
	a, err = Start(ctx, cfg, Options{Policy: l.Policy, ClockURL: l.Clock, Live: true, Log: l.Log, Listener: listener, Tables: l.Tables})
	return a, apiURL, apiToken, err
}

// seed imports tables into an empty store. One row refused is a fault of ours.
func seed(ctx context.Context, e *engine.Engine, tables map[string][]byte) error {
	n, err := e.Store().Counts(ctx)
	if err != nil || n.Accounts > 0 {
		return err
	}
	var files []engine.ImportFile
	for name, b := range tables {
		files = append(files, engine.ImportFile{Name: name, Kind: source.KindOf(name, nil), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }})
	}
	res, err := e.Import(ctx, files, true)
	if err == nil && res.Bad() > 0 {
		err = expansion.Errorf(expansion.CodeInternal, "The sample data does not import: %v", res.Errors[0])
	}
	return err
}
