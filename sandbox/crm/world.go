package crm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Company is an account as seeded and shown. Properties holds further values by
// HubSpot's names; a name the schema lacks is added to it as text.
type Company struct {
	ID         string            `json:"id"` // "" lets PutCompany choose one
	Name       string            `json:"name"`
	Domain     string            `json:"domain"`
	OwnerID    string            `json:"ownerId,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Owner is a person who may own records. Archived means deactivated: kept on old
// records, refused on new ones.
type Owner struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	First    string `json:"firstName"`
	Last     string `json:"lastName"`
	Archived bool   `json:"archived"`
}

// Contact is a person at a company.
type Contact struct {
	ID        string `json:"id"` // "" lets PutContact choose one
	Email     string `json:"email"`
	First     string `json:"firstName"`
	Last      string `json:"lastName"`
	Title     string `json:"title,omitempty"`
	CompanyID string `json:"companyId,omitempty"`
}

// Stage is one step of the sales pipeline, in its order.
type Stage struct {
	ID          string  `json:"id"`
	Label       string  `json:"label"`
	Probability float64 `json:"probability"` // 0..1
	Closed      bool    `json:"closed"`
	Won         bool    `json:"won"`
}

// Deal is a deal with what hangs on it. Companies has the primary one first.
type Deal struct {
	ID         string            `json:"id"`
	URL        string            `json:"url"`
	Properties map[string]string `json:"properties"`
	Companies  []string          `json:"companies"`
	Contacts   []string          `json:"contacts"`
	Notes      []Note            `json:"notes"` // oldest first
	Archived   bool              `json:"archived"`
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
}

// Note is a note on a deal; Body is HTML, as HubSpot keeps it.
type Note struct {
	ID      string    `json:"id"`
	Body    string    `json:"body"`
	At      time.Time `json:"at"` // hs_timestamp
	OwnerID string    `json:"ownerId,omitempty"`
}

// PutCompany adds a company or replaces the values of the one with its ID, and
// returns the ID.
func (s *Server) PutCompany(c Company) string {
	props := maps.Clone(c.Properties)
	if props == nil {
		props = map[string]string{}
	}
	props["name"], props["domain"], props["hubspot_owner_id"] = c.Name, c.Domain, c.OwnerID
	return s.put(kindCompany, c.ID, props, "")
}

// PutContact adds a contact or replaces the one with its ID, joins it with its
// company and returns the ID.
func (s *Server) PutContact(c Contact) string {
	return s.put(kindContact, c.ID, map[string]string{"email": c.Email, "firstname": c.First, "lastname": c.Last, "jobtitle": c.Title}, c.CompanyID)
}

// PutOwner adds an owner or replaces the one with its ID. The ID is required.
func (s *Server) PutOwner(o Owner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Owners[o.ID] = o
	s.notify()
}

func (s *Server) put(kind, id string, props map[string]string, companyID string) string {
	now := s.cfg.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range props {
		if _, ok := s.state.Properties[kind][name]; !ok {
			p := builtin(name, name, "string")
			p.Group, p.Custom = kind+"information", true
			s.state.Properties[kind][name] = p
		}
	}
	if id == "" {
		id = s.state.newID()
	}
	r := s.state.Records[kind][id]
	if r == nil {
		r = &record{ID: id, Created: now}
		s.state.Records[kind][id] = r
	}
	r.Properties, r.Modified, r.Archived = map[string]string{}, now, false
	s.state.apply(kind, r, props, now)
	r.Before = r.copy() // seeds are in the search index from the start, whatever the lag
	if companyID != "" {
		s.state.addLink(link{kindContact, id, kindCompany, companyID, plainTypes[linkType{kindContact, kindCompany}]})
	}
	s.notify()
	return id
}

func (r *record) copy() *record {
	return &record{ID: r.ID, Properties: maps.Clone(r.Properties), Created: r.Created, Modified: r.Modified, Archived: r.Archived}
}

// Companies lists the companies by ascending ID.
func (s *Server) Companies() []Company {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Company{}
	for _, r := range s.state.sorted(kindCompany) {
		c := Company{ID: r.ID, Name: r.Properties["name"], Domain: r.Properties["domain"], OwnerID: r.Properties["hubspot_owner_id"], Properties: maps.Clone(r.Properties)}
		for _, own := range []string{"name", "domain", "hubspot_owner_id"} {
			delete(c.Properties, own)
		}
		out = append(out, c)
	}
	return out
}

// Contacts lists the contacts by ascending ID.
func (s *Server) Contacts() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Contact{}
	for _, r := range s.state.sorted(kindContact) {
		c := Contact{ID: r.ID, Email: r.Properties["email"], First: r.Properties["firstname"], Last: r.Properties["lastname"], Title: r.Properties["jobtitle"]}
		if ids := s.state.linked(kindContact, r.ID, kindCompany); len(ids) > 0 {
			c.CompanyID = ids[0]
		}
		out = append(out, c)
	}
	return out
}

// Owners lists the owners by ascending ID, the archived ones too.
func (s *Server) Owners() []Owner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.state.Owners), func(a, b Owner) int { return compareIDs(a.ID, b.ID) })
}

// Stages lists the pipeline's stages in their order.
func (s *Server) Stages() []Stage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.Stages)
}

// Deals lists the deals by ascending ID, the archived ones too.
func (s *Server) Deals() []Deal {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Deal{}
	for _, r := range s.state.sorted(kindDeal) {
		d := Deal{
			ID: r.ID, Properties: maps.Clone(r.Properties), Archived: r.Archived, Created: r.Created, Modified: r.Modified, Notes: []Note{},
			URL:       fmt.Sprintf("%s/contacts/%d/record/%s/%s", s.cfg.AppURL, portalID, kindTypeID[kindDeal], r.ID),
			Companies: s.state.linked(kindDeal, r.ID, kindCompany), Contacts: s.state.linked(kindDeal, r.ID, kindContact),
		}
		for _, id := range s.state.linked(kindDeal, r.ID, kindNote) {
			n := s.state.Records[kindNote][id]
			at, _ := parseTime(n.Properties["hs_timestamp"])
			d.Notes = append(d.Notes, Note{ID: id, Body: n.Properties["hs_note_body"], At: at, OwnerID: n.Properties["hubspot_owner_id"]})
		}
		out = append(out, d)
	}
	return out
}

// SetDealProperty edits a deal as a person in HubSpot's page would, with the same
// checks; its error is a sentence. value "" clears the property.
func (s *Server) SetDealProperty(id, name, value string) error {
	now := s.cfg.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.state.live(kindDeal, id)
	if r == nil {
		return fmt.Errorf("sandbox crm: no deal %s", id)
	}
	if e := s.state.update(kindDeal, r, map[string]string{name: value}, now, s.lag); e != nil {
		if len(e.details) > 0 {
			return fmt.Errorf("sandbox crm: set %s of deal %s: %s", name, id, e.details[0].Message)
		}
		return fmt.Errorf("sandbox crm: set %s of deal %s: %s", name, id, e.message)
	}
	s.notify()
	return nil
}

// AddDeal makes a deal by hand, as a seller would, joined with a company ("" for
// none), and returns its ID.
func (s *Server) AddDeal(companyID string, props map[string]string) (string, error) {
	now := s.cfg.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if companyID != "" && s.state.live(kindCompany, companyID) == nil {
		return "", fmt.Errorf("sandbox crm: no company %s", companyID)
	}
	r, e := s.state.create(kindDeal, props, now)
	if e != nil {
		return "", fmt.Errorf("sandbox crm: add deal: %s", e.message)
	}
	if companyID != "" {
		s.state.addLink(link{kindDeal, r.ID, kindCompany, companyID, plainTypes[linkType{kindDeal, kindCompany}]})
	}
	s.notify()
	return r.ID, nil
}

// ArchiveDeal deletes a deal by hand.
func (s *Server) ArchiveDeal(id string) error {
	now := s.cfg.Clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.state.live(kindDeal, id)
	if r == nil {
		return fmt.Errorf("sandbox crm: no deal %s", id)
	}
	s.state.archive(r, now, s.lag)
	s.notify()
	return nil
}

// CreatesByKey counts the deals ever created for each value of our unique property,
// archived ones too: a count above 1 is a duplicate.
func (s *Server) CreatesByKey() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.state.Creates)
}

// Snapshot returns all that is kept, as JSON. Faults, lag and SetDown are not in it.
func (s *Server) Snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.encode()
}

// Restore replaces all that is kept by a Snapshot; on an error nothing changes.
func (s *Server) Restore(snapshot []byte) error {
	st := newState()
	d := json.NewDecoder(strings.NewReader(string(snapshot)))
	if err := d.Decode(&st); err != nil {
		return fmt.Errorf("sandbox crm: restore: %w", err)
	}
	if st.Version != 1 {
		return fmt.Errorf("sandbox crm: restore: the snapshot has version %d, this program reads 1", st.Version)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = st
	s.notify()
	return nil
}

func (st *state) encode() []byte {
	b, err := json.Marshal(st)
	if err != nil { // maps, text and times only
		panic(err)
	}
	return b
}

// decodeState reads what encode wrote.
func decodeState(b []byte) state {
	st := newState()
	if err := json.Unmarshal(b, &st); err != nil {
		panic(err)
	}
	return st
}
