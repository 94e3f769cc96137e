package crmtest

import (
	"slices"
	"strings"

	"expansionbot/crm"
)

func associateTwice(s *suite) {
	s.prepared()
	account := s.w.AddAccount("Brightwater Labs", "brightwater.example")
	other := s.w.AddAccount("Kestrel", "kestrel.example")
	id := s.upsert(s.input("k1")).ID
	if got := s.byKey("k1").AccountID; got != "" {
		s.Errorf("a new opportunity belongs to %q already", got)
	}
	for range 2 {
		s.noError(s.c.Associate(s.ctx, id, account), "associate")
	}
	if got := s.byKey("k1").AccountID; got != account {
		s.Errorf("the account is %q, want %q", got, account)
	}
	open, err := s.c.OpenOpportunities(s.ctx, account)
	if err != nil || len(open) != 1 || open[0].ID != id {
		s.Errorf("the account's open opportunities are %+v, %v; want %s once", open, err, id)
	}
	open, err = s.c.OpenOpportunities(s.ctx, other)
	if err != nil || len(open) != 0 {
		s.Errorf("another account's open opportunities are %+v, %v; want none", open, err)
	}
	s.kind(s.c.Associate(s.ctx, "999999999", account), crm.Gone)
}

func openOpportunities(s *suite) {
	s.prepared()
	account := s.w.AddAccount("Brightwater Labs", "brightwater.example")
	first, won, lost := s.stage(crm.MeaningRouted), s.stage(crm.MeaningWon), s.stage(crm.MeaningLost)
	byHand := s.w.AddOpportunity(account, "By hand", first.ID)
	s.w.AddOpportunity(account, "Won", won.ID)
	s.w.AddOpportunity(account, "Lost", lost.ID)
	ours := s.upsert(s.input("k1")).ID
	s.noError(s.c.Associate(s.ctx, ours, account), "associate")
	gone := s.w.AddOpportunity(account, "Archived", first.ID)
	s.noError(s.c.Archive(s.ctx, gone), "archive")
	open, err := s.c.OpenOpportunities(s.ctx, account)
	s.noError(err, "open opportunities")
	var ids []string
	for _, o := range open {
		ids = append(ids, o.ID)
		if o.AccountID != account || o.StageID != first.ID {
			s.Errorf("got %+v, want account %s and stage %s", o, account, first.ID)
		}
	}
	if want := []string{byHand, ours}; !slices.Equal(ids, want) {
		s.Errorf("open are %v, want %v", ids, want)
	}
	_, err = s.c.OpenOpportunities(s.ctx, "999999999")
	s.kind(err, crm.Gone)
}

func (s *suite) onAccount(key string) (id, account string) {
	s.Helper()
	account = s.w.AddAccount("Brightwater Labs", "brightwater.example")
	id = s.upsert(s.input(key)).ID
	s.noError(s.c.Associate(s.ctx, id, account), "associate")
	return id, account
}

func noteOnce(s *suite) {
	id, account := s.prepared().onAccount("k1")
	first, err := s.c.Note(s.ctx, id, account, "R-311", "Jo prefers the phone.")
	s.noError(err, "note")
	again, err := s.c.Note(s.ctx, id, account, "R-311", "Jo prefers the phone.")
	s.noError(err, "note again")
	if first == "" || first != again {
		s.Errorf("the note's ids are %q and %q, want the same", first, again)
	}
	other, err := s.c.Note(s.ctx, id, "", "R-3", "Another, without an account.")
	s.noError(err, "another note")
	notes := s.w.Notes(id)
	if len(notes) != 2 || other == first {
		s.Fatalf("the notes are %q, want two", notes)
	}
	if !strings.Contains(notes[0], "Jo prefers the phone.") || !strings.Contains(notes[0], "[R-311]") || !strings.Contains(notes[1], "[R-3]") {
		s.Errorf("the notes are %q, want text and mark in each", notes)
	}
	_, err = s.c.Note(s.ctx, "999999999", account, "R-1", "x")
	s.kind(err, crm.Gone)
}

func noteLostAnswer(s *suite) {
	id, account := s.prepared().onAccount("k1")
	s.w.LagSearch(1 << 40) // a search would not find it
	s.w.FailNext(LostAnswer, 1)
	_, err := s.c.Note(s.ctx, id, account, "R-311", "Brief")
	s.kind(err, crm.Unknown)
	noteID, err := s.c.Note(s.ctx, id, account, "R-311", "Brief")
	s.noError(err, "note again")
	if notes := s.w.Notes(id); len(notes) != 1 || noteID == "" {
		s.Errorf("the notes are %q with id %q, want one", notes, noteID)
	}
}

func noteOddCharacters(s *suite) {
	id, account := s.prepared().onAccount("k1")
	body := "a < b & \"c\"\n<script>alert(1)</script>\nשלום 🚀 " + strings.Repeat("long ", 20_000)
	_, err := s.c.Note(s.ctx, id, account, "R&D-1", body)
	s.noError(err, "note")
	_, err = s.c.Note(s.ctx, id, account, "R&D-1", body)
	s.noError(err, "note again")
	notes := s.w.Notes(id)
	if len(notes) != 1 {
		s.Fatalf("%d notes, want 1", len(notes))
	}
	if strings.Contains(notes[0], "<script>") || !strings.Contains(notes[0], "🚀") || len([]rune(notes[0])) > 65_536 {
		s.Errorf("the note of %d characters starts %.80q, want it escaped, whole characters, within 65,536", len([]rune(notes[0])), notes[0])
	}
}
