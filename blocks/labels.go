package blocks

import "strings"

// Menus with a fixed list: the value that is sent and stored, and the words people read.

// OverrideReasons are the answers to "Why the change?" (storyboard 3.3).
var OverrideReasons = []Item{
	{Value: OverrideKnows, Text: "Knows the customer"},
	{Value: OverrideTerritory, Text: "Different territory"},
	{Value: OverrideAway, Text: "Away or overloaded"},
	{Value: OverrideAsked, Text: "Asked for it"},
	{Value: OverrideRule, Text: "Rule is wrong", Description: "RevOps gets a note"},
}

// DismissReasons are why a CSM says a signal is not real (storyboard 3.5).
var DismissReasons = []Item{
	{Value: DismissAccount, Text: "Wrong account"},
	{Value: DismissOld, Text: "Old news"},
	{Value: DismissNoIntent, Text: "Not buying intent"},
	{Value: DismissData, Text: "Bad data"},
	{Value: DismissOther, Text: "Other"},
}

// NotMineReasons are why a rep hands a routing back (storyboard 7.7).
var NotMineReasons = []Item{
	{Value: NotMineTerritory, Text: "Wrong territory"},
	{Value: NotMineMoved, Text: "Moved teams"},
	{Value: NotMineConflict, Text: "Conflict"},
	{Value: NotMineNoTime, Text: "No time"},
	{Value: NotMineOther, Text: "Other"},
}

// NotRealReasons are why a rep says it is no expansion (storyboard 7.8).
var NotRealReasons = []Item{
	{Value: NotRealNoIntent, Text: "Not buying intent"},
	{Value: NotRealAccount, Text: "Wrong account"},
	{Value: NotRealOld, Text: "Old news"},
	{Value: NotRealNoMoney, Text: "No budget"},
	{Value: NotRealOther, Text: "Other"},
}

// OutcomeReasons are the main reasons an opportunity was won or lost (storyboard 4.6).
var OutcomeReasons = []Item{
	{Value: "need", Text: "Clear need"},
	{Value: "value", Text: "Proven value"},
	{Value: "relationship", Text: "Relationship"},
	{Value: "price", Text: "Price"},
	{Value: "no_budget", Text: "No budget"},
	{Value: "timing", Text: "Timing"},
	{Value: "competitor", Text: "Competitor"},
	{Value: "product_gap", Text: "Missing feature"},
	{Value: "champion_left", Text: "Champion left"},
	{Value: "no_decision", Text: "No decision"},
	{Value: "other", Text: "Other"},
}

func labelOf(items []Item, value string) string {
	for _, i := range items {
		if i.Value == value {
			return i.Text
		}
	}
	if !strings.Contains(value, " ") { // a code this release does not list
		value = strings.ReplaceAll(value, "_", " ")
	}
	return value
}

func overrideLabel(v string) string { return labelOf(OverrideReasons, v) }
func dismissLabel(v string) string  { return labelOf(DismissReasons, v) }
func notMineLabel(v string) string  { return labelOf(NotMineReasons, v) }
func notRealLabel(v string) string  { return labelOf(NotRealReasons, v) }
func outcomeLabel(v string) string  { return labelOf(OutcomeReasons, v) }

// ContactChannels are how a customer was spoken to (storyboard 4.4).
var ContactChannels = []Item{
	{Value: ChannelCall, Text: "Call"}, {Value: ChannelEmail, Text: "Email"}, {Value: ChannelMeeting, Text: "Meeting"}, {Value: ChannelChat, Text: "Chat"},
}

// ContactDirections are who contacted whom (storyboard 4.4).
var ContactDirections = []Item{{Value: DirectionOut, Text: "We contacted them"}, {Value: DirectionIn, Text: "They contacted us"}}

func contactLabel(v string) string { return said(labelOf(ContactChannels, v), nameLen) }

func has(items []Item, value string) bool {
	for _, i := range items {
		if i.Value == value {
			return true
		}
	}
	return false
}
