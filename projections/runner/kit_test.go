package runner_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

// seen is a projection that writes one row an event, twice of which would break its primary key.
type seen struct {
	name   string
	breaks atomic.Int64 // fails at this position
	panics atomic.Int64 // panics at this position
	mu     sync.Mutex
	gate   chan struct{} // when set, each batch waits for it
	sizes  []int         // of the batches
}

func (s *seen) Name() string     { return s.name }
func (s *seen) Version() int     { return 1 }
func (s *seen) Tables() []string { return []string{"views." + s.name + "_v1"} }

// hang stops the projection at its next batch, until it is woken.
func (s *seen) hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

func (s *seen) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gate)
	s.gate = nil
}

// total is how many events it was given.
func (s *seen) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, size := range s.sizes {
		n += size
	}
	return n
}

// projected names the one column that it writes.
type projected struct{ *seen }

func (p projected) Project(events []runner.Event, w *runner.Writes) error {
	var positions column.Ints
	for _, e := range events {
		positions.Add(e.Position)
	}
	w.Add(positions.Len(), `INSERT INTO "views".`+p.name+`_v1 (position) SELECT * FROM unnest($1::bigint[])`, &positions)
	return nil
}

// stray also writes a table that is not its own.
type stray struct{ *seen }

func (s stray) Project(events []runner.Event, w *runner.Writes) error {
	var positions column.Ints
	for _, e := range events {
		positions.Add(e.Position)
	}
	w.Add(positions.Len(), `INSERT INTO views.other SELECT * FROM unnest($1::bigint[])`, &positions)
	return s.seen.Project(events, w)
}

// outside has a table of another schema.
type outside struct{ *seen }

func (outside) Tables() []string { return []string{"public.one_v1"} }

var errBroken = errors.New("broken on purpose")

func (s *seen) Project(events []runner.Event, w *runner.Writes) error {
	s.mu.Lock()
	gate := s.gate
	s.sizes = append(s.sizes, len(events))
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	var positions column.Ints
	for _, e := range events {
		if e.Position == s.breaks.Load() {
			return errBroken
		}
		if e.Position == s.panics.Load() {
			panic("out of order")
		}
		positions.Add(e.Position)
	}
	w.Add(positions.Len(), `INSERT INTO views.`+s.name+`_v1 SELECT * FROM unnest($1::bigint[])`, &positions)
	return nil
}

// bench is a kit with tables for projections of the given names.
type bench struct {
	*pt.Kit
	url     string
	seen    []*seen
	total   int64
	commits atomic.Int64 // while it grows beside the test
}

func setup(t *testing.T, names ...string) *bench {
	t.Helper()
	b := &bench{url: pgtest.URL(t)}
	b.Kit = pt.New(t, b.pool(t))
	for _, name := range names {
		_, err := b.Pool.Exec(t.Context(), `CREATE TABLE views.`+name+`_v1 (position bigint PRIMARY KEY)`)
		require.NoError(t, err)
		b.seen = append(b.seen, &seen{name: name})
	}
	return b
}

// pool is a pool as of another process.
func (b *bench) pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.WithoutCancel(t.Context()), b.url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// admin is a connection to another database of the same server.
func (b *bench) admin(t *testing.T) *pgx.Conn {
	t.Helper()
	config := b.Pool.Config().ConnConfig.Copy()
	config.Database = "postgres"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

func (b *bench) projections() []runner.Projection {
	var out []runner.Projection
	for _, s := range b.seen {
		out = append(out, s)
	}
	return out
}

// grow appends events, in commits of 10.
func (b *bench) grow(t *testing.T, n int) int64 {
	t.Helper()
	for n > 0 {
		var events []wallet.Event
		for range min(n, 10) {
			events = append(events, wallet.ToppedUp{Amount: pt.Money("1"), PSP: "operator", Reason: "r", Currency: money.USD, Balances: pt.After("1", "0")})
		}
		n -= len(events)
		b.total = b.Append(t.Context(), t, pt.Wallet(uuid.New(), events...))
	}
	return b.total
}

// start follows with a runner until the test or the returned function ends it.
func (b *bench) start(t *testing.T, r *runner.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return stop
}

// reaches waits until a projection has every event up to a position, each exactly once.
func (b *bench) reaches(t *testing.T, name string, position int64) {
	t.Helper()
	v := checkpoint.NewView(b.Pool, name, 1, checkpoint.WithMaxWait(patience))
	require.NoError(t, v.WaitFor(t.Context(), position))
	var rows, last int64
	require.NoError(t, b.Pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*), max(position) FROM views.%s_v1 WHERE position <= $1`, name), position).Scan(&rows, &last))
	require.Equal(t, []int64{position, position}, []int64{rows, last})
}

// status waits until a build of a projection is in the given state.
func (b *bench) status(t *testing.T, r *runner.Runner, name, state string) runner.Status {
	t.Helper()
	var found runner.Status
	require.Eventually(t, func() bool {
		all, err := r.Status(t.Context())
		require.NoError(t, err)
		for _, s := range all {
			if s.Name == name && s.State == state {
				found = s
			}
		}
		return found.State == state
	}, patience, tick, "%s is not %s", name, state)
	return found
}
