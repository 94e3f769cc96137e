package hubspot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
)

// The deal properties of ours.
const (
	keyProperty    = "expansion_opportunity_id"
	typeProperty   = "expansion_type"
	signalProperty = "expansion_signal_type"
)

// dealProperties is what a Snapshot is read from.
var dealProperties = []string{
	keyProperty, "dealname", "dealstage", "pipeline", "amount", "deal_currency_code", "closedate",
	"hubspot_owner_id", "hs_deal_stage_probability", "hs_is_closed", "hs_lastmodifieddate",
}

var companyProperties = []string{"name", "domain", "hubspot_owner_id"}

// object is a record on the wire. Property values are text or null.
type object struct {
	ID         string             `json:"id"`
	Properties map[string]*string `json:"properties"`
	UpdatedAt  string             `json:"updatedAt"`
	Archived   bool               `json:"archived"`
	New        bool               `json:"new"`
	URL        string             `json:"url"`
}

func (o object) value(name string) string {
	if v := o.Properties[name]; v != nil {
		return *v
	}
	return ""
}

type objects struct {
	Results []object `json:"results"`
	Paging  paging   `json:"paging"`
}

type paging struct {
	Next struct {
		After string `json:"after"`
	} `json:"next"`
}

// objectID takes an id as text or number: HubSpot writes toObjectId both ways.
type objectID string

func (i *objectID) UnmarshalJSON(b []byte) error {
	*i = objectID(strings.Trim(string(b), `"`))
	return nil
}

type batchInput struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

type searchInput struct {
	FilterGroups []filterGroup `json:"filterGroups"`
	Sorts        []string      `json:"sorts"`
	Properties   []string      `json:"properties"`
	Limit        int           `json:"limit"`
	After        string        `json:"after"`
}

type filterGroup struct {
	Filters []filter `json:"filters"`
}

type filter struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// properties renders in as HubSpot's texts, leaving out what is zero. optional says
// whether a property of ours exists.
func (c *Client) properties(in crm.OpportunityInput, optional map[string]bool) map[string]string {
	p := map[string]string{}
	set := func(name, v string) {
		if v != "" {
			p[name] = v
		}
	}
	set(keyProperty, in.Key)
	set("dealname", in.Name)
	set("hubspot_owner_id", in.OwnerID)
	set("description", in.Description)
	if in.StageID != "" {
		p["pipeline"], p["dealstage"] = c.pipeline, in.StageID
	}
	if optional[typeProperty] {
		set(typeProperty, in.ExpansionType)
	}
	if optional[signalProperty] {
		set(signalProperty, in.SignalType)
	}
	if in.Amount != nil {
		p["amount"] = formatAmount(in.Amount.Minor)
		set("deal_currency_code", in.Amount.Currency)
	}
	if in.Probability != nil {
		p["hs_deal_stage_probability"] = strconv.FormatFloat(*in.Probability, 'f', -1, 64)
	}
	if in.CloseDate != nil {
		p["closedate"] = in.CloseDate.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return p
}

// snapshot reads a deal. An amount or date that is not one is as good as none.
func snapshot(o object) crm.Snapshot {
	s := crm.Snapshot{
		Key: o.value(keyProperty), ID: o.ID, Name: o.value("dealname"), StageID: o.value("dealstage"),
		OwnerID: o.value("hubspot_owner_id"), URL: o.URL, Archived: o.Archived,
	}
	if minor, ok := parseAmount(o.value("amount")); ok {
		s.Amount = &expansion.Money{Minor: minor, Currency: strings.ToUpper(o.value("deal_currency_code"))}
	}
	if f, err := strconv.ParseFloat(o.value("hs_deal_stage_probability"), 64); err == nil {
		s.Probability = &f
	}
	if t, ok := parseTime(o.value("closedate")); ok {
		s.CloseDate = &t
	}
	if t, ok := parseTime(o.UpdatedAt); ok {
		s.Modified = t
	}
	return s
}

func formatAmount(minor int64) string {
	sign := ""
	if minor < 0 {
		minor, sign = -minor, "-"
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

// parseAmount reads "19200", "19200.5" or "1.92E4" as minor units, exactly where the
// text has at most two decimals.
func parseAmount(v string) (minor int64, ok bool) {
	whole, cents, _ := strings.Cut(v, ".")
	if len(cents) <= 2 {
		digits := whole + (cents + "00")[:2]
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && whole != "" && whole != "-" {
			return n, true
		}
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(math.Abs(f) <= 1e15) { // written so that NaN is refused
		return 0, false
	}
	return expansion.MoneyFromMajor(f, "").Minor, true
}

// parseTime reads RFC 3339, a plain date or milliseconds since 1970, all of which
// HubSpot has sent for a close date.
func parseTime(v string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), true
		}
	}
	if ms, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	return time.Time{}, false
}
