package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchreplay"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/scratch"
)

const benchReplayLong = `Makes a history through the real executor, then measures how many events a second all read models together take when they
are built from position 0, each alone as well, and how fast 'audit verify' checks log and read models against each other.
It fails when the audit finds a difference.`

type replayFlags struct {
	events                int64
	wallets, hours, batch int
}

func newBenchReplayCommand(sh shell) *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use: "replay", Short: "Events a second into all read models, and audited", Args: exactly(0), Long: benchReplayLong,
		Example: "  massrouter bench replay --events 1000000\n" +
			"  massrouter bench replay --events 200000 --hours 720 --json",
		RunE: func(c *cobra.Command, _ []string) error { return benchReplay(c, sh, f) },
	}
	flags := c.Flags()
	flags.Int64Var(&f.events, "events", 1_000_000, "events of the history")
	flags.IntVar(&f.wallets, "wallets", 1000, "wallets; some call more than others")
	flags.IntVar(&f.hours, "hours", 1, "hours over which the calls are spread")
	flags.IntVar(&f.batch, "batch", 0, "events of one transaction (0: as the workers do)")
	return c
}

var errAuditDiffers = errors.New("the audit found a difference between the log and the read models")

func benchReplay(c *cobra.Command, sh shell, f replayFlags) (err error) {
	switch {
	case f.events < 1000 || f.events > 1_000_000_000:
		return usagef("--events is between 1000 and 1000000000")
	case f.wallets < 2 || f.wallets > 1_000_000 || int64(f.wallets) > f.events/5:
		return usagef("--wallets is between 2 and a fifth of --events")
	case f.hours < 1 || f.hours > 24*365*5:
		return usagef("--hours is between 1 and %d", 24*365*5)
	case f.batch < 0 || f.batch > 100_000:
		return usagef("--batch is between 0 and 100000")
	}
	tuneCollector(sh.environ) // as work does
	p := printer(c)
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return err
	}
	database, err := scratch.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), zerolog.Nop())
	if err != nil {
		return err
	}
	defer func() {
		if cerr := database.Close(); err == nil {
			err = cerr
		}
	}()
	report, err := benchreplay.Run(c.Context(), benchreplay.Options{
		Database: database.URL, Events: f.events, Wallets: f.wallets, Span: time.Duration(f.hours) * time.Hour, Batch: f.batch, Progress: p.Progress,
	})
	if err != nil {
		return err
	}
	if err := p.Value(report, func(w io.Writer) { writeReplayReport(w, report) }); err != nil {
		return err
	}
	if !report.Audit.OK {
		return errAuditDiffers
	}
	return nil
}

func writeReplayReport(w io.Writer, r benchreplay.Report) {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	fields := []string{
		"events, wallets, hours", fmt.Sprintf("%d, %d, %s", r.Events, r.Wallets, number(r.SpanHours)),
		"all read models, events a second", number(r.EventsPerSecond),
		"memory in the two halves, MB", number(r.MemoryHalves[0]) + ", " + number(r.MemoryHalves[1]),
		"audit, events a second", number(r.Audit.EventsPerSecond),
	}
	for _, p := range r.Projections {
		fields = append(fields, p.Name+" alone", number(p.EventsPerSecond))
	}
	output.Fields(w, fields...)
}
