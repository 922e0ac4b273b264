// Package daemon runs servers for tests: each in a process group of its own, as an unprivileged user when we are root, and
// not longer than the test process lives.
package daemon

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Daemon is one run of a server program.
type Daemon struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the program has ended
}

// Start runs a command as the servers' user and appends its output to the file log.
func Start(cmd *exec.Cmd, log string) (*Daemon, error) { return start(cmd, log, serverUser()) }

// StartOwn is Start for a program of which the files are ours alone: it runs as the user that we are.
func StartOwn(cmd *exec.Cmd, log string) (*Daemon, error) { return start(cmd, log, nil) }

func start(cmd *exec.Cmd, log string, as *syscall.Credential) (*Daemon, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the caller's own folder
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer func() { _ = out.Close() }() // the program has a copy of its own
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes(as)
	d := &Daemon{cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error, 1)
	go d.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return d, nil
}

// run starts the program and waits for its end, on one thread: the kernel sends the parent-death signal when the thread that forked
// ends.
func (d *Daemon) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(d.done)
	err := d.cmd.Start()
	started <- err
	if err == nil {
		_ = d.cmd.Wait() // how it ended is in its log
	}
}

// Ended is closed when the program has ended.
func (d *Daemon) Ended() <-chan struct{} { return d.done }

// PID is the program's process id.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Kill ends the program and all of its process group with SIGKILL.
func (d *Daemon) Kill() {
	_ = syscall.Kill(-d.PID(), syscall.SIGKILL) // it may have ended by itself
	<-d.done
}

// Freeze stops the program where it is, as a machine that hangs does; its connections stay open. Thaw lets it go on.
func (d *Daemon) Freeze() { _ = syscall.Kill(-d.PID(), syscall.SIGSTOP) } // it may have ended by itself

// Thaw ends Freeze.
func (d *Daemon) Thaw() { _ = syscall.Kill(-d.PID(), syscall.SIGCONT) } // it may have ended by itself

// Stop asks the program to end, and kills it when ctx ends first.
func (d *Daemon) Stop(ctx context.Context) {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-d.done:
	case <-ctx.Done():
	}
	d.Kill()
}

// Await returns when ready says so, or an error with the end of the log when the program ends or ctx does before.
func (d *Daemon) Await(ctx context.Context, ready func(context.Context) bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ready(ctx) {
		select {
		case <-tick.C:
		case <-d.done:
			return fmt.Errorf("%s ended at once: %s", filepath.Base(d.cmd.Path), d.tail())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %s", filepath.Base(d.cmd.Path), ctx.Err(), d.tail())
		}
	}
	return nil
}

func (d *Daemon) tail() string {
	raw, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}

// Folder makes a temporary folder that the server's user can work in, and returns how to remove it.
func Folder(prefix string) (dir string, remove func() error, err error) {
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, fmt.Errorf("make the server's folder: %w", err)
	}
	if owner := serverUser(); owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", nil, fmt.Errorf("give the folder to the server's user: %w", err)
		}
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// File writes a file that the server's user owns.
func File(path, content string, mode os.FileMode) error {
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if owner := serverUser(); owner != nil {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("give %s to the server's user: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// serverUser is the account for servers when we are root; nil to run them as ourselves.
func serverUser() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// Port picks a port of this machine that nobody listens on, below the range from which the kernel takes those of outgoing
// connections.
func Port(ctx context.Context) int {
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

// Environment is what a server may see of ours: where programs are, and nothing else.
func Environment(more ...string) []string {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if own, ok := syscall.Getenv("PATH"); ok && !strings.Contains(own, path) {
		path = own + ":" + path
	}
	return append([]string{"LC_ALL=C.UTF-8", "TZ=UTC", "PATH=" + path}, more...)
}
