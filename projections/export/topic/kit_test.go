package topic_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/export"
	"github.com/massrouter/massrouter/projections/export/topic"
)

func TestMain(m *testing.M) {
	if os.Getenv(childTopic) != "" {
		os.Exit(runChild())
	}
	os.Exit(kafkatest.Stop(pgtest.Main(m, kafkatest.Goroutines()...)))
}

// ledger is a log that can grow.
type ledger struct {
	eventstore.Store
	*ledgertest.Ledger
	customers []ledgertest.Customer
}

// story is a ledger in which everything has happened, and calls of several wallets beside each other.
func story(tb testing.TB, store eventstore.Store, clock *ledgertest.Clock, calls int) *ledger {
	tb.Helper()
	l := &ledger{Store: store, Ledger: ledgertest.New(tb, store, clock)}
	l.Tell(tb.Context())
	for range 5 {
		l.customers = append(l.customers, l.Open(tb.Context(), "100000", apikey.Limits{}))
	}
	l.call(tb, calls)
	return l
}

func inMemory(tb testing.TB, calls int) *ledger {
	tb.Helper()
	clock := ledgertest.NewClock()
	return story(tb, memory.New(memory.Options{Clock: clock.Now}), clock, calls)
}

// call makes as many calls with every wallet.
func (l *ledger) call(tb testing.TB, n int) {
	tb.Helper()
	var running sync.WaitGroup
	for _, c := range l.customers {
		running.Go(func() {
			for range n {
				l.Settle(tb.Context(), c, l.Place(tb.Context(), c, ledgertest.Large, 2000, 500, time.Hour), ledgertest.Large,
					usage.Usage{usage.Input: 1200, usage.Output: 340, usage.Request: 1})
			}
		})
	}
	running.Wait()
}

func events(tb testing.TB, log eventstore.Reader) []eventstore.Event {
	tb.Helper()
	all, err := log.Read(tb.Context(), 0, 1<<20)
	require.NoError(tb, err)
	return all
}

func head(t *testing.T, log eventstore.Reader) int64 {
	t.Helper()
	h, err := log.Head(t.Context())
	require.NoError(t, err)
	return h.Position
}

// options of an export of all that is in the log now, in small rounds.
func options(t *testing.T, b *kafkatest.Broker, name string, log eventstore.Reader) topic.Options {
	t.Helper()
	return topic.Options{
		Connection: topic.Connection{Brokers: []string{b.Address()}}, Topic: name, Last: head(t, log), Round: 40,
	}
}

func run(ctx context.Context, t *testing.T, log eventstore.Reader, o topic.Options) *topic.Result {
	t.Helper()
	r, err := topic.Run(ctx, log, o)
	require.NoError(t, err)
	return r
}

// header is a record's, which it has once.
func header(t *testing.T, m *kafka.Message, name string) string {
	t.Helper()
	var found []string
	for _, h := range m.Headers {
		if h.Key == name {
			found = append(found, string(h.Value))
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

func number(t *testing.T, m *kafka.Message, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(header(t, m, name), 10, 64)
	require.NoError(t, err)
	return n
}

// consume applies the written rule of docs/exports.md as a consumer would: of each partition and shard, a record whose position is
// not above the highest one seen is dropped. It returns what is left, by position, and how many were dropped.
func consume(t *testing.T, partitions [][]kafka.Message) (kept map[int64]*kafka.Message, dropped int) {
	t.Helper()
	kept = map[int64]*kafka.Message{}
	for p := range partitions {
		seen := map[int64]int64{}
		for i := range partitions[p] {
			m := &partitions[p][i]
			shard, position := number(t, m, "shard"), number(t, m, "position")
			if position <= seen[shard] {
				dropped++
				continue
			}
			seen[shard] = position
			require.NotContains(t, kept, position, "in two partitions")
			kept[position] = m
			require.Equal(t, p, topic.PartitionOf(m.Key, len(partitions)))
		}
	}
	return kept, dropped
}

// requireLog compares a topic, de-duplicated, with the log: every event with every byte of it, and of every partition its events
// in the order of the log. It returns how many repetitions there were.
func requireLog(t *testing.T, log eventstore.Reader, partitions [][]kafka.Message) (dropped int) {
	t.Helper()
	want := events(t, log)
	lines := ndjson(t, log)
	kept, dropped := consume(t, partitions)
	require.Len(t, kept, len(want))
	for i := range want {
		e, m := &want[i], kept[want[i].Position]
		require.NotNil(t, m, "position %d", e.Position)
		require.Equal(t, lines[i], string(m.Value))
		require.Equal(t, topic.Key(e.StreamID), string(m.Key))
		require.Equal(t, hex.EncodeToString(e.LeafHash[:]), header(t, m, "leaf_hash"))
		require.Equal(t, e.Type, header(t, m, "type"))
		require.EqualValues(t, e.SchemaVersion, number(t, m, "schema_version"))
		require.Equal(t, e.RecordedAt.UTC().Format("2006-01-02T15:04:05.000000Z"), header(t, m, "recorded_at"))
		require.Equal(t, e.RecordedAt.UnixMilli(), m.Time.UnixMilli())
		require.EqualValues(t, len(partitions), number(t, m, "partitions"))
		require.Less(t, number(t, m, "watermark"), e.Position)
	}
	requireWatermarks(t, partitions)
	return dropped
}

// requireWatermarks: what a record calls complete was in the topic before it; brokers stamp no order across partitions, so
// this holds what can be held: in its own partition.
func requireWatermarks(t *testing.T, partitions [][]kafka.Message) {
	t.Helper()
	all, _ := consume(t, partitions)
	for p := range partitions {
		had := map[int64]bool{}
		for i := range partitions[p] {
			m := &partitions[p][i]
			for position := range number(t, m, "watermark") {
				if other := all[position+1]; other != nil && other.Partition == p {
					require.True(t, had[position+1], "position %d has the watermark %d, and %d comes after it",
						number(t, m, "position"), number(t, m, "watermark"), position+1)
				}
			}
			had[number(t, m, "position")] = true
		}
	}
}

// ndjson are the lines that an export to a file has.
func ndjson(t *testing.T, log eventstore.Reader) []string {
	t.Helper()
	registry, err := commands.Registry()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "out")
	m, err := export.Run(t.Context(), log, export.Options{
		Kind: export.Events, Format: export.NDJSON, Range: export.Range{First: 1, Last: head(t, log)}, Dir: dir, Registry: registry,
	})
	require.NoError(t, err)
	require.Len(t, m.Files, 1)
	b, err := os.ReadFile(filepath.Join(dir, m.Files[0].Name))
	require.NoError(t, err)
	var lines []string
	for line := range bytes.Lines(b) {
		lines = append(lines, string(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return lines
}
