package pgcluster_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/internal/pgcluster"
)

// childDir makes the test binary a program that runs a cluster in this folder until it is killed.
const childDir = "PGCLUSTER_TEST_CHILD_DIR"

func runChild(dir string) int {
	c, err := pgcluster.Start(context.Background(), pgcluster.Options{Dir: dir, Durable: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.URL("postgres"))
	select {}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(runChild(dir))
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, o pgcluster.Options) *pgcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cluster, err := pgcluster.Start(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, cluster.Stop(ctx))
	})
	return cluster
}

// query runs one statement on a connection of its own and returns the text of the first row's first column.
func query(t *testing.T, address, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	defer rows.Close()
	text := ""
	if rows.Next() {
		text = string(rows.RawValues()[0])
	}
	rows.Close()
	require.NoError(t, rows.Err())
	return text
}

// folder returns a path for a cluster that the server's user can enter; t.TempDir alone is closed to others.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return filepath.Join(dir, "pg")
}

func socketDir(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Query().Get("host")
}

func TestTemporaryClusterAnswersAndLeavesNothing(t *testing.T) {
	t.Parallel()
	c := start(t, pgcluster.Options{Settings: map[string]string{"max_connections": "17"}})
	address := c.URL("postgres")

	for name, want := range map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "17",
		"data_checksums": "off", "server_encoding": "UTF8", "lc_collate": "C",
	} {
		require.Equal(t, want, query(t, address, "SELECT setting FROM pg_settings WHERE name = '"+name+"'"), name)
	}
	data := query(t, address, "SHOW data_directory")
	require.DirExists(t, filepath.Dir(data))
	sockets := socketDir(t, address)
	require.Less(t, len(sockets), 80)

	require.NoError(t, c.Stop(t.Context()))
	require.NoDirExists(t, filepath.Dir(data))
	require.NoDirExists(t, sockets)
	require.NoError(t, c.Stop(t.Context()), "a second stop does nothing")
	require.ErrorContains(t, c.Restart(t.Context()), "removed")
}

func TestPasswordIsAskedForOnTCP(t *testing.T) {
	t.Parallel()
	c := start(t, pgcluster.Options{})
	require.Equal(t, "1", query(t, c.TCPURL("postgres"), "SELECT 1"))

	u, err := url.Parse(c.TCPURL("postgres"))
	require.NoError(t, err)
	u.User = url.UserPassword("postgres", "wrong")
	_, err = pgx.Connect(t.Context(), u.String())
	require.ErrorContains(t, err, "password authentication failed")
}

func TestDurableClusterAsksForThePasswordOnTheSocketToo(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := start(t, pgcluster.Options{Dir: dir, Durable: true})
	u, err := url.Parse(c.URL("postgres"))
	require.NoError(t, err)
	u.User = url.UserPassword("postgres", "wrong")
	_, err = pgx.Connect(t.Context(), u.String())
	require.ErrorContains(t, err, "password authentication failed")

	info, err := os.Stat(filepath.Join(dir, "password"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, "on", query(t, c.URL("postgres"), "SHOW data_checksums"))
	require.Equal(t, "on", query(t, c.URL("postgres"), "SHOW fsync"))
}

func TestKilledClusterComesBackWithItsData(t *testing.T) {
	t.Parallel()
	c := start(t, pgcluster.Options{Dir: folder(t), Durable: true})
	address := c.URL("postgres")
	query(t, address, "CREATE TABLE kept (n int)")
	for round := range 3 {
		query(t, address, "INSERT INTO kept VALUES ("+strconv.Itoa(round)+")")
		require.NoError(t, c.Kill())
		require.NoError(t, c.Kill(), "a second kill does nothing")
		_, err := pgx.Connect(t.Context(), address)
		require.Error(t, err)
		require.NoError(t, c.Restart(t.Context()))
		require.Equal(t, address, c.URL("postgres"))
		require.Equal(t, strconv.Itoa(round+1), query(t, address, "SELECT count(*) FROM kept"))
	}
}

func TestCrashedServerIsRestarted(t *testing.T) {
	t.Parallel()
	c := start(t, pgcluster.Options{Dir: folder(t)})
	busy, err := pgx.Connect(t.Context(), c.URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = busy.Close(context.Background()) }() // the crash has closed it
	for range 3 {
		raw, err := os.ReadFile(filepath.Join(query(t, c.URL("postgres"), "SHOW data_directory"), "postmaster.pid"))
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.SplitN(string(raw), "\n", 2)[0])
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.NoError(t, c.Restart(t.Context()))
		require.Equal(t, "1", query(t, c.URL("postgres"), "SELECT 1"))
	}
}

func TestStoppedClusterIsContinued(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := start(t, pgcluster.Options{Dir: dir})
	address := c.URL("postgres")
	query(t, address, "CREATE TABLE kept AS SELECT 42 AS n")
	require.NoError(t, c.Stop(t.Context()))
	require.NoError(t, c.Restart(t.Context()))
	require.Equal(t, "42", query(t, address, "SELECT n FROM kept"))
	require.NoError(t, c.Stop(t.Context()))

	again := start(t, pgcluster.Options{Dir: dir, Durable: true})
	require.Equal(t, "42", query(t, again.URL("postgres"), "SELECT n FROM kept"))
	require.Equal(t, c.TCPURL("x"), again.TCPURL("x"), "port and password stay")
}

func TestTakenPortIsLeftForAnotherOne(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := start(t, pgcluster.Options{Dir: dir})
	u, err := url.Parse(c.TCPURL("postgres"))
	require.NoError(t, err)
	require.NoError(t, c.Stop(t.Context()))
	var config net.ListenConfig
	squatter, err := config.Listen(t.Context(), "tcp4", u.Host)
	require.NoError(t, err)
	defer func() { require.NoError(t, squatter.Close()) }()

	again := start(t, pgcluster.Options{Dir: dir})
	require.NotEqual(t, c.TCPURL("postgres"), again.TCPURL("postgres"))
	require.Equal(t, "1", query(t, again.TCPURL("postgres"), "SELECT 1"))
}

func TestFolderInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, pgcluster.Options{Dir: dir})
	_, err := pgcluster.Start(t.Context(), pgcluster.Options{Dir: dir})
	require.ErrorContains(t, err, "another process is using this folder")
}

func TestForeignDataIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for _, sign := range []string{"data", "PG_VERSION"} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, sign), []byte("mine"), 0o600))
		_, err := pgcluster.Start(t.Context(), pgcluster.Options{Dir: dir})
		require.ErrorContains(t, err, "was not made here")
		kept, err := os.ReadFile(filepath.Join(dir, sign))
		require.NoError(t, err)
		require.Equal(t, "mine", string(kept))
	}
}

func TestFolderThatTheServersUserCannotEnter(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(closed, 0o700))
	c := start(t, pgcluster.Options{Dir: filepath.Join(closed, "pg")})
	data := query(t, c.URL("postgres"), "SHOW data_directory")
	query(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 7 AS n")
	if os.Geteuid() == 0 {
		require.NotContains(t, data, closed)
		t.Cleanup(func() { require.NoError(t, os.RemoveAll(filepath.Dir(data))) })
	}
	require.NoError(t, c.Stop(t.Context()))

	again := start(t, pgcluster.Options{Dir: filepath.Join(closed, "pg")})
	require.Equal(t, "7", query(t, again.URL("postgres"), "SELECT n FROM kept"))
	require.NoError(t, again.Stop(t.Context()))
}

func TestServerThatCannotStartIsExplained(t *testing.T) {
	t.Parallel()
	_, err := pgcluster.Start(t.Context(), pgcluster.Options{Settings: map[string]string{"no_such_setting": "1"}})
	require.ErrorContains(t, err, `unrecognized configuration parameter "no_such_setting"`)
}
