package crmtest

import (
	"strings"
	"sync"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
)

func checkNeverWrites(s *suite) {
	before := s.c.Check(s.ctx)
	again := s.c.Check(s.ctx)
	if len(before) == 0 || len(before) != len(again) {
		s.Fatalf("check found %d lines, then %d: want the same, at least one", len(before), len(again))
	}
	missing := false
	for i, f := range again {
		if f.Level != before[i].Level {
			s.Errorf("the second check says %q %s, the first said %s", f.What, f.Level, before[i].Level)
		}
		if (f.Fix == "") != (f.Level == crm.LevelPass) || f.What == "" {
			s.Errorf("finding %+v: want a fix exactly when it is not passed", f)
		}
		missing = missing || f.Level != crm.LevelPass
	}
	if !missing {
		s.Errorf("check of an unprepared CRM passed everything: %+v", again)
	}
}

func prepareTwice(s *suite) {
	s.prepared().prepared()
	s.upsert(s.input("k1"))
}

func upsertTwice(s *suite) {
	s.prepared()
	first := s.upsert(s.input("k1"))
	in := s.input("k1")
	in.Name = "Brightwater Labs: more seats"
	second := s.upsert(in)
	if !first.Created || second.Created || first.ID == "" || first.ID != second.ID {
		s.Errorf("got %+v then %+v, want the same id, created only first", first, second)
	}
	if first.URL == "" {
		s.Errorf("the opportunity has no address for people")
	}
	if got := s.byKey("k1").Name; got != in.Name {
		s.Errorf("name after the second upsert is %q, want %q", got, in.Name)
	}
	if n := s.w.Creates("k1"); n != 1 {
		s.Errorf("%d records were created, want 1", n)
	}
}

func upsertConcurrently(s *suite) {
	s.prepared()
	in := s.input("k1")
	const callers = 4
	ids := make([]string, callers)
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			r, err := s.c.Upsert(s.ctx, in)
			ids[i], errs[i] = r.ID, err
		})
	}
	wg.Wait()
	for i := range callers {
		if errs[i] != nil || ids[i] != ids[0] {
			s.Errorf("caller %d got %q, %v; caller 0 got %q", i, ids[i], errs[i], ids[0])
		}
	}
	if n := s.w.Creates("k1"); n != 1 {
		s.Errorf("%d records were created, want 1", n)
	}
}

func upsertKeepsWhatItDoesNotSay(s *suite) {
	s.prepared()
	s.upsert(s.input("k1"))
	s.upsert(crm.OpportunityInput{Key: "k1"})
	got := s.byKey("k1")
	if got.Name == "" || got.StageID == "" || got.Amount == nil || got.Amount.Minor != 1_920_050 {
		s.Errorf("an upsert without values left %+v, want name, stage and amount kept", got)
	}
}

func lostAnswer(s *suite) {
	s.prepared()
	in := s.input("k1")
	s.w.FailNext(LostAnswer, 1)
	_, err := s.c.Upsert(s.ctx, in)
	s.kind(err, crm.Unknown)
	got := s.byKey("k1")
	again := s.upsert(in)
	if again.Created || again.ID != got.ID {
		s.Errorf("the retry gave %+v, want the record %s that was already there", again, got.ID)
	}
	if n := s.w.Creates("k1"); n != 1 {
		s.Errorf("%d records were created, want 1", n)
	}
}

func roundTrip(s *suite) {
	s.prepared()
	owner := s.w.AddOwner("marcus@expansion.example", "Marcus Reed", true)
	closing := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	probability := 0.35
	in := s.input("k1")
	in.OwnerID, in.CloseDate, in.Probability, in.Description = owner, &closing, &probability, "From a seat limit hit twice."
	in.ExpansionType, in.SignalType = "seats", "usage_limit"
	r := s.upsert(in)
	got := s.byKey("k1")
	want := crm.Snapshot{Key: "k1", ID: r.ID, Name: in.Name, StageID: in.StageID, OwnerID: owner}
	if got.Key != want.Key || got.ID != want.ID || got.Name != want.Name || got.StageID != want.StageID || got.OwnerID != want.OwnerID || got.Archived || got.URL == "" {
		s.Errorf("got %+v, want %+v and an address", got, want)
	}
	if got.Amount == nil || *got.Amount != *in.Amount {
		s.Errorf("amount is %v, want %v", got.Amount, in.Amount)
	}
	if got.CloseDate == nil || !got.CloseDate.Equal(closing) {
		s.Errorf("close date is %v, want %v", got.CloseDate, closing)
	}
	if got.Probability == nil || *got.Probability != probability {
		s.Errorf("probability is %v, want %v", got.Probability, probability)
	}
	if got.Modified.IsZero() {
		s.Errorf("the record has no time of change")
	}
}

func editByHand(s *suite) {
	s.prepared()
	r := s.upsert(s.input("k1"))
	dana := s.w.AddOwner("dana@expansion.example", "Dana Fox", true)
	won := s.stage(crm.MeaningWon)
	s.w.Edit(r.ID, crm.FieldStage, won.ID)
	s.w.Edit(r.ID, crm.FieldOwner, dana)
	s.w.Edit(r.ID, crm.FieldAmount, "21600.00")
	got := s.byKey("k1")
	if got.StageID != won.ID || got.OwnerID != dana || got.Amount == nil || got.Amount.Minor != 2_160_000 {
		s.Errorf("after the edit got %+v, want stage %s, owner %s, amount 21,600", got, won.ID, dana)
	}
	if got.Probability == nil || *got.Probability != won.Probability {
		s.Errorf("probability is %v, want the stage's %v", got.Probability, won.Probability)
	}
}

func unknownStage(s *suite) {
	s.prepared()
	in := s.input("k1")
	in.StageID = "no-such-stage"
	_, err := s.c.Upsert(s.ctx, in)
	e := s.kind(err, crm.Rejected)
	if !strings.Contains(e.Text, "no-such-stage") {
		s.Errorf("the refusal says %q, want it to name the stage", e.Text)
	}
	if n := s.w.Creates("k1"); n != 0 {
		s.Errorf("%d records were created, want none", n)
	}
}

func inactiveOwner(s *suite) {
	s.prepared()
	in := s.input("k1")
	in.OwnerID = s.w.AddOwner("left@expansion.example", "Lee Left", false)
	_, err := s.c.Upsert(s.ctx, in)
	s.kind(err, crm.Rejected)
}

func updateByID(s *suite) {
	s.prepared()
	account := s.w.AddAccount("Brightwater Labs", "brightwater.example")
	first := s.stage(crm.MeaningRouted)
	id := s.w.AddOpportunity(account, "Made by hand", first.ID)
	next := s.stage(crm.MeaningInProgress)
	r, err := s.c.Update(s.ctx, id, crm.OpportunityInput{Key: "k1", StageID: next.ID, Amount: &expansion.Money{Minor: -50, Currency: "EUR"}})
	s.noError(err, "update")
	if r.ID != id || r.Created {
		s.Errorf("got %+v, want id %s, not created", r, id)
	}
	got := s.byKey("k1")
	if got.ID != id || got.StageID != next.ID || got.Name != "Made by hand" || got.Amount == nil || *got.Amount != (expansion.Money{Minor: -50, Currency: "EUR"}) {
		s.Errorf("got %+v, want our key, the new stage, -0.50 EUR and the old name", got)
	}
	r, err = s.c.Update(s.ctx, id, crm.OpportunityInput{})
	if err != nil || r.ID != id {
		s.Errorf("an update of nothing gave %+v, %v", r, err)
	}
}

func updateNeverCreates(s *suite) {
	s.prepared()
	in := s.input("k1")
	_, err := s.c.Update(s.ctx, "999999999", in)
	s.kind(err, crm.Gone)
	id := s.upsert(s.input("k2")).ID
	s.noError(s.c.Archive(s.ctx, id), "archive")
	_, err = s.c.Update(s.ctx, id, in)
	s.kind(err, crm.Gone)
	_, err = s.c.Update(s.ctx, id, crm.OpportunityInput{})
	s.kind(err, crm.Gone)
	if n := s.w.Creates("k1"); n != 0 {
		s.Errorf("update created %d records, want none", n)
	}
}

func archiveTwice(s *suite) {
	s.prepared()
	id := s.upsert(s.input("k1")).ID
	s.noError(s.c.Archive(s.ctx, id), "archive")
	s.noError(s.c.Archive(s.ctx, id), "archive again")
	s.noError(s.c.Archive(s.ctx, "999999999"), "archive what was never there")
	byKey, err := s.c.FindByKey(s.ctx, []string{"k1"})
	s.noError(err, "find by key")
	if len(byKey) != 0 {
		s.Errorf("found %+v by key, want it absent", byKey)
	}
	byID, err := s.c.Read(s.ctx, []string{id})
	s.noError(err, "read")
	if len(byID) != 1 || !byID[0].Archived {
		s.Errorf("read %+v, want it archived", byID)
	}
}
