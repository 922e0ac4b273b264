package signin

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/session"
)

// StepUp begins to ask somebody who is signed in for a factor once more: the second one where there is one, else the first.
func (m *Machine) StepUp(ctx context.Context, s session.Session, d session.Device) (c *Challenge, err error) {
	return c, identity.Wrap("ask for a factor once more", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, s.User); err != nil {
			return err
		}
		methods, err := m.methods(ctx, tx, s.User, s.Audience)
		if err != nil {
			return err
		}
		if methods, err = m.orFirst(ctx, tx, s.User, methods); err != nil {
			return err
		}
		c, err = m.challenge(ctx, tx, s.User, s.Audience, s.ID, []factor.Method{}, methods, session.Origin{}, d.Address)
		return err
	}))
}

// renew makes a session fresh, with new tokens: those of before stay as old as they are.
func (m *Machine) renew(ctx context.Context, tx pgx.Tx, user, id uuid.UUID, shown []factor.Method, d session.Device, r *Result) error {
	change := auditlog.About(ctx, user)
	change.After = map[string]any{"session": id, "factors": names(shown)}
	if err := auditlog.Record(ctx, tx, change); err != nil {
		return err
	}
	s, refresh, err := m.sessions.Renew(ctx, tx, id, names(shown), d)
	if err != nil {
		return err
	}
	return m.give(&s, refresh, r)
}

// skew is how far two machines' clocks may be apart.
const skew = 30 * time.Second

// RequireFresh refuses what is dangerous when no factor was shown in the last minutes: shown is when the access token says that one was, and the session has to
// agree. Errors: step_up_required, unauthenticated.
func (m *Machine) RequireFresh(ctx context.Context, id uuid.UUID, shown time.Time) error {
	s, err := m.sessions.Get(ctx, id)
	if err != nil {
		return err
	}
	now := m.now()
	for _, at := range []time.Time{s.AuthenticatedAt, shown} {
		if age := now.Sub(at); age < -skew || age >= Fresh {
			return domain.Errorf(CodeStepUp, "show a factor once more")
		}
	}
	return nil
}
