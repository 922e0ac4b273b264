package eventstoretest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// patience is how long a case may take before it counts as stuck.
const patience = 2 * time.Minute

// everything is a limit above what any case writes.
const everything = 10_000

// within is the test's context with an end, so that a lock that is never released is a failure and not a hang.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newEvent is the event of a stream's version, as a caller fills it in.
func newEvent(id domain.StreamID, version int64, command uuid.UUID) eventstore.Event {
	return eventstore.Event{
		StreamID: id, StreamVersion: version,
		Type: "test.stepped.v1", SchemaVersion: 1,
		Actor: "test:suite", CorrelationID: uuid.New(), CausationID: uuid.New(), CommandID: command,
		Body: fmt.Appendf(nil, `{"stream": %q,  "version":"%d"}`, id, version),
	}
}

func newCommand(position int64, at time.Time) eventstore.Command {
	id := uuid.New()
	return eventstore.Command{
		ID: id, InputHash: sha256.Sum256(id[:]), Position: position, At: at,
		Outcome: fmt.Appendf(nil, `{"done":  "%s"}`, id),
	}
}

// decided is what a batch is made for: a head, and a time. An append under the lock is one.
type decided interface {
	Head() eventstore.Head
	Now() time.Time
}

// seen is a head that was seen without the lock.
type seen struct {
	head eventstore.Head
	now  time.Time
}

func (s seen) Head() eventstore.Head { return s.head }
func (s seen) Now() time.Time        { return s.now }

// clockAfter is the store's clock, or the head's time if the clock is behind it.
func clockAfter(s eventstore.Appender, head eventstore.Head) time.Time {
	if now := s.Now(); now.After(head.RecordedAt) {
		return now
	}
	return head.RecordedAt
}

// steps is the batch of n events of a stream after a version, under one command.
func steps(tx decided, id domain.StreamID, from int64, n int) *eventstore.Batch {
	b := &eventstore.Batch{}
	addSteps(tx, b, id, from, n)
	return b
}

// addSteps adds to a batch n events of a stream after a version, and their command.
func addSteps(tx decided, b *eventstore.Batch, id domain.StreamID, from int64, n int) {
	c := newCommand(tx.Head().Position+int64(len(b.Events)+n), tx.Now())
	for i := range n {
		b.Events = append(b.Events, newEvent(id, from+int64(i)+1, c.ID))
	}
	b.Streams = append(b.Streams, eventstore.StreamWrite{ID: id, From: from, To: from + int64(n)})
	b.Commands = append(b.Commands, c)
}

// addSnapshot adds the snapshot of a stream at the version of its last event in the batch.
func addSnapshot(tx decided, b *eventstore.Batch, id domain.StreamID) {
	for i := len(b.Events) - 1; i >= 0; i-- {
		if e := &b.Events[i]; e.StreamID == id {
			b.Snapshots = append(b.Snapshots, eventstore.Snapshot{
				StreamID: id, Version: e.StreamVersion, Position: tx.Head().Position + int64(i) + 1, Schema: 3,
				State: fmt.Appendf([]byte{0, 0xff}, "%s at %d", id, e.StreamVersion),
			})
			return
		}
	}
}

// attempt begins an append, commits what is made of it, and returns that.
func attempt(
	ctx context.Context, s eventstore.Appender, fill func(decided) *eventstore.Batch,
) (*eventstore.Batch, error) {
	tx, err := s.Begin(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx)
	b := fill(tx)
	return b, tx.Commit(ctx, b)
}

// write is attempt where nothing may fail.
func write(t *testing.T, s eventstore.Appender, fill func(decided) *eventstore.Batch) *eventstore.Batch {
	t.Helper()
	b, err := attempt(within(t), s, fill)
	require.NoError(t, err)
	return b
}

// grow appends n events to a stream that is at a version.
func grow(t *testing.T, s eventstore.Appender, id domain.StreamID, from int64, n int) *eventstore.Batch {
	t.Helper()
	return write(t, s, func(tx decided) *eventstore.Batch { return steps(tx, id, from, n) })
}

// readAll reads the log from a position to its end, in one go.
func readAll(t *testing.T, s eventstore.Reader, after int64) []eventstore.Event {
	t.Helper()
	events, err := s.Read(within(t), after, everything)
	require.NoError(t, err)
	for i := range events {
		require.Equal(t, after+int64(i)+1, events[i].Position, "positions are dense")
		require.Equal(t, eventstore.Leaf(&events[i]), events[i].LeafHash, "leaf hash of position %d", events[i].Position)
	}
	return events
}

func headOf(t *testing.T, s eventstore.Reader) eventstore.Head {
	t.Helper()
	head, err := s.Head(within(t))
	require.NoError(t, err)
	return head
}

func loadOne(t *testing.T, s eventstore.Appender, id domain.StreamID) eventstore.Stream {
	t.Helper()
	streams, err := s.Load(within(t), []domain.StreamID{id})
	require.NoError(t, err)
	require.Len(t, streams, 1)
	require.Equal(t, id, streams[0].ID)
	return streams[0]
}

// lookUp is Commands under a lock of its own.
func lookUp(t *testing.T, s eventstore.Appender, ids ...uuid.UUID) map[uuid.UUID]eventstore.Command {
	t.Helper()
	ctx := within(t)
	tx, err := s.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	found, err := tx.Commands(ctx, ids)
	require.NoError(t, err)
	return found
}

func streamIDs(ids ...domain.StreamID) []domain.StreamID { return ids }
