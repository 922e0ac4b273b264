package program

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/eventstore/relay"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
)

// relays says whether this process publishes, or would when another one goes.
func (p *Program) relays() bool { return p.o.Work && p.o.Config.Bus.BusURL.IsSet() }

// relay is what publishes the events to the bus; nothing without one.
func (p *Program) relay() (stage, error) {
	if !p.relays() {
		return nil, nil
	}
	c := p.o.Config.Bus
	var err error
	if p.bus, err = bus.Open(bus.Options{URL: c.BusURL.Reveal(), Topic: c.BusTopic, Logger: bus.NewLogger(p.o.Log)}); err != nil {
		return nil, err
	}
	published := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "massrouter_relay_published_total", Help: "Events that this process has published to the bus.",
	})
	failures := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "massrouter_relay_failures_total", Help: "Times that the relay of this process stopped and was tried again.",
	})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "massrouter_relay_batch_seconds", Help: "Time to publish a batch and to record it.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
	})
	var run *relay.Relay
	timeout := c.BusTimeout
	if c.BusURL.Reveal() == "memory:" {
		timeout = -1 // its consumers take as long as they take
	}
	run, err = relay.New(p.store, p.workers, p.bus, relay.Options{
		Name: p.bus.Name(), Batch: c.BusBatch, Timeout: timeout,
		OnPublished: func(events int, took time.Duration) {
			published.Add(float64(events))
			seconds.Observe(took.Seconds())
		},
		OnError: func(err error) {
			failures.Inc()
			p.o.Log.Error().Err(err).Msg("the relay to the event bus stopped and is tried again")
		},
	})
	if err != nil {
		return nil, err
	}
	owner := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "massrouter_relay_owner", Help: "1 when this process publishes, 0 when another one does or nobody can.",
	}, func() float64 {
		if run.State().Owner {
			return 1
		}
		return 0
	})
	failing := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "massrouter_relay_failing_seconds", Help: "Time since the relay of this process last got on; 0 when it does.",
	}, func() float64 {
		if since := run.State().FailingSince; !since.IsZero() {
			return time.Since(since).Seconds()
		}
		return 0
	})
	lag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "massrouter_relay_lag_events", Help: "Committed events that are not on the bus yet.",
	}, p.relayLag)
	if err := register(p.registry, published, failures, seconds, owner, failing, lag); err != nil {
		return nil, err
	}
	return stage{{"relay", run.Run}}, nil
}

const scrapeTime = time.Second

// relayLag is not a number when the database cannot say.
func (p *Program) relayLag() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	s, err := p.relayStatus(ctx)
	if err != nil {
		return math.NaN()
	}
	return float64(s.Behind)
}

func (p *Program) relayStatus(ctx context.Context) (relay.Status, error) {
	all, err := relay.List(ctx, p.pool, p.store)
	if err != nil {
		return relay.Status{}, err
	}
	for _, s := range all {
		if s.Name == p.bus.Name() {
			return s, nil
		}
	}
	head, err := p.store.Head(ctx) // it has not begun
	return relay.Status{Name: p.bus.Name(), Behind: head.Position}, err
}

// relayDetail is where the relay stands, for /readyz. A bus that is away does not make the process unready.
type relayDetail struct {
	Name         string     `json:"name"`
	State        string     `json:"state"`           // publishing, failing, or waiting for an owner
	Position     int64      `json:"position,string"` // 64 bits are a string, as everywhere
	Lag          int64      `json:"lag,string"`      // events behind the end of the log
	FailingSince *time.Time `json:"failing_since,omitempty"`
}

// relayDetails leaves the error to the log: probers may be anybody who reaches the listener.
func (p *Program) relayDetails(ctx context.Context) (any, error) {
	s, err := p.relayStatus(ctx)
	if err != nil {
		return nil, err
	}
	d := relayDetail{Name: s.Name, State: "publishing", Position: s.Position, Lag: s.Behind}
	switch {
	case !s.FailingSince.IsZero():
		d.State, d.FailingSince = "failing", &s.FailingSince
	case !s.Owned:
		d.State = "waiting"
	}
	return d, nil
}
