package handlers

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// menu answers /expansion alone.
func menu(ctx context.Context, h *Handlers, p *press) error {
	shadow, err := h.shadow(ctx)
	if err != nil {
		return err
	}
	return h.show(ctx, p, blocks.Menu(h.e.IsAdmin(p.by), shadow))
}

// mine is what waits on the presser.
func mine(ctx context.Context, h *Handlers, p *press) error {
	cases, total, err := h.e.Mine(ctx, p.by.ID)
	if err != nil {
		return err
	}
	return h.show(ctx, p, blocks.Mine(p.by, p.now, cases, total))
}

func commandAccount(ctx context.Context, h *Handlers, p *press) error {
	q := plainText(p.Args)
	if q == "" {
		return expansion.Errorf(expansion.CodeInvalid, "Which account? Say it like /expansion account Brightwater.")
	}
	a, err := h.account(ctx, q)
	if err != nil {
		return err
	}
	return h.showAccount(ctx, p, a.ID)
}

// menuAccount is the account search in the menu.
func menuAccount(ctx context.Context, h *Handlers, p *press) error {
	return h.showAccount(ctx, p, expansion.AccountID(p.Value))
}

func (h *Handlers) showAccount(ctx context.Context, p *press, id expansion.AccountID) error {
	v, err := h.e.AccountView(ctx, p.by.ID, id)
	if err != nil {
		return err
	}
	return h.show(ctx, p, blocks.Account(blocks.AccountCard{
		Viewer: p.by, Now: p.now, Account: v.Account, Context: v.Context, Open: v.Cases, OpenTotal: v.Open, Hold: v.Hold, Activities: v.Activities, People: v.People,
	}))
}

// account is the one meant by q; when there are several the error names them.
func (h *Handlers) account(ctx context.Context, q string) (expansion.Account, error) {
	found, err := h.e.SearchAccounts(ctx, q, 6)
	if err != nil {
		return expansion.Account{}, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if a, ok := only(found, q); ok {
		return a, nil
	}
	if len(found) == 0 {
		return expansion.Account{}, expansion.Errorf(expansion.CodeNotFound, "No account matches. Try the domain, like brightwater.example.")
	}
	var names []string
	for _, a := range found[:min(5, len(found))] {
		names = append(names, a.Name)
	}
	more := ""
	if len(found) > 5 {
		more = " and more"
	}
	return expansion.Account{}, expansion.Errorf(expansion.CodeInvalid, "Which one: %s%s? Type more of the name.", strings.Join(names, ", "), more)
}

// person is the one of ours meant by a mention, handle, address or name.
func (h *Handlers) person(ctx context.Context, q string) (expansion.Person, error) {
	if m := mention.FindStringSubmatch(q); m != nil {
		q = m[1]
	}
	if slackID.MatchString(q) {
		who, err := h.e.PersonBySlack(ctx, q)
		if expansion.CodeOf(err) == expansion.CodeNotFound {
			return who, &expansion.Error{Code: expansion.CodeNotFound, Text: "I don't know that person yet. Ask RevOps to add them, or name somebody else.", Err: err}
		}
		return who, err
	}
	q = strings.TrimPrefix(strings.TrimSpace(q), "@")
	found, err := h.e.SearchPeople(ctx, q, 6)
	if err != nil {
		return expansion.Person{}, err
	}
	var hits []expansion.Person
	for _, f := range found {
		local, _, _ := strings.Cut(f.Email, "@")
		if strings.EqualFold(f.Name, q) || strings.EqualFold(f.Email, q) || strings.EqualFold(local, q) {
			return f.Person, nil
		}
		if strings.EqualFold(f.FirstName(), q) {
			hits = append(hits, f.Person)
		}
	}
	switch {
	case len(hits) == 1:
		return hits[0], nil
	case len(found) == 1:
		return found[0].Person, nil
	case len(found) == 0:
		return expansion.Person{}, expansion.Errorf(expansion.CodeNotFound, "I know nobody called %q. Mention them, like @dana.", cutRunes(q, 40))
	}
	return expansion.Person{}, expansion.Errorf(expansion.CodeInvalid, "More than one person matches %q. Mention the one you mean, like @dana.", cutRunes(q, 40))
}

var slackID = regexp.MustCompile(`^[UW][A-Z0-9]{5,}$`)

// shortNumber is "R-311", "r311" or "311" for a routing; S- and O- likewise.
var shortNumber = regexp.MustCompile(`^([rsoRSO])?[-–—]?(\d{1,12})$`)

// shortRef is a human number as the engine takes it; anything else is passed on.
func shortRef(s string) string {
	s = strings.Trim(plainText(s), " .?!")
	if m := shortNumber.FindStringSubmatch(s); m != nil {
		letter := strings.ToUpper(m[1])
		if letter == "" {
			letter = "R"
		}
		return letter + "-" + m[2]
	}
	return s
}

func commandWhy(ctx context.Context, h *Handlers, p *press) error {
	ref := shortRef(p.Args)
	if ref == "" {
		return expansion.Errorf(expansion.CodeInvalid, "Which one? Say it like /expansion why R-311.")
	}
	return h.modal(ctx, p, "Why", func() (slack.ModalViewRequest, error) {
		c, err := h.e.Case(ctx, p.by.ID, ref)
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		return blocks.Why(c), nil
	})
}

func commandUndo(ctx context.Context, h *Handlers, p *press) error {
	ref := shortRef(p.Args)
	if ref == "" {
		return expansion.Errorf(expansion.CodeInvalid, "Which one? Say it like /expansion undo R-311.")
	}
	c, err := h.e.Case(ctx, p.by.ID, ref)
	if err != nil {
		return err
	}
	if c.Routing == nil {
		return expansion.Errorf(expansion.CodeInvalid, "%s has not been routed, so there is nothing to undo.", c.Signal.Label())
	}
	if err := h.e.Undo(ctx, p.by.ID, c.Routing.ID, c.Routing.Version); err != nil {
		return err
	}
	h.say(ctx, p.Call, "Recalled "+c.Routing.Label()+".")
	return nil
}

// commandAway is "/expansion ooo …". Dates are the presser's own.
func commandAway(ctx context.Context, h *Handlers, p *press) error {
	l, err := ParseLeave(p.Args, localDate(p.now, p.by.Location()))
	if err != nil {
		return err
	}
	if l.Off {
		if err := h.e.ClearAway(ctx, p.by.ID); err != nil {
			return err
		}
		h.say(ctx, p.Call, "Welcome back. You get new signals again.")
		return nil
	}
	var cover expansion.Person
	if l.Cover != "" {
		if cover, err = h.person(ctx, l.Cover); err != nil {
			return err
		}
	}
	if err := h.e.SetAway(ctx, p.by.ID, l.From, l.To, cover.ID); err != nil {
		return err
	}
	days := l.From.Format("Mon 2 Jan") + " to " + l.To.Format("Mon 2 Jan 2006")
	if l.From.Equal(l.To) {
		days = "on " + l.From.Format("Mon 2 Jan 2006")
	}
	text := "You're away " + days + ". New signals go to the next in line."
	if cover.ID != "" {
		text = "You're away " + days + ". New signals go to " + cover.Name + "."
	}
	h.say(ctx, p.Call, text+" What you have already stays with you. Type /expansion ooo off when you are back.")
	return nil
}

// commandReport is "/expansion report [30d]".
func commandReport(ctx context.Context, h *Handlers, p *press) error {
	since := p.now.AddDate(0, 0, -30)
	if words := plainText(p.Args); words != "" {
		var err error
		if since, err = parseSince(words, p.now, p.by.Location()); err != nil {
			return err
		}
	}
	perf, people, err := h.e.Report(ctx, p.by.ID, since)
	if err != nil {
		return err
	}
	scope := "mine"
	switch {
	case h.e.IsAdmin(p.by):
		scope = "everybody's"
	case p.by.Role == expansion.RoleManager:
		scope = "my team"
	}
	return h.show(ctx, p, blocks.Report(blocks.Performance(perf, scope, people)))
}

var agoWords = regexp.MustCompile(`^(?:the )?(?:last )?(\d{1,4}) ?(d|day|days|w|week|weeks|m|month|months|y|year|years)$`)

// parseSince reads how far back: "30d", "2 weeks", "3m", "1y", or a day.
func parseSince(s string, now time.Time, loc *time.Location) (time.Time, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if m := agoWords.FindStringSubmatch(s); m != nil {
		n := num(m[1])
		var since time.Time
		switch m[2][0] {
		case 'd':
			since = now.AddDate(0, 0, -n)
		case 'w':
			since = now.AddDate(0, 0, -7*n)
		case 'm':
			since = now.AddDate(0, -n, 0)
		default:
			since = now.AddDate(-n, 0, 0)
		}
		if n > 0 && since.Year() >= 2000 {
			return since, nil
		}
	}
	for _, layout := range []string{time.DateOnly, "2 Jan 2006", "2 January 2006"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil && t.Before(now) {
			return t, nil
		}
	}
	return time.Time{}, expansion.FieldErrorf("since", "I don't understand the time %q. Say it like 30d, 2w, 3m or 2026-03-01.", cutRunes(s, 30))
}

// Bounds of a list (storyboard 2, 7.17).
const (
	listPageSize = 10
	listLimit    = 100
)

// commandList is "/expansion list [type: strength: status: account: owner: since:]".
func commandList(ctx context.Context, h *Handlers, p *press) error {
	return h.list(ctx, p, plainWords(p.Args), 1)
}

// listPage is "Next": the value carries the words of the command and the page wanted.
func listPage(ctx context.Context, h *Handlers, p *press) error {
	return h.list(ctx, p, p.id, int(p.version))
}

func (h *Handlers) list(ctx context.Context, p *press, words string, page int) error {
	f, err := h.parseFilter(ctx, p, words)
	if err != nil {
		return err
	}
	f.Limit = listLimit
	cases, more, err := h.e.List(ctx, p.by.ID, f)
	if err != nil {
		return err
	}
	if more != 0 && page == 1 {
		h.say(ctx, p.Call, fmt.Sprintf("More than %d signals match; here are the newest %d. Narrow it with type:, status:, account:, owner: or since:.", listLimit, listLimit))
	}
	pages := max(1, (len(cases)+listPageSize-1)/listPageSize)
	page = min(max(page, 1), pages)
	return h.show(ctx, p, blocks.List(blocks.ListPage{
		Viewer: p.by, Now: p.now, Filter: words, Total: len(cases), Page: page, Pages: pages,
		Cases: cases[min((page-1)*listPageSize, len(cases)):min(page*listPageSize, len(cases))],
	}))
}

// plainWords keeps mentions as ids, for a filter that is asked again by "Next".
func plainWords(s string) string {
	return strings.TrimSpace(plainText(mentionAnywhere.ReplaceAllString(s, "$1")))
}

var (
	mentionAnywhere = regexp.MustCompile(`<@([UW][A-Z0-9]+)(?:\|[^>]*)?>`)
	filterKey       = regexp.MustCompile(`(?i)\b(type|strength|status|account|owner|since)\s*[:=]\s*`)
)

// parseFilter reads "type: usage owner: @dana since: 30d". A value ends where the next
// key begins.
func (h *Handlers) parseFilter(ctx context.Context, p *press, words string) (engine.ListFilter, error) {
	var f engine.ListFilter
	if strings.EqualFold(words, "all") || words == "" {
		return f, nil
	}
	keys := filterKey.FindAllStringSubmatchIndex(words, -1)
	if len(keys) == 0 || strings.TrimSpace(words[:keys[0][0]]) != "" {
		return f, expansion.FieldErrorf("list", "I don't understand %q. Filters are type:, strength:, status:, account:, owner: and since:.", cutRunes(words, 40))
	}
	for i, k := range keys {
		end := len(words)
		if i+1 < len(keys) {
			end = keys[i+1][0]
		}
		key, value := strings.ToLower(words[k[2]:k[3]]), strings.Trim(words[k[1]:end], ` "',`)
		if value == "" {
			continue
		}
		if err := h.setFilter(ctx, p, &f, key, value); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (h *Handlers) setFilter(ctx context.Context, p *press, f *engine.ListFilter, key, value string) error {
	switch key {
	case "type":
		labels := make(map[string]expansion.SignalType)
		for _, t := range expansion.SignalTypes {
			labels[t.Label()], labels[string(t)] = t, t
		}
		ts, err := match(value, labels, "type")
		f.Types = ts
		return err
	case "strength":
		ss, err := match(value, map[string]expansion.Strength{
			"strong": expansion.Strong, "moderate": expansion.Moderate, "exploratory": expansion.Exploratory,
		}, "strength")
		f.Strengths = ss
		return err
	case "status":
		if strings.EqualFold(value, "open") {
			f.Statuses = []expansion.SignalStatus{expansion.Detected, expansion.Confirmed, expansion.Routed, expansion.Parked}
			return nil
		}
		labels := make(map[string]expansion.SignalStatus)
		for _, s := range []expansion.SignalStatus{
			expansion.Detected, expansion.Confirmed, expansion.Routed, expansion.Closed, expansion.Dismissed, expansion.Merged, expansion.Parked,
		} {
			labels[string(s)] = s
		}
		ss, err := match(value, labels, "status")
		f.Statuses = ss
		return err
	case "account":
		a, err := h.account(ctx, value)
		f.AccountID = a.ID
		return err
	case "owner":
		if strings.EqualFold(value, "me") {
			f.Owner = p.by.ID
			return nil
		}
		who, err := h.person(ctx, value)
		f.Owner = who.ID
		return err
	default: // since
		t, err := parseSince(value, p.now, p.by.Location())
		f.Since = t
		return err
	}
}

// match reads one or more values, comma separated, by name or its beginning.
func match[V comparable](typed string, names map[string]V, what string) ([]V, error) {
	var out []V
	for part := range strings.SplitSeq(typed, ",") {
		q := letters(part)
		if q == "" {
			continue
		}
		hits := make(map[V]bool)
		for name, v := range names {
			if n := letters(name); n == q {
				hits = map[V]bool{v: true}
				break
			} else if strings.HasPrefix(n, q) {
				hits[v] = true
			}
		}
		if len(hits) != 1 {
			return nil, expansion.FieldErrorf(what, "There is no %s %q. Try %s.", what, cutRunes(strings.TrimSpace(part), 30), examples[what])
		}
		for v := range hits {
			out = append(out, v)
		}
	}
	return out, nil
}

var examples = map[string]string{
	"type":     "usage growth, feature adoption, asked for it, budget talk, capacity limit or health",
	"strength": "strong, moderate or exploratory",
	"status":   "open, detected, confirmed, routed, closed, dismissed, merged or parked",
}

// letters is s in lower case without anything but letters.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
