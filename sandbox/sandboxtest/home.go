package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"expansionbot/sandbox/slack"
)

// Home is the person's App Home.
type Home struct{ p *Person }

// Home opens the Home tab.
func (p *Person) Home() *Home {
	p.s.t.Helper()
	if err := p.s.Slack.OpenHome(context.Background(), p.id); err != nil {
		p.s.t.Fatalf("%s opens Home: %v", p.id, err)
	}
	return &Home{p}
}

func (h *Home) blocks() json.RawMessage {
	var v struct {
		Blocks json.RawMessage `json:"blocks"`
	}
	_ = json.Unmarshal(h.p.s.Slack.Home(h.p.id), &v)
	return v.Blocks
}

func (h *Home) words() string { return strings.Join(texts(h.blocks()), "\n") }

// Expect waits until Home holds every part.
func (h *Home) Expect(parts ...string) *Home {
	h.p.s.t.Helper()
	h.p.s.until(func() string { return fmt.Sprintf("the Home of %s holds %q; it reads:\n%s", h.p.id, parts, h.words()) },
		func() bool { return holds(h.words(), parts) })
	return h
}

// Without waits until Home holds none of the parts.
func (h *Home) Without(parts ...string) *Home {
	h.p.s.t.Helper()
	h.p.s.until(func() string {
		return fmt.Sprintf("the Home of %s holds none of %q; it reads:\n%s", h.p.id, parts, h.words())
	},
		func() bool {
			words := h.words()
			return !slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(words, part) })
		})
	return h
}

// Press presses the button, or the entry of a row's menu, with that label.
func (h *Home) Press(label string) *Home {
	h.p.s.t.Helper()
	var e element
	h.p.s.until(func() string { return fmt.Sprintf("the Home of %s has %q; it reads:\n%s", h.p.id, label, h.words()) }, func() bool {
		var ok bool
		e, ok = find(h.blocks(), label)
		return ok
	})
	return h.press(e.block, e.action, e.value, label)
}

// Choose sets the filter with that action id.
func (h *Home) Choose(action, value string) *Home {
	h.p.s.t.Helper()
	return h.press("", action, value, value)
}

func (h *Home) press(block, action string, value any, label string) *Home {
	h.p.s.t.Helper()
	out, err := h.p.s.Slack.Press(context.Background(), h.p.id, slack.Target{Home: true}, block, action, value)
	if err != nil || out.Text != "" {
		h.p.s.t.Fatalf("%s presses %q in Home: %s %v", h.p.id, label, out.Text, err)
	}
	return h
}

// Shortcut uses the message shortcut on what somebody wrote in a channel.
func (p *Person) Shortcut(callback, channel, ts string) *Person {
	p.s.t.Helper()
	out, err := p.s.Slack.Shortcut(context.Background(), p.id, callback, channel, ts)
	if err != nil || out.Text != "" {
		p.s.t.Fatalf("%s uses %s: %s %v", p.id, callback, out.Text, err)
	}
	return p
}

// Say writes into a channel and returns the message's ts.
func (p *Person) Say(channel, text string) string {
	p.s.t.Helper()
	ts, err := p.s.Slack.Say(p.id, channel, "", text)
	if err != nil {
		p.s.t.Fatalf("%s says %q: %v", p.id, text, err)
	}
	return ts
}
