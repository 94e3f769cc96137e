package blocks

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// The parsers read submitted modals. Each returns what was typed and, keyed by block id
// as Slack wants it, one sentence per field at fault; a nil map means all is well. They
// check form only: who may do it and what is still legal is the engine's.

// form reads one view's state; a field that is not there reads as empty.
type form struct {
	values map[string]map[string]slack.BlockAction
	errs   map[string]string
}

func readForm(v *slack.View) *form {
	f := &form{}
	if v != nil && v.State != nil {
		f.values = v.State.Values
	}
	return f
}

func (f *form) fail(block, sentence string) {
	if f.errs == nil {
		f.errs = map[string]string{}
	}
	if f.errs[block] == "" {
		f.errs[block] = sentence
	}
}

func (f *form) action(block string) slack.BlockAction {
	for _, a := range f.values[block] { // one element per input block
		return a
	}
	return slack.BlockAction{}
}

func (f *form) shown(block string) bool { _, ok := f.values[block]; return ok }

func (f *form) text(block string) string {
	return strings.TrimSpace(strings.ToValidUTF8(f.action(block).Value, "\uFFFD"))
}

func (f *form) pick(block string) string { return f.action(block).SelectedOption.Value }

func (f *form) picks(block string) []string {
	var out []string
	for _, o := range f.action(block).SelectedOptions {
		out = append(out, o.Value)
	}
	return out
}

func (f *form) day(block string) *time.Time {
	s := f.action(block).SelectedDate
	if s == "" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		f.fail(block, "Pick a day from the calendar.")
		return nil
	}
	return &t
}

// amount is a number as people type it: "19,200", "$19 200", "1250.50". ok is false when
// the field is empty or wrong.
func (f *form) amount(block string, mayBeNegative bool) (major float64, ok bool) {
	s := f.text(block)
	if s == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.NewReplacer(",", "", " ", "", "\u00a0", "", "$", "", "€", "", "£", "").Replace(s), 64)
	if err != nil || n != n || n > 1e12 || n < -1e12 {
		f.fail(block, "Write the amount as a number, like 19200.")
		return 0, false
	}
	if n < 0 && !mayBeNegative {
		f.fail(block, "The amount cannot be below zero.")
		return 0, false
	}
	return n, true
}

func (f *form) need(block, value string, items []Item, sentence string) {
	if !has(items, value) {
		f.fail(block, sentence)
	}
}

func (f *form) line(block, sentence string, limit int) string {
	s := f.text(block)
	if s == "" {
		f.fail(block, sentence)
	}
	f.short(block, s, limit)
	return s
}

func (f *form) short(block, s string, limit int) {
	if utf8.RuneCountInString(s) > limit {
		f.fail(block, "Keep it under "+strconv.Itoa(limit)+" characters.")
	}
}

// LogValues is the log modal as submitted (storyboard 3.1).
type LogValues struct {
	Account  expansion.AccountID // AccountNotInCRM and a name when "Not in CRM yet" was picked
	Type     expansion.SignalType
	Strength expansion.Strength
	What     string
	Quote    string
	People   []string   // contact ids
	When     *time.Time // a day as 00:00 UTC; nil = not said
	Link     string
}

// ParseLogSignal reads the modal of LogSignal.
func ParseLogSignal(v *slack.View) (LogValues, map[string]string) {
	f := readForm(v)
	out := LogValues{
		Account: expansion.AccountID(f.pick(BlockAccount)), Type: expansion.SignalType(f.pick(BlockType)),
		Strength: expansion.Strength(f.pick(BlockStrength)), What: f.text(BlockWhat), Quote: f.text(BlockQuote),
		People: f.picks(BlockPeople), When: f.day(BlockWhen), Link: f.text(BlockLink),
	}
	if out.Account == "" {
		f.fail(BlockAccount, "Pick the account, or 'Not in CRM yet'.")
	}
	if !out.Type.Valid() {
		f.fail(BlockType, "Pick what kind of signal it is.")
	}
	if !out.Strength.Valid() {
		f.fail(BlockStrength, "Pick how strong it is.")
	}
	if utf8.RuneCountInString(out.What) < minWhat {
		f.fail(BlockWhat, "Say what happened in at least 10 characters.")
	}
	f.short(BlockWhat, out.What, maxWhat)
	f.short(BlockQuote, out.Quote, maxWhat)
	if out.Link != "" && safeURL(out.Link) == "" {
		f.fail(BlockLink, "Paste a whole web address, starting with https://.")
	}
	return out, f.errs
}

// SimilarValues is the answer to "Add your note to it?" (storyboard 7.1).
type SimilarValues struct {
	Add       bool   // add to the open one
	Different string // why it is another one, when not Add
}

// ParseSimilar reads the modal of Similar.
func ParseSimilar(v *slack.View) (SimilarValues, map[string]string) {
	f := readForm(v)
	out := SimilarValues{Different: f.text(BlockWhyDiff)}
	switch f.pick(BlockSame) {
	case SameAdd:
		out.Add, out.Different = true, ""
	case SameDifferent:
		f.line(BlockWhyDiff, "Say in one line what is different.", maxLine)
	default:
		f.fail(BlockSame, "Say whether it is the same.")
	}
	return out, f.errs
}

// PreviewValues is the modal "Confirm routing" as submitted (storyboard 3.3, 7.5).
type PreviewValues struct {
	To             expansion.PersonID
	WhyChange      string // an Override… value; "" when the recipient is the plan's
	ExpansionType  expansion.ExpansionType
	Potential      *float64 // major units; nil = not known
	StageID        string
	Probability    *float64   // 0..1
	CloseDate      *time.Time // a day as 00:00 UTC
	Attach         string     // CRM id of the open opportunity to attach to, "" = create
	WhySeparate    string     // why another one beside the open one
	Note           string
	Email, Hold    bool
	AskedForReason bool // the modal showed "Why the change?"
}

// ParsePreview reads the modal of Preview.
func ParsePreview(v *slack.View) (PreviewValues, map[string]string) {
	f := readForm(v)
	out := PreviewValues{
		To: expansion.PersonID(f.pick(BlockRecipient)), ExpansionType: expansion.ExpansionType(f.pick(BlockExpansion)),
		StageID: f.pick(BlockStage), CloseDate: f.day(BlockClose), Note: f.text(BlockNote), AskedForReason: f.shown(BlockWhyChange),
	}
	if out.To == "" {
		f.fail(BlockRecipient, "Pick who gets it.")
	}
	if out.AskedForReason {
		out.WhyChange = f.pick(BlockWhyChange)
		f.need(BlockWhyChange, out.WhyChange, OverrideReasons, "Say why somebody else should get it.")
	}
	if !out.ExpansionType.Valid() {
		f.fail(BlockExpansion, "Pick what they may buy.")
	}
	if n, ok := f.amount(BlockPotential, false); ok {
		out.Potential = &n
	}
	if s := f.text(BlockProbability); s != "" {
		p, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
		if err != nil || !(p >= 0 && p <= 100) {
			f.fail(BlockProbability, "Write the chance in percent, 0 to 100.")
		} else {
			p /= 100
			out.Probability = &p
		}
	}
	switch a := f.pick(BlockAttach); {
	case a == AttachSeparate:
		out.WhySeparate = f.line(BlockWhySeparate, "Say why it needs a separate one.", maxLine)
	case a == "" && f.shown(BlockAttach):
		f.fail(BlockAttach, "Attach to it, or create a separate one.")
	default:
		out.Attach = a
	}
	f.short(BlockNote, out.Note, maxNote)
	for _, a := range f.picks(BlockAlso) {
		out.Email = out.Email || a == AlsoEmail
		out.Hold = out.Hold || a == AlsoHold
	}
	return out, f.errs
}

// OutcomeValues is the modal "Record outcome" as submitted (storyboard 4.6).
type OutcomeValues struct {
	Won         bool
	ARR         *float64 // major units; nil when lost and not given
	Reason      string
	Competitor  string
	Feedback    string
	Rating      *int   // 1..5
	SignalRight string // RightYes, RightPartly, RightNo, ""
}

// ParseOutcome reads the modal of Outcome. Lost asks only for a reason.
func ParseOutcome(v *slack.View) (OutcomeValues, map[string]string) {
	f := readForm(v)
	out := OutcomeValues{
		Won: f.pick(BlockResult) == ResultWon, Reason: f.pick(BlockReason), Competitor: f.text(BlockCompetitor),
		Feedback: f.text(BlockFeedback), SignalRight: f.pick(BlockRight),
	}
	if r := f.pick(BlockResult); r != ResultWon && r != ResultLost {
		f.fail(BlockResult, "Say whether it was won or lost.")
	}
	if n, ok := f.amount(BlockARR, true); ok {
		out.ARR = &n
	} else if out.Won {
		f.fail(BlockARR, "Say how much the ARR changed; 0 is fine.")
	}
	f.need(BlockReason, out.Reason, OutcomeReasons, "Pick the main reason.")
	f.short(BlockCompetitor, out.Competitor, maxLine)
	f.short(BlockFeedback, out.Feedback, maxNote)
	if s := f.pick(BlockRating); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 5 {
			f.fail(BlockRating, "Pick 1 to 5.")
		} else {
			out.Rating = &n
		}
	}
	return out, f.errs
}

// NotMineValues is the modal "Not the right rep?" as submitted (storyboard 7.7).
type NotMineValues struct {
	To     expansion.PersonID // "" = next in line
	Reason string             // a NotMine… value
}

// ParseNotMine reads the modal of NotMine.
func ParseNotMine(v *slack.View) (NotMineValues, map[string]string) {
	f := readForm(v)
	out := NotMineValues{To: expansion.PersonID(f.pick(BlockRecipient)), Reason: f.pick(BlockReason)}
	f.need(BlockReason, out.Reason, NotMineReasons, "Say why it isn't yours.")
	return out, f.errs
}

// NotRealValues is the rep's "not real" as submitted (storyboard 7.8).
type NotRealValues struct {
	Reason string // a NotReal… value
	Line   string
}

// ParseNotReal reads the modal of NotReal.
func ParseNotReal(v *slack.View) (NotRealValues, map[string]string) {
	f := readForm(v)
	out := NotRealValues{Reason: f.pick(BlockReason)}
	f.need(BlockReason, out.Reason, NotRealReasons, "Say why it isn't expansion.")
	out.Line = f.line(BlockLine, "Say in one line what you know.", maxLine)
	return out, f.errs
}

// ParseDismiss reads the modal of Dismiss: a Dismiss… value.
func ParseDismiss(v *slack.View) (reason string, errs map[string]string) {
	f := readForm(v)
	reason = f.pick(BlockReason)
	f.need(BlockReason, reason, DismissReasons, "Say why it isn't real.")
	return reason, f.errs
}

// ParseLater reads the modal of Later: a Later… value.
func ParseLater(v *slack.View) (when string, errs map[string]string) {
	f := readForm(v)
	when = f.pick(BlockUntil)
	if when != LaterTwoWeeks && when != LaterMonth && when != LaterRenewal {
		f.fail(BlockUntil, "Pick when I should ask again.")
	}
	return when, f.errs
}

// ReassignValues is the modal "Reassign" or "Assign" as submitted (storyboard 5.2, 7.2).
type ReassignValues struct {
	To     expansion.PersonID
	Reason string // in the person's words
	Tell   string // for the one who loses it, "" = the reason alone
}

// ParseReassign reads the modal of Reassign.
func ParseReassign(v *slack.View) (ReassignValues, map[string]string) {
	f := readForm(v)
	out := ReassignValues{To: expansion.PersonID(f.pick(BlockRecipient)), Tell: f.text(BlockTell)}
	if out.To == "" {
		f.fail(BlockRecipient, "Pick who gets it.")
	}
	out.Reason = f.line(BlockReason, "Say why, in a few words.", maxLine)
	f.short(BlockTell, out.Tell, maxNote)
	return out, f.errs
}

// ContactValues is the modal "Log customer contact" as submitted (storyboard 4.4).
type ContactValues struct {
	Contact   string // contact id, "" = not said
	Channel   string // a Channel… value
	Direction string // a Direction… value
	Line      string
	Next      string
}

// ParseContact reads the modal of Contact.
func ParseContact(v *slack.View) (ContactValues, map[string]string) {
	f := readForm(v)
	out := ContactValues{Contact: f.pick(BlockContact), Channel: f.pick(BlockChannel), Direction: f.pick(BlockDirection), Next: f.text(BlockNext)}
	f.need(BlockChannel, out.Channel, ContactChannels, "Pick how you spoke.")
	f.need(BlockDirection, out.Direction, ContactDirections, "Pick who contacted whom.")
	out.Line = f.line(BlockLine, "Say in one line what it was about.", maxLine)
	f.short(BlockNext, out.Next, maxLine)
	return out, f.errs
}

// ParseExtend reads the modal of Extend: the reason, in the person's words.
func ParseExtend(v *slack.View) (reason string, errs map[string]string) {
	f := readForm(v)
	reason = f.line(BlockReason, "Say why they need 24 h more.", maxLine)
	return reason, f.errs
}

// ParseDisagree reads the modal of Disagree: why it is real, in the person's words.
func ParseDisagree(v *slack.View) (why string, errs map[string]string) {
	f := readForm(v)
	why = f.line(BlockLine, "Say why it is real.", maxNote)
	return why, f.errs
}
