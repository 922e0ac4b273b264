package phone

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// Purpose is what a code is for.
type Purpose string

// The purposes.
const (
	Confirm Purpose = "confirm" // of a number
	Factor  Purpose = "factor"  // a challenge
)

const (
	// pause is how long after a message the next one can be asked for; it doubles each time.
	pause    = time.Minute
	maxPause = 15 * time.Minute
	// calm is after how long without a message the pause is short again.
	calm = time.Hour
)

// Add has a code sent to a number, which counts when it is confirmed; until then the one before stays. The answer does not depend on who else has the
// number. Errors: invalid_request, too_many_messages.
func (s *Store) Add(ctx context.Context, user uuid.UUID, typed string, from netip.Addr) error {
	n, err := ParseNumber(typed)
	if err != nil {
		return err
	}
	return identity.Wrap("ask for a text message", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		return s.ask(ctx, tx, user, Confirm, uuid.Nil, n, from)
	}))
}

// AskFactor has a code sent to the number of somebody, for a challenge. Errors: not_found without a number, too_many_messages.
func (s *Store) AskFactor(ctx context.Context, user, challenge uuid.UUID, from netip.Addr) error {
	return identity.Wrap("ask for a text message", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		var n Number
		err := tx.QueryRow(ctx, `SELECT number FROM identity.phones WHERE user_id = $1`, user).Scan(&n)
		if errors.Is(err, pgx.ErrNoRows) {
			return domain.Errorf(domain.CodeNotFound, "there is no telephone number")
		}
		if err != nil {
			return err
		}
		return s.ask(ctx, tx, user, Factor, challenge, n, from)
	}))
}

// ask notes a message, in place of the one before of the same purpose. The user is held: of several requests at once each sees what the others have asked for.
func (s *Store) ask(ctx context.Context, tx pgx.Tx, user uuid.UUID, p Purpose, about uuid.UUID, to Number, from netip.Addr) error {
	country := to.country(s.o.Countries)
	if country == "" || len(to.country(s.o.Excluded)) > len(country) {
		return domain.Errorf(domain.CodeInvalid, "no messages are sent to numbers of this country").With("param", "phone")
	}
	now := domain.Moment(s.o.Now())
	asks, err := s.pace(ctx, tx, user, p, now)
	if err != nil {
		return err
	}
	if err := s.count(ctx, tx, user, to, country, from); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO identity.phone_codes (user_id, purpose, code_id, number, about, asks, asked_at, expires_at)
		VALUES ($1, $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, $7, $8)
		ON CONFLICT (user_id, purpose) DO UPDATE SET code_id = EXCLUDED.code_id, number = EXCLUDED.number, about = EXCLUDED.about, code_hash = NULL, tries = 0,
			asks = EXCLUDED.asks, asked_at = EXCLUDED.asked_at, expires_at = EXCLUDED.expires_at, used_at = NULL`,
		user, p, id, to, about, asks, now, now.Add(Life)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO identity.messages (message_id, user_id, number, purpose, language, created_at, due_at, late_at)
		SELECT $1, $2, $3, $4, language, $5, $5, $6 FROM identity.users WHERE user_id = $2`, id, user, to, p, now, now.Add(Late)); err != nil {
		return err
	}
	c := auditlog.About(ctx, user)
	c.After = map[string]string{"text_message": string(p)}
	return auditlog.Record(ctx, tx, c)
}

// pace says the how manieth message in a row this is, or refuses one that comes too soon after the last.
func (s *Store) pace(ctx context.Context, tx pgx.Tx, user uuid.UUID, p Purpose, now time.Time) (asks int, err error) {
	var last time.Time
	err = tx.QueryRow(ctx, `SELECT asks, asked_at FROM identity.phone_codes WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND asked_at > $3`,
		user, p, now.Add(-calm)).Scan(&asks, &last)
	if errors.Is(err, pgx.ErrNoRows) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	wait := min(pause<<min(asks-1, 10), maxPause)
	if left := last.Add(wait).Sub(now); left > 0 {
		return 0, tooMany(left)
	}
	return asks + 1, nil
}
