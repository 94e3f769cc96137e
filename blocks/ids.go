package blocks

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"expansionbot/expansion"
)

// Action ids: what a press or a choice arrives as. The number is the storyboard
// scene. They only grow; an old one is answered for ever.
const (
	ActionMenuLog     = "menu_log"     // 2 "Log a signal"; no value
	ActionMenuMine    = "menu_mine"    // 2 "My queue"; no value
	ActionMenuAccount = "menu_account" // 2 "Look up an account": an external_select, value = account id
	ActionMenuHelp    = "menu_help"    // 2 "Help"; no value
	ActionGoLive      = "menu_go_live" // 2, 6.6 "Go live", RevOps only; no value

	ActionListPage = "list_page" // 2 "Next": value = Value(filter words, page wanted)
	ActionListHome = "list_home" // 2 "Open in Home"; no value
	ActionListRow  = "list_row"  // 2 overflow of a row, ParseChoice: open, why, dismiss

	ActionSignalRoute   = "sig_route"   // 3.2 "Route now": signal value
	ActionSignalPreview = "sig_preview" // 3.2 "Edit or override": signal value, opens Preview
	ActionSignalHold    = "sig_hold"    // 3.2 "Hold": signal value
	ActionSignalDismiss = "sig_dismiss" // 3.2, 3.5 "Not real": signal value, opens Dismiss
	ActionSignalConfirm = "sig_confirm" // 3.5 "Yes, route it": signal value
	ActionSignalLater   = "sig_later"   // 3.5 "Real, not now": signal value, opens Later
	ActionSignalAssign  = "sig_assign"  // 7.2 "Assign": signal value, opens Preview
	ActionSignalThread  = "sig_thread"  // 3.3 "Open thread": routing value
	ActionRouteUndo     = "route_undo"  // 3.3, 7.15 "Undo": routing value

	ActionTranscriptSave = "tr_save" // 3.4 "Save"
	ActionTranscriptEdit = "tr_edit" // 3.4 "Edit"
	ActionTranscriptSkip = "tr_skip" // 3.4 "Skip"

	ActionWhy = "why_open" // 1.3, 3.3 "Why?": routing or signal value, opens Why

	ActionAcknowledge = "ho_ack"     // 4.1 "Acknowledge": routing value
	ActionBrief       = "ho_brief"   // 4.1 "Full brief": routing value, opens Brief
	ActionNotMine     = "ho_notmine" // 4.1 "Not mine": routing value, opens NotMine
	ActionNotReal     = "ho_notreal" // 4.1 "Not real": routing value, opens NotReal
	ActionMore        = "ho_more"    // 4.1 overflow, ParseChoice: why, crm, contact, remind, outcome

	ActionContact = "act_contact" // 4.3, 4.4 "Log a contact": routing value, opens Contact
	ActionRemind  = "ho_remind"   // 4.1 "Remind me in 2 h", an entry of ho_more: routing value
	ActionMeet    = "act_meet"    // 4.3 "Suggest times": routing value
	ActionStart   = "act_start"   // 4.3 "Start working": routing value
	ActionOutcome = "act_outcome" // 4.3, 4.6 "Close as won/lost": routing value, opens Outcome

	ActionMeetWorks = "meet_works" // 4.5 "Works for me": routing id and slot

	ActionReassign = "esc_reassign" // 5.1 "Reassign": routing value, opens Reassign
	ActionNudge    = "esc_nudge"    // 5.1 "Nudge Marcus": routing value
	ActionTake     = "esc_take"     // 5.1 "I'll take it": routing value
	ActionExtend   = "esc_extend"   // 5.1 "Give 24 h more": routing value, opens Extend

	ActionDigestTime = "dg_time" // 5.3 "Change time"
	ActionDigestOff  = "dg_off"  // 5.3 "Turn off"

	ActionPolicyPublish = "pol_publish" // 6.1 "Publish"
	ActionPolicyAll     = "pol_all"     // 6.1 "See all"
	ActionPolicyDiscard = "pol_discard" // 6.1 "Discard"
	ActionGuardKeep     = "gr_keep"     // 6.4 "Keep"
	ActionGuardRevert   = "gr_revert"   // 6.4 "Revert"
	ActionGuardMisses   = "gr_misses"   // 6.4 "See the 7 misses"

	ActionAgree    = "q_agree"    // 7.8 "Agree": routing value
	ActionDisagree = "q_disagree" // 7.8 "Disagree, here's why": routing value, opens Disagree

	ActionHoldMessage = "hold_message" // 7.10 "Message Marcus"
	ActionHoldShare   = "hold_share"   // 7.10 "Ask to share"
	ActionHoldAnyway  = "hold_anyway"  // 7.10 "Contact anyway"
	ActionLinkPerson  = "link_person"  // 7.12 users_select "Link"
	ActionOpenLink    = "open_link"    // 4.1, 7.16 a link button; Slack reports the press, nothing to do
	ActionReopen      = "modal_reopen" // 7.17 "Reopen": value = draft id

	ActionHomeType     = "home_type"     // 8 filter: static_select, OptionAny or a signal type
	ActionHomeStrength = "home_strength" // 8 filter: static_select, OptionAny or a strength
	ActionHomeStatus   = "home_status"   // 8 filter: static_select, OptionAny or a signal status
	ActionHomeAccount  = "home_account"  // 8 filter: external_select, value = account id
	ActionHomeScope    = "home_scope"    // 8 filter: static_select, ScopeMine, ScopeTeam, ScopeAll
	ActionHomeLog      = "home_log"      // 8 "Log a signal"; no value
	ActionHomeRow      = "home_row"      // 8 overflow of a row, ParseChoice: open, why, dismiss
	ActionHomeRefresh  = "home_refresh"  // 8 "Refresh": value = page shown
	ActionHomePage     = "home_page"     // 8 "Earlier page": value = page wanted
	ActionHomeNext     = "home_next"     // 8 "Next page": value = page wanted
	ActionHomeClear    = "home_clear"    // 8 "Clear filters"; no value
)

// Callback ids of modals and shortcuts.
const (
	CallbackLogFromMessage = "log_from_message" // 2 message shortcut "Log as expansion signal"
	CallbackLogSignal      = "log_signal"       // 3.1 "Log expansion signal"
	CallbackSimilar        = "similar_signal"   // 7.1 "Looks like S-1042"
	CallbackPreview        = "confirm_routing"  // 3.3 "Confirm routing"
	CallbackWhy            = "why"              // 6.3; nothing to submit
	CallbackBrief          = "handoff_brief"    // 4.2; nothing to submit
	CallbackContact        = "log_contact"      // 4.4 "Log customer contact"
	CallbackOutcome        = "record_outcome"   // 4.6
	CallbackNotMine        = "not_mine"         // 7.7
	CallbackNotReal        = "not_real"         // 7.8
	CallbackDismiss        = "dismiss_signal"   // 3.5
	CallbackLater          = "later_signal"     // 3.5
	CallbackReassign       = "reassign"         // 5.2
	CallbackExtend         = "extend"           // 5.1
	CallbackDisagree       = "disagree"         // 7.8
	CallbackWait           = "wait"             // Loading…, Working… and failures; nothing to submit
)

// Block ids of inputs: field errors are keyed by them.
const (
	BlockAccount     = "account"     // 3.1
	BlockType        = "type"        // 3.1 signal type
	BlockStrength    = "strength"    // 3.1
	BlockWhat        = "what"        // 3.1
	BlockQuote       = "quote"       // 3.1
	BlockPeople      = "people"      // 3.1
	BlockWhen        = "when"        // 3.1
	BlockLink        = "link"        // 3.1
	BlockSame        = "same"        // 7.1
	BlockWhyDiff     = "different"   // 7.1
	BlockRecipient   = "recipient"   // 3.3, 5.2, 7.7
	BlockWhyChange   = "why_change"  // 3.3
	BlockExpansion   = "expansion"   // 3.3
	BlockPotential   = "potential"   // 3.3
	BlockStage       = "stage"       // 3.3
	BlockProbability = "probability" // 3.3
	BlockClose       = "close_date"  // 3.3
	BlockAttach      = "attach"      // 7.5
	BlockWhySeparate = "separate"    // 7.5
	BlockNote        = "note"        // 3.3
	BlockAlso        = "also"        // 3.3 "Email it too", "Hold other outreach for 7 days"
	BlockReason      = "reason"      // 3.5, 4.6, 5.1, 5.2, 7.7, 7.8
	BlockLine        = "line"        // one line of explanation: 3.5, 7.8
	BlockUntil       = "until"       // 3.5
	BlockResult      = "result"      // 4.6 won or lost
	BlockARR         = "arr"         // 4.6
	BlockCompetitor  = "competitor"  // 4.6
	BlockFeedback    = "feedback"    // 4.6
	BlockRating      = "rating"      // 4.6
	BlockRight       = "right"       // 4.6 "Was the signal right?"
	BlockTell        = "tell"        // 5.2 "Tell Marcus why"
	BlockContact     = "contact"     // 4.4 who at the customer
	BlockChannel     = "channel"     // 4.4
	BlockDirection   = "direction"   // 4.4
	BlockNext        = "next"        // 4.4 next step
)

// Action ids of inputs. The three external selects ask for suggestions by theirs.
const (
	InputAccount   = "pick_account"   // 3.1 external_select
	InputPeople    = "pick_people"    // 3.1 multi_external_select; the account is in the view's state
	InputRecipient = "pick_recipient" // 3.3, 5.2, 7.7 external_select; dispatches in 3.3
	InputValue     = "input"          // every other input
)

// Option values that are not already words of the expansion room.
const (
	OptionAny = "any" // no filter

	ScopeMine = "mine"
	ScopeTeam = "team"
	ScopeAll  = "all"

	ChoiceOpen    = "open"    // rows: the full card
	ChoiceWhy     = "why"     // "Why me?", "Why"
	ChoiceCRM     = "crm"     // "Open in Salesforce", a link
	ChoiceTimes   = "times"   // "Suggest times"
	ChoiceContact = "contact" // "Log a contact"
	ChoiceRemind  = "remind"  // "Remind me in 2 h"
	ChoiceOutcome = "outcome" // "Close as won/lost"
	ChoiceNote    = "note"    // "Note"
	ChoiceDismiss = "dismiss" // "Dismiss"
	ChoiceRoute   = "route"   // lists: "Route"

	AccountNotInCRM = "not_in_crm:" // 3.1 "Not in CRM yet"; the name that was typed follows

	SameAdd       = "add"       // 7.1 "Add to it"
	SameDifferent = "different" // 7.1 "It's different"

	AttachOpen     = "attach"   // 7.5 "Attach to it"
	AttachSeparate = "separate" // 7.5 "Create a separate one"

	AlsoEmail = "email" // 3.3 "Email it too"
	AlsoHold  = "hold"  // 3.3 "Hold other outreach for 7 days"

	OverrideKnows     = "knows_customer"      // 3.3 "Knows the customer"
	OverrideTerritory = "different_territory" // 3.3 "Different territory"
	OverrideAway      = "away_or_overloaded"  // 3.3 "Away or overloaded"
	OverrideAsked     = "asked_for_it"        // 3.3 "Asked for it"
	OverrideRule      = "rule_is_wrong"       // 3.3 "Rule is wrong": a note to RevOps

	DismissAccount  = "wrong_account"     // 3.5
	DismissOld      = "old_news"          // 3.5
	DismissNoIntent = "not_buying_intent" // 3.5
	DismissData     = "bad_data"          // 3.5
	DismissOther    = "other"             // 3.5

	LaterTwoWeeks = "2w"      // 3.5 "In 2 weeks"
	LaterMonth    = "1m"      // 3.5 "In 1 month"
	LaterRenewal  = "renewal" // 3.5 "At renewal"

	NotMineTerritory = "wrong_territory" // 7.7
	NotMineMoved     = "moved_teams"     // 7.7
	NotMineConflict  = "conflict"        // 7.7
	NotMineNoTime    = "no_time"         // 7.7
	NotMineOther     = "other"           // 7.7

	NotRealNoIntent = "not_buying_intent" // 7.8
	NotRealAccount  = "wrong_account"     // 7.8
	NotRealOld      = "old_news"          // 7.8
	NotRealNoMoney  = "no_budget"         // 7.8
	NotRealOther    = "other"             // 7.8

	ResultWon  = "won"  // 4.6
	ResultLost = "lost" // 4.6

	ChannelCall    = "call"    // 4.4
	ChannelEmail   = "email"   // 4.4
	ChannelMeeting = "meeting" // 4.4
	ChannelChat    = "chat"    // 4.4

	DirectionOut = "out" // 4.4 "We contacted them"
	DirectionIn  = "in"  // 4.4 "They contacted us"

	RightYes    = "yes"    // 4.6
	RightPartly = "partly" // 4.6
	RightNo     = "no"     // 4.6
)

// Value is what a button carries: the id of its subject and the version the reader saw.
func Value(id string, version int64) string {
	return id + ":" + strconv.FormatInt(version, 10)
}

// ParseValue reads what Value wrote. The id may hold colons; the version may not be
// negative. The error names the value, which is never customer text.
func ParseValue(s string) (id string, version int64, err error) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 {
		return "", 0, fmt.Errorf("button value %q is not id:version", s)
	}
	version, err = strconv.ParseInt(s[i+1:], 10, 64)
	if err != nil || version < 0 || s[i+1:] != strconv.FormatInt(version, 10) {
		return "", 0, fmt.Errorf("button value %q has no version", s)
	}
	return s[:i], version, nil
}

// noticeBlock is in front of the value in the id of a notice's buttons: a menu of people
// carries no value of its own.
const noticeBlock = "notice:"

// ParseNotice reads which routing a notice's menu is about.
func ParseNotice(blockID string) (expansion.RoutingID, error) {
	value, ok := strings.CutPrefix(blockID, noticeBlock)
	if !ok {
		return "", fmt.Errorf("block %q is not a notice's", blockID)
	}
	id, _, err := ParseValue(value)
	return expansion.RoutingID(id), err
}

// Choice is the value of one entry of an overflow menu: a word and what Value says.
func Choice(word, id string, version int64) string { return word + ":" + Value(id, version) }

// ParseChoice reads what Choice wrote.
func ParseChoice(s string) (word, id string, version int64, err error) {
	word, rest, ok := strings.Cut(s, ":")
	if !ok || word == "" {
		return "", "", 0, fmt.Errorf("menu value %q is not word:id:version", s)
	}
	id, version, err = ParseValue(rest)
	return word, id, version, err
}

// Meta is what a modal carries in private_metadata: ids and versions only. Every
// field is optional. What was typed is kept elsewhere and named by Draft.
type Meta struct {
	Signal  expansion.SignalID  `json:"signal,omitempty"`
	Routing expansion.RoutingID `json:"routing,omitempty"`
	Version int64               `json:"version,omitempty"` // of Routing, or of Signal when Routing is ""
	Account expansion.AccountID `json:"account,omitempty"`
	Draft   string              `json:"draft,omitempty"`   // id of a kept LogValues
	Channel string              `json:"channel,omitempty"` // where the card or the logged message is
	TS      string              `json:"ts,omitempty"`
	Author  string              `json:"author,omitempty"` // Slack user id of the logged message's author
}

// String is the JSON of m.
func (m Meta) String() string {
	b, err := json.Marshal(m)
	if err != nil { // strings and numbers always marshal
		return "{}"
	}
	return string(b)
}

// ParseMeta reads what Meta.String wrote; "" is the zero Meta.
func ParseMeta(s string) (Meta, error) {
	var m Meta
	if s == "" {
		return m, nil
	}
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		return Meta{}, fmt.Errorf("private_metadata: %w", err)
	}
	return m, nil
}

// SignalMeta is the Meta of a modal about c's signal.
func SignalMeta(c expansion.Case) Meta {
	return Meta{Signal: c.Signal.ID, Version: c.Signal.Version, Account: c.Account.ID}
}

// RoutingMeta is the Meta of a modal about c's routing; without one it is SignalMeta.
func RoutingMeta(c expansion.Case) Meta {
	m := SignalMeta(c)
	if c.Routing != nil {
		m.Routing, m.Version = c.Routing.ID, c.Routing.Version
	}
	return m
}
