package program

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/massrouter/massrouter/gateway/limit"
)

// openLimits prepares what keeps the rate limits: in Redis where there is one, with a client of its own, as it has less patience than
// others.
func (p *Program) openLimits() error {
	measured, err := newLimitMetrics(p.registry, func() limit.State { return p.limits.State() })
	if err != nil {
		return err
	}
	var client redis.UniversalClient // nil without a server, and not a nil pointer in an interface
	if url := p.o.Config.Store.RedisURL; url.IsSet() {
		if p.limitRedis, err = limit.Client(url.Reveal()); err != nil {
			return errors.New("REDIS_URL is no Redis address") // the cause may quote the password
		}
		client = p.limitRedis
	}
	c := p.o.Config.Limits
	p.limits, err = limit.New(limit.Options{
		Redis: client, Processes: c.LimitProcesses, Budget: c.LimitBudget, Lease: c.LimitLease, Logger: p.o.Log, OnTake: measured.onTake,
	})
	if err != nil {
		return fmt.Errorf("prepare the rate limits: %w", err)
	}
	return nil
}

// limitMetrics measures the rate limits.
type limitMetrics struct {
	calls *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

func newLimitMetrics(r *prometheus.Registry, state func() limit.State) (*limitMetrics, error) {
	gauge := func(name, help string, value func(limit.State) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(state()) })
	}
	m := &limitMetrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "massrouter_limit_calls_total", Help: "Calls with rate limits, by who decided (redis or local), what refused (ok: nothing) and whose limit that was.",
		}, []string{"by", "outcome", "scope"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "massrouter_limit_seconds", Help: "Time that a call waited for the decision about its rate limits.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 12),
		}, []string{"by"}),
	}
	return m, register(r, m.calls, m.took,
		gauge("massrouter_limit_local", "1 while rate limits are decided without Redis, by shares.", func(s limit.State) float64 {
			if s.Local {
				return 1
			}
			return 0
		}),
		gauge("massrouter_limit_processes", "Processes that share the rate limits, as far as is known.", func(s limit.State) float64 { return float64(s.Processes) }),
		gauge("massrouter_limit_leases", "Calls under way that count as parallel.", func(s limit.State) float64 { return float64(s.Leases) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "massrouter_limit_lost_total", Help: "Ends of calls that Redis was not told: what they gave back flows off instead.",
		}, func() float64 { return float64(state().Lost) }))
}

func (m *limitMetrics) onTake(d limit.Taken) {
	by, outcome := "redis", "ok"
	if d.Local {
		by = "local"
	}
	if d.By != "" {
		outcome = string(d.By)
	}
	m.calls.WithLabelValues(by, outcome, d.Scope).Inc()
	m.took.WithLabelValues(by).Observe(max(d.Took, time.Nanosecond).Seconds())
}
