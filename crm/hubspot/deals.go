package hubspot

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"expansionbot/crm"
)

// Upsert creates or changes the deal of in.Key by a batch upsert of one: a conflict in
// a larger batch would refuse all of it. AccountID is not written; see Associate.
func (c *Client) Upsert(ctx context.Context, in crm.OpportunityInput) (crm.WriteResult, error) {
	const op = "upsert"
	if in.Key == "" {
		return crm.WriteResult{}, &crm.Error{Kind: crm.Rejected, Op: op, Text: "an upsert needs a key"}
	}
	var out objects
	err := c.write(ctx, op, in, func(props map[string]string) error {
		body := map[string]any{"inputs": []batchInput{{ID: in.Key, IDProperty: keyProperty, Properties: props}}}
		_, err := c.do(ctx, call{op: op, method: http.MethodPost, path: c.path("objects", "deals", "batch", "upsert"), body: body, write: true}, &out)
		return err
	})
	if err != nil {
		return crm.WriteResult{}, err
	}
	if len(out.Results) != 1 || out.Results[0].ID == "" {
		return crm.WriteResult{}, &crm.Error{Kind: crm.Unknown, Op: op, Text: "the answer names no deal"}
	}
	o := out.Results[0]
	return crm.WriteResult{ID: o.ID, URL: c.dealURL(ctx, o), Created: o.New}, nil
}

// Update changes a deal by HubSpot's id. With nothing to write it only looks whether
// the deal is there.
func (c *Client) Update(ctx context.Context, id string, in crm.OpportunityInput) (crm.WriteResult, error) {
	const op = "update"
	if id == "" {
		return crm.WriteResult{}, &crm.Error{Kind: crm.Rejected, Op: op, Text: "an update needs the CRM's id"}
	}
	var o object
	err := c.write(ctx, op, in, func(props map[string]string) error {
		req := call{op: op, method: http.MethodPatch, path: c.path("objects", "deals", id), body: map[string]any{"properties": props}, write: true}
		if len(props) == 0 {
			req = call{op: op, method: http.MethodGet, path: c.path("objects", "deals", id)}
		}
		_, err := c.do(ctx, req, &o)
		return err
	})
	if err != nil {
		return crm.WriteResult{}, err
	}
	if o.ID == "" {
		return crm.WriteResult{}, &crm.Error{Kind: crm.Unknown, Op: op, Text: "the answer names no deal"}
	}
	return crm.WriteResult{ID: o.ID, URL: c.dealURL(ctx, o)}, nil
}

// Associate joins a deal with a company by HubSpot's default association; the first
// company of a deal becomes its primary one.
func (c *Client) Associate(ctx context.Context, id, accountID string) error {
	_, err := c.do(ctx, call{
		op: "associate", method: http.MethodPut, write: true,
		path: c.path("objects", "deals", id, "associations", "default", "companies", accountID),
	}, nil)
	return err
}

// FindByKey reads deals by our unique property. Archived deals have lost their key
// and are absent.
func (c *Client) FindByKey(ctx context.Context, keys []string) ([]crm.Snapshot, error) {
	return c.readDeals(ctx, "find by key", keys, keyProperty)
}

// Read reads deals by HubSpot's ids, the archived ones in a second call.
func (c *Client) Read(ctx context.Context, ids []string) ([]crm.Snapshot, error) {
	return c.readDeals(ctx, "read", ids, "")
}

func (c *Client) readDeals(ctx context.Context, op string, ids []string, idProperty string) ([]crm.Snapshot, error) {
	found, err := c.batchRead(ctx, op, "deals", ids, idProperty, dealProperties, false)
	if err != nil {
		return nil, err
	}
	if idProperty == "" {
		missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			return slices.ContainsFunc(found, func(o object) bool { return o.ID == id })
		})
		archived, err := c.batchRead(ctx, op, "deals", missing, "", dealProperties, true)
		if err != nil {
			return nil, err
		}
		found = append(found, archived...)
	}
	return c.snapshots(ctx, op, found)
}

// snapshots adds what a deal's properties don't have: its primary company and link.
func (c *Client) snapshots(ctx context.Context, op string, found []object) ([]crm.Snapshot, error) {
	companies, err := c.primaryCompanies(ctx, op, found)
	if err != nil {
		return nil, err
	}
	out := make([]crm.Snapshot, 0, len(found))
	for _, o := range found {
		s := snapshot(o)
		s.AccountID, s.URL = companies[o.ID], c.dealURL(ctx, o)
		out = append(out, s)
	}
	return out, nil
}

// batchRead reads records 100 a call. Missing ones are absent: HubSpot answers 207.
func (c *Client) batchRead(ctx context.Context, op, kind string, ids []string, idProperty string, properties []string, archived bool) ([]object, error) {
	ids = distinct(ids)
	path := c.path("objects", kind, "batch", "read")
	if archived {
		path = withQuery(path, "archived", "true")
	}
	var found []object
	for part := range slices.Chunk(ids, batchSize) {
		inputs := make([]batchInput, 0, len(part))
		for _, id := range part {
			inputs = append(inputs, batchInput{ID: id})
		}
		body := map[string]any{"inputs": inputs, "properties": properties, "propertiesWithHistory": []string{}}
		if idProperty != "" {
			body["idProperty"] = idProperty
		}
		var out objects
		if _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: path, body: body}, &out); err != nil {
			return nil, err
		}
		found = append(found, out.Results...)
	}
	return found, nil
}

// distinct sorts and drops empty and repeated ids, which HubSpot would refuse.
func distinct(ids []string) []string {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "" })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// primaryCompany is HubSpot's association type from a deal to its primary company.
const primaryCompany = 5

type linked struct {
	To    objectID `json:"toObjectId"`
	Types []struct {
		TypeID int `json:"typeId"`
	} `json:"associationTypes"`
}

func (l linked) primary() bool {
	for _, t := range l.Types {
		if t.TypeID == primaryCompany {
			return true
		}
	}
	return false
}

// primaryCompanies maps deals to their primary company, or to the one with the lowest
// id if none is primary. Archived deals have no associations to read.
func (c *Client) primaryCompanies(ctx context.Context, op string, deals []object) (map[string]string, error) {
	var inputs []batchInput
	for _, o := range deals {
		if !o.Archived {
			inputs = append(inputs, batchInput{ID: o.ID})
		}
	}
	companies := map[string]string{}
	for part := range slices.Chunk(inputs, linkBatchSize) {
		var out struct {
			Results []struct {
				From struct {
					ID objectID `json:"id"`
				} `json:"from"`
				To []linked `json:"to"`
			} `json:"results"`
		}
		req := call{op: op, method: http.MethodPost, path: c.path("associations", "deals", "companies", "batch", "read"), body: map[string]any{"inputs": part}}
		if _, err := c.do(ctx, req, &out); err != nil {
			return nil, err
		}
		for _, r := range out.Results {
			if len(r.To) == 0 {
				continue
			}
			best := slices.MinFunc(r.To, func(a, b linked) int {
				if a.primary() != b.primary() {
					if a.primary() {
						return -1
					}
					return 1
				}
				return compareIDs(string(a.To), string(b.To))
			})
			companies[string(r.From.ID)] = string(best.To)
		}
	}
	return companies, nil
}

// compareIDs orders HubSpot's ids, numbers without leading zeros.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// linkedIDs lists the ids of a kind that a record is associated with.
func (c *Client) linkedIDs(ctx context.Context, op, kind, id, toKind string) ([]string, http.Header, error) {
	var ids []string
	after := ""
	for {
		var out struct {
			Results []linked `json:"results"`
			Paging  paging   `json:"paging"`
		}
		path := withQuery(c.path("objects", kind, id, "associations", toKind), "limit", "500", "after", after)
		header, err := c.do(ctx, call{op: op, method: http.MethodGet, path: path}, &out)
		if err != nil {
			return nil, nil, err
		}
		for _, l := range out.Results {
			ids = append(ids, string(l.To))
		}
		if next := out.Paging.Next.After; next == "" || next == after {
			return ids, header, nil
		} else {
			after = next
		}
	}
}

// opOpenOpportunities is the one call that a signal waits for on its way to a seller.
const opOpenOpportunities = "open opportunities"

// OpenOpportunities goes by association, which search would show only later.
func (c *Client) OpenOpportunities(ctx context.Context, accountID string) ([]crm.Snapshot, error) {
	const op = opOpenOpportunities
	ids, _, err := c.linkedIDs(ctx, op, "companies", accountID, "deals")
	if err != nil {
		return nil, err
	}
	found, err := c.batchRead(ctx, op, "deals", ids, "", dealProperties, false)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(o object) bool { return o.value("hs_is_closed") == "true" })
	slices.SortFunc(found, func(a, b object) int { return compareIDs(a.ID, b.ID) })
	return c.snapshots(ctx, op, found)
}

// Archive moves a deal to HubSpot's recycle bin, where it stays for 90 days.
func (c *Client) Archive(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{op: "archive", method: http.MethodDelete, path: c.path("objects", "deals", id), write: true}, nil)
	if isKind(err, crm.Gone) {
		return nil
	}
	return err
}

// write calls send with in's properties. When HubSpot says that one of them is gone,
// an admin may have deleted an optional one since we looked: nothing was written, so
// we look again and, if that leaves something out, send once more.
func (c *Client) write(ctx context.Context, op string, in crm.OpportunityInput, send func(props map[string]string) error) error {
	optional, err := c.optional(ctx, op, in)
	if err != nil {
		return err
	}
	props := c.properties(in, optional)
	err = send(props)
	if _, ok := errors.AsType[missingProperty](err); !ok || optional == nil {
		return err
	}
	if _, _, lookErr := c.dealProps(ctx, op); lookErr != nil {
		return err
	}
	if optional, _ = c.optional(ctx, op, in); len(c.properties(in, optional)) == len(props) {
		return err
	}
	return send(c.properties(in, optional))
}
