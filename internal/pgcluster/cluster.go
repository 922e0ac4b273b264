// Package pgcluster finds PostgreSQL on the machine and runs a private cluster of it: for the tests, for
// the benchmarks and for "massrouter dev". The server is a direct child of this process and ends with it.
package pgcluster

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/rs/zerolog"
)

// Options of a private cluster.
type Options struct {
	// Dir is the parent of the data folder. It is made when missing, and a cluster that Start made there
	// before is continued. Empty means a temporary folder, which Stop removes.
	Dir string
	// Durable keeps fsync, synchronous_commit and full_page_writes on; otherwise all three are off, which
	// is right only for data that may be lost.
	Durable bool
	// Settings are extra server settings by name; they win over the cluster's own.
	Settings map[string]string
	// Logger gets the cluster's own messages; the server writes to postgres.log in Dir.
	Logger zerolog.Logger
}

// Cluster is a running (or stopped, see Restart) private PostgreSQL server. Its methods are safe for
// concurrent use.
type Cluster struct {
	options  Options
	bin      programs
	owner    account
	dir      string
	data     string
	sockets  string
	password string
	port     int
	lock     *os.File

	mu      sync.Mutex
	process *process
	removed bool
}

// Start makes (or continues) a cluster, starts its server and waits until it answers. The caller stops it
// with Stop; ctx bounds only the start. A data folder that Start did not make is refused, and so is one
// that another process is using.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.boot(ctx, true); err != nil {
		c.discard()
		return nil, err
	}
	c.options.Logger.Debug().Int("port", c.port).Str("data", c.data).Msg("postgres is running")
	return c, nil
}

// URL returns the address of a database for the superuser postgres, by way of the unix socket. It
// contains the password.
func (c *Cluster) URL(database string) string {
	query := url.Values{"host": {c.sockets}, "port": {strconv.Itoa(c.port)}}
	u := url.URL{Scheme: "postgres", User: c.userinfo(), Path: "/" + database, RawQuery: query.Encode()}
	return u.Scheme + "://" + u.User.String() + "@" + u.EscapedPath() + "?" + u.RawQuery
}

// TCPURL returns the address of a database on the loopback interface, for clients that know no unix
// sockets. It contains the password.
func (c *Cluster) TCPURL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: c.userinfo(), Host: "127.0.0.1:" + strconv.Itoa(c.port), Path: "/" + database,
	}
	return u.String()
}

func (c *Cluster) userinfo() *url.Userinfo { return url.UserPassword(superuser, c.password) }

// Stop shuts the server down (open connections are ended), waits for it, and removes a temporary folder.
// When ctx ends first, the server is killed and the context's error is returned. A second Stop does nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.process != nil {
		err = c.process.stop(ctx)
		c.process = nil
	}
	c.discard()
	return err
}

// Kill ends the server and all its children with SIGKILL, as a crash would, and waits until they are gone.
// The data stays; Restart continues with it.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return nil
	}
	err := c.process.kill()
	c.process = nil
	return err
}

// Restart starts the server again on the same data, port and socket after Kill, Stop or a crash; a running
// server is stopped first. After Stop a temporary cluster is gone and cannot be restarted.
func (c *Cluster) Restart(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removed {
		return fmt.Errorf("restart the cluster: its temporary folder was removed by Stop")
	}
	if c.process != nil {
		if err := c.process.stop(ctx); err != nil {
			return err
		}
		c.process = nil
	}
	if c.lock == nil {
		if err := c.reopen(); err != nil {
			return err
		}
	}
	return c.boot(ctx, false)
}

// reopen takes again what discard gave back.
func (c *Cluster) reopen() error {
	lock, err := lockFile(filepath.Join(c.dir, lockName))
	if err != nil {
		return err
	}
	c.lock = lock
	if err := os.Mkdir(c.sockets, 0o700); err != nil {
		return fmt.Errorf("make the socket folder again: %w", err)
	}
	return c.owner.own(c.sockets)
}

// discard gives back everything but the data of a named folder.
func (c *Cluster) discard() {
	if c.sockets != "" {
		c.forget(os.RemoveAll(c.sockets))
	}
	if c.options.Dir == "" && c.dir != "" {
		c.forget(os.RemoveAll(c.dir))
		c.removed = true
	}
	if c.lock != nil {
		c.forget(c.lock.Close())
		c.lock = nil
	}
}

// forget logs the error of a clean-up that nobody can act on.
func (c *Cluster) forget(err error) {
	if err != nil {
		c.options.Logger.Warn().Err(err).Msg("cleaning up after the cluster failed")
	}
}
