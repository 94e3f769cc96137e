package handoff

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"expansionbot/expansion"
)

// Input is all a package is made of. Zero fields read as "not known".
type Input struct {
	Signal    expansion.Signal
	Evidence  []expansion.Evidence // any order
	Account   expansion.Account
	Context   expansion.Context
	Decision  expansion.Decision
	People    map[expansion.PersonID]expansion.Person // ours, for names; who is missing goes unnamed
	Now       time.Time
	WinChance *float64 // 0..1, nil while there are too few outcomes
	WinSample int      // outcomes WinChance rests on
}

// maxQuote is how much of a quote the package repeats, in characters; the evidence list
// has all of it.
const maxQuote = 160

// notKnown is what every part without data reads.
const notKnown = "Not known"

// Build writes the package for in. The same input gives the same package. Dates are
// UTC days. E-mail addresses and phone numbers inside quotes are masked: cards show
// them to more people than the brief.
func Build(in Input) expansion.Package {
	pl, ok := playbook[in.Signal.Type]
	if !ok {
		pl = openPlay
	}
	p := expansion.Package{
		Summary:             in.summary(),
		HealthScore:         in.Context.Health,
		ARRCurrent:          in.Account.ARR,
		Stakeholders:        in.stakeholders(),
		RecommendedApproach: in.approach(pl),
		Timeline:            in.timeline(),
		WhyNow:              in.whyNow(),
		StartHere:           in.startHere(),
		Objections:          in.objections(pl),
		HealthText:          in.healthText(),
		Relationship:        in.element(in.Context.Relationship),
		History:             in.element(in.Context.History),
		Competitors:         in.element(in.Context.Competitors),
		Unknowns:            in.unknowns(),
		WinChance:           in.WinChance,
		WinSample:           in.WinSample,
	}
	if in.Signal.Potential != nil {
		p.ARRPotential = new(in.Signal.Potential.Likely)
	}
	return p
}

func (in Input) account() string {
	return cmp.Or(oneLine(in.Account.Name), string(in.Account.ID), "The account")
}

// summary is the executive summary: what, how much, from where.
func (in Input) summary() string {
	s := in.account() + " may buy more"
	if a, ok := asks[in.Signal.ExpansionType]; ok {
		s = in.account() + " may need " + a.need
	}
	switch p := in.Signal.Potential; {
	case p == nil:
		s += "; what that may bring is not known."
	case p.ByHand:
		s += fmt.Sprintf(": %s a year, entered by hand.", p.Likely.Signed())
	default:
		s += fmt.Sprintf(": %s a year, an estimate", p.Likely.Signed())
		if p.Formula != "" {
			s += fmt.Sprintf(" (%s)", p.Formula)
		}
		if p.Low.Minor < p.High.Minor {
			s += fmt.Sprintf(", likely between %s and %s", p.Low, p.High)
		}
		s += "."
	}
	if in.Account.ARR != nil {
		s += fmt.Sprintf(" It pays %s a year now", in.Account.ARR)
		if in.Account.Plan != "" {
			s += " on the " + oneLine(in.Account.Plan) + " plan"
		}
		s += "."
	}
	if in.Context.Health != nil {
		s += " Health " + in.healthText() + "."
	}
	return s
}

// whyNow is the strongest reason and the newest words of the customer.
func (in Input) whyNow() string {
	evidence := slices.Clone(in.Evidence)
	slices.SortStableFunc(evidence, func(a, b expansion.Evidence) int { return b.OccurredAt.Compare(a.OccurredAt) })
	var parts []string
	if in.Signal.Source != expansion.SourceManual && len(in.Signal.Reasons) > 0 {
		parts = append(parts, stop(in.Signal.Reasons[0]))
	} else if i := slices.IndexFunc(evidence, func(e expansion.Evidence) bool { return strings.TrimSpace(e.Why) != "" }); i >= 0 {
		parts = append(parts, stop(cut(mask(evidence[i].Why), maxQuote)))
	} else if len(in.Signal.Reasons) > 0 {
		parts = append(parts, stop(in.Signal.Reasons[0]))
	}
	if i := slices.IndexFunc(evidence, func(e expansion.Evidence) bool { return strings.TrimSpace(e.Quote) != "" }); i >= 0 {
		e := evidence[i]
		parts = append(parts, fmt.Sprintf("%s%s: '%s'.", cmp.Or(oneLine(e.Speaker), "The customer"), when(e.OccurredAt, in.Now), strings.TrimRight(cut(mask(e.Quote), maxQuote), ".")))
	}
	if len(parts) == 0 {
		return cmp.Or(in.Signal.Type.Label(), "A signal") + "; no evidence was kept."
	}
	return strings.Join(parts, " ")
}

// when is " on Tuesday" inside the last week, else " on 3 Mar 2026", "" without a date.
func when(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	switch ago := daysBetween(t, now); {
	case ago == 0:
		return " today"
	case ago > 0 && ago < 7:
		return " on " + t.UTC().Weekday().String()
	}
	return " on " + date(t)
}

// startHere is whom to call by when, what to offer and who decides.
func (in Input) startHere() string {
	first, decider := in.firstCall()
	by := fmt.Sprintf("by %s", workdayAfter(in.Now, patience[in.Signal.Strength]).Format("Monday 2 Jan"))
	var parts []string
	switch csm := in.name(in.Account.CSM); {
	case first != nil:
		parts = append(parts, fmt.Sprintf("Call %s %s.", withRole(*first), by))
	case csm != "":
		parts = append(parts, fmt.Sprintf("Ask %s (CSM) %s whom to call first: no champion or decision-maker is known.", csm, by))
	default:
		parts = append(parts, fmt.Sprintf("Find out %s whom to call first: no champion, decision-maker or CSM is known.", by))
	}
	if in.Signal.Type == expansion.HealthIndicator {
		parts = append(parts, "Ask what works for them and who else there has the same task.")
	} else if a, ok := asks[in.Signal.ExpansionType]; ok {
		offer := a.offer
		if n := in.seats(); in.Signal.ExpansionType == expansion.Seats && n == 1 {
			offer = "Offer 1 more seat"
		} else if in.Signal.ExpansionType == expansion.Seats && n > 1 {
			offer = fmt.Sprintf("Offer %d more seats", n)
		}
		parts = append(parts, offer+".")
	}
	if decider != nil && (first == nil || decider.Name != first.Name) {
		parts = append(parts, fmt.Sprintf("%s decides.", withTitle(*decider)))
	}
	return strings.Join(parts, " ")
}

// patience is how many working days the first call may wait.
var patience = map[expansion.Strength]int{expansion.Strong: 2, expansion.Moderate: 5, expansion.Exploratory: 10, "": 5}

// firstCall is the champion unless critical, else the decision-maker, else a critical
// champion; and the decision-maker. Stakeholders come best first.
func (in Input) firstCall() (first, decider *expansion.Contact) {
	var champion *expansion.Contact
	for i := range in.Context.Stakeholders {
		switch c := &in.Context.Stakeholders[i]; {
		case oneLine(c.Name) == "":
		case c.Role == "champion" && (champion == nil || champion.Stance == "critical" && c.Stance != "critical"):
			champion = c
		case c.Role == "decision_maker" && decider == nil:
			decider = c
		}
	}
	if champion != nil && (champion.Stance != "critical" || decider == nil) {
		return champion, decider
	}
	return decider, decider
}

// seats is how many more seats the signal is about, 0 when it does not say. Details may
// have been through JSON, so any kind of number counts.
func (in Input) seats() int64 {
	for _, key := range []string{"extraSeats", "seats"} {
		switch n := in.Signal.Details[key].(type) {
		case int64:
			return max(0, n)
		case int:
			return max(0, int64(n))
		case float64:
			if n >= 1 && n < 1e6 {
				return int64(math.Round(n))
			}
		}
	}
	return 0
}

func (in Input) approach(pl play) string {
	parts := []string{pl.approach}
	if k := kinship[in.Decision.Kind]; k != "" {
		parts = append(parts, k)
	}
	first, _ := in.firstCall()
	if first != nil && first.Owner != "" && first.Owner != in.Decision.To {
		if owner := in.name(first.Owner); owner != "" {
			parts = append(parts, fmt.Sprintf("%s holds the relationship with %s: ask for an introduction.", owner, oneLine(first.Name)))
		}
	}
	for _, c := range in.Context.Stakeholders {
		if c.Role == "blocker" || c.Stance == "critical" {
			parts = append(parts, fmt.Sprintf("%s may be against it: hear that side early.", withTitle(c)))
			break
		}
	}
	return strings.Join(parts, " ")
}

// lowHealth is where the first topic is what does not work (0..100).
const lowHealth = 50

func (in Input) objections(pl play) []expansion.Objection {
	out := slices.Clone(pl.objections)
	if h := in.Context.Health; h != nil && (*h < lowHealth || in.Context.HealthTrend == "falling") {
		out = append(out, objectionHealth)
	}
	if c := in.Context.Competitors; c.Known && !strings.HasPrefix(c.Text, "Looked, none found") {
		out = append(out, objectionCompetitor)
	}
	return out
}

func (in Input) timeline() string {
	var parts []string
	switch end := in.Account.ContractEnd; {
	case end == nil:
		parts = append(parts, "Renewal date not known.")
	default:
		switch left := daysBetween(in.Now, *end); {
		case left < 0:
			parts = append(parts, fmt.Sprintf("The contract ended on %s: settle the renewal first.", date(*end)))
		case left == 0:
			parts = append(parts, "The contract ends today: settle the renewal first.")
		case left <= 90:
			parts = append(parts, fmt.Sprintf("Renewal %s, in %s: close this before it or together with it.", date(*end), expansion.Count(left, "day")))
		default:
			parts = append(parts, fmt.Sprintf("Renewal %s, in %s: close this well before it.", date(*end), expansion.Count(left, "day")))
		}
	}
	if b := in.Context.Budget; b.Known && b.Text != "" {
		parts = append(parts, "Budget: "+stop(mask(b.Text)))
	}
	if !in.Signal.DetectedAt.IsZero() {
		parts = append(parts, "Signal of "+date(in.Signal.DetectedAt)+".")
	}
	return strings.Join(parts, " ")
}

func (in Input) healthText() string {
	h := in.Context.Health
	if h == nil {
		return notKnown
	}
	s := fmt.Sprintf("%.0f", *h)
	if in.Context.HealthTrend != "" {
		s += ", " + in.Context.HealthTrend
	}
	return s
}

// element is an element's text, or that it is not known and who could know.
func (in Input) element(e expansion.Element) string {
	if e.Known && e.Text != "" {
		return e.Text
	}
	return stop(notKnown) + in.couldKnow(e.Ask)
}

// couldKnow is " Priya Nair could know.", "" when nobody is named.
func (in Input) couldKnow(ask string) string {
	who := in.name(expansion.PersonID(ask))
	// An Ask that is no person of ours is a contact's name; an id whose person was
	// erased is neither.
	if who == "" && slices.ContainsFunc(in.Context.Stakeholders, func(c expansion.Contact) bool { return c.Name == ask }) {
		who = oneLine(ask)
	}
	if who == "" {
		return ""
	}
	return fmt.Sprintf(" %s could know.", who)
}

// unknowns lists what is not known, the heaviest element first, then numbers.
func (in Input) unknowns() []string {
	out := []string{}
	for _, e := range in.Context.Elements() {
		if e.Known {
			continue
		}
		s := stop(capital(string(e.Name)) + ": not known")
		if strings.HasSuffix(e.Source, "did not answer") {
			s = stop(capital(string(e.Name)) + ": not known, " + e.Source)
		}
		out = append(out, s+in.couldKnow(e.Ask))
	}
	csm := in.couldKnow(string(in.Account.CSM))
	for _, f := range []struct {
		missing bool
		what    string
	}{
		{in.Account.ARR == nil, "ARR"},
		{in.Signal.Potential == nil, "Potential"},
		{in.Account.ContractEnd == nil, "Renewal date"},
		{in.Context.Health == nil, "Health"},
	} {
		if f.missing {
			out = append(out, f.what+": not known."+csm)
		}
	}
	return out
}

func (in Input) stakeholders() []expansion.Stakeholder {
	involved := map[string]bool{}
	for _, e := range in.Evidence {
		for _, id := range e.People {
			involved[id] = true
		}
	}
	out := []expansion.Stakeholder{}
	for _, c := range in.Context.Stakeholders {
		out = append(out, expansion.Stakeholder{
			Name: oneLine(c.Name), Title: oneLine(c.Title), Role: roleWords(c.Role), Stance: c.Stance,
			LastContact: c.LastContactAt, Owner: in.name(c.Owner), Involved: involved[c.ID],
		})
	}
	// Who was there comes first; else they stay best first.
	slices.SortStableFunc(out, func(a, b expansion.Stakeholder) int {
		switch {
		case a.Involved == b.Involved:
			return 0
		case a.Involved:
			return -1
		}
		return 1
	})
	return out
}

// name is a person of ours by name, "" when not known.
func (in Input) name(id expansion.PersonID) string {
	if id == "" {
		return ""
	}
	return oneLine(in.People[id].Name)
}

func roleWords(role string) string { return strings.ReplaceAll(role, "_", "-") }

// withRole is "Jo Park (VP Operations, champion)".
func withRole(c expansion.Contact) string {
	var in []string
	for _, s := range []string{oneLine(c.Title), roleWords(c.Role)} {
		if s != "" {
			in = append(in, s)
		}
	}
	if len(in) == 0 {
		return oneLine(c.Name)
	}
	return fmt.Sprintf("%s (%s)", oneLine(c.Name), strings.Join(in, ", "))
}

func withTitle(c expansion.Contact) string {
	if t := oneLine(c.Title); t != "" {
		return fmt.Sprintf("%s (%s)", oneLine(c.Name), t)
	}
	return oneLine(c.Name)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// stop makes a phrase a sentence: capital first, one full stop last.
func stop(s string) string {
	s = capital(oneLine(s))
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// cut shortens s to at most limit characters at a word, with "…" for the rest.
func cut(s string, limit int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	head := string([]rune(s)[:limit-1])
	if i := strings.LastIndexByte(head, ' '); i > len(head)/2 {
		head = head[:i]
	}
	return head + "…"
}

var (
	address = regexp.MustCompile(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)
	phone   = regexp.MustCompile(`(?:\+\d|\b0|\(\d)[\d ()-]{6,}\d|\b\d{3}[ .-]\d{3,4}[ .-]\d{3,4}\b`)
)

func mask(s string) string {
	return phone.ReplaceAllString(address.ReplaceAllString(s, "(address in brief)"), "(number in brief)")
}

const day = 24 * time.Hour

func daysBetween(a, b time.Time) int {
	return int(b.UTC().Truncate(day).Sub(a.UTC().Truncate(day)) / day)
}

func date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// workdayAfter is the nth Monday-to-Friday after t's UTC day.
func workdayAfter(t time.Time, n int) time.Time {
	t = t.UTC()
	for n > 0 {
		t = t.AddDate(0, 0, 1)
		if w := t.Weekday(); w != time.Saturday && w != time.Sunday {
			n--
		}
	}
	return t
}
