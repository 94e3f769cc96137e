package slack

import (
	"slices"
	"time"
)

// emit queues an event if the app subscribed to sub; ch is the conversation it is about, or nil.
// It returns nil when the app does not listen. s.mu is held.
func (s *Server) emit(sub string, ch *channel, ev obj) *event {
	if !slices.Contains(s.cfg.Events, sub) {
		return nil
	}
	name, _ := ev["type"].(string)
	payload := encode(obj{
		"token": "sandbox", "team_id": s.cfg.TeamID, "context_team_id": s.cfg.TeamID, "api_app_id": s.cfg.AppID, "type": "event_callback",
		"event_id": s.id("Ev"), "event_time": s.cfg.Clock().Unix(), "event": ev,
		"authorizations":        []any{obj{"enterprise_id": nil, "team_id": s.cfg.TeamID, "user_id": s.BotUserID(), "is_bot": true, "is_enterprise_install": false}},
		"is_ext_shared_channel": ch != nil && ch.External,
	})
	e := &event{What: "event " + name, Payload: payload, done: make(chan struct{})}
	s.net.mu.Lock()
	s.net.queue = append(s.net.queue, e)
	s.net.mu.Unlock()
	s.pump()
	return e
}

// requeue puts back events of a snapshot.
func (s *Server) requeue(pending []*event) {
	for _, e := range pending {
		e.done = make(chan struct{})
	}
	s.net.mu.Lock()
	s.net.queue = append(s.net.queue, pending...)
	s.net.mu.Unlock()
	s.pump()
}

// pendingEvents are copies of those not yet acknowledged: on their way first, then queued.
func (s *Server) pendingEvents() []*event {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	var out []*event
	for e := range s.net.flying {
		if !e.acked {
			out = append(out, &event{What: e.What, Payload: e.Payload, Attempt: min(e.Attempt+1, maxRetries)})
		}
	}
	for _, e := range s.net.queue {
		out = append(out, &event{What: e.What, Payload: e.Payload, Attempt: e.Attempt})
	}
	return out
}

// pump sends queued events in order while a socket is up. One pump runs at a time.
func (s *Server) pump() {
	n := &s.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pumping || len(n.queue) == 0 || n.connected() == 0 || s.ctx.Err() != nil {
		return
	}
	n.pumping = true
	s.wg.Go(s.pumpQueue)
}

func (s *Server) pumpQueue() {
	n := &s.net
	for {
		n.mu.Lock()
		if len(n.queue) == 0 || n.connected() == 0 || s.ctx.Err() != nil {
			n.pumping = false
			n.mu.Unlock()
			return
		}
		e := n.queue[0]
		n.queue = n.queue[1:]
		if e.acked {
			n.mu.Unlock()
			close(e.done)
			continue
		}
		n.flying[e] = true
		n.mu.Unlock()
		env := s.send("events_api", e.What, false, e.Payload, e)
		if env == nil {
			s.again(e, 0)
			continue
		}
		s.wg.Go(func() { s.await(e, env) })
	}
}

// await waits for the ack of an event and sends it again without one, up to three times. A cut
// socket is not the app's fault: such events stay until a socket comes back.
func (s *Server) await(e *event, env *envelope) {
	t := time.NewTimer(s.cfg.AckTimeout)
	defer t.Stop()
	select {
	case <-env.reply:
		s.settle(e)
	case <-s.ctx.Done():
		s.again(e, 1)
	case <-env.sock.gone:
		select {
		case <-env.reply:
			s.settle(e)
			return
		default:
		}
		s.net.mu.Lock()
		env.done = true
		s.net.mu.Unlock()
		s.again(e, 1)
	case <-t.C:
		select {
		case <-env.reply:
			s.settle(e)
			return
		default:
		}
		s.expire(env, true)
		if e.Attempt >= maxRetries {
			s.settle(e)
			return
		}
		s.again(e, 1)
	}
}

func (s *Server) settle(e *event) {
	s.net.mu.Lock()
	e.acked = true
	delete(s.net.flying, e)
	s.net.mu.Unlock()
	close(e.done)
}

// again puts an event back at the head of the queue.
func (s *Server) again(e *event, attempts int) {
	s.net.mu.Lock()
	delete(s.net.flying, e)
	e.Attempt = min(e.Attempt+attempts, maxRetries)
	if attempts > 0 {
		s.net.stats.EventsResent++
	}
	s.net.queue = slices.Insert(s.net.queue, 0, e)
	s.net.mu.Unlock()
	s.pump()
}

// waitEvent waits until an event is acknowledged, at most the ack deadline. Without a socket it does
// not wait: the event stays queued, as in Slack.
func (s *Server) waitEvent(e *event) {
	if e == nil || s.Connected() == 0 {
		return
	}
	t := time.NewTimer(s.cfg.AckTimeout)
	defer t.Stop()
	select {
	case <-e.done:
	case <-t.C:
	case <-s.ctx.Done():
	}
}
