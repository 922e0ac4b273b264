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
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/password"
)

// SignUp is who wants an account.
type SignUp struct {
	Email    string
	Password string
	Profile  Profile
}

// SignUp makes an account whose mailbox is not proved yet, and has a mail sent. When the address has an account, its owner is told instead: the caller sees no
// difference. An account whose mailbox nobody has proved is made anew by whoever comes next, so that nobody can keep an address from its owner. Errors:
// invalid_request, password_weak, overloaded.
func (s *Service) SignUp(ctx context.Context, q SignUp) error {
	email, err := address.Parse(q.Email)
	if err != nil {
		return err
	}
	profile, err := q.Profile.normal()
	if err != nil {
		return err
	}
	secret := password.Normal(q.Password)
	if err := password.CheckNew(secret, email.Local(), profile.Name); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, secret)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name a user: %w", err)
	}
	return identity.Wrap("sign somebody up", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Two who sign up with one address at the same time come one after the other.
		if _, err := tx.Exec(ctx, lockEmail, email); err != nil {
			return err
		}
		u, err := byEmail(ctx, tx, email, forUpdate)
		switch {
		case err == nil && !u.VerifiedAt.IsZero():
			return s.tell(ctx, tx, &u, email, AlreadyHave, nil)
		case err == nil:
			if _, err := tx.Exec(ctx, `DELETE FROM identity.users WHERE user_id = $1`, u.ID); err != nil {
				return err
			}
		case !errors.Is(err, errNobody):
			return err
		}
		u = row{User: User{ID: id, Email: email, Profile: profile}}
		if _, err := tx.Exec(ctx, `INSERT INTO identity.users (user_id, email, name, language, zone, password, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, email, profile.Name, profile.Language, profile.Zone, hash, domain.Moment(s.now())); err != nil {
			return err
		}
		if err := auditlog.Record(ctx, tx, auditlog.About(ctx, id)); err != nil {
			return err
		}
		return s.tell(ctx, tx, &u, email, VerifyEmail, nil)
	}))
}

// Verify follows the link that proves a mailbox. Errors: link_invalid.
func (s *Service) Verify(ctx context.Context, secret string) (u User, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		found, to, err := s.follow(ctx, tx, secret, Verify)
		if err != nil {
			return err
		}
		if found.Email != to {
			return badLink()
		}
		if found.VerifiedAt.IsZero() {
			found.VerifiedAt = domain.Moment(s.now())
			if _, err := tx.Exec(ctx, `UPDATE identity.users SET email_verified_at = $2 WHERE user_id = $1`, found.ID, found.VerifiedAt); err != nil {
				return err
			}
			c := auditlog.About(ctx, found.ID)
			c.After = map[string]bool{"verified": true}
			if err := auditlog.Record(ctx, tx, c); err != nil {
				return err
			}
		}
		u = found.User
		return nil
	})
	return u, identity.Wrap("prove a mailbox", err)
}
