package organisation

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
)

const (
	// departureAgain is how long after it a departure is looked at again: a request that was under way may have issued a key.
	departureAgain = 15 * time.Minute
	// departurePause is between two such looks.
	departurePause = 2 * time.Second
	departureMost  = 100 // at once
)

// Departure is somebody who has left an organisation, or has another role in it. The database notes it with the change, whoever makes it.
type Departure struct {
	Wallet, Member uuid.UUID
	At             time.Time
}

// Departures lists those that are to be looked at now.
func (s *Service) Departures(ctx context.Context) ([]Departure, error) {
	rows, err := s.pool.Query(ctx, `SELECT wallet_id, member_id, at FROM identity.departures WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1`, departureMost)
	if err != nil {
		return nil, identity.Wrap("list departures", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Departure])
	return all, identity.Wrap("list departures", err)
}

// Followed notes that what a departure ends has ended; failed puts it off only. One that was noted again meanwhile is looked at again.
func (s *Service) Followed(ctx context.Context, d Departure, failed bool) error {
	if !failed {
		tag, err := s.pool.Exec(ctx, `DELETE FROM identity.departures WHERE wallet_id = $1 AND member_id = $2 AND at = $3 AND at < clock_timestamp() - make_interval(secs => $4)`,
			d.Wallet, d.Member, d.At, departureAgain.Seconds())
		if err != nil || tag.RowsAffected() > 0 {
			return identity.Wrap("forget a departure", err)
		}
	}
	_, err := s.pool.Exec(ctx, `UPDATE identity.departures SET due_at = clock_timestamp() + make_interval(secs => $4) WHERE wallet_id = $1 AND member_id = $2 AND at = $3`,
		d.Wallet, d.Member, d.At, departurePause.Seconds())
	return identity.Wrap("put a departure off", err)
}

// RoleIn is the role that somebody has in the organisation of a wallet; "" for none.
func (s *Service) RoleIn(ctx context.Context, wallet, user uuid.UUID) (role Role, err error) {
	err = s.pool.QueryRow(ctx, `SELECT m.role FROM identity.members m JOIN identity.organisations o USING (organisation_id)
		WHERE o.wallet_id = $1 AND m.user_id = $2 AND o.deleted_at IS NULL`, wallet, user).Scan(&role)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return role, identity.Wrap("find a member's role", err)
}
