package runner

import (
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
	begun, _, err := session.begin(t.Context(), nameless{})
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
	require.NoError(t, session.commit(t.Context(), nameless{}, 0, last, add(1)))
	for range 2 {
		require.ErrorIs(t, session.commit(t.Context(), nameless{}, 0, last, add(1)), errMoved)
	}
	n, at := state()
	require.Equal(t, []int64{5, 10}, []int64{n, at})

	next := &Event{Position: 20, RecordedAt: time.Now()}
	require.ErrorContains(t, session.commit(t.Context(), nameless{}, 10, next, add(2)), "changed 1 rows, not 2")
	n, at = state()
	require.Equal(t, []int64{5, 10}, []int64{n, at}, "neither rows nor checkpoint")
	require.NoError(t, session.commit(t.Context(), nameless{}, 10, next, add(1)))
	n, at = state()
	require.Equal(t, []int64{10, 20}, []int64{n, at})

	_, err = own(t.Context(), pool, nameless{}, Live)
	require.ErrorIs(t, err, errOwned)
}
