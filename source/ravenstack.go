package source

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"expansionbot/expansion"
)

// RavenstackOut takes what ConvertRavenstack makes; a nil function leaves that part out.
type RavenstackOut struct {
	Account func(AccountRow) error
	Usage   func(expansion.UsagePoint) error
}

// RavenstackStats counts the three files and the reasons of refused rows.
type RavenstackStats struct {
	Accounts, Subscriptions, Usage Stats
	Reasons                        map[string]int // reason class, such as "trial" → refused rows
}

// RavenstackMetric is the one usage metric the data set yields.
const RavenstackMetric = "feature_events"

// ConvertRavenstack turns the public RavenStack data set (synthetic SaaS company, by
// River @ Rivalytics, credit required) into our rows. dir holds ravenstack_accounts.csv,
// ravenstack_subscriptions.csv and ravenstack_feature_usage.csv.
//
// What is derived, and from what:
//   - account: id, name; region = country; plan = plan_tier of the accounts file.
//   - seats_licensed, ARR (USD), contract_start: of the account's active paid
//     subscriptions the sum of seats, the sum of arr_amount, the earliest start. Active
//     is one without end_date, paid is one that is no trial. An account without any has
//     none of the three: unknown, not zero.
//   - usage: feature_events = the sum of usage_count over all features and subscriptions
//     of an account on a day.
//
// What is not, because no column says it: seats_used (accounts.seats is the size at
// sign-up and subscriptions.seats are sold seats; neither counts people at work), the
// contract's end, domain, segment (industry is none), territory, owners, entitlements,
// health, and who used a feature, so there are no feature events per person either.
//
// Refused with their line, file and reason: trial and ended subscriptions and those of an
// unknown account; usage of an unknown or trial subscription, or of a day outside its
// subscription's term; repeated usage rows (same id and content; an id that comes again
// with other content is a collision of the generator and stays).
func ConvertRavenstack(dir string, out RavenstackOut) (RavenstackStats, []RowError, error) {
	c := &raven{
		stats:    RavenstackStats{Reasons: map[string]int{}},
		accounts: map[expansion.AccountID]*AccountRow{},
		subs:     map[string]ravenSub{},
	}
	for _, step := range []struct {
		file  string
		stats *Stats
		read  func(io.Reader, string) (Stats, []RowError, error)
	}{
		{"ravenstack_accounts.csv", &c.stats.Accounts, c.readAccounts},
		{"ravenstack_subscriptions.csv", &c.stats.Subscriptions, c.readSubscriptions},
		{"ravenstack_feature_usage.csv", &c.stats.Usage, c.readUsage},
	} {
		f, err := Open(filepath.Join(dir, step.file), 0)
		if err != nil {
			return c.stats, c.bad, err
		}
		stats, bad, err := step.read(f, step.file)
		*step.stats = stats
		c.bad = append(c.bad, bad...)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return c.stats, c.bad, err
		}
	}
	c.stats.Reasons["unreadable"] = c.stats.Accounts.Bad + c.stats.Subscriptions.Bad + c.stats.Usage.Bad
	for _, n := range []string{reasonTrial, reasonEnded, reasonBefore, reasonAccount, reasonSubscription, reasonRepeated} {
		c.stats.Reasons["unreadable"] -= c.stats.Reasons[n]
	}
	return c.stats, c.bad, c.emit(out)
}

// Classes of refused rows, keys of RavenstackStats.Reasons beside "unreadable".
const (
	reasonTrial        = "trial"
	reasonEnded        = "ended subscription"
	reasonBefore       = "before the subscription began"
	reasonAccount      = "unknown account"
	reasonSubscription = "unknown subscription"
	reasonRepeated     = "repeated"
)

type raven struct {
	stats    RavenstackStats
	bad      []RowError
	accounts map[expansion.AccountID]*AccountRow
	order    []expansion.AccountID
	subs     map[string]ravenSub
	usage    map[ravenDay]float64
	seen     map[string]ravenUse
}

type ravenSub struct {
	id      string
	account expansion.AccountID
	start   time.Time
	end     *time.Time
	seats   int64
	arr     int64 // whole dollars
	trial   bool
}

type ravenUse struct {
	id, sub, feature string
	day              time.Time
	count            int64
}

type ravenDay struct {
	account expansion.AccountID
	day     time.Time
}

// refuse drops a row that is readable but does not count.
func (c *raven) refuse(r *row, class, column, format string, args ...any) {
	if r.err == nil {
		c.stats.Reasons[class]++
	}
	r.failf(column, format, args...)
}

func (c *raven) readAccounts(f io.Reader, file string) (Stats, []RowError, error) {
	t := table[AccountRow]{
		columns: ravenColumns("account_id", "account_name", "country", "plan_tier"),
		parse: func(r *row) AccountRow {
			a := AccountRow{Account: expansion.Account{
				ID:     expansion.AccountID(r.id("account_id")),
				Name:   r.text("account_name"),
				Region: r.text("country"),
				Plan:   r.text("plan_tier"),
			}}
			if c.accounts[a.ID] != nil {
				c.refuse(r, reasonRepeated, "account_id", "%s stands further up already", a.ID)
			}
			return a
		},
	}
	return quiet(readCSV(f, file, t, func(a AccountRow) error {
		c.accounts[a.ID] = &a
		c.order = append(c.order, a.ID)
		return nil
	}))
}

func (c *raven) readSubscriptions(f io.Reader, file string) (Stats, []RowError, error) {
	t := table[ravenSub]{
		columns: ravenColumns("subscription_id", "account_id", "start_date", "end_date", "seats", "arr_amount", "is_trial"),
		parse: func(r *row) ravenSub {
			s := ravenSub{
				id:      r.id("subscription_id"),
				account: expansion.AccountID(r.id("account_id")),
				start:   r.mustDay("start_date"),
				end:     r.day("end_date"),
				trial:   r.truth("is_trial", false),
			}
			if n := r.whole("seats"); n != nil {
				s.seats = *n
			}
			if n := r.whole("arr_amount"); n != nil {
				s.arr = *n
			}
			_, twice := c.subs[s.id]
			switch {
			case r.err != nil:
				return s
			case twice:
				c.refuse(r, reasonRepeated, "subscription_id", "%s stands further up already", s.id)
				return s
			case c.accounts[s.account] == nil:
				c.refuse(r, reasonAccount, "account_id", "account %s is not in the accounts file", s.account)
				return s
			}
			c.subs[s.id] = s // usage is checked against refused ones too
			switch {
			case s.trial:
				c.refuse(r, reasonTrial, "is_trial", "subscription %s is a trial; its seats are not sold", s.id)
			case s.end != nil:
				c.refuse(r, reasonEnded, "end_date", "subscription %s ended on %s; its seats no longer count", s.id, s.end.Format(time.DateOnly))
			}
			return s
		},
	}
	return quiet(readCSV(f, file, t, func(s ravenSub) error {
		a := c.accounts[s.account]
		if a.SeatsLicensed == nil {
			a.SeatsLicensed, a.ARR = new(int64), &expansion.Money{Currency: "USD"}
		}
		*a.SeatsLicensed += s.seats
		a.ARR.Minor += s.arr * 100
		if a.ContractStart == nil || s.start.Before(*a.ContractStart) {
			a.ContractStart = &s.start
		}
		return nil
	}))
}

func (c *raven) readUsage(f io.Reader, file string) (Stats, []RowError, error) {
	c.usage = map[ravenDay]float64{}
	c.seen = map[string]ravenUse{}
	t := table[ravenUse]{
		columns: ravenColumns("usage_id", "subscription_id", "usage_date", "feature_name", "usage_count"),
		parse: func(r *row) ravenUse {
			u := ravenUse{id: r.id("usage_id"), sub: r.id("subscription_id"), feature: r.text("feature_name"), day: r.mustDay("usage_date")}
			if n := r.whole("usage_count"); n != nil {
				u.count = *n
			} else {
				r.failf("usage_count", "is empty")
			}
			if r.err != nil {
				return u
			}
			s, ok := c.subs[u.sub]
			before, again := c.seen[u.id]
			switch {
			case !ok:
				c.refuse(r, reasonSubscription, "subscription_id", "there is no subscription %s", u.sub)
			case again && before == u:
				c.refuse(r, reasonRepeated, "usage_id", "%s stands further up already", u.id)
			case s.trial:
				c.refuse(r, reasonTrial, "subscription_id", "subscription %s is a trial", u.sub)
			case u.day.Before(s.start):
				c.refuse(r, reasonBefore, "usage_date", "subscription %s only began on %s", u.sub, s.start.Format(time.DateOnly))
			case s.end != nil && u.day.After(*s.end):
				c.refuse(r, reasonEnded, "usage_date", "subscription %s ended on %s", u.sub, s.end.Format(time.DateOnly))
			}
			return u
		},
	}
	return quiet(readCSV(f, file, t, func(u ravenUse) error {
		c.seen[u.id] = u
		c.usage[ravenDay{c.subs[u.sub].account, u.day}] += float64(u.count)
		return nil
	}))
}

// emit hands on accounts in file order, then usage by account and day.
func (c *raven) emit(out RavenstackOut) error {
	if out.Account != nil {
		for _, id := range c.order {
			if err := out.Account(*c.accounts[id]); err != nil {
				return fmt.Errorf("account %s: %w", id, err)
			}
		}
	}
	if out.Usage == nil {
		return nil
	}
	days := slices.SortedFunc(maps.Keys(c.usage), func(a, b ravenDay) int {
		return cmp.Or(cmp.Compare(a.account, b.account), a.day.Compare(b.day))
	})
	for _, d := range days {
		p := expansion.UsagePoint{AccountID: d.account, Metric: RavenstackMetric, Day: d.day, Value: c.usage[d]}
		if err := out.Usage(p); err != nil {
			return fmt.Errorf("usage of account %s: %w", d.account, err)
		}
	}
	return nil
}

func ravenColumns(names ...string) []column {
	var out []column
	for _, n := range names {
		out = append(out, must(n))
	}
	return out
}

// quiet drops the warning about columns we leave out on purpose.
func quiet(s Stats, bad []RowError, err error) (Stats, []RowError, error) {
	s.Warnings = nil
	return s, bad, err
}
