package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchqueries"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/scratch"
)

const benchQueriesLong = `Measures the answers of the read models: balance, statement, calls, activity, the books, statistics over 1, 30 and 365 days, and
rankings without their copies in Redis. Each is asked by many at once who wait for their answer and ask again: "first" about every
wallet once, when nothing of the answers is kept, and then for --seconds.

The history is made through the real executor, which takes long. With --data it is kept there, or with DATABASE_URL in a database
of its own on that server, and the next run with the same size uses it again. Each call needs about 7 kB of disk, and the private
server's write-ahead log up to 2 GB.`

type queriesFlags struct {
	calls                          int64
	wallets, days, askers, seconds int
	data, question                 string
}

func newBenchQueriesCommand(sh shell) *cobra.Command {
	var f queriesFlags
	c := &cobra.Command{
		Use: "queries", Short: "Answers of the read models on a long history", Args: exactly(0), Long: benchQueriesLong,
		Example: "  massrouter bench queries --calls 100000\n" +
			"  massrouter bench queries --calls 10000000 --data /var/tmp/history --json",
		RunE: func(c *cobra.Command, _ []string) error { return benchQueries(c, sh, f) },
	}
	flags := c.Flags()
	flags.Int64Var(&f.calls, "calls", 1_000_000, "calls of the history")
	flags.IntVar(&f.wallets, "wallets", 1000, "wallets; some call more than others")
	flags.IntVar(&f.days, "days", 365, "days over which the calls are spread, until now")
	flags.IntVar(&f.askers, "askers", 200, "askers at once")
	flags.IntVar(&f.seconds, "seconds", 2, "how long each question is asked")
	flags.StringVar(&f.data, "data", "", "folder that keeps the history (default: none is kept)")
	flags.StringVar(&f.question, "question", "", "ask only the questions whose names have this in them (default: all)")
	return c
}

func (f queriesFlags) check() error {
	switch {
	case f.calls < 1000 || f.calls > 1_000_000_000:
		return usagef("--calls is between 1000 and 1000000000")
	case f.wallets < 2 || f.wallets > 1_000_000:
		return usagef("--wallets is between 2 and 1000000")
	case f.days < 1 || f.days > 730:
		return usagef("--days is between 1 and 730")
	case f.askers < 1 || f.askers > 10_000:
		return usagef("--askers is between 1 and 10000")
	case f.seconds < 1 || f.seconds > 600:
		return usagef("--seconds is between 1 and 600")
	}
	return nil
}

func benchQueries(c *cobra.Command, sh shell, f queriesFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	tuneCollector(sh.environ) // as serve does
	p := printer(c)
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return err
	}
	address := cfg.Store.DatabaseURL.Reveal()
	var database *scratch.Database
	if f.data == "" && address == "" {
		database, err = scratch.Open(c.Context(), "", zerolog.Nop())
	} else {
		name := fmt.Sprintf("massrouter_bench_%d_%d_%d", f.calls, f.wallets, f.days)
		database, err = scratch.Keep(c.Context(), address, f.data+string(os.PathSeparator)+name, name, zerolog.Nop())
	}
	if err != nil {
		return err
	}
	defer func() {
		if cerr := database.Close(); err == nil {
			err = cerr
		}
	}()
	report, err := benchqueries.Run(c.Context(), benchqueries.Options{
		Database: database.URL, Calls: f.calls, Wallets: f.wallets, Days: f.days, Askers: f.askers, Each: time.Duration(f.seconds) * time.Second,
		Question: f.question, Progress: p.Progress,
	})
	if err != nil {
		return err
	}
	return p.Value(report, func(w io.Writer) { writeQueriesReport(w, report) })
}

func writeQueriesReport(w io.Writer, r benchqueries.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
	_, _ = fmt.Fprintf(t, "question\tanswers/s\tp50 ms\tp99 ms\talone p50\talone p99\tCPU ms\tserver CPU ms\tfirst p50\tfirst p99\tfirst CPU\tserver CPU\t\n") // the writer's errors come at the end
	fine := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	for _, a := range r.Answers {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", a.Question, number(a.PerSecond), number(a.P50), number(a.P99),
			number(a.AloneP50), number(a.AloneP99), fine(a.CPU), fine(a.ServerCPU), number(a.FirstP50), number(a.FirstP99), fine(a.FirstCPU), fine(a.FirstServerCPU))
	}
	_ = t.Flush() // as above
}
