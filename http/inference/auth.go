package inference

import (
	"context"
	"net/http"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/http/request"
)

// Authenticator finds out whose API key a request carries. See auth.Authenticator.
type Authenticator interface {
	// Header reads the value of an Authorization header and returns the secret beside its key.
	Header(ctx context.Context, header string) (auth.Key, string, error)
}

// authenticate is the caller of a request, and the secret that the request carried.
func authenticate(a Authenticator, r *http.Request) (auth.Key, string, error) {
	header, err := authorization(r)
	if err != nil {
		return auth.Key{}, "", err
	}
	return admit(a, r, header)
}

// admit is the key of a credential that may be used from where the request comes. A key that may not is returned with the error: whoever sent it has it.
func admit(a Authenticator, r *http.Request, header string) (auth.Key, string, error) {
	key, secret, err := a.Header(r.Context(), header)
	if err == nil && !key.Limits.Networks.Allows(request.Address(r.Context())) {
		return key, "", domain.Errorf(domain.CodeForbidden, "this API key may not be used from this address")
	}
	return key, secret, err
}

func authorization(r *http.Request) (string, error) { return credential(r) }

// credential is the one credential of a request as the value of an Authorization header, "" when there is none. keys are what
// stands in other places; they come first. Keys that differ are refused: who pays must not depend on which of them somebody on
// the way has looked at.
func credential(r *http.Request, keys ...string) (string, error) {
	found := ""
	for _, key := range keys {
		if key == "" {
			continue
		}
		if found != "" && !same(found, bearer+key) {
			return "", ambiguous()
		}
		found = bearer + key
	}
	elsewhere := found != ""
	for _, header := range r.Header.Values("Authorization") {
		switch {
		case header == "", elsewhere && !isBearer(header): // another scheme is for somebody on the way
		case found == "":
			found = header
		case !same(found, header):
			return "", ambiguous()
		}
	}
	return found, nil
}

const bearer = "Bearer "

func isBearer(header string) bool {
	scheme, _, _ := strings.Cut(header, " ")
	return strings.EqualFold(scheme, "Bearer")
}

// same compares as they are read: the scheme has no case, and blanks around a secret are none of it.
func same(a, b string) bool {
	schemeA, secretA, _ := strings.Cut(a, " ")
	schemeB, secretB, _ := strings.Cut(b, " ")
	return strings.EqualFold(schemeA, schemeB) && strings.TrimSpace(secretA) == strings.TrimSpace(secretB)
}

func ambiguous() error {
	return domain.Errorf(domain.CodeInvalid, "there are several API keys that differ; send one").With(detailParam, "Authorization")
}
