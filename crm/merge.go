package crm

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"expansionbot/expansion"
)

// Side is who changed a field.
type Side string

// The two sides of a merge.
const (
	Ours   Side = "ours"
	Theirs Side = "crm"
)

// Field names a merged field, as it is stored with an activity line.
type Field string

// The fields, in the order changes are reported.
const (
	FieldArchived    Field = "archived"
	FieldStage       Field = "stage"
	FieldOwner       Field = "owner"
	FieldAmount      Field = "amount"
	FieldProbability Field = "probability"
	FieldCloseDate   Field = "close_date"
	FieldName        Field = "name"
	FieldAccount     Field = "account"
	FieldKey         Field = "key"
)

// Change is one field that differs from what both sides last agreed on. Values are
// text for the log: ids, "19200.00 USD", "0.4", "2026-03-31"; "" is no value.
type Change struct {
	Field    Field
	By       Side   // whose value holds now
	From, To string // the agreed value before and after
	Lost     string // the other side's value when both had changed it, else ""
	Conflict bool   // both sides changed it, differently
}

// Merged is the result of Merge.
type Merged struct {
	Changes []Change
	// Base is what both sides agree on once Write is done. Store it then, not before,
	// as the next base and as what we want now.
	Base Snapshot
	// Write holds exactly the fields the CRM must still be told; AccountID in it also
	// asks for Associate. Write only if Wanted.
	Write  OpportunityInput
	Wanted bool
}

// By returns the changes one side made.
func (m Merged) By(side Side) []Change {
	return slices.DeleteFunc(slices.Clone(m.Changes), func(c Change) bool { return c.By != side })
}

// Merge brings together base (what both sides agreed on last), ours (what we want
// now) and theirs (what the CRM says now), field by field (storyboard 7.14):
//
//   - changed on neither side, or by both to the same value (the echo of our own
//     write): nothing to do and no Change;
//   - changed on one side: that side's value;
//   - changed on both, differently: the CRM's value, and ours is kept in Lost.
//     Only the key is always ours.
//
// A field we have no value for is never written, so we cannot clear what the CRM
// has. An archived record takes nothing from us. Amounts without a currency are in
// the CRM's, close dates are compared by their day in UTC. ID, URL and Modified are
// the CRM's and make no Change. Merge reads no clock and does no I/O.
func Merge(base, ours, theirs Snapshot) Merged {
	m := Merged{Base: theirs}
	ours.Amount = inCurrencyOf(ours.Amount, theirs.Amount)
	base.Amount = inCurrencyOf(base.Amount, theirs.Amount)
	if base.Archived != theirs.Archived {
		m.Changes = append(m.Changes, Change{Field: FieldArchived, By: Theirs, From: strconv.FormatBool(base.Archived), To: strconv.FormatBool(theirs.Archived)})
	}
	for _, f := range fields {
		c, push := three(f.name, f.text(base), f.text(ours), f.text(theirs))
		if push && theirs.Archived {
			continue // nobody to tell
		}
		if c != nil {
			m.Changes = append(m.Changes, *c)
		}
		if push {
			f.copy(&m.Base, ours)
			f.write(&m.Write, ours)
			m.Wanted = true
		}
	}
	return m
}

// KeepOutcome is the base to merge with when a person has recorded an outcome and theirs
// is in an open stage: that stage then counts as agreed, so that one set in the CRM
// meanwhile does not undo what was recorded. A closed stage, one the pipeline does not
// have, and an open one after both sides had agreed on the end are the CRM's to say.
func KeepOutcome(base, theirs Snapshot, stages []Stage) Snapshot {
	if s, ok := FindStage(stages, base.StageID); ok && s.Closed {
		return base
	}
	if s, ok := FindStage(stages, theirs.StageID); ok && !s.Closed {
		base.StageID = s.ID
	}
	return base
}

// three merges one field. push is true when our value must be written.
func three(name Field, base, ours, theirs string) (c *Change, push bool) {
	if name == FieldKey { // ours alone; an empty one means we do not know it yet
		if ours == "" || ours == theirs {
			return nil, false
		}
		return &Change{Field: name, By: Ours, From: theirs, To: ours}, true
	}
	weChanged := ours != base && ours != ""
	theyChanged := theirs != base
	switch {
	case ours == theirs:
		return nil, false
	case theyChanged && weChanged:
		return &Change{Field: name, By: Theirs, From: base, To: theirs, Lost: ours, Conflict: true}, false
	case theyChanged:
		return &Change{Field: name, By: Theirs, From: base, To: theirs}, false
	case weChanged:
		return &Change{Field: name, By: Ours, From: base, To: ours}, true
	}
	return nil, false
}

// field tells how a field is compared, taken over and written.
type field struct {
	name  Field
	text  func(Snapshot) string
	copy  func(to *Snapshot, from Snapshot)
	write func(to *OpportunityInput, from Snapshot)
}

var fields = []field{
	{FieldStage, func(s Snapshot) string { return s.StageID }, func(t *Snapshot, f Snapshot) { t.StageID = f.StageID }, func(t *OpportunityInput, f Snapshot) { t.StageID = f.StageID }},
	{FieldOwner, func(s Snapshot) string { return s.OwnerID }, func(t *Snapshot, f Snapshot) { t.OwnerID = f.OwnerID }, func(t *OpportunityInput, f Snapshot) { t.OwnerID = f.OwnerID }},
	{FieldAmount, func(s Snapshot) string { return amountText(s.Amount) }, func(t *Snapshot, f Snapshot) { t.Amount = f.Amount }, func(t *OpportunityInput, f Snapshot) { t.Amount = f.Amount }},
	{FieldProbability, func(s Snapshot) string { return probabilityText(s.Probability) }, func(t *Snapshot, f Snapshot) { t.Probability = f.Probability }, func(t *OpportunityInput, f Snapshot) { t.Probability = f.Probability }},
	{FieldCloseDate, func(s Snapshot) string { return dateText(s.CloseDate) }, func(t *Snapshot, f Snapshot) { t.CloseDate = f.CloseDate }, func(t *OpportunityInput, f Snapshot) { t.CloseDate = f.CloseDate }},
	{FieldName, func(s Snapshot) string { return s.Name }, func(t *Snapshot, f Snapshot) { t.Name = f.Name }, func(t *OpportunityInput, f Snapshot) { t.Name = f.Name }},
	{FieldAccount, func(s Snapshot) string { return s.AccountID }, func(t *Snapshot, f Snapshot) { t.AccountID = f.AccountID }, func(t *OpportunityInput, f Snapshot) { t.AccountID = f.AccountID }},
	{FieldKey, func(s Snapshot) string { return s.Key }, func(t *Snapshot, f Snapshot) { t.Key = f.Key }, func(t *OpportunityInput, f Snapshot) { t.Key = f.Key }},
}

func amountText(m *expansion.Money) string {
	if m == nil {
		return ""
	}
	minor, sign := m.Minor, ""
	if minor < 0 {
		minor, sign = -minor, "-"
	}
	text := fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
	if m.Currency != "" {
		text += " " + m.Currency
	}
	return text
}

// inCurrencyOf returns m with the currency of other if it has none itself.
func inCurrencyOf(m, other *expansion.Money) *expansion.Money {
	if m == nil || other == nil || m.Currency != "" {
		return m
	}
	return &expansion.Money{Minor: m.Minor, Currency: other.Currency}
}

// probabilityText compares to a tenth of a percent: CRMs round differently.
func probabilityText(p *float64) string {
	if p == nil {
		return ""
	}
	v, _ := strconv.ParseFloat(strconv.FormatFloat(*p, 'f', 3, 64), 64)
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// dateText compares by the day in UTC: a close date has no hour worth a change.
func dateText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// Flip is one change of a field of one opportunity, at its time.
type Flip struct {
	Field Field
	At    time.Time
}

// The bounds of a loop (storyboard 7.14): the same field changed this often within
// this long.
const (
	loopFlips  = 3
	loopWindow = 10 * time.Minute
)

// Looping names the fields of one opportunity that two programs keep setting against
// each other: changed at least 3 times within the 10 minutes up to now. The caller
// stops writing them and tells an admin. flips may be in any order; later ones than
// now don't count. The result is sorted.
func Looping(flips []Flip, now time.Time) []Field {
	count := map[Field]int{}
	var out []Field
	for _, f := range flips {
		if age := now.Sub(f.At); age < 0 || age > loopWindow {
			continue
		}
		if count[f.Field]++; count[f.Field] == loopFlips {
			out = append(out, f.Field)
		}
	}
	slices.Sort(out)
	return out
}
