package access

import (
	"context"
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
// currency, is up to the limit. noted: it was not before. Errors: unauthenticated when the person was erased.
func (s *Service) MayMoveAlone(ctx context.Context, m Movement, limit money.Amount) (may, noted bool, err error) {
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
		return tx.QueryRow(ctx, `INSERT INTO identity.moved_alone AS o (command_id, user_id, currency, amount, moved_at) VALUES ($1, $2, $3, $4::text::numeric, $5)
			ON CONFLICT (command_id) DO UPDATE SET amount = greatest(o.amount, excluded.amount) RETURNING xmax = 0`,
			m.CommandID, m.By, m.Currency, m.Amount.String(), now).Scan(&noted)
	})
	return may, noted, identity.Wrap("count what somebody moves alone", err)
}

// MovedNothing takes back what MayMoveAlone has noted: the movement was refused.
func (s *Service) MovedNothing(ctx context.Context, command uuid.UUID) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM identity.moved_alone WHERE command_id = $1`, command)
	return identity.Wrap("forget what was not moved", err)
}

// Prune forgets what was moved alone and counts no longer, a batch at a time, and says how many rows.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM identity.moved_alone WHERE command_id IN (SELECT command_id FROM identity.moved_alone WHERE moved_at < $1 LIMIT 1000)`,
		s.now().Add(-AloneWindow))
	return tag.RowsAffected(), identity.Wrap("forget what was moved alone", err)
}
