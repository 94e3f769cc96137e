package notify

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
)

// letter is a mail before it is text or HTML. Every string in it is one clean line of
// plain text; the HTML template escapes it.
type letter struct {
	Subject string
	Preview string // what an inbox shows beside the subject
	Title   string
	State   string // how it stands, when it stands otherwise than "waiting for you"
	Facts   []fact
	Paras   []para
	Why     []string // why you, from whom, and what the CRM has
	Button  string   // label of the link; "" = none
	URL     string   // where Button leads; "" = Hint instead
	Hint    string
	Links   []link
	After   []string // what happens without an answer
	Brief   []part
	Footer  string
}

type fact struct{ Label, Value string }

type para struct{ Head, Text string }

type link struct{ Label, URL string }

// part is one heading of the brief.
type part struct {
	Head   string
	Text   string
	Items  []item
	Inline bool // items on one line each: "Plan: Team"
}

type item struct {
	Head string
	Text string
	Link link // zero = none
}

//go:embed templates/mail.html
var templates embed.FS

var mailHTML = template.Must(template.ParseFS(templates, "templates/mail.html"))

// html renders the letter with inline styles, for light and dark readers.
func (l *letter) html() (string, error) {
	var b bytes.Buffer
	if err := mailHTML.Execute(&b, l); err != nil {
		return "", err
	}
	return b.String(), nil
}

// text renders the letter as plain text in the same order.
func (l *letter) text() string {
	var blocks []string
	add := func(lines ...string) {
		var kept []string
		for _, s := range lines {
			if s != "" {
				kept = append(kept, s)
			}
		}
		if len(kept) > 0 {
			blocks = append(blocks, strings.Join(kept, "\n"))
		}
	}
	add(l.Title)
	add(l.State)
	var facts []string
	for _, f := range l.Facts {
		facts = append(facts, f.Label+": "+f.Value)
	}
	add(facts...)
	for _, p := range l.Paras {
		add(headed(p.Head, p.Text))
	}
	add(l.Why...)
	switch {
	case l.Button != "" && l.URL != "":
		add(l.Button+": "+l.URL, l.Hint)
	default:
		add(l.Hint)
	}
	for _, k := range l.Links {
		add(k.Label + ": " + k.URL)
	}
	add(l.After...)
	if len(l.Brief) > 0 {
		add("----------------------------------------", "HANDOFF BRIEF")
	}
	for _, p := range l.Brief {
		lines := []string{strings.ToUpper(p.Head), p.Text}
		for _, i := range p.Items {
			text := i.Text
			if i.Link.URL != "" {
				text += " (" + i.Link.Label + ": " + i.Link.URL + ")"
			}
			lines = append(lines, "- "+headed(i.Head, text))
		}
		add(lines...)
	}
	// "-- " starts a signature, which mail programs leave out of answers.
	add("-- ", l.Footer)
	return strings.Join(blocks, "\n\n") + "\n"
}

func headed(head, text string) string {
	switch {
	case head == "":
		return text
	case text == "":
		return head
	}
	return fmt.Sprintf("%s: %s", head, text)
}
