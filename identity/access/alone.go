package access

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/identity"
)

// AloneWindow is how long what somebody has moved alone counts.
const AloneWindow = 24 * time.Hour

// Movement is money that somebody wants to move by hand. Its sign says nothing here: what is taken away weighs as much as what is given.
type Movement struct {
	CommandID uuid.UUID // counts once, however often it is sent
	By        uuid.UUID
	Currency  string
	Amount    money.Amount
}

// MayMoveAlone says whether somebody may make a movement without a second person, and notes it then: all that the person has moved alone within the window, in any wallet of the
// currency, is up to the limit. noted is for MovedNothing: zero when the command was there already. Errors: unauthenticated when the person was erased, and
// idempotency_conflict when the command was another movement.
func (s *Service) MayMoveAlone(ctx context.Context, m Movement, limit money.Amount) (may bool, noted time.Time, err error) {
	if m.Amount.Sign() < 0 {
		m.Amount = m.Amount.Neg()
	}
	now := domain.Moment(s.now())
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, m.By); err != nil { // one after the other
			return err
		}
		var sum string
		if err := tx.QueryRow(ctx, `SELECT coalesce(sum(amount), 0)::text FROM identity.moved_alone WHERE user_id = $1 AND currency = $2 AND moved_at > $3 AND command_id <> $4`,
			m.By, m.Currency, now.Add(-AloneWindow), m.CommandID).Scan(&sum); err != nil {
			return err
		}
		before, err := money.Parse(sum)
		if err != nil {
			return err
		}
		if whole := before.Add(m.Amount); whole.Check() != nil || limit.LessThan(whole) {
			return nil
		}
		may = true
		// Whoever finds the row moves its time on, so that who has written it cannot take it back: this one relies on it.
		var written *time.Time
		err = tx.QueryRow(ctx, `INSERT INTO identity.moved_alone AS o (command_id, user_id, currency, amount, moved_at) VALUES ($1, $2, $3, $4::text::numeric, $5)
			ON CONFLICT (command_id) DO UPDATE SET moved_at = o.moved_at + interval '1 microsecond' WHERE o.currency = excluded.currency AND o.amount = excluded.amount
			RETURNING CASE WHEN xmax = 0 THEN moved_at END`, m.CommandID, m.By, m.Currency, m.Amount.String(), now).Scan(&written)
		if errors.Is(err, pgx.ErrNoRows) {
			return domain.Errorf(domain.CodeIdempotencyConflict, "this Idempotency-Key was used before, for another movement")
		}
		if written != nil {
			noted = *written
		}
		return err
	})
	return may, noted, identity.Wrap("count what somebody moves alone", err)
}

// MovedNothing takes back what MayMoveAlone has noted, unless another request of the same command relies on it: the movement was refused.
func (s *Service) MovedNothing(ctx context.Context, command uuid.UUID, noted time.Time) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM identity.moved_alone WHERE command_id = $1 AND moved_at = $2`, command, noted)
	return identity.Wrap("forget what was not moved", err)
}

// Prune forgets what was moved alone and counts no longer, a batch at a time, and says how many rows.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM identity.moved_alone WHERE command_id IN (SELECT command_id FROM identity.moved_alone WHERE moved_at < $1 LIMIT 1000)`,
		s.now().Add(-AloneWindow))
	return tag.RowsAffected(), identity.Wrap("forget what was moved alone", err)
}
