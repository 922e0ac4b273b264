package relay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/eventstore/relay"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	patience = time.Minute
	tick     = 5 * time.Millisecond
	name     = "test:events"
)

// bench is a database with a log, and a bus that remembers.
type bench struct {
	address  string
	pool     *pgxpool.Pool
	store    *postgres.Store
	bus      *recorder
	versions map[domain.StreamID]int64
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{address: pgtest.URL(t), bus: &recorder{}, versions: map[domain.StreamID]int64{}}
	b.pool = b.connect(t)
	var err error
	b.store, err = postgres.Open(t.Context(), b.pool, postgres.Options{})
	require.NoError(t, err)
	t.Cleanup(b.store.Close)
	return b
}

func (b *bench) connect(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.WithoutCancel(t.Context()), b.address)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// grow appends events to three streams in turn and returns the head.
func (b *bench) grow(t *testing.T, n int) int64 {
	t.Helper()
	tx, err := b.store.Begin(t.Context(), 0, 0)
	require.NoError(t, err)
	head, batch, from := tx.Head().Position, &eventstore.Batch{}, map[domain.StreamID]int64{}
	for i := range n {
		id := domain.NewStreamID("test", fmt.Sprint(i%3))
		if _, ok := from[id]; !ok {
			from[id] = b.versions[id]
		}
		b.versions[id]++
		batch.Events = append(batch.Events, eventstore.Event{
			StreamID: id, StreamVersion: b.versions[id], EventID: uuid.New(), Type: "test.happened.v1", SchemaVersion: 1, Actor: "system:test", Body: []byte(`{}`),
		})
	}
	for id, version := range from {
		batch.Streams = append(batch.Streams, eventstore.StreamWrite{ID: id, From: version, To: b.versions[id]})
	}
	require.NoError(t, tx.Commit(t.Context(), batch))
	return head + int64(n)
}

// start runs a relay as of a process of its own, until the test or the returned function ends it.
func (b *bench) start(t *testing.T, to relay.Bus, change ...func(*relay.Options)) (*relay.Relay, func()) {
	t.Helper()
	o := relay.Options{Name: name, Batch: 10, Takeover: 20 * time.Millisecond, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond}
	for _, c := range change {
		c(&o)
	}
	r, err := relay.New(b.store, b.connect(t), to, o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return r, stop
}

func (b *bench) status(t *testing.T) relay.Status {
	t.Helper()
	all, err := relay.List(t.Context(), b.pool, b.store)
	require.NoError(t, err)
	if len(all) == 0 {
		return relay.Status{}
	}
	require.Len(t, all, 1)
	return all[0]
}

func (b *bench) reaches(t *testing.T, position int64) {
	t.Helper()
	require.Eventually(t, func() bool { return b.status(t).Position == position }, patience, tick)
}

// kill ends the sessions that own relays, as the death of their processes does, and says how many there were.
func (b *bench) kill(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n))
	return n
}

// recorder is a bus that remembers what it was given, and fails when it is told to.
type recorder struct {
	mu        sync.Mutex
	positions []int64
	fail      func(events []eventstore.Event) (published int, err error) // nil: never
}

func (r *recorder) Publish(_ context.Context, events []eventstore.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := len(events), error(nil)
	if r.fail != nil {
		n, err = r.fail(events)
	}
	for _, e := range events[:n] {
		r.positions = append(r.positions, e.Position)
	}
	return err
}

// failing sets when the bus fails.
func (r *recorder) failing(fail func([]eventstore.Event) (int, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

// complete checks that the first times are the whole log in order, and returns how many there were in all.
func (r *recorder) complete(t *testing.T, head int64) (published int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	next := int64(1)
	for _, p := range r.positions {
		require.LessOrEqual(t, p, next, "position %d was published before %d", p, next)
		if p == next {
			next++
		}
	}
	require.Equal(t, head, next-1)
	return len(r.positions)
}

var errBroken = errors.New("broken on purpose")

func connectTo(t *testing.T, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // it was only asked
	return conn
}
