package pgcluster

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is one run of the postgres server program.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the server has ended
}

// launch starts cmd from a goroutine that keeps its thread until the child has ended: the kernel sends the
// parent-death signal when the thread that forked ends, which need not be when the process does.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // a crash shows in the log and in the closed connections; the status says no more
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// stop asks for a fast shutdown and waits; when ctx ends first it kills.
func (p *process) stop(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGINT) // fails only when the server has ended already
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		if err := p.kill(); err != nil {
			return err
		}
		return fmt.Errorf("stop postgres: killed it: %w", context.Cause(ctx))
	}
}

// kill ends the server and its children with SIGKILL and waits for all of them. The server is frozen while
// its children are listed, so that it cannot make new ones.
func (p *process) kill() error {
	pid := p.cmd.Process.Pid
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	all, err := children(pid)
	for _, child := range all {
		_ = syscall.Kill(child, syscall.SIGKILL) // it may have ended by itself
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	<-p.done
	if err != nil {
		return err
	}
	// Children are no longer ours to wait for; a new server refuses to start while one is left.
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for _, child := range all {
		for alive(child) {
			select {
			case <-tick.C:
			case <-deadline.C:
				return fmt.Errorf("kill postgres: child %d does not end", child)
			}
		}
	}
	return nil
}
