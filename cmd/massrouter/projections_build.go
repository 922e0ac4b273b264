package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/projections/runner"
)

func newProjectionsRebuildCommand(sh shell) *cobra.Command {
	return changeCommand(sh, "projections.rebuild", &cobra.Command{
		Use: "rebuild NAME", Short: "Make a read model again beside the one that serves, and switch to it", Args: exactly(1),
		Long: "Replays the whole log into new tables while queries go on reading the old ones. When the new build is where the live one is, " +
			"the content of both is compared; when they are the same, queries read the new one from one moment to the next, and the old one is " +
			"kept for 'rollback'. When they differ although the same code made them, nothing is switched and the differences are shown: " +
			"'switch' takes the new build nevertheless, 'drop --building' removes it.\n\n" +
			"Whoever is free does the work: a running 'massrouter work', else this command. Interrupted, it goes on where it was when it is " +
			"called again." + deedHelp,
		Example: "  massrouter projections rebuild balance",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, name string) error {
		err := changeBuilds(ctx, c, r, name, r.Rebuild)
		var differs *runner.MismatchError
		if errors.As(err, &differs) {
			line := comparisonLineOf(differs.Comparison)
			if err := printer(c).Value(line, func(w io.Writer) { writeComparison(w, line) }); err != nil {
				return err
			}
		}
		return err
	})
}

func newProjectionsSwitchCommand(sh shell) *cobra.Command {
	return changeCommand(sh, "projections.switch", &cobra.Command{
		Use: "switch NAME", Short: "Let queries read the build that was made, whatever is in it", Args: exactly(1),
		Long: "Brings the build that 'rebuild' made beside the live one up to date and lets queries read it, without comparing them: " +
			"to be used when 'rebuild' found differences and the new build is right. The old one is kept for 'rollback'." + deedHelp,
		Example: "  massrouter projections switch balance",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, name string) error {
		return changeBuilds(ctx, c, r, name, r.Switch)
	})
}

func newProjectionsRollbackCommand(sh shell) *cobra.Command {
	return changeCommand(sh, "projections.rollback", &cobra.Command{
		Use: "rollback NAME", Short: "Let queries read the build again that served before", Args: exactly(1),
		Long: "Brings the build that served before the last switch up to date and lets queries read it again. The one that serves now is kept, " +
			"so a second roll-back takes the first one back." + deedHelp,
		Example: "  massrouter projections rollback balance",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, name string) error {
		return changeBuilds(ctx, c, r, name, r.Rollback)
	})
}

func newProjectionsDropCommand(sh shell) *cobra.Command {
	building := false
	c := changeCommand(sh, "projections.drop", &cobra.Command{
		Use: "drop NAME", Short: "Remove the build of a read model that is kept", Args: exactly(1),
		Long: "Removes the build that is kept for a roll-back and frees its space; with --building the one that is being made. The live one " +
			"stays." + deedHelp,
		Example: "  massrouter projections drop balance\n  massrouter projections drop balance --building",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, name string) error {
		slot := runner.Kept
		if building {
			slot = runner.Building
		}
		return changeBuilds(ctx, c, r, name, func(ctx context.Context, name string) error { return r.Drop(ctx, name, slot) })
	})
	c.Flags().BoolVar(&building, "building", false, "remove the build that is being made")
	return c
}

// changeCommand completes a command that changes the builds of the projection that it names, and leaves entries of that.
func changeCommand(sh shell, action string, c *cobra.Command, change func(ctx context.Context, c *cobra.Command, r *runner.Runner, name string) error) *cobra.Command {
	data, d := "", deed{action: action}
	c.RunE = func(c *cobra.Command, args []string) error {
		return withRunner(c, sh, data, func(ctx context.Context, r *runner.Runner, pool *pgxpool.Pool) error {
			return d.record(ctx, pool, "projection:"+args[0], func(ctx context.Context) (any, error) { return nil, change(ctx, c, r, args[0]) })
		})
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	return d.flags(c)
}

// changeBuilds shows how far a change of builds is, and in the end which there are.
func changeBuilds(ctx context.Context, c *cobra.Command, r *runner.Runner, name string, change func(context.Context, string) error) error {
	p := printer(c)
	done := make(chan error, 1)
	go func() { done <- change(ctx, name) }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			lines, err := buildsOf(ctx, r, name)
			if err != nil {
				return err
			}
			return p.Value(lines, func(w io.Writer) { writeProjections(w, lines) })
		case <-tick.C:
			lines, err := buildsOf(ctx, r, name)
			if err != nil {
				continue // the change itself says what is wrong
			}
			for _, line := range lines {
				p.Progress("%s build %d: %s, position %d, %d events behind", line.Slot, line.Build, line.State, line.Position, line.Lag)
			}
		}
	}
}
