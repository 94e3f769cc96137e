package engine

import (
	"context"
	"time"

	"expansionbot/expansion"
	"expansionbot/expansion/enrich"
	"expansionbot/store"
)

// Enrich gathers the context of a signal and keeps it. The plan follows as a job.
func (e *Engine) Enrich(ctx context.Context, id expansion.SignalID) error {
	s, err := e.store.Signal(ctx, id)
	if err != nil || s.Completeness != nil {
		return err
	}
	acct, err := e.store.Account(ctx, s.AccountID)
	if err != nil {
		return err
	}
	c := enrich.Gather(ctx, e.enrich, acct, e.clock.Now())
	open, err := e.openInCRM(ctx, acct)
	if err != nil {
		e.log.WarnContext(ctx, "open opportunities not read", "account_id", acct.ID, "err", err)
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		s, err := tx.Signal(ctx, id)
		if err != nil || s.Completeness != nil {
			return err
		}
		full := c.Completeness()
		s.Completeness = &full
		if err := tx.UpdateSignal(ctx, &s); err != nil {
			return err
		}
		if err := tx.PutContext(ctx, id, store.SignalContext{Context: c, Open: open}); err != nil {
			return err
		}
		a := activity(expansion.Researcher, "context_gathered", s)
		a.Args = map[string]any{"complete": full, "missing": c.Missing()}
		if _, err := tx.Log(ctx, a); err != nil {
			return err
		}
		return tx.Enqueue(ctx, PlanArgs{SignalID: string(id)}, time.Time{})
	})
}

// Plan decides what happens with an enriched signal that waits for nobody yet: a weak
// one is put to its CSM, any other shows the CSM its preview and routes by itself when
// the review window ends.
func (e *Engine) Plan(ctx context.Context, id expansion.SignalID) error {
	var routeNow bool
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		routeNow = false
		s, err := tx.Signal(ctx, id)
		if err != nil {
			return err
		}
		undecided := s.Status == expansion.Detected && (s.Waiting == expansion.WaitNone || s.Waiting == expansion.WaitCSM)
		if !undecided || s.Completeness == nil {
			return nil
		}
		acct, err := tx.Account(ctx, s.AccountID)
		if err != nil {
			return err
		}
		p := e.inForce()
		// What a CSM logs by hand is confirmed by them; only evidence nobody vouched for is asked about.
		if s.CreatedBy == "" && p.AsksFirst(s.Type, s.Strength) {
			if s.Waiting == expansion.WaitCSM {
				return nil
			}
			return e.ask(ctx, tx, s, acct)
		}
		if err := tx.DropWaits(ctx, string(s.ID)); err != nil {
			return err
		}
		window := p.Timing().ReviewWindow
		until := tx.Now.Add(window)
		s.Status, s.Waiting, s.WaitUntil = expansion.Confirmed, expansion.WaitReview, &until
		if err := tx.UpdateSignal(ctx, &s); err != nil {
			return err
		}
		if window == 0 {
			// The promise routes it should this process end before the lines below do.
			routeNow = true
			return e.wait(ctx, tx, string(s.ID), waitReview, until)
		}
		if err := e.wait(ctx, tx, string(s.ID), waitReview, until); err != nil {
			return err
		}
		a := activity(expansion.Expander, "planned", s)
		a.Args = map[string]any{"until": until}
		if _, err := tx.Log(ctx, a); err != nil {
			return err
		}
		return e.wantCSMCard(ctx, tx, s, acct, expansion.CardSignal)
	})
	if err != nil || !routeNow {
		return err
	}
	_, err = e.Route(ctx, "", id, 0, RouteInput{})
	switch expansion.CodeOf(err) {
	case expansion.CodeNoRecipient, expansion.CodeConflict:
		return nil // it waits for a recipient now, or the promise's job was faster
	}
	return err
}

// ask puts a weak signal to its CSM (storyboard 3.5).
func (e *Engine) ask(ctx context.Context, tx *store.Tx, s expansion.Signal, acct expansion.Account) error {
	s.Waiting = expansion.WaitCSM
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return err
	}
	csm, err := e.reader(ctx, tx.Reader, csmOf(s, acct))
	if err != nil {
		return err
	}
	t := e.timing()
	for kind, after := range map[string]time.Duration{waitAskRemind: t.AskReminder, waitAskPark: t.ParkAfter} {
		due, err := e.hours(csm).Add(tx.Now, workingDays(after, e.hours(csm)))
		if err != nil {
			due = tx.Now.Add(after)
		}
		if err := e.wait(ctx, tx, string(s.ID), kind, due); err != nil {
			return err
		}
	}
	a := activity(expansion.Expander, "asked", s)
	a.Person = csm.ID
	if _, err := tx.Log(ctx, a); err != nil {
		return err
	}
	return e.wantCSMCard(ctx, tx, s, acct, expansion.CardAsk)
}

// workingDays turns days of a policy ("72h" = 3 working days) into working time.
func workingDays(d time.Duration, h expansion.Hours) time.Duration {
	return time.Duration(float64(d) / float64(24*time.Hour) * float64(h.End-h.Start))
}

// reader is the person a card is for; the zero Person when nobody is known.
func (e *Engine) reader(ctx context.Context, r store.Reader, id expansion.PersonID) (expansion.Person, error) {
	if id == "" {
		return expansion.Person{}, nil
	}
	return r.Person(ctx, id)
}

// wantCSMCard makes or refreshes the CSM's card. From the sixth new one of a day on it
// is left to the daily list, and the routing goes on without it.
func (e *Engine) wantCSMCard(ctx context.Context, tx *store.Tx, s expansion.Signal, acct expansion.Account, kind expansion.MessageKind) error {
	csm := csmOf(s, acct)
	if csm == "" {
		return nil
	}
	p, err := tx.Person(ctx, csm)
	if err != nil {
		return err
	}
	limit := e.inForce().CardsPerDay()
	has, err := e.cardOf(ctx, tx.Reader, s.ID, kind, string(s.ID))
	if err != nil {
		return err
	}
	// Only a new card counts: one that is there is edited, however many there are today.
	if kind == expansion.CardSignal && s.CreatedBy == "" && has == "" {
		local := tx.Now.In(p.Location())
		day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, p.Location())
		n, err := tx.CardsSince(ctx, csm, string(expansion.CardSignal), day)
		if err != nil {
			return err
		}
		if limit > 0 && n >= limit {
			return e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(expansion.CardList), Subject: string(expansion.ListRoutedToday) + " " + local.Format(time.DateOnly), Person: csm})
		}
	}
	return e.want(ctx, tx, store.Delivery{Channel: "slack", Kind: string(kind), Subject: string(s.ID), Person: csm, SignalID: s.ID})
}

// facts collects what the policy may look at. People who said "not mine" to this signal
// are not offered it again.
func (e *Engine) facts(ctx context.Context, r store.Reader, now time.Time, s expansion.Signal, acct expansion.Account, people []expansion.Person) (expansion.Facts, error) {
	f := expansion.Facts{
		Now: now, AccountID: acct.ID, Segment: acct.Segment, Region: acct.Region, Territory: acct.Territory, Plan: acct.Plan, CSM: acct.CSM, OriginalAE: acct.OriginalAE,
		Type: s.Type, Strength: s.Strength, Score: s.Score, ExpansionType: s.ExpansionType,
	}
	if acct.ARR != nil {
		f.ARRMinor, f.Currency = &acct.ARR.Minor, acct.ARR.Currency
	}
	if s.Potential != nil {
		f.PotentialMinor = &s.Potential.Likely.Minor
	}
	c, err := r.Context(ctx, s.ID)
	if err != nil {
		return f, err
	}
	for _, o := range c.Open {
		if o.Owner != "" {
			f.OpenOwners = append(f.OpenOwners, o.Owner)
		}
	}
	if f.Named, err = r.Named(ctx, acct.ID); err != nil {
		return f, err
	}
	if acct.CSM != "" {
		if f.Partners, err = r.Partners(ctx, acct.CSM); err != nil {
			return f, err
		}
	}
	loads, err := r.Loads(ctx)
	if err != nil {
		return f, err
	}
	aways, err := r.Aways(ctx, now)
	if err != nil {
		return f, err
	}
	away := map[expansion.PersonID][]expansion.Away{}
	for _, a := range aways {
		away[a.Person] = append(away[a.Person], a)
	}
	for _, p := range people {
		f.Reps = append(f.Reps, expansion.Rep{
			ID: p.ID, Role: p.Role, Territory: p.Territory, Manager: p.Manager, MaxOpen: p.MaxOpen, TimeZone: p.TimeZone, Specialties: p.Specialties,
			Active: p.Active, Open: int(loads[p.ID].Open), Picks: loads[p.ID].Turns, Away: away[p.ID],
		})
	}
	past, err := r.RoutingsOf(ctx, s.ID)
	if err != nil {
		return f, err
	}
	for _, x := range past {
		if x.Disposition == expansion.Rerouted {
			f.Exclude = append(f.Exclude, x.To)
		}
	}
	return f, nil
}

// decide asks the policy in force who would get the signal now.
func (e *Engine) decide(ctx context.Context, r store.Reader, now time.Time, s expansion.Signal, acct expansion.Account, people []expansion.Person) (expansion.Decision, error) {
	f, err := e.facts(ctx, r, now, s, acct, people)
	if err != nil {
		return expansion.Decision{}, err
	}
	return bind(e.inForce(), people).Decide(f)
}
