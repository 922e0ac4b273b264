package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
)

const migrateLong = `Moves the database that DATABASE_URL names between the versions of the schema that this program contains.

Several processes may do it at the same time: an advisory lock lets one work while the others wait and then find nothing
left to do. 'serve' and 'work' refuse to start on another version than their own.`

func newMigrateCommand(sh shell) *cobra.Command {
	return group("migrate", "Bring the database to the schema of this program", migrateLong,
		newMigrateUpCommand(sh), newMigrateDownCommand(sh), newMigrateStatusCommand(sh))
}

func newMigrateUpCommand(sh shell) *cobra.Command {
	steps, d := 0, deed{action: "migrate.up"}
	c := &cobra.Command{
		Use: "up", Short: "Apply the migrations that are missing", Args: exactly(0),
		Long:    "Applies all migrations that are missing, in order. Running it again changes nothing." + deedHelp,
		Example: "  massrouter migrate up\n  massrouter migrate up --steps 1",
		RunE: func(c *cobra.Command, _ []string) error {
			if steps < 0 {
				return usagef("--steps is not negative")
			}
			return migrateWith(c, sh, func(ctx context.Context, address string) (schema.Status, error) {
				return d.migrate(ctx, address, func(ctx context.Context) (schema.Status, error) { return schema.Up(ctx, address, steps) })
			})
		},
	}
	c.Flags().IntVar(&steps, "steps", 0, "apply at most this many (0: all)")
	return d.flags(c)
}

func newMigrateStatusCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show which migrations are applied", Args: exactly(0),
		Long:    "Shows which migrations are applied. Changes nothing.",
		Example: "  massrouter migrate status\n  massrouter migrate status --json",
		RunE:    func(c *cobra.Command, _ []string) error { return migrateWith(c, sh, schema.Read) },
	}
}

func migrateWith(c *cobra.Command, sh shell, act func(ctx context.Context, address string) (schema.Status, error)) error {
	cfg, err := settings(c, sh, config.RoleDatabase)
	if err != nil {
		return err
	}
	status, err := act(c.Context(), cfg.Store.DatabaseURL.Reveal())
	if err != nil {
		return err
	}
	return printer(c).Value(status, func(w io.Writer) { writeStatus(w, status) })
}

func writeStatus(w io.Writer, status schema.Status) {
	rows := make([][]string, 0, len(status.Migrations))
	for _, m := range status.Migrations {
		state := "missing"
		if m.Applied {
			state = "applied"
		}
		rows = append(rows, []string{fmt.Sprintf("%04d", m.Version), m.Name, state})
	}
	output.Table(w, []string{"VERSION", "NAME", "STATE"}, rows)
	_, _ = fmt.Fprintf(w, "\nThe database is at version %d of %d.\n", status.Version, status.Latest) // w is a buffer
	if status.Dirty {
		_, _ = fmt.Fprintln(w, "An older program did not see the end of the last one: 'massrouter migrate up' says what to do.")
	}
}
