package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
)

const relayTailLong = `Reads the bus that BUS_URL names as a consumer group and prints its messages, one a line, until it is interrupted. What
is printed is acknowledged: take a group of your own, or the next reader of the group does not get it.

With --poison it prints the events that the group could not handle, with the reason, and takes them out of the poison topic.`

func newRelayTailCommand(sh shell) *cobra.Command {
	name, poison, limit := "", false, int64(0)
	c := &cobra.Command{
		Use: "tail", Short: "Print messages of the bus as they come", Args: exactly(0), Long: relayTailLong,
		Example: "  BUS_URL=redis://127.0.0.1:6379/0 massrouter relay tail --group looking\n  massrouter relay tail --group webhooks --poison --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if name == "" || limit < 0 {
				return usagef("--group is needed, --limit is not negative")
			}
			return tailBus(c, sh, name, poison, limit)
		},
	}
	c.Flags().StringVar(&name, "group", "", "consumer group to read as")
	c.Flags().BoolVar(&poison, "poison", false, "read what the group could not handle instead")
	c.Flags().Int64Var(&limit, "limit", 0, "end after this many messages (0: never)")
	return c
}

func tailBus(c *cobra.Command, sh shell, name string, poison bool, limit int64) (err error) {
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return err
	}
	if !cfg.Bus.BusURL.IsSet() {
		return usagef("BUS_URL names no bus")
	}
	b, err := bus.Open(bus.Options{URL: cfg.Bus.BusURL.Reveal(), Topic: cfg.Bus.BusTopic})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	ctx := c.Context()
	read := b.Poisoned
	if !poison {
		if err := b.Prepare(ctx, logShard, name); err != nil {
			return err
		}
		read = b.Read
	}
	messages, closeIt, err := read(ctx, logShard, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	for p := printer(c); ; {
		select {
		case m, ok := <-messages:
			if !ok {
				return errors.New("the connection to the bus was lost")
			}
			if err := writeMessage(p, m); err != nil {
				return err
			}
			m.Ack()
			if limit--; limit == 0 {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

const logShard = 0

// messageLine is a message with --json.
type messageLine struct {
	ID       string            `json:"id"`
	Metadata map[string]string `json:"metadata"`
	Payload  json.RawMessage   `json:"payload"`
}

func writeMessage(p *output.Printer, m *message.Message) error {
	payload := json.RawMessage(m.Payload)
	if !json.Valid(payload) {
		payload = fmt.Appendf(nil, "%q", m.Payload)
	}
	text := fmt.Sprintf("%8s  %s  %-26s  %s  %s", m.Metadata.Get(bus.KeyPosition), m.Metadata.Get(bus.KeyRecordedAt), m.Metadata.Get(bus.KeyType),
		m.Metadata.Get(bus.KeyStream), m.Metadata.Get(bus.KeyReason))
	return p.Line(messageLine{ID: m.UUID, Metadata: m.Metadata, Payload: payload}, text)
}
