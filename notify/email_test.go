package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"expansionbot/expansion"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newEmail(t *testing.T, url string, change func(*EmailConfig)) *Email {
	t.Helper()
	cfg := EmailConfig{
		SMTPURL: url, From: "Expansion <expansion@acme.example>", PublicURL: "https://expansion.acme.example/",
		Link: func(r expansion.RoutingID, p expansion.PersonID) string { return fmt.Sprintf("/ack/%s.%s", r, p) },
		// Generous: only the test of the timeout itself sets a short one.
		Timeout: 20 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	e, err := NewEmail(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func handoff(c expansion.Case) Delivery {
	return Delivery{ID: "01HANDOFF", Version: 1, To: c.People["marcus"], Message: expansion.Message{Kind: expansion.CardHandoff, Case: &c}, Since: c.Now}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestMailsLookAsTheyShould(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		delivery func() Delivery
		noLink   bool
	}{
		"handoff":          {func() Delivery { return handoff(brightwater()) }, false},
		"handoff_no_link":  {func() Delivery { return handoff(brightwater()) }, true},
		"handoff_unknowns": {func() Delivery { return handoff(bare()) }, false},
		"handoff_acknowledged": {func() Delivery {
			c := brightwater()
			at := c.Now.Add(-time.Minute)
			c.Routing.Status, c.Routing.AcknowledgedAt = expansion.Acknowledged, &at
			return handoff(c)
		}, false},
		"handoff_restricted": {func() Delivery {
			c := brightwater()
			c.Account.Restricted = true
			return handoff(c)
		}, false},
		"handoff_hostile": {func() Delivery { return handoff(hostile()) }, false},
		"nudge": {func() Delivery {
			c := brightwater()
			c.Now = c.Routing.RoutedAt.Add(4 * time.Hour)
			return Delivery{ID: "01NUDGE", To: c.People["marcus"], Message: expansion.Message{Kind: expansion.ThreadNudge, Case: &c}, Parent: Receipt{Remote: "<01HANDOFF@acme.example>"}}
		}, false},
		"escalation": {func() Delivery {
			c := brightwater()
			c.Now = c.Routing.RoutedAt.Add(48 * time.Hour)
			at := c.Now
			c.Routing.EscalatedAt, c.Routing.EscalatedTo = &at, "lena"
			c.Activities = []expansion.Activity{{Verb: "nudged", RoutingID: c.Routing.ID}, {Verb: "nudged", RoutingID: c.Routing.ID}}
			return Delivery{ID: "01ESC", To: c.People["lena"], Message: expansion.Message{Kind: expansion.CardEscalation, Case: &c}}
		}, false},
		"recalled": {func() Delivery {
			d := handoff(recalled())
			d.Receipt = Receipt{Remote: "<01HANDOFF@acme.example>"}
			return d
		}, false},
		"list": {func() Delivery {
			c := brightwater()
			return Delivery{ID: "01LIST", Since: c.Now, To: c.People["marcus"], Message: expansion.Message{Kind: expansion.CardList, List: &expansion.List{Kind: expansion.ListNudges, Cases: []expansion.Case{c, bare()}}}}
		}, false},
		"notice": {func() Delivery {
			return Delivery{ID: "01NOTE", Since: brightwater().Now, To: brightwater().People["lena"], Message: expansion.Message{Kind: expansion.CardNotice, Text: "No Slack account for Marcus Bell; emailed him. Pick the right person?"}}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := &mailbox{}
			e := newEmail(t, "smtp://"+box.start(t, nil), func(cfg *EmailConfig) {
				if c.noLink {
					cfg.PublicURL = ""
				}
			})
			if _, err := e.Send(t.Context(), c.delivery()); err != nil {
				t.Fatal(err)
			}
			env := box.last(t)
			var head strings.Builder
			for _, h := range []string{"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"} {
				if v := env.GetHeader(h); v != "" {
					fmt.Fprintf(&head, "%s: %s\n", h, v)
				}
			}
			golden(t, name+".golden.txt", head.String()+"\n"+strings.ReplaceAll(env.Text, "\r\n", "\n"))
			golden(t, name+".golden.html", strings.ReplaceAll(env.HTML, "\r\n", "\n"))
		})
	}
}

func TestSubjectIsTheStoryboards(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	e := newEmail(t, "smtp://"+box.start(t, nil), nil)
	r, err := e.Send(t.Context(), handoff(brightwater()))
	if err != nil {
		t.Fatal(err)
	}
	env := box.last(t)
	if got, want := env.GetHeader("Subject"), "Expansion for you: Brightwater Labs, seats, +$19,200 estimate"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	if want := "<01HANDOFF@acme.example>"; r.Remote != want || env.GetHeader("Message-ID") != want {
		t.Errorf("receipt %+v and Message-ID %q, want %s", r, env.GetHeader("Message-ID"), want)
	}
	if !cmp.Equal(box.rcpts, []string{"marcus@acme.example"}) {
		t.Errorf("recipients %v", box.rcpts)
	}
}

func TestARepeatHasTheSameMessageID(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	e := newEmail(t, "smtp://"+box.start(t, nil), nil)
	d := handoff(brightwater())
	var ids []string
	for range 2 {
		if _, err := e.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, box.last(t).GetHeader("Message-ID"))
	}
	if ids[0] != ids[1] {
		t.Errorf("Message-IDs %v differ", ids)
	}
	if _, ok, err := e.Find(t.Context(), d); ok || err != nil {
		t.Errorf("Find: %v, %v; a mail server cannot be asked", ok, err)
	}
}

func TestAMailedCardIsOnlyMailedAgainWhenRecalled(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	e := newEmail(t, "smtp://"+box.start(t, nil), nil)
	d := handoff(brightwater())
	first, err := e.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	// Version 2: the CRM answered. Nobody needs a second mail for that.
	d.Receipt = first
	if r, err := e.Send(t.Context(), d); err != nil || r != first || box.count() != 1 {
		t.Fatalf("edit: %+v, %v, %d mails; want none more", r, err, box.count())
	}
	c := recalled()
	d.Message.Case = &c
	r, err := e.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	env := box.last(t)
	if got := env.GetHeader("Subject"); !strings.HasPrefix(got, "Please ignore R-311") {
		t.Errorf("subject %q", got)
	}
	if env.GetHeader("In-Reply-To") != first.Remote || env.GetHeader("References") != first.Remote || env.GetHeader("Message-ID") == first.Remote {
		t.Errorf("the recall does not answer the first mail: %v", env.Root.Header)
	}
	if r.Remote != first.Remote {
		t.Errorf("receipt %+v, want it to keep naming the first mail", r)
	}
	d.Receipt = r
	if again, err := e.Send(t.Context(), d); err != nil || again != r || box.count() != 2 {
		t.Errorf("after the recall: %+v, %v, %d mails; want silence", again, err, box.count())
	}
}

func TestNoMailForWhatIsOverAlready(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	e := newEmail(t, "smtp://"+box.start(t, nil), nil)
	acked := brightwater()
	acked.Routing.Status, acked.Routing.AcknowledgedAt = expansion.Acknowledged, &acked.Now
	moved := brightwater()
	moved.Routing.Disposition = expansion.Rerouted
	for name, m := range map[string]expansion.Message{
		"nudge after the acknowledgement":      {Kind: expansion.ThreadNudge, Case: &acked},
		"escalation after the acknowledgement": {Kind: expansion.CardEscalation, Case: &acked},
		"handoff after the reroute":            {Kind: expansion.CardHandoff, Case: &moved},
	} {
		if _, err := e.Send(t.Context(), Delivery{ID: "01X", To: acked.People["marcus"], Message: m}); err != nil || box.count() != 0 {
			t.Errorf("%s: %v, %d mails", name, err, box.count())
		}
	}
}

func TestWhatMailCannotShowIsRefusedForGood(t *testing.T) {
	t.Parallel()
	e := newEmail(t, "smtp://127.0.0.1:1", nil)
	c := brightwater()
	noRouting := brightwater()
	noRouting.Routing = nil
	for _, d := range []Delivery{
		{ID: "1", To: c.People["marcus"], Message: expansion.Message{Kind: expansion.CardAsk, Case: &c}},
		{ID: "2", To: c.People["marcus"], Message: expansion.Message{Kind: expansion.CardHandoff, Case: &noRouting}},
		{ID: "3", To: c.People["marcus"], Message: expansion.Message{Kind: expansion.CardList}},
		{ID: "4", To: expansion.Person{ID: "x", Name: "X"}, Message: expansion.Message{Kind: expansion.CardHandoff, Case: &c}},
	} {
		_, err := e.Send(t.Context(), d)
		if f, ok := errors.AsType[*Failure](err); !ok || !f.Permanent || f.Unknown {
			t.Errorf("delivery %s: got %#v, want a permanent failure", d.ID, err)
		}
	}
}

func TestFailuresSayWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	cut := func(c *smtp.Conn) { c.Conn().Close() }
	for name, c := range map[string]struct {
		box  *mailbox
		want Failure
	}{
		"unknown address":         {&mailbox{rcpt: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}}, Failure{Reason: "no_account", Permanent: true}},
		"relaying refused":        {&mailbox{rcpt: &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "relay denied"}}, Failure{Reason: "refused", Permanent: true}},
		"greylisted":              {&mailbox{rcpt: &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"}}, Failure{Reason: "busy"}},
		"content refused":         {&mailbox{data: &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "spam"}}, Failure{Reason: "refused", Permanent: true}},
		"disk full after content": {&mailbox{data: &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "full"}}, Failure{Reason: "busy"}},
		"cut after content":       {&mailbox{after: cut}, Failure{Reason: "lost", Unknown: true}},
		"wrong password":          {&mailbox{auth: func(string, string) bool { return false }}, Failure{Reason: "auth"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := ""
			if c.box.auth != nil {
				user = "bot:wrong@"
			}
			e := newEmail(t, "smtp://"+user+c.box.start(t, nil), nil)
			_, err := e.Send(t.Context(), handoff(brightwater()))
			f, ok := errors.AsType[*Failure](err)
			if !ok {
				t.Fatalf("got %v, want a *Failure", err)
			}
			if got := (Failure{Reason: f.Reason, Permanent: f.Permanent, Unknown: f.Unknown}); got != c.want {
				t.Errorf("got %+v (%v), want %+v", got, err, c.want)
			}
			if f.Text == "" || f.Err == nil {
				t.Errorf("failure without words or cause: %+v", f)
			}
		})
	}
}

func TestNobodyListensOrAnswers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	_, err = newEmail(t, "smtp://"+closed, nil).Send(t.Context(), handoff(brightwater()))
	if f := AsFailure(err); f.Reason != "down" || f.Permanent || f.Unknown {
		t.Errorf("nobody listens: %+v", f)
	}

	// A server that takes the connection and then says nothing.
	box := &mailbox{hold: func(ctx context.Context) { <-ctx.Done() }}
	slow := newEmail(t, "smtp://"+box.start(t, nil), func(cfg *EmailConfig) { cfg.Timeout = 300 * time.Millisecond })
	start := time.Now()
	_, err = slow.Send(t.Context(), handoff(brightwater()))
	if f := AsFailure(err); f.Permanent || f.Unknown || f.Reason != "down" {
		t.Errorf("no answer: %+v", f)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("no answer: gave up after %s", d)
	}

	ctx, cancel := context.WithCancel(t.Context())
	box2 := &mailbox{hold: func(ctx context.Context) { cancel(); <-ctx.Done() }}
	_, err = newEmail(t, "smtp://"+box2.start(t, nil), nil).Send(ctx, handoff(brightwater()))
	if f := AsFailure(err); f.Permanent || f.Unknown {
		t.Errorf("cancelled: %+v", f)
	}
}

func TestSignsInOverTLS(t *testing.T) {
	t.Parallel()
	cert, pool := selfSigned(t)
	box := &mailbox{auth: func(user, pass string) bool { return user == "bot" && pass == "p@ss" }}
	addr := box.start(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	e := newEmail(t, "smtps://bot:p%40ss@"+addr, func(cfg *EmailConfig) { cfg.TLS = &tls.Config{RootCAs: pool} })
	if _, err := e.Send(t.Context(), handoff(brightwater())); err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(box.users, []string{"bot"}) || box.count() != 1 {
		t.Errorf("signed in as %v, %d mails", box.users, box.count())
	}
	if got := e.Check(t.Context()); len(got) != 1 || got[0].Level != expansion.CheckPass || !strings.Contains(got[0].Text, "encrypted") {
		t.Errorf("check: %+v", got)
	}

	distrust := newEmail(t, "smtps://bot:p%40ss@"+addr, nil)
	_, err := distrust.Send(t.Context(), handoff(brightwater()))
	if f := AsFailure(err); f.Reason != "tls" || f.Permanent {
		t.Errorf("unknown certificate: %+v", f)
	}
	if got := distrust.Check(t.Context()); got[0].Level != expansion.CheckFail || got[0].Fix == "" {
		t.Errorf("check of an unknown certificate: %+v", got)
	}
}

func TestCheckSendsNothing(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	e := newEmail(t, "smtp://"+box.start(t, nil), func(cfg *EmailConfig) { cfg.PublicURL = "" })
	got := e.Check(t.Context())
	if len(got) != 1 || got[0].Level != expansion.CheckPass || !strings.Contains(got[0].Text, "Acknowledge in Slack") || box.count() != 0 {
		t.Errorf("check: %+v, %d mails", got, box.count())
	}
}

func TestPasswordsAreNotSentInTheClear(t *testing.T) {
	t.Parallel()
	l := &login{host: "mail.acme.example", user: "bot", password: "p"}
	for _, mech := range []string{"PLAIN", "LOGIN"} {
		if _, _, err := l.Start(serverInfo("mail.acme.example", false, mech)); !errors.Is(err, errNoAuth) {
			t.Errorf("%s without TLS: got %v, want a refusal", mech, err)
		}
		if got, _, err := l.Start(serverInfo("mail.acme.example", true, mech)); err != nil || got != mech {
			t.Errorf("%s with TLS: got %q, %v", mech, got, err)
		}
	}
}

func TestNewEmailNamesTheField(t *testing.T) {
	t.Parallel()
	for _, cfg := range []EmailConfig{
		{SMTPURL: "mail.acme.example:587", From: "a@acme.example"},
		{SMTPURL: "http://u:hunter2@mail.acme.example", From: "a@acme.example"},
		{SMTPURL: "smtp://u:hunter2@", From: "a@acme.example"},
		{SMTPURL: "smtp://u:hunter2@mail.acme.example", From: "nobody"},
	} {
		_, err := NewEmail(cfg)
		e, ok := errors.AsType[*expansion.Error](err)
		if !ok || e.Code != expansion.CodeInvalid || !strings.HasPrefix(e.Field, "email.") {
			t.Errorf("%q from %q: got %v", cfg.SMTPURL, cfg.From, err)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func ExampleEmail_Find() {
	e, err := NewEmail(EmailConfig{SMTPURL: "smtp://127.0.0.1:2525", From: "expansion@acme.example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, ok, err := e.Find(context.Background(), Delivery{ID: "01J"})
	fmt.Println(e.Name(), ok, err)
	// Output: email false <nil>
}
