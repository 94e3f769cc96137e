package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"

	"expansionbot/sandbox/slack"
)

// Button is a button or an entry of a menu as a person saw it once. The message may have
// changed since; pressed all the same, it brings along what it said then.
type Button struct {
	Label string
	Value string // what it brings along

	of      *Person
	ts      string
	blocks  json.RawMessage
	element element
}

// News lists the buttons and menu entries on what the bot told the person or changed
// since known was last given here, oldest message first, and keeps in known what was read.
func (p *Person) News(known map[string]string) []Button {
	var out []Button
	for _, m := range p.s.Slack.Messages(p.id, p.dm) {
		if m.BotID == "" || m.Deleted || known[m.TS] == string(m.Blocks) {
			continue
		}
		known[m.TS] = string(m.Blocks)
		for _, e := range elements(m.Blocks) {
			out = append(out, Button{Label: e.label, Value: e.carries, of: p, ts: m.TS, blocks: m.Blocks, element: e})
		}
	}
	return out
}

// Button is the card's button with that label as it is now.
func (c *Card) Button(label string) Button {
	c.p.s.t.Helper()
	m := c.message()
	e, ok := find(m.Blocks, label)
	if !ok {
		c.p.s.t.Fatalf("the card of %s has no button %q; it reads:\n%s", c.p.id, label, Words(m))
	}
	return Button{Label: label, Value: e.carries, of: c.p, ts: c.ts, blocks: m.Blocks, element: e}
}

// PressSeen presses a button as it was seen: on one's own message, or, when somebody else
// saw it, on a copy of theirs that was shared.
func (p *Person) PressSeen(ctx context.Context, b Button) (slack.Outcome, error) {
	ts := b.ts
	if b.of.id != p.id {
		ms := p.s.Slack.Messages(p.id, p.dm)
		if len(ms) == 0 {
			return slack.Outcome{}, fmt.Errorf("%s has no message to carry the copy", p.id)
		}
		ts = ms[len(ms)-1].TS
	}
	return p.s.Slack.Press(ctx, p.id, slack.Target{Channel: p.dm, TS: ts, Seen: b.blocks}, b.element.block, b.element.action, b.element.value)
}

// Type types /expansion and the words. Unlike Command it may run beside the test's goroutine.
func (p *Person) Type(ctx context.Context, words string) (slack.Outcome, error) {
	return p.s.Slack.RunCommand(ctx, p.id, p.dm, words)
}

// Top is the modal on top, past "Loading…" and "Working…"; nil when there is none.
func (p *Person) Top() *Modal {
	vs := p.s.Slack.Modals(p.id)
	if len(vs) == 0 || vs[len(vs)-1].CallbackID == waiting {
		return nil
	}
	v := vs[len(vs)-1]
	return &Modal{p: p, id: v.ID, callback: v.CallbackID, view: decode(v)}
}

// waiting is the callback id of "Loading…", "Working…" and of failures.
const waiting = "wait"

// Callback is the modal's callback id.
func (m *Modal) Callback() string { return m.callback }

// Fill sets the inputs by block id. Unlike Set it may run beside the test's goroutine.
func (m *Modal) Fill(ctx context.Context, values map[string]string) error {
	t := slack.Target{ViewID: m.id}
	for _, b := range m.view.Blocks {
		value, ok := values[b.BlockID]
		if !ok || b.Element == nil {
			continue
		}
		if b.Element.Type == "external_select" {
			os, err := m.p.s.Slack.Suggest(ctx, m.p.id, t, b.BlockID, b.Element.ActionID, value)
			if err != nil || len(os) == 0 {
				return fmt.Errorf("typing %q into %s: %d suggestions, %w", value, b.BlockID, len(os), err)
			}
			value = os[0].Value
		}
		if err := m.p.s.Slack.SetState(m.p.id, t, b.BlockID, b.Element.ActionID, value); err != nil {
			return err
		}
	}
	return nil
}

// Send submits the modal as it is filled.
func (m *Modal) Send(ctx context.Context) (slack.Outcome, error) {
	return m.p.s.Slack.Submit(ctx, m.p.id, m.id)
}

// Close closes whatever modals the person has open.
func (p *Person) Close(ctx context.Context) error {
	if vs := p.s.Slack.Modals(p.id); len(vs) > 0 {
		return p.s.Slack.CloseView(ctx, p.id, vs[len(vs)-1].ID, true)
	}
	return nil
}
