package blocks

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"expansionbot/expansion"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden checks v against Slack's limits and against testdata/name.golden.json.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	for _, p := range Check(v) {
		t.Errorf("%s: Slack would refuse %s", name, p)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	var tree any // through a tree, because slack-go's own marshallers escape HTML
	if err := json.Unmarshal(buf.Bytes(), &tree); err != nil {
		t.Fatal(err)
	}
	buf.Reset()
	if err := enc.Encode(tree); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run go test ./blocks -update", err)
	}
	if diff := cmp.Diff(string(want), buf.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// scene is a message with what its fallback text must say.
type scene struct {
	name string
	m    expansion.Message
	text []string
}

// newest is what the engine gives an account card.
func newest(as []expansion.Activity) []expansion.Activity {
	slices.Reverse(as)
	return as
}

func card(kind expansion.MessageKind, c expansion.Case) expansion.Message {
	return expansion.Message{Kind: kind, Case: &c}
}

func scenes() []scene {
	review := noticed()
	pending := routed()
	kestrel := with(review, func(c *expansion.Case) {
		c.Account.Name, c.Signal.Number, c.Signal.Strength, c.Signal.Score = "Kestrel Freight", 1050, expansion.Exploratory, 0.41
		c.Signal.Status, c.Signal.Waiting, c.Signal.WaitUntil = expansion.Detected, expansion.WaitCSM, ptr(clock("09:00").AddDate(0, 0, 9))
		c.Plan, c.Signal.SeenCount, c.Signal.Reasons = nil, 1, nil
		c.Evidence = []expansion.Evidence{{Quote: "maybe we need <!channel> more next year, mail jo@kestrel.example", Speaker: "Ana Ruiz"}}
	})
	escalated := with(pending, seenBy("lena"), acted("13:06", "marcus", "nudged", nil), func(c *expansion.Case) {
		c.Activities[len(c.Activities)-1].Agent = expansion.Expander
		c.Now = clock("09:06").AddDate(0, 0, 2)
		c.Routing.EscalatedAt, c.Routing.EscalatedTo = ptr(c.Now), "lena"
	})
	disputed := with(pending, seenBy("priya"), acted("09:30", "marcus", "not_real", map[string]any{"reason": "not_buying_intent"}), func(c *expansion.Case) {
		c.Routing.SalesFeedback = ptr("not_buying_intent: pilot users only")
		c.Now = clock("09:31")
	})
	moved := with(pending, acted("10:02", "lena", "reassigned", map[string]any{"to": "dana", "reason": "travelling"}),
		left(expansion.Rerouted, "Moved to Dana by Lena: travelling"), func(c *expansion.Case) {
			c.Current = &expansion.Routing{ID: "01JNROUTING000000000000312", Number: 312, To: "dana", RoutedAt: clock("10:02"), Status: expansion.Pending}
			c.Now = clock("10:03")
		})
	list := func(kind expansion.ListKind, cs ...expansion.Case) expansion.Message {
		return expansion.Message{Kind: expansion.CardList, List: &expansion.List{Kind: kind, Day: clock("00:00"), Cases: cs}}
	}
	waiting := func(s expansion.SignalStatus, w expansion.Waiting) func(*expansion.Case) {
		return func(c *expansion.Case) { c.Signal.Status, c.Signal.Waiting = s, w }
	}
	return []scene{
		{"3.2-review", card(expansion.CardSignal, review), []string{"Brightwater Labs", "more seats", "09:17", "Marcus Bell"}},
		{"3.2-logged-by-hand", card(expansion.CardSignal, with(review, func(c *expansion.Case) {
			c.Signal.Source, c.Signal.CreatedBy, c.Signal.SeenCount = expansion.SourceManual, "priya", 1
			c.Signal.Reasons = []string{"explicit ask", "within 7 days", "30 more seats"}
			c.Evidence = []expansion.Evidence{{Source: expansion.SourceManual, OccurredAt: clock("09:02"), Why: "they asked about 30 more seats"}}
		})), []string{"Brightwater Labs", "09:17", "Marcus Bell"}},
		{"3.2-covered", card(expansion.CardSignal, with(review, func(c *expansion.Case) {
			c.Plan.To, c.Plan.Kind, c.Plan.Covering = "dana", expansion.KindCover, "marcus"
		})), []string{"Brightwater Labs", "Dana Ortiz"}},
		{"3.2-held", card(expansion.CardSignal, with(review, waiting(expansion.Confirmed, expansion.WaitHeld), acted("09:08", "priya", "held", nil))), []string{"Brightwater Labs", "Held"}},
		{"3.2-first-scan", card(expansion.CardSignal, with(review, waiting(expansion.Detected, expansion.WaitList))), []string{"Brightwater Labs", "when you choose"}},
		{"3.2-gathering", card(expansion.CardSignal, with(review, waiting(expansion.Detected, ""), func(c *expansion.Case) { c.Signal.Completeness = nil })), []string{"Brightwater Labs", "gathering"}},
		{"3.2-dismissed", card(expansion.CardSignal, with(review, waiting(expansion.Dismissed, ""), acted("09:09", "priya", "dismissed", nil), func(c *expansion.Case) { c.Signal.DismissReason = DismissOld })), []string{"Brightwater Labs", "Dismissed"}},
		{"3.2-merged", card(expansion.CardSignal, with(review, waiting(expansion.Merged, ""))), []string{"Brightwater Labs", "Merged"}},
		{"3.3-routed-undo", card(expansion.CardSignal, with(pending, seenBy("priya"), func(c *expansion.Case) { c.UndoUntil = at("09:16") })), []string{"Brightwater Labs", "Marcus", "Undo until 09:16"}},
		{"3.5-ask", card(expansion.CardAsk, kestrel), []string{"Kestrel Freight", "is this real?", "19 Mar"}},
		{"3.5-later", card(expansion.CardAsk, with(kestrel, waiting(expansion.Detected, expansion.WaitUntil))), []string{"Kestrel Freight", "ask again on 19 Mar"}},
		{"3.5-parked", card(expansion.CardAsk, with(kestrel, waiting(expansion.Parked, ""))), []string{"Kestrel Freight", "Parked"}},
		{"3.6-waiting", card(expansion.CardSignal, with(pending, seenBy("priya"))), []string{"Brightwater Labs", "Sent 09:06", "waiting for Marcus"}},
		{"3.6-acknowledged", card(expansion.CardSignal, with(pending, acknowledged, seenBy("priya"))), []string{"Sent 09:06 → Acknowledged 09:13"}},
		{"3.6-won", card(expansion.CardSignal, with(pending, won, seenBy("priya"), func(c *expansion.Case) {
			c.Activities = append(c.Activities, expansion.Activity{At: clock("15:00").AddDate(0, 0, 4), Verb: "contact_logged", Person: "marcus", Args: map[string]any{"channel": "meeting"}})
		})), []string{"Acknowledged", "Meeting 14 Mar", "Won +$21,600"}},
		{"3.6-over-days", card(expansion.CardSignal, with(escalated, seenBy("priya"))), []string{"Sent 10 Mar 09:06 → Escalated to Lena 12 Mar 09:06"}},
		{"4.1-handoff", card(expansion.CardHandoff, pending), []string{"Expansion for you: Brightwater Labs", "seats", "+$19,200 estimate", "Acknowledge by 13:06"}},
		{"4.3-acknowledged", card(expansion.CardHandoff, with(pending, acknowledged)), []string{"Brightwater Labs", "log a contact"}},
		{"5.1-taken", card(expansion.CardHandoff, with(pending, seenBy("lena"), func(c *expansion.Case) {
			c.Routing.To, c.Routing.RoutedBy, c.Routing.Decision.Kind = "lena", "lena", expansion.KindOverride
			c.Routing.Status, c.Routing.AcknowledgedAt = expansion.Acknowledged, ptr(c.Routing.RoutedAt)
		})), []string{"Brightwater Labs", "log a contact"}},
		{"4.3-in-progress", card(expansion.CardHandoff, with(pending, acknowledged, func(c *expansion.Case) { c.Routing.Status = expansion.InProgress })), []string{"won or lost"}},
		{"4.6-won", card(expansion.CardHandoff, with(pending, won)), []string{"Won +$21,600 in 34 days. Thanks to Priya's note."}},
		{"4.6-lost", card(expansion.CardHandoff, with(pending, won, func(c *expansion.Case) {
			c.Routing.Status, c.Routing.OutcomeARR, c.Opportunity.Outcome = expansion.Lost, nil, &expansion.Outcome{Reason: "price"}
		})), []string{"Lost in 34 days: price."}},
		{"4.7-overdue", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) { c.Now = clock("13:06") })), []string{"Brightwater Labs", "Acknowledge before", "Lena"}},
		{"4.7-nudge", card(expansion.ThreadNudge, with(pending, func(c *expansion.Case) { c.Now = clock("13:10") })), []string{"Brightwater Labs is waiting for you. Acknowledge", "12 Mar 09:06", "Lena"}},
		{"4.7-nudge-answered", card(expansion.ThreadNudge, with(pending, acknowledged)), []string{"already answered"}},
		{"5.1-escalation", card(expansion.CardEscalation, escalated), []string{"No answer on Brightwater Labs for 48 h", "+$19,200", "Marcus", "13 Mar 09:06"}},
		{"5.1-extended", card(expansion.CardEscalation, with(escalated, func(c *expansion.Case) {
			c.Routing.Extended, c.Routing.EscalateAt = true, clock("09:06").AddDate(0, 0, 3)
		})), []string{"Marcus has until 13 Mar 09:06"}},
		{"5.1-answered", card(expansion.CardEscalation, with(escalated, func(c *expansion.Case) {
			c.Routing.Status, c.Routing.AcknowledgedAt = expansion.Acknowledged, ptr(c.Now)
		})), []string{"Acknowledged by Marcus", "Nothing to do"}},
		{"5.1-late", card(expansion.CardEscalation, with(escalated, func(c *expansion.Case) {
			c.Notices = []expansion.Notice{{Kind: "late_escalation", Delay: 2*time.Hour + 10*time.Minute}}
		})), []string{"No answer on Brightwater Labs"}},
		{"5.2-moved", card(expansion.CardHandoff, moved), []string{"Moved to Dana by Lena at 10:02: travelling."}},
		{"7.7-nobody-left", card(expansion.CardHandoff, with(pending, acted("10:02", "marcus", "not_mine", map[string]any{"reason": NotMineNoTime, "to": "", "next": ""}),
			left(expansion.Rerouted, "Marcus says it isn't theirs (no time)"), waiting(expansion.Confirmed, expansion.WaitRecipient), func(c *expansion.Case) { c.Now = clock("10:03") })), []string{"Handed back by Marcus at 10:02: no time. Nothing to do."}},
		{"7.1-seen-again", card(expansion.CardSignal, with(review, func(c *expansion.Case) { c.Signal.SeenCount = 4 })), []string{"Brightwater Labs"}},
		{"7.2-no-owner", card(expansion.CardSignal, with(review, func(c *expansion.Case) {
			c.Account.OriginalAE, c.Plan.To, c.Plan.Kind, c.Plan.Reason = "", "tomoko", expansion.KindSpecialist, "specialist pool, least loaded"
		})), []string{"Tomoko Arai", "09:17"}},
		{"7.2-no-recipient", card(expansion.CardSignal, with(review, waiting(expansion.Confirmed, expansion.WaitRecipient))), []string{"Nobody is eligible", "09:17"}},
		{"7.2-notice", expansion.Message{Kind: expansion.CardNotice, Text: "Nobody is eligible for Brightwater Labs. Assign somebody; I try again every 15 min", Case: ptr(with(review, waiting(expansion.Confirmed, expansion.WaitRecipient)))}, []string{"Brightwater Labs", "Assign somebody"}},
		{"7.12-notice", expansion.Message{Kind: expansion.CardNotice, Text: "No Slack account for marcus@seller.example; emailed him. Pick the right person?", Case: ptr(with(pending, func(c *expansion.Case) {
			c.Notices = []expansion.Notice{{Kind: "no_slack"}}
		}))}, []string{"Brightwater Labs", "No Slack account"}},
		{"7.3-covering", card(expansion.CardHandoff, with(pending, seenBy("dana"), func(c *expansion.Case) {
			c.Routing.To, c.Routing.Covering, c.Routing.Decision.Kind = "dana", "marcus", expansion.KindCover
		})), []string{"Expansion for you: Brightwater Labs", "13:06"}},
		{"7.3-while-away", list(expansion.ListWhileAway, moved, moved), []string{"While you were away. 2 went to Dana."}},
		{"7.4-over-limit", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) {
			c.Routing.Decision.OverLimit, c.Routing.Decision.Kind = true, expansion.KindLeastLoaded
			c.Routing.Decision.Facts.Reps = []expansion.Rep{{ID: "marcus", Open: 8, MaxOpen: ptr(8)}}
		})), []string{"Brightwater Labs"}},
		{
			"7.7-not-mine-line",
			expansion.Message{Kind: expansion.ThreadLine, Case: ptr(with(moved, seenBy("priya"))), Activity: &expansion.Activity{At: clock("10:02"), Agent: expansion.Human, Verb: "not_mine", Person: "marcus", Args: map[string]any{"reason": NotMineTerritory, "to": "dana", "next": expansion.PersonID("dana")}}},
			[]string{"Brightwater Labs: Marcus says this is Dana's (wrong territory). Sent to Dana."},
		},
		{"7.8-question", card(expansion.CardQuestion, disputed), []string{"Brightwater Labs", "Marcus says this isn't expansion", "pilot users only", "Agree?", "11 Mar 09:30"}},
		{"7.8-asked", card(expansion.CardHandoff, with(disputed, seenBy("marcus"))), []string{"Waiting for an answer"}},
		{"7.8-agreed", card(expansion.CardQuestion, with(disputed, acted("10:00", "priya", "not_real_agreed", nil), left(expansion.Rejected, "not real (not_buying_intent: pilot users only)"))), []string{"Closed as not real by Priya 10:00"}},
		{"7.8-rejected", card(expansion.CardHandoff, with(disputed, seenBy("marcus"), acted("10:00", "priya", "not_real_agreed", nil), left(expansion.Rejected, "not real"))), []string{"Closed as not real by Priya 10:00: pilot users only."}},
		{"7.8-disagreed", card(expansion.CardQuestion, with(disputed, acted("10:00", "priya", "not_real_disagreed", map[string]any{"why": "they asked"}))), []string{"Priya disagreed", "Lena"}},
		{"7.11-crm-down", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) {
			c.Opportunity.CRMID, c.Opportunity.URL = "", ""
			c.Notices = []expansion.Notice{{Kind: "crm_down", Text: "Salesforce is not answering; the opportunity will be created when it is back", Try: 3, Next: at("09:22")}}
		})), []string{"Brightwater Labs", "Acknowledge by 13:06"}},
		{"7.11-created-line", expansion.Message{Kind: expansion.ThreadLine, Case: &pending, Activity: &expansion.Activity{At: clock("09:25"), Verb: "opportunity_created"}}, []string{"Created: Brightwater Labs seats."}},
		{"7.14-gone", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) {
			c.Opportunity.GoneAt = at("10:12")
			c.Notices = []expansion.Notice{{Kind: "crm_gone", Text: "It is not in Salesforce any more, so nothing is written there. Restore it there, or close it here as won or lost."}}
		})), []string{"Brightwater Labs", "Acknowledge by 13:06"}},
		{"7.14-gone-line", expansion.Message{Kind: expansion.ThreadLine, Case: &pending, Activity: &expansion.Activity{At: clock("10:12"), Verb: "opportunity_gone"}}, []string{"not in Salesforce any more"}},
		{"7.14-back-line", expansion.Message{Kind: expansion.ThreadLine, Case: &pending, Activity: &expansion.Activity{At: clock("10:12"), Verb: "opportunity_back"}}, []string{"back in Salesforce"}},
		{"7.14-corrected-line", expansion.Message{Kind: expansion.ThreadLine, Case: &pending, Activity: &expansion.Activity{At: clock("10:12"), Verb: "outcome_corrected", Args: map[string]any{"to": "lost"}}}, []string{"Salesforce says lost, so it is changed here too."}},
		{"7.14-reopened-line", expansion.Message{Kind: expansion.ThreadLine, Case: &pending, Activity: &expansion.Activity{At: clock("10:12"), Verb: "reopened"}}, []string{"Opened again in Salesforce; back in progress."}},
		{"7.14-stage-line", expansion.Message{Kind: expansion.ThreadLine, Case: &pending, Activity: &expansion.Activity{At: clock("10:12"), Verb: "stage_changed", Args: map[string]any{"to": "Proposal"}}}, []string{"Stage changed in Salesforce: Proposal."}},
		{"7.13-late", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) {
			c.Notices = []expansion.Notice{{Kind: "slack_late", Delay: 6 * time.Minute}}
		})), []string{"Brightwater Labs"}},
		{"7.15-recalled", card(expansion.CardHandoff, with(pending, acted("09:09", "priya", "recalled", nil), left(expansion.Recalled, "wrong account"))), []string{"Recalled by Priya 09:09: wrong account."}},
		{"7.15-recalled-csm", card(expansion.CardSignal, with(pending, seenBy("priya"), waiting(expansion.Confirmed, expansion.WaitHeld), acted("09:09", "priya", "recalled", nil), left(expansion.Recalled, "Recalled by Priya"))), []string{"Recalled by Priya 09:09."}},
		{"7.16-restricted", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) { c.Account.Restricted = true })), []string{"Brightwater Labs (restricted)", "Acknowledge by 13:06"}},
		{"list-first-scan", list(expansion.ListFirstScan, with(review, waiting(expansion.Detected, expansion.WaitList)), with(kestrel, waiting(expansion.Detected, expansion.WaitList))), []string{"2 signals", "Brightwater Labs", "Kestrel Freight"}},
		{"list-routed-today", list(expansion.ListRoutedToday, with(pending, seenBy("priya"))), []string{"Routed today", "Brightwater Labs"}},
		{"list-nudges", list(expansion.ListNudges, with(pending, func(c *expansion.Case) { c.Now = clock("13:10") })), []string{"1 customer waiting for you", "Brightwater Labs"}},
		{"hubspot-tokyo", card(expansion.CardHandoff, with(pending, func(c *expansion.Case) {
			c.Opportunity.CRM = "hubspot"
			c.Viewer.TimeZone = "Asia/Tokyo"
		})), []string{"Acknowledge by 22:06"}},
	}
}

func TestScenes(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			got, err := Render(s.m)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range s.text {
				if !strings.Contains(got.Text, want) {
					t.Errorf("fallback %q does not say %q", got.Text, want)
				}
			}
			golden(t, s.name, got)
			fiveSeconds(t, got)
		})
	}
}

// fiveSeconds is storyboard 1.2: at most 12 blocks, 5 buttons and one primary, under 900
// characters. Lists show several customers and are outside it.
func fiveSeconds(t *testing.T, m Message) {
	t.Helper()
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	s := string(raw)
	if n := len(m.Blocks); n > 12 {
		t.Errorf("%d blocks, at most 12", n)
	}
	if n := strings.Count(s, `"type":"button"`); n > 5 {
		t.Errorf("%d buttons, at most 5", n)
	}
	if n := strings.Count(s, `"style":"primary"`); n > 1 {
		t.Errorf("%d primary buttons, at most 1", n)
	}
	c := &checker{surface: "message", blockIDs: map[string]bool{}}
	var tree []any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	c.blocks(tree, 50)
	if n := c.chars - tokenLength(s); n >= 900 {
		t.Errorf("%d characters, must stay under 900", n)
	}
}

// tokenLength is how many characters of s are date tokens and links but not shown.
func tokenLength(s string) int {
	s = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(s)
	n := 0
	for _, m := range tokenRE.FindAllStringSubmatch(s, -1) {
		n += units(m[0]) - units(m[1])
	}
	return n
}

func modals() map[string]any {
	review, pending := noticed(), routed()
	moneyless := with(review, func(c *expansion.Case) {
		c.Signal.Potential, c.Plan, c.Signal.Completeness = nil, nil, ptr(0.73)
		c.Context.Competitors, c.Context.Budget = expansion.Element{}, expansion.Element{}
	})
	stages := []Stage{{"s1", "Discovery"}, {"s2", "Proposal"}}
	return map[string]any{
		"modal-loading":       Loading("Confirm routing"),
		"modal-working":       Working("Confirm routing"),
		"modal-done":          Done("Record outcome", "Saved."),
		"modal-failed":        Failed("Confirm routing", "Something broke on my side (ref 7f3a). Your text is safe; try again."),
		"modal-3.1-log-empty": LogSignal(LogForm{}),
		"modal-3.1-log": LogSignal(LogForm{
			Meta: Meta{Draft: "d1"}, Account: Item{Value: "brightwater", Text: "Brightwater Labs", Description: "brightwater.example"}, Type: expansion.ExplicitRequest,
			Suggested: expansion.Strong, SuggestedWhy: "Suggested: strong (explicit ask, within 7 days).", What: "they asked about 30 more seats", Quote: "thirty more",
			People: []Item{{Value: "c1", Text: "Jo Park"}}, When: clock("09:02"), Link: "https://slack.example/archives/C1/p1",
		}),
		"modal-7.1-similar":          Similar(SimilarForm{Meta: Meta{Signal: review.Signal.ID, Draft: "d1"}, Open: review, What: "they asked about 30 more seats"}),
		"modal-3.3-preview":          Preview(review, PreviewForm{Stages: stages, StageID: "s1", Probability: ptr(0.41), CloseDate: day("2026-05-31"), CRM: "salesforce"}),
		"modal-3.3-preview-changed":  Preview(review, PreviewForm{To: Item{Value: "dana", Text: "Dana Ortiz", Description: "territory West · 2 of 8 · free"}, Stages: stages, CRM: "hubspot"}),
		"modal-3.3-preview-unknowns": Preview(moneyless, PreviewForm{Problem: "They have it already. Choose somebody else."}),
		"modal-7.5-open-already": Preview(with(review, func(c *expansion.Case) {
			c.Duplicates = []expansion.OpenOpportunity{{CRMID: "006B", Name: "Brightwater renewal + seats", Stage: "Proposal", Owner: "marcus"}}
		}), PreviewForm{CRM: "salesforce"}),
		"modal-4.2-brief":       Brief(pending),
		"modal-4.2-brief-empty": Brief(expansion.Case{Now: clock("09:00")}),
		"modal-4.6-outcome":     Outcome(pending),
		"modal-6.3-why":         Why(pending),
		"modal-6.3-why-plan":    Why(review),
		"modal-6.3-why-nothing": Why(with(review, func(c *expansion.Case) { c.Plan = nil })),
		"modal-7.7-not-mine":    NotMine(pending),
		"modal-7.8-not-real":    NotReal(pending),
		"modal-7.8-disagree":    Disagree(pending),
		"modal-3.5-dismiss":     Dismiss(review),
		"modal-3.5-later":       Later(review),
		"modal-5.2-reassign":    Reassign(pending, Item{Value: "dana", Text: "Dana Ortiz", Description: "AE · 2 of 8 · free"}),
		"modal-7.2-assign":      Reassign(review, Item{}),
		"modal-5.1-extend":      Extend(pending),
		"modal-4.4-contact":     Contact(with(pending, acknowledged), []Item{{Value: "jo", Text: "Jo Park", Description: "VP Operations"}}),
	}
}

func TestModals(t *testing.T) {
	t.Parallel()
	for name, v := range modals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, v)
		})
	}
}

func homeView() HomeView {
	c := cast()
	return HomeView{
		Viewer: c["priya"], Now: clock("09:41"), Totals: HomeTotals{NeedYou: 4, Open: 11, WonQuarter: 3, WonMoney: []expansion.Money{*usd(87000)}},
		Groups: []HomeGroup{
			{Account: noticed().Account, Cases: []expansion.Case{noticed(), with(routed(), won)}},
			{Account: expansion.Account{ID: "alder", Name: "Alder & Co"}, Cases: []expansion.Case{with(routed(), func(c *expansion.Case) { c.Account.Name = "Alder & Co" })}},
		},
		Page: 1, Pages: 3,
	}
}

func answers() map[string]any {
	c := cast()
	full := homeView()
	filtered := full
	filtered.Groups, filtered.Page, filtered.Pages = nil, 2, 2
	filtered.Filter = HomeFilter{Type: expansion.UsageGrowth, Strength: expansion.Strong, Status: expansion.Routed, Scope: ScopeTeam, Account: Item{Value: "brightwater", Text: "Brightwater Labs"}}
	shadow := full
	shadow.Shadow, shadow.Admin, shadow.Viewer = &ShadowCount{Signals: 12, Customers: 9}, true, c["ravi"]
	return map[string]any{
		"home":          Home(full),
		"home-empty":    Home(HomeView{Viewer: c["priya"], Now: clock("09:41")}),
		"home-filtered": Home(filtered),
		"home-shadow":   Home(shadow),
		"menu":          Menu(false, nil),
		"menu-shadow":   Menu(false, &ShadowCount{Signals: 1, Customers: 1}),
		"menu-go-live":  Menu(true, &ShadowCount{Signals: 12}),
		"account": Account(AccountCard{
			Viewer: c["priya"], Now: clock("09:41"), Account: noticed().Account, Context: noticed().Context, Open: []expansion.Case{noticed()},
			Hold: &expansion.Hold{Holder: "marcus", Until: *day("2026-03-20")}, Activities: newest(with(routed(), acted("09:13", "marcus", "acknowledged", nil)).Activities), People: c,
		}),
		"account-empty":      Account(AccountCard{Now: clock("09:41")}),
		"account-restricted": Account(AccountCard{Now: clock("09:41"), Account: expansion.Account{Name: "Kestrel Freight", Restricted: true}}),
		"list":               List(ListPage{Viewer: c["priya"], Now: clock("09:41"), Filter: "strength:strong", Cases: []expansion.Case{noticed(), routed()}, Page: 1, Pages: 2, Total: 12}),
		"list-none":          List(ListPage{}),
		"mine":               Mine(c["marcus"], clock("09:41"), []expansion.Case{routed(), with(routed(), acknowledged)}, 23),
		"mine-csm":           Mine(c["priya"], clock("09:08"), []expansion.Case{noticed()}, 1),
		"mine-none":          Mine(c["marcus"], clock("09:41"), nil, 0),
		"help":               Help(),
		"unknown":            Unknown("lgo", "log"),
		"unknown-hostile":    Unknown("<!channel>`*x*", ""),
		"notice":             Notice("Only RevOps can publish rules. Ask @ravi."),
		"expired":            Expired("d1"),
		"report": Report(Performance(expansion.Performance{
			Since: clock("09:00").AddDate(0, 0, -30), Until: clock("09:00"), Routed: 58,
			Targets: []expansion.Target{{Name: "Signal to opportunity", Now: "62% (36 of 58)", Target: "over 60%", Enough: true}, {Name: "Win rate", Now: "too few (7)", Target: "over 30%"}},
			ByType:  []expansion.PerformanceRow{{Type: expansion.UsageGrowth, Routed: 40, Acknowledged: 38, Won: 3, Lost: 4, WinRate: expansion.Rate{N: 7}, ARR: []expansion.Money{*usd(64000)}}},
			ByRep:   []expansion.PerformanceRow{{Rep: "marcus", Routed: 12, Acknowledged: 12, Won: 2, WinRate: expansion.Rate{N: 2}}},
		}, "my team", c)),
		"report-none": Report(ReportView{}),
		"busy":        busy(),
		"suggestions": Options([]Item{{Value: "marcus", Text: "Marcus Bell", Description: "AE · 3 of 8 · free"}, {Value: "marcus", Text: "twice"}, {Value: "", Text: "no value"}}),
	}
}

func busy() Message {
	m, err := Render(card(expansion.CardHandoff, routed()))
	if err != nil {
		panic(err)
	}
	return Busy(m)
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, v := range answers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, v)
		})
	}
}
