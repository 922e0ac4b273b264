package program

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/answers"
	gatewayauth "github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/gateway/remote"
	"github.com/massrouter/massrouter/gateway/routing"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// newGateway wires the inference path.
func (p *Program) newGateway() (*gateway.Gateway, error) {
	c := p.o.Config.Gateway
	var g *gateway.Gateway
	measured, err := newCallMetrics(p.registry,
		func() float64 { return float64(g.Running()) }, func() float64 { return float64(g.Unsent()) })
	if err != nil {
		return nil, err
	}
	kept, err := p.openCache()
	if err != nil {
		return nil, err
	}
	g, err = gateway.New(gateway.Options{
		Ledger: p.app, Catalog: pictures{p.views.cache}, Credentials: credentials{p.o.Config.Vendors.Keys},
		Media:   remote.NewFetcher(remote.Options{Allowed: c.Reachable()}),
		Answers: answers.New(p.pool), Journal: p.journal, Limits: p.limits, Cache: kept, Presets: p.presets, Contents: p.contentSink(), Hits: p.hits,
		OwnKeys: p.gatewayOwnKeys(), OwnKeyRate: c.OwnKeyRate(), Logger: p.o.Log, OnEnd: measured.onEnd,
		AutoModels: strings.FieldsFunc(c.AutoModels, func(r rune) bool { return r == ',' || r == ' ' }),
		DefaultCap: c.OutputTokens, RequestTimeout: c.RequestTimeout, FirstByteTimeout: c.FirstByteTimeout, IdleTimeout: c.IdleTimeout,
		StreamTimeout: c.StreamTimeout, DrainTimeout: c.DrainTimeout, KeepAlive: c.KeepAlive, Attempts: c.Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the gateway: %w", err)
	}
	return g, nil
}

// inference is the public API's other half, beside the console.
func (p *Program) inference(callers *gatewayauth.Authenticator) *inference.API {
	v := p.views
	return &inference.API{
		Calls:   inference.NewCalls(p.gateway, callers, inference.CallOptions{MaxBody: p.o.Config.HTTP.MaxBody}),
		Callers: callers, Catalog: v.cache, Balance: v.balance, Keys: v.keys, Generations: v.generations, Usage: v.usage, Head: rawLog{p.store},
		Health: p.gateway.Health(), Keyring: p.app, Limiter: p.limits, PerKey: p.o.Config.Protect.KeyQueryRate, Contents: p.contentTexts(), Hits: p.hits,
		Trail: auditlog.New(p.pool),
	}
}

// errClosing: this process takes no more requests.
var errClosing = errors.New("this process is shutting down")

// ready says whether requests can be answered: the ledger can commit.
func (p *Program) ready(ctx context.Context) error {
	if p.closing.Load() {
		return errClosing
	}
	if err := p.app.Ready(ctx); err != nil {
		return fmt.Errorf("ask the ledger: %w", err)
	}
	return nil
}

// share tells other processes of this one's measurements, and takes theirs.
func (p *Program) share(ctx context.Context) error {
	var client redis.UniversalClient // nil without a server, and not a nil pointer in an interface
	if p.redis != nil {
		client = p.redis
	}
	routing.NewShared(client, p.gateway.Health(), routing.SharedOptions{OnError: func(err error) {
		p.o.Log.Warn().Err(err).Msg("measurements of endpoints are not shared with other processes now")
	}}).Run(ctx)
	return nil
}
