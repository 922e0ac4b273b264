package runner

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// session is a connection on which a projection is owned and written, with the statements that it has prepared.
type session struct {
	conn     *pgx.Conn
	prepared map[string]string // names by SQL
}

// own takes a connection of its own out of the pool and locks the projection on it, or returns errOwned. The lock lives as long
// as the session: when this process dies, or the connection does, the next one gets it.
func own(ctx context.Context, pool *pgxpool.Pool, p Projection) (*session, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, away{err}
	}
	var owned bool
	err = pooled.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, lockName(p)).Scan(&owned)
	if err == nil && !owned {
		pooled.Release()
		return nil, errOwned
	}
	s := &session{conn: pooled.Hijack(), prepared: map[string]string{}}
	if err == nil {
		_, err = s.conn.Exec(ctx, sessionSettings)
	}
	if err != nil {
		err = s.lost(fmt.Errorf("lock the projection: %w", err))
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// Keep-alives free the lock of a machine that vanished within seconds. Commits do not wait for the disk: what a crash of
// the database loses, rows and checkpoint alike, is replayed from the log. Statements take arrays of any length: a plan
// made for one is as good for another, and compiling it never pays.
const sessionSettings = `SELECT set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false),
	set_config('tcp_keepalives_count', '3', false), set_config('synchronous_commit', 'off', false),
	set_config('plan_cache_mode', 'force_generic_plan', false), set_config('jit', 'off', false)`

func lockName(p Projection) string {
	return fmt.Sprintf("massrouter projection %s v%d", p.Name(), p.Version())
}

// close ends the session, and with it the ownership, also after the runner's context has ended.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // the session is over either way
}

// begin reads a projection's position; the first time it makes the checkpoint.
func (s *session) begin(ctx context.Context, p Projection) (int64, error) {
	var position int64
	_, err := s.conn.Exec(ctx, `INSERT INTO views.checkpoints (name, version) VALUES ($1, $2) ON CONFLICT DO NOTHING`, p.Name(), p.Version())
	if err == nil {
		err = s.conn.QueryRow(ctx, `SELECT position FROM views.checkpoints WHERE name = $1 AND version = $2`, p.Name(), p.Version()).Scan(&position)
	}
	if err != nil {
		return 0, s.lost(fmt.Errorf("read the checkpoint: %w", err))
	}
	return position, nil
}

// lost marks an error after which the connection is gone.
func (s *session) lost(err error) error {
	if err != nil && s.conn.IsClosed() {
		return away{err}
	}
	return err
}

// fail records why a projection stopped. What it has written so far stays and can be read.
func (s *session) fail(ctx context.Context, p Projection, cause error) error {
	const longest = 2000
	text := strings.ToValidUTF8(strings.ReplaceAll(cause.Error(), "\x00", ""), "?")
	text = strings.ToValidUTF8(text[:min(len(text), longest)], "")
	_, err := s.conn.Exec(ctx, `UPDATE views.checkpoints SET state = 'failed', error = $3, updated_at = now()
		WHERE name = $1 AND version = $2`, p.Name(), p.Version(), text)
	return err
}
