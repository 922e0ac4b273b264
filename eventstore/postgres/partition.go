package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const codeDuplicateTable = "42P07"

// partitionEnd is the last position of the partition that a position lies in.
func (s *Store) partitionEnd(position int64) int64 {
	return (position-1)/s.o.PartitionWidth*s.o.PartitionWidth + s.o.PartitionWidth
}

// EnsurePartitions makes the partitions of the next ahead positions, so that no append has to. An append that finds
// its partition missing makes it itself.
func (s *Store) EnsurePartitions(ctx context.Context, ahead int64) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	for at := head.Position + 1; at <= head.Position+max(ahead, 1); at = s.partitionEnd(at) + 1 {
		if err := s.ensurePartition(ctx, s.pool, at); err != nil {
			return classify(err)
		}
	}
	return nil
}

// executor is a pool or a connection without a transaction.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// ensurePartition makes the partition that holds a position, if it is missing.
func (s *Store) ensurePartition(ctx context.Context, on executor, at int64) error {
	_, err := on.Exec(ctx, ensurePartitionSQL, at, s.o.PartitionWidth)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == codeDuplicateTable {
		// Another session made it in the same moment; a new transaction sees it.
		_, err = on.Exec(ctx, ensurePartitionSQL, at, s.o.PartitionWidth)
	}
	if err != nil {
		return fmt.Errorf("make the partition of position %d: %w", at, err)
	}
	return nil
}

// hasPartitions says that prepare has nothing to do.
func (s *Store) hasPartitions(head int64) bool {
	return head+1+s.o.PartitionWidth <= s.partition.Load()
}

// prepare makes the partition that the log ends in and the one after it, unless this store knows of them already. It
// runs before an append, in transactions of its own: PostgreSQL shows the rows of a commit a moment before it tells
// other sessions of the partitions which that commit made, so rows that come together with their partition would be
// missing for a reader that has seen the new head.
func (s *Store) prepare(ctx context.Context, conn *pgxpool.Conn, head int64) error {
	if s.partition.Load() == 0 {
		err := conn.QueryRow(ctx, `SELECT position FROM ledger.log_heads WHERE shard = $1`, s.o.Shard).Scan(&head)
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
	}
	for _, at := range [2]int64{head + 1, head + 1 + s.o.PartitionWidth} {
		if at <= s.partition.Load() {
			continue
		}
		if err := s.ensurePartition(ctx, conn, at); err != nil {
			return err
		}
		s.partition.Store(max(s.partition.Load(), s.partitionEnd(at)))
	}
	return nil
}
