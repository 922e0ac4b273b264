package runner

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func (s *session) prepare(ctx context.Context, sql string) (string, error) {
	if name, ok := s.prepared[sql]; ok {
		return name, nil
	}
	name := "projection_" + strconv.Itoa(len(s.prepared))
	if _, err := s.conn.PgConn().Prepare(ctx, name, s.slot.sql(sql), nil); err != nil {
		return "", err
	}
	s.prepared[sql] = name
	return name, nil
}

// advance locks the checkpoint and moves it, if it is where the batch begins.
const advance = `UPDATE views.checkpoints SET position = $4, recorded_at = $5, error = '', updated_at = now(),
	state = CASE WHEN $4 < rebuild_to THEN 'rebuilding' ELSE 'following' END
	WHERE name = $1 AND version = $2 AND position = $3`

// notPast is for builds that are to stop somewhere.
const notPast = ` AND rebuild_to >= $4`

// commit moves the checkpoint and writes the rows in one transaction. The checkpoint comes first: a switch and an owner
// of old wait for each other there.
func (s *session) commit(ctx context.Context, p Projection, from int64, last *Event, w *Writes) error {
	err := s.tryCommit(ctx, p, from, last, w)
	if err != nil && !s.conn.IsClosed() && s.conn.PgConn().TxStatus() != 'I' {
		if rollback := s.exec(ctx, `ROLLBACK`); rollback != nil {
			return away{fmt.Errorf("roll back after %w: %w", err, rollback)}
		}
	}
	return s.lost(err)
}

func (s *session) tryCommit(ctx context.Context, p Projection, from int64, last *Event, w *Writes) error {
	batch := &pgconn.Batch{}
	batch.ExecParams(`BEGIN`, nil, nil, nil, nil)
	moveIt := advance
	if s.slot != Live {
		moveIt += notPast
	}
	move, err := s.prepare(ctx, moveIt)
	if err != nil {
		return err
	}
	batch.ExecPrepared(move, [][]byte{
		[]byte(p.Name()), decimal(int64(p.Version())), decimal(from), decimal(last.Position), []byte(last.RecordedAt.UTC().Format(time.RFC3339Nano)),
	}, nil, nil)
	for _, statement := range w.statements {
		name, err := s.prepare(ctx, statement.sql)
		if err != nil {
			return err
		}
		params := make([][]byte, len(statement.columns))
		for i, c := range statement.columns {
			params[i] = c.Binary()
		}
		batch.ExecPrepared(name, params, []int16{1}, nil)
	}
	results := s.conn.PgConn().ExecBatch(ctx, batch)
	err = w.check(results)
	if closed := results.Close(); closed != nil && !errors.Is(err, errMoved) {
		err = closed
	}
	if err != nil {
		return err
	}
	return s.exec(ctx, `COMMIT`)
}

func decimal(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

func (s *session) exec(ctx context.Context, sql string) error {
	return s.conn.PgConn().Exec(ctx, sql).Close()
}
