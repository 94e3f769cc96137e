package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"expansionbot/expansion"
)

// session is one connection to the mail server.
type session struct {
	client *gomail.Client
	smtp   *smtp.Client
	conn   net.Conn
	cancel context.CancelFunc
	stop   func() bool
}

// dial connects, encrypts and signs in. Every wait on the connection ends with ctx or
// after the timeout.
func (e *Email) dial(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	s := &session{cancel: cancel, stop: func() bool { return true }}
	policy := gomail.TLSOpportunistic
	if e.loopback {
		policy = gomail.NoTLS
	}
	conf := e.tls()
	opts := []gomail.Option{
		gomail.WithPort(e.port), gomail.WithTimeout(e.cfg.Timeout), gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(conf), gomail.WithoutNoop(),
		// go-mail leaves the connection open when it fails after dialling, so it is kept here.
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			var err error
			if e.implicit {
				s.conn, err = (&tls.Dialer{Config: conf}).DialContext(dialing, network, address)
			} else {
				s.conn, err = (&net.Dialer{}).DialContext(dialing, network, address)
			}
			if err == nil {
				conn := s.conn
				s.stop = context.AfterFunc(ctx, func() { conn.Close() })
			}
			return s.conn, err
		}),
	}
	if e.implicit {
		opts = append(opts, gomail.WithSSL())
	}
	if e.user != "" {
		opts = append(opts, gomail.WithSMTPAuthCustom(&login{host: e.host, user: e.user, password: e.password}))
	}
	var err error
	if s.client, err = gomail.NewClient(e.host, opts...); err != nil {
		s.close()
		return nil, fmt.Errorf("mail client for %s: %w", e.host, err)
	}
	if s.smtp, err = s.client.DialToSMTPClientWithContext(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("connect to %s: %w", e.host, err)
	}
	return s, nil
}

func (s *session) close() {
	s.stop()
	if s.conn != nil {
		s.conn.Close()
	}
	s.cancel()
}

func (e *Email) tls() *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.cfg.TLS != nil {
		conf = e.cfg.TLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = e.host
	}
	return conf
}

// login picks the way to sign in when the server's answer is known. go-mail's own choice
// does not see that a connection we dialled is encrypted.
type login struct {
	smtp.Auth
	host, user, password string
}

var errNoAuth = errors.New("the server offers no way to sign in that keeps the password safe on this connection")

// Start implements smtp.Auth.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	offers := func(mech string) bool { return slices.Contains(server.Auth, mech) }
	safe := server.TLS || server.Name == "localhost" || isLoopback(server.Name)
	switch {
	case safe && offers("PLAIN"):
		l.Auth = smtp.PlainAuth("", l.user, l.password, l.host, safe)
	case safe && offers("LOGIN"):
		l.Auth = smtp.LoginAuth(l.user, l.password, l.host, safe)
	case offers("SCRAM-SHA-256"):
		l.Auth = smtp.ScramSHA256Auth(l.user, l.password)
	case offers("CRAM-MD5"):
		l.Auth = smtp.CRAMMD5Auth(l.user, l.password)
	default:
		return "", nil, errNoAuth
	}
	return l.Auth.Start(server)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// deliver hands one message to the server. A nil error means the server took it.
func (e *Email) deliver(ctx context.Context, m *gomail.Msg) error {
	s, err := e.dial(ctx)
	if err != nil {
		return dialFailure(err)
	}
	defer s.close()
	err = s.client.SendWithSMTPClient(s.smtp, m)
	if m.IsDelivered() {
		// What fails after the server's "250" (RSET, QUIT) is no matter.
		_ = s.client.CloseWithSMTPClient(s.smtp)
		return nil
	}
	if err == nil {
		err = errors.New("the library sent nothing")
	}
	return sendFailure(err)
}

// dialFailure is a failure before any message was offered: nothing about the message is
// wrong, so it is tried again, also with a refused login that somebody may mend.
func dialFailure(err error) *Failure {
	f := &Failure{Reason: "down", Text: "The mail server does not answer.", Err: err}
	var cert *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var code *textproto.Error
	switch {
	case errors.As(err, &cert), errors.As(err, &unknown):
		f.Reason, f.Text = "tls", "The mail server's certificate cannot be trusted."
	case errors.Is(err, errNoAuth), errors.As(err, &code) && (code.Code == 535 || code.Code == 534 || code.Code == 530 || code.Code == 538):
		f.Reason, f.Text = "auth", "The mail server refused the login."
	case errors.As(err, &code) && code.Code == 421:
		f.Reason, f.Text = "busy", "The mail server is busy."
	}
	return f
}

// sendFailure reads how far a message came.
func sendFailure(err error) *Failure {
	f := &Failure{Reason: "down", Text: "The mail server did not take the mail.", Err: err}
	var send *gomail.SendError
	if !errors.As(err, &send) {
		return f
	}
	switch code := send.ErrorCode(); {
	case code >= 500:
		f.Permanent = true
		f.Reason, f.Text = "refused", "The mail server refused the mail."
		if send.Reason == gomail.ErrSMTPRcptTo && !strings.HasPrefix(send.EnhancedStatusCode(), "5.7.") { // 5.7 = not allowed to send
			f.Reason, f.Text = "no_account", "The mail server does not know this address."
		}
	case code >= 400:
		f.Reason, f.Text = "busy", "The mail server asked to try again later."
	case send.Reason == gomail.ErrSMTPDataClose, send.Reason == gomail.ErrWriteContent:
		// The connection broke between the message and the answer.
		f.Reason, f.Unknown = "lost", true
		f.Text = "The mail server's answer was lost."
	}
	return f
}

// Check connects, encrypts and signs in, and sends nothing.
func (e *Email) Check(ctx context.Context) []expansion.Check {
	c := expansion.Check{Level: expansion.CheckPass, What: "Mail server"}
	s, err := e.dial(ctx)
	if err != nil {
		f := dialFailure(err)
		c.Level, c.Text = expansion.CheckFail, f.Text
		switch f.Reason {
		case "auth":
			c.Fix = "Check user and password in email.smtp_url, and that the port offers STARTTLS."
		case "tls":
			c.Fix = "Use the name the certificate is for in email.smtp_url."
		default:
			c.Fix = "Check host and port in email.smtp_url and that this machine may reach it."
		}
		return []expansion.Check{c}
	}
	defer s.close()
	_ = s.client.CloseWithSMTPClient(s.smtp)
	_, encrypted := s.smtp.TLSConnectionState()
	switch {
	case encrypted:
		c.Text = fmt.Sprintf("%s answers, encrypted.", e.host)
	case e.loopback:
		c.Text = fmt.Sprintf("%s answers, plain on this machine.", e.host)
	default:
		c.Level, c.Text = expansion.CheckWarn, fmt.Sprintf("%s offers no STARTTLS; mails travel unencrypted.", e.host)
		c.Fix = "Use a port with STARTTLS or smtps:// in email.smtp_url."
	}
	if e.cfg.PublicURL == "" || e.cfg.Link == nil {
		c.Text += ` Without api.public_url mails say "Acknowledge in Slack".`
	}
	return []expansion.Check{c}
}
