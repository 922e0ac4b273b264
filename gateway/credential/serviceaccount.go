package credential

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ServiceAccount is a key of Google's for programs: it signs assertions that are exchanged for short-lived tokens (RFC 7523).
type ServiceAccount struct {
	email    string
	keyID    string
	key      *rsa.PrivateKey
	endpoint *url.URL // where assertions are exchanged
}

const (
	// cloudScope is what tokens are for.
	cloudScope = "https://www.googleapis.com/auth/cloud-platform"
	// assertionLife is how long an assertion may be exchanged; an hour is the most.
	assertionLife = time.Hour
	leastBits     = 2048
)

var (
	errDocument = errors.New("the key is not the document of a service account: it has type, client_email, private_key and token_uri")
	errEndpoint = errors.New("token_uri of the service account is neither Google's nor the vendor's own address")
	errPEM      = errors.New("private_key of the service account is no RSA key of 2048 bits or more in PEM")
)

// ParseServiceAccount reads the JSON document of a service account. vendor is the address of the vendor that it is for: assertions are sent to
// Google over https, or to the vendor itself, and to nobody else, whatever the document says. Errors never quote it.
func ParseServiceAccount(document string, vendor *url.URL) (*ServiceAccount, error) {
	var d struct {
		Type     string `json:"type"`
		Email    string `json:"client_email"`
		KeyID    string `json:"private_key_id"`
		Key      string `json:"private_key"`
		TokenURI string `json:"token_uri"`
	}
	if json.Unmarshal([]byte(document), &d) != nil || d.Type != "service_account" || d.Email == "" || d.Key == "" {
		return nil, errDocument
	}
	endpoint, err := url.Parse(d.TokenURI)
	if err != nil || !trusted(endpoint, vendor) {
		return nil, errEndpoint
	}
	key, err := parseRSA(d.Key)
	if err != nil {
		return nil, err
	}
	return &ServiceAccount{email: d.Email, keyID: d.KeyID, key: key, endpoint: endpoint}, nil
}

// trusted says whether an address may get assertions.
func trusted(endpoint, vendor *url.URL) bool {
	if endpoint.User != nil || endpoint.RawQuery != "" || endpoint.Fragment != "" || endpoint.Hostname() == "" {
		return false
	}
	if endpoint.Scheme == vendor.Scheme && strings.EqualFold(endpoint.Host, vendor.Host) {
		return true
	}
	host := strings.ToLower(endpoint.Host) // with a port it is not Google's
	return endpoint.Scheme == "https" && (host == "oauth2.googleapis.com" || host == "accounts.google.com" || strings.HasSuffix(host, ".googleapis.com"))
}

func parseRSA(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errPEM
	}
	var key *rsa.PrivateKey
	if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		key, _ = parsed.(*rsa.PrivateKey)
	} else if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
		return nil, errPEM
	}
	if key == nil || key.N.BitLen() < leastBits {
		return nil, errPEM
	}
	return key, nil
}

// assertion is a signed claim to be the account (RFC 7519, RS256).
func (a *ServiceAccount) assertion(now time.Time) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": a.keyID})
	if err != nil {
		return "", fmt.Errorf("encode an assertion: %w", err)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": a.email, "scope": cloudScope, "aud": a.endpoint.String(), "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("encode an assertion: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign an assertion: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
