package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"expansionbot/expansion"
	"expansionbot/store"
)

func TestAChangeOfWhatSomebodyElseChangedIsAConflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		x := signal(s, 1042)
		r := routing(s, 311, x, "marcus")
		o := expansion.Opportunity{ID: r.OpportunityID, Number: 207, SignalID: x.ID, RoutingID: r.ID, AccountID: x.AccountID, Name: "Brightwater seats"}
		write(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.InsertSignal(ctx, &x), tx.InsertRouting(ctx, &r, false), tx.InsertOpportunity(ctx, &o))
		})
		equal(t, "versions of new rows", []int64{x.Version, r.Version, o.Version}, []int64{1, 1, 1})
		staleX, staleR, staleO := x, r, o

		c.move(time.Minute)
		write(t, s, func(tx *store.Tx) error {
			x.Status, r.Status, o.Name = expansion.Confirmed, expansion.Acknowledged, "Brightwater seats 2026"
			return errors.Join(tx.UpdateSignal(ctx, &x), tx.UpdateRouting(ctx, &r), tx.UpdateOpportunity(ctx, &o))
		})
		staleX.Status, staleR.Status, staleO.Name = expansion.Dismissed, expansion.Lost, "Lost"
		for name, update := range map[string]func(tx *store.Tx) error{
			"signal":      func(tx *store.Tx) error { return tx.UpdateSignal(ctx, &staleX) },
			"routing":     func(tx *store.Tx) error { return tx.UpdateRouting(ctx, &staleR) },
			"opportunity": func(tx *store.Tx) error { return tx.UpdateOpportunity(ctx, &staleO) },
		} {
			err := s.InTx(ctx, update)
			wantCode(t, "stale "+name, err, expansion.CodeConflict)
			equal(t, "sentence for a stale "+name, expansion.TextOf(err), "Somebody changed this a moment ago. Look at the card again.")
		}

		gotX, gotR, gotO := must(s.Signal(ctx, x.ID))(t), must(s.Routing(ctx, r.ID))(t), must(s.Opportunity(ctx, o.ID))(t)
		equal(t, "signal", gotX, x)
		equal(t, "signal changed at", gotX.UpdatedAt, kept.Add(time.Minute))
		equal(t, "routing", gotR, r)
		equal(t, "opportunity", gotO, o)
		equal(t, "versions", []int64{gotX.Version, gotR.Version, gotO.Version}, []int64{2, 2, 2})
	})
}

func TestOnlyOneOfManyChangesAtOnceIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		x := signal(s, 1042)
		write(t, s, func(tx *store.Tx) error { return tx.InsertSignal(t.Context(), &x) })
		results := make(chan error)
		const writers = 8
		for i := range writers {
			mine := x
			mine.SeenCount = 100 + i
			go func() {
				results <- s.InTx(t.Context(), func(tx *store.Tx) error {
					again := mine // a repeat after a deadlock begins with what was read
					return tx.UpdateSignal(t.Context(), &again)
				})
			}()
		}
		kept := 0
		for range writers {
			if err := <-results; err == nil {
				kept++
			} else {
				wantCode(t, "a change that came second", err, expansion.CodeConflict)
			}
		}
		equal(t, "changes kept", kept, 1)
		equal(t, "version", must(s.Signal(t.Context(), x.ID))(t).Version, int64(2))
	})
}

func TestOneOpenSignalPerDuplicateKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		number := int64(1041)
		insert := func(change ...func(*expansion.Signal)) (expansion.Signal, error) {
			number++
			x := signal(s, number, change...)
			return x, s.InTx(ctx, func(tx *store.Tx) error { return tx.InsertSignal(ctx, &x) })
		}
		open := func() expansion.SignalID {
			t.Helper()
			x := must(s.OpenSignal(ctx, signal(s, 0).DuplicateKey()))(t)
			if x == nil {
				return ""
			}
			return x.ID
		}
		equal(t, "open signal before the first", open(), expansion.SignalID(""))
		first := must(insert())(t)
		equal(t, "open signal", open(), first.ID)
		_, err := insert()
		wantCode(t, "a second open signal", err, expansion.CodeConflict)
		must(insert(func(x *expansion.Signal) { x.Subject = "api_calls" }))(t)
		must(insert(func(x *expansion.Signal) { x.AccountID = "cedar" }))(t)
		must(insert(func(x *expansion.Signal) { x.Status = expansion.Merged }))(t)

		write(t, s, func(tx *store.Tx) error {
			first.Status = expansion.Dismissed
			return tx.UpdateSignal(ctx, &first)
		})
		equal(t, "open signal after it was dismissed", open(), expansion.SignalID(""))
		second := must(insert())(t)
		equal(t, "open signal after the next", open(), second.ID)

		write(t, s, func(tx *store.Tx) error { return tx.ReleaseSignalKey(ctx, second.ID) })
		equal(t, "open signal after the key was released", open(), expansion.SignalID(""))
		third := must(insert())(t)
		equal(t, "open signal after the window", open(), third.ID)

		// The one whose window has passed goes on: people still work it.
		second.Status = expansion.Confirmed
		if err := s.InTx(ctx, func(tx *store.Tx) error { return tx.UpdateSignal(ctx, &second) }); err != nil {
			t.Errorf("a signal whose key was released changes: %v", err)
		}
		equal(t, "open signal stays the newer", open(), third.ID)
		write(t, s, func(tx *store.Tx) error {
			third.SeenCount++
			return tx.UpdateSignal(ctx, &third)
		})
		equal(t, "open signal after a change", open(), third.ID)
	})
}

func TestAFactIsKeptOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		fact := func(id, signal string, source expansion.Source, sourceID string, day int) expansion.Evidence {
			return expansion.Evidence{ID: id, SignalID: expansion.SignalID(signal), Source: source, SourceID: sourceID, OccurredAt: kept.AddDate(0, 0, day), ReceivedAt: kept, Why: "Seats grew.", Score: 0.5}
		}
		add := func(e expansion.Evidence, want bool) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				fresh, err := tx.AddEvidence(ctx, e, "brightwater")
				equal(t, "fresh "+e.ID, fresh, want)
				return err
			})
		}
		old, new, mail := fact("e1", "s1", expansion.SourceUsage, "u-1", 0), fact("e2", "s1", expansion.SourceUsage, "u-2", 1), fact("e4", "s2", expansion.SourceEmail, "u-1", 2)
		add(old, true)
		add(new, true)
		add(fact("e3", "s2", expansion.SourceUsage, "u-1", 5), false) // delivered twice
		add(mail, true)                                               // another source has ids of its own
		equal(t, "facts of s1, newest first", must(s.SignalEvidence(ctx, "s1"))(t), []expansion.Evidence{new, old})
		equal(t, "facts of the account from the second day", must(s.Evidence(ctx, "brightwater", kept.AddDate(0, 0, 1)))(t), []expansion.Evidence{mail, new})
		for _, tc := range []struct {
			source expansion.Source
			id     string
			signal expansion.SignalID
			has    bool
		}{{expansion.SourceUsage, "u-1", "s1", true}, {expansion.SourceEmail, "u-1", "s2", true}, {expansion.SourceManual, "u-1", "", false}} {
			id, has, err := s.HasEvidence(ctx, tc.source, tc.id)
			if id != tc.signal || has != tc.has || err != nil {
				t.Errorf("%s %s: got %q, %v, %v, want %q, %v", tc.source, tc.id, id, has, err, tc.signal, tc.has)
			}
		}
	})
}

func TestContextOfASignal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		x := signal(s, 1)
		write(t, s, func(tx *store.Tx) error { return tx.InsertSignal(ctx, &x) })
		equal(t, "before enrichment", must(s.Context(ctx, x.ID))(t), store.SignalContext{})
		zero := 0.0
		want := store.SignalContext{Context: expansion.Context{Health: &zero, Budget: expansion.Element{Known: true, Text: "Q3", AsOf: kept}, GatheredAt: kept}, Open: []expansion.OpenOpportunity{{CRMID: "7", Owner: "marcus"}}}
		write(t, s, func(tx *store.Tx) error { return tx.PutContext(ctx, x.ID, want) })
		equal(t, "after", must(s.Context(ctx, x.ID))(t), want)

		write(t, s, func(tx *store.Tx) error { // the version is the card's, not the context's
			x.Status = expansion.Confirmed
			return tx.UpdateSignal(ctx, &x)
		})
		equal(t, "after a change of the signal", must(s.Context(ctx, x.ID))(t), want)

		ended, cancel := contextEnded(t)
		defer cancel()
		if _, err := s.Context(ended, x.ID); err == nil {
			t.Error("a read that failed: got nothing known and no error, want the error")
		}
	})
}

// book is what the filter is checked against.
type book struct {
	signals  []expansion.Signal
	accounts map[expansion.AccountID]expansion.Account
	onPath   map[expansion.SignalID]expansion.Routing
}

var (
	bookPeople    = []expansion.PersonID{"ana", "ben", "cleo", "dan"}
	bookAccounts  = []expansion.AccountID{"brightwater", "cedar", "delta"}
	bookStrengths = []expansion.Strength{expansion.Strong, expansion.Moderate, expansion.Exploratory}
	bookStatuses  = []expansion.SignalStatus{expansion.Detected, expansion.Confirmed, expansion.Routed, expansion.Dismissed}
	bookWaiting   = []expansion.Waiting{expansion.WaitNone, expansion.WaitReview, expansion.WaitCSM}
)

// fill makes signals that differ in every field a filter knows.
func fill(t *testing.T, s *store.Store) book {
	b := book{accounts: map[expansion.AccountID]expansion.Account{}, onPath: map[expansion.SignalID]expansion.Routing{}}
	ctx := t.Context()
	pick := func(i, n int) int { return (i*7919 + i*i*31) / 3 % n }
	write(t, s, func(tx *store.Tx) error {
		for i, id := range bookAccounts[:2] { // the third is not imported yet
			b.accounts[id] = expansion.Account{ID: id, Name: string(id), CSM: bookPeople[i], OriginalAE: bookPeople[i+1], Restricted: i == 1}
			if err := tx.PutAccount(ctx, b.accounts[id]); err != nil {
				return err
			}
		}
		for i := range 120 {
			x := signal(s, int64(i+1), func(x *expansion.Signal) {
				x.Subject = fmt.Sprint("subject ", i)
				x.AccountID, x.Type, x.Strength = bookAccounts[pick(i, 3)], expansion.SignalTypes[pick(i+1, 6)], bookStrengths[pick(i+2, 3)]
				x.Status, x.Waiting = bookStatuses[pick(i+3, 4)], bookWaiting[pick(i+4, 3)]
				x.DetectedAt = kept.AddDate(0, 0, pick(i+5, 10))
				if i%3 == 0 {
					x.CreatedBy = bookPeople[pick(i+6, 4)]
				}
			})
			if err := tx.InsertSignal(ctx, &x); err != nil {
				return err
			}
			b.signals = append(b.signals, x)
			if i%2 == 0 {
				r := routing(s, int64(i+1), x, bookPeople[pick(i+7, 4)])
				r.Status = []expansion.RoutingStatus{expansion.Pending, expansion.Acknowledged, expansion.Won}[pick(i+8, 3)]
				if i%4 == 0 {
					r.Disposition = expansion.Rerouted
				}
				if err := tx.InsertRouting(ctx, &r, false); err != nil {
					return err
				}
				if i%5 == 0 {
					r.EscalatedTo = bookPeople[pick(i+9, 4)]
					if err := tx.UpdateRouting(ctx, &r); err != nil {
						return err
					}
				}
				if r.Disposition == expansion.OnPath {
					b.onPath[x.ID] = r
				}
			}
		}
		return nil
	})
	return b
}

// filter says in Go what Signals says in SQL.
func (b book) filter(f store.SignalFilter) []expansion.Signal {
	var out []expansion.Signal
	for _, x := range b.signals {
		mine := func(p expansion.PersonID) bool { return p != "" && slices.Contains(f.Owners, p) }
		a, r := b.accounts[x.AccountID], b.onPath[x.ID]
		escalated := func(p expansion.PersonID) bool { return r.Status == expansion.Pending && r.EscalatedTo == p }
		if len(f.Types) > 0 && !slices.Contains(f.Types, x.Type) ||
			len(f.Strengths) > 0 && !slices.Contains(f.Strengths, x.Strength) ||
			len(f.Statuses) > 0 && !slices.Contains(f.Statuses, x.Status) ||
			len(f.Waiting) > 0 && !slices.Contains(f.Waiting, x.Waiting) ||
			f.AccountID != "" && f.AccountID != x.AccountID ||
			!f.Since.IsZero() && x.DetectedAt.Before(f.Since) ||
			f.Before > 0 && x.Number >= f.Before ||
			len(f.Accounts) > 0 && !slices.Contains(f.Accounts, x.AccountID) ||
			len(f.Owners) > 0 && !mine(x.CreatedBy) && !mine(a.CSM) && !mine(r.To) && !slices.ContainsFunc(f.Owners, escalated) ||
			f.Viewer != "" && a.Restricted && a.CSM != f.Viewer && a.OriginalAE != f.Viewer && !b.holds(f.Viewer, a.ID) {
			continue
		}
		if who := f.Needs; who != "" {
			early := x.Status == expansion.Detected || x.Status == expansion.Confirmed
			asked := early && x.Waiting != expansion.WaitUntil && (x.CreatedBy == who || x.CreatedBy == "" && a.CSM == who)
			if works := r.ID != "" && r.Open() && (r.To == who || escalated(who)); !asked && !works {
				continue
			}
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b expansion.Signal) int { return cmp.Compare(b.Number, a.Number) })
	if f.Oldest {
		slices.Reverse(out)
	}
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out
}

func (b book) holds(who expansion.PersonID, account expansion.AccountID) bool {
	for _, r := range b.onPath {
		if r.AccountID == account && (r.To == who || r.EscalatedTo == who) {
			return true
		}
	}
	return false
}

func numbers(xs []expansion.Signal) []int64 {
	out := []int64{}
	for _, x := range xs {
		out = append(out, x.Number)
	}
	return out
}

func TestSignalFilter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		b := fill(t, s)
		all := store.SignalFilter{
			Types: expansion.SignalTypes[:5], Strengths: bookStrengths[:2], Statuses: bookStatuses[:3], Waiting: bookWaiting[1:], AccountID: "cedar",
			Owners: bookPeople[1:3], Since: kept.AddDate(0, 0, 1), Before: 110, Limit: 3,
		}
		want := numbers(b.filter(all))
		if len(want) == 0 {
			t.Fatal("the filter with every field set finds nothing, so it proves nothing")
		}
		equal(t, "every field set at once", numbers(must(s.Signals(t.Context(), all))(t)), want)
		equal(t, "no field set", numbers(must(s.Signals(t.Context(), store.SignalFilter{}))(t)), numbers(b.filter(store.SignalFilter{})))

		rapid.Check(t, func(r *rapid.T) {
			f := store.SignalFilter{
				Types:     some(r, "types", expansion.SignalTypes),
				Strengths: some(r, "strengths", bookStrengths),
				Statuses:  some(r, "statuses", bookStatuses),
				Waiting:   some(r, "waiting", bookWaiting),
				AccountID: rapid.SampledFrom(append([]expansion.AccountID{"", "nobody's"}, bookAccounts...)).Draw(r, "account"),
				Owners:    some(r, "owners", bookPeople),
				Before:    rapid.Int64Range(0, 130).Draw(r, "before"),
				Limit:     rapid.IntRange(0, 40).Draw(r, "limit"),
				Accounts:  some(r, "accounts", bookAccounts),
				Needs:     rapid.SampledFrom(append([]expansion.PersonID{"", "", "", "nobody"}, bookPeople...)).Draw(r, "needs"),
				Viewer:    rapid.SampledFrom(append([]expansion.PersonID{"", "", "", "nobody"}, bookPeople...)).Draw(r, "viewer"),
				Oldest:    rapid.Bool().Draw(r, "oldest"),
			}
			if d := rapid.IntRange(-1, 10).Draw(r, "since"); d >= 0 {
				f.Since = kept.AddDate(0, 0, d)
			}
			got, err := s.Signals(t.Context(), f)
			if err != nil {
				r.Fatal(err)
			}
			if g, w := numbers(got), numbers(b.filter(f)); !slices.Equal(g, w) {
				r.Fatalf("signals of %+v:\n got %v\nwant %v", f, g, w)
			}
			f.Limit = 0
			n, accounts, err := s.CountSignals(t.Context(), f)
			if err != nil {
				r.Fatal(err)
			}
			want := b.filter(f)
			of := map[expansion.AccountID]int{}
			for _, x := range want {
				of[x.AccountID]++
			}
			if n != len(want) || accounts != len(of) {
				r.Fatalf("count of %+v: %d signals of %d accounts, want %d of %d", f, n, accounts, len(want), len(of))
			}
			as, err := s.SignalAccounts(t.Context(), f, 1, 5)
			if err != nil || len(as) != max(0, len(of)-1) {
				r.Fatalf("accounts of %+v after the first: %v, %v; want %d", f, as, err, len(of)-1)
			}
			for _, a := range as {
				if a.Signals != of[a.ID] {
					r.Fatalf("%s has %d signals, want %d", a.ID, a.Signals, of[a.ID])
				}
			}
		})
	})
}

func some[T comparable](r *rapid.T, label string, of []T) []T {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, len(of), rapid.ID[T]).Draw(r, label)
}
