package enrich

import (
	"context"
	"fmt"
	"time"

	"expansionbot/expansion"
)

// Reader is what the built-in providers read. Lists may be empty; since is inclusive.
// Points come ascending by day; the order of the rest does not matter.
type Reader interface {
	Entitlements(ctx context.Context, id expansion.AccountID) ([]expansion.Entitlement, error)
	Usage(ctx context.Context, id expansion.AccountID, metric string, since time.Time) ([]expansion.UsagePoint, error)
	Health(ctx context.Context, id expansion.AccountID, since time.Time) ([]expansion.HealthPoint, error)
	Contacts(ctx context.Context, id expansion.AccountID) ([]expansion.Contact, error)
	PastOpportunities(ctx context.Context, id expansion.AccountID) ([]expansion.Opportunity, error)
	Evidence(ctx context.Context, id expansion.AccountID, since time.Time) ([]expansion.Evidence, error)
}

// FromStore returns the built-in providers over r in the order they build on each
// other: contract, usage, contacts, conversations, opportunities, health. Conversations
// read evidence of the last year for relationship, competitors and budget; all three
// stay unknown when nobody's words were ever kept.
func FromStore(r Reader) []Provider {
	return []Provider{
		storeProvider{"contract", []expansion.ElementName{expansion.ElementContract}, r, fillContract},
		storeProvider{"usage", []expansion.ElementName{expansion.ElementUsage}, r, fillUsage},
		storeProvider{"contacts", []expansion.ElementName{expansion.ElementPeople}, r, fillPeople},
		storeProvider{"conversations", []expansion.ElementName{expansion.ElementRelationship, expansion.ElementCompetitors, expansion.ElementBudget}, r, fillConversations},
		storeProvider{"opportunities", []expansion.ElementName{expansion.ElementHistory}, r, fillHistory},
		storeProvider{"health", nil, r, fillHealth},
	}
}

type storeProvider struct {
	name  string
	fills []expansion.ElementName
	r     Reader
	fill  func(context.Context, Reader, expansion.Account, time.Time, *expansion.Context) error
}

var (
	_ Provider = storeProvider{}
	_ Filler   = storeProvider{}
)

// Name is the source's name.
func (p storeProvider) Name() string { return p.name }

// Fills are the elements the provider may set.
func (p storeProvider) Fills() []expansion.ElementName { return p.fills }

// Fill reads and sets them.
func (p storeProvider) Fill(ctx context.Context, a expansion.Account, now time.Time, c *expansion.Context) error {
	if err := p.fill(ctx, p.r, a, now, c); err != nil {
		return fmt.Errorf("read %s of %s: %w", p.name, a.ID, err)
	}
	return nil
}

const day = 24 * time.Hour

func known(text, source string, asOf time.Time) expansion.Element {
	return expansion.Element{Known: true, Text: text, Source: source, AsOf: asOf}
}

// date writes a UTC day as people read it.
func date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// daysBetween is whole UTC days from a to b, negative when b is earlier.
func daysBetween(a, b time.Time) int {
	return int(b.UTC().Truncate(day).Sub(a.UTC().Truncate(day)) / day)
}
