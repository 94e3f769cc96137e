package page

import (
	"net/http"
	"slices"

	"expansionbot/sandbox/crm"
	"expansionbot/sandbox/mail"
)

// serveCRM hands out the records as the CRM holds them, newest deals first.
func (s *Server) serveCRM(w http.ResponseWriter, r *http.Request) {
	deals := s.CRM.Deals()
	slices.Reverse(deals)
	writeJSON(w, map[string]any{
		"deals": deals, "companies": s.CRM.Companies(), "owners": s.CRM.Owners(), "stages": s.CRM.Stages(), "creates": s.CRM.CreatesByKey(),
	})
}

// editable are the properties of a deal that the page lets a person change.
var editable = []string{"dealstage", "amount", "hubspot_owner_id", "closedate"}

func (s *Server) editCRM(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Deal, Property, Value string
	}
	if !readJSON(w, r, &in) {
		return
	}
	if !slices.Contains(editable, in.Property) {
		writeJSON(w, result{Error: "Stage, amount, owner and close date can be changed here; nothing else."})
		return
	}
	if err := s.CRM.SetDealProperty(in.Deal, in.Property, in.Value); err != nil {
		writeJSON(w, result{Error: sentence(err)})
		return
	}
	writeJSON(w, result{})
}

// letter is a mail in the list; its HTML is fetched by a frame of its own.
type letter struct {
	mail.Mail
	HTML    bool `json:"html"` // hides Mail's: whether there is any
	Repeats int  `json:"repeats"`
}

func (s *Server) serveMail(w http.ResponseWriter, r *http.Request) {
	count := s.Mail.CountByMessageID()
	out := []letter{}
	for _, m := range s.Mail.Messages() {
		out = append(out, letter{Mail: m, HTML: m.HTML != "", Repeats: count[m.MessageID]})
	}
	slices.Reverse(out)
	writeJSON(w, out[:min(len(out), 100)])
}

// mailPolicy shows a mail as a careful reader does: its own styles, no scripts, no
// forms, nothing loaded from anywhere.
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'"

func (s *Server) serveMailHTML(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.Mail.Messages() {
		if m.ID == r.FormValue("id") && m.HTML != "" {
			w.Header().Set("Content-Security-Policy", mailPolicy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<base target=\"_blank\">" + m.HTML)) // links leave the frame
			return
		}
	}
	http.Error(w, "That mail is gone or has no HTML part.", http.StatusNotFound)
}

// creations counts the opportunities ever made by the product; one made by hand in
// the CRM has no key and doesn't count.
func creations(c *crm.Server) int {
	n := 0
	for _, k := range c.CreatesByKey() {
		n += k
	}
	return n
}
