package benchledger

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
)

// copyTurn measures the limit: COPY of rows of the size that an event row has, in commits of the size that the
// executor's had, on one connection into a table without an index.
func (b *bench) copyTurn(ctx context.Context, took time.Duration) error {
	batch, size, err := b.shape(ctx)
	if err != nil {
		return err
	}
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS bench_copy (position bigint NOT NULL, body bytea NOT NULL)`); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	body := bytes.Repeat([]byte("x"), size)
	rows := make([][]any, batch)
	for i := range rows {
		rows[i] = []any{int64(i), body}
	}
	started := time.Now()
	n := int64(0)
	for time.Since(started) < took {
		copied, err := conn.CopyFrom(ctx, pgx.Identifier{"bench_copy"}, []string{"position", "body"}, pgx.CopyFromRows(rows))
		if err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		n += copied
	}
	b.copied += n
	b.copyTime += time.Since(started)
	return nil
}

// shape is the mean batch so far, and the mean bytes of an event row without its header and indexes.
func (b *bench) shape(ctx context.Context) (batch, size int, err error) {
	err = b.pool.QueryRow(ctx, `SELECT coalesce(avg(pg_column_size(e.*)), 0)::float8 FROM
		(SELECT * FROM ledger.events ORDER BY position DESC LIMIT 10000) e`).Scan(&b.eventBytes)
	if err != nil {
		return 0, 0, fmt.Errorf("measure the rows: %w", err)
	}
	const overhead = 24 + 8 + 4 // the composite's header, and what bench_copy has beside the body
	return max(int(b.events.Load()/max(b.batches.Load(), 1)), 1), max(int(b.eventBytes)-overhead, 1), nil
}

func (b *bench) report() Report {
	q := load.Quantiles(b.latencies, 500, 990, 999)
	r := Report{
		CommandsPerSecond: float64(b.commands) / b.commandTime.Seconds(),
		P50:               milliseconds(q[0]), P99: milliseconds(q[1]), P999: milliseconds(q[2]),
		BatchMean:     float64(b.batched.Load()) / float64(max(b.batches.Load(), 1)),
		BytesPerEvent: b.eventBytes, Commands: b.commands, Seconds: b.commandTime.Seconds(),
		Submitters: b.o.Submitters, Wallets: b.o.Wallets, Processes: max(b.o.Processes, 1), OfferedPerSecond: b.o.Rate,
	}
	if b.copied > 0 {
		r.CopyLimitPerSecond = float64(b.copied) / b.copyTime.Seconds()
		r.Ratio = r.CommandsPerSecond / r.CopyLimitPerSecond
	}
	return r
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
