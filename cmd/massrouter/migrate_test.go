package main

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/internal/pgcluster"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// sql runs statements on a database.
func sql(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }() // nothing is under way
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// TestMigrateAsAnOrdinaryOwner: whoever may not make the role of tenants reads the lines that an administrator has to run before anything was changed, whether the role
// is there or not; then it goes on. A user with CREATEROLE needs nobody. The roles of a server are common to its databases, so that this one is the test's own.
func TestMigrateAsAnOrdinaryOwner(t *testing.T) {
	t.Parallel()
	cluster, err := pgcluster.Start(t.Context(), pgcluster.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Stop(context.WithoutCancel(t.Context()))) })
	admin := cluster.TCPURL("postgres")
	owned := func(user, right string) string {
		sql(t, admin, `CREATE ROLE "`+user+`" LOGIN PASSWORD 'secret' `+right, `CREATE DATABASE "`+user+`" OWNER "`+user+`"`)
		u, err := url.Parse(cluster.TCPURL(user))
		require.NoError(t, err)
		u.User = url.UserPassword(user, "secret")
		return u.String()
	}
	up := func(address string) called {
		return call(t.Context(), []string{"DATABASE_URL=" + address}, "migrate", "up")
	}
	refused := func(address, user string) {
		t.Helper()
		for range 2 { // it leaves nothing behind that hinders the next try
			got := up(address)
			require.Equal(t, exitFailure, got.code, got.err)
			require.Contains(t, got.err, "CREATE ROLE massrouter_tenant NOLOGIN;")
			require.Contains(t, got.err, `GRANT massrouter_tenant TO "`+user+`";`)
			at, err := schema.Read(t.Context(), address)
			require.NoError(t, err)
			require.Zero(t, at.Version)
			require.False(t, at.Dirty)
		}
	}
	applied := func(address string) {
		t.Helper()
		got := up(address)
		require.Equal(t, exitOK, got.code, got.err)
		require.NoError(t, schema.Check(t.Context(), address))
		sql(t, address, `SET ROLE massrouter_tenant`)
	}

	first := owned("plain owner", "")
	refused(first, "plain owner") // there is no role
	applied(owned("maker", "CREATEROLE"))
	refused(first, "plain owner") // there is one
	sql(t, admin, `GRANT massrouter_tenant TO "plain owner"`)
	applied(first)
}

// TestAMigrationIsWholeOrNotThere: a migration that fails, or whose connection dies, leaves the database where it was, and the next try goes on from there.
func TestAMigrationIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	const before, name = 20, "identity" // what the next migration makes
	for how, unblock := range map[string]string{
		"it fails": `COMMIT`,
		"its connection dies": `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid();
			ROLLBACK`,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			address := pgtest.Empty(t)
			_, err := schema.Up(t.Context(), address, before)
			require.NoError(t, err)
			conn, err := pgx.Connect(t.Context(), address)
			require.NoError(t, err)
			defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }() // the test is over
			_, err = conn.Exec(t.Context(), `BEGIN; CREATE SCHEMA `+name)
			require.NoError(t, err)
			ended := make(chan called, 1)
			go func() { ended <- call(t.Context(), []string{"DATABASE_URL=" + address}, "migrate", "up") }()
			await(t, func() bool {
				var n int
				err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`).Scan(&n)
				return err == nil && n > 0
			})
			_, err = conn.Exec(t.Context(), unblock)
			require.NoError(t, err)
			got := <-ended
			require.Equal(t, exitFailure, got.code, got.err)
			at, err := schema.Read(t.Context(), address)
			require.NoError(t, err)
			require.Equal(t, uint(before), at.Version)
			require.False(t, at.Dirty)
			sql(t, address, `DROP SCHEMA IF EXISTS `+name)
			do(t, []string{"DATABASE_URL=" + address}, "migrate", "up")
			require.NoError(t, schema.Check(t.Context(), address))
		})
	}
}

// TestTheMarkOfAnOlderProgram: what an older program left says which line of SQL to run, and the line is right.
func TestTheMarkOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps int
		line  string // which of the two
	}{"rolled back": {24, "nothing of it"}, "the first rolled back": {0, "nothing of it"}, "applied": {25, "all of it"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := pgtest.Empty(t)
			version := "1"
			if c.steps == 0 {
				sql(t, address, `CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)`)
			} else {
				_, err := schema.Up(t.Context(), address, c.steps)
				require.NoError(t, err)
				version = "25"
			}
			sql(t, address, `DELETE FROM schema_migrations`, `INSERT INTO schema_migrations VALUES (`+version+`, true)`)
			environ := []string{"DATABASE_URL=" + address}
			got := call(t.Context(), environ, "migrate", "up")
			require.Equal(t, exitFailure, got.code)
			require.ErrorContains(t, schema.Check(t.Context(), address), "migration "+version)
			var line string
			for l := range strings.Lines(got.err) {
				if strings.Contains(l, "-- "+c.line) {
					line = l
				}
			}
			require.NotEmpty(t, line, got.err)
			sql(t, address, line)
			do(t, environ, "migrate", "up")
			require.NoError(t, schema.Check(t.Context(), address))
		})
	}
}
