package crm

import (
	"net/http"
	"slices"
	"strings"
)

// link joins two records. Type is HubSpot's number for the direction From → To, 0
// for the primary company of a deal seen from the company.
type link struct {
	FromKind string `json:"fromKind"`
	From     string `json:"from"`
	ToKind   string `json:"toKind"`
	To       string `json:"to"`
	Type     int    `json:"type"`
}

type linkType struct{ from, to string }

// plainTypes are HubSpot's numbers for unlabelled associations
// (associationTypeId, category HUBSPOT_DEFINED).
var plainTypes = map[linkType]int{
	{kindDeal, kindContact}: 3, {kindContact, kindDeal}: 4,
	{kindDeal, kindCompany}: 341, {kindCompany, kindDeal}: 342,
	{kindContact, kindCompany}: 279, {kindCompany, kindContact}: 280,
	{kindNote, kindDeal}: 214, {kindDeal, kindNote}: 213,
	{kindNote, kindCompany}: 190, {kindCompany, kindNote}: 189,
	{kindNote, kindContact}: 202, {kindContact, kindNote}: 201,
	{kindTask, kindDeal}: 216, {kindDeal, kindTask}: 215,
	{kindTask, kindCompany}: 192, {kindCompany, kindTask}: 191,
	{kindTask, kindContact}: 204, {kindContact, kindTask}: 203,
	{kindDeal, kindDeal}: 451,
}

// The number and its mirror for a deal's primary company.
const (
	dealPrimaryCompany = 5
	companyPrimaryDeal = 6
)

// mirror is the number of the same link seen from the other end.
func (l link) mirror() link {
	m := link{l.ToKind, l.To, l.FromKind, l.From, plainTypes[linkType{l.ToKind, l.FromKind}]}
	switch l.Type {
	case dealPrimaryCompany:
		m.Type = companyPrimaryDeal
	case companyPrimaryDeal:
		m.Type = dealPrimaryCompany
	}
	return m
}

// addLink keeps l and its mirror once. The first company of a deal becomes its
// primary one, as at HubSpot.
func (st *state) addLink(l link) {
	for _, one := range []link{l, l.mirror()} {
		if !slices.Contains(st.Links, one) {
			st.Links = append(st.Links, one)
		}
	}
	if l.FromKind == kindCompany {
		l = l.mirror()
	}
	if l.FromKind != kindDeal || l.ToKind != kindCompany {
		return
	}
	if l.Type == dealPrimaryCompany { // at most one, and the plain link beside it
		st.Links = slices.DeleteFunc(st.Links, func(o link) bool {
			return o.Type == dealPrimaryCompany && o.From == l.From && o.To != l.To || o.Type == companyPrimaryDeal && o.To == l.From && o.From != l.To
		})
		l.Type = plainTypes[linkType{kindDeal, kindCompany}]
		st.addLink(l)
		return
	}
	if !slices.ContainsFunc(st.Links, func(o link) bool { return o.Type == dealPrimaryCompany && o.From == l.From }) {
		l.Type = dealPrimaryCompany
		st.Links = append(st.Links, l, l.mirror())
	}
}

// typedLink makes the link a create call asks for, From still empty.
func (st *state) typedLink(kind, to, category string, number int) (link, *apiError) {
	if category != "HUBSPOT_DEFINED" {
		return link{}, invalid("association category %q is not defined in this account", category)
	}
	if kind == kindDeal && number == dealPrimaryCompany {
		if st.live(kindCompany, to) == nil {
			return link{}, notFound()
		}
		return link{FromKind: kind, ToKind: kindCompany, To: to, Type: number}, nil
	}
	for lt, n := range plainTypes {
		if n == number && lt.from == kind {
			if st.live(lt.to, to) == nil {
				return link{}, notFound()
			}
			return link{FromKind: kind, ToKind: lt.to, To: to, Type: n}, nil
		}
	}
	return link{}, invalid("association type %d does not start at %s", number, strings.ToUpper(kind))
}

// linked lists the ids a record is joined with, each once, ascending; the primary
// company comes first.
func (st *state) linked(kind, id, toKind string) []string {
	var ids []string
	primary := ""
	for _, l := range st.Links {
		if l.FromKind == kind && l.From == id && l.ToKind == toKind && st.live(toKind, l.To) != nil {
			ids = append(ids, l.To)
			if l.Type == dealPrimaryCompany {
				primary = l.To
			}
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		if (a == primary) != (b == primary) {
			if a == primary {
				return -1
			}
			return 1
		}
		return compareIDs(a, b)
	})
	return slices.Compact(ids)
}

type associationList struct {
	Results []associationRef `json:"results"`
}

type associationRef struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// associated is what "?associations=companies,contacts" adds to a record.
func (st *state) associated(kind, id string, names []string) map[string]associationList {
	out := map[string]associationList{}
	for _, name := range names {
		to, ok := kindNames[name]
		if !ok {
			continue
		}
		for _, other := range st.linked(kind, id, to) {
			l := out[kindPlural[to]]
			l.Results = append(l.Results, associationRef{other, kind + "_to_" + to})
			out[kindPlural[to]] = l
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

type typeJSON struct {
	Category string  `json:"category"`
	TypeID   int     `json:"typeId"`
	Label    *string `json:"label"`
}

type linkedJSON struct {
	ToObjectID string     `json:"toObjectId"`
	Types      []typeJSON `json:"associationTypes"`
}

func (st *state) linkedTypes(kind, id, toKind string) []linkedJSON {
	out := []linkedJSON{}
	for _, other := range st.linked(kind, id, toKind) {
		one := linkedJSON{ToObjectID: other}
		for _, l := range st.Links {
			if l.FromKind == kind && l.From == id && l.ToKind == toKind && l.To == other {
				t := typeJSON{Category: "HUBSPOT_DEFINED", TypeID: l.Type}
				if l.Type == dealPrimaryCompany || l.Type == companyPrimaryDeal {
					label := "Primary"
					t.Label = &label
				}
				one.Types = append(one.Types, t)
			}
		}
		out = append(out, one)
	}
	return out
}

func (s *Server) associationRoutes() {
	s.mux.HandleFunc("PUT /objects/{kind}/{id}/associations/default/{to}/{toId}", s.ofKind(s.associateDefault))
	s.mux.HandleFunc("GET /objects/{kind}/{id}/associations/{to}", s.ofKind(s.listAssociations))
	s.mux.HandleFunc("DELETE /objects/{kind}/{id}/associations/{to}/{toId}", s.ofKind(s.dissociate))
	s.mux.HandleFunc("POST /associations/{kind}/{to}/batch/read", s.ofKind(s.batchReadAssociations))
}

func (s *Server) associateDefault(w http.ResponseWriter, r *http.Request, kind string) {
	to := kindNames[r.PathValue("to")]
	now := stamp(s.cfg.Clock())
	s.change(w, 200, func() (any, *apiError) {
		number, ok := plainTypes[linkType{kind, to}]
		if !ok {
			return nil, invalid("No default association between %s and %s", r.PathValue("kind"), r.PathValue("to"))
		}
		l := link{kind, r.PathValue("id"), to, r.PathValue("toId"), number}
		if s.state.live(kind, l.From) == nil || s.state.live(to, l.To) == nil {
			return nil, notFound()
		}
		s.state.addLink(l)
		type end struct {
			ID string `json:"id"`
		}
		type result struct {
			From end            `json:"from"`
			To   end            `json:"to"`
			Spec map[string]any `json:"associationSpec"`
		}
		one := func(l link) result {
			return result{end{l.From}, end{l.To}, map[string]any{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": l.Type}}
		}
		return map[string]any{"status": "COMPLETE", "startedAt": now, "completedAt": now, "results": []result{one(l), one(l.mirror())}}, nil
	})
}

func (s *Server) listAssociations(w http.ResponseWriter, r *http.Request, kind string) {
	to := kindNames[r.PathValue("to")]
	q := r.URL.Query()
	s.answer(w, 200, func() (any, *apiError) {
		limit, e := pageSize(q.Get("limit"), 500, 500)
		if e != nil {
			return nil, e
		}
		if s.state.live(kind, r.PathValue("id")) == nil {
			return nil, notFound()
		}
		all := s.state.linkedTypes(kind, r.PathValue("id"), to)
		if after := q.Get("after"); after != "" {
			i := slices.IndexFunc(all, func(l linkedJSON) bool { return l.ToObjectID == after })
			all = all[max(i, 0):]
		}
		if len(all) > limit {
			return page(all[:limit], all[limit].ToObjectID), nil
		}
		return page(all, ""), nil
	})
}

func (s *Server) dissociate(w http.ResponseWriter, r *http.Request, kind string) {
	to := kindNames[r.PathValue("to")]
	s.change(w, 204, func() (any, *apiError) {
		a, b := r.PathValue("id"), r.PathValue("toId")
		s.state.Links = slices.DeleteFunc(s.state.Links, func(l link) bool {
			return l.FromKind == kind && l.From == a && l.ToKind == to && l.To == b || l.FromKind == to && l.From == b && l.ToKind == kind && l.To == a
		})
		return nil, nil
	})
}

// batchReadAssociations answers for up to 1,000 records; those without a link are
// simply not in the results.
func (s *Server) batchReadAssociations(w http.ResponseWriter, r *http.Request, kind string) {
	const most = 1000
	to := kindNames[r.PathValue("to")]
	var in struct {
		Inputs []struct {
			ID string `json:"id"`
		} `json:"inputs"`
	}
	if e := decode(r, &in); e != nil {
		s.refuse(w, e)
		return
	}
	now := stamp(s.cfg.Clock())
	s.answer(w, 200, func() (any, *apiError) {
		if len(in.Inputs) == 0 || len(in.Inputs) > most {
			return nil, invalid("The number of inputs must be from 1 to %d, was %d", most, len(in.Inputs))
		}
		results := []map[string]any{}
		for _, one := range in.Inputs {
			if list := s.state.linkedTypes(kind, one.ID, to); len(list) > 0 {
				results = append(results, map[string]any{"from": map[string]string{"id": one.ID}, "to": list})
			}
		}
		return map[string]any{"status": "COMPLETE", "startedAt": now, "completedAt": now, "results": results}, nil
	})
}
