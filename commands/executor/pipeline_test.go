package executor_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/memory"
)

func TestDuplicatesOfAPoisonAreAnswered(t *testing.T) {
	t.Parallel()
	play(t, nil, func(s *scene) {
		s.expect(faults{send: {{delay: time.Second}}})
		first, id := s.ask(add(uuid.New(), "a", 1)), uuid.New()
		poison, again := s.ask(add(id, "b", -1)), s.ask(add(id, "b", -1))
		require.NoError(s.t, (<-first).Err)
		require.Equal(s.t, domain.CodeInternal, domain.CodeOf((<-poison).Err))
		require.Equal(s.t, domain.CodeInternal, domain.CodeOf((<-again).Err))
		require.NoError(s.t, (<-s.ask(add(uuid.New(), "a", 1))).Err, "life goes on")
	})
}

func TestWhatACommitUnderWayHasChangedIsNotReadFromTheLog(t *testing.T) {
	t.Parallel()
	play(t, func(o *executor.Options) { o.Cache = 1 }, func(s *scene) {
		s.expect(faults{send: {{delay: time.Second}}})
		full := s.ask(add(uuid.New(), "a", size))
		for i := range 5 {
			s.ask(add(uuid.New(), fmt.Sprint("other ", i), 1))
		}
		late := s.ask(look(uuid.New(), "a"))
		require.NoError(s.t, (<-full).Err)
		require.Equal(s.t, map[string]int{"a": size}, (<-late).Value)
	})
}

func TestABatchMayNeedMoreThanTheCacheKeeps(t *testing.T) {
	t.Parallel()
	for _, first := range []fate{fine, moved, refused} {
		play(t, func(o *executor.Options) { o.Cache = 2 }, func(s *scene) {
			s.expect(faults{send: {{fate: first, delay: time.Second}, {delay: time.Second}}})
			answers := make([]<-chan executor.Result, 30)
			for i := range answers {
				answers[i] = s.ask(add(uuid.New(), fmt.Sprint(i%15), 1))
			}
			for i, answer := range answers {
				res := <-answer
				require.NoError(s.t, res.Err)
				require.Equal(s.t, i/15+1, res.Value)
			}
		})
	}
}

// Nobody else appends, so no lock is ever needed, whatever the clock does.
func TestCommandsAreDecidedAheadOfTheCommit(t *testing.T) {
	t.Parallel()
	for _, turned := range []time.Duration{0, -time.Hour} {
		play(t, nil, func(s *scene) {
			s.turn.Store(int64(turned))
			s.expect(faults{send: {{delay: time.Second}}, begin: {{fate: away}}})
			first, second := s.ask(add(uuid.New(), "a", 1)), s.ask(add(uuid.New(), "a", 1))
			require.NoError(s.t, (<-first).Err)
			require.Equal(s.t, 2, (<-second).Value)
		})
	}
}

func TestAfterAFailureTurnsAreTakenForAWhile(t *testing.T) {
	t.Parallel()
	play(t, nil, func(s *scene) {
		require.Positive(s.t, s.net.turns.Load(), "while it warmed up")
		one := func() int64 {
			before := s.net.turns.Load()
			require.NoError(s.t, (<-s.ask(add(uuid.New(), "a", 1))).Err)
			synctest.Wait() // until the turn has ended
			return s.net.turns.Load() - before
		}
		synctest.Wait()
		require.Zero(s.t, one(), "it appends alone")
		s.expect(faults{send: {{fate: moved}}})
		require.Zero(s.t, one(), "it was under way without a turn, and its repetition saw that nobody else appends")
		for range quiet - 1 {
			require.EqualValues(s.t, 1, one())
		}
		require.Zero(s.t, one(), "it appends alone again")
	})
}

// Each jar can be filled once: who is decided again must not find what was decided the first time.
func TestWhatIsDecidedAgainIsDecidedOnTheLog(t *testing.T) {
	t.Parallel()
	for _, first := range []fate{fine, moved, refused, lostBefore, lostAfter} {
		for _, panicking := range []bool{false, true} {
			play(t, nil, func(s *scene) {
				s.expect(faults{send: {{fate: first, delay: time.Second}}})
				underWay, open := s.ask(add(uuid.New(), "a", size)), s.ask(add(uuid.New(), "b", size))
				if panicking {
					poison := add(uuid.New(), "c", 1)
					poison.Decide = func(*executor.Decision) (any, error) { panic("boom") }
					require.Equal(s.t, domain.CodeInternal, domain.CodeOf((<-s.ask(poison)).Err))
				}
				require.NoError(s.t, (<-underWay).Err)
				require.NoError(s.t, (<-open).Err)
				require.Equal(s.t, domain.CodeConflict, domain.CodeOf((<-s.ask(add(uuid.New(), "b", 1))).Err))
			})
		}
	}
}

func TestADuplicateDoesNotSpoilTheBatchOfTheFirst(t *testing.T) {
	t.Parallel()
	for _, which := range []int{0, 1} {
		play(t, nil, func(s *scene) {
			s.expect(faults{send: {{delay: time.Second}}, begin: {{fate: away}}})
			ids := []uuid.UUID{uuid.New(), uuid.New()}
			underWay, open := s.ask(add(ids[0], "a", 1)), s.ask(add(ids[1], "a", 1))
			again := s.ask(add(ids[which], "a", 1))
			require.NoError(s.t, (<-underWay).Err)
			require.NoError(s.t, (<-open).Err)
			require.Equal(s.t, domain.CodeUnavailable, domain.CodeOf((<-again).Err), "it has to be looked up")
			require.True(s.t, (<-s.ask(add(ids[which], "a", 1))).Replayed)
		})
	}
}

// What was decided on a commit under way is decided again only when that has landed.
func TestARetreatWaitsForTheCommitUnderWay(t *testing.T) {
	t.Parallel()
	play(t, nil, func(s *scene) {
		s.expect(faults{send: {{delay: time.Second}}})
		poison := add(uuid.New(), "b", 1)
		poison.Decide = func(*executor.Decision) (any, error) { panic("boom") }
		under, on := s.ask(add(uuid.New(), "a", 1)), s.ask(look(uuid.New(), "a"))
		require.Equal(s.t, domain.CodeInternal, domain.CodeOf((<-s.ask(poison)).Err))
		seen := <-on
		require.Equal(s.t, map[string]int{"a": 1}, seen.Value)
		require.Equal(s.t, (<-under).Position, seen.Position)
	})
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
			play(t, nil, func(s *scene) {
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
						require.Equal(s.t, domain.CodeInternal, domain.CodeOf(res.Err))
					} else {
						require.NoError(s.t, res.Err)
						positions = append(positions, res.Position)
					}
				}
				require.True(s.t, slices.IsSorted(positions), positions)
			})
		}
	}
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
