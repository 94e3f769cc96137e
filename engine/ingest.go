package engine

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"expansionbot/expansion"
	"expansionbot/expansion/detect"
	"expansionbot/store"
)

// Bounds of what a person types (storyboard 3.1).
const (
	minWhat = 10
	maxWhat = 2000
)

// Ingest takes one finding in: evidence that was delivered before changes nothing,
// evidence for an open signal is added to it, anything else becomes a new signal. The
// returned signal is the one the evidence belongs to; fresh says it is new.
func (e *Engine) Ingest(ctx context.Context, f expansion.Finding) (s expansion.Signal, fresh bool, err error) {
	err = e.store.InTx(ctx, func(tx *store.Tx) error {
		s, fresh, err = e.ingest(ctx, tx, f, "")
		return err
	})
	return s, fresh, err
}

// ingest is Ingest inside a transaction. addTo, when set, is the open signal to add to
// whatever its type and subject.
func (e *Engine) ingest(ctx context.Context, tx *store.Tx, f expansion.Finding, addTo expansion.SignalID) (expansion.Signal, bool, error) {
	if err := tx.LockAccount(ctx, f.Signal.AccountID); err != nil {
		return f.Signal, false, err
	}
	if id, ok, err := tx.HasEvidence(ctx, f.Evidence.Source, f.Evidence.SourceID); err != nil || ok {
		if err != nil {
			return f.Signal, false, err
		}
		s, err := tx.Signal(ctx, id)
		return s, false, err
	}
	var open *expansion.Signal
	var err error
	if addTo != "" {
		s, err := tx.Signal(ctx, addTo)
		if err != nil {
			return s, false, err
		}
		if !s.Status.Open() {
			return s, false, expansion.Errorf(expansion.CodeGone, "%s was %s meanwhile. Nothing was saved; log it again as a signal of its own.", s.Label(), s.Status)
		}
		open = &s
	} else if open, err = tx.OpenSignal(ctx, f.Signal.DuplicateKey()); err != nil {
		return f.Signal, false, err
	} else if open != nil && f.Evidence.OccurredAt.Sub(open.LastSeenAt) > e.timing().DuplicateWindow {
		if err := tx.ReleaseSignalKey(ctx, open.ID); err != nil {
			return f.Signal, false, err
		}
		open = nil
	}
	if open != nil {
		return e.addEvidence(ctx, tx, *open, f)
	}
	return e.newSignal(ctx, tx, f)
}

func (e *Engine) newSignal(ctx context.Context, tx *store.Tx, f expansion.Finding) (expansion.Signal, bool, error) {
	s := f.Signal
	n, err := tx.Next(ctx, "signal", 1001)
	if err != nil {
		return s, false, err
	}
	s.ID, s.Number, s.Status, s.SeenCount = expansion.SignalID(tx.NewID()), n, expansion.Detected, 1
	s.DetectedAt, s.LastSeenAt, s.Source, s.SourceReference = tx.Now, f.Evidence.OccurredAt, f.Evidence.Source, f.Evidence.SourceID
	if !s.Strength.Valid() {
		s.Strength = expansion.StrengthOf(s.Score)
	}
	if s.CreatedBy == "" { // automatic: a shadow start and the first scan message nobody
		quiet, err := e.quiet(ctx, tx.Reader)
		if err != nil {
			return s, false, err
		}
		if quiet {
			s.Waiting = expansion.WaitList
		}
	}
	if err := tx.InsertSignal(ctx, &s); err != nil {
		return s, false, err
	}
	f.Evidence.ID, f.Evidence.SignalID, f.Evidence.ReceivedAt = tx.NewID(), s.ID, tx.Now
	if _, err := tx.AddEvidence(ctx, f.Evidence, s.AccountID); err != nil {
		return s, false, err
	}
	a := activity(expansion.Monitor, "signal_detected", s)
	a.Args = map[string]any{"type": s.Type, "score": s.Score, "strength": s.Strength, "source": s.Source}
	if s.CreatedBy != "" {
		a.Agent, a.Verb, a.Person = expansion.Human, "signal_logged", s.CreatedBy
	}
	if _, err := tx.Log(ctx, a); err != nil {
		return s, false, err
	}
	err = tx.Enqueue(ctx, EnrichArgs{SignalID: string(s.ID)}, time.Time{})
	pause(atIngest)
	return s, true, err
}

// addEvidence merges a finding into an open signal: strength may rise, never fall.
func (e *Engine) addEvidence(ctx context.Context, tx *store.Tx, s expansion.Signal, f expansion.Finding) (expansion.Signal, bool, error) {
	f.Evidence.ID, f.Evidence.SignalID, f.Evidence.ReceivedAt = tx.NewID(), s.ID, tx.Now
	if added, err := tx.AddEvidence(ctx, f.Evidence, s.AccountID); err != nil || !added {
		return s, false, err
	}
	was := s.Strength
	s.SeenCount++
	if f.Evidence.OccurredAt.After(s.LastSeenAt) {
		s.LastSeenAt = f.Evidence.OccurredAt
	}
	s.Score = detect.Combine(s.Score, f.Signal.Score)
	if st := f.Signal.Strength; st.Rank() > s.Strength.Rank() {
		s.Strength = st
	}
	if st := expansion.StrengthOf(s.Score); st.Rank() > s.Strength.Rank() {
		s.Strength = st
	}
	if f.Signal.Score >= s.Score || len(s.Reasons) == 0 {
		s.Reasons = f.Signal.Reasons
	}
	if s.Potential == nil {
		s.Potential = f.Signal.Potential
	}
	raised := s.Strength.Rank() > was.Rank()
	back := raised && s.Status == expansion.Parked // nobody answered about weaker evidence than this
	if back {
		s.Status, s.Waiting = expansion.Detected, expansion.WaitNone
	}
	if err := tx.UpdateSignal(ctx, &s); err != nil {
		return s, false, err
	}
	a := activity(expansion.Monitor, "evidence_added", s)
	a.Person, a.Args = f.Evidence.By, map[string]any{"seen": s.SeenCount, "source": f.Evidence.Source}
	if f.Evidence.By != "" {
		a.Agent = expansion.Human
	}
	if _, err := tx.Log(ctx, a); err != nil {
		return s, false, err
	}
	if raised {
		a.Verb, a.Args = "strength_raised", map[string]any{"from": was, "to": s.Strength, "why": f.Evidence.Why}
		if err := e.tell(ctx, tx, s, a); err != nil {
			return s, false, err
		}
		if back || s.Status == expansion.Detected && s.Waiting == expansion.WaitCSM {
			// What had to be asked may route by itself now.
			if err := tx.Enqueue(ctx, PlanArgs{SignalID: string(s.ID)}, time.Time{}); err != nil {
				return s, false, err
			}
		}
	}
	return s, false, e.refresh(ctx, tx, s.ID)
}

func activity(agent expansion.Agent, verb string, s expansion.Signal) expansion.Activity {
	return expansion.Activity{Agent: agent, Verb: verb, AccountID: s.AccountID, SignalID: s.ID}
}

// LogResult is what became of a log by hand. Similar set means that nothing was saved:
// there is an open signal like it, and the person is to say whether it is the same.
type LogResult struct {
	Signal  expansion.Signal
	Similar *expansion.Signal
}

// Log keeps a signal a person noticed. A CSM, a seller or RevOps may; it becomes theirs
// to route.
func (e *Engine) Log(ctx context.Context, by expansion.PersonID, in LogInput) (LogResult, error) {
	var res LogResult
	if in.NewAccount != "" {
		// Made of the name: who logs it again, or a job that is worked again, means the same.
		in.AccountID = expansion.AccountID("new:" + strings.ToLower(in.NewAccount))
	}
	if err := checkLog(&in, e.clock.Now()); err != nil {
		return res, err
	}
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		p, err := e.person(ctx, tx.Reader, by)
		if err != nil {
			return err
		}
		acct, err := tx.Account(ctx, in.AccountID)
		if in.NewAccount != "" && expansion.CodeOf(err) == expansion.CodeNotFound {
			acct = expansion.Account{ID: in.AccountID, Name: in.NewAccount, UpdatedAt: tx.Now}
			if p.Role == expansion.RoleCSM {
				acct.CSM = p.ID
			}
			err = tx.PutAccount(ctx, acct)
		}
		if err != nil {
			return err
		}
		f := e.manualFinding(in, acct, by, tx)
		if in.AddTo == "" && in.Different == "" {
			_, again, err := tx.HasEvidence(ctx, f.Evidence.Source, f.Evidence.SourceID)
			if err != nil {
				return err
			}
			if !again {
				if res.Similar, err = e.similar(ctx, tx, f); err != nil || res.Similar != nil {
					return err
				}
			}
		}
		if in.Different != "" {
			f.Signal.Subject += ": " + in.Different
		}
		res.Signal, _, err = e.ingest(ctx, tx, f, in.AddTo)
		return err
	})
	if err != nil || res.Similar != nil || res.Signal.Status != expansion.Detected {
		return res, err
	}
	// The jobs would do this in a moment; doing it now lets the modal go on to its preview.
	for _, step := range []func(context.Context, expansion.SignalID) error{e.Enrich, e.Plan} {
		err := step(ctx, res.Signal.ID)
		if expansion.CodeOf(err) == expansion.CodeConflict {
			err = step(ctx, res.Signal.ID) // the job was faster; a second look finds it done
		}
		if err != nil {
			return res, err
		}
	}
	res.Signal, err = e.store.Signal(ctx, res.Signal.ID)
	return res, err
}

// similar is the open signal that a log by hand is probably about; nil for none.
func (e *Engine) similar(ctx context.Context, tx *store.Tx, f expansion.Finding) (*expansion.Signal, error) {
	return e.similarOf(ctx, tx, f, func(expansion.Signal) bool { return true })
}

// noticed is the open signal of a person that a detector's finding is probably about: the
// meter shows what they heard. "" is none; what detectors found keeps signals of its own.
func (e *Engine) noticed(ctx context.Context, tx *store.Tx, f expansion.Finding) (expansion.SignalID, error) {
	like, err := e.similarOf(ctx, tx, f, func(s expansion.Signal) bool {
		return s.CreatedBy != "" || s.DuplicateKey() == f.Signal.DuplicateKey()
	})
	if err != nil || like == nil || like.CreatedBy == "" {
		return "", err
	}
	return like.ID, nil
}

func (e *Engine) similarOf(ctx context.Context, tx *store.Tx, f expansion.Finding, counts func(expansion.Signal) bool) (*expansion.Signal, error) {
	if err := tx.LockAccount(ctx, f.Signal.AccountID); err != nil {
		return nil, err
	}
	open, err := tx.Signals(ctx, store.SignalFilter{AccountID: f.Signal.AccountID, Statuses: openStatuses})
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(s expansion.Signal) bool { return !counts(s) })
	return detect.Similar(f.Signal, f.Evidence.OccurredAt, open, e.timing().DuplicateWindow), nil
}

func checkLog(in *LogInput, now time.Time) error {
	in.What, in.Quote = strings.TrimSpace(in.What), strings.TrimSpace(in.Quote)
	switch n := utf8.RuneCountInString(in.What); {
	case in.AccountID == "":
		return expansion.FieldErrorf("account", "Choose the account.")
	case !in.Type.Valid():
		return expansion.FieldErrorf("signal_type", "Choose one of the six signal types.")
	case in.Strength != "" && !in.Strength.Valid():
		return expansion.FieldErrorf("strength", "Strength is strong, moderate or exploratory.")
	case n < minWhat:
		return expansion.FieldErrorf("what", "Say what happened in at least %d characters.", minWhat)
	case n > maxWhat:
		return expansion.FieldErrorf("what", "That is %d characters; %d at most fit.", n, maxWhat)
	}
	if in.OccurredAt.IsZero() {
		in.OccurredAt = now
	}
	if in.OccurredAt.After(now.Add(24 * time.Hour)) {
		return expansion.FieldErrorf("when", "That day is in the future. Say when it happened.")
	}
	return nil
}

func (e *Engine) manualFinding(in LogInput, a expansion.Account, by expansion.PersonID, tx *store.Tx) expansion.Finding {
	score, _, reasons := detect.Manual(detect.ManualInput{Type: in.Type, Strength: in.Strength, What: in.What, Quote: in.Quote, OccurredAt: in.OccurredAt, Now: tx.Now})
	s := expansion.Signal{
		AccountID: a.ID, Type: in.Type, Strength: in.Strength, Score: score, Reasons: reasons, CreatedBy: by, Details: in.Details,
		ExpansionType: in.ExpansionType, Subject: string(detect.ExpansionTypeOf(in.Type, in.What+" "+in.Quote)),
	}
	if s.ExpansionType == "" {
		s.ExpansionType = detect.ExpansionTypeOf(in.Type, in.What+" "+in.Quote)
	}
	if s.Strength == "" {
		s.Strength = expansion.StrengthOf(s.Score)
	}
	if in.Potential != nil {
		s.Potential = &expansion.Potential{Likely: *in.Potential, Low: *in.Potential, High: *in.Potential, Formula: "entered by hand", ByHand: true}
	} else if seats, p := detect.EstimateSeats(in.What+" "+in.Quote, a); seats > 0 {
		s.Potential = p
		s.Details = maps.Clone(s.Details)
		if s.Details == nil {
			s.Details = map[string]any{}
		}
		s.Details["seats"] = seats
	}
	src := in.Source
	if src == "" {
		src = expansion.SourceManual
	}
	id := in.SourceID
	if id == "" {
		id = "log:" + tx.NewID()
	}
	return expansion.Finding{Signal: s, Evidence: expansion.Evidence{
		Source: src, SourceID: id, OccurredAt: in.OccurredAt, Why: in.What, Quote: in.Quote,
		Speaker: in.Speaker, Link: in.Link, By: by, People: in.People, Score: score,
	}}
}

// Suggest says what the rules make of a log by hand: its type where t names none, "" when
// the words do not either, its strength, and why in words.
func (e *Engine) Suggest(t expansion.SignalType, what, quote string, when time.Time) (expansion.SignalType, expansion.Strength, string) {
	if t == "" {
		t = detect.TypeOf(what + " . " + quote)
	}
	now := e.clock.Now()
	if when.IsZero() {
		when = now
	}
	score, words, _ := detect.Manual(detect.ManualInput{Type: t, What: what, Quote: quote, OccurredAt: when, Now: now})
	return t, expansion.StrengthOf(score), words
}
