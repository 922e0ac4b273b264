package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

// sighting is a time that the database told, and when, by this process's monotonic clock.
type sighting struct{ database, at time.Time }

// Now is the log's clock: what the database told last, and the time since then. A step of this machine's clock does not
// move it.
func (s *Store) Now() time.Time {
	now := time.Now()
	if seen := s.clock.Load(); seen != nil {
		now = seen.database.Add(time.Since(seen.at))
	}
	return s.o.Clock(now).UTC().Truncate(time.Microsecond)
}

// see notes the database's clock.
func (s *Store) see(database time.Time) { s.clock.Store(&sighting{database: database, at: time.Now()}) }

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
	return append([]step{s.headStep(head, now, b)}, s.rowSteps(head, b)...)
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
