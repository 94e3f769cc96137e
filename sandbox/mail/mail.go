package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// maxMessage is the largest message taken, in bytes: 25 MB, as most providers do.
const maxMessage = 25 << 20

// maxKept is how many messages are kept; the oldest go first.
const maxKept = 2000

// Config says how the server behaves.
type Config struct {
	Clock func() time.Time // stamps arrivals; required
	Log   *slog.Logger     // nil logs nothing
}

// Mail is one message as it arrived. Text and HTML are decoded; Raw is the message
// as it came over the wire.
type Mail struct {
	ID        string    `json:"id"` // "m1", "m2" … in order of arrival
	From      string    `json:"from"`
	To        string    `json:"to"` // all recipients of the envelope, joined by ", "
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	Raw       string    `json:"raw"`
	MessageID string    `json:"message_id"` // with its angle brackets; "" if none
	InReplyTo string    `json:"in_reply_to"`
	At        time.Time `json:"at"`
}

// Server is the mailbox. Its methods are safe for use by several goroutines.
type Server struct {
	cfg Config

	mu       sync.Mutex
	addr     string     // fixed by the first Start
	on       *listening // nil before Start, while down and after Close
	down     bool
	closed   bool
	mails    []Mail
	seq      int
	faults   []Fault
	watchers map[chan struct{}]struct{}
}

// New makes a server that is not listening yet. It panics without a clock.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		panic("sandbox mail: Config needs Clock")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, watchers: map[chan struct{}]struct{}{}}
}

// Start listens on a free loopback port and returns it as "127.0.0.1:port". A second
// call returns the same address.
func (s *Server) Start() (addr string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errors.New("start sandbox mail: already closed")
	}
	if s.addr != "" {
		return s.addr, nil
	}
	if err := s.listen("127.0.0.1:0"); err != nil {
		return "", fmt.Errorf("start sandbox mail: %w", err)
	}
	return s.addr, nil
}

// listen starts a fresh SMTP server on addr; s.mu is held.
func (s *Server) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{s: s, conn: c}, nil
	}))
	srv.Domain = "mail.sandbox"
	srv.MaxMessageBytes = maxMessage
	srv.MaxRecipients = 100
	srv.EnableSMTPUTF8 = true
	srv.ReadTimeout = time.Minute
	srv.WriteTimeout = time.Minute
	srv.ErrorLog = quiet{s.cfg.Log}
	served := make(chan struct{})
	s.addr, s.on = l.Addr().String(), &listening{srv, l, served}
	go func() {
		defer close(served)
		if err := srv.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			s.cfg.Log.Debug("sandbox mail stopped", "err", err)
		}
	}()
	return nil
}

// Addr is where the server listens, "" before Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Close stops listening and cuts every connection. What was kept stays readable.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	on := s.on
	s.on = nil
	s.mu.Unlock()
	return on.shut()
}

type listening struct {
	srv    *smtp.Server
	l      net.Listener
	served chan struct{} // closed when srv.Serve has returned
}

func (on *listening) shut() error {
	if on == nil {
		return nil
	}
	_ = on.l.Close() // the server knows it only once Serve has begun
	err := on.srv.Close()
	<-on.served
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Messages lists what arrived, oldest first.
func (s *Server) Messages() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// CountByMessageID says how often each Message-ID arrived: more than once is a
// message sent twice. Messages without one are not counted.
func (s *Server) CountByMessageID() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for _, m := range s.mails {
		if m.MessageID != "" {
			n[m.MessageID]++
		}
	}
	return n
}

// Watch returns a channel that gets a value after the box changed. Several changes
// may be one value. The channel closes when ctx ends.
func (s *Server) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[ch] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
		close(ch)
	})
	return ch
}

func (s *Server) notify() {
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (s *Server) keep(from string, to []string, raw []byte) {
	m := parse(raw)
	m.From = firstOf(m.From, from)
	m.To = strings.Join(to, ", ")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	m.ID = fmt.Sprintf("m%d", s.seq)
	m.At = s.cfg.Clock().UTC()
	s.mails = append(s.mails, m)
	if over := len(s.mails) - maxKept; over > 0 {
		s.mails = slices.Delete(s.mails, 0, over)
	}
	s.notify()
}

// parse reads what it can; a message that is no MIME is kept as its raw text.
func parse(raw []byte) Mail {
	m := Mail{Raw: string(raw)}
	env, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		m.Text = string(raw)
		return m
	}
	m.From = env.GetHeader("From")
	m.Subject = env.GetHeader("Subject")
	m.Text, m.HTML = env.Text, env.HTML
	m.MessageID = strings.TrimSpace(env.GetHeader("Message-ID"))
	m.InReplyTo = strings.TrimSpace(env.GetHeader("In-Reply-To"))
	if a, err := netmail.ParseAddress(m.From); err == nil && a.Name != "" {
		m.From = a.Name + " <" + a.Address + ">"
	}
	return m
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

type snapshot struct {
	Seq   int    `json:"seq"`
	Down  bool   `json:"down"`
	Mails []Mail `json:"mails"`
}

// Snapshot returns the box as JSON. Pending faults are not part of it.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(snapshot{Seq: s.seq, Down: s.down, Mails: s.mails})
}

// Restore replaces the box with one from Snapshot. A box that was down comes back up.
func (s *Server) Restore(b []byte) error {
	var in snapshot
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("restore sandbox mail: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq, s.mails = in.Seq, in.Mails
	s.notify()
	return nil
}
