package blocks

import (
	"testing"

	"expansionbot/expansion"
)

func TestActivityLines(t *testing.T) { // storyboard 3.6, 7.14
	t.Parallel()
	r := read(routed())
	alone := r
	alone.Opportunity = nil
	if got, want := alone.activity(expansion.Activity{At: r.Now, Verb: "opportunity_created"}), "Opportunity created."; got != want {
		t.Errorf("on the account card: got %q, want %q", got, want)
	}
	for _, c := range []struct {
		name   string
		verb   string
		person expansion.PersonID
		args   map[string]any
		want   string
	}{
		{"a delivery names its way as people do", "delivered", "marcus", map[string]any{"channel": "slack"}, "Delivered to Marcus by Slack."},
		{"a stage is named", "stage_changed", "", map[string]any{"from": "appointmentscheduled", "to": "Proposal"}, "Stage changed in Salesforce: Proposal."},
		{"the new owner is the person, never the CRM's id", "owner_changed", "", map[string]any{"to": "81723", "person": "dana"}, "Owner changed to Dana in Salesforce."},
		{"an owner who is not linked has no name here", "owner_changed", "", map[string]any{"to": "81723"}, "Owner changed in Salesforce."},
		{"a day reads as a day", "close_date_changed", "", map[string]any{"to": "2026-06-30"}, "Close date changed to 30 Jun in Salesforce."},
		{"an amount reads as money", "amount_changed", "", map[string]any{"to": "$21,600"}, "Amount changed to $21,600 in Salesforce."},
	} {
		if got := r.activity(expansion.Activity{At: r.Now, Verb: c.verb, Person: c.person, Args: c.args}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhyShowsDaysAsDays(t *testing.T) { // storyboard 6.3, 7.3
	t.Parallel()
	c := with(routed(), func(c *expansion.Case) {
		c.Routing.Decision.Reason = "cover for the original AE on the account, who is away until 2026-04-02; load 2 of 8"
	})
	r := read(c)
	if got, want := r.reason(c.Routing.Decision, lineLen), "cover for the original AE on the account, who is away until 2 Apr; load 2 of 8"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
