package crm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of record kept, with the names and the type number HubSpot takes for each.
const (
	kindContact = "contact"
	kindCompany = "company"
	kindDeal    = "deal"
	kindNote    = "note"
	kindTask    = "task"
)

var kindNames = map[string]string{
	"contact": kindContact, "contacts": kindContact, "0-1": kindContact,
	"company": kindCompany, "companies": kindCompany, "0-2": kindCompany,
	"deal": kindDeal, "deals": kindDeal, "0-3": kindDeal,
	"note": kindNote, "notes": kindNote, "0-46": kindNote,
	"task": kindTask, "tasks": kindTask, "0-27": kindTask,
}

var kindPlural = map[string]string{
	kindContact: "contacts", kindCompany: "companies", kindDeal: "deals", kindNote: "notes", kindTask: "tasks",
}

var kindTypeID = map[string]string{
	kindContact: "0-1", kindCompany: "0-2", kindDeal: "0-3", kindNote: "0-46", kindTask: "0-27",
}

// property is a field of a kind. External names where the allowed values are kept
// when they are not Options: "owner", "pipeline" or "stage".
type property struct {
	Name, Label, Type, FieldType, Group string
	Unique, ReadOnly, Custom            bool
	Options                             []string
	External                            string
}

func builtin(name, label, typ string) property {
	field := map[string]string{"string": "text", "number": "number", "datetime": "date", "date": "date", "enumeration": "select", "bool": "booleancheckbox"}
	return property{Name: name, Label: label, Type: typ, FieldType: field[typ]}
}

func readOnly(name, label, typ string) property {
	p := builtin(name, label, typ)
	p.ReadOnly = true
	return p
}

func external(name, label, where string) property {
	p := builtin(name, label, "enumeration")
	p.External = where
	return p
}

func oneOf(name, label string, options ...string) property {
	p := builtin(name, label, "enumeration")
	p.Options = options
	return p
}

// schema returns HubSpot's own properties of every kind, as far as we use them.
func schema() map[string]map[string]property {
	email := builtin("email", "Email", "string")
	email.Unique = true
	common := []property{
		readOnly("hs_object_id", "Record ID", "number"), readOnly("createdate", "Create Date", "datetime"),
		readOnly("hs_lastmodifieddate", "Last Modified Date", "datetime"), external("hubspot_owner_id", "Owner", "owner"),
	}
	lists := map[string][]property{
		kindDeal: {
			builtin("dealname", "Deal Name", "string"), external("pipeline", "Pipeline", "pipeline"), external("dealstage", "Deal Stage", "stage"),
			builtin("amount", "Amount", "number"), builtin("closedate", "Close Date", "datetime"), builtin("description", "Deal Description", "string"),
			builtin("hs_deal_stage_probability", "Deal Probability", "number"), builtin("hs_next_step", "Next Step", "string"),
			oneOf("deal_currency_code", "Currency", "USD", "EUR", "GBP", "CHF", "CAD", "AUD"), oneOf("dealtype", "Deal Type", "newbusiness", "existingbusiness"),
			readOnly("hs_is_closed", "Is Deal Closed?", "bool"), readOnly("hs_is_closed_won", "Is Closed Won", "bool"),
			builtin("closed_won_reason", "Closed Won Reason", "string"), builtin("closed_lost_reason", "Closed Lost Reason", "string"),
		},
		kindCompany: {
			builtin("name", "Company name", "string"), builtin("domain", "Company Domain Name", "string"), builtin("industry", "Industry", "string"),
			builtin("country", "Country", "string"), builtin("numberofemployees", "Number of Employees", "number"), builtin("annualrevenue", "Annual Revenue", "number"),
			builtin("description", "Description", "string"),
		},
		kindContact: {
			email, builtin("firstname", "First Name", "string"), builtin("lastname", "Last Name", "string"), builtin("jobtitle", "Job Title", "string"),
			builtin("phone", "Phone Number", "string"), readOnly("lastmodifieddate", "Last Modified Date", "datetime"),
		},
		kindNote: {builtin("hs_note_body", "Note body", "string"), builtin("hs_timestamp", "Activity date", "datetime")},
		kindTask: {
			builtin("hs_task_subject", "Task Title", "string"), builtin("hs_task_body", "Task Notes", "string"), builtin("hs_timestamp", "Due date", "datetime"),
			oneOf("hs_task_status", "Task Status", "NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
			oneOf("hs_task_priority", "Priority", "NONE", "LOW", "MEDIUM", "HIGH"), oneOf("hs_task_type", "Task Type", "TODO", "EMAIL", "CALL"),
		},
	}
	out := map[string]map[string]property{}
	for kind, list := range lists {
		out[kind] = map[string]property{}
		for _, p := range append(list, common...) {
			p.Group = kind + "information"
			out[kind][p.Name] = p
		}
	}
	return out
}

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// check turns the values sent into the values kept, or says what HubSpot would
// refuse. An empty value clears the property. pipeline is where a stage must exist.
func (st *state) check(kind string, sent map[string]string, pipeline string) (map[string]string, []problem) {
	kept := make(map[string]string, len(sent))
	var problems []problem
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		value := sent[name]
		p, ok := st.Properties[kind][name]
		if !ok {
			problems = append(problems, problem{name, "PROPERTY_DOESNT_EXIST", fmt.Sprintf("Property %q does not exist", name), value})
			continue
		}
		if p.ReadOnly {
			problems = append(problems, problem{name, "READ_ONLY_VALUE", fmt.Sprintf("%q is a read only property; its value cannot be set.", name), value})
			continue
		}
		if value == "" {
			kept[name] = ""
			continue
		}
		v, code, message := st.normal(p, value, pipeline)
		if code != "" {
			problems = append(problems, problem{name, code, message, value})
			continue
		}
		kept[name] = v
	}
	return kept, problems
}

// normal checks one non-empty value; code is "" when it is good.
func (st *state) normal(p property, value, pipeline string) (kept, code, message string) {
	switch p.Type {
	case "number":
		if !decimal.MatchString(value) {
			return "", "INVALID_INTEGER", value + " was not a valid number."
		}
		if p.Name == "hs_deal_stage_probability" {
			if f, _ := strconv.ParseFloat(value, 64); f < 0 || f > 1 {
				return "", "INVALID_NUMERIC_RANGE", value + " is not between 0 and 1."
			}
		}
	case "datetime", "date":
		t, ok := parseTime(value)
		if !ok {
			return "", "INVALID_DATE", value + " was not a valid date."
		}
		if p.Type == "datetime" {
			return stamp(t), "", ""
		}
		if !t.Equal(t.Truncate(24 * time.Hour)) {
			return "", "INVALID_DATE", fmt.Sprintf("%d is at %d:%d:%d.%d UTC, not midnight!", t.UnixMilli(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1e6)
		}
		return t.Format(time.DateOnly), "", ""
	case "bool":
		if value != "true" && value != "false" {
			return "", "INVALID_OPTION", value + " was not one of the allowed options: [true, false]"
		}
	case "enumeration":
		return st.option(p, value, pipeline)
	}
	return value, "", ""
}

func (st *state) option(p property, value, pipeline string) (kept, code, message string) {
	allowed := p.Options
	switch p.External {
	case "owner":
		if o, ok := st.Owners[value]; !ok || o.Archived {
			return "", "INVALID_OWNER_ID", fmt.Sprintf("Owner ID %s does not exist or is deactivated", value)
		}
		return value, "", ""
	case "pipeline":
		allowed = []string{defaultPipeline}
	case "stage":
		if pipeline == defaultPipeline {
			for _, g := range st.Stages {
				allowed = append(allowed, g.ID)
			}
		}
	}
	if !slices.Contains(allowed, value) {
		return "", "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: [%s]", value, strings.Join(allowed, ", "))
	}
	return value, "", ""
}

// parseTime reads the forms HubSpot takes: milliseconds since 1970, RFC 3339 and a
// plain date, which is midnight UTC.
func parseTime(v string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// stamp writes a time as HubSpot does: milliseconds, and none when they are zero.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z") }
