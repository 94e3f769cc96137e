package blocks

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// Message is what is posted: Text is the fallback that notifications and screen readers
// use, escaped, never empty, at most 4,000 characters; Blocks are at most 50.
type Message struct {
	Text   string        `json:"text"`
	Blocks []slack.Block `json:"blocks"`
}

// Render draws m for the person who reads it: times in their zone, buttons for what is
// still open. A kind that needs a case, list or activity and has none is an error with
// CodeInvalid, as is an unknown kind.
func Render(m expansion.Message) (Message, error) {
	out, err := render(m)
	out.Text = spoken(out.Text)
	return out, err
}

func render(m expansion.Message) (Message, error) {
	switch m.Kind {
	case expansion.CardList:
		if m.List == nil {
			return Message{}, missing(m.Kind, "list")
		}
		return listCard(*m.List), nil
	case expansion.CardNotice:
		return notice(m), nil
	}
	if m.Case == nil {
		return Message{}, missing(m.Kind, "case")
	}
	r := read(*m.Case)
	switch m.Kind {
	case expansion.CardSignal:
		return signalCard(r), nil
	case expansion.CardAsk:
		return askCard(r), nil
	case expansion.CardHandoff:
		return handoffCard(r), nil
	case expansion.CardEscalation:
		return escalationCard(r), nil
	case expansion.CardQuestion:
		return questionCard(r), nil
	case expansion.ThreadNudge:
		return nudge(r), nil
	case expansion.ThreadLine:
		if m.Activity == nil {
			return Message{}, missing(m.Kind, "activity")
		}
		s := r.activity(*m.Activity)
		return Message{Text: r.account() + ": " + s, Blocks: list(section(s))}, nil
	}
	return Message{}, expansion.Errorf(expansion.CodeInvalid, "There is no Slack look for a message of kind %q.", m.Kind)
}

func missing(k expansion.MessageKind, what string) error {
	return expansion.Errorf(expansion.CodeInvalid, "A message of kind %q needs a %s.", k, what)
}

// Busy is m with its buttons replaced by "Working…", for work that outlasts a press.
func Busy(m Message) Message {
	out := Message{Text: m.Text, Blocks: make([]slack.Block, len(m.Blocks))}
	for i, b := range m.Blocks {
		if b.BlockType() == slack.MBTAction {
			b = smallPrint("Working…")
		}
		out.Blocks[i] = b
	}
	return out
}

// Without is m without the buttons of that action id, for a place where it cannot work.
func Without(m Message, actionID string) Message {
	out := Message{Text: m.Text}
	for _, b := range m.Blocks {
		if a, ok := b.(*slack.ActionBlock); ok {
			kept := *a
			kept.Elements = &slack.BlockElements{}
			for _, e := range a.Elements.ElementSet {
				if x, ok := e.(*slack.ButtonBlockElement); !ok || x.ActionID != actionID {
					kept.Elements.ElementSet = append(kept.Elements.ElementSet, e)
				}
			}
			if len(kept.Elements.ElementSet) == 0 {
				continue
			}
			b = &kept
		}
		out.Blocks = append(out.Blocks, b)
	}
	return out
}

// reader is a case together with how its viewer sees time.
type reader struct {
	expansion.Case
	lens
}

func read(c expansion.Case) reader {
	return reader{c, lens{c.Now, c.Viewer.Location()}}
}

func (r reader) account() string      { return name(r.Account.Name) }
func (r reader) plainAccount() string { return plainName(r.Account.Name) }

// who is a person's name in mrkdwn, first their first name alone.
func (r reader) who(id expansion.PersonID) string   { return name(r.Name(id)) }
func (r reader) first(id expansion.PersonID) string { return name(r.plainFirst(id)) }

func (r reader) plainFirst(id expansion.PersonID) string {
	return expansion.Person{Name: clean(r.Name(id))}.FirstName()
}

func (r reader) signalValue() string { return Value(string(r.Signal.ID), r.Signal.Version) }

func routingValue(g *expansion.Routing) string { return Value(string(g.ID), g.Version) }

// live is the routing somebody works now, nil before the first.
func (r reader) live() *expansion.Routing {
	if r.Current != nil {
		return r.Current
	}
	return r.Routing
}

// last is the newest activity with one of the verbs, about a routing when id is not "".
func (r reader) last(id expansion.RoutingID, verbs ...string) (expansion.Activity, bool) {
	for i := len(r.Activities) - 1; i >= 0; i-- {
		a := r.Activities[i]
		for _, v := range verbs {
			if a.Verb == v && (id == "" || a.RoutingID == "" || a.RoutingID == id) {
				return a, true
			}
		}
	}
	return expansion.Activity{}, false
}

// stamp is " by Priya 09:09" from the newest activity with one of the verbs.
func (r reader) stamp(id expansion.RoutingID, verbs ...string) string {
	a, ok := r.last(id, verbs...)
	if !ok {
		return ""
	}
	if a.Person == "" {
		return " " + r.at(a.At)
	}
	return " by " + r.first(a.Person) + " " + r.at(a.At)
}

// crm is the name of the CRM and its word for an opportunity.
func (r reader) crm() (system, noun string) {
	if r.Opportunity != nil {
		return crmWords(r.Opportunity.CRM)
	}
	return "the CRM", "opportunity"
}

// crmURL is where the CRM shows the opportunity, "" while there is nothing to open.
func (r reader) crmURL() string {
	if o := r.Opportunity; o != nil && o.GoneAt == nil {
		return safeURL(o.URL)
	}
	return ""
}

func crmWords(kind string) (system, noun string) {
	switch kind {
	case "salesforce":
		return "Salesforce", "opportunity"
	case "hubspot":
		return "HubSpot", "deal"
	}
	return "the CRM", "opportunity"
}

// potential is "+$19,200 estimate", without the word when a person typed it.
func potential(p *expansion.Potential) string {
	switch {
	case p == nil:
		return "Not known"
	case p.ByHand:
		return esc(p.Likely.Signed(), nameLen)
	}
	return esc(p.Likely.Signed(), nameLen) + " estimate"
}

func money(m *expansion.Money) string {
	if m == nil {
		return "Not known"
	}
	return esc(m.String(), nameLen)
}

// sum is ", +$19,200 estimate" for fallback texts, "" when not known.
func (r reader) sum() string {
	if r.Signal.Potential == nil {
		return ""
	}
	return ", " + potential(r.Signal.Potential)
}

func typeLabel(s expansion.Signal) string {
	if l := s.ExpansionType.Label(); l != "" {
		return l
	}
	if l := s.Type.Label(); l != "" {
		return l
	}
	return "Not known"
}

// may is the headline's second half.
func may(t expansion.ExpansionType) string {
	switch t {
	case expansion.Seats:
		return "may need more seats"
	case expansion.Tier:
		return "may be ready for a higher tier"
	case expansion.Upsell:
		return "may want to buy more"
	case expansion.CrossSell:
		return "may want another product"
	}
	return "may want to expand"
}

// because is why a decision chose, in a few words: "original AE", "covering Marcus".
func (r reader) because(d expansion.Decision) string {
	if d.Kind == expansion.KindCover && d.Covering != "" {
		return "covering " + r.first(d.Covering)
	}
	return orElse(d.Kind.Words(), orElse(r.reason(d, 90), "the policy chose so"))
}

// reason is a decision's own sentence with its days as people write them.
func (r reader) reason(d expansion.Decision, limit int) string {
	return esc(r.isoDays(d.Reason), limit)
}

// availability is what the deciding facts said of the recipient.
func availability(d expansion.Decision) string {
	for _, p := range d.Facts.Reps {
		if p.ID != d.To {
			continue
		}
		switch {
		case d.OverLimit && p.MaxOpen != nil:
			return fmt.Sprintf("over their limit of %d", *p.MaxOpen)
		case d.Kind == expansion.KindBackSoonest:
			return "away, back soonest"
		}
	}
	return "available"
}

// why is the evidence in one sentence, in mrkdwn: of a log by hand what the person wrote.
func (r reader) why(limit int) string {
	reasons := strings.Join(r.reasonWords(), "; ")
	if reasons == "" || r.Signal.Source == expansion.SourceManual {
		for _, e := range r.Evidence {
			if s := strings.TrimRight(clean(e.Why), ". "); s != "" {
				return ended(said(upper(s), limit))
			}
		}
	}
	if reasons == "" {
		return orElse(r.quote(limit), "Not known yet.")
	}
	return ended(said(upper(reasons), limit))
}

func (r reader) reasonWords() []string {
	var words []string
	for _, s := range r.Signal.Reasons {
		if s = strings.TrimRight(clean(s), ". "); s != "" {
			words = append(words, s)
		}
	}
	return words
}

// scored is "Moderate by: explicit ask, within 7 days." under what a person logged, ""
// where why has the reasons already.
func (r reader) scored() string {
	words := r.reasonWords()
	if r.Signal.Source != expansion.SourceManual || len(words) == 0 {
		return ""
	}
	return upper(string(r.Signal.Strength)) + " by: " + ended(said(strings.Join(words, ", "), lineLen))
}

// quote is the newest thing the customer said, "" when nothing was quoted.
func (r reader) quote(limit int) string {
	for _, e := range r.Evidence {
		if clean(e.Quote) == "" {
			continue
		}
		if e.Speaker != "" {
			return name(mask(e.Speaker)) + ": " + quoted(e.Quote, limit)
		}
		return quoted(e.Quote, limit)
	}
	return ""
}

// notices are the lines about what does not work right now (storyboard 7.4, 7.11, 7.13).
func (r reader) notices() []string {
	var out []string
	for _, n := range r.Notices {
		s := ended(esc(n.Text, lineLen))
		if s == "" && n.Delay > 0 {
			s = "Delayed " + expansion.Span(n.Delay) + "."
			if n.Kind == "late_escalation" {
				s = "Late by " + expansion.Span(n.Delay) + "."
			}
		}
		var next []string
		if n.Try > 0 {
			next = append(next, fmt.Sprintf("try %d", n.Try))
		}
		if n.Next != nil {
			next = append(next, "next "+r.at(*n.Next))
		}
		if len(next) > 0 {
			s = joined(" ", s, upper(strings.Join(next, ", "))+".")
		}
		if s != "" && len(out) < 3 {
			out = append(out, s)
		}
	}
	return out
}

// seen is the last line of a signal card: how often, and the number to ask for.
func (r reader) seen() string {
	s := r.Signal
	label := s.Label()
	if s.SeenCount < 2 {
		return label
	}
	if r.sameDay(s.LastSeenAt) && !r.sameDay(s.DetectedAt) && s.SeenCount > 3 {
		return fmt.Sprintf("Seen %d times, latest today · %s", s.SeenCount, label)
	}
	if r.sameDay(s.DetectedAt) {
		return fmt.Sprintf("Seen %d times today, kept as one signal · %s", s.SeenCount, label)
	}
	return fmt.Sprintf("Seen %d times since %s, kept as one signal · %s", s.SeenCount, r.on(s.DetectedAt), label)
}

// completeness is "context 93% complete · missing: budget cycle".
func (r reader) completeness() string {
	if r.Signal.Completeness == nil {
		return "context still being gathered"
	}
	s := fmt.Sprintf("context %d%% complete", int(*r.Signal.Completeness*100+0.5))
	var names []string
	for _, n := range r.Context.Missing() {
		names = append(names, string(n))
	}
	if len(names) > 0 && !r.Context.GatheredAt.IsZero() {
		s += " · missing: " + strings.Join(names, ", ")
	}
	return s
}
