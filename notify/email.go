package notify

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"expansionbot/expansion"
)

// EmailConfig says how mail leaves.
type EmailConfig struct {
	// SMTPURL is smtp://user:password@host:587 or smtps://user:password@host:465. smtp
	// uses STARTTLS where the server offers it and sends no password without it; on
	// loopback it is plain.
	SMTPURL string
	From    string // "Expansion <expansion@acme.example>"; replies come here too
	// PublicURL is where people reach the acknowledge page; "" = mails say "Acknowledge
	// in Slack".
	PublicURL string
	// Link makes the signed address of the page on which person acknowledges routing. A
	// result that starts with "/" is taken under PublicURL; "" = no link.
	Link    func(routing expansion.RoutingID, person expansion.PersonID) string
	Timeout time.Duration // of one delivery from dialling to the server's answer; 0 = 20 s
	TLS     *tls.Config   // nil = the system's certificates
}

const defaultEmailTimeout = 20 * time.Second

// Email is the mail channel. A mail cannot be edited: of a card that was mailed already
// only a recall is sent, as an answer to the first mail. It is safe for concurrent use.
type Email struct {
	cfg      EmailConfig
	from     *mail.Address
	domain   string // of From, for Message-IDs
	host     string
	port     int
	user     string
	password string
	implicit bool // smtps
	loopback bool
}

var _ Channel = (*Email)(nil)

// NewEmail checks cfg. It connects to nothing. Errors never hold the password.
func NewEmail(cfg EmailConfig) (*Email, error) {
	u, err := url.Parse(cfg.SMTPURL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, expansion.FieldErrorf("email.smtp_url", "The mail server's address is not valid; write it like smtp://user:password@mail.acme.example:587.")
	}
	from, err := mail.ParseAddress(cfg.From)
	if err != nil || from.Address == "" {
		return nil, expansion.FieldErrorf("email.from", `The sender's address is not valid; write it like "Expansion <expansion@acme.example>".`)
	}
	e := &Email{
		cfg: cfg, from: from, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:],
		host: u.Hostname(), implicit: u.Scheme == "smtps", user: u.User.Username(), port: 587,
	}
	e.cfg.PublicURL = strings.TrimSuffix(cfg.PublicURL, "/")
	e.password, _ = u.User.Password()
	if e.implicit {
		e.port = 465
	}
	if p := u.Port(); p != "" {
		if e.port, err = net.LookupPort("tcp", p); err != nil {
			return nil, expansion.FieldErrorf("email.smtp_url", "The mail server's port is not valid; write it like smtp://user:password@mail.acme.example:587.")
		}
	}
	ip, err := netip.ParseAddr(e.host)
	e.loopback = e.host == "localhost" || err == nil && ip.Unmap().IsLoopback()
	if e.cfg.Timeout <= 0 {
		e.cfg.Timeout = defaultEmailTimeout
	}
	return e, nil
}

// Name implements Channel.
func (e *Email) Name() string { return "email" }

// Find implements Channel: a mail server cannot be asked what it has, so ok is always
// false. A repeat carries the same Message-ID, by which mail programs know it.
func (e *Email) Find(context.Context, Delivery) (Receipt, bool, error) { return Receipt{}, false, nil }

// Send mails d, or nothing when d has no news for somebody who cannot see an edit: a
// card that was mailed already and not recalled since, or a reminder of a routing that
// was answered meanwhile. The receipt's Remote is the Message-ID of the first mail, and
// its Channel is "recalled" once a recall went out. The error is a *Failure.
func (e *Email) Send(ctx context.Context, d Delivery) (Receipt, error) {
	l, recalled, err := e.compose(d)
	if err != nil {
		return Receipt{}, err
	}
	id := messageID(d.ID, "", e.domain)
	receipt := Receipt{Remote: id}
	if d.Receipt.Remote != "" {
		receipt.Remote = d.Receipt.Remote
		receipt.Channel = d.Receipt.Channel
	}
	if recalled {
		receipt.Channel = stateRecalled
		id = messageID(d.ID, "."+stateRecalled, e.domain)
		if d.Receipt.Remote == "" {
			receipt.Remote = id
		}
	}
	if l == nil {
		return receipt, nil
	}
	m, err := e.message(d, l, id)
	if err != nil {
		return Receipt{}, err
	}
	if err := e.deliver(ctx, m); err != nil {
		return Receipt{}, err
	}
	return receipt, nil
}

// stateRecalled marks the receipt of a card whose recall was mailed.
const stateRecalled = "recalled"

// messageID is the same for every try, so that a repeat is recognisable.
func messageID(delivery, suffix, domain string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, delivery)
	return "<" + safe + suffix + "@" + domain + ">"
}

// message makes the MIME message of a letter.
func (e *Email) message(d Delivery, l *letter, id string) (*gomail.Msg, error) {
	text := l.text()
	html, err := l.html()
	if err != nil {
		return nil, &Failure{Reason: "internal", Permanent: true, Err: fmt.Errorf("render mail of delivery %s: %w", d.ID, err)}
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(e.from)
	to, err := mail.ParseAddress(d.To.Email)
	if err != nil || to.Address != d.To.Email {
		return nil, &Failure{
			Reason: "no_account", Permanent: true, Text: "There is no usable e-mail address for " + oneLine(d.To.Name, 60) + ".",
			Err: fmt.Errorf("person %s has no valid address", d.To.ID),
		}
	}
	m.ToMailAddress(&mail.Address{Name: oneLine(d.To.Name, 60), Address: to.Address})
	m.Subject(l.Subject)
	m.SetMessageIDWithValue(strings.Trim(id, "<>"))
	parent := d.Parent.Remote
	if d.Receipt.Remote != "" {
		parent = d.Receipt.Remote
	}
	if parent != "" && parent != id {
		m.SetGenHeader(gomail.HeaderInReplyTo, parent)
		m.SetGenHeader(gomail.HeaderReferences, parent)
	}
	// Out-of-office programs answer nothing that carries this (RFC 3834).
	m.SetGenHeader(gomail.Header("Auto-Submitted"), "auto-generated")
	at := d.Since
	if d.Message.Case != nil && !d.Message.Case.Now.IsZero() {
		at = d.Message.Case.Now
	}
	if !at.IsZero() {
		m.SetDateWithValue(at.In(d.To.Location()))
	}
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	return m, nil
}
