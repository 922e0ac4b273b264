package kafkatest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/massrouter/massrouter/internal/daemon"
)

// process runs a broker as a child with a folder of its own, and with it all that an engine of that sort needs.
type process struct {
	dir     string
	port    int
	command func() *exec.Cmd
	server  *daemon.Daemon // nil before the first start
}

func (p *process) logPath() string { return filepath.Join(p.dir, "broker.log") }

func (p *process) start(context.Context) (err error) {
	cmd := p.command()
	cmd.Dir = p.dir
	p.server, err = daemon.StartOwn(cmd, p.logPath())
	return err
}

func (p *process) address() string        { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p *process) ended() <-chan struct{} { return p.server.Ended() }

func (p *process) log() string {
	text, _ := os.ReadFile(p.logPath()) // only for an error that is there already
	return string(text)
}

func (p *process) kill() error {
	if p.server != nil {
		p.server.Kill()
	}
	return nil
}

func (p *process) freeze(stop bool) error {
	if stop {
		p.server.Freeze()
	} else {
		p.server.Thaw()
	}
	return nil
}

func (p *process) remove() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("remove the broker's folder: %w", err)
	}
	return nil
}
