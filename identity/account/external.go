package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
)

// External finds or makes, in the caller's transaction, the account of a mailbox that a service of others has proved. found says that there was one, whose
// mailbox is proved as well: whether the caller may take it for the same person is not said. One whose mailbox nobody has proved is made anew, as
// SignUp does. Errors: invalid_request.
func (s *Service) External(ctx context.Context, tx pgx.Tx, email address.Email, p Profile) (u User, found bool, err error) {
	if p, err = p.normal(); err != nil {
		return User{}, false, err
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('identity email ' || $1, 0))`, email); err != nil {
		return User{}, false, fmt.Errorf("wait for others who sign up: %w", err)
	}
	known, err := byEmail(ctx, tx, email, forUpdate)
	switch {
	case err == nil && !known.VerifiedAt.IsZero():
		return known.User, true, nil
	case err == nil:
		if _, err := tx.Exec(ctx, `DELETE FROM identity.users WHERE user_id = $1`, known.ID); err != nil {
			return User{}, false, fmt.Errorf("remove an account that nobody has proved: %w", err)
		}
	case !errors.Is(err, errNobody):
		return User{}, false, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return User{}, false, fmt.Errorf("name a user: %w", err)
	}
	now := domain.Moment(s.now())
	u = User{ID: id, Email: email, VerifiedAt: now, Profile: p, CreatedAt: now}
	_, err = tx.Exec(ctx, `INSERT INTO identity.users (user_id, email, email_verified_at, name, language, zone, created_at) VALUES ($1, $2, $3, $4, $5, $6, $3)`,
		id, email, now, p.Name, p.Language, p.Zone)
	return u, false, identity.Wrap("make an account", err)
}
