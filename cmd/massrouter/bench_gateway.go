package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchgateway"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
)

const benchGatewayLong = `Measures what the gateway adds to a call. The same calls go straight to a simulated vendor and through a gateway that
holds, meters and charges every one of them on a durable PostgreSQL, in turns of one run.

Paced (--rate): calls are due at fixed moments, and a call's latency counts from the moment at which it was due, so a
stall counts for every call that had to wait. 'added' is the difference of the two targets' percentiles.
Saturated (--callers): so many callers call as fast as they can.
Open streams (--open-streams): so many streams are held open at once, and the gateway's memory is read.

Gateway, background work and vendor are processes of their own, so processor time and memory are the gateway's alone.
At the end the ledger's sums (calls, units by class, money) are compared with the vendor's own; a difference in the last
digit is a failure.`

// gatewayFlags are the flags of 'bench gateway'.
type gatewayFlags struct {
	seconds, rate, callers, wallets, openStreams int
	stream                                       bool
}

func newBenchGatewayCommand(sh shell) *cobra.Command {
	var f gatewayFlags
	c := &cobra.Command{
		Use: "gateway", Short: "What the gateway adds to a call, and how many it can bill", Args: exactly(0), Long: benchGatewayLong,
		Example: "  massrouter bench gateway --seconds 10 --rate 1000\n" +
			"  massrouter bench gateway --seconds 10 --rate 500 --stream --json\n" +
			"  massrouter bench gateway --rate 0 --callers 0 --open-streams 1000",
		RunE: func(c *cobra.Command, _ []string) error { return benchGateway(c, sh, f) },
	}
	flags := c.Flags()
	flags.IntVar(&f.seconds, "seconds", 10, "length of each measurement")
	flags.IntVar(&f.rate, "rate", 1000, "calls a second of the paced phase (0: leave it out)")
	flags.IntVar(&f.callers, "callers", 256, "callers of the saturated phase (0: leave it out)")
	flags.IntVar(&f.wallets, "wallets", 1000, "wallets that take turns")
	flags.BoolVar(&f.stream, "stream", false, "stream the answers")
	flags.IntVar(&f.openStreams, "open-streams", 0, "hold so many streams open at the same time (0: leave it out)")
	return c
}

func (f gatewayFlags) check() error {
	for _, bound := range []struct {
		name               string
		value, least, most int
	}{
		{"seconds", f.seconds, 1, 3600},
		{"rate", f.rate, 0, 100_000},
		{"callers", f.callers, 0, 10_000},
		{"wallets", f.wallets, 1, 100_000},
		{"open-streams", f.openStreams, 0, 20_000},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			return usagef("--%s is between %d and %d", bound.name, bound.least, bound.most)
		}
	}
	if f.rate == 0 && f.callers == 0 && f.openStreams == 0 {
		return usagef("nothing to measure: give --rate, --callers or --open-streams")
	}
	return nil
}

func benchGateway(c *cobra.Command, sh shell, f gatewayFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return err
	}
	p := printer(c)
	report, err := benchgateway.Run(c.Context(), benchgateway.Options{
		DatabaseURL: cfg.Store.DatabaseURL.Reveal(), Duration: time.Duration(f.seconds) * time.Second, Rate: f.rate,
		Callers: f.callers, Wallets: f.wallets, Stream: f.stream, OpenStreams: f.openStreams,
		Environ: sh.environ, ChildLog: sh.err, Log: zerolog.Nop(), Progress: p.Progress,
	})
	if err != nil && len(report.Proof.Problems) == 0 {
		return err
	}
	if perr := p.Value(report, func(w io.Writer) { writeGatewayReport(w, report) }); perr != nil {
		return perr
	}
	return err
}

func writeGatewayReport(w io.Writer, r benchgateway.Report) {
	row := func(name string, l *benchgateway.Latency) []string {
		return []string{name, l.P50.String(), l.P99.String(), l.P999.String()}
	}
	if r.Added != nil {
		output.Table(w, []string{"MS, AT " + strconv.Itoa(r.Rate) + "/S", "P50", "P99", "P99.9"},
			[][]string{row("straight to the vendor", r.Direct), row("through the gateway", r.Gateway), row("added", r.Added)})
		_, _ = fmt.Fprintln(w) // w is a buffer
	}
	pairs := []string{"calls", strconv.FormatInt(r.Calls, 10), "failed", strconv.FormatInt(r.Failed, 10), "success rate", r.SuccessRate.String()}
	add := func(name string, value *benchgateway.Decimal) {
		if value != nil {
			pairs = append(pairs, name, value.String())
		}
	}
	add("gateway CPU s per 1,000 calls, paced", r.CPUPer1000)
	add("background CPU s per 1,000 calls, paced", r.WorkCPUPer1000)
	if l := r.Lag; l != nil {
		pairs = append(pairs, "read models behind the log, paced", fmt.Sprintf("p50 %s ms, p99 %s ms", l.P50, l.P99))
	}
	if s := r.Saturated; s != nil {
		pairs = append(pairs, fmt.Sprintf("saturated with %d callers", s.Callers),
			fmt.Sprintf("%d calls/s, p50 %s ms, p99 %s ms", s.PerSecond, s.P50, s.P99))
		add("gateway CPU s per 1,000 calls, saturated", s.CPUPer1000)
	}
	if s := r.OpenStreams; s != nil {
		pairs = append(pairs, fmt.Sprintf("gateway memory with %d open streams", s.Streams), s.RSS.String()+" MB")
	}
	add("gateway peak memory, MB", r.PeakRSS)
	for text, n := range r.Failures {
		pairs = append(pairs, fmt.Sprintf("failed %d times", n), text)
	}
	pairs = append(pairs, "charged", fmt.Sprintf("%d calls, %s USD", r.Proof.Ledger.Calls, r.Proof.Ledger.Money),
		"served by the vendor", fmt.Sprintf("%d calls, %s USD", r.Proof.Vendor.Calls, r.Proof.Vendor.Money),
		"ledger equals vendor", strconv.FormatBool(r.Proof.Equal))
	output.Fields(w, pairs...)
}
