package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/engine"
	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/sandbox/slack"
)

func TestSendsOneCardAndEditsItInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sender(nil)
	d := delivery("D1", "Brightwater Labs: hello")
	r, err := s.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	d.Receipt, d.Version, d.Message.Text = r, 2, "Brightwater Labs: acknowledged"
	again, err := s.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if again.Remote != r.Remote || again.Channel != r.Channel {
		t.Errorf("edited %+v, want the place of %+v", again, r)
	}
	ms := w.dm()
	if len(ms) != 1 || ms[0].Text != d.Message.Text || !ms[0].Edited {
		t.Errorf("Marcus reads %+v, want one edited card", ms)
	}
	if key := metadataKey(ms[0]); key != "D1" {
		t.Errorf("metadata key %q, want D1", key)
	}
}

func TestPutsLinesUnderTheirCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sender(nil)
	card, err := s.Send(t.Context(), delivery("D1", "Brightwater Labs"))
	if err != nil {
		t.Fatal(err)
	}
	d := delivery("D2", "Acknowledged 09:13")
	d.Parent = card
	if _, err := s.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	ms := w.dm()
	if len(ms) != 2 || ms[1].ThreadTS != card.Remote {
		t.Errorf("Marcus reads %+v, want a line in the card's thread", ms)
	}
	r, ok, err := s.Find(t.Context(), d)
	if err != nil || !ok || r.Remote != ms[1].TS {
		t.Errorf("Find in the thread = %+v, %v, %v, want %s", r, ok, err, ms[1].TS)
	}
}

func TestFindsTheCardWhoseAnswerWasCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sender(nil)
	if _, err := s.Send(t.Context(), delivery("D0", "an older card")); err != nil {
		t.Fatal(err)
	}
	w.slack.FailNext("chat.postMessage", slack.AcceptThenCut, 1)
	d := delivery("D1", "Brightwater Labs")
	_, err := s.Send(t.Context(), d)
	if f := notify.AsFailure(err); err == nil || !f.Unknown || f.Permanent {
		t.Fatalf("Send after a cut: %#v, want an unknown result", err)
	}
	r, ok, err := s.Find(t.Context(), d)
	if err != nil || !ok {
		t.Fatalf("Find = %v, %v, want the card", ok, err)
	}
	d.Receipt = r
	if _, err := s.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if ms := w.dm(); len(ms) != 2 {
		t.Errorf("Marcus reads %d messages, want 2: nothing twice", len(ms))
	}
	if _, ok, err := s.Find(t.Context(), delivery("D9", "never sent")); ok || err != nil {
		t.Errorf("Find of a card never sent = %v, %v", ok, err)
	}
}

func TestFailuresSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault     slack.Fault
		reason    string
		permanent bool
		unknown   bool
		after     time.Duration // at least
	}{
		{slack.RateLimited, reasonRate, false, false, time.Second},
		{slack.RateLimitedNoHeader, reasonRate, false, false, defaultPause},
		{slack.OKFalseRatelimited, reasonRate, false, false, defaultPause},
		{slack.Error500HTML, reasonDown, false, true, 0},
		{slack.Error("fatal_error"), reasonDown, false, true, 0},
		{slack.Error("service_unavailable"), reasonDown, false, false, 0},
		{slack.Error("user_disabled"), reasonNoAccount, true, false, 0},
		{slack.Error("restricted_action"), reasonRefused, true, false, 0},
		{slack.Error("token_revoked"), reasonAuth, false, false, time.Minute},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.slack.FailNext("chat.postMessage", c.fault, 1)
			_, err := w.sender(nil).Send(t.Context(), delivery("D1", "Brightwater Labs"))
			f := notify.AsFailure(err)
			if f.Reason != c.reason || f.Permanent != c.permanent || f.Unknown != c.unknown || f.RetryAfter < c.after {
				t.Errorf("got %+v, want %+v", f, c)
			}
		})
	}
}

func TestWaitsAsLongAsSlackAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sender(nil)
	w.slack.FailNext("chat.postMessage", slack.RateLimited, 1)
	if _, err := s.Send(t.Context(), delivery("D1", "one")); notify.AsFailure(err).Reason != reasonRate {
		t.Fatalf("Send: %v, want rate_limited", err)
	}
	before := w.slack.Stats()
	_, err := s.Send(t.Context(), delivery("D1", "one"))
	if later, ok := errors.AsType[*engine.Later](err); !ok || later.After < 100*time.Millisecond {
		t.Errorf("Send inside the pause: %v, want to be asked to come back", err)
	}
	if after := w.slack.Stats(); after.Methods["chat.postMessage"] != before.Methods["chat.postMessage"] {
		t.Error("Slack was asked again inside the pause it wanted")
	}
	for range 20 { // each waits a quarter of a second
		if _, err = s.Send(t.Context(), delivery("D1", "one")); err == nil {
			return
		}
	}
	t.Errorf("Send after the pause: %v", err)
}

// A worker does not wait for a turn that is far off, and coming back early keeps the turn.
func TestATurnFarOffIsBooked(t *testing.T) {
	t.Parallel()
	g := newGate(time.Hour, 1)
	if err := g.pass(t.Context(), "D1", patience); err != nil {
		t.Fatalf("the first turn: %v", err)
	}
	var waits []time.Duration
	for _, id := range []string{"D2", "D3", "D2"} {
		later, ok := errors.AsType[*engine.Later](g.pass(t.Context(), id, patience))
		if !ok {
			t.Fatalf("%s got a turn that an hour's rate does not have", id)
		}
		waits = append(waits, later.After.Round(time.Hour))
	}
	if want := []time.Duration{time.Hour, 2 * time.Hour, time.Hour}; !slices.Equal(waits, want) {
		t.Errorf("turns after %v, want %v", waits, want)
	}
}

func TestSendsThePlainTwinWhenBlocksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sender(nil)
	w.slack.FailNext("chat.postMessage", slack.Error("invalid_blocks"), 1)
	if _, err := s.Send(t.Context(), delivery("D1", "Brightwater Labs")); err != nil {
		t.Fatal(err)
	}
	if ms := w.dm(); len(ms) != 1 || !strings.Contains(string(ms[0].Blocks), "ho_ack") {
		t.Errorf("Marcus reads %+v, want the twin with its button", ms)
	}
	w.slack.FailNext("chat.postMessage", slack.Error("invalid_blocks"), 2)
	_, err := s.Send(t.Context(), delivery("D2", "Brightwater Labs"))
	if f := notify.AsFailure(err); !f.Permanent || f.Reason != reasonRefused {
		t.Errorf("blocks refused twice: %v, want a permanent failure", err)
	}
}

func TestPostsAfreshWhenACardCannotBeEdited(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"edit_window_closed", "message_not_found"} {
		w := newWorld(t)
		s := w.sender(nil)
		d := delivery("D1", "Brightwater Labs")
		r, err := s.Send(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		w.slack.FailNext("chat.update", slack.Error(word), 1)
		d.Receipt = r
		again, err := s.Send(t.Context(), d)
		if err != nil || again.Remote == r.Remote {
			t.Errorf("%s: Send = %+v, %v, want a fresh card", word, again, err)
		}
	}
}

func TestLooksUpAnAccountByEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	linked := ""
	s := w.sender(func(_ context.Context, p expansion.PersonID, id string) error {
		linked = string(p) + "=" + id
		return nil
	})
	d := delivery("D1", "Brightwater Labs")
	d.To.SlackID = ""
	if _, err := s.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if linked != "p-marcus="+marcus {
		t.Errorf("linked %q", linked)
	}
	d = delivery("D2", "Brightwater Labs")
	d.To = expansion.Person{ID: "p-nobody", Email: "nobody@example.com"}
	_, err := s.Send(t.Context(), d)
	if f := notify.AsFailure(err); f.Reason != reasonNoAccount || !f.Permanent || f.Text != "No Slack account for nobody@…." {
		t.Errorf("unknown address: %+v", f)
	}
}

func TestSlackDownIsWorthATry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sender(nil)
	w.slack.SetDown(true)
	_, err := s.Send(t.Context(), delivery("D1", "Brightwater Labs"))
	if f := notify.AsFailure(err); f.Permanent || f.Reason != reasonDown {
		t.Errorf("Send while down: %+v", f)
	}
	w.slack.SetDown(false)
	if _, err := s.Send(t.Context(), delivery("D1", "Brightwater Labs")); err != nil {
		t.Errorf("Send afterwards: %v", err)
	}
}

func TestCheckNamesMissingScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range w.c.Check(t.Context()) {
		if c.Level != expansion.CheckPass {
			t.Errorf("%+v, want a pass", c)
		}
	}
	if got := checkScopes(map[string][]string{"X-Oauth-Scopes": {"chat:write,commands"}}); got.Level != expansion.CheckFail || !strings.Contains(got.Text, "im:history") {
		t.Errorf("%+v, want the missing scopes named", got)
	}
}
