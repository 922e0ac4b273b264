package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

// Now is the log's clock: this machine's, corrected by the difference to the database's that was seen last.
func (s *Store) Now() time.Time {
	return s.o.Clock(time.Now().Add(time.Duration(s.skew.Load()))).UTC().Truncate(time.Microsecond)
}

// see notes the database's clock.
func (s *Store) see(database time.Time) { s.skew.Store(int64(time.Until(database))) }

// Append writes a batch in one round trip if the head is where the caller saw it.
func (s *Store) Append(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch) error {
	now = now.UTC().Truncate(time.Microsecond)
	if now.Before(head.RecordedAt) {
		return fmt.Errorf("an append at %s is before the head's %s", now, head.RecordedAt)
	}
	if err := b.Check(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if err := eventstore.Seal(b, s.o.Shard, head, now); err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return classify(fmt.Errorf("append: %w", err))
	}
	defer conn.Release()
	if err := s.prepare(ctx, conn, head.Position); err != nil {
		return classify(fmt.Errorf("append: %w", err))
	}
	clock, err := send(ctx, conn.Conn(), s.appendSteps(head, now, b))
	if err != nil {
		return err
	}
	if len(clock) == 8 {
		micros := int64(binary.BigEndian.Uint64(clock)) //nolint:gosec // two's complement is the format
		s.see(time.UnixMicro(micros + postgresEpoch))
	}
	s.appended(head, b)
	return nil
}

func (s *Store) appendSteps(head eventstore.Head, now time.Time, b *eventstore.Batch) []step {
	if len(b.Events) == 0 {
		verify := step{sql: verifyHeadSQL, params: [][]byte{bin2(s.o.Shard), bin8(head.Position)}}
		return append([]step{verify}, s.rowSteps(head, b)...)
	}
	// The head first: it is the lock.
	steps := append([]step{s.headStep(claimHeadSQL, head, now, b)}, s.rowSteps(head, b)...)
	return append(steps, notifyStep(head, b))
}

// appended notes what is durable now.
func (s *Store) appended(head eventstore.Head, b *eventstore.Batch) {
	if len(b.Events) == 0 {
		return
	}
	last := head.Position + int64(len(b.Events))
	s.partition.Store(max(s.partition.Load(), s.partitionEnd(last)))
	s.seen.Store(last)
	s.signal.raise(last)
}
