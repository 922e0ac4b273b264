package wall_test

import (
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const asked = `SELECT current_user::text || ' ' || coalesce(current_setting('massrouter.tenant', true), '')`

// TestTheRoleEndsWithItsQuery: whatever becomes of a query, its connection is the next one's as it was before.
func TestTheRoleEndsWithItsQuery(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var owner string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT current_user::text`).Scan(&owner))
	one, two := uuid.New(), uuid.New()
	ctx := wall.For(t.Context(), []uuid.UUID{one, two})
	read := func(sql string) (string, error) {
		rows, err := wall.Query(ctx, pool, sql)
		if err != nil {
			return "", err
		}
		return pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	}
	for range 2 * pool.Config().MaxConns {
		got, err := read(asked)
		require.NoError(t, err)
		require.Equal(t, "massrouter_tenant "+one.String()+","+two.String(), got)
		_, err = read(`SELECT role FROM identity.platform_grants`)
		require.ErrorContains(t, err, "permission denied")
		_, err = read(`SELECT (1 / (n - 1))::text FROM generate_series(1, 5) n`)
		require.ErrorContains(t, err, "division by zero")
		rows, err := wall.Query(t.Context(), pool, asked)
		require.NoError(t, err)
		got, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Equal(t, owner+" ", got)
	}
	require.Zero(t, pool.Stat().AcquiredConns())
}

func TestForWhomARequestIs(t *testing.T) {
	t.Parallel()
	mine, theirs := uuid.New(), uuid.New()
	ctx := wall.For(t.Context(), []uuid.UUID{mine})
	require.Equal(t, mine.String(), wall.Of(ctx))
	require.True(t, wall.Shows(ctx, mine))
	require.False(t, wall.Shows(ctx, theirs))
	require.Empty(t, wall.Of(wall.For(t.Context(), nil)))
	require.True(t, wall.Shows(t.Context(), theirs), "who is no tenant sees all")
}
