package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/session"
)

const (
	// logoutEvent is the member of the claim events that makes a JWT a logout token (OpenID Connect Back-Channel Logout 1.0, 2.4).
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutAge is how old one may be, and how long its jti is known at least.
	logoutAge = 10 * time.Minute
	maxLogout = 16 << 10 // bytes
)

// Logout is what a service says has ended there: all sessions of a person, or one session; at least one of them is set.
type Logout struct {
	Subject string
	Session string
	ID      string // jti
	Until   time.Time
}

// logouter is a Provider that sends logout tokens.
type logouter interface {
	// Logout checks a logout token. Errors: invalid_request; provider_failed when the issuer's keys cannot be had.
	Logout(ctx context.Context, token string) (Logout, error)
}

func badLogout(why error) error {
	return domain.Errorf(domain.CodeInvalid, "this is no logout token for this service").Wrap(why)
}

// Logout implements logouter (Back-Channel Logout 1.0, 2.6).
func (i *issuer) Logout(ctx context.Context, token string) (l Logout, err error) {
	if token == "" || len(token) > maxLogout {
		return l, badLogout(errors.New("its size"))
	}
	d, err := i.discover(ctx)
	if err != nil {
		return l, err
	}
	// Signature, algorithm, issuer, audience and expiry are those of an ID token.
	id, err := d.provider.Verifier(&oidc.Config{ClientID: i.c.ClientID, SupportedSigningAlgs: algorithms, Now: func() time.Time { return i.now().Add(-clockSkew) }}).
		Verify(oidc.ClientContext(ctx, i.client), token)
	if err != nil {
		return l, badLogout(cause(err))
	}
	var said struct {
		Subject string                     `json:"sub"`
		Session string                     `json:"sid"`
		ID      string                     `json:"jti"`
		Issued  *json.Number               `json:"iat"`
		Events  map[string]json.RawMessage `json:"events"`
		Nonce   json.RawMessage            `json:"nonce"`
	}
	if err := id.Claims(&said); err != nil {
		return l, badLogout(errors.New("its claims are not what they should be"))
	}
	age := i.now().Sub(id.IssuedAt)
	event := strings.TrimSpace(string(said.Events[logoutEvent]))
	switch {
	case !strings.HasPrefix(event, "{"):
		return l, badLogout(errors.New("it has not the event of a logout"))
	case said.Nonce != nil:
		return l, badLogout(errors.New("it has a nonce: it is an ID token"))
	case said.Issued == nil || age < -clockSkew || age > logoutAge:
		return l, badLogout(errors.New("it was not made just now"))
	case said.ID == "" || len(said.ID) > maxSubject:
		return l, badLogout(errors.New("it has no jti"))
	case said.Subject == "" && said.Session == "" || len(said.Subject) > maxSubject || len(said.Session) > maxSession:
		return l, badLogout(errors.New("it does not say of whom"))
	}
	return Logout{Subject: said.Subject, Session: said.Session, ID: said.ID, Until: id.IssuedAt.Add(logoutAge + clockSkew)}, nil
}

// Logout follows a logout token that a service has sent: the sessions that its person, or its session, has made here end. One is followed once; nobody to be signed out is no
// error. Errors: not_found without such a service; invalid_request; provider_failed.
func (s *Service) Logout(ctx context.Context, provider, token string) error {
	p, err := s.provider(ctx, provider)
	if err != nil {
		return err
	}
	speaks, ok := p.(logouter)
	if !ok {
		return domain.Errorf(domain.CodeNotFound, "this sign-in service sends no logout tokens")
	}
	l, err := speaks.Logout(ctx, token)
	if err != nil {
		return err
	}
	id := sha256.Sum256([]byte(l.ID))
	return identity.Wrap("follow a logout token", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO identity.logout_tokens (provider, jti_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, provider, id[:], l.Until)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return badLogout(errors.New("it was sent before"))
		}
		_, err = session.New(s.pool, s.o.Now).EndBy(ctx, tx, session.Origin{Provider: provider, Subject: l.Subject, Session: l.Session}, session.LoggedOut)
		return err
	}))
}
