// Package engine holds the verbs: everything that changes a signal, a routing or an
// opportunity is a method here. Each runs one transaction with its log line and the
// jobs it causes, or changes nothing. The engine decides when; what to decide is in the
// pure rooms below expansion/.
//
// Who may do what is decided here too: every verb takes the person who asks.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
	"expansionbot/expansion/enrich"
	"expansionbot/expansion/route"
	"expansionbot/notify"
	"expansionbot/store"
)

// Config is what an Engine is made of.
type Config struct {
	Store    *store.Store
	Clock    expansion.Clock
	CRM      crm.Client       // nil: no CRM, opportunities are kept here only
	Channels []notify.Channel // "slack" and "email"; a missing one is not delivered to
	Policy   []byte           // policy.yaml
	Admins   []string         // e-mails of RevOps
	Live     bool             // skip the shadow start (sandbox)
	ReadOnly bool             // the store cannot be written: only verbs that read work
	LinkKey  string           // signs acknowledge links; "" = no links
	Schedule Schedule
	Log      *slog.Logger
}

// Schedule holds the cron expressions of the engine's regular work; "" is the default.
type Schedule struct {
	Scan string // looks at new usage, default every 5 minutes
	Poll string // reads open opportunities back from the CRM, default every minute
	// Audit takes up work whose job was lost, default every 5 minutes.
	Audit string
}

// Engine runs the verbs. It is safe for concurrent use.
type Engine struct {
	store    *store.Store
	clock    expansion.Clock
	crm      crm.Client
	channels map[string]notify.Channel
	admins   []string
	live     bool
	linkKey  string
	schedule Schedule
	log      *slog.Logger
	enrich   []enrich.Provider

	mu     sync.RWMutex
	policy *route.Policy            // parsed, not bound: people may change
	were   map[string]*route.Policy // versions in force before, by version, as policyOf read them
}

// New makes an Engine and publishes the policy if its text was never in force before.
func New(ctx context.Context, c Config) (*Engine, error) {
	e := &Engine{store: c.Store, clock: c.Clock, crm: c.CRM, channels: map[string]notify.Channel{}, were: map[string]*route.Policy{}, live: c.Live, linkKey: c.LinkKey, schedule: c.Schedule, log: c.Log}
	e.schedule.Scan = orDefault(e.schedule.Scan, "*/5 * * * *")
	e.schedule.Audit = orDefault(e.schedule.Audit, "*/5 * * * *")
	e.schedule.Poll = orDefault(e.schedule.Poll, "* * * * *")
	for _, ch := range c.Channels {
		e.channels[ch.Name()] = ch
	}
	for _, a := range c.Admins {
		e.admins = append(e.admins, strings.ToLower(a))
	}
	e.enrich = enrich.FromStore(c.Store.Reader)
	if c.ReadOnly {
		var err error
		e.policy, err = route.ParsePolicy(c.Policy)
		return e, err
	}
	if err := e.publish(ctx, c.Policy); err != nil {
		return nil, err
	}
	return e, nil
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// publish puts text in force unless this very text was in force before and another one
// is now: then the store wins, and the log says so.
func (e *Engine) publish(ctx context.Context, text []byte) error {
	p, err := route.ParsePolicy(text)
	if err != nil {
		return err
	}
	var fresh bool
	var version, inForce string
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		if fresh, err = tx.PutPolicy(ctx, p.Version(), string(text)); err != nil {
			return err
		}
		version, inForce, err = tx.PolicyInForce(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("publish policy: %w", err)
	}
	if version != p.Version() && !fresh {
		e.log.WarnContext(ctx, "the policy file is an older version; the one in the store stays in force", "file_version", p.Version(), "version", version)
		if p, err = route.ParsePolicy([]byte(inForce)); err != nil {
			return err
		}
	}
	e.mu.Lock()
	e.policy = p
	e.mu.Unlock()
	return nil
}

// inForce is the policy for what is decided now. Its e-mails are not resolved.
func (e *Engine) inForce() *route.Policy {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.policy
}

// policyOf is the policy rt was routed under: its ladder climbs that one, even if another
// was published since (storyboard 7.9). One that cannot be read any more is replaced by
// the policy in force, and the log says so.
func (e *Engine) policyOf(ctx context.Context, r store.Reader, rt expansion.Routing) (*route.Policy, error) {
	version, now := rt.Decision.PolicyVersion, e.inForce()
	if version == now.Version() {
		return now, nil
	}
	e.mu.RLock()
	p := e.were[version]
	e.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	text, err := r.Policy(ctx, version)
	if err != nil && expansion.CodeOf(err) != expansion.CodeNotFound {
		return nil, err
	}
	if err == nil {
		p, err = route.ParsePolicy([]byte(text))
	}
	if err != nil {
		e.log.WarnContext(ctx, "the policy of a routing cannot be read; the one in force is followed", "routing_id", rt.ID, "version", version, "err", err)
		return now, nil
	}
	e.mu.Lock()
	e.were[version] = p
	e.mu.Unlock()
	return p, nil
}

// bind resolves the e-mails of p to people.
func bind(p *route.Policy, people []expansion.Person) *route.Policy {
	byEmail := make(map[string]expansion.PersonID, len(people))
	for _, x := range people {
		byEmail[x.Email] = x.ID
	}
	b, _ := p.Bind(byEmail) // lint says who is unknown; it goes on without them
	return b
}

func (e *Engine) timing() route.Timing { return e.inForce().Timing() }

func (e *Engine) hours(p expansion.Person) expansion.Hours { return e.inForce().Hours(p.Location()) }

// Now is the engine's time.
func (e *Engine) Now() time.Time { return e.clock.Now() }

// Store gives reading rooms (api, report) the reader.
func (e *Engine) Store() *store.Store { return e.store }

// PersonBySlack finds who a Slack account belongs to.
func (e *Engine) PersonBySlack(ctx context.Context, slackID string) (expansion.Person, error) {
	return e.store.PersonBySlack(ctx, slackID)
}

// LinkPerson remembers a person's Slack account. The account of somebody else is
// CodeConflict.
func (e *Engine) LinkPerson(ctx context.Context, id expansion.PersonID, slackID string) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		p, err := tx.Person(ctx, id)
		if err != nil {
			return err
		}
		return link(ctx, tx, p, slackID)
	})
}

// IsAdmin reports whether p is RevOps.
func (e *Engine) IsAdmin(p expansion.Person) bool {
	return p.Role == expansion.RoleRevOps || slices.Contains(e.admins, p.Email)
}

func (e *Engine) person(ctx context.Context, r store.Reader, id expansion.PersonID) (expansion.Person, error) {
	if id == "" {
		return expansion.Person{}, expansion.Errorf(expansion.CodeDenied, "I don't know who you are. Ask RevOps to add you to the people list.")
	}
	return r.Person(ctx, id)
}

// adminPeople lists the RevOps people who are active.
func (e *Engine) adminPeople(people []expansion.Person) []expansion.Person {
	var out []expansion.Person
	for _, p := range people {
		if p.Active && e.IsAdmin(p) {
			out = append(out, p)
		}
	}
	return out
}

func byID(people []expansion.Person) map[expansion.PersonID]expansion.Person {
	m := make(map[expansion.PersonID]expansion.Person, len(people))
	for _, p := range people {
		m[p.ID] = p
	}
	return m
}

// csmOf is who looks after a signal: who logged it, else the account's CSM.
func csmOf(s expansion.Signal, a expansion.Account) expansion.PersonID {
	if s.CreatedBy != "" {
		return s.CreatedBy
	}
	return a.CSM
}
