package main

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
)

const serveLong = `Runs the API: inference (/v1, /api/v1), console (/console/v1) and the transparency log's files (/log, with
MASSROUTER_LOG_DIR) on MASSROUTER_LISTEN; /healthz, /readyz and /metrics on MASSROUTER_OPS_LISTEN. Any number of these processes may run on one database. The read models behind the queries are kept
by 'massrouter work', of which at least one has to run.

On SIGINT or SIGTERM it takes no more requests, finishes and charges those that run, and exits; a second signal exits at
once. Whatever could not be charged because the database was away is kept in MASSROUTER_JOURNAL_DIR for the next start.

Go's own GOGC and GOMEMLIMIT are honoured; without GOGC the garbage collector runs less often than Go's default.`

// tuneCollector trades memory for time: a service's heap is small and its garbage plenty, so a collector that lets the
// heap grow to five times what lives costs some tens of megabytes and saves about a tenth of the processor time.
func tuneCollector(environ []string) {
	const percent = 400
	if !slices.ContainsFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, "GOGC=") }) {
		debug.SetGCPercent(percent)
	}
}

func newServeCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the API", Args: exactly(0), Long: serveLong,
		Example: "  export DATABASE_URL_FILE=/run/secrets/database\n" +
			"  export MASSROUTER_OPERATOR_TOKEN_FILE=/run/secrets/operator MASSROUTER_JOURNAL_DIR=/var/lib/massrouter\n" +
			"  massrouter serve",
		RunE: func(c *cobra.Command, _ []string) error { return runProgram(c, sh, config.RoleServe, true, false) },
	}
}

// startedLine is what a service prints when it listens.
type startedLine struct {
	BaseURL string `json:"base_url,omitempty"`
	OpsURL  string `json:"ops_url"`
}

func runProgram(c *cobra.Command, sh shell, role config.Role, serve, work bool) error {
	cfg, err := settings(c, sh, role)
	if err != nil {
		return err
	}
	p, err := program.Open(c.Context(), program.Options{Config: cfg, Serve: serve, Work: work, Log: newLogger(sh.err, cfg.Log)})
	if err != nil {
		return err
	}
	tuneCollector(sh.environ)
	text := "Operations are at " + p.OpsURL()
	if serve {
		text = fmt.Sprintf("The API is at %s, operations at %s", p.BaseURL(), p.OpsURL())
	}
	if err := printer(c).Line(startedLine{BaseURL: p.BaseURL(), OpsURL: p.OpsURL()}, text); err != nil {
		return err
	}
	return p.Run(c.Context())
}
