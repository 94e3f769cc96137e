package mail

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func start(t *testing.T) *Server {
	t.Helper()
	s := New(Config{Clock: func() time.Time { return noon }})
	if _, err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func send(t *testing.T, addr, id, subject string) error {
	t.Helper()
	m := gomail.NewMsg()
	for _, err := range []error{m.FromFormat("Expansion", "bot@acme.example"), m.To("marcus@acme.example")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m.SetMessageIDWithValue(id)
	m.SetGenHeader("In-Reply-To", "<first@acme.example>")
	m.Subject(subject)
	m.SetBodyString(gomail.TypeTextPlain, "Grüße: 132 of 120 seats")
	m.AddAlternativeString(gomail.TypeTextHTML, "<p>132 of <b>120</b> seats</p>")
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	c, err := gomail.NewClient(host, gomail.WithPort(n), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithHELO("localhost"), gomail.WithTimeout(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return c.DialAndSend(m)
}

func TestKeepsWhatArrives(t *testing.T) {
	t.Parallel()
	s := start(t)
	woken := s.Watch(t.Context())
	if err := send(t, s.Addr(), "r311@acme.example", "Expansion for you: Zoë & Co"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	case <-time.After(5 * time.Second):
		t.Fatal("Watch said nothing about a new message")
	}
	got := s.Messages()
	if len(got) != 1 {
		t.Fatalf("got %d messages, want 1", len(got))
	}
	m := got[0]
	for _, c := range []struct{ what, got, want string }{
		{"ID", m.ID, "m1"},
		{"From", m.From, "Expansion <bot@acme.example>"},
		{"To", m.To, "marcus@acme.example"},
		{"Subject", m.Subject, "Expansion for you: Zoë & Co"},
		{"Text", strings.TrimSpace(m.Text), "Grüße: 132 of 120 seats"},
		{"HTML", strings.TrimSpace(m.HTML), "<p>132 of <b>120</b> seats</p>"},
		{"MessageID", m.MessageID, "<r311@acme.example>"},
		{"InReplyTo", m.InReplyTo, "<first@acme.example>"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	if !m.At.Equal(noon) {
		t.Errorf("At: got %v, want the clock's %v", m.At, noon)
	}
	if !strings.Contains(m.Raw, "multipart/alternative") {
		t.Error("Raw does not hold the message as it came")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		kind Fault
		kept int
		says string // what the sender's error holds
	}{
		{"a temporary refusal keeps nothing", FaultTemporary, 0, "451"},
		{"a rejection keeps nothing", FaultRejected, 0, "550"},
		{"a cut line keeps nothing", FaultCut, 0, ""},
		{"a lost answer keeps the message all the same", FaultStoredThenCut, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if err := s.FailNext(c.kind, 1); err != nil {
				t.Fatal(err)
			}
			err := send(t, s.Addr(), "a@acme.example", "x")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("sender got %v, want an error with %q", err, c.says)
			}
			if got := len(s.Messages()); got != c.kept {
				t.Errorf("kept %d, want %d", got, c.kept)
			}
			if err := send(t, s.Addr(), "a@acme.example", "x"); err != nil {
				t.Errorf("the next one failed too: %v", err)
			}
			if got := s.CountByMessageID()["<a@acme.example>"]; got != c.kept+1 {
				t.Errorf("the Message-ID counts %d, want %d", got, c.kept+1)
			}
		})
	}
	if err := start(t).FailNext("nonsense", 1); err == nil {
		t.Error("an unknown fault was accepted")
	}
}

func TestDownRefusesAndComesBackOnTheSamePort(t *testing.T) {
	t.Parallel()
	s := start(t)
	addr := s.Addr()
	if err := s.SetDown(true); err != nil {
		t.Fatal(err)
	}
	if _, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		t.Error("a server that is down took a connection")
	}
	if !s.Down() {
		t.Error("Down says it is up")
	}
	if err := s.SetDown(false); err != nil {
		t.Fatal(err)
	}
	if err := send(t, addr, "b@acme.example", "back"); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestRestoreBringsTheBoxBack(t *testing.T) {
	t.Parallel()
	a := start(t)
	if err := send(t, a.Addr(), "c@acme.example", "kept"); err != nil {
		t.Fatal(err)
	}
	b, err := a.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := start(t)
	if err := other.Restore(b); err != nil {
		t.Fatal(err)
	}
	if err := send(t, other.Addr(), "d@acme.example", "new"); err != nil {
		t.Fatal(err)
	}
	got := other.Messages()
	if len(got) != 2 || got[0].Subject != "kept" || got[1].ID != "m2" {
		t.Errorf("after restore: %+v", got)
	}
	if err := other.Restore([]byte("{")); err == nil {
		t.Error("a broken snapshot was accepted")
	}
}
