package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Status is where a relay stands, as its checkpoint says.
type Status struct {
	Name         string
	Position     int64     // everything up to it is on the bus
	Behind       int64     // events between Position and the end of the log
	PublishedAt  time.Time // when Position last moved; zero if never
	FailingSince time.Time // zero when it gets on
	Error        string    // why it does not; for operators
	Owned        bool      // some process runs it
}

// List says where all relays stand that ever ran on a database, by name.
func List(ctx context.Context, pool *pgxpool.Pool, store eventstore.Reader) ([]Status, error) {
	rows, err := pool.Query(ctx, `SELECT name, position, coalesce(published_at, '0001-01-01'), coalesce(failing_since, '0001-01-01'), error,
		EXISTS (SELECT FROM pg_locks, (SELECT hashtextextended('massrouter relay ' || name, 0) AS key) AS k
			WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (classid::bigint << 32 | objid::bigint) = key)
		FROM relay.checkpoints ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read the relays' checkpoints: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Status, err error) {
		err = row.Scan(&s.Name, &s.Position, &s.PublishedAt, &s.FailingSince, &s.Error, &s.Owned)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the relays' checkpoints: %w", err)
	}
	head, err := store.Head(ctx) // after the checkpoints, so that nobody is ahead
	if err != nil {
		return nil, fmt.Errorf("read the end of the log: %w", err)
	}
	for i := range all {
		all[i].Behind = head.Position - all[i].Position
	}
	return all, nil
}

// Seek moves a checkpoint: the relay publishes the events after the position, again or for the first time. Moving it
// back publishes them once more. Moving it forward leaves events out for ever, and has to be wanted. It returns where the
// checkpoint was. Errors have the codes not_found, conflict and invalid_request.
func Seek(ctx context.Context, pool *pgxpool.Pool, store eventstore.Reader, name string, position int64, leaveOut bool) (was int64, err error) {
	head, err := store.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", err)
	}
	if position < 0 || position > head.Position {
		return 0, domain.Errorf(domain.CodeInvalid, "position %d is not between 0 and the end of the log, %d", position, head.Position)
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT position FROM relay.checkpoints WHERE name = $1 FOR UPDATE`, name).Scan(&was)
		if errors.Is(err, pgx.ErrNoRows) {
			return domain.Errorf(domain.CodeNotFound, "there is no relay %q", name)
		}
		if err != nil {
			return err
		}
		if position > was && !leaveOut {
			return domain.Errorf(domain.CodeConflict, "relay %s is at position %d: moving it to %d would leave events out", name, was, position)
		}
		_, err = tx.Exec(ctx, `UPDATE relay.checkpoints SET position = $2, failing_since = NULL, error = '' WHERE name = $1`, name, position)
		return err
	})
	var refused *domain.Error
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("move the checkpoint of relay %s: %w", name, err)
	}
	return was, err
}
