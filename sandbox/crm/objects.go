package crm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// batchLimit is HubSpot's bound on the records of one batch call.
const batchLimit = 100

var defaultProperties = map[string][]string{
	kindDeal:    {"amount", "closedate", "dealname", "dealstage", "pipeline"},
	kindCompany: {"name", "domain"},
	kindContact: {"email", "firstname", "lastname", "lastmodifieddate"},
	kindNote:    {},
	kindTask:    {},
}

// objectJSON is a record on the wire.
type objectJSON struct {
	ID           string                     `json:"id"`
	Properties   map[string]*string         `json:"properties"`
	CreatedAt    string                     `json:"createdAt"`
	UpdatedAt    string                     `json:"updatedAt"`
	Archived     bool                       `json:"archived"`
	ArchivedAt   string                     `json:"archivedAt,omitempty"`
	New          *bool                      `json:"new,omitempty"`
	URL          string                     `json:"url,omitempty"`
	Associations map[string]associationList `json:"associations,omitempty"`
}

type objectInput struct {
	ID           string                     `json:"id"`
	IDProperty   string                     `json:"idProperty"`
	Properties   map[string]json.RawMessage `json:"properties"`
	Associations []struct {
		To    struct{ ID jsonID } `json:"to"`
		Types []struct {
			Category string `json:"associationCategory"`
			TypeID   int    `json:"associationTypeId"`
		} `json:"types"`
	} `json:"associations"`
}

// jsonID takes an id as text or as a number, as HubSpot does inside associations.
type jsonID string

func (i *jsonID) UnmarshalJSON(b []byte) error {
	*i = jsonID(strings.Trim(string(b), `"`))
	return nil
}

// values insists on text: HubSpot's schema knows no other property value.
func (in objectInput) values() (map[string]string, *apiError) {
	out := make(map[string]string, len(in.Properties))
	for name, raw := range in.Properties {
		var v string
		if err := json.Unmarshal(raw, &v); err != nil || string(raw) == "null" {
			return nil, invalid("Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.lang.String` from %s (property %q)", raw, name)
		}
		out[name] = v
	}
	return out, nil
}

func (s *Server) objectRoutes() {
	s.mux.HandleFunc("GET /objects/{kind}", s.ofKind(s.list))
	s.mux.HandleFunc("POST /objects/{kind}", s.ofKind(s.createOne))
	s.mux.HandleFunc("GET /objects/{kind}/{id}", s.ofKind(s.readOne))
	s.mux.HandleFunc("PATCH /objects/{kind}/{id}", s.ofKind(s.updateOne))
	s.mux.HandleFunc("DELETE /objects/{kind}/{id}", s.ofKind(s.archiveOne))
	s.mux.HandleFunc("POST /objects/{kind}/search", s.ofKind(s.search))
	s.mux.HandleFunc("POST /objects/{kind}/batch/create", s.ofKind(s.batchCreate))
	s.mux.HandleFunc("POST /objects/{kind}/batch/read", s.ofKind(s.batchRead))
	s.mux.HandleFunc("POST /objects/{kind}/batch/update", s.ofKind(s.batchUpdate))
	s.mux.HandleFunc("POST /objects/{kind}/batch/upsert", s.ofKind(s.batchUpsert))
	s.mux.HandleFunc("POST /objects/{kind}/batch/archive", s.ofKind(s.batchArchive))
}

func (s *Server) ofKind(f func(w http.ResponseWriter, r *http.Request, kind string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind, ok := kindNames[r.PathValue("kind")]
		if !ok {
			s.refuse(w, invalid("Unable to infer object type from: %s", r.PathValue("kind")))
			return
		}
		f(w, r, kind)
	}
}

// show renders a record with the properties asked for; nil asks for all.
func (s *Server) show(kind string, r *record, want []string) objectJSON {
	o := objectJSON{
		ID: r.ID, CreatedAt: stamp(r.Created), UpdatedAt: stamp(r.Modified), Archived: r.Archived, Properties: map[string]*string{},
		URL: fmt.Sprintf("%s/contacts/%d/record/%s/%s", s.cfg.AppURL, portalID, kindTypeID[kind], r.ID),
	}
	if r.Archived {
		o.ArchivedAt = o.UpdatedAt
	}
	if want == nil {
		want = slices.Collect(maps.Keys(r.Properties))
	}
	for _, name := range want {
		if _, ok := s.state.Properties[kind][name]; !ok {
			continue // HubSpot leaves unknown names out without a word
		}
		o.Properties[name] = nil
		if v, ok := r.Properties[name]; ok {
			o.Properties[name] = &v
		}
	}
	o.Properties["hs_object_id"] = &r.ID
	o.Properties["createdate"], o.Properties["hs_lastmodifieddate"] = &o.CreatedAt, &o.UpdatedAt
	if kind == kindContact {
		o.Properties["lastmodifieddate"] = &o.UpdatedAt
	}
	return o
}

func wanted(kind string, names []string) []string {
	if len(names) == 0 {
		return defaultProperties[kind]
	}
	return names
}

func queryNames(r *http.Request, key string) []string {
	var out []string
	for _, v := range r.URL.Query()[key] {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, kind string) {
	q := r.URL.Query()
	s.answer(w, 200, func() (any, *apiError) {
		limit, e := pageSize(q.Get("limit"), 10, 100)
		if e != nil {
			return nil, e
		}
		archived := q.Get("archived") == "true"
		var out []objectJSON
		next := ""
		for _, rec := range s.state.sorted(kind) {
			if rec.Archived != archived || q.Get("after") != "" && compareIDs(rec.ID, q.Get("after")) < 0 {
				continue
			}
			if len(out) == limit {
				next = rec.ID
				break
			}
			o := s.show(kind, rec, wanted(kind, queryNames(r, "properties")))
			o.Associations = s.state.associated(kind, rec.ID, queryNames(r, "associations"))
			out = append(out, o)
		}
		return page(out, next), nil
	})
}

func pageSize(v string, def, most int) (int, *apiError) {
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, invalid("limit must be a number from 1 to %d", most)
	}
	return n, nil
}

type paging struct {
	Next struct {
		After string `json:"after"`
	} `json:"next"`
}

func page[T any](results []T, next string) any {
	out := struct {
		Results []T     `json:"results"`
		Paging  *paging `json:"paging,omitempty"`
	}{Results: results}
	if out.Results == nil {
		out.Results = []T{}
	}
	if next != "" {
		out.Paging = &paging{}
		out.Paging.Next.After = next
	}
	return out
}

func (s *Server) readOne(w http.ResponseWriter, r *http.Request, kind string) {
	q := r.URL.Query()
	s.answer(w, 200, func() (any, *apiError) {
		rec, ok := s.state.byUnique(kind, q.Get("idProperty"), r.PathValue("id"))
		if !ok {
			return nil, invalid("%q is not a unique property", q.Get("idProperty"))
		}
		if q.Get("archived") == "true" {
			rec = s.state.Records[kind][r.PathValue("id")]
			if rec != nil && !rec.Archived {
				rec = nil
			}
		}
		if rec == nil {
			return nil, notFound()
		}
		o := s.show(kind, rec, wanted(kind, queryNames(r, "properties")))
		o.Associations = s.state.associated(kind, rec.ID, queryNames(r, "associations"))
		return o, nil
	})
}

func (s *Server) createOne(w http.ResponseWriter, r *http.Request, kind string) {
	var in objectInput
	if e := decode(r, &in); e != nil {
		s.refuse(w, e)
		return
	}
	now := s.cfg.Clock()
	s.change(w, http.StatusCreated, func() (any, *apiError) { return s.createWithLinks(kind, in, now) })
}

// createWithLinks keeps a record and the associations sent with it, both or neither.
func (s *Server) createWithLinks(kind string, in objectInput, now time.Time) (any, *apiError) {
	props, e := in.values()
	if e != nil {
		return nil, e
	}
	var links []link
	for _, a := range in.Associations {
		for _, t := range a.Types {
			l, e := s.state.typedLink(kind, string(a.To.ID), t.Category, t.TypeID)
			if e != nil {
				return nil, e
			}
			links = append(links, l)
		}
	}
	rec, e := s.state.create(kind, props, now)
	if e != nil {
		return nil, e
	}
	for _, l := range links {
		l.From = rec.ID
		s.state.addLink(l)
	}
	return s.show(kind, rec, nil), nil
}

func (s *Server) updateOne(w http.ResponseWriter, r *http.Request, kind string) {
	var in objectInput
	if e := decode(r, &in); e != nil {
		s.refuse(w, e)
		return
	}
	in.ID, in.IDProperty = r.PathValue("id"), r.URL.Query().Get("idProperty")
	now := s.cfg.Clock()
	s.change(w, 200, func() (any, *apiError) {
		rec, e := s.updateFrom(kind, in, now)
		if e != nil {
			return nil, e
		}
		return s.show(kind, rec, nil), nil
	})
}

func (s *Server) updateFrom(kind string, in objectInput, now time.Time) (*record, *apiError) {
	rec, ok := s.state.byUnique(kind, in.IDProperty, in.ID)
	if !ok {
		return nil, invalid("%q is not a unique property", in.IDProperty)
	}
	if rec == nil {
		return nil, notFound()
	}
	props, e := in.values()
	if e != nil {
		return nil, e
	}
	return rec, s.state.update(kind, rec, props, now, s.lag)
}

func (s *Server) archiveOne(w http.ResponseWriter, r *http.Request, kind string) {
	now := s.cfg.Clock()
	s.change(w, 204, func() (any, *apiError) {
		rec := s.state.Records[kind][r.PathValue("id")]
		if rec == nil {
			return nil, notFound()
		}
		s.state.archive(rec, now, s.lag)
		return nil, nil
	})
}
