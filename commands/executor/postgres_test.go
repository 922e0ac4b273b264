package executor_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const (
	customers = 20
	kills     = 40 // of connections that were at work
)

// A PostgreSQL ends connections at any moment, most of them while they commit: every acknowledged marble is in its jar
// exactly once, and no other.
func TestBrokenConnectionsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprint(processes, " processes"), func(t *testing.T) {
			t.Parallel()
			direct := pgtest.New(t)
			stores, execs := make([]*postgres.Store, processes), make([]*executor.Executor, processes)
			for i := range execs {
				stores[i] = open(t, direct)
				execs[i] = run(t, stores[i], options(t, func(o *executor.Options) { o.Batch = 8 }))
			}
			var broken atomic.Bool
			var working sync.WaitGroup
			in := make([]int, customers)
			for i := range in {
				working.Go(func() {
					for !broken.Load() {
						in[i] += insist(execs[i%processes], add(uuid.New(), fmt.Sprint(i%(customers/2)), 1))
					}
				})
			}
			breakConnections(t, direct)
			broken.Store(true)
			working.Wait()
			for i := range customers / 2 {
				require.Equal(t, in[i]+in[i+customers/2], marbles(t, stores[0], fmt.Sprint(i)))
			}
		})
	}
}

func open(t *testing.T, direct *pgxpool.Pool) *postgres.Store {
	t.Helper()
	config := direct.Config()
	config.ConnConfig.RuntimeParams["application_name"] = "executor"
	config.MaxConns = 3
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	store, err := postgres.Open(t.Context(), pool, postgres.Options{PartitionWidth: 500})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

// insist asks until it is known what became of the command, and says how many marbles it put in.
func insist(exec *executor.Executor, r *executor.Request) int {
	for {
		again := *r
		switch res := exec.Do(context.Background(), &again); domain.CodeOf(res.Err) {
		case domain.CodeUnavailable:
		case "":
			return 1
		default:
			return 0
		}
	}
}

func breakConnections(t *testing.T, direct *pgxpool.Pool) {
	t.Helper()
	for broken := 0; broken < kills; {
		var n int
		require.NoError(t, direct.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE application_name = 'executor' AND datname = current_database() AND state <> 'idle' AND random() < 0.05`).Scan(&n))
		broken += n
	}
}
