// Package program is the running product: it wires the rooms together and starts and stops them in order. Everything
// long-lived in it has the same contract: run works until its context ends, gives back what it holds, and returns.
package program

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/eventstore/relay/bus"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/gateway/journal"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/projections/rankings/hot"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// Options of a Program.
type Options struct {
	Config config.Config
	Serve  bool // the API: inference and console
	Work   bool // projections and background work
	Dev    bool // on a machine of somebody who develops: mails are shown instead of sent
	Log    zerolog.Logger
	// Clock turns the database's clock into the ledger's; tests move it. nil is the database's own.
	Clock func(database time.Time) time.Time
}

// Program is one process of the product.
type Program struct {
	o             Options
	registry      *prometheus.Registry
	ledger        *pgxpool.Pool // of the log: writer, readers, listener
	pool          *pgxpool.Pool // of queries
	statistics    *pgxpool.Pool // of queries that read much
	workers       *pgxpool.Pool // of projections and background work
	store         *postgres.Store
	app           *commands.App
	views         *views
	bus           *bus.Bus      // nil without BUS_URL
	redis         *redis.Client // nil without REDIS_URL
	rankings      *hot.Query
	secrets       *envelope.Keyring // nil without MASSROUTER_SECRETS_KEYSET
	hooks         *webhook.Registry // nil without a key
	hookKeys      *webhook.Keyring
	people        *people // nil without any
	presets       *preset.Store
	ownKeys       *ownkey.Store  // nil without a keyset
	ownWatch      *ownkey.Watch  // the same
	contents      *content.Store // nil without MASSROUTER_SECRETS_KEYSET
	deliverers    *pgxpool.Pool  // of webhooks
	contentWriter *content.Writer
	hits          *hits.Recorder
	journal       *journal.Journal
	gateway       *gateway.Gateway
	limits        *limit.Limiter
	limitRedis    *redis.Client // nil without REDIS_URL
	cacheRedis    *redis.Client // the same, and without a cache
	api, ops      net.Listener
	tls           *tls.Config      // of the API; nil for plain HTTP
	gate          *middleware.Gate // nil without rules
	watched       []*watched
	closing       atomic.Bool
	forked        bool // the ledger is not the one of the published checkpoint, and the operator knows
}

const (
	ledgerConns = 8
	// statisticsConns: more at once would only wait for the processors.
	statisticsConns = 8
	// workerConns: one for each projection, one for each task's lock, and some to work with.
	workerConns = 32
	// settleGrace is how long calls may take to settle after their callers were let go.
	settleGrace = 15 * time.Second
	journalName = "settlements.journal"
)

// Open connects to the database, checks its schema, and takes the addresses; nothing runs yet. Run does the rest, and
// Close takes back an Open without a Run.
func Open(ctx context.Context, o Options) (*Program, error) {
	if o.Clock == nil {
		o.Clock = func(t time.Time) time.Time { return t }
	}
	p := &Program{o: o, registry: newRegistry()}
	if err := p.open(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Program) open(ctx context.Context) (err error) {
	if p.secrets, err = p.o.Config.Secrets.Keyring(); err != nil {
		return err
	}
	address := p.o.Config.Store.DatabaseURL.Reveal()
	if err := schema.Check(ctx, address); err != nil {
		return err
	}
	if p.ledger, err = database.Open(ctx, address, ledgerConns); err != nil {
		return err
	}
	if p.pool, err = database.Open(ctx, address, p.o.Config.Store.MaxConns); err != nil {
		return err
	}
	if p.store, err = postgres.Open(ctx, p.ledger, postgres.Options{Clock: p.o.Clock}); err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	if err := p.guardLog(ctx); err != nil {
		return err
	}
	measured, err := newLedgerMetrics(p.registry)
	if err != nil {
		return err
	}
	p.app, err = commands.New(p.store, commands.Options{
		Queue: p.o.Config.Ledger.Queue, Batch: p.o.Config.Ledger.MaxBatch, Logger: p.o.Log,
		OnBatch: measured.onBatch, OnCommand: measured.onCommand,
	})
	if err != nil {
		return fmt.Errorf("prepare the ledger: %w", err)
	}
	if p.statistics, err = database.OpenStatistics(ctx, address, statisticsConns); err != nil {
		return err
	}
	if p.views, err = newViews(p.pool, p.statistics, p.store); err != nil {
		return err
	}
	if err := p.openRankings(); err != nil {
		return err
	}
	if p.o.Work {
		if p.workers, err = database.Open(ctx, address, workerConns); err != nil {
			return err
		}
	}
	if err := p.openWebhooks(ctx); err != nil {
		return err
	}
	if err := p.openPeople(ctx); err != nil {
		return err
	}
	if p.ops, err = listen(ctx, "MASSROUTER_OPS_LISTEN", p.o.Config.HTTP.OpsListen); err != nil {
		return err
	}
	if p.o.Serve {
		return p.openAPI(ctx)
	}
	return nil
}

func listen(ctx context.Context, name, address string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (%s): %w", address, name, err)
	}
	return listener, nil
}

// openAPI prepares what serve has more than work.
func (p *Program) openAPI(ctx context.Context) (err error) {
	if p.api, err = listen(ctx, "MASSROUTER_LISTEN", p.o.Config.HTTP.Listen); err != nil {
		return err
	}
	if p.journal, err = openJournal(p.o.Config.Gateway.JournalDir); err != nil {
		return err
	}
	if torn := p.journal.Torn(); torn > 0 {
		p.o.Log.Warn().Int64("bytes", torn).Msg("the end of the journal was not written whole before a crash; it was put aside")
	}
	if err := p.openProtection(); err != nil {
		return err
	}
	p.presets = preset.New(p.pool, walletsOf{p.views.balance, p.store})
	if err := p.openLimits(); err != nil {
		return err
	}
	if err := p.openContents(); err != nil {
		return err
	}
	if err := p.openHits(); err != nil {
		return err
	}
	if err := p.watchOwnKeys(ctx); err != nil {
		return err
	}
	if p.gateway, err = p.newGateway(); err == nil {
		p.openOwnKeys()
	}
	return err
}

func openJournal(dir string) (*journal.Journal, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	j, err := journal.Open(filepath.Join(dir, journalName))
	if err != nil {
		return nil, fmt.Errorf("open the journal in %s (MASSROUTER_JOURNAL_DIR): %w", dir, err)
	}
	return j, nil
}

// App is every use case.
func (p *Program) App() *commands.App { return p.app }

// BaseURL is where the API listens; "" without Serve.
func (p *Program) BaseURL() string { return urlOf(p.api, p.tls != nil) }

// OpsURL is where operations listen.
func (p *Program) OpsURL() string { return urlOf(p.ops, false) }

// urlOf names an address that a client on this machine can use.
func urlOf(l net.Listener, secure bool) string {
	if l == nil {
		return ""
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return scheme + net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + l.Addr().String()
}

// WaitFor returns when all read models have reached a position of the log.
func (p *Program) WaitFor(ctx context.Context, position int64) error {
	return p.views.waitFor(ctx, position)
}

// Run works until ctx ends, then stops in order: no more requests are taken, those under way are answered and charged,
// then the ledger and the background work end. It returns nil when all of that went well.
func (p *Program) Run(ctx context.Context) error {
	stages, err := p.stages()
	if err != nil {
		return errors.Join(err, p.Close())
	}
	p.o.Log.Info().Bool("serve", p.o.Serve).Bool("work", p.o.Work).Str("api", p.BaseURL()).Str("ops", p.OpsURL()).Msg("started")
	err = runStages(ctx, p.o.Log, stages...)
	err = errors.Join(err, p.Close())
	p.o.Log.Info().Msg("stopped")
	return err
}

// Close gives everything back. It is harmless after Run.
func (p *Program) Close() error {
	var errs []error
	for _, l := range []net.Listener{p.api, p.ops} {
		if l == nil {
			continue
		}
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if p.journal != nil {
		errs = append(errs, p.journal.Close())
	}
	if p.bus != nil {
		errs = append(errs, p.bus.Close())
	}
	for _, client := range []*redis.Client{p.redis, p.limitRedis, p.cacheRedis} {
		if client != nil {
			errs = append(errs, client.Close())
		}
	}
	if p.store != nil {
		p.store.Close()
	}
	for _, pool := range []*pgxpool.Pool{p.deliverers, p.workers, p.statistics, p.pool, p.ledger} {
		if pool != nil {
			pool.Close()
		}
	}
	return errors.Join(errs...)
}
