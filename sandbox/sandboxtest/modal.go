package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"expansionbot/sandbox/slack"
)

// Command types /expansion and the words in the bot's conversation.
func (p *Person) Command(words string) *Person {
	p.s.t.Helper()
	out, err := p.s.Slack.RunCommand(context.Background(), p.id, p.dm, words)
	if err != nil {
		p.s.t.Fatalf("/expansion %s: %v", words, err)
	}
	if out.Text != "" {
		p.s.t.Fatalf("/expansion %s: %s", words, out.Text)
	}
	return p
}

// Modal waits for an open modal with that title on top, past "Loading…" and "Working…",
// and with every part in it.
func (p *Person) Modal(title string, parts ...string) *Modal {
	p.s.t.Helper()
	var m *Modal
	p.s.until(func() string {
		return fmt.Sprintf("%s sees the modal %q with %q; open: %s", p.id, title, parts, p.top())
	}, func() bool {
		vs := p.s.Slack.Modals(p.id)
		if len(vs) == 0 {
			return false
		}
		v := vs[len(vs)-1]
		x := decode(v)
		words := strings.Join(texts(v.JSON), "\n")
		if x.Title.Text != title || strings.Contains(words, "Loading…") || strings.Contains(words, "Working…") || !holds(words, parts) {
			return false
		}
		m = &Modal{p: p, id: v.ID, callback: v.CallbackID, view: x}
		return true
	})
	return m
}

// NoModal waits until no modal is open.
func (p *Person) NoModal() *Person {
	p.s.t.Helper()
	p.s.until(func() string { return p.id + " has no modal open; open: " + p.top() }, func() bool { return len(p.s.Slack.Modals(p.id)) == 0 })
	return p
}

func (p *Person) top() string {
	vs := p.s.Slack.Modals(p.id)
	if len(vs) == 0 {
		return "none"
	}
	return strings.Join(texts(vs[len(vs)-1].JSON), " | ")
}

// Modal is an open modal.
type Modal struct {
	p        *Person
	id       string
	callback string
	view     viewJSON
}

type viewJSON struct {
	Title struct {
		Text string `json:"text"`
	} `json:"title"`
	Blocks []struct {
		Type    string `json:"type"`
		BlockID string `json:"block_id"`
		Label   struct {
			Text string `json:"text"`
		} `json:"label"`
		Dispatch  bool       `json:"dispatch_action"`
		Element   *inputJSON `json:"element"`
		Accessory *inputJSON `json:"accessory"`
	} `json:"blocks"`
}

type inputJSON struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id"`
	Options  []struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
		Value string `json:"value"`
	} `json:"options"`
}

func decode(v slack.View) viewJSON {
	var x viewJSON
	_ = json.Unmarshal(v.JSON, &x)
	return x
}

// Set fills the input with that label: text as it is, a choice by the words or the value
// of its option, an external select by the words of the first suggestion for it.
func (m *Modal) Set(label, value string) *Modal {
	m.p.s.t.Helper()
	t := slack.Target{ViewID: m.id}
	for _, b := range m.view.Blocks {
		e := b.Element
		if e == nil {
			e = b.Accessory
		}
		if e == nil || b.Label.Text != label && b.BlockID != label {
			continue
		}
		v := m.value(t, b.BlockID, e, value)
		if b.Accessory != nil || b.Dispatch {
			if _, err := m.p.s.Slack.Press(context.Background(), m.p.id, t, b.BlockID, e.ActionID, v); err != nil {
				m.p.s.t.Fatalf("choosing %q in %q: %v", value, label, err)
			}
			return m
		}
		if err := m.p.s.Slack.SetState(m.p.id, t, b.BlockID, e.ActionID, v); err != nil {
			m.p.s.t.Fatalf("filling %q with %q: %v", label, value, err)
		}
		return m
	}
	m.p.s.t.Fatalf("the modal %q has no input %q; it reads: %s", m.view.Title.Text, label, m.p.top())
	return m
}

func (m *Modal) value(t slack.Target, block string, e *inputJSON, value string) any {
	m.p.s.t.Helper()
	switch e.Type {
	case "external_select", "multi_external_select":
		os, err := m.p.s.Slack.Suggest(context.Background(), m.p.id, t, block, e.ActionID, value)
		if err != nil {
			m.p.s.t.Fatalf("typing %q: %v", value, err)
		}
		if len(os) == 0 {
			m.p.s.t.Fatalf("typing %q: no suggestions", value)
		}
		if e.Type == "multi_external_select" {
			return []string{os[0].Value}
		}
		return os[0].Value
	}
	for _, o := range e.Options {
		if o.Value == value || strings.HasPrefix(o.Text.Text, value) {
			if e.Type == "checkboxes" || strings.HasPrefix(e.Type, "multi_") {
				return []string{o.Value}
			}
			return o.Value
		}
	}
	return value
}

// Submit sends the modal off; a field error fails the test.
func (m *Modal) Submit() {
	m.p.s.t.Helper()
	if out := m.TrySubmit(); out.Text != "" || len(out.FieldErrors) > 0 {
		m.p.s.t.Fatalf("submitting %q: %s %v", m.view.Title.Text, out.Text, out.FieldErrors)
	}
}

// TrySubmit is Submit for modals that may be refused.
func (m *Modal) TrySubmit() slack.Outcome {
	m.p.s.t.Helper()
	out, err := m.p.s.Slack.Submit(context.Background(), m.p.id, m.id)
	if err != nil {
		m.p.s.t.Fatalf("submitting %q: %v", m.view.Title.Text, err)
	}
	return out
}

// Press presses the button with that label in the modal.
func (m *Modal) Press(label string) {
	m.p.s.t.Helper()
	for _, v := range m.p.s.Slack.Modals(m.p.id) {
		if v.ID != m.id {
			continue
		}
		var x struct {
			Blocks json.RawMessage `json:"blocks"`
		}
		if err := json.Unmarshal(v.JSON, &x); err != nil {
			m.p.s.t.Fatal(err)
		}
		e, ok := find(x.Blocks, label)
		if !ok {
			break
		}
		if _, err := m.p.s.Slack.Press(context.Background(), m.p.id, slack.Target{ViewID: m.id}, e.block, e.action, e.value); err != nil {
			m.p.s.t.Fatalf("pressing %q: %v", label, err)
		}
		return
	}
	m.p.s.t.Fatalf("the modal %q has no button %q; it reads: %s", m.view.Title.Text, label, m.p.top())
}
