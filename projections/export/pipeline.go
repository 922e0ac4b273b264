package export

import (
	"context"
	"fmt"
	"iter"

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

// decodeAll reads ahead, decodes batches in several goroutines, and yields them in order.
func decodeAll(ctx context.Context, log iter.Seq2[[]eventstore.Event, error], registry *domain.Registry, workers int) iter.Seq2[[]decoded, error] {
	return eventstore.InOrder(ctx, log, workers, func() func([]eventstore.Event) ([]decoded, error) {
		return func(events []eventstore.Event) ([]decoded, error) { return decode(events, registry) }
	})
}

// decode gives the events up to the first that this program cannot decode.
func decode(events []eventstore.Event, registry *domain.Registry) ([]decoded, error) {
	batch := make([]decoded, 0, len(events))
	for i := range events {
		d := decoded{row: &events[i]}
		data, err := registry.Decode(d.row.Type, d.row.Body)
		if err != nil {
			return batch, fmt.Errorf("the event at position %d: %w", d.row.Position, err)
		}
		d.data = data
		if posting, ok := data.(wallet.Posting); ok {
			d.currency, d.entry = posting.Posting()
		}
		batch = append(batch, d)
	}
	return batch, nil
}
