package engine

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"expansionbot/expansion"
	"expansionbot/store"
)

// maxContactLine bounds each text of a logged contact, in characters.
const maxContactLine = 500

// remindAfter is the "2 h" of "Remind me in 2 h" (storyboard 4.1).
const remindAfter = 2 * time.Hour

// The words a logged contact may use.
var (
	contactChannels   = []string{"call", "email", "meeting", "chat"}
	contactDirections = []string{"out", "in"}
)

// ContactInput is the modal "Log customer contact" (storyboard 4.4).
type ContactInput struct {
	Contact   string // id of the person at the customer, "" = not said
	Channel   string // call, email, meeting or chat
	Direction string // out: we contacted them; in: they contacted us
	Line      string // what was said, at most 500 characters
	Next      string // the next step, optional, at most 500 characters
}

func checkContact(in *ContactInput) error {
	in.Line, in.Next = strings.TrimSpace(in.Line), strings.TrimSpace(in.Next)
	switch {
	case !oneOf(contactChannels, in.Channel):
		return expansion.FieldErrorf("channel", "Choose call, email, meeting or chat.")
	case !oneOf(contactDirections, in.Direction):
		return expansion.FieldErrorf("direction", "Choose who contacted whom.")
	case in.Line == "":
		return expansion.FieldErrorf("line", "Say in one line what it was about.")
	case utf8.RuneCountInString(in.Line) > maxContactLine:
		return expansion.FieldErrorf("line", "That is too long; %d characters at most fit.", maxContactLine)
	case utf8.RuneCountInString(in.Next) > maxContactLine:
		return expansion.FieldErrorf("next", "That is too long; %d characters at most fit.", maxContactLine)
	}
	return nil
}

func oneOf(words []string, s string) bool {
	for _, w := range words {
		if w == s {
			return true
		}
	}
	return false
}

// LogContact keeps a contact with the customer in the shared log and tells it under the
// cards. Logged by the recipient before they acknowledged it is their answer: the ladder
// ends (storyboard 4.4, 7.9). The recipient, the CSM, managers and RevOps may.
func (e *Engine) LogContact(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, in ContactInput) error {
	if err := checkContact(&in); err != nil {
		return err
	}
	return e.changeRouting(ctx, by, id, "contact_logged", func(tx *store.Tx, c *change) error {
		if c.by.ID != c.rt.To {
			if err := e.mayRoute(ctx, tx.Reader, by, c.signal, c.acct); err != nil {
				return err
			}
		} else if c.rt.Status == expansion.Pending {
			if err := e.acknowledge(ctx, tx, c); err != nil {
				return err
			}
			ack := c.line
			ack.Verb = "acknowledged"
			if _, err := tx.Log(ctx, ack); err != nil {
				return err
			}
		}
		c.line.Args = map[string]any{"channel": in.Channel, "direction": in.Direction, "line": in.Line}
		if in.Contact != "" {
			c.line.Args["contact"] = in.Contact
		}
		if in.Next != "" {
			c.line.Args["next_step"] = in.Next
		}
		return nil
	})
}

// Remind is the recipient's "Remind me in 2 h": one reminder under their card, unless it
// was answered by then. A second press moves it. The time it is due is returned.
func (e *Engine) Remind(ctx context.Context, by expansion.PersonID, id expansion.RoutingID) (time.Time, error) {
	var due time.Time
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		c, err := e.load(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if again, err := tx.Repeats(ctx, c.signal.ID, "remind_asked"); err != nil {
			return err
		} else if again {
			due, err = remindDue(ctx, tx.Reader, id)
			return err
		}
		if err := stillOpen(c.rt); err != nil {
			return err
		}
		if err := e.onlyRecipient(ctx, tx.Reader, c); err != nil {
			return err
		}
		if c.rt.Status != expansion.Pending {
			return expansion.Errorf(expansion.CodeConflict, "You have %s already. Nothing to remind you of.", c.rt.Label())
		}
		if err := tx.DropWaits(ctx, string(c.rt.ID), waitRemind); err != nil {
			return err
		}
		due = tx.Now.Add(remindAfter)
		if err := e.wait(ctx, tx, string(c.rt.ID), waitRemind, due); err != nil {
			return err
		}
		line := activity(expansion.Human, "remind_asked", c.signal)
		line.RoutingID, line.Person, line.Args = c.rt.ID, by, map[string]any{"until": due}
		_, err = tx.Log(ctx, line)
		return err
	})
	return due, err
}

// remindDue is when the reminder asked for comes; the zero time when there is none.
func remindDue(ctx context.Context, r store.Reader, id expansion.RoutingID) (due time.Time, err error) {
	ws, err := r.OpenWaitsOf(ctx, string(id))
	for _, w := range ws {
		if w.Kind == waitRemind {
			due = w.DueAt
		}
	}
	return due, err
}

// remindMark keeps "Remind me in 2 h". It comes at the time asked for, working hours or
// not: the person chose it.
func (e *Engine) remindMark(ctx context.Context, w store.Wait) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		if first, err := tx.DoneWait(ctx, w.ID); err != nil || !first {
			return err
		}
		rt, err := tx.Routing(ctx, expansion.RoutingID(w.Subject))
		if err != nil || !rt.Open() || rt.Status != expansion.Pending {
			return err
		}
		c := &change{rt: rt}
		if c.signal, err = tx.Signal(ctx, rt.SignalID); err != nil {
			return err
		}
		line := activity(expansion.Expander, "reminded", c.signal)
		line.RoutingID, line.Person = rt.ID, rt.To
		n, err := tx.Log(ctx, line)
		if err != nil {
			return err
		}
		return e.wantNudge(ctx, tx, c, n)
	})
}
