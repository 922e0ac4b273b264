package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/pgwire"
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
	done := make(chan error, 1)
	s.Send(ctx, head, now, b, func(err error) { done <- err })
	return <-done
}

// Send puts a batch on its way. Batches that are under way together share a connection, so the server takes them in
// order and without waiting for this process between them.
func (s *Store) Send(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch, done func(error)) {
	steps, err := s.sealed(ctx, head, now, b)
	if err != nil {
		done(err)
		return
	}
	s.line.send(ctx, steps, preparation{
		needed: func() bool { return !s.hasPartitions(head.Position) },
		run:    func(ctx context.Context, conn *pgxpool.Conn) error { return s.prepare(ctx, conn, head.Position) },
	}, func(clock []byte, err error) {
		if err == nil {
			if len(clock) == 8 {
				micros := int64(binary.BigEndian.Uint64(clock)) //nolint:gosec // two's complement is the format
				s.see(pgwire.FromMicros(micros))
			}
			s.appended(head, b)
		} else {
			s.versions.forget()
		}
		done(err)
	})
}

// sealed checks and seals a batch, and says what to send.
func (s *Store) sealed(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch) ([]pgwire.Step, error) {
	now = now.UTC().Truncate(time.Microsecond)
	if now.Before(head.RecordedAt) {
		return nil, fmt.Errorf("an append at %s is before the head's %s", now, head.RecordedAt)
	}
	if err := b.Check(); err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if err := eventstore.Seal(b, s.o.Shard, head, now); err != nil {
		return nil, err
	}
	if err := s.moveVersions(ctx, s.pool, head, b); err != nil {
		return nil, s.conflictAt(ctx, head, err)
	}
	return s.appendSteps(head, now, b), nil
}

// conflictAt is the conflict, unless the head has moved: then nothing can be said of streams at the old one.
func (s *Store) conflictAt(ctx context.Context, head eventstore.Head, conflict error) error {
	if !errors.Is(conflict, eventstore.ErrVersionConflict) {
		return conflict
	}
	t, err := s.Begin(ctx, head.Position, 0)
	if err != nil {
		return err
	}
	defer t.Rollback(ctx)
	if t.Head().EventID != head.EventID {
		return fmt.Errorf("%w: %s", eventstore.ErrHeadMoved, conflict.Error())
	}
	return conflict
}

func (s *Store) appendSteps(head eventstore.Head, now time.Time, b *eventstore.Batch) []pgwire.Step {
	if len(b.Events) == 0 {
		verify := pgwire.Step{SQL: verifyHeadSQL, Params: [][]byte{pgwire.Int2(s.o.Shard), pgwire.Int8(head.Position), head.EventID[:]}}
		return append([]pgwire.Step{verify}, s.rowSteps(head, b)...)
	}
	// The head first: it is the lock.
	return append([]pgwire.Step{s.headStep(head, now, b)}, s.rowSteps(head, b)...)
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
