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

// External finds or makes, in the caller's transaction, the account of a mailbox that a service of others has proved. found says that there was one:
// whether the caller may take it for the same person is not said. Those who only asked for an account at the address have to give way. Errors: invalid_request.
func (s *Service) External(ctx context.Context, tx pgx.Tx, email address.Email, p Profile) (u User, found bool, err error) {
	if p, err = p.normal(); err != nil {
		return User{}, false, err
	}
	if _, err := tx.Exec(ctx, lockEmail, email); err != nil {
		return User{}, false, fmt.Errorf("wait for others who want a mailbox: %w", err)
	}
	known, err := byEmail(ctx, tx, email, forUpdate)
	if err == nil {
		return known.User, true, nil
	}
	if !errors.Is(err, errNobody) {
		return User{}, false, err
	}
	if _, err := tx.Exec(ctx, voidSignUps, email); err != nil {
		return User{}, false, fmt.Errorf("void sign-ups: %w", err)
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
