package crm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// defaultPipeline is the id of the one sales pipeline.
const defaultPipeline = "default"

// keyProperty is the unique property the product creates to name its deals.
const keyProperty = "expansion_opportunity_id"

// state is all that is kept; its JSON is what Snapshot writes.
type state struct {
	Version      int                            `json:"version"`
	NextID       int64                          `json:"nextId"`
	Correlations int64                          `json:"correlations"`
	Records      map[string]map[string]*record  `json:"records"` // by kind, then id
	Properties   map[string]map[string]property `json:"properties"`
	Owners       map[string]Owner               `json:"owners"`
	Stages       []Stage                        `json:"stages"`
	Links        []link                         `json:"links"`
	Creates      map[string]int                 `json:"creates"` // by our key
}

// record is one object of any kind. Before is what search still shows while the
// index lags; nil means the record is not in the index yet.
type record struct {
	ID         string            `json:"id"`
	Properties map[string]string `json:"properties"`
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
	Archived   bool              `json:"archived"`
	Before     *record           `json:"before,omitempty"`
}

func newState() state {
	st := state{
		Version: 1, NextID: 20_000_000_001, Properties: schema(), Owners: map[string]Owner{}, Creates: map[string]int{},
		Records: map[string]map[string]*record{},
		Stages: []Stage{
			{ID: "appointmentscheduled", Label: "Appointment Scheduled", Probability: 0.2},
			{ID: "qualifiedtobuy", Label: "Qualified To Buy", Probability: 0.4},
			{ID: "presentationscheduled", Label: "Presentation Scheduled", Probability: 0.6},
			{ID: "decisionmakerboughtin", Label: "Decision Maker Bought-In", Probability: 0.8},
			{ID: "contractsent", Label: "Contract Sent", Probability: 0.9},
			{ID: "closedwon", Label: "Closed Won", Probability: 1, Closed: true, Won: true},
			{ID: "closedlost", Label: "Closed Lost", Probability: 0, Closed: true},
		},
	}
	for kind := range kindPlural {
		st.Records[kind] = map[string]*record{}
	}
	return st
}

// live returns the record unless it is archived or was never there.
func (st *state) live(kind, id string) *record {
	if r := st.Records[kind][id]; r != nil && !r.Archived {
		return r
	}
	return nil
}

// byUnique finds the live record whose unique property has the value; "" and
// hs_object_id mean the id itself. ok is false when the property is not unique.
func (st *state) byUnique(kind, name, value string) (r *record, ok bool) {
	if name == "" || name == "hs_object_id" {
		return st.live(kind, value), true
	}
	if !st.Properties[kind][name].Unique {
		return nil, false
	}
	for _, r := range st.Records[kind] {
		if !r.Archived && r.Properties[name] == value {
			return r, true
		}
	}
	return nil, true
}

// sorted lists a kind's records by ascending id.
func (st *state) sorted(kind string) []*record {
	return slices.SortedFunc(maps.Values(st.Records[kind]), func(a, b *record) int { return compareIDs(a.ID, b.ID) })
}

// compareIDs orders numbers as numbers: shorter first, then by text.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func (st *state) newID() string {
	id := strconv.FormatInt(st.NextID, 10)
	st.NextID++
	return id
}

// create checks and keeps a new record.
func (st *state) create(kind string, sent map[string]string, now time.Time) (*record, *apiError) {
	props, e := st.prepare(kind, nil, sent)
	if e != nil {
		return nil, e
	}
	if kind == kindNote || kind == kindTask {
		if props["hs_timestamp"] == "" {
			return nil, &apiError{
				status: 400, category: "VALIDATION_ERROR",
				message: fmt.Sprintf("Error creating %s. Some required properties were not set.", map[string]string{kindNote: "NOTE", kindTask: "TASK"}[kind]),
				details: []errorDetail{{Message: "Some required properties were not set.", Code: "MISSING_REQUIRED_PROPERTIES", Context: map[string][]string{"properties": {"hs_timestamp"}}}},
			}
		}
	}
	r := &record{ID: st.newID(), Properties: map[string]string{}, Created: now, Modified: now}
	st.Records[kind][r.ID] = r
	st.apply(kind, r, props, now)
	if kind == kindDeal && props[keyProperty] != "" {
		st.Creates[props[keyProperty]]++
	}
	return r, nil
}

// update checks and keeps new values of a record. lag says how long search goes on
// showing the old ones.
func (st *state) update(kind string, r *record, sent map[string]string, now time.Time, lag time.Duration) *apiError {
	props, e := st.prepare(kind, r, sent)
	if e != nil {
		return e
	}
	st.touch(r, now, lag)
	st.apply(kind, r, props, now)
	return nil
}

// archive hides a record. A second time changes nothing.
func (st *state) archive(r *record, now time.Time, lag time.Duration) {
	if !r.Archived {
		st.touch(r, now, lag)
		r.Archived = true
	}
}

func (st *state) touch(r *record, now time.Time, lag time.Duration) {
	if now.Sub(r.Modified) >= lag {
		r.Before = r.copy()
	}
	r.Modified = now
}

// prepare checks values for r, nil for a record to be.
func (st *state) prepare(kind string, r *record, sent map[string]string) (map[string]string, *apiError) {
	pipeline := defaultPipeline
	if r != nil && r.Properties["pipeline"] != "" {
		pipeline = r.Properties["pipeline"]
	}
	if sent["pipeline"] != "" {
		pipeline = sent["pipeline"]
	}
	props, problems := st.check(kind, sent, pipeline)
	if len(problems) > 0 {
		return nil, invalidProperties(problems)
	}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if !st.Properties[kind][name].Unique || props[name] == "" {
			continue
		}
		if other, _ := st.byUnique(kind, name, props[name]); other != nil && (r == nil || other.ID != r.ID) {
			return nil, duplicate(kind, other.ID, name)
		}
	}
	return props, nil
}

// apply writes checked values and what follows from them: a deal's stage sets its
// probability and whether it is closed, and closing sets the close date.
func (st *state) apply(kind string, r *record, props map[string]string, now time.Time) {
	before := r.Properties["dealstage"]
	for name, v := range props {
		if v == "" {
			delete(r.Properties, name)
		} else {
			r.Properties[name] = v
		}
	}
	if kind != kindDeal {
		return
	}
	if r.Properties["amount"] != "" && r.Properties["deal_currency_code"] == "" {
		r.Properties["deal_currency_code"] = homeCurrency
	}
	stage := r.Properties["dealstage"]
	if stage == "" || stage == before {
		return
	}
	if r.Properties["pipeline"] == "" {
		r.Properties["pipeline"] = defaultPipeline
	}
	i := slices.IndexFunc(st.Stages, func(g Stage) bool { return g.ID == stage })
	g := st.Stages[i]
	if props["hs_deal_stage_probability"] == "" {
		r.Properties["hs_deal_stage_probability"] = strconv.FormatFloat(g.Probability, 'f', -1, 64)
	}
	r.Properties["hs_is_closed"] = strconv.FormatBool(g.Closed)
	r.Properties["hs_is_closed_won"] = strconv.FormatBool(g.Won)
	if g.Closed && props["closedate"] == "" {
		r.Properties["closedate"] = stamp(now)
	}
}
