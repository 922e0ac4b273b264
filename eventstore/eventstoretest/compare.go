package eventstoretest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// stored is a time as the log keeps it: microseconds, compared as the same instant whatever the zone.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func storedEvents(events []eventstore.Event) []eventstore.Event {
	out := make([]eventstore.Event, len(events))
	for i, e := range events {
		e.RecordedAt, e.EffectiveAt = stored(e.RecordedAt), stored(e.EffectiveAt)
		out[i] = e
	}
	return out
}

// requireEvents compares events with what was written, field by field and byte by byte.
func requireEvents(t *testing.T, want, got []eventstore.Event) {
	t.Helper()
	require.Equal(t, storedEvents(want), storedEvents(got))
}

func requireCommands(t *testing.T, want []eventstore.Command, got map[uuid.UUID]eventstore.Command) {
	t.Helper()
	require.Len(t, got, len(want))
	for _, w := range want {
		g, ok := got[w.ID]
		require.True(t, ok, "command %s is recorded", w.ID)
		w.At, g.At = stored(w.At), stored(g.At)
		require.Equal(t, w, g)
	}
}

func requireHead(t *testing.T, want, got eventstore.Head) {
	t.Helper()
	want.RecordedAt, got.RecordedAt = stored(want.RecordedAt), stored(got.RecordedAt)
	require.Equal(t, want, got)
}

// requireStream checks that a stream folds to its version: its snapshot, if any, and then every event after it.
func requireStream(t *testing.T, s eventstore.Stream, version int64) {
	t.Helper()
	at := int64(0)
	if s.Snapshot != nil {
		require.Equal(t, s.ID, s.Snapshot.StreamID)
		at = s.Snapshot.Version
	}
	for i := range s.Events {
		at++
		require.Equal(t, s.ID, s.Events[i].StreamID)
		require.Equal(t, at, s.Events[i].StreamVersion)
	}
	require.Equal(t, version, at, "version of %s", s.ID)
}

// picture is all that can be seen of a log.
type picture struct {
	head     eventstore.Head
	events   []eventstore.Event
	streams  []eventstore.Stream
	commands map[uuid.UUID]eventstore.Command
}

// look takes a picture: the whole log, some streams, and the commands of a batch that may or may not be there.
func look(t *testing.T, s eventstore.Store, ids []domain.StreamID, b *eventstore.Batch) picture {
	t.Helper()
	ctx := within(t)
	tx, err := s.Begin(ctx, 0, everything)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	streams, err := tx.Load(ctx, ids)
	require.NoError(t, err)
	for i := range streams {
		streams[i].Events = storedEvents(streams[i].Events)
	}
	asked := make([]uuid.UUID, len(b.Commands))
	for i, c := range b.Commands {
		asked[i] = c.ID
	}
	commands, err := tx.Commands(ctx, asked)
	require.NoError(t, err)
	for id, c := range commands {
		c.At = stored(c.At)
		commands[id] = c
	}
	events, complete := tx.Tail()
	require.True(t, complete)
	head := tx.Head()
	head.RecordedAt = stored(head.RecordedAt)
	return picture{head, storedEvents(events), streams, commands}
}

// refused commits a batch that must fail, under the lock and without, proves that nothing of it was written and that
// appends still work, and returns the error.
func refused(t *testing.T, h Harness, fill func(decided) *eventstore.Batch) error {
	t.Helper()
	ctx := within(t)
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	b := fill(tx)
	tx.Rollback(ctx)
	var ids []domain.StreamID
	for _, w := range b.Streams {
		if len(w.ID) >= 3 && domain.CheckText("stream id", string(w.ID)) == nil {
			ids = append(ids, w.ID)
		}
	}
	before := look(t, h.Store, ids, b)

	tx, err = h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	head, now := tx.Head(), tx.Now()
	refusal := tx.Commit(ctx, b)
	require.Error(t, refusal)
	tx.Rollback(ctx)
	require.Equal(t, before, look(t, h.Store, ids, b), "nothing was written")

	unlocked := h.Store.Append(ctx, head, now, b)
	require.Error(t, unlocked)
	requireAlike(t, refusal, unlocked)
	require.Equal(t, before, look(t, h.Store, ids, b), "nothing was written without the lock")
	require.Equal(t, before, look(t, h.Reopen(t), ids, b), "nothing was written, seen from elsewhere")
	after := domain.NewStreamID("after", uuid.NewString())
	next := grow(t, h.Store, after, 0, 1)
	require.Equal(t, before.head.Position+1, next.Events[0].Position, "the next append takes the next position")
	return refusal
}

// requireAlike: both errors mean the same to a caller.
func requireAlike(t *testing.T, a, b error) {
	t.Helper()
	for _, meaning := range []error{
		eventstore.ErrVersionConflict, eventstore.ErrCommandExists, eventstore.ErrUnknown,
		eventstore.ErrUnavailable, eventstore.ErrHeadMoved,
	} {
		require.Equal(t, errors.Is(a, meaning), errors.Is(b, meaning), "%s; %s", a, b)
	}
}
