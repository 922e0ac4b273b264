package signin

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/session"
)

// StepUp begins to ask somebody who is signed in for a factor once more: the second one where there is one, else the first.
func (m *Machine) StepUp(ctx context.Context, s session.Session) (c *Challenge, err error) {
	return c, identity.Wrap("ask for a factor once more", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		methods, err := m.methods(ctx, tx, s.User, s.Audience)
		if err != nil {
			return err
		}
		if methods, err = m.orFirst(ctx, tx, s.User, methods); err != nil {
			return err
		}
		c, err = m.challenge(ctx, tx, s.User, s.Audience, s.ID, []factor.Method{}, methods, session.Origin{})
		return err
	}))
}

// RequireFresh refuses what is dangerous when no factor was shown in the last minutes. Errors: step_up_required, unauthenticated.
func (m *Machine) RequireFresh(ctx context.Context, id uuid.UUID) error {
	s, err := m.sessions.Get(ctx, id)
	if err != nil {
		return err
	}
	if age := m.now().Sub(s.AuthenticatedAt); age < 0 || age >= Fresh {
		return domain.Errorf(CodeStepUp, "show a factor once more")
	}
	return nil
}
