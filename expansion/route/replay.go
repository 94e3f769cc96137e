package route

import "expansionbot/expansion"

// Replay is what a policy would have done with past decisions.
type Replay struct {
	Total       int      `json:"total"`       // decisions replayed
	Changed     int      `json:"changed"`     // would go to somebody else, or to nobody
	NoRecipient int      `json:"noRecipient"` // would go to nobody
	ByHand      int      `json:"byHand"`      // left out: a person chose the recipient
	Changes     []Change `json:"changes"`     // in the order of the decisions
}

// Change is one past decision that would be another.
type Change struct {
	Index  int                `json:"index"` // into the decisions given
	Was    expansion.PersonID `json:"was"`
	Choice Choice             `json:"choice"`
}

// Replay decides past again by p, each with the facts it was decided with, and
// compares the recipient.
func (p *Policy) Replay(past []expansion.Decision) Replay {
	r := Replay{Changes: []Change{}}
	for i := range past {
		d := &past[i]
		if d.Kind == expansion.KindOverride {
			r.ByHand++
			continue
		}
		r.Total++
		c := p.Pick(&Team{reps: d.Facts.Reps}, &d.Facts)
		if c.To == "" {
			r.NoRecipient++
		}
		if c.To != d.To {
			r.Changed++
			r.Changes = append(r.Changes, Change{Index: i, Was: d.To, Choice: c})
		}
	}
	return r
}
