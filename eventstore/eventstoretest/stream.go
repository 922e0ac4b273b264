package eventstoretest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func streamCases() []testCase {
	return []testCase{
		{"stream/loaded in the order asked for", loadsInOrder},
		{"stream/none asked for", loadsNone},
		{"stream/asked for twice", loadsTwice},
		{"stream/a long one", loadsLongStream},
		{"stream/under the lock as without", loadsUnderLock},
	}
}

func loadsInOrder(t *testing.T, h Harness) {
	ctx := within(t)
	a := grow(t, h.Store, "test-a", 0, 3)
	b := grow(t, h.Store, "test-b", 0, 1)
	a2 := grow(t, h.Store, "test-a", 3, 2)
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		streams, err := s.Load(ctx, streamIDs("test-b", "test-unknown", "test-a"))
		require.NoError(t, err)
		require.Len(t, streams, 3)
		require.Equal(t, domain.StreamID("test-b"), streams[0].ID)
		requireEvents(t, b.Events, streams[0].Events)
		require.Equal(t, eventstore.Stream{ID: "test-unknown"}, streams[1])
		require.Equal(t, domain.StreamID("test-a"), streams[2].ID)
		requireEvents(t, append(a.Events[:3:3], a2.Events...), streams[2].Events)
		require.Nil(t, streams[2].Snapshot)
	}
}

func loadsNone(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-a", 0, 1)
	for _, none := range [][]domain.StreamID{nil, {}} {
		streams, err := h.Store.Load(ctx, none)
		require.NoError(t, err)
		require.Empty(t, streams)
	}
}

// loadsTwice: a stream that is named twice is there twice, and never mistaken for an unknown one.
func loadsTwice(t *testing.T, h Harness) {
	growWithSnapshot(t, h.Store, "test-a", 0, 2)
	grow(t, h.Store, "test-a", 2, 3)
	streams, err := h.Store.Load(within(t), streamIDs("test-a", "test-b", "test-a"))
	require.NoError(t, err)
	require.Len(t, streams, 3)
	requireStream(t, streams[0], 5)
	requireStream(t, streams[1], 0)
	requireStream(t, streams[2], 5)
	require.Equal(t, streams[0], streams[2])
}

// loadsLongStream has the stream's events far apart, with others between them.
func loadsLongStream(t *testing.T, h Harness) {
	var want []eventstore.Event
	for i := range int64(30) {
		b := write(t, h.Store, func(tx decided) *eventstore.Batch {
			b := steps(tx, "test-long", 10*i, 10)
			addSteps(tx, b, "test-other", 40*i, 40)
			return b
		})
		want = append(want, b.Events[:10]...)
	}
	s := loadOne(t, h.Reopen(t), "test-long")
	requireStream(t, s, 300)
	requireEvents(t, want, s.Events)
}

func loadsUnderLock(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-a", 0, 2)
	other := h.Reopen(t)
	grow(t, other, "test-a", 2, 2)
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	under, err := tx.Load(ctx, streamIDs("test-a", "test-none"))
	require.NoError(t, err)
	free, err := other.Load(ctx, streamIDs("test-a", "test-none"))
	require.NoError(t, err)
	require.Len(t, under, 2)
	for i := range under {
		require.Equal(t, free[i].ID, under[i].ID)
		requireEvents(t, free[i].Events, under[i].Events)
	}
	requireStream(t, under[0], 4)
	// Several reads under one lock are possible, and what they gave still commits.
	again, err := tx.Load(ctx, streamIDs("test-a"))
	require.NoError(t, err)
	requireStream(t, again[0], 4)
	require.NoError(t, tx.Commit(ctx, steps(tx, "test-a", 4, 1)))
	requireStream(t, loadOne(t, other, "test-a"), 5)
}
