package handlers

import (
	"context"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// One press, one verb. What changed shows on the cards, which the engine refreshes; only
// a verb that changes no card says what it did.

func routeNow(ctx context.Context, h *Handlers, p *press) error {
	_, err := h.e.Route(ctx, p.by.ID, p.signal(), p.version, engine.RouteInput{})
	return err
}

func hold(ctx context.Context, h *Handlers, p *press) error {
	return h.e.Hold(ctx, p.by.ID, p.signal(), p.version)
}

func confirm(ctx context.Context, h *Handlers, p *press) error {
	return h.e.Confirm(ctx, p.by.ID, p.signal(), p.version)
}

func undo(ctx context.Context, h *Handlers, p *press) error {
	return h.e.Undo(ctx, p.by.ID, p.routing(), p.version)
}

func acknowledge(ctx context.Context, h *Handlers, p *press) error {
	return h.e.Acknowledge(ctx, p.by.ID, p.routing(), p.version)
}

func start(ctx context.Context, h *Handlers, p *press) error {
	return h.e.Start(ctx, p.by.ID, p.routing(), p.version)
}

func take(ctx context.Context, h *Handlers, p *press) error {
	return h.e.Take(ctx, p.by.ID, p.routing(), p.version)
}

func agree(ctx context.Context, h *Handlers, p *press) error {
	return h.e.AnswerNotReal(ctx, p.by.ID, p.routing(), true, "")
}

// linkPerson is a choice from the menu of a notice, whose block says what it is about.
func linkPerson(ctx context.Context, h *Handlers, p *press) error {
	id, err := blocks.ParseNotice(p.Block)
	if err != nil {
		return &expansion.Error{Code: expansion.CodeInvalid, Text: "This menu is too old to be used. Open the newest card.", Err: err}
	}
	if err := h.e.LinkRecipient(ctx, p.by.ID, id, p.Value); err != nil {
		return err
	}
	h.say(ctx, p.Call, "Linked. The card is on its way to them.")
	return nil
}

func nudge(ctx context.Context, h *Handlers, p *press) error {
	if err := h.e.Nudge(ctx, p.by.ID, p.routing()); err != nil {
		return err
	}
	h.say(ctx, p.Call, "Reminder sent.")
	return nil
}

func goLive(ctx context.Context, h *Handlers, p *press) error {
	if err := h.e.GoLive(ctx, p.by.ID); err != nil {
		return err
	}
	h.say(ctx, p.Call, "Live: from now on CSMs and sellers get cards.")
	return nil
}

func submitDismiss(ctx context.Context, h *Handlers, p *press) error {
	reason, _ := blocks.ParseDismiss(p.View)
	return h.e.Dismiss(ctx, p.by.ID, p.meta.Signal, p.meta.Version, reason)
}

func submitLater(ctx context.Context, h *Handlers, p *press) error {
	choice, _ := blocks.ParseLater(p.View)
	return h.e.Later(ctx, p.by.ID, p.meta.Signal, p.meta.Version, choice)
}

func submitNotMine(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseNotMine(p.View)
	return h.e.NotMine(ctx, p.by.ID, p.meta.Routing, p.meta.Version, engine.NotMineInput{To: v.To, Reason: v.Reason})
}

func submitNotReal(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseNotReal(p.View)
	return h.e.NotReal(ctx, p.by.ID, p.meta.Routing, p.meta.Version, v.Reason, v.Line)
}

func submitDisagree(ctx context.Context, h *Handlers, p *press) error {
	why, _ := blocks.ParseDisagree(p.View)
	return h.e.AnswerNotReal(ctx, p.by.ID, p.meta.Routing, false, why)
}

func submitReassign(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseReassign(p.View)
	if p.meta.Routing == "" {
		_, err := h.e.Route(ctx, p.by.ID, p.meta.Signal, p.meta.Version, engine.RouteInput{To: v.To, OverrideReason: v.Reason})
		return err
	}
	return h.e.Reassign(ctx, p.by.ID, p.meta.Routing, p.meta.Version, v.To, v.Reason, v.Tell)
}

func submitExtend(ctx context.Context, h *Handlers, p *press) error {
	reason, _ := blocks.ParseExtend(p.View)
	return h.e.Extend(ctx, p.by.ID, p.meta.Routing, p.meta.Version, reason)
}

func submitOutcome(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseOutcome(p.View)
	o := expansion.Outcome{
		Won: v.Won, Reason: v.Reason, Competitor: v.Competitor, Feedback: v.Feedback, Rating: v.Rating, SignalRight: v.SignalRight,
		From: "slack", By: p.by.ID, At: p.now,
	}
	if v.ARR != nil {
		c, err := h.e.Case(ctx, p.by.ID, string(p.meta.Routing))
		if err != nil {
			return err
		}
		m := expansion.MoneyFromMajor(*v.ARR, currency(c))
		o.ARRChange = &m
	}
	return h.e.RecordOutcome(ctx, p.by.ID, p.meta.Routing, p.meta.Version, o)
}

// contactModal is "Log a contact" (storyboard 4.4); the customer's people are offered.
func contactModal(ctx context.Context, h *Handlers, p *press) error {
	return h.modal(ctx, p, "Log customer contact", func() (slack.ModalViewRequest, error) {
		c, err := h.e.Case(ctx, p.by.ID, p.id)
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		found, err := h.e.Contacts(ctx, c.Account.ID)
		if err != nil { // a contact can be logged without saying with whom
			h.log.WarnContext(ctx, "contacts not read", "account_id", string(c.Account.ID), "err", err)
		}
		var people []blocks.Item
		for _, k := range found {
			people = append(people, blocks.Item{Value: k.ID, Text: k.Name, Description: k.Title})
		}
		return blocks.Contact(c, people), nil
	})
}

func submitContact(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseContact(p.View)
	return h.e.LogContact(ctx, p.by.ID, p.meta.Routing, p.meta.Version, engine.ContactInput{Contact: v.Contact, Channel: v.Channel, Direction: v.Direction, Line: v.Line, Next: v.Next})
}

func remind(ctx context.Context, h *Handlers, p *press) error {
	due, err := h.e.Remind(ctx, p.by.ID, p.routing())
	if err != nil {
		return err
	}
	h.say(ctx, p.Call, "I'll remind you at "+due.In(p.by.Location()).Format("15:04")+".")
	return nil
}

// currency is the one a case's amounts are in: that of the opportunity, else of the
// estimate, else of the account, as the modals label their amounts.
func currency(c expansion.Case) string {
	switch {
	case c.Opportunity != nil && c.Opportunity.Amount != nil:
		return c.Opportunity.Amount.Currency
	case c.Signal.Potential != nil:
		return c.Signal.Potential.Likely.Currency
	case c.Account.ARR != nil:
		return c.Account.ARR.Currency
	}
	return "USD"
}

// caseModal opens a modal about the case a button names.
func caseModal(title string, draw func(expansion.Case) slack.ModalViewRequest) func(context.Context, *Handlers, *press) error {
	return func(ctx context.Context, h *Handlers, p *press) error {
		return h.modal(ctx, p, title, func() (slack.ModalViewRequest, error) {
			c, err := h.e.Case(ctx, p.by.ID, p.id)
			if err != nil {
				return slack.ModalViewRequest{}, err
			}
			return draw(c), nil
		})
	}
}

// reassignModal is storyboard 5.2; who would get it without the recipient is chosen.
func reassignModal(ctx context.Context, h *Handlers, p *press) error {
	return h.modal(ctx, p, "Reassign", func() (slack.ModalViewRequest, error) {
		c, err := h.e.Case(ctx, p.by.ID, p.id)
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		var next blocks.Item
		if c.Routing != nil {
			next = h.personItem(ctx, c, c.Routing.Decision.IfUnavailable)
		}
		return blocks.Reassign(c, next), nil
	})
}

// personItem is a person of a case as a menu entry with role, load and away state.
func (h *Handlers) personItem(ctx context.Context, c expansion.Case, id expansion.PersonID) blocks.Item {
	who, ok := c.People[id]
	if !ok {
		return blocks.Item{}
	}
	found, err := h.e.SearchPeople(ctx, who.Name, 20)
	if err == nil {
		for _, f := range found {
			if f.ID == id {
				return peopleItem(f, c.Now)
			}
		}
	}
	return blocks.Item{Value: string(id), Text: who.Name, Description: who.Role.Label()}
}

// showCase is "Open" of a list row: the card to the reader, or its brief where there is
// no conversation to show it in.
func showCase(ctx context.Context, h *Handlers, p *press) error {
	if p.Channel == "" {
		return caseModal("Handoff brief", blocks.Brief)(ctx, h, p)
	}
	c, err := h.e.Case(ctx, p.by.ID, p.id)
	if err != nil {
		return err
	}
	kind := expansion.CardSignal
	if c.Routing != nil && c.Routing.To == p.by.ID {
		kind = expansion.CardHandoff
	}
	m, err := blocks.Render(expansion.Message{Kind: kind, Case: &c})
	if err != nil {
		return err
	}
	return h.show(ctx, p, blocks.Without(m, blocks.ActionSignalThread)) // this copy has no thread
}

// thread gives the way to the thread of the card that was pressed.
func thread(ctx context.Context, h *Handlers, p *press) error {
	if p.Message != nil {
		if link := h.s.Permalink(ctx, p.Channel, p.Message.Timestamp); link != "" {
			text := "The story of this card is in <" + link + "|its thread>."
			return h.show(ctx, p, blocks.Message{Text: text})
		}
	}
	return h.show(ctx, p, blocks.Notice("The story of this card is in its thread: open the replies below it."))
}
