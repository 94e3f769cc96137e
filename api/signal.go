package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"expansionbot/engine"
	"expansionbot/expansion"
)

// Bounds of texts the engine does not bound itself, in characters.
const (
	maxReference = 500
	maxText      = 2000
)

// signalIn is the body of POST /api/expansion/signal.
type signalIn struct {
	CustomerID      string         `json:"customerId"`
	SignalType      string         `json:"signalType"`
	SignalStrength  string         `json:"signalStrength"`
	Source          string         `json:"source"`
	SourceReference string         `json:"sourceReference"`
	Details         map[string]any `json:"details"`
	What            string         `json:"what"`
	Quote           string         `json:"quote"`
	Speaker         string         `json:"speaker"`
	Link            string         `json:"link"`
	OccurredAt      string         `json:"occurredAt"`
	DetectedAt      string         `json:"detectedAt"` // taken as occurredAt when that is not given
	By              string         `json:"by"`
	ExpansionType   string         `json:"expansionType"`
	Potential       *float64       `json:"potential"`
	Currency        string         `json:"currency"`
}

func (s *server) postSignal(c *call) (int, any, error) {
	var in signalIn
	if err := c.decode(&in, false); err != nil {
		return 0, nil, err
	}
	log, err := s.logInput(c, in)
	if err != nil {
		return 0, nil, err
	}
	p, named, err := s.actor(c, in.By)
	var by expansion.PersonID
	switch {
	case named && err != nil:
		return 0, nil, err
	case named:
		by = p.ID
	}
	sig, fresh, err := s.engine.Submit(c.ctx(), by, log)
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return 0, nil, &expansion.Error{Code: expansion.CodeNotFound, Field: "customerId", Err: err, Text: "No account has the id " + expansion.Quote(string(log.AccountID)) + ". Check it, or import the account first."}
	}
	if err != nil {
		return 0, nil, renamed(err, signalFields)
	}
	if fresh {
		s.log.InfoContext(c.ctx(), "signal posted", "signal_id", sig.ID, "account_id", sig.AccountID, "token", c.token)
		return http.StatusCreated, signalOf(sig), nil
	}
	return http.StatusOK, signalOf(sig), nil
}

// signalFields are the engine's input names in this body's words.
var signalFields = map[string]string{"account": "customerId", "signal_type": "signalType", "strength": "signalStrength", "when": "occurredAt"}

// renamed puts a body's own name for the field at fault on an error.
func renamed(err error, names map[string]string) error {
	e, ok := errors.AsType[*expansion.Error](err)
	if !ok || names[e.Field] == "" {
		return err
	}
	own := *e
	own.Field = names[e.Field]
	return &own
}

var sources = []expansion.Source{expansion.SourceUsage, expansion.SourceMeeting, expansion.SourceEmail, expansion.SourceManual, expansion.SourceSystem}

func (s *server) logInput(c *call, in signalIn) (engine.LogInput, error) {
	log := engine.LogInput{
		AccountID: expansion.AccountID(strings.TrimSpace(in.CustomerID)), Type: expansion.SignalType(in.SignalType), Strength: expansion.Strength(in.SignalStrength), Source: expansion.Source(in.Source),
		SourceID: strings.TrimSpace(in.SourceReference), Details: in.Details, What: in.What, Quote: in.Quote, Speaker: in.Speaker, Link: in.Link, ExpansionType: expansion.ExpansionType(in.ExpansionType),
	}
	switch {
	case log.AccountID == "":
		return log, expansion.FieldErrorf("customerId", "customerId is missing. Give the account's id as it was imported.")
	case !log.Type.Valid():
		return log, expansion.FieldErrorf("signalType", "signalType is %s. Use %s.", orMissing(in.SignalType), choices(expansion.SignalTypes))
	case log.Strength != "" && !log.Strength.Valid():
		return log, expansion.FieldErrorf("signalStrength", "signalStrength is %s. Use strong, moderate or exploratory, or leave it out to have it scored.", orMissing(in.SignalStrength))
	case log.Source != "" && !slices.Contains(sources, log.Source):
		return log, expansion.FieldErrorf("source", "source is %s. Use %s.", orMissing(in.Source), choices(sources))
	case log.ExpansionType != "" && !log.ExpansionType.Valid():
		return log, expansion.FieldErrorf("expansionType", "expansionType is %s. Use %s.", orMissing(in.ExpansionType), choices(expansion.ExpansionTypes))
	case !webLink(log.Link):
		return log, expansion.FieldErrorf("link", "link is not a web address. Use one that starts with https://.")
	}
	for _, t := range []struct {
		field, text string
		max         int
	}{{"sourceReference", log.SourceID, maxReference}, {"quote", log.Quote, maxText}, {"speaker", log.Speaker, maxReference}, {"link", log.Link, maxText}} {
		if n := utf8.RuneCountInString(t.text); n > t.max {
			return log, expansion.FieldErrorf(t.field, "%s has %d characters; %d at most fit.", t.field, n, t.max)
		}
	}
	var err error
	field, when := "occurredAt", in.OccurredAt
	if when == "" {
		field, when = "detectedAt", in.DetectedAt
	}
	if log.OccurredAt, err = moment(field, when); err != nil {
		return log, err
	}
	if log.Potential, err = s.money(c, "potential", in.Potential, in.Currency, log.AccountID); err != nil {
		return log, err
	}
	if log.SourceID == "" && c.key != "" {
		// A retry that lost both answer and record still finds its evidence.
		log.SourceID = "key:" + digest(c.token, c.key)[:32]
	}
	return log, nil
}

func orMissing(s string) string {
	if s == "" {
		return "missing"
	}
	return expansion.Quote(s)
}

func choices[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = string(v)
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func webLink(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// moment reads a time or a day; "" is the zero time.
func moment(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Time{}, expansion.FieldErrorf(field, "%s is %s. Write it as 2026-03-01T09:30:00Z or 2026-03-01.", field, expansion.Quote(s))
}

// maxAmount keeps an amount in minor units well inside an int64.
const maxAmount = 1e12

// money joins an amount in major units with its currency; without one the account's own
// is used. A nil amount is nil.
func (s *server) money(c *call, field string, v *float64, currency string, account expansion.AccountID) (*expansion.Money, error) {
	currency = strings.ToUpper(strings.TrimSpace(currency))
	if v == nil {
		if currency != "" {
			return nil, expansion.FieldErrorf("currency", "currency stands without %s. Give both, or neither.", field)
		}
		return nil, nil
	}
	if math.Abs(*v) > maxAmount {
		return nil, expansion.FieldErrorf(field, "%s is too large. Give it in whole units of its currency, not in cents.", field)
	}
	if currency == "" {
		a, err := s.engine.Store().Account(c.ctx(), account)
		if err != nil {
			return nil, err
		}
		if a.ARR == nil || a.ARR.Currency == "" {
			return nil, expansion.FieldErrorf("currency", "currency is missing and the account has none. Give a code such as USD.")
		}
		currency = a.ARR.Currency
	}
	if len(currency) != 3 || strings.IndexFunc(currency, func(r rune) bool { return r < 'A' || r > 'Z' }) >= 0 {
		return nil, expansion.FieldErrorf("currency", "currency is %s. Give a code of three letters such as USD.", expansion.Quote(currency))
	}
	m := expansion.MoneyFromMajor(*v, currency)
	return &m, nil
}

// getSignals answers a page of an account's signals, newest first.
func (s *server) getSignals(c *call) (int, any, error) {
	p, _, err := s.actor(c, "")
	if err != nil {
		return 0, nil, err
	}
	q := c.r.URL.Query()
	f := engine.ListFilter{AccountID: expansion.AccountID(c.r.PathValue("customerId"))}
	if f.Limit, err = count(q, "limit", 20, 100); err != nil {
		return 0, nil, err
	}
	if f.After, err = cursor(q, "cursor"); err != nil {
		return 0, nil, err
	}
	if f.Types, err = oneOf(q, "type", expansion.SignalTypes); err != nil {
		return 0, nil, err
	}
	if f.Strengths, err = oneOf(q, "strength", []expansion.Strength{expansion.Strong, expansion.Moderate, expansion.Exploratory}); err != nil {
		return 0, nil, err
	}
	if f.Statuses, err = oneOf(q, "status", []expansion.SignalStatus{expansion.Detected, expansion.Confirmed, expansion.Routed, expansion.Closed, expansion.Dismissed, expansion.Merged, expansion.Parked}); err != nil {
		return 0, nil, err
	}
	ss, next, err := s.engine.SignalsOf(c.ctx(), p.ID, f)
	if err != nil {
		return 0, nil, err
	}
	page := signalsPage{Items: make([]signalJSON, 0, len(ss))}
	for _, sig := range ss {
		page.Items = append(page.Items, signalOf(sig))
	}
	if next != 0 {
		page.NextCursor = textOrNull(strconv.FormatInt(next, 10))
	}
	return http.StatusOK, page, nil
}

// count reads a whole number from 1 to top from the query.
func count(q url.Values, name string, normal, top int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return normal, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > top {
		return 0, expansion.FieldErrorf(name, "%s is %s. Use a whole number from 1 to %d.", name, expansion.Quote(s), top)
	}
	return n, nil
}

// cursor reads a cursor we handed out.
func cursor(q url.Values, name string) (int64, error) {
	s := q.Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, expansion.FieldErrorf(name, "%s is %s. Use the one from the page before, or leave it out.", name, expansion.Quote(s))
	}
	return n, nil
}

// oneOf reads values of a query parameter that may be repeated or joined by commas.
func oneOf[T ~string](q url.Values, name string, known []T) ([]T, error) {
	var out []T
	for _, list := range q[name] {
		for v := range strings.SplitSeq(list, ",") {
			if v == "" {
				continue
			}
			if !slices.Contains(known, T(v)) {
				return nil, expansion.FieldErrorf(name, "%s is %s. Use %s.", name, expansion.Quote(v), choices(known))
			}
			out = append(out, T(v))
		}
	}
	return out, nil
}

// activityJSON is a line of the shared log. Its fields are texts, "" for none, as the
// sandbox's timeline reads them.
type activityJSON struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Agent   string    `json:"agent"`
	Verb    string    `json:"verb"`
	Text    string    `json:"text"`
	Signal  string    `json:"signal"`
	Routing string    `json:"routing"`
	Job     string    `json:"job"`
	Account string    `json:"account"`
}

type activitiesPage struct {
	Items []activityJSON `json:"items"`
	Next  int64          `json:"next"` // give it as after to go on; the same again when there was nothing
}

func (s *server) getActivities(c *call) (int, any, error) {
	q := c.r.URL.Query()
	after, err := cursor(q, "after")
	if err != nil {
		return 0, nil, err
	}
	limit, err := count(q, "limit", 100, 500)
	if err != nil {
		return 0, nil, err
	}
	items, err := s.engine.ActivityItems(c.ctx(), after, limit)
	if err != nil {
		return 0, nil, fmt.Errorf("activities after %d: %w", after, err)
	}
	page := activitiesPage{Items: make([]activityJSON, 0, len(items)), Next: after}
	for _, i := range items {
		j := activityJSON{ID: i.ID, At: i.At.UTC(), Agent: string(i.Agent), Verb: i.Verb, Text: i.Text, Signal: i.Signal, Routing: i.Routing, Account: i.Account}
		if i.Job != 0 {
			j.Job = strconv.FormatInt(i.Job, 10)
		}
		page.Items, page.Next = append(page.Items, j), i.ID
	}
	return http.StatusOK, page, nil
}
