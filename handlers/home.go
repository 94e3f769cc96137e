package handlers

import (
	"context"
	"strconv"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// homeOpened shows App Home with nothing filtered.
func homeOpened(ctx context.Context, h *Handlers, p *press) error {
	return h.publish(ctx, p, blocks.HomeFilter{}, 1)
}

// homeAgain shows App Home as its filters are set now. A changed filter starts at the
// first page; the page buttons carry theirs.
func homeAgain(ctx context.Context, h *Handlers, p *press) error {
	page := 1
	switch p.Name {
	case blocks.ActionHomePage, blocks.ActionHomeNext, blocks.ActionHomeRefresh:
		if n, err := strconv.Atoi(p.Value); err == nil && n > 0 {
			page = n
		}
	}
	return h.publish(ctx, p, homeFilter(p.View), page)
}

// listHome is "Open in Home" of a list: Slack has no way to open the tab for somebody.
func listHome(ctx context.Context, h *Handlers, p *press) error {
	if err := h.publish(ctx, p, blocks.HomeFilter{Scope: blocks.ScopeAll}, 1); err != nil {
		return err
	}
	return h.show(ctx, p, blocks.Notice("It is in my Home tab now."))
}

// homeFilter reads the filters off a Home's state.
func homeFilter(v *slack.View) blocks.HomeFilter {
	var f blocks.HomeFilter
	if v == nil || v.State == nil {
		return f
	}
	for _, block := range v.State.Values {
		for action, a := range block {
			set := a.SelectedOption.Value
			if set == blocks.OptionAny {
				continue
			}
			switch action {
			case blocks.ActionHomeType:
				f.Type = expansion.SignalType(set)
			case blocks.ActionHomeStrength:
				f.Strength = expansion.Strength(set)
			case blocks.ActionHomeStatus:
				f.Status = expansion.SignalStatus(set)
			case blocks.ActionHomeScope:
				f.Scope = set
			case blocks.ActionHomeAccount:
				f.Account.Value = set
				if a.SelectedOption.Text != nil {
					f.Account.Text = a.SelectedOption.Text.Text
				}
			}
		}
	}
	return f
}

// listFilter is a Home filter as the engine takes it. Without a status it shows what is
// open and not parked.
func listFilter(f blocks.HomeFilter, by expansion.PersonID) engine.ListFilter {
	out := engine.ListFilter{
		AccountID: expansion.AccountID(f.Account.Value),
		Statuses:  []expansion.SignalStatus{expansion.Detected, expansion.Confirmed, expansion.Routed},
	}
	if f.Type != "" {
		out.Types = []expansion.SignalType{f.Type}
	}
	if f.Strength != "" {
		out.Strengths = []expansion.Strength{f.Strength}
	}
	if f.Status != "" {
		out.Statuses = []expansion.SignalStatus{f.Status}
	}
	switch f.Scope {
	case "", blocks.ScopeMine:
		out.Owner = by
	case blocks.ScopeTeam:
		out.Team = by
	}
	return out
}

func (h *Handlers) publish(ctx context.Context, p *press, f blocks.HomeFilter, page int) error {
	found, err := h.e.Home(ctx, p.by.ID, listFilter(f, p.by.ID), page)
	if err != nil {
		return err
	}
	v := blocks.HomeView{
		Viewer: p.by, Now: p.now, Filter: f, Admin: h.e.IsAdmin(p.by), Page: found.Page, Pages: found.Pages,
		Totals: blocks.HomeTotals{NeedYou: found.Totals.NeedYou, Open: found.Totals.Open, WonQuarter: found.Totals.Won, WonMoney: found.Totals.WonARR},
	}
	for _, g := range found.Groups {
		v.Groups = append(v.Groups, blocks.HomeGroup(g))
	}
	if v.Shadow, err = h.shadow(ctx); err != nil {
		return err
	}
	return h.s.PublishHome(ctx, p.User, blocks.Home(v))
}

// shadow is what detection found while it only watches, nil once it is live.
func (h *Handlers) shadow(ctx context.Context) (*blocks.ShadowCount, error) {
	on, seen, err := h.e.Shadow(ctx)
	if err != nil || !on {
		return nil, err
	}
	return &blocks.ShadowCount{Signals: seen}, nil
}
