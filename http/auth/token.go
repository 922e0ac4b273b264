package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// OperatorID is the actor of the operator token.
const OperatorID = "operator:token"

// minToken is the least length of a token in bytes: shorter ones can be guessed.
const minToken = 24

// OperatorToken authenticates the one token of the configuration, which may do everything. Only its hash is kept.
type OperatorToken struct{ hash [sha256.Size]byte }

// NewOperatorToken refuses tokens that are too short or that no header can carry.
func NewOperatorToken(token string) (*OperatorToken, error) {
	if len(token) < minToken {
		return nil, fmt.Errorf("the operator token has at least %d characters", minToken)
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return nil, errors.New("the operator token has printable ASCII characters only, no spaces")
		}
	}
	return &OperatorToken{hash: sha256.Sum256([]byte(token))}, nil
}

// Authenticate compares hashes in constant time, so neither content nor length shows in the time that it takes.
func (t *OperatorToken) Authenticate(r *http.Request) (Actor, error) {
	sent := sha256.Sum256([]byte(bearer(r)))
	if subtle.ConstantTimeCompare(sent[:], t.hash[:]) != 1 {
		return Actor{}, domain.Errorf(domain.CodeUnauthenticated, "send a valid operator token: Authorization: Bearer <token>")
	}
	return Actor{ID: OperatorID, Platform: NewSet(All()...)}, nil
}

// bearer is the token of the Authorization header, "" when there is none. The scheme has no case.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
