package main

import "github.com/spf13/cobra"

const benchLong = `Measures this machine. A benchmark starts what it needs (a private, durable PostgreSQL; or a scratch database on the
server that DATABASE_URL names), runs for a bounded time, and removes everything again. It prints a table for people, or
one JSON object with --json, on the standard output; its progress goes to the standard error.`

func newBenchCommand(sh shell) *cobra.Command {
	return group("bench", "Measure this machine", benchLong, newBenchLedgerCommand(sh), newBenchGatewayCommand(sh), newBenchReplayCommand(sh),
		newBenchQueriesCommand(sh), newBenchAuthCommand(sh), newBenchProxyCommand())
}
