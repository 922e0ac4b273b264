package kafkatest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/internal/daemon"
)

// java runs Apache Kafka from its jars: broker and controller in one process.
type java struct {
	process
	program, jars string
}

func newJava(ctx context.Context, o Options) (*Broker, error) {
	program, err := javaProgram(ctx)
	if err != nil {
		return nil, err
	}
	jars, err := jarFolder(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	j := &java{program: program, jars: jars}
	j.dir = dir
	j.command = func() *exec.Cmd {
		return j.class(context.WithoutCancel(ctx), "512m", "kafka.Kafka", "server.properties")
	}
	b := &Broker{engine: j}
	if err := b.configure(ctx, j, o); err != nil {
		return nil, fmt.Errorf("set Kafka up: %w", joinRemove(err, j.remove()))
	}
	return b, nil
}

func joinRemove(err, removal error) error {
	if removal == nil {
		return err
	}
	return fmt.Errorf("%w; %w", err, removal)
}

func (*java) kind() Kind { return Jars }

// class is a class of Kafka's as a command. The compiler of short runs starts in half the time.
func (j *java) class(ctx context.Context, heap, name string, args ...string) *exec.Cmd {
	all := append([]string{
		"-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(j.jars, "*"), name,
	}, args...)
	return exec.CommandContext(ctx, j.program, all...) //nolint:gosec // Java of this machine, jars that were checked
}

// configure chooses ports and formats the storage.
func (b *Broker) configure(ctx context.Context, j *java, o Options) error {
	j.port = daemon.Port(ctx)
	settings := settings(j.dir, j.port, daemon.Port(ctx))
	format := []string{"format", "--cluster-id", "bWFzc3JvdXRlci10ZXN0cw", "--config", "server.properties"}
	if o.Secure {
		var err error
		if b.secure, err = newSecure(ctx, j.dir); err != nil {
			return err
		}
		b.secure.configure(settings)
		format = append(format, "--add-scram", "SCRAM-SHA-512=[name="+b.secure.User+",password="+b.secure.Password+"]")
	}
	maps.Copy(settings, o.Settings)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s=%s\n", name, settings[name])
	}
	if err := os.WriteFile(filepath.Join(j.dir, "server.properties"), []byte(text.String()), 0o600); err != nil {
		return err
	}
	cmd := j.class(ctx, "128m", "kafka.tools.StorageTool", format...)
	cmd.Dir = j.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(string(out)))
	}
	return nil
}

// settings of a cluster of one. Sessions are short, since a restarted broker has to wait until the one before has lost its own.
func settings(dir string, port, controller int) map[string]string {
	listen := func(name string, port int) string { return name + "://127.0.0.1:" + strconv.Itoa(port) }
	return map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          "1",
		"controller.quorum.voters":                         "1@127.0.0.1:" + strconv.Itoa(controller),
		"controller.listener.names":                        "CONTROLLER",
		"inter.broker.listener.name":                       "PLAINTEXT",
		"listeners":                                        listen("PLAINTEXT", port) + "," + listen("CONTROLLER", controller),
		"advertised.listeners":                             listen("PLAINTEXT", port),
		"listener.security.protocol.map":                   "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"log.dirs":                                         filepath.Join(dir, "data"),
		"auto.create.topics.enable":                        "false",
		"log.retention.ms":                                 "-1", // records are as old as the events in them: the broker would soon remove them
		"broker.heartbeat.interval.ms":                     "200",
		"broker.session.timeout.ms":                        "2000",
		"group.initial.rebalance.delay.ms":                 "0",
		"offsets.topic.num.partitions":                     "1",
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.num.partitions":             "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.num.partitions":     "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
	}
}
