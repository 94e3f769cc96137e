package blocks

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"expansionbot/expansion"
)

var hostile = []string{
	"", " ", "\u200b", strings.Repeat("W", 200), strings.Repeat("&", 300), "<!channel> <@U1> <https://evil.example|click>", "*bold* _it_ ~no~ `code` ```x```",
	"שלום עולם", "شركة الأفق \u202e evil", strings.Repeat("👨‍👩‍👧‍👦", 80), "e" + strings.Repeat("\u0301", 500), "\x00\xff\xfe", "a\nb\tc", strings.Repeat("é", 3100),
	"jo@kestrel.example +44 20 7946 0958", "&lt;!here&gt;", "_", "a_b_c _x_", ":boom:", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "not_real (x: y)",
}

func words(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(), rapid.Just("Brightwater Labs")).Draw(t, label)
}

func maybe[T any](t *rapid.T, label string, draw func() T) *T {
	if !rapid.Bool().Draw(t, label) {
		return nil
	}
	v := draw()
	return &v
}

// anyCase is a case nobody tidied up: any status with any routing, hostile text, missing
// parts, unknown ids.
func anyCase(t *rapid.T) expansion.Case {
	c := with(noticed())
	if rapid.Bool().Draw(t, "routed") {
		c = with(routed())
	}
	id := func(l string) expansion.PersonID {
		return rapid.SampledFrom([]expansion.PersonID{"", "priya", "marcus", "lena", "gone"}).Draw(t, l)
	}
	amount := func() expansion.Money {
		return expansion.Money{Minor: rapid.Int64().Draw(t, "minor"), Currency: rapid.SampledFrom([]string{"", "USD", "CHF", "<!x>"}).Draw(t, "currency")}
	}
	moment := func() time.Time { return time.Unix(rapid.Int64Range(-1e9, 1e11).Draw(t, "moment"), 0).UTC() }
	people := map[expansion.PersonID]expansion.Person{}
	for k, p := range c.People {
		p.Name = words(t, "person")
		people[k] = p
	}
	c.People = people
	c.Viewer = people[rapid.SampledFrom([]expansion.PersonID{"priya", "marcus", "lena", "gone"}).Draw(t, "viewer")]
	c.Viewer.TimeZone = rapid.SampledFrom([]string{"", london, "Asia/Kathmandu", "Nowhere/None"}).Draw(t, "zone")
	c.Account.Name, c.Account.Plan = words(t, "account"), words(t, "plan")
	c.Account.CSM, c.Account.OriginalAE = id("csm"), id("ae")
	c.Account.ContractEnd = maybe(t, "end", moment)
	c.Account.ARR = maybe(t, "arr", amount)
	c.Account.Restricted = rapid.Bool().Draw(t, "restricted")
	s := &c.Signal
	s.Status = rapid.SampledFrom([]expansion.SignalStatus{"detected", "confirmed", "routed", "closed", "dismissed", "merged", "parked", "odd"}).Draw(t, "status")
	s.Waiting = rapid.SampledFrom([]expansion.Waiting{"", "review", "held", "recipient", "csm", "until", "list", "odd"}).Draw(t, "waiting")
	s.Strength = rapid.SampledFrom([]expansion.Strength{"", "strong", "moderate", "exploratory"}).Draw(t, "strength")
	s.ExpansionType = rapid.SampledFrom([]expansion.ExpansionType{"", "seats", "tier", "upsell", "cross_sell"}).Draw(t, "expansion")
	s.Reasons = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return words(t, "reason") }), 0, 4).Draw(t, "reasons")
	s.DismissReason, s.SeenCount = words(t, "dismiss"), rapid.IntRange(0, 1000).Draw(t, "seen")
	s.WaitUntil, c.RoutesAt, c.UndoUntil = maybe(t, "wait", moment), maybe(t, "routes", moment), maybe(t, "undo", moment)
	s.Potential = maybe(t, "potential", func() expansion.Potential {
		return expansion.Potential{Likely: amount(), Low: amount(), High: amount(), Formula: words(t, "formula"), ByHand: rapid.Bool().Draw(t, "hand")}
	})
	c.Now = moment()
	for range rapid.IntRange(0, 12).Draw(t, "evidence") {
		c.Evidence = append(c.Evidence, expansion.Evidence{Why: words(t, "why"), Quote: words(t, "quote"), Speaker: words(t, "speaker"), Source: expansion.Source(words(t, "source")), Link: "https://x.example/?" + strings.Repeat("a&", 200)})
	}
	for range rapid.IntRange(0, 4).Draw(t, "notices") {
		c.Notices = append(c.Notices, expansion.Notice{
			Kind: rapid.SampledFrom([]string{"crm_down", "no_slack", "late_escalation"}).Draw(t, "notice"), Text: words(t, "notice text"),
			Try: rapid.IntRange(0, 9).Draw(t, "try"), Next: maybe(t, "next", moment), Delay: time.Duration(rapid.Int64().Draw(t, "delay")),
		})
	}
	verbs := []string{"not_real", "not_real_agreed", "not_real_disagreed", "reassigned", "taken", "not_mine", "recalled", "held", "dismissed", "nudged", "escalated", "contact_logged", "stage_changed", "won", "new_verb", "", "ünknown_verb"}
	for range rapid.IntRange(0, 6).Draw(t, "activities") {
		c.Activities = append(c.Activities, expansion.Activity{
			At: moment(), Agent: expansion.Human, Verb: rapid.SampledFrom(verbs).Draw(t, "verb"), Person: id("by"),
			Args: map[string]any{"reason": words(t, "arg"), "why": words(t, "arg"), "to": id("to"), "channel": words(t, "arg"), "stage": words(t, "arg")},
		})
	}
	for range rapid.IntRange(0, 7).Draw(t, "duplicates") {
		c.Duplicates = append(c.Duplicates, expansion.OpenOpportunity{CRMID: rapid.OneOf(rapid.SampledFrom([]string{"", "006A", AttachSeparate}), rapid.StringN(0, 90, -1)).Draw(t, "crm"), Name: words(t, "open"), Stage: words(t, "stage"), Owner: id("owner")})
	}
	if g := c.Routing; g != nil {
		g.Status = rapid.SampledFrom([]expansion.RoutingStatus{"pending", "acknowledged", "in_progress", "won", "lost"}).Draw(t, "routing")
		g.Disposition = rapid.SampledFrom([]expansion.Disposition{"", "rerouted", "rejected", "recalled"}).Draw(t, "left")
		g.LeftReason, g.Note, g.Reason, g.Override = words(t, "left why"), words(t, "note"), words(t, "routing reason"), words(t, "override")
		g.SalesFeedback = maybe(t, "feedback", func() string { return words(t, "feedback") })
		g.AcknowledgedAt, g.ClosedAt, g.EscalatedAt = maybe(t, "ack", moment), maybe(t, "closed", moment), maybe(t, "escalated", moment)
		g.OutcomeARR, g.RoutedAt, g.EscalateAt, g.Covering = maybe(t, "outcome", amount), moment(), moment(), id("covering")
		p := &g.Package
		for _, f := range []*string{&p.Summary, &p.WhyNow, &p.StartHere, &p.RecommendedApproach, &p.Timeline, &p.HealthText, &p.Relationship, &p.History, &p.Competitors} {
			*f = words(t, "package")
		}
		p.Unknowns = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return words(t, "unknown") }), 0, 12).Draw(t, "unknowns")
		for range rapid.IntRange(0, 15).Draw(t, "stakeholders") {
			p.Stakeholders = append(p.Stakeholders, expansion.Stakeholder{Name: words(t, "name"), Title: words(t, "title"), Role: words(t, "role"), Stance: words(t, "stance"), Owner: words(t, "owner")})
		}
		for range rapid.IntRange(0, 9).Draw(t, "objections") {
			p.Objections = append(p.Objections, expansion.Objection{Says: words(t, "says"), Answer: words(t, "answer")})
		}
		for range rapid.IntRange(0, 40).Draw(t, "rules") {
			g.Decision.Trace = append(g.Decision.Trace, expansion.Step{Rule: words(t, "rule"), Fact: words(t, "fact")})
			g.Decision.Candidates = append(g.Decision.Candidates, expansion.Candidate{ID: id("candidate"), Dropped: words(t, "dropped")})
		}
		c.Opportunity.Name, c.Opportunity.StageLabel = words(t, "opportunity"), words(t, "stage")
		c.Opportunity.URL = rapid.SampledFrom([]string{"", "https://crm.example/006A?a=1&b=2", "javascript:x", "https://x.example/<!channel>"}).Draw(t, "url")
	}
	return c
}

func TestAnyCaseStaysInsideSlacksLimits(t *testing.T) {
	t.Parallel()
	kinds := []expansion.MessageKind{expansion.CardSignal, expansion.CardAsk, expansion.CardHandoff, expansion.CardEscalation, expansion.CardQuestion, expansion.CardNotice, expansion.ThreadLine, expansion.ThreadNudge}
	lists := []expansion.ListKind{expansion.ListFirstScan, expansion.ListRoutedToday, expansion.ListWhileAway, expansion.ListNudges, "odd"}
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		check := func(name string, v any) {
			for _, p := range Check(v) {
				t.Errorf("%s: %s", name, p)
			}
		}
		for _, k := range kinds {
			m := expansion.Message{Kind: k, Case: &c, Text: words(t, "text"), Activity: &expansion.Activity{Verb: "dismissed", Args: map[string]any{"reason": words(t, "arg")}}}
			got, err := Render(m)
			if err != nil {
				t.Fatal(err)
			}
			check(string(k), got)
			check(string(k)+" busy", Busy(got))
		}
		many := slices.Repeat([]expansion.Case{c}, rapid.SampledFrom([]int{0, 1, 60}).Draw(t, "many"))
		for _, k := range lists {
			got, err := Render(expansion.Message{Kind: expansion.CardList, List: &expansion.List{Kind: k, Cases: many}})
			if err != nil {
				t.Fatal(err)
			}
			check("list "+string(k), got)
		}
		item := Item{Value: words(t, "value"), Text: words(t, "item"), Description: words(t, "description")}
		for name, v := range map[string]slack.ModalViewRequest{
			"log":     LogSignal(LogForm{Account: item, What: words(t, "what"), Quote: words(t, "quote"), SuggestedWhy: words(t, "why"), Suggested: c.Signal.Strength, Link: words(t, "link"), Problem: words(t, "problem"), People: []Item{item, item}, When: c.Now}),
			"similar": Similar(SimilarForm{Open: c, What: words(t, "what")}), "preview": Preview(c, PreviewForm{To: item, Stages: []Stage{{item.Value, item.Text}, {item.Value, "again"}}, StageID: item.Value, Note: words(t, "note"), Problem: words(t, "problem"), CloseDate: &c.Now}),
			"why": Why(c), "brief": Brief(c), "outcome": Outcome(c), "not mine": NotMine(c), "not real": NotReal(c), "dismiss": Dismiss(c), "later": Later(c),
			"reassign": Reassign(c, item), "extend": Extend(c), "contact": Contact(c, []Item{item, item}), "disagree": Disagree(c), "loading": Loading(words(t, "title")), "failed": Failed(words(t, "title"), words(t, "text")), "done": Done(words(t, "title"), words(t, "text")),
		} {
			check(name, v)
		}
		check("account", Account(AccountCard{Viewer: c.Viewer, Now: c.Now, Account: c.Account, Context: c.Context, Open: many, Activities: c.Activities, People: c.People, Hold: &expansion.Hold{Holder: "priya", Until: c.Now}}))
		check("list page", List(ListPage{Viewer: c.Viewer, Now: c.Now, Filter: words(t, "filter"), Cases: many, Page: 1, Pages: 3}))
		check("mine", Mine(c.Viewer, c.Now, many, 1000))
		check("notice", Notice(words(t, "notice")))
		check("unknown", Unknown(words(t, "word"), words(t, "suggestion")))
		cell := words(t, "cell")
		check("report", Report(ReportView{Title: cell, Note: cell, Lines: []ReportLine{{Name: cell, Now: cell, Target: cell}}, Tables: []ReportTable{{Title: cell, Columns: []string{cell, "b"}, Rows: slices.Repeat([][]string{{cell}, {}}, 60)}}}))
		group := HomeGroup{Account: c.Account, Cases: many}
		check("home", Home(HomeView{
			Viewer: c.Viewer, Now: c.Now, Groups: slices.Repeat([]HomeGroup{group}, rapid.IntRange(0, 8).Draw(t, "groups")), Page: 2, Pages: 3,
			Filter: HomeFilter{Account: item, Scope: words(t, "scope")}, Totals: HomeTotals{WonMoney: []expansion.Money{{Minor: 1 << 62}}},
		}))
		check("options", Options(slices.Repeat([]Item{item, {Value: "b", Text: cell}}, 3)))
	})
}

// Every id a reader can press must be in ids.go, where the handlers' table is made from.
func TestEveryIDOnScreenIsAConstant(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "ids.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if l, ok := v.Values[0].(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			known[s] = append(known[s], v.Names[0].Name)
		}
		return true
	})
	is := func(value, prefix string) bool {
		return slices.ContainsFunc(known[value], func(name string) bool { return strings.HasPrefix(name, prefix) })
	}
	shown := map[string]bool{}
	look := func(name string, v any) {
		for _, id := range ActionIDs(v) {
			shown[id] = true
			if !is(id, "Action") && !is(id, "Input") {
				t.Errorf("%s shows the action id %q, which ids.go does not have", name, id)
			}
		}
	}
	for _, s := range scenes() {
		m, err := Render(s.m)
		if err != nil {
			t.Fatal(err)
		}
		look(s.name, m)
	}
	for name, v := range modals() {
		look(name, v)
		if id := v.(slack.ModalViewRequest).CallbackID; !is(id, "Callback") {
			t.Errorf("%s has the callback id %q, which ids.go does not have", name, id)
		}
	}
	for name, v := range answers() {
		look(name, v)
	}
	for _, id := range []string{ActionAcknowledge, ActionRouteUndo, ActionReassign, ActionHomeRow, ActionGoLive, InputRecipient} {
		if !shown[id] {
			t.Errorf("nothing shows %q", id)
		}
	}
}

func TestHomeStopsEarly(t *testing.T) {
	t.Parallel()
	v := homeView()
	v.Groups = slices.Repeat([]HomeGroup{{Account: v.Groups[0].Account, Cases: slices.Repeat([]expansion.Case{noticed()}, 20)}}, 8)
	got := Home(v)
	for _, p := range Check(got) {
		t.Error(p)
	}
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"80 more signals on this page", "Refresh", "Next page"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("Home does not say %q", want)
		}
	}
}

func TestOptionsAreFilledByBytes(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"ascii": strings.Repeat("x", 75), "cyrillic": strings.Repeat("ж", 75), "ampersands": strings.Repeat("&", 75), "emoji": strings.Repeat("🏢", 75)} {
		var items []Item
		for i := range 300 {
			items = append(items, Item{Value: strconv.Itoa(i), Text: text, Description: text})
		}
		got := Options(items)
		raw, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 18000 || len(got.Options) < 10 {
			t.Errorf("%s: %d options in %d bytes", name, len(got.Options), len(raw))
		}
		for _, p := range Check(got) {
			t.Errorf("%s: %s", name, p)
		}
	}
	if got := Options([]Item{{Value: strings.Repeat("v", 76), Text: "too long to come back"}}); len(got.Options) != 0 {
		t.Errorf("an option with an over-long value was offered: %v", got.Options)
	}
}

// Check must find what Slack refuses, or the goldens prove nothing.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	text := func(kind, s string) *slack.TextBlockObject {
		return &slack.TextBlockObject{Type: kind, Text: s, Verbatim: kind == "mrkdwn"}
	}
	msg := func(bs ...slack.Block) Message { return Message{Text: "t", Blocks: bs} }
	btn := func() *slack.ButtonBlockElement {
		return slack.NewButtonBlockElement("a", "v", text("plain_text", "b"))
	}
	view := func(bs ...slack.Block) slack.ModalViewRequest {
		return slack.ModalViewRequest{Type: slack.VTModal, Title: text("plain_text", "t"), Blocks: slack.Blocks{BlockSet: bs}}
	}
	ok := slack.NewSectionBlock(text("mrkdwn", "fine"), nil, nil)
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"no fallback", Message{Blocks: []slack.Block{ok}}, "/text: is empty"},
		{"fallback too long", Message{Text: long(4001), Blocks: []slack.Block{ok}}, "at most 4000"},
		{"51 blocks", msg(slices.Repeat([]slack.Block{ok}, 51)...), "51 blocks, at most 50"},
		{"no blocks", msg(), "/blocks: is empty"},
		{"header too long", msg(slack.NewHeaderBlock(text("plain_text", long(151)))), "at most 150"},
		{"mrkdwn header", msg(slack.NewHeaderBlock(text("mrkdwn", "h"))), "must be plain_text"},
		{"section too long", msg(slack.NewSectionBlock(text("mrkdwn", long(3001)), nil, nil)), "at most 3000"},
		{"empty section", msg(slack.NewSectionBlock(nil, nil, nil)), "neither text nor fields"},
		{"11 fields", msg(slack.NewSectionBlock(nil, slices.Repeat([]*slack.TextBlockObject{text("mrkdwn", "f")}, 11), nil)), "11 fields"},
		{"live mention", msg(slack.NewSectionBlock(text("mrkdwn", "hi <!channel>"), nil, nil)), "live mention"},
		{"unescaped sign", msg(slack.NewSectionBlock(text("mrkdwn", "a < b"), nil, nil)), "unescaped <"},
		{"date token in a header", msg(slack.NewHeaderBlock(text("plain_text", "<!date^1^{time}|x>"))), "plain text does not draw"},
		{"not verbatim", msg(slack.NewSectionBlock(&slack.TextBlockObject{Type: "mrkdwn", Text: "x"}, nil, nil)), "not verbatim"},
		{"alert in a message", msg(slack.NewAlertBlock(text("plain_text", "a"))), "in modals only"},
		{"button text too long", msg(slack.NewActionBlock("", slack.NewButtonBlockElement("a", "v", text("plain_text", long(76))))), "at most 75"},
		{"button value too long", msg(slack.NewActionBlock("", slack.NewButtonBlockElement("a", long(2001), text("plain_text", "b")))), "at most 2000"},
		{"button without id", msg(slack.NewActionBlock("", slack.NewButtonBlockElement("", "v", text("plain_text", "b")))), "no action_id"},
		{"one id twice in a row", msg(slack.NewActionBlock("", btn(), btn())), "repeats the action_id"},
		{"two primaries", msg(slack.NewActionBlock("", btn().WithStyle("primary"), slack.NewButtonBlockElement("b", "v", text("plain_text", "b")).WithStyle("primary"))), "primary buttons"},
		{"no elements", msg(slack.NewActionBlock("")), "is empty"},
		{"multi-select in a row", msg(slack.NewActionBlock("", slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, nil, "m"))), "may not stand in actions"},
		{"six overflow entries", msg(slack.NewActionBlock("", overflow("o", option("1", "a"), option("2", "a"), option("3", "a"), option("4", "a"), option("5", "a"), option("6", "a")))), "6 options, at most 5"},
		{"option value twice", msg(slack.NewActionBlock("", overflow("o", option("1", "a"), option("1", "b")))), "repeats the value"},
		{"block id twice", msg(slack.NewActionBlock("x", btn()), slack.NewActionBlock("x", btn())), "repeats the block_id"},
		{"initial option that is none", view(input("b", "l", slack.NewOptionsSelectBlockElement("static_select", nil, "a", option("1", "a")).WithInitialOption(option("2", "b")))), "is not one of the options"},
		{"input without submit", view(input("b", "l", textInput("", false, 10))), "although there are inputs"},
		{"title too long", slack.ModalViewRequest{Type: slack.VTModal, Title: text("plain_text", long(25)), Blocks: slack.Blocks{BlockSet: []slack.Block{ok}}}, "at most 24"},
		{"metadata too long", slack.ModalViewRequest{Type: slack.VTModal, Title: text("plain_text", "t"), PrivateMetadata: long(3001), Blocks: slack.Blocks{BlockSet: []slack.Block{ok}}}, "at most 3000"},
		{"a type we never send", msg(slack.NewMarkdownBlock("", "x")), "does not make"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(Check(c.v), "\n"); !strings.Contains(got, c.want) {
				t.Errorf("Check says %q, want %q", got, c.want)
			}
		})
	}
	if got := Check(msg(ok)); got != nil {
		t.Errorf("Check finds %q in a good message", got)
	}
}

func TestCutKeepsGraphemesWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"Brightwater", "Brightwater"},
		{"Brightwater Labs", "Brightwater…"},
		{"👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦…"},
		{"e" + strings.Repeat("\u0301", 50), "…"},
		{"  a \n\t b  ", "a b"},
		{"a\u202eb\u2066c", "abc"},
		{"שלום", "\u2068שלום\u2069"},
	} {
		if got := cut(c.in, 12); got != c.want {
			t.Errorf("cut(%q, 12) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"Alder & Co", 60, "Alder &amp; Co"},
		{"<!channel>", 60, "&lt;!channel&gt;"},
		{"a&b&c", 8, "a&amp;b…"},
		{"*x* ~y~ `z`", 60, "∗x∗ ∼y∼ ˋzˋ"},
		{"<!date^1^{time}|x>", 60, "&lt;!date^1^{time}|x&gt;"},
		{"seats_used _now_", 60, "seats_used ＿now＿"},
	} {
		if got := esc(c.in, c.limit); got != c.want {
			t.Errorf("esc(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"mail jo.park@kestrel.example now":        "mail •••@kestrel.example now",
		"call +44 20 7946 0958":                   "call •••58",
		"132 of 120 seats, $48,000 by 2026-03-14": "132 of 120 seats, $48,000 by 2026-03-14",
	} {
		if got := mask(in); got != want {
			t.Errorf("mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 12 + max(0, limit)%400
		for name, got := range map[string]string{"esc": esc(s, limit), "said": said(s, limit)} {
			if n := units(got); n > limit {
				t.Errorf("%s is %d long, at most %d", name, n, limit)
			}
			if !utf8.ValidString(got) || strings.ContainsAny(got, "<>*~`\n\r\u202a\u202b\u202d\u202e") {
				t.Errorf("%s(%q) = %q is not safe", name, s, got)
			}
			bare := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(got)
			if strings.Contains(bare, "&") {
				t.Errorf("%s(%q) = %q was cut inside an entity", name, s, got)
			}
		}
		if got := cut(s, limit); units(got) > limit || !utf8.ValidString(got) {
			t.Errorf("cut(%q, %d) = %q", s, limit, got)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for _, s := range []string{"", ":", "a:1", "a:b:7", "01J:-1", "x:01", "x:9223372036854775808", "x:+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, version, err := ParseValue(s)
		if err == nil && Value(id, version) != s {
			t.Errorf("ParseValue(%q) = %q, %d, which Value writes as %q", s, id, version, Value(id, version))
		}
		if s != "" {
			if id, version, err := ParseValue(Value(s, 7)); err != nil || id != s || version != 7 {
				t.Errorf("Value(%q, 7) comes back as %q, %d, %v", s, id, version, err)
			}
			if word, id, version, err := ParseChoice(Choice("why", s, 3)); err != nil || word != "why" || id != s || version != 3 {
				t.Errorf("Choice(why, %q, 3) comes back as %q, %q, %d, %v", s, word, id, version, err)
			}
		}
		_, _, _, _ = ParseChoice(s)
	})
}

func TestMeta(t *testing.T) {
	t.Parallel()
	want := RoutingMeta(routed())
	got, err := ParseMeta(want.String())
	if err != nil || got != want {
		t.Errorf("Meta comes back as %+v, %v, want %+v", got, err, want)
	}
	if got, err := ParseMeta(""); err != nil || got != (Meta{}) {
		t.Errorf("ParseMeta of nothing is %+v, %v", got, err)
	}
	if _, err := ParseMeta("{"); err == nil {
		t.Error("ParseMeta takes broken JSON")
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	for _, m := range []expansion.Message{{Kind: expansion.CardHandoff}, {Kind: expansion.CardList}, {Kind: expansion.ThreadLine, Case: &expansion.Case{}}, {Kind: "odd", Case: &expansion.Case{}}} {
		if _, err := Render(m); expansion.CodeOf(err) != expansion.CodeInvalid {
			t.Errorf("Render(%q) = %v, want code invalid", m.Kind, err)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	l := lens{clock("09:00"), tokyo} // 18:00 there
	for _, c := range []struct{ got, want string }{
		{l.words(clock("04:06")), "13:06"},
		{l.words(clock("16:00")), "11 Mar 01:00"},
		{l.at(clock("04:06")), "<!date^1773115560^{time}|13:06>"},
		{l.on(clock("16:00").AddDate(0, 0, -3)), "Sunday"},
		{l.day(*day("2026-05-31")), "31 May"},
		{l.renewal(day("2026-05-31")), "31 May, 82 days"},
		{l.renewal(day("2026-03-11")), "11 Mar, 1 day"},
		{l.renewal(day("2026-03-07")), "7 Mar, 3 days ago"},
		{l.renewal(nil), "Not known"},
		{ordinal(9), "9th"},
		{ordinal(11), "11th"},
		{ordinal(22), "22nd"},
		{ordinal(3), "3rd"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
