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
)

// ChangeEmail begins to exchange the mailbox of somebody who is signed in: the old one is told, and the new one gets a link. When another account has the new
// one, its owner is told instead: the caller sees no difference. Errors: invalid_request, not_found.
func (s *Service) ChangeEmail(ctx context.Context, user uuid.UUID, typed string) error {
	to, err := address.Parse(typed)
	if err != nil {
		return err
	}
	return identity.Wrap("note another mailbox", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		u, err := byID(ctx, tx, user, forUpdate)
		if err != nil {
			return err
		}
		if u.Email == to {
			return invalid("email", "this is the e-mail address that the account has")
		}
		if err := mayMove(ctx, tx, user, u.Email, to); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, &u, u.Email, EmailChanging, map[string]string{"masked": to.Masked()}); err != nil {
			return err
		}
		c := auditlog.About(ctx, user)
		c.Personal = map[string]string{"asked_for": string(to)}
		if err := auditlog.Record(ctx, tx, c); err != nil {
			return err
		}
		other, err := byEmail(ctx, tx, to, "")
		switch {
		case err == nil:
			return s.tell(ctx, tx, &other, to, AlreadyHave, nil)
		case !errors.Is(err, errNobody):
			return err
		}
		return s.tell(ctx, tx, &u, to, ConfirmEmail, map[string]string{"masked": u.Email.Masked()})
	}))
}

// ConfirmEmail follows the link that proves the new mailbox of somebody who is signed in, and makes it the account's. Who has the mailbox only cannot be led to give it
// to somebody else's account. Older links are void, and the old mailbox is told. Errors: link_invalid, also when the link is of another account, or the mailbox has
// become another account's meanwhile.
func (s *Service) ConfirmEmail(ctx context.Context, user uuid.UUID, secret string) (User, error) {
	var u row
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		var to address.Email
		if u, to, err = s.follow(ctx, tx, secret, Change); err != nil {
			return err
		}
		if u.ID != user {
			return badLink()
		}
		if err := mayMove(ctx, tx, user, u.Email, to); err != nil {
			return err
		}
		if err := take(ctx, tx, to); err != nil {
			return err
		}
		before := u.Email
		u.Email, u.VerifiedAt = to, domain.Moment(s.now())
		if _, err := tx.Exec(ctx, `UPDATE identity.users SET email = $2, email_verified_at = $3, credentials = credentials + 1 WHERE user_id = $1`, u.ID, to, u.VerifiedAt); err != nil {
			return err
		}
		c := auditlog.About(ctx, u.ID)
		c.Personal = map[string]string{"before": string(before), "after": string(to)}
		if err := auditlog.Record(ctx, tx, c); err != nil {
			return err
		}
		if err := moved(ctx, tx, user, before, u.VerifiedAt); err != nil {
			return err
		}
		return s.tell(ctx, tx, &u, before, EmailChanged, map[string]string{"masked": to.Masked()})
	})
	return u.User, identity.Wrap("exchange a mailbox", err)
}

// take makes a mailbox somebody's who has proved it: those who only asked for an account at it have to give way. Others who take it at the same time wait. Errors:
// link_invalid when an account has it.
func take(ctx context.Context, tx pgx.Tx, email address.Email) error {
	if _, err := tx.Exec(ctx, lockEmail, email); err != nil {
		return err
	}
	switch _, err := byEmail(ctx, tx, email, ""); {
	case err == nil:
		return badLink()
	case !errors.Is(err, errNobody):
		return err
	}
	_, err := tx.Exec(ctx, voidSignUps, email)
	return err
}

// lockEmail lets those who want one mailbox come one after the other.
const lockEmail = `SELECT pg_advisory_xact_lock(hashtextextended('identity email ' || $1, 0))`

// voidSignUps ends those at a mailbox that has become an account's.
const voidSignUps = `DELETE FROM identity.sign_ups WHERE email = $1`
