package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
)

// linkFor is how long an acknowledge link in a mail works: longer than any ladder.
const linkFor = 14 * 24 * time.Hour

// AckToken is the signed token of a mail's acknowledge link for one routing and person;
// "" when links are off.
func (e *Engine) AckToken(id expansion.RoutingID, person expansion.PersonID) string {
	if e.linkKey == "" {
		return ""
	}
	body := fmt.Sprintf("%s.%s.%d", id, person, e.clock.Now().Add(linkFor).Unix())
	return base64.RawURLEncoding.EncodeToString([]byte(body)) + "." + e.sign(body)
}

func (e *Engine) sign(body string) string {
	m := hmac.New(sha256.New, []byte(e.linkKey))
	m.Write([]byte("ack\x00" + body))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// ReadAckToken returns whom and what a token is for, if we signed it and it has not
// expired. It changes nothing: the page it opens has a button.
func (e *Engine) ReadAckToken(ctx context.Context, token string) (expansion.Case, error) {
	bad := expansion.Errorf(expansion.CodeDenied, "This link is not valid. Acknowledge in Slack instead.")
	enc, mac, ok := strings.Cut(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(enc)
	if !ok || err != nil || e.linkKey == "" || !hmac.Equal([]byte(mac), []byte(e.sign(string(body)))) {
		return expansion.Case{}, bad
	}
	parts := strings.Split(string(body), ".")
	if len(parts) != 3 {
		return expansion.Case{}, bad
	}
	exp, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || e.clock.Now().After(time.Unix(exp, 0)) {
		return expansion.Case{}, expansion.Errorf(expansion.CodeGone, "This link has expired. Acknowledge in Slack instead.")
	}
	return e.Case(ctx, expansion.PersonID(parts[1]), parts[0])
}
