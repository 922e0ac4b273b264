package audit

import (
	"context"
	"iter"

	"github.com/massrouter/massrouter/eventstore"
)

// inspectedBatch is a batch with what was found out of its rows.
type inspectedBatch struct {
	rows   []eventstore.Event
	events []inspected
}

// inspectAll reads ahead and inspects batches in several goroutines, and yields them in the log's order.
func inspectAll(ctx context.Context, log Batches, o *Options) iter.Seq2[inspectedBatch, error] {
	return eventstore.InOrder(ctx, log, o.Workers, func() func([]eventstore.Event) (inspectedBatch, error) {
		in := inspector{registry: o.Registry, documents: o.Documents}
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
