package enrich

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// The roles of a contact that decide a purchase.
const (
	roleChampion = "champion"
	roleDecider  = "decision_maker"
)

var roleRank = map[string]int{roleChampion: 1, roleDecider: 2, "blocker": 3, "user": 4}

// fillPeople sets the stakeholders, champion first, and who champions and who decides.
// It is known once one of the two is; two champions are both named. A list of contacts
// without either role leaves it unknown: nobody has looked at their roles.
func fillPeople(ctx context.Context, r Reader, a expansion.Account, now time.Time, c *expansion.Context) error {
	people, err := r.Contacts(ctx, a.ID)
	if err != nil {
		return err
	}
	people = slices.Clone(people)
	slices.SortStableFunc(people, func(a, b expansion.Contact) int {
		rank := func(p expansion.Contact) int { return cmp.Or(roleRank[p.Role], 5) }
		return cmp.Or(rank(a)-rank(b), lastTouch(b).Compare(lastTouch(a)), cmp.Compare(a.Name, b.Name))
	})
	c.Stakeholders = people
	named := map[string][]string{}
	var asOf time.Time
	for _, p := range people {
		if p.Role == roleChampion || p.Role == roleDecider {
			who := p.Name
			if p.Title != "" {
				who += " (" + p.Title + ")"
			}
			if p.Stance != "" && p.Stance != "neutral" {
				who += ", " + p.Stance
			}
			named[p.Role] = append(named[p.Role], who)
		}
		if t := lastTouch(p); t.After(asOf) && !t.After(now) {
			asOf = t
		}
	}
	if len(named) == 0 {
		c.People.Source = "no contact has a role"
		return nil
	}
	c.People = known(fmt.Sprintf("%s. %s.", roleLine("Champion", named[roleChampion]), roleLine("Decision-maker", named[roleDecider])),
		"contacts", cmp.Or(asOf, now))
	return nil
}

func roleLine(label string, names []string) string {
	switch len(names) {
	case 0:
		return label + ": none named"
	case 1:
		return label + ": " + names[0]
	}
	return fmt.Sprintf("%d %ss: %s", len(names), strings.ToLower(label), strings.Join(names, "; "))
}

func lastTouch(p expansion.Contact) time.Time {
	if p.LastContactAt == nil {
		return time.Time{}
	}
	return *p.LastContactAt
}

// fillConversations reads the customer's own words of the last year: how close we are,
// whom else they talk of, and when they have money.
func fillConversations(ctx context.Context, r Reader, a expansion.Account, now time.Time, c *expansion.Context) error {
	all, err := r.Evidence(ctx, a.ID, now.AddDate(-1, 0, 0))
	if err != nil {
		return err
	}
	var said []expansion.Evidence // newest first
	var touches []time.Time
	for _, e := range all {
		if e.OccurredAt.After(now) {
			continue
		}
		if strings.TrimSpace(e.Quote) != "" {
			said = append(said, e)
		}
		if e.Source == expansion.SourceMeeting || e.Source == expansion.SourceEmail {
			touches = append(touches, e.OccurredAt)
		}
	}
	slices.SortStableFunc(said, func(a, b expansion.Evidence) int { return b.OccurredAt.Compare(a.OccurredAt) })
	relationship(c, touches, now)
	if len(said) == 0 {
		return nil // nobody's words were kept: nobody looked
	}
	const source = "conversations"
	looked := fmt.Sprintf("Looked, none found in %s.", expansion.Count(len(said), "quote"))
	c.Competitors = known(looked, source, said[0].OccurredAt)
	for _, e := range said {
		if name := competitor(e, a, c.Stakeholders); name != "" {
			c.Competitors = known(fmt.Sprintf("%s: %s.", name, quoted(e)), source, e.OccurredAt)
			break
		}
	}
	for _, e := range said {
		if budgetWords.MatchString(e.Quote) && budgetTime.MatchString(e.Quote) {
			c.Budget = known(quoted(e)+".", source, e.OccurredAt)
			break
		}
	}
	return nil
}

// quoted is a quote with who said it and when: "'we renew in May' (Jo Park, 3 Mar 2026)".
func quoted(e expansion.Evidence) string {
	who := cmp.Or(e.Speaker, "the customer")
	return fmt.Sprintf("'%s' (%s, %s)", strings.Join(strings.Fields(e.Quote), " "), who, date(e.OccurredAt))
}

var (
	budgetWords = regexp.MustCompile(`(?i)\b(?:budgets?|fiscal year|financial year|planning (?:cycle|round))\b`)
	budgetTime  = regexp.MustCompile(`(?i)\b(?:january|february|march|april|may|june|july|august|september|october|november|december|q[1-4]|(?:first|second|third|fourth|next|this) (?:quarter|half))\b`)
	// A name with a capital behind words that compare or leave. Only quotes are read, so
	// every competitor shown has a quote and a date.
	rivalName = regexp.MustCompile(`\b(?i:evaluating|compar(?:e|ed|ing)(?: (?:you|it|this))? (?:with|to|against)|switch(?:ing)? (?:over )?to|instead of|quote from|offer from|trial (?:of|with)|migrat(?:e|ing) to|alternatives? like)\s+((?:[A-Z][\w&.-]*)(?:\s[A-Z][\w&.-]*)?)(\s(?i:plan|tier|edition|seats?))?`)
	notRival  = regexp.MustCompile(`^(?i:january|february|march|april|may|june|july|august|september|october|november|december|q[1-4]|(?:mon|tues|wednes|thurs|fri|satur|sun)day|i|we|the|our|your|enterprise|premium|pro|business|team|standard|basic)\b`)
)

// competitor is the competitor an evidence names: in its details, or in its quote. The
// account itself and its people are none.
func competitor(e expansion.Evidence, a expansion.Account, people []expansion.Contact) string {
	if name, ok := e.Details["competitor"].(string); ok && name != "" {
		return name
	}
	for _, m := range rivalName.FindAllStringSubmatch(e.Quote, -1) {
		name := strings.TrimRight(m[1], ".-&")
		first, _, _ := strings.Cut(name, " ")
		ours := func(full string) bool { return slices.Contains(strings.Fields(full), first) }
		if m[2] == "" && !notRival.MatchString(name) && !ours(a.Name) && !ours(a.Plan) &&
			!slices.ContainsFunc(people, func(p expansion.Contact) bool { return ours(p.Name) }) {
			return name
		}
	}
	return ""
}

// relationship scores 0..100 from four parts, each shown: recency 40 (all within 7
// days, none from 90 on), frequency 20 (4 touches in 30 days), breadth 20 (4 people in
// 90 days), seniority 20 (the highest title in touch within 90 days). It stays unknown
// when no touch is on record.
func relationship(c *expansion.Context, touches []time.Time, now time.Time) {
	met := map[time.Time]bool{} // one a day: a meeting often leaves several quotes
	for _, t := range touches {
		met[t.UTC().Truncate(day)] = true
	}
	breadth, senior := 0, 0
	seniorTitle := "no title known"
	for _, p := range c.Stakeholders {
		t := lastTouch(p)
		if t.IsZero() || t.After(now) {
			continue
		}
		met[t.UTC().Truncate(day)] = true
		if now.Sub(t) > 90*day {
			continue
		}
		breadth++
		if s := seniority(p.Title); s > senior {
			senior, seniorTitle = s, p.Title
		}
	}
	if len(met) == 0 {
		c.Relationship.Source = "no contact on record"
		return
	}
	var last time.Time
	recent := 0
	for d := range met {
		if d.After(last) {
			last = d
		}
		if daysBetween(d, now) <= 30 {
			recent++
		}
	}
	ago := daysBetween(last, now)
	recency := 40 * (90 - min(max(ago, 7), 90)) / 83
	frequency, wide := 5*min(recent, 4), 5*min(breadth, 4)
	score := recency + frequency + wide + senior
	word := "Weak"
	switch {
	case score >= 70:
		word = "Strong"
	case score >= 40:
		word = "Fair"
	}
	c.Relationship = known(fmt.Sprintf("%s, %d of 100: last contact %s (recency %d of 40), %s in touch in 30 days (frequency %d of 20), %s in 90 days (breadth %d of 20), %s (seniority %d of 20).",
		word, score, agoWords(ago), recency, expansion.Count(recent, "day"), frequency, people(breadth), wide, seniorTitle, senior), "contacts and conversations", last)
}

func agoWords(days int) string {
	if days == 0 {
		return "today"
	}
	return expansion.Count(days, "day") + " ago"
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

var titles = []struct {
	re     *regexp.Regexp
	points int
}{
	{regexp.MustCompile(`(?i)\b(?:chief|c[eftiops]o|cmo|cro|ciso|founder|owner|president)\b`), 20},
	{regexp.MustCompile(`(?i)\b(?:vp|vice president|svp|evp|partner|managing director)\b`), 16},
	{regexp.MustCompile(`(?i)\b(?:director|head)\b`), 12},
	{regexp.MustCompile(`(?i)\b(?:manager|lead|principal)\b`), 8},
}

// seniority is 0..20 by title: 20 the chiefs, 16 vice presidents, 12 directors, 8
// managers, 4 any other title, 0 none.
func seniority(title string) int {
	if strings.TrimSpace(title) == "" {
		return 0
	}
	// "Vice President" holds "president": the longer title is looked for first.
	if titles[1].re.MatchString(title) {
		return titles[1].points
	}
	for _, t := range titles {
		if t.re.MatchString(title) {
			return t.points
		}
	}
	return 4
}
