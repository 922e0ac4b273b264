package eventstoretest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
)

// otherHead: the position is right, but its event is not the one that was decided on.
func otherHead(t *testing.T, h Harness) {
	ctx := within(t)
	grow(t, h.Store, "test-a", 0, 3)
	at := seenBy(t, h.Store)
	for _, id := range []uuid.UUID{{}, uuid.New(), readAll(t, h.Store, 0)[1].EventID} {
		wrong := at
		wrong.head.EventID = id
		for _, b := range []*eventstore.Batch{steps(wrong, "test-a", 3, 1), steps(wrong, "test-new", 0, 1), onlyCommand(wrong)} {
			require.ErrorIs(t, h.Store.Append(ctx, wrong.head, wrong.now, b), eventstore.ErrHeadMoved)
		}
	}
	requireHead(t, at.head, headOf(t, h.Store))
	require.NoError(t, h.Store.Append(ctx, at.head, at.now, steps(at, "test-a", 3, 1)))
}

// leave is where a batch will leave the head, and names its last event.
func leave(t *testing.T, at seen, b *eventstore.Batch) seen {
	t.Helper()
	id, err := eventstore.NewEventID(at.now)
	require.NoError(t, err)
	b.LastID = id
	at.head = eventstore.Head{Position: at.head.Position + int64(len(b.Events)), EventID: id, RecordedAt: at.now}
	return at
}

// sentBehind sends batches before those before them have their answers.
func sentBehind(t *testing.T, h Harness) {
	ctx := within(t)
	at := seenBy(t, h.Store)
	var want []eventstore.Event
	for round := range int64(20) {
		const together = 5
		var batches []*eventstore.Batch
		answers := make(chan error, together)
		for i := range int64(together) {
			b := steps(at, "test-a", 2*(together*round+i), 2)
			next := leave(t, at, b)
			h.Store.Send(ctx, at.head, at.now, b, func(err error) { answers <- err })
			batches, at = append(batches, b), next
		}
		for range together {
			require.NoError(t, <-answers)
		}
		for _, b := range batches {
			want = append(want, b.Events...)
			require.Equal(t, b.LastID, b.Events[1].EventID)
		}
		requireHead(t, at.head, headOf(t, h.Store))
	}
	requireEvents(t, want, readAll(t, h.Reopen(t), 0))
}

// sentBehindFailure: somebody else takes the place of the first batch with as many events at the same time, so that the
// second finds the head where it expected it, but not what it was decided on.
func sentBehindFailure(t *testing.T, h Harness) {
	ctx := within(t)
	h.setClock(noon)
	other := h.Reopen(t)
	grow(t, h.Store, "test-a", 0, 2)
	at := seenBy(t, h.Store)
	first := steps(at, "test-a", 2, 2)
	behind := leave(t, at, first)
	second := steps(behind, "test-b", 0, 1)
	taken := steps(at, "test-c", 0, 2)
	require.NoError(t, other.Append(ctx, at.head, at.now, taken))
	answers := make(chan error, 2)
	h.Store.Send(ctx, at.head, at.now, first, func(err error) { answers <- err })
	h.Store.Send(ctx, behind.head, behind.now, second, func(err error) { answers <- err })
	require.ErrorIs(t, <-answers, eventstore.ErrHeadMoved)
	require.ErrorIs(t, <-answers, eventstore.ErrHeadMoved)
	requireHead(t, eventstore.HeadAfter(&taken.Events[1]), headOf(t, h.Store))
	requireStream(t, loadOne(t, other, "test-a"), 2)
	at = seenBy(t, h.Store)
	require.NoError(t, h.Store.Append(ctx, at.head, at.now, steps(at, "test-a", 2, 1)), "the connection is still good")
}

func turnCases() []testCase {
	return []testCase{
		{"turns/one at a time, in the order in which they were asked for", turnsInOrder},
		{"turns/patience", turnsNeedPatience},
		{"turns/they keep nobody from appending", turnsAreAdvice},
	}
}

func turnsInOrder(t *testing.T, h Harness) {
	ctx := within(t)
	const long = time.Minute
	end, err := h.Store.Turn(ctx, long)
	require.NoError(t, err)
	require.NotNil(t, end)
	got := make(chan func(), 1)
	other := h.Reopen(t)
	go func() {
		next, err := other.Turn(ctx, long)
		if err != nil {
			next = nil
		}
		got <- next
	}()
	for range 3 {
		none, err := h.Store.Turn(ctx, 20*time.Millisecond)
		require.NoError(t, err)
		require.Nil(t, none, "it is still the first one's turn, or the second's")
	}
	require.Empty(t, got)
	end()
	next := <-got
	require.NotNil(t, next)
	none, err := h.Store.Turn(ctx, 20*time.Millisecond)
	require.NoError(t, err)
	require.Nil(t, none)
	next()
	again, err := h.Store.Turn(ctx, long)
	require.NoError(t, err)
	require.NotNil(t, again)
	again()
}

func turnsNeedPatience(t *testing.T, h Harness) {
	ctx := within(t)
	end, err := h.Store.Turn(ctx, time.Minute)
	require.NoError(t, err)
	defer end()
	started := time.Now()
	none, err := h.Reopen(t).Turn(ctx, 50*time.Millisecond)
	require.NoError(t, err)
	require.Nil(t, none)
	require.GreaterOrEqual(t, time.Since(started), 50*time.Millisecond)
}

func turnsAreAdvice(t *testing.T, h Harness) {
	end, err := h.Store.Turn(within(t), time.Minute)
	require.NoError(t, err)
	defer end()
	other := h.Reopen(t)
	grow(t, other, "test-a", 0, 2)
	at := seenBy(t, other)
	require.NoError(t, other.Append(within(t), at.head, at.now, steps(at, "test-a", 2, 1)))
}
