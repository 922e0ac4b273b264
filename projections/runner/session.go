package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// session is a connection on which a build of a projection is owned and written.
type session struct {
	conn *pgx.Conn
	slot Slot
}

// own takes a connection of its own out of the pool and locks the build on it, or returns errOwned. The lock lives as long
// as the session: when this process dies, or the connection does, the next one gets it.
func own(ctx context.Context, pool *pgxpool.Pool, p Projection, slot Slot) (*session, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, away{err}
	}
	var owned bool
	err = pooled.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, lockName(p, slot)).Scan(&owned)
	if err == nil && !owned {
		pooled.Release()
		return nil, errOwned
	}
	s := &session{conn: pooled.Hijack(), slot: slot}
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

// close ends the session, and with it the ownership, also after the runner's context has ended.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // the session is over either way
}

// firstCheckpoint is that of a build that serves from the start. When another version was there before, queries are refused
// until this one is as far: no answer goes back.
const firstCheckpoint = `INSERT INTO views.checkpoints (name, version, revision, rebuild_to, state)
	SELECT $1, $2, $3, reached, CASE WHEN reached > 0 THEN 'rebuilding' ELSE 'following' END
	FROM (SELECT coalesce(max(position), 0) AS reached FROM views.checkpoints WHERE name = $1 AND version <> $2) AS others
	ON CONFLICT DO NOTHING`

// place is how far a build is: the last event that it has taken.
type place struct {
	build      int
	position   int64
	recordedAt time.Time // zero before the first event
	carried    any       // of a Carrier
}

// Query implements Querier.
func (s *session) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return s.conn.Query(ctx, s.slot.sql(sql), args...) //nolint:rowserrcheck // whoever asks checks it
}

// begin reads a build's place, and the position at which it is to stop: never for the live one, of which it makes the
// checkpoint the first time. A build that is not there, or was begun by another revision of the code, is errGone. When all is as it
// was, what is carried is kept.
func (s *session) begin(ctx context.Context, p Projection, was place) (at place, stop int64, err error) {
	if s.slot == Live {
		_, err = s.conn.Exec(ctx, firstCheckpoint, p.Name(), p.Version(), revisionOf(p))
	}
	if err == nil {
		var c checkpointRow
		c, err = readCheckpoint(ctx, s.conn, p, s.slot)
		at.build, at.position, stop = c.build, c.position, c.rebuildTo
		if c.position > 0 {
			at.recordedAt = c.recordedAt
		}
		switch {
		case s.slot == Live:
			stop = never
		case err == nil && (!c.found || s.slot == Building && c.revision != revisionOf(p)):
			return place{}, 0, errGone
		}
	}
	if err != nil {
		return place{}, 0, s.lost(fmt.Errorf("read the checkpoint: %w", err))
	}
	if was.build == at.build && was.position == at.position {
		at.carried = was.carried
	} else if c, ok := p.(Carrier); ok {
		if at.carried, err = c.Carry(ctx, s); err != nil {
			// The tables of a build that was exchanged or dropped meanwhile are gone, together with its checkpoint.
			if now, again := readCheckpoint(ctx, s.conn, p, s.slot); again == nil && s.slot != Live && !now.found {
				return place{}, 0, errGone
			}
			return place{}, 0, s.lost(fmt.Errorf("read what is carried from batch to batch: %w", err))
		}
	}
	return at, stop, nil
}

// gone says whether the build was switched to or dropped.
func (s *session) gone(ctx context.Context, p Projection) bool {
	if s.slot == Live || s.conn.IsClosed() {
		return false
	}
	_, _, err := s.begin(ctx, p, place{})
	return errors.Is(err, errGone)
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
	_, err := s.conn.Exec(ctx, s.slot.sql(`UPDATE views.checkpoints SET state = 'failed', error = $3, updated_at = now()
		WHERE name = $1 AND version = $2`), p.Name(), p.Version(), text)
	return err
}
