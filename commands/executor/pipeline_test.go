package executor_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

// These tests run in bubbles: time passes only when everybody waits, and an executor that is stuck fails at once.

// faults is what the store's calls meet, one after the other; all later ones are fine.
type faults map[op][]fault

// scene is an executor that decides ahead of its commits, on a store behind a bad network.
type scene struct {
	bundle
	net  *faulty
	turn atomic.Int64 // of the log's clock, in nanoseconds

	mu    sync.Mutex
	ahead faults
}

func play(t *testing.T, change func(*executor.Options), act func(*testing.T, *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := &scene{}
		s.store = memory.New(memory.Options{Clock: func() time.Time { return time.Now().Add(time.Duration(s.turn.Load())) }})
		s.net = &faulty{Appender: s.store, meet: s.meet}
		s.exec = run(t, s.net, options(t, change))
		s.warmUp(t)
		act(t, s)
		settle()
	})
}

func (s *scene) meet(o op, _ *eventstore.Batch) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ahead[o]) == 0 {
		return fault{}
	}
	next := s.ahead[o][0]
	s.ahead[o] = s.ahead[o][1:]
	return next
}

func (s *scene) expect(f faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = f
}

// ask hands a command over and returns when the executor has taken it as far as it can.
func (s *scene) ask(r *executor.Request) <-chan executor.Result {
	answer := make(chan executor.Result, 1)
	go func() { answer <- s.exec.Do(context.Background(), r) }()
	synctest.Wait()
	return answer
}

func TestDuplicatesOfAPoisonAreAnswered(t *testing.T) {
	t.Parallel()
	play(t, nil, func(t *testing.T, s *scene) {
		s.expect(faults{send: {{delay: time.Second}}})
		first, id := s.ask(add(uuid.New(), "a", 1)), uuid.New()
		poison, again := s.ask(add(id, "b", -1)), s.ask(add(id, "b", -1))
		require.NoError(t, (<-first).Err)
		require.Equal(t, domain.CodeInternal, domain.CodeOf((<-poison).Err))
		require.Equal(t, domain.CodeInternal, domain.CodeOf((<-again).Err))
		require.NoError(t, (<-s.ask(add(uuid.New(), "a", 1))).Err, "life goes on")
	})
}

func TestWhatACommitUnderWayHasChangedIsNotReadFromTheLog(t *testing.T) {
	t.Parallel()
	play(t, func(o *executor.Options) { o.Cache = 1 }, func(t *testing.T, s *scene) {
		s.expect(faults{send: {{delay: time.Second}}})
		full := s.ask(add(uuid.New(), "a", size))
		for i := range 5 {
			s.ask(add(uuid.New(), fmt.Sprint("other ", i), 1))
		}
		late := s.ask(look(uuid.New(), "a"))
		require.NoError(t, (<-full).Err)
		require.Equal(t, map[string]int{"a": size}, (<-late).Value)
	})
}

func TestABatchMayNeedMoreThanTheCacheKeeps(t *testing.T) {
	t.Parallel()
	for _, first := range []fate{fine, moved, refused} {
		play(t, func(o *executor.Options) { o.Cache = 2 }, func(t *testing.T, s *scene) {
			s.expect(faults{send: {{fate: first, delay: time.Second}, {delay: time.Second}}})
			answers := make([]<-chan executor.Result, 30)
			for i := range answers {
				answers[i] = s.ask(add(uuid.New(), fmt.Sprint(i%15), 1))
			}
			for i, answer := range answers {
				res := <-answer
				require.NoError(t, res.Err)
				require.Equal(t, i/15+1, res.Value)
			}
		})
	}
}

// The connection of an append breaks and its server works on. Meanwhile the command is decided again, at a later time,
// and refused: the append must not happen any more.
func TestARefusalIsFinalWhenALostAppendIsStillUnderWay(t *testing.T) {
	t.Parallel()
	play(t, nil, func(t *testing.T, s *scene) {
		s.expect(faults{send: {{fate: lostDuring, delay: time.Second, linger: time.Minute}}})
		deadline := time.Now().Add(time.Millisecond)
		r := add(uuid.New(), "a", 1)
		decide := r.Decide
		r.Forgets = func(domain.Code) bool { return true }
		r.Decide = func(d *executor.Decision) (any, error) {
			if d.Now().After(deadline) {
				return nil, domain.Errorf(domain.CodeKeyExpired, "too late")
			}
			return decide(d)
		}
		require.Equal(t, domain.CodeKeyExpired, domain.CodeOf((<-s.ask(r)).Err))
		settle()
		require.Zero(t, s.marbles(t, "a"))
	})
}

func TestAFailureAfterALostAppendIsNotCertain(t *testing.T) {
	t.Parallel()
	play(t, nil, func(t *testing.T, s *scene) {
		s.expect(faults{send: {{fate: lostDuring, linger: time.Second}}, commit: {{fate: refused}}})
		id := uuid.New()
		require.Equal(t, domain.CodeUnavailable, domain.CodeOf((<-s.ask(add(id, "a", 1))).Err))
		settle()
		require.True(t, (<-s.ask(add(id, "a", 1))).Replayed)
	})
}

// Nobody else appends, so no lock is ever needed, whatever the clock does.
func TestCommandsAreDecidedAheadOfTheCommit(t *testing.T) {
	t.Parallel()
	for _, turned := range []time.Duration{0, -time.Hour} {
		play(t, nil, func(t *testing.T, s *scene) {
			s.turn.Store(int64(turned))
			s.expect(faults{send: {{delay: time.Second}}, begin: {{fate: away}}})
			first, second := s.ask(add(uuid.New(), "a", 1)), s.ask(add(uuid.New(), "a", 1))
			require.NoError(t, (<-first).Err)
			require.Equal(t, 2, (<-second).Value)
		})
	}
}

func TestAfterAFailureTheLockIsTakenForAWhile(t *testing.T) {
	t.Parallel()
	play(t, nil, func(t *testing.T, s *scene) {
		s.expect(faults{send: {{fate: moved}, {fate: away}}})
		for range quiet {
			require.NoError(t, (<-s.ask(add(uuid.New(), "a", 1))).Err)
		}
		require.Len(t, s.ahead[send], 1)
		require.NoError(t, (<-s.ask(add(uuid.New(), "a", 1))).Err)
		require.Empty(t, s.ahead[send])
	})
}

// Each jar can be filled once: who is decided again must not find what was decided the first time.
func TestWhatIsDecidedAgainIsDecidedOnTheLog(t *testing.T) {
	t.Parallel()
	for _, first := range []fate{fine, moved, refused, lostBefore, lostAfter} {
		for _, panicking := range []bool{false, true} {
			play(t, nil, func(t *testing.T, s *scene) {
				s.expect(faults{send: {{fate: first, delay: time.Second}}})
				underWay, open := s.ask(add(uuid.New(), "a", size)), s.ask(add(uuid.New(), "b", size))
				if panicking {
					poison := add(uuid.New(), "c", 1)
					poison.Decide = func(*executor.Decision) (any, error) { panic("boom") }
					require.Equal(t, domain.CodeInternal, domain.CodeOf((<-s.ask(poison)).Err))
				}
				require.NoError(t, (<-underWay).Err)
				require.NoError(t, (<-open).Err)
				require.Equal(t, domain.CodeConflict, domain.CodeOf((<-s.ask(add(uuid.New(), "b", 1))).Err))
			})
		}
	}
}

func TestADuplicateDoesNotSpoilTheBatchOfTheFirst(t *testing.T) {
	t.Parallel()
	for _, which := range []int{0, 1} {
		play(t, nil, func(t *testing.T, s *scene) {
			s.expect(faults{send: {{delay: time.Second}}, begin: {{fate: away}}})
			ids := []uuid.UUID{uuid.New(), uuid.New()}
			underWay, open := s.ask(add(ids[0], "a", 1)), s.ask(add(ids[1], "a", 1))
			again := s.ask(add(ids[which], "a", 1))
			require.NoError(t, (<-underWay).Err)
			require.NoError(t, (<-open).Err)
			require.Equal(t, domain.CodeUnavailable, domain.CodeOf((<-again).Err), "it has to be looked up")
			require.True(t, (<-s.ask(add(ids[which], "a", 1))).Replayed)
		})
	}
}

// What was decided on a commit under way is decided again only when that has landed.
func TestARetreatWaitsForTheCommitUnderWay(t *testing.T) {
	t.Parallel()
	play(t, nil, func(t *testing.T, s *scene) {
		s.expect(faults{send: {{delay: time.Second}}})
		poison := add(uuid.New(), "b", 1)
		poison.Decide = func(*executor.Decision) (any, error) { panic("boom") }
		under, on := s.ask(add(uuid.New(), "a", 1)), s.ask(look(uuid.New(), "a"))
		require.Equal(t, domain.CodeInternal, domain.CodeOf((<-s.ask(poison)).Err))
		seen := <-on
		require.Equal(t, map[string]int{"a": 1}, seen.Value)
		require.Equal(t, (<-under).Position, seen.Position)
	})
}

func TestAStoreThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead faults
		code  domain.Code
	}{
		{faults{load: {{fate: hung}}}, ""},
		{faults{send: {{fate: hung}}}, ""},
		{faults{send: {{fate: hung, linger: time.Hour}}}, ""},
		{faults{send: {{fate: moved}}, commit: {{fate: hung}}}, ""},
		{faults{send: {{fate: moved}}, begin: {{fate: hung}}}, domain.CodeUnavailable},
	} {
		play(t, nil, func(t *testing.T, s *scene) {
			s.expect(c.ahead)
			id := uuid.New()
			require.Equal(t, c.code, domain.CodeOf((<-s.ask(add(id, "a", 1))).Err))
			require.NoError(t, (<-s.ask(add(id, "a", 1))).Err)
			settle()
			require.Equal(t, 1, s.marbles(t, "a"))
		})
	}
}

func TestStopFinishesWhatItCanInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		meet fault
		code domain.Code
	}{
		{fault{delay: 10 * time.Millisecond}, ""},
		{fault{fate: away}, domain.CodeUnavailable},
		{fault{fate: hung}, domain.CodeUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			var now atomic.Pointer[fault]
			now.Store(&fault{})
			net := &faulty{Appender: memory.New(memory.Options{}), meet: func(op, *eventstore.Batch) fault { return *now.Load() }}
			exec := executor.New(net, options(t, func(o *executor.Options) { o.Batch = 2 }))
			ctx, cancel := context.WithCancel(context.Background())
			stopped := make(chan error, 1)
			go func() { stopped <- exec.Run(ctx) }()
			bundle{exec: exec}.warmUp(t)
			now.Store(&c.meet)
			answers := make(chan executor.Result, 100)
			for range cap(answers) {
				go func() { answers <- exec.Do(context.Background(), add(uuid.New(), "a", 1)) }()
			}
			synctest.Wait()
			stopping := time.Now()
			cancel()
			require.NoError(t, <-stopped)
			require.LessOrEqual(t, time.Since(stopping), 20*time.Second)
			for range cap(answers) {
				require.Equal(t, c.code, domain.CodeOf((<-answers).Err))
			}
			settle()
		})
	}
}

func TestCommandsAreDecidedInTheOrderOfTheirArrival(t *testing.T) {
	t.Parallel()
	for _, ahead := range []faults{
		{send: {{delay: time.Second}}},
		{send: {{delay: time.Second, fate: moved}}},
		{send: {{delay: time.Second, fate: lostBefore}}},
		{send: {{delay: time.Second, fate: lostAfter}}},
		{send: {{delay: time.Second, fate: refused}}, commit: {{fate: refused}, {fate: refused}}},
	} {
		for _, poison := range []int{-1, 0, 4} {
			play(t, nil, func(t *testing.T, s *scene) {
				s.expect(ahead)
				answers := make([]<-chan executor.Result, 10)
				for i := range answers {
					n := 1
					if i == poison {
						n = -size
					}
					answers[i] = s.ask(add(uuid.New(), "a", n))
				}
				var positions []int64
				for i, answer := range answers {
					if res := <-answer; i == poison {
						require.Equal(t, domain.CodeInternal, domain.CodeOf(res.Err))
					} else {
						require.NoError(t, res.Err)
						positions = append(positions, res.Position)
					}
				}
				require.True(t, slices.IsSorted(positions), positions)
			})
		}
	}
}

func TestADamagedStreamFailsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := &faulty{Appender: memory.New(memory.Options{}), meet: func(_ op, b *eventstore.Batch) fault {
			if b != nil && slices.ContainsFunc(b.Streams, func(w eventstore.StreamWrite) bool { return w.ID == stream("damaged") }) {
				return fault{fate: conflict}
			}
			return fault{delay: time.Millisecond} // so that the others wait, and come together
		}}
		exec := run(t, net, options(t, nil))
		var failed atomic.Int64
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if exec.Do(context.Background(), add(uuid.New(), []string{"good", "damaged"}[i%20/19], 1)).Err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 2, failed.Load())
	})
}

// Another process, of a newer version, writes what this one cannot read: only that stream's commands suffer.
func TestAForeignEventStopsItsOwnStreamOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, memory.Options{}, nil)
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err)
		head, err := b.store.Head(t.Context())
		require.NoError(t, err)
		require.NoError(t, b.store.Append(t.Context(), head, head.RecordedAt, &eventstore.Batch{
			Events:  []eventstore.Event{{StreamID: stream("a"), StreamVersion: 2, Type: "jar.painted.v1", SchemaVersion: 1, Body: []byte("{}")}},
			Streams: []eventstore.StreamWrite{{ID: stream("a"), From: 1, To: 2}},
		}))
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "b", 1)).Err)
		require.Equal(t, domain.CodeInternal, domain.CodeOf(b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err))
		require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "b", 1)).Err)
	})
}

func TestAStreamThatWasNotNamedIsNeverGiven(t *testing.T) {
	t.Parallel()
	b := setup(t, memory.Options{}, nil)
	require.NoError(t, b.exec.Do(t.Context(), add(uuid.New(), "a", 1)).Err, "so that it is cached")
	for _, decide := range []func(*executor.Decision) (any, error){
		func(d *executor.Decision) (any, error) { return nil, d.Append(stream("a"), added{N: 1, After: 2}) },
		func(d *executor.Decision) (any, error) { return d.Get(stream("a")).(*jar).In, nil },
	} {
		r := add(uuid.New(), "b", 1)
		r.Decide = decide
		require.Equal(t, domain.CodeInternal, domain.CodeOf(b.exec.Do(t.Context(), r).Err))
	}
	require.Equal(t, 1, b.marbles(t, "a"))
}
