package account

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/code"
)

// Purpose is what a link does.
type Purpose string

// The purposes.
const (
	Verify Purpose = "verify" // proves the mailbox of a sign-up
	Reset  Purpose = "reset"  // lets a new password be set
	Change Purpose = "change" // proves the mailbox that the account is to have
)

// life is how long a link is good.
func (p Purpose) life() time.Duration {
	if p == Reset {
		return 30 * time.Minute
	}
	return 24 * time.Hour
}

// kept is how many links of a user are good at once, until one of them is used. Anybody can ask for one to reset a password: that makes void none that somebody has just
// got. Only who is signed in asks for one to another mailbox, and means the last.
func (p Purpose) kept() int {
	if p == Reset {
		return 10
	}
	return 1
}

// CodeLink is of links that do not exist, were used, are over, or are older than the last change of what the user signs in with. Which of them it is
// is not said.
const CodeLink domain.Code = "link_invalid"

func badLink() error {
	return domain.Errorf(CodeLink, "this link was used, or is too old: ask for a new one")
}

// MakeLink makes the secret of a link to a mailbox, when the mail is about to be sent: of a user or, for Verify, of a sign-up. Errors: not_found when the user or the
// sign-up is gone, so that nothing is to be sent.
func (s *Service) MakeLink(ctx context.Context, of uuid.UUID, to address.Email, p Purpose) (string, error) {
	if p == Verify {
		return s.attemptLink(ctx, of)
	}
	return s.userLink(ctx, of, to, p)
}

// attemptLink leaves earlier ones good: they are of the same attempt, and need its password.
func (s *Service) attemptLink(ctx context.Context, signUp uuid.UUID) (string, error) {
	secret := code.Token()
	h := code.HashOf(code.Purpose(Verify), nil, secret)
	tag, err := s.pool.Exec(ctx, `INSERT INTO identity.sign_up_links (token_hash, sign_up_id, expires_at) SELECT $1, sign_up_id, $3 FROM identity.sign_ups WHERE sign_up_id = $2 FOR KEY SHARE`,
		h[:], signUp, domain.Moment(s.now()).Add(Verify.life()))
	if err == nil && tag.RowsAffected() == 0 {
		err = errNobody
	}
	return secret, identity.Wrap("make a link", err)
}

func (s *Service) userLink(ctx context.Context, user uuid.UUID, to address.Email, p Purpose) (secret string, err error) {
	secret = code.Token()
	now := domain.Moment(s.now())
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		u, err := byID(ctx, tx, user, forUpdate)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM identity.links WHERE user_id = $1 AND purpose = $2 AND link_no NOT IN (
			SELECT link_no FROM identity.links WHERE user_id = $1 AND purpose = $2 ORDER BY link_no DESC LIMIT $3)`, user, p, p.kept()-1); err != nil {
			return err
		}
		h := code.HashOf(code.Purpose(p), nil, secret)
		_, err = tx.Exec(ctx, `INSERT INTO identity.links (token_hash, purpose, user_id, email, credentials, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			h[:], p, user, to, u.credentials, now.Add(p.life()))
		return err
	})
	return secret, identity.Wrap("make a link", err)
}

// follow uses a link up, in the transaction of what it does, and locks its user: first the user, then the link, as MakeLink does. Errors: link_invalid.
func (s *Service) follow(ctx context.Context, tx pgx.Tx, secret string, p Purpose) (row, address.Email, error) {
	h := code.HashOf(code.Purpose(p), nil, secret)
	var user uuid.UUID
	err := tx.QueryRow(ctx, `SELECT user_id FROM identity.links WHERE token_hash = $1 AND purpose = $2`, h[:], p).Scan(&user)
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, "", badLink()
	}
	if err != nil {
		return row{}, "", identity.Wrap("find a link", err)
	}
	u, err := byID(ctx, tx, user, forUpdate)
	if errors.Is(err, errNobody) {
		return row{}, "", badLink()
	}
	if err != nil {
		return row{}, "", err
	}
	var to address.Email
	var credentials int64
	err = tx.QueryRow(ctx, `UPDATE identity.links SET used_at = $3 WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
		RETURNING email, credentials`, h[:], p, domain.Moment(s.now())).Scan(&to, &credentials)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && u.credentials != credentials {
		return row{}, "", badLink()
	}
	return u, to, identity.Wrap("follow a link", err)
}
