package pgtest_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/migrations"
)

// TestMigrationsWalk applies each migration, takes it back and applies it again: the way down restores exactly
// what was there, and the second way up ends where the first did. Then all of them go down and up at once.
func TestMigrationsWalk(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	m := migrator(t, address)
	files, err := fs.Glob(migrations.FS, "*.up.sql")
	require.NoError(t, err)
	empty := schema(t, address)
	before := empty
	for _, file := range files {
		require.NoError(t, m.Steps(1), file)
		after := schema(t, address)
		require.NotEqual(t, before, after, "%s changes nothing", file)
		require.NoError(t, m.Steps(-1), file)
		require.Equal(t, before, schema(t, address), "what the down file of %s leaves", file)
		require.NoError(t, m.Steps(1), file)
		require.Equal(t, after, schema(t, address), "%s applied again", file)
		before = after
	}
	require.ErrorIs(t, m.Steps(1), os.ErrNotExist, "that was the last one")

	require.NoError(t, m.Down())
	require.Equal(t, empty, schema(t, address))
	require.NoError(t, m.Up())
	require.Equal(t, before, schema(t, address))
}

func migrator(t *testing.T, address string) *migrate.Migrate {
	t.Helper()
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	source, err := iofs.New(migrations.FS, ".")
	require.NoError(t, err)
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	require.NoError(t, err)
	m, err := migrate.NewWithInstance("migrations", source, "pgx5", driver)
	require.NoError(t, err)
	t.Cleanup(func() {
		sourceErr, driverErr := m.Close()
		require.NoError(t, errors.Join(sourceErr, driverErr))
	})
	return m
}

// everything describes all objects of a database in one line each, but for the server's own and the table of
// the migrations themselves. Columns are told by their order: one that is dropped leaves its number behind. Rights that are nowhere written
// are told as what they are by default, since taking others back writes them.
const everything = `
WITH own AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('information_schema', 'pg_catalog', 'pg_toast') AND nspname NOT LIKE 'pg\_t%'
), relation AS (
    SELECT c.oid, c.relkind, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS relacl,
        c.reloptions, format('%I.%I', own.nspname, c.relname) AS name
    FROM pg_class c JOIN own ON own.oid = c.relnamespace WHERE c.relname NOT LIKE 'schema\_migrations%'
)
SELECT format('schema %I', nspname) FROM own
UNION ALL SELECT format('relation %s %s %s %s', name, relkind, relacl, reloptions) FROM relation
UNION ALL SELECT format('column %s %s %s %s %s %s', r.name, a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN relation r ON r.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'v', 'm')
UNION ALL SELECT format('index %s', pg_get_indexdef(oid)) FROM relation WHERE relkind IN ('i', 'I')
UNION ALL SELECT format('constraint %s %s', r.name, pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid
UNION ALL SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL SELECT format('view %s %s', name, pg_get_viewdef(oid)) FROM relation WHERE relkind IN ('v', 'm')
UNION ALL SELECT format('function %s', pg_get_functiondef(p.oid)) FROM pg_proc p JOIN own ON own.oid = p.pronamespace WHERE p.prokind IN ('f', 'p')
UNION ALL SELECT format('type %I.%I %s', own.nspname, t.typname, t.typtype) FROM pg_type t JOIN own ON own.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r')
UNION ALL SELECT format('rows %s', (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ' || name, false, true, '')))[1])
    || ' ' || name FROM relation WHERE relkind = 'r'
ORDER BY 1`

func schema(t *testing.T, address string) []string {
	t.Helper()
	rows, err := connect(t, address).Query(t.Context(), everything)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return lines
}
