package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	maxSockets     = 10
	maxClientFrame = 20480 // bytes; Slack closes with 1009 above it
	pingEvery      = 5 * time.Second
	pongWithin     = 10 * time.Second
	maxRetries     = 3    // of an event
	keptEnvelopes  = 5000 // answered or expired ones remembered, to know late and double acks
	keptSamples    = 10000
	keptViolations = 1000
)

// realNow is real time: acks, pings and rate limits are measured on it, whatever the sandbox clock says.
var realNow = time.Now

// socket is one Socket Mode connection.
type socket struct {
	conn     *websocket.Conn
	ready    bool // hello is sent. Guarded by network.mu
	draining bool // told to go; gets no more envelopes. Guarded by network.mu
	gone     chan struct{}
}

// envelope is one delivery to the app.
type envelope struct {
	id      string
	what    string // for violations: "slash command", "block_actions", "event message"
	accepts bool
	sock    *socket
	sent    time.Time
	reply   chan json.RawMessage // one value
	done    bool                 // acked or expired
	acked   bool
	ev      *event
}

// event is one Events API delivery, kept until acknowledged.
type event struct {
	What    string          `json:"what"`
	Payload json.RawMessage `json:"payload"`
	Attempt int             `json:"attempt"` // 0 the first time
	acked   bool
	done    chan struct{} // closed when acknowledged or given up
}

// network is everything about connections. Nothing under mu takes Server.mu.
type network struct {
	mu         sync.Mutex
	down       bool
	socks      []*socket
	next       int
	tickets    map[string]bool
	envelopes  map[string]*envelope
	order      []string // of envelopes, oldest first
	queue      []*event
	flying     map[*event]bool
	pumping    bool
	faults     map[string][]Fault
	newBlocks  bool
	strictAcks bool
	stats      Stats
	violations []string
	payloads   []json.RawMessage
}

func (n *network) init() {
	n.tickets, n.envelopes, n.faults, n.flying = map[string]bool{}, map[string]*envelope{}, map[string][]Fault{}, map[*event]bool{}
	n.newBlocks = true
	n.stats.Methods = map[string]int{}
}

func (n *network) isDown() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down
}

func (n *network) newer() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.newBlocks
}

func (n *network) count(method string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats.Methods[method]++
}

// Connected is the number of sockets that get envelopes.
func (s *Server) Connected() int {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	return s.net.connected()
}

// open says whether the socket gets envelopes. network.mu is held.
func (k *socket) open() bool { return k.ready && !k.draining }

func (n *network) connected() int {
	c := 0
	for _, k := range n.socks {
		if k.open() {
			c++
		}
	}
	return c
}

// SetDown takes Slack away: sockets are cut and refused, the API answers 503. Interactions fail,
// events wait until it is back.
func (s *Server) SetDown(down bool) {
	s.net.mu.Lock()
	s.net.down = down
	s.net.mu.Unlock()
	if down {
		s.dropAll("", 0)
	}
	s.changed()
}

// SetNewBlocks false makes the workspace one without the newer blocks: messages with them are refused
// with invalid_blocks, views with invalid_arguments. That is no violation.
func (s *Server) SetNewBlocks(on bool) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.net.newBlocks = on
}

// SetStrictAcks true honours an ack only on the socket that got its envelope. Whether Slack does is
// not known; false is the default.
func (s *Server) SetStrictAcks(on bool) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.net.strictAcks = on
}

// DropSockets tells every socket to reconnect, with Slack's disconnect frame, and closes it.
// Reasons are warning, refresh_requested, link_disabled and too_many_websockets.
func (s *Server) DropSockets(reason string) { s.dropAll(reason, time.Second) }

// dropAll ends every socket: after a disconnect frame if reason is set, within grace.
func (s *Server) dropAll(reason string, grace time.Duration) {
	s.net.mu.Lock()
	socks := slices.Clone(s.net.socks)
	for _, k := range socks {
		k.draining = true
	}
	s.net.mu.Unlock()
	for _, k := range socks {
		if reason == "" {
			k.conn.CloseNow()
			continue
		}
		s.wg.Go(func() { s.disconnect(k, reason, grace) })
	}
}

func (s *Server) disconnect(k *socket, reason string, grace time.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, grace)
	defer cancel()
	frame := encode(obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-sandbox"}})
	if k.conn.Write(ctx, websocket.MessageText, frame) == nil {
		select {
		case <-k.gone:
			return
		case <-ctx.Done():
		}
	}
	k.conn.CloseNow()
}

func (c *call) connectionsOpen() (obj, error) {
	s := c.s
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	ticket := secret()
	s.net.tickets[ticket] = true
	ws := "ws" + strings.TrimPrefix(s.cfg.BaseURL, "http")
	return obj{"url": ws + "/link/?ticket=" + ticket + "&app_id=" + s.cfg.AppID}, nil
}

func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.net.mu.Lock()
	down, good := s.net.down, s.net.tickets[ticket]
	if !down {
		delete(s.net.tickets, ticket)
	}
	s.net.mu.Unlock()
	switch {
	case down || s.ctx.Err() != nil:
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	case !good:
		http.Error(w, "ticket unknown or used", http.StatusForbidden)
		return
	}
	// slack-go sends Slack's own Origin, Bolt offers compression: accept the one, decline the other.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		s.log.Info("socket refused", "err", err)
		return
	}
	s.runSocket(conn)
}

func (s *Server) runSocket(conn *websocket.Conn) {
	conn.SetReadLimit(1 << 20)
	k := &socket{conn: conn, gone: make(chan struct{})}
	s.net.mu.Lock()
	if s.net.down || s.ctx.Err() != nil {
		s.net.mu.Unlock()
		conn.CloseNow()
		return
	}
	num := len(s.net.socks) + 1
	if num <= maxSockets {
		s.net.socks = append(s.net.socks, k)
	}
	s.wg.Add(1)
	s.net.mu.Unlock()
	defer s.wg.Done()
	hello := encode(obj{
		"type": "hello", "num_connections": num, "connection_info": obj{"app_id": s.cfg.AppID},
		"debug_info": obj{"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060},
	})
	if conn.Write(s.ctx, websocket.MessageText, hello) != nil {
		conn.CloseNow() // reading ends at once below
	}
	if num > maxSockets {
		s.disconnect(k, "too_many_websockets", 200*time.Millisecond)
		return
	}
	s.net.mu.Lock()
	k.ready = true
	s.net.mu.Unlock()
	s.changed()
	s.pump()
	s.wg.Go(func() { s.ping(k) })
	s.read(k)
	conn.CloseNow()
	s.net.mu.Lock()
	s.net.socks = slices.DeleteFunc(s.net.socks, func(o *socket) bool { return o == k })
	s.net.mu.Unlock()
	close(k.gone)
	s.changed()
}

func (s *Server) ping(k *socket) {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-k.gone:
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, pongWithin)
		err := k.conn.Ping(ctx)
		cancel()
		if err != nil {
			k.conn.CloseNow()
			return
		}
	}
}

// read takes acks until the socket ends.
func (s *Server) read(k *socket) {
	for {
		_, frame, err := k.conn.Read(context.Background())
		if err != nil {
			return
		}
		if len(frame) > maxClientFrame {
			s.net.mu.Lock()
			s.net.stats.FramesTooLong++
			s.net.mu.Unlock()
			s.violate("ack of %d bytes sent; Slack closes the socket above %d", len(frame), maxClientFrame)
			k.conn.Close(websocket.StatusMessageTooBig, "Max frame length of 20480 has been exceeded.")
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(frame, &ack); err != nil || ack.EnvelopeID == "" {
			s.violate("frame without envelope_id sent on the socket")
			continue
		}
		s.ack(k, ack.EnvelopeID, ack.Payload)
	}
}

// ack settles one envelope.
func (s *Server) ack(k *socket, id string, payload json.RawMessage) {
	if p := strings.TrimSpace(string(payload)); p == "null" || p == "{}" || p == `""` {
		payload = nil
	}
	n := &s.net
	n.mu.Lock()
	e, known := n.envelopes[id]
	var broken string
	cutSocket := false
	if known && e.sock != k {
		select {
		case <-e.sock.gone:
			cutSocket = true
		default:
			cutSocket = e.sock.draining
		}
	}
	switch {
	case !known:
		broken = "ack for an unknown envelope"
	case e.acked:
		broken = fmt.Sprintf("%s acked twice", e.what)
	case e.done:
		n.stats.LateAcks++
		e.acked = true
		if e.ev != nil {
			e.ev.acked = true // its resend is not needed any more
		}
		if !cutSocket {
			broken = fmt.Sprintf("%s acked late, after %s", e.what, realNow().Sub(e.sent).Round(time.Millisecond))
		}
	case n.strictAcks && e.sock != k:
		// not honoured: the deadline passes
	default:
		e.done, e.acked = true, true
		n.stats.Acks++
		if len(n.stats.AckLatencies) >= keptSamples {
			n.stats.AckLatencies = slices.Delete(n.stats.AckLatencies, 0, keptSamples/10)
		}
		n.stats.AckLatencies = append(n.stats.AckLatencies, realNow().Sub(e.sent))
		if payload != nil && !e.accepts {
			broken = fmt.Sprintf("%s acked with a payload, which it does not accept", e.what)
			payload = nil
		}
		e.reply <- payload
	}
	n.mu.Unlock()
	if broken != "" {
		s.violate("%s", broken)
	}
}

// send writes an envelope to one socket, round robin; nil means no socket took it.
func (s *Server) send(kind, what string, accepts bool, payload json.RawMessage, ev *event) *envelope {
	n := &s.net
	for {
		n.mu.Lock()
		var k *socket
		for range n.socks {
			n.next = (n.next + 1) % len(n.socks)
			if n.socks[n.next].open() {
				k = n.socks[n.next]
				break
			}
		}
		if k == nil {
			n.mu.Unlock()
			return nil
		}
		e := &envelope{id: envelopeID(), what: what, accepts: accepts, sock: k, sent: realNow(), reply: make(chan json.RawMessage, 1), ev: ev}
		n.envelopes[e.id] = e
		n.order = append(n.order, e.id)
		for len(n.order) > keptEnvelopes && n.envelopes[n.order[0]].done {
			delete(n.envelopes, n.order[0])
			n.order = n.order[1:]
		}
		n.mu.Unlock()
		frame := obj{"envelope_id": e.id, "type": kind, "accepts_response_payload": accepts, "payload": payload}
		if ev != nil {
			reason := ""
			if ev.Attempt > 0 {
				reason = "timeout"
			}
			frame["retry_attempt"], frame["retry_reason"] = ev.Attempt, reason
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.cfg.AckTimeout)
		err := k.conn.Write(ctx, websocket.MessageText, encode(frame))
		cancel()
		if err == nil {
			return e
		}
		n.mu.Lock()
		k.draining, e.done = true, true
		n.mu.Unlock()
		k.conn.CloseNow()
	}
}

func envelopeID() string {
	h := secret() + secret()[:8]
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
}

// What a person's client shows when an interaction does not reach the app, or gets no ack.
const (
	codeDispatch = "dispatch_failed"
	codeTimeout  = "operation_timeout"
)

// deliver sends an interaction and waits for its ack. code is "" when it was acknowledged.
func (s *Server) deliver(ctx context.Context, kind, what string, accepts bool, payload obj) (reply json.RawMessage, code string, err error) {
	e := s.send(kind, what, accepts, encode(payload), nil)
	if e == nil {
		return nil, codeDispatch, nil
	}
	t := time.NewTimer(s.cfg.AckTimeout)
	defer t.Stop()
	select {
	case reply = <-e.reply:
		return reply, "", nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.ctx.Done():
		err = fmt.Errorf("the sandbox Slack is closed")
	case <-t.C:
	}
	select { // an ack that came in the same moment counts
	case reply = <-e.reply:
		return reply, "", nil
	default:
	}
	s.expire(e, err == nil)
	return nil, codeTimeout, err
}

// expire closes an envelope whose deadline passed; missed says whether the app had its full time.
func (s *Server) expire(e *envelope, missed bool) {
	s.net.mu.Lock()
	e.done = true
	cut := e.sock.draining
	select {
	case <-e.sock.gone:
		cut = true
	default:
	}
	if missed {
		s.net.stats.MissedAcks++
	}
	s.net.mu.Unlock()
	if missed && !cut {
		s.violate("%s not acked within %s", e.what, s.cfg.AckTimeout)
	}
}
