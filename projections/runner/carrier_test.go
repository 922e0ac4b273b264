package runner_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// counting is a projection whose rows say how many events there were up to theirs, which it carries from batch to batch.
type counting struct{ *seen }

func (c counting) Carry(ctx context.Context, query runner.Querier) (any, error) {
	rows, err := query.Query(ctx, `SELECT count(*) FROM views.`+c.name+`_v1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	n := new(int64)
	for rows.Next() {
		if err := rows.Scan(n); err != nil {
			return nil, err
		}
	}
	return n, rows.Err()
}

func (c counting) Project(events []runner.Event, w *runner.Writes) error {
	n, ok := w.Carried.(*int64)
	if !ok {
		return fmt.Errorf("carried: %v", w.Carried)
	}
	var positions, counts column.Ints
	for _, e := range events {
		*n++
		if e.Position == c.breaks.Load() {
			return errBroken
		}
		positions.Add(e.Position)
		counts.Add(*n)
	}
	w.Insert(`views.`+c.name+`_v1`, `position, n`, &positions, &counts)
	return nil
}

// counts waits for a position and finds the right number in each row.
func (b *bench) counts(t *testing.T, head int64) {
	t.Helper()
	b.reaches(t, "one", head)
	var wrong int64
	require.NoError(t, b.Pool.QueryRow(t.Context(), `SELECT count(*) FROM views.one_v1 WHERE n <> position`).Scan(&wrong))
	require.Zero(t, wrong)
}

// TestWhatIsCarriedIsOfTheBuild: after a failure, in another process, and in builds beside each other.
func TestWhatIsCarriedIsOfTheBuild(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	_, err := b.Pool.Exec(t.Context(), `ALTER TABLE views.one_v1 ADD COLUMN n bigint NOT NULL`)
	require.NoError(t, err)
	p := counting{b.seen[0]}
	r := b.Runner(quick(), p)
	stop := b.start(t, r)
	b.counts(t, b.grow(t, 20))
	p.breaks.Store(33)
	b.grow(t, 30)
	b.status(t, r, "one", runner.StateFailed)
	p.breaks.Store(0)
	b.counts(t, b.total)
	stop()
	b.start(t, runner.New(b.Store, b.pool(t), b.Registry, []runner.Projection{p}, quick()))
	b.counts(t, b.grow(t, 25))

	require.NoError(t, r.Rebuild(t.Context(), "one"))
	b.counts(t, b.grow(t, 25))
	require.NoError(t, r.Rollback(t.Context(), "one"))
	b.counts(t, b.grow(t, 25))
	compared, err := r.Verify(t.Context(), "one")
	require.NoError(t, err)
	require.True(t, compared.Equal)
}

// late is a counting that looks at its tables when they may have gone meanwhile.
type late struct {
	counting
	gone func(ctx context.Context, table string)
}

func (l late) Carry(ctx context.Context, query runner.Querier) (any, error) {
	rows, err := query.Query(ctx, `SELECT 'views.`+l.name+`_v1'`) // as the build calls it
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var table string
	for rows.Next() {
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	l.gone(ctx, table)
	return l.counting.Carry(ctx, query)
}

// TestABuildThatGoesWhileItIsTakenUp is gone, not broken.
func TestABuildThatGoesWhileItIsTakenUp(t *testing.T) {
	t.Parallel()
	b := setup(t, "one")
	_, err := b.Pool.Exec(t.Context(), `ALTER TABLE views.one_v1 ADD COLUMN n bigint NOT NULL`)
	require.NoError(t, err)
	head := b.grow(t, 20)
	command := b.Runner(quick(), counting{b.seen[0]})
	require.NoError(t, command.ToEnd(t.Context()))
	b.seen[0].breaks.Store(10)
	require.ErrorIs(t, command.Rebuild(t.Context(), "one"), errBroken)
	b.seen[0].breaks.Store(0)

	errs := make(chan error, 1)
	var once sync.Once
	dropped := make(chan struct{})
	options := quick()
	options.OnError = func(_ string, err error) { errs <- err }
	b.start(t, b.Runner(options, late{counting{b.seen[0]}, func(ctx context.Context, table string) {
		if table != "views.one_v1" {
			once.Do(func() {
				if err := command.Drop(ctx, "one", runner.Building); err != nil {
					errs <- err
				}
				close(dropped)
			})
		}
	}}))
	<-dropped
	require.NoError(t, command.Rebuild(t.Context(), "one"))
	b.counts(t, head)
	require.Empty(t, errs)
}
