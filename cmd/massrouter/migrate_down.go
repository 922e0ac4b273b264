package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
)

const migrateDownLong = `Takes the newest migrations back. What they made is dropped with all its data, so the command wants --yes-lose-data.

Events of the ledger, which go with migration 0001, and entries of the audit trail, which go with 0027, are records that
nothing can make again. Where there are any that would go, the command refuses before it changes anything, unless
--drop-ledger or --drop-audit-trail says so as well. Stop 'serve' and 'work' before, and keep a copy: 'massrouter export
events' and 'massrouter audit trail export' write them to files.`

func newMigrateDownCommand(sh shell) *cobra.Command {
	steps, sure, ledger, trail, d := 1, false, false, false, deed{action: "migrate.down"}
	c := &cobra.Command{
		Use: "down", Short: "Take migrations back (loses their data)", Args: exactly(0),
		Long:    migrateDownLong + deedHelp,
		Example: "  massrouter migrate down --steps 1 --yes-lose-data\n  massrouter migrate down --steps 0 --yes-lose-data --drop-audit-trail --drop-ledger",
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case steps < 0:
				return usagef("--steps is not negative")
			case !sure:
				return usagef("taking migrations back drops their data: add --yes-lose-data if that is what you want")
			}
			return migrateWith(c, sh, func(ctx context.Context, address string) (schema.Status, error) {
				if err := mayLose(ctx, address, steps, map[schema.Record]bool{schema.Ledger: ledger, schema.AuditTrail: trail}); err != nil {
					return schema.Status{}, err
				}
				return d.migrate(ctx, address, func(ctx context.Context) (schema.Status, error) { return schema.Down(ctx, address, steps) })
			})
		},
	}
	c.Flags().IntVar(&steps, "steps", 1, "take back this many (0: all)")
	c.Flags().BoolVar(&sure, "yes-lose-data", false, "confirm that the data of these migrations may be lost")
	c.Flags().BoolVar(&ledger, "drop-ledger", false, "confirm that the events of the ledger may be lost for ever")
	c.Flags().BoolVar(&trail, "drop-audit-trail", false, "confirm that the entries of the audit trail may be lost for ever")
	return d.flags(c)
}

// mayLose refuses when records would be dropped for which nobody has said so.
func mayLose(ctx context.Context, address string, steps int, said map[schema.Record]bool) error {
	lost, err := schema.Lost(ctx, address, steps)
	if err != nil {
		return err
	}
	lost = slices.DeleteFunc(lost, func(r schema.Record) bool { return said[r] })
	if len(lost) == 0 {
		return nil
	}
	var what, flags []string
	for _, r := range lost {
		switch r {
		case schema.Ledger:
			what, flags = append(what, "the events of the ledger"), append(flags, "--drop-ledger")
		case schema.AuditTrail:
			what, flags = append(what, "the entries of the audit trail"), append(flags, "--drop-audit-trail")
		}
	}
	return usagef("this would drop %s, which nothing brings back: %s", strings.Join(what, " and "),
		fmt.Sprintf("add %s if that is what you want", strings.Join(flags, " and ")))
}
