package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"expansionbot/crm"
	"expansionbot/expansion"
)

// FindAccount looks for the company by the first reference that finds any. A CRMID is
// final: one that is not there does not fall back to a domain. A name that fits a
// company of another domain than ref's is not a match.
func (c *Client) FindAccount(ctx context.Context, ref crm.AccountRef) (crm.Account, error) {
	const op = "find account"
	domain := bareDomain(ref.Domain)
	if ref.CRMID != "" {
		var o object
		path := withQuery(c.path("objects", "companies", ref.CRMID), "properties", strings.Join(companyProperties, ","))
		_, err := c.do(ctx, call{op: op, method: http.MethodGet, path: path}, &o)
		if isKind(err, crm.Gone) {
			return crm.Account{}, expansion.Errorf(expansion.CodeNotFound, "No company has the HubSpot id %s; check the account's CRM id.", ref.CRMID)
		}
		if err != nil {
			return crm.Account{}, err
		}
		return c.companyAccount(ctx, o), nil
	}
	type try struct{ property, value, said string }
	var tries []try
	if c.account != "" && ref.ExternalID != "" {
		tries = append(tries, try{c.account, ref.ExternalID, "the account id " + ref.ExternalID})
	}
	if domain != "" {
		tries = append(tries, try{"domain", domain, "the domain " + domain})
	}
	if name := strings.TrimSpace(ref.Name); name != "" {
		tries = append(tries, try{"name", name, "the name " + name})
	}
	for _, t := range tries {
		found, err := c.searchCompanies(ctx, op, t.property, t.value)
		if err != nil {
			return crm.Account{}, err
		}
		if t.property == "name" && domain != "" {
			found = slices.DeleteFunc(found, func(o object) bool { return o.value("domain") != "" && bareDomain(o.value("domain")) != domain })
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return c.companyAccount(ctx, found[0]), nil
		}
		return crm.Account{}, expansion.Errorf(expansion.CodeConflict, "%d companies in HubSpot have %s; merge them or set the account's CRM id.", len(found), t.said)
	}
	if len(tries) == 0 {
		return crm.Account{}, expansion.Errorf(expansion.CodeNotFound, "The account has no CRM id, domain or name to look for in HubSpot; add one.")
	}
	return crm.Account{}, expansion.Errorf(expansion.CodeNotFound, "No company in HubSpot has %s; check the account's domain or set its CRM id.", tries[0].said)
}

// searchCompanies returns up to 10 companies with exactly the value, which is checked
// here once more: the search index compares loosely.
func (c *Client) searchCompanies(ctx context.Context, op, property, value string) ([]object, error) {
	properties := companyProperties
	if !slices.Contains(properties, property) {
		properties = append(slices.Clone(properties), property)
	}
	body := searchInput{
		FilterGroups: []filterGroup{{Filters: []filter{{Property: property, Operator: "EQ", Value: value}}}},
		Sorts:        []string{"hs_object_id"}, Properties: properties, Limit: 10, After: "0",
	}
	var out objects
	req := call{op: op, method: http.MethodPost, path: c.path("objects", "companies", "search"), body: body, search: true}
	if _, err := c.do(ctx, req, &out); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out.Results, func(o object) bool {
		have := o.value(property)
		if property == "domain" {
			have = bareDomain(have)
		}
		return o.Archived || !strings.EqualFold(strings.TrimSpace(have), value)
	}), nil
}

func (c *Client) companyAccount(ctx context.Context, o object) crm.Account {
	a := crm.Account{ID: o.ID, Name: o.value("name"), Domain: o.value("domain"), OwnerID: o.value("hubspot_owner_id"), URL: o.URL}
	if a.URL == "" {
		a.URL = c.link(ctx, "0-2", o.ID)
	}
	return a
}

// bareDomain turns what people type into what HubSpot keeps: "https://www.X.example/a"
// is "x.example".
func bareDomain(d string) string {
	d = strings.ToLower(strings.TrimSpace(d))
	if _, rest, ok := strings.Cut(d, "://"); ok {
		d = rest
	}
	d, _, _ = strings.Cut(d, "/")
	return strings.TrimPrefix(d, "www.")
}

// Owners lists the active owners and then the deactivated ones.
func (c *Client) Owners(ctx context.Context) ([]crm.Owner, error) {
	var out []crm.Owner
	for _, archived := range []bool{false, true} {
		after := ""
		for {
			var in struct {
				Results []struct {
					ID       string `json:"id"`
					Email    string `json:"email"`
					First    string `json:"firstName"`
					Last     string `json:"lastName"`
					Archived bool   `json:"archived"`
				} `json:"results"`
				Paging paging `json:"paging"`
			}
			path := withQuery(c.path("owners"), "limit", "100", "after", after, "archived", strconv.FormatBool(archived))
			if _, err := c.do(ctx, call{op: "owners", method: http.MethodGet, path: path}, &in); err != nil {
				return nil, err
			}
			for _, o := range in.Results {
				out = append(out, crm.Owner{ID: o.ID, Email: strings.ToLower(o.Email), Name: strings.TrimSpace(o.First + " " + o.Last), Active: !o.Archived && !archived})
			}
			if next := in.Paging.Next.After; next == "" || next == after {
				break
			} else {
				after = next
			}
		}
	}
	return out, nil
}

type pipeline struct {
	Label  string          `json:"label"`
	Stages []pipelineStage `json:"stages"`
}

// pipelineStage has its numbers and flags as text in Metadata.
type pipelineStage struct {
	ID       string            `json:"id"`
	Label    string            `json:"label"`
	Order    int               `json:"displayOrder"`
	Archived bool              `json:"archived"`
	Metadata map[string]string `json:"metadata"`
}

func (p pipeline) stages() []crm.Stage {
	slices.SortStableFunc(p.Stages, func(a, b pipelineStage) int { return a.Order - b.Order })
	out := []crm.Stage{}
	for _, s := range p.Stages {
		if s.Archived {
			continue
		}
		prob, _ := strconv.ParseFloat(s.Metadata["probability"], 64) // absent is 0
		closed := s.Metadata["isClosed"] == "true"
		out = append(out, crm.Stage{ID: s.ID, Label: s.Label, Probability: prob, Closed: closed, Won: closed && prob == 1, Order: len(out)})
	}
	return out
}

// Stages reads the configured pipeline. A closed stage of probability 1 is won, any
// other closed one lost.
func (c *Client) Stages(ctx context.Context) ([]crm.Stage, error) {
	p, err := c.readPipeline(ctx, "stages")
	if err != nil {
		return nil, err
	}
	return p.stages(), nil
}

func (c *Client) readPipeline(ctx context.Context, op string) (pipeline, error) {
	var p pipeline
	_, err := c.do(ctx, call{op: op, method: http.MethodGet, path: c.path("pipelines", "deals", c.pipeline)}, &p)
	return p, err
}

// portal is what links to records are made of.
type portal struct {
	ID     int64  `json:"portalId"`
	Domain string `json:"uiDomain"`
}

// dealURL is the deal's page: what HubSpot says, or the usual form.
func (c *Client) dealURL(ctx context.Context, o object) string {
	if o.URL != "" {
		return o.URL
	}
	return c.link(ctx, "0-3", o.ID)
}

// link makes a record's address, "" while the account's details cannot be read: a
// missing link is no reason to fail a write that succeeded.
func (c *Client) link(ctx context.Context, typeID, id string) string {
	c.mu.Lock()
	p := c.portal
	c.mu.Unlock()
	if p == nil {
		p = &portal{}
		_, err := c.do(ctx, call{op: "account", method: http.MethodGet, path: c.accountPath()}, p)
		if err != nil && !isKind(err, crm.Auth) && !isKind(err, crm.Rejected) && !isKind(err, crm.Gone) {
			return "" // ask again next time
		}
		c.mu.Lock()
		c.portal = p
		c.mu.Unlock()
	}
	if p.ID == 0 || p.Domain == "" {
		return ""
	}
	return fmt.Sprintf("https://%s/contacts/%d/record/%s/%s", p.Domain, p.ID, typeID, id)
}
