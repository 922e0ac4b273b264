package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/eventstoretest"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// connections is small, so that a connection that is not given back is missed soon.
const connections = 4

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, func(t *testing.T) eventstoretest.Harness {
		t.Helper()
		return harness(t, postgres.Options{})
	})
}

// TestStoreKeepsTheContractAcrossPartitions has appends that begin, fill and cross partitions all the time.
func TestStoreKeepsTheContractAcrossPartitions(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, func(t *testing.T) eventstoretest.Harness {
		t.Helper()
		return harness(t, postgres.Options{PartitionWidth: 50})
	})
}

func harness(t *testing.T, o postgres.Options) eventstoretest.Harness {
	t.Helper()
	control := &eventstoretest.Control{}
	o.Clock = control.Now
	direct := pgtest.New(t)
	reopen := func(t *testing.T) eventstore.Store {
		t.Helper()
		config := direct.Config()
		config.MaxConns = connections
		cutCommits(config, control.Fate)
		pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		store, err := postgres.Open(t.Context(), pool, o)
		require.NoError(t, err)
		t.Cleanup(store.Close)
		return store
	}
	return eventstoretest.Harness{
		Store:   reopen(t),
		Reopen:  reopen,
		Control: control,
		TryTamper: func(ctx context.Context, statement string) error {
			_, err := direct.Exec(ctx, statement)
			return err
		},
	}
}
