package pgtest_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			_, err := pool.Exec(t.Context(), "CREATE TABLE mine AS SELECT $1::int AS n", i)
			require.NoError(t, err)
			var count, n int
			require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*), max(n) FROM mine").Scan(&count, &n))
			require.Equal(t, 1, count)
			require.Equal(t, i, n)
		})
	}
}

func TestMigrationsAreApplied(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.FS, "*.up.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var version int
	var dirty bool
	row := pgtest.New(t).QueryRow(t.Context(), "SELECT version, dirty FROM schema_migrations")
	require.NoError(t, row.Scan(&version, &dirty))
	require.False(t, dirty)
	var last int
	_, err = fmt.Sscanf(files[len(files)-1], "%d_", &last)
	require.NoError(t, err)
	require.Equal(t, last, version)
}

func TestEmptyHasNoTables(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, tables(t, pgtest.Empty(t)))
	require.Positive(t, tables(t, pgtest.URL(t)))
}

func tables(t *testing.T, address string) int {
	t.Helper()
	conn := connect(t, address)
	var n int
	row := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
	require.NoError(t, row.Scan(&n))
	return n
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may have dropped it with its database
	return conn
}

func TestDatabaseIsDroppedAfterTheTestEvenWhenInUse(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("uses it", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), pgtest.URL(t))
		require.NoError(t, err)
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name))
		require.False(t, conn.IsClosed())
	})
	var n int
	row := connect(t, pgtest.Empty(t)).QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name)
	require.NoError(t, row.Scan(&n))
	require.Zero(t, n)
}
