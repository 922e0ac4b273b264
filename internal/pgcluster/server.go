package pgcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTries bounds how often a start is tried again for a reason that may pass.
const startTries = 40

var (
	// errPortTaken says that the server could not bind its port.
	errPortTaken = errors.New("the port is taken")
	// errLeftOver says that processes of a crashed server are still ending.
	errLeftOver = errors.New("processes of the server before are still there")
)

// dataMajor reads the version that made a data folder; 0 when there is none yet.
func dataMajor(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION")) //nolint:gosec // below the folder that the caller chose
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the data folder's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("read the data folder's version: %w", err)
	}
	return major, nil
}

// initdb makes the data folder under another name and renames it when complete, so that an interrupted
// start leaves nothing that looks like data.
func (c *Cluster) initdb(ctx context.Context) error {
	fresh := c.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove an unfinished data folder: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	secret := c.data + ".pw"
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the password for initdb: %w", err)
	}
	defer func() { c.forget(os.Remove(secret)) }()
	if err := errors.Join(c.owner.own(fresh), c.owner.own(secret)); err != nil {
		return err
	}
	args := []string{
		"--pgdata", fresh, "--encoding=UTF8", "--locale=C", "--username=" + superuser, "--pwfile", secret,
		"--auth=scram-sha-256", "--no-instructions",
	}
	if c.options.Durable {
		args = append(args, "--data-checksums")
	} else {
		args = append(args, "--no-sync")
	}
	cmd := c.command(ctx, "initdb", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w: %s", err, lastLines(out))
	}
	if err := os.Rename(fresh, c.data); err != nil {
		return fmt.Errorf("put the data folder in place: %w", err)
	}
	return nil
}

// writeAccessRules asks everybody for the password, but for the socket of a temporary cluster, whose folder
// only its owner can enter.
func (c *Cluster) writeAccessRules() error {
	local := "scram-sha-256"
	if c.options.Dir == "" && !c.options.Durable {
		local = "trust"
	}
	rules := fmt.Sprintf("local all all %s\nlocal replication all %s\nhost all all 127.0.0.1/32 scram-sha-256\n", local, local)
	path := filepath.Join(c.data, "pg_hba.conf")
	if err := replaceFile(path, []byte(rules)); err != nil {
		return err
	}
	return c.owner.own(path)
}

// boot starts the server and waits until it answers. What passes is tried again: processes of a crashed server
// that are still ending, and a taken port, which is chosen anew when it may move.
func (c *Cluster) boot(ctx context.Context, moving bool) error {
	if err := c.awaitPredecessor(ctx); err != nil {
		return err
	}
	for try := 0; ; try++ {
		if c.port == 0 {
			c.port = freePort(ctx)
		}
		if err := c.remember(); err != nil {
			return err
		}
		err := c.run(ctx)
		taken := errors.Is(err, errPortTaken)
		if try == startTries || !taken && !errors.Is(err, errLeftOver) {
			return err
		}
		if taken && moving {
			c.port = 0
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// remember keeps the port for the next start on this folder, and what that has to clean up.
func (c *Cluster) remember() error {
	data := c.data
	if rel, err := filepath.Rel(c.dir, c.data); err == nil && filepath.IsLocal(rel) {
		data = rel
	}
	return c.writeMarker(marker{Format: 1, Port: c.port, Data: data, Sockets: c.sockets})
}

// awaitPredecessor waits for the server of a process that was killed: it is still shutting down. We hold
// the folder's lock, so nobody is using it on purpose.
func (c *Cluster) awaitPredecessor(ctx context.Context) error {
	raw, err := os.ReadFile(filepath.Join(c.data, "postmaster.pid"))
	if err != nil {
		return nil //nolint:nilerr // no file, no predecessor; anything else postgres reports better itself
	}
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	pid, err := strconv.Atoi(string(bytes.TrimSpace(first)))
	if err != nil {
		return nil //nolint:nilerr // an empty file of a crash; postgres handles it
	}
	for tries := 0; alive(pid) && tries < 1500; tries++ {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the earlier postgres (process %d) on this folder: %w", pid, err)
		}
		if _, err := os.Stat(filepath.Join(c.data, "postmaster.pid")); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return nil
}

// run starts the server once.
func (c *Cluster) run(ctx context.Context) error {
	logPath := filepath.Join(c.dir, logName)
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // below the caller's folder
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer func() { c.forget(log.Close()) }() // the server has a copy of its own
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	cmd := c.command(context.WithoutCancel(ctx), "postgres", c.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	if err := c.await(ctx, p); err != nil {
		_ = p.kill() // the reason why it does not answer is the error to report
		return c.explain(err, logPath, info.Size())
	}
	c.process = p
	return nil
}

// await returns when the server answers, ends, or ctx does.
func (c *Cluster) await(ctx context.Context, p *process) error {
	config, err := pgx.ParseConfig(c.URL("postgres"))
	if err != nil {
		return fmt.Errorf("build the server's address: %w", err)
	}
	for {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.done:
			return errors.New("postgres ended at once")
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w", context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// explain adds what the server wrote since the start to the error.
func (c *Cluster) explain(err error, logPath string, from int64) error {
	raw, readErr := os.ReadFile(logPath) //nolint:gosec // our own log
	if readErr != nil || int64(len(raw)) < from {
		return err
	}
	raw = raw[from:]
	says := func(text string) bool { return bytes.Contains(raw, []byte(text)) }
	switch {
	case says("Address already in use"), says("could not create any TCP/IP sockets"):
		return fmt.Errorf("start postgres on port %d: %w", c.port, errPortTaken)
	case says("pre-existing shared memory block"), says(`lock file "postmaster.pid" already exists`):
		return fmt.Errorf("start postgres: %w: %s", errLeftOver, lastLines(raw))
	}
	return fmt.Errorf("%w: %s", err, lastLines(raw))
}

// arguments are the server's settings; on the command line they win over the files of the data folder.
func (c *Cluster) arguments() []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(c.port),
		"unix_socket_directories": c.sockets,
		"unix_socket_permissions": "0700",
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"timezone":                "UTC",
		"max_connections":         "300",
		"shared_buffers":          "256MB",
		"max_wal_size":            "2GB",
	}
	if !c.options.Durable {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "off", "off", "off"
	}
	for name, value := range c.options.Settings {
		settings[name] = value
	}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	args := []string{"-D", c.data}
	for _, name := range names {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// command runs a server program as the server's account, without the PG… variables of this process.
func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin.dir, name), args...) //nolint:gosec // Find chose the folder
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.SysProcAttr = attributes(c.owner)
	return cmd
}

// freePort picks a port that nobody listens on, below the range from which the kernel takes the ports of
// outgoing connections: those would take it away while the server is down.
func freePort(ctx context.Context) int {
	var config net.ListenConfig
	for {
		port := 20000 + rand.IntN(12000) //nolint:gosec // no secret
		listener, err := config.Listen(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil && ctx.Err() == nil {
			continue
		}
		if err == nil {
			_ = listener.Close()
		}
		return port
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lastLines keeps the end of a program's output for an error message.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return strings.Join(lines, "\n")
}
