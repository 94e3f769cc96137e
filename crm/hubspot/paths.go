package hubspot

import (
	"net/url"
	"strings"
)

// The API versions. HubSpot ends support of v4 associations on 2027-03-30 and of v3
// in September 2027.
const v3 = "v3"

var versions = []string{v3, "2026-03", "2026-09"}

// path names a resource in the configured version: the one place that knows where
// HubSpot puts it. area is objects, associations, pipelines, owners or properties;
// parts are escaped. It has no leading slash, so that a base address may have a path.
//
//	v3:      crm/v3/objects/deals/7    crm/v4/objects/deals/7/associations/notes
//	2026-03: crm/objects/2026-03/deals/7    crm/objects/2026-03/deals/7/associations/notes
func (c *Client) path(area string, parts ...string) string {
	links := area == "associations"
	for i, p := range parts {
		links = links || i == 2 && p == "associations"
	}
	head := []string{"crm", area, c.version}
	if c.version == v3 {
		head = []string{"crm", v3, area}
		if links {
			head[1] = "v4"
		}
	}
	for _, p := range parts {
		if p == "." || p == ".." {
			p = "" // would name another resource; do refuses it like an empty id
		}
		head = append(head, url.PathEscape(p))
	}
	return strings.Join(head, "/")
}

// accountPath names the account's own details.
func (c *Client) accountPath() string { return "account-info/" + c.version + "/details" }

// withQuery adds pairs of names and values to a path; pairs with "" are left out.
func withQuery(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
