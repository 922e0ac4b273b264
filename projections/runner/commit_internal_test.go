package runner

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/column"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type nameless struct{ Projection }

func (nameless) Name() string { return "nameless" }
func (nameless) Version() int { return 1 }

// A batch that is delivered again, by an owner of old for example, changes nothing: its checkpoint has moved.
func TestABatchIsCommittedOnceAndWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	session, err := own(t.Context(), pool, nameless{}, Live)
	require.NoError(t, err)
	t.Cleanup(func() { session.close(t.Context()) })
	_, err = session.conn.Exec(t.Context(), `CREATE TABLE views.sums (n bigint); INSERT INTO views.sums VALUES (0)`)
	require.NoError(t, err)
	begun, _, err := session.begin(t.Context(), nameless{}, place{})
	require.NoError(t, err)
	require.Zero(t, begun.position)

	add := func(rows int) *Writes {
		var w Writes
		var five column.Ints
		five.Add(5)
		w.Add(rows, `UPDATE views.sums SET n = n + t.more FROM unnest($1::bigint[]) AS t(more)`, &five)
		w.Add(0, `this is left out`)
		return &w
	}
	state := func() (n, at int64) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT n, position FROM views.sums, views.checkpoints`).Scan(&n, &at))
		return n, at
	}
	last := &Event{Position: 10, RecordedAt: time.Now()}
	require.NoError(t, session.commit(t.Context(), nameless{}, begun, last, add(1)))
	for range 2 {
		require.ErrorIs(t, session.commit(t.Context(), nameless{}, begun, last, add(1)), errMoved)
	}
	n, at := state()
	require.Equal(t, []int64{5, 10}, []int64{n, at})

	begun.position = 10
	next := &Event{Position: 20, RecordedAt: time.Now()}
	require.ErrorContains(t, session.commit(t.Context(), nameless{}, begun, next, add(2)), "changed 1 rows, not 2")
	n, at = state()
	require.Equal(t, []int64{5, 10}, []int64{n, at}, "neither rows nor checkpoint")
	require.NoError(t, session.commit(t.Context(), nameless{}, begun, next, add(1)))
	n, at = state()
	require.Equal(t, []int64{10, 20}, []int64{n, at})

	// A switch that leaves the position as it is makes the tables those of another build.
	begun.position = 20
	_, err = pool.Exec(t.Context(), `UPDATE views.checkpoints SET build = 2`)
	require.NoError(t, err)
	last = &Event{Position: 30, RecordedAt: time.Now()}
	require.ErrorIs(t, session.commit(t.Context(), nameless{}, begun, last, add(1)), errMoved)
	begun, _, err = session.begin(t.Context(), nameless{}, begun)
	require.NoError(t, err)
	require.NoError(t, session.commit(t.Context(), nameless{}, begun, last, add(1)))
	n, at = state()
	require.Equal(t, []int64{15, 30}, []int64{n, at})

	_, err = own(t.Context(), pool, nameless{}, Live)
	require.ErrorIs(t, err, errOwned)
}

// tally carries how often it was asked.
type tally struct {
	nameless
	asked *int
}

func (c tally) Carry(context.Context, Querier) (any, error) {
	*c.asked++
	return *c.asked, nil
}

// TestWhatIsCarriedIsReadOncePerPlace: not while nothing comes, but after every move that this process did not make.
func TestWhatIsCarriedIsReadOncePerPlace(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	p := tally{asked: new(int)}
	session, err := own(t.Context(), pool, p, Live)
	require.NoError(t, err)
	t.Cleanup(func() { session.close(t.Context()) })
	at := place{}
	for _, step := range []struct {
		sql     string
		carried int
	}{
		{``, 1},
		{``, 1},
		{`UPDATE views.checkpoints SET position = 7`, 2},
		{``, 2},
		{`UPDATE views.checkpoints SET build = 2`, 3},
		{``, 3},
	} {
		_, err := pool.Exec(t.Context(), step.sql)
		require.NoError(t, err)
		at, _, err = session.begin(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, step.carried, at.carried, step.sql)
	}
	at, _, err = session.begin(t.Context(), p, place{}) // after a batch that was not written
	require.NoError(t, err)
	require.Equal(t, 4, at.carried)
}
