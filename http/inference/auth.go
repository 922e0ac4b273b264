package inference

import (
	"context"
	"net/http"

	"github.com/massrouter/massrouter/gateway/auth"
)

// Authenticator finds out whose API key a request carries. See auth.Authenticator.
type Authenticator interface {
	// Header reads the value of an Authorization header and returns the secret beside its key.
	Header(ctx context.Context, header string) (auth.Key, string, error)
}

// authenticate is the caller of a request, and the secret that the request carried.
func authenticate(a Authenticator, r *http.Request) (auth.Key, string, error) {
	return a.Header(r.Context(), r.Header.Get("Authorization"))
}
