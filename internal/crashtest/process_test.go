package crashtest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds each single step of a child; a loaded machine needs seconds for one.
const patience = time.Minute

// program is the binary under test.
type program struct {
	path string
	dir  string // for logs and journals
}

// build makes the binary.
func build(t *testing.T) program {
	t.Helper()
	p := program{dir: t.TempDir()}
	p.path = filepath.Join(p.dir, "massrouter")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, "./cmd/massrouter")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return p
}

// child is one process of the program; it can be started again after it ended.
type child struct {
	program program
	name    string
	args    []string
	environ []string
	cmd     *exec.Cmd
	done    chan struct{}
	err     error // why it ended; to be read when done is closed
}

// addresses is what a process prints when it listens.
type addresses struct {
	URL     string `json:"url"`
	BaseURL string `json:"base_url"`
}

// start runs the process and returns where it listens.
func (c *child) start(ctx context.Context) (at addresses, err error) {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, log.Close()) }() // the child has a copy of its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.program.path, c.args...)
	cmd.Env, cmd.Stderr, cmd.SysProcAttr = c.environ, log, attributes()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return at, err
	}
	first, started := make(chan []byte, 1), make(chan error, 1)
	c.cmd, c.done = cmd, make(chan struct{})
	go c.run(out, first, started)
	if err := <-started; err != nil {
		return at, err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case line := <-first:
		return at, json.Unmarshal(line, &at)
	case <-c.done:
		return at, fmt.Errorf("%s ended at its start: %w: %s", c.name, c.err, c.tail())
	case <-timer.C:
		return at, fmt.Errorf("%s did not start within %s: %s", c.name, patience, c.tail())
	}
}

// run keeps its thread until the child has ended: the kernel's parent-death signal is bound to the thread that forked.
func (c *child) run(out io.Reader, first chan<- []byte, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	c.err = c.cmd.Start()
	started <- c.err
	if c.err != nil {
		return
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadBytes('\n'); err == nil {
		first <- line
	}
	_, _ = io.Copy(io.Discard, lines) // ends with the child
	c.err = c.cmd.Wait()
}

// kill ends the process as a crash does, and waits until it is gone.
func (c *child) kill() {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Kill() // fails only when it has ended already
		<-c.done
	}
}

// stop asks the process to end and wants it to do so cleanly.
func (c *child) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		require.NoError(t, c.err, "%s: %s", c.name, c.tail())
	case <-timer.C:
		require.Fail(t, "a process does not stop", "%s: %s", c.name, c.tail())
	}
}

// call runs a command of the program to its end and returns its standard output.
func (p program) call(t *testing.T, environ []string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.path, args...)
	cmd.Env = environ
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		require.NoError(t, err, "massrouter %v: %s%s", args, failed.Stderr, out)
	}
	require.NoError(t, err)
	return out
}

func (c *child) log() string { return filepath.Join(c.program.dir, c.name+".log") }

// tail is the end of the process's log.
func (c *child) tail() string {
	raw, err := os.ReadFile(c.log())
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-3000):])
}
