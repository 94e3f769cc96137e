package handoff

import "expansionbot/expansion"

// play is what to do and what to be ready for. Its texts are advice: no numbers, no
// prices, no promises, nothing about one customer.
type play struct {
	approach   string
	objections []expansion.Objection
}

// playbook is one play per signal type. Texts are shown as they stand.
var playbook = map[expansion.SignalType]play{
	expansion.UsageGrowth: {
		approach: "Start from what they use today and ask what drives it: a new team, a project, a season. Size the offer for where they will be, not for today's overrun.",
		objections: []expansion.Objection{
			{Says: "This is only a peak.", Answer: "Show how many days it has held, and ask what would bring it down again."},
			{Says: "We can take some people off.", Answer: "Ask who would lose access and what they use it for; then compare that with the price of keeping them."},
			{Says: "We will settle it at renewal.", Answer: "Offer to set terms now that run to the same end date, so that nothing is negotiated twice."},
		},
	},
	expansion.FeatureAdoption: {
		approach: "Ask the people who tried the feature what they wanted to get done. Show that one task in the plan that holds it, then let them tell the decision-maker.",
		objections: []expansion.Objection{
			{Says: "Only a few of us need it.", Answer: "Name the task it saves and who else does it; if it stays a few, look for an offer of that size."},
			{Says: "We have a workaround.", Answer: "Ask what the workaround costs in time and who keeps it running."},
			{Says: "The higher plan holds much we do not need.", Answer: "Talk about the one thing they came for; leave the rest of the list out."},
		},
	},
	expansion.ExplicitRequest: {
		approach: "They asked, so answer first: confirm what they want, for whom and by when, and send a written offer. Keep discovery for after the offer.",
		objections: []expansion.Objection{
			{Says: "It has to be quicker.", Answer: "Agree on the date they need it and work back from it; say at once if it cannot be kept."},
			{Says: "It is more than we thought.", Answer: "Ask what they expected, then cut the scope with them rather than the price."},
			{Says: "Somebody else must sign.", Answer: "Ask to meet that person together, and offer a one-page summary to pass on."},
		},
	},
	expansion.BudgetDiscussion: {
		approach: "Find out how the money is decided: who asks, who signs, and by which date. Give your contact the figures and the reason in the form their process wants.",
		objections: []expansion.Objection{
			{Says: "The budget is not approved yet.", Answer: "Ask what the approver needs to see and by when, and deliver exactly that."},
			{Says: "Other projects come first.", Answer: "Tie it to a goal they named themselves; if there is none, agree on a later date."},
			{Says: "We need a lower figure for the plan.", Answer: "Offer a first step and a later one, each with its own figure."},
		},
	},
	expansion.CapacityLimit: {
		approach: "Bring the date on which they reach the limit and what happens then. Offer room before that date, and check first that the growth is real and wanted.",
		objections: []expansion.Objection{
			{Says: "We will clean up instead.", Answer: "Agree on what that would free and by when, and look at the numbers together afterwards."},
			{Says: "We did not know there was a limit.", Answer: "Show where it stands in the contract and what it looks like over time; do not argue about blame."},
			{Says: "Why should growth cost more?", Answer: "Ask what the growth brings them, and compare."},
		},
	},
	expansion.HealthIndicator: {
		approach: "They are doing well; there is no ask yet. Find out what works and for whom, and whether a neighbouring team has the same need. Do not open with an offer.",
		objections: []expansion.Objection{
			{Says: "We are happy with what we have.", Answer: "Agree, ask what made the difference, and who else there has the same task."},
			{Says: "Is this a sales call?", Answer: "Say yes, say why you call now, and let them choose the time."},
		},
	},
}

// openPlay is for a signal whose type has no play.
var openPlay = play{
	approach: "Find out what they need, for whom and by when, before you offer anything.",
	objections: []expansion.Objection{
		{Says: "Why do you call?", Answer: "Say what was noticed and ask whether it means what it seems to."},
		{Says: "Not now.", Answer: "Ask what would have to change, and agree on a date to look again."},
	},
}

// asks is what the account may need, in the words of a headline and of an offer.
var asks = map[expansion.ExpansionType]struct{ need, offer string }{
	expansion.Seats:     {"more seats", "Offer more seats"},
	expansion.Tier:      {"a higher plan", "Offer the plan that holds what they look for"},
	expansion.Upsell:    {"more of what it has", "Offer more of what they use"},
	expansion.CrossSell: {"another product", "Offer the product the signal is about"},
}

// kinship is what the way the rep was chosen says about how to come in.
var kinship = map[expansion.RuleKind]string{
	expansion.KindOpenOpportunity: "You own an open opportunity on this account: decide first whether this joins it.",
	expansion.KindOriginalAE:      "You are their original AE: say so when you call.",
	expansion.KindNamed:           "You are their named executive.",
}

// Objections that facts of the account add.
var (
	objectionHealth     = expansion.Objection{Says: "We have open problems with what we bought.", Answer: "Go through them with the CSM before you call; offer nothing new until they have an owner and a date."}
	objectionCompetitor = expansion.Objection{Says: "We are looking at others too.", Answer: "Ask what they miss with you; see Competitors for their words. Say nothing against the other."}
)
