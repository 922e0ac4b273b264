package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchauth"
)

const benchAuthLong = `Measures what it costs to find out who asks: API keys that are known to the process and that are not, a password (argon2id), and
what a flood of sign-ins does to calls of models at a steady rate, in turns without and with it. It starts a whole product of its own, as
'massrouter dev' does, with the simulated vendor, and removes it again.

Signing in is slow on purpose. The product spends a quarter of one processor core on it at most, whoever comes; what is beyond that waits,
and is refused after some seconds.`

func newBenchAuthCommand(sh shell) *cobra.Command {
	var keys, rate, flood, seconds int
	c := &cobra.Command{
		Use: "auth", Short: "Keys, passwords, and calls in a flood of sign-ins", Args: exactly(0), Long: benchAuthLong,
		Example: "  massrouter bench auth\n  massrouter bench auth --rate 500 --flood 64 --seconds 60 --json",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			switch {
			case keys < 10 || keys > 10_000:
				return usagef("--keys is between 10 and 10000")
			case rate < 1 || rate > 100_000:
				return usagef("--rate is between 1 and 100000")
			case flood < 1 || flood > 10_000:
				return usagef("--flood is between 1 and 10000")
			case seconds < 3 || seconds > 3600:
				return usagef("--seconds is between 3 and 3600")
			}
			dir, err := os.MkdirTemp("", "massrouter-bench-auth-")
			if err != nil {
				return fmt.Errorf("make a folder: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			p := printer(c)
			report, err := benchauth.Run(c.Context(), benchauth.Options{
				Dir: dir, Keys: keys, Rate: rate, Flood: flood, Duration: time.Duration(seconds) * time.Second, Environ: sh.environ,
				ChildLog: sh.err, Progress: p.Progress,
			})
			if err != nil {
				return err
			}
			return p.Value(report, func(w io.Writer) { printAuth(w, &report) })
		},
	}
	flags := c.Flags()
	flags.IntVar(&keys, "keys", 500, "keys that are looked up")
	flags.IntVar(&rate, "rate", 200, "calls a second")
	flags.IntVar(&flood, "flood", 32, "connections that sign in without a pause")
	flags.IntVar(&seconds, "seconds", 15, "how long calls are made, without the flood and with it")
	return c
}

func printAuth(w io.Writer, r *benchauth.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "\tp50\tp99\t")
	_, _ = fmt.Fprintf(t, "key, cached\t%.1f µs\t%.1f µs\t\n", r.CachedP50, r.CachedP99)
	_, _ = fmt.Fprintf(t, "key, not cached\t%.0f µs\t%.0f µs\t\n", r.UncachedP50, r.UncachedP99)
	_, _ = fmt.Fprintf(t, "calls\t%.2f ms\t%.2f ms\t\n", r.CallsP50, r.CallsP99)
	_, _ = fmt.Fprintf(t, "calls in the flood\t%.2f ms\t%.2f ms\t\n", r.FloodedP50, r.FloodedP99)
	_ = t.Flush() // w is a buffer
	_, _ = fmt.Fprintf(w, "\nThe p99 of calls changes by %.0f %%; %d calls failed.\n", r.ChangePct, r.Failed)
	_, _ = fmt.Fprintf(w, "A password costs %.0f ms. The flood had %d answers (%.0f a second, p50 %.0f ms); %d were refused because too many came.\n",
		r.PasswordMS, r.SignIns, r.SignInPerSec, r.SignInP50, r.SignInsBusy)
}
