// Package redistest starts private Redis servers for tests, which can be killed and restarted. They keep what they are
// told (append-only file), as a server has to that holds the event bus.
package redistest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/daemon"
)

// patience bounds each step of a server on a loaded machine.
const patience = time.Minute

// Server is one private Redis.
type Server struct {
	program string
	dir     string
	port    int
	daemon  *daemon.Daemon
}

// Start runs a server until the test ends. Where there is no redis-server the test is skipped, which fails in CI.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil && s.program == "" {
			s.program = path
		}
	}
	if s.program == "" {
		tb.Skip("NOT TESTED: there is no redis-server on this machine (Debian, Ubuntu: apt-get install redis-server)")
	}
	dir, remove, err := daemon.Folder("mrredis")
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, remove()) })
	s.dir, s.port = dir, daemon.Port(tb.Context())
	s.Restart(tb)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.daemon.Stop(ctx)
	})
	return s
}

// URL is the address of database 0.
func (s *Server) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.port) }

// Kill ends the server with SIGKILL.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	s.daemon.Kill()
}

// Freeze makes the server hang until Thaw: it keeps its connections and answers nothing.
func (s *Server) Freeze(tb testing.TB) {
	tb.Helper()
	s.daemon.Freeze()
}

// Thaw ends Freeze.
func (s *Server) Thaw(tb testing.TB) {
	tb.Helper()
	s.daemon.Thaw()
}

// Restart starts the server again on the same port and data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.program, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), //nolint:gosec // found on PATH
		"--dir", s.dir, "--save", "", "--appendonly", "yes", "--daemonize", "no")
	cmd.Env, cmd.Dir = daemon.Environment(), s.dir
	var err error
	s.daemon, err = daemon.Start(cmd, filepath.Join(s.dir, "redis.log"))
	require.NoError(tb, err)
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", s.port), MaxRetries: -1})
	defer func() { require.NoError(tb, client.Close()) }()
	require.NoError(tb, s.daemon.Await(ctx, func(ctx context.Context) bool { return client.Ping(ctx).Err() == nil }))
}
