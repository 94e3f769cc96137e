package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
	"expansionbot/expansion/route"
	"expansionbot/notify"
	"expansionbot/store"
)

// wantOpportunity asks for the CRM to be brought up to what we want.
func (e *Engine) wantOpportunity(ctx context.Context, tx *store.Tx, s expansion.SignalID, id expansion.OpportunityID) error {
	if e.crm == nil {
		return nil
	}
	return e.want(ctx, tx, store.Delivery{Channel: channelCRM, Kind: "opportunity", Subject: string(id), SignalID: s})
}

// StageChoice is a stage a person can pick.
type StageChoice struct {
	ID, Label   string
	Probability float64
}

// Stages lists the open stages of the CRM's pipeline, as last read.
func (e *Engine) Stages(ctx context.Context) ([]StageChoice, error) {
	ss, err := e.stages(ctx)
	var out []StageChoice
	for _, s := range ss {
		if !s.Closed {
			out = append(out, StageChoice{s.ID, s.Label, s.Probability})
		}
	}
	return out, err
}

func (e *Engine) stages(ctx context.Context) (ss []crm.Stage, err error) {
	return ss, e.store.Setting(ctx, "crm_stages", &ss)
}

// RefreshCRM reads the CRM's stages and owners and links owners to our people by their
// e-mail. It is called at start and with each poll that finds them stale.
func (e *Engine) RefreshCRM(ctx context.Context) error {
	if e.crm == nil {
		return nil
	}
	if err := e.crm.Prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	stages, err := e.crm.Stages(ctx)
	if err != nil {
		return fmt.Errorf("stages: %w", err)
	}
	owners, err := e.crm.Owners(ctx)
	if err != nil {
		return fmt.Errorf("owners: %w", err)
	}
	byEmail := map[string]crm.Owner{}
	for _, o := range owners {
		if o.Active {
			byEmail[strings.ToLower(o.Email)] = o
		}
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		people, err := tx.People(ctx)
		if err != nil {
			return err
		}
		for _, p := range people {
			if o, ok := byEmail[p.Email]; ok && p.CRMOwnerID != o.ID {
				p.CRMOwnerID = o.ID
				if err := tx.PutPerson(ctx, p); err != nil {
					return err
				}
			}
		}
		if err := tx.PutSetting(ctx, "crm_read_at", tx.Now); err != nil {
			return err
		}
		return tx.PutSetting(ctx, "crm_stages", stages)
	})
}

// openInCRM lists what is open on the account in the CRM that is not ours.
func (e *Engine) openInCRM(ctx context.Context, a expansion.Account) ([]expansion.OpenOpportunity, error) {
	if e.crm == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	id, err := e.crmAccount(ctx, a)
	if err != nil {
		return nil, err
	}
	found, err := e.crm.OpenOpportunities(ctx, id)
	if err != nil {
		return nil, err
	}
	people, err := e.store.People(ctx)
	if err != nil {
		return nil, err
	}
	stages, err := e.stages(ctx)
	if err != nil {
		return nil, err
	}
	var out []expansion.OpenOpportunity
	for _, o := range found {
		if ours, err := e.made(ctx, o.Key); err != nil {
			return nil, err
		} else if ours {
			continue
		}
		x := expansion.OpenOpportunity{CRMID: o.ID, Name: o.Name, Stage: o.StageID}
		if s, ok := crm.FindStage(stages, o.StageID); ok {
			x.Stage = s.Label
		}
		for _, p := range people {
			if p.CRMOwnerID != "" && p.CRMOwnerID == o.OwnerID {
				x.Owner = p.ID
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// crmAccount finds the account in the CRM once and remembers it.
func (e *Engine) crmAccount(ctx context.Context, a expansion.Account) (string, error) {
	if a.CRMID != "" {
		return a.CRMID, nil
	}
	found, err := e.crm.FindAccount(ctx, crm.AccountRef{Domain: a.Domain, Name: a.Name})
	if err != nil {
		return "", err
	}
	return found.ID, e.store.InTx(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(ctx, a.ID)
		if err != nil {
			return err
		}
		a.CRMID = found.ID
		return tx.PutAccount(ctx, a)
	})
}

// Reasons of an opportunity that waits for its account in the CRM, and how often it looks.
const (
	reasonNoAccount   = "account_not_found"
	reasonTwoAccounts = "several_accounts"
	lookAgain         = 10 * time.Minute
)

// waitsForPeople: until somebody changes something in the CRM each try ends the same.
func waitsForPeople(reason string) bool {
	return reason == reasonNoAccount || reason == reasonTwoAccounts
}

// crmFailure turns a CRM error into what the delivery rules understand.
func crmFailure(err error) error {
	x, ok := crm.AsError(err)
	if !ok {
		switch expansion.CodeOf(err) {
		case expansion.CodeNotFound, expansion.CodeConflict:
			// People add a company, or merge two, without telling us: look again.
			reason := reasonNoAccount
			if expansion.CodeOf(err) == expansion.CodeConflict {
				reason = reasonTwoAccounts
			}
			return &notify.Failure{Reason: reason, RetryAfter: lookAgain, Text: expansion.TextOf(err), Err: err}
		}
		return &notify.Failure{Reason: "error", Unknown: true, Err: err}
	}
	f := &notify.Failure{Reason: string(x.Kind), RetryAfter: x.RetryAfter, Unknown: x.Kind == crm.Unknown, Err: err}
	f.Permanent = x.Kind == crm.Rejected || x.Kind == crm.Gone
	return f
}

// sendOpportunity brings the CRM's record up to what we want. Record, association and
// note are separate steps, each kept when done, so that a repeat does only what is left.
func (e *Engine) sendOpportunity(ctx context.Context, d store.Delivery) (notify.Receipt, error) {
	if e.crm == nil {
		return notify.Receipt{}, &skipped{"no CRM"}
	}
	o, err := e.store.Opportunity(ctx, expansion.OpportunityID(d.Subject))
	if err != nil {
		return notify.Receipt{}, err
	}
	rt, err := e.store.Routing(ctx, o.RoutingID)
	if err != nil {
		return notify.Receipt{}, err
	}
	r := notify.Receipt{Remote: o.CRMID, Link: o.URL}
	if o.CRMID == "" && d.Unknown {
		// The create may have arrived though its answer was lost.
		found, err := e.crm.FindByKey(ctx, []string{string(o.ID)})
		if err != nil {
			return r, crmFailure(err)
		}
		if len(found) > 0 {
			if o, err = e.keepCRMID(ctx, o.ID, found[0].ID, found[0].URL, ""); err != nil {
				return r, err
			}
		}
	}
	if o.Attached {
		if o, err = e.sendAttached(ctx, o, rt); err != nil || o.Attached {
			return notify.Receipt{Remote: o.CRMID, Link: o.URL}, err
		}
		r = notify.Receipt{}
	}
	if rt.Disposition == expansion.Recalled {
		if o.CRMID == "" {
			return r, &skipped{"recalled before it was created"}
		}
		if err := e.crm.Archive(ctx, o.CRMID); err != nil {
			return r, crmFailure(err)
		}
		return notify.Receipt{Remote: o.CRMID, Link: o.URL}, nil
	}
	want, err := e.wanted(ctx, o, rt)
	if err != nil {
		return r, err
	}
	account, err := e.crmAccountOf(ctx, o.AccountID)
	if err != nil {
		return r, crmFailure(err)
	}
	want.AccountID = account
	if o.CRMID == "" {
		o, err = e.createInCRM(ctx, o, rt, want)
	} else {
		o, err = e.updateInCRM(ctx, o, want)
	}
	if err != nil {
		return r, err
	}
	r = notify.Receipt{Remote: o.CRMID, Link: o.URL}
	if !o.Associated {
		if err := e.crm.Associate(ctx, o.CRMID, account); err != nil {
			return r, crmFailure(err)
		}
		if o, err = e.changeOpportunity(ctx, o.ID, func(o *expansion.Opportunity) { o.Associated = true }); err != nil {
			return r, err
		}
	}
	if o.NoteID == "" {
		note, err := e.crm.Note(ctx, o.CRMID, account, rt.Label(), noteBody(rt))
		if err != nil {
			return r, crmFailure(err)
		}
		if _, err = e.changeOpportunity(ctx, o.ID, func(o *expansion.Opportunity) { o.NoteID = note }); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (e *Engine) crmAccountOf(ctx context.Context, id expansion.AccountID) (string, error) {
	a, err := e.store.Account(ctx, id)
	if err != nil {
		return "", err
	}
	return e.crmAccount(ctx, a)
}

// wanted is the record as we want it to be.
func (e *Engine) wanted(ctx context.Context, o expansion.Opportunity, rt expansion.Routing) (crm.Snapshot, error) {
	var owner expansion.Person // none: the CRM's is nobody of ours, and stays
	if o.Owner != "" {
		var err error
		if owner, err = e.store.Person(ctx, o.Owner); err != nil {
			return crm.Snapshot{}, err
		}
	}
	w := crm.Snapshot{Key: string(o.ID), ID: o.CRMID, Name: o.Name, StageID: o.StageID, OwnerID: owner.CRMOwnerID, Amount: o.Amount, CloseDate: o.CloseDate}
	if w.StageID == "" || o.Outcome != nil && o.Outcome.From != "crm" {
		stages, err := e.stages(ctx)
		if err != nil {
			return w, err
		}
		switch s, ok := crm.FirstStage(stages); {
		case o.Outcome != nil:
			if s, ok := crm.FindStage(stages, o.StageID); ok && s.Closed && s.Won == o.Outcome.Won {
				break // one of several that mean the same, chosen there
			}
			if i := slices.IndexFunc(stages, func(s crm.Stage) bool { return s.Closed && s.Won == o.Outcome.Won }); i >= 0 {
				w.StageID = stages[i].ID
			}
		case ok:
			w.StageID = s.ID
		}
	}
	return w, nil
}

func (e *Engine) createInCRM(ctx context.Context, o expansion.Opportunity, rt expansion.Routing, w crm.Snapshot) (expansion.Opportunity, error) {
	s, err := e.store.Signal(ctx, o.SignalID)
	if err != nil {
		return o, err
	}
	res, err := e.crm.Upsert(ctx, crm.OpportunityInput{
		Key: w.Key, Name: w.Name, StageID: w.StageID, OwnerID: w.OwnerID, AccountID: w.AccountID, Amount: w.Amount, CloseDate: w.CloseDate,
		Probability: o.Probability, Description: rt.Package.Summary, ExpansionType: string(o.ExpansionType), SignalType: string(s.Type),
	})
	if err != nil {
		return o, crmFailure(err)
	}
	w.ID, w.URL = res.ID, res.URL
	b, err := json.Marshal(w)
	if err != nil {
		return o, err
	}
	return e.keepCRMID(ctx, o.ID, res.ID, res.URL, string(b))
}

// keepCRMID stores what the CRM called the record, once, with its log line.
func (e *Engine) keepCRMID(ctx context.Context, id expansion.OpportunityID, crmID, url, agreed string) (expansion.Opportunity, error) {
	var o expansion.Opportunity
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if o, err = tx.Opportunity(ctx, id); err != nil || o.CRMID != "" {
			return err
		}
		o.CRMID, o.URL, o.Agreed = crmID, url, agreed
		if err := tx.UpdateOpportunity(ctx, &o); err != nil {
			return err
		}
		return e.logOpportunity(ctx, tx, o, "opportunity_created")
	})
	return o, err
}

func (e *Engine) changeOpportunity(ctx context.Context, id expansion.OpportunityID, fn func(*expansion.Opportunity)) (expansion.Opportunity, error) {
	var o expansion.Opportunity
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if o, err = tx.Opportunity(ctx, id); err != nil {
			return err
		}
		fn(&o)
		return tx.UpdateOpportunity(ctx, &o)
	})
	return o, err
}

// updateInCRM merges what we want with what the CRM says now, writes what is left to
// write, and takes over what people changed there.
func (e *Engine) updateInCRM(ctx context.Context, o expansion.Opportunity, w crm.Snapshot) (expansion.Opportunity, error) {
	found, err := e.crm.Read(ctx, []string{o.CRMID})
	if err != nil {
		return o, crmFailure(err)
	}
	if o, err = e.there(ctx, o, found); err != nil {
		return o, err
	}
	m, err := e.merge(ctx, o, w, found[0])
	if err != nil {
		return o, err
	}
	if m.Wanted {
		if _, err := e.crm.Update(ctx, o.CRMID, m.Write); err != nil {
			return o, crmFailure(err)
		}
	}
	return o, e.takeOver(ctx, o.ID, m, anyVersion)
}

// there keeps whether an opportunity is still in the CRM, by what reading it found. For one
// that is not the error is that there is nothing to write.
func (e *Engine) there(ctx context.Context, o expansion.Opportunity, found []crm.Snapshot) (expansion.Opportunity, error) {
	gone := len(found) == 0 || found[0].Archived
	if gone != (o.GoneAt != nil) {
		var err error
		if o, err = e.setGone(ctx, o.ID, gone, anyVersion); err != nil {
			return o, err
		}
	}
	if gone {
		return o, &skipped{"it is not in the CRM any more"}
	}
	return o, nil
}

// merge brings what we want together with what the CRM says now. The stage of an attached
// record is the CRM's also when somebody recorded an outcome here.
func (e *Engine) merge(ctx context.Context, o expansion.Opportunity, w, theirs crm.Snapshot) (crm.Merged, error) {
	base := agreed(o, theirs)
	if o.Outcome != nil && o.Outcome.From != "crm" && !o.Attached {
		stages, err := e.stages(ctx)
		if err != nil {
			return crm.Merged{}, err
		}
		base = crm.KeepOutcome(base, theirs, stages)
	}
	return crm.Merge(base, w, theirs), nil
}

// setGone keeps whether an opportunity is archived or deleted in the CRM, and says so
// under both cards. Nothing is written to one that is gone; one that is back is brought up
// to what we want. As in takeOver, what was seen of another version, or while a delivery
// writes, is dropped; so is the archiving of one that was recalled, which is our own.
func (e *Engine) setGone(ctx context.Context, id expansion.OpportunityID, gone bool, version int64) (expansion.Opportunity, error) {
	var o expansion.Opportunity
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if o, err = tx.Opportunity(ctx, id); err != nil || gone == (o.GoneAt != nil) || version != anyVersion && o.Version != version {
			return err
		}
		rt, err := tx.Routing(ctx, o.RoutingID)
		if err != nil || rt.Disposition == expansion.Recalled {
			return err
		}
		if version != anyVersion {
			if writing, err := beingWritten(ctx, tx.Reader, o); err != nil || writing {
				return err
			}
		}
		s, err := tx.Signal(ctx, o.SignalID)
		if err != nil {
			return err
		}
		a := activity(expansion.Communicator, "opportunity_back", s)
		a.RoutingID, a.Args = o.RoutingID, map[string]any{"opportunity": o.ID}
		o.GoneAt = nil
		if gone {
			a.Verb, o.GoneAt = "opportunity_gone", &tx.Now
		}
		if err := tx.UpdateOpportunity(ctx, &o); err != nil {
			return err
		}
		if err := e.tell(ctx, tx, s, a); err != nil {
			return err
		}
		if !gone {
			if err := e.wantOpportunity(ctx, tx, s.ID, o.ID); err != nil {
				return err
			}
		}
		return e.refresh(ctx, tx, s.ID)
	})
	return o, err
}

// agreed is the base of the merge: what both sides had last, or theirs at first.
func agreed(o expansion.Opportunity, theirs crm.Snapshot) crm.Snapshot {
	var b crm.Snapshot
	if o.Agreed == "" || json.Unmarshal([]byte(o.Agreed), &b) != nil {
		return theirs
	}
	return b
}

func noteBody(rt expansion.Routing) string {
	p := rt.Package
	parts := []string{p.Summary, "Why now: " + p.WhyNow, "Start here: " + p.StartHere, "Approach: " + p.RecommendedApproach}
	if rt.Note != "" {
		parts = append(parts, "Notes from CS: "+rt.Note)
	}
	return strings.Join(append(parts, p.Unknowns...), "\n\n")
}

// pollBatch is how many records one read asks for (HubSpot's batch read takes 100).
const pollBatch = 100

// crmStale is the age at which stages and owners are read again: people come, stages change.
const crmStale = time.Hour

// How long an opportunity that ended is still read back: at each poll at first, then with
// the stages and owners, once per crmStale.
const (
	justClosed     = 24 * time.Hour
	closedFollowed = 90 * 24 * time.Hour
)

// pollProgress is how far a poll that has not ended is. After is zero when none is under way.
type pollProgress struct {
	After       int64     `json:"after"` // the numbers up to here have been read
	ClosedSince time.Time `json:"closed_since"`
}

// Poll reads our opportunities back from the CRM and takes over what people changed there:
// stage, owner, amount, close date, won and lost, archived or deleted. It goes on from where
// an earlier one was stopped.
func (e *Engine) Poll(ctx context.Context) error {
	return e.pollFor(ctx, 0)
}

// pollWhile is Poll for a job: after a while it returns a *Later, to go on from there.
func (e *Engine) pollWhile(ctx context.Context) error {
	return e.pollFor(ctx, scanFor)
}

// pollFor polls until it is through or, when most is not 0, that long.
func (e *Engine) pollFor(ctx context.Context, most time.Duration) error {
	if e.crm == nil {
		return nil
	}
	for began := e.clock.Now(); ; {
		if done, err := e.pollStep(ctx); err != nil {
			return fmt.Errorf("poll: %w", err)
		} else if done {
			return nil
		}
		if most > 0 && e.clock.Now().Sub(began) >= most {
			return &Later{Reason: "the poll goes on"}
		}
	}
}

// pollStep reads the next opportunities and keeps how far it is. done is true at the end.
func (e *Engine) pollStep(ctx context.Context) (done bool, err error) {
	var at, next pollProgress
	if err := e.store.Setting(ctx, "poll_progress", &at); err != nil {
		return false, err
	}
	closedSince := at.ClosedSince
	if at.After == 0 {
		if closedSince, err = e.beginPoll(ctx); err != nil {
			return false, err
		}
	}
	os, err := e.store.FollowedOpportunities(ctx, closedSince, at.After, pollBatch)
	if err != nil {
		return false, err
	}
	if len(os) > 0 {
		if err := e.readBack(ctx, os); err != nil {
			// What cannot be read must not keep the next poll from those before it.
			if ctx.Err() == nil && at.After != 0 {
				err = errors.Join(err, e.store.InTx(ctx, func(tx *store.Tx) error { return tx.PutSetting(ctx, "poll_progress", next) }))
			}
			return false, err
		}
	}
	if done = len(os) < pollBatch; !done {
		next = pollProgress{After: os[len(os)-1].Number, ClosedSince: closedSince}
	}
	if next == at {
		return done, nil
	}
	return done, e.store.InTx(ctx, func(tx *store.Tx) error {
		var now pollProgress
		if err := tx.Setting(ctx, "poll_progress", &now); err != nil || now.After != at.After {
			return err // another poll beside this one has gone on from here
		}
		return tx.PutSetting(ctx, "poll_progress", next)
	})
}

// beginPoll reads stages and owners when they are stale. closedSince is how long ago what
// this poll reads may have ended.
func (e *Engine) beginPoll(ctx context.Context) (closedSince time.Time, err error) {
	stages, err := e.stages(ctx)
	if err != nil {
		return closedSince, err
	}
	var read time.Time
	if err := e.store.Setting(ctx, "crm_read_at", &read); err != nil {
		return closedSince, err
	}
	now := e.clock.Now()
	if len(stages) > 0 && now.Sub(read) < crmStale {
		return now.Add(-justClosed).UTC(), nil
	}
	return now.Add(-closedFollowed).UTC(), e.RefreshCRM(ctx)
}

func (e *Engine) readBack(ctx context.Context, os []expansion.Opportunity) error {
	ids := make([]string, 0, len(os))
	for _, o := range os {
		ids = append(ids, o.CRMID)
	}
	found, err := e.crm.Read(ctx, ids)
	if err != nil {
		return err
	}
	byID := map[string]crm.Snapshot{}
	for _, theirs := range found {
		byID[theirs.ID] = theirs
	}
	for _, o := range os {
		theirs, known := byID[o.CRMID]
		if err := e.pollOne(ctx, o, theirs, !known || theirs.Archived); err != nil {
			e.log.WarnContext(ctx, "poll of one opportunity failed", "opportunity", o.ID, "err", err)
		}
	}
	return ctx.Err() // cut short, it is read again
}

func (e *Engine) pollOne(ctx context.Context, o expansion.Opportunity, theirs crm.Snapshot, gone bool) error {
	if gone && o.Outcome != nil {
		return nil // it ended here; tidying up there changes nothing
	}
	if o.Attached && o.Agreed == "" {
		return nil // its delivery looks first whether it can be attached at all
	}
	var err error
	if gone != (o.GoneAt != nil) {
		o, err = e.setGone(ctx, o.ID, gone, o.Version)
	}
	if err != nil || gone || o.GoneAt != nil {
		return err
	}
	rt, err := e.store.Routing(ctx, o.RoutingID)
	if err != nil || rt.Disposition != expansion.OnPath && rt.Disposition != expansion.Rerouted {
		return err
	}
	w, err := e.wanted(ctx, o, rt)
	if err != nil {
		return err
	}
	if o.Attached {
		w = attachedWant(o, theirs)
	}
	w.AccountID = theirs.AccountID // the association is a step of its own
	m, err := e.merge(ctx, o, w, theirs)
	if err != nil {
		return err
	}
	m.Base = theirs // what we want beyond it is not written yet
	if len(m.By(crm.Theirs)) > 0 {
		if err := e.takeOver(ctx, o.ID, m, o.Version); err != nil {
			return err
		}
	}
	if m.Wanted {
		return e.store.InTx(ctx, func(tx *store.Tx) error { return e.wantOpportunity(ctx, tx, o.SignalID, o.ID) })
	}
	return nil
}

// anyVersion is for a delivery: it alone writes to the record, and what it wrote counts.
const anyVersion = -1

// takeOver keeps the merged record and acts on what people changed in the CRM. A merge
// made from another version of the opportunity than the one there is now, or while a
// delivery is writing it, is dropped: what looks like somebody's change may be our own,
// older one. The next poll looks again.
func (e *Engine) takeOver(ctx context.Context, id expansion.OpportunityID, m crm.Merged, version int64) error {
	stages, err := e.stages(ctx)
	if err != nil {
		return err
	}
	b, err := json.Marshal(m.Base)
	if err != nil {
		return err
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		o, err := tx.Opportunity(ctx, id)
		if err != nil || version != anyVersion && o.Version != version {
			return err
		}
		rt, err := tx.Routing(ctx, o.RoutingID)
		if err != nil {
			return err
		}
		s, err := tx.Signal(ctx, o.SignalID)
		if err != nil {
			return err
		}
		if version != anyVersion {
			if writing, err := beingWritten(ctx, tx.Reader, o); err != nil || writing {
				return err
			}
		}
		changed := m.By(crm.Theirs)
		if len(changed) == 0 && o.Agreed == string(b) {
			return nil
		}
		o.Agreed = string(b)
		var end *crm.Stage
		reopened := false
		for _, c := range changed {
			a := activity(expansion.Communicator, string(c.Field)+"_changed", s)
			a.RoutingID, a.Args = rt.ID, map[string]any{"from": c.From, "to": c.To}
			switch c.Field {
			case crm.FieldStage:
				st, ok := crm.FindStage(stages, m.Base.StageID)
				o.StageID, o.StageLabel, o.Probability = m.Base.StageID, st.Label, &st.Probability
				a.Args["to"] = st.Label
				switch {
				case ok && st.Closed:
					end = &st
				case ok && o.Outcome != nil:
					// An attached record may have been open there all along.
					reopened = !o.Attached || closed(stages, c.From)
				default:
					if err := e.stageMoved(ctx, tx, &rt, st); err != nil {
						return err
					}
				}
			case crm.FieldAmount:
				o.Amount = m.Base.Amount
				if o.Amount != nil {
					a.Args["to"] = o.Amount.String()
				}
			case crm.FieldCloseDate:
				o.CloseDate = m.Base.CloseDate
			case crm.FieldName:
				o.Name = m.Base.Name
			case crm.FieldOwner:
				if err := e.ownerMoved(ctx, tx, &o, &rt, m.Base.OwnerID, end != nil, &a); err != nil {
					return err
				}
			default:
				continue
			}
			if err := e.tell(ctx, tx, s, a); err != nil {
				return err
			}
		}
		switch out := o.Outcome; {
		case end != nil && out == nil:
			// The outcome is kept with the opportunity, in one update.
			return e.close(ctx, tx, &o, rt, inCRM(o, end.Won))
		case rt.Disposition != expansion.OnPath && rt.Disposition != expansion.Rerouted || !rt.Status.Final():
		case reopened:
			return e.reopen(ctx, tx, &o, rt)
		case end != nil && end.Won != out.Won || out.Won && !o.Attached && slices.ContainsFunc(changed, func(c crm.Change) bool { return c.Field == crm.FieldAmount }):
			return e.correct(ctx, tx, &o, rt, end == nil && out.Won || end != nil && end.Won)
		}
		if err := tx.UpdateOpportunity(ctx, &o); err != nil {
			return err
		}
		return e.refresh(ctx, tx, s.ID)
	})
}

// beingWritten reports whether a delivery to the CRM is under way or its result unknown.
func beingWritten(ctx context.Context, r store.Reader, o expansion.Opportunity) (bool, error) {
	ds, err := r.DeliveriesOf(ctx, o.SignalID)
	return slices.ContainsFunc(ds, func(d store.Delivery) bool {
		return d.Channel == channelCRM && d.Subject == string(o.ID) && (d.Claim != "" || d.Unknown)
	}), err
}

// stageMoved: a stage past the first means somebody works on it, which also ends the
// ladder (storyboard 7.9).
func (e *Engine) stageMoved(ctx context.Context, tx *store.Tx, rt *expansion.Routing, st crm.Stage) error {
	if crm.StageMeaning(st) != crm.MeaningInProgress || !rt.Open() || !rt.Status.CanMove(expansion.InProgress) {
		return nil
	}
	if rt.AcknowledgedAt == nil {
		rt.AcknowledgedAt = &tx.Now
	}
	rt.Status = expansion.InProgress
	if err := tx.DropWaits(ctx, string(rt.ID)); err != nil {
		return err
	}
	return tx.UpdateRouting(ctx, rt)
}

// ownerMoved follows a change of owner in the CRM: the new owner gets a hand-off and a
// new 48 h (storyboard 7.7, 7.14). An owner we don't know or who cannot take it, and one of
// an opportunity that has ended, is only noted, and not set back.
func (e *Engine) ownerMoved(ctx context.Context, tx *store.Tx, o *expansion.Opportunity, rt *expansion.Routing, ownerID string, ended bool, line *expansion.Activity) error {
	people, err := tx.People(ctx)
	if err != nil {
		return err
	}
	var p expansion.Person
	for _, x := range people {
		if ownerID != "" && x.CRMOwnerID == ownerID {
			p = x
		}
	}
	o.Owner = p.ID
	if p.ID == "" || p.ID == rt.To || ended || !rt.Open() || !p.Active || !route.Takes(p.Role) {
		return nil
	}
	line.Args["person"] = p.ID
	if err := tx.UpdateOpportunity(ctx, o); err != nil {
		return err
	}
	next, err := e.reroute(ctx, tx, reroute{old: *rt, left: expansion.Rerouted, reason: "Owner changed to " + p.FirstName() + " in the CRM", to: p.ID, why: "owner in the CRM"})
	if err != nil {
		return err
	}
	*rt = next
	*o, err = tx.Opportunity(ctx, o.ID)
	return err
}
