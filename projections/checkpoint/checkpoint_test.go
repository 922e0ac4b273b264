package checkpoint_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

var recorded = time.Date(2026, 4, 5, 6, 7, 8, 9000, time.UTC)

func setPosition(t *testing.T, pool *pgxpool.Pool, position, rebuildTo int64) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `INSERT INTO views.checkpoints (name, version, position, recorded_at, rebuild_to) VALUES ('one', 2, $1, $3, $2)
		ON CONFLICT (name, version) DO UPDATE SET position = $1, rebuild_to = $2`, position, rebuildTo, recorded)
	require.NoError(t, err)
}

func numbers(t *testing.T, v *checkpoint.View, query string, minPosition int64) ([]int, checkpoint.At, error) {
	t.Helper()
	var out []int
	at, err := v.Read(t.Context(), minPosition, query, `r.n DESC`, []any{3}, func(row checkpoint.Row) error {
		var n int
		err := row(&n)
		out = append(out, n)
		return err
	})
	return out, at, err
}

const upTo = `SELECT n FROM generate_series(1, $3::int) AS n`

func TestAnswersSayWhichPositionTheyAreOf(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	v := checkpoint.NewView(pool, "one", 2)
	_, _, err := numbers(t, v, upTo, 0)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "it was never built")
	setPosition(t, pool, 17, 0)
	for query, want := range map[string][]int{upTo: {3, 2, 1}, upTo + ` WHERE n > 9`: nil} {
		got, at, err := numbers(t, v, query, 17)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.EqualValues(t, 17, at.Position)
		require.Equal(t, recorded, at.AsOf)
	}
	setPosition(t, pool, 17, 18)
	for _, query := range []string{upTo, upTo + ` WHERE n > 9`} {
		got, _, err := numbers(t, v, query, 0)
		require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "it is being rebuilt")
		require.Empty(t, got)
	}
	setPosition(t, pool, 18, 18)
	_, _, err = numbers(t, v, upTo, 0)
	require.NoError(t, err)
}

func TestErrorsOfQueries(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	setPosition(t, pool, 1, 0)
	v := checkpoint.NewView(pool, "one", 2)
	_, _, err := numbers(t, v, `SELECT 1 / (n - 1) AS n FROM generate_series(1, $3::int) AS n`, 0)
	require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
	_, _, err = numbers(t, v, `SELECT 'text'::text AS n WHERE $3::int > 0`, 0)
	require.Equal(t, domain.CodeInternal, domain.CodeOf(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = v.Read(ctx, 0, upTo, `r.n`, []any{3}, nil)
	require.ErrorIs(t, err, context.Canceled)
	pool.Close()
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(v.WaitFor(t.Context(), 2)))
}

func TestWaitersAreWokenByPolling(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	v := checkpoint.NewView(pool, "one", 2)
	var all sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		all.Go(func() { errs[i] = v.WaitFor(t.Context(), int64(i)-2) })
	}
	for position := range int64(50) {
		setPosition(t, pool, position, 0)
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestAWaitIsBounded(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	setPosition(t, pool, 5, 0)
	signal := checkpoint.WithSignal(&checkpoint.Signal{})
	patient := checkpoint.NewView(pool, "one", 2, checkpoint.WithMaxWait(time.Minute), signal) // for what is there already
	require.NoError(t, patient.WaitFor(t.Context(), 5))
	require.NoError(t, patient.WaitFor(t.Context(), -7))
	v := checkpoint.NewView(pool, "one", 2, checkpoint.WithMaxWait(30*time.Millisecond), signal)
	err := v.WaitFor(t.Context(), 6)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "has not reached position 6")
	_, _, err = numbers(t, v, upTo, 1<<62)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
}

func TestASignalWakesItsOwnWaiters(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	signal := &checkpoint.Signal{}
	v := checkpoint.NewView(pool, "one", 2, checkpoint.WithSignal(signal))
	waiting := make(chan error, 1)
	go func() { waiting <- v.WaitFor(t.Context(), 9) }()
	signal.Set("one", 1, 100) // another version
	signal.Set("one", 2, 9)
	require.NoError(t, <-waiting)
}
