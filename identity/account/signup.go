package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/password"
)

// SignUp is who wants an account.
type SignUp struct {
	Email    string
	Password string
	Profile  Profile
}

// SignUp notes that somebody wants an account, and has a mail sent with a link that proves the mailbox. When the address has an account, its owner is told instead:
// the caller sees no difference. Each attempt is its own: none voids another's link or takes its password away. Errors: invalid_request, password_weak, overloaded.
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
	if err := password.CheckNew(secret, string(email), email.Local(), profile.Name); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, secret)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name a sign-up: %w", err)
	}
	return identity.Wrap("sign somebody up", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Who proves the mailbox meanwhile comes before or after.
		if _, err := tx.Exec(ctx, lockEmail, email); err != nil {
			return err
		}
		owner, err := byEmail(ctx, tx, email, "")
		nobody := errors.Is(err, errNobody)
		if err != nil && !nobody {
			return err
		}
		change, kept := auditlog.Asked(ctx, owner.ID), profile
		if nobody {
			change.Target = trail.Of("sign_up", id)
		} else {
			kept.Name = "" // of the row that only takes its time
		}
		if _, err := tx.Exec(ctx, `INSERT INTO identity.sign_ups (sign_up_id, email, name, language, zone, password, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, only(nobody, email), kept.Name, kept.Language, kept.Zone, hash, domain.Moment(s.now())); err != nil {
			return err
		}
		if err := auditlog.Record(ctx, tx, change); err != nil {
			return err
		}
		if !nobody {
			return s.tell(ctx, tx, &owner, email, AlreadyHave, nil)
		}
		return s.tellAttempt(ctx, tx, &attempt{id: id, email: email, profile: profile})
	}))
}

func only(yes bool, email address.Email) address.Email {
	if yes {
		return email
	}
	return ""
}

// attempt is a sign-up whose mailbox nobody has proved yet.
type attempt struct {
	id      uuid.UUID
	email   address.Email
	profile Profile
	hash    string
}

const attemptColumns = `sign_up_id, email, name, language, zone, password`

func (a *attempt) scan(r pgx.Row) error {
	return r.Scan(&a.id, &a.email, &a.profile.Name, &a.profile.Language, &a.profile.Zone, &a.hash)
}

const (
	// verifyTries are how often the password of one sign-up is looked at with its links.
	verifyTries = 10
	// maxVerifyMails are the mails of one sign-up: the first, and those for who signs in before the mailbox is proved.
	maxVerifyMails = 3
	// keepUnproved is how long a sign-up waits for the proof of its mailbox.
	keepUnproved = 7 * 24 * time.Hour
)

// Verify makes the account of a sign-up. It takes the link, which only the mailbox has, and the password of the same attempt, which only who signed up knows: nobody
// confirms somebody else's. All other attempts at the address are void. Errors: link_invalid, also for a wrong password and after too many of them, overloaded.
func (s *Service) Verify(ctx context.Context, link, typed string) (u User, err error) {
	// A try is counted before it is looked at: who tries many at once has as few as any other.
	var a attempt
	h := code.HashOf(code.Purpose(Verify), nil, link)
	err = a.scan(s.pool.QueryRow(ctx, `UPDATE identity.sign_ups SET tries = tries + 1
		WHERE sign_up_id = (SELECT sign_up_id FROM identity.sign_up_links WHERE token_hash = $1 AND expires_at > $2) AND tries < $3 AND created_at > $4
		RETURNING `+attemptColumns, h[:], domain.Moment(s.now()), verifyTries, s.now().Add(-keepUnproved)))
	if errors.Is(err, pgx.ErrNoRows) {
		return u, badAttempt()
	}
	if err != nil {
		return u, identity.Wrap("find a sign-up", err)
	}
	right, _, err := s.hasher.Check(ctx, typedSecret(typed), a.hash)
	if err != nil {
		return u, err
	}
	if !right {
		return u, badAttempt()
	}
	u = User{ID: a.id, Email: a.email, VerifiedAt: domain.Moment(s.now()), Profile: a.profile, Password: true, CreatedAt: domain.Moment(s.now())}
	return u, identity.Wrap("prove a mailbox", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := take(ctx, tx, a.email); domain.CodeOf(err) == CodeLink {
			return badAttempt()
		} else if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO identity.users (user_id, email, email_verified_at, name, language, zone, password, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $3)`,
			u.ID, u.Email, u.VerifiedAt, u.Profile.Name, u.Profile.Language, u.Profile.Zone, a.hash); err != nil {
			return err
		}
		c := auditlog.About(ctx, u.ID)
		c.After = map[string]bool{"verified": true}
		return auditlog.Record(ctx, tx, c)
	}))
}

// pruneSignUps forgets those that were never proved, a batch at a time until none is left.
func (s *Service) pruneSignUps(ctx context.Context) (n int64, err error) {
	const most = 1000
	for {
		tag, err := s.pool.Exec(ctx, `DELETE FROM identity.sign_ups WHERE sign_up_id IN (SELECT sign_up_id FROM identity.sign_ups WHERE created_at < $1 LIMIT $2)`, s.now().Add(-keepUnproved), most)
		if n += tag.RowsAffected(); err != nil || tag.RowsAffected() < most {
			return n, identity.Wrap("forget sign-ups that nobody has proved", err)
		}
	}
}

// badAttempt says nothing of what was wrong. Whose answer was lost may have an account by now.
func badAttempt() *domain.Error {
	return domain.Errorf(CodeLink, "this link and this password do not belong together, or the link was used or is too old: if you have followed it before, sign in; else sign up again for a new one")
}
