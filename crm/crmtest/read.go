package crmtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"expansionbot/crm"
	"expansionbot/expansion"
)

func readsLeaveOut(s *suite) {
	s.prepared()
	id := s.upsert(s.input("k1")).ID
	found, err := s.c.FindByKey(s.ctx, []string{"k1", "never", "k1", ""})
	if err != nil || len(found) != 1 || found[0].ID != id {
		s.Errorf("by key got %+v, %v; want %s once", found, err, id)
	}
	found, err = s.c.Read(s.ctx, []string{"999999999", id, id})
	if err != nil || len(found) != 1 || found[0].Key != "k1" {
		s.Errorf("by id got %+v, %v; want k1 once", found, err)
	}
	for _, none := range [][]string{nil, {}, {""}} {
		found, err = s.c.FindByKey(s.ctx, none)
		if err != nil || len(found) != 0 {
			s.Errorf("find by key %q gave %+v, %v; want nothing", none, found, err)
		}
	}
}

func readsPage(s *suite) {
	s.prepared()
	account := s.w.AddAccount("Brightwater Labs", "brightwater.example")
	first := s.stage(crm.MeaningRouted)
	const many = 230 // more than two batches of 100
	var ids []string
	for i := range many {
		ids = append(ids, s.w.AddOpportunity(account, fmt.Sprintf("By hand %d", i), first.ID))
		s.w.AddOwner(fmt.Sprintf("rep%d@expansion.example", i), "Rep", true)
	}
	found, err := s.c.Read(s.ctx, ids)
	s.noError(err, "read")
	open, err := s.c.OpenOpportunities(s.ctx, account)
	s.noError(err, "open opportunities")
	all, err := s.c.Owners(s.ctx)
	s.noError(err, "owners")
	if len(found) != many || len(open) != many || len(all) != many {
		s.Errorf("read %d, open %d, owners %d; want %d each", len(found), len(open), len(all), many)
	}
}

func findAccount(s *suite) {
	a := s.w.AddAccount("Brightwater Labs", "brightwater.example")
	s.w.AddAccount("Kestrel", "kestrel.example")
	for _, ref := range []crm.AccountRef{
		{CRMID: a},
		{CRMID: a, Domain: "kestrel.example", Name: "Kestrel"},
		{Domain: "brightwater.example"},
		{Domain: "https://www.BrightWater.example/team", Name: "Something else"},
		{Name: "brightwater LABS"},
		{Domain: "brightwater.example", ExternalID: "A-17"},
	} {
		got, err := s.c.FindAccount(s.ctx, ref)
		if err != nil || got.ID != a || got.Name != "Brightwater Labs" || got.Domain != "brightwater.example" || got.URL == "" {
			s.Errorf("find account %+v: got %+v, %v; want %s", ref, got, err, a)
		}
	}
}

func findAccountNeverGuesses(s *suite) {
	s.w.AddAccount("Brightwater Labs", "brightwater.example")
	s.w.AddAccount("Twin", "one.example")
	s.w.AddAccount("twin", "two.example")
	for _, c := range []struct {
		ref  crm.AccountRef
		want expansion.Code
	}{
		{crm.AccountRef{}, expansion.CodeNotFound},
		{crm.AccountRef{CRMID: "999999999", Domain: "brightwater.example"}, expansion.CodeNotFound},
		{crm.AccountRef{Domain: "water.example"}, expansion.CodeNotFound},
		{crm.AccountRef{Name: "Brightwater"}, expansion.CodeNotFound},
		{crm.AccountRef{Name: "Brightwater Labs", Domain: "other.example"}, expansion.CodeNotFound},
		{crm.AccountRef{Name: "Twin"}, expansion.CodeConflict},
	} {
		got, err := s.c.FindAccount(s.ctx, c.ref)
		if expansion.CodeOf(err) != c.want || got.ID != "" {
			s.Errorf("find account %+v: got %+v, %v; want %s", c.ref, got, err, c.want)
		}
	}
	got, err := s.c.FindAccount(s.ctx, crm.AccountRef{Name: "Twin", Domain: "two.example"})
	if err != nil || got.Name != "twin" {
		s.Errorf("the domain should decide between twins: got %+v, %v", got, err)
	}
}

func owners(s *suite) {
	marcus := s.w.AddOwner("Marcus@Expansion.example", "Marcus Reed", true)
	left := s.w.AddOwner("left@expansion.example", "Lee Left", false)
	got, err := s.c.Owners(s.ctx)
	s.noError(err, "owners")
	want := []crm.Owner{{ID: marcus, Email: "marcus@expansion.example", Name: "Marcus Reed", Active: true}, {ID: left, Email: "left@expansion.example", Name: "Lee Left"}}
	if !slices.Equal(got, want) {
		s.Errorf("got %+v, want %+v", got, want)
	}
}

func stages(s *suite) {
	list := s.stages()
	count := map[crm.Meaning]int{}
	for i, g := range list {
		count[crm.StageMeaning(g)]++
		if g.Order != i || g.ID == "" || g.Label == "" || g.Probability < 0 || g.Probability > 1 {
			s.Errorf("stage %d is %+v, want its order, a name and a probability", i, g)
		}
	}
	if count[crm.MeaningRouted] != 1 || count[crm.MeaningWon] < 1 || count[crm.MeaningLost] < 1 {
		s.Errorf("the meanings are %v, want one routed, some won and lost", count)
	}
}

// after checks that nothing was written by the failed call and that the next one works.
func (s *suite) after(in crm.OpportunityInput) {
	s.Helper()
	if n := s.w.Creates(in.Key); n != 0 {
		s.Errorf("the failed call created %d records, want none", n)
	}
	if r := s.upsert(in); !r.Created {
		s.Errorf("the next call gave %+v, want it created", r)
	}
}

func rateLimit(s *suite) {
	s.prepared()
	in := s.input("k1")
	s.w.FailNext(Throttled, 1)
	_, err := s.c.Upsert(s.ctx, in)
	if e := s.kind(err, crm.Retry); e.RetryAfter != time.Second {
		s.Errorf("retry after %s, want the 1s the CRM asked for", e.RetryAfter)
	}
	s.after(in)
}

func dayUsedUp(s *suite) {
	s.prepared()
	in := s.input("k1")
	s.w.FailNext(DayUsedUp, 1)
	_, err := s.c.Upsert(s.ctx, in)
	if e := s.kind(err, crm.RetryLater); e.RetryAfter < time.Minute {
		s.Errorf("retry after %s, want at least a minute", e.RetryAfter)
	}
	s.after(in)
}

func htmlPage(s *suite) {
	s.prepared()
	in := s.input("k1")
	s.w.FailNext(HTMLPage, 2)
	_, err := s.c.Upsert(s.ctx, in)
	if e := s.kind(err, crm.Unknown); e.Status != 503 {
		s.Errorf("status %d, want 503", e.Status)
	}
	_, err = s.c.FindByKey(s.ctx, []string{"k1"})
	s.kind(err, crm.Retry)
	s.after(in)
}

func badToken(s *suite) {
	s.prepared()
	in := s.input("k1")
	s.w.FailNext(BadToken, 2)
	_, err := s.c.Upsert(s.ctx, in)
	s.kind(err, crm.Auth)
	if got := s.c.Check(s.ctx); len(got) == 0 || got[0].Level != crm.LevelFail || got[0].Fix == "" {
		s.Errorf("check says %+v, want a failure with its fix first", got)
	}
	s.after(in)
}

func hangs(s *suite) {
	s.prepared()
	in := s.input("k1")
	s.w.FailNext(Hangs, 2)
	ctx, cancel := context.WithTimeout(s.ctx, 250*time.Millisecond)
	defer cancel()
	_, err := s.c.Upsert(ctx, in)
	s.kind(err, crm.Unknown)
	ctx, cancel = context.WithTimeout(s.ctx, 250*time.Millisecond)
	defer cancel()
	_, err = s.c.Read(ctx, []string{"1"})
	s.kind(err, crm.Retry)
	s.w.FailNext(Hangs, 0) // one is left if a slow machine never sent the call
	s.after(in)
}

func cancelled(s *suite) {
	s.prepared()
	in := s.input("k1")
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.c.Upsert(ctx, in); err == nil {
		s.Fatal("an upsert with a cancelled context succeeded")
	}
	s.after(in)
}
