package export

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// decoded is an event with what it moves.
type decoded struct {
	row      *eventstore.Event
	data     domain.Event
	currency money.Currency
	entry    money.Entry
}

// batch is how many events are read at a time.
const batch = 2000

// batches reads the rest of the range; each position is the one before plus one.
func (e *exporter) batches(ctx context.Context, log eventstore.Reader) iter.Seq2[[]eventstore.Event, error] {
	return func(yield func([]eventstore.Event, error) bool) {
		for after, last := e.next-1, e.manifest.LastPosition; after < last; {
			events, err := eventstore.ReadDense(ctx, log, after, int(min(batch, last-after)))
			if err == nil && len(events) == 0 {
				err = fmt.Errorf("%w: the log ends after position %d", eventstore.ErrGap, after)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read the log: %w", err))
				return
			}
			if !yield(events, nil) {
				return
			}
			after = events[len(events)-1].Position
		}
	}
}

// job is one batch on its way through a worker.
type job struct {
	events []decoded
	err    error
	done   chan struct{}
}

// decodeAll reads ahead, decodes batches in several goroutines, and yields them in order. The channels' room bounds how
// far ahead. All of its goroutines have ended when it returns.
func decodeAll(ctx context.Context, log iter.Seq2[[]eventstore.Event, error], registry *domain.Registry, workers int) iter.Seq2[[]decoded, error] {
	return func(yield func([]decoded, error) bool) {
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
				for j := range work {
					j.decode(registry)
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

func readAhead(ctx context.Context, log iter.Seq2[[]eventstore.Event, error], ordered, work chan<- *job) {
	for events, err := range log {
		j := &job{err: err, done: make(chan struct{}), events: make([]decoded, len(events))}
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
		work <- j // workers take until it is closed
	}
}

func (j *job) decode(registry *domain.Registry) {
	for i := range j.events {
		d := &j.events[i]
		data, err := registry.Decode(d.row.Type, d.row.Body)
		if err != nil {
			j.err = fmt.Errorf("the event at position %d: %w", d.row.Position, err)
			return
		}
		d.data = data
		if posting, ok := data.(wallet.Posting); ok {
			d.currency, d.entry = posting.Posting()
		}
	}
}
