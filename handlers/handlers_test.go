package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// refusing is an engine in which nobody gets further than one verb: it answers err.
type refusing struct {
	Verbs
	err error
}

func (r refusing) Now() time.Time { return time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC) }

func (r refusing) PersonBySlack(context.Context, string) (expansion.Person, error) {
	return expansion.Person{ID: "p1", Name: "Marcus Bell"}, nil
}

func (r refusing) Acknowledge(context.Context, expansion.PersonID, expansion.RoutingID, int64) error {
	return r.err
}

func (r refusing) NotMine(context.Context, expansion.PersonID, expansion.RoutingID, int64, engine.NotMineInput) error {
	return r.err
}

func (r refusing) Log(context.Context, expansion.PersonID, engine.LogInput) (engine.LogResult, error) {
	return engine.LogResult{}, r.err
}

func (r refusing) SearchAccounts(_ context.Context, q string, _ int) ([]expansion.Account, error) {
	all := []expansion.Account{{ID: "bw", Name: "Brightwater Labs", Domain: "brightwater.example"}, {ID: "be", Name: "Brightside Energy"}, {ID: "al", Name: "Alder & Co"}}
	var hits []expansion.Account
	for _, a := range all {
		if strings.Contains(strings.ToLower(a.Name+a.Domain), strings.ToLower(q)) {
			hits = append(hits, a)
		}
	}
	return hits, nil
}

// screen is a Slack that keeps what was shown.
type screen struct {
	mu    sync.Mutex
	said  []string
	views []slack.ModalViewRequest
}

func (s *screen) OpenView(_ context.Context, _ string, v slack.ModalViewRequest) (string, error) {
	return "V1", s.UpdateView(context.Background(), "V1", "", v)
}

func (s *screen) PushView(ctx context.Context, t string, v slack.ModalViewRequest) (string, error) {
	return s.OpenView(ctx, t, v)
}

func (s *screen) UpdateView(_ context.Context, _, _ string, v slack.ModalViewRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = append(s.views, v)
	return nil
}

func (s *screen) FillView(ctx context.Context, _ string, v slack.ModalViewRequest) error {
	return s.UpdateView(ctx, "V1", "", v)
}

func (s *screen) PublishHome(context.Context, string, slack.HomeTabViewRequest) error { return nil }
func (s *screen) Permalink(context.Context, string, string) string                    { return "" }

func (s *screen) Ephemeral(_ context.Context, _ Where, m blocks.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, m.Text)
	return nil
}

func pressed(action, value string) engine.Envelope {
	b, err := json.Marshal(map[string]any{
		"type": "block_actions", "user": map[string]any{"id": "U1"}, "container": map[string]any{"type": "message", "channel_id": "D1", "message_ts": "1.0"},
		"actions": []any{map[string]any{"type": "button", "action_id": action, "block_id": "b", "value": value}},
	})
	if err != nil {
		panic(err)
	}
	return engine.Envelope{ID: "E-" + action, Kind: KindAction, User: "U1", Payload: b}
}

func submitted(callback string, m blocks.Meta, values map[string]any) engine.Envelope {
	b, err := json.Marshal(map[string]any{
		"type": "view_submission", "user": map[string]any{"id": "U1"},
		"view": map[string]any{"id": "V1", "type": "modal", "callback_id": callback, "private_metadata": m.String(), "state": map[string]any{"values": values}, "blocks": []any{}},
	})
	if err != nil {
		panic(err)
	}
	return engine.Envelope{ID: "E-" + callback, Kind: KindSubmit, User: "U1", Payload: b}
}

func TestErrorsReachThePresserInWords(t *testing.T) { // storyboard 11, STYLE §4
	t.Parallel()
	for _, c := range []struct {
		name  string
		err   error
		want  string
		again bool
	}{
		{"a conflict says who was first and is settled", expansion.Errorf(expansion.CodeConflict, "Already acknowledged by Marcus at 10:12. Nothing changed."), "Already acknowledged by Marcus at 10:12. Nothing changed.", false},
		{"a refusal says who can", expansion.Errorf(expansion.CodeDenied, "Only Dana can do that."), "Only Dana can do that.", false},
		{"what is gone stays gone", expansion.Errorf(expansion.CodeGone, "R-311 was recalled at 09:09."), "R-311 was recalled at 09:09.", false},
		{"a wait is tried again", &expansion.Error{Code: expansion.CodeUnavailable, Text: "The CRM sleeps."}, "Still working; I'll update this message.", true},
		{"a bug shows a reference and no cause", errors.New("sql: no rows of secret"), "Something broke on my side (ref " + reference("E-ho_ack") + "). Your text is safe; try again.", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, log := &screen{}, &bytes.Buffer{}
			h := New(refusing{err: c.err}, s, slog.New(slog.NewTextHandler(log, nil)))
			env := pressed(blocks.ActionAcknowledge, "R1:1")
			for range 3 { // the job tries again; the person is told once
				if err := h.Work(t.Context(), env); (err != nil) != c.again {
					t.Fatalf("Work = %v, want an error: %v", err, c.again)
				}
				if !c.again {
					break
				}
			}
			if len(s.said) != 1 || s.said[0] != c.want {
				t.Errorf("said %q, want %q once", s.said, c.want)
			}
			if expansion.CodeOf(c.err) == expansion.CodeInternal && !strings.Contains(log.String(), "ref="+reference(env.ID)) {
				t.Errorf("the log does not hold the reference: %s", log)
			}
		})
	}
}

func TestABadLogComesBackWithWhatWasTyped(t *testing.T) { // storyboard 7.17
	t.Parallel()
	s := &screen{}
	h := New(refusing{err: expansion.FieldErrorf("when", "That day is in the future. Say when it happened.")}, s, nil)
	env := submitted(blocks.CallbackLogSignal, blocks.Meta{}, map[string]any{
		blocks.BlockAccount:  map[string]any{blocks.InputAccount: map[string]any{"type": "external_select", "selected_option": map[string]any{"text": map[string]any{"type": "plain_text", "text": "Brightwater Labs"}, "value": "bw"}}},
		blocks.BlockWhat:     map[string]any{blocks.InputValue: map[string]any{"type": "plain_text_input", "value": "they asked for 30 seats"}},
		blocks.BlockType:     map[string]any{blocks.InputValue: map[string]any{"type": "static_select", "selected_option": map[string]any{"value": "explicit_request"}}},
		blocks.BlockStrength: map[string]any{blocks.InputValue: map[string]any{"type": "radio_buttons", "selected_option": map[string]any{"value": "strong"}}},
	})
	if err := h.Work(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if len(s.views) != 1 || s.views[0].CallbackID != blocks.CallbackLogSignal {
		t.Fatalf("shown %d views, want the form", len(s.views))
	}
	b, err := json.Marshal(s.views[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"they asked for 30 seats", "That day is in the future."} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the form lacks %q: %s", want, b)
		}
	}
}

func TestFieldErrorsNeedNoStore(t *testing.T) { // storyboard 3.1
	t.Parallel()
	h := New(nil, nil, nil) // Look asks nobody
	c, err := Parse(submitted(blocks.CallbackLogSignal, blocks.Meta{}, nil))
	if err != nil {
		t.Fatal(err)
	}
	l := h.Look(c)
	r, ok := l.Ack.(*slack.ViewSubmissionResponse)
	if l.Way != Reply || !ok || r.Errors[blocks.BlockWhat] != "Say what happened in at least 10 characters." {
		t.Errorf("Look = %+v, %+v", l, r)
	}
}

// Every id of blocks leads to a row, or is one of those whose scenes are not built: a
// new button must not be forgotten here.
func TestEveryActionIDHasARow(t *testing.T) {
	t.Parallel()
	later := map[string]bool{
		"tr_save": true, "tr_edit": true, "tr_skip": true, "act_meet": true, "meet_works": true, "dg_time": true, "dg_off": true,
		"pol_publish": true, "pol_all": true, "pol_discard": true, "gr_keep": true, "gr_revert": true, "gr_misses": true,
		"hold_message": true, "hold_share": true, "hold_anyway": true, "modal_reopen": true,
		"hold_signal": true,
	}
	noSubmit := map[string]bool{"why": true, "handoff_brief": true, "wait": true}
	f, err := parser.ParseFile(token.NewFileSet(), "../blocks/ids.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		lit, ok := v.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		id, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		name := v.Names[0].Name
		kinds := []string{}
		switch {
		case strings.HasPrefix(name, "Action"):
			kinds = []string{KindAction}
		case strings.HasPrefix(name, "Callback"):
			kinds = []string{KindSubmit, KindShortcut}
		}
		if len(kinds) == 0 || later[id] || noSubmit[id] || id == blocks.ActionOpenLink {
			return true
		}
		n++
		for _, k := range kinds {
			if _, ok := table[k][id]; ok {
				return true
			}
		}
		for _, m := range menus {
			if m == id {
				return true
			}
		}
		t.Errorf("%s (%s) has no row", name, id)
		return true
	})
	if n < 40 {
		t.Errorf("only %d ids found in blocks/ids.go", n)
	}
}

func TestGuessesWhatWasMeant(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"lgo": "log", "acount": "account", "lst": "list", "hlep": "help", "xyzzy": "", "oo": "ooo", "reports": "report"} {
		if got := nearest(typed, commandWords()); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestTellsTheAccountFromTheWords(t *testing.T) {
	t.Parallel()
	h := New(refusing{}, &screen{}, nil)
	for typed, want := range map[string][2]string{
		"Brightwater they asked about 30 more seats": {"bw", "they asked about 30 more seats"},
		"brightwater labs: more seats":               {"bw", "more seats"},
		"brightwater.example more":                   {"bw", "more"},
		"Alder & Co want the bigger plan":            {"al", "want the bigger plan"},
		"Bright they asked":                          {"", "Bright they asked"},
		"they asked":                                 {"", "they asked"},
		"":                                           {"", ""},
	} {
		a, words, err := h.guessAccount(t.Context(), typed)
		if err != nil || string(a.ID) != want[0] || words != want[1] {
			t.Errorf("%q: account %q, words %q, %v, want %q", typed, a.ID, words, err, want)
		}
	}
}

func TestReadsFilters(t *testing.T) {
	t.Parallel()
	h := New(refusing{}, &screen{}, nil)
	p := &press{by: expansion.Person{ID: "p1"}, now: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}
	f, err := h.parseFilter(t.Context(), p, "type: usage growth, budget strength:strong status: open account: brightwater owner: me since: 2w")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Types) != 2 || f.Types[1] != expansion.BudgetDiscussion || f.Strengths[0] != expansion.Strong || len(f.Statuses) != 4 ||
		f.AccountID != "bw" || f.Owner != "p1" || !f.Since.Equal(p.now.AddDate(0, 0, -14)) {
		t.Errorf("read %+v", f)
	}
	for _, bad := range []string{"strong", "type: colour", "strength: x", "since: later", "account: zzz", "status: usage"} {
		if _, err := h.parseFilter(t.Context(), p, bad); err == nil {
			t.Errorf("%q was understood", bad)
		} else if expansion.CodeOf(err) == expansion.CodeInternal {
			t.Errorf("%q: %v has no sentence", bad, err)
		}
	}
}

func TestReadsShortNumbers(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"R-311": "R-311", "r311": "R-311", "311": "R-311", " s-1042. ": "S-1042", "o 1": "o 1", "": "", "01JX": "01JX"} {
		if got := shortRef(typed); got != want {
			t.Errorf("shortRef(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestRouteInputChangesOnlyWhatThePersonChanged(t *testing.T) { // storyboard 3.3
	t.Parallel()
	c := expansion.Case{Plan: &expansion.Decision{To: "marcus"}, Signal: expansion.Signal{Potential: &expansion.Potential{Likely: expansion.Money{Minor: 1_920_000, Currency: "USD"}}}}
	same, other := 19200.0, 25000.0
	in := routeInput(c, blocks.PreviewValues{To: "marcus", Potential: &same, Email: true, Hold: true})
	if in.To != "" || in.Potential != nil || in.NoEmail || in.NoHold {
		t.Errorf("unchanged preview gave %+v", in)
	}
	in = routeInput(c, blocks.PreviewValues{To: "dana", AskedForReason: true, WhyChange: blocks.OverrideKnows, Potential: &other})
	if in.To != "dana" || in.OverrideReason != blocks.OverrideKnows || in.Potential == nil || in.Potential.Minor != 2_500_000 || !in.NoEmail || !in.NoHold {
		t.Errorf("changed preview gave %+v", in)
	}
	c.Plan = nil
	if in = routeInput(c, blocks.PreviewValues{To: "dana"}); in.To != "dana" || in.OverrideReason == "" {
		t.Errorf("a choice where nobody was eligible gave %+v", in)
	}
}

// A draft comes back as it was typed, whether it fits the modal or not.
func TestDraftsComeBack(t *testing.T) {
	t.Parallel()
	h := New(nil, nil, nil)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 2000, -1)
		d := draft{LogValues: blocks.LogValues{Account: "bw", Type: expansion.ExplicitRequest, What: text.Draw(t, "what"), Quote: text.Draw(t, "quote")}, Author: "U1"}
		m := blocks.Meta{Signal: "01JX00000000000000000000", Version: 3, Account: "bw"}
		m.Draft = h.keep(d, m, rapid.StringMatching(`[a-z0-9]{20}`).Draw(t, "envelope"))
		if n := len(m.String()); n > 3000 {
			t.Fatalf("private_metadata has %d characters", n)
		}
		got, ok := h.kept(m.Draft)
		if !ok || got.What != strings.ToValidUTF8(d.What, "\uFFFD") || got.Quote != strings.ToValidUTF8(d.Quote, "\uFFFD") || got.Author != "U1" {
			t.Fatalf("kept %+v, got %+v, %v", d, got, ok)
		}
	})
	if _, ok := h.kept("z:not packed"); ok {
		t.Error("a broken draft was read")
	}
}

// Whatever Slack sends is read or refused; Look answers what is read without asking.
func FuzzParse(f *testing.F) {
	f.Add(KindCommand, `{"text":"log Brightwater","user_id":"U1","is_enterprise_install":"false"}`)
	f.Add(KindInteractive, `{"type":"block_actions","actions":[{"action_id":"ho_more","type":"overflow","selected_option":{"value":"why:R1:2"}}]}`)
	f.Add(KindInteractive, `{"type":"view_submission","view":{"id":"V1","callback_id":"log_signal"}}`)
	f.Add(KindEvent, `{"event_id":"Ev1","event":{"type":"app_home_opened","user":"U1","tab":"home"}}`)
	f.Add(KindEvent, `{"event":{"type":"user_change","user":{"id":"U1"}}}`)
	h := New(nil, nil, nil)
	f.Fuzz(func(t *testing.T, kind, payload string) {
		c, err := Parse(engine.Envelope{ID: "E1", Kind: kind, Payload: []byte(payload)})
		if err != nil {
			return
		}
		if l := h.Look(c); l.Way == Store && c.Env.Kind == KindInteractive {
			t.Fatalf("an envelope of no refined kind would be kept: %+v", c)
		}
	})
}
