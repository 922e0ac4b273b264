package executor_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestSameIDAndInputGivesTheFirstOutcome(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	id := uuid.New()
	first := b.exec.Do(t.Context(), add(id, "a", 3))
	require.NoError(t, first.Err)
	require.Equal(t, 3, first.Value)
	require.False(t, first.Replayed)
	b.warmUp(t)
	again := b.exec.Do(t.Context(), add(id, "a", 3))
	require.NoError(t, again.Err)
	require.True(t, again.Replayed)
	require.Equal(t, first.Position, again.Position)
	require.JSONEq(t, "3", string(again.Stored))
	require.Equal(t, 3, b.marbles(t, "a"))
}

func TestSameIDWithOtherInputIsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	id := uuid.New()
	require.NoError(t, b.exec.Do(t.Context(), add(id, "a", 3)).Err)
	res := b.exec.Do(t.Context(), add(id, "a", 4))
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(res.Err))
	require.Equal(t, 3, b.marbles(t, "a"))
}

func TestRefusalIsAnOutcomeUnlessForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	id, forgotten := uuid.New(), uuid.New()
	require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", size)).Err)
	first := b.exec.Do(t.Context(), add(id, "a", 1))
	again := b.exec.Do(t.Context(), add(id, "a", 1))
	require.Equal(t, domain.CodeConflict, domain.CodeOf(first.Err))
	require.True(t, again.Replayed)
	var refusal *domain.Error
	require.ErrorAs(t, again.Err, &refusal)
	require.Equal(t, "many", refusal.Details["in"])

	r := add(forgotten, "a", 1)
	r.Forgets = func(domain.Code) bool { return true }
	require.Equal(t, domain.CodeConflict, domain.CodeOf(b.exec.Do(t.Context(), r).Err))
	other := add(forgotten, "b", 1)
	require.NoError(t, b.exec.Do(t.Context(), other).Err, "a forgotten refusal leaves the id free")
}

func TestConcurrentDuplicatesHaveOneEffect(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	b.warmUp(t)
	ids := make([]uuid.UUID, 20)
	for i := range ids {
		ids[i] = uuid.New()
	}
	var fresh atomic.Int64
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			res := b.exec.Do(context.Background(), add(ids[i%len(ids)], "a", 1))
			if res.Err == nil && !res.Replayed {
				fresh.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, len(ids), fresh.Load())
	require.Equal(t, len(ids), b.marbles(t, "a"))
}

// Several executors on one log are several processes: the jar is never overfilled and every acknowledged marble is in.
func TestExecutorsOnOneLogAgree(t *testing.T) {
	t.Parallel()
	for _, o := range []struct {
		name string
		tail int
	}{{"following each other", 0}, {"dropping the cache", 1}} {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, memory.Options{}, func(opt *executor.Options) { opt.Tail = o.tail; opt.Batch = 16 })
			execs := []*executor.Executor{b.exec}
			for range 2 {
				execs = append(execs, run(t, b.store.Reopen(memory.Options{}), options(t, func(opt *executor.Options) { opt.Tail = o.tail; opt.Batch = 16 })))
			}
			var accepted, refused atomic.Int64
			var wg sync.WaitGroup
			for i := range 1500 {
				wg.Go(func() {
					res := execs[i%len(execs)].Do(context.Background(), add(uuid.New(), "shared", 1))
					switch domain.CodeOf(res.Err) {
					case "":
						accepted.Add(1)
					case domain.CodeConflict:
						refused.Add(1)
					}
				})
			}
			wg.Wait()
			require.EqualValues(t, size, accepted.Load())
			require.EqualValues(t, 500, refused.Load())
			require.Equal(t, size, b.marbles(t, "shared"))
		})
	}
}

func TestALoneWriterThenCompany(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	b.warmUp(t)
	require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err)
	other := run(t, b.store.Reopen(memory.Options{}), options(t, nil))
	require.NoError(t, other.Do(t.Context(), add(uuid.New(), "a", 10)).Err)
	res := b.exec.Do(t.Context(), add(uuid.New(), "a", 100))
	require.NoError(t, res.Err)
	require.Equal(t, 111, res.Value)
}

// A refusal that writes nothing is as good as any other: on the state of the log, not on what was believed of it.
func TestALoneWriterDoesNotRefuseOnWhatHasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	b.warmUp(t)
	require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", size)).Err)
	other := run(t, b.store.Reopen(memory.Options{}), options(t, nil))
	require.NoError(t, other.Do(t.Context(), add(uuid.New(), "a", -1)).Err)
	r := add(uuid.New(), "a", 1)
	r.Forgets = func(domain.Code) bool { return true }
	require.NoError(t, b.exec.Do(t.Context(), r).Err)
}

func TestPoisonFailsAloneInItsBatch(t *testing.T) {
	t.Parallel()
	for _, poison := range []struct {
		name    string
		request func() *executor.Request
		refused bool // by the database rather than by the decision
	}{
		{name: "panics", request: func() *executor.Request {
			r := add(uuid.New(), "poison", 1)
			r.Decide = func(*executor.Decision) (any, error) { panic("boom") }
			return r
		}},
		{name: "appends and then refuses", request: func() *executor.Request {
			r := add(uuid.New(), "poison", 1)
			r.Decide = func(d *executor.Decision) (any, error) {
				if err := d.Append(stream("poison"), added{N: 1, After: 1}); err != nil {
					return nil, err
				}
				return nil, domain.Errorf(domain.CodeConflict, "too late")
			}
			return r
		}},
		{name: "breaks an invariant", request: func() *executor.Request { return add(uuid.New(), "poison", -1) }},
		{name: "names no stream", request: func() *executor.Request {
			r := add(uuid.New(), "poison", 1)
			r.Streams = nil
			return r
		}},
		{name: "cannot be stored", request: func() *executor.Request { return add(uuid.New(), "poison\x00", 1) }},
		{name: "unknown kind", request: func() *executor.Request {
			r := add(uuid.New(), "poison", 1)
			r.Streams = []domain.StreamID{"pot-1"}
			return r
		}},
	} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ahead of commits %v", poison.name, warm), func(t *testing.T) {
				t.Parallel()
				b := setup(t, memory.Options{}, nil)
				if warm {
					b.warmUp(t)
				}
				var wg sync.WaitGroup
				var failed atomic.Int64
				for range 40 {
					wg.Go(func() {
						if b.exec.Do(context.Background(), add(uuid.New(), "good", 1)).Err != nil {
							failed.Add(1)
						}
					})
				}
				res := b.exec.Do(t.Context(), poison.request())
				wg.Wait()
				require.Equal(t, domain.CodeInternal, domain.CodeOf(res.Err))
				require.Zero(t, failed.Load())
				require.Equal(t, 40, b.marbles(t, "good"))
				require.Zero(t, b.marbles(t, "poison"))
			})
		}
	}
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("%w: reset", eventstore.ErrUnknown)
	for _, c := range []struct {
		name  string
		fault memory.Fault
	}{
		{"before the commit", memory.Fault{Before: lost}},
		{"after the commit", memory.Fault{After: lost}},
	} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ahead of commits %v", c.name, warm), func(t *testing.T) {
				t.Parallel()
				var broken atomic.Int64
				var armed atomic.Bool
				armed.Store(!warm)
				b := setup(t, memory.Options{CommitFault: func(*eventstore.Batch) memory.Fault {
					if armed.Load() && broken.Add(1)%3 == 1 {
						return c.fault
					}
					return memory.Fault{}
				}}, nil)
				if warm {
					b.warmUp(t)
					armed.Store(true)
				}
				var wg sync.WaitGroup
				var failed atomic.Int64
				for range 200 {
					wg.Go(func() {
						if b.exec.Do(context.Background(), add(uuid.New(), "a", 1)).Err != nil {
							failed.Add(1)
						}
					})
				}
				wg.Wait()
				require.Zero(t, failed.Load())
				require.Equal(t, 200, b.marbles(t, "a"), "each command exactly once")
				require.Positive(t, broken.Load())
			})
		}
	}
}

func TestStoreAwayIsSaidAndRecoveredFrom(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	unavailable := func() error {
		if away.Load() {
			return eventstore.ErrUnavailable
		}
		return nil
	}
	b := setup(t, memory.Options{BeginFault: unavailable}, nil)
	b.warmUp(t)
	away.Store(true)
	res := b.exec.Do(t.Context(), add(uuid.New(), "a", 1))
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(res.Err))
	away.Store(false)
	require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err)
	require.Equal(t, 1, b.marbles(t, "a"))
}

func TestFullQueueAnswersAtOnce(t *testing.T) {
	t.Parallel()
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	b := setup(t, memory.Options{CommitFault: func(*eventstore.Batch) memory.Fault {
		select {
		case held <- struct{}{}:
		default:
		}
		<-hold
		return memory.Fault{}
	}}, func(o *executor.Options) { o.Queue = 2; o.Batch = 1 })
	answers := make(chan executor.Result, 10)
	send := func() { answers <- b.exec.Do(context.Background(), add(uuid.New(), "a", 1)) }
	go send()
	<-held // one is being committed; two may wait, the rest is told at once
	for range 9 {
		go send()
	}
	for range 7 {
		require.Equal(t, domain.CodeOverloaded, domain.CodeOf((<-answers).Err))
	}
	close(hold)
	for range 3 {
		require.NoError(t, (<-answers).Err)
	}
}

func TestStopFinishesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	exec := executor.New(store, options(t, nil))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- exec.Run(ctx) }()
	var wg sync.WaitGroup
	var acknowledged atomic.Int64
	for i := range 300 {
		wg.Go(func() {
			if exec.Do(context.Background(), add(uuid.New(), "a", 1)).Err == nil {
				acknowledged.Add(1)
			}
			if i == 20 {
				cancel()
			}
		})
	}
	wg.Wait()
	require.NoError(t, <-stopped)
	require.EqualValues(t, bundle{store: store}.marbles(t, "a"), acknowledged.Load())
	res := exec.Do(t.Context(), add(uuid.New(), "a", 1))
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(res.Err))
}

func TestCallerThatGivesUpMayAskAgain(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	b := setup(t, memory.Options{CommitFault: func(*eventstore.Batch) memory.Fault { <-hold; return memory.Fault{} }}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id := uuid.New()
	res := b.exec.Do(ctx, add(id, "a", 1))
	require.ErrorIs(t, res.Err, context.Canceled)
	close(hold)
	require.NoError(t, b.exec.Do(t.Context(), add(id, "a", 1)).Err)
	require.Equal(t, 1, b.marbles(t, "a"))
}

func TestSnapshotsAreWrittenAndReadBack(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	for range 20 {
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err)
	}
	streams, err := b.store.Load(t.Context(), []domain.StreamID{stream("a")})
	require.NoError(t, err)
	require.NotNil(t, streams[0].Snapshot)
	require.EqualValues(t, 16, streams[0].Snapshot.Version)

	many := add(uuid.New(), "b", 20)
	many.Decide = func(d *executor.Decision) (any, error) {
		for i := range 20 {
			if err := d.Append(stream("b"), added{N: 1, After: i + 1}); err != nil {
				return nil, err
			}
		}
		return 20, nil
	}
	require.NoError(t, b.exec.Do(t.Context(), many).Err)
	streams, err = b.store.Load(t.Context(), []domain.StreamID{stream("b")})
	require.NoError(t, err)
	require.NotNil(t, streams[0].Snapshot, "also when a commit goes past it")
	require.EqualValues(t, 20, streams[0].Snapshot.Version)

	fresh := run(t, b.store.Reopen(memory.Options{}), options(t, nil))
	require.Equal(t, 21, fresh.Do(t.Context(), add(uuid.New(), "a", 1)).Value)
}
