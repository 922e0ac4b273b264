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
	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
)

const benchGatewayLong = `Measures what the gateway adds to a call. The same calls go straight to a simulated vendor, through a bare reverse proxy of
the standard library (the floor), and through a gateway that holds, meters and charges every one of them on a durable
PostgreSQL, in turns of one run.

Paced (--rate): calls are due at fixed moments, and a call's latency counts from the moment at which it was due, so a
stall counts for every call that had to wait. 'added' is the difference of two targets' percentiles. Of streams
(--stream) also the first token, and each token from the moment at which the vendor made it to its arrival.
Saturated (--callers): so many callers call as fast as they can.
Open streams (--open-streams): so many streams are held open at once, and the gateway's memory is read.

The callers speak --dialect-in: openai, responses, anthropic or gemini; the vendor --dialect-out: one of these, or bedrock.
Gateway, background work, proxy and vendor are processes of their own, so processor time and memory are the gateway's alone.
At the end the ledger's sums (calls, units by class, money) are compared with the vendor's own; a difference in the last
digit is a failure.`

// gatewayFlags are the flags of 'bench gateway'.
type gatewayFlags struct {
	seconds, rate, callers, wallets, openStreams, promptBytes, tokens int
	in, out                                                           string
	interval                                                          time.Duration
	stream                                                            bool
}

func newBenchGatewayCommand(sh shell) *cobra.Command {
	var f gatewayFlags
	c := &cobra.Command{
		Use: "gateway", Short: "What the gateway adds to a call, and how many it can bill", Args: exactly(0), Long: benchGatewayLong,
		Example: "  massrouter bench gateway --seconds 10 --rate 1000\n" +
			"  massrouter bench gateway --rate 500 --callers 0 --stream --tokens 64 --token-interval 20ms --json\n" +
			"  massrouter bench gateway --dialect-in anthropic --dialect-out gemini --prompt-bytes 100000 --rate 100\n" +
			"  massrouter bench gateway --rate 0 --callers 0 --open-streams 1000",
		RunE: func(c *cobra.Command, _ []string) error { return benchGateway(c, sh, f) },
	}
	flags := c.Flags()
	flags.IntVar(&f.seconds, "seconds", 10, "length of each measurement")
	flags.IntVar(&f.rate, "rate", 1000, "calls a second of the paced phase (0: leave it out)")
	flags.IntVar(&f.callers, "callers", 256, "callers of the saturated phase (0: leave it out)")
	flags.IntVar(&f.wallets, "wallets", 1000, "wallets that take turns")
	flags.BoolVar(&f.stream, "stream", false, "stream the answers")
	flags.StringVar(&f.in, "dialect-in", "openai", "what the callers speak")
	flags.StringVar(&f.out, "dialect-out", "openai", "what the vendor speaks")
	flags.IntVar(&f.promptBytes, "prompt-bytes", 0, "length of the prompt (0: a short one)")
	flags.IntVar(&f.tokens, "tokens", 20, "tokens of an answer's text")
	flags.DurationVar(&f.interval, "token-interval", 0, "time between two tokens")
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
		{"prompt-bytes", f.promptBytes, 0, 4_000_000},
		{"tokens", f.tokens, 1, 100_000},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			return usagef("--%s is between %d and %d", bound.name, bound.least, bound.most)
		}
	}
	if f.interval < 0 || f.interval > time.Minute {
		return usagef("--token-interval is between 0s and 1m")
	}
	if f.rate == 0 && f.callers == 0 && f.openStreams == 0 {
		return usagef("nothing to measure: give --rate, --callers or --open-streams")
	}
	return nil
}

func (f gatewayFlags) dialects() (in, out load.Dialect, err error) {
	in, ok := load.DialectOf(f.in)
	if !ok || in.Vendors {
		return in, out, usagef("--dialect-in is openai, responses, anthropic or gemini")
	}
	if out, ok = load.DialectOf(f.out); !ok {
		return in, out, usagef("--dialect-out is openai, responses, anthropic, gemini or bedrock")
	}
	return in, out, nil
}

func benchGateway(c *cobra.Command, sh shell, f gatewayFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	in, out, err := f.dialects()
	if err != nil {
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
		In: in, Out: out, PromptBytes: f.promptBytes, Tokens: f.tokens, Interval: f.interval,
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
	if r.Added != nil {
		writeCompared(w, "WHOLE CALL", r.Rate, &benchgateway.Compared{
			Direct: *r.Direct, Proxy: *r.Proxy, Gateway: *r.Gateway, ProxyAdded: *r.ProxyAdded, Added: *r.Added,
		})
	}
	if r.FirstToken != nil {
		writeCompared(w, "FIRST TOKEN", r.Rate, r.FirstToken)
		writeCompared(w, "EACH TOKEN", r.Rate, r.Token)
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
		pairs = append(pairs, fmt.Sprintf("gateway memory with %d open streams", s.Streams), fmt.Sprintf("%s MB, %s kB a stream", s.RSS, s.KBPerStream),
			"each token of them", fmt.Sprintf("p50 %s ms, p99 %s ms, at most %s ms", s.Token.P50, s.Token.P99, s.Longest))
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

// writeCompared writes one measure of the paced phase.
func writeCompared(w io.Writer, name string, rate int, c *benchgateway.Compared) {
	row := func(name string, l benchgateway.Latency) []string {
		return []string{name, l.P50.String(), l.P99.String(), l.P999.String()}
	}
	output.Table(w, []string{name + ", MS, AT " + strconv.Itoa(rate) + "/S", "P50", "P99", "P99.9"}, [][]string{
		row("straight to the vendor", c.Direct), row("through a bare proxy", c.Proxy), row("through the gateway", c.Gateway),
		row("added by the proxy", c.ProxyAdded), row("added by the gateway", c.Added),
	})
	_, _ = fmt.Fprintln(w) // w is a buffer
}
