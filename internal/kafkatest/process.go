package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// process runs a broker as a child with a folder of its own, and with it all that an engine of that sort needs.
type process struct {
	dir     string
	port    int
	command func() *exec.Cmd
	cmd     *exec.Cmd
	done    chan struct{}
}

func (p *process) logPath() string { return filepath.Join(p.dir, "broker.log") }

// begin starts the child from a goroutine that keeps its thread until it has ended: the kernel's parent-death signal is bound
// to the thread that forked.
func (p *process) begin() error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the broker's log: %w", err)
	}
	cmd := p.command()
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.dir, log, log, attributes()
	p.cmd, p.done = cmd, make(chan struct{})
	started := make(chan error, 1)
	go p.run(cmd, p.done, started)
	err = <-started
	_ = log.Close() // the child has its own
	if err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return nil
}

func (*process) run(cmd *exec.Cmd, done chan<- struct{}, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(done)
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // a crash shows in the log
	}
}

func (p *process) address() string        { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p *process) ended() <-chan struct{} { return p.done }

func (p *process) log() string {
	text, _ := os.ReadFile(p.logPath()) // only for an error that is there already
	return string(text)
}

func (p *process) kill() error {
	if p.done == nil {
		return nil
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
	return nil
}

func (p *process) freeze(stop bool) error {
	signal := syscall.SIGCONT
	if stop {
		signal = syscall.SIGSTOP
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("stop or continue the broker: %w", err)
	}
	return nil
}

func (p *process) remove() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("remove the broker's folder: %w", err)
	}
	return nil
}
