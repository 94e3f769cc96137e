package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"expansionbot/expansion"
	"expansionbot/store"
)

// The kinds of promise. They are kept in the database, so they only grow.
const (
	waitReview         = "review"          // the review window ends
	waitRetryRecipient = "retry_recipient" // look again for somebody
	waitAskRemind      = "ask_remind"      // remind the CSM who was asked
	waitAskPark        = "ask_park"        // park what was not answered
	waitLater          = "later"           // "real, not now" is over
	waitUndoOver       = "undo_over"       // the undo window ends
	waitOverdue        = "overdue"         // the time to acknowledge ends
	waitNudge          = "nudge"           // remind the recipient
	waitEscalate       = "escalate"        // the 48 h mark
	waitEscalateAgain  = "escalate_again"  // the manager did not answer either
	waitNotReal        = "not_real_answer" // the CSM's day to disagree is over
	waitRemind         = "remind"          // "Remind me in 2 h"
	waitUnreached      = "unreached"       // nobody picked the right Slack account
	waitReturn         = "return"          // a leave is over: one list of what went to covers
	waitSchedule       = "schedule"        // subject of regular work; kinds are audit, scan and poll
)

// wait makes a promise under the policy in force.
func (e *Engine) wait(ctx context.Context, tx *store.Tx, subject, kind string, due time.Time) error {
	return e.waitUnder(ctx, tx, e.inForce().Version(), subject, kind, due)
}

// mark makes a promise of a routing's ladder, under the policy it was routed by.
func (e *Engine) mark(ctx context.Context, tx *store.Tx, rt expansion.Routing, kind string, due time.Time) error {
	return e.waitUnder(ctx, tx, rt.Decision.PolicyVersion, string(rt.ID), kind, due)
}

// waitUnder makes a promise and the job that wakes it.
func (e *Engine) waitUnder(ctx context.Context, tx *store.Tx, version, subject, kind string, due time.Time) error {
	w, err := tx.AddWait(ctx, store.Wait{Subject: subject, Kind: kind, DueAt: due, Policy: version})
	if err != nil {
		return fmt.Errorf("promise %s for %s: %w", kind, subject, err)
	}
	return tx.Enqueue(ctx, WakeArgs{WaitID: w.ID}, due)
}

// Wake keeps one promise: it acts only if that is still due and not done or dropped.
func (e *Engine) Wake(ctx context.Context, id string) error {
	w, err := e.store.Wait(ctx, id)
	if expansion.CodeOf(err) == expansion.CodeNotFound {
		return nil // regular work that was done: its job is worked again
	}
	if err != nil {
		return err
	}
	if w.DoneAt != nil {
		return nil
	}
	if left := w.DueAt.Sub(e.clock.Now()); left > 0 {
		return &Later{After: left, Reason: "not due yet"}
	}
	if w.Subject == waitSchedule {
		return e.runSchedule(ctx, w)
	}
	late := e.clock.Now().Sub(w.DueAt)
	switch w.Kind {
	case waitReview, waitRetryRecipient:
		return e.routeAtMark(ctx, w)
	case waitAskRemind, waitAskPark, waitLater:
		return e.signalMark(ctx, w)
	case waitUndoOver, waitOverdue, waitNudge, waitEscalate, waitEscalateAgain, waitNotReal:
		return e.routingMark(ctx, w, late)
	case waitUnreached:
		return e.unreachedMark(ctx, w)
	case waitRemind:
		return e.remindMark(ctx, w)
	case waitReturn:
		return e.whileAway(ctx, w)
	}
	return fmt.Errorf("unknown promise %s", w.Kind)
}

func (e *Engine) routeAtMark(ctx context.Context, w store.Wait) error {
	_, err := e.Route(ctx, "", expansion.SignalID(w.Subject), 0, RouteInput{})
	switch expansion.CodeOf(err) {
	case expansion.CodeConflict, expansion.CodeGone, expansion.CodeNoRecipient, "":
		// Routed, dismissed, or waiting again with a promise of its own.
		return e.store.InTx(ctx, func(tx *store.Tx) error {
			_, err := tx.DoneWait(ctx, w.ID)
			return err
		})
	}
	return err
}

func (e *Engine) signalMark(ctx context.Context, w store.Wait) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first {
			return err
		}
		s, err := tx.Signal(ctx, expansion.SignalID(w.Subject))
		if err != nil || s.Status != expansion.Detected {
			return err
		}
		acct, err := tx.Account(ctx, s.AccountID)
		if err != nil {
			return err
		}
		a := activity(expansion.Expander, "", s)
		switch w.Kind {
		case waitAskRemind:
			a.Verb, a.Person = "ask_reminded", csmOf(s, acct)
			if err := e.tell(ctx, tx, s, a); err != nil {
				return err
			}
			return nil
		case waitAskPark:
			a.Verb = "parked"
			s.Status, s.Waiting = expansion.Parked, expansion.WaitNone
		case waitLater:
			a.Verb = "returned"
			s.Waiting, s.WaitUntil = expansion.WaitNone, nil
			if err := tx.UpdateSignal(ctx, &s); err != nil {
				return err
			}
			// The card is only edited, which nobody notices; the line under it is.
			if err := e.tell(ctx, tx, s, a); err != nil {
				return err
			}
			return tx.Enqueue(ctx, PlanArgs{SignalID: string(s.ID)}, time.Time{})
		}
		if err := tx.UpdateSignal(ctx, &s); err != nil {
			return err
		}
		if _, err := tx.Log(ctx, a); err != nil {
			return err
		}
		return e.refresh(ctx, tx, s.ID)
	})
}

// StartSchedules makes sure that each regular work has one promise ahead. Work that was
// missed while the process was down is caught up by its watermark at the first run.
func (e *Engine) StartSchedules(ctx context.Context) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenWaitsOf(ctx, waitSchedule)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for _, w := range open {
			have[w.Kind] = true
		}
		for kind := range e.schedules() {
			if have[kind] {
				continue
			}
			if err := e.wait(ctx, tx, waitSchedule, kind, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
}

type scheduled struct {
	cron string
	run  func(context.Context) error
}

func (e *Engine) schedules() map[string]scheduled {
	audit := func(ctx context.Context) error { _, err := e.Audit(ctx); return err }
	m := map[string]scheduled{"audit": {e.schedule.Audit, audit}, "scan": {e.schedule.Scan, e.scanWhile}}
	if e.crm != nil {
		m["poll"] = scheduled{e.schedule.Poll, e.pollWhile}
	}
	return m
}

// runSchedule runs regular work and makes the next promise. A failed run is logged and
// does not stop the next.
func (e *Engine) runSchedule(ctx context.Context, w store.Wait) error {
	s, ok := e.schedules()[w.Kind]
	if ok {
		err := s.run(ctx)
		if later, ok := errors.AsType[*Later](err); ok {
			return later // the promise stays; its job goes on
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			e.log.WarnContext(ctx, "regular work failed", "job", w.Kind, "err", err)
		}
	}
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		// Every minute one: kept as the others are, they would soon be most of the table.
		if first, err := tx.ForgetWait(ctx, w.ID); err != nil || !first || !ok {
			return err
		}
		spec, err := cron.ParseStandard(s.cron)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", w.Kind, err)
		}
		return e.wait(ctx, tx, waitSchedule, w.Kind, spec.Next(tx.Now))
	})
}

// RunSchedulesNow runs the regular work that is due, as the sandbox does after moving
// the clock.
func (e *Engine) RunSchedulesNow(ctx context.Context) error {
	for _, s := range e.schedules() {
		err := s.run(ctx)
		for errors.As(err, new(*Later)) {
			err = s.run(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// NextDue is when the next promise other than regular work is due, or the next job that
// waits for its time; nil when nothing waits.
func (e *Engine) NextDue(ctx context.Context) (*time.Time, error) {
	next, err := e.store.NextWait(ctx, waitSchedule)
	if err != nil {
		return nil, err
	}
	return next, nil
}
