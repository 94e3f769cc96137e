package source

import (
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what a file holds.
type Kind string

// The kinds. KindUnknown is a file no reader is for.
const (
	KindUnknown       Kind = ""
	KindPeople        Kind = "people"
	KindAccounts      Kind = "accounts"
	KindEntitlements  Kind = "entitlements"
	KindUsage         Kind = "usage"
	KindEvents        Kind = "events"
	KindHealth        Kind = "health"
	KindContacts      Kind = "contacts"
	KindNamed         Kind = "named"
	KindPartners      Kind = "partners"
	KindOpportunities Kind = "opportunities"
	KindTranscript    Kind = "transcript" // .vtt, .srt, .txt, .json
	KindMail          Kind = "mail"       // .eml
)

// Kinds lists the kinds of tables in the order in which they can be read: people before
// the accounts that name them, accounts before their evidence.
var Kinds = []Kind{
	KindPeople, KindAccounts, KindContacts, KindNamed, KindPartners, KindOpportunities, KindEntitlements, KindUsage, KindEvents, KindHealth,
}

// byHeader are the kinds that are known by their needed columns alone; the first whose
// columns are all there wins.
var byHeader = []struct {
	kind    Kind
	columns []column
}{
	{KindEvents, events.columns},
	{KindUsage, usage.columns},
	{KindEntitlements, entitlements.columns},
	{KindHealth, health.columns},
	{KindPartners, partners.columns},
	{KindOpportunities, opportunities.columns},
}

// KindOf recognises a file by its name ("people.csv", "usage-2026-03.csv",
// "accounts_emea.ndjson") and, when the name says nothing, by its header line (nil when
// there is none).
func KindOf(name string, header []string) Kind {
	base := strings.ToLower(filepath.Base(name))
	switch filepath.Ext(base) {
	case ".vtt", ".srt", ".txt", ".json":
		return KindTranscript
	case ".eml":
		return KindMail
	}
	word, _, _ := strings.Cut(base, ".")
	if i := strings.IndexAny(word, "-_ "); i > 0 {
		word = word[:i]
	}
	for _, k := range Kinds {
		if word == string(k) {
			return k
		}
	}
	return kindByHeader(header)
}

func kindByHeader(header []string) Kind {
	has := func(names ...string) bool {
		for _, n := range names {
			same := func(h string) bool { return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")), n) }
			if !slices.ContainsFunc(header, same) {
				return false
			}
		}
		return true
	}
	for _, k := range byHeader {
		all := true
		for _, c := range k.columns {
			if c.must && !has(c.name) {
				all = false
			}
		}
		if all {
			return k.kind
		}
	}
	switch {
	case has("account_id", "name", "email"), has("account_id", "name", "title"), has("account_id", "name", "stance"):
		return KindContacts
	case has("account_id", "email"):
		return KindNamed
	case has("account_id", "name"), has("account_id", "arr_cents"), has("account_id", "seats_licensed"):
		return KindAccounts
	case has("email", "role"):
		return KindPeople
	}
	return KindUnknown
}

// Header reads the names in the first line of a CSV file, in lower case, for KindOf.
func Header(line string) []string {
	names, err := newRecords(strings.NewReader(line)).header("")
	if err != nil {
		return nil
	}
	return names
}
