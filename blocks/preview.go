package blocks

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// Stage is one the CRM offers for a new opportunity.
type Stage struct{ ID, Label string }

// PreviewForm is what the modal "Confirm routing" shows beside the case. Zero values
// show the plan.
type PreviewForm struct {
	To          Item    // chosen recipient, Value = person id; zero = the plan's
	Stages      []Stage // empty = the CRM offers none; the field is left out
	StageID     string  // chosen to begin with; "" = none
	Probability *float64
	CloseDate   *time.Time
	CRM         string // salesforce, hubspot, "" = none
	Note        string
	HoldDays    int    // 0 = 7
	Problem     string // a sentence shown on top
	Draft       string
	Meta        Meta // zero = SignalMeta of the case
}

// Preview is the modal of storyboard 3.3. The recipient dispatches an action, so that a
// changed one can be answered by the same modal with "Why the change?".
func Preview(c expansion.Case, f PreviewForm) slack.ModalViewRequest {
	r := read(c)
	planned := expansion.PersonID("")
	if c.Plan != nil {
		planned = c.Plan.To
	}
	to := f.To
	if to.Value == "" && planned != "" {
		to = Item{Value: string(planned), Text: r.Name(planned)}
	}
	changed := to.Value != string(planned) && planned != ""

	system, noun := crmWords(f.CRM)
	recipient := input(BlockRecipient, "Recipient", search(InputRecipient, "Search people", to, 0)).WithDispatchAction(true)
	bs := r.previewAlerts(f.Problem)
	bs = append(bs, r.planned(), smallPrint(r.noOwner(system)))
	bs = append(bs, recipient)
	if d := esc(f.To.Description, lineLen); d != "" {
		bs = append(bs, smallPrint(d))
	}
	if changed {
		bs = append(bs, input(BlockWhyChange, "Why the change?", radio("", OverrideReasons)))
	}
	bs = append(bs, r.openAlready(f.CRM, expansion.PersonID(to.Value))...)

	amount, hint := "", "Not known; leave it empty if you don't know either."
	currency := ""
	if c.Account.ARR != nil {
		currency = c.Account.ARR.Currency
	}
	if p := c.Signal.Potential; p != nil {
		amount, currency, hint = majors(p.Likely), p.Likely.Currency, "Typed by hand."
		if !p.ByHand {
			hint = "Estimate" + prefixed(": ", cut(p.Formula, lineLen))
			if p.Low != p.High {
				hint += "; range " + p.Low.String() + " to " + p.High.String()
			}
		}
	}
	prob := ""
	if f.Probability != nil {
		prob = fmt.Sprint(int(math.Round(*f.Probability * 100)))
	}
	days := f.HoldDays
	if days <= 0 {
		days = 7
	}
	bs = append(bs,
		input(BlockExpansion, "Expansion type", choose("Choose a type", string(c.Signal.ExpansionType), expansionItems())),
		hinted(optional(input(BlockPotential, joined(" ", "Potential ARR", prefixed("in ", currency)), number(amount, true, "0", ""))), hint),
	)
	if len(f.Stages) > 0 {
		var items []Item
		for _, s := range f.Stages {
			items = append(items, Item{Value: s.ID, Text: s.Label})
		}
		if len(options(items)) > 0 {
			bs = append(bs, optional(input(BlockStage, "Stage of the "+noun, choose("Choose a stage", f.StageID, items))))
		}
	}
	also := []Item{{Value: AlsoEmail, Text: "Email it too"}, {Value: AlsoHold, Text: fmt.Sprintf("Hold other outreach for %s", expansion.Count(days, "day"))}}
	boxes := slack.NewCheckboxGroupsBlockElement(InputValue, options(also)...)
	boxes.InitialOptions = options(also)
	bs = append(bs,
		optional(input(BlockProbability, "Probability %", number(prob, false, "0", "100"))),
		optional(input(BlockClose, "Close date", datepicker(f.CloseDate))),
		optional(input(BlockNote, "Notes for sales", textInput(f.Note, true, maxNote))),
		optional(input(BlockAlso, "Also", boxes)),
	)
	m := f.Meta
	if m == (Meta{}) {
		m = SignalMeta(c)
	}
	if f.Draft != "" {
		m.Draft = f.Draft
	}
	v := modal(CallbackPreview, "Confirm routing", "Route now", m, bs...)
	v.Close = plain("Back", maxTitle)
	return v
}

func (r reader) previewAlerts(problem string) []slack.Block {
	var out []slack.Block
	if p := clean(problem); p != "" {
		out = append(out, alert(slack.AlertLevelError, p))
	}
	if r.Signal.Waiting == expansion.WaitReview && r.RoutesAt != nil {
		left := r.RoutesAt.Sub(r.Now)
		s := "This routes by itself in " + expansion.Span(left) + "."
		if left < time.Minute {
			s = "This routes by itself in a moment."
		}
		out = append(out, alert(slack.AlertLevelInfo, s))
	}
	if n := len(r.Context.Missing()); r.Signal.Completeness != nil && *r.Signal.Completeness < 0.9 && n > 0 {
		is := "are"
		if n == 1 {
			is = "is"
		}
		out = append(out, alert(slack.AlertLevelWarning, numberWord(n)+" of seven context items "+is+" missing. You can still route."))
	}
	return out
}

// planned is who the policy would send it to, and why, with the way to the full trace.
func (r reader) planned() slack.Block {
	why := button(ActionWhy, r.signalValue(), "Why?")
	head := "*" + r.account() + "* · " + r.Signal.Strength.Chip() + " · " + typeLabel(r.Signal) + "\n"
	if r.Plan == nil || r.Plan.To == "" {
		return beside(head+"*To* nobody is eligible now · choose somebody below", why)
	}
	to := r.who(r.Plan.To)
	if role := r.People[r.Plan.To].Role.Label(); role != "" {
		to += ", " + lower(role)
	}
	s := head + "*To* " + to + " · *Because* " + orElse(r.reason(*r.Plan, lineLen), r.because(*r.Plan))
	if r.Plan.Covering != "" {
		s += " · covering " + r.first(r.Plan.Covering)
	}
	return beside(s, why)
}

// openAlready names the opportunities that are open and asks whether this belongs to one
// of them (storyboard 7.5). Only those the answer can name are asked about.
func (r reader) openAlready(crm string, to expansion.PersonID) []slack.Block {
	var open []expansion.OpenOpportunity
	var lines []string
	for _, d := range r.Duplicates {
		if len(lines) == 5 || clean(d.Name) == "" || d.CRMID == AttachSeparate || !(Item{Value: d.CRMID, Text: d.Name}).fits() {
			continue
		}
		l := "Open already: ‘" + name(d.Name) + "’, owner " + r.who(d.Owner)
		if s := esc(d.Stage, nameLen); s != "" {
			l += ", stage " + s
		}
		open, lines = append(open, d), append(lines, l+".")
	}
	if lines == nil {
		return nil
	}
	items := make([]Item, 0, len(open)+1)
	for _, d := range open {
		label := "Attach to it"
		if len(open) > 1 {
			label = "Attach to ‘" + plainName(d.Name) + "’"
		}
		items = append(items, Item{Value: d.CRMID, Text: label})
	}
	items = append(items, Item{Value: AttachSeparate, Text: "Create a separate one"})
	_, noun := crmWords(crm)
	return []slack.Block{
		section(strings.Join(lines, "\n")),
		hinted(input(BlockAttach, "Belongs to it?", radio(expansion.AttachTo(open, to).CRMID, items)), "Attaching adds the evidence and leaves the "+noun+"'s amount and stage as they are."),
		optional(hinted(input(BlockWhySeparate, "Why a separate one?", textInput("", false, maxLine)), "Needed only for a separate one.")),
	}
}
