package account

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
)

// Forgot has a mail sent with which a new password can be set. Whether the address has an account is not said. Errors: invalid_request.
func (s *Service) Forgot(ctx context.Context, typed string) error {
	email, err := address.Parse(typed)
	if err != nil {
		return err
	}
	return identity.Wrap("note a forgotten password", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		u, err := byEmail(ctx, tx, email, "")
		nobody := errors.Is(err, errNobody)
		if err != nil && !nobody {
			return err
		}
		// As much is written for nobody: what is missing would be heard in the time of the answer.
		if err := auditlog.Record(ctx, tx, auditlog.Asked(ctx, u.ID)); err != nil {
			return err
		}
		if nobody {
			return s.decoy(ctx, tx)
		}
		return s.tell(ctx, tx, &u, email, ResetPassword, nil)
	}))
}

// Reset sets a new password by a link, which proves the mailbox as well, and ends all sessions. Errors: link_invalid, password_weak, overloaded.
func (s *Service) Reset(ctx context.Context, secret, fresh string) error {
	return s.set(ctx, fresh, uuid.Nil, func(tx pgx.Tx) (row, error) {
		u, to, err := s.follow(ctx, tx, secret, Reset)
		if err == nil && u.Email != to {
			err = badLink()
		}
		return u, err
	})
}

// ChangePassword exchanges the password of somebody who is signed in and knows it, and ends all other sessions. Errors: password_wrong, password_weak,
// overloaded.
func (s *Service) ChangePassword(ctx context.Context, user, current uuid.UUID, known, fresh string) error {
	before, err := byID(ctx, s.pool, user, "")
	if err != nil {
		return err
	}
	right, _, err := s.hasher.Check(ctx, password.Normal(known), before.hash)
	if err != nil {
		return err
	}
	if !right {
		return PasswordWrong()
	}
	return s.set(ctx, fresh, current, func(tx pgx.Tx) (row, error) {
		u, err := byID(ctx, tx, user, forUpdate)
		if err == nil && u.hash != before.hash {
			err = PasswordWrong() // somebody has changed it meanwhile
		}
		return u, err
	})
}

// set writes the new password of whom find finds and locks. kept is the session that goes on.
func (s *Service) set(ctx context.Context, fresh string, kept uuid.UUID, find func(pgx.Tx) (row, error)) error {
	secret := password.Normal(fresh)
	if err := password.CheckNew(secret); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, secret)
	if err != nil {
		return err
	}
	return identity.Wrap("set a password", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		u, err := find(tx)
		if err != nil {
			return err
		}
		if err := password.CheckNew(secret, string(u.Email), u.Email.Local(), u.Profile.Name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE identity.users SET password = $2, credentials = credentials + 1, email_verified_at = coalesce(email_verified_at, $3)
			WHERE user_id = $1`, u.ID, hash, s.now()); err != nil {
			return err
		}
		if _, err := s.sessions.EndAll(ctx, tx, u.ID, kept, session.Credentials); err != nil {
			return err
		}
		// The link of a mail that was not sent yet would be made after the change, and be good.
		if _, err := tx.Exec(ctx, `DELETE FROM identity.mails WHERE user_id = $1 AND kind = $2 AND sent_at IS NULL`, u.ID, ConfirmEmail); err != nil {
			return err
		}
		if err := auditlog.Record(ctx, tx, auditlog.About(ctx, u.ID)); err != nil {
			return err
		}
		return s.tell(ctx, tx, &u, u.Email, PasswordChanged, nil)
	}))
}
