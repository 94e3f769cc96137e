package store_test

import (
	"errors"
	"testing"
	"time"

	"expansionbot/expansion"
	"expansionbot/store"
)

func TestPeople(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		put := func(p expansion.Person) error {
			return s.InTx(ctx, func(tx *store.Tx) error { return tx.PutPerson(ctx, p) })
		}
		no := 0
		ana := expansion.Person{ID: "ana", Email: "Ana@Example.com", Name: "Ana", Role: expansion.RoleAE, Active: true, SlackID: "U1", MaxOpen: &no, Specialties: []expansion.ExpansionType{expansion.Seats}}
		ben := expansion.Person{ID: "ben", Email: "ben@example.com", Name: "Ben", Role: expansion.RoleCSM, MaxOpen: nil}
		cleo := expansion.Person{ID: "cleo", Email: "cleo@example.com", Name: "Cleo", Role: expansion.RoleManager}
		for _, p := range []expansion.Person{cleo, ana, ben} { // two without a Slack account
			if err := put(p); err != nil {
				t.Fatal(err)
			}
		}
		ana.Email = "ana@example.com"
		equal(t, "everybody by id; no limit and takes nothing kept apart", must(s.People(ctx))(t), []expansion.Person{ana, ben, cleo})
		equal(t, "by address, whatever its case", must(s.PersonByEmail(ctx, "ANA@example.COM"))(t), ana)
		equal(t, "by Slack account", must(s.PersonBySlack(ctx, "U1"))(t), ana)
		equal(t, "by id", must(s.Person(ctx, "ben"))(t), ben)

		wantCode(t, "somebody's address", put(expansion.Person{ID: "dan", Email: "BEN@example.com"}), expansion.CodeConflict)
		wantCode(t, "somebody's Slack account", put(expansion.Person{ID: "dan", Email: "dan@example.com", SlackID: "U1"}), expansion.CodeConflict)
		_, err := s.PersonBySlack(ctx, "")
		wantCode(t, "no Slack account", err, expansion.CodeNotFound)
		_, err = s.Person(ctx, "dan")
		wantCode(t, "nobody", err, expansion.CodeNotFound)

		ana.SlackID, ana.MaxOpen = "", nil
		ben.SlackID = "U1"
		for _, p := range []expansion.Person{ana, ben} {
			if err := put(p); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, "the Slack account given on", must(s.PersonBySlack(ctx, "U1"))(t), ben)
	})
}

func TestAways(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		day := func(n int) time.Time { return kept.Truncate(24*time.Hour).AddDate(0, 0, n) }
		away := func(p expansion.PersonID, from, to int) expansion.Away {
			return expansion.Away{Person: p, From: day(from), To: day(to), Source: "own"}
		}
		put := func(p expansion.PersonID, as ...expansion.Away) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error { return tx.PutAways(ctx, p, as...) })
		}
		put("ana", away("ana", 3, 5))
		put("ben", away("ben", -5, -1)) // may still be the last day west of UTC
		put("cleo", away("cleo", -9, -2))
		put("dan", away("dan", 0, 0))
		equal(t, "first begun first, without the ended", must(s.Aways(ctx, kept))(t), []expansion.Away{away("ben", -5, -1), away("dan", 0, 0), away("ana", 3, 5)})
		put("ana", away("ana", 0, 2), away("ana", 7, 8))
		put("ben")
		equal(t, "after a change and a return", must(s.Aways(ctx, kept))(t), []expansion.Away{away("dan", 0, 0), away("ana", 0, 2), away("ana", 7, 8)})
	})
}

func TestAccountsKeepNothingAndZeroApart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		none := int64(0)
		day := kept.Truncate(24 * time.Hour)
		unknown := expansion.Account{ID: "a", Name: "Unknown", UpdatedAt: kept}
		zero := expansion.Account{ID: "b", Name: "Zero", Domain: "zero.example", ARR: &expansion.Money{Currency: "USD"}, SeatsLicensed: &none, ContractEnd: &day, CSM: "ana", UpdatedAt: kept}
		contacts := []expansion.Contact{{ID: "c1", AccountID: "b"}, {ID: "c2", AccountID: "b", LastContactAt: &day}}
		ents := []expansion.Entitlement{{AccountID: "b", Metric: "api", Limit: 0}, {AccountID: "b", Metric: "api", Limit: 10, From: &day}}
		named := []expansion.NamedAccount{{AccountID: "b", Rep: "ben"}, {AccountID: "b", Rep: "ana", From: &day, To: &day}}
		partners := []expansion.Partner{{CSM: "ana", Rep: "ben"}, {CSM: "ana", AccountID: "b", Rep: "cleo", To: &day}}
		bad := 0.0
		health := []expansion.HealthPoint{{AccountID: "b", Day: day}, {AccountID: "b", Day: day.AddDate(0, 0, 1), Score: &bad}}
		for range 2 { // an import run again changes nothing
			write(t, s, func(tx *store.Tx) error {
				err := errors.Join(tx.PutAccount(ctx, unknown), tx.PutAccount(ctx, zero))
				for i := range 2 {
					err = errors.Join(err, tx.PutContact(ctx, contacts[i]), tx.PutEntitlement(ctx, ents[i]), tx.PutNamed(ctx, named[i]), tx.PutPartner(ctx, partners[i]), tx.PutHealth(ctx, health[i]))
				}
				return err
			})
		}
		equal(t, "account", must(s.Account(ctx, "b"))(t), zero)
		equal(t, "accounts", must(s.Accounts(ctx, "", 10))(t), []expansion.Account{unknown, zero})
		equal(t, "accounts after a", must(s.Accounts(ctx, "a", 10))(t), []expansion.Account{zero})
		equal(t, "contacts", must(s.Contacts(ctx, "b"))(t), contacts)
		equal(t, "entitlements", must(s.Entitlements(ctx, "b"))(t), ents)
		equal(t, "named", must(s.Named(ctx, "b"))(t), named)
		equal(t, "partners", must(s.Partners(ctx, "ana"))(t), partners)
		equal(t, "health", must(s.Health(ctx, "b", day))(t), health)
		equal(t, "health from the second day", must(s.Health(ctx, "b", day.AddDate(0, 0, 1)))(t), health[1:])
		_, err := s.Account(ctx, "none")
		wantCode(t, "an account nobody imported", err, expansion.CodeNotFound)
		equal(t, "counts", must(s.Counts(ctx))(t), store.Counts{Accounts: 2})
	})
}

func TestUsageCorrected(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		day := kept.Truncate(24 * time.Hour)
		p := expansion.UsagePoint{AccountID: "b", Metric: expansion.SeatsMetric, Day: day, Value: 10, ReceivedAt: kept}
		put := func(value float64, after time.Duration) {
			t.Helper()
			again := p
			again.Value, again.ReceivedAt = value, kept.Add(after)
			write(t, s, func(tx *store.Tx) error { return tx.PutUsage(ctx, again) })
		}
		got := func() []expansion.UsagePoint {
			t.Helper()
			return must(s.Usage(ctx, "b", expansion.SeatsMetric, day))(t)
		}
		put(10, 0)
		put(10, time.Hour)
		equal(t, "an equal value keeps when it came", got(), []expansion.UsagePoint{p})
		put(0, 2*time.Hour)
		p.Value, p.ReceivedAt = 0, kept.Add(2*time.Hour)
		equal(t, "a corrected value, to zero", got(), []expansion.UsagePoint{p})

		next := p
		next.Day = day.AddDate(0, 0, 1)
		write(t, s, func(tx *store.Tx) error { return tx.PutUsage(ctx, next) })
		equal(t, "oldest first; a day without a point is not there", got(), []expansion.UsagePoint{p, next})
		equal(t, "another metric", len(must(s.Usage(ctx, "b", "api", day))(t)), 0)
		equal(t, "accounts to look at", must(s.UsageAccounts(ctx, expansion.SeatsMetric, p.ReceivedAt, "", 10))(t), []expansion.AccountID{"b"})
		equal(t, "accounts after b", len(must(s.UsageAccounts(ctx, expansion.SeatsMetric, p.ReceivedAt, "b", 10))(t)), 0)
		equal(t, "accounts since later", len(must(s.UsageAccounts(ctx, expansion.SeatsMetric, p.ReceivedAt.Add(time.Microsecond), "", 10))(t)), 0)
	})
}

func TestSearchTakesWhatIsTyped(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, _ *clock) {
		ctx := t.Context()
		write(t, s, func(tx *store.Tx) error {
			for id, name := range map[expansion.AccountID]string{"1": "100% Cotton", "2": "1000 Cottons", "3": "snake_case", "4": "snakeXcase", "5": `back\slash`, "acme-9": "Cotton Mill", "7": "Ärzte Verbund"} {
				if err := tx.PutAccount(ctx, expansion.Account{ID: id, Name: name, Domain: "D" + string(id) + ".example"}); err != nil {
					return err
				}
			}
			return nil
		})
		for q, want := range map[string][]expansion.AccountID{
			"100%": {"1"}, "0_c": nil, "snake_case": {"3"}, `back\s`: {"5"}, " COTTON ": {"acme-9", "1", "2"},
			"d3.EXAMPLE": {"3"}, "ACME-9": {"acme-9"}, "ärzte": {"7"}, "nobody": nil,
		} {
			var got []expansion.AccountID
			for _, a := range must(s.SearchAccounts(ctx, q, 10))(t) {
				got = append(got, a.ID)
			}
			equal(t, "search for "+q, got, want)
		}
	})
}

func TestWhatIsKeptByName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store, c *clock) {
		ctx := t.Context()
		state := map[string]int{"as it": 1}
		if err := errors.Join(s.DetectorState(ctx, "b", "usage", &state), s.Setting(ctx, "mode", &state)); err != nil {
			t.Fatal(err)
		}
		equal(t, "nothing kept leaves the value", state, map[string]int{"as it": 1})
		for _, v := range []string{"shadow", "live"} {
			write(t, s, func(tx *store.Tx) error {
				return errors.Join(tx.PutSetting(ctx, "mode", v), tx.PutDetectorState(ctx, "b", "usage", v))
			})
			var a, b string
			if err := errors.Join(s.Setting(ctx, "mode", &a), s.DetectorState(ctx, "b", "usage", &b)); err != nil {
				t.Fatal(err)
			}
			equal(t, "kept", []string{a, b}, []string{v, v})
		}

		if a := must(s.Answered(ctx, "k"))(t); a != nil {
			t.Errorf("answer before any: got %v, want nil", a)
		}
		answer := store.Answer{Request: "digest", Status: 201, Body: "{}"}
		fresh := func(put func(tx *store.Tx) (bool, error), want bool) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				got, err := put(tx)
				equal(t, "fresh", got, want)
				return err
			})
		}
		for i := range 2 {
			write(t, s, func(tx *store.Tx) error {
				return tx.PutAnswer(ctx, "k", store.Answer{Request: "digest", Status: 201 + i, Body: "{}"})
			})
			fresh(func(tx *store.Tx) (bool, error) { return tx.PutInbox(ctx, "e1", "command", "U1", []byte(`{"n":1}`)) }, i == 0)
			fresh(func(tx *store.Tx) (bool, error) { return tx.PutPolicy(ctx, "v1", "rules: []") }, i == 0)
		}
		equal(t, "the first answer stays", must(s.Answered(ctx, "k"))(t), &answer)
		for _, want := range []bool{false, true} {
			kind, user, payload, done, err := s.Inbox(ctx, "e1")
			equal(t, "envelope", []any{kind, user, string(payload), done, err}, []any{"command", "U1", `{"n":1}`, want, error(nil)})
			write(t, s, func(tx *store.Tx) error { return tx.InboxDone(ctx, "e1", "") })
		}
		c.move(time.Microsecond)
		fresh(func(tx *store.Tx) (bool, error) { return tx.PutPolicy(ctx, "v0", "rules: [x]") }, true)
		version, text, err := s.PolicyInForce(ctx)
		equal(t, "policy in force", []any{version, text, err}, []any{"v0", "rules: [x]", error(nil)})
		equal(t, "the earlier version", must(s.Policy(ctx, "v1"))(t), "rules: []")
		_, err = s.Policy(ctx, "v9")
		wantCode(t, "a version nobody published", err, expansion.CodeNotFound)
	})
}
