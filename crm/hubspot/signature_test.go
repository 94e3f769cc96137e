package hubspot_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"expansionbot/crm/hubspot"
	"expansionbot/expansion"
)

// The golden vector: HubSpot's JavaScript client and openssl both make this signature.
const (
	goldenSecret    = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
	goldenURL       = "https://www.example.com/webhook_uri"
	goldenBody      = `{"example_field":"example_value"}`
	goldenTimestamp = "1700000000000"
	goldenSignature = "rQEKkaNUiu+1qGF//O/pw4BCzstSqO1PyUnGICmf+7o="
)

func signed(timestamp, signature string) http.Header {
	h := http.Header{}
	h.Set(hubspot.TimestampHeader, timestamp)
	h.Set(hubspot.SignatureHeader, signature)
	return h
}

func TestVerifySignature(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_000)
	// openssl dgst -sha256 -hmac k -binary over "POSThttps://x.example/a?u=b/c@dbody1700000000000"
	const decodedSignature = "3kxBM31YpEAwC4a2+ybBgIzMpFI5FhKFWUFvQ4l9dnE="
	for _, c := range []struct {
		name                      string
		secret, method, url, body string
		header                    http.Header
		now                       time.Time
		ok                        bool
	}{
		{"the golden vector", goldenSecret, "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at, true},
		{"five minutes late", goldenSecret, "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at.Add(5 * time.Minute), true},
		{"later than that", goldenSecret, "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at.Add(5*time.Minute + time.Millisecond), false},
		{"from the future", goldenSecret, "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at.Add(-5*time.Minute - time.Millisecond), false},
		{"another body", goldenSecret, "POST", goldenURL, goldenBody + " ", signed(goldenTimestamp, goldenSignature), at, false},
		{"another address", goldenSecret, "POST", goldenURL + "/", goldenBody, signed(goldenTimestamp, goldenSignature), at, false},
		{"another method", goldenSecret, "PUT", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at, false},
		{"another secret", "z" + goldenSecret[1:], "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at, false},
		{"no secret", "", "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature), at, false},
		{"another time than was signed", goldenSecret, "POST", goldenURL, goldenBody, signed("1700000000001", goldenSignature), at, false},
		{"no time", goldenSecret, "POST", goldenURL, goldenBody, signed("", goldenSignature), at, false},
		{"a time in words", goldenSecret, "POST", goldenURL, goldenBody, signed("now", goldenSignature), at, false},
		{"no signature", goldenSecret, "POST", goldenURL, goldenBody, signed(goldenTimestamp, ""), at, false},
		{"half a signature", goldenSecret, "POST", goldenURL, goldenBody, signed(goldenTimestamp, goldenSignature[:20]), at, false},
		{"signed over the decoded address", "k", "POST", "https://x.example/a?u=b%2Fc%40d", "body", signed(goldenTimestamp, decodedSignature), at, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := hubspot.VerifySignature(c.secret, c.method, c.url, []byte(c.body), c.header, c.now)
			if (err == nil) != c.ok {
				t.Errorf("got %v, want accepted: %v", err, c.ok)
			}
			if !c.ok && expansion.CodeOf(err) != expansion.CodeDenied {
				t.Errorf("code is %q, want denied", expansion.CodeOf(err))
			}
		})
	}
}

func ExampleVerifySignature() {
	header := http.Header{}
	header.Set(hubspot.TimestampHeader, "1700000000000")
	header.Set(hubspot.SignatureHeader, "rQEKkaNUiu+1qGF//O/pw4BCzstSqO1PyUnGICmf+7o=")
	body := []byte(`{"example_field":"example_value"}`)
	now := time.UnixMilli(1_700_000_060_000)
	fmt.Println(hubspot.VerifySignature("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST", "https://www.example.com/webhook_uri", body, header, now))
	// Output: <nil>
}
