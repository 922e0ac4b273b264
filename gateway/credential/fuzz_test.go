package credential_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/credential"
)

// FuzzServiceAccount: whatever the document says, assertions go to Google over https or to the vendor, and errors do not quote it.
func FuzzServiceAccount(f *testing.F) {
	f.Add("https://oauth2.googleapis.com/token", "sa@p.iam.gserviceaccount.com", "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----")
	f.Add("https://oauth2.googleapis.com@evil.example/token", "a", "b")
	f.Add("http://127.0.0.1:1/token", "", "\x00")
	vendor := &url.URL{Scheme: "https", Host: "eu-aiplatform.googleapis.com"}
	f.Fuzz(func(t *testing.T, endpoint, email, key string) {
		document := `{"type":"service_account","client_email":` + quote(email) + `,"private_key":` + quote(key) + `,"token_uri":` + quote(endpoint) + `}`
		_, err := credential.ParseServiceAccount(document, vendor)
		require.Error(t, err, "no key of a fuzzer is an RSA key")
		if len(key) > 20 {
			require.NotContains(t, err.Error(), key)
		}
		u, parseErr := url.Parse(endpoint)
		google := parseErr == nil && u.Scheme == "https" && u.User == nil &&
			(u.Host == "accounts.google.com" || strings.HasSuffix(strings.ToLower(u.Host), ".googleapis.com"))
		if !google && email != "" && key != "" && strings.ToValidUTF8(endpoint+email+key, "") == endpoint+email+key {
			require.ErrorContains(t, err, "token_uri")
		}
	})
}

// quote is a JSON string.
func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(raw)
}
