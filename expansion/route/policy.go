package route

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"expansionbot/expansion"
)

// Policy is a parsed routing policy. It is immutable: every method may be called by
// several goroutines at once.
type Policy struct {
	version    string
	timing     Timing
	hours      expansion.Hours
	cards      int
	askFirst   []expansion.SignalType
	levels     []level
	rules      []rule
	bound      bool
	peopleLine map[string]int // e-mail -> first line that names it
}

// rule is one entry of the policy's ordered list.
type rule struct {
	name        string
	kind        expansion.RuleKind
	when        condition
	people      []string // e-mails, lower case
	ids         []expansion.PersonID
	specialties []expansion.ExpansionType // instead of the signal's own
	territory   string                    // instead of the account's own
	weights     []weight
	line        int
}

// weight gives a member of a pool more turns than the usual 1.
type weight struct {
	email string
	id    expansion.PersonID
	turns int64
}

// level is one rung of the escalation ladder.
type level struct {
	to     string // manager, people or revops
	people []string
	ids    []expansion.PersonID
	line   int
}

// Timing holds the durations of a policy. Elapsed time unless the comment says
// otherwise.
type Timing struct {
	ReviewWindow     time.Duration   `json:"reviewWindow"`     // the CSM may change the routing; 0..14 min, 0 = none
	AckTarget        time.Duration   `json:"ackTarget"`        // acknowledge within: elapsed in reports, working time for nudges
	Nudges           []time.Duration `json:"nudges"`           // since routing, ascending; the first is working time; none = no nudges
	NudgeGap         time.Duration   `json:"nudgeGap"`         // between two nudges to one person, at least
	EscalateAfter    time.Duration   `json:"escalateAfter"`    // without acknowledgement
	EscalateAgain    time.Duration   `json:"escalateAgain"`    // without an answer, per further level
	ExtendBy         time.Duration   `json:"extendBy"`         // "Give 24 h more"
	NotMineLeaves    time.Duration   `json:"notMineLeaves"`    // working time the next person has at least before the mark
	UndoWindow       time.Duration   `json:"undoWindow"`       // a routing can be recalled
	HoldFor          time.Duration   `json:"holdFor"`          // others keep off the account
	AskReminder      time.Duration   `json:"askReminder"`      // a CSM who was asked is reminded; 24 h = one working day
	ParkAfter        time.Duration   `json:"parkAfter"`        // an unanswered question is parked; 24 h = one working day
	DuplicateWindow  time.Duration   `json:"duplicateWindow"`  // the same signal again is merged
	RetryNoRecipient time.Duration   `json:"retryNoRecipient"` // a signal that waits for a recipient is tried again
	NotRealAnswer    time.Duration   `json:"notRealAnswer"`    // the CSM may disagree with "not real"
}

//go:embed default.yaml
var defaultText []byte

// DefaultText is the shipped policy as text. The caller owns the copy.
func DefaultText() []byte { return slices.Clone(defaultText) }

// Default is the shipped policy. It names no people, so it needs no Bind.
func Default() *Policy {
	p, err := ParsePolicy(defaultText)
	if err != nil {
		panic("the shipped policy does not parse: " + err.Error()) // held by a test
	}
	return p
}

// Hash is the version of a policy text: its SHA-256 in hex.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Version is the Hash of the text the policy was parsed from.
func (p *Policy) Version() string { return p.version }

// Timing returns the policy's durations.
func (p *Policy) Timing() Timing {
	t := p.timing
	t.Nudges = slices.Clone(t.Nudges)
	return t
}

// Hours returns the working hours in zone (nil = UTC).
func (p *Policy) Hours(zone *time.Location) expansion.Hours { return p.hours.In(zone) }

// CardsPerDay is how many new cards a CSM gets a day at most, 0 = no limit. It holds
// back cards, never a routing.
func (p *Policy) CardsPerDay() int { return p.cards }

// AsksFirst reports whether the CSM is asked before a signal of type t and strength s
// routes: always for exploratory ones, and for the types the policy lists.
func (p *Policy) AsksFirst(t expansion.SignalType, s expansion.Strength) bool {
	return s.Rank() < expansion.Moderate.Rank() || slices.Contains(p.askFirst, t)
}

// Rules lists the rules in file order.
func (p *Policy) Rules() []RuleInfo {
	out := make([]RuleInfo, len(p.rules))
	for i, r := range p.rules {
		out[i] = RuleInfo{Name: r.name, Kind: r.kind, When: r.when.source}
	}
	return out
}

// RuleInfo describes one rule of a policy.
type RuleInfo struct {
	Name string             `json:"name"`
	Kind expansion.RuleKind `json:"kind"`
	When string             `json:"when"` // "" = always
}

// People lists the e-mails the policy names, lower case, in the order of the text.
func (p *Policy) People() []string {
	out := make([]string, 0, len(p.peopleLine))
	for email := range p.peopleLine {
		out = append(out, email)
	}
	slices.SortFunc(out, func(a, b string) int {
		if d := p.peopleLine[a] - p.peopleLine[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return out
}

// Bind returns the policy with its e-mails resolved to ids by people, whose keys
// compare without regard to case. An e-mail that is not there is a Problem of error
// level; the returned policy then goes on without that person. A policy that names
// people but was never bound treats all of them as unknown.
func (p *Policy) Bind(people map[string]expansion.PersonID) (*Policy, Problems) {
	lower := make(map[string]expansion.PersonID, len(people))
	for email, id := range people {
		lower[foldEmail(email)] = id
	}
	var ps Problems
	b := *p
	b.bound = true
	b.rules, b.levels = slices.Clone(p.rules), slices.Clone(p.levels)
	for i := range b.rules {
		r := &b.rules[i]
		r.ids = resolve(r.people, lower)
		r.weights = slices.Clone(r.weights)
		for j := range r.weights {
			r.weights[j].id = lower[r.weights[j].email]
		}
	}
	for i := range b.levels {
		b.levels[i].ids = resolve(b.levels[i].people, lower)
	}
	for _, email := range p.People() {
		if lower[email] == "" {
			ps.errorf(p.peopleLine[email], "", "Nobody here has the e-mail %s. Import the person or take the e-mail out.", email)
		}
	}
	return &b, ps
}

func resolve(emails []string, ids map[string]expansion.PersonID) []expansion.PersonID {
	var out []expansion.PersonID
	for _, e := range emails {
		if id := ids[e]; id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func foldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// Pooled reports whether a decision of kind k took somebody's turn: the caller then
// adds one to that person's Rep.Picks.
func Pooled(k expansion.RuleKind) bool {
	return k == expansion.KindSpecialist || k == expansion.KindTerritory || k == expansion.KindPeople
}

// StartPicks is the Rep.Picks somebody who joins a pool (or comes back to it) starts
// with, so that they are not flooded until they have caught up: the mean of the
// active others, rounded down, 0 when there are none.
func StartPicks(others []expansion.Rep) int64 {
	var sum, n int64
	for _, r := range others {
		if r.Active {
			sum, n = sum+r.Picks, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}
