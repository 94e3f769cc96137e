package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	hs "github.com/belong-inc/go-hubspot"
	"golang.org/x/time/rate"

	"expansionbot/crm"
	"expansionbot/expansion"
)

// Defaults of Config.
const (
	defaultAPIURL  = "https://api.hubapi.com"
	defaultTimeout = 10 * time.Second
	defaultPerSec  = 9
)

// HubSpot's smallest limits per app are 100 calls in 10 s and 5 searches a second
// ("API usage guidelines"); a burst of 10 on 9 a second stays inside the first.
const (
	callBurst     = 10
	searchPerSec  = 4
	searchBurst   = 4
	maxAnswer     = 16 << 20 // bytes of one answer we read
	batchSize     = 100      // records of a batch call
	linkBatchSize = 1000     // records of an association batch read
)

// Config says which HubSpot account to use. Only Token is required.
type Config struct {
	APIURL         string        // "" means HubSpot's own
	Token          string        // a service key or private-app token
	APIVersion     string        // "v3" (also ""), "2026-03" or "2026-09"
	Pipeline       string        // id of the deal pipeline; "" means "default"
	AccountID      string        // company property that carries our account id; "" means there is none
	HTTPClient     *http.Client  // nil means one of our own; redirects are never followed
	Timeout        time.Duration // of one call; 0 means 10 s
	CallsPerSecond float64       // 0 means 9, which the smallest HubSpot plan allows
}

// Client talks to one HubSpot account. It is safe for use by several goroutines.
type Client struct {
	hs       *hs.Client
	version  string
	pipeline string
	account  string // the company property with our account id
	timeout  time.Duration
	calls    *line
	searches *line

	mu     sync.Mutex
	known  map[string]bool // the deal properties there are, nil until asked
	portal *portal         // for links, nil until asked
}

var _ crm.Client = (*Client)(nil)

// New makes a client. It makes no call; an impossible Config is an *expansion.Error
// that names the field as config.yaml does.
func New(cfg Config) (*Client, error) {
	if cfg.APIURL == "" {
		cfg.APIURL = defaultAPIURL
	}
	if cfg.APIVersion == "" {
		cfg.APIVersion = v3
	}
	if cfg.Pipeline == "" {
		cfg.Pipeline = "default"
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.CallsPerSecond <= 0 {
		cfg.CallsPerSecond = defaultPerSec
	}
	if cfg.Token == "" {
		return nil, expansion.FieldErrorf("crm.hubspot.token", "The HubSpot token is missing; create a service key with the CRM scopes and set it.")
	}
	if !slices.Contains(versions, cfg.APIVersion) {
		return nil, expansion.FieldErrorf("crm.hubspot.api_version", "HubSpot API version %q is not known; use one of %s.", cfg.APIVersion, strings.Join(versions, ", "))
	}
	base, err := url.Parse(strings.TrimRight(cfg.APIURL, "/") + "/") // without the slash the path is lost
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, expansion.FieldErrorf("crm.hubspot.api_url", "The HubSpot address %q is not a URL; leave it empty for HubSpot's own.", cfg.APIURL)
	}
	httpClient := http.Client{}
	if cfg.HTTPClient != nil {
		httpClient = *cfg.HTTPClient
	}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	transport, err := hs.NewClient(hs.SetPrivateAppToken(cfg.Token), hs.WithBaseURL(base), hs.WithHTTPClient(&httpClient))
	if err != nil {
		return nil, fmt.Errorf("make hubspot client: %w", err)
	}
	return &Client{
		hs: transport, version: cfg.APIVersion, pipeline: cfg.Pipeline, account: cfg.AccountID, timeout: cfg.Timeout,
		calls:    newLine(rate.Limit(cfg.CallsPerSecond), callBurst),
		searches: newLine(searchPerSec, searchBurst),
	}, nil
}

// Name is "hubspot".
func (c *Client) Name() string { return "hubspot" }

// call is one request. Writes whose answer is lost are crm.Unknown, reads crm.Retry.
type call struct {
	op     string // of crm.Client, for errors
	method string
	path   string
	body   any // JSON; nil for none
	write  bool
	search bool
}

// do makes one call with its deadline and decodes the answer into out, nil to drop
// it. Its error is a *crm.Error.
func (c *Client) do(ctx context.Context, in call, out any) (http.Header, error) {
	if strings.Contains(in.path, "//") || strings.HasSuffix(in.path, "/") {
		return nil, &crm.Error{Kind: crm.Rejected, Op: in.op, Text: "an id is missing"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	line := c.calls
	if in.search {
		line = c.searches
	}
	if err := line.wait(ctx, in.op == opOpenOpportunities); err != nil {
		return nil, &crm.Error{Kind: crm.Retry, Op: in.op, Text: "our own rate limit", RetryAfter: time.Second, Err: err}
	}
	req, err := c.hs.NewRequest(in.method, in.path, in.body, nil, hs.MIMETypeJSON)
	if err != nil {
		return nil, &crm.Error{Kind: crm.Rejected, Op: in.op, Text: "request could not be built", Err: err}
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.hs.HTTPClient.Do(req.WithContext(ctx))
	if err != nil {
		return nil, lost(in, 0, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= 300 {
		return resp.Header, refusal(in, resp, raw)
	}
	if err != nil {
		return nil, lost(in, resp.StatusCode, err)
	}
	if out == nil {
		return resp.Header, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, lost(in, resp.StatusCode, fmt.Errorf("read the answer: %w", err))
	}
	return resp.Header, nil
}

// lost is the error of a call without a usable answer. A connection that was never
// made cannot have carried a write.
func lost(in call, status int, err error) *crm.Error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address
	}
	kind := crm.Retry
	if in.write {
		kind = crm.Unknown
		if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
			kind = crm.Retry
		}
	}
	return &crm.Error{Kind: kind, Op: in.op, Status: status, Text: "no usable answer", Err: err}
}
