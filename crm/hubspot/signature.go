package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"expansionbot/expansion"
)

// The headers of a signed webhook.
const (
	SignatureHeader = "X-HubSpot-Signature-v3"
	TimestampHeader = "X-HubSpot-Request-Timestamp" // milliseconds since 1970
)

// signatureWindow is how far a signed time may be off, either way. HubSpot's own
// client refuses older ones; we refuse the future too.
const signatureWindow = 5 * time.Minute

// documentedEscapes are decoded in the URL before signing, says HubSpot's page;
// its own client does not. Either form is accepted.
var documentedEscapes = strings.NewReplacer(
	"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'",
	"%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
)

// VerifySignature checks HubSpot's v3 signature of a webhook. rawURL is the full
// address HubSpot was given, built from the configured public address, because a
// proxy in front of us may change what the request says. body is what came in, byte
// for byte. An empty secret refuses everything. The error has CodeDenied.
func VerifySignature(secret, method, rawURL string, body []byte, header http.Header, now time.Time) error {
	if secret == "" {
		return expansion.Errorf(expansion.CodeDenied, "No webhook secret is set; set crm.hubspot.webhook_secret.")
	}
	stamp := header.Get(TimestampHeader)
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return expansion.Errorf(expansion.CodeDenied, "The webhook has no valid %s header.", TimestampHeader)
	}
	if off := now.Sub(time.UnixMilli(ms)); off > signatureWindow || off < -signatureWindow {
		return expansion.Errorf(expansion.CodeDenied, "The webhook's time is more than 5 minutes off; check this machine's clock.")
	}
	got, err := base64.StdEncoding.DecodeString(header.Get(SignatureHeader))
	if err != nil || len(got) != sha256.Size {
		return expansion.Errorf(expansion.CodeDenied, "The webhook has no valid %s header.", SignatureHeader)
	}
	for _, u := range []string{rawURL, documentedEscapes.Replace(rawURL)} {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(method + u))
		mac.Write(body)
		mac.Write([]byte(stamp))
		if hmac.Equal(mac.Sum(nil), got) {
			return nil
		}
	}
	return expansion.Errorf(expansion.CodeDenied, "The webhook's signature is wrong; check crm.hubspot.webhook_secret and api.public_url.")
}
