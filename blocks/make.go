package blocks

import (
	"encoding/json"

	"github.com/slack-go/slack"
)

// The makers keep their own limits: text handed to the plain ones is cleaned and cut,
// text handed to the mrkdwn ones has gone through esc piece by piece.

func mrk(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, true)
}

func plain(s string, limit int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, orNone(cut(s, limit)), false, false)
}

func header(s string) slack.Block { return slack.NewHeaderBlock(plain(s, maxHeader)) }

func section(s string) *slack.SectionBlock { return slack.NewSectionBlock(mrk(s), nil, nil) }

func beside(s string, e slack.BlockElement) slack.Block {
	return slack.NewSectionBlock(mrk(s), nil, slack.NewAccessory(e))
}

// field is one cell of a section: a bold label and a value that is escaped already.
func field(label, value string) *slack.TextBlockObject { return mrk("*" + label + "*\n" + value) }

func fields(fs ...*slack.TextBlockObject) slack.Block {
	return slack.NewSectionBlock(nil, fs, nil)
}

// smallPrint is a context block, one line per non-empty element; nil when there is none.
func smallPrint(lines ...string) slack.Block {
	var es []slack.MixedElement
	for _, l := range lines {
		if l != "" && len(es) < 10 {
			es = append(es, mrk(l))
		}
	}
	if es == nil {
		return nil
	}
	return slack.NewContextBlock("", es...)
}

func actions(es ...slack.BlockElement) slack.Block {
	if len(es) == 0 {
		return nil
	}
	return slack.NewActionBlock("", es...)
}

func button(action, value, label string) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(action, value, plain(label, maxButton))
}

func primary(action, value, label string) *slack.ButtonBlockElement {
	return button(action, value, label).WithStyle(slack.StylePrimary)
}

func danger(action, value, label string) *slack.ButtonBlockElement {
	return button(action, value, label).WithStyle(slack.StyleDanger)
}

func option(value, label string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(value, plain(label, maxOption), nil)
}

func overflow(action string, os ...*slack.OptionBlockObject) *slack.OverflowBlockElement {
	return slack.NewOverflowBlockElement(action, os...)
}

func alert(level slack.AlertLevel, s string) slack.Block {
	return slack.NewAlertBlock(plain(s, maxAlert), slack.AlertBlockOptionLevel(level))
}

// list drops the nils of blocks that had nothing to say.
func list(bs ...slack.Block) []slack.Block {
	out := make([]slack.Block, 0, len(bs))
	for _, b := range bs {
		if b != nil {
			out = append(out, b)
		}
	}
	return out
}

// Item is an entry of a menu: what is sent, what is read, and a second smaller line.
type Item struct {
	Value       string // at most 75 characters; longer ones are left out, for they could not come back whole
	Text        string
	Description string
}

func (i Item) option() *slack.OptionBlockObject {
	o := option(i.Value, i.Text)
	if d := cut(i.Description, maxOption); d != "" {
		o.Description = plain(d, maxOption)
	}
	return o
}

func (i Item) fits() bool { return i.Value != "" && units(i.Value) <= maxOptionValue }

// options leaves out what Slack would refuse a whole menu for: values that are empty, too
// long or there already, and all after the hundredth.
func options(items []Item) []*slack.OptionBlockObject {
	out := make([]*slack.OptionBlockObject, 0, len(items))
	for _, i := range items {
		if i.fits() && len(out) < 100 && chosen(out, i.Value) == nil {
			out = append(out, i.option())
		}
	}
	return out
}

// chosen is the option with a value, nil when there is none.
func chosen(os []*slack.OptionBlockObject, value string) *slack.OptionBlockObject {
	for _, o := range os {
		if o.Value == value {
			return o
		}
	}
	return nil
}

// maxSuggestions is what the answer to a block_suggestion may weigh in bytes: Slack drops
// socket frames from 20,480 on.
const maxSuggestions = 18000

// Options answers a typed search. It takes items in order until the answer nears 18,000
// bytes or 100 entries; items with an empty, too long or repeated value are left out.
func Options(items []Item) slack.OptionsResponse {
	r := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	size, seen := len(`{"options":[]}`), map[string]bool{}
	for _, i := range items {
		if !i.fits() || seen[i.Value] {
			continue
		}
		o := i.option()
		b, err := json.Marshal(o)
		if err != nil {
			continue
		}
		if size += len(b) + 1; size > maxSuggestions || len(r.Options) == 100 {
			break
		}
		seen[i.Value] = true
		r.Options = append(r.Options, o)
	}
	return r
}
