package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

// Verbs are what handlers ask of the engine. *engine.Engine is the real one; each of its
// errors carries a sentence for people.
type Verbs interface {
	Now() time.Time
	PersonBySlack(ctx context.Context, slackID string) (expansion.Person, error)
	IsAdmin(p expansion.Person) bool

	Log(ctx context.Context, by expansion.PersonID, in engine.LogInput) (engine.LogResult, error)
	Suggest(t expansion.SignalType, what, quote string, when time.Time) (expansion.SignalType, expansion.Strength, string)
	Case(ctx context.Context, viewer expansion.PersonID, ref string) (expansion.Case, error)
	Route(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64, in engine.RouteInput) (expansion.Routing, error)
	Hold(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64) error
	Confirm(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64) error
	Later(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64, choice string) error
	Dismiss(ctx context.Context, by expansion.PersonID, id expansion.SignalID, version int64, reason string) error

	Acknowledge(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error
	Start(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error
	NotMine(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, in engine.NotMineInput) error
	NotReal(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, reason, line string) error
	AnswerNotReal(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, agree bool, why string) error
	Undo(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error
	Reassign(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, to expansion.PersonID, reason, tell string) error
	LinkRecipient(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, slackID string) error
	Nudge(ctx context.Context, by expansion.PersonID, id expansion.RoutingID) error
	Take(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64) error
	Extend(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, reason string) error
	LogContact(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, in engine.ContactInput) error
	Remind(ctx context.Context, by expansion.PersonID, id expansion.RoutingID) (time.Time, error)
	RecordOutcome(ctx context.Context, by expansion.PersonID, id expansion.RoutingID, version int64, o expansion.Outcome) error

	SetAway(ctx context.Context, by expansion.PersonID, from, to time.Time, cover expansion.PersonID) error
	ClearAway(ctx context.Context, by expansion.PersonID) error
	SearchAccounts(ctx context.Context, q string, limit int) ([]expansion.Account, error)
	SearchPeople(ctx context.Context, q string, limit int) ([]engine.PersonChoice, error)
	Contacts(ctx context.Context, id expansion.AccountID) ([]expansion.Contact, error)
	Stages(ctx context.Context) ([]engine.StageChoice, error)
	AccountView(ctx context.Context, viewer expansion.PersonID, id expansion.AccountID) (engine.AccountView, error)
	List(ctx context.Context, viewer expansion.PersonID, f engine.ListFilter) ([]expansion.Case, int64, error)
	Mine(ctx context.Context, viewer expansion.PersonID) ([]expansion.Case, int, error)
	Home(ctx context.Context, viewer expansion.PersonID, f engine.ListFilter, page int) (engine.HomeView, error)
	Report(ctx context.Context, viewer expansion.PersonID, since time.Time) (expansion.Performance, map[expansion.PersonID]expansion.Person, error)
	GoLive(ctx context.Context, by expansion.PersonID) error
	Shadow(ctx context.Context) (on bool, seen int, err error)
}

var _ Verbs = (*engine.Engine)(nil)

// Handlers answers what people do. It is safe for concurrent use.
type Handlers struct {
	e   Verbs
	s   Slack
	log *slog.Logger

	told   *recent[struct{}] // envelopes whose presser was told that it takes longer
	drafts *recent[draft]    // logs too long for a modal's private_metadata
}

// New makes the handlers. log may be nil.
func New(e Verbs, s Slack, log *slog.Logger) *Handlers {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Handlers{e: e, s: s, log: log, told: newRecent[struct{}](1000), drafts: newRecent[draft](1000)}
}

// press is a Call by somebody we know, with what its button or modal carries.
type press struct {
	*Call
	by      expansion.Person
	now     time.Time
	id      string // of the signal or routing in a button's value
	version int64  // the presser saw
	meta    blocks.Meta
}

func (p *press) signal() expansion.SignalID   { return expansion.SignalID(p.id) }
func (p *press) routing() expansion.RoutingID { return expansion.RoutingID(p.id) }

// row is how one kind of call is answered. Exactly one of reply, open and work is set.
type row struct {
	reply   func(h *Handlers, c *Call) any                         // pure: the ack's payload
	open    func(ctx context.Context, h *Handlers, p *press) error // shows something, changes nothing
	work    func(ctx context.Context, h *Handlers, p *press) error // one verb
	check   func(v *slack.View) map[string]string                  // submit: pure field errors by block id
	working string                                                 // submit: title of the "Working…" view; "" closes the modal
	subject bool                                                   // the value must be id:version
}

// Look implements bot.Handler.
func (h *Handlers) Look(c *Call) Look {
	if c.Env.Kind == KindSuggest {
		return Look{Way: Suggest}
	}
	r, c, ok := find(c)
	switch {
	case !ok:
		return h.unknown(c)
	case r.reply != nil:
		return Look{Way: Reply, Ack: r.reply(h, c)}
	case r.open != nil:
		return Look{Way: Open}
	}
	l := Look{Way: Store}
	if c.Env.Kind != KindSubmit || c.View == nil {
		return l
	}
	l.Field = firstInput(c.View)
	if r.check != nil {
		if errs := r.check(c.View); len(errs) > 0 {
			return Look{Way: Reply, Ack: slack.NewErrorsViewSubmissionResponse(errs)}
		}
	}
	if r.working != "" {
		v := blocks.Working(r.working)
		v.ExternalID = workingID(c.Env.ID)
		l.Ack = slack.NewUpdateViewSubmissionResponse(&v)
	}
	return l
}

// workingID names the "Working…" view of a submit. The job may be done before Slack has
// put that view up: by this name the result waits for it, by the view's own id it would
// be written first and then covered by "Working…" for ever.
func workingID(envelope string) string { return "working-" + envelope }

// firstInput is the block of v that an error can hang on, "" when it has none.
func firstInput(v *slack.View) string {
	for _, b := range v.Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID != "" {
			return in.BlockID
		}
	}
	return ""
}

// unknown answers what is in no row: a command with a guess, a button with a sentence;
// inputs of a modal and events need none.
func (h *Handlers) unknown(c *Call) Look {
	switch {
	case c.Env.Kind == KindCommand:
		return Look{Way: Reply, Ack: ephemeral(blocks.Unknown(c.Name, nearest(c.Name, commandWords())))}
	case c.Env.Kind == KindAction && !slices.Contains(silent, c.Name) && (c.View == nil || c.View.Type != slack.VTModal):
		return Look{Way: Open}
	}
	return Look{Way: Ignore}
}

// ephemeral is a command's ack that only the sender reads.
func ephemeral(m blocks.Message) any {
	out := map[string]any{"response_type": slack.ResponseTypeEphemeral, "text": m.Text}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	return out
}

// Open implements bot.Handler: it shows a view, App Home or an answer at once.
func (h *Handlers) Open(ctx context.Context, c *Call) {
	r, c, ok := find(c)
	if !ok || r.open == nil {
		h.say(ctx, c, "That button does nothing in this version. Try /expansion help.")
		return
	}
	p, err := h.press(ctx, c, r)
	if err == nil {
		err = r.open(ctx, h, p)
	}
	if err == nil {
		return
	}
	text := h.sentence(ctx, c, err)
	switch {
	case c.Env.Kind != KindEvent:
		h.say(ctx, c, text)
	case c.Name == "app_home_opened":
		v := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks.Notice(text).Blocks}}
		if err := h.s.PublishHome(ctx, c.User, v); err != nil {
			h.log.WarnContext(ctx, "home not shown", "envelope_id", c.Env.ID, "err", err)
		}
	}
}

// Work does what a kept envelope asks for. nil means that it is settled, for better or
// worse, and the presser knows; an error asks the job to try again.
func (h *Handlers) Work(ctx context.Context, env engine.Envelope) error {
	c, err := Parse(env)
	if err != nil {
		h.log.ErrorContext(ctx, "kept envelope not understood", "envelope_id", env.ID, "err", err)
		return nil // trying again cannot help
	}
	r, c, ok := find(c)
	if !ok || r.work == nil {
		h.log.WarnContext(ctx, "kept envelope has no handler", "envelope_id", env.ID, "kind", c.Env.Kind, "name", c.Name)
		return nil
	}
	p, err := h.press(ctx, c, r)
	if err == nil {
		err = r.work(ctx, h, p)
	}
	if err == nil {
		return nil
	}
	text := h.sentence(ctx, c, err)
	again := retry(err)
	if !again || h.told.add(c.Env.ID, struct{}{}) {
		h.tell(ctx, c, r, text, err)
	}
	if again {
		return fmt.Errorf("%s %s: %w", c.Env.Kind, c.Name, err)
	}
	return nil
}

// tell shows the presser what became of their work: in the modal that says "Working…",
// else where they pressed.
func (h *Handlers) tell(ctx context.Context, c *Call, r row, text string, cause error) {
	if r.working == "" || c.View == nil {
		h.say(ctx, c, text)
		return
	}
	if expansion.CodeOf(cause) == expansion.CodeUnavailable {
		return // the modal says so already
	}
	if err := h.s.FillView(ctx, workingID(c.Env.ID), blocks.Failed(r.working, text)); err != nil {
		h.say(ctx, c, text) // closed meanwhile, or Slack refuses the view
	}
}

// press finds out who it is and what the button or modal is about.
func (h *Handlers) press(ctx context.Context, c *Call, r row) (*press, error) {
	by, err := h.e.PersonBySlack(ctx, c.User)
	if err != nil {
		return nil, err
	}
	p := &press{Call: c, by: by, now: h.e.Now()}
	if r.subject {
		if p.id, p.version, err = blocks.ParseValue(c.Value); err != nil {
			return nil, &expansion.Error{Code: expansion.CodeInvalid, Text: "This button is too old to be used. Open the newest card.", Err: err}
		}
	}
	if c.View != nil && c.View.PrivateMetadata != "" {
		if p.meta, err = blocks.ParseMeta(c.View.PrivateMetadata); err != nil {
			return nil, fmt.Errorf("modal %s: %w", c.View.CallbackID, err)
		}
	}
	return p, nil
}

// say tells the presser a sentence where they pressed. It may be lost: the log has it.
func (h *Handlers) say(ctx context.Context, c *Call, text string) {
	h.answer(ctx, c, blocks.Notice(text))
}

func (h *Handlers) answer(ctx context.Context, c *Call, m blocks.Message) {
	if err := h.s.Ephemeral(ctx, c.Where(), m); err != nil {
		h.log.WarnContext(ctx, "answer not shown", "envelope_id", c.Env.ID, "name", c.Name, "err", err)
	}
}

// show answers with a message; unlike say it reports what went wrong.
func (h *Handlers) show(ctx context.Context, p *press, m blocks.Message) error {
	return h.s.Ephemeral(ctx, p.Where(), m)
}

// modal opens "Loading…" while the trigger is fresh, builds the view and puts it there.
// What goes wrong while building is shown in the modal.
func (h *Handlers) modal(ctx context.Context, p *press, title string, build func() (slack.ModalViewRequest, error)) error {
	open := h.s.OpenView
	if p.View != nil && p.View.Type == slack.VTModal {
		open = h.s.PushView
	}
	id, err := open(ctx, p.Trigger, blocks.Loading(title))
	if err != nil {
		return err
	}
	v, err := build()
	if err != nil {
		v = blocks.Failed(title, h.sentence(ctx, p.Call, err))
	}
	err = h.s.UpdateView(ctx, id, "", v)
	if expansion.CodeOf(err) == expansion.CodeGone {
		return nil // closed meanwhile: nobody waits for it
	}
	return err
}
