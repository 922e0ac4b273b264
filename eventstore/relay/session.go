package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var (
	// errOwned: another process owns the relay.
	errOwned = errors.New("another process owns the relay")
	// errMoved: the checkpoint is not where this process left it: an operator moved it, or another process owned it in
	// between.
	errMoved = errors.New("the relay's checkpoint was moved by somebody else")
)

// session is a connection on which the relay is owned and its checkpoint written.
type session struct {
	conn *pgx.Conn
	name string
}

// lock takes a connection of its own out of the pool and locks the relay on it, or returns errOwned. The lock lives as
// long as the session: when this process dies, or the connection does, the next one gets it.
func lock(ctx context.Context, pool *pgxpool.Pool, name string) (*session, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the relay: %w", err)
	}
	var owned bool
	err = pooled.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, "massrouter relay "+name).Scan(&owned)
	if err == nil && !owned {
		pooled.Release()
		return nil, errOwned
	}
	s := &session{conn: pooled.Hijack(), name: name}
	if err == nil {
		_, err = s.conn.Exec(ctx, sessionSettings)
	}
	if err != nil {
		s.close(ctx)
		return nil, fmt.Errorf("lock the relay: %w", err)
	}
	return s, nil
}

// Keep-alives free the lock of a machine that vanished within seconds. A checkpoint that a crash of the database loses is
// published again, so commits do not wait for the disk.
const sessionSettings = `SELECT set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false),
	set_config('tcp_keepalives_count', '3', false), set_config('synchronous_commit', 'off', false)`

// close ends the session, and with it the ownership, also after the relay's context has ended.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // the session is over either way
}

// begin reads the checkpoint; the first time it makes it, before the first event.
func (s *session) begin(ctx context.Context) (position int64, err error) {
	const read = `SELECT position FROM relay.checkpoints WHERE name = $1`
	err = s.conn.QueryRow(ctx, read, s.name).Scan(&position)
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err = s.conn.Exec(ctx, `INSERT INTO relay.checkpoints (name) VALUES ($1) ON CONFLICT DO NOTHING`, s.name); err == nil {
			err = s.conn.QueryRow(ctx, read, s.name).Scan(&position)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read the relay's checkpoint: %w", err)
	}
	return position, nil
}

// advance moves the checkpoint, if it is where the batch began.
func (s *session) advance(ctx context.Context, from, to int64) error {
	tag, err := s.conn.Exec(ctx, `UPDATE relay.checkpoints SET position = $3, published_at = now(), failing_since = NULL, error = ''
		WHERE name = $1 AND position = $2`, s.name, from, to)
	if err != nil {
		return fmt.Errorf("move the relay's checkpoint from %d to %d: %w", from, to, err)
	}
	if tag.RowsAffected() != 1 {
		return errMoved
	}
	return nil
}

// fail records why the relay stopped, if the database can be told.
func (s *session) fail(ctx context.Context, cause error) {
	const longest = 2000
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	text := strings.ToValidUTF8(strings.ReplaceAll(cause.Error(), "\x00", ""), "?")
	text = strings.ToValidUTF8(text[:min(len(text), longest)], "")
	// The error goes to the log as well, so one that the database does not take is not lost.
	_, _ = s.conn.Exec(ctx, `UPDATE relay.checkpoints SET error = $2, failing_since = coalesce(failing_since, now())
		WHERE name = $1`, s.name, text)
}
