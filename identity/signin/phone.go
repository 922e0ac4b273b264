package signin

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// methods are the second factors that count for an audience. A text message never counts for the admin front end, nor do recovery codes that stand for nothing
// else. In the portal, whoever has a role on the platform is not asked for one where there is something better; where there is not, it is better than a
// password alone.
func (m *Machine) methods(ctx context.Context, q identity.Querier, user uuid.UUID, audience token.Audience) ([]factor.Method, error) {
	all, err := m.factors.Of(ctx, q, user)
	if err != nil || !slices.Contains(all, factor.SMS) {
		return all, err
	}
	better := slices.Contains(all, factor.TOTP) || slices.Contains(all, factor.Passkey)
	if audience == token.Admin && !better {
		return nil, nil
	}
	drop := audience == token.Admin
	if !drop && better {
		if drop, err = m.granted(ctx, q, user); err != nil {
			return nil, err
		}
	}
	if drop {
		all = slices.DeleteFunc(all, func(f factor.Method) bool { return f == factor.SMS })
	}
	return all, nil
}

func factorRequired() error {
	return domain.Errorf(CodeFactorRequired, "set up a second factor in the portal first")
}

// stillCounts refuses who has lost, since he has shown it, the last factor that counts for the admin front end. The user is held.
func (m *Machine) stillCounts(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	methods, err := m.methods(ctx, tx, user, token.Admin)
	if err == nil && len(methods) == 0 {
		err = factorRequired()
	}
	return err
}

// granted says whether somebody has a role on the platform.
func (m *Machine) granted(ctx context.Context, q identity.Querier, user uuid.UUID) (bool, error) {
	rows, err := q.Query(ctx, `SELECT EXISTS (SELECT FROM identity.platform_grants WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2)`, user, domain.Moment(m.now()))
	if err != nil {
		return false, identity.Wrap("look for roles on the platform", err)
	}
	is, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	return is, identity.Wrap("look for roles on the platform", err)
}

// AskSMS has a code sent to the telephone of whoever a challenge is about. Errors: challenge_over, not_found where a text message does not count,
// phone.CodeTooMany.
func (m *Machine) AskSMS(ctx context.Context, secret string, d session.Device) error {
	s, _, err := m.find(ctx, secret)
	if err != nil {
		return err
	}
	methods, err := m.methods(ctx, m.pool, s.user, s.audience)
	if err != nil {
		return err
	}
	if m.phones == nil || !slices.Contains(methods, factor.SMS) {
		return domain.Errorf(domain.CodeNotFound, "there is no telephone to which a code could be sent for this")
	}
	return m.phones.AskFactor(ctx, s.user, s.id, d.Address)
}

// answerSMS is a further step with the code of a text message that was sent for this very challenge.
func (m *Machine) answerSMS(ctx context.Context, s *state, typed string, d session.Device) (Result, error) {
	if m.phones == nil {
		return Result{}, m.check(ctx, nil, s, factor.SMS, "")
	}
	found, err := m.phones.Try(ctx, s.user, phone.Factor, s.id, typed)
	if err != nil {
		return Result{}, err
	}
	return m.finish(ctx, s, factor.SMS, func(tx pgx.Tx) error {
		methods, err := m.methods(ctx, tx, s.user, s.audience)
		if err != nil {
			return err
		}
		if !slices.Contains(methods, factor.SMS) {
			return m.check(ctx, tx, s, factor.SMS, "")
		}
		return m.phones.Spend(ctx, tx, found)
	}, d)
}
