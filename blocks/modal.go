package blocks

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// modal is a view; without submit it has nothing to send.
func modal(callback, title, submit string, m Meta, bs ...slack.Block) slack.ModalViewRequest {
	v := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, Title: plain(title, maxTitle), Close: plain("Cancel", maxTitle),
		PrivateMetadata: m.String(), Blocks: slack.Blocks{BlockSet: list(bs...)},
	}
	if submit == "" {
		v.Close = plain("Close", maxTitle)
	} else {
		v.Submit = plain(submit, maxTitle)
	}
	return v
}

func input(block, label string, e slack.BlockElement) *slack.InputBlock {
	return slack.NewInputBlock(block, plain(label, maxHint), nil, e)
}

func optional(b *slack.InputBlock) *slack.InputBlock { return b.WithOptional(true) }

func hinted(b *slack.InputBlock, hint string) *slack.InputBlock {
	if h := cut(hint, maxHint); h != "" {
		b.Hint = plain(h, maxHint)
	}
	return b
}

// textInput takes at most limit characters; initial is cut to fit.
func textInput(initial string, multiline bool, limit int) *slack.PlainTextInputBlockElement {
	e := slack.NewPlainTextInputBlockElement(nil, InputValue)
	e.Multiline, e.MaxLength = multiline, limit
	e.InitialValue = cutWith(strings.ToValidUTF8(initial, "\uFFFD"), limit, same)
	return e
}

func radio(initial string, items []Item) *slack.RadioButtonsBlockElement {
	os := options(items[:min(len(items), 10)])
	e := slack.NewRadioButtonsBlockElement(InputValue, os...)
	e.InitialOption = chosen(os, initial)
	return e
}

func choose(placeholder, initial string, items []Item) *slack.SelectBlockElement {
	os := options(items)
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain(placeholder, maxPlaceholder), InputValue, os...)
	e.InitialOption = chosen(os, initial)
	return e
}

// search is an external select; initial without a value chooses nothing.
func search(action, placeholder string, initial Item, minQuery int) *slack.SelectBlockElement {
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plain(placeholder, maxPlaceholder), action)
	e.MinQueryLength = &minQuery
	if initial.fits() {
		e.InitialOption = initial.option()
	}
	return e
}

func number(initial string, decimals bool, low, high string) *slack.NumberInputBlockElement {
	e := slack.NewNumberInputBlockElement(nil, InputValue, decimals)
	e.InitialValue, e.MinValue, e.MaxValue = initial, low, high
	return e
}

func datepicker(day *time.Time) *slack.DatePickerBlockElement {
	e := slack.NewDatePickerBlockElement(InputValue)
	if day != nil && !day.IsZero() && day.Year() > 1970 && day.Year() < 9999 {
		e.InitialDate = day.Format(time.DateOnly)
	}
	return e
}

func typeItems() []Item {
	items := make([]Item, 0, len(expansion.SignalTypes))
	for _, t := range expansion.SignalTypes {
		items = append(items, Item{Value: string(t), Text: t.Label()})
	}
	return items
}

func expansionItems() []Item {
	items := make([]Item, 0, len(expansion.ExpansionTypes))
	for _, t := range expansion.ExpansionTypes {
		items = append(items, Item{Value: string(t), Text: t.Label()})
	}
	return items
}

var strengthItems = []Item{
	{Value: string(expansion.Strong), Text: "Strong: they said they want to buy"},
	{Value: string(expansion.Moderate), Text: "Moderate: clear need, no date"},
	{Value: string(expansion.Exploratory), Text: "Exploratory: a hint"},
}

// Loading is opened inside Slack's 3 s and replaced by views.update once the look-ups
// are done. It has no submit and a small size, so it also serves as an answer to a submit.
func Loading(title string) slack.ModalViewRequest {
	return modal(CallbackWait, title, "", Meta{}, section("Loading…"))
}

// Working answers a submit while the work goes on; views.update replaces it.
func Working(title string) slack.ModalViewRequest {
	return modal(CallbackWait, title, "", Meta{}, section("Working… This view updates by itself; you can also close it."))
}

// Done ends a modal with a sentence that went well.
func Done(title, text string) slack.ModalViewRequest {
	return modal(CallbackWait, title, "", Meta{}, alert(slack.AlertLevelSuccess, orElse(text, "Done.")))
}

// Failed ends a modal with a sentence about what went wrong and what to do.
func Failed(title, text string) slack.ModalViewRequest {
	text = orElse(text, expansion.TextOf(nil))
	if units(clean(text)) <= maxAlert {
		return modal(CallbackWait, title, "", Meta{}, alert(slack.AlertLevelError, text))
	}
	return modal(CallbackWait, title, "", Meta{}, alert(slack.AlertLevelError, "That did not work."), section(esc(text, maxSection)))
}

// Expired offers what was typed in a modal that ran out (storyboard 7.17). Draft is the
// id it was kept under.
func Expired(draft string) Message {
	text := "This took a while; I kept what you typed."
	return Message{Text: text, Blocks: list(section(text), actions(primary(ActionReopen, draft, "Reopen")))}
}

// LogForm is what the modal "Log expansion signal" starts with. Every field may be zero.
type LogForm struct {
	Meta         Meta
	Account      Item
	Type         expansion.SignalType
	Strength     expansion.Strength // "" = Suggested
	Suggested    expansion.Strength // what the rules would score, "" = not scored yet
	SuggestedWhy string             // the rules' sentence, "Suggested: strong (explicit ask, within 7 days)."
	What         string
	Quote        string
	People       []Item // contacts chosen
	When         time.Time
	Link         string
	Problem      string // a sentence shown on top, for a failure that belongs to no field
}

// Limits of the log form in characters (storyboard 3.1).
const (
	minWhat = 10
	maxWhat = 2000
	maxNote = 1000
	maxLine = 200
)

// LogSignal is the modal of storyboard 3.1.
func LogSignal(f LogForm) slack.ModalViewRequest {
	strength := f.Strength
	if strength == "" {
		strength = f.Suggested
	}
	var suggested, problem slack.Block
	if f.Suggested.Valid() {
		s := esc(f.SuggestedWhy, lineLen)
		if s == "" {
			s = "Suggested: " + string(f.Suggested) + "."
		}
		suggested = smallPrint(s)
	}
	if p := clean(f.Problem); p != "" {
		problem = alert(slack.AlertLevelError, p)
	}
	people := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, plain("Search contacts", maxPlaceholder), InputPeople)
	people.MinQueryLength = new(int)
	if os := options(f.People); len(os) > 0 {
		people.InitialOptions = os[:min(len(os), 20)]
	}
	source := slack.NewURLTextInputBlockElement(nil, InputValue)
	source.InitialValue = safeURL(f.Link)
	var when *time.Time
	if !f.When.IsZero() {
		when = &f.When
	}
	return modal(CallbackLogSignal, "Log expansion signal", "Save and preview", f.Meta,
		problem,
		input(BlockAccount, "Account", search(InputAccount, "Search by name or domain", f.Account, 2)),
		input(BlockType, "Signal type", choose("Choose a type", string(f.Type), typeItems())),
		input(BlockStrength, "Strength", radio(string(strength), strengthItems)),
		suggested,
		input(BlockWhat, "What happened?", textInput(f.What, true, maxWhat)),
		optional(input(BlockQuote, "Their words, if you have them", textInput(f.Quote, true, maxWhat))),
		optional(input(BlockPeople, "People involved", people)),
		optional(input(BlockWhen, "When", datepicker(when))),
		optional(input(BlockLink, "Source link", source)),
	)
}

// SimilarForm asks whether a logged signal is one that is open already (storyboard 7.1).
type SimilarForm struct {
	Meta Meta           // Signal = the open one, Draft = what was typed
	Open expansion.Case // the open signal, as its viewer may see it
	What string         // what was typed
	Same string         // SameAdd or SameDifferent; "" = SameAdd
}

// Similar is the modal "Looks like S-1042 from Tuesday. Add your note to it?"
func Similar(f SimilarForm) slack.ModalViewRequest {
	r := read(f.Open)
	same := orElse(f.Same, SameAdd)
	return modal(CallbackSimilar, "Similar signal", "Continue", f.Meta,
		section(fmt.Sprintf("Looks like *%s* from %s. Add your note to it?", r.Signal.Label(), r.on(r.Signal.DetectedAt))),
		section("*"+r.account()+"* · "+r.Signal.Strength.Chip()+" · "+typeLabel(r.Signal)+"\n"+r.why(quoteLen)),
		smallPrint(prefixed("Your note: ", said(f.What, lineLen))),
		input(BlockSame, "Is it the same?", radio(same, []Item{{Value: SameAdd, Text: "Add to it"}, {Value: SameDifferent, Text: "It's different"}})),
		optional(hinted(input(BlockWhyDiff, "What is different?", textInput("", false, maxLine)), "Needed only if it's different.")),
	)
}

// Outcome is the modal "Record outcome" (storyboard 4.6).
func Outcome(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	amount, currency := "", ""
	if c.Opportunity != nil && c.Opportunity.Amount != nil {
		amount, currency = majors(*c.Opportunity.Amount), c.Opportunity.Amount.Currency
	} else if p := c.Signal.Potential; p != nil {
		currency = p.Likely.Currency
	} else if c.Account.ARR != nil {
		currency = c.Account.ARR.Currency
	}
	ratings := make([]Item, 5)
	for i := range ratings {
		ratings[i] = Item{Value: fmt.Sprint(i + 1), Text: fmt.Sprint(i + 1)}
	}
	ratings[0].Text, ratings[4].Text = "1 (unhappy)", "5 (delighted)"
	return modal(CallbackOutcome, "Record outcome", "Save", RoutingMeta(c),
		section("*"+r.account()+"* · "+typeLabel(r.Signal)+" · "+potential(r.Signal.Potential)),
		input(BlockResult, "Won or lost?", radio("", []Item{{Value: ResultWon, Text: "Won"}, {Value: ResultLost, Text: "Lost"}})),
		hinted(optional(input(BlockARR, joined(" ", "Final ARR change", prefixed("in ", currency)), number(amount, true, "", ""))), "Needed when won. 0 is fine."),
		input(BlockReason, "Main reason", choose("Choose a reason", "", OutcomeReasons)),
		optional(input(BlockCompetitor, "Competitor", textInput("", false, maxLine))),
		optional(input(BlockFeedback, "What the customer said", textInput("", true, maxNote))),
		optional(input(BlockRating, "How the customer rates it", choose("1 to 5", "", ratings))),
		optional(input(BlockRight, "Was the signal right?", radio("", []Item{{Value: RightYes, Text: "Yes"}, {Value: RightPartly, Text: "Partly"}, {Value: RightNo, Text: "No"}}))),
	)
}

// Contact is the modal "Log customer contact" (storyboard 4.4). People are the
// customer's; without any the question is left out.
func Contact(c expansion.Case, people []Item) slack.ModalViewRequest {
	r := read(c)
	var who slack.Block
	if len(options(people)) > 0 {
		who = optional(input(BlockContact, "With whom?", choose("Choose a person", "", people)))
	}
	return modal(CallbackContact, "Log customer contact", "Save", RoutingMeta(c),
		section("*"+r.account()+"* · "+typeLabel(r.Signal)),
		who,
		input(BlockChannel, "How?", radio("", ContactChannels)),
		input(BlockDirection, "Who contacted whom?", radio(DirectionOut, ContactDirections)),
		input(BlockLine, "In one line", textInput("", false, maxLine)),
		optional(input(BlockNext, "Next step", textInput("", false, maxLine))),
	)
}

// majors is an amount in major units as a number input takes it: "19200", "1250.5".
func majors(m expansion.Money) string {
	s := fmt.Sprintf("%.2f", m.Major())
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// NotMine is the modal "Not the right rep?" (storyboard 7.7).
func NotMine(c expansion.Case) slack.ModalViewRequest {
	return modal(CallbackNotMine, "Not the right rep?", "Send on", RoutingMeta(c),
		section("*"+read(c).account()+"* goes at once to the person you name, or to the next in line."),
		optional(input(BlockRecipient, "Who should have it?", search(InputRecipient, "Search people", Item{}, 0))),
		input(BlockReason, "Reason", choose("Choose a reason", "", NotMineReasons)),
	)
}

// NotReal is the rep's modal "Not real?" (storyboard 7.8).
func NotReal(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	asked := "The CSM"
	if c.Account.CSM != "" {
		asked = r.first(c.Account.CSM)
	}
	return modal(CallbackNotReal, "Not real?", "Send", RoutingMeta(c),
		section(asked+" gets 24 h to answer; without an answer your word stands."),
		input(BlockReason, "Reason", choose("Choose a reason", "", NotRealReasons)),
		input(BlockLine, "In one line", textInput("", false, maxLine)),
	)
}

// Dismiss is the CSM's modal "Not real?" (storyboard 3.5).
func Dismiss(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	return modal(CallbackDismiss, "Not real?", "Dismiss", SignalMeta(c),
		section("*"+r.account()+"* · "+typeLabel(r.Signal)+" · "+r.Signal.Label()),
		input(BlockReason, "Why not?", choose("Choose a reason", "", DismissReasons)),
	)
}

// Later is the modal behind "Real, not now" (storyboard 3.5). "At renewal" is offered
// when the contract's end is known and still to come.
func Later(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	items := []Item{{Value: LaterTwoWeeks, Text: "In 2 weeks"}, {Value: LaterMonth, Text: "In 1 month"}}
	if end := c.Account.ContractEnd; end != nil && r.until(*end) > 0 {
		items = append(items, Item{Value: LaterRenewal, Text: "At renewal, " + r.day(*end)})
	}
	return modal(CallbackLater, "Real, not now", "Ask me then", SignalMeta(c),
		section("*"+r.account()+"* stays open and I ask you again."),
		input(BlockUntil, "When?", radio(LaterTwoWeeks, items)),
	)
}

// Reassign is the modal of storyboard 5.2. Suggestion is chosen to begin with; its
// Description says role, load and away state.
func Reassign(c expansion.Case, suggestion Item) slack.ModalViewRequest {
	r := read(c)
	if c.Routing == nil {
		return modal(CallbackReassign, "Assign", "Assign", SignalMeta(c),
			section("*"+r.account()+"* · "+typeLabel(r.Signal)+" · "+potential(r.Signal.Potential)),
			smallPrint(esc(suggestion.Description, lineLen)),
			input(BlockRecipient, "Recipient", search(InputRecipient, "Search people", suggestion, 0)),
			input(BlockReason, "Reason", textInput("", false, maxLine)),
		)
	}
	to := r.plainFirst(c.Routing.To)
	return modal(CallbackReassign, "Reassign", "Reassign", RoutingMeta(c),
		section("*"+r.account()+"* · "+typeLabel(r.Signal)+" · "+potential(r.Signal.Potential)+" · with "+r.who(c.Routing.To)),
		smallPrint(esc(suggestion.Description, lineLen)),
		input(BlockRecipient, "Recipient", search(InputRecipient, "Search people", suggestion, 0)),
		input(BlockReason, "Reason", textInput("", false, maxLine)),
		optional(input(BlockTell, "Tell "+plainName(to)+" why", textInput("", true, maxNote))),
	)
}

// Extend is the modal behind "Give 24 h more" (storyboard 5.1).
func Extend(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	who := "The rep"
	if c.Routing != nil {
		who = r.first(c.Routing.To)
	}
	return modal(CallbackExtend, "Give 24 h more", "Give 24 h", RoutingMeta(c),
		section(who+" keeps *"+r.account()+"* for 24 h more. This can be done once."),
		input(BlockReason, "Reason", textInput("", false, maxLine)),
	)
}

// Disagree is the CSM's modal after "Disagree, here's why" (storyboard 7.8).
func Disagree(c expansion.Case) slack.ModalViewRequest {
	r := read(c)
	return modal(CallbackDisagree, "It is expansion", "Send", RoutingMeta(c),
		section("*"+r.account()+"* goes to the manager, with both sides."),
		input(BlockLine, "Why is it real?", textInput("", true, maxNote)),
	)
}
