package hubspot

import (
	"context"
	"html"
	"net/http"
	"strings"
	"time"

	"expansionbot/crm"
)

// HubSpot's association types from a note.
const (
	noteToDeal    = 214
	noteToCompany = 190
)

// maxNote is how many characters of a note we send: HubSpot keeps 65,536, and escaping
// makes some of them longer.
const maxNote = 20_000

type association struct {
	To    map[string]string  `json:"to"`
	Types []associationTypes `json:"types"`
}

type associationTypes struct {
	Category string `json:"associationCategory"`
	TypeID   int    `json:"associationTypeId"`
}

func associate(id string, typeID int) association {
	return association{To: map[string]string{"id": id}, Types: []associationTypes{{"HUBSPOT_DEFINED", typeID}}}
}

// Note reads the deal's notes before it writes one. They are found by association,
// which is there as soon as the note is, not by search. The note's time is HubSpot's
// own clock, from the answer to that look-up.
func (c *Client) Note(ctx context.Context, id, accountID, key, body string) (string, error) {
	const op = "note"
	if key == "" {
		return "", &crm.Error{Kind: crm.Rejected, Op: op, Text: "a note needs a key"}
	}
	ids, header, err := c.linkedIDs(ctx, op, "deals", id, "notes")
	if err != nil {
		return "", err
	}
	notes, err := c.batchRead(ctx, op, "notes", ids, "", []string{"hs_note_body"}, false)
	if err != nil {
		return "", err
	}
	mark := "[" + key + "]"
	for _, n := range notes {
		if strings.Contains(html.UnescapeString(n.value("hs_note_body")), mark) {
			return n.ID, nil
		}
	}
	at, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return "", &crm.Error{Kind: crm.Retry, Op: op, Text: "the answer has no date", Err: err}
	}
	links := []association{associate(id, noteToDeal)}
	if accountID != "" {
		links = append(links, associate(accountID, noteToCompany))
	}
	in := map[string]any{
		"properties":   map[string]string{"hs_note_body": noteHTML(body, mark), "hs_timestamp": at.UTC().Format(time.RFC3339)},
		"associations": links,
	}
	var o object
	if _, err := c.do(ctx, call{op: op, method: http.MethodPost, path: c.path("objects", "notes"), body: in, write: true}, &o); err != nil {
		return "", err
	}
	if o.ID == "" {
		return "", &crm.Error{Kind: crm.Unknown, Op: op, Text: "the answer names no note"}
	}
	return o.ID, nil
}

// noteHTML turns plain text into the HTML HubSpot keeps, with the mark at its end.
func noteHTML(body, mark string) string {
	body = strings.TrimSpace(body)
	if r := []rune(body); len(r) > maxNote {
		body = string(r[:maxNote]) + "…"
	}
	if !strings.Contains(body, mark) {
		body = strings.TrimSpace(body + "\n\n" + mark)
	}
	return strings.ReplaceAll(html.EscapeString(body), "\n", "<br>")
}
