package handlers

import (
	"context"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

const titlePreview = "Confirm routing"

// previewModal is "Edit or override" (storyboard 3.3).
func previewModal(ctx context.Context, h *Handlers, p *press) error {
	return h.modal(ctx, p, titlePreview, func() (slack.ModalViewRequest, error) {
		return h.previewOf(ctx, p, p.id, blocks.Item{})
	})
}

// preview is the modal a log goes on to; when it can't be made the log is saved all the
// same and the view says so.
func (h *Handlers) preview(ctx context.Context, p *press, s expansion.Signal) slack.ModalViewRequest {
	v, err := h.previewOf(ctx, p, string(s.ID), blocks.Item{})
	if err != nil {
		h.log.WarnContext(ctx, "no preview after a log", "signal_id", string(s.ID), "err", err)
		return blocks.Done(titleLog, "Saved as "+s.Label()+". The card in your messages has the rest.")
	}
	return v
}

func (h *Handlers) previewOf(ctx context.Context, p *press, ref string, to blocks.Item) (slack.ModalViewRequest, error) {
	c, err := h.e.Case(ctx, p.by.ID, ref)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	if to.Value != "" {
		who := h.personItem(ctx, c, expansion.PersonID(to.Value))
		if to.Description = who.Description; to.Text == "" {
			to.Text = who.Text
		}
	}
	f := blocks.PreviewForm{To: to}
	stages, err := h.e.Stages(ctx)
	if err != nil { // the CRM may be down; the stage can be left to it
		h.log.WarnContext(ctx, "stages not read", "err", err)
	}
	for _, s := range stages {
		f.Stages = append(f.Stages, blocks.Stage{ID: s.ID, Label: s.Label})
	}
	if o := c.Opportunity; o != nil {
		f.StageID, f.Probability, f.CloseDate, f.CRM = o.StageID, o.Probability, o.CloseDate, o.CRM
	}
	return blocks.Preview(c, f), nil
}

// recipientChanged draws the preview again with "Why the change?" when somebody else
// than planned was chosen. What was typed stays: the blocks keep their ids.
func recipientChanged(ctx context.Context, h *Handlers, p *press) error {
	if p.View == nil || p.View.CallbackID != blocks.CallbackPreview || p.meta.Signal == "" {
		return nil
	}
	to := blocks.Item{Value: p.Value, Text: chosenText(p.View, blocks.BlockRecipient)}
	v, err := h.previewOf(ctx, p, string(p.meta.Signal), to)
	if err != nil {
		return err
	}
	err = h.s.UpdateView(ctx, p.View.ID, p.View.Hash, v)
	switch expansion.CodeOf(err) {
	case expansion.CodeGone, expansion.CodeConflict: // closed, or a newer press drew it already
		return nil
	}
	return err
}

// chosenText is the label of the option picked in a block.
func chosenText(v *slack.View, block string) string {
	if v.State != nil {
		for _, a := range v.State.Values[block] {
			if a.SelectedOption.Text != nil {
				return a.SelectedOption.Text.Text
			}
		}
	}
	return ""
}

// noPlan is the reason kept when a person chose because the policy found nobody.
const noPlan = "nobody_eligible"

func submitPreview(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParsePreview(p.View)
	c, err := h.e.Case(ctx, p.by.ID, string(p.meta.Signal))
	if err != nil {
		return err
	}
	_, err = h.e.Route(ctx, p.by.ID, p.meta.Signal, p.meta.Version, routeInput(c, v))
	return err
}

// routeInput is what the preview changed. A recipient nobody was asked a reason for is
// the planned one: then the policy decides again, with today's loads. An amount equal to
// the estimate stays an estimate.
func routeInput(c expansion.Case, v blocks.PreviewValues) engine.RouteInput {
	in := engine.RouteInput{
		ExpansionType: v.ExpansionType, StageID: v.StageID, Probability: v.Probability, CloseDate: v.CloseDate,
		Note: v.Note, NoEmail: !v.Email, NoHold: !v.Hold, Attach: v.Attach, Separate: v.WhySeparate,
	}
	switch {
	case v.AskedForReason:
		in.To, in.OverrideReason = v.To, v.WhyChange
	case c.Plan == nil || c.Plan.To == "":
		in.To, in.OverrideReason = v.To, noPlan
	}
	if v.Potential != nil && (c.Signal.Potential == nil || c.Signal.Potential.ByHand || *v.Potential != c.Signal.Potential.Likely.Major()) {
		m := expansion.MoneyFromMajor(*v.Potential, currency(c))
		in.Potential = &m
	}
	return in
}
