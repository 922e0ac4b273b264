package bundle

import (
	"context"
	"iter"
	"sync"

	"github.com/massrouter/massrouter/eventstore"
)

// piece reads one part of a file; the events before an error are good.
type piece func() ([]eventstore.Event, error)

// pieces are the parts of a file in its order. After an error nothing follows.
type pieces = iter.Seq2[piece, error]

// job is a piece on its way through a worker.
type job struct {
	read   piece
	events []eventstore.Event
	err    error
	done   chan struct{}
}

// inOrder reads pieces in several goroutines and yields what is in them in the file's order, up to the first error. All
// of its goroutines have ended when it returns, so the file is nobody else's then.
func inOrder(ctx context.Context, workers int, parts pieces) iter.Seq2[[]eventstore.Event, error] {
	return func(yield func([]eventstore.Event, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()
		ordered, work := make(chan *job, workers), make(chan *job, workers)
		running.Go(func() {
			defer close(ordered)
			defer close(work)
			hand(ctx, parts, ordered, work)
		})
		for range workers {
			running.Go(func() {
				for j := range work {
					j.events, j.err = j.read()
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

func hand(ctx context.Context, parts pieces, ordered, work chan<- *job) {
	for read, err := range parts {
		j := &job{read: read, err: err, done: make(chan struct{})}
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
		work <- j // workers take until it is closed
	}
}
