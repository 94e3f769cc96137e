package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"expansionbot/expansion"
)

//go:embed templates/ack.html
var templates embed.FS

var ackTemplate = template.Must(template.ParseFS(templates, "templates/ack.html"))

// ackStyle is the whole look; the policy below names its hash, so nothing else runs.
const ackStyle template.CSS = `body{margin:0;background:#f6f6f4;color:#1d1c1d;font:16px/1.5 system-ui,sans-serif}` +
	`main{max-width:34rem;margin:3rem auto;padding:2rem;background:#fff;border:1px solid #ddd;border-radius:8px}` +
	`h1{font-size:1.3rem;margin:0 0 1rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1rem;margin:1.2rem 0}` +
	`dt{color:#616061}dd{margin:0}button{font:inherit;font-weight:600;padding:.6rem 1.6rem;border:0;border-radius:6px;background:#007a5a;color:#fff;cursor:pointer}` +
	`button:focus-visible{outline:3px solid #1264a3;outline-offset:2px}.foot{color:#616061;font-size:.9rem;margin:1.2rem 0 0}`

var ackPolicy = func() string {
	sum := sha256.Sum256([]byte(ackStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

type ackView struct {
	Title  string
	Lines  []string
	Facts  []ackFact
	Button string // "" = nothing to press
	Foot   string
	Style  template.CSS
}

type ackFact struct{ Name, Text string }

// ackPage shows what the link is for. It changes nothing: mail scanners open links, so
// only the button acknowledges.
func (s *server) ackPage(w http.ResponseWriter, r *http.Request, c *call) error {
	k, err := s.engine.ReadAckToken(c.ctx(), r.PathValue("token"))
	if err != nil {
		s.ackFailed(w, c, err)
		return nil
	}
	s.ackWrite(w, c, http.StatusOK, ackViewOf(k))
	return nil
}

// ackPress acknowledges for the person the token was made for, then shows the page again
// by a redirect, so that a reload presses nothing.
func (s *server) ackPress(w http.ResponseWriter, r *http.Request, c *call) error {
	token := r.PathValue("token")
	k, err := s.engine.ReadAckToken(c.ctx(), token)
	if err == nil && k.Routing == nil {
		err = expansion.Errorf(expansion.CodeGone, "This is not routed any more. Look in Slack.")
	}
	if err == nil {
		err = s.engine.Acknowledge(c.ctx(), k.Viewer.ID, k.Routing.ID, 0)
	}
	switch code := expansion.CodeOf(err); {
	case err == nil:
		s.log.InfoContext(c.ctx(), "routing acknowledged by mail", "routing_id", k.Routing.ID, "rep_id", k.Viewer.ID)
	case code == expansion.CodeConflict || code == expansion.CodeGone && k.Routing != nil:
		// Pressed twice or too late; the page says what is.
	default:
		s.ackFailed(w, c, err)
		return nil
	}
	w.Header().Set("Location", "./"+token) // relative: a proxy may serve us below a path of its own
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// ackFailed says in a page why the link does not work.
func (s *server) ackFailed(w http.ResponseWriter, c *call, err error) {
	p := problemOf(err, c.id)
	if p.Status >= http.StatusInternalServerError {
		s.log.ErrorContext(c.ctx(), "acknowledge page failed", "request_id", c.id, "err", err)
	}
	s.ackWrite(w, c, p.Status, ackView{Title: "This link does not work", Lines: []string{p.Detail}})
}

func (s *server) ackWrite(w http.ResponseWriter, c *call, status int, v ackView) {
	v.Style = ackStyle
	var b bytes.Buffer
	if err := ackTemplate.ExecuteTemplate(&b, "ack", v); err != nil {
		s.fail(w, c, fmt.Errorf("acknowledge page: %w", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", ackPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// ackViewOf draws the page from the case the token is for.
func ackViewOf(k expansion.Case) ackView {
	rt := k.Routing
	what := strings.ToLower(k.Signal.ExpansionType.Label())
	v := ackView{Title: strings.TrimSpace("Expansion for you: " + k.Account.Name + ", " + what)}
	if rt == nil {
		v.Lines = []string{"This is not routed any more. Look in Slack."}
		return v
	}
	v.Foot = rt.Label() + ". The whole brief is in Slack and in the mail."
	zone := k.Viewer.Location()
	switch {
	case rt.Disposition != expansion.OnPath:
		v.Title = k.Account.Name + " is not with you any more"
		text := rt.Label() + " was " + string(rt.Disposition)
		if rt.LeftReason != "" {
			text += ": " + rt.LeftReason
		}
		v.Lines = []string{text + ".", "There is nothing to do."}
		return v
	case rt.Status.Final():
		v.Title = k.Account.Name + " is closed as " + string(rt.Status)
		v.Lines = []string{"There is nothing to acknowledge."}
		return v
	case rt.Status != expansion.Pending:
		v.Title = k.Account.Name + " is yours"
		if rt.AcknowledgedAt != nil {
			v.Lines = append(v.Lines, "Acknowledged on "+rt.AcknowledgedAt.In(zone).Format("2 January 2006 at 15:04 MST")+".")
		}
		v.Facts = ackFacts(k)
		return v
	}
	if rt.Package.Summary != "" {
		v.Lines = append(v.Lines, rt.Package.Summary)
	}
	v.Facts = ackFacts(k)
	v.Facts = append(v.Facts, ackFact{"Waits until", rt.EscalateAt.In(zone).Format("Mon 2 January, 15:04 MST") + ", then your manager is asked"})
	v.Button = "Acknowledge"
	return v
}

func ackFacts(k expansion.Case) []ackFact {
	facts := []ackFact{{"For", k.Viewer.Name}, {"Signal", k.Signal.Type.Label() + ", " + string(k.Signal.Strength)}}
	if p := k.Routing.Package.ARRPotential; p != nil {
		facts = append(facts, ackFact{"Estimate", p.Signed() + " a year"})
	}
	if k.Routing.Reason != "" {
		facts = append(facts, ackFact{"Why you", k.Routing.Reason})
	}
	if k.Routing.Note != "" {
		facts = append(facts, ackFact{"Note", k.Routing.Note})
	}
	return facts
}
