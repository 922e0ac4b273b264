package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/eventstore/relay"
)

func newRelayCommand(sh shell) *cobra.Command {
	return group("relay", "Look at the relay to the event bus, move it, read the bus",
		"With BUS_URL, 'massrouter work' publishes every committed event to a message bus, and remembers in the database how far it is. "+
			"DATABASE_URL names the database; --data takes it from a folder of 'massrouter dev'.",
		newRelayStatusCommand(sh), newRelaySeekCommand(sh), newRelayTailCommand(sh))
}

// relayLine is a relay with --json.
type relayLine struct {
	Name         string     `json:"name"`
	State        string     `json:"state"` // publishing, failing, or waiting for a process
	Position     int64      `json:"position"`
	Lag          int64      `json:"lag"` // events behind the end of the log
	PublishedAt  *time.Time `json:"published_at,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	Error        string     `json:"error,omitempty"`
}

func newRelayStatusCommand(sh shell) *cobra.Command {
	data := ""
	c := &cobra.Command{
		Use: "status", Short: "Show how far the log is published", Args: exactly(0),
		Long: "Shows every bus that was ever fed from this database: its kind and topic, up to which position it has the events, how many " +
			"events it is behind the end of the log, and why it does not get on.",
		Example: "  massrouter relay status\n  massrouter relay status --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return withRelays(c, sh, data, func(ctx context.Context, pool *pgxpool.Pool, store eventstore.Reader) error {
				all, err := relay.List(ctx, pool, store)
				if err != nil {
					return err
				}
				lines := make([]relayLine, len(all))
				for i, s := range all {
					lines[i] = relayLineOf(s)
				}
				return printer(c).Value(lines, func(w io.Writer) { writeRelays(w, lines) })
			})
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

func relayLineOf(s relay.Status) relayLine {
	l := relayLine{Name: s.Name, State: "publishing", Position: s.Position, Lag: s.Behind, Error: s.Error}
	if !s.PublishedAt.IsZero() {
		l.PublishedAt = &s.PublishedAt
	}
	switch {
	case !s.FailingSince.IsZero():
		l.State, l.FailingSince = "failing", &s.FailingSince
	case !s.Owned:
		l.State = "waiting"
	}
	return l
}

func writeRelays(w io.Writer, lines []relayLine) {
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		at, since := "", ""
		if l.PublishedAt != nil {
			at = output.Time(*l.PublishedAt)
		}
		if l.FailingSince != nil {
			since = output.Time(*l.FailingSince)
		}
		rows = append(rows, []string{l.Name, l.State, strconv.FormatInt(l.Position, 10), strconv.FormatInt(l.Lag, 10), at, since, l.Error})
	}
	output.Table(w, []string{"NAME", "STATE", "POSITION", "BEHIND", "PUBLISHED", "FAILING SINCE", "ERROR"}, rows)
}

func newRelaySeekCommand(sh shell) *cobra.Command {
	data, forward, d := "", false, deed{action: "relay.seek"}
	c := &cobra.Command{
		Use: "seek NAME POSITION", Short: "Publish the events after a position again", Args: exactly(2),
		Long: "Moves a relay's checkpoint. Back: the events after the position are published once more; consumers leave out what they have " +
			"seen. Forward: the events in between are never published, so it asks for --leave-out. A running relay follows within a second." + deedHelp,
		Example: "  massrouter relay seek redis:massrouter.events 0\n  massrouter relay seek kafka:massrouter.events 120000 --leave-out",
		RunE: func(c *cobra.Command, args []string) error {
			position, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usagef("%q is no position", args[1])
			}
			return withRelays(c, sh, data, func(ctx context.Context, pool *pgxpool.Pool, store eventstore.Reader) error {
				was := int64(0)
				err := d.record(ctx, pool, "relay:"+args[0], func(ctx context.Context) (_ any, err error) {
					if was, err = relay.Seek(ctx, pool, store, args[0], position, forward); err != nil {
						return nil, err
					}
					return map[string]int64{"was": was, "position": position}, nil
				})
				if err != nil {
					return err
				}
				return printer(c).Value(map[string]int64{"was": was, "position": position}, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "moved from %d to %d\n", was, position) // nobody is left to tell
				})
			})
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	c.Flags().BoolVar(&forward, "leave-out", false, "move forward, and leave the events in between out for ever")
	return d.flags(c)
}

// withRelays opens the database and its log.
func withRelays(c *cobra.Command, sh shell, data string, work func(context.Context, *pgxpool.Pool, eventstore.Reader) error) error {
	cfg, err := databaseSettings(c, sh, data)
	if err != nil {
		return err
	}
	pool, err := database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := postgres.Open(c.Context(), pool, postgres.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	return work(c.Context(), pool, store)
}
