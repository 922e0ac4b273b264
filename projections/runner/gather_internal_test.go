package runner

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/eventstore"
)

// timed is a log whose events are recorded at given seconds, the first at that of position 1.
type timed struct {
	eventstore.Reader
	seconds []int64
}

func (l timed) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	events, err := l.Reader.Read(ctx, after, limit)
	for i := range events {
		events[i].RecordedAt = time.Unix(l.seconds[events[i].Position-1], 0)
	}
	return events, err
}

// TestABatchIsOfAsManyBlocksAsItHolds: whatever the sizes are and wherever minutes begin, each event comes once and in order; a batch that others
// follow ends with the first event of a minute, if it has one after its own first; none passes the place at which to stop.
func TestABatchIsOfAsManyBlocksAsItHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		head := rapid.Int64Range(1, 200).Draw(rt, "head")
		log, f := newTicks(t, head, Options{BatchSize: rapid.IntRange(1, 60).Draw(rt, "batch"), Gap: -1})
		f.size = min(rapid.Int64Range(1, 20).Draw(rt, "block"), int64(f.most))
		f.idle = time.Hour
		seconds := make([]int64, head)
		for i := 1; i < len(seconds); i++ {
			seconds[i] = seconds[i-1] + rapid.SampledFrom([]int64{0, 0, 1, 7, 60, 3600}).Draw(rt, "later")
		}
		f.store = timed{log, seconds}
		begins := func(position int64) bool { return position > 1 && seconds[position-1]/60 != seconds[position-2]/60 }
		stop := rapid.Int64Range(1, head).Draw(rt, "stop")
		from := rapid.Int64Range(0, stop-1).Draw(rt, "from")
		r := f.join(from)
		defer f.leave(r)
		for at := from; at < stop; {
			events, err := f.batch(t.Context(), r, at, stop)
			require.NoError(rt, err)
			require.NotEmpty(rt, events)
			require.LessOrEqual(rt, len(events), f.most)
			first := at + 1
			for _, e := range events {
				at++
				require.Equal(rt, at, e.Position)
				require.Equal(rt, ticked{at}, e.Data)
			}
			require.LessOrEqual(rt, at, stop)
			full := min(first+int64(f.most)-1, stop)
			if at == full {
				continue
			}
			require.True(rt, begins(at), "a batch from %d ends at %d of %d", first, at, full)
			for later := at + 1; later <= full; later++ {
				require.False(rt, begins(later), "a batch from %d ends at %d, and %d begins a minute", first, at, later)
			}
		}
	})
}

// TestWhatWasNotWrittenComesAgain: after a failure, or from another place, what was left over is of no use.
func TestWhatWasNotWrittenComesAgain(t *testing.T) {
	t.Parallel()
	log, f := newTicks(t, 100, Options{BatchSize: 40, Takeover: time.Hour})
	seconds := make([]int64, 100)
	for i := 30; i < len(seconds); i++ {
		seconds[i] = 60
	}
	f.size, f.store = 10, timed{log, seconds}
	r := f.join(0)
	defer f.leave(r)
	for _, step := range []struct{ after, first, last int64 }{{0, 1, 31}, {0, 1, 31}, {31, 32, 71}, {31, 32, 71}, {7, 8, 31}, {31, 32, 71}, {71, 72, 100}} {
		events, err := f.batch(t.Context(), r, step.after, never)
		require.NoError(t, err)
		require.Equal(t, []int64{step.first, step.last}, []int64{events[0].Position, events[len(events)-1].Position})
	}
}

// TestABatchDoesNotWaitForMore: at the end of the log, which may be that of a block, also while others wait there.
func TestABatchDoesNotWaitForMore(t *testing.T) {
	t.Parallel()
	_, f := newTicks(t, 200, Options{BatchSize: 400, Takeover: time.Hour})
	f.size, f.patience = 100, time.Hour
	all := func() {
		r := f.join(0)
		defer f.leave(r)
		events, err := f.batch(t.Context(), r, 0, never)
		require.NoError(t, err)
		require.Len(t, events, 200)
	}
	all()
	waiting, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	other := f.join(200)
	go func() {
		_, err := f.next(waiting, other)
		ended <- err
	}()
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.blocks[2] != nil && f.blocks[2].atEnd
	}, 30*time.Second, time.Millisecond)
	all()
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// TestABatchEndsBeforeWhatCannotBeDecoded: which is the next batch's error.
func TestABatchEndsBeforeWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	log, f := newTicks(t, 9, Options{BatchSize: 9, Takeover: time.Hour})
	f.size, f.store = 3, strange{log}
	r := f.join(0)
	defer f.leave(r)
	events, err := f.batch(t.Context(), r, 0, never)
	require.NoError(t, err)
	require.Len(t, events, 3)
	_, err = f.batch(t.Context(), r, 3, never)
	require.ErrorContains(t, err, "event at position 4")
}
