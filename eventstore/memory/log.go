package memory

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// shard is the only one there is.
const shard int16 = 0

// log is the data, shared by all stores that were reopened on it. Whoever holds turn appends; mu guards the fields
// for the moment of a read or of the write itself, so that readers never wait for an append under way.
type log struct {
	turn chan struct{}
	lead chan struct{} // holds a token while somebody has asked for a turn and got it

	mu        sync.RWMutex
	events    []eventstore.Event          // position p at p-1
	streams   map[domain.StreamID][]int64 // the position of version v at v-1
	snapshots map[domain.StreamID]eventstore.Snapshot
	commands  map[uuid.UUID]eventstore.Command
	moved     chan struct{} // closed, and replaced, when the head moves
}

func newLog() *log {
	return &log{
		turn:      make(chan struct{}, 1),
		lead:      make(chan struct{}, 1),
		streams:   map[domain.StreamID][]int64{},
		snapshots: map[domain.StreamID]eventstore.Snapshot{},
		commands:  map[uuid.UUID]eventstore.Command{},
		moved:     make(chan struct{}),
	}
}

func (l *log) lock(ctx context.Context) error {
	// A context that has ended never gets the lock, even when it is free.
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *log) unlock() { <-l.turn }

func (l *log) head() eventstore.Head {
	if len(l.events) == 0 {
		return eventstore.Head{RecordedAt: time.Unix(0, 0).UTC()}
	}
	last := l.events[len(l.events)-1]
	return eventstore.HeadAfter(&last)
}

func (l *log) read(after int64, limit int) []eventstore.Event {
	from := max(after, 0)
	to := min(from+int64(max(limit, 0)), int64(len(l.events)))
	var out []eventstore.Event
	for p := from; p < to; p++ {
		out = append(out, copyEvent(l.events[p]))
	}
	return out
}

func (l *log) load(id domain.StreamID) eventstore.Stream {
	stream := eventstore.Stream{ID: id}
	positions := l.streams[id]
	if snapshot, ok := l.snapshots[id]; ok {
		snapshot.State = bytes.Clone(snapshot.State)
		stream.Snapshot = &snapshot
		positions = positions[snapshot.Version:]
	}
	for _, p := range positions {
		stream.Events = append(stream.Events, copyEvent(l.events[p-1]))
	}
	return stream
}

// write applies a batch that was checked and sealed. It keeps copies, so what a caller holds is never what is stored.
func (l *log) write(b *eventstore.Batch) {
	for i := range b.Events {
		e := copyEvent(b.Events[i])
		e.EffectiveAt = micro(e.EffectiveAt)
		l.events = append(l.events, e)
		l.streams[e.StreamID] = append(l.streams[e.StreamID], e.Position)
	}
	for _, s := range b.Snapshots {
		s.State = bytes.Clone(s.State)
		l.snapshots[s.StreamID] = s
	}
	for _, c := range b.Commands {
		c.Outcome, c.At = bytes.Clone(c.Outcome), micro(c.At)
		l.commands[c.ID] = c
	}
	if len(b.Events) > 0 {
		close(l.moved)
		l.moved = make(chan struct{})
	}
}

func copyEvent(e eventstore.Event) eventstore.Event {
	e.Body = bytes.Clone(e.Body)
	return e
}

// micro is the precision of the log: whole microseconds, in UTC.
func micro(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }
