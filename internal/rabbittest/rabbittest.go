// Package rabbittest starts private RabbitMQ servers for tests, which can be killed and restarted. Each has its node
// name, ports, cookie, folder and name server (epmd) of its own and touches no service of the machine.
package rabbittest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/daemon"
)

// patience bounds each step of a server on a loaded machine: Erlang needs some seconds to start on an idle one.
const patience = 3 * time.Minute

// Server is one private RabbitMQ.
type Server struct {
	program                  string
	dir                      string
	port, internal, nameport int
	epmd, daemon             *daemon.Daemon
}

// Start runs a server until the test ends. Where there is no RabbitMQ the test is skipped, which fails in CI.
func Start(tb testing.TB) *Server {
	tb.Helper()
	program, ok := find()
	epmd, err := exec.LookPath("epmd")
	if !ok || err != nil {
		tb.Skip("NOT TESTED: there is no RabbitMQ on this machine (Debian, Ubuntu: apt-get install rabbitmq-server)")
	}
	dir, remove, err := daemon.Folder("mrrabbit")
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, remove()) })
	s := &Server{program: program, dir: dir}
	s.port, s.internal, s.nameport = daemon.Port(tb.Context()), daemon.Port(tb.Context()), daemon.Port(tb.Context())
	require.NoError(tb, daemon.File(filepath.Join(dir, "rabbitmq.conf"),
		fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\nlog.file = false\nlog.console = true\n", s.port), 0o600))
	require.NoError(tb, daemon.File(filepath.Join(dir, "plugins"), "[].\n", 0o600))
	names := exec.CommandContext(context.WithoutCancel(tb.Context()), epmd, "-port", strconv.Itoa(s.nameport), "-address", "127.0.0.1") //nolint:gosec // found on PATH
	names.Env, names.Dir = daemon.Environment(), dir
	s.epmd, err = daemon.Start(names, filepath.Join(dir, "epmd.log"))
	require.NoError(tb, err)
	tb.Cleanup(s.epmd.Kill)
	s.Restart(tb)
	tb.Cleanup(func() {
		s.daemon.Kill() // what it has not written yet goes with its folder
	})
	return s
}

// find returns the server's program itself: the wrapper that distributions put on PATH insists on their user.
func find() (string, bool) {
	for _, path := range []string{"/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server", "/usr/local/sbin/rabbitmq-server"} {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, true
		}
	}
	return "", false
}

// URL is the address of the default virtual host.
func (s *Server) URL() string { return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", s.port) }

// definitionsOnDisk is longer than Erlang's disk_log keeps what was written to it (two seconds): a durable queue that was declared
// within that time before a crash is lost, whatever the broker has answered.
const definitionsOnDisk = 3 * time.Second

// Kill ends the server at once, as a crash would, when the queues that were declared before are on its disk. Restart brings it back.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	time.Sleep(definitionsOnDisk)
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

// Restart starts the server again on the same ports and data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.program) //nolint:gosec // one of a few known places
	cmd.Dir = s.dir
	cmd.Env = daemon.Environment(
		"HOME="+s.dir, "RABBITMQ_NODENAME=massrouter@localhost", "RABBITMQ_CONF_ENV_FILE="+filepath.Join(s.dir, "none"),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(s.dir, "rabbitmq.conf"), "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(s.dir, "plugins"),
		"RABBITMQ_MNESIA_BASE="+filepath.Join(s.dir, "mnesia"), "RABBITMQ_LOG_BASE="+filepath.Join(s.dir, "log"),
		"RABBITMQ_GENERATED_CONFIG_DIR="+filepath.Join(s.dir, "generated"), "RABBITMQ_SCHEMA_DIR="+filepath.Join(s.dir, "schema"),
		"RABBITMQ_DIST_PORT="+strconv.Itoa(s.internal), "ERL_EPMD_PORT="+strconv.Itoa(s.nameport), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
		"RUNNING_UNDER_SYSTEMD=1", // the script becomes the server instead of waiting for it
	)
	var err error
	s.daemon, err = daemon.Start(cmd, filepath.Join(s.dir, "rabbitmq.log"))
	require.NoError(tb, err)
	require.NoError(tb, s.daemon.Await(ctx, func(context.Context) bool {
		conn, err := amqp.DialConfig(s.URL(), amqp.Config{Dial: amqp.DefaultDial(5 * time.Second)})
		return err == nil && conn.Close() == nil
	}))
}
