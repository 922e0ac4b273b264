// Package pgtest gives each test a PostgreSQL database of its own: a copy of a template to which the
// project's migrations were applied once. The server is the one that DATABASE_URL names, or a private one
// that this test process starts when the first test asks and stops after the last.
//
// A test package that uses it has this TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
package pgtest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	// patience bounds each single step on the server; a loaded machine needs seconds to copy a database.
	patience = 2 * time.Minute
	// poolSize is the largest number of connections of one test's pool.
	poolSize = 8
)

//nolint:gochecknoglobals // one server for the whole test process is what this package is for
var shared server

// Main runs the tests, stops the server and then looks for goroutines that the tests left behind. It
// returns the exit code of the process.
func Main(m *testing.M, options ...goleak.Option) int {
	shared.enable()
	code := m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := shared.stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: stop the database server:", err)
		code = max(code, 1)
	}
	if code != 0 {
		return code
	}
	if err := goleak.Find(options...); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return 1
	}
	return 0
}

// New returns a pool on a fresh database with all migrations applied. The pool is closed and the database
// dropped when the test ends.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(URL(tb))
	require.NoError(tb, err)
	config.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(tb.Context()), config)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool
}

// URL returns the address of a fresh database with all migrations applied. It is dropped when the test ends.
func URL(tb testing.TB) string {
	tb.Helper()
	return database(tb, true)
}

// Empty returns the address of a fresh database without any migration. It is dropped when the test ends.
func Empty(tb testing.TB) string {
	tb.Helper()
	return database(tb, false)
}

func database(tb testing.TB, migrated bool) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	name, address, err := shared.create(ctx, migrated)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(tb, shared.drop(ctx, name))
	})
	return address
}
