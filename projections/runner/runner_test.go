package runner_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/runner"
)

const (
	patience = 30 * time.Second
	tick     = 5 * time.Millisecond
)

// quick makes everything that waits wait little.
func quick() runner.Options {
	return runner.Options{BatchSize: 7, Gap: -1, Takeover: 10 * time.Millisecond, Backoff: 10 * time.Millisecond}
}

func TestToEndRunsOnceAndStops(t *testing.T) {
	t.Parallel()
	b := setup(t, "one", "two")
	require.NoError(t, b.Runner(quick(), b.projections()...).ToEnd(t.Context()), "an empty log has an end")
	head := b.grow(t, 100)
	r := b.Runner(quick(), b.projections()...)
	require.NoError(t, r.ToEnd(t.Context(), "one"))
	b.reaches(t, "one", head)
	all, err := r.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{0, 100}, []int64{all[0].Lag, all[1].Lag}, "two was not asked to run")
	require.NoError(t, r.ToEnd(t.Context()))
	b.reaches(t, "two", head)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(r.ToEnd(t.Context(), "three")))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(r.Rebuild(t.Context(), "three")))
}

func TestRunFollowsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, "one", "two")
	signal := &checkpoint.Signal{}
	o := quick()
	o.Signal = signal
	r := b.Runner(o, b.projections()...)
	stop := b.start(t, r)
	for range 5 {
		head := b.grow(t, 33)
		b.reaches(t, "one", head)
		b.reaches(t, "two", head)
	}
	s := b.status(t, r, "one", runner.StateLive)
	require.Equal(t, b.total, s.Position)
	require.Equal(t, b.Now, s.RecordedAt.UTC())
	require.Zero(t, s.Lag)
	require.Empty(t, s.Error)
	stop()
	require.NoError(t, b.Runner(quick(), b.projections()...).ToEnd(t.Context()), "ownership ends with the run")
}

func TestOneThatFailsStopsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, "good", "bad", "wild")
	b.seen[1].breaks.Store(25)
	b.seen[2].panics.Store(40)
	var mu sync.Mutex
	reports := map[string]error{}
	o := quick()
	o.OnError = func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		reports[name] = err
	}
	r := b.Runner(o, b.projections()...)
	b.start(t, r)
	head := b.grow(t, 100)
	b.reaches(t, "good", head)
	s := b.status(t, r, "bad", runner.StateFailed)
	require.Contains(t, s.Error, "broken on purpose")
	require.Less(t, s.Position, int64(25))
	s = b.status(t, r, "wild", runner.StateFailed)
	require.Contains(t, s.Error, "panic: out of order")
	require.Less(t, s.Position, int64(40))
	head = b.grow(t, 10)
	b.reaches(t, "good", head)

	b.seen[1].breaks.Store(0) // mended: the next try goes on from the checkpoint
	b.seen[2].panics.Store(0)
	b.reaches(t, "bad", head)
	b.reaches(t, "wild", head)
	require.Empty(t, b.status(t, r, "bad", runner.StateLive).Error)
	mu.Lock()
	defer mu.Unlock()
	require.ErrorIs(t, reports["bad"], errBroken)
	require.NotContains(t, reports, "good")
}

// holed hides one event of the log.
type holed struct {
	eventstore.Reader
	position int64
}

func (h holed) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	events, err := h.Reader.Read(ctx, after, limit+1)
	out := make([]eventstore.Event, 0, len(events))
	for _, e := range events {
		if e.Position != h.position && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, err
}

func TestAGapIsNeverSkipped(t *testing.T) {
	t.Parallel()
	for _, follow := range []bool{true, false} {
		b := setup(t, "one")
		b.grow(t, 50)
		r := runner.New(holed{b.Store, 31}, b.Pool, b.Registry, b.projections(), quick())
		if follow {
			b.start(t, r)
		} else {
			require.ErrorIs(t, r.ToEnd(t.Context()), eventstore.ErrGap)
		}
		s := b.status(t, r, "one", runner.StateFailed)
		require.Contains(t, s.Error, "expected 31")
		require.Less(t, s.Position, int64(31))
		require.Positive(t, s.Position)
	}
}

func TestAnEventThatCannotBeDecodedStopsRightBeforeIt(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	b.grow(t, 15)
	registry, err := domain.NewRegistry()
	require.NoError(t, err)
	r := runner.New(b.Store, b.Pool, registry, b.projections(), quick())
	require.ErrorContains(t, r.ToEnd(t.Context()), "event at position 1")
	s := b.status(t, r, "one", runner.StateFailed)
	require.Zero(t, s.Position)
}
