package sandboxtest_test

import (
	"strings"
	"testing"
	"time"

	"expansionbot/sandbox/mail"
	"expansionbot/sandbox/sandboxtest"
	"expansionbot/sandbox/world"
	"expansionbot/store"
)

// otherAddress gives somebody another address in Slack than in the people list, which names
// no account of theirs.
func otherAddress(t *testing.T, s *sandboxtest.Sandbox, handle string) {
	t.Helper()
	ctx := t.Context()
	who, _ := world.ByHandle(handle)
	err := s.App.Store.InTx(ctx, func(tx *store.Tx) error {
		p, err := tx.PersonByEmail(ctx, who.Email)
		if err != nil {
			return err
		}
		p.SlackID = ""
		return tx.PutPerson(ctx, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range s.Slack.Users() {
		if u.ID == who.SlackID {
			u.Email = "private-" + u.Email
			s.Slack.PutUser(u)
		}
	}
}

// Storyboard 7.12: no match by e-mail. The mail goes out at once, the CSM and RevOps are
// asked, RevOps picks the right person, and the card arrives.
func TestNoSlackAccountIsPicked(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		otherAddress(t, s, "marcus")
		brightwater(s).Submit()
		s.Until("the mail is there", func() bool { return len(s.Mail.Messages()) == 1 })
		if to := s.Mail.Messages()[0].To; !strings.Contains(to, "marcus@") {
			t.Errorf("the mail went to %q", to)
		}
		text := "No Slack account for marcus@…; emailed instead. Pick the right person?"
		s.As("priya").Expect(text)
		s.As("priya").Expect("Brightwater Labs", "Sent", "No Slack account for marcus@…")
		s.As("marcus").Never("Expansion for you")
		notice := s.As("ravi").Expect(text)
		notice.Pick("marcus")
		s.As("marcus").Expect("Expansion for you: Brightwater Labs").Press("Acknowledge").Expect("Acknowledged")
		notice.Expect("Marcus Bell has a Slack account now")
		s.As("priya").Expect("Brightwater Labs", "Acknowledged")
		s.As("ravi").Exactly(1, "Marcus Bell has a Slack account now")
		s.As("lena").Never("No Slack account")
	})
}

// Storyboard 7.12: the mail is refused too. After 30 min the next in line has it.
func TestReachedByNoWayGoesToTheNextInLine(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, s *sandboxtest.Sandbox) {
		otherAddress(t, s, "marcus")
		if err := s.Mail.FailNext(mail.FaultRejected, 1); err != nil {
			t.Fatal(err)
		}
		brightwater(s).Submit()
		notice := s.As("priya").Expect("No Slack account for marcus@…, and the email was refused. If nobody is picked within 30 min, the next in line gets it. Pick the right person?")
		s.Advance(28 * time.Minute)
		s.As("dana").Never("Expansion for you: Brightwater Labs")
		s.Advance(3 * time.Minute)
		s.As("dana").Expect("Expansion for you: Brightwater Labs").Press("Acknowledge").Expect("Acknowledged")
		notice.Expect("is not with Marcus Bell any more.")
		if bs := notice.Buttons(); len(bs) != 0 {
			t.Errorf("the notice still has %q", bs)
		}
		s.Until("the mail is there", func() bool { return len(s.Mail.Messages()) == 1 })
		if to := s.Mail.Messages()[0].To; !strings.Contains(to, "dana@") {
			t.Errorf("the mail went to %q", to)
		}
	})
}
