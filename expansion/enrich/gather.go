package enrich

import (
	"context"
	"time"

	"expansionbot/expansion"
)

// Provider fills one or more elements of a context from one source.
type Provider interface {
	// Name is how people call the source: "usage", "contacts".
	Name() string
	// Fill sets the elements it knows in c and leaves the others alone. After an error
	// nothing it set counts. It may read what earlier providers set.
	Fill(ctx context.Context, a expansion.Account, now time.Time, c *expansion.Context) error
}

// Filler is a Provider that says which elements are its own, so that those can name
// the source as the reason when it does not answer.
type Filler interface {
	Fills() []expansion.ElementName
}

// noSource is the reason of an element that no provider filled.
const noSource = "no source connected"

// Gather asks the providers in order and returns what they know about a at now. It does
// not fail: the elements of a provider that did stay unknown, with that as the reason.
// A later provider adds to and may replace what an earlier one knew, but never turns
// known into unknown. When ctx ends, the providers left are not asked.
func Gather(ctx context.Context, providers []Provider, a expansion.Account, now time.Time) expansion.Context {
	c := expansion.Context{GatheredAt: now}
	for _, p := range providers {
		next := c
		next.Stakeholders = append([]expansion.Contact(nil), c.Stakeholders...)
		err := ctx.Err()
		if err == nil {
			err = p.Fill(ctx, a, now, &next)
		}
		if err != nil {
			if f, ok := p.(Filler); ok {
				for _, name := range f.Fills() {
					if e := element(&c, name); !e.Known {
						e.Source = p.Name() + " did not answer"
					}
				}
			}
			continue
		}
		for _, was := range c.Elements() {
			if e := element(&next, was.Name); was.Known && !e.Known {
				*e = was.Element
			}
		}
		c = next
	}
	ask := whoKnows(a, c.Stakeholders)
	for _, e := range c.Elements() {
		if e.Known {
			continue
		}
		p := element(&c, e.Name)
		p.Text, p.AsOf = "", time.Time{}
		if p.Source == "" {
			p.Source = noSource
		}
		if p.Ask == "" {
			p.Ask = ask
		}
	}
	return c
}

// whoKnows is the CSM's id, else the name of the decision-maker or champion, else "".
func whoKnows(a expansion.Account, people []expansion.Contact) string {
	if a.CSM != "" {
		return string(a.CSM)
	}
	for _, role := range []string{roleDecider, roleChampion} {
		for _, p := range people {
			if p.Role == role {
				return p.Name
			}
		}
	}
	return ""
}

// element is the element of c by its name; a name that is none gets a throw-away one.
func element(c *expansion.Context, name expansion.ElementName) *expansion.Element {
	switch name {
	case expansion.ElementContract:
		return &c.Contract
	case expansion.ElementUsage:
		return &c.Usage
	case expansion.ElementPeople:
		return &c.People
	case expansion.ElementRelationship:
		return &c.Relationship
	case expansion.ElementHistory:
		return &c.History
	case expansion.ElementCompetitors:
		return &c.Competitors
	case expansion.ElementBudget:
		return &c.Budget
	}
	return new(expansion.Element)
}
