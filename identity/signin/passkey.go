package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// Look is what a challenge asks for; it counts as no try. Errors: challenge_over.
func (m *Machine) Look(ctx context.Context, secret string) (Challenge, error) {
	s, expires, err := m.find(ctx, secret)
	if err != nil {
		return Challenge{}, err
	}
	methods, err := m.methods(ctx, m.pool, s.user, s.audience)
	if err == nil && s.session != nil {
		methods, err = m.orFirst(ctx, m.pool, s.user, methods)
	}
	return Challenge{Secret: secret, Methods: methods, ExpiresAt: expires}, err
}

// find is a challenge that is under way. Errors: challenge_over.
func (m *Machine) find(ctx context.Context, secret string) (s state, expires time.Time, err error) {
	h := hash(secret)
	err = m.pool.QueryRow(ctx, `SELECT c.challenge_id, c.user_id, c.audience, c.session_id, c.factors, c.provider, c.subject, c.issuer_session, c.credentials, c.network, c.expires_at
		FROM identity.challenges c JOIN identity.users u USING (user_id)
		WHERE c.secret_hash = $1 AND c.ended_at IS NULL AND c.expires_at > $2 AND c.tries < $3 AND u.deleted_at IS NULL AND u.credentials = c.credentials`,
		h[:], domain.Moment(m.now()), MaxTries).Scan(&s.id, &s.user, &s.audience, &s.session, &s.shown, &s.by.Provider, &s.by.Subject, &s.by.Session,
		&s.credentials, &s.network, &expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, expires, over()
	}
	if err != nil {
		return s, expires, fmt.Errorf("find a challenge: %w", err)
	}
	return s, expires.UTC(), nil
}

// AskPasskey asks the browser for a passkey of whoever a challenge is about: options is for navigator.credentials.get, ceremony goes on. Errors:
// challenge_over, not_found without a passkey.
func (m *Machine) AskPasskey(ctx context.Context, secret string) (options []byte, ceremony string, err error) {
	s, _, err := m.find(ctx, secret)
	if err != nil {
		return nil, "", err
	}
	p, err := m.person(ctx, &s)
	if err != nil {
		return nil, "", err
	}
	return m.passkeys.BeginFactor(ctx, p)
}

func (m *Machine) person(ctx context.Context, s *state) (passkey.Person, error) {
	u, err := m.accounts.Get(ctx, s.user)
	return passkey.Person{ID: u.ID, Email: string(u.Email), Name: u.Profile.Name}, err
}

// AnswerPasskey is a further step with a passkey. Errors: passkey_wrong, challenge_over, too_many_tries.
func (m *Machine) AnswerPasskey(ctx context.Context, secret, ceremony string, answer []byte, d session.Device) (Result, error) {
	s, err := m.try(ctx, secret, factor.Passkey)
	if err != nil {
		return Result{}, err
	}
	p, err := m.person(ctx, &s)
	if err != nil {
		return Result{}, err
	}
	if err := m.passkeys.FinishFactor(ctx, p, ceremony, answer); err != nil {
		return Result{}, err
	}
	return m.finish(ctx, &s, factor.Passkey, func(pgx.Tx) error { return nil }, d)
}

// AskAnybody asks the browser for any passkey of the site.
func (m *Machine) AskAnybody(ctx context.Context) (options []byte, ceremony string, err error) {
	return m.passkeys.BeginEnter(ctx)
}

// Passkey is the only step of who has a passkey: it is something that one has, and that asks for what one knows or is. Errors: passkey_wrong.
func (m *Machine) Passkey(ctx context.Context, audience token.Audience, ceremony string, answer []byte, d session.Device) (r Result, err error) {
	user, err := m.passkeys.FinishEnter(ctx, ceremony, answer)
	if err != nil {
		return r, err
	}
	if err := m.allow(ctx, user); err != nil {
		return r, err
	}
	return r, identity.Wrap("sign somebody in", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		if err := m.remember(ctx, tx, user, network(d.Address)); err != nil {
			return err
		}
		return m.enter(ctx, tx, user, audience, []factor.Method{factor.Passkey}, d, session.Origin{}, &r)
	}))
}
