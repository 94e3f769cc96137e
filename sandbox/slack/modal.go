package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const trouble = "We had some trouble connecting. Try again?"

// Submit presses the submit button of user's top modal. What Slack's client would not send (an empty
// required field, a bad number) and what the app answers with errors come back in FieldErrors, and the
// modal stays open. Otherwise the modal is closed, updated or covered as the app's ack says.
func (s *Server) Submit(ctx context.Context, user, viewID string) (Outcome, error) {
	s.mu.Lock()
	p, err := s.resolve(user, Target{ViewID: viewID})
	if err == nil && p.v.Content["submit"] == nil {
		err = errors.New("the modal has no submit button")
	}
	if err != nil {
		s.mu.Unlock()
		return Outcome{}, fmt.Errorf("submit: %w", err)
	}
	if bad := refusals(p.blocks, p.v.State); len(bad) > 0 {
		p.v.Errors = maps.Clone(bad)
		s.mu.Unlock()
		s.changed()
		return Outcome{FieldErrors: bad}, nil
	}
	p.v.Errors = nil
	payload := s.base("view_submission", p.user)
	payload["view"], payload["trigger_id"], payload["response_urls"] = s.apiView(p.v), s.trigger(user, viewID), s.submitURLs(p)
	what := "view_submission " + p.v.str("callback_id")
	s.mu.Unlock()
	reply, code, err := s.deliver(ctx, "interactive", what, true, payload)
	if err != nil {
		return Outcome{}, err
	}
	defer s.changed()
	if code != "" {
		return Outcome{Code: code, Text: trouble + " (" + code + ")"}, nil
	}
	bad, err := s.submitReply(user, viewID, reply)
	if err != nil {
		return Outcome{Code: codeResponse, Text: trouble + " (" + codeResponse + ")"}, nil
	}
	return Outcome{FieldErrors: bad}, nil
}

// submitURLs are the response URLs of conversation selects that asked for one. s.mu is held.
func (s *Server) submitURLs(p place) []any {
	out := []any{}
	for _, e := range elementsOf(p.blocks) {
		if e.el["response_url_enabled"] != true {
			continue
		}
		id, _ := p.v.State[e.blockID][e.actionID][valueKey(e.kind)].(string)
		if ch, ok := s.w.Channels[id]; ok {
			out = append(out, obj{"block_id": e.blockID, "action_id": e.actionID, "channel_id": id, "response_url": s.newResponseURL(p.user.ID, ch, nil)})
		}
	}
	return out
}

// submitReply does what the ack of a submission says. It returns the app's field errors, or an error
// for an ack Slack would not take; the app never learns of that, so it is a violation.
func (s *Server) submitReply(user, viewID string, reply json.RawMessage) (map[string]string, error) {
	var r struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
	}
	var raw struct {
		View json.RawMessage `json:"view"`
	}
	if reply != nil && (json.Unmarshal(reply, &r) != nil || json.Unmarshal(reply, &raw) != nil) {
		s.violate("view_submission acked with a payload of the wrong form")
		return nil, refuse(codeResponse)
	}
	var content obj
	if r.Action == "update" || r.Action == "push" {
		v, err := decode(raw.View)
		if err != nil {
			v = nil
		}
		if content, err = s.viewArg(v, "view_submission ack"); err != nil {
			if v == nil {
				s.violate("view_submission ack: %s without a view", r.Action)
			}
			return nil, err
		}
		if content["type"] != "modal" {
			s.violate("view_submission ack: view of type %v", content["type"])
			return nil, refuse(codeResponse)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stack := s.w.Stacks[user]
	i := slices.IndexFunc(stack, func(v *view) bool { return v.ID == viewID })
	if i < 0 { // gone meanwhile
		return nil, nil
	}
	switch r.Action {
	case "":
		s.setStack(user, slices.Delete(slices.Clone(stack), i, i+1))
	case "clear":
		s.setStack(user, nil)
	case "errors":
		return s.submitErrors(stack[i], r.Errors)
	case "update":
		if s.externalTaken(content, viewID) {
			s.violate("view_submission ack: external_id is taken")
			return nil, refuse(codeResponse)
		}
		s.replace(stack[i], content)
	case "push":
		if len(stack) >= maxStack || s.externalTaken(content, "") {
			s.violate("view_submission ack: push beyond %d modals or with a taken external_id", maxStack)
			return nil, refuse(codeResponse)
		}
		s.push(user, content)
	default:
		s.violate("view_submission ack: unknown response_action %q", r.Action)
		return nil, refuse(codeResponse)
	}
	return nil, nil
}

// submitErrors wants the block ids of input blocks. s.mu is held.
func (s *Server) submitErrors(v *view, bad map[string]string) (map[string]string, error) {
	known := map[string]bool{}
	for _, e := range elementsOf(v.blocks()) {
		known[e.blockID] = known[e.blockID] || e.input != nil
	}
	for id, text := range bad {
		if !known[id] {
			s.violate("view_submission ack: errors name %q, which is no input block", id)
			return nil, refuse(codeResponse)
		}
		if strings.TrimSpace(text) == "" {
			s.violate("view_submission ack: empty error text for %q", id)
		}
	}
	if len(bad) == 0 {
		s.violate("view_submission ack: response_action errors without errors")
		return nil, refuse(codeResponse)
	}
	v.Errors = maps.Clone(bad)
	return bad, nil
}

func (s *Server) setStack(user string, stack []*view) {
	if len(stack) == 0 {
		delete(s.w.Stacks, user)
		return
	}
	s.w.Stacks[user] = stack
}

// CloseView closes user's top modal with the X or Cancel; clearAll, or clear_on_close of the view,
// closes all below it too. Views with notify_on_close tell the app.
func (s *Server) CloseView(ctx context.Context, user, viewID string, clearAll bool) error {
	s.mu.Lock()
	p, err := s.resolve(user, Target{ViewID: viewID})
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("close: %w", err)
	}
	stack := s.w.Stacks[user]
	all := clearAll || p.v.bool("clear_on_close")
	closing := []*view{p.v}
	if all {
		closing = slices.Clone(stack)
		slices.Reverse(closing)
		s.setStack(user, nil)
	} else {
		s.setStack(user, stack[:len(stack)-1])
	}
	var payloads []obj
	for _, v := range closing {
		if v.bool("notify_on_close") {
			o := s.base("view_closed", p.user)
			o["view"], o["is_cleared"] = s.apiView(v), all
			payloads = append(payloads, o)
		}
	}
	s.mu.Unlock()
	s.changed()
	for _, o := range payloads { // a close that does not reach the app is lost, and the person sees nothing
		if _, _, err := s.deliver(ctx, "interactive", "view_closed", false, o); err != nil {
			return err
		}
	}
	return nil
}

// Option is one line of an external select.
type Option struct {
	Text        string `json:"text"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Group       string `json:"group,omitempty"`
}

// Suggest types into an external select and returns what the app offers. Below the element's
// min_query_length (default 3) nothing is asked and nothing offered. An error whose text holds
// dispatch_failed or operation_timeout is what Slack shows as a list that could not be loaded.
func (s *Server) Suggest(ctx context.Context, user string, t Target, blockID, actionID, typed string) ([]Option, error) {
	fail := func(err error) ([]Option, error) { return nil, fmt.Errorf("suggest %s: %w", actionID, err) }
	s.mu.Lock()
	p, err := s.resolve(user, t)
	var e placed
	if err == nil {
		e, err = p.element(blockID, actionID)
	}
	if err == nil && !strings.HasSuffix(e.kind, "external_select") {
		err = fmt.Errorf("a %s asks the app for nothing", e.kind)
	}
	if err != nil {
		s.mu.Unlock()
		return fail(err)
	}
	least := 3
	if n, ok := num(e.el["min_query_length"]); ok {
		least = int(n)
	}
	if len([]rune(typed)) < least {
		s.mu.Unlock()
		return nil, nil
	}
	payload := s.base("block_suggestion", p.user)
	s.where(payload, p)
	payload["action_id"], payload["block_id"], payload["value"] = e.actionID, e.blockID, typed
	key := offerKey(user, p, e)
	s.mu.Unlock()
	reply, code, err := s.deliver(ctx, "interactive", "block_suggestion "+actionID, true, payload)
	if err != nil {
		return fail(err)
	}
	if code != "" {
		return fail(errors.New(code))
	}
	v, err := decode(reply)
	if err != nil {
		s.violate("block_suggestion %s acked without options; an empty list is {\"options\":[]}", actionID)
		return fail(errors.New(codeResponse))
	}
	problems, options := checkOptions(v)
	if len(problems) > 0 {
		s.violate("block_suggestion %s: %s", actionID, strings.Join(problems, "; "))
		return fail(errors.New(codeResponse))
	}
	s.mu.Lock()
	if s.offered[key] == nil {
		s.offered[key] = map[string]obj{}
	}
	for _, o := range options {
		s.fill(o)
		s.offered[key][o["value"].(string)] = o
	}
	s.mu.Unlock()
	return optionsOf(v.(obj)), nil
}

func optionsOf(m obj) []Option {
	out := []Option{}
	take := func(list any, group string) {
		for _, o := range allOptions(obj{"options": list}) {
			out = append(out, Option{Text: textOf(o["text"]), Value: o["value"].(string), Description: textOf(o["description"]), Group: group})
		}
	}
	take(m["options"], "")
	groups, _ := m["option_groups"].([]any)
	for _, g := range groups {
		gm, _ := g.(obj)
		take(gm["options"], textOf(gm["label"]))
	}
	return out
}

func textOf(v any) string {
	m, _ := v.(obj)
	t, _ := m["text"].(string)
	return t
}
