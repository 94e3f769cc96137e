package mail

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/emersion/go-smtp"
)

// Fault is one way for the server to misbehave on a message.
type Fault string

// The faults. The two cuts close the connection where the answer was due.
const (
	FaultTemporary     Fault = "temporary"       // 451, try again later; nothing kept
	FaultRejected      Fault = "rejected"        // 550, never; nothing kept
	FaultCut           Fault = "cut"             // the line dies before the message was kept
	FaultStoredThenCut Fault = "stored_then_cut" // kept, but the sender never hears so
)

// FailNext makes the next n messages meet the fault kind; calls queue up. It returns
// an error for a kind that does not exist.
func (s *Server) FailNext(kind Fault, n int) error {
	if !slices.Contains([]Fault{FaultTemporary, FaultRejected, FaultCut, FaultStoredThenCut}, kind) {
		return fmt.Errorf("sandbox mail knows no fault %q", kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.faults = append(s.faults, kind)
	}
	return nil
}

func (s *Server) takeFault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return ""
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// SetDown makes the server refuse connections and cut those it has, or come back on
// the same port. It returns an error if the port was taken meanwhile.
func (s *Server) SetDown(down bool) error {
	s.mu.Lock()
	if s.closed || s.addr == "" || s.down == down {
		s.mu.Unlock()
		return nil
	}
	s.down = down
	s.notify()
	if !down {
		defer s.mu.Unlock()
		if err := s.listen(s.addr); err != nil {
			s.down = true
			return fmt.Errorf("bring sandbox mail back on %s: %w", s.addr, err)
		}
		return nil
	}
	on := s.on
	s.on = nil
	s.mu.Unlock()
	return on.shut() // outside the lock: a session may be waiting for it
}

// Down reports whether the server is switched off.
func (s *Server) Down() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

type session struct {
	s    *Server
	conn *smtp.Conn
	from string
	to   []string
}

var _ smtp.Session = (*session)(nil)

func (x *session) Reset()        { x.from, x.to = "", nil }
func (x *session) Logout() error { return nil }

func (x *session) Mail(from string, _ *smtp.MailOptions) error {
	x.from = from
	return nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.to = append(x.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	fault := x.s.takeFault()
	x.s.cfg.Log.Debug("sandbox mail", "bytes", len(raw), "fault", string(fault))
	switch fault {
	case FaultTemporary:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later"}
	case FaultRejected:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	case FaultCut:
		return x.cut()
	}
	x.s.keep(x.from, x.to, raw)
	if fault == FaultStoredThenCut {
		return x.cut()
	}
	return nil
}

func (x *session) cut() error {
	_ = x.conn.Conn().Close()
	return errors.New("connection cut on request")
}

// quiet sends the library's own complaints to the debug log.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, v ...any) {
	q.log.Debug("smtp", "text", fmt.Sprintf(format, v...))
}
func (q quiet) Println(v ...any) { q.log.Debug("smtp", "text", fmt.Sprint(v...)) }
