package blocks

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/expansion"
)

// ShadowCount is what automatic detection found while it watches only (DESIGN §6.10).
type ShadowCount struct {
	Signals   int
	Customers int // 0 = not counted
}

// Menu answers /expansion alone (storyboard 2). While shadow is not nil detection only
// counts; an admin then sees "Go live".
func Menu(admin bool, shadow *ShadowCount) Message {
	text := "What would you like to do?"
	account := search(ActionMenuAccount, "Look up an account", Item{}, 2)
	bs := []slack.Block{
		section(text),
		actions(primary(ActionMenuLog, "", "Log a signal"), button(ActionMenuMine, "", "My queue"), account, button(ActionMenuHelp, "", "Help")),
	}
	if shadow != nil {
		b, s := shadowBlock(admin, *shadow)
		bs = append(bs, b)
		text += " " + s
	}
	return Message{Text: text, Blocks: list(bs...)}
}

// shadowBlock says what detection found while it only counts; an admin can end that.
func shadowBlock(admin bool, c ShadowCount) (slack.Block, string) {
	s := fmt.Sprintf("Watching only: %s found so far, nobody was told.", expansion.Count(c.Signals, "signal"))
	if c.Customers > 0 {
		s = fmt.Sprintf("Watching only: %s at %s found so far, nobody was told.", expansion.Count(c.Signals, "signal"), expansion.Count(c.Customers, "customer"))
	}
	if !admin {
		return smallPrint(s + " RevOps turns it on."), s
	}
	sure := slack.NewConfirmationBlockObject(plain("Go live?", 100),
		plain("From now on CSMs and sellers get cards. What was found so far becomes one list per CSM.", 300),
		plain("Go live", 30), plain("Not yet", 30))
	return beside(s, button(ActionGoLive, "", "Go live").WithConfirm(sure)), s
}

// AccountCard is what /expansion account shows (storyboard 2).
type AccountCard struct {
	Viewer     expansion.Person
	Now        time.Time
	Account    expansion.Account
	Context    expansion.Context
	Open       []expansion.Case     // open signals, newest first
	OpenTotal  int                  // when Open does not hold all; 0 = it does
	Hold       *expansion.Hold      // nil = nobody holds it
	Activities []expansion.Activity // newest first; 5 are shown
	People     map[expansion.PersonID]expansion.Person
}

// Account answers /expansion account: contract, usage, health, open signals, hold, and
// the last five activities.
func Account(a AccountCard) Message {
	r := read(expansion.Case{Now: a.Now, Viewer: a.Viewer, Account: a.Account, Context: a.Context, People: a.People})
	if a.Account.Restricted {
		text := r.account() + " is restricted; its details are in the CRM only."
		return Message{Text: text, Blocks: list(header(r.plainAccount()), section(text))}
	}
	seats := "seats not known"
	if a.Account.SeatsLicensed != nil {
		seats = expansion.Count(int(*a.Account.SeatsLicensed), "seat")
	}
	owner := "Not known"
	if a.Account.CSM != "" {
		owner = r.who(a.Account.CSM)
	}
	health := "Not known"
	if a.Context.Health != nil {
		health = joined(", ", fmt.Sprintf("%.0f", *a.Context.Health), esc(a.Context.HealthTrend, 20))
	}
	hold := "Nobody"
	if h := a.Hold; h != nil && h.LiftedAt == nil {
		hold = r.who(h.Holder) + " until " + r.day(h.Until)
	}
	bs := []slack.Block{
		header(r.plainAccount()),
		fields(
			field("Contract", joined(" · ", planWords(a.Account.Plan), seats)),
			field("ARR now", money(a.Account.ARR)), field("Renewal", r.renewal(a.Account.ContractEnd)),
			field("Health", health), field("CSM", owner), field("On hold for", hold),
		),
		section("*Usage* " + r.known("", a.Context.Usage)),
	}
	open := max(len(a.Open), a.OpenTotal)
	text := r.account() + ": " + expansion.Count(open, "open signal") + ". On hold for: " + hold + "."
	if len(a.Open) == 0 {
		bs = append(bs, smallPrint("No open signals."))
	}
	for i, c := range a.Open {
		if i == 8 {
			bs = append(bs, smallPrint(fmt.Sprintf("And %d more open signals in Home.", open-8)))
			break
		}
		bs = append(bs, read(c).row(ActionListRow, false))
	}
	var lines []string
	for i := 0; i < len(a.Activities) && i < 5; i++ {
		lines = append(lines, r.at(a.Activities[i].At)+" "+r.activity(a.Activities[i]))
	}
	bs = append(bs, smallPrint(orElse(fit(lines, maxContext), "No activity yet.")))
	return Message{Text: text, Blocks: list(bs...)}
}

// planWords is "Team plan".
func planWords(plan string) string {
	plan = upper(esc(strings.ReplaceAll(plan, "_", " "), nameLen))
	if plan == "" {
		return "plan not known"
	}
	if strings.HasSuffix(strings.ToLower(plan), "plan") {
		return plan
	}
	return plan + " plan"
}

// ListPage is one page of /expansion list (storyboard 2).
type ListPage struct {
	Viewer expansion.Person
	Now    time.Time
	Filter string // the words of the command, so that "Next" asks the same
	Cases  []expansion.Case
	Page   int // from 1; 0 = 1
	Pages  int // 0 = this one only
	Total  int
}

// List answers /expansion list, ten a page.
func List(p ListPage) Message {
	page := max(p.Page, 1)
	if len(p.Cases) == 0 {
		text := "No signals match. Try fewer filters, or `/expansion log`."
		return Message{Text: text, Blocks: list(section(text))}
	}
	head := expansion.Count(max(p.Total, len(p.Cases)), "signal")
	if p.Pages > 1 {
		head += fmt.Sprintf(", page %d of %d", page, p.Pages)
	}
	bs := []slack.Block{section("*" + head + "*" + prefixed(" · ", esc(p.Filter, lineLen)))}
	text := head + "."
	for i, c := range p.Cases {
		if i == maxRows {
			break
		}
		r := read(c)
		if i < 5 {
			text += " " + r.account() + r.sum() + "."
		}
		bs = append(bs, r.row(ActionListRow, true))
	}
	var acts []slack.BlockElement
	if page < p.Pages {
		acts = append(acts, button(ActionListPage, Value(orElse(cut(p.Filter, 1500), "all"), int64(page+1)), "Next"))
	}
	acts = append(acts, button(ActionListHome, "", "Open in Home"))
	return Message{Text: text, Blocks: list(append(bs, actions(acts...))...)}
}

// row is one signal in a list: chip, type, status bar, age, owner, and a menu.
func (r reader) row(action string, withAccount bool) slack.Block {
	s := ""
	if withAccount {
		s = "*" + r.account() + "* · "
	}
	s += r.Signal.Strength.Chip() + " · " + typeLabel(r.Signal)
	if !r.Account.Restricted {
		s += " · " + potential(r.Signal.Potential)
	}
	menu := []*slack.OptionBlockObject{r.choice(ChoiceOpen, "Open"), r.choice(ChoiceWhy, "Why")}
	switch r.Signal.Status {
	case expansion.Detected, expansion.Confirmed, expansion.Parked:
		menu = append(menu, r.choice(ChoiceDismiss, "Dismiss"))
	}
	return beside(s+"\n"+r.bar()+" · "+r.age()+" · "+r.holder()+" · "+r.Signal.Label(), overflow(action, menu...))
}

// bar is "●─●─○ routed": how far of detected, routed, outcome a signal is.
func (r reader) bar() string {
	switch r.Signal.Status {
	case expansion.Routed:
		word := "routed"
		if g := r.live(); g != nil {
			word = strings.ReplaceAll(string(g.Status), "_", " ")
		}
		return "●─●─○ " + word
	case expansion.Closed:
		word := "closed"
		if g := r.live(); g != nil && g.Status.Final() {
			word = string(g.Status)
		}
		return "●─●─● " + word
	case expansion.Dismissed, expansion.Merged, expansion.Parked:
		return "●─○─○ " + string(r.Signal.Status)
	}
	switch r.Signal.Waiting {
	case expansion.WaitReview:
		return "●─○─○ in review"
	case expansion.WaitHeld:
		return "●─○─○ held"
	case expansion.WaitRecipient:
		return "●─○─○ waiting for a recipient"
	case expansion.WaitCSM:
		return "●─○─○ unconfirmed"
	case expansion.WaitUntil:
		return "●─○─○ later"
	case expansion.WaitList:
		return "●─○─○ from the first scan"
	}
	return "●─○─○ detected"
}

func (r reader) age() string {
	d := max(0, r.Now.Sub(r.Signal.DetectedAt))
	if d >= time.Hour && d < 48*time.Hour {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return expansion.Span(d)
}

// holder is who has to act: the rep once routed, else the CSM.
func (r reader) holder() string {
	if g := r.live(); g != nil && r.Signal.Status == expansion.Routed {
		return r.who(g.To)
	}
	if r.Account.CSM != "" {
		return r.who(r.Account.CSM)
	}
	return "no owner"
}

// Mine answers /expansion mine: what waits on the viewer, oldest first, with the ask. total
// counts those that are not among cases, too.
func Mine(viewer expansion.Person, now time.Time, cases []expansion.Case, total int) Message {
	if len(cases) == 0 {
		text := "Nothing waits on you."
		return Message{Text: text, Blocks: list(section(text), actions(primary(ActionMenuLog, "", "Log a signal")))}
	}
	total = max(total, len(cases))
	wait := "wait"
	if total == 1 {
		wait = "waits"
	}
	head := expansion.Count(total, "signal") + " " + wait + " on you, oldest first."
	bs := []slack.Block{section("*" + head + "*")}
	text := head
	for i, c := range cases {
		if i == maxRows {
			break
		}
		c.Viewer, c.Now = viewer, now
		r := read(c)
		ask, b := r.mine()
		if i < 5 {
			text += " " + r.account() + r.sum() + ": " + ask
		}
		s := "*" + r.account() + "* · " + r.Signal.Strength.Chip() + " · " + typeLabel(r.Signal)
		if !r.Account.Restricted {
			s += " · " + potential(r.Signal.Potential)
		}
		s += "\n" + ask + " · " + r.age() + " · " + r.Signal.Label()
		if b == nil {
			bs = append(bs, section(s))
			continue
		}
		bs = append(bs, beside(s, b))
	}
	if more := total - min(len(cases), maxRows); more > 0 {
		bs = append(bs, smallPrint(fmt.Sprintf("And %d more in Home.", more)))
	}
	return Message{Text: text, Blocks: list(bs...)}
}

// mine is what one case asks of its viewer, and the button that does it.
func (r reader) mine() (string, slack.BlockElement) {
	g := r.live()
	switch {
	case g != nil && g.Open() && g.To == r.Viewer.ID && g.Status == expansion.Pending:
		return r.ackBy(g), primary(ActionAcknowledge, routingValue(g), "Acknowledge")
	case g != nil && g.Open() && g.To == r.Viewer.ID:
		return "Log a contact, or close it as won or lost.", button(ActionContact, routingValue(g), "Log a contact")
	case g != nil && g.Open() && g.EscalatedTo == r.Viewer.ID:
		return "No answer from " + r.first(g.To) + ": reassign or take it.", primary(ActionReassign, routingValue(g), "Reassign")
	case r.Signal.Waiting == expansion.WaitCSM:
		return "Is this real?", primary(ActionSignalConfirm, r.signalValue(), "Yes, route it")
	case r.Signal.Waiting == expansion.WaitReview && r.RoutesAt != nil:
		return "Routes by itself at " + r.words(*r.RoutesAt) + ".", button(ActionSignalPreview, r.signalValue(), "Edit or override")
	case r.Signal.Waiting == expansion.WaitHeld, r.Signal.Waiting == expansion.WaitList:
		return "Routes only when you say so.", button(ActionSignalRoute, r.signalValue(), "Route now")
	case r.Signal.Waiting == expansion.WaitRecipient:
		return "Nobody is eligible; assign somebody.", primary(ActionSignalAssign, r.signalValue(), "Assign")
	}
	return "Have a look.", nil
}

// commands is what Help lists, in the order of storyboard §2.
var commands = []struct{ usage, does string }{
	{"log [account] [words]", "log a signal"},
	{"mine", "what waits on you, oldest first"},
	{"account NAME", "contract, usage, health, signals, hold"},
	{"list [type: strength: status: account: owner: since:]", "signals, ten a page"},
	{"why R-311", "how a routing was decided"},
	{"ooo 22 Mar to 2 Apr cover @dana", "your time away; `off` clears it"},
	{"undo R-311", "recall it within 10 minutes"},
	{"report [30d]", "how signals did"},
}

// Help answers /expansion help.
func Help() Message {
	var lines []string
	for _, c := range commands {
		lines = append(lines, "• `/expansion "+c.usage+"` "+c.does)
	}
	return Message{
		Text: "Type /expansion log, mine, account, list, why, ooo, undo or report.",
		Blocks: list(section("*What I understand*\n"+strings.Join(lines, "\n")),
			smallPrint("Or use “Log as expansion signal” in a message's menu.")),
	}
}

// Unknown answers a word that is no command; suggestion "" offers none.
func Unknown(word, suggestion string) Message {
	text := "I don't know `" + orElse(esc(word, 40), "that") + "`."
	if suggestion != "" {
		text += " Did you mean `" + esc(suggestion, 40) + "`?"
	}
	return told(text + " Try `/expansion help`.")
}

// Notice is a sentence only its reader sees; it is escaped here.
func Notice(text string) Message {
	return told(orElse(esc(text, 1500), expansion.TextOf(nil)))
}

func told(mrkdwn string) Message {
	return Message{Text: mrkdwn, Blocks: list(section(mrkdwn))}
}
