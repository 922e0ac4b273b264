package phone

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/code"
)

// hashOf is what is kept of a code. It is worth nothing for another message.
func hashOf(p Purpose, id uuid.UUID, digits string) code.Hash {
	return code.HashOf(code.Purpose("phone "+string(p)), id[:], digits)
}

// MakeCode makes the code of a message that is about to be sent, in place of any that an attempt before has made: the newest counts. Its tries stay counted.
// Errors: not_found when nobody waits for the message any more.
func (s *Store) MakeCode(ctx context.Context, message uuid.UUID) (string, error) {
	var p Purpose
	digits := code.Digits()
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT c.purpose FROM identity.phone_codes c JOIN identity.messages m ON m.message_id = c.code_id AND m.user_id = c.user_id
			WHERE m.message_id = $1 AND c.used_at IS NULL AND c.expires_at > $2 FOR UPDATE OF c`, message, domain.Moment(s.o.Now())).Scan(&p)
		if errors.Is(err, pgx.ErrNoRows) {
			return domain.Errorf(domain.CodeNotFound, "nobody waits for this message")
		}
		if err != nil {
			return err
		}
		h := hashOf(p, message, digits)
		_, err = tx.Exec(ctx, `UPDATE identity.phone_codes SET code_hash = $2 WHERE code_id = $1`, message, h[:])
		return err
	})
	return digits, identity.Wrap("make the code of a text message", err)
}

// Found is a code that was right, and can be used once.
type Found struct {
	id      uuid.UUID
	user    uuid.UUID
	purpose Purpose
	number  Number
}

// Try looks at a code. The try is counted before, in a transaction of its own, so that whoever tries many at once has as few as any other. Errors: code_wrong.
func (s *Store) Try(ctx context.Context, user uuid.UUID, p Purpose, about uuid.UUID, typed string) (f Found, err error) {
	digits := code.NormalDigits(typed)
	var kept []byte
	f.user, f.purpose = user, p
	err = s.pool.QueryRow(ctx, `UPDATE identity.phone_codes SET tries = tries + 1
		WHERE user_id = $1 AND purpose = $2 AND about IS NOT DISTINCT FROM nullif($3, '00000000-0000-0000-0000-000000000000'::uuid)
			AND used_at IS NULL AND expires_at > $4 AND tries < $5 AND code_hash IS NOT NULL
		RETURNING code_id, number, code_hash`, user, p, about, domain.Moment(s.o.Now()), MaxTries).Scan(&f.id, &f.number, &kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, wrong()
	}
	if err != nil {
		return f, identity.Wrap("look at a code", err)
	}
	if digits == "" || !hashOf(p, f.id, digits).Is(code.Hash(kept)) {
		return f, wrong()
	}
	return f, nil
}

// spend uses a code up, in the caller's transaction. Errors: code_wrong when somebody else has, or another one was asked for.
func (s *Store) spend(ctx context.Context, tx pgx.Tx, f Found) error {
	tag, err := tx.Exec(ctx, `UPDATE identity.phone_codes SET used_at = $3, code_hash = NULL WHERE user_id = $1 AND code_id = $2 AND used_at IS NULL`,
		f.user, f.id, domain.Moment(s.o.Now()))
	if err == nil && tag.RowsAffected() == 0 {
		err = wrong()
	}
	return err
}

// Spend uses the code of a factor up, in the caller's transaction, while the number that it was sent to is still that of its user. Errors: code_wrong.
func (s *Store) Spend(ctx context.Context, tx pgx.Tx, f Found) error {
	tag, err := tx.Exec(ctx, `UPDATE identity.phones SET verified_at = verified_at WHERE user_id = $1 AND number = $2`, f.user, f.number)
	if err != nil {
		return identity.Wrap("use a code", err)
	}
	if tag.RowsAffected() == 0 {
		return wrong()
	}
	return identity.Wrap("use a code", s.spend(ctx, tx, f))
}
