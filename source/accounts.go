package source

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"expansionbot/expansion"
)

// AccountRow is a row of accounts.csv. Account.CSM and Account.OriginalAE are empty; the
// addresses stand beside it. UpdatedAt is zero.
type AccountRow struct {
	expansion.Account
	CSMEmail string // "" = the file does not say
	AEEmail  string // the original AE, "" = the file does not say
}

// ContactRow is a row of contacts.csv. Contact.Owner is empty; OwnerEmail is the address
// of our person who holds the relationship. Contact.ID is a digest of account and address
// (of the name where there is no address), so that reading a file again makes no doubles.
type ContactRow struct {
	expansion.Contact
	OwnerEmail string
}

// OpportunityRow is a row of opportunities.csv: one that is in the CRM already.
type OpportunityRow struct {
	AccountID  expansion.AccountID
	OwnerEmail string
	Stage      string
	Open       bool // an empty cell is true
}

var accounts = table[AccountRow]{
	columns: []column{
		must("account_id", "customerId"), may("name"), may("domain"), may("segment"), may("region"), may("territory"), may("arr_cents"),
		may("currency"), may("seats_licensed"), may("plan"), may("contract_start"), may("contract_end"), may("csm_email"),
		may("ae_email", "original_ae_email"), may("crm_id"), may("restricted"),
	},
	parse: parseAccount,
}

func parseAccount(r *row) AccountRow {
	a := AccountRow{
		Account: expansion.Account{
			ID:            expansion.AccountID(r.id("account_id")),
			Name:          r.text("name"),
			Domain:        strings.ToLower(r.text("domain")),
			Segment:       r.text("segment"),
			Region:        r.text("region"),
			Territory:     r.text("territory"),
			SeatsLicensed: r.whole("seats_licensed"),
			Plan:          r.text("plan"),
			CRMID:         r.text("crm_id"),
			Restricted:    r.truth("restricted", false),
		},
		CSMEmail: r.email("csm_email"),
		AEEmail:  r.email("ae_email"),
	}
	if a.Name == "" {
		a.Name = string(a.ID)
	}
	a.ContractStart, a.ContractEnd = r.span("contract_start", "contract_end")
	currency := strings.ToUpper(r.text("currency"))
	if currency != "" && (len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		r.failf("currency", "%s is not a currency code; write it like USD", quote(currency))
	}
	if minor := r.whole("arr_cents"); minor != nil {
		if currency == "" {
			r.failf("currency", "is empty, but arr_cents holds an amount")
		}
		a.ARR = &expansion.Money{Minor: *minor, Currency: currency}
	}
	if strings.ContainsAny(a.Domain, " /@:") {
		r.failf("domain", "%s is not a domain; write it like brightwater.example", quote(a.Domain))
	}
	return a
}

var entitlements = table[expansion.Entitlement]{
	columns: []column{must("account_id", "customerId"), must("metric"), must("limit"), may("unit"), may("period"), may("from"), may("to")},
	parse: func(r *row) expansion.Entitlement {
		e := expansion.Entitlement{
			AccountID: expansion.AccountID(r.id("account_id")),
			Metric:    r.id("metric"),
			Limit:     r.mustNumber("limit"),
			Unit:      r.text("unit"),
			Period:    r.word("period", "month"),
		}
		if e.Limit < 0 {
			r.failf("limit", "is below zero")
		}
		e.From, e.To = r.span("from", "to")
		return e
	},
}

var contacts = table[ContactRow]{
	columns: []column{
		must("account_id", "customerId"), must("name"), may("email"), may("title"), may("role"), may("stance"), may("last_contact"), may("owner_email"),
	},
	parse: func(r *row) ContactRow {
		c := ContactRow{
			Contact: expansion.Contact{
				AccountID: expansion.AccountID(r.id("account_id")),
				Name:      r.id("name"),
				Email:     r.email("email"),
				Title:     r.text("title"),
				Role:      r.word("role", "champion", "decision_maker", "user", "blocker"),
				Stance:    r.word("stance", "supportive", "neutral", "critical"),
			},
			OwnerEmail: r.email("owner_email"),
		}
		if s, _ := r.cell("last_contact"); len(s) == len(time.DateOnly) {
			c.LastContactAt = r.day("last_contact")
		} else if s != "" {
			at := r.instant("last_contact")
			c.LastContactAt = &at
		}
		key := c.Email
		if key == "" {
			key = strings.ToLower(c.Name)
		}
		sum := sha256.Sum256([]byte(string(c.AccountID) + "\x1f" + key))
		c.ID = hex.EncodeToString(sum[:10])
		return c
	},
}

var opportunities = table[OpportunityRow]{
	columns: []column{must("account_id"), must("owner_email"), may("stage"), may("open")},
	parse: func(r *row) OpportunityRow {
		return OpportunityRow{
			AccountID:  expansion.AccountID(r.id("account_id")),
			OwnerEmail: r.mustEmail("owner_email"),
			Stage:      r.text("stage"),
			Open:       r.truth("open", true),
		}
	},
}

// ReadAccounts reads accounts.csv. ae_email and original_ae_email are one column; a row
// where both are filled and differ is refused. An empty name becomes the account's id.
func ReadAccounts(r io.Reader, file string, yield func(AccountRow) error) (Stats, []RowError, error) {
	return readCSV(r, file, accounts, yield)
}

// ReadEntitlements reads entitlements.csv.
func ReadEntitlements(r io.Reader, file string, yield func(expansion.Entitlement) error) (Stats, []RowError, error) {
	return readCSV(r, file, entitlements, yield)
}

// ReadContacts reads contacts.csv. last_contact is a day or an RFC 3339 time.
func ReadContacts(r io.Reader, file string, yield func(ContactRow) error) (Stats, []RowError, error) {
	return readCSV(r, file, contacts, yield)
}

// ReadOpportunities reads opportunities.csv.
func ReadOpportunities(r io.Reader, file string, yield func(OpportunityRow) error) (Stats, []RowError, error) {
	return readCSV(r, file, opportunities, yield)
}
