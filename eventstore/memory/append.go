package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

// Now is the clock that Begin reads.
func (s *Store) Now() time.Time { return micro(s.opt.Clock()) }

// Append writes a batch if the head is where the caller saw it.
func (s *Store) Append(ctx context.Context, head eventstore.Head, now time.Time, b *eventstore.Batch) error {
	if now.Before(head.RecordedAt) {
		return fmt.Errorf("an append at %s is before the head's %s", now, head.RecordedAt)
	}
	begun, err := s.Begin(ctx, head.Position, 0)
	if err != nil {
		return err
	}
	defer begun.Rollback(ctx)
	if at := begun.Head().Position; at != head.Position {
		return fmt.Errorf("%w: it is %d, not %d", eventstore.ErrHeadMoved, at, head.Position)
	}
	t := begun.(*tx) //nolint:forcetypeassert // Begin makes no other
	t.now = micro(now)
	return t.Commit(ctx, b)
}
