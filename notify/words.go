package notify

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"expansionbot/expansion"
)

// unknown is what a number or name nobody has reads as (storyboard 1.6).
const unknown = "Not known"

// oneLine makes one visible line of s, at most limit characters: no control or bidi
// characters, runs of white space as one space.
func oneLine(s string, limit int) string {
	var b strings.Builder
	space, n := false, 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200C' && r != '\u200D', unicode.Is(unicode.Co, r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		if n++; n >= limit {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

var (
	webRE   = regexp.MustCompile(`(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)\S+`)
	emailRE = regexp.MustCompile(`[\pL\pN._%+-]+@([\pL\pN-]+(\.[\pL\pN-]+)+)`)
	phoneRE = regexp.MustCompile(`\+?\(?\d[\d ().\-/]{6,}\d`)
)

// said is customer text outside the brief: addresses and phone numbers are hidden and
// web addresses left out, because mail programs make links of them (storyboard 1.10).
func said(s string, limit int) string {
	s = emailRE.ReplaceAllString(s, "•••@$1")
	s = phoneRE.ReplaceAllStringFunc(s, func(p string) string {
		digits := 0
		for _, r := range p {
			if r >= '0' && r <= '9' {
				digits++
			}
		}
		if digits < 9 { // dates, amounts and seat counts
			return p
		}
		return "•••" + p[len(p)-2:]
	})
	return unlinked(s, limit)
}

// unlinked is customer text in the brief.
func unlinked(s string, limit int) string {
	return oneLine(webRE.ReplaceAllString(s, "(link left out)"), limit)
}

// webURL is u when it is an absolute web address, else "".
func webURL(u string) string {
	p, err := url.Parse(u)
	if err != nil || p.Host == "" || p.Scheme != "https" && p.Scheme != "http" || len(u) > 2000 || strings.ContainsAny(u, " <>\"\n\t") {
		return ""
	}
	return u
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// joined is the non-empty parts with sep between.
func joined(sep string, parts ...string) string {
	out := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}

// sentence puts a full stop behind a text that has no end.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

// at is a moment in the reader's own zone: "13:06" today, else "14 Mar 13:06".
func (w writer) at(t time.Time) string {
	t, now := t.In(w.loc), w.Now.In(w.loc)
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}

// on is the reader's day of a moment. A mail is read later, so never "today". Midnight UTC
// is a day without a time and stays that day in every zone.
func (w writer) on(t time.Time) string {
	if t = t.UTC(); !t.Equal(t.Truncate(24 * time.Hour)) {
		t = t.In(w.loc)
	}
	if t.Year() == w.Now.In(w.loc).Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// renewal is "31 May, 82 days".
func (w writer) renewal() string {
	end := w.Account.ContractEnd
	if end == nil {
		return unknown
	}
	day := end.UTC().Format("2 Jan 2006")
	y, m, d := w.Now.In(w.loc).Date()
	if end.UTC().Year() == y {
		day = end.UTC().Format("2 Jan")
	}
	switch n := int(end.UTC().Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)).Hours() / 24); {
	case n == 0:
		return day + ", today"
	case n < 0:
		return day + ", " + expansion.Count(-n, "day") + " ago"
	default:
		return day + ", " + expansion.Count(n, "day")
	}
}

// subject names the customer, the ask and the money (storyboard 9).
func (w writer) subject() string {
	return "Expansion for you: " + joined(", ", w.account(), strings.ToLower(w.kind()), w.potential())
}

func (w writer) account() string { return orElse(oneLine(w.Account.Name, 80), string(w.Account.ID)) }

func (w writer) kind() string {
	return orElse(w.Signal.ExpansionType.Label(), orElse(w.Signal.Type.Label(), unknown))
}

// potential is "+$19,200 estimate", "" when it is not known.
func (w writer) potential() string {
	switch p := w.Signal.Potential; {
	case p != nil && p.ByHand:
		return p.Likely.Signed()
	case p != nil:
		return p.Likely.Signed() + " estimate"
	}
	if w.Routing != nil && w.Routing.Package.ARRPotential != nil {
		return w.Routing.Package.ARRPotential.Signed()
	}
	return ""
}

func (w writer) money(m *expansion.Money) string {
	if m == nil {
		m = w.Account.ARR
	}
	if m == nil {
		return unknown
	}
	return m.String()
}

func winChance(p expansion.Package) string {
	if p.WinChance == nil {
		return fmt.Sprintf("too few outcomes (%d)", p.WinSample)
	}
	return fmt.Sprintf("%d%% (from %d similar)", int(*p.WinChance*100+0.5), p.WinSample)
}

func (w writer) health(p expansion.Package) string {
	if s := oneLine(p.HealthText, 60); s != "" {
		return s
	}
	if p.HealthScore != nil {
		return fmt.Sprintf("%.0f", *p.HealthScore)
	}
	return unknown
}

// firstEvidence says why when the package does not.
func (w writer) firstEvidence() string {
	for _, e := range w.Evidence {
		if s := said(e.Why, 300); s != "" {
			return sentence(s)
		}
	}
	return "Not known."
}

func (w writer) first(id expansion.PersonID) string {
	name, _, _ := strings.Cut(oneLine(w.Name(id), 60), " ")
	return name
}

// level is who a routing escalates to.
func (w writer) level() string {
	if id := w.Routing.EscalatedTo; id != "" {
		return w.first(id)
	}
	if id := w.People[w.Routing.To].Manager; id != "" {
		return w.first(id)
	}
	if w.to.ID == w.Routing.To && w.to.Manager != "" {
		return w.first(w.to.Manager)
	}
	return "the next level"
}

// crm is the name of the CRM the opportunity is in.
func (w writer) crm() string {
	if w.Opportunity != nil {
		switch w.Opportunity.CRM {
		case "salesforce":
			return "Salesforce"
		case "hubspot":
			return "HubSpot"
		}
	}
	return "the CRM"
}

// because is "You, because: original AE · from Priya · notes: “…” · Salesforce
// opportunity open", and whom you stand in for.
func (w writer) because() []string {
	g := w.Routing
	why := "You, because: " + orElse(g.Decision.Kind.Words(), orElse(oneLine(g.Reason, 120), "the policy chose so"))
	if g.Covering != "" {
		why = "You, because: " + w.first(g.Covering) + " is away"
	}
	if g.Override != "" {
		why = "You, because: " + w.first(g.RoutedBy) + " chose you"
	}
	from := ""
	if g.RoutedBy == g.To {
		why = "You took it"
	} else if g.RoutedBy != "" {
		from = "from " + w.first(g.RoutedBy)
	} else if w.Account.CSM != "" {
		from = "for " + w.first(w.Account.CSM)
	}
	note := ""
	if n := said(g.Note, 300); n != "" {
		note = "notes: “" + n + "”"
	}
	state := "no CRM connected"
	if o := w.Opportunity; o != nil && o.CRM != "" {
		noun := "opportunity"
		if o.CRM == "hubspot" {
			noun = "deal"
		}
		state = w.crm() + " " + noun + " open"
		if o.CRMID == "" {
			state = w.crm() + " " + noun + " not created yet"
		}
	}
	lines := []string{joined(" · ", why, from, note, state)}
	if g.Covering != "" {
		lines = append(lines, "You're covering "+w.first(g.Covering)+".")
	}
	if g.Decision.OverLimit {
		lines = append(lines, "Over your limit: everybody who could take it is full, and you have the least.")
	}
	return lines
}

func (w writer) nudges() int {
	n := 0
	for _, a := range w.Activities {
		if (a.Verb == "nudged" || a.Verb == "nudge_sent") && (a.RoutingID == w.Routing.ID || a.RoutingID == "") {
			n++
		}
	}
	return n
}

// footer says what this mail is and that answers are read.
func (w writer) footer() string {
	label := ""
	if w.Signal.Number > 0 {
		label = w.Signal.Label()
	}
	if w.Routing != nil {
		label = joined(" · ", w.Routing.Label(), label)
	}
	return joined(" · ", label, "Sent by Expansion. The newest state is always in Slack.")
}
