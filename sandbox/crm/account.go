package crm

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) accountRoutes() {
	s.mux.HandleFunc("GET /account", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, map[string]any{
			"portalId": portalID, "accountType": "DEVELOPER_TEST", "timeZone": "UTC", "companyCurrency": homeCurrency,
			"additionalCurrencies": []string{}, "utcOffset": "+00:00", "uiDomain": strings.TrimPrefix(s.cfg.AppURL, "https://"), "dataHostingLocation": "na1",
		})
	})
	s.mux.HandleFunc("GET /owners", s.listOwners)
	s.mux.HandleFunc("GET /owners/{id}", s.readOwner)
	s.mux.HandleFunc("GET /pipelines/{kind}", s.ofKind(s.listPipelines))
	s.mux.HandleFunc("GET /pipelines/{kind}/{id}", s.ofKind(s.readPipeline))
	s.mux.HandleFunc("GET /properties/{kind}", s.ofKind(s.listProperties))
	s.mux.HandleFunc("GET /properties/{kind}/{name}", s.ofKind(s.readProperty))
	s.mux.HandleFunc("POST /properties/{kind}", s.ofKind(s.createProperty))
}

type ownerJSON struct {
	ID        string   `json:"id"`
	Email     string   `json:"email,omitempty"`
	Type      string   `json:"type"`
	First     string   `json:"firstName"`
	Last      string   `json:"lastName"`
	UserID    *int     `json:"userId"`
	Inactive  int      `json:"userIdIncludingInactive"`
	CreatedAt string   `json:"createdAt"`
	UpdatedAt string   `json:"updatedAt"`
	Archived  bool     `json:"archived"`
	Teams     []string `json:"teams,omitempty"`
}

// accountBirth stands where HubSpot tells when an owner, stage or pipeline was made.
const accountBirth = "2024-01-15T09:00:00Z"

// wire renders an owner. userId differs from id on purpose: confusing the two is a
// known mistake.
func (o Owner) wire() ownerJSON {
	n, err := strconv.Atoi(o.ID)
	if err != nil {
		n = 0
	}
	user := n + 7_000_000
	out := ownerJSON{ID: o.ID, Email: o.Email, Type: "PERSON", First: o.First, Last: o.Last, Inactive: user, CreatedAt: accountBirth, UpdatedAt: accountBirth, Archived: o.Archived}
	if !o.Archived {
		out.UserID = &user
	}
	return out
}

func (s *Server) listOwners(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.answer(w, 200, func() (any, *apiError) {
		limit, e := pageSize(q.Get("limit"), 100, 500)
		if e != nil {
			return nil, e
		}
		archived := q.Get("archived") == "true"
		var out []ownerJSON
		next := ""
		for _, id := range slices.SortedFunc(maps.Keys(s.state.Owners), compareIDs) {
			o := s.state.Owners[id]
			if o.Archived != archived || q.Get("email") != "" && !strings.EqualFold(q.Get("email"), o.Email) {
				continue
			}
			if q.Get("after") != "" && compareIDs(id, q.Get("after")) < 0 {
				continue
			}
			if len(out) == limit {
				next = id
				break
			}
			out = append(out, o.wire())
		}
		return page(out, next), nil
	})
}

func (s *Server) readOwner(w http.ResponseWriter, r *http.Request) {
	s.answer(w, 200, func() (any, *apiError) {
		o, ok := s.state.Owners[r.PathValue("id")]
		if !ok || o.Archived != (r.URL.Query().Get("archived") == "true") {
			return nil, notFound()
		}
		return o.wire(), nil
	})
}

type stageJSON struct {
	ID        string            `json:"id"`
	Label     string            `json:"label"`
	Order     int               `json:"displayOrder"`
	Metadata  map[string]string `json:"metadata"`
	CreatedAt string            `json:"createdAt"`
	UpdatedAt string            `json:"updatedAt"`
	Archived  bool              `json:"archived"`
}

type pipelineJSON struct {
	ID        string      `json:"id"`
	Label     string      `json:"label"`
	Order     int         `json:"displayOrder"`
	Stages    []stageJSON `json:"stages"`
	CreatedAt string      `json:"createdAt"`
	UpdatedAt string      `json:"updatedAt"`
	Archived  bool        `json:"archived"`
}

func (s *Server) pipeline(kind string) []pipelineJSON {
	if kind != kindDeal {
		return nil
	}
	p := pipelineJSON{ID: defaultPipeline, Label: "Sales Pipeline", Stages: []stageJSON{}, CreatedAt: accountBirth, UpdatedAt: accountBirth}
	for i, g := range s.state.Stages {
		p.Stages = append(p.Stages, stageJSON{
			ID: g.ID, Label: g.Label, Order: i, CreatedAt: accountBirth, UpdatedAt: accountBirth,
			Metadata: map[string]string{"isClosed": strconv.FormatBool(g.Closed), "probability": strconv.FormatFloat(g.Probability, 'f', 1, 64)},
		})
	}
	return []pipelineJSON{p}
}

func (s *Server) listPipelines(w http.ResponseWriter, _ *http.Request, kind string) {
	s.answer(w, 200, func() (any, *apiError) { return page(s.pipeline(kind), ""), nil })
}

func (s *Server) readPipeline(w http.ResponseWriter, r *http.Request, kind string) {
	s.answer(w, 200, func() (any, *apiError) {
		for _, p := range s.pipeline(kind) {
			if p.ID == r.PathValue("id") {
				return p, nil
			}
		}
		return nil, notFound()
	})
}

type optionJSON struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Order  int    `json:"displayOrder"`
	Hidden bool   `json:"hidden"`
}

type propertyJSON struct {
	Name      string       `json:"name"`
	Label     string       `json:"label"`
	Type      string       `json:"type"`
	FieldType string       `json:"fieldType"`
	Group     string       `json:"groupName"`
	About     string       `json:"description"`
	Options   []optionJSON `json:"options"`
	Unique    bool         `json:"hasUniqueValue"`
	HubSpot   bool         `json:"hubspotDefined"`
	External  bool         `json:"externalOptions"`
	Archived  bool         `json:"archived"`
	Metadata  struct {
		Archivable    bool `json:"archivable"`
		ReadOnlyValue bool `json:"readOnlyValue"`
		ReadOnlyDef   bool `json:"readOnlyDefinition"`
	} `json:"modificationMetadata"`
}

func (p property) wire() propertyJSON {
	out := propertyJSON{
		Name: p.Name, Label: p.Label, Type: p.Type, FieldType: p.FieldType, Group: p.Group, Options: []optionJSON{},
		Unique: p.Unique, HubSpot: !p.Custom, External: p.External != "",
	}
	for i, v := range p.Options {
		out.Options = append(out.Options, optionJSON{Label: v, Value: v, Order: i})
	}
	out.Metadata.Archivable, out.Metadata.ReadOnlyValue, out.Metadata.ReadOnlyDef = p.Custom, p.ReadOnly, !p.Custom
	return out
}

func (s *Server) listProperties(w http.ResponseWriter, _ *http.Request, kind string) {
	s.answer(w, 200, func() (any, *apiError) {
		var out []propertyJSON
		for _, name := range slices.Sorted(maps.Keys(s.state.Properties[kind])) {
			out = append(out, s.state.Properties[kind][name].wire())
		}
		return page(out, ""), nil
	})
}

func (s *Server) readProperty(w http.ResponseWriter, r *http.Request, kind string) {
	s.answer(w, 200, func() (any, *apiError) {
		p, ok := s.state.Properties[kind][r.PathValue("name")]
		if !ok {
			return nil, notFound()
		}
		return p.wire(), nil
	})
}

var (
	propertyName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)
	propertyTypes = []string{"string", "number", "date", "datetime", "enumeration", "bool"}
	fieldTypes    = []string{"text", "textarea", "number", "date", "select", "radio", "checkbox", "booleancheckbox", "phonenumber", "html", "file"}
)

func (s *Server) createProperty(w http.ResponseWriter, r *http.Request, kind string) {
	var in propertyJSON
	if e := decode(r, &in); e != nil {
		s.refuse(w, e)
		return
	}
	s.change(w, http.StatusCreated, func() (any, *apiError) {
		if !propertyName.MatchString(in.Name) {
			return nil, invalid("Property name %q must start with a letter and contain only lowercase letters, digits and underscores", in.Name)
		}
		if in.Label == "" || !slices.Contains(propertyTypes, in.Type) || !slices.Contains(fieldTypes, in.FieldType) {
			return nil, invalid("label, type and fieldType are required and must be valid")
		}
		if in.Group != kind+"information" {
			return nil, invalid("Property group %q does not exist", in.Group)
		}
		if in.Unique && in.Type != "string" && in.Type != "number" {
			return nil, invalid("Only text and number properties can have unique values")
		}
		if _, ok := s.state.Properties[kind][in.Name]; ok {
			return nil, &apiError{
				status: http.StatusConflict, category: "OBJECT_ALREADY_EXISTS",
				message: "A property named '" + in.Name + "' already exists.", context: map[string][]string{"name": {in.Name}},
			}
		}
		p := property{Name: in.Name, Label: in.Label, Type: in.Type, FieldType: in.FieldType, Group: in.Group, Unique: in.Unique, Custom: true}
		for _, o := range in.Options {
			p.Options = append(p.Options, o.Value)
		}
		s.state.Properties[kind][in.Name] = p
		return p.wire(), nil
	})
}
