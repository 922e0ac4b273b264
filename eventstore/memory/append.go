package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

// Now is the clock that Begin reads.
func (s *Store) Now() time.Time { return micro(s.opt.Clock()) }

// Send appends at once.
func (s *Store) Send(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch, done func(error)) {
	done(s.Append(ctx, head, now, b))
}

// Append writes a batch if the head is where the caller saw it.
func (s *Store) Append(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch) error {
	if now.Before(head.RecordedAt) {
		return fmt.Errorf("an append at %s is before the head's %s", now, head.RecordedAt)
	}
	t, err := s.begin(ctx, head.Position, 0)
	if err != nil {
		return err
	}
	defer t.Rollback(ctx)
	t.now = micro(now)
	if t.head.Position != head.Position || t.head.EventID != head.EventID || t.now.Before(t.head.RecordedAt) {
		return fmt.Errorf("%w: it is at %d, not at %d", eventstore.ErrHeadMoved, t.head.Position, head.Position)
	}
	return t.Commit(ctx, b)
}

// Turn waits for whoever has the turn.
func (s *Store) Turn(ctx context.Context, patience time.Duration) (end func(), err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s.log.lead <- struct{}{}:
		return func() { <-s.log.lead }, nil
	case <-timer.C:
		return nil, nil //nolint:nilnil // no turn and no error: the caller goes on without
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
