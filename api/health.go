package api

import (
	"net/http"

	"expansionbot/expansion"
)

// getHealth says that the process answers.
func (s *server) getHealth(*call) (int, any, error) {
	return http.StatusOK, map[string]string{"status": "ok"}, nil
}

// getReady says whether the parts that work needs are there.
func (s *server) getReady(c *call) (int, any, error) {
	if s.ready != nil {
		if err := s.ready(); err != nil {
			text := "Not ready yet. The log says what is missing."
			if expansion.CodeOf(err) != expansion.CodeInternal {
				text = expansion.TextOf(err)
			}
			return 0, nil, &expansion.Error{Code: expansion.CodeUnavailable, Text: text, Err: err}
		}
	}
	return http.StatusOK, map[string]string{"status": "ready"}, nil
}
