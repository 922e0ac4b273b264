package topic_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/projections/export/topic"
)

// repeated is a log of some events again and again, with positions of their own.
type repeated struct {
	events []eventstore.Event
	last   int64
}

func (r repeated) Head(context.Context) (eventstore.Head, error) {
	return eventstore.Head{Position: r.last}, nil
}

func (r repeated) Read(_ context.Context, after int64, limit int) ([]eventstore.Event, error) {
	all := make([]eventstore.Event, min(int64(limit), r.last-after))
	for i := range all {
		all[i] = r.events[(after+int64(i))%int64(len(r.events))]
		all[i].Position = after + int64(i) + 1
		all[i].StreamID = domain.StreamID("wallet-" + string(rune('a'+all[i].Position%26)))
	}
	return all, nil
}

func (repeated) At(context.Context, time.Time) (int64, error) { return 0, nil }

func (repeated) Wait(context.Context, int64) error { return nil }

// BenchmarkExport from memory to a broker on the same machine: 12 partitions, 100,000 events.
func BenchmarkExport(b *testing.B) {
	broker := kafkatest.Shared(b)
	log := inMemory(b, 100)
	all := events(b, log)
	source := repeated{events: slices.Clone(all), last: 100_000}
	for _, compression := range []topic.Compression{topic.NoCompression, topic.Zstd} {
		b.Run(string(compression), func(b *testing.B) {
			for b.Loop() {
				_, err := topic.Run(b.Context(), source, topic.Options{
					Connection: topic.Connection{Brokers: []string{broker.Address()}}, Topic: broker.Topic(b, 12), Last: source.last,
					Compression: compression,
				})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(source.last)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
