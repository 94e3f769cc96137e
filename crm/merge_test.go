package crm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"expansionbot/crm"
	"expansionbot/expansion"
)

func usd(minor int64) *expansion.Money { return &expansion.Money{Minor: minor, Currency: "USD"} }

func ptr[T any](v T) *T { return &v }

var agreed = crm.Snapshot{Key: "k1", ID: "7", Name: "Brightwater: seats", StageID: "first", OwnerID: "71", AccountID: "501", Amount: usd(1_920_000), Probability: ptr(0.2)}

// with returns agreed after a change.
func with(f func(*crm.Snapshot)) crm.Snapshot {
	s := agreed
	f(&s)
	return s
}

func TestMerge(t *testing.T) { // storyboard 7.14
	t.Parallel()
	noon := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name               string
		base, ours, theirs crm.Snapshot
		changes            []crm.Change
		write              crm.OpportunityInput
	}{
		{
			name: "nothing changed", base: agreed, ours: agreed, theirs: agreed,
		},
		{
			name: "the CRM moved the stage", base: agreed, ours: agreed, theirs: with(func(s *crm.Snapshot) { s.StageID = "won" }),
			changes: []crm.Change{{Field: crm.FieldStage, By: crm.Theirs, From: "first", To: "won"}},
		},
		{
			name: "we rerouted to another owner", base: agreed, ours: with(func(s *crm.Snapshot) { s.OwnerID = "72" }), theirs: agreed,
			changes: []crm.Change{{Field: crm.FieldOwner, By: crm.Ours, From: "71", To: "72"}},
			write:   crm.OpportunityInput{OwnerID: "72"},
		},
		{
			name: "both changed the owner and the CRM wins",
			base: agreed, ours: with(func(s *crm.Snapshot) { s.OwnerID = "72" }), theirs: with(func(s *crm.Snapshot) { s.OwnerID = "73" }),
			changes: []crm.Change{{Field: crm.FieldOwner, By: crm.Theirs, From: "71", To: "73", Lost: "72", Conflict: true}},
		},
		{
			name: "both changed the amount and the CRM wins",
			base: agreed, ours: with(func(s *crm.Snapshot) { s.Amount = usd(1) }), theirs: with(func(s *crm.Snapshot) { s.Amount = usd(2_160_000) }),
			changes: []crm.Change{{Field: crm.FieldAmount, By: crm.Theirs, From: "19200.00 USD", To: "21600.00 USD", Lost: "0.01 USD", Conflict: true}},
		},
		{
			name: "the echo of our own write is no change",
			base: agreed, ours: with(func(s *crm.Snapshot) { s.StageID = "next" }), theirs: with(func(s *crm.Snapshot) { s.StageID = "next" }),
		},
		{
			name: "the CRM cleared the amount", base: agreed, ours: agreed, theirs: with(func(s *crm.Snapshot) { s.Amount = nil }),
			changes: []crm.Change{{Field: crm.FieldAmount, By: crm.Theirs, From: "19200.00 USD"}},
		},
		{
			name: "we know no amount, so the CRM's stays", base: agreed, ours: with(func(s *crm.Snapshot) { s.Amount = nil }), theirs: agreed,
		},
		{
			name: "an amount without a currency is in the CRM's",
			base: agreed, ours: with(func(s *crm.Snapshot) { s.Amount = &expansion.Money{Minor: 1_920_000} }), theirs: agreed,
		},
		{
			name: "a close date at another hour of the day is the same",
			base: with(func(s *crm.Snapshot) { s.CloseDate = &noon }), ours: with(func(s *crm.Snapshot) { s.CloseDate = &noon }),
			theirs: with(func(s *crm.Snapshot) { s.CloseDate = ptr(noon.Truncate(24 * time.Hour)) }),
		},
		{
			name: "a removed key is put back", base: agreed, ours: agreed, theirs: with(func(s *crm.Snapshot) { s.Key = "" }),
			changes: []crm.Change{{Field: crm.FieldKey, By: crm.Ours, To: "k1"}},
			write:   crm.OpportunityInput{Key: "k1"},
		},
		{
			name: "an archived record takes nothing from us",
			base: agreed, ours: with(func(s *crm.Snapshot) { s.OwnerID = "72" }), theirs: with(func(s *crm.Snapshot) { s.Archived = true }),
			changes: []crm.Change{{Field: crm.FieldArchived, By: crm.Theirs, From: "false", To: "true"}},
		},
		{
			name: "each side changed another field",
			base: agreed, ours: with(func(s *crm.Snapshot) { s.Name = "Brightwater: more seats" }),
			theirs:  with(func(s *crm.Snapshot) { s.StageID, s.Probability = "next", ptr(0.4) }),
			changes: []crm.Change{{Field: crm.FieldStage, By: crm.Theirs, From: "first", To: "next"}, {Field: crm.FieldProbability, By: crm.Theirs, From: "0.2", To: "0.4"}, {Field: crm.FieldName, By: crm.Ours, From: "Brightwater: seats", To: "Brightwater: more seats"}},
			write:   crm.OpportunityInput{Name: "Brightwater: more seats"},
		},
		{
			name: "the account was merged in the CRM", base: agreed, ours: agreed, theirs: with(func(s *crm.Snapshot) { s.AccountID = "502" }),
			changes: []crm.Change{{Field: crm.FieldAccount, By: crm.Theirs, From: "501", To: "502"}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := crm.Merge(c.base, c.ours, c.theirs)
			if diff := cmp.Diff(c.changes, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.write, got.Write); diff != "" {
				t.Errorf("write (-want +got):\n%s", diff)
			}
			if got.Wanted != (c.write != crm.OpportunityInput{}) {
				t.Errorf("wanted is %v with write %+v", got.Wanted, got.Write)
			}
		})
	}
}

func TestMergedBySide(t *testing.T) {
	t.Parallel()
	m := crm.Merge(agreed, with(func(s *crm.Snapshot) { s.Name = "n" }), with(func(s *crm.Snapshot) { s.StageID = "won" }))
	ours, theirs := m.By(crm.Ours), m.By(crm.Theirs)
	if len(ours) != 1 || ours[0].Field != crm.FieldName || len(theirs) != 1 || theirs[0].Field != crm.FieldStage || len(m.Changes) != 2 {
		t.Errorf("ours %+v, theirs %+v of %+v", ours, theirs, m.Changes)
	}
}

// snapshots draws from few values, so that sides agree and clash often.
func snapshots() *rapid.Generator[crm.Snapshot] {
	return rapid.Custom(func(t *rapid.T) crm.Snapshot {
		text := func(label string) string { return rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, label) }
		s := crm.Snapshot{
			Key: text("key"), ID: "7", Name: text("name"), StageID: text("stage"), OwnerID: text("owner"), AccountID: text("account"),
			Archived: rapid.IntRange(0, 7).Draw(t, "archived") == 0,
		}
		if rapid.Bool().Draw(t, "has amount") {
			s.Amount = &expansion.Money{Minor: rapid.Int64Range(-1, 2).Draw(t, "minor"), Currency: rapid.SampledFrom([]string{"", "USD", "EUR"}).Draw(t, "currency")}
		}
		if rapid.Bool().Draw(t, "has probability") {
			s.Probability = ptr(rapid.SampledFrom([]float64{0, 0.2, 0.20001, 1}).Draw(t, "probability"))
		}
		if rapid.Bool().Draw(t, "has date") {
			s.CloseDate = ptr(time.Date(2026, 3, rapid.IntRange(1, 2).Draw(t, "day"), rapid.IntRange(0, 1).Draw(t, "hour"), 0, 0, 0, time.UTC))
		}
		return s
	})
}

// write does what a CRM does with an OpportunityInput.
func write(s crm.Snapshot, in crm.OpportunityInput) crm.Snapshot {
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	set(&s.Key, in.Key)
	set(&s.Name, in.Name)
	set(&s.StageID, in.StageID)
	set(&s.OwnerID, in.OwnerID)
	set(&s.AccountID, in.AccountID)
	if in.Amount != nil {
		s.Amount = in.Amount
	}
	if in.Probability != nil {
		s.Probability = in.Probability
	}
	if in.CloseDate != nil {
		s.CloseDate = in.CloseDate
	}
	return s
}

func TestKeepOutcome(t *testing.T) {
	t.Parallel()
	stages := []crm.Stage{{ID: "new"}, {ID: "quote", Order: 1}, {ID: "won", Closed: true, Won: true, Order: 2}, {ID: "lost", Closed: true, Order: 3}}
	for _, c := range []struct {
		name, base, theirs, want string
	}{
		{"nobody moved it: won is written", "new", "new", "won"},
		{"an open stage set meanwhile does not undo it", "new", "quote", "won"},
		{"it was closed as lost in the CRM: that stands", "new", "lost", "lost"},
		{"it was won in the CRM too", "new", "won", "won"},
		{"a stage the pipeline does not have is the CRM's to say", "new", "custom", "custom"},
		{"both had it as won and it was opened again there", "won", "quote", "quote"},
		{"both had it as won and it is lost there", "won", "lost", "lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			theirs := crm.Snapshot{StageID: c.theirs}
			m := crm.Merge(crm.KeepOutcome(crm.Snapshot{StageID: c.base}, theirs, stages), crm.Snapshot{StageID: "won"}, theirs)
			if m.Base.StageID != c.want {
				t.Errorf("won by hand, %s in the CRM: the stage becomes %s, want %s", c.theirs, m.Base.StageID, c.want)
			}
			if wrote := m.Write.StageID != ""; wrote != (c.want != c.theirs) {
				t.Errorf("written: %v; the CRM has %s and the merge says %s", wrote, c.theirs, c.want)
			}
		})
	}
}

func TestMergeSettles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, ours, theirs := snapshots().Draw(t, "base"), snapshots().Draw(t, "ours"), snapshots().Draw(t, "theirs")
		m := crm.Merge(base, ours, theirs)
		after := write(theirs, m.Write)
		if diff := cmp.Diff(m.Base, after); diff != "" {
			t.Fatalf("the CRM after the write differs from the agreed values (-agreed +crm):\n%s", diff)
		}
		if again := crm.Merge(m.Base, m.Base, after); again.Wanted || len(again.Changes) != 0 {
			t.Fatalf("merging again changes more: %+v", again)
		}
	})
}

func TestMergeRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, ours, theirs := snapshots().Draw(t, "base"), snapshots().Draw(t, "ours"), snapshots().Draw(t, "theirs")
		m := crm.Merge(base, ours, theirs)
		if theirs.Archived && m.Wanted {
			t.Fatalf("wants to write %+v to an archived record", m.Write)
		}
		if theirs.StageID != base.StageID && m.Base.StageID != theirs.StageID {
			t.Fatalf("the CRM moved the stage to %q and the merge says %q", theirs.StageID, m.Base.StageID)
		}
		if m.Wanted != (m.Write != crm.OpportunityInput{}) {
			t.Fatalf("wanted is %v with write %+v", m.Wanted, m.Write)
		}
		seen := map[crm.Field]bool{}
		for _, c := range m.Changes {
			if seen[c.Field] {
				t.Fatalf("%s is reported twice: %+v", c.Field, m.Changes)
			}
			seen[c.Field] = true
			if c.From == c.To || c.Conflict != (c.Lost != "") || c.Conflict && c.By != crm.Theirs {
				t.Fatalf("change %+v: want two values, and a conflict exactly when ours was lost", c)
			}
		}
		if !theirs.Archived && ours.Key != "" && m.Base.Key != ours.Key {
			t.Fatalf("the key became %q, ours is %q", m.Base.Key, ours.Key)
		}
		if same := crm.Merge(base, base, base); len(same.Changes) != 0 || same.Wanted {
			t.Fatalf("merging equal sides changed %+v", same)
		}
	})
}

func TestLooping(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	flips := func(minutes ...int) []crm.Flip {
		var out []crm.Flip
		for _, m := range minutes {
			out = append(out, crm.Flip{Field: crm.FieldOwner, At: now.Add(-time.Duration(m) * time.Minute)})
		}
		return out
	}
	for _, c := range []struct {
		name  string
		flips []crm.Flip
		want  []crm.Field
	}{
		{"none", nil, nil},
		{"twice is no loop", flips(1, 2), nil},
		{"three times in ten minutes", flips(10, 5, 0), []crm.Field{crm.FieldOwner}},
		{"four times is one loop", flips(4, 3, 2, 1), []crm.Field{crm.FieldOwner}},
		{"one of three is too old", flips(11, 5, 0), nil},
		{"later changes don't count", flips(-1, 5, 0), nil},
		{"two fields, three changes", append(flips(1, 2), crm.Flip{Field: crm.FieldStage, At: now}), nil},
		{"two loops, sorted", append(flips(1, 2, 3), slices.Repeat([]crm.Flip{{Field: crm.FieldAmount, At: now}}, 3)...), []crm.Field{crm.FieldAmount, crm.FieldOwner}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := crm.Looping(c.flips, now); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestStageMeaning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		stage crm.Stage
		want  crm.Meaning
	}{
		{"the first stage is routed", crm.Stage{ID: "a"}, crm.MeaningRouted},
		{"a later open stage is in progress", crm.Stage{ID: "b", Order: 1}, crm.MeaningInProgress},
		{"closed and won", crm.Stage{ID: "c", Order: 5, Closed: true, Won: true}, crm.MeaningWon},
		{"closed and not won", crm.Stage{ID: "d", Order: 6, Closed: true}, crm.MeaningLost},
		{"closed as the first stage is lost", crm.Stage{ID: "e", Closed: true}, crm.MeaningLost},
		{"an unknown stage is in progress", crm.Stage{}, crm.MeaningInProgress},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := crm.StageMeaning(c.stage); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFindAndFirstStage(t *testing.T) {
	t.Parallel()
	list := []crm.Stage{{ID: "lost", Closed: true}, {ID: "b", Order: 2}, {ID: "a", Order: 1}}
	if s, ok := crm.FirstStage(list); !ok || s.ID != "a" {
		t.Errorf("first is %+v, %v; want a", s, ok)
	}
	if s, ok := crm.FirstStage(list[:1]); ok {
		t.Errorf("a pipeline with no open stage starts at %+v", s)
	}
	if s, ok := crm.FindStage(list, "b"); !ok || s.Order != 2 {
		t.Errorf("found %+v, %v", s, ok)
	}
	if s, ok := crm.FindStage(list, "z"); ok || s.ID != "" {
		t.Errorf("found %+v for an unknown id", s)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("connection cut")
	err := fmt.Errorf("create O-207: %w", &crm.Error{Kind: crm.Unknown, Op: "upsert", Status: 502, Text: "bad gateway", CorrelationID: "c-1", Err: cause})
	e, ok := crm.AsError(err)
	if !ok || e.Kind.Code() != expansion.CodeUnavailable || e.Unwrap() != cause {
		t.Fatalf("got %+v, %v", e, ok)
	}
	if got, want := e.Error(), "crm upsert: unknown, status 502: bad gateway (correlation c-1): connection cut"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, ok := crm.AsError(cause); ok {
		t.Error("any error passes for a CRM error")
	}
	for kind, want := range map[crm.Kind]expansion.Code{
		crm.Retry: expansion.CodeUnavailable, crm.RetryLater: expansion.CodeUnavailable, crm.Auth: expansion.CodeDenied,
		crm.Rejected: expansion.CodeInvalid, crm.Gone: expansion.CodeGone, "": expansion.CodeInternal,
	} {
		if got := kind.Code(); got != want {
			t.Errorf("code of %q is %s, want %s", kind, got, want)
		}
	}
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	if got := crm.CleanText(" a\n\tb\x00c\u2028d "); got != "a b c d" {
		t.Errorf("got %q", got)
	}
	long := crm.CleanText(string(slices.Repeat([]rune("é"), 400)))
	if n := len([]rune(long)); n != 300 {
		t.Errorf("%d characters are kept, want 300", n)
	}
}

func ExampleMerge() {
	base := crm.Snapshot{StageID: "first", OwnerID: "71"}
	ours, theirs := base, base
	ours.OwnerID = "72"     // we rerouted
	theirs.OwnerID = "73"   // and a manager chose somebody else in the CRM
	theirs.StageID = "demo" // and moved it on
	m := crm.Merge(base, ours, theirs)
	for _, c := range m.Changes {
		fmt.Printf("%s %s -> %s by %s, lost %q\n", c.Field, c.From, c.To, c.By, c.Lost)
	}
	fmt.Println("write:", m.Wanted)
	// Output:
	// stage first -> demo by crm, lost ""
	// owner 71 -> 73 by crm, lost "72"
	// write: false
}
