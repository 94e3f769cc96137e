package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"expansionbot/sandbox/slack"
)

// maxUpload is the largest file a person can drop, in bytes. The product's own limit
// is lower; it must be able to say so.
const maxUpload = 20 << 20

// act is one thing a person does in their Slack.
type act struct {
	Kind    string       `json:"kind"` // see do
	User    string       `json:"user"`
	Channel string       `json:"channel"`
	Thread  string       `json:"thread"`
	Text    string       `json:"text"`
	Target  slack.Target `json:"target"`
	Block   string       `json:"block"`
	Action  string       `json:"action"`
	Value   any          `json:"value"`
	All     bool         `json:"all"` // close the whole stack of modals
}

// result is what the person sees at once.
type result struct {
	slack.Outcome
	Options []slack.Option `json:"options,omitempty"`
	Error   string         `json:"error,omitempty"` // the act was not possible
}

func (s *Server) serveAct(w http.ResponseWriter, r *http.Request) {
	var a act
	if !readJSON(w, r, &a) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	out, err := s.do(ctx, a)
	if err != nil {
		out.Error = sentence(err)
	}
	writeJSON(w, out)
}

func (s *Server) do(ctx context.Context, a act) (out result, err error) {
	switch a.Kind {
	case "command":
		if word, _, _ := strings.Cut(strings.TrimSpace(a.Text), " "); word == "report" {
			defer func() {
				if err == nil && out.Code == "" {
					s.guide.reported()
					s.touch("guide")
				}
			}()
		}
		out.Outcome, err = s.Slack.RunCommand(ctx, a.User, a.Channel, a.Text)
	case "say":
		_, err = s.Slack.Say(a.User, a.Channel, a.Thread, a.Text)
	case "press":
		out.Outcome, err = s.Slack.Press(ctx, a.User, a.Target, a.Block, a.Action, a.Value)
	case "fill":
		err = s.Slack.SetState(a.User, a.Target, a.Block, a.Action, a.Value)
	case "suggest":
		out.Options, err = s.Slack.Suggest(ctx, a.User, a.Target, a.Block, a.Action, a.Text)
	case "submit":
		out.Outcome, err = s.Slack.Submit(ctx, a.User, a.Target.ViewID)
	case "close":
		err = s.Slack.CloseView(ctx, a.User, a.Target.ViewID, a.All)
	case "shortcut":
		out.Outcome, err = s.Slack.Shortcut(ctx, a.User, a.Action, a.Channel, a.Target.TS)
	case "home":
		err = s.Slack.OpenHome(ctx, a.User)
	case "read":
		s.Slack.MarkRead(a.User, a.Channel)
	default:
		err = fmt.Errorf("the page knows no act %q", a.Kind)
	}
	return out, err
}

// sentence makes an error of the sandbox readable in a toast.
func sentence(err error) string {
	text := strings.TrimSuffix(err.Error(), ".")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload+1<<16)
	file, head, err := r.FormFile("file")
	if err != nil {
		text := "The file did not arrive whole; drop it again."
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			text = "That file is over 20 MB; the sandbox takes smaller ones."
		}
		writeJSON(w, result{Error: text})
		return
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(file)
	if err == nil {
		_, err = s.Slack.Upload(r.FormValue("user"), r.FormValue("channel"), filepath.Base(head.Filename), content)
	}
	if err != nil {
		writeJSON(w, result{Error: sentence(err)})
		return
	}
	writeJSON(w, result{})
}

// serveFile hands out a shared file. It is never shown inside the page: a customer's
// HTML must not run here.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	f, content, ok := s.Slack.FileContent(r.FormValue("id"))
	if !ok {
		http.Error(w, "That file is gone.", http.StatusNotFound)
		return
	}
	kind, disposition := "application/octet-stream", "attachment"
	if f.Mimetype == "image/png" || f.Mimetype == "image/jpeg" || f.Mimetype == "image/gif" {
		kind, disposition = f.Mimetype, "inline"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, _ = w.Write(content)
}

func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		By          string `json:"by"`
		NextMorning bool   `json:"next_morning"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	now := s.Clock.Now()
	to := now
	if in.NextMorning && s.NextMorning != nil {
		to = s.NextMorning(now)
	} else {
		d, err := time.ParseDuration(in.By)
		if err != nil || d <= 0 {
			writeJSON(w, result{Error: "The clock moves forward only, by a time such as 48h."})
			return
		}
		to = now.Add(d)
	}
	// A browser tab that is closed must not leave the clock half way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Minute)
	defer cancel()
	if err := s.Clock.Advance(ctx, to); err != nil {
		writeJSON(w, result{Error: sentence(err)})
		return
	}
	s.touch("timeline")
	writeJSON(w, result{})
}

func (s *Server) throwSwitch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Part string `json:"part"`
		Down bool   `json:"down"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	var err error
	switch in.Part {
	case "crm":
		s.CRM.SetDown(in.Down)
	case "mail":
		err = s.Mail.SetDown(in.Down)
	case "slack":
		s.mu.Lock()
		s.slackOff = in.Down
		s.mu.Unlock()
		s.Slack.SetDown(in.Down)
	default:
		err = fmt.Errorf("there is no part %q to break", in.Part)
	}
	if err != nil {
		writeJSON(w, result{Error: sentence(err)})
		return
	}
	s.touch("state")
	writeJSON(w, result{})
}

func (s *Server) slackDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slackOff
}
