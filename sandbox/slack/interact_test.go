package slack_test

import (
	"strings"
	"testing"
	"time"

	sandbox "expansionbot/sandbox/slack"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// opened connects an app that opens view at a command and hands interactions to handle.
func opened(w *world, view slack.ModalViewRequest, handle func(c *socketmode.Client, r *socketmode.Request, cb slack.InteractionCallback)) sandbox.View {
	w.t.Helper()
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		switch data := e.Data.(type) {
		case slack.SlashCommand:
			if _, err := w.api.OpenView(data.TriggerID, view); err != nil {
				w.t.Errorf("open: %v", err)
			}
			c.Ack(*e.Request)
		case slack.InteractionCallback:
			handle(c, e.Request, data)
		default:
			c.Ack(*e.Request)
		}
	})
	if out, err := w.RunCommand(w.t.Context(), "U1", "C1", "log"); err != nil || out.Text != "" {
		w.t.Fatalf("command: %+v, %v", out, err)
	}
	ms := w.Modals("U1")
	if len(ms) != 1 {
		w.t.Fatalf("priya has %d modals open, want 1", len(ms))
	}
	return ms[0]
}

func TestModalSubmit(t *testing.T) {
	t.Parallel()
	w := start(t)
	number := slack.NewNumberInputBlockElement(nil, "seats", false)
	seats := slack.NewInputBlock("b_seats", plainText("Seats"), nil, number)
	seats.Optional = true
	answers := make(chan any, 1)
	var sent slack.InteractionCallback
	v := opened(w, modal(whatInput(), seats), func(c *socketmode.Client, r *socketmode.Request, cb slack.InteractionCallback) {
		sent = cb
		c.Ack(*r, <-answers)
	})
	at := sandbox.Target{ViewID: v.ID}
	submit := func() sandbox.Outcome {
		t.Helper()
		out, err := w.Submit(t.Context(), "U1", v.ID)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	fill := func(block, action string, value any) {
		t.Helper()
		if err := w.SetState("U1", at, block, action, value); err != nil {
			t.Fatal(err)
		}
	}

	if out := submit(); !strings.Contains(out.FieldErrors["b_what"], "required") {
		t.Errorf("empty required field: %+v", out)
	}
	fill("b_what", "what", "short")
	if out := submit(); !strings.Contains(out.FieldErrors["b_what"], "at least 10") {
		t.Errorf("short text: %+v", out)
	}
	fill("b_what", "what", "they asked about seats")
	fill("b_seats", "seats", "12.5")
	if out := submit(); !strings.Contains(out.FieldErrors["b_seats"], "whole number") {
		t.Errorf("decimal: %+v", out)
	}
	fill("b_seats", "seats", "30")

	answers <- slack.NewErrorsViewSubmissionResponse(map[string]string{"b_what": "Say more."})
	if out := submit(); out.FieldErrors["b_what"] != "Say more." || w.Modals("U1")[0].Errors["b_what"] != "Say more." {
		t.Errorf("app's error: %+v", out)
	}
	if got := sent.View.State.Values["b_what"]["what"].Value; got != "they asked about seats" || sent.View.State.Values["b_seats"]["seats"].Value != "30" ||
		sent.View.PrivateMetadata != "m-1" || sent.View.CallbackID != "log_signal" || sent.View.Hash == "" || sent.View.ID != v.ID {
		t.Errorf("submission: %+v", sent.View)
	}
	w.clean()

	answers <- slack.NewErrorsViewSubmissionResponse(map[string]string{"what": "action id in place of block id"})
	if out := submit(); !strings.Contains(out.Text, "trouble connecting") {
		t.Errorf("unknown block id: %+v", out)
	}
	w.violated(`errors name "what"`)
	w.ForgetViolations()

	next := modal(whatInput(), slack.NewDividerBlock())
	next.Title = plainText("Preview")
	answers <- slack.NewUpdateViewSubmissionResponse(&next)
	if out := submit(); out.Text != "" {
		t.Errorf("update: %+v", out)
	}
	ms := w.Modals("U1")
	if len(ms) != 1 || ms[0].ID != v.ID || ms[0].Hash == v.Hash || !strings.Contains(string(ms[0].JSON), "Preview") {
		t.Errorf("after update: %+v", ms)
	}
	if !strings.Contains(string(ms[0].JSON), "they asked about seats") || strings.Contains(string(ms[0].JSON), `"30"`) {
		t.Errorf("typed values must stay where block and action stay, and go with their block: %s", ms[0].JSON)
	}

	answers <- slack.NewPushViewSubmissionResponse(&next)
	submit()
	if ms := w.Modals("U1"); len(ms) != 2 || !strings.Contains(string(ms[1].JSON), `"previous_view_id":"`+v.ID) {
		t.Fatalf("after push: %+v", ms)
	}
	if _, err := w.Submit(t.Context(), "U1", v.ID); err == nil || !strings.Contains(err.Error(), "covered") {
		t.Errorf("a covered modal was submitted: %v", err)
	}
	top := w.Modals("U1")[1].ID
	if err := w.SetState("U1", sandbox.Target{ViewID: top}, "b_what", "what", "enough words here"); err != nil {
		t.Fatal(err)
	}
	answers <- slack.NewClearViewSubmissionResponse()
	if out, err := w.Submit(t.Context(), "U1", top); err != nil || out.Text != "" || len(w.Modals("U1")) != 0 {
		t.Errorf("clear: %+v, %v, %d left", out, err, len(w.Modals("U1")))
	}
	w.clean()
}

func TestModalAckWithBadViewIsTroubleForThePerson(t *testing.T) {
	t.Parallel()
	w := start(t)
	v := opened(w, modal(whatInput()), func(c *socketmode.Client, r *socketmode.Request, _ slack.InteractionCallback) {
		bad := modal(whatInput())
		bad.Title = plainText(strings.Repeat("t", 25))
		c.Ack(*r, slack.NewUpdateViewSubmissionResponse(&bad))
	})
	if err := w.SetState("U1", sandbox.Target{ViewID: v.ID}, "", "what", "enough words here"); err != nil {
		t.Fatal(err)
	}
	out, err := w.Submit(t.Context(), "U1", v.ID)
	if err != nil || !strings.Contains(out.Text, "trouble connecting") || len(w.Modals("U1")) != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
	w.violated("must be less than 25 characters [json-pointer:/view/title/text]")
}

func TestViewCloseTellsTheAppOnlyOnRequest(t *testing.T) {
	t.Parallel()
	for _, notify := range []bool{true, false} {
		w := start(t)
		view := modal(whatInput())
		view.NotifyOnClose, view.ClearOnClose = notify, true
		closed := make(chan slack.InteractionCallback, 1)
		v := opened(w, view, func(c *socketmode.Client, r *socketmode.Request, cb slack.InteractionCallback) {
			closed <- cb
			c.Ack(*r)
		})
		if err := w.CloseView(t.Context(), "U1", v.ID, false); err != nil {
			t.Fatal(err)
		}
		if n := len(w.Modals("U1")); n != 0 {
			t.Errorf("%d modals left", n)
		}
		if got := len(closed); (got == 1) != notify {
			t.Errorf("notify_on_close %v: app was told %d times", notify, got)
		}
		if notify {
			if cb := <-closed; cb.Type != slack.InteractionTypeViewClosed || !cb.IsCleared || cb.View.ID != v.ID {
				t.Errorf("view_closed: %+v", cb)
			}
		}
		w.clean()
	}
}

func TestTriggersAndHashes(t *testing.T) {
	t.Parallel()
	w := start(t)
	triggers := make(chan string, 1)
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		switch data := e.Data.(type) {
		case slack.SlashCommand:
			triggers <- data.TriggerID
		case slack.InteractionCallback:
			triggers <- data.TriggerID
		}
		c.Ack(*e.Request)
	})
	trigger := func() string {
		t.Helper()
		if out, err := w.RunCommand(t.Context(), "U1", "C1", "log"); err != nil || out.Text != "" {
			t.Fatalf("%+v, %v", out, err)
		}
		return <-triggers
	}
	button := slack.NewActionBlock("b_more", slack.NewButtonBlockElement("more", "1", plainText("More")))
	view := modal(whatInput(), button)

	_, err := w.api.OpenView("made-up", view)
	code(t, err, "invalid_trigger_id")
	old := trigger()
	w.advance(3 * time.Second)
	_, err = w.api.OpenView(old, view)
	code(t, err, "expired_trigger_id")

	live := trigger()
	bad := view
	bad.Submit = nil
	_, err = w.api.OpenView(live, bad)
	code(t, err, "invalid_arguments")
	w.violated("submit is required")
	w.ForgetViolations()
	first, err := w.api.OpenView(live, view)
	code(t, err, "")
	_, err = w.api.OpenView(live, view)
	code(t, err, "exchanged_trigger_id")

	_, err = w.api.PushView(trigger(), view)
	code(t, err, "not_found")
	press := func() string {
		t.Helper()
		ms := w.Modals("U1")
		if out, err := w.Press(t.Context(), "U1", sandbox.Target{ViewID: ms[len(ms)-1].ID}, "b_more", "more", nil); err != nil || out.Text != "" {
			t.Fatalf("%+v, %v", out, err)
		}
		return <-triggers
	}
	for range 2 {
		_, err = w.api.PushView(press(), view)
		code(t, err, "")
	}
	_, err = w.api.PushView(press(), view)
	code(t, err, "push_limit_reached")

	_, err = w.api.UpdateView(view, "", first.Hash, first.ID)
	code(t, err, "")
	_, err = w.api.UpdateView(view, "", first.Hash, first.ID)
	code(t, err, "hash_conflict")
	_, err = w.api.UpdateView(view, "", "", "V0NOBODY")
	code(t, err, "not_found")
	view.ExternalID = "one"
	_, err = w.api.UpdateView(view, "", "", first.ID)
	code(t, err, "")
	_, err = w.api.UpdateView(view, "one", "", "")
	code(t, err, "")
	_, err = w.api.UpdateView(view, "", "", w.Modals("U1")[1].ID)
	code(t, err, "duplicate_external_id")
	w.clean()
}

func TestPressOnAMessageSendsStateAndAcceptsAResponse(t *testing.T) {
	t.Parallel()
	w := start(t)
	var got slack.InteractionCallback
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		if cb, ok := e.Data.(slack.InteractionCallback); ok {
			got = cb
		}
		c.Ack(*e.Request)
	})
	sel := slack.NewOptionsSelectBlockElement("static_select", nil, "kind",
		slack.NewOptionBlockObject("seats", plainText("Seats"), nil), slack.NewOptionBlockObject("usage", plainText("Usage"), nil))
	button := slack.NewButtonBlockElement("r_ack", "R-311:2", plainText("Acknowledge"))
	_, ts, err := w.api.PostMessage("U1", slack.MsgOptionText("Card", false), slack.MsgOptionBlocks(
		slack.NewSectionBlock(mrkdwn("*Brightwater*"), nil, nil), slack.NewActionBlock("b1", button, sel)))
	code(t, err, "")
	dm := w.BotDM("U1")
	at := sandbox.Target{Channel: dm, TS: ts}
	if _, err := w.Press(t.Context(), "U1", at, "b1", "kind", "nothing"); err == nil {
		t.Error("an option that is not there was chosen")
	}
	if _, err := w.Press(t.Context(), "U2", at, "b1", "r_ack", nil); err == nil {
		t.Error("marcus pressed a button in priya's direct message")
	}
	if out, err := w.Press(t.Context(), "U1", at, "b1", "kind", "seats"); err != nil || out.Text != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if a := got.ActionCallback.BlockActions[0]; a.SelectedOption.Value != "seats" || a.Type != "static_select" {
		t.Errorf("action: %+v", a)
	}
	if out, err := w.Press(t.Context(), "U1", at, "", "r_ack", nil); err != nil || out.Text != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	a := got.ActionCallback.BlockActions[0]
	if a.ActionID != "r_ack" || a.BlockID != "b1" || a.Value != "R-311:2" || got.Container.MessageTs != ts || got.Container.ChannelID != dm ||
		got.User.ID != "U1" || got.Message.Text != "Card" || got.BlockActionState.Values["b1"]["kind"].SelectedOption.Value != "seats" {
		t.Errorf("payload: %+v", got)
	}

	// The press gave a response_url: five uses, thirty minutes.
	respond := func(want string, opts ...slack.MsgOption) {
		t.Helper()
		_, _, err := w.api.PostMessage(dm, append([]slack.MsgOption{slack.MsgOptionText("again", false)}, opts...)...)
		if got := errText(err); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("response_url: got %q, want %q", got, want)
		}
	}
	if !w.Messages("U1", dm)[0].ResponseURLUsable {
		t.Error("the message should have a usable response_url")
	}
	respond("", slack.MsgOptionReplaceOriginal(got.ResponseURL))
	if m := w.Messages("U1", dm)[0]; m.Text != "again" || !m.Edited || m.Blocks != nil {
		t.Errorf("replaced: %+v", m)
	}
	for range 4 {
		respond("", slack.MsgOptionResponseURL(got.ResponseURL, "ephemeral"))
	}
	respond("404", slack.MsgOptionResponseURL(got.ResponseURL, "ephemeral"))
	w.violated("response_url used more than 5 times")
	w.ForgetViolations()
	if m := w.last("U1", dm); !m.Ephemeral {
		t.Errorf("default response type must be ephemeral: %+v", m)
	}
	w.advance(31 * time.Minute)
	respond("404", slack.MsgOptionResponseURL(got.ResponseURL, "ephemeral"))
	w.clean()
}

// A client that has not heard of an edit yet, or shows a copy, still sends what it shows.
func TestPressOnAnOldVersionBringsAlongWhatItSaid(t *testing.T) {
	t.Parallel()
	w := start(t)
	var got slack.InteractionCallback
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		if cb, ok := e.Data.(slack.InteractionCallback); ok {
			got = cb
		}
		c.Ack(*e.Request)
	})
	button := slack.NewButtonBlockElement("r_ack", "R-311:2", plainText("Acknowledge"))
	_, ts, err := w.api.PostMessage("U1", slack.MsgOptionText("Card", false), slack.MsgOptionBlocks(slack.NewActionBlock("b1", button)))
	code(t, err, "")
	dm := w.BotDM("U1")
	at := sandbox.Target{Channel: dm, TS: ts}
	old := w.Messages("U1", dm)[0].Blocks
	_, _, _, err = w.api.UpdateMessage(dm, ts, slack.MsgOptionText("Done", false), slack.MsgOptionBlocks(slack.NewSectionBlock(mrkdwn("Done"), nil, nil)))
	code(t, err, "")
	if _, err := w.Press(t.Context(), "U1", at, "b1", "r_ack", nil); err == nil {
		t.Error("a button that was edited away was pressed on the message as it is now")
	}
	at.Seen = old
	if out, err := w.Press(t.Context(), "U1", at, "b1", "r_ack", nil); err != nil || out.Text != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if a := got.ActionCallback.BlockActions[0]; a.Value != "R-311:2" || got.Message.Text != "Done" {
		t.Errorf("value %q on the message %q, want the old value on the message as it is", a.Value, got.Message.Text)
	}
	w.clean()
}

func TestEphemeralIsNotHandedBackAndOnlyItsResponseURLEdits(t *testing.T) {
	t.Parallel()
	w := start(t)
	var got slack.InteractionCallback
	w.connect(func(c *socketmode.Client, e socketmode.Event) {
		got, _ = e.Data.(slack.InteractionCallback)
		c.Ack(*e.Request)
	})
	ts, err := w.api.PostEphemeral("C1", "U1", slack.MsgOptionText("Menu", false), slack.MsgOptionBlocks(
		slack.NewActionBlock("b1", slack.NewButtonBlockElement("menu_log", "1", plainText("Log a signal")))))
	code(t, err, "")
	_, err = w.api.PostEphemeral("C1", "U9", slack.MsgOptionText("Menu", false))
	code(t, err, "user_not_in_channel")
	_, _, _, err = w.api.UpdateMessage("C1", ts, slack.MsgOptionText("x", false))
	code(t, err, "message_not_found")
	if out, err := w.Press(t.Context(), "U1", sandbox.Target{Channel: "C1", TS: ts}, "b1", "menu_log", nil); err != nil || out.Text != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if !got.Container.IsEphemeral || got.Message.Text != "" {
		t.Errorf("payload: %+v", got)
	}
	_, _, err = w.api.PostMessage("C1", slack.MsgOptionText("Working…", false), slack.MsgOptionReplaceOriginal(got.ResponseURL))
	code(t, err, "")
	if m := w.last("U1", "C1"); m.Text != "Working…" || !m.Ephemeral || m.TS != ts {
		t.Errorf("replaced: %+v", m)
	}
	_, _, err = w.api.PostMessage("C1", slack.MsgOptionDeleteOriginal(got.ResponseURL))
	code(t, err, "")
	if n := len(w.Messages("U1", "C1")); n != 0 {
		t.Errorf("%d messages left", n)
	}
	w.clean()
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	w := start(t)
	el := slack.NewOptionsSelectBlockElement("external_select", nil, "account")
	least := 1
	el.MinQueryLength = &least
	many := slack.NewOptionsMultiSelectBlockElement("multi_external_select", nil, "people")
	answers := make(chan any, 1)
	var asked string
	v := opened(w, modal(slack.NewInputBlock("b_account", plainText("Account"), nil, el), slack.NewInputBlock("b_people", plainText("People"), nil, many)),
		func(c *socketmode.Client, r *socketmode.Request, cb slack.InteractionCallback) {
			if cb.Type == slack.InteractionTypeBlockSuggestion {
				asked = cb.ActionID + " " + cb.Value
				c.Ack(*r, <-answers)
				return
			}
			c.Ack(*r)
		})
	at := sandbox.Target{ViewID: v.ID}
	answers <- slack.OptionsResponse{Options: []*slack.OptionBlockObject{slack.NewOptionBlockObject("A1", plainText("Brightwater Labs"), plainText("ARR 48k"))}}
	got, err := w.Suggest(t.Context(), "U1", at, "b_account", "account", "bri")
	if err != nil || len(got) != 1 || got[0] != (sandbox.Option{Text: "Brightwater Labs", Value: "A1", Description: "ARR 48k"}) || asked != "account bri" {
		t.Errorf("got %+v, %v, asked %q", got, err, asked)
	}
	if got, err := w.Suggest(t.Context(), "U1", at, "b_people", "people", "da"); err != nil || got != nil {
		t.Errorf("below min_query_length: %v, %v", got, err)
	}
	answers <- slack.OptionGroupsResponse{OptionGroups: []*slack.OptionGroupBlockObject{slack.NewOptionGroupBlockElement(plainText("Buyers"), slack.NewOptionBlockObject("P1", plainText("Dana"), nil))}}
	if got, err := w.Suggest(t.Context(), "U1", at, "b_people", "people", "dan"); err != nil || len(got) != 1 || got[0].Group != "Buyers" {
		t.Errorf("groups: %+v, %v", got, err)
	}
	if err := w.SetState("U1", at, "b_account", "account", "A2"); err == nil || !strings.Contains(err.Error(), "not offered") {
		t.Errorf("a value that was not offered: %v", err)
	}
	if err := w.SetState("U1", at, "b_account", "account", "A1"); err != nil {
		t.Error(err)
	}
	if err := w.SetState("U1", at, "b_people", "people", []string{"P1"}); err != nil {
		t.Error(err)
	}
	if out, err := w.Submit(t.Context(), "U1", v.ID); err != nil || out.Text != "" || len(w.Modals("U1")) != 0 {
		t.Errorf("submit: %+v, %v", out, err)
	}
	w.clean()
}

func TestBadSuggestionsAreViolations(t *testing.T) {
	t.Parallel()
	w := start(t)
	el := slack.NewOptionsSelectBlockElement("external_select", nil, "account")
	v := opened(w, modal(slack.NewInputBlock("b", plainText("Account"), nil, el)), func(c *socketmode.Client, r *socketmode.Request, _ slack.InteractionCallback) {
		o := slack.NewOptionBlockObject("A1", plainText("Same"), nil)
		c.Ack(*r, slack.OptionsResponse{Options: []*slack.OptionBlockObject{o, o}})
	})
	if _, err := w.Suggest(t.Context(), "U1", sandbox.Target{ViewID: v.ID}, "b", "account", "sam"); err == nil {
		t.Error("two options with one value were taken")
	}
	w.violated("option values must be unique: A1")
}
