package kafkatest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/internal/daemon"
)

// container runs Apache Kafka's own image.
type container struct {
	ctx  context.Context //nolint:containedctx // of all commands to the engine
	id   string
	port int
}

func newContainer(ctx context.Context, o Options) (*Broker, error) {
	if _, err := docker(ctx, "info"); err != nil {
		return nil, fmt.Errorf("run Kafka in a container: %w: no Docker engine answers", errNotHere)
	}
	if o.Secure {
		return nil, fmt.Errorf("a container with TLS and SASL: %w", errNotHere)
	}
	port := daemon.Port(ctx)
	const inside, controller = 9092, 9093
	all := settings("/tmp/kafka", inside, controller)
	all["listeners"] = fmt.Sprintf("PLAINTEXT://:%d,CONTROLLER://:%d", inside, controller)
	all["advertised.listeners"] = "PLAINTEXT://127.0.0.1:" + strconv.Itoa(port)
	maps.Copy(all, o.Settings)
	args := []string{"create", "--publish", fmt.Sprintf("127.0.0.1:%d:%d", port, inside), "--env", "KAFKA_HEAP_OPTS=-Xmx512m"}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		variable := "KAFKA_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
		args = append(args, "--env", variable+"="+all[name])
	}
	id, err := docker(ctx, append(args, "apache/kafka:"+Version)...)
	if err != nil {
		return nil, fmt.Errorf("make Kafka's container: %w", err)
	}
	return &Broker{engine: &container{ctx: context.WithoutCancel(ctx), id: id, port: port}}, nil
}

// docker runs the client and returns what it says.
func docker(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...) //nolint:gosec // fixed commands
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, lastLines(messages.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

func (*container) kind() Kind             { return Docker }
func (c *container) address() string      { return "127.0.0.1:" + strconv.Itoa(c.port) }
func (*container) ended() <-chan struct{} { return nil } // the wait for an answer has its own end

func (c *container) start(ctx context.Context) error {
	_, err := docker(ctx, "start", c.id)
	return err
}

func (c *container) log() string {
	text, _ := docker(c.ctx, "logs", "--tail", "15", c.id) // only for an error that is there already
	return text
}

func (c *container) kill() error {
	running, err := docker(c.ctx, "inspect", "--format", "{{.State.Running}}", c.id)
	if err != nil || running != "true" {
		return err
	}
	_, err = docker(c.ctx, "kill", c.id)
	return err
}

func (c *container) freeze(stop bool) error {
	command := "unpause"
	if stop {
		command = "pause"
	}
	_, err := docker(c.ctx, command, c.id)
	return err
}

func (c *container) remove() error {
	_, err := docker(c.ctx, "rm", "--force", "--volumes", c.id)
	return err
}
