package eventstoretest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func conflictCases() []testCase {
	return []testCase{
		{"conflict/a stream is elsewhere", versionConflicts},
		{"conflict/one stale stream among good ones", oneStaleStream},
		{"conflict/a write without events", conflictWithoutEvents},
		{"conflict/one winner for a new stream", raceForNewStream},
		{"conflict/a batch that contradicts itself", contradictions},
	}
}

func versionConflicts(t *testing.T, h Harness) {
	grow(t, h.Store, "test-known", 0, 3)
	for _, row := range []struct {
		name string
		id   domain.StreamID
		from int64
	}{
		{"behind", "test-known", 2},
		{"far behind", "test-known", 1},
		{"new but known", "test-known", 0},
		{"ahead", "test-known", 4},
		{"far ahead", "test-known", 1 << 40},
		{"known but new", "test-new", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := refused(t, h, func(tx decided) *eventstore.Batch { return steps(tx, row.id, row.from, 2) })
			require.ErrorIs(t, err, eventstore.ErrVersionConflict)
		})
	}
	requireStream(t, loadOne(t, h.Store, "test-known"), 3)
	requireStream(t, loadOne(t, h.Store, "test-new"), 0)
	grow(t, h.Reopen(t), "test-known", 3, 1)
}

// oneStaleStream has the conflict first, last and in the middle of old and new streams.
func oneStaleStream(t *testing.T, h Harness) {
	for i := range 10 {
		grow(t, h.Store, streamNumber(i), 0, 2)
	}
	for _, stale := range []int{0, 5, 9, 10, 15, 19} {
		err := refused(t, h, func(tx decided) *eventstore.Batch {
			b := &eventstore.Batch{}
			for i := range 20 {
				from := int64(2)
				if i >= 10 {
					from = 0
				}
				if i == stale {
					from++
				}
				addSteps(tx, b, streamNumber(i), from, 1)
				addSnapshot(tx, b, streamNumber(i))
			}
			return b
		})
		require.ErrorIs(t, err, eventstore.ErrVersionConflict, "stream %d", stale)
	}
}

// conflictWithoutEvents: also a batch whose only write is stale is refused.
func conflictWithoutEvents(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 3)
	err := refused(t, h, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 1, 1)
		b.Commands = nil
		return b
	})
	require.ErrorIs(t, err, eventstore.ErrVersionConflict)
}

func raceForNewStream(t *testing.T, h Harness) {
	const rounds, racers = 15, 4
	ctx := within(t)
	wins := make([]int64, racers)
	var group errgroup.Group
	for r := range racers {
		s := h.Reopen(t)
		group.Go(func() error {
			for i := range rounds {
				_, err := attempt(ctx, s, func(tx decided) *eventstore.Batch {
					return steps(tx, streamNumber(i), 0, 2)
				})
				switch {
				case err == nil:
					wins[r]++
				case !errors.Is(err, eventstore.ErrVersionConflict):
					return fmt.Errorf("racer %d, round %d: %w", r, i, err)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, int64(rounds), wins[0]+wins[1]+wins[2]+wins[3])
	require.Len(t, readAll(t, h.Store, 0), 2*rounds)
	for i := range rounds {
		requireStream(t, loadOne(t, h.Store, streamNumber(i)), 2)
	}
}

// contradictions are mistakes of a caller; whatever the error is, nothing may be written and it must not look like a
// fault that passes when tried again.
func contradictions(t *testing.T, h Harness) {
	for i, row := range []struct {
		name  string
		spoil func(*eventstore.Batch)
	}{
		{"a version twice", func(b *eventstore.Batch) { b.Events[1].StreamVersion = b.Events[0].StreamVersion }},
		{"a version that exists", func(b *eventstore.Batch) { b.Events[0].StreamVersion = 3 }},
		{"a version left out", func(b *eventstore.Batch) { b.Events[1].StreamVersion++ }},
		{"versions in the wrong order", func(b *eventstore.Batch) {
			b.Events[0].StreamVersion, b.Events[1].StreamVersion = 5, 4
		}},
		{"version zero", func(b *eventstore.Batch) { b.Events[0].StreamVersion = 0 }},
		{"a negative version", func(b *eventstore.Batch) { b.Events[0].StreamVersion = -1 }},
		{"a stream without its write", func(b *eventstore.Batch) { b.Streams = nil }},
		{"an event of another stream", func(b *eventstore.Batch) { b.Events[1].StreamID = "test-other" }},
		{"a write past its events", func(b *eventstore.Batch) { b.Streams[0].To++ }},
		{"a write short of its events", func(b *eventstore.Batch) { b.Streams[0].To-- }},
		{"a write that stands still", func(b *eventstore.Batch) {
			b.Events, b.Streams[0].To = nil, b.Streams[0].From
		}},
		{"a write backwards", func(b *eventstore.Batch) { b.Events, b.Streams[0].To = nil, 1 }},
		{"a new stream of no events", func(b *eventstore.Batch) {
			b.Streams = append(b.Streams, eventstore.StreamWrite{ID: "test-new"})
		}},
		{"a stream written twice", func(b *eventstore.Batch) { b.Streams = append(b.Streams, b.Streams[0]) }},
		{"a new stream written twice", func(b *eventstore.Batch) {
			w := eventstore.StreamWrite{ID: "test-new", From: 0, To: 1}
			b.Events = append(b.Events, newEvent("test-new", 1, b.Commands[0].ID))
			b.Streams = append(b.Streams, w, w)
		}},
		{"a command id twice", func(b *eventstore.Batch) { b.Commands = append(b.Commands, b.Commands[0]) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			grow(t, h.Store, streamNumber(i), 0, 3)
			requireFinal(t, refused(t, h, func(tx decided) *eventstore.Batch {
				b := steps(tx, streamNumber(i), 3, 2)
				row.spoil(b)
				return b
			}))
		})
	}
}

// requireFinal: an error that neither leaves the outcome open nor asks to come back later.
func requireFinal(t *testing.T, err error) {
	t.Helper()
	require.NotErrorIs(t, err, eventstore.ErrUnknown)
	require.NotErrorIs(t, err, eventstore.ErrUnavailable)
}
