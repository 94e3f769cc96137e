package handlers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// searchLimit is how many hits a typed search asks for; bytes cut the answer further.
const searchLimit = 50

// Suggest implements bot.Handler. It always answers: an empty list is better than
// Slack's "could not load".
func (h *Handlers) Suggest(ctx context.Context, c *Call) any {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	items, err := h.suggest(ctx, c)
	if err != nil {
		h.log.WarnContext(ctx, "no suggestions", "envelope_id", c.Env.ID, "name", c.Name, "err", err)
	}
	return blocks.Options(items)
}

func (h *Handlers) suggest(ctx context.Context, c *Call) ([]blocks.Item, error) {
	if _, err := h.e.PersonBySlack(ctx, c.User); err != nil {
		return nil, err
	}
	switch c.Name {
	case blocks.InputAccount, blocks.ActionMenuAccount, blocks.ActionHomeAccount:
		found, err := h.e.SearchAccounts(ctx, c.Args, searchLimit)
		if err != nil {
			return nil, err
		}
		var items []blocks.Item
		for _, a := range found {
			items = append(items, accountItem(a))
		}
		if len(items) == 0 && c.Name == blocks.InputAccount && c.Args != "" {
			items = append(items, blocks.Item{
				Value: blocks.AccountNotInCRM + cutRunes(strings.Join(strings.Fields(c.Args), " "), 60), Text: "Not in CRM yet", Description: fmt.Sprintf("No account called '%s'. Check the CRM name or pick this.", cutRunes(c.Args, 20)),
			})
		}
		return items, nil
	case blocks.InputPeople:
		return h.suggestContacts(ctx, c)
	case blocks.InputRecipient:
		found, err := h.e.SearchPeople(ctx, c.Args, searchLimit)
		if err != nil {
			return nil, err
		}
		var items []blocks.Item
		for _, p := range found {
			items = append(items, peopleItem(p, h.e.Now()))
		}
		return items, nil
	}
	return nil, fmt.Errorf("nothing to suggest for %q", c.Name)
}

// suggestContacts offers the people of the account that is chosen in the same modal.
func (h *Handlers) suggestContacts(ctx context.Context, c *Call) ([]blocks.Item, error) {
	account := chosen(c.View, blocks.BlockAccount)
	if account == "" || strings.HasPrefix(account, blocks.AccountNotInCRM) {
		return nil, nil
	}
	found, err := h.e.Contacts(ctx, expansion.AccountID(account))
	if err != nil {
		return nil, err
	}
	var items []blocks.Item
	for _, k := range found {
		if typed := strings.ToLower(c.Args); typed == "" || strings.Contains(strings.ToLower(k.Name+" "+k.Title), typed) {
			items = append(items, blocks.Item{Value: k.ID, Text: k.Name, Description: k.Title})
		}
	}
	return items, nil
}

// chosen is the option picked in a block of a view, "" for none.
func chosen(v *slack.View, block string) string {
	if v == nil || v.State == nil {
		return ""
	}
	for _, a := range v.State.Values[block] {
		return a.SelectedOption.Value
	}
	return ""
}

func accountItem(a expansion.Account) blocks.Item {
	var more []string
	for _, s := range []string{a.Domain, a.Segment, a.Region} {
		if s != "" {
			more = append(more, s)
		}
	}
	return blocks.Item{Value: string(a.ID), Text: a.Name, Description: strings.Join(more, " · ")}
}

// peopleItem is "Dana Ortiz" with "AE · territory West · 2 of 8 · free" below.
func peopleItem(p engine.PersonChoice, now time.Time) blocks.Item {
	more := []string{p.Role.Label()}
	if p.Territory != "" {
		more = append(more, "territory "+p.Territory)
	}
	load := fmt.Sprintf("%d open", p.Open)
	if p.MaxOpen != nil {
		load = fmt.Sprintf("%d of %d", p.Open, *p.MaxOpen)
	}
	more = append(more, load)
	switch {
	case p.AwayUntil != nil && !p.AwayUntil.Before(localDate(now, p.Location())):
		more = append(more, "away until "+p.AwayUntil.Format("2 Jan"))
	case p.MaxOpen != nil && p.Open >= *p.MaxOpen:
		more = append(more, "full")
	default:
		more = append(more, "free")
	}
	return blocks.Item{Value: string(p.ID), Text: p.Name, Description: strings.Join(more, " · ")}
}
