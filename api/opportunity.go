package api

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"expansionbot/engine"
	"expansionbot/expansion"
)

// routeIn is the body of POST /api/expansion/{signalId}/route; all of it is optional.
type routeIn struct {
	By            string   `json:"by"`
	To            string   `json:"to"`     // e-mail; "" = as the policy decides
	Reason        string   `json:"reason"` // why to, when the policy decided otherwise
	Note          string   `json:"note"`
	ExpansionType string   `json:"expansionType"`
	Potential     *float64 `json:"potential"`
	Currency      string   `json:"currency"`
	StageID       string   `json:"stageId"`
	Probability   *float64 `json:"probability"` // 0..1
	CloseDate     string   `json:"closeDate"`   // YYYY-MM-DD
	Email         *bool    `json:"email"`       // send the mail too; null = yes
	Separate      string   `json:"separate"`    // why not attached to what is open in the CRM
	Hold          *bool    `json:"hold"`        // hold others back from the account; null = yes
}

func (s *server) postRoute(c *call) (int, any, error) {
	var body routeIn
	if err := c.decode(&body, true); err != nil {
		return 0, nil, err
	}
	by, _, err := s.actor(c, body.By)
	if err != nil {
		return 0, nil, err
	}
	sig, err := s.engine.SignalByRef(c.ctx(), c.r.PathValue("signalId"))
	if err != nil {
		return 0, nil, err
	}
	in, err := s.routeInput(c, body, sig)
	if err != nil {
		return 0, nil, err
	}
	if sig.Completeness == nil {
		// Routed right after it was found: the brief should not be empty.
		if err := s.engine.Enrich(c.ctx(), sig.ID); err != nil {
			s.log.WarnContext(c.ctx(), "routed without context", "signal_id", sig.ID, "err", err)
		}
	}
	rt, err := s.engine.Route(c.ctx(), by.ID, sig.ID, 0, in)
	if err != nil {
		return 0, nil, renamed(err, routeFields)
	}
	s.log.InfoContext(c.ctx(), "routing made", "routing_id", rt.ID, "signal_id", rt.SignalID, "rep_id", rt.To, "token", c.token)
	return http.StatusCreated, routingOf(rt), nil
}

var routeFields = map[string]string{"recipient": "to", "override_reason": "reason"}

func (s *server) routeInput(c *call, body routeIn, sig expansion.Signal) (engine.RouteInput, error) {
	in := engine.RouteInput{
		Note: strings.TrimSpace(body.Note), Separate: strings.TrimSpace(body.Separate), ExpansionType: expansion.ExpansionType(body.ExpansionType), StageID: body.StageID, Probability: body.Probability,
		NoEmail: body.Email != nil && !*body.Email, NoHold: body.Hold != nil && !*body.Hold,
	}
	switch {
	case in.ExpansionType != "" && !in.ExpansionType.Valid():
		return in, expansion.FieldErrorf("expansionType", "expansionType is %s. Use %s.", expansion.Quote(body.ExpansionType), choices(expansion.ExpansionTypes))
	case in.Probability != nil && (*in.Probability < 0 || *in.Probability > 1):
		return in, expansion.FieldErrorf("probability", "probability is outside 0 to 1. Write 25 percent as 0.25.")
	case utf8.RuneCountInString(in.Note) > maxText:
		return in, expansion.FieldErrorf("note", "note has %d characters; %d at most fit.", utf8.RuneCountInString(in.Note), maxText)
	case utf8.RuneCountInString(body.Separate) > maxReference:
		return in, expansion.FieldErrorf("separate", "separate has %d characters; %d at most fit.", utf8.RuneCountInString(body.Separate), maxReference)
	case utf8.RuneCountInString(body.Reason) > maxReference:
		return in, expansion.FieldErrorf("reason", "reason has %d characters; %d at most fit.", utf8.RuneCountInString(body.Reason), maxReference)
	case strings.TrimSpace(body.Reason) != "" && strings.TrimSpace(body.To) == "":
		return in, expansion.FieldErrorf("reason", "reason explains the choice of to, which is missing. Add to, or put the words in note.")
	}
	if to := strings.TrimSpace(body.To); to != "" {
		p, err := s.engine.Store().PersonByEmail(c.ctx(), to)
		if expansion.CodeOf(err) == expansion.CodeNotFound {
			return in, expansion.FieldErrorf("to", "Nobody in the people list has the address %s. Give the e-mail of a seller.", expansion.Quote(to))
		}
		if err != nil {
			return in, err
		}
		in.To, in.OverrideReason = p.ID, strings.TrimSpace(body.Reason)
	}
	if body.StageID != "" {
		stages, err := s.engine.Stages(c.ctx())
		if err != nil {
			return in, err
		}
		if !slices.ContainsFunc(stages, func(st engine.StageChoice) bool { return st.ID == body.StageID }) {
			return in, expansion.FieldErrorf("stageId", "stageId is %s, which is no open stage of the CRM's pipeline. Leave it out for the first stage.", expansion.Quote(body.StageID))
		}
	}
	if body.CloseDate != "" {
		d, err := time.Parse(time.DateOnly, body.CloseDate)
		if err != nil {
			return in, expansion.FieldErrorf("closeDate", "closeDate is %s. Write it as 2026-03-01.", expansion.Quote(body.CloseDate))
		}
		in.CloseDate = &d
	}
	var err error
	in.Potential, err = s.money(c, "potential", body.Potential, body.Currency, sig.AccountID)
	return in, err
}

func (s *server) getStatus(c *call) (int, any, error) {
	p, _, err := s.actor(c, "")
	if err != nil {
		return 0, nil, err
	}
	v, err := s.engine.OpportunityByRef(c.ctx(), p.ID, c.r.PathValue("opportunityId"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, statusOf(v), nil
}

// feedbackIn is the body of POST /api/expansion/{opportunityId}/feedback.
type feedbackIn struct {
	By               string   `json:"by"`
	Outcome          string   `json:"outcome"` // won, lost
	OutcomeARRChange *float64 `json:"outcomeArrChange"`
	Currency         string   `json:"currency"`
	Reason           string   `json:"reason"` // needed when lost
	Competitor       string   `json:"competitor"`
	SalesFeedback    string   `json:"salesFeedback"`
	Rating           *int     `json:"rating"`      // 1..5
	SignalRight      string   `json:"signalRight"` // yes, partly, no
}

func (s *server) postFeedback(c *call) (int, any, error) {
	var body feedbackIn
	if err := c.decode(&body, false); err != nil {
		return 0, nil, err
	}
	out := expansion.Outcome{Won: body.Outcome == "won", Reason: strings.TrimSpace(body.Reason), Competitor: strings.TrimSpace(body.Competitor), Feedback: strings.TrimSpace(body.SalesFeedback), Rating: body.Rating, SignalRight: body.SignalRight, From: "api"}
	switch {
	case body.Outcome != "won" && body.Outcome != "lost":
		return 0, nil, expansion.FieldErrorf("outcome", "outcome is %s. Use won or lost.", orMissing(body.Outcome))
	case body.Outcome == "lost" && body.OutcomeARRChange != nil && *body.OutcomeARRChange != 0:
		return 0, nil, expansion.FieldErrorf("outcomeArrChange", "A lost opportunity changes no revenue. Leave outcomeArrChange out.")
	case !slices.Contains([]string{"", "yes", "partly", "no"}, out.SignalRight):
		return 0, nil, expansion.FieldErrorf("signalRight", "signalRight is %s. Use yes, partly or no.", expansion.Quote(out.SignalRight))
	case utf8.RuneCountInString(out.Feedback) > maxText:
		return 0, nil, expansion.FieldErrorf("salesFeedback", "salesFeedback has %d characters; %d at most fit.", utf8.RuneCountInString(out.Feedback), maxText)
	case utf8.RuneCountInString(out.Reason) > maxReference || utf8.RuneCountInString(out.Competitor) > maxReference:
		return 0, nil, expansion.FieldErrorf("reason", "reason and competitor take %d characters at most.", maxReference)
	}
	by, _, err := s.actor(c, body.By)
	if err != nil {
		return 0, nil, err
	}
	v, err := s.engine.OpportunityByRef(c.ctx(), by.ID, c.r.PathValue("opportunityId"))
	if err != nil {
		return 0, nil, err
	}
	if out.Won {
		if out.ARRChange, err = s.money(c, "outcomeArrChange", body.OutcomeARRChange, body.Currency, v.Opportunity.AccountID); err != nil {
			return 0, nil, err
		}
	}
	if err := s.engine.RecordOutcome(c.ctx(), by.ID, v.Routing.ID, 0, out); err != nil {
		return 0, nil, err
	}
	s.log.InfoContext(c.ctx(), "outcome recorded", "routing_id", v.Routing.ID, "won", out.Won, "token", c.token)
	if v, err = s.engine.OpportunityByRef(c.ctx(), by.ID, string(v.Opportunity.ID)); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, statusOf(v), nil
}
