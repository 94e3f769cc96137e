package crm

import (
	"fmt"
	"net/http"
	"strings"
)

type batchInput struct {
	Inputs     []objectInput `json:"inputs"`
	Properties []string      `json:"properties"`
	IDProperty string        `json:"idProperty"`
}

type batchError struct {
	Status   string              `json:"status"`
	Category string              `json:"category"`
	Message  string              `json:"message"`
	Context  map[string][]string `json:"context"`
}

type batchOutput struct {
	Status      string       `json:"status"`
	Results     []objectJSON `json:"results"`
	NumErrors   int          `json:"numErrors,omitempty"`
	Errors      []batchError `json:"errors,omitempty"`
	StartedAt   string       `json:"startedAt"`
	CompletedAt string       `json:"completedAt"`
}

// decodeBatch reads a batch and holds it to HubSpot's size limit.
func decodeBatch(r *http.Request) (batchInput, *apiError) {
	var in batchInput
	if e := decode(r, &in); e != nil {
		return in, e
	}
	if len(in.Inputs) == 0 || len(in.Inputs) > batchLimit {
		return in, invalid("The number of inputs must be from 1 to %d, was %d", batchLimit, len(in.Inputs))
	}
	return in, nil
}

// all runs f for each input and keeps everything or nothing, as HubSpot does: one
// refused input refuses the batch.
func (s *Server) all(w http.ResponseWriter, r *http.Request, status int, f func(in objectInput) (objectJSON, *apiError)) {
	in, e := decodeBatch(r)
	if e != nil {
		s.refuse(w, e)
		return
	}
	now := stamp(s.cfg.Clock())
	s.change(w, status, func() (any, *apiError) {
		var saved []byte
		if len(in.Inputs) > 1 { // one input alone is kept or refused by itself
			saved = s.state.encode()
		}
		out := batchOutput{Status: "COMPLETE", StartedAt: now, CompletedAt: now, Results: []objectJSON{}}
		for _, one := range in.Inputs {
			o, e := f(one)
			if e != nil {
				if saved != nil {
					s.state = decodeState(saved)
				}
				return nil, e
			}
			out.Results = append(out.Results, o)
		}
		return out, nil
	})
}

func (s *Server) batchCreate(w http.ResponseWriter, r *http.Request, kind string) {
	now := s.cfg.Clock()
	s.all(w, r, http.StatusCreated, func(in objectInput) (objectJSON, *apiError) {
		v, e := s.createWithLinks(kind, in, now)
		if e != nil {
			return objectJSON{}, e
		}
		return v.(objectJSON), nil
	})
}

func (s *Server) batchUpdate(w http.ResponseWriter, r *http.Request, kind string) {
	now := s.cfg.Clock()
	s.all(w, r, http.StatusOK, func(in objectInput) (objectJSON, *apiError) {
		if in.IDProperty == "hs_object_id" {
			return objectJSON{}, invalid("idProperty must be left out to update by record id")
		}
		rec, e := s.updateFrom(kind, in, now)
		if e != nil {
			return objectJSON{}, e
		}
		return s.show(kind, rec, nil), nil
	})
}

func (s *Server) batchUpsert(w http.ResponseWriter, r *http.Request, kind string) {
	now := s.cfg.Clock()
	seen := map[string]bool{}
	s.all(w, r, http.StatusOK, func(in objectInput) (objectJSON, *apiError) {
		if in.IDProperty == "" || in.ID == "" {
			return objectJSON{}, invalid("idProperty and id are required to upsert")
		}
		if seen[in.ID] {
			return objectJSON{}, invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", in.ID)
		}
		seen[in.ID] = true
		rec, ok := s.state.byUnique(kind, in.IDProperty, in.ID)
		if !ok || in.IDProperty == "hs_object_id" {
			return objectJSON{}, invalid("%q is not a unique property of %s", in.IDProperty, strings.ToUpper(kind))
		}
		props, e := in.values()
		if e != nil {
			return objectJSON{}, e
		}
		if v, sent := props[in.IDProperty]; sent && v != in.ID {
			return objectJSON{}, invalid("The value of %q differs from the id of the input", in.IDProperty)
		}
		isNew := rec == nil
		if isNew {
			props[in.IDProperty] = in.ID
			rec, e = s.state.create(kind, props, now)
		} else {
			e = s.state.update(kind, rec, props, now, s.lag)
		}
		if e != nil {
			return objectJSON{}, e
		}
		o := s.show(kind, rec, nil)
		o.New = &isNew
		return o, nil
	})
}

// batchRead answers 207 when some are missing, and names them.
func (s *Server) batchRead(w http.ResponseWriter, r *http.Request, kind string) {
	in, e := decodeBatch(r)
	if e != nil {
		s.refuse(w, e)
		return
	}
	archived := r.URL.Query().Get("archived") == "true"
	now := stamp(s.cfg.Clock())
	status := http.StatusOK
	var missing []string
	out := batchOutput{Status: "COMPLETE", StartedAt: now, CompletedAt: now, Results: []objectJSON{}}
	s.mu.Lock()
	seen := map[string]bool{}
	for _, one := range in.Inputs {
		rec, ok := s.state.byUnique(kind, in.IDProperty, one.ID)
		if !ok {
			e = invalid("%q is not a unique property", in.IDProperty)
			break
		}
		if archived {
			rec = s.state.archivedBy(kind, in.IDProperty, one.ID)
		}
		switch {
		case rec == nil:
			missing = append(missing, one.ID)
		case !seen[rec.ID]:
			seen[rec.ID] = true
			out.Results = append(out.Results, s.show(kind, rec, wanted(kind, in.Properties)))
		}
	}
	s.mu.Unlock()
	if e != nil {
		s.refuse(w, e)
		return
	}
	if len(missing) > 0 {
		status = http.StatusMultiStatus
		out.NumErrors = 1
		out.Errors = []batchError{{
			Status: "error", Category: "OBJECT_NOT_FOUND", Context: map[string][]string{"ids": missing},
			Message: fmt.Sprintf("Could not get some %s objects, they may be deleted or not exist. Check that ids are valid.", strings.ToUpper(kind)),
		}}
	}
	writeJSON(w, status, out)
}

// archivedBy finds an archived record by its id or by a unique property, the one
// archived last if several had the value.
func (st *state) archivedBy(kind, name, value string) *record {
	var found *record
	for _, r := range st.sorted(kind) {
		if r.Archived && (r.ID == value && (name == "" || name == "hs_object_id") || name != "" && r.Properties[name] == value) {
			found = r
		}
	}
	return found
}

func (s *Server) batchArchive(w http.ResponseWriter, r *http.Request, kind string) {
	in, e := decodeBatch(r)
	if e != nil {
		s.refuse(w, e)
		return
	}
	now := s.cfg.Clock()
	s.change(w, 204, func() (any, *apiError) {
		for _, one := range in.Inputs {
			if rec := s.state.Records[kind][one.ID]; rec != nil {
				s.state.archive(rec, now, s.lag)
			}
		}
		return nil, nil
	})
}
