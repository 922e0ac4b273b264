// Package factor keeps second factors: codes of an authenticator app, and the recovery codes for when a factor is lost. Passkeys are kept by package passkey.
//
//	factor.go  codes of an app, and recovery codes
//	enrol.go   sets an app up
//	lost.go    what goes with a factor, and what with the first one that comes
package factor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/totp"
)

// Method is how somebody shows who he is, by its name in RFC 8176 where that has one.
type Method string

// The methods.
const (
	Password Method = "pwd"
	TOTP     Method = "otp"
	Recovery Method = "recovery"
	Passkey  Method = "hwk"
	SMS      Method = "sms" // a code in a text message: the weakest; see package phone
)

// Sealer encrypts what is kept. name and owner are where: what was sealed for one owner opens for no other.
type Sealer interface {
	Seal(text []byte, name string, owner uuid.UUID) ([]byte, error)
	Open(sealed []byte, name string, owner uuid.UUID) ([]byte, error)
}

const totpSecret = "identity.totp"

// CodeWrong is of codes that are wrong, too old, or were used before.
const CodeWrong domain.Code = "code_wrong"

func wrong() error {
	return domain.Errorf(CodeWrong, "this code is wrong, too old, or was used before")
}

// Store keeps factors in Postgres. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	sealer Sealer
	issuer string
	now    func() time.Time
}

// New makes a Store. issuer is the name that apps show.
func New(pool *pgxpool.Pool, sealer Sealer, issuer string, now func() time.Time) *Store {
	return &Store{pool: pool, sealer: sealer, issuer: issuer, now: now}
}

// changed notes a change of factors in the audit trail, and the mail that tells of it.
func (s *Store) changed(ctx context.Context, tx pgx.Tx, user uuid.UUID, k account.Kind) error {
	if err := auditlog.Record(ctx, tx, auditlog.About(ctx, user)); err != nil {
		return err
	}
	return account.TellOnce(ctx, tx, user, k, nil, s.now())
}

// CheckTOTP takes a code of an app that was confirmed, once, in the caller's transaction. The row is locked, so that of two who show the same code one comes late.
// Errors: code_wrong, also when there is none.
func (s *Store) CheckTOTP(ctx context.Context, tx pgx.Tx, user uuid.UUID, typed string) error {
	var sealed []byte
	var used int64
	err := tx.QueryRow(ctx, `SELECT secret, used_step FROM identity.totp WHERE user_id = $1 AND confirmed_at IS NOT NULL FOR UPDATE`, user).Scan(&sealed, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return wrong()
	}
	if err != nil {
		return fmt.Errorf("find an authenticator app: %w", err)
	}
	secret, err := s.sealer.Open(sealed, totpSecret, user)
	if err != nil {
		return fmt.Errorf("open the secret of an authenticator app: %w", err)
	}
	step, err := totp.Secret(secret).Check(code.NormalDigits(typed), s.now(), used)
	if errors.Is(err, totp.ErrWrong) {
		return wrong()
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE identity.totp SET used_step = $2 WHERE user_id = $1`, user, step)
	return identity.Wrap("note that a code was used", err)
}

// renew makes recovery codes, in place of those before.
func renew(ctx context.Context, tx pgx.Tx, user uuid.UUID) ([]string, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM identity.recovery_codes WHERE user_id = $1`, user); err != nil {
		return nil, err
	}
	codes := code.Recovery()
	for _, c := range codes {
		h := code.HashOf("recovery", user[:], c)
		if _, err := tx.Exec(ctx, `INSERT INTO identity.recovery_codes (user_id, code_hash) VALUES ($1, $2)`, user, h[:]); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// RenewRecovery makes recovery codes, in place of those before. Errors: not_found without a factor that they stand for.
func (s *Store) RenewRecovery(ctx context.Context, user uuid.UUID) (codes []string, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		var is bool
		if err := tx.QueryRow(ctx, `SELECT `+strong+` OR `+weak, user).Scan(&is); err != nil {
			return err
		}
		if !is {
			return domain.Errorf(domain.CodeNotFound, "there is no second factor that recovery codes could stand for")
		}
		if codes, err = renew(ctx, tx, user); err != nil {
			return err
		}
		return s.changed(ctx, tx, user, account.RecoveryRenewed)
	})
	return codes, identity.Wrap("make recovery codes", err)
}

// CheckRecovery takes a recovery code, once, in the caller's transaction, and says how many are left. Errors: code_wrong.
func (s *Store) CheckRecovery(ctx context.Context, tx pgx.Tx, user uuid.UUID, typed string) (left int, err error) {
	h := code.HashOf("recovery", user[:], code.NormalRecovery(typed))
	tag, err := tx.Exec(ctx, `UPDATE identity.recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL`, user, h[:], domain.Moment(s.now()))
	if err != nil {
		return 0, fmt.Errorf("use a recovery code: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return 0, wrong()
	}
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM identity.recovery_codes WHERE user_id = $1 AND used_at IS NULL`, user).Scan(&left); err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return left, account.TellOnce(ctx, tx, user, account.RecoveryUsed, map[string]string{"left": strconv.Itoa(left)}, s.now())
}

// RemoveTOTP takes the authenticator app away, and the recovery codes unless they stand for something else. Errors: not_found.
func (s *Store) RemoveTOTP(ctx context.Context, user uuid.UUID) error {
	return identity.Wrap("remove an authenticator app", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM identity.totp WHERE user_id = $1`, user)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return domain.Errorf(domain.CodeNotFound, "there is no authenticator app")
		}
		if err := Lost(ctx, tx, user, s.now()); err != nil {
			return err
		}
		return s.changed(ctx, tx, user, account.AppRemoved)
	}))
}

// RecoveryLeft counts the recovery codes that were not used.
func (s *Store) RecoveryLeft(ctx context.Context, user uuid.UUID) (left int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM identity.recovery_codes WHERE user_id = $1 AND used_at IS NULL`, user).Scan(&left)
	return left, identity.Wrap("count recovery codes", err)
}

// List is Of, by itself.
func (s *Store) List(ctx context.Context, user uuid.UUID) ([]Method, error) {
	return s.Of(ctx, s.pool, user)
}

// Of lists the second factors that a user has.
func (s *Store) Of(ctx context.Context, q identity.Querier, user uuid.UUID) ([]Method, error) {
	rows, err := q.Query(ctx, `SELECT 'otp' FROM identity.totp WHERE user_id = $1 AND confirmed_at IS NOT NULL
		UNION ALL SELECT 'hwk' WHERE EXISTS (SELECT FROM identity.passkeys WHERE user_id = $1)
		UNION ALL SELECT 'sms' WHERE EXISTS (SELECT FROM identity.phones WHERE user_id = $1)
		UNION ALL SELECT 'recovery' WHERE EXISTS (SELECT FROM identity.recovery_codes WHERE user_id = $1 AND used_at IS NULL)`, user)
	if err != nil {
		return nil, fmt.Errorf("list second factors: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[Method])
	return all, identity.Wrap("list second factors", err)
}
