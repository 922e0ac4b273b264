package audit

import (
	"context"
	"iter"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// inspectedBatch is a batch with what was found out of its rows.
type inspectedBatch struct {
	rows   []eventstore.Event
	events []inspected
}

// inspectAll reads ahead and inspects batches in several goroutines, and yields them in the log's order.
func inspectAll(ctx context.Context, log Batches, registry *domain.Registry, workers int) iter.Seq2[inspectedBatch, error] {
	return eventstore.InOrder(ctx, log, workers, func() func([]eventstore.Event) (inspectedBatch, error) {
		in := inspector{registry: registry}
		return func(rows []eventstore.Event) (inspectedBatch, error) {
			batch := inspectedBatch{rows, make([]inspected, len(rows))}
			for i := range rows {
				batch.events[i].row = &rows[i]
				in.inspect(&batch.events[i])
			}
			return batch, nil
		}
	})
}
