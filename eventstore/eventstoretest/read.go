package eventstoretest

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func readCases() []testCase {
	return []testCase{
		{"read/an empty log", emptyLog},
		{"read/after a position, up to a limit", readPages},
		{"read/dense or not at all", readIsDense},
	}
}

func emptyLog(t *testing.T, h Harness) {
	ctx := within(t)
	require.Zero(t, headOf(t, h.Store).Position)
	require.Empty(t, readAll(t, h.Store, 0))
	at, err := h.Store.At(ctx, headOf(t, h.Store).RecordedAt.AddDate(500, 0, 0))
	require.NoError(t, err)
	require.Zero(t, at)

	tx, err := h.Store.Begin(ctx, 0, everything)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	require.Zero(t, tx.Head().Position)
	events, complete := tx.Tail()
	require.Empty(t, events)
	require.True(t, complete)
	streams, err := tx.Load(ctx, streamIDs("test-a", "test-b"))
	require.NoError(t, err)
	require.Len(t, streams, 2)
	for i, id := range streamIDs("test-a", "test-b") {
		require.Equal(t, id, streams[i].ID)
		require.Nil(t, streams[i].Snapshot)
		require.Empty(t, streams[i].Events)
	}
	found, err := tx.Commands(ctx, []uuid.UUID{uuid.New()})
	require.NoError(t, err)
	require.Empty(t, found)
}

func readPages(t *testing.T, h Harness) {
	const total = 57
	for i := range total / 3 {
		grow(t, h.Store, streamNumber(i), 0, 3)
	}
	s := h.Reopen(t)
	all := readAll(t, s, 0)
	require.Len(t, all, total)
	for _, row := range []struct {
		after      int64
		limit, len int
	}{
		{0, 1, 1},
		{0, total - 1, total - 1},
		{0, total, total},
		{0, total + 1, total},
		{10, 10, 10},
		{total - 1, 5, 1},
		{total, 5, 0},
		{total + 100, 5, 0},
	} {
		events, err := s.Read(within(t), row.after, row.limit)
		require.NoError(t, err)
		require.Len(t, events, row.len, "after %d, limit %d", row.after, row.limit)
		requireEvents(t, all[min(row.after, total):][:row.len], events)
	}
}

func readIsDense(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-a", 0, 10)
	events, err := eventstore.ReadDense(ctx, h.Store, 4, 3)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, int64(5), events[0].Position)
	events, err = eventstore.ReadDense(ctx, h.Store, 10, 3)
	require.NoError(t, err)
	require.Empty(t, events)
}
