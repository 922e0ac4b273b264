package audit

import (
	"context"
	"iter"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// inspectAll reads ahead and inspects batches in several goroutines, and yields them in the log's order.
func inspectAll(ctx context.Context, log Batches, registry *domain.Registry, workers int) iter.Seq2[[]inspected, error] {
	return eventstore.InOrder(ctx, log, workers, func() func([]eventstore.Event) ([]inspected, error) {
		in := inspector{registry: registry}
		return func(events []eventstore.Event) ([]inspected, error) {
			batch := make([]inspected, len(events))
			for i := range events {
				batch[i].row = &events[i]
				in.inspect(&batch[i])
			}
			return batch, nil
		}
	})
}
