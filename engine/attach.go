package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"expansionbot/crm"
	"expansionbot/expansion"
	"expansionbot/store"
)

// attachTo is the open opportunity a signal's routing is attached to instead of making
// one: what the person chose, else as expansion.AttachTo says; nil when there is none or
// the person wants a separate one (storyboard 7.5).
func attachTo(ctx context.Context, r store.Reader, id expansion.SignalID, to expansion.PersonID, in RouteInput) (*expansion.OpenOpportunity, error) {
	if in.Separate != "" {
		return nil, nil
	}
	c, err := r.Context(ctx, id)
	if err != nil {
		return nil, err
	}
	if in.Attach == "" {
		return expansion.AttachTo(c.Open, to), nil
	}
	i := slices.IndexFunc(c.Open, func(o expansion.OpenOpportunity) bool { return o.CRMID == in.Attach })
	if i < 0 {
		return nil, expansion.FieldErrorf("attach", "That opportunity is not among the account's open ones. Choose another, or a separate one.")
	}
	return &c.Open[i], nil
}

// attach makes o the record that is open already. What the CRM has it keeps: its amount,
// stage and date come with the first look at it.
func attach(o *expansion.Opportunity, open expansion.OpenOpportunity) {
	o.Attached, o.CRMID, o.Name, o.StageLabel, o.Associated = true, open.CRMID, open.Name, open.Stage, true
}

// made reports whether the record with this key is one we made, not one a person made
// that we attached to.
func (e *Engine) made(ctx context.Context, key string) (bool, error) {
	if key == "" {
		return false, nil
	}
	o, err := e.store.Opportunity(ctx, expansion.OpportunityID(key))
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return true, nil // another installation's
	}
	return !o.Attached, err
}

// attachedWant is an attached record as we want it: as it is, with a key of ours.
func attachedWant(o expansion.Opportunity, theirs crm.Snapshot) crm.Snapshot {
	w := agreed(o, theirs)
	w.Key = cmp.Or(theirs.Key, string(o.ID))
	return w
}

// sendAttached puts our key and the brief on a record that people made, and reads what it
// says. It writes nothing else: amount, stage, owner and date are theirs, a recall or a
// "not real" leaves it open. One that closed or went before we came to it is not attached
// to; o comes back without it then, to be created.
func (e *Engine) sendAttached(ctx context.Context, o expansion.Opportunity, rt expansion.Routing) (expansion.Opportunity, error) {
	if rt.Disposition == expansion.Recalled {
		return o, &skipped{"recalled; the record it was attached to stays"}
	}
	found, err := e.crm.Read(ctx, []string{o.CRMID})
	if err != nil {
		return o, crmFailure(err)
	}
	if o.Agreed == "" {
		stages, err := e.stages(ctx)
		if err != nil {
			return o, err
		}
		if len(found) == 0 || found[0].Archived || closed(stages, found[0].StageID) {
			return e.detach(ctx, o)
		}
	}
	if o, err = e.there(ctx, o, found); err != nil {
		return o, err
	}
	theirs := found[0]
	m, err := e.merge(ctx, o, attachedWant(o, theirs), theirs)
	if err != nil {
		return o, err
	}
	if m.Wanted {
		if _, err := e.crm.Update(ctx, o.CRMID, m.Write); err != nil {
			return o, crmFailure(err)
		}
	}
	if o.NoteID == "" {
		note, err := e.crm.Note(ctx, o.CRMID, theirs.AccountID, rt.Label(), noteBody(rt))
		if err != nil {
			return o, crmFailure(err)
		}
		if o, err = e.changeOpportunity(ctx, o.ID, func(o *expansion.Opportunity) { o.NoteID = note }); err != nil {
			return o, err
		}
	}
	if o.Agreed == "" {
		return e.firstLook(ctx, o, m.Base)
	}
	if err := e.takeOver(ctx, o.ID, m, anyVersion); err != nil {
		return o, err
	}
	return e.store.Opportunity(ctx, o.ID)
}

func closed(stages []crm.Stage, id string) bool {
	s, ok := crm.FindStage(stages, id)
	return ok && s.Closed
}

// firstLook keeps what an attached record says and that we are on it.
func (e *Engine) firstLook(ctx context.Context, o expansion.Opportunity, theirs crm.Snapshot) (expansion.Opportunity, error) {
	stages, err := e.stages(ctx)
	if err != nil {
		return o, err
	}
	b, err := json.Marshal(theirs)
	if err != nil {
		return o, err
	}
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		if o, err = tx.Opportunity(ctx, o.ID); err != nil {
			return err
		}
		o.Agreed, o.URL, o.Name, o.Amount, o.CloseDate, o.StageID = string(b), theirs.URL, theirs.Name, theirs.Amount, theirs.CloseDate, theirs.StageID
		if s, ok := crm.FindStage(stages, theirs.StageID); ok {
			o.StageLabel, o.Probability = s.Label, &s.Probability
		}
		if err := tx.UpdateOpportunity(ctx, &o); err != nil {
			return err
		}
		return e.logOpportunity(ctx, tx, o, "opportunity_attached")
	})
	return o, err
}

// detach gives o up as the record it was to be attached to: it is made anew.
func (e *Engine) detach(ctx context.Context, o expansion.Opportunity) (expansion.Opportunity, error) {
	stages, err := e.stages(ctx)
	if err != nil {
		return o, err
	}
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		if o, err = tx.Opportunity(ctx, o.ID); err != nil {
			return err
		}
		s, err := tx.Signal(ctx, o.SignalID)
		if err != nil {
			return err
		}
		acct, err := tx.Account(ctx, o.AccountID)
		if err != nil {
			return err
		}
		o.Attached, o.CRMID, o.Associated = false, "", false
		own(&o, placement{signal: s, account: acct, stages: stages}, tx.Now)
		if err := tx.UpdateOpportunity(ctx, &o); err != nil {
			return err
		}
		return e.logOpportunity(ctx, tx, o, "attach_failed")
	})
	return o, err
}

func (e *Engine) logOpportunity(ctx context.Context, tx *store.Tx, o expansion.Opportunity, verb string) error {
	a := expansion.Activity{Agent: expansion.Communicator, Verb: verb, AccountID: o.AccountID, SignalID: o.SignalID, RoutingID: o.RoutingID, Args: map[string]any{"opportunity": o.ID}}
	if o.CRMID != "" {
		a.Args["crm_id"] = o.CRMID
	}
	if _, err := tx.Log(ctx, a); err != nil {
		return err
	}
	return e.refresh(ctx, tx, o.SignalID)
}
