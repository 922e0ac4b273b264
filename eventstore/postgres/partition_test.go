package postgres_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const width = 10

func open(t *testing.T, pool *pgxpool.Pool) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), pool, postgres.Options{PartitionWidth: width})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// steps is a batch of n events of a new stream.
func steps(n int64) *eventstore.Batch {
	id := domain.NewStreamID("test", uuid.NewString())
	b := &eventstore.Batch{Streams: []eventstore.StreamWrite{{ID: id, To: n}}}
	for i := range n {
		b.Events = append(b.Events, eventstore.Event{
			StreamID: id, StreamVersion: i + 1, Type: "test.stepped.v1", SchemaVersion: 1, Body: []byte("{}"),
		})
	}
	return b
}

func commit(ctx context.Context, s *postgres.Store, b *eventstore.Batch) error {
	tx, err := s.Begin(ctx, 0, 0)
	if err != nil {
		return err
	}
	return tx.Commit(ctx, b)
}

func hasPartition(t *testing.T, pool *pgxpool.Pool, position int64) bool {
	t.Helper()
	var has bool
	err := pool.QueryRow(t.Context(), `SELECT to_regclass('ledger.events_p' || $1::bigint) IS NOT NULL`,
		(position-1)/width*width+1).Scan(&has)
	require.NoError(t, err)
	return has
}

// TestPartitionsAreMadeAhead: when an append reaches a partition, it has been there since the one before was reached,
// whichever way is appended.
func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(context.Context, *postgres.Store, eventstore.Head, *eventstore.Batch) error{
		"with the lock": func(ctx context.Context, s *postgres.Store, _ eventstore.Head, b *eventstore.Batch) error {
			return commit(ctx, s, b)
		},
		"without the lock": func(ctx context.Context, s *postgres.Store, h eventstore.Head, b *eventstore.Batch) error {
			return s.Append(ctx, h, h.RecordedAt, b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			s := open(t, pool)
			for range 30 {
				head, err := s.Head(t.Context())
				require.NoError(t, err)
				require.NoError(t, write(t.Context(), s, head, steps(3)))
				require.True(t, hasPartition(t, pool, head.Position+1+width), "one more than position %d needs", head.Position+1)
			}
		})
	}
}

// TestPartitionsOfABatchThatIsWiderThanOne are made by the append itself.
func TestPartitionsOfABatchThatIsWiderThanOne(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := open(t, pool)
	require.NoError(t, commit(t.Context(), s, steps(3)))
	require.NoError(t, commit(t.Context(), s, steps(5*width+1)))
	head, err := s.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), head, head.RecordedAt, steps(4*width)))
	events, err := eventstore.ReadDense(t.Context(), s, 0, 1_000)
	require.NoError(t, err)
	require.Len(t, events, 3+5*width+1+4*width)
}

func TestEnsurePartitionsFromSeveralProcesses(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var group errgroup.Group
	for i := range 4 {
		s := open(t, pool)
		group.Go(func() error {
			for n := range int64(12) {
				if err := s.EnsurePartitions(t.Context(), n*width); err != nil {
					return err
				}
				if i%2 == 0 {
					if err := commit(t.Context(), s, steps(2)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.True(t, hasPartition(t, pool, 11*width))
	events, err := eventstore.ReadDense(t.Context(), open(t, pool), 0, 1_000)
	require.NoError(t, err)
	require.Len(t, events, 2*2*12)
}
