package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"expansionbot/expansion"
)

// The scopes of a token.
const (
	ScopeSignalsWrite   = "signals:write"
	ScopeSignalsRead    = "signals:read"
	ScopeRouteWrite     = "route:write"
	ScopeOutcomeWrite   = "outcome:write"
	ScopeIngestWrite    = "ingest:write"
	ScopeActivitiesRead = "activities:read"
	ScopeMetricsRead    = "metrics:read"
)

// Scopes lists every scope, for help texts.
var Scopes = []string{ScopeSignalsWrite, ScopeSignalsRead, ScopeRouteWrite, ScopeOutcomeWrite, ScopeIngestWrite, ScopeActivitiesRead, ScopeMetricsRead}

// Token is one bearer token as configured: SHA256 is the hex digest of the token, which
// itself is kept nowhere. A scope without its second half ("ingest") or with a star
// ("signals:*") gives all of that kind.
type Token struct {
	Name   string
	SHA256 string
	Scopes []string
}

type knownToken struct {
	name   string
	digest [sha256.Size]byte
	scopes []string
}

func readTokens(tokens []Token, log *slog.Logger) []knownToken {
	var out []knownToken
	for _, t := range tokens {
		k := knownToken{name: t.Name, scopes: t.Scopes}
		b, err := hex.DecodeString(t.SHA256)
		if err != nil || len(b) != len(k.digest) {
			log.Warn("an API token is ignored: its sha256 is not 64 hexadecimal digits", "token", t.Name)
			continue
		}
		copy(k.digest[:], b)
		for _, sc := range t.Scopes {
			if !slices.ContainsFunc(Scopes, func(want string) bool { return grants(sc, want) }) {
				log.Warn("an API token has a scope that gives nothing", "token", t.Name, "scope", sc)
			}
		}
		out = append(out, k)
	}
	return out
}

func grants(have, want string) bool {
	kind, _, _ := strings.Cut(want, ":")
	return have == want || have == kind || have == kind+":*"
}

// authorize returns the name of the request's token if it may do what scope says. Every
// known token is compared, each in constant time, so that the time taken tells nothing.
func (s *server) authorize(r *http.Request, scope string) (string, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return "", &refusal{
			status: http.StatusUnauthorized, code: "unauthorized", challenge: `Bearer realm="expansionbot"`,
			text: "This needs a token. Send the header Authorization: Bearer with one made by expansionbot token new.",
		}
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var found *knownToken
	for i := range s.tokens {
		if subtle.ConstantTimeCompare(digest[:], s.tokens[i].digest[:]) == 1 {
			found = &s.tokens[i]
		}
	}
	if found == nil {
		return "", &refusal{
			status: http.StatusUnauthorized, code: "unauthorized", challenge: `Bearer realm="expansionbot", error="invalid_token"`,
			text: "The token is not known. Make a new one with expansionbot token new and add its line to config.yaml.",
		}
	}
	if !slices.ContainsFunc(found.scopes, func(have string) bool { return grants(have, scope) }) {
		return "", &refusal{
			status: http.StatusForbidden, code: string(expansion.CodeDenied), challenge: fmt.Sprintf(`Bearer realm="expansionbot", error="insufficient_scope", scope=%q`, scope),
			text: fmt.Sprintf("The token %s lacks the scope %s. Add it to the token's line in config.yaml.", expansion.Quote(found.name), scope),
		}
	}
	return found.name, nil
}

// actor is the person a call acts for; named is false when it is the first admin because
// nobody was named.
func (s *server) actor(c *call, by string) (p expansion.Person, named bool, err error) {
	header := strings.TrimSpace(c.r.Header.Get("X-Expansion-Actor"))
	by = strings.TrimSpace(by)
	if header != "" && by != "" && !strings.EqualFold(header, by) {
		return p, false, expansion.FieldErrorf("by", "The header X-Expansion-Actor and by name different people. Name one.")
	}
	if by == "" {
		by = header
	}
	p, err = s.engine.Actor(c.ctx(), by)
	return p, by != "", err
}
