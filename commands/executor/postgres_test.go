package executor_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// Two processes on one PostgreSQL whose server ends their connections all the time.
func TestBrokenConnectionsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	direct := pgtest.New(t)
	execs := make([]*executor.Executor, 1)
	var store *postgres.Store
	for i := range execs {
		config := direct.Config()
		config.ConnConfig.RuntimeParams["application_name"] = "executor"
		config.MaxConns = 3
		pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		store, err = postgres.Open(t.Context(), pool, postgres.Options{PartitionWidth: 500})
		require.NoError(t, err)
		t.Cleanup(store.Close)
		execs[i] = run(t, store, options(t, func(o *executor.Options) { o.Batch = 8 }))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var killed atomic.Int64
	var killer sync.WaitGroup
	killer.Go(func() {
		for ctx.Err() == nil {
			var n int64
			err := direct.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE application_name = 'executor' AND datname = current_database() AND random() < 0.5 AND state <> 'idle'`).Scan(&n)
			if err != nil {
				return
			}
			killed.Add(n)
			<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond)
		}
	})
	var acknowledged, away, other atomic.Int64
	var customers sync.WaitGroup
	start := time.Now()
	for c := range 20 {
		customers.Go(func() {
			for time.Since(start) < 20*time.Second {
				id, exec := uuid.New(), execs[c%len(execs)]
				name := string(rune('a' + rand.IntN(5)))
				r := add(id, name, 1)
				if rand.IntN(2) == 0 {
					r = add(id, name, -1)
					d := r.Decide
					r.Decide = func(x *executor.Decision) (any, error) {
						if x.Get(stream(name)).(*jar).In < 1 {
							return nil, domain.Errorf(domain.CodeConflict, "empty")
						}
						return d(x)
					}
				}
				for {
					res := exec.Do(context.Background(), r)
					if domain.CodeOf(res.Err) == domain.CodeUnavailable {
						away.Add(1)
						r2 := *r
						r = &r2
						exec = execs[rand.IntN(len(execs))]
						continue
					}
					if res.Err == nil {
						acknowledged.Add(1)
					} else if domain.CodeOf(res.Err) != domain.CodeConflict {
						other.Add(1)
						t.Log(res.Err)
					}
					break
				}
			}
		})
	}
	customers.Wait()
	cancel()
	killer.Wait()
	b := bundle{}
	_ = b
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	t.Log(killed.Load(), acknowledged.Load(), away.Load(), other.Load(), head.Position)
	require.EqualValues(t, head.Position, acknowledged.Load())
}
