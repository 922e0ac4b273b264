package translog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// errOwned: another process owns the log.
var errOwned = errors.New("another process owns the transparency log")

// own takes a connection out of the pool and locks the log on it, or returns errOwned. The lock ends with the connection,
// so another process takes over when this one dies, and this one can then write nothing more.
func (l *Log) own(ctx context.Context) (_ *owner, err error) {
	pooled, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the transparency log: %w", err)
	}
	var owned bool
	name := fmt.Sprintf("massrouter transparency log %d", l.options.Shard)
	err = pooled.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, name).Scan(&owned)
	if err == nil && !owned {
		pooled.Release()
		return nil, errOwned
	}
	o := &owner{Log: l, session: pooled.Hijack()}
	defer func() {
		if err != nil {
			o.close(ctx)
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("lock the transparency log: %w", err)
	}
	if _, err = o.session.Exec(ctx, sessionSettings); err != nil {
		return nil, fmt.Errorf("prepare the transparency log's session: %w", err)
	}
	o.stored = &Reader{db: o.session, shard: l.options.Shard, origin: l.origin}
	return o, o.open(ctx)
}

// Keep-alives free the lock of a machine that vanished within seconds. What is signed must not be lost, whatever the
// database's default.
const sessionSettings = `SELECT set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false),
	set_config('tcp_keepalives_count', '3', false), set_config('synchronous_commit', 'on', false)`

// close ends the session, and with it the ownership.
func (o *owner) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = o.session.Close(ctx) // the session is over either way
}

// record stores full tiles, and a checkpoint if there is one, in one transaction.
func (o *owner) record(ctx context.Context, full []tile, signed *Signed) error {
	err := pgx.BeginFunc(ctx, o.session, func(tx pgx.Tx) error {
		for len(full) > 0 {
			n := min(len(full), tilesAtOnce)
			if err := o.insertTiles(ctx, tx, full[:n]); err != nil {
				return err
			}
			full = full[n:]
		}
		if signed == nil {
			return nil
		}
		return tx.QueryRow(ctx, `INSERT INTO ledger.log_checkpoints (shard, origin, size, root, note) VALUES ($1, $2, $3, $4, $5)
			RETURNING signed_at`, o.options.Shard, signed.Origin, signed.Size, signed.Root[:], signed.Note).Scan(&signed.SignedAt)
	})
	if err != nil {
		return fmt.Errorf("store the transparency log: %w", err)
	}
	return nil
}

const tilesAtOnce = 256 // 2 MiB

func (o *owner) insertTiles(ctx context.Context, tx pgx.Tx, full []tile) error {
	levels, indexes := make([]int16, len(full)), make([]int64, len(full))
	hashes, roots := make([][]byte, len(full)), make([][]byte, len(full))
	for i, t := range full {
		levels[i], indexes[i], hashes[i], roots[i] = int16(t.level), t.index, t.data, t.root[:] //nolint:gosec // at most 7
	}
	_, err := tx.Exec(ctx, `INSERT INTO ledger.log_tiles (shard, level, index, hashes, root)
		SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::bytea[])`, o.options.Shard, levels, indexes, hashes, roots)
	return err
}
