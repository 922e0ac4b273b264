package program

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
)

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func register(r *prometheus.Registry, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// ledgerMetrics measures the executor.
type ledgerMetrics struct {
	commands *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	batch    prometheus.Histogram
	commit   prometheus.Histogram
	events   prometheus.Counter
}

func newLedgerMetrics(r *prometheus.Registry) (*ledgerMetrics, error) {
	m := &ledgerMetrics{
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "massrouter_commands_total", Help: "Commands answered, by name and code; the code of a success is ok.",
		}, []string{"command", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "massrouter_command_seconds", Help: "Time from a command's arrival to its durable outcome.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"command"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "massrouter_commit_commands", Help: "Commands in one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 12),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "massrouter_commit_seconds", Help: "Time of one commit, with the wait for the ledger's lock.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "massrouter_events_total", Help: "Events committed by this process."}),
	}
	return m, register(r, m.commands, m.seconds, m.batch, m.commit, m.events)
}

func (m *ledgerMetrics) onBatch(commands, events int, took time.Duration) {
	m.batch.Observe(float64(commands))
	m.commit.Observe(took.Seconds())
	m.events.Add(float64(events))
}

func (m *ledgerMetrics) onCommand(name string, code domain.Code, took time.Duration) {
	if code == "" {
		code = "ok"
	}
	m.commands.WithLabelValues(name, string(code)).Inc()
	m.seconds.WithLabelValues(name).Observe(took.Seconds())
}

// callMetrics measures the gateway.
type callMetrics struct {
	calls *prometheus.CounterVec
	first *prometheus.HistogramVec
	took  *prometheus.HistogramVec
}

func newCallMetrics(r *prometheus.Registry, running, unsent func() float64) (*callMetrics, error) {
	m := &callMetrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "massrouter_calls_total", Help: "Calls that have ended, by code; the code of a success is ok.",
		}, []string{"model", "vendor", "streamed", "code"}),
		first: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "massrouter_call_first_token_seconds", Help: "Time to the first token of a call.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}, []string{"model", "vendor"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "massrouter_call_seconds", Help: "Time of a whole call.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 18),
		}, []string{"model", "vendor"}),
	}
	return m, register(r, m.calls, m.first, m.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "massrouter_calls_running", Help: "Calls under way."}, running),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "massrouter_journal_records", Help: "Settlements and releases that wait in the journal for the ledger.",
		}, unsent))
}

func (m *callMetrics) onEnd(e gateway.End) {
	code := e.Code
	if code == "" {
		code = "ok"
	}
	m.calls.WithLabelValues(e.Model, e.Vendor, strconv.FormatBool(e.Streamed), code).Inc()
	if e.FirstToken > 0 {
		m.first.WithLabelValues(e.Model, e.Vendor).Observe(e.FirstToken.Seconds())
	}
	m.took.WithLabelValues(e.Model, e.Vendor).Observe(e.Took.Seconds())
}
