package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
	"expansionbot/notify"
	"expansionbot/store"
)

const (
	sendWithin = 10 * time.Second           // deadline of one call outside
	claimFor   = sendWithin + 5*time.Second // an attempt's own time; another waits for it to pass
	channelCRM = "crm"
	// reasonRateLimited is a channel's word for a wait that was asked for.
	reasonRateLimited = "rate_limited"
)

// want asks for a new version of an outside thing and enqueues the work.
func (e *Engine) want(ctx context.Context, tx *store.Tx, d store.Delivery) error {
	if _, ok := e.channels[d.Channel]; !ok && d.Channel != channelCRM {
		return nil
	}
	row, err := tx.Want(ctx, d)
	if err != nil {
		return fmt.Errorf("want %s %s for %s: %w", d.Channel, d.Kind, d.Subject, err)
	}
	return enqueueDelivery(ctx, tx, row, time.Time{})
}

func enqueueDelivery(ctx context.Context, tx *store.Tx, d store.Delivery, at time.Time) error {
	return tx.Enqueue(ctx, DeliverArgs{DeliveryID: d.ID, Channel: d.Channel}, at)
}

func isCard(kind string) bool {
	return strings.HasPrefix(kind, "card_") && kind != string(expansion.CardNotice) && kind != string(expansion.CardList)
}

// refresh asks for a new version of the Slack cards about a signal, of these kinds or,
// without any, of all.
func (e *Engine) refresh(ctx context.Context, tx *store.Tx, id expansion.SignalID, kinds ...expansion.MessageKind) error {
	ds, err := tx.DeliveriesOf(ctx, id)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if d.Channel == "slack" && isCard(d.Kind) && (len(kinds) == 0 || slices.Contains(kinds, expansion.MessageKind(d.Kind))) {
			if err := e.want(ctx, tx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell logs a line and posts it under each card about the signal.
func (e *Engine) tell(ctx context.Context, tx *store.Tx, s expansion.Signal, a expansion.Activity) error {
	n, err := tx.Log(ctx, a)
	if err != nil {
		return err
	}
	ds, err := tx.DeliveriesOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if d.Channel != "slack" || (d.Kind != string(expansion.CardSignal) && d.Kind != string(expansion.CardAsk) && d.Kind != string(expansion.CardHandoff)) {
			continue
		}
		line := store.Delivery{Channel: "slack", Kind: string(expansion.ThreadLine), Subject: fmt.Sprint(n), Person: d.Person, SignalID: s.ID, RoutingID: d.RoutingID, Parent: d.ID}
		if err := e.want(ctx, tx, line); err != nil {
			return err
		}
	}
	return nil
}

// cardOf finds the delivery row of a card about a signal; "" when there is none.
func (e *Engine) cardOf(ctx context.Context, r store.Reader, id expansion.SignalID, kind expansion.MessageKind, subject string) (string, error) {
	ds, err := r.DeliveriesOf(ctx, id)
	if err != nil {
		return "", err
	}
	for _, d := range ds {
		if d.Channel == "slack" && d.Kind == string(kind) && d.Subject == subject {
			return d.ID, nil
		}
	}
	return "", nil
}

// Deliver brings one outside thing up to its wanted version: it claims the row, reads
// what is true, looks an earlier try up if that one's answer was lost, sends, and keeps
// the result. A *Later error asks for another call.
func (e *Engine) Deliver(ctx context.Context, id string) error {
	var d store.Delivery
	var ours bool
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := tx.Delivery(ctx, id)
		if err != nil || row.Shown >= row.Wanted || row.State == store.Blocked {
			d = row
			return err
		}
		if row.State == store.Retry && row.NextAt != nil && row.NextAt.After(tx.Now) {
			return nil // the job kept with the failure comes then; a second one would only add tries
		}
		if row.Parent != "" {
			// Lines under a card come in their order; the one before wakes this one.
			if next, err := tx.NextBelow(ctx, row.Parent); err != nil || next != nil && next.ID != id {
				return err
			}
		}
		d, ours, err = tx.Claim(ctx, id, tx.NewID(), tx.Now.Add(claimFor))
		if err == nil && !ours {
			// The attempt under way may have died with its process: look again when its time is over.
			return &Later{After: row.ClaimUntil.Sub(tx.Now), Reason: "another attempt is under way"}
		}
		return err
	})
	if err != nil || !ours {
		return err
	}
	version := d.Wanted
	send := e.sendMessage
	if d.Channel == channelCRM {
		send = e.sendOpportunity
	}
	pauseAt(d, sending)
	callCtx, cancel := context.WithTimeout(ctx, sendWithin)
	receipt, err := send(callCtx, d)
	cancel()
	pauseAt(d, answered)
	if skip, ok := errors.AsType[*skipped](err); ok {
		e.log.DebugContext(ctx, "delivery not needed any more", "channel", d.Channel, "kind", d.Kind, "reason", skip.why)
		err = nil
	}
	if later, ok := errors.AsType[*Later](err); ok {
		return errors.Join(e.release(ctx, d), later)
	}
	if err != nil {
		return e.failed(ctx, d, notify.AsFailure(err))
	}
	err = e.delivered(ctx, d, version, receipt)
	pauseAt(d, committed)
	return err
}

// skipped ends a delivery whose subject no longer needs it.
type skipped struct{ why string }

func (s *skipped) Error() string { return s.why }

func (e *Engine) release(ctx context.Context, d store.Delivery) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		d.Attempt--
		_, err := tx.Finish(ctx, d)
		return err
	})
}

func (e *Engine) delivered(ctx context.Context, d store.Delivery, version int64, r notify.Receipt) error {
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		now, err := tx.Delivery(ctx, d.ID)
		if err != nil {
			return err
		}
		first, wasRetry, noSlack := d.SentAt == nil, d.State == store.Retry, d.Channel == "slack" && d.Reason == reasonNoSlack
		d.Shown, d.State, d.Unknown, d.Attempt, d.NextAt, d.Reason = version, store.Sent, false, 0, nil, ""
		if r.Remote != "" {
			d.Remote, d.RemoteChannel, d.Link = r.Remote, r.Channel, r.Link
		}
		if first {
			d.SentAt = &tx.Now
		}
		if ok, err := tx.Finish(ctx, d); err != nil || !ok {
			return err // another attempt has taken over; what it finds is what counts
		}
		if first && (d.Kind == string(expansion.CardHandoff) || d.Kind == string(expansion.CardEscalation)) {
			a := expansion.Activity{Agent: expansion.Communicator, Verb: "delivered", SignalID: d.SignalID, RoutingID: d.RoutingID, Person: d.Person, Args: map[string]any{"channel": d.Channel, "kind": d.Kind}}
			if s, err := tx.Signal(ctx, d.SignalID); err == nil {
				a.AccountID = s.AccountID
			}
			if _, err := tx.Log(ctx, a); err != nil {
				return err
			}
		}
		if first && d.Kind == string(expansion.CardHandoff) && (noSlack || d.Channel == "email") {
			if err := e.handoffTried(ctx, tx, d); err != nil {
				return err
			}
		}
		card := d.Parent
		if first && isCard(d.Kind) {
			card = d.ID
		}
		if err := e.wakeBelow(ctx, tx, card); err != nil {
			return err
		}
		if wasRetry {
			if err := e.wakeChannel(ctx, tx, d.Channel); err != nil {
				return err
			}
			if err := e.refreshNotice(ctx, tx, d); err != nil {
				return err
			}
		}
		if now.Wanted > version {
			return enqueueDelivery(ctx, tx, d, time.Time{})
		}
		return nil
	})
}

// wakeBelow sends the next line under a card; "" is no card.
func (e *Engine) wakeBelow(ctx context.Context, tx *store.Tx, card string) error {
	if card == "" {
		return nil
	}
	next, err := tx.NextBelow(ctx, card)
	if err != nil || next == nil {
		return err
	}
	return enqueueDelivery(ctx, tx, *next, time.Time{})
}

// wakeChannel tries everything else that waits for the same channel to work: it does again.
// What waits for people, or for a time the other side asked for, waits on.
func (e *Engine) wakeChannel(ctx context.Context, tx *store.Tx, channel string) error {
	ds, err := tx.Undelivered(ctx, channel, store.Retry, 100, reasonNoAccount, reasonTwoAccounts, reasonRateLimited)
	if err != nil {
		return err
	}
	for _, d := range ds {
		// Otherwise the job would leave it to the one kept with the failure.
		if waits, err := tx.Hasten(ctx, d.ID); err != nil {
			return err
		} else if !waits {
			continue // an attempt is under way, or has ended it
		}
		if err := enqueueDelivery(ctx, tx, d, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// failed keeps a failure together with the job of the next try, so that no death between
// the two loses it; when nothing can help there is no next try.
func (e *Engine) failed(ctx context.Context, d store.Delivery, f *notify.Failure) error {
	wait := notify.Wait(d.Attempt, f.RetryAfter)
	// The cause goes to the log; people see the reason word only.
	e.log.WarnContext(ctx, "delivery failed", "channel", d.Channel, "kind", d.Kind, "signal_id", d.SignalID, "attempt", d.Attempt, "reason", f.Reason, "permanent", f.Permanent, "err", f.Err)
	return e.store.InTx(ctx, func(tx *store.Tx) error {
		// Once an answer was lost, only a success says what became of it: a look-up that was
		// refused must not lead to a second post.
		again, tried := d.Reason == f.Reason, d.State == store.Retry
		d.State, d.Reason, d.Unknown = store.Retry, f.Reason, d.Unknown || f.Unknown
		next := tx.Now.Add(wait)
		d.NextAt = &next
		if f.Permanent {
			d.State, d.NextAt = store.Blocked, nil
		}
		if ok, err := tx.Finish(ctx, d); err != nil || !ok {
			return err
		}
		if f.Permanent {
			// A card is asked for at each change of its case: what is known is not told again.
			if !again || tried {
				a := expansion.Activity{Agent: expansion.Communicator, Verb: "delivery_blocked", SignalID: d.SignalID, RoutingID: d.RoutingID, Person: d.Person, Args: map[string]any{"channel": d.Channel, "kind": d.Kind, "reason": f.Reason}}
				if _, err := tx.Log(ctx, a); err != nil {
					return err
				}
			}
			if err := e.wakeBelow(ctx, tx, d.Parent); err != nil {
				return err
			}
			if d.Kind == string(expansion.CardHandoff) && d.SentAt == nil && (!again || d.Channel == "email") {
				if err := e.handoffTried(ctx, tx, d); err != nil {
					return err
				}
			}
		} else if err := enqueueDelivery(ctx, tx, d, next); err != nil {
			return err
		}
		if again && tried && waitsForPeople(f.Reason) {
			return nil // the cards would say the same
		}
		return e.refreshNotice(ctx, tx, d)
	})
}

// refreshNotice shows on the Slack cards that another channel waits, or works again.
func (e *Engine) refreshNotice(ctx context.Context, tx *store.Tx, d store.Delivery) error {
	if d.Channel == "slack" || d.SignalID == "" {
		return nil
	}
	return e.refresh(ctx, tx, d.SignalID)
}

// sendMessage shows a card, a line or a mail through its channel.
func (e *Engine) sendMessage(ctx context.Context, d store.Delivery) (notify.Receipt, error) {
	ch, ok := e.channels[d.Channel]
	if !ok {
		return notify.Receipt{}, &skipped{"no channel " + d.Channel}
	}
	n := notify.Delivery{ID: d.ID, Version: d.Wanted, Receipt: notify.Receipt{Channel: d.RemoteChannel, Remote: d.Remote, Link: d.Link}}
	if d.FirstTryAt != nil {
		n.Since = *d.FirstTryAt
	}
	var err error
	if n.To, err = e.store.Person(ctx, d.Person); err != nil {
		return notify.Receipt{}, err
	}
	if d.Parent != "" {
		parent, err := e.store.Delivery(ctx, d.Parent)
		if err != nil {
			return notify.Receipt{}, err
		}
		if parent.Remote == "" {
			if parent.State == store.Blocked {
				return notify.Receipt{}, &skipped{"its card cannot be shown"}
			}
			return notify.Receipt{}, &Later{After: 2 * time.Second, Reason: "the card it belongs under is not there yet"}
		}
		n.Parent = notify.Receipt{Channel: parent.RemoteChannel, Remote: parent.Remote}
	}
	if n.Message, err = e.message(ctx, d, n.To); err != nil {
		return notify.Receipt{}, err
	}
	if d.Unknown && d.Remote == "" {
		// An earlier try may have arrived: look before sending again.
		r, found, err := ch.Find(ctx, n)
		if err != nil {
			return r, err
		}
		if found {
			n.Receipt = r
		}
	}
	return ch.Send(ctx, n)
}

// message draws up what a delivery is to show now.
func (e *Engine) message(ctx context.Context, d store.Delivery, to expansion.Person) (expansion.Message, error) {
	m := expansion.Message{Kind: expansion.MessageKind(d.Kind), Text: d.Text}
	switch m.Kind {
	case expansion.CardList:
		l, err := e.list(ctx, d, to)
		m.List = l
		return m, err
	case expansion.ThreadLine, expansion.ThreadNudge:
		n, err := strconv.ParseInt(d.Subject, 10, 64)
		if err != nil {
			return m, err
		}
		a, err := e.store.Activity(ctx, n)
		if err != nil {
			return m, err
		}
		m.Activity = &a
	}
	if d.SignalID == "" {
		return m, nil
	}
	c, err := e.caseOf(ctx, to, d.SignalID, d.RoutingID)
	if err != nil {
		return m, err
	}
	m.Case = &c
	if m.Kind == expansion.CardNotice && d.Subject == noSlackNotice(d.RoutingID) {
		m.Text = noSlackText(m.Case)
	}
	return m, nil
}

// list draws up several cases for one person. Its subject is the kind and a local date,
// and for a leave the first day of it.
func (e *Engine) list(ctx context.Context, d store.Delivery, to expansion.Person) (*expansion.List, error) {
	kind, date, _ := strings.Cut(d.Subject, " ")
	date, from, _ := strings.Cut(date, " ")
	day, err := time.ParseInLocation(time.DateOnly, date, to.Location())
	if err != nil {
		return nil, err
	}
	l := &expansion.List{Kind: expansion.ListKind(kind), Day: day}
	f := store.SignalFilter{Owners: []expansion.PersonID{to.ID}, Limit: 50}
	switch l.Kind {
	case expansion.ListFirstScan:
		f.Waiting = fromFirstScan.Waiting
	case expansion.ListRoutedToday:
		f.Since, f.NoCard = day, true
		f.Statuses = []expansion.SignalStatus{expansion.Confirmed, expansion.Routed, expansion.Closed}
	case expansion.ListWhileAway:
		first, err := time.Parse(time.DateOnly, from)
		if err != nil {
			return nil, err
		}
		return l, e.coveredCases(ctx, to, first, l)
	}
	if l.Total, _, err = e.store.CountSignals(ctx, f); err != nil {
		return nil, err
	}
	ss, err := e.store.Signals(ctx, f)
	if err != nil {
		return nil, err
	}
	l.Cases, err = e.lines(ctx, to, ss)
	return l, err
}
