package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"expansionbot/crm"
)

type property struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Unique bool   `json:"hasUniqueValue"`
}

// dealProps lists the deal properties and remembers which of ours there are.
func (c *Client) dealProps(ctx context.Context, op string) (map[string]property, http.Header, error) {
	var in struct {
		Results []property `json:"results"`
	}
	header, err := c.do(ctx, call{op: op, method: http.MethodGet, path: c.path("properties", "deals")}, &in)
	if err != nil {
		return nil, nil, err
	}
	all, known := map[string]property{}, map[string]bool{}
	for _, p := range in.Results {
		all[p.Name] = p
		known[p.Name] = true
	}
	c.mu.Lock()
	c.known = known
	c.mu.Unlock()
	return all, header, nil
}

// optional says which of our text properties exist, asking HubSpot once and only when
// in has a value for one.
func (c *Client) optional(ctx context.Context, op string, in crm.OpportunityInput) (map[string]bool, error) {
	if in.ExpansionType == "" && in.SignalType == "" {
		return nil, nil
	}
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	if _, _, err := c.dealProps(ctx, op); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known, nil
}

// Prepare makes expansion_opportunity_id, a text property with unique values. One
// that exists without being unique cannot be changed and is Rejected.
func (c *Client) Prepare(ctx context.Context) error {
	const op = "prepare"
	all, _, err := c.dealProps(ctx, op)
	if err != nil {
		return err
	}
	if p, ok := all[keyProperty]; ok {
		if !p.Unique {
			return &crm.Error{Kind: crm.Rejected, Op: op, Text: "the deal property " + keyProperty + " exists but its values are not unique"}
		}
		return nil
	}
	body := map[string]any{
		"name": keyProperty, "label": "Expansion opportunity ID", "type": "string", "fieldType": "text", "groupName": "dealinformation",
		"hasUniqueValue": true, "description": "Set by Expansion; keeps one deal per opportunity. Do not edit.",
	}
	_, err = c.do(ctx, call{op: op, method: http.MethodPost, path: c.path("properties", "deals"), body: body, write: true}, nil)
	if e, ok := crm.AsError(err); ok && e.Status == http.StatusConflict {
		return nil // another replica made it just now
	}
	return err
}

// lowBudget is the share of the day's calls left at which Check warns.
const lowBudget = 0.2

// Check looks at the token, the properties, the pipeline, the owners, the companies
// and the calls left today.
func (c *Client) Check(ctx context.Context) []crm.Finding {
	var out []crm.Finding
	add := func(level crm.Level, fix, what string, args ...any) {
		out = append(out, crm.Finding{Level: level, What: fmt.Sprintf(what, args...), Fix: fix})
	}
	all, header, err := c.dealProps(ctx, "check")
	if err != nil {
		e, _ := crm.AsError(err)
		if e.Kind == crm.Auth {
			add(crm.LevelFail, "Set crm.hubspot.token to a service key or private-app token with the scopes for deals, companies, owners and schemas.", "HubSpot refuses the token (status %d).", e.Status)
		} else {
			add(crm.LevelFail, "Check crm.hubspot.api_url and the network, then HubSpot's status page.", "HubSpot does not answer: %s.", e.Text)
		}
		return out
	}
	add(crm.LevelPass, "", "HubSpot accepts the token.")
	switch p, ok := all[keyProperty]; {
	case !ok:
		add(crm.LevelWarn, "It is created at the next start; the token needs the scope crm.schemas.deals.write.", "The deal property %s is missing.", keyProperty)
	case !p.Unique:
		add(crm.LevelFail, "Delete or rename that property in HubSpot, so that the bot can make it with unique values.", "The deal property %s has no unique values, so deals could be doubled.", keyProperty)
	default:
		add(crm.LevelPass, "", "The deal property %s keeps one deal per opportunity.", keyProperty)
	}
	for _, name := range []string{typeProperty, signalProperty} {
		if _, ok := all[name]; ok {
			add(crm.LevelPass, "", "The deal property %s is filled in.", name)
		} else {
			add(crm.LevelWarn, "Create a single-line text property of that name on deals if you want to report on it.", "The deal property %s does not exist and is not written.", name)
		}
	}
	c.checkPipeline(ctx, add)
	c.checkReads(ctx, add)
	checkBudget(header, add)
	return out
}

type adder func(level crm.Level, fix, what string, args ...any)

func (c *Client) checkPipeline(ctx context.Context, add adder) {
	p, err := c.readPipeline(ctx, "check")
	if err != nil {
		add(crm.LevelFail, "Set crm.hubspot.pipeline to the id of a deal pipeline, or leave it empty for the default one.", "The deal pipeline %q cannot be read.", c.pipeline)
		return
	}
	has := map[crm.Meaning]bool{}
	stages := p.stages()
	for _, s := range stages {
		has[crm.StageMeaning(s)] = true
	}
	if !has[crm.MeaningRouted] || !has[crm.MeaningWon] || !has[crm.MeaningLost] {
		add(crm.LevelFail, "Give the pipeline an open first stage, a closed stage of probability 100% and a closed one of 0%.", "The deal pipeline %s has no open, no won or no lost stage.", p.Label)
		return
	}
	add(crm.LevelPass, "", "The deal pipeline %s has %d stages, won and lost among them.", p.Label, len(stages))
}

func (c *Client) checkReads(ctx context.Context, add adder) {
	owners, err := c.Owners(ctx)
	active := 0
	for _, o := range owners {
		if o.Active {
			active++
		}
	}
	switch {
	case err != nil:
		add(crm.LevelFail, "Give the token the scope crm.objects.owners.read.", "The owners cannot be read.")
	case active == 0:
		add(crm.LevelFail, "Invite the sellers to HubSpot.", "HubSpot has no active owner.")
	default:
		add(crm.LevelPass, "", "HubSpot has %d active owners.", active)
	}
	body := searchInput{FilterGroups: []filterGroup{}, Sorts: []string{}, Properties: companyProperties, Limit: 1, After: "0"}
	req := call{op: "check", method: http.MethodPost, path: c.path("objects", "companies", "search"), body: body, search: true}
	if _, err := c.do(ctx, req, nil); err != nil {
		add(crm.LevelFail, "Give the token the scope crm.objects.companies.read.", "The companies cannot be searched.")
		return
	}
	add(crm.LevelPass, "", "The companies can be searched.")
}

// checkBudget reads the day's limit; OAuth tokens are not told it.
func checkBudget(h http.Header, add adder) {
	most, err1 := strconv.ParseFloat(h.Get("X-HubSpot-RateLimit-Daily"), 64)
	left, err2 := strconv.ParseFloat(h.Get("X-HubSpot-RateLimit-Daily-Remaining"), 64)
	if err1 != nil || err2 != nil || most <= 0 {
		return
	}
	if left < most*lowBudget {
		add(crm.LevelWarn, "See in HubSpot which integration uses up the calls, or buy the API add-on.", "Only %.0f of %.0f HubSpot calls are left today.", left, most)
		return
	}
	add(crm.LevelPass, "", "%.0f of %.0f HubSpot calls are left today.", left, most)
}
