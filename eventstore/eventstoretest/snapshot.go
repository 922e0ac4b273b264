package eventstoretest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func snapshotCases() []testCase {
	return []testCase{
		{"snapshot/of the last version", snapshotOfLast},
		{"snapshot/with events after it", snapshotThenEvents},
		{"snapshot/of a version in the middle of its batch", snapshotInMiddle},
		{"snapshot/written alone, later", snapshotAlone},
		{"snapshot/replaced by a newer one", snapshotReplaced},
		{"snapshot/an older one never breaks the stream", snapshotOlder},
		{"snapshot/large and binary", snapshotLarge},
		{"snapshot/streams with and without, loaded together", snapshotsMixed},
	}
}

// growWithSnapshot appends n events and the snapshot of the last of them.
func growWithSnapshot(
	t *testing.T, s eventstore.Appender, id domain.StreamID, from int64, n int,
) (*eventstore.Batch, eventstore.Snapshot) {
	t.Helper()
	b := write(t, s, func(tx decided) *eventstore.Batch {
		b := steps(tx, id, from, n)
		addSnapshot(tx, b, id)
		return b
	})
	return b, b.Snapshots[0]
}

func snapshotOfLast(t *testing.T, h Harness) {
	_, snapshot := growWithSnapshot(t, h.Store, "test-a", 0, 5)
	for _, s := range []eventstore.Store{h.Store, h.Reopen(t)} {
		stream := loadOne(t, s, "test-a")
		require.Equal(t, &snapshot, stream.Snapshot)
		require.Empty(t, stream.Events)
	}
}

func snapshotThenEvents(t *testing.T, h Harness) {
	_, snapshot := growWithSnapshot(t, h.Store, "test-a", 0, 5)
	grow(t, h.Store, "test-b", 0, 3)
	more := grow(t, h.Store, "test-a", 5, 2)
	more2 := grow(t, h.Store, "test-a", 7, 1)
	stream := loadOne(t, h.Reopen(t), "test-a")
	require.Equal(t, &snapshot, stream.Snapshot)
	requireEvents(t, append(more.Events[:2:2], more2.Events...), stream.Events)
}

func snapshotInMiddle(t *testing.T, h Harness) {
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 0, 5)
		b.Snapshots = []eventstore.Snapshot{{
			StreamID: "test-a", Version: 3, Position: tx.Head().Position + 3, Schema: 1, State: []byte("three"),
		}}
		return b
	})
	stream := loadOne(t, h.Store, "test-a")
	require.Equal(t, &b.Snapshots[0], stream.Snapshot)
	requireEvents(t, b.Events[3:], stream.Events)
}

func snapshotAlone(t *testing.T, h Harness) {
	b := grow(t, h.Store, "test-a", 0, 4)
	before := headOf(t, h.Store)
	snapshot := eventstore.Snapshot{StreamID: "test-a", Version: 2, Position: b.Events[1].Position, Schema: 1, State: []byte("two")}
	write(t, h.Reopen(t), func(decided) *eventstore.Batch {
		return &eventstore.Batch{Snapshots: []eventstore.Snapshot{snapshot}}
	})
	requireHead(t, before, headOf(t, h.Store))
	stream := loadOne(t, h.Store, "test-a")
	require.Equal(t, &snapshot, stream.Snapshot)
	requireEvents(t, b.Events[2:], stream.Events)
}

func snapshotReplaced(t *testing.T, h Harness) {
	growWithSnapshot(t, h.Store, "test-a", 0, 2)
	growWithSnapshot(t, h.Store, "test-a", 2, 2)
	_, third := growWithSnapshot(t, h.Reopen(t), "test-a", 4, 3)
	stream := loadOne(t, h.Store, "test-a")
	require.Equal(t, &third, stream.Snapshot)
	require.Empty(t, stream.Events)

	// The same version in a newer encoding.
	third.Schema, third.State = 4, []byte("encoded anew")
	write(t, h.Store, func(decided) *eventstore.Batch {
		return &eventstore.Batch{Snapshots: []eventstore.Snapshot{third}}
	})
	require.Equal(t, &third, loadOne(t, h.Store, "test-a").Snapshot)
}

// snapshotOlder: a process that was slow may write a snapshot that is older than the one stored. Whichever is kept,
// the stream still folds to its version.
func snapshotOlder(t *testing.T, h Harness) {
	old, _ := growWithSnapshot(t, h.Store, "test-a", 0, 2)
	growWithSnapshot(t, h.Store, "test-a", 2, 3)
	write(t, h.Reopen(t), func(decided) *eventstore.Batch {
		return &eventstore.Batch{Snapshots: []eventstore.Snapshot{old.Snapshots[0]}}
	})
	stream := loadOne(t, h.Store, "test-a")
	require.NotNil(t, stream.Snapshot)
	requireStream(t, stream, 5)
}

func snapshotLarge(t *testing.T, h Harness) {
	state := make([]byte, 2<<20)
	random := rand.NewChaCha8([32]byte{1})
	_, err := random.Read(state)
	require.NoError(t, err)
	write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-a", 0, 1)
		addSnapshot(tx, b, "test-a")
		b.Snapshots[0].State = bytes.Clone(state)
		return b
	})
	require.True(t, bytes.Equal(state, loadOne(t, h.Reopen(t), "test-a").Snapshot.State))
}

func snapshotsMixed(t *testing.T, h Harness) {
	const streams = 50
	var ids []domain.StreamID
	for i := range streams {
		id := domain.NewStreamID("test", fmt.Sprint(i))
		ids = append(ids, id)
		if i%2 == 0 {
			growWithSnapshot(t, h.Store, id, 0, 1+i%3)
		} else {
			grow(t, h.Store, id, 0, 1+i%3)
		}
	}
	for i, id := range ids {
		if i%5 == 0 {
			grow(t, h.Store, id, int64(1+i%3), 2)
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] }) //nolint:gosec // an order
	loaded, err := h.Reopen(t).Load(within(t), ids)
	require.NoError(t, err)
	require.Len(t, loaded, streams)
	for i, s := range loaded {
		require.Equal(t, ids[i], s.ID)
		var n int64
		_, err := fmt.Sscan(s.ID.Identity(), &n)
		require.NoError(t, err)
		require.Equal(t, n%2 == 0, s.Snapshot != nil)
		version := 1 + n%3
		if n%5 == 0 {
			version += 2
		}
		requireStream(t, s, version)
	}
}
