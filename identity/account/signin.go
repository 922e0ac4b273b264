package account

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/password"
)

// CodeSignIn is of an address and a password that do not belong together, whichever of them is wrong.
const CodeSignIn domain.Code = "sign_in_failed"

func signInFailed() error {
	return domain.Errorf(CodeSignIn, "the e-mail address and the password do not belong together")
}

// CodeUnverified is of right passwords of accounts whose mailbox nobody has proved: a new mail has been sent.
const CodeUnverified domain.Code = "email_unverified"

// Password finds who has an address and a password, and makes the hash anew when it is of older parameters. It says that a mailbox is not proved only to who
// knows the password. Errors: sign_in_failed, email_unverified, overloaded.
func (s *Service) Password(ctx context.Context, typed, secret string) (User, error) {
	email, wrong := address.Parse(typed)
	var u row
	if wrong == nil {
		var err error
		if u, err = byEmail(ctx, s.pool, email, ""); err != nil && !errors.Is(err, errNobody) {
			return User{}, err
		}
	}
	if len(secret) > 4*password.MaxLength {
		secret = "" // is nobody's
	}
	secret = password.Normal(secret)
	right, old, err := s.hasher.Check(ctx, secret, u.hash)
	switch {
	case err != nil:
		return User{}, err
	case !right:
		auditlog.Suspect(ctx, u.ID)
		return User{}, signInFailed()
	case u.VerifiedAt.IsZero():
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.tell(ctx, tx, &u, u.Email, VerifyEmail, nil) })
		if err != nil {
			return User{}, identity.Wrap("tell somebody to prove a mailbox", err)
		}
		return User{}, domain.Errorf(CodeUnverified, "first follow the link in the mail that was sent to this address")
	case old:
		if err := s.rehash(ctx, &u, secret); err != nil {
			return User{}, err
		}
	}
	return u.User, nil
}

// rehash makes a hash with today's parameters, unless the password has changed meanwhile.
func (s *Service) rehash(ctx context.Context, u *row, secret string) error {
	hash, err := s.hasher.Hash(ctx, secret)
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `UPDATE identity.users SET password = $2 WHERE user_id = $1 AND password = $3`, u.ID, hash, u.hash)
	return identity.Wrap("keep a new hash", err)
}
