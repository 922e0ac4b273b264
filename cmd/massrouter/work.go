package main

import (
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

const workLong = `Runs what happens behind the API: the projections that keep balances, statements, keys, catalogue and calls up to date;
the sweeper that ends holds whose call was lost; the making of partitions ahead of the log; the removal of kept answers;
with MASSROUTER_LOG_KEY, the signed checkpoints of the transparency log; with BUS_URL, the relay that publishes every event
to a message bus; and, with MASSROUTER_WEBHOOK_KEY, customers' webhooks.

Any number of these processes may run on one database: each task is done by one of them at a time, and another takes over
when that one goes.`

func newWorkCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use: "work", Short: "Run projections and background work", Args: exactly(0), Long: workLong,
		Example: "  DATABASE_URL_FILE=/run/secrets/database massrouter work",
		RunE:    func(c *cobra.Command, _ []string) error { return runProgram(c, sh, config.RoleWork, false, true) },
	}
}
