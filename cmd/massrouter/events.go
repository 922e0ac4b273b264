package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
)

const tailLong = `Prints the events of the ledger in their order, one a line: position, time, type, stream and body. With --json each
line is one JSON object with every column, the body as it is stored.

Positions have no gaps, so a reader that remembers the last position it has seen continues with --from. DATABASE_URL
names the database; --data takes it from a folder of 'massrouter dev'.`

// tailOptions are what 'events tail' can be told.
type tailOptions struct {
	from   int64
	limit  int64
	follow bool
	data   string
	types  []string
}

func newEventsCommand(sh shell) *cobra.Command {
	return group("events", "Read the event log", "Reads the event log, the source of every balance, statement and price.", newTailCommand(sh))
}

func newTailCommand(sh shell) *cobra.Command {
	var o tailOptions
	c := &cobra.Command{
		Use: "tail", Short: "Print events, optionally as they come", Args: exactly(0), Long: tailLong,
		Example: "  massrouter events tail --data .data --follow\n" +
			"  massrouter events tail --from 1000 --json | jq -r .type\n" +
			"  massrouter events tail --type wallet.usage_charged.v1 --json",
		RunE: func(c *cobra.Command, _ []string) error { return tail(c, sh, o) },
	}
	flags := c.Flags()
	flags.Int64Var(&o.from, "from", 1, "first position to print")
	flags.Int64Var(&o.limit, "limit", 0, "print at most this many events (0: all)")
	flags.BoolVarP(&o.follow, "follow", "f", false, "wait for more events instead of ending")
	flags.StringVar(&o.data, "data", "", "data folder of a running 'massrouter dev'")
	flags.StringSliceVar(&o.types, "type", nil, "only events of this type; repeat it for more")
	return c
}

// errEnough ends a subscription.
var errEnough = errors.New("enough")

func tail(c *cobra.Command, sh shell, o tailOptions) error {
	if o.from < 1 || o.limit < 0 {
		return usagef("--from is 1 or more, --limit is not negative")
	}
	store, closeStore, err := openLog(c, sh, o.data)
	if err != nil {
		return err
	}
	defer closeStore()
	p, left := printer(c), o.limit
	write := func(_ context.Context, events []eventstore.Event) error {
		for i := range events {
			if !o.wants(&events[i]) {
				continue
			}
			if err := writeEvent(p, &events[i]); err != nil {
				return err
			}
			if left--; left == 0 {
				return errEnough
			}
		}
		return nil
	}
	err = follow(c.Context(), store, o, write)
	if errors.Is(err, errEnough) || (o.follow && errors.Is(err, context.Canceled)) {
		return nil // the person has seen enough
	}
	return err
}

const tailBatch = 500

func follow(ctx context.Context, store eventstore.Reader, o tailOptions, write func(context.Context, []eventstore.Event) error) error {
	if o.follow {
		return eventstore.Subscribe(ctx, store, o.from-1, tailBatch, write)
	}
	for last := o.from - 1; ; {
		events, err := eventstore.ReadDense(ctx, store, last, tailBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		if err := write(ctx, events); err != nil {
			return err
		}
		last = events[len(events)-1].Position
	}
}

func (o tailOptions) wants(e *eventstore.Event) bool {
	if len(o.types) == 0 {
		return true
	}
	for _, t := range o.types {
		if t == e.Type {
			return true
		}
	}
	return false
}

// eventLine is an event with --json.
type eventLine struct {
	Position      int64           `json:"position"`
	Stream        string          `json:"stream"`
	Version       int64           `json:"version"`
	ID            string          `json:"id"`
	Type          string          `json:"type"`
	RecordedAt    time.Time       `json:"recorded_at"`
	EffectiveAt   time.Time       `json:"effective_at"`
	Actor         string          `json:"actor"`
	CommandID     string          `json:"command_id"`
	CorrelationID string          `json:"correlation_id"`
	CausationID   string          `json:"causation_id"`
	LeafHash      string          `json:"leaf_hash"`
	Body          json.RawMessage `json:"body"`
}

func writeEvent(p *output.Printer, e *eventstore.Event) error {
	line := eventLine{
		Position: e.Position, Stream: string(e.StreamID), Version: e.StreamVersion, ID: e.EventID.String(), Type: e.Type,
		RecordedAt: e.RecordedAt, EffectiveAt: e.EffectiveAt, Actor: e.Actor, CommandID: e.CommandID.String(),
		CorrelationID: e.CorrelationID.String(), CausationID: e.CausationID.String(), LeafHash: fmt.Sprintf("%x", e.LeafHash), Body: e.Body,
	}
	text := fmt.Sprintf("%8d  %s  %-26s  %s  %s", e.Position, e.RecordedAt.Format("2006-01-02 15:04:05.000"),
		strings.TrimSuffix(e.Type, ".v1"), e.StreamID, e.Body)
	return p.Line(line, text)
}

// openLog opens the log that DATABASE_URL or a data folder names.
func openLog(c *cobra.Command, sh shell, data string) (*postgres.Store, func(), error) {
	cfg, err := databaseSettings(c, sh, data)
	if err != nil {
		return nil, nil, err
	}
	pool, err := database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), 2)
	if err != nil {
		return nil, nil, err
	}
	store, err := postgres.Open(c.Context(), pool, postgres.Options{})
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, func() {
		store.Close()
		pool.Close()
	}, nil
}

// databaseSettings is the configuration of a tool that opens the database; a data folder may name it.
func databaseSettings(c *cobra.Command, sh shell, data string) (config.Config, error) {
	if data == "" {
		return settings(c, sh, config.RoleDatabase)
	}
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return cfg, err
	}
	info, err := folder.ReadInfo(data)
	cfg.Store.DatabaseURL = config.NewSecret(info.PostgresURL)
	return cfg, err
}
