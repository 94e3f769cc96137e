package crm

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HubSpot's bounds on one search.
const (
	searchPage    = 200
	searchTotal   = 10_000
	searchGroups  = 5
	searchFilters = 10
	searchAll     = 25 // filters over all groups
)

type searchInput struct {
	FilterGroups []struct {
		Filters []filter `json:"filters"`
	} `json:"filterGroups"`
	Sorts      []json.RawMessage `json:"sorts"`
	Query      string            `json:"query"`
	Properties []string          `json:"properties"`
	Limit      *int              `json:"limit"`
	After      jsonID            `json:"after"`
}

type filter struct {
	Property  string   `json:"propertyName"`
	Operator  string   `json:"operator"`
	Value     *string  `json:"value"`
	HighValue string   `json:"highValue"`
	Values    []string `json:"values"`
}

type sorting struct {
	property   string
	descending bool
}

var searchText = map[string][]string{
	kindDeal: {"dealname"}, kindCompany: {"name", "domain"}, kindContact: {"firstname", "lastname", "email"},
	kindNote: {"hs_note_body"}, kindTask: {"hs_task_subject", "hs_task_body"},
}

// search answers from the index, which lags behind by what SetReadLag says, and
// never shows archived records or associations.
func (s *Server) search(w http.ResponseWriter, r *http.Request, kind string) {
	var in searchInput
	if e := decode(r, &in); e != nil {
		s.refuse(w, e)
		return
	}
	now := s.cfg.Clock()
	s.answer(w, 200, func() (any, *apiError) {
		limit, offset, e := in.bounds()
		if e != nil {
			return nil, e
		}
		sorts, e := s.state.sorts(kind, in.Sorts)
		if e != nil {
			return nil, e
		}
		var hits []*record
		for _, rec := range s.state.sorted(kind) {
			rec = rec.indexed(now, s.lag)
			if rec == nil || rec.Archived || !s.state.mentions(kind, rec, in.Query) {
				continue
			}
			ok, e := s.state.matches(kind, rec, in)
			if e != nil {
				return nil, e
			}
			if ok {
				hits = append(hits, rec)
			}
		}
		slices.SortStableFunc(hits, func(a, b *record) int { return s.state.order(kind, a, b, sorts) })
		out := struct {
			Total   int          `json:"total"`
			Results []objectJSON `json:"results"`
			Paging  *paging      `json:"paging,omitempty"`
		}{Total: len(hits), Results: []objectJSON{}}
		end := min(offset+limit, len(hits))
		for i := offset; i < end; i++ {
			out.Results = append(out.Results, s.show(kind, hits[i], wanted(kind, in.Properties)))
		}
		if end < len(hits) {
			out.Paging = &paging{}
			out.Paging.Next.After = strconv.Itoa(end)
		}
		return out, nil
	})
}

// bounds checks the sizes HubSpot limits.
func (in searchInput) bounds() (limit, offset int, e *apiError) {
	limit = 10
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > searchPage {
		return 0, 0, invalid("limit must be from 1 to %d", searchPage)
	}
	if in.After != "" && in.After != "null" {
		n, err := strconv.Atoi(string(in.After))
		if err != nil || n < 0 {
			return 0, 0, invalid("after must be the value of paging.next.after")
		}
		offset = n
	}
	if offset+limit > searchTotal {
		return 0, 0, invalid("Paging beyond %d results is not possible", searchTotal)
	}
	total := 0
	for _, g := range in.FilterGroups {
		total += len(g.Filters)
		if len(g.Filters) > searchFilters {
			return 0, 0, invalid("A filter group has at most %d filters", searchFilters)
		}
	}
	if len(in.FilterGroups) > searchGroups || total > searchAll {
		return 0, 0, invalid("A search has at most %d filter groups and %d filters", searchGroups, searchAll)
	}
	return limit, offset, nil
}

// indexed is the version of r that search knows at now, nil for none.
func (r *record) indexed(now time.Time, lag time.Duration) *record {
	if now.Sub(r.Modified) < lag {
		return r.Before
	}
	return r
}

func (st *state) mentions(kind string, r *record, query string) bool {
	if query == "" {
		return true
	}
	for _, name := range searchText[kind] {
		if strings.Contains(strings.ToLower(r.Properties[name]), strings.ToLower(query)) {
			return true
		}
	}
	return false
}

// matches is true when all filters of one group hold; no group holds always.
func (st *state) matches(kind string, r *record, in searchInput) (bool, *apiError) {
	found := len(in.FilterGroups) == 0
	for _, g := range in.FilterGroups {
		all := true
		for _, f := range g.Filters {
			ok, e := st.holds(kind, r, f)
			if e != nil {
				return false, e
			}
			all = all && ok
		}
		found = found || all
	}
	return found, nil
}

func (st *state) holds(kind string, r *record, f filter) (bool, *apiError) {
	value := ""
	if f.Value != nil {
		value = *f.Value
	}
	if to, ok := strings.CutPrefix(f.Property, "associations."); ok {
		if f.Operator != "EQ" {
			return false, invalid("associations can only be compared with EQ")
		}
		return slices.Contains(st.linked(kind, r.ID, kindNames[to]), value), nil
	}
	p, ok := st.Properties[kind][f.Property]
	if !ok {
		return false, invalid("There was a problem with the request: property %q does not exist", f.Property)
	}
	have, set := st.value(kind, r, f.Property)
	compare := func(v string) int { return compareValues(p.Type, have, v) }
	among := func() bool { return slices.ContainsFunc(f.Values, func(v string) bool { return compare(v) == 0 }) }
	switch f.Operator {
	case "EQ":
		return set && compare(value) == 0, nil
	case "NEQ":
		return set && compare(value) != 0, nil
	case "LT":
		return set && compare(value) < 0, nil
	case "LTE":
		return set && compare(value) <= 0, nil
	case "GT":
		return set && compare(value) > 0, nil
	case "GTE":
		return set && compare(value) >= 0, nil
	case "BETWEEN":
		return set && compare(value) >= 0 && compare(f.HighValue) <= 0, nil
	case "IN":
		return set && among(), nil
	case "NOT_IN":
		return !set || !among(), nil
	case "HAS_PROPERTY":
		return set, nil
	case "NOT_HAS_PROPERTY":
		return !set, nil
	case "CONTAINS_TOKEN":
		return contains(have, value), nil
	case "NOT_CONTAINS_TOKEN":
		return !contains(have, value), nil
	}
	return false, invalid("operator %q is not known", f.Operator)
}

// contains takes a star at either end of the token as "any text".
func contains(have, token string) bool {
	have, token = strings.ToLower(have), strings.ToLower(token)
	bare := strings.Trim(token, "*")
	if bare != token {
		return strings.Contains(have, bare)
	}
	return slices.Contains(strings.FieldsFunc(have, func(r rune) bool { return r == ' ' || r == '.' || r == '-' || r == '@' }), token) || have == token
}

// value is a property, also the ones kept beside the properties.
func (st *state) value(kind string, r *record, name string) (string, bool) {
	switch name {
	case "hs_object_id":
		return r.ID, true
	case "createdate":
		return stamp(r.Created), true
	case "hs_lastmodifieddate":
		return stamp(r.Modified), kind != kindContact
	case "lastmodifieddate":
		return stamp(r.Modified), kind == kindContact
	}
	v, ok := r.Properties[name]
	return v, ok
}

// compareValues orders two values of a property type; text without regard to case.
func compareValues(typ, a, b string) int {
	switch typ {
	case "number":
		x, errA := strconv.ParseFloat(a, 64)
		y, errB := strconv.ParseFloat(b, 64)
		if errA == nil && errB == nil {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	case "date", "datetime":
		x, okA := parseTime(a)
		y, okB := parseTime(b)
		if okA && okB {
			return x.Compare(y)
		}
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// sorts reads both forms the live service takes: "-name" and {propertyName, direction}.
func (st *state) sorts(kind string, in []json.RawMessage) ([]sorting, *apiError) {
	var out []sorting
	for _, raw := range in {
		var one sorting
		var text string
		if json.Unmarshal(raw, &text) == nil {
			one.property, one.descending = strings.CutPrefix(text, "-")
		} else {
			var object struct{ PropertyName, Direction string }
			if err := json.Unmarshal(raw, &object); err != nil {
				return nil, invalid("sorts must be text or objects")
			}
			one = sorting{object.PropertyName, object.Direction == "DESCENDING"}
		}
		if _, ok := st.Properties[kind][one.property]; !ok {
			return nil, invalid("There was a problem with the request: property %q does not exist", one.property)
		}
		out = append(out, one)
	}
	return out, nil
}

func (st *state) order(kind string, a, b *record, sorts []sorting) int {
	for _, o := range sorts {
		x, _ := st.value(kind, a, o.property)
		y, _ := st.value(kind, b, o.property)
		c := compareValues(st.Properties[kind][o.property].Type, x, y)
		if o.descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
