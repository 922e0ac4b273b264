package auditdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// session is one snapshot of the database, read over several connections.
type session struct {
	pool     *pgxpool.Pool
	shard    int16
	main     pgx.Tx // exports the snapshot; the events are read on it
	side     pgx.Tx // for short questions while the events are read
	snapshot string
	screen   *screen // nil when the rows of all tables are compared one by one
}

const beginSQL = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`

// readModels are the tables of the read models that serve.
const readModels = `SELECT format('%I.%I', 'views', relname) FROM pg_class
	WHERE relnamespace = 'views'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname`

// open takes the snapshot. A switch of a read model to another build waits until the audit is over: a table that is looked up
// after it would be the other build's, as that was at the time of the snapshot.
func open(ctx context.Context, pool *pgxpool.Pool, shard int16) (_ *session, err error) {
	s := &session{pool: pool, shard: shard}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.main, err = pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginSQL}); err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	if err = s.holdViews(ctx); err != nil {
		return nil, err
	}
	if err = s.main.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&s.snapshot); err != nil {
		return nil, fmt.Errorf("share the snapshot: %w", err)
	}
	s.side, err = s.begin(ctx)
	return s, err
}

// holdViews locks the tables of the read models before there is a snapshot.
func (s *session) holdViews(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, readModels)
	if err != nil {
		return fmt.Errorf("list the read models: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the read models: %w", err)
	}
	if _, err := s.main.Exec(ctx, `LOCK TABLE `+strings.Join(tables, ", ")+` IN ACCESS SHARE MODE`); err != nil {
		return fmt.Errorf("hold the read models: %w", err)
	}
	return nil
}

// begin opens another transaction on the same snapshot.
func (s *session) begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginSQL})
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	if _, err := tx.Exec(ctx, s.settings()); err != nil {
		abandon(ctx, tx)
		return nil, fmt.Errorf("take over the snapshot: %w", err)
	}
	return tx, nil
}

// settings of a transaction. The snapshot's name comes from the server and has no quote in it. Some tables are sorted by
// position on the way.
func (s *session) settings() string {
	return `SET TRANSACTION SNAPSHOT '` + s.snapshot + `'; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off`
}

// beginOn begins a transaction that lasts as long as its connection.
func (s *session) beginOn(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	if _, err := conn.Exec(ctx, beginSQL+`; `+s.settings()); err != nil {
		return nil, errors.Join(fmt.Errorf("take over the snapshot: %w", err), conn.Hijack().Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

func (s *session) close(ctx context.Context) {
	abandon(ctx, s.side)
	abandon(ctx, s.main)
}

// abandon ends a transaction that only read.
func abandon(ctx context.Context, tx pgx.Tx) {
	if tx != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // nothing was written; a broken connection leaves the pool
	}
}

// inBinary asks for all columns in binary, which is exact and quick to read.
func inBinary() pgx.QueryResultFormats { return pgx.QueryResultFormats{pgx.BinaryFormatCode} }

// last is the highest position that there is.
func (s *session) last(ctx context.Context) (int64, error) {
	var last int64
	err := s.main.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM ledger.events WHERE shard = $1`, s.shard).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("look for the end of the log: %w", err)
	}
	return last, nil
}
