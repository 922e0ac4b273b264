package eventstoretest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func clockCases() []testCase {
	return []testCase{
		{"clock/whole microseconds", clockMicroseconds},
		{"clock/never back", clockNeverBack},
		{"clock/at the commit, not at the decision", clockPerAppend},
		{"clock/position at a time", positionAt},
		{"clock/position at a time, by the machine's clock", positionAtRealTime},
	}
}

// noon is a time of the tests' own.
var noon = time.Date(2031, 5, 6, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

func clockMicroseconds(t *testing.T, h Harness) {
	ctx := within(t)
	h.setClock(noon.Add(1_999 * time.Nanosecond))
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	require.True(t, tx.Now().Equal(noon.Add(time.Microsecond)), "%s", tx.Now())
	b := steps(tx, "test-a", 0, 1)
	require.NoError(t, tx.Commit(ctx, b))
	require.True(t, b.Events[0].RecordedAt.Equal(noon.Add(time.Microsecond)))
	require.True(t, headOf(t, h.Reopen(t)).RecordedAt.Equal(noon.Add(time.Microsecond)))
}

func clockNeverBack(t *testing.T, h Harness) {
	ctx := within(t)
	other := h.Reopen(t)
	for i, row := range []struct {
		store       eventstore.Store
		clock, want time.Duration
	}{
		{h.Store, 0, 0},
		{h.Store, -time.Hour, 0},
		{other, -48 * time.Hour, 0},
		{h.Reopen(t), -time.Microsecond, 0},
		{other, time.Microsecond, time.Microsecond},
		{h.Store, 0, time.Microsecond},
		{h.Store, time.Hour, time.Hour},
		{h.Reopen(t), -20 * 365 * 24 * time.Hour, time.Hour},
	} {
		h.setClock(noon.Add(row.clock))
		tx, err := row.store.Begin(ctx, 0, 0)
		require.NoError(t, err)
		require.False(t, tx.Now().Before(tx.Head().RecordedAt))
		require.True(t, tx.Now().Equal(noon.Add(row.want)), "row %d: %s", i, tx.Now())
		b := steps(tx, "test-a", int64(i), 1)
		require.NoError(t, tx.Commit(ctx, b))
		require.True(t, b.Events[0].RecordedAt.Equal(noon.Add(row.want)), "row %d", i)
		require.True(t, headOf(t, h.Store).RecordedAt.Equal(noon.Add(row.want)), "row %d", i)
	}
	events := readAll(t, h.Store, 0)
	for i := 1; i < len(events); i++ {
		require.False(t, events[i].RecordedAt.Before(events[i-1].RecordedAt))
	}
}

// clockPerAppend: an append has one time from beginning to end, whatever the clock does meanwhile.
func clockPerAppend(t *testing.T, h Harness) {
	ctx := within(t)
	h.setClock(noon)
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	h.setClock(noon.Add(time.Hour))
	require.True(t, tx.Now().Equal(noon))
	b := steps(tx, "test-a", 0, 3)
	require.NoError(t, tx.Commit(ctx, b))
	for _, e := range readAll(t, h.Store, 0) {
		require.True(t, e.RecordedAt.Equal(noon))
		require.True(t, e.EffectiveAt.Equal(noon))
	}
}

func positionAt(t *testing.T, h Harness) {
	for i, minutes := range []int{0, 10, 10, 20, 5, 40} { // the clock goes back once
		h.setClock(noon.Add(time.Duration(minutes) * time.Minute))
		grow(t, h.Store, streamNumber(i), 0, 2)
	}
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		for _, row := range []struct {
			after time.Duration
			want  int64
		}{
			{-1000 * time.Hour, 0},
			{-time.Microsecond, 0},
			{-time.Nanosecond, 0},
			{0, 2},
			{time.Nanosecond, 2},
			{10*time.Minute - time.Microsecond, 2},
			{10 * time.Minute, 6},
			{19 * time.Minute, 6},
			{20 * time.Minute, 10},
			{40*time.Minute - time.Nanosecond, 10},
			{40 * time.Minute, 12},
			{1000 * time.Hour, 12},
		} {
			at, err := s.At(within(t), noon.Add(row.after).In(time.FixedZone("", 7*3600)))
			require.NoError(t, err)
			require.Equal(t, row.want, at, "%s after noon", row.after)
		}
	}
}

func positionAtRealTime(t *testing.T, h Harness) {
	ctx := within(t)
	for i := range int64(40) {
		grow(t, h.Store, "test-a", 3*i, 3)
	}
	events := readAll(t, h.Store, 0)
	for i := range events {
		last := i
		for last+1 < len(events) && !events[last+1].RecordedAt.After(events[i].RecordedAt) {
			last++
		}
		at, err := h.Store.At(ctx, events[i].RecordedAt)
		require.NoError(t, err)
		require.Equal(t, events[last].Position, at)
	}
	at, err := h.Store.At(ctx, events[0].RecordedAt.Add(-time.Microsecond))
	require.NoError(t, err)
	require.Zero(t, at)
}
