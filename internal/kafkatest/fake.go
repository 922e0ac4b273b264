package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/massrouter/massrouter/internal/daemon"
)

// fake runs fakebroker, so that even the last resort can be killed and restarted.
type fake struct{ process }

func newFake(ctx context.Context, o Options) (*Broker, error) {
	if o.Secure {
		return nil, fmt.Errorf("kfake with TLS and SASL: %w", errNotHere)
	}
	port := daemon.Port(ctx)
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	program := filepath.Join(dir, "fakebroker")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/massrouter/massrouter/internal/kafkatest/fakebroker") //nolint:gosec // a path of our own
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build kfake: %w: %s", err, lastLines(string(out))), os.RemoveAll(dir))
	}
	f := &fake{}
	f.dir, f.port = dir, port
	f.command = func() *exec.Cmd {
		return exec.CommandContext(context.WithoutCancel(ctx), program, //nolint:gosec // just built
			"-port", strconv.Itoa(port), "-data", filepath.Join(dir, "data"))
	}
	return &Broker{engine: f}, nil
}

func (*fake) kind() Kind { return Fake }
