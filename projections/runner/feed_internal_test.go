package runner

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

type ticked struct {
	N int64 `json:"n"`
}

func (ticked) EventType() string { return "test.ticked.v1" }

// ticks is a log of numbered events. Its Wait returns when grow was called.
type ticks struct {
	head  atomic.Int64
	reads atomic.Int64 // events read in all
	grown chan struct{}
}

func (l *ticks) Head(context.Context) (eventstore.Head, error) {
	return eventstore.Head{Position: l.head.Load()}, nil
}

func (l *ticks) Read(_ context.Context, after int64, limit int) ([]eventstore.Event, error) {
	var out []eventstore.Event
	for p := after + 1; p <= l.head.Load() && len(out) < limit; p++ {
		out = append(out, eventstore.Event{Position: p, Type: "test.ticked.v1", Body: fmt.Appendf(nil, `{"n":%d}`, p)})
	}
	l.reads.Add(int64(len(out)))
	return out, nil
}

func (l *ticks) Wait(ctx context.Context, _ int64) error {
	select {
	case <-l.grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *ticks) At(context.Context, time.Time) (int64, error) { return 0, nil }

func newTicks(t *testing.T, head int64, o Options) (*ticks, *feed) {
	t.Helper()
	registry, err := domain.NewRegistry([]domain.EventSpec{domain.Spec[ticked]("A tick.")})
	require.NoError(t, err)
	log := &ticks{grown: make(chan struct{})}
	log.head.Store(head)
	return log, newFeed(log, registry, o.withDefaults())
}

// read takes a reader to a position and checks that it gets every event once, in order.
func read(t *testing.T, f *feed, r *reader, to int64) {
	t.Helper()
	for at := r.position; at < to; {
		events, err := f.next(t.Context(), r)
		require.NoError(t, err)
		for _, e := range events {
			at++
			require.Equal(t, at, e.Position)
			require.Equal(t, ticked{at}, e.Data)
		}
		f.move(r, at)
	}
}

func TestReadersTogetherDecodeOnce(t *testing.T) {
	t.Parallel()
	const head = 10_000
	log, f := newTicks(t, head, Options{BatchSize: 100})
	var all sync.WaitGroup
	for range 5 {
		r := f.join(0)
		all.Go(func() {
			defer f.leave(r)
			read(t, f, r, head)
		})
	}
	all.Wait()
	require.Equal(t, int64(head), log.reads.Load())
}

func TestReadersAtDifferentPlacesGetAllOfTheirs(t *testing.T) {
	t.Parallel()
	_, f := newTicks(t, 5000, Options{BatchSize: 64})
	var all sync.WaitGroup
	for _, from := range []int64{4999, 0, 4000, 37, 64, 63, 1, 2500, 2499, 4096} {
		r := f.join(from)
		all.Go(func() {
			defer f.leave(r)
			read(t, f, r, 5000)
		})
	}
	all.Wait()
}

func TestAReaderThatStandsStillDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	_, f := newTicks(t, 100_000, Options{BatchSize: 100})
	f.patience = time.Millisecond
	slow, fast := f.join(0), f.join(0)
	read(t, f, fast, 100_000)
	f.leave(fast)
	read(t, f, slow, 100_000)
}

func TestAReaderFarBehindIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	_, f := newTicks(t, 100_000, Options{BatchSize: 100})
	f.patience = time.Hour // would be noticed
	f.join(0)
	live := f.join(90_000)
	read(t, f, live, 100_000)
}

func TestNewEventsWakeReadersAndNoneReturnEmpty(t *testing.T) {
	t.Parallel()
	log, f := newTicks(t, 5, Options{BatchSize: 100, Gap: -1})
	r := f.join(0)
	read(t, f, r, 5)
	f.idle = time.Millisecond
	events, err := f.next(t.Context(), r)
	require.NoError(t, err)
	require.Empty(t, events)
	f.idle = time.Hour
	woken := make(chan int, 2)
	for _, r := range []*reader{r, f.join(5)} {
		go func() {
			events, _ := f.next(t.Context(), r)
			woken <- len(events)
		}()
	}
	log.head.Store(8)
	close(log.grown)
	require.Equal(t, []int{3, 3}, []int{<-woken, <-woken})
}

func TestTheEndOfTheContextEndsTheWait(t *testing.T) {
	t.Parallel()
	_, f := newTicks(t, 0, Options{Takeover: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		r := f.join(0)
		go func() {
			_, err := f.next(ctx, r)
			ended <- err
		}()
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestWhatCannotBeDecodedStopsAfterAllBeforeIt(t *testing.T) {
	t.Parallel()
	log, f := newTicks(t, 9, Options{BatchSize: 100})
	f.store = strange{log}
	r := f.join(0)
	events, err := f.next(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, events, 3)
	f.move(r, 3)
	_, err = f.next(t.Context(), r)
	require.ErrorContains(t, err, "event at position 4")
}

// strange has an event of an unknown type at position 4.
type strange struct{ eventstore.Reader }

func (s strange) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	events, err := s.Reader.Read(ctx, after, limit)
	for i := range events {
		if events[i].Position == 4 {
			events[i].Type = "test.unknown.v9"
		}
	}
	return events, err
}

func TestWaitsDoubleUntilThereIsProgress(t *testing.T) {
	t.Parallel()
	b := backoff{first: time.Second}
	var got []time.Duration
	for range 8 {
		got = append(got, b.next(false, false))
	}
	require.Equal(t, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 60e9, 60e9}, got)
	require.Equal(t, time.Second, b.next(true, false))
	for range 20 {
		require.LessOrEqual(t, b.next(false, true), longestOutage)
	}
}

func TestTheNextBlockIsReadWhileTheReaderIsBusy(t *testing.T) {
	t.Parallel()
	log, f := newTicks(t, 250, Options{BatchSize: 100})
	r := f.join(0)
	for _, read := range []int64{200, 250} { // one block ahead, and never more
		events, err := f.next(t.Context(), r)
		require.NoError(t, err)
		require.Len(t, events, 100)
		require.Eventually(t, func() bool { return log.reads.Load() == read }, patience, time.Millisecond)
		f.move(r, events[99].Position)
	}
	events, err := f.next(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, events, 50, "the last one is not full: nothing is read ahead of it")
	f.leave(r)
	require.Equal(t, int64(250), log.reads.Load())
}

// TestWhatIsReadAheadEndsWithItsReader: although the log says nothing more.
func TestWhatIsReadAheadEndsWithItsReader(t *testing.T) {
	t.Parallel()
	_, f := newTicks(t, 100, Options{BatchSize: 100, Takeover: time.Hour})
	r := f.join(0)
	_, err := f.next(t.Context(), r)
	require.NoError(t, err)
	f.leave(r)
	other := f.join(0)
	defer f.leave(other)
	read(t, f, other, 100)
}
