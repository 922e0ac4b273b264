package export_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/export"
)

// calls is a log of as many calls, a hold and a charge each.
func calls(b *testing.B, n int) []eventstore.Event {
	b.Helper()
	clock := ledgertest.NewClock()
	log := memory.New(memory.Options{Clock: clock.Now})
	l := ledgertest.New(b, log, clock)
	l.Tell(b.Context())
	c := l.Open(b.Context(), "100000", apikey.Limits{})
	for range n {
		l.Settle(b.Context(), c, l.Place(b.Context(), c, ledgertest.Large, 2000, 500, time.Hour), ledgertest.Large,
			usage.Usage{usage.Input: 1200, usage.CacheRead: 700, usage.Output: 340, usage.Request: 1})
	}
	events, err := log.Read(b.Context(), 0, 1<<20)
	require.NoError(b, err)
	return events
}

// stored appends events to a database in large commits.
func stored(b *testing.B, events []eventstore.Event) eventstore.Reader {
	b.Helper()
	store, err := postgres.Open(b.Context(), pgtest.New(b), postgres.Options{})
	require.NoError(b, err)
	b.Cleanup(store.Close)
	versions := map[domain.StreamID]int64{}
	for part := range slices.Chunk(events, 5000) {
		head, err := store.Head(b.Context())
		require.NoError(b, err)
		batch := &eventstore.Batch{Events: slices.Clone(part)}
		from := map[domain.StreamID]int64{}
		for i := range part {
			id := part[i].StreamID
			if _, seen := from[id]; !seen {
				from[id] = versions[id]
			}
			versions[id] = part[i].StreamVersion
		}
		for id, version := range from {
			batch.Streams = append(batch.Streams, eventstore.StreamWrite{ID: id, From: version, To: versions[id]})
		}
		require.NoError(b, store.Append(b.Context(), head, store.Now(), batch))
	}
	return store
}

// BenchmarkExport writes the same history from memory and from a database. Processor time is that of this process, without
// the database's.
func BenchmarkExport(b *testing.B) {
	events := calls(b, 30_000)
	logs := map[string]eventstore.Reader{"postgres": stored(b, events), "memory": copied{events: events}}
	for _, from := range []string{"memory", "postgres"} {
		for _, format := range []export.Format{export.NDJSON, export.CSV, export.Parquet} {
			b.Run(from+"/"+string(format), func(b *testing.B) {
				parent, before, registry := b.TempDir(), processor(b), registry(b)
				for n := 0; b.Loop(); n++ {
					_, err := export.Run(b.Context(), logs[from], export.Options{
						Kind: export.Events, Format: format, Range: export.Range{First: 1, Last: int64(len(events))},
						Dir: filepath.Join(parent, fmt.Sprint(n)), Registry: registry,
					})
					require.NoError(b, err)
				}
				all := float64(len(events) * b.N)
				b.ReportMetric(all/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64((processor(b)-before).Nanoseconds())/all/1000, "cpu-µs/event")
			})
		}
	}
}

// copied is a log of given events.
type copied struct {
	eventstore.Reader
	events []eventstore.Event
}

func (c copied) Read(_ context.Context, after int64, limit int) ([]eventstore.Event, error) {
	rest := c.events[after:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
