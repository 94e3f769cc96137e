package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// mailbox is a real SMTP server that keeps what it takes.
type mailbox struct {
	mu    sync.Mutex
	mails [][]byte
	rcpts []string
	users []string
	rcpt  error                        // answer to RCPT TO
	data  error                        // answer after DATA
	after func(c *smtp.Conn)           // called with the content read, before the answer
	hold  func(ctx context.Context)    // called in MAIL FROM
	ctx   context.Context              // ends with the test
	auth  func(user, pass string) bool // nil = no AUTH
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) { return &mailSession{b, c}, nil }

type mailSession struct {
	b *mailbox
	c *smtp.Conn
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if s.b.hold != nil {
		s.b.hold(s.b.ctx)
	}
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.rcpts = append(s.b.rcpts, to)
	return s.b.rcpt
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.b.mu.Lock()
	s.b.mails = append(s.b.mails, text)
	s.b.mu.Unlock()
	if s.b.after != nil {
		s.b.after(s.c)
	}
	return s.b.data
}

func (s *mailSession) AuthMechanisms() []string {
	if s.b.auth == nil {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if !s.b.auth(user, pass) {
			return smtp.ErrAuthFailed
		}
		s.b.mu.Lock()
		defer s.b.mu.Unlock()
		s.b.users = append(s.b.users, user)
		return nil
	}), nil
}

// start serves b and returns its address. conf makes it smtps.
func (b *mailbox) start(t *testing.T, conf *tls.Config) string {
	t.Helper()
	b.ctx = t.Context()
	srv := smtp.NewServer(b)
	srv.Domain = "mail.acme.example"
	srv.AllowInsecureAuth = true
	srv.ErrorLog = quietLog{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = l.Close() // Close of the server misses a listener that Serve has not taken over yet
		_ = srv.Close()
		<-done
	})
	return addr
}

type quietLog struct{}

func (quietLog) Printf(string, ...any) {}
func (quietLog) Println(...any)        {}

// last parses the newest mail.
func (b *mailbox) last(t *testing.T) *enmime.Envelope {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mails) == 0 {
		t.Fatal("no mail arrived")
	}
	env, err := enmime.ReadEnvelope(bytes.NewReader(b.mails[len(b.mails)-1]))
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func (b *mailbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.mails)
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
