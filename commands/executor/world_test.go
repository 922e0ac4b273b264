package executor_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
)

// world carries a plan out, in a bubble.
type world struct {
	plan
	store   *memory.Store
	execs   []*executor.Executor
	stops   []context.CancelFunc
	running sync.WaitGroup
	calls   atomic.Int64 // of the store
	ticks   atomic.Int64 // of its clock
	known   atomic.Int64 // the highest position that anybody was told of

	mu      sync.Mutex
	answers []answer
	log     []eventstore.Event
}

// answer is what came of a command.
type answer struct {
	executor.Result
	command command
	request *executor.Request
	known   int64 // when it was sent
}

// carryOut gives every command its answer: who was told that the ledger is away asks again when it is back. In the end
// each executor says what it believes of all jars.
func carryOut(t *testing.T, p plan) *world {
	t.Helper()
	w := &world{plan: p}
	w.calls.Store(spared)
	w.store = memory.New(memory.Options{Clock: func() time.Time {
		return time.Now().Add(p.clock[int(w.ticks.Add(1))%len(p.clock)])
	}})
	for range p.executors {
		w.start(t)
	}
	if p.ahead {
		for range 2 * quiet {
			w.ask(w.execs[0], command{id: uuid.New(), kind: turn}, 0)
		}
	}
	w.calls.Store(0)
	if p.stop > 0 {
		time.AfterFunc(p.stop, w.stops[0])
	}
	var customers sync.WaitGroup
	for _, o := range p.orders {
		customers.Go(func() {
			<-time.After(o.at)
			w.ask(w.execs[o.executor], o.command, o.patience)
		})
	}
	customers.Wait()
	w.end(t)
	return w
}

// spared is a number of calls after which a plan has no faults.
const spared = 1 << 40

// meet gives each call of the store the next fault of the plan.
func (w *world) meet(op, *eventstore.Batch) fault {
	if n := w.calls.Add(1); n <= int64(len(w.faults)) {
		return w.faults[n-1]
	}
	return fault{}
}

func (w *world) start(t *testing.T) {
	t.Helper()
	batches := 0
	exec := executor.New(&faulty{Appender: w.store, meet: w.meet}, options(t, func(o *executor.Options) {
		o.Batch, o.Second, o.Cache, o.Tail, o.Queue, o.Timeout = w.batch, w.second, w.cache, w.tail, w.queue, 10*ms
		o.OnBatch = func(int, int, time.Duration) { batches++ } // a data race if two came at once
	}))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	w.execs, w.stops = append(w.execs, exec), append(w.stops, cancel)
	w.running.Go(func() { _ = exec.Run(ctx) }) // it returns nil
}

func (w *world) ask(exec *executor.Executor, c command, patience time.Duration) executor.Result {
	ctx := context.Background()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	a := answer{command: c, request: c.request(), known: w.known.Load()}
	a.Result = exec.Do(ctx, a.request)
	for k := w.known.Load(); k < a.Position && !w.known.CompareAndSwap(k, a.Position); k = w.known.Load() {
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, a)
	return a.Result
}

// end is without faults.
func (w *world) end(t *testing.T) {
	t.Helper()
	w.calls.Store(spared)
	settle()
	w.start(t)
	for _, exec := range w.execs {
		w.ask(exec, command{id: uuid.New(), kind: see}, 0)
	}
	for _, a := range w.answers {
		if domain.CodeOf(a.Err) == domain.CodeUnavailable && a.command.kind != see {
			w.ask(w.execs[len(w.execs)-1], a.command, 0)
		}
	}
	for _, exec := range w.execs {
		w.ask(exec, command{id: uuid.New(), kind: see, forget: true}, 0)
	}
	for _, stop := range w.stops {
		stop()
	}
	w.running.Wait()
	log, err := eventstore.ReadDense(t.Context(), w.store, 0, 1_000_000)
	require.NoError(t, err)
	w.log = log
}
