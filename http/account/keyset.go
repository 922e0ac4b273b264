package account

import (
	"net/http"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
)

// KeySetPath is where others find the keys that check access tokens.
const KeySetPath = "/.well-known/jwks.json"

// keySetAge is how long a copy of it may be used, in seconds: a fraction of the time that a new key is published before it signs.
const keySetAge = "60"

// KeySet answers with the public keys as a JSON Web Key Set; see token.Issuer.
func (a *API) KeySet(w http.ResponseWriter, r *http.Request) {
	if a == nil || a.p == nil {
		problem.Write(w, r, domain.Errorf(problem.CodeNotConfigured, "this service has no accounts"))
		return
	}
	text, err := a.p.Issuer.KeySet()
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age="+keySetAge)
	_, _ = w.Write(text) // a client that went away needs no answer
}
