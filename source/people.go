package source

import (
	"io"
	"regexp"
	"strings"
	"time"

	"expansionbot/expansion"
)

// PersonRow is a row of people.csv. Person.ID and Person.Manager are empty: the e-mail
// is the key, and ManagerEmail ("" = none) may name somebody further down in the file.
type PersonRow struct {
	expansion.Person
	ManagerEmail string
}

// NamedRow is a row of named.csv: a rep who is the named executive of an account between
// two UTC days (inclusive, nil = open).
type NamedRow struct {
	AccountID expansion.AccountID
	Email     string
	From, To  *time.Time
}

// PartnerRow is a row of partners.csv. AccountID "" is every account of the CSM.
type PartnerRow struct {
	CSMEmail  string
	AccountID expansion.AccountID
	Email     string
	From, To  *time.Time
}

var slackID = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)

var people = table[PersonRow]{
	columns: []column{
		must("email"), may("name"), must("role"), may("territory"), may("manager_email"), may("max_open"), may("time_zone"),
		may("specialties"), may("active"), may("slack_id"), may("crm_owner_id"),
	},
	parse: parsePerson,
}

func parsePerson(r *row) PersonRow {
	p := PersonRow{
		Person: expansion.Person{
			Email:      r.mustEmail("email"),
			Name:       r.text("name"),
			Role:       expansion.Role(r.mustWord("role", "csm", "ae", "specialist", "manager", "revops")),
			Territory:  r.text("territory"),
			TimeZone:   r.text("time_zone"),
			Active:     r.truth("active", true),
			SlackID:    r.text("slack_id"),
			CRMOwnerID: r.text("crm_owner_id"),
		},
		ManagerEmail: r.email("manager_email"),
	}
	if p.Name == "" {
		p.Name, _, _ = strings.Cut(p.Email, "@")
	}
	if n := r.whole("max_open"); n != nil {
		if *n > 1_000_000 {
			r.failf("max_open", "%d is more than a person can have", *n)
		}
		v := int(*n)
		p.MaxOpen = &v
	}
	if _, err := time.LoadLocation(p.TimeZone); p.TimeZone != "" && (err != nil || p.TimeZone == "Local") {
		r.failf("time_zone", "%s is not a time zone; write it like Europe/Berlin", quote(p.TimeZone))
	}
	if p.SlackID != "" && !slackID.MatchString(p.SlackID) {
		r.failf("slack_id", "%s is not a Slack member id; it looks like U02ABCDEF", quote(p.SlackID))
	}
	if p.ManagerEmail != "" && p.ManagerEmail == p.Email {
		r.failf("manager_email", "is the person's own address")
	}
	types, _ := r.cell("specialties")
	for s := range strings.SplitSeq(types, ";") {
		t := expansion.ExpansionType(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "-", "_"))
		if t == "" {
			continue
		}
		if !t.Valid() {
			r.failf("specialties", "%s is not one of seats, tier, upsell, cross_sell (joined by ;)", quote(string(t)))
			break
		}
		p.Specialties = append(p.Specialties, t)
	}
	return p
}

var named = table[NamedRow]{
	columns: []column{must("account_id"), must("email"), may("from"), may("to")},
	parse: func(r *row) NamedRow {
		n := NamedRow{AccountID: expansion.AccountID(r.id("account_id")), Email: r.mustEmail("email")}
		n.From, n.To = r.span("from", "to")
		return n
	},
}

var partners = table[PartnerRow]{
	columns: []column{must("csm_email"), may("account_id"), must("email"), may("from"), may("to")},
	parse: func(r *row) PartnerRow {
		p := PartnerRow{CSMEmail: r.mustEmail("csm_email"), AccountID: expansion.AccountID(r.text("account_id")), Email: r.mustEmail("email")}
		p.From, p.To = r.span("from", "to")
		return p
	},
}

// ReadPeople reads people.csv. An empty name becomes the part of the address before the
// "@"; an empty active is true; an empty max_open is no limit, and 0 takes nothing.
//
// Like all readers of this package it goes on after a bad row or a Refusal by yield, stops
// at any other error of yield and returns that as it is, and returns an *expansion.Error when the file as a
// whole cannot be read (no header, a needed column missing).
func ReadPeople(r io.Reader, file string, yield func(PersonRow) error) (Stats, []RowError, error) {
	return readCSV(r, file, people, yield)
}

// ReadNamed reads named.csv.
func ReadNamed(r io.Reader, file string, yield func(NamedRow) error) (Stats, []RowError, error) {
	return readCSV(r, file, named, yield)
}

// ReadPartners reads partners.csv.
func ReadPartners(r io.Reader, file string, yield func(PartnerRow) error) (Stats, []RowError, error) {
	return readCSV(r, file, partners, yield)
}
