package postgres

import (
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

func wallet(n int) domain.StreamID { return domain.StreamID("wallet-" + strconv.Itoa(n)) }

// step is a sealed batch of one event.
func step(at eventstore.Head, id domain.StreamID, from int64) *eventstore.Batch {
	return &eventstore.Batch{
		Streams: []eventstore.StreamWrite{{ID: id, From: from, To: from + 1}},
		Events:  []eventstore.Event{{Position: at.Position + 1, EventID: uuid.New(), StreamID: id, StreamVersion: from + 1}},
	}
}

func TestVersionsFollowTheirHead(t *testing.T) {
	t.Parallel()
	var v versions
	head := eventstore.Head{Position: 7, EventID: uuid.New()}
	first := step(head, wallet(1), 3)
	require.Equal(t, []domain.StreamID{wallet(1)}, v.unknown(head, first))
	require.ErrorIs(t, v.move(head, first), eventstore.ErrVersionConflict, "nobody looked it up")
	v.learn([]eventstore.Stream{{ID: wallet(1), Snapshot: &eventstore.Snapshot{Version: 3}}})
	require.Empty(t, v.unknown(head, first))
	require.NoError(t, v.move(head, first))

	after := eventstore.HeadAfter(&first.Events[0])
	v.learn([]eventstore.Stream{{ID: wallet(1), Snapshot: &eventstore.Snapshot{Version: 3}}}) // was read before the batch was written
	for _, from := range []int64{2, 3, 5} {
		require.ErrorIs(t, v.move(after, step(after, wallet(1), from)), eventstore.ErrVersionConflict, from)
	}
	require.NoError(t, v.move(after, step(after, wallet(1), 4)))
	require.Equal(t, []domain.StreamID{wallet(1)}, v.unknown(after, step(after, wallet(1), 4)), "the log did not go on like that")

	others := step(after, wallet(1), 4)
	v.learn([]eventstore.Stream{{ID: wallet(1), Events: []eventstore.Event{{StreamVersion: 4}}}})
	v.follow(others.Events)
	end := eventstore.HeadAfter(&others.Events[0])
	require.ErrorIs(t, v.move(end, step(end, wallet(1), 4)), eventstore.ErrVersionConflict)
	require.NoError(t, v.move(end, step(end, wallet(1), 5)))
	v.forget()
	require.Equal(t, []domain.StreamID{wallet(1)}, v.unknown(end, step(end, wallet(1), 5)))
}

// TestVersionsAreBounded: what was used last is kept.
func TestVersionsAreBounded(t *testing.T) {
	t.Parallel()
	var v versions
	head := eventstore.Head{Position: 1, EventID: uuid.New()}
	v.begin(head)
	for i := range 5 * mostVersions / 2 {
		b := step(head, wallet(i), 0)
		require.NoError(t, v.move(head, b))
		head = eventstore.HeadAfter(&b.Events[0])
	}
	require.LessOrEqual(t, len(v.young)+len(v.old), 2*mostVersions)
	require.Empty(t, v.unknown(head, step(head, wallet(2*mostVersions), 1)))
	require.NotEmpty(t, v.unknown(head, step(head, wallet(0), 1)))
}
