package bustest_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/eventstore/relay"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/rabbittest"
	"github.com/massrouter/massrouter/internal/redistest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		os.Exit(beConsumer(url, os.Getenv(childTopic)))
	}
	// The metrics of the Kafka client count for as long as the process lives.
	options := append(kafkatest.Goroutines(), goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),
		// watermill-amqp's publisher does not read why its connection ended when it is closed meanwhile.
		goleak.IgnoreTopFunction("github.com/rabbitmq/amqp091-go.(*Connection).shutdown.func1"))
	os.Exit(kafkatest.Stop(pgtest.Main(m, options...)))
}

const (
	patience = 2 * time.Minute
	tick     = 10 * time.Millisecond
)

// server is what a bus needs; the one in process needs none.
type server struct {
	url           string
	kill, restart func(testing.TB)
	freeze, thaw  func(testing.TB)
}

// servers start one server of each kind.
func servers() map[string]func(*testing.T) server {
	return map[string]func(*testing.T) server{
		"in process": func(*testing.T) server { return server{url: "memory:"} },
		"Redis Streams": func(t *testing.T) server {
			s := redistest.Start(t)
			return server{s.URL(), s.Kill, s.Restart, s.Freeze, s.Thaw}
		},
		"Kafka": func(t *testing.T) server {
			b := kafkatest.Start(t, kafkatest.Options{})
			return server{"kafka://" + b.Address() + "?partitions=3&replication=1", b.Kill, b.Restart, b.Freeze, b.Thaw}
		},
		"RabbitMQ": func(t *testing.T) server {
			s := rabbittest.Start(t)
			return server{s.URL(), s.Kill, s.Restart, s.Freeze, s.Thaw}
		},
	}
}

// bench is one log, one topic, and the relay's database.
type bench struct {
	server   server
	topic    string
	pool     *pgxpool.Pool
	store    *memory.Store
	versions map[domain.StreamID]int64
	bus      *bus.Bus
}

func setup(t *testing.T, s server) *bench {
	t.Helper()
	b := &bench{
		server: s, topic: "t" + uuid.NewString(), pool: pgtest.New(t), store: memory.New(memory.Options{}), versions: map[domain.StreamID]int64{},
	}
	b.bus = b.connect(t)
	return b
}

// connect opens the bus as a process of its own does.
func (b *bench) connect(t *testing.T) *bus.Bus {
	t.Helper()
	opened, err := bus.Open(bus.Options{URL: b.server.url, Topic: b.topic})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	return opened
}

// grow appends events to some streams in turn, and returns the head.
func (b *bench) grow(t *testing.T, n int) int64 {
	t.Helper()
	const streams = 7
	tx, err := b.store.Begin(t.Context(), 0, 0)
	require.NoError(t, err)
	batch, from := &eventstore.Batch{}, map[domain.StreamID]int64{}
	for i := range n {
		id := domain.NewStreamID("test", fmt.Sprint(i%streams))
		if _, ok := from[id]; !ok {
			from[id] = b.versions[id]
		}
		b.versions[id]++
		batch.Events = append(batch.Events, eventstore.Event{
			StreamID: id, StreamVersion: b.versions[id], EventID: uuid.New(), Type: "test.happened.v1", SchemaVersion: 1, Actor: "system:test",
			Body: fmt.Appendf(nil, `{"text":"é\u0000 \"%d\"","amount":"1.10"}`, i),
		})
	}
	for id, version := range from {
		batch.Streams = append(batch.Streams, eventstore.StreamWrite{ID: id, From: version, To: b.versions[id]})
	}
	require.NoError(t, tx.Commit(t.Context(), batch))
	return batch.Events[n-1].Position
}

// events are all of the log.
func (b *bench) events(t *testing.T) []eventstore.Event {
	t.Helper()
	events, err := b.store.Read(t.Context(), 0, 1_000_000)
	require.NoError(t, err)
	return events
}

// start runs something until the test or the returned function ends it.
func start(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

// relay starts a relay to a bus and tells its state.
func (b *bench) relay(t *testing.T, to relay.Bus) (*relay.Relay, func()) {
	t.Helper()
	r, err := relay.New(b.store, b.pool, to, relay.Options{
		Name: b.bus.Name(), Batch: 20, Takeover: 20 * time.Millisecond, Backoff: 10 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Timeout: 20 * time.Second,
	})
	require.NoError(t, err)
	return r, start(t, r.Run)
}

// published waits until the checkpoint is at a position.
func (b *bench) published(t *testing.T, position int64) {
	t.Helper()
	require.Eventually(t, func() bool { return b.checkpoint(t) == position }, patience, tick)
}

func (b *bench) checkpoint(t *testing.T) int64 {
	t.Helper()
	all, err := relay.List(t.Context(), b.pool, b.store)
	require.NoError(t, err)
	if len(all) == 0 {
		return 0
	}
	return all[0].Position
}

// group is what the consumers of a group have seen.
type group struct {
	mu         sync.Mutex
	events     map[int64]eventstore.Event // by position, as they came first
	deliveries int
	versions   map[domain.StreamID]int64
	disorder   []string
	fail       func(e eventstore.Event) error // asked before an event counts
}

func newGroup() *group {
	return &group{events: map[int64]eventstore.Event{}, versions: map[domain.StreamID]int64{}}
}

func (g *group) handle(_ context.Context, e eventstore.Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deliveries++
	if g.fail != nil {
		if err := g.fail(e); err != nil {
			return err
		}
	}
	if _, again := g.events[e.Position]; again {
		return nil
	}
	if want := g.versions[e.StreamID] + 1; e.StreamVersion != want {
		g.disorder = append(g.disorder, fmt.Sprintf("%s: version %d came where %d was due", e.StreamID, e.StreamVersion, want))
	}
	g.versions[e.StreamID] = e.StreamVersion
	g.events[e.Position] = e
	return nil
}

func (g *group) count() (events, deliveries int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.events), g.deliveries
}

// consume starts a consumer of a group.
func consume(t *testing.T, from *bus.Bus, o bus.ConsumerOptions) (stop func()) {
	t.Helper()
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	require.NoError(t, from.Prepare(t.Context(), 0, o.Group))
	c, err := from.NewConsumer(o)
	require.NoError(t, err)
	return start(t, c.Run)
}

// has waits until a group has the whole log and checks that it came in order and unchanged.
func (b *bench) has(t *testing.T, g *group) {
	t.Helper()
	want := b.events(t)
	whole := assert.Eventually(t, func() bool { n, _ := g.count(); return n == len(want) }, patience, tick)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !whole {
		var missing []int64
		for _, e := range want {
			if _, there := g.events[e.Position]; !there {
				missing = append(missing, e.Position)
			}
		}
		require.Failf(t, "a group waits for events", "it has %d of %d; missing: %v", len(g.events), len(want), missing)
	}
	require.Empty(t, g.disorder)
	for _, e := range want {
		require.Equal(t, e, g.events[e.Position])
	}
}

// dying is a bus whose relay dies right after a batch was published, before it can record that.
type dying struct {
	relay.Bus
	die func()
}

func (d dying) Publish(ctx context.Context, events []eventstore.Event) error {
	if err := d.Bus.Publish(ctx, events); err != nil {
		return err
	}
	d.die()
	return context.Canceled
}

var errBroken = errors.New("broken on purpose")

func positions(events map[int64]eventstore.Event) []int64 {
	all := make([]int64, 0, len(events))
	for p := range events {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
