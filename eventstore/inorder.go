package eventstore

import (
	"context"
	"iter"
	"sync"
)

// InOrder works on items in several goroutines and yields the results in the items' order, up to the first error, of the
// items or of the work; what the work made before its error comes with it. Each goroutine calls newWork once, for
// buffers of its own. Room for one item more than there are workers bounds how far ahead it reads. All of its goroutines
// have ended when it returns, so nobody else uses what the items are read from then.
func InOrder[In, Out any](ctx context.Context, items iter.Seq2[In, error], workers int, newWork func() func(In) (Out, error)) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()
		ordered, work := make(chan *job[In, Out], workers+1), make(chan *job[In, Out], workers+1)
		running.Go(func() {
			defer close(ordered)
			defer close(work)
			readAhead(ctx, items, ordered, work)
		})
		for range workers {
			running.Go(func() {
				do := newWork()
				for j := range work {
					j.out, j.err = do(j.in)
					close(j.done)
				}
			})
		}
		for j := range ordered {
			<-j.done
			if !yield(j.out, j.err) || j.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			var none Out
			yield(none, err)
		}
	}
}

// job is one item on its way through a worker.
type job[In, Out any] struct {
	in   In
	out  Out
	err  error
	done chan struct{}
}

// readAhead hands each item to whoever waits for it in order, and to a worker.
func readAhead[In, Out any](ctx context.Context, items iter.Seq2[In, error], ordered, work chan<- *job[In, Out]) {
	for in, err := range items {
		j := &job[In, Out]{in: in, err: err, done: make(chan struct{})}
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
