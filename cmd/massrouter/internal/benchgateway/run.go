package benchgateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/child"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
)

const (
	turns         = 5 // how often the targets alternate
	warmUp        = 2 * time.Second
	warmUpCallers = 32
	pacedConns    = 256 // a stall of a fifth of a second at 1,000 calls a second still finds a free connection
	sampleEvery   = 50 * time.Millisecond
)

// Run measures and proves. The report is complete also when the proof failed; the error says so then.
func Run(ctx context.Context, o Options) (report Report, err error) {
	s := &stage{o: o}
	defer func() {
		o.Progress("cleaning up")
		err = errors.Join(err, s.close())
	}()
	if err := s.build(ctx); err != nil {
		return report, err
	}
	report = Report{
		DialectIn: o.In.Name, DialectOut: o.Out.Name, Stream: o.Stream, PromptBytes: len(o.content()), Tokens: o.Tokens,
		IntervalMS: milliseconds(o.Interval), Rate: o.Rate, Seconds: int(o.Duration / time.Second), Wallets: o.Wallets,
	}
	m := &measurement{stage: s, report: &report}
	if err := m.phases(ctx); err != nil {
		return report, err
	}
	if err := s.stopService(); err != nil {
		return report, err
	}
	o.Progress("comparing the ledger with what the vendor served")
	if report.Proof, err = s.prove(ctx); err != nil {
		return report, err
	}
	return report, report.Proof.err()
}

// measurement is the phases of a run and what they add to the report.
type measurement struct {
	*stage
	report        *Report
	calls, failed int64 // through the gateway
}

func (m *measurement) phases(ctx context.Context) error {
	through, err := m.target(modelPaced, 0)
	if err != nil {
		return err
	}
	m.o.Progress("warming up")
	crew := load.NewCrew(through, warmUpCallers)
	m.add(crew.Flat(ctx, min(warmUp, m.o.Duration)))
	crew.Close()
	if m.o.Rate > 0 {
		if err := m.paced(ctx, through); err != nil {
			return err
		}
	}
	if m.o.Callers > 0 {
		m.saturated(ctx, through)
	}
	if m.o.OpenStreams > 0 {
		if err := m.openStreams(ctx); err != nil {
			return err
		}
	}
	m.report.Calls, m.report.Failed = m.calls, m.failed
	m.report.SuccessRate = share(m.calls-m.failed, m.calls)
	if _, peak, err := child.Memory(m.gateway.PID()); err == nil {
		mb := megabytes(peak)
		m.report.PeakRSS = &mb
	}
	return ctx.Err()
}

// add counts calls through the gateway.
func (m *measurement) add(r load.Result) {
	m.calls += r.Calls
	m.failed += r.Failed
	m.failures("", &r)
}

func (m *measurement) failures(target string, r *load.Result) {
	for text, n := range r.Failures {
		if m.report.Failures == nil {
			m.report.Failures = map[string]int64{}
		}
		m.report.Failures[target+text] += n
	}
}

// connections are enough for a pace: all calls that are under way at the same time, and some more for a stall.
func (o *Options) connections() int {
	lasts := time.Duration(o.Tokens) * o.Interval
	return pacedConns + int(int64(o.Rate)*int64(lasts)*3/2/int64(time.Second))
}

// paced offers the same rate to the targets in turns.
func (m *measurement) paced(ctx context.Context, through load.Target) error {
	straight, err := m.stage.direct()
	if err != nil {
		return err
	}
	proxied := straight.At(strings.TrimPrefix(m.proxyURL, "http://"))
	n := m.o.connections()
	direct, proxy, gateway := load.NewCrew(straight, n), load.NewCrew(proxied, n), load.NewCrew(through, n)
	defer direct.Close()
	defer proxy.Close()
	defer gateway.Close()
	var results targets
	var cpu, workCPU stopwatch
	lag := lagWatch{database: m.db.URL}
	for turn := range turns {
		m.o.Progress("turn %d of %d at %d calls a second: straight to the vendor, through a bare proxy, through the gateway", turn+1, turns, m.o.Rate)
		results.direct.Add(direct.AtRate(ctx, m.o.Rate, m.o.Duration/turns))
		results.proxy.Add(proxy.AtRate(ctx, m.o.Rate, m.o.Duration/turns))
		if err := lag.start(ctx); err != nil {
			return err
		}
		cpu.start(m.gateway.PID())
		workCPU.start(m.work.PID())
		results.gateway.Add(gateway.AtRate(ctx, m.o.Rate, m.o.Duration/turns))
		cpu.stop()
		workCPU.stop()
		if err := lag.stop(); err != nil {
			return err
		}
	}
	m.report.Lag = lag.report()
	m.add(results.gateway)
	m.failures("direct: ", &results.direct)
	m.failures("proxy: ", &results.proxy)
	results.tell(m.report)
	m.report.CPUPer1000, m.report.WorkCPUPer1000 = cpu.per(results.gateway.Calls), workCPU.per(results.gateway.Calls)
	return nil
}

// targets is what was measured at each.
type targets struct{ direct, proxy, gateway load.Result }

func (t *targets) tell(r *Report) {
	whole := compare(t, latency)
	r.Direct, r.Proxy, r.Gateway = &whole.Direct, &whole.Proxy, &whole.Gateway
	r.ProxyAdded, r.Added = &whole.ProxyAdded, &whole.Added
	if r.Stream {
		r.FirstToken = compare(t, func(l *load.Result) Latency { return distribution(l.Calls, l.FirstToken(500, 990, 999)) })
		r.Token = compare(t, tokens)
	}
}

func compare(t *targets, of func(*load.Result) Latency) *Compared {
	c := &Compared{Direct: of(&t.direct), Proxy: of(&t.proxy), Gateway: of(&t.gateway)}
	c.ProxyAdded, c.Added = c.Proxy.above(c.Direct), c.Gateway.above(c.Direct)
	return c
}

// above is by how much each percentile is higher than another's.
func (l Latency) above(o Latency) Latency {
	return Latency{P50: l.P50 - o.P50, P99: l.P99 - o.P99, P999: l.P999 - o.P999}
}

func latency(r *load.Result) Latency { return distribution(r.Calls, r.Quantiles(500, 990, 999)) }

func tokens(r *load.Result) Latency { return distribution(r.Tokens(), r.Token(500, 990, 999)) }

func distribution(n int64, q []time.Duration) Latency {
	return Latency{Calls: n, P50: milliseconds(q[0]), P99: milliseconds(q[1]), P999: milliseconds(q[2])}
}

// saturated lets the callers call as fast as they can.
func (m *measurement) saturated(ctx context.Context, through load.Target) {
	m.o.Progress("%d callers as fast as they can", m.o.Callers)
	crew := load.NewCrew(through, m.o.Callers)
	defer crew.Close()
	var cpu stopwatch
	cpu.start(m.gateway.PID())
	r := crew.Flat(ctx, m.o.Duration)
	cpu.stop()
	m.add(r)
	l := latency(&r)
	m.report.Saturated = &Saturated{Callers: m.o.Callers, PerSecond: r.PerSecond(), P50: l.P50, P99: l.P99, CPUPer1000: cpu.per(r.Calls)}
}

// openStreams holds many streams open and watches the gateway's memory meanwhile.
func (m *measurement) openStreams(ctx context.Context) error {
	m.o.Progress("holding %d streams open", m.o.OpenStreams)
	to, err := m.target(modelSlow, 0)
	if err != nil {
		return err
	}
	crew := load.NewCrew(to, m.o.OpenStreams)
	defer crew.Close()
	before, _, err := child.Memory(m.gateway.PID())
	if err != nil {
		return err
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	most := make(chan int64, 1)
	r, err := crew.HoldOpen(ctx, func() { go func() { most <- mostMemory(watch, m.gateway.PID()) }() })
	m.add(r)
	if err != nil {
		return errors.Join(err, errors.New(firstFailure(r)))
	}
	stop()
	held := <-most
	m.report.OpenStreams = &OpenStreams{
		Streams: m.o.OpenStreams, RSS: megabytes(held), KBPerStream: Decimal((held - before) * 1000 / 1024 / int64(m.o.OpenStreams)),
		Token: tokens(&r), Longest: milliseconds(r.Token(1000)[0]),
	}
	return nil
}

func firstFailure(r load.Result) string {
	for text := range r.Failures {
		return text
	}
	return "no call failed"
}

// mostMemory samples a process's resident memory until ctx ends.
func mostMemory(ctx context.Context, pid int) (most int64) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		if now, _, err := child.Memory(pid); err == nil {
			most = max(most, now)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return most
		}
	}
}

// stopwatch adds up a process's time on the processors.
type stopwatch struct {
	pid   int
	since time.Duration
	sum   time.Duration
	err   error
}

func (w *stopwatch) start(pid int) {
	var err error
	w.pid = pid
	w.since, err = child.CPU(pid)
	w.err = errors.Join(w.err, err)
}

func (w *stopwatch) stop() {
	now, err := child.CPU(w.pid)
	w.sum += now - w.since
	w.err = errors.Join(w.err, err)
}

// per is the time for a thousand calls; nil when it could not be measured.
func (w *stopwatch) per(calls int64) *Decimal {
	if w.err != nil {
		return nil
	}
	d := perThousand(w.sum, calls)
	return &d
}
