// Package child runs this program again as separate processes, so that each one's processor time and memory can be
// measured. They end with this process, however it ends.
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const patience = 30 * time.Second

// Process is a child that runs.
type Process struct {
	name  string
	cmd   *exec.Cmd
	done  chan struct{}
	err   error
	first chan []byte // the first line of its standard output
	once  sync.Once
}

// Start runs this program with arguments and additions to the environment. Its log goes to log.
func Start(ctx context.Context, log io.Writer, environ []string, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, args...) //nolint:gosec // our own program
	cmd.Env, cmd.Stderr, cmd.SysProcAttr = environ, log, attributes()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	p := &Process{name: args[0], cmd: cmd, done: make(chan struct{}), first: make(chan []byte, 1)}
	started := make(chan error, 1)
	go p.run(out, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	return p, nil
}

// run keeps its thread until the child has ended: the kernel's parent-death signal is bound to the thread that forked.
func (p *Process) run(out io.Reader, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	go p.read(out)
	p.err = p.cmd.Wait()
}

// read hands the first line over and drops the rest.
func (p *Process) read(out io.Reader) {
	in := bufio.NewReader(out)
	line, err := in.ReadBytes('\n')
	if err == nil {
		p.first <- line
	}
	_, _ = io.Copy(io.Discard, in) // ends with the child
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Started waits for the first line of output and reads it as JSON into v.
func (p *Process) Started(ctx context.Context, v any) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case line := <-p.first:
		if err := json.Unmarshal(line, v); err != nil {
			return fmt.Errorf("read what %s says at its start: %w", p.name, err)
		}
		return nil
	case <-p.done:
		return fmt.Errorf("%s ended at its start: %w", p.name, errors.Join(p.err, errEnded))
	case <-timer.C:
		return fmt.Errorf("%s did not start within %s", p.name, patience)
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errEnded = errors.New("see its log")

// Stop ends the child: politely first, by force after a while.
func (p *Process) Stop() error {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		select {
		case <-p.done:
		case <-time.After(patience):
			_ = p.cmd.Process.Kill() // as above
			<-p.done
		}
	})
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	return nil
}
