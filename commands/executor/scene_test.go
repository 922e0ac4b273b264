package executor_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

// These tests run in bubbles: time passes only when everybody waits, and an executor that is stuck fails at once.

// faults is what the store's calls meet, one after the other; all later ones are fine.
type faults map[op][]fault

// scene is an executor that decides ahead of its commits, on a store behind a bad network.
type scene struct {
	bundle
	t    *testing.T
	net  *faulty
	turn atomic.Int64 // of the log's clock, in nanoseconds

	mu    sync.Mutex
	ahead faults
}

func play(t *testing.T, change func(*executor.Options), act func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := &scene{t: t}
		s.store = memory.New(memory.Options{Clock: func() time.Time { return time.Now().Add(time.Duration(s.turn.Load())) }})
		s.net = &faulty{Appender: s.store, meet: s.meet}
		s.exec = run(t, s.net, options(t, change))
		for range 10 {
			require.NoError(t, (<-s.ask(add(uuid.New(), "warm", 1))).Err)
			synctest.Wait() // until the turn has ended: each is quiet
		}
		act(s)
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
