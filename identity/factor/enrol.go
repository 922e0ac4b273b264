package factor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/totp"
)

const (
	// EnrolmentLife is how long the secret of an app waits for its first code.
	EnrolmentLife = 10 * time.Minute
	// MaxTries are the first codes that are looked at: whoever has not seen the secret does not find one.
	MaxTries = 5
)

// Enrolment is what an app needs to know. It is shown once.
type Enrolment struct {
	Secret string
	URI    string
}

// BeginTOTP makes the secret for an authenticator app. It counts when a first code was shown; until then another one can be made. Errors: conflict when there
// is one already.
func (s *Store) BeginTOTP(ctx context.Context, user uuid.UUID, account string) (Enrolment, error) {
	secret := totp.New()
	sealed, err := s.sealer.Seal(secret, totpSecret, user)
	if err != nil {
		return Enrolment{}, fmt.Errorf("seal the secret of an authenticator app: %w", err)
	}
	c := auditlog.About(ctx, user)
	c.After = map[string]string{"authenticator_app": "waits for its first code"}
	tag, err := auditlog.Exec(ctx, s.pool, c, `INSERT INTO identity.totp (user_id, secret, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET secret = EXCLUDED.secret, created_at = EXCLUDED.created_at, tries = 0 WHERE identity.totp.confirmed_at IS NULL`,
		user, sealed, domain.Moment(s.now()))
	if err != nil {
		return Enrolment{}, identity.Wrap("keep the secret of an authenticator app", err)
	}
	if tag.RowsAffected() == 0 {
		return Enrolment{}, domain.Errorf(domain.CodeConflict, "there is an authenticator app already: remove it first")
	}
	return Enrolment{Secret: secret.Text(), URI: secret.URI(s.issuer, account)}, nil
}

// ConfirmTOTP takes the first code of an app, and gives recovery codes, in place of any before. Errors: code_wrong; not_found when no app waits, or not any more.
func (s *Store) ConfirmTOTP(ctx context.Context, user uuid.UUID, typed string) (codes []string, err error) {
	sealed, step, err := s.first(ctx, user, typed)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		if err := Gained(ctx, tx, user); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE identity.totp SET confirmed_at = $3, used_step = $4 WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NULL`,
			user, sealed, domain.Moment(s.now()), step)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return noneWaits() // another one was made meanwhile
		}
		if codes, err = renew(ctx, tx, user); err != nil {
			return err
		}
		return s.changed(ctx, tx, user, account.AppAdded)
	})
	return codes, identity.Wrap("confirm an authenticator app", err)
}

// first looks at a first code. Its try is counted before, in a transaction of its own, so that whoever tries many at once has as few as any other.
func (s *Store) first(ctx context.Context, user uuid.UUID, typed string) (sealed []byte, step int64, err error) {
	now := domain.Moment(s.now())
	err = s.pool.QueryRow(ctx, `UPDATE identity.totp SET tries = tries + 1 WHERE user_id = $1 AND confirmed_at IS NULL AND created_at > $2 AND tries < $3 RETURNING secret`,
		user, now.Add(-EnrolmentLife), MaxTries).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, noneWaits()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("find an authenticator app: %w", err)
	}
	secret, err := s.sealer.Open(sealed, totpSecret, user)
	if err != nil {
		return nil, 0, fmt.Errorf("open the secret of an authenticator app: %w", err)
	}
	step, err = totp.Secret(secret).Check(code.NormalDigits(typed), now, 0)
	if errors.Is(err, totp.ErrWrong) {
		err = wrong()
	}
	return sealed, step, err
}

func noneWaits() error {
	return domain.Errorf(domain.CodeNotFound, "there is no authenticator app that waits for its first code, or not any more: begin again")
}

// Prune forgets secrets whose first code nobody has shown, a batch at a time, and says how many.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM identity.totp WHERE confirmed_at IS NULL AND created_at < $1
		AND user_id IN (SELECT user_id FROM identity.totp WHERE confirmed_at IS NULL AND created_at < $1 LIMIT 1000)`, domain.Moment(s.now()).Add(-EnrolmentLife))
	return tag.RowsAffected(), identity.Wrap("forget authenticator apps that were never set up", err)
}
