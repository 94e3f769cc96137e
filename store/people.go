package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"expansionbot/expansion"
)

// PutPerson adds a person or replaces the one with the same id. A second person with
// the same e-mail or Slack account is CodeConflict.
func (t *Tx) PutPerson(ctx context.Context, p expansion.Person) error {
	p.Email = strings.ToLower(p.Email)
	var slack *string
	if p.SlackID != "" {
		slack = &p.SlackID
	}
	_, err := t.exec(ctx, `INSERT INTO people (id, email, slack_id, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET email = excluded.email, slack_id = excluded.slack_id, doc = excluded.doc`, string(p.ID), p.Email, slack, doc(p))
	if isUnique(err) {
		return &expansion.Error{Code: expansion.CodeConflict, Field: "email", Text: fmt.Sprintf("Somebody else has the address or Slack account of %s already.", p.Name), Err: err}
	}
	return err
}

// Person returns one person.
func (r Reader) Person(ctx context.Context, id expansion.PersonID) (expansion.Person, error) {
	return one[expansion.Person](ctx, r, "There is no such person.", `SELECT doc FROM people WHERE id = $1`, string(id))
}

// PersonByEmail returns the person with the address, whatever its case.
func (r Reader) PersonByEmail(ctx context.Context, email string) (expansion.Person, error) {
	return one[expansion.Person](ctx, r, fmt.Sprintf("Nobody here has the address %s.", email), `SELECT doc FROM people WHERE email = $1`, strings.ToLower(email))
}

// PersonBySlack returns the person with the Slack account.
func (r Reader) PersonBySlack(ctx context.Context, slackID string) (expansion.Person, error) {
	return one[expansion.Person](ctx, r, "I don't know you yet. Ask RevOps to add your Slack account to the people list.", `SELECT doc FROM people WHERE slack_id = $1`, slackID)
}

// People returns everybody, ordered by id.
func (r Reader) People(ctx context.Context) ([]expansion.Person, error) {
	return all[expansion.Person](ctx, r, `SELECT doc FROM people ORDER BY id`)
}

// Aways returns the leaves that end on or after the day before now in UTC, first begun first.
func (r Reader) Aways(ctx context.Context, now time.Time) ([]expansion.Away, error) {
	// A leave ends in the person's own zone, which may be a day behind UTC.
	return all[expansion.Away](ctx, r, `SELECT doc FROM aways WHERE to_day >= $1 ORDER BY from_day, id`, Day(now)-1)
}

// PutAways replaces the person's own leaves.
func (t *Tx) PutAways(ctx context.Context, person expansion.PersonID, as ...expansion.Away) error {
	if _, err := t.exec(ctx, `DELETE FROM aways WHERE person = $1`, string(person)); err != nil {
		return err
	}
	for _, a := range as {
		if _, err := t.exec(ctx, `INSERT INTO aways (id, person, from_day, to_day, doc) VALUES ($1, $2, $3, $4, $5)`, t.NewID(), string(person), Day(a.From), Day(a.To), doc(a)); err != nil {
			return err
		}
	}
	return nil
}

// PutNamed adds or replaces a named-account row.
func (t *Tx) PutNamed(ctx context.Context, n expansion.NamedAccount) error {
	_, err := t.exec(ctx, `INSERT INTO named_accounts (account_id, rep, from_day, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, rep, from_day) DO UPDATE SET doc = excluded.doc`, string(n.AccountID), string(n.Rep), dayOf(n.From), doc(n))
	return err
}

// Named returns the named-account rows of an account.
func (r Reader) Named(ctx context.Context, id expansion.AccountID) ([]expansion.NamedAccount, error) {
	return all[expansion.NamedAccount](ctx, r, `SELECT doc FROM named_accounts WHERE account_id = $1 ORDER BY from_day, rep`, string(id))
}

// PutPartner adds or replaces a partner row.
func (t *Tx) PutPartner(ctx context.Context, p expansion.Partner) error {
	_, err := t.exec(ctx, `INSERT INTO partners (csm, account_id, rep, from_day, doc) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (csm, account_id, rep, from_day) DO UPDATE SET doc = excluded.doc`, string(p.CSM), string(p.AccountID), string(p.Rep), dayOf(p.From), doc(p))
	return err
}

// Partners returns the partner rows of a CSM.
func (r Reader) Partners(ctx context.Context, csm expansion.PersonID) ([]expansion.Partner, error) {
	return all[expansion.Partner](ctx, r, `SELECT doc FROM partners WHERE csm = $1 ORDER BY account_id, from_day, rep`, string(csm))
}
