package organisation

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
)

// Gone is an organisation that has ended, also by its owner's erasure.
type Gone struct {
	Wallet uuid.UUID
	At     time.Time
}

// Ended lists the organisations that have ended since a time, in that order.
func (s *Service) Ended(ctx context.Context, since time.Time) ([]Gone, error) {
	rows, err := s.pool.Query(ctx, `SELECT wallet_id, deleted_at FROM identity.organisations WHERE deleted_at >= $1 ORDER BY deleted_at, wallet_id`, since)
	if err != nil {
		return nil, identity.Wrap("list organisations that have ended", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Gone])
	return all, identity.Wrap("list organisations that have ended", err)
}
