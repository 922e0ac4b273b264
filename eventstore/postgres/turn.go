package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// turnClass is the first half of the advisory lock's key; the second is the shard.
const turnClass = 0x6d72 // "mr"

// endTimeout bounds how long giving a turn up may take before its connection is closed, which gives it up too.
const endTimeout = time.Second

// Turn waits for the caller's turn: an advisory lock that PostgreSQL hands on in the order in which it was asked for. It
// is the session's, so it ends with the process at the latest.
func (s *Store) Turn(ctx context.Context, patience time.Duration) (end func(), err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, classify(fmt.Errorf("wait for a turn: %w", err))
	}
	if err := lockTurn(ctx, conn, s.o.Shard, patience); err != nil {
		conn.Release()
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code == "55P03" { // lock_not_available
			return nil, nil //nolint:nilnil // no turn and no error: the caller goes on without
		}
		return nil, classify(fmt.Errorf("wait for a turn: %w", err))
	}
	return func() { s.endTurn(context.WithoutCancel(ctx), conn) }, nil
}

// lockTurn does it in one round trip and one implicit transaction; a session's advisory lock outlives that. A patience of
// no milliseconds would be one without end.
func lockTurn(ctx context.Context, conn *pgxpool.Conn, shard int16, patience time.Duration) error {
	return conn.Conn().PgConn().Exec(ctx, fmt.Sprintf(
		`SET LOCAL lock_timeout = %d; SELECT pg_advisory_lock(%d, %d)`, max(patience.Milliseconds(), 1), turnClass, shard)).Close()
}

func (s *Store) endTurn(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	if err := conn.Conn().PgConn().Exec(ctx, fmt.Sprintf(`SELECT pg_advisory_unlock(%d, %d)`, turnClass, s.o.Shard)).Close(); err != nil {
		_ = conn.Conn().Close(ctx)
	}
	conn.Release() // the pool discards closed connections
}
