package pgcluster_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgcluster"
)

func TestServerEndsWithTheProcessThatStartedIt(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	address = strings.TrimSpace(address)
	query(t, address, "CREATE TABLE kept AS SELECT 3 AS n")
	watcher, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { _ = watcher.Close(context.Background()) }() // the server has closed it

	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = watcher.WaitForNotification(ctx)
	require.ErrorContains(t, err, "terminating connection", "the server was shut down")

	again := start(t, pgcluster.Options{Dir: dir, Durable: true})
	require.NoDirExists(t, socketDir(t, address), "what the killed process left")
	require.Equal(t, "3", query(t, again.URL("postgres"), "SELECT n FROM kept"))
}
