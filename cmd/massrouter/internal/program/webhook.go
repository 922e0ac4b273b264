package program

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// walletsOf tells the registry of webhooks which wallets there are.
type walletsOf struct {
	query *balance.Query
	log   eventstore.Reader
}

// Exists implements webhook.Wallets. A wallet that is not there yet is waited for: it may have been opened just now.
func (w walletsOf) Exists(ctx context.Context, id uuid.UUID) error {
	_, err := w.query.Wallet(ctx, id, 0)
	if domain.CodeOf(err) != domain.CodeWalletNotFound {
		return err
	}
	head, err := w.log.Head(ctx)
	if err != nil {
		return logError(err)
	}
	_, err = w.query.Wallet(ctx, id, head.Position)
	return err
}

const (
	// webhookConns are apart, so that a backlog of deliveries takes none of the projections' connections.
	webhookConns = 6
	// followEvery gathers what is recorded within a moment; followTakeover is how often the other processes look after the owner.
	followEvery    = 20 * time.Millisecond
	followTakeover = time.Second
)

// now is the ledger's clock of this moment.
func (p *Program) now() time.Time { return p.o.Clock(time.Now()) }

// openWebhooks reads the keys and connects; nothing without a key.
func (p *Program) openWebhooks(ctx context.Context) (err error) {
	c := p.o.Config.Webhooks
	if c.WebhookKey.IsSet() {
		if p.hookKeys, err = webhook.ParseKeyring(c.WebhookKey.Reveal()); err != nil {
			return fmt.Errorf("read MASSROUTER_WEBHOOK_KEY: %w", err)
		}
	}
	if p.secrets != nil {
		p.hookKeys = webhook.NewKeyring(p.secrets, p.hookKeys)
	}
	if p.hookKeys == nil {
		return nil
	}
	p.hooks = webhook.NewRegistry(p.pool, p.store, walletsOf{p.views.balance, p.store}, webhook.RegistryOptions{
		Keys: p.hookKeys, Policy: c.Policy(), Retention: c.WebhookRetention, Now: p.now,
	})
	if p.o.Work {
		p.deliverers, err = database.Open(ctx, p.o.Config.Store.DatabaseURL.Reveal(), webhookConns)
	}
	return err
}

// hookCommands and hookQueries are nil without a key, as the rooms of http want it.
func (p *Program) hookCommands() command.Webhooks {
	if p.hooks == nil {
		return nil
	}
	return p.hooks
}

func (p *Program) hookQueries() query.Webhooks {
	if p.hooks == nil {
		return nil
	}
	return p.hooks
}

// webhooks is what makes deliveries and sends them; nothing without a key.
func (p *Program) webhooks() (stage, error) {
	if p.hooks == nil {
		return nil, nil
	}
	registry, err := commands.Registry()
	if err != nil {
		return nil, fmt.Errorf("list the events: %w", err)
	}
	m, err := p.newWebhookMetrics()
	if err != nil {
		return nil, err
	}
	c := p.o.Config.Webhooks
	worker := webhook.NewWorker(p.deliverers, webhook.WorkerOptions{
		Keys: p.hookKeys, Policy: c.Policy(), Webhooks: c.WebhookReceivers, PerWebhook: c.WebhookConcurrency, Timeout: c.WebhookTimeout, Now: p.now,
		OnAttempt: m.onAttempt,
		OnError: func(err error) {
			p.o.Log.Error().Err(err).Msg("a webhook's delivery could not be worked on and is tried again")
		},
	})
	follower := webhook.NewFollower(p.store, registry, p.deliverers, webhook.FollowerOptions{Now: p.now, OnMade: func(n int) {
		if n > 0 {
			m.made.Add(float64(n))
			worker.Wake()
		}
	}})
	follow := task{name: "webhooks", every: followEvery, takeover: followTakeover, pool: p.workers, log: p.o.Log, tick: follower.Tick}
	return stage{{"webhook fan-out", follow.run}, {"webhook deliveries", worker.Run}}, nil
}

// webhookMetrics measures what this process does.
type webhookMetrics struct {
	made     prometheus.Counter
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
}

func (p *Program) newWebhookMetrics() (*webhookMetrics, error) {
	m := &webhookMetrics{
		made: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "massrouter_webhook_deliveries_total", Help: "Deliveries that this process has made of events.",
		}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "massrouter_webhook_attempts_total", Help: "Attempts of this process by outcome; that of a success is delivered.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "massrouter_webhook_attempt_seconds", Help: "Time of an attempt.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}),
	}
	return m, register(p.registry, m.made, m.attempts, m.seconds, &webhookGauges{program: p})
}

func (m *webhookMetrics) onAttempt(class string, took time.Duration) {
	if class == "" {
		class = webhook.StateDelivered
	}
	m.attempts.WithLabelValues(class).Inc()
	m.seconds.Observe(took.Seconds())
}

// webhookGauges are read once for a scrape, over all processes.
type webhookGauges struct{ program *Program }

// webhookGauge is one of them.
type webhookGauge struct {
	name, help string
	read       func(webhook.Status) float64
}

func (g *webhookGauges) all() []webhookGauge {
	return []webhookGauge{
		{"massrouter_webhook_lag_events", "Committed events whose deliveries are not made yet.", func(s webhook.Status) float64 { return float64(s.Behind) }},
		{"massrouter_webhook_backlog", "Pending deliveries; at most 100000 are counted.", func(s webhook.Status) float64 { return float64(s.Backlog) }},
		{"massrouter_webhook_oldest_due_seconds", "How long the delivery that waits longest has been due.", func(s webhook.Status) float64 {
			if s.OldestDue.IsZero() {
				return 0
			}
			return g.program.now().Sub(s.OldestDue).Seconds()
		}},
		{"massrouter_webhook_failing", "Enabled webhooks whose last attempt failed.", func(s webhook.Status) float64 { return float64(s.Failing) }},
		{"massrouter_webhook_disabled", "Webhooks that were disabled because their receivers fail or are gone.", func(s webhook.Status) float64 { return float64(s.Disabled) }},
	}
}

// Describe implements prometheus.Collector.
func (g *webhookGauges) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(g, to) }

// Collect implements prometheus.Collector. The gauges are not numbers when the database cannot say.
func (g *webhookGauges) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	s, err := webhook.ReadStatus(ctx, g.program.pool, g.program.store, g.program.now())
	for _, one := range g.all() {
		value := math.NaN()
		if err == nil {
			value = one.read(s)
		}
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(one.name, one.help, nil, nil), prometheus.GaugeValue, value)
	}
}

// webhookDetail is how webhooks are, for /readyz. Receivers that are away do not make the process unready.
type webhookDetail struct {
	State        string     `json:"state"`           // following or failing
	Position     int64      `json:"position,string"` // 64 bits are a string, as everywhere
	Lag          int64      `json:"lag,string"`      // events behind the end of the log
	Backlog      int64      `json:"backlog,string"`  // pending deliveries
	OldestDue    *time.Time `json:"oldest_due,omitempty"`
	Failing      int64      `json:"failing,string"`  // enabled webhooks whose last attempt failed
	Disabled     int64      `json:"disabled,string"` // webhooks that were disabled because of their receivers
	FailingSince *time.Time `json:"failing_since,omitempty"`
}

// webhookDetails leaves the error to the log: probers may be anybody who reaches the listener.
func (p *Program) webhookDetails(ctx context.Context) (any, error) {
	s, err := webhook.ReadStatus(ctx, p.pool, p.store, p.now())
	if err != nil {
		return nil, err
	}
	d := webhookDetail{State: "following", Position: s.Position, Lag: s.Behind, Backlog: s.Backlog, Failing: s.Failing, Disabled: s.Disabled}
	if !s.OldestDue.IsZero() {
		d.OldestDue = &s.OldestDue
	}
	if !s.FailingSince.IsZero() {
		d.State, d.FailingSince = "failing", &s.FailingSince
	}
	return d, nil
}
