package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

var errEnded = errors.New("the append has ended")

type tx struct {
	store    *Store
	head     eventstore.Head
	now      time.Time
	tail     []eventstore.Event
	complete bool
	ended    bool
}

func (t *tx) Head() eventstore.Head            { return t.head }
func (t *tx) Now() time.Time                   { return t.now }
func (t *tx) Tail() ([]eventstore.Event, bool) { return t.tail, t.complete }

// Load needs no more than the store's own: nothing moves while the head is locked.
func (t *tx) Load(ctx context.Context, ids []domain.StreamID) ([]eventstore.Stream, error) {
	if t.ended {
		return nil, errEnded
	}
	return t.store.Load(ctx, ids)
}

func (t *tx) Commands(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	if t.ended {
		return nil, errEnded
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("look commands up: %w", err)
	}
	l := t.store.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	found := make(map[uuid.UUID]eventstore.Command, len(ids))
	for _, id := range ids {
		if c, ok := l.commands[id]; ok {
			c.Outcome = bytes.Clone(c.Outcome)
			found[id] = c
		}
	}
	return found, nil
}

func (t *tx) Commit(ctx context.Context, b *eventstore.Batch) error {
	if t.ended {
		return errEnded
	}
	defer t.Rollback(ctx)
	if len(b.Events)+len(b.Streams)+len(b.Commands)+len(b.Snapshots) == 0 {
		return nil
	}
	var fault Fault
	if t.store.opt.CommitFault != nil {
		fault = t.store.opt.CommitFault(b)
	}
	if fault.Before != nil {
		return fmt.Errorf("commit: %w", fault.Before)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := t.write(b); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if fault.After != nil {
		return fmt.Errorf("commit: %w", fault.After)
	}
	return nil
}

func (t *tx) write(b *eventstore.Batch) error {
	l := t.store.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := checkBatch(b); err != nil {
		return err
	}
	if err := l.accepts(b); err != nil {
		return err
	}
	if err := eventstore.Seal(b, shard, t.head, t.now); err != nil {
		return err
	}
	if on := t.store.opt.OnNotes; on != nil && len(b.Notes) > 0 {
		if err := on(b.Notes); err != nil {
			return err
		}
	}
	l.write(b)
	return nil
}

func (t *tx) Rollback(context.Context) {
	if !t.ended {
		t.ended = true
		t.store.log.unlock()
	}
}
