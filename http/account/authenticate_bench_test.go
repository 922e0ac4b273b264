package account_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// live says that every session is one of a user without rights.
type live struct{ user uuid.UUID }

func (l live) Get(_ context.Context, id uuid.UUID) (session.Session, error) {
	return session.Session{ID: id, User: l.user, Audience: token.Portal}, nil
}
func (live) Has(context.Context, uuid.UUID) (bool, error)             { return false, nil }
func (live) Rights(context.Context, uuid.UUID) (access.Rights, error) { return access.Rights{}, nil }

func (live) Live(context.Context, []uuid.UUID) (map[uuid.UUID]token.Audience, error) {
	return nil, nil
}

func (live) Many(context.Context, []uuid.UUID) (map[uuid.UUID]access.Rights, error) { return nil, nil }

// BenchmarkAuthenticate is a request of a person whose session is known: a signature, and memory.
func BenchmarkAuthenticate(b *testing.B) {
	seed := make([]byte, 32)
	key, err := token.NewKey(seed)
	require.NoError(b, err)
	issuer, err := token.NewIssuer(site, time.Now, key)
	require.NoError(b, err)
	user := uuid.New()
	text, _, err := issuer.Issue(token.Claims{User: user, Session: uuid.New(), Audience: token.Portal})
	require.NoError(b, err)
	operator, err := auth.NewOperatorToken(operatorToken)
	require.NoError(b, err)
	a, err := account.NewAuthenticator(account.AuthenticatorParts{
		Operator: operator, Issuer: issuer, Sessions: live{user}, Ended: live{}, Rights: live{}, Sites: account.Sites{Portal: site}, Now: time.Now,
	})
	require.NoError(b, err)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, mePath, nil)
	r.Header.Set("Authorization", "Bearer "+text)
	for b.Loop() {
		if _, err := a.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}
