package detect

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"expansionbot/expansion"
)

// Range of a seat estimate around its likely value: a volume discount or fewer seats
// in the end below, growth until signature above. To be replaced by measured ratios
// once enough outcomes are known.
const (
	lowShare  = 0.7
	highShare = 1.5
)

// maxSeats is the most seats a text may ask for; a larger number is not a seat count.
const maxSeats = 100_000

// SeatPotential estimates the yearly revenue of extra seats as seats × the account's
// present ARR per seat, with the formula in words: "12 seats × $400". Low is 70 % and
// High 150 % of Likely. It is nil when ARR or the licence count is not known or not
// above zero, or extra is not.
func SeatPotential(extra int64, a expansion.Account) *expansion.Potential {
	if extra <= 0 || extra > maxSeats || a.ARR == nil || a.ARR.Minor <= 0 || a.SeatsLicensed == nil || *a.SeatsLicensed <= 0 {
		return nil
	}
	perSeat := float64(a.ARR.Minor) / float64(*a.SeatsLicensed)
	likely := float64(extra) * perSeat
	money := func(minor float64) expansion.Money {
		return expansion.Money{Minor: int64(math.Round(minor/100)) * 100, Currency: a.ARR.Currency} // whole dollars: it is an estimate
	}
	noun := "seats"
	if extra == 1 {
		noun = "seat"
	}
	price := expansion.Money{Minor: int64(math.Round(perSeat)), Currency: a.ARR.Currency}
	return &expansion.Potential{
		Likely: money(likely), Low: money(lowShare * likely), High: money(highShare * likely),
		Formula: fmt.Sprintf("%d %s × %s", extra, noun, price),
	}
}

// EstimateSeats reads how many more seats a text asks for ("30 more seats", "another
// thirty licences", "go from 120 to 150 users") and what they may bring. Without such
// a number seats is 0; potential is nil when it cannot be priced (see SeatPotential).
// A text that takes seats away, or only says how many there are, gives 0.
func EstimateSeats(words string, a expansion.Account) (seats int64, potential *expansion.Potential) {
	seats = extraSeats(words)
	return seats, SeatPotential(seats, a)
}

const (
	seatNoun = `(?:seats?|licen[cs]es?|users?|log-?ins?|people)\b`
	numeral  = `(\d{1,3}(?:,\d{3})+|\d+|` + numberWord + `(?:[ -](?:and[ -])?` + numberWord + `)*)`
	more     = `(?:more|additional|extra|further|new|added)`
)

const numberWord = `(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|` +
	`eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen)`

var (
	fromTo = regexp.MustCompile(`\bfrom ` + numeral + `(?: ` + seatNoun + `)? to ` + numeral + ` ` + seatNoun)
	// "30 more seats", "30 seats more"
	countMore = regexp.MustCompile(`\b` + numeral + ` (?:(?:or so|odd) )?` + more + ` (?:[a-z]+ )?` + seatNoun)
	countPost = regexp.MustCompile(`\b` + numeral + ` (?:[a-z]+ )?` + seatNoun + ` (?:more|extra|on top|in addition)\b`)
	// "another thirty licences", "add 30 seats", "an extra 30 seats", "need 30 seats"
	moreCount = regexp.MustCompile(`\b(?:another|additional|extra|further|add|adding|buy|buying|order|ordering|purchase|purchasing|plus)(?: (?:about|around|roughly|some|up to|an? (?:extra|additional|further)))? ` +
		numeral + ` (?:` + more + ` )?(?:[a-z]+ )?` + seatNoun)
	fewer  = regexp.MustCompile(`\b(?:fewer|less|remove|removing|drop|dropping|cancel|cancelling|cut|cutting|reduce|reducing|return|give back|get rid of)\b`)
	denied = regexp.MustCompile(`\b(?:no|not|never|don't|doesn't|didn't|won't|do not|does not|did not|will not) (?:\w+ ){0,3}$`)
)

func extraSeats(words string) int64 {
	s := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(words, "’", "'")), " "))
	// One sentence or clause at a time: what is denied in one may be asked in the next.
	for _, clause := range clauses(s) {
		if fewer.MatchString(clause) {
			continue
		}
		if m := fromTo.FindStringSubmatchIndex(clause); m != nil && !denied.MatchString(clause[:m[0]]) {
			from, ok1 := parseNumber(clause[m[2]:m[3]])
			to, ok2 := parseNumber(clause[m[4]:m[5]])
			if ok1 && ok2 && to > from && to-from <= maxSeats {
				return to - from
			}
			continue
		}
		for _, re := range []*regexp.Regexp{countMore, countPost, moreCount} {
			if m := re.FindStringSubmatchIndex(clause); m != nil && !denied.MatchString(clause[:m[0]]) {
				if n, ok := parseNumber(clause[m[2]:m[3]]); ok && n > 0 && n <= maxSeats {
					return n
				}
			}
		}
	}
	return 0
}

var clauseEnd = regexp.MustCompile(`[.;!?]\s|[.;!?]$|, (?:but|so|and)\b|\bbut\b|\bhowever\b|\binstead\b`)

func clauses(s string) []string { return clauseEnd.Split(s, -1) }

var wordValue = map[string]int64{
	"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
	"nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}

// parseNumber reads "1,200", "30", "thirty-five", "two hundred and ten", "a dozen".
func parseNumber(s string) (int64, bool) {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		n, err := strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64)
		return n, err == nil
	}
	var total, part int64
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '-' }) {
		switch w {
		case "and":
		case "dozen":
			part = max(1, part) * 12
		case "hundred":
			part = max(1, part) * 100
		case "thousand":
			total, part = total+max(1, part)*1000, 0
		default:
			v, ok := wordValue[w]
			if !ok {
				return 0, false
			}
			part += v
		}
		if part > maxSeats || total > maxSeats {
			return 0, false
		}
	}
	return total + part, total+part > 0
}
