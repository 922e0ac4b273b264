package account

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/password"
)

// CodeSignIn is of an address and a password that do not belong together, whichever of them is wrong.
const CodeSignIn domain.Code = "sign_in_failed"

// CodePassword is of a password that somebody who is signed in was asked for again, and that is not theirs.
const CodePassword domain.Code = "password_wrong"

// PasswordWrong is what whoever shows such is told.
func PasswordWrong() error { return domain.Errorf(CodePassword, "this is not your password") }

// SignInFailed is what whoever shows such is told.
func SignInFailed() error {
	return domain.Errorf(CodeSignIn, "the e-mail address and the password do not belong together")
}

// Shown is who has shown a password, and which: Credentials grow when what somebody signs in with changes. Hashing takes its time: whoever gives something for the
// password has to compare them in that transaction.
type Shown struct {
	User
	Credentials int64
}

// Password finds who has an address and a password, and makes the hash anew when it is of older parameters. Who signs in before the mailbox is proved is told
// nothing, and gets another mail: what is answered, and what is written meanwhile, is the same as for a wrong password. Errors: sign_in_failed, overloaded.
func (s *Service) Password(ctx context.Context, typed, secret string) (Shown, error) {
	u, a, err := s.known(ctx, typed)
	if err != nil {
		return Shown{}, err
	}
	hash := u.hash
	if u.ID == uuid.Nil {
		hash = a.hash
	}
	secret = typedSecret(secret)
	right, old, err := s.hasher.Check(ctx, secret, hash)
	if err != nil {
		return Shown{}, err
	}
	if !right || u.ID == uuid.Nil {
		if !right {
			a = attempt{}
		}
		auditlog.Suspect(ctx, u.ID)
		if err := s.remind(ctx, &a); err != nil {
			return Shown{}, err
		}
		return Shown{}, SignInFailed()
	}
	if old {
		if err := s.rehash(ctx, &u, secret); err != nil {
			return Shown{}, err
		}
	}
	return Shown{u.User, u.credentials}, nil
}

// known is the account at an address, and the newest sign-up that waits there for the proof of its mailbox. Both are looked for, whatever there is.
func (s *Service) known(ctx context.Context, typed string) (u row, a attempt, err error) {
	email, wrong := address.Parse(typed)
	if wrong != nil {
		email = "" // is nobody's
	}
	if u, err = byEmail(ctx, s.pool, email, ""); err != nil && !errors.Is(err, errNobody) {
		return u, a, err
	}
	err = a.scan(s.pool.QueryRow(ctx, `SELECT `+attemptColumns+` FROM identity.sign_ups WHERE email = nullif($1, '') AND created_at > $2 ORDER BY sign_up_id DESC LIMIT 1`,
		email, s.now().Add(-keepUnproved)))
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return u, a, identity.Wrap("find a sign-up", err)
}

// remind has the link of a sign-up sent once more, a few times; for none it writes as much.
func (s *Service) remind(ctx context.Context, a *attempt) error {
	return identity.Wrap("tell somebody to prove a mailbox", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE identity.sign_ups SET mails = mails + 1 WHERE sign_up_id = $1 AND mails < $2`, a.id, maxVerifyMails)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return s.decoy(ctx, tx)
		}
		return s.tellAttempt(ctx, tx, a)
	}))
}

// typedSecret is a password as it was typed, in its one form; what is too long for one is nobody's.
func typedSecret(text string) string {
	if len(text) > 4*password.MaxLength {
		return ""
	}
	return password.Normal(text)
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
