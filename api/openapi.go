package api

import (
	_ "embed" // openapi.yaml
	"net/http"
	"strings"
)

//go:embed openapi.yaml
var openapi string

// getOpenAPI serves the contract, with the address readers use when it is known.
func (s *server) getOpenAPI(w http.ResponseWriter, _ *http.Request, _ *call) error {
	text := openapi
	if s.publicURL != "" {
		text = strings.Replace(text, "\n  - url: /\n", "\n  - url: "+s.publicURL+"\n", 1)
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write([]byte(text))
	return nil
}
