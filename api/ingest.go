package api

import (
	"errors"
	"fmt"
	"net/http"

	"expansionbot/expansion"
)

// maxShown is how many refused rows an answer describes.
const maxShown = 100

// ingestState is what became of the rows of one body.
type ingestState struct {
	Rows     int         `json:"rows"`
	Good     int         `json:"good"`
	Bad      int         `json:"bad"`
	Errors   []rowFailed `json:"errors"` // the first 100
	Warnings []string    `json:"warnings"`
}

type rowFailed struct {
	Line   int     `json:"line"`   // from 1
	Field  *string `json:"field"`  // null = the row as a whole
	Reason string  `json:"reason"` // what is wrong and what is expected
}

// ingest takes rows of one kind in. Rows before a failure are kept; sending the whole
// body again changes nothing about them.
func (s *server) ingest(kind string) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		stats, bad, err := s.engine.PushRows(c.ctx(), kind, c.r.Body)
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return 0, nil, tooLarge(maxIngest)
		}
		if err != nil {
			return 0, nil, fmt.Errorf("ingest %s: %w", kind, err)
		}
		st := &ingestState{Rows: stats.Rows, Good: stats.Good, Bad: stats.Bad, Errors: []rowFailed{}, Warnings: append([]string{}, stats.Warnings...)}
		for _, b := range bad[:min(len(bad), maxShown)] {
			st.Errors = append(st.Errors, rowFailed{b.Line, textOrNull(b.ColumnName), b.Reason})
		}
		switch {
		case st.Rows == 0:
			return 0, nil, expansion.FieldErrorf("", "The body has no rows. Send one JSON object a line.")
		case st.Good == 0:
			return 0, nil, &refusal{status: http.StatusUnprocessableEntity, code: string(expansion.CodeInvalid), text: "No row could be used; ingest.errors says why, line by line.", ingest: st}
		}
		return http.StatusOK, st, nil
	}
}
