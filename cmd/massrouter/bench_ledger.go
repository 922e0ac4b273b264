package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchledger"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/scratch"
)

const benchLedgerLong = `Measures how many place and settle commands a second the real executor commits durably (fsync on), and, in turns of the
same run, how many rows of the same size a bare COPY writes in the same batches: the ratio of the two is what the ledger
costs beyond writing rows.

Callers place a hold, settle it, and begin again. With --rate, commands are due at fixed moments, and a command's latency
counts from the moment at which it was due. With --processes, that many processes share the callers and the one log.`

// workerDatabase names the prepared database for a worker process; an argument would show the password.
const workerDatabase = "MASSROUTER_BENCH_DATABASE"

type ledgerFlags struct {
	seconds, submitters, wallets, rate, processes int
	worker                                        bool
}

func newBenchLedgerCommand(sh shell) *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use: "ledger", Short: "Durable commands a second, against a bare COPY", Args: exactly(0), Long: benchLedgerLong,
		Example: "  massrouter bench ledger --seconds 10\n" +
			"  massrouter bench ledger --seconds 10 --rate 5000 --json\n" +
			"  massrouter bench ledger --seconds 10 --wallets 1\n" +
			"  massrouter bench ledger --seconds 10 --processes 2",
		RunE: func(c *cobra.Command, _ []string) error { return benchLedger(c, sh, f) },
	}
	flags := c.Flags()
	flags.IntVar(&f.seconds, "seconds", 10, "length of the measurement")
	flags.IntVar(&f.submitters, "submitters", 256, "callers that each wait for their answer")
	flags.IntVar(&f.wallets, "wallets", 1000, "wallets that take turns (1: a single hot wallet)")
	flags.IntVar(&f.rate, "rate", 0, "commands a second offered (0: as many as the callers get through)")
	flags.IntVar(&f.processes, "processes", 1, "processes that append to the one log")
	flags.BoolVar(&f.worker, "worker", false, "be one of several processes")
	_ = flags.MarkHidden("worker") // the flag is there
	return c
}

func (f ledgerFlags) check() error {
	for _, bound := range []struct {
		name               string
		value, least, most int
	}{
		{"seconds", f.seconds, 1, 3600},
		{"submitters", f.submitters, 1, 8000},
		{"wallets", f.wallets, 1, 1_000_000},
		{"rate", f.rate, 0, 1_000_000},
		{"processes", f.processes, 1, 16},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			return usagef("--%s is between %d and %d", bound.name, bound.least, bound.most)
		}
	}
	return nil
}

func benchLedger(c *cobra.Command, sh shell, f ledgerFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	tuneCollector(sh.environ) // as serve does
	p := printer(c)
	o := benchledger.Options{
		Duration: time.Duration(f.seconds) * time.Second, Submitters: f.submitters, Wallets: f.wallets, Rate: f.rate,
		Processes: f.processes, Progress: p.Progress, Worker: startWorker(sh),
	}
	if f.worker {
		o.Database = lookUp(sh.environ, workerDatabase)
		report, err := benchledger.RunWorker(c.Context(), o)
		if err != nil {
			return err
		}
		return json.NewEncoder(sh.out).Encode(report)
	}
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
	o.Database = database.URL
	report, err := benchledger.Run(c.Context(), o)
	if err != nil {
		return err
	}
	return p.Value(report, func(w io.Writer) { writeLedgerReport(w, report) })
}

func lookUp(environ []string, name string) string {
	for _, pair := range environ {
		if len(pair) > len(name) && pair[:len(name)] == name && pair[len(name)] == '=' {
			return pair[len(name)+1:]
		}
	}
	return ""
}

// startWorker runs this program as one of several processes.
func startWorker(sh shell) func(context.Context, benchledger.Options) (benchledger.Report, error) {
	return func(ctx context.Context, o benchledger.Options) (benchledger.Report, error) {
		self, err := os.Executable()
		if err != nil {
			return benchledger.Report{}, fmt.Errorf("find this program: %w", err)
		}
		worker := exec.CommandContext(ctx, self, "bench", "ledger", "--worker", //nolint:gosec // our own program
			"--seconds", strconv.Itoa(int(o.Duration/time.Second)), "--submitters", strconv.Itoa(o.Submitters), "--rate", strconv.Itoa(o.Rate))
		worker.Env = append(append([]string{}, sh.environ...), workerDatabase+"="+o.Database)
		worker.Stderr = sh.err
		out, err := worker.Output()
		if err != nil {
			return benchledger.Report{}, fmt.Errorf("a worker process: %w", err)
		}
		var report benchledger.Report
		if err := json.Unmarshal(out, &report); err != nil {
			return benchledger.Report{}, fmt.Errorf("read a worker's report: %w", err)
		}
		return report, nil
	}
}

func writeLedgerReport(w io.Writer, r benchledger.Report) {
	number := func(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	output.Fields(w,
		"durable commands a second", number(r.CommandsPerSecond, 0),
		"bare COPY rows a second", number(r.CopyLimitPerSecond, 0),
		"ratio", number(r.Ratio, 2),
		"latency p50, p99, p99.9 in ms", number(r.P50, 1)+", "+number(r.P99, 1)+", "+number(r.P999, 1),
		"commands in a batch", number(r.BatchMean, 1),
		"bytes of an event row", number(r.BytesPerEvent, 0),
		"commands", strconv.FormatInt(r.Commands, 10),
		"callers, wallets, processes", fmt.Sprintf("%d, %d, %d", r.Submitters, r.Wallets, r.Processes))
}
