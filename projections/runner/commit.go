package runner

import (
	"context"
	"fmt"

	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// advance locks the checkpoint and moves it, if it is where the batch begins and that of the build that was taken up.
const advance = `UPDATE views.checkpoints SET position = $4, recorded_at = $5, error = '', updated_at = now(),
	state = CASE WHEN $4 < rebuild_to THEN 'rebuilding' ELSE 'following' END
	WHERE name = $1 AND version = $2::bigint AND position = $3 AND build = $6::bigint`

// notPast is for builds that are to stop somewhere.
const notPast = ` AND rebuild_to >= $4`

// commit moves the checkpoint and writes the rows in one transaction, once. The checkpoint comes first: a switch and an owner
// of old wait for each other there.
func (s *session) commit(ctx context.Context, p Projection, from place, last *Event, w *Writes) error {
	err := s.tryCommit(ctx, p, from, last, w)
	w.release()
	if err != nil && !s.conn.IsClosed() && s.conn.PgConn().TxStatus() != 'I' {
		if rollback := s.exec(ctx, `ROLLBACK`); rollback != nil {
			return away{fmt.Errorf("roll back after %w: %w", err, rollback)}
		}
	}
	return s.lost(err)
}

func (s *session) tryCommit(ctx context.Context, p Projection, from place, last *Event, w *Writes) error {
	move := advance
	if s.slot != Live {
		move += notPast
	}
	steps := append([]pgwire.Step{{SQL: `BEGIN`}, {SQL: s.slot.sql(move), Params: [][]byte{
		[]byte(p.Name()), pgwire.Int8(int64(p.Version())), pgwire.Int8(from.position), pgwire.Int8(last.Position), pgwire.Instant(last.RecordedAt),
		pgwire.Int8(int64(from.build)),
	}}}, w.steps(s.slot)...)
	answer, err := pgwire.Send(ctx, s.conn, steps)
	if wrong := w.check(answer.Affected); wrong != nil {
		return wrong
	}
	if err != nil {
		return err
	}
	return s.exec(ctx, `COMMIT`)
}

func (s *session) exec(ctx context.Context, sql string) error {
	return s.conn.PgConn().Exec(ctx, sql).Close()
}
