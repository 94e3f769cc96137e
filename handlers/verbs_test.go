package handlers

import (
	"context"
	"fmt"
	"testing"
	"time"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// ledger is an engine that writes down which verb was asked for.
type ledger struct {
	refusing
	got string
}

func (l *ledger) note(format string, args ...any) error {
	l.got += fmt.Sprintf(format, args...)
	return nil
}

func (l *ledger) Route(_ context.Context, by expansion.PersonID, id expansion.SignalID, v int64, in engine.RouteInput) (expansion.Routing, error) {
	return expansion.Routing{}, l.note("route %s %s %d %s", by, id, v, in.To)
}

func (l *ledger) Hold(_ context.Context, by expansion.PersonID, id expansion.SignalID, v int64) error {
	return l.note("hold %s %s %d", by, id, v)
}

func (l *ledger) Confirm(_ context.Context, by expansion.PersonID, id expansion.SignalID, v int64) error {
	return l.note("confirm %s %s %d", by, id, v)
}

func (l *ledger) Later(_ context.Context, by expansion.PersonID, id expansion.SignalID, v int64, choice string) error {
	return l.note("later %s %s %d %s", by, id, v, choice)
}

func (l *ledger) Dismiss(_ context.Context, by expansion.PersonID, id expansion.SignalID, v int64, reason string) error {
	return l.note("dismiss %s %s %d %s", by, id, v, reason)
}

func (l *ledger) Acknowledge(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64) error {
	return l.note("acknowledge %s %s %d", by, id, v)
}

func (l *ledger) Start(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64) error {
	return l.note("start %s %s %d", by, id, v)
}

func (l *ledger) Take(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64) error {
	return l.note("take %s %s %d", by, id, v)
}

func (l *ledger) Undo(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64) error {
	return l.note("undo %s %s %d", by, id, v)
}

func (l *ledger) Nudge(_ context.Context, by expansion.PersonID, id expansion.RoutingID) error {
	return l.note("nudge %s %s", by, id)
}

func (l *ledger) Extend(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64, reason string) error {
	return l.note("extend %s %s %d %s", by, id, v, reason)
}

func (l *ledger) Reassign(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64, to expansion.PersonID, reason, tell string) error {
	return l.note("reassign %s %s %d %s %s %s", by, id, v, to, reason, tell)
}

func (l *ledger) NotMine(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64, in engine.NotMineInput) error {
	return l.note("not mine %s %s %d %s %s", by, id, v, in.To, in.Reason)
}

func (l *ledger) NotReal(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64, reason, line string) error {
	return l.note("not real %s %s %d %s %s", by, id, v, reason, line)
}

func (l *ledger) AnswerNotReal(_ context.Context, by expansion.PersonID, id expansion.RoutingID, agree bool, why string) error {
	return l.note("answer %s %s %v %s", by, id, agree, why)
}

func (l *ledger) Case(context.Context, expansion.PersonID, string) (expansion.Case, error) {
	return expansion.Case{Account: expansion.Account{ARR: &expansion.Money{Currency: "EUR"}}}, nil
}

func (l *ledger) RecordOutcome(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64, o expansion.Outcome) error {
	return l.note("outcome %s %s %d %v %s %s %s", by, id, v, o.Won, o.ARRChange, o.Reason, o.From)
}

func (l *ledger) LogContact(_ context.Context, by expansion.PersonID, id expansion.RoutingID, v int64, in engine.ContactInput) error {
	return l.note("contact %s %s %d %s %s %s %s", by, id, v, in.Channel, in.Direction, in.Line, in.Next)
}

func (l *ledger) Remind(_ context.Context, by expansion.PersonID, id expansion.RoutingID) (time.Time, error) {
	return time.Time{}, l.note("remind %s %s", by, id)
}

func (l *ledger) GoLive(_ context.Context, by expansion.PersonID) error { return l.note("live %s", by) }

func (l *ledger) SearchPeople(context.Context, string, int) ([]engine.PersonChoice, error) {
	return []engine.PersonChoice{{Person: expansion.Person{ID: "p2", Name: "Dana Ortiz", Email: "dana@example.com"}}}, nil
}

func (l *ledger) SetAway(_ context.Context, by expansion.PersonID, from, to time.Time, cover expansion.PersonID) error {
	return l.note("away %s %s %s %s", by, from.Format(time.DateOnly), to.Format(time.DateOnly), cover)
}

func (l *ledger) ClearAway(_ context.Context, by expansion.PersonID) error {
	return l.note("back %s", by)
}

// Each press and submit reaches its verb with the presser, the id and the version seen.
func TestEachPressCallsItsVerb(t *testing.T) {
	t.Parallel()
	option := func(v string) map[string]any {
		return map[string]any{blocks.InputValue: map[string]any{"type": "static_select", "selected_option": map[string]any{"value": v}}}
	}
	text := func(s string) map[string]any {
		return map[string]any{blocks.InputValue: map[string]any{"type": "plain_text_input", "value": s}}
	}
	who := map[string]any{blocks.InputRecipient: map[string]any{"type": "external_select", "selected_option": map[string]any{"value": "p2"}}}
	signal, routing := blocks.Meta{Signal: "S1", Version: 4}, blocks.Meta{Signal: "S1", Routing: "R1", Version: 7}
	command := func(words string) engine.Envelope {
		return engine.Envelope{ID: "E1", Kind: KindCommand, Payload: fmt.Appendf(nil, `{"user_id":"U1","channel_id":"D1","text":%q}`, words)}
	}
	for _, c := range []struct {
		env  engine.Envelope
		want string
	}{
		{pressed(blocks.ActionSignalRoute, "S1:4"), "route p1 S1 4 "},
		{pressed(blocks.ActionSignalHold, "S1:4"), "hold p1 S1 4"},
		{pressed(blocks.ActionSignalConfirm, "S1:4"), "confirm p1 S1 4"},
		{pressed(blocks.ActionRouteUndo, "R1:7"), "undo p1 R1 7"},
		{pressed(blocks.ActionAcknowledge, "R1:7"), "acknowledge p1 R1 7"},
		{pressed(blocks.ActionStart, "R1:7"), "start p1 R1 7"},
		{pressed(blocks.ActionTake, "R1:7"), "take p1 R1 7"},
		{pressed(blocks.ActionNudge, "R1:7"), "nudge p1 R1"},
		{pressed(blocks.ActionAgree, "R1:7"), "answer p1 R1 true "},
		{pressed(blocks.ActionGoLive, ""), "live p1"},
		{pressed(blocks.ActionListRow, "route:S1:4"), "route p1 S1 4 "},
		{pressed(blocks.ActionAcknowledge, "nonsense"), ""},
		{submitted(blocks.CallbackDismiss, signal, map[string]any{blocks.BlockReason: option("old_news")}), "dismiss p1 S1 4 old_news"},
		{submitted(blocks.CallbackLater, signal, map[string]any{blocks.BlockUntil: option("1m")}), "later p1 S1 4 1m"},
		{submitted(blocks.CallbackNotMine, routing, map[string]any{blocks.BlockRecipient: who, blocks.BlockReason: option("no_time")}), "not mine p1 R1 7 p2 no_time"},
		{submitted(blocks.CallbackNotReal, routing, map[string]any{blocks.BlockReason: option("other"), blocks.BlockLine: text("pilot users only")}), "not real p1 R1 7 other pilot users only"},
		{submitted(blocks.CallbackDisagree, routing, map[string]any{blocks.BlockLine: text("they asked")}), "answer p1 R1 false they asked"},
		{submitted(blocks.CallbackExtend, routing, map[string]any{blocks.BlockReason: text("travelling")}), "extend p1 R1 7 travelling"},
		{submitted(blocks.CallbackReassign, routing, map[string]any{blocks.BlockRecipient: who, blocks.BlockReason: text("travelling"), blocks.BlockTell: text("sorry")}), "reassign p1 R1 7 p2 travelling sorry"},
		{submitted(blocks.CallbackReassign, signal, map[string]any{blocks.BlockRecipient: who, blocks.BlockReason: text("her region")}), "route p1 S1 4 p2"},
		{submitted(blocks.CallbackOutcome, routing, map[string]any{blocks.BlockResult: option("won"), blocks.BlockARR: text("21600"), blocks.BlockReason: option("need")}), "outcome p1 R1 7 true €21,600 need slack"},
		{submitted(blocks.CallbackOutcome, routing, map[string]any{blocks.BlockResult: option("lost"), blocks.BlockReason: option("price")}), "outcome p1 R1 7 false <nil> price slack"},
		{pressed(blocks.ActionMore, "remind:R1:7"), "remind p1 R1"},
		{submitted(blocks.CallbackContact, routing, map[string]any{blocks.BlockChannel: option("call"), blocks.BlockDirection: option("out"), blocks.BlockLine: text("wants a quote"), blocks.BlockNext: text("send it")}), "contact p1 R1 7 call out wants a quote send it"},
		{command("ooo 22 Mar to 2 Apr cover @dana"), "away p1 2026-03-22 2026-04-02 p2"},
		{command("OOO off"), "back p1"},
	} {
		l, s := &ledger{}, &screen{}
		if err := New(l, s, nil).Work(t.Context(), c.env); err != nil {
			t.Errorf("%s %s: %v", c.env.Kind, c.env.Payload, err)
		}
		if l.got != c.want {
			t.Errorf("%s: asked for %q, want %q (said %q)", c.env.ID, l.got, c.want, s.said)
		}
	}
}
