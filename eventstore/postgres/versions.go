package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// mostVersions is how many streams are remembered at least; at most it is twice as many, about 20 MB.
const mostVersions = 1 << 16

// versions are where streams stand at a head of the log, as far as this store has loaded, read or written them: what a batch
// says of its streams is compared with that, and not with what the caller believes. Whoever follows another head than the
// one that is known, or failed to, has nothing remembered and is looked up.
type versions struct {
	mu   sync.Mutex
	head eventstore.Head
	// Two generations, so that a stream of a batch under way is never forgotten: nil when no head is known.
	young, old map[domain.StreamID]int64
}

// unknown lists the streams of a batch that follows a head, of which nothing is known there. New streams are none of them:
// their row tells whether they are new.
func (v *versions) unknown(head eventstore.Head, b *eventstore.Batch) (ids []domain.StreamID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.at(head)
	for i := range b.Streams {
		if w := &b.Streams[i]; w.From > 0 {
			if _, known := v.get(w.ID); !known {
				ids = append(ids, w.ID)
			}
		}
	}
	return ids
}

// begin forgets what was known at another head.
func (v *versions) begin(head eventstore.Head) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.at(head)
}

func (v *versions) at(head eventstore.Head) {
	if v.young == nil || v.head.EventID != head.EventID || v.head.Position != head.Position {
		v.head, v.young, v.old = head, map[domain.StreamID]int64{}, nil
	}
}

// learn notes loaded streams that nothing was known of. They may be newer than the head; a batch that follows it fails then.
func (v *versions) learn(streams []eventstore.Stream) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.young == nil {
		return
	}
	for i := range streams {
		s := &streams[i]
		if _, known := v.get(s.ID); !known {
			v.set(s.ID, versionOf(s))
		}
	}
}

func (v *versions) get(id domain.StreamID) (version int64, known bool) {
	if version, known = v.young[id]; !known {
		version, known = v.old[id]
	}
	return version, known
}

func (v *versions) set(id domain.StreamID, version int64) {
	if len(v.young) >= mostVersions {
		v.young, v.old = make(map[domain.StreamID]int64, mostVersions), v.young
	}
	v.young[id] = version
}

func versionOf(s *eventstore.Stream) int64 {
	if n := len(s.Events); n > 0 {
		return s.Events[n-1].StreamVersion
	}
	if s.Snapshot != nil {
		return s.Snapshot.Version
	}
	return 0
}

// follow moves on with events that were read after the head.
func (v *versions) follow(events []eventstore.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.young == nil || len(events) == 0 || events[0].Position != v.head.Position+1 {
		return
	}
	for i := range events {
		v.set(events[i].StreamID, events[i].StreamVersion)
	}
	v.head = eventstore.HeadAfter(&events[len(events)-1])
}

// move compares a batch with what is known, and moves on to where it will leave the log.
func (v *versions) move(head eventstore.Head, b *eventstore.Batch) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.at(head)
	for i := range b.Streams {
		w := &b.Streams[i]
		if at, known := v.get(w.ID); known && at != w.From || !known && w.From > 0 {
			return fmt.Errorf("%w: %q is at %d, not at %d", eventstore.ErrVersionConflict, w.ID, at, w.From)
		}
	}
	for i := range b.Streams {
		v.set(b.Streams[i].ID, b.Streams[i].To)
	}
	if n := len(b.Events); n > 0 {
		v.head = eventstore.HeadAfter(&b.Events[n-1])
	}
	return nil
}

// forget is for when a batch did not become what it was to be.
func (v *versions) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.young, v.old = nil, nil
}

// moveVersions looks up what is not known of the streams that a sealed batch moves, compares, and moves on.
func (s *Store) moveVersions(ctx context.Context, q querier, head eventstore.Head, b *eventstore.Batch) error {
	if len(b.Streams) == 0 {
		return nil
	}
	if ids := s.versions.unknown(head, b); len(ids) > 0 {
		if _, err := s.load(ctx, q, ids); err != nil { // which teaches
			return err
		}
	}
	err := s.versions.move(head, b)
	if err != nil {
		s.versions.forget()
	}
	return err
}
