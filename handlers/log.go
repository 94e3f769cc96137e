package handlers

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"expansionbot/blocks"
	"expansionbot/engine"
	"expansionbot/expansion"
)

const titleLog = "Log expansion signal"

// logForm opens the empty modal of storyboard 3.1.
func logForm(ctx context.Context, h *Handlers, p *press) error {
	return h.openLog(ctx, p, func() (blocks.LogForm, error) { return blocks.LogForm{}, nil })
}

// commandLog is "/expansion log [account] [words]": the modal, prefilled.
func commandLog(ctx context.Context, h *Handlers, p *press) error {
	return h.openLog(ctx, p, func() (blocks.LogForm, error) {
		var f blocks.LogForm
		account, words, err := h.guessAccount(ctx, plainText(p.Args))
		if err != nil {
			return f, err
		}
		f.What = words
		if account.ID != "" {
			f.Account, f.Meta.Account = accountItem(account), account.ID
		}
		return f, nil
	})
}

// logFromMessage is the message shortcut: their words, their name and time, and the way
// back to the message.
func logFromMessage(ctx context.Context, h *Handlers, p *press) error {
	return h.openLog(ctx, p, func() (blocks.LogForm, error) {
		var f blocks.LogForm
		if p.Message == nil {
			return f, nil
		}
		m := p.Message
		f.Quote = cutRunes(plainText(m.Text), 2000)
		f.Link = h.s.Permalink(ctx, p.Channel, m.Timestamp)
		f.When = localDate(messageTime(m.Timestamp, p.now), p.by.Location())
		f.Meta = blocks.Meta{Channel: p.Channel, TS: m.Timestamp, Author: m.User}
		return f, nil
	})
}

// openLog opens the log modal with what the rules would score chosen.
func (h *Handlers) openLog(ctx context.Context, p *press, fill func() (blocks.LogForm, error)) error {
	return h.modal(ctx, p, titleLog, func() (slack.ModalViewRequest, error) {
		f, err := fill()
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		if f.When.IsZero() {
			f.When = localDate(p.now, p.by.Location())
		}
		if f.What != "" || f.Quote != "" {
			f.Type, f.Suggested, f.SuggestedWhy = h.e.Suggest(f.Type, f.What, f.Quote, p.now)
		}
		return blocks.LogSignal(f), nil
	})
}

// guessAccount reads an account's name or domain off the front of text. Only a name that
// begins so and is the only one counts; else everything is words.
func (h *Handlers) guessAccount(ctx context.Context, text string) (expansion.Account, string, error) {
	words := strings.Fields(text)
	for n := min(5, len(words)); n > 0; n-- {
		q := strings.Trim(strings.Join(words[:n], " "), `"',:;`)
		if len([]rune(q)) < 2 {
			continue
		}
		found, err := h.e.SearchAccounts(ctx, q, 5)
		if err != nil {
			return expansion.Account{}, text, err
		}
		if a, ok := only(found, q); ok {
			return a, strings.Join(words[n:], " "), nil
		}
	}
	return expansion.Account{}, text, nil
}

// only is the account that is meant by q: the one of exactly that name or domain, or the
// only one that begins so.
func only(found []expansion.Account, q string) (expansion.Account, bool) {
	var hit expansion.Account
	n := 0
	for _, a := range found {
		if strings.EqualFold(a.Name, q) || strings.EqualFold(a.Domain, q) || strings.EqualFold(string(a.ID), q) {
			return a, true
		}
		if begins(a.Name, q) || begins(a.Domain, q) {
			hit, n = a, n+1
		}
	}
	return hit, n == 1
}

func begins(s, q string) bool { return strings.HasPrefix(strings.ToLower(s), strings.ToLower(q)) }

var (
	slackNamed = regexp.MustCompile(`<[@#!][^>|]*\|([^>]*)>`)
	slackLink  = regexp.MustCompile(`<([a-z]+:[^>|]+)\|?[^>]*>`)
)

// plainText turns Slack's wire text into what the person typed.
func plainText(s string) string {
	s = slackNamed.ReplaceAllString(s, "@$1")
	s = slackLink.ReplaceAllString(s, "$1")
	return strings.TrimSpace(html.UnescapeString(s))
}

// messageTime is the time in a message's ts, or now when it says none.
func messageTime(ts string, now time.Time) time.Time {
	sec, _, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || n <= 0 {
		return now
	}
	return time.Unix(n, 0)
}

// checkLog is the modal's own check.
func checkLog(v *slack.View) map[string]string {
	_, errs := blocks.ParseLogSignal(v)
	return errs
}

// A draft is a log that waits for "Add your note to it?".
type draft struct {
	blocks.LogValues
	Author string // Slack user id of the message it was made from
}

func submitLog(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseLogSignal(p.View)
	d := draft{LogValues: v, Author: p.meta.Author}
	res, err := h.e.Log(ctx, p.by.ID, h.logInput(ctx, p, d))
	if expansion.CodeOf(err) == expansion.CodeInvalid || expansion.CodeOf(err) == expansion.CodeNotFound {
		// The modal is answered already: it comes back with what was typed.
		return h.replace(ctx, p, blocks.LogSignal(h.refill(ctx, p, v, h.sentence(ctx, p.Call, err))))
	}
	if err != nil {
		return err
	}
	if res.Similar == nil {
		return h.replace(ctx, p, h.preview(ctx, p, res.Signal))
	}
	c, err := h.e.Case(ctx, p.by.ID, string(res.Similar.ID))
	if err != nil {
		return err
	}
	m := blocks.SignalMeta(c)
	m.Draft = h.keep(d, m, p.Env.ID)
	return h.replace(ctx, p, blocks.Similar(blocks.SimilarForm{Meta: m, Open: c, What: v.What}))
}

func submitSimilar(ctx context.Context, h *Handlers, p *press) error {
	v, _ := blocks.ParseSimilar(p.View)
	d, ok := h.kept(p.meta.Draft)
	if !ok {
		return expansion.Errorf(expansion.CodeGone, "I no longer have what you typed. Please log it again.")
	}
	in := h.logInput(ctx, p, d)
	if v.Add {
		in.AddTo = p.meta.Signal
	} else {
		in.Different = v.Different
	}
	res, err := h.e.Log(ctx, p.by.ID, in)
	if err != nil {
		return err
	}
	if v.Add {
		return h.replace(ctx, p, blocks.Done(titleLog, "Added to "+res.Signal.Label()+"."))
	}
	return h.replace(ctx, p, h.preview(ctx, p, res.Signal))
}

// logInput is a submitted log as the engine takes it. A day that is today means now;
// another day means its noon, so that no time zone moves it.
func (h *Handlers) logInput(ctx context.Context, p *press, d draft) engine.LogInput {
	in := engine.LogInput{
		AccountID: d.Account, Type: d.Type, Strength: d.Strength, What: d.What, Quote: d.Quote, People: d.People, Link: d.Link,
		SourceID: "slack:" + p.Env.ID, // a job that is worked again logs nothing twice
	}
	if name, ok := strings.CutPrefix(string(d.Account), blocks.AccountNotInCRM); ok {
		in.AccountID, in.NewAccount = "", name
	}
	if d.When != nil && !d.When.Equal(localDate(p.now, p.by.Location())) {
		y, m, day := d.When.Date()
		in.OccurredAt = time.Date(y, m, day, 12, 0, 0, 0, p.by.Location())
	}
	if d.Author != "" {
		if who, err := h.e.PersonBySlack(ctx, d.Author); err == nil {
			in.Speaker = who.Name
		}
	}
	return in
}

// refill is the log modal with what was typed and what is wrong with it.
func (h *Handlers) refill(ctx context.Context, p *press, v blocks.LogValues, problem string) blocks.LogForm {
	f := blocks.LogForm{
		Meta: p.meta, Type: v.Type, Strength: v.Strength, What: v.What, Quote: v.Quote, Link: v.Link, Problem: problem,
		Account: blocks.Item{Value: string(v.Account), Text: string(v.Account)},
	}
	if name, ok := strings.CutPrefix(string(v.Account), blocks.AccountNotInCRM); ok {
		f.Account.Text = name
	}
	if v.When != nil {
		f.When = *v.When
	}
	if found, err := h.e.SearchAccounts(ctx, string(v.Account), 5); err == nil {
		for _, a := range found {
			if a.ID == v.Account {
				f.Account = accountItem(a)
			}
		}
	}
	return f
}

// replace puts v where the "Working…" view is. The work is done already: what goes wrong
// now is logged, never worked again.
func (h *Handlers) replace(ctx context.Context, p *press, v slack.ModalViewRequest) error {
	err := h.s.FillView(ctx, workingID(p.Env.ID), v)
	if err != nil && expansion.CodeOf(err) != expansion.CodeGone {
		h.log.WarnContext(ctx, "view not updated", "envelope_id", p.Env.ID, "callback", v.CallbackID, "err", err)
		_ = h.s.FillView(ctx, workingID(p.Env.ID), blocks.Done(titleLog, "Saved. The card in your messages has the rest."))
	}
	return nil
}

// maxMeta leaves room below Slack's 3,000 characters of private_metadata.
const maxMeta = 2900

// keep packs a draft so that it fits beside the rest of a modal's metadata; one that
// does not is remembered here under the envelope's id.
func (h *Handlers) keep(d draft, beside blocks.Meta, envelope string) string {
	if packed, err := pack(d); err == nil {
		beside.Draft = packed
		if len(beside.String()) <= maxMeta {
			return packed
		}
	}
	h.drafts.add(envelope, d)
	return "id:" + envelope
}

func (h *Handlers) kept(s string) (draft, bool) {
	if id, ok := strings.CutPrefix(s, "id:"); ok {
		return h.drafts.get(id)
	}
	d, err := unpack(s)
	return d, err == nil
}

const packedMark = "z:"

func pack(d draft) (string, error) {
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(w).Encode(d); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return packedMark + base64.RawURLEncoding.EncodeToString(buf.Bytes()), nil
}

// maxDraft bounds what a packed draft may grow to.
const maxDraft = 64 << 10

func unpack(s string) (draft, error) {
	var d draft
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(s, packedMark))
	if err != nil {
		return d, err
	}
	err = json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxDraft)).Decode(&d)
	return d, err
}
