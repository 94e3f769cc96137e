package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
)

// Check is doctor: one line for each part, those of the CRM and the channels included.
// It changes nothing.
func (e *Engine) Check(ctx context.Context) []expansion.Check {
	out := []expansion.Check{e.checkStore(ctx)}
	if e.crm == nil {
		out = append(out, expansion.Check{Level: expansion.CheckWarn, What: "CRM", Text: "none is configured; opportunities are kept here only", Fix: "Set crm.kind and its keys in config.yaml."})
	} else {
		levels := map[crm.Level]expansion.CheckLevel{crm.LevelPass: expansion.CheckPass, crm.LevelWarn: expansion.CheckWarn, crm.LevelFail: expansion.CheckFail}
		for _, f := range e.crm.Check(ctx) {
			out = append(out, expansion.Check{Level: levels[f.Level], What: e.crmLabel(), Text: f.What, Fix: f.Fix})
		}
	}
	for _, name := range []string{"slack", "email"} {
		if ch, ok := e.channels[name]; ok {
			out = append(out, ch.Check(ctx)...)
		}
	}
	return append(out, e.checkPeople(ctx), e.checkWork(ctx))
}

func (e *Engine) checkStore(ctx context.Context) expansion.Check {
	c := expansion.Check{Level: expansion.CheckPass, What: "Store"}
	n, err := e.store.Counts(ctx)
	if err != nil {
		c.Level, c.Text, c.Fix = expansion.CheckFail, "the database does not answer", "Check store.dsn and that the database runs."
		return c
	}
	c.Text = fmt.Sprintf("%s; %d people, %d accounts, %d usage rows, %d signals, %d routings", e.store.Dialect(), n.People, n.Accounts, n.Usage, n.Signals, n.Routings)
	if n.People == 0 || n.Accounts == 0 {
		c.Level, c.Fix = expansion.CheckWarn, "Import people.csv and accounts.csv: expansionbot import DIR."
	}
	return c
}

func (e *Engine) checkPeople(ctx context.Context) expansion.Check {
	c := expansion.Check{Level: expansion.CheckPass, What: "People"}
	people, err := e.store.People(ctx)
	if err != nil {
		c.Level, c.Text = expansion.CheckFail, "cannot be read"
		return c
	}
	var noSlack []string
	for _, p := range people {
		if p.Active && p.SlackID == "" {
			noSlack = append(noSlack, p.Email)
		}
	}
	slices.Sort(noSlack)
	if len(noSlack) > 0 {
		c.Level, c.Text = expansion.CheckWarn, fmt.Sprintf("%d without a Slack account linked yet, first %s", len(noSlack), noSlack[0])
		c.Fix = "They are linked by e-mail at their first message; give slack_id in people.csv where the addresses differ."
		return c
	}
	c.Text = fmt.Sprintf("%d, all linked to Slack", len(people))
	if len(people) == 0 {
		c.Level, c.Text, c.Fix = expansion.CheckWarn, "nobody yet", "Import people.csv: expansionbot import people.csv."
	}
	return c
}

func (e *Engine) checkWork(ctx context.Context) expansion.Check {
	c := expansion.Check{Level: expansion.CheckPass, What: "Work"}
	states, err := e.store.JobsByState(ctx)
	if err != nil {
		c.Level, c.Text = expansion.CheckFail, "the job table cannot be read"
		return c
	}
	late, err := e.store.OpenWaits(ctx, e.clock.Now().Add(-10*time.Minute), 1000)
	if err != nil {
		c.Level, c.Text = expansion.CheckFail, "the promises cannot be read"
		return c
	}
	c.Text = fmt.Sprintf("%d jobs due, %d waiting, %d given up; %d promises late", states["available"]+states["running"], states["scheduled"]+states["retryable"], states["discarded"], len(late))
	if states["discarded"] > 0 || len(late) > 0 {
		c.Level, c.Fix = expansion.CheckWarn, "Look for errors in the log; late promises are kept when serve runs."
	}
	return c
}
