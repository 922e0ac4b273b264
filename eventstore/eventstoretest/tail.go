package eventstoretest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func tailCases() []testCase {
	return []testCase{
		{"tail/since, limit, completeness", tailLimits},
		{"tail/what others wrote in between", tailOfOthers},
	}
}

func tailLimits(t *testing.T, h Harness) {
	ctx := within(t)
	for i := range 4 {
		grow(t, h.Store, streamNumber(i), 0, 5)
	}
	all := readAll(t, h.Store, 0)
	for _, row := range []struct {
		since      int64
		limit, len int
		complete   bool
	}{
		{0, 20, 20, true},
		{0, 21, 20, true},
		{0, 19, 19, false},
		{0, 1, 1, false},
		{0, 0, 0, false},
		{7, 13, 13, true},
		{7, 12, 12, false},
		{19, 1, 1, true},
		{19, 0, 0, false},
		{20, 0, 0, true},
		{20, 10, 0, true},
	} {
		tx, err := h.Store.Begin(ctx, row.since, row.limit)
		require.NoError(t, err)
		require.Equal(t, int64(20), tx.Head().Position)
		events, complete := tx.Tail()
		tx.Rollback(ctx)
		require.Len(t, events, row.len, "since %d, limit %d", row.since, row.limit)
		require.Equal(t, row.complete, complete, "since %d, limit %d", row.since, row.limit)
		requireEvents(t, all[row.since:][:row.len], events)
	}
}

// tailOfOthers keeps a picture of the log from tails alone, as an executor does, while another process appends too.
func tailOfOthers(t *testing.T, h Harness) {
	const rounds = 40
	ctx := within(t)
	other := h.Reopen(t)
	var seen []eventstore.Event
	for i := range int64(rounds) {
		grow(t, other, "test-other", 3*i, 3)
		tx, err := h.Store.Begin(ctx, int64(len(seen)), 3)
		require.NoError(t, err)
		events, complete := tx.Tail()
		require.True(t, complete)
		require.Len(t, events, 3)
		seen = append(seen, events...)
		require.Equal(t, int64(len(seen)), tx.Head().Position)
		b := steps(tx, "test-mine", i, 1)
		require.NoError(t, tx.Commit(ctx, b))
		seen = append(seen, b.Events...)
	}
	requireEvents(t, seen, readAll(t, other, 0))
}
