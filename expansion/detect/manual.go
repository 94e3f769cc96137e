package detect

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// ManualInput is what a person logs by hand, complete or as far as typed.
type ManualInput struct {
	Type       expansion.SignalType
	Strength   expansion.Strength // the person's own choice; "" = as the rules score it
	What       string             // what happened, in the logger's words
	Quote      string             // the customer's own words, "" = none
	OccurredAt time.Time          // zero = Now
	Now        time.Time
}

// A rule adds its score when its words are there. Order is the order of the reasons.
type manualRule struct {
	words  *regexp.Regexp
	score  float64
	reason string
}

// Base scores by type: how often the type alone means a purchase. An ask needs one
// more fact (a number, a date, approved money) to be strong (detection research §2).
var manualBase = map[expansion.SignalType]hint{
	expansion.ExplicitRequest:  {0.60, "explicit ask"},
	expansion.BudgetDiscussion: {0.50, "budget talk"},
	expansion.CapacityLimit:    {0.50, "a limit reached"},
	expansion.UsageGrowth:      {0.40, "usage growth"},
	expansion.FeatureAdoption:  {0.40, "feature interest"},
	expansion.HealthIndicator:  {0.30, "good health"},
}

const monthName = `january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec`

var manualRules = []manualRule{
	{regexp.MustCompile(`\b(?:approved|signed off|budgeted|set aside|funds? (?:is|are) there|green ?light|purchase order)\b`), 0.45, "money is approved"},
	{regexp.MustCompile(`\b(?:asked|asks|asking|wants?|would like|requested|requests|needs?|send (?:us|me|over) a quote|quote for|how much|order (?:more|another|\d)|an order|buy)\b`), 0.30, "explicit ask"},
	{regexp.MustCompile(`\b(?:before|by|until|from|in|for|end of|next|starting) (?:the |early |mid |late |next |this )*(?:` + monthName + `|q[1-4]|week|month|quarter|year|monday|tuesday|wednesday|thursday|friday|renewal|launch|roll-?out|\d{1,2}(?:st|nd|rd|th))\b|` +
		`\b\d{1,2} (?:` + monthName + `)\b|\b(?:` + monthName + `) \d{1,2}\b|\b(?:this|next) (?:week|month|quarter|year)\b|\b(?:asap|right away|urgent(?:ly)?)\b`), 0.40, "a date is named"},
}

var (
	manualNumber = regexp.MustCompile(`\b\d{1,3}(?:,\d{3})*(?:\.\d+)?\s?(?:more|additional|extra|seats?|users?|licen[cs]es?|gb|tb|k|%|percent)`)
	manualHedge  = regexp.MustCompile(`\b(?:maybe|might|perhaps|possibly|some ?day|eventually|just curious|not sure|no rush|thinking about|toying)\b`)
	manualLess   = regexp.MustCompile(`\b(?:fewer|reduce|reducing|downgrad(?:e|ing)|cancel(?:ling|s)?|churn(?:ing)?|not interested|no budget|no need|no more|too expensive|(?:drop|remove|cut|return|give back) (?:\w+ ){0,3}(?:seats?|licen[cs]es?|users?))\b|` +
		`(?:\b(?:not|never)|n't) (?:really |actually |currently )?(?:need|want|buy|order|require)(?:ing)? (?:(?:any|the|these|those|\d+) )*(?:more|additional|extra|another|seats?|licen[cs]es?|users?|it|them|an upgrade)\b`)
)

// Manual scores a signal logged by hand from its type, its words and its age, by rules
// a person can read. suggestion is the context line under the strength choice:
// "Suggested: strong (explicit ask, within 7 days)." It is always what the rules say;
// a strength the person chose wins for the score, which then lies in that strength's
// band. reasons are at most three, strongest first, in words.
func Manual(in ManualInput) (score float64, suggestion string, reasons []string) {
	text := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(in.What+" . "+in.Quote, "’", "'")), " "))
	base, ok := manualBase[in.Type]
	if !ok {
		base = hint{0.30, "logged by hand"}
	}
	hints := []hint{base}
	for _, r := range manualRules {
		if r.words.MatchString(text) && r.reason != base.words {
			hints = append(hints, hint{r.score, r.reason})
		}
	}
	if n := extraSeats(text); n > 0 {
		hints = append(hints, hint{0.40, fmt.Sprintf("%d more seats", n)})
	} else if manualNumber.MatchString(text) {
		hints = append(hints, hint{0.40, "a number is named"})
	}
	if strings.TrimSpace(in.Quote) != "" {
		hints = append(hints, hint{0.10, "in their own words"})
	}
	slices.SortStableFunc(hints, func(a, b hint) int { return compareDesc(a.score, b.score) })
	scores := make([]float64, len(hints))
	for i, h := range hints {
		scores[i] = h.score
	}
	age, fresh := ageOf(in)
	score = Combine(scores...) * fresh

	reasons = append(reasons, hints[0].words, age)
	switch {
	case manualLess.MatchString(text):
		score *= 0.3
		reasons = append([]string{"the words may mean less, not more"}, reasons...)
	case manualHedge.MatchString(text):
		score *= 0.7
		reasons = append([]string{"only a hint so far"}, reasons...)
	}
	shown := reasons[:2] // the lead and the age, or the doubt and the lead
	score = round2(score)
	suggestion = fmt.Sprintf("Suggested: %s (%s).", expansion.StrengthOf(score), strings.Join(shown, ", "))
	for _, h := range hints[1:] {
		reasons = append(reasons, h.words)
	}
	return into(in.Strength, score), suggestion, reasons[:min(3, len(reasons))]
}

// ageOf says how long ago it happened and what that takes off the score.
func ageOf(in ManualInput) (words string, factor float64) {
	at := in.OccurredAt
	if at.IsZero() {
		at = in.Now
	}
	switch age := in.Now.Sub(at); {
	case age < -day:
		return "dated in the future", 0.9
	case age <= 7*day:
		return "within 7 days", 1
	case age <= 30*day:
		return "within 30 days", 0.9
	case age <= 90*day:
		return "within 90 days", 0.75
	}
	return "more than 90 days ago", 0.5
}

// round2 keeps what a card shows, so that the number and the strength agree.
func round2(v float64) float64 { return math.Round(v*100) / 100 }

// into moves a score into the band of the strength a person chose.
func into(s expansion.Strength, score float64) float64 {
	switch s {
	case expansion.Strong:
		return max(score, expansion.StrongFrom)
	case expansion.Moderate:
		return min(max(score, expansion.ModerateFrom), expansion.StrongFrom-0.01)
	case expansion.Exploratory:
		return min(score, expansion.ModerateFrom-0.01)
	}
	return score
}

var (
	seatWords  = regexp.MustCompile(`\b(?:seats?|licen[cs]es?|users?|headcount|log-?ins?)\b`)
	tierWords  = regexp.MustCompile(`\b(?:tier|plan|edition|upgrad\w*|enterprise|premium|sso|audit log)\b`)
	crossWords = regexp.MustCompile(`\b(?:modules?|add-?ons?|another product|other product|your new product|bundle|cross-?sell)\b`)
	moreWords  = regexp.MustCompile(`\b(?:storage|credits?|quota|volume|api calls?|gb|tb|capacity|allowance)\b`)
)

var (
	budgetWords = regexp.MustCompile(`\b(?:budget\w*|fiscal year|funding|procurement|purchase order)\b`)
	limitWords  = regexp.MustCompile(`\b(?:(?:reached|hit|hitting|near|over|at) (?:the |their |its )?(?:limit|cap|quota|allowance|ceiling)|maxed out|ran out|run(?:ning)? out of|out of (?:seats|licen[cs]es|storage|space))\b`)
	growthWords = regexp.MustCompile(`\b(?:usage|active users|log-?ins?|adoption) (?:is |are |has |have )?(?:\w+ )?(?:up|grew|grow\w*|rising|rose|doubled|climbing|increas\w+)\b`)
	askWords    = manualRules[1].words
)

// TypeOf guesses the kind of a log by hand from its words, "" when they name none: an ask
// first, then money, a limit, growth. It is a default that people may change.
func TypeOf(text string) expansion.SignalType {
	text = strings.ToLower(text)
	switch {
	case askWords.MatchString(text):
		return expansion.ExplicitRequest
	case budgetWords.MatchString(text):
		return expansion.BudgetDiscussion
	case limitWords.MatchString(text):
		return expansion.CapacityLimit
	case growthWords.MatchString(text):
		return expansion.UsageGrowth
	}
	return ""
}

// ExpansionTypeOf guesses what the customer may buy: by the first kind of thing its
// text names, in the order seats, another product, tier, more of an allowance; else
// by the signal's type. It is a default that people may change.
func ExpansionTypeOf(t expansion.SignalType, text string) expansion.ExpansionType {
	text = strings.ToLower(text)
	switch {
	case seatWords.MatchString(text):
		return expansion.Seats
	case crossWords.MatchString(text):
		return expansion.CrossSell
	case tierWords.MatchString(text):
		return expansion.Tier
	case moreWords.MatchString(text):
		return expansion.Upsell
	}
	switch t {
	case expansion.UsageGrowth:
		return expansion.Seats
	case expansion.FeatureAdoption:
		return expansion.Tier
	}
	return expansion.Upsell
}
