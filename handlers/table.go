package handlers

import (
	"context"
	"slices"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
)

// table is every command word, action id, callback id and event the bot answers, by the
// kind of envelope it comes in. Ids only grow: an old card's button must find its row.
var table map[string]map[string]row

// init, because rows call methods that read the table.
func init() {
	table = map[string]map[string]row{
		KindCommand: {
			"":        {work: menu},
			"menu":    {work: menu},
			"help":    {reply: func(*Handlers, *Call) any { return ephemeral(blocks.Help()) }},
			"log":     {open: commandLog},
			"mine":    {work: mine},
			"list":    {work: commandList},
			"account": {work: commandAccount},
			"why":     {open: commandWhy},
			"ooo":     {work: commandAway},
			"undo":    {work: commandUndo},
			"report":  {work: commandReport},
		},
		KindShortcut: {
			blocks.CallbackLogFromMessage: {open: logFromMessage},
		},
		KindEvent: {
			"app_home_opened": {open: homeOpened},
			"message":         {open: saidInDM},
		},
		KindAction: {
			blocks.ActionMenuLog:     {open: logForm},
			blocks.ActionMenuMine:    {work: mine},
			blocks.ActionMenuAccount: {work: menuAccount},
			blocks.ActionMenuHelp:    {open: help},
			blocks.ActionGoLive:      {work: goLive},
			blocks.ActionListPage:    {work: listPage, subject: true},
			blocks.ActionListHome:    {open: listHome},

			blocks.ActionSignalRoute:   {work: routeNow, subject: true},
			blocks.ActionSignalPreview: {open: previewModal, subject: true},
			blocks.ActionSignalAssign:  {open: previewModal, subject: true},
			blocks.ActionSignalHold:    {work: hold, subject: true},
			blocks.ActionSignalConfirm: {work: confirm, subject: true},
			blocks.ActionSignalDismiss: {open: caseModal("Not real?", blocks.Dismiss), subject: true},
			blocks.ActionSignalLater:   {open: caseModal("Real, not now", blocks.Later), subject: true},
			blocks.ActionSignalThread:  {open: thread, subject: true},
			blocks.ActionRouteUndo:     {work: undo, subject: true},
			blocks.ActionWhy:           {open: caseModal("Why", blocks.Why), subject: true},
			blocks.InputRecipient:      {open: recipientChanged},

			blocks.ActionAcknowledge: {work: acknowledge, subject: true},
			blocks.ActionBrief:       {open: caseModal("Handoff brief", blocks.Brief), subject: true},
			blocks.ActionNotMine:     {open: caseModal("Not the right rep?", blocks.NotMine), subject: true},
			blocks.ActionNotReal:     {open: caseModal("Not real?", blocks.NotReal), subject: true},
			blocks.ActionStart:       {work: start, subject: true},
			blocks.ActionContact:     {open: contactModal, subject: true},
			blocks.ActionRemind:      {work: remind, subject: true},
			blocks.ActionOutcome:     {open: caseModal("Record outcome", blocks.Outcome), subject: true},

			blocks.ActionReassign:   {open: reassignModal, subject: true},
			blocks.ActionNudge:      {work: nudge, subject: true},
			blocks.ActionTake:       {work: take, subject: true},
			blocks.ActionExtend:     {open: caseModal("Give 24 h more", blocks.Extend), subject: true},
			blocks.ActionLinkPerson: {work: linkPerson},
			blocks.ActionAgree:      {work: agree, subject: true},
			blocks.ActionDisagree:   {open: caseModal("It is expansion", blocks.Disagree), subject: true},

			blocks.ActionHomeType:     {open: homeAgain},
			blocks.ActionHomeStrength: {open: homeAgain},
			blocks.ActionHomeStatus:   {open: homeAgain},
			blocks.ActionHomeAccount:  {open: homeAgain},
			blocks.ActionHomeScope:    {open: homeAgain},
			blocks.ActionHomeRefresh:  {open: homeAgain},
			blocks.ActionHomePage:     {open: homeAgain},
			blocks.ActionHomeNext:     {open: homeAgain},
			blocks.ActionHomeClear:    {open: homeOpened},
			blocks.ActionHomeLog:      {open: logForm},

			openCase: {open: showCase, subject: true},
		},
		KindSubmit: {
			blocks.CallbackLogSignal: {work: submitLog, working: "Log expansion signal", check: checkLog},
			blocks.CallbackSimilar:   {work: submitSimilar, working: "Log expansion signal", check: errorsOf(blocks.ParseSimilar)},
			blocks.CallbackPreview:   {work: submitPreview, check: errorsOf(blocks.ParsePreview)},
			blocks.CallbackDismiss:   {work: submitDismiss, check: errorsOf(blocks.ParseDismiss)},
			blocks.CallbackLater:     {work: submitLater, check: errorsOf(blocks.ParseLater)},
			blocks.CallbackNotMine:   {work: submitNotMine, check: errorsOf(blocks.ParseNotMine)},
			blocks.CallbackNotReal:   {work: submitNotReal, check: errorsOf(blocks.ParseNotReal)},
			blocks.CallbackDisagree:  {work: submitDisagree, check: errorsOf(blocks.ParseDisagree)},
			blocks.CallbackReassign:  {work: submitReassign, check: errorsOf(blocks.ParseReassign)},
			blocks.CallbackExtend:    {work: submitExtend, check: errorsOf(blocks.ParseExtend)},
			blocks.CallbackContact:   {work: submitContact, check: errorsOf(blocks.ParseContact)},
			blocks.CallbackOutcome:   {work: submitOutcome, check: errorsOf(blocks.ParseOutcome)},
		},
	}
}

// openCase is where "Open" of a list leads; it is no id of Slack's.
const openCase = "open_case"

// errorsOf makes a row's check of a parser.
func errorsOf[V any](parse func(*slack.View) (V, map[string]string)) func(*slack.View) map[string]string {
	return func(v *slack.View) map[string]string {
		_, errs := parse(v)
		return errs
	}
}

// choices is where the entries of overflow menus lead. "crm" is a link: Slack opens it
// and tells us; nothing is left to do.
var choices = map[string]string{
	blocks.ChoiceOpen: openCase, blocks.ChoiceWhy: blocks.ActionWhy, blocks.ChoiceOutcome: blocks.ActionOutcome,
	blocks.ChoiceDismiss: blocks.ActionSignalDismiss, blocks.ChoiceRoute: blocks.ActionSignalRoute,
	blocks.ChoiceContact: blocks.ActionContact, blocks.ChoiceRemind: blocks.ActionRemind, blocks.ChoiceCRM: blocks.ActionOpenLink,
}

var menus = []string{blocks.ActionMore, blocks.ActionListRow, blocks.ActionHomeRow}

// find looks a call up. An entry of an overflow menu is looked up as the button it
// stands for; the call returned says so.
func find(c *Call) (row, *Call, bool) {
	if c.Env.Kind == KindAction && slices.Contains(menus, c.Name) {
		word, id, version, err := blocks.ParseChoice(c.Value)
		if err != nil {
			return row{}, c, false
		}
		to := *c
		to.Name, to.Value = choices[word], blocks.Value(id, version)
		c = &to
	}
	r, ok := table[c.Env.Kind][c.Name]
	if ok && c.Env.Kind == KindEvent && !answers(c) {
		return row{}, c, false
	}
	return r, c, ok
}

// answers reports whether an event is one we answer: the Home tab, and what a person
// writes to the bot outside threads.
func answers(c *Call) bool {
	if c.Name == "app_home_opened" {
		return c.Tab == "home"
	}
	return c.DM && !c.FromBot && c.Subtype == "" && c.Thread == "" && c.User != ""
}

// silent are actions that only carry a value for a later submit, or a link.
var silent = []string{blocks.InputAccount, blocks.InputPeople, blocks.InputValue, blocks.ActionOpenLink}

// commandWords lists what can be typed, for guesses.
func commandWords() []string {
	var words []string
	for w := range table[KindCommand] {
		if w != "" {
			words = append(words, w)
		}
	}
	slices.Sort(words)
	return words
}

// nearest is the known word that is at most two keystrokes from w, "" for none.
func nearest(w string, words []string) string {
	best, at := "", 3
	for _, k := range words {
		if d := distance(w, k); d < at && d < len(k) {
			best, at = k, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out, changed or swapped with their
// neighbour to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 40 {
		return 40
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

func help(ctx context.Context, h *Handlers, p *press) error { return h.show(ctx, p, blocks.Help()) }

func saidInDM(ctx context.Context, h *Handlers, p *press) error {
	return h.show(ctx, p, blocks.Notice("I listen to /expansion. Try /expansion help."))
}
