package signin

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// External is how somebody shows who he is at a service of others. It stands where a password would: second factors are asked for after it.
const External factor.Method = "ext"

// Policy says by what people may come in.
type Policy interface {
	// Allow refuses who has to come in another way than by what the provider says; "" is by what is his own: a password, a passkey.
	Allow(ctx context.Context, user uuid.UUID, provider string) error
	// AllowIn is Allow in the transaction that makes the session, in which the user is held.
	AllowIn(ctx context.Context, q identity.Querier, user uuid.UUID, provider string) error
}

// allow refuses who may not come in by what is his own. He is told so only after he has shown it.
func (m *Machine) allow(ctx context.Context, user uuid.UUID) error {
	if m.policy == nil {
		return nil
	}
	return m.policy.Allow(ctx, user, "")
}

// External is the first step of somebody whom a service of others knows, in the place of a password. Errors: second_factor_required.
func (m *Machine) External(ctx context.Context, audience token.Audience, user uuid.UUID, by session.Origin, d session.Device) (r Result, err error) {
	return r, identity.Wrap("sign somebody in", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		shown := []factor.Method{External}
		methods, err := m.methods(ctx, tx, user, audience)
		switch {
		case err != nil:
			return err
		case len(methods) > 0:
			r.Challenge, err = m.challenge(ctx, tx, user, audience, uuid.Nil, shown, methods, by, d.Address)
			return err
		case audience == token.Admin:
			return factorRequired()
		}
		if err := m.remember(ctx, tx, user, network(d.Address)); err != nil {
			return err
		}
		return m.enter(ctx, tx, user, audience, shown, d, by, &r)
	}))
}

// ConfirmExternal notes that a service of others has just shown once more who somebody is, and gives his session new tokens. It is enough where there is no second
// factor. Errors: code_wrong when there is one, unauthenticated.
func (m *Machine) ConfirmExternal(ctx context.Context, user, id uuid.UUID, d session.Device) (r Result, err error) {
	return r, identity.Wrap("note that a service has shown who somebody is", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		methods, err := m.methods(ctx, tx, user, token.Portal) // here a text message is one more to ask for
		if err != nil {
			return err
		}
		if len(methods) > 0 {
			return domain.Errorf(factor.CodeWrong, "show a second factor")
		}
		if err := m.remember(ctx, tx, user, network(d.Address)); err != nil {
			return err
		}
		return m.renew(ctx, tx, user, id, []factor.Method{External}, d, &r)
	}))
}

// orFirst are the second factors of a user or, where there are none, the first one: the password, or whatever service stands in its place.
func (m *Machine) orFirst(ctx context.Context, q identity.Querier, user uuid.UUID, second []factor.Method) ([]factor.Method, error) {
	if len(second) > 0 {
		return second, nil
	}
	rows, err := q.Query(ctx, `SELECT CASE WHEN password <> '' THEN $2 ELSE $3 END FROM identity.users WHERE user_id = $1`, user, string(factor.Password), string(External))
	if err != nil {
		return nil, identity.Wrap("find the first factor", err)
	}
	first, err := pgx.CollectRows(rows, pgx.RowTo[factor.Method])
	return first, identity.Wrap("find the first factor", err)
}
