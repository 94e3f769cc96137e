package handlers_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"expansionbot/blocks"
	"expansionbot/sandbox/slack"
)

// logs is Priya logging by hand up to the modal that follows (storyboard 3.1).
func (s someone) logs(account, what string) {
	s.t.Helper()
	s.types("log " + account + " " + what)
	v := s.sees("Save and preview", account)
	s.fills(v, blocks.BlockType, blocks.InputValue, "explicit_request")
	s.fills(v, blocks.BlockStrength, blocks.InputValue, "strong")
	s.submits(v)
}

func TestFromLogToAcknowledged(t *testing.T) { // storyboard 3.1, 3.3, 3.6, 4.1, 4.2, 4.3
	t.Parallel()
	o := open(t)
	priya, marcus := o.as("priya"), o.as("marcus")
	priya.logs("Brightwater", "they asked about 30 more seats for March")
	v := priya.sees("Confirm routing", "Marcus Bell", "Route now")
	priya.submits(v)

	card := marcus.reads("Expansion for you: Brightwater Labs", "ho_ack")
	marcus.presses(card, blocks.ActionBrief, nil)
	marcus.sees("Handoff brief", "Stakeholders")
	marcus.presses(card, blocks.ActionAcknowledge, nil)
	marcus.reads("Acknowledged", "act_start")
	priya.reads("Acknowledged")

	marcus.presses(marcus.reads("Expansion for you", "act_start"), blocks.ActionStart, nil)
	marcus.reads("Expansion for you", "rogress")

	marcus.presses(marcus.reads("Expansion for you"), blocks.ActionMore, outcomeChoice(t, marcus))
	v = marcus.sees("Record outcome", "Won or lost?")
	marcus.fills(v, blocks.BlockResult, blocks.InputValue, "won")
	marcus.fills(v, blocks.BlockARR, blocks.InputValue, "21600")
	marcus.fills(v, blocks.BlockReason, blocks.InputValue, "need")
	marcus.submits(v)
	priya.reads("Won", "$21,600")
}

func TestLogsInOneCommandAndTwoPresses(t *testing.T) { // storyboard 12.3
	t.Parallel()
	o := open(t)
	priya, marcus := o.as("priya"), o.as("marcus")
	priya.types("log Brightwater they asked about 30 more seats")
	priya.submits(priya.sees("Save and preview", "Asked for it", "Suggested: strong (explicit ask, within 7 days)."))
	priya.submits(priya.sees("Confirm routing", "Marcus Bell", "Route now"))
	marcus.reads("Expansion for you: Brightwater Labs", "ho_ack")
}

// outcomeChoice is the value of "Close as won/lost" in the newest card's menu.
func outcomeChoice(t *testing.T, s someone) string {
	t.Helper()
	for _, m := range s.slack.Messages(s.id, s.dm()) {
		_, rest, ok := strings.Cut(string(m.Blocks), `"value":"outcome:`)
		if ok {
			id, _, _ := strings.Cut(rest, `"`)
			return "outcome:" + id
		}
	}
	t.Fatal("no menu with an outcome")
	return ""
}

func TestAsksWhetherItIsTheSameSignal(t *testing.T) { // storyboard 7.1
	t.Parallel()
	o := open(t)
	priya := o.as("priya")
	priya.logs("Kestrel", "they asked about more seats for the depot")
	priya.sees("Confirm routing")
	closeAll(t, priya)
	priya.logs("Kestrel", "they asked about more seats again today")
	v := priya.sees("Looks like", "Add your note to it?")
	priya.submits(v)
	priya.sees("Added to S-")
	closeAll(t, priya)
	priya.logs("Kestrel", "and now they want a hundred seats in Spain")
	v = priya.sees("Looks like")
	priya.fills(v, blocks.BlockSame, blocks.InputValue, blocks.SameDifferent)
	out, err := priya.slack.Submit(t.Context(), priya.id, v.ID)
	if err != nil || out.FieldErrors[blocks.BlockWhyDiff] == "" {
		t.Fatalf("submitted without a line: %+v, %v", out, err)
	}
	priya.fills(v, blocks.BlockWhyDiff, blocks.InputValue, "another site")
	priya.submits(v)
	priya.sees("Confirm routing")
}

func closeAll(t *testing.T, s someone) {
	t.Helper()
	for _, v := range s.slack.Modals(s.id) {
		check(t, s.slack.CloseView(t.Context(), s.id, v.ID, true))
	}
}

func TestNotMineGoesToWhoIsNamed(t *testing.T) { // storyboard 7.7, 4 ground rule
	t.Parallel()
	o := open(t)
	priya, marcus, dana := o.as("priya"), o.as("marcus"), o.as("dana")
	priya.logs("Brightwater", "they asked about 30 more seats for March")
	priya.submits(priya.sees("Confirm routing"))
	card := marcus.reads("Expansion for you: Brightwater Labs", "ho_ack")
	marcus.presses(card, blocks.ActionNotMine, nil)
	v := marcus.sees("Not the right rep?", "Send on")
	at := slack.Target{ViewID: v.ID}
	offered, err := o.slack.Suggest(t.Context(), marcus.id, at, blocks.BlockRecipient, blocks.InputRecipient, "dana")
	if err != nil || len(offered) != 1 || !strings.Contains(offered[0].Description, "of 8 · free") {
		t.Fatalf("offered %+v, %v", offered, err)
	}
	marcus.fills(v, blocks.BlockRecipient, blocks.InputRecipient, offered[0].Value)
	marcus.fills(v, blocks.BlockReason, blocks.InputValue, "wrong_territory")
	marcus.submits(v)
	dana.reads("Expansion for you: Brightwater Labs", "ho_ack")

	marcus.reads("Moved to Dana")
}

func TestNotRealIsAskedBack(t *testing.T) { // storyboard 7.8
	t.Parallel()
	o := open(t)
	priya, marcus := o.as("priya"), o.as("marcus")
	priya.logs("Brightwater", "they asked about 30 more seats for March")
	priya.submits(priya.sees("Confirm routing"))
	marcus.presses(marcus.reads("Expansion for you", "ho_notreal"), blocks.ActionNotReal, nil)
	v := marcus.sees("Not real?", "In one line")
	marcus.fills(v, blocks.BlockReason, blocks.InputValue, "not_buying_intent")
	marcus.fills(v, blocks.BlockLine, blocks.InputValue, "pilot users only")
	marcus.submits(v)
	q := priya.reads("pilot users only", "q_agree")
	priya.presses(q, blocks.ActionAgree, nil)
	marcus.reads("Closed as not real by Priya")
}

func TestOverrideAsksWhyAndUndoRecalls(t *testing.T) { // storyboard 3.3, 7.15
	t.Parallel()
	o := open(t)
	priya, dana := o.as("priya"), o.as("dana")
	priya.logs("Brightwater", "they asked about 30 more seats for March")
	v := priya.sees("Confirm routing")
	at := slack.Target{ViewID: v.ID}
	offered, err := o.slack.Suggest(t.Context(), priya.id, at, blocks.BlockRecipient, blocks.InputRecipient, "dana")
	if err != nil || len(offered) != 1 {
		t.Fatalf("offered %+v, %v", offered, err)
	}
	priya.presses(at, blocks.InputRecipient, offered[0].Value)
	v = priya.sees("Confirm routing", "Why the change?")
	priya.fills(v, blocks.BlockWhyChange, blocks.InputValue, blocks.OverrideKnows)
	priya.submits(v)
	dana.reads("Expansion for you", "ho_ack")
	priya.presses(priya.reads("route_undo"), blocks.ActionRouteUndo, nil)
	dana.reads("Recalled")
}

func TestDismissAndLaterAndHold(t *testing.T) { // storyboard 3.2, 3.5
	t.Parallel()
	o := open(t)
	priya := o.as("priya")
	priya.logs("Kestrel", "they asked about more seats for the depot")
	priya.sees("Confirm routing")
	closeAll(t, priya)
	card := priya.reads("Kestrel", "sig_hold")
	priya.presses(card, blocks.ActionSignalHold, nil)
	priya.reads("Kestrel", "It does not route until you say so")
	priya.presses(priya.reads("Kestrel", "sig_dismiss"), blocks.ActionSignalDismiss, nil)
	v := priya.sees("Why not?")
	priya.fills(v, blocks.BlockReason, blocks.InputValue, "old_news")
	priya.submits(v)
	priya.reads("Kestrel", "ismissed")
}

func TestCommandsAnswer(t *testing.T) { // storyboard 2, 5.4, 7.3, 11
	t.Parallel()
	o := open(t)
	priya, marcus, ravi := o.as("priya"), o.as("marcus"), o.as("ravi")
	priya.logs("Brightwater", "they asked about 30 more seats for March")
	priya.submits(priya.sees("Confirm routing"))
	marcus.reads("Expansion for you", "ho_ack")

	priya.types("")
	priya.reads("What would you like to do?")
	priya.types("lgo")
	priya.reads("I don't know `lgo`. Did you mean `log`?")
	priya.types("help")
	priya.reads("What I understand")
	marcus.types("mine")
	marcus.reads("1 signal waits on you")
	priya.types("account Brightwater")
	priya.reads("Brightwater Labs: 1 open signal")
	priya.types("account nobody")
	priya.reads("No account matches.")
	priya.types("list type: asked status: open since: 30d")
	priya.reads("1 signal.")
	priya.types("list colour: red")
	priya.reads("Filters are type:, strength:")
	priya.types("report 30d")
	priya.reads("Signals, last 30 days")
	ref := signalNumber(t, priya)
	ravi.types("why " + ref)
	ravi.sees("Why R-", "Rules, in order")
	closeAll(t, ravi)
	ravi.types("why R-999")
	ravi.sees("Why", "There is no routing R-999.")

	dana := o.as("dana")
	from := time.Now().AddDate(0, 0, 2).Format("2 Jan 2006")
	to := time.Now().AddDate(0, 0, 9).Format("2 Jan 2006")
	marcus.types("ooo " + from + " to " + to + " cover @dana")
	marcus.reads("You're away", "New signals go to Dana Ortiz.")
	marcus.types("ooo off")
	marcus.reads("Welcome back.")
	marcus.types("ooo one day")
	marcus.reads("I don't understand")
	dana.types("undo " + ref)
	dana.reads("Only ", " can ") // denied, with who can
}

// signalNumber is the "S-1042" of the newest card.
func signalNumber(t *testing.T, s someone) string {
	t.Helper()
	for _, m := range slices.Backward(s.slack.Messages(s.id, s.dm())) {
		if n := regexp.MustCompile(`S-\d+`).FindString(string(m.Blocks)); n != "" {
			return n
		}
	}
	t.Fatal("no card names a signal")
	return ""
}

func TestHomeShowsAndFilters(t *testing.T) { // storyboard 8
	t.Parallel()
	o := open(t)
	priya := o.as("priya")
	check(t, o.slack.OpenHome(t.Context(), priya.id))
	priya.home("No open signals.")
	priya.logs("Brightwater", "they asked about 30 more seats for March")
	priya.sees("Confirm routing")
	closeAll(t, priya)
	home := slack.Target{Home: true}
	priya.presses(home, blocks.ActionHomeRefresh, nil)
	priya.home("Brightwater Labs", "in review")
	priya.presses(home, blocks.ActionHomeStrength, "exploratory")
	priya.home("No signals match these filters.")
	priya.presses(home, blocks.ActionHomeClear, nil)
	priya.home("Brightwater Labs")
}

func TestLogsFromAMessage(t *testing.T) { // storyboard 2, message shortcut
	t.Parallel()
	o := open(t)
	priya := o.as("priya")
	ts, err := o.slack.Say(priya.id, "C0GENERAL", "", "Jo asked: could we get thirty more licences? <https://brightwater.example>")
	check(t, err)
	out, err := o.slack.Shortcut(t.Context(), priya.id, blocks.CallbackLogFromMessage, "C0GENERAL", ts)
	if err != nil || out.Text != "" {
		t.Fatalf("shortcut: %+v, %v", out, err)
	}
	priya.sees("Log expansion signal", "could we get thirty more licences?", "Suggested:")
}
