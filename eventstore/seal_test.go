package eventstore_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

func TestSealFillsIn(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 12, 0, 0, 123456000, time.UTC)
	own := now.Add(-time.Hour)
	b := &eventstore.Batch{Events: make([]eventstore.Event, 50)}
	b.Events[7].EffectiveAt = own
	b.Events[8].Position, b.Events[8].Shard, b.Events[8].LeafHash = 1, 9, [32]byte{1}
	require.NoError(t, eventstore.Seal(b, 3, eventstore.Head{Position: 1_000, RecordedAt: now.Add(-time.Second)}, now))

	salts, ids := map[[16]byte]bool{{}: true}, map[uuid.UUID]bool{{}: true}
	for i := range b.Events {
		e := &b.Events[i]
		require.Equal(t, int16(3), e.Shard)
		require.Equal(t, int64(1_001+i), e.Position)
		require.Equal(t, now, e.RecordedAt)
		require.Equal(t, map[bool]time.Time{true: own, false: now}[i == 7], e.EffectiveAt)
		require.Equal(t, eventstore.Leaf(e), e.LeafHash)
		require.False(t, salts[e.Salt])
		require.False(t, ids[e.EventID])
		require.NotContains(t, e.EventID.String(), uuid.UUID(e.Salt).String()[24:], "an id is public and tells nothing of the salt")
		salts[e.Salt], ids[e.EventID] = true, true

		require.Equal(t, uuid.Version(7), e.EventID.Version())
		require.Equal(t, uuid.RFC4122, e.EventID.Variant())
		seconds, nanos := e.EventID.Time().UnixTime()
		require.Equal(t, now.UnixMilli(), time.Unix(seconds, nanos).UnixMilli(), "the id is ordered by the recorded time")
	}
}

// TestSealAgainIsFresh: a batch that failed is sealed again when it is tried again.
func TestSealAgainIsFresh(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 12, 0, 0, 0, time.UTC)
	b := &eventstore.Batch{Events: []eventstore.Event{{StreamID: "test-a", StreamVersion: 1, Body: []byte("{}")}}}
	require.NoError(t, eventstore.Seal(b, 0, eventstore.Head{Position: 5}, now))
	first := b.Events[0]
	require.NoError(t, eventstore.Seal(b, 0, eventstore.Head{Position: 6}, now.Add(time.Second)))
	again := b.Events[0]
	require.Equal(t, int64(7), again.Position)
	require.Equal(t, now.Add(time.Second), again.RecordedAt)
	require.NotEqual(t, first.Salt, again.Salt)
	require.NotEqual(t, first.EventID, again.EventID)
	require.Equal(t, eventstore.Leaf(&again), again.LeafHash)
	require.NotEqual(t, first.LeafHash, again.LeafHash)
}

func TestSealOfNothing(t *testing.T) {
	t.Parallel()
	b := &eventstore.Batch{Commands: []eventstore.Command{{}}}
	require.NoError(t, eventstore.Seal(b, 0, eventstore.Head{}, time.Now()))
	require.Equal(t, &eventstore.Batch{Commands: []eventstore.Command{{}}}, b)
}
