package program

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/massrouter/massrouter/commands"
	gatewayauth "github.com/massrouter/massrouter/gateway/auth"
	hs "github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/http/stream"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

// stages is everything long-lived, what serves callers first.
func (p *Program) stages() ([]stage, error) {
	ops := hs.Server{
		Name: "operations", Listener: p.ops, Logger: p.o.Log,
		Handler: hs.Operations{Ready: p.ready, Details: p.details(), Gatherer: p.registry, Logger: p.o.Log}.Handler(),
	}
	back := stage{{"ledger", p.app.Run}}
	if p.o.Work {
		work, err := p.work()
		if err != nil {
			return nil, err
		}
		back = append(back, work...)
	}
	if !p.o.Serve {
		return []stage{{{"readiness", p.announce}}, back, {{"operations", ops.Run}}}, nil
	}
	callers := gatewayauth.New(keyring{p.views.keys}, gatewayauth.Options{})
	updates, err := stream.New(p.views.live, stream.Options{
		MaxConnections: p.o.Config.HTTP.MaxStreams, Registry: p.registry, Logger: p.o.Log,
	})
	if err != nil {
		return nil, err
	}
	handler, err := p.handler(callers, updates)
	if err != nil {
		return nil, err
	}
	api := hs.Server{
		Name: "api", Listener: p.api, Handler: handler, TLS: p.tls, Grace: p.o.Config.Log.ShutdownGrace, OnStop: updates.Close, Logger: p.o.Log,
	}
	looking := &looker{
		reviews: p.views.reviews, generations: p.views.generations, gateway: p.gateway, catalog: pictures{p.views.cache}, app: p.app, log: p.o.Log, now: time.Now,
	}
	lookups := task{name: "look usages up", every: lookupEvery, pool: p.pool, log: p.o.Log, tick: looking.tick}
	beside := p.watching()
	beside = append(beside, actor{"answers from the cache", p.hits.Run})
	if p.contentWriter != nil {
		beside = append(beside, actor{"contents of calls", p.contentWriter.Run})
	}
	beside = append(beside, p.peopleActors()...)
	return []stage{
		{{"readiness", p.announce}},
		{{"api", api.Run}},
		{{"calls", p.awaitCalls}, {"live updates", updates.Run}},
		append(beside, stage{{"unsent settlements", p.gateway.Run}, {"changed keys", callers.Run}, {"keys of customers at vendors", p.runOwnKeys}, {"rate limits", p.limits.Run}, {"measurements of endpoints", p.share}, {"look-ups of usage", lookups.run}}...),
		back,
		{{"operations", ops.Run}},
	}, nil
}

// handler is the public surface.
func (p *Program) handler(callers *gatewayauth.Authenticator, updates http.Handler) (http.Handler, error) {
	operator, err := auth.NewOperatorToken(p.o.Config.HTTP.OperatorToken.Reveal())
	if err != nil {
		return nil, err
	}
	metrics, err := middleware.NewMetrics(p.registry)
	if err != nil {
		return nil, err
	}
	proofs, err := p.receipts()
	if err != nil {
		return nil, err
	}
	protection, err := p.protection()
	if err != nil {
		return nil, err
	}
	organisations, err := p.organisations(account.New(p.pool, nil, nil, time.Now))
	if err != nil {
		return nil, err
	}
	v := p.views
	api := hs.API{
		Commands: command.New(p.app, p.hookCommands(), p.presets, charges{v.generations, p.store}, p.contentCommands()).UseOwnKeys(p.commandOwnKeys()),
		Queries: query.New(query.Views{
			Balance: v.balance, Statement: v.statement, Keys: v.keys, Catalog: v.catalog, Generations: v.generations, Reviews: v.reviews, Log: rawLog{p.store},
			Usage: v.usage, Apps: v.apps, Rankings: p.rankings, Journal: v.journal, Moments: v.moments, Receipts: proofs, Projections: v.projections,
			Webhooks: p.hookQueries(), Presets: p.presets, Audit: auditlog.New(p.pool), Contents: p.contentQueries(), Hits: p.hits, OwnKeys: p.queryOwnKeys(),
		}),
		Organisations: organisations,
		Inference:     p.inference(callers),
		Stream:        updates,
		LogDir:        p.o.Config.Proof.LogDir,
		Trail:         auditlog.New(p.pool),
		Metrics:       metrics,
		Protection:    protection,
		Logger:        p.o.Log,
	}
	if err := p.addPeople(&api, operator); err != nil {
		return nil, err
	}
	return api.Handler(), nil
}

// work is the projections and the background tasks.
func (p *Program) work() (stage, error) {
	registry, err := commands.Registry()
	if err != nil {
		return nil, fmt.Errorf("list the events: %w", err)
	}
	run := runner.New(p.store, p.workers, registry, projections.All(), runner.Options{
		Signal: p.views.signal,
		OnError: func(projection string, err error) {
			p.o.Log.Error().Err(err).Str("projection", projection).Msg("a projection stopped and is tried again")
		},
	})
	sweeping := &sweeper{pool: p.workers, app: p.app, clock: p.o.Clock, log: p.o.Log}
	sweep := task{name: "sweep", every: p.o.Config.Ledger.SweepEvery, pool: p.workers, log: p.o.Log, tick: sweeping.tick}
	maintain := task{name: "maintain", every: p.o.Config.Ledger.MaintainEvery, pool: p.workers, log: p.o.Log, tick: p.maintain}
	transparency, err := p.transparency()
	if err != nil {
		return nil, err
	}
	relaying, err := p.relay()
	if err != nil {
		return nil, err
	}
	webhooks, err := p.webhooks()
	if err != nil {
		return nil, err
	}
	all := stage{{"projections", run.Run}, {"sweeper", sweep.run}, {"maintenance", maintain.run}}
	all = append(all, p.copies()...)
	trail, err := p.sealer()
	if err != nil {
		return nil, err
	}
	people, err := p.peopleWork()
	if err != nil {
		return nil, err
	}
	return slices.Concat(all, transparency, relaying, webhooks, trail, people), nil
}

// announce lets load balancers know first that this process is going.
func (p *Program) announce(ctx context.Context) error {
	<-ctx.Done()
	p.closing.Store(true)
	return nil
}

// awaitCalls waits, after the last request was let go, until every call is settled.
func (p *Program) awaitCalls(ctx context.Context) error {
	<-ctx.Done()
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleGrace)
	defer cancel()
	p.gateway.Stop(settling)
	if n := p.gateway.Unsent(); n > 0 {
		p.o.Log.Warn().Int("settlements", n).Msg("settlements stay in the journal; the next start sends them")
	}
	return nil
}

func makeDir(dir string) error {
	const owner = 0o700
	if err := os.MkdirAll(dir, owner); err != nil {
		return fmt.Errorf("make the journal's folder (MASSROUTER_JOURNAL_DIR): %w", err)
	}
	return nil
}
