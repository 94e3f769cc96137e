package blocks

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// maxHome is Slack's limit of blocks on App Home.
const maxHome = 100

// HomeView is what App Home shows one person (storyboard 8).
type HomeView struct {
	Viewer expansion.Person
	Now    time.Time
	Totals HomeTotals
	Groups []HomeGroup // by customer, at most 8 a page
	Filter HomeFilter
	Page   int          // from 1; 0 = 1
	Pages  int          // 0 = 1
	Shadow *ShadowCount // not nil while detection only counts
	Admin  bool         // sees "Go live" while Shadow is not nil
}

// HomeTotals are the numbers on top. WonMoney has one amount per currency.
type HomeTotals struct {
	NeedYou, Open, WonQuarter int
	WonMoney                  []expansion.Money
}

// HomeGroup is one customer with its signals, newest first.
type HomeGroup struct {
	Account expansion.Account
	Cases   []expansion.Case
	Signals int // when Cases does not hold all; 0 = it does
}

func (g HomeGroup) signals() int { return max(g.Signals, len(g.Cases)) }

// HomeFilter is what the filters are set to; zero values do not narrow.
type HomeFilter struct {
	Type     expansion.SignalType
	Strength expansion.Strength
	Status   expansion.SignalStatus
	Account  Item
	Scope    string // ScopeMine, ScopeTeam, ScopeAll; "" = ScopeMine
}

func (f HomeFilter) narrows() bool {
	return f.Type != "" || f.Strength != "" || f.Status != "" || f.Account.Value != ""
}

var homeStatuses = []Item{
	{Value: OptionAny, Text: "Any open status"},
	{Value: string(expansion.Detected), Text: "Detected"},
	{Value: string(expansion.Confirmed), Text: "Confirmed"},
	{Value: string(expansion.Routed), Text: "Routed"},
	{Value: string(expansion.Closed), Text: "Closed"},
	{Value: string(expansion.Dismissed), Text: "Dismissed"},
	{Value: string(expansion.Parked), Text: "Parked"},
}

var homeScopes = []Item{{Value: ScopeMine, Text: "Mine"}, {Value: ScopeTeam, Text: "My team"}, {Value: ScopeAll, Text: "All"}}

// homeFilter is a select that always shows what is set: no filter is an option too, so
// that it works where Slack refuses multi-selects in a row.
func homeFilter(action, set string, items []Item) *slack.SelectBlockElement {
	e := choose("Filter", orElse(set, items[0].Value), items)
	e.ActionID = action
	return e
}

// Home draws App Home. It holds at most 100 blocks: when a page's customers do not fit
// it stops early and says so.
func Home(v HomeView) slack.HomeTabViewRequest {
	l := lens{v.Now, v.Viewer.Location()}
	types := append([]Item{{Value: OptionAny, Text: "Any type"}}, typeItems()...)
	strengths := []Item{{Value: OptionAny, Text: "Any strength"}}
	for _, s := range []expansion.Strength{expansion.Strong, expansion.Moderate, expansion.Exploratory} {
		strengths = append(strengths, Item{Value: string(s), Text: s.Chip()})
	}
	account := search(ActionHomeAccount, "Any account", v.Filter.Account, 2)
	row := []slack.BlockElement{account, primary(ActionHomeLog, "", "Log a signal")}
	if v.Filter.narrows() {
		row = append(row, button(ActionHomeClear, "", "Clear filters"))
	}
	bs := list(
		header("Expansion"),
		actions(homeFilter(ActionHomeType, string(v.Filter.Type), types), homeFilter(ActionHomeStrength, string(v.Filter.Strength), strengths),
			homeFilter(ActionHomeStatus, string(v.Filter.Status), homeStatuses), homeFilter(ActionHomeScope, v.Filter.Scope, homeScopes)),
		actions(row...),
		section(v.Totals.line()),
	)
	if v.Shadow != nil {
		b, _ := shadowBlock(v.Admin, *v.Shadow)
		bs = append(bs, b)
	}
	bs = append(bs, slack.NewDividerBlock())

	foot := v.foot(l)
	room := maxHome - len(foot) - 1 // one for the line that says it stopped
	left := 0
	for i, g := range v.Groups {
		rows := groupRows(g, v, l)
		if len(bs)+len(rows) > room {
			for _, rest := range v.Groups[i:] {
				left += rest.signals()
			}
			if fits := room - len(bs); i == 0 && fits > 1 { // one customer alone may overflow a page
				bs = append(bs, rows[:fits]...)
				left -= fits - 1
			}
			break
		}
		bs = append(bs, rows...)
		left += g.signals() - len(g.Cases)
	}
	if left > 0 {
		bs = append(bs, smallPrint(expansion.Count(left, "more signal")+" on this page; narrow the filters to see them."))
	}
	if len(v.Groups) == 0 {
		empty := "No open signals. Log one; what is noticed by itself shows here too."
		if v.Filter.narrows() {
			empty = "No signals match these filters."
		}
		bs = append(bs, section(empty))
	}
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: append(bs, foot...)}}
}

func (t HomeTotals) line() string {
	s := fmt.Sprintf("*%d need you* · %d open · %d won this quarter", t.NeedYou, t.Open, t.WonQuarter)
	var sums []string
	for _, m := range t.WonMoney {
		if len(sums) < 5 {
			sums = append(sums, short(m))
		}
	}
	return joined(" ", s, strings.Join(sums, ", "))
}

// short is an amount in thousands, "+$87k", for totals only.
func short(m expansion.Money) string {
	if m.Minor > -1_000_000 && m.Minor < 1_000_000 {
		return esc(m.Signed(), nameLen)
	}
	k := expansion.Money{Minor: (m.Minor + 50_000) / 100_000 * 100, Currency: m.Currency}
	return esc(k.Signed(), nameLen) + "k"
}

func groupRows(g HomeGroup, v HomeView, l lens) []slack.Block {
	best := expansion.Strength("")
	sum := map[string]expansion.Money{}
	var order []string
	estimate := ""
	for _, c := range g.Cases {
		if c.Signal.Strength.Rank() > best.Rank() {
			best = c.Signal.Strength
		}
		if p := c.Signal.Potential; p != nil && c.Signal.Status.Open() {
			if _, ok := sum[p.Likely.Currency]; !ok {
				order = append(order, p.Likely.Currency)
			}
			if !p.ByHand {
				estimate = " estimate"
			}
			s := sum[p.Likely.Currency]
			s.Minor, s.Currency = s.Minor+p.Likely.Minor, p.Likely.Currency
			sum[p.Likely.Currency] = s
		}
	}
	head := "*" + name(g.Account.Name) + "* · " + best.Chip()
	if !g.Account.Restricted {
		var sums []string
		for _, c := range order {
			if len(sums) < 3 {
				sums = append(sums, esc(sum[c].Signed(), nameLen))
			}
		}
		head += " · " + orElse(prefixed(strings.Join(sums, ", "), estimate), "potential not known")
	}
	out := []slack.Block{section(head)}
	for _, c := range g.Cases {
		c.Viewer, c.Now = v.Viewer, v.Now
		if c.Account.ID == "" {
			c.Account = g.Account
		}
		out = append(out, reader{c, l}.row(ActionHomeRow, false))
	}
	return out
}

// foot is the page turner and "Updated 09:41".
func (v HomeView) foot(l lens) []slack.Block {
	page := max(v.Page, 1)
	acts := []slack.BlockElement{}
	if page > 1 {
		acts = append(acts, button(ActionHomePage, fmt.Sprint(page-1), "Earlier page"))
	}
	if page < v.Pages {
		// Not ActionHomePage: an action id is unique in its block.
		acts = append(acts, button(ActionHomeNext, fmt.Sprint(page+1), "Next page"))
	}
	acts = append(acts, button(ActionHomeRefresh, fmt.Sprint(page), "Refresh"))
	line := "Updated " + l.at(v.Now)
	if v.Pages > 1 {
		line += fmt.Sprintf(" · page %d of %d", page, v.Pages)
	}
	return list(actions(acts...), smallPrint(line))
}
