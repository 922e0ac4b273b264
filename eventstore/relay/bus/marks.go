package bus

import (
	"context"
	"sync"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Marks remember how far a group has handled each stream. Since the first deliveries of a stream's events are in the
// order of their versions, an event with a version at or below the mark is a repetition.
//
// Exactly-once effects need marks that change in the same transaction as the effect; others make repetitions rare.
type Marks interface {
	// Seen says whether an event was handled before.
	Seen(ctx context.Context, e *eventstore.Event) (bool, error)
	// Mark says that an event was handled.
	Mark(ctx context.Context, e *eventstore.Event) error
}

// Recent are marks in memory, of a bounded number of streams: those that were marked first are forgotten first. Safe for
// concurrent use.
type Recent struct {
	mu    sync.Mutex
	marks map[streamKey]int64
	order []streamKey // a ring
	next  int
}

type streamKey struct {
	shard  int16
	stream domain.StreamID
}

// NewRecent makes marks of at most size streams; at least one.
func NewRecent(size int) *Recent {
	return &Recent{marks: map[streamKey]int64{}, order: make([]streamKey, max(size, 1))}
}

// Seen implements Marks.
func (r *Recent) Seen(_ context.Context, e *eventstore.Event) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.marks[streamKey{e.Shard, e.StreamID}] >= e.StreamVersion, nil
}

// Mark implements Marks.
func (r *Recent) Mark(_ context.Context, e *eventstore.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := streamKey{e.Shard, e.StreamID}
	if _, known := r.marks[key]; !known {
		delete(r.marks, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % len(r.order)
	}
	r.marks[key] = max(r.marks[key], e.StreamVersion)
	return nil
}
