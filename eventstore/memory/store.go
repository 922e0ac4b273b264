// Package memory is the event store in memory: the same contract as the Postgres one, proved by the same suite. It is
// for tests of what is built on the log; nothing survives the process.
package memory

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Options are what a test may turn. The zero value is a store with the machine's clock and no faults.
type Options struct {
	// Clock is read once by each Begin, time.Now when nil. It may go back; the log's time does not.
	Clock func() time.Time
	// BeginFault, when set, is asked by each Begin before it waits for the lock; Begin returns its error, if any.
	BeginFault func() error
	// CommitFault, when set, is asked by each Commit of a batch that is not empty, under the head's lock and before
	// anything is written. It may block, which delays the commit, but must not append.
	CommitFault func(*eventstore.Batch) Fault
	// OnNotes, when set, gets the notes of each commit, before it is visible; its error refuses the batch.
	OnNotes func([]eventstore.Note) error
}

// Fault is what becomes of one commit; the zero value lets it be.
type Fault struct {
	// Before ends the append with this error and nothing written: ErrUnavailable, ErrVersionConflict, ErrUnknown of
	// a connection that was lost too early, or any other error for a batch that the database refuses.
	Before error
	// After is returned although everything was written, as ErrUnknown of a connection that was lost too late. A
	// batch that the store refuses fails with its own error.
	After error
}

// Store is an eventstore.Store, safe for concurrent use.
type Store struct {
	opt Options
	log *log
}

var _ eventstore.Store = (*Store)(nil)

// New makes a store with an empty log.
func New(opt Options) *Store { return open(opt, newLog()) }

// Reopen makes another store on the same log, as a second process would.
func (s *Store) Reopen(opt Options) *Store { return open(opt, s.log) }

func open(opt Options, l *log) *Store {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	return &Store{opt: opt, log: l}
}

// Begin locks the head; it gives up when the context ends first.
func (s *Store) Begin(ctx context.Context, since int64, limit int) (eventstore.Tx, error) {
	t, err := s.begin(ctx, since, limit)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (s *Store) begin(ctx context.Context, since int64, limit int) (*tx, error) {
	if s.opt.BeginFault != nil {
		if err := s.opt.BeginFault(); err != nil {
			return nil, fmt.Errorf("begin an append: %w", err)
		}
	}
	if err := s.log.lock(ctx); err != nil {
		return nil, fmt.Errorf("lock the head: %w", err)
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	t := &tx{store: s, head: s.log.head(), now: micro(s.opt.Clock())}
	if t.now.Before(t.head.RecordedAt) {
		t.now = t.head.RecordedAt
	}
	t.tail = s.log.read(since, limit)
	t.complete = since+int64(len(t.tail)) >= t.head.Position
	return t, nil
}

// Load reads streams as they are now.
func (s *Store) Load(ctx context.Context, ids []domain.StreamID) ([]eventstore.Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("load streams: %w", err)
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	streams := make([]eventstore.Stream, len(ids))
	for i, id := range ids {
		streams[i] = s.log.load(id)
	}
	return streams, nil
}

// Head is the end of the log.
func (s *Store) Head(ctx context.Context) (eventstore.Head, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Head{}, fmt.Errorf("read the head: %w", err)
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return s.log.head(), nil
}

// Read returns at most limit events after a position.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return s.log.read(after, limit), nil
}

// Wait returns as soon as the head is past the position.
func (s *Store) Wait(ctx context.Context, after int64) error {
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
		s.log.mu.RLock()
		position, moved := s.log.head().Position, s.log.moved
		s.log.mu.RUnlock()
		if position > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

// At maps a time to the last position recorded at or before it.
func (s *Store) At(ctx context.Context, t time.Time) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("find the position of a time: %w", err)
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	events := s.log.events
	return int64(sort.Search(len(events), func(i int) bool { return events[i].RecordedAt.After(t) })), nil
}
