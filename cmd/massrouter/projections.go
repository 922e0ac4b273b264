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
	return group("projections", "Look at read models, check and rebuild them",
		"Read models are made from the event log and can be thrown away and made again at any time. A new build is made beside the one "+
			"that serves, and takes its place in one moment. DATABASE_URL names the database; --data takes it from a folder of 'massrouter dev'.",
		newProjectionsListCommand(sh), newProjectionsRebuildCommand(sh), newProjectionsSwitchCommand(sh), newProjectionsRollbackCommand(sh),
		newProjectionsDropCommand(sh), newProjectionsDigestCommand(sh), newProjectionsVerifyCommand(sh))
}

// projectionLine is a build of a projection with --json.
type projectionLine struct {
	Name          string    `json:"name"`
	Version       int       `json:"version"`
	Slot          string    `json:"slot"` // live, building or kept
	Build         int       `json:"build"`
	Revision      int       `json:"revision"`
	State         string    `json:"state"` // new, live, building, kept or failed
	Position      int64     `json:"position"`
	Lag           int64     `json:"lag"` // events behind the end of the log
	Rows          int64     `json:"rows"`
	RowsEstimated bool      `json:"rows_estimated"`
	RecordedAt    time.Time `json:"recorded_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	Error         string    `json:"error,omitempty"`
}

func newProjectionsListCommand(sh shell) *cobra.Command {
	return projectionsCommand(sh, &cobra.Command{
		Use: "list", Short: "Show how far the read models are", Args: exactly(0),
		Long: "Shows all builds of every read model: the one that is live, which queries read; one that is building; and the one that is kept " +
			"for a roll-back. With the position of each, how many events it is behind the end of the log, how many rows it has (~: an estimate), " +
			"and why it failed.",
		Example: "  massrouter projections list\n  massrouter projections list --json",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, _ []string) error {
		lines, err := statuses(ctx, r)
		if err != nil {
			return err
		}
		return printer(c).Value(lines, func(w io.Writer) { writeProjections(w, lines) })
	})
}

// projectionsCommand completes a command that works with a runner of all projections.
func projectionsCommand(sh shell, c *cobra.Command, work func(context.Context, *cobra.Command, *runner.Runner, []string) error) *cobra.Command {
	data := ""
	c.RunE = func(c *cobra.Command, args []string) error {
		return withRunner(c, sh, data, func(ctx context.Context, r *runner.Runner, _ *pgxpool.Pool) error { return work(ctx, c, r, args) })
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

func statuses(ctx context.Context, r *runner.Runner) ([]projectionLine, error) {
	all, err := r.Status(ctx)
	if err != nil {
		return nil, err
	}
	lines := make([]projectionLine, len(all))
	for i, s := range all {
		lines[i] = projectionLine{
			Name: s.Name, Version: s.Version, Slot: s.Slot.String(), Build: s.Build, Revision: s.Revision, State: s.State, Position: s.Position,
			Lag: s.Lag, Rows: s.Rows, RowsEstimated: s.RowsEstimated, RecordedAt: s.RecordedAt, UpdatedAt: s.UpdatedAt, Error: s.Error,
		}
	}
	return lines, nil
}

// buildsOf are the lines of one projection.
func buildsOf(ctx context.Context, r *runner.Runner, name string) ([]projectionLine, error) {
	lines, err := statuses(ctx, r)
	if err != nil {
		return nil, err
	}
	var found []projectionLine
	for _, line := range lines {
		if line.Name == name {
			found = append(found, line)
		}
	}
	return found, nil
}

func writeProjections(w io.Writer, lines []projectionLine) {
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		count := strconv.FormatInt(l.Rows, 10)
		if l.RowsEstimated {
			count = "~" + count
		}
		rows = append(rows, []string{
			l.Name, fmt.Sprintf("v%d", l.Version), fmt.Sprintf("%s %d", l.Slot, l.Build), l.State, strconv.FormatInt(l.Position, 10),
			strconv.FormatInt(l.Lag, 10), count, output.Time(l.UpdatedAt), l.Error,
		})
	}
	output.Table(w, []string{"NAME", "VERSION", "BUILD", "STATE", "POSITION", "BEHIND", "ROWS", "UPDATED", "ERROR"}, rows)
}

// withRunner makes a runner of all projections for one piece of work.
func withRunner(c *cobra.Command, sh shell, data string, work func(context.Context, *runner.Runner, *pgxpool.Pool) error) error {
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
	return work(c.Context(), runner.New(store, pool, registry, projections.All(), runner.Options{}), pool)
}
