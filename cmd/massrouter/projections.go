package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

const (
	projectionConns = 8
	progressEvery   = 2 * time.Second
)

func newProjectionsCommand(sh shell) *cobra.Command {
	return group("projections", "Look at read models and rebuild them",
		"Read models are made from the event log and can be thrown away and made again at any time. DATABASE_URL names the "+
			"database; --data takes it from a folder of 'massrouter dev'.",
		newProjectionsListCommand(sh), newProjectionsRebuildCommand(sh))
}

// projectionLine is a projection with --json.
type projectionLine struct {
	Name       string    `json:"name"`
	Version    int       `json:"version"`
	State      string    `json:"state"`
	Position   int64     `json:"position"`
	Lag        int64     `json:"lag"` // events behind the end of the log
	RecordedAt time.Time `json:"recorded_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Error      string    `json:"error,omitempty"`
}

func newProjectionsListCommand(sh shell) *cobra.Command {
	data := ""
	c := &cobra.Command{
		Use: "list", Short: "Show how far the read models are", Args: exactly(0),
		Long:    "Shows the position of every read model, and how many events it is behind the end of the log.",
		Example: "  massrouter projections list\n  massrouter projections list --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return withRunner(c, sh, data, func(ctx context.Context, r *runner.Runner) error {
				lines, err := statuses(ctx, r)
				if err != nil {
					return err
				}
				return printer(c).Value(lines, func(w io.Writer) { writeProjections(w, lines) })
			})
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

func newProjectionsRebuildCommand(sh shell) *cobra.Command {
	data := ""
	c := &cobra.Command{
		Use: "rebuild NAME", Short: "Empty a read model and make it again from the log", Args: exactly(1),
		Long: "Empties a read model and replays the whole log into it. Its queries answer 'unavailable' until it has caught up; " +
			"nothing else is touched. Whoever owns the projection does the work: a running 'massrouter work', else this command.",
		Example: "  massrouter projections rebuild balance",
		RunE: func(c *cobra.Command, args []string) error {
			return withRunner(c, sh, data, func(ctx context.Context, r *runner.Runner) error { return rebuild(ctx, c, r, args[0]) })
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

func rebuild(ctx context.Context, c *cobra.Command, r *runner.Runner, name string) error {
	p := printer(c)
	done := make(chan error, 1)
	go func() { done <- r.Rebuild(ctx, name) }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			return printOne(ctx, p, r, name)
		case <-tick.C:
			if line, err := statusOf(ctx, r, name); err == nil {
				p.Progress("position %d, %d events to go", line.Position, line.Lag)
			}
		}
	}
}

func printOne(ctx context.Context, p *output.Printer, r *runner.Runner, name string) error {
	line, err := statusOf(ctx, r, name)
	if err != nil {
		return err
	}
	return p.Value(line, func(w io.Writer) { writeProjections(w, []projectionLine{line}) })
}

func statusOf(ctx context.Context, r *runner.Runner, name string) (projectionLine, error) {
	lines, err := statuses(ctx, r)
	if err != nil {
		return projectionLine{}, err
	}
	for _, line := range lines {
		if line.Name == name {
			return line, nil
		}
	}
	return projectionLine{}, fmt.Errorf("there is no projection %q", name)
}

func statuses(ctx context.Context, r *runner.Runner) ([]projectionLine, error) {
	all, err := r.Status(ctx)
	if err != nil {
		return nil, err
	}
	lines := make([]projectionLine, len(all))
	for i, s := range all {
		lines[i] = projectionLine{
			Name: s.Name, Version: s.Version, State: s.State, Position: s.Position, Lag: s.Lag,
			RecordedAt: s.RecordedAt, UpdatedAt: s.UpdatedAt, Error: s.Error,
		}
	}
	return lines, nil
}

func writeProjections(w io.Writer, lines []projectionLine) {
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		rows = append(rows, []string{
			l.Name, "v" + strconv.Itoa(l.Version), l.State, strconv.FormatInt(l.Position, 10), strconv.FormatInt(l.Lag, 10), output.Time(l.UpdatedAt), l.Error,
		})
	}
	output.Table(w, []string{"NAME", "VERSION", "STATE", "POSITION", "BEHIND", "UPDATED", "ERROR"}, rows)
}

// withRunner makes a runner of all projections for one piece of work.
func withRunner(c *cobra.Command, sh shell, data string, work func(context.Context, *runner.Runner) error) error {
	cfg, err := databaseSettings(c, sh, data)
	if err != nil {
		return err
	}
	pool, err := database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), projectionConns)
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := postgres.Open(c.Context(), pool, postgres.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	registry, err := commands.Registry()
	if err != nil {
		return err
	}
	return work(c.Context(), runner.New(store, pool, registry, projections.All(), runner.Options{}))
}
