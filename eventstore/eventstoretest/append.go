package eventstoretest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func appendCases() []testCase {
	return []testCase{
		{"append/what a commit fills in", commitFillsIn},
		{"append/what is stored is what was given", storesWhatWasGiven},
		{"append/bodies are kept byte for byte", keepsBodies},
		{"append/two thousand events in one batch", bigBatch},
		{"append/a thousand small batches", manyBatches},
		{"append/an empty batch only releases the lock", emptyBatch},
		{"append/commands without events leave the head alone", commandsAlone},
		{"append/the longest and the shortest stream id", streamIDLimits},
	}
}

func commitFillsIn(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-before", 0, 2)
	tx, err := h.Store.Begin(ctx, 0, 0)
	require.NoError(t, err)
	defer tx.Rollback(ctx)
	now := tx.Now()
	b := steps(tx, "test-a", 0, 3)
	addSteps(tx, b, "test-b", 0, 1)
	chosen := now.Add(-72*time.Hour + 1234*time.Nanosecond)
	b.Events[1].EffectiveAt = chosen
	require.NoError(t, tx.Commit(ctx, b))

	salts, ids := map[[16]byte]bool{{}: true}, map[uuid.UUID]bool{{}: true}
	for i, e := range b.Events {
		require.Equal(t, int64(3+i), e.Position)
		require.Equal(t, b.Events[0].Shard, e.Shard)
		require.True(t, now.Equal(e.RecordedAt), "recorded at %s, the append's clock said %s", e.RecordedAt, now)
		require.Equal(t, eventstore.Leaf(&b.Events[i]), e.LeafHash)
		require.False(t, salts[e.Salt], "a salt is fresh for each event, and never zero")
		require.False(t, ids[e.EventID], "so is an event id")
		salts[e.Salt], ids[e.EventID] = true, true
	}
	require.True(t, now.Equal(b.Events[0].EffectiveAt), "an event without a time of its own is effective when recorded")
	events := readAll(t, h.Store, 2)
	requireEvents(t, b.Events, events)
	require.True(t, stored(chosen).Equal(events[1].EffectiveAt))
}

func storesWhatWasGiven(t *testing.T, h Harness) {
	var want []eventstore.Event
	first := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := steps(tx, "wallet-1", 0, 2)
		addSteps(tx, b, "apikey-1", 0, 1)
		// A command's events may be of several streams in any order, as long as each stream's own are in order.
		b.Events[1], b.Events[2] = b.Events[2], b.Events[1]
		b.Events[0].Type, b.Events[0].SchemaVersion = "wallet.opened.v12", 12
		b.Events[1].Actor = "Zoë Ünal 😀 \t\"'\\"
		b.Events[2].EffectiveAt = time.Date(1969, 7, 20, 20, 17, 40, 123456000, time.FixedZone("", -5*3600))
		return b
	})
	want = append(want, first.Events...)
	other := h.Reopen(t)
	want = append(want, grow(t, other, "wallet-1", 2, 1).Events...)
	want = append(want, grow(t, h.Store, "wallet-1", 3, 1).Events...)
	for _, s := range []eventstore.Store{h.Store, other, h.Reopen(t)} {
		requireEvents(t, want, readAll(t, s, 0))
		last := want[len(want)-1]
		requireHead(t, eventstore.HeadAfter(&last), headOf(t, s))
	}
	requireCommands(t, first.Commands, lookUp(t, other, first.Commands[0].ID, first.Commands[1].ID))
}

func keepsBodies(t *testing.T, h Harness) {
	bodies := [][]byte{
		[]byte(`{}`),
		[]byte("{ \"b\" : 1,\r\n\t\"a\": \"2.50\", \"a\": \"twice\" } "),
		[]byte(`{"zero":"\u0000","escaped":"\u00e9","plain":"é","clef":"𝄞","slash":"\/","bell":"` + "\a" + `"}`),
		[]byte(`{"big":123456789012345678901234567890.000000000000000000,"exp":1E400}`),
		[]byte(`{"quote":"it''s $1 %s \\x00 \N"}`),
		[]byte(`{"long":"` + strings.Repeat("long body é ", 300_000) + `"}`),
	}
	for range 40 {
		bodies = append(bodies, []byte(`{"medium":"`+strings.Repeat(uuid.NewString(), 2_000)+`"}`))
	}
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := steps(tx, "test-bodies", 0, len(bodies))
		for i := range b.Events {
			b.Events[i].Body = bytes.Clone(bodies[i])
		}
		return b
	})
	for i, e := range readAll(t, h.Reopen(t), 0) {
		require.True(t, bytes.Equal(bodies[i], e.Body), "body %d", i)
	}
	requireEvents(t, b.Events, loadOne(t, h.Store, "test-bodies").Events)
}

func bigBatch(t *testing.T, h Harness) {
	const streams, each = 100, 20
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		b := &eventstore.Batch{}
		for i := range streams {
			addSteps(tx, b, streamNumber(i), 0, each)
			addSnapshot(tx, b, streamNumber(i))
		}
		for range 1_900 {
			b.Commands = append(b.Commands, newCommand(tx.Head().Position, tx.Now()))
		}
		return b
	})
	require.Len(t, b.Events, 2_000)
	requireEvents(t, b.Events, readAll(t, h.Store, 0))
	ids := make([]uuid.UUID, len(b.Commands))
	for i, c := range b.Commands {
		ids[i] = c.ID
	}
	requireCommands(t, b.Commands, lookUp(t, h.Store, ids...))
	for i := range streams {
		s := loadOne(t, h.Store, streamNumber(i))
		requireStream(t, s, each)
		require.Equal(t, b.Snapshots[i], *s.Snapshot)
	}
	// All of the streams move on in one more batch, so that their versions are compared many at a time.
	write(t, h.Reopen(t), func(tx decided) *eventstore.Batch {
		b := &eventstore.Batch{}
		for i := range streams {
			addSteps(tx, b, streamNumber(i), each, 1)
		}
		return b
	})
	require.Len(t, readAll(t, h.Store, 0), 2_100)
}

func streamNumber(i int) domain.StreamID { return domain.NewStreamID("test", fmt.Sprint(i)) }

func manyBatches(t *testing.T, h Harness) {
	stores := []eventstore.Store{h.Store, h.Reopen(t)}
	var want []eventstore.Event
	for i := range 1_000 {
		want = append(want, grow(t, stores[i%2], streamNumber(i%7), int64(i/7), 1).Events...)
	}
	requireEvents(t, want, readAll(t, h.Store, 0))
}

func emptyBatch(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 1)
	before := headOf(t, h.Store)
	for range 20 { // more often than a pool has connections
		b := write(t, h.Store, func(decided) *eventstore.Batch { return &eventstore.Batch{} })
		require.Equal(t, &eventstore.Batch{}, b)
	}
	requireHead(t, before, headOf(t, h.Store))
	require.Equal(t, int64(2), grow(t, h.Reopen(t), "test-a", 1, 1).Events[0].Position)
}

func commandsAlone(t *testing.T, h Harness) {
	grow(t, h.Store, "test-a", 0, 1)
	before := headOf(t, h.Store)
	b := write(t, h.Store, func(tx decided) *eventstore.Batch {
		refusal, done := newCommand(tx.Head().Position, tx.Now()), newCommand(tx.Head().Position, tx.Now())
		refusal.Refused, refusal.Outcome = true, []byte(`{"code":"insufficient_credits","message":"it’s empty"}`)
		return &eventstore.Batch{Commands: []eventstore.Command{refusal, done}}
	})
	requireHead(t, before, headOf(t, h.Store))
	requireCommands(t, b.Commands, lookUp(t, h.Reopen(t), b.Commands[0].ID, b.Commands[1].ID))
	require.Equal(t, int64(2), grow(t, h.Store, "test-a", 1, 1).Events[0].Position)
}

func streamIDLimits(t *testing.T, h Harness) {
	for _, id := range []domain.StreamID{
		"a-b", "model-openai/gpt-5", "wallet-'; --", "wallet-{1,2}\"\\", "wallet-Ä", "wallet-ä", "wallet-a",
		domain.StreamID("long-" + strings.Repeat("x", domain.MaxStreamID-5)),
		domain.StreamID("wide-" + strings.Repeat("é", (domain.MaxStreamID-5)/2) + "x"),
	} {
		require.LessOrEqual(t, len(id), domain.MaxStreamID)
		b := grow(t, h.Store, id, 0, 2)
		requireEvents(t, b.Events, loadOne(t, h.Reopen(t), id).Events)
	}
	requireStream(t, loadOne(t, h.Store, "wallet-A"), 0)
}
