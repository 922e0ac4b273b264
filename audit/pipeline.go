package audit

import (
	"context"
	"iter"
	"sync"

	"github.com/massrouter/massrouter/domain"
)

// job is one batch on its way through a worker.
type job struct {
	events []inspected
	err    error // the log could not be read any further
	done   chan struct{}
}

// inspectAll reads ahead and inspects batches in several goroutines, and yields them in the log's order. All of its
// goroutines have ended when it returns.
func inspectAll(ctx context.Context, log Batches, registry *domain.Registry, workers int) iter.Seq2[[]inspected, error] {
	return func(yield func([]inspected, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()
		ordered, work := make(chan *job, workers+1), make(chan *job, workers+1)
		running.Go(func() {
			defer close(ordered)
			defer close(work)
			readAhead(ctx, log, ordered, work)
		})
		for range workers {
			running.Go(func() {
				in := inspector{registry: registry}
				for j := range work {
					in.inspectBatch(j.events)
					close(j.done)
				}
			})
		}
		for j := range ordered {
			<-j.done
			if !yield(j.events, j.err) || j.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// readAhead hands each batch to a worker, and to whoever waits for it in order. The channels' room bounds how far ahead.
func readAhead(ctx context.Context, log Batches, ordered, work chan<- *job) {
	for events, err := range log {
		j := &job{err: err, done: make(chan struct{}), events: make([]inspected, len(events))}
		for i := range events {
			j.events[i].row = &events[i]
		}
		if err != nil {
			close(j.done)
		}
		select {
		case ordered <- j:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		work <- j // never blocks for long: workers take until it is closed
	}
}
