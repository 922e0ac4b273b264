package postgres

import (
	"context"
	"fmt"
)

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
		if _, err := s.pool.Exec(ctx, ensurePartitionSQL, at, s.o.PartitionWidth); err != nil {
			return classify(fmt.Errorf("make the partition of position %d: %w", at, err))
		}
	}
	return nil
}
