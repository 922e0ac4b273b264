package http_test

import (
	"bytes"
	"context"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/gateway"
	gatewayauth "github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/gateway/journal"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/audited"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/http/organisation"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/http/stream"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/oauth/appcode"
	tenants "github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/internal/oauthsim"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/sim"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/apps"
	"github.com/massrouter/massrouter/projections/asof"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/generations"
	books "github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/live"
	"github.com/massrouter/massrouter/projections/rankings"
	"github.com/massrouter/massrouter/projections/reviews"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/statement"
	"github.com/massrouter/massrouter/projections/usage"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const operatorToken = "test-operator-token-0123456789"

// bundle is a whole service: the log in memory, the read models in a database of its own, a simulated vendor.
type bundle struct {
	t       *testing.T
	url     string
	http    *nethttp.Client // validates every answer against the document
	sim     string          // the address of the simulated vendor
	app     *commands.App
	store   *memory.Store
	pool    *pgxpool.Pool
	issuer  *oauthsim.Issuer // of withAccounts
	records txtRecords
	live    *stream.Hub
	// handler is what answers at url.
	handler nethttp.Handler
	api     http.API
	tree    *treeHead
	own     *ownkey.Watch
	log     *bytes.Buffer // read it after close only
	close   func()
}

// parts are what a test may choose; the rest is made by setup.
type parts struct {
	store memory.Options
	app   commands.Options
	api   http.API
	live  stream.Options
	// trail sees what is recorded of requests.
	trail func(audited.Recorder) audited.Recorder
	// noHooks starts a service without webhooks.
	noHooks bool
	// source sees what the live updates read.
	source func(stream.Source) stream.Source
}

// setup starts everything and stops it when the test ends.
func setup(t *testing.T, choose ...func(*parts)) *bundle {
	t.Helper()
	var p parts
	for _, c := range choose {
		c(&p)
	}
	pool, views := pgtest.New(t), &checkpoint.Signal{}
	p.store.OnNotes = notesIn(t, pool)
	if p.store.Clock == nil {
		p.store.Clock = time.Now
	}
	api, store := p.api, memory.New(p.store)
	app, err := commands.New(store, p.app)
	require.NoError(t, err)
	api.Trail = auditlog.New(pool)
	if p.trail != nil {
		api.Trail = p.trail(api.Trail)
	}
	stop := run(t, store, app, pool, views)

	b := &bundle{t: t, app: app, store: store, pool: pool, log: &bytes.Buffer{}, http: &nethttp.Client{Transport: validating(t)}}
	if api.Authenticator == nil {
		api.Authenticator, err = auth.NewOperatorToken(operatorToken)
		require.NoError(t, err)
	}
	if known, ok := api.Authenticator.(*people); ok {
		known.rights = access.New(pool, time.Now)
	}
	signal := checkpoint.WithSignal(views)
	models, balances, known := catalog.NewQuery(pool, signal), balance.NewQuery(pool, signal), keys.NewQuery(pool, signal).UseClock(p.store.Clock)
	calls, cache := generations.NewQuery(pool, signal), catalog.NewCache(models, time.Nanosecond)
	callers := gatewayauth.New(keySource{known}, gatewayauth.Options{Known: time.Nanosecond, Unknown: time.Nanosecond, Now: p.store.Clock})
	presets := preset.New(pool, walletsOf{balances, store})
	stored := newContents(t, pool)
	seen := hits.NewRecorder(hits.New(pool), hits.Options{Logger: zerolog.Nop()})
	keyset := newKeyset(t)
	b.own = ownkey.NewWatch(pool, keyset, func(err error) { t.Error(err) })
	require.NoError(t, b.own.Look(t.Context()))
	gate, stopGate := startGateway(t, app, cache, presets, stored, b.own)
	own := ownkey.New(pool, keyset, walletsOf{balances, store}, gate)
	b.sim = startVendor(t)
	hooks := newHooks(t, pool, store, balances)
	api.Commands = command.New(app, hooks, presets, chargesOf{calls}, stored.commands(calls)).UseOwnKeys(own)
	if p.noHooks {
		api.Commands = command.New(app, nil, presets, chargesOf{calls}, nil)
	}
	registry, err := commands.Registry()
	require.NoError(t, err)
	statistics := usage.NewQuery(pool, store, registry, signal)
	b.tree = newTreeHead(t, store)
	shown := query.Views{
		Balance: balances, Statement: statement.NewQuery(pool, signal), Keys: known, Catalog: models, Generations: calls, Reviews: reviews.NewQuery(pool, signal), Log: reader{store},
		Usage: statistics, Apps: apps.NewQuery(pool, signal), Rankings: rankings.NewQuery(pool, store, registry, signal), Journal: books.NewQuery(pool, signal), Moments: asof.New(store), Receipts: b.tree,
		Projections: runner.New(store, pool, registry, projections.All(), runner.Options{}), Webhooks: hooks, Presets: presets, Contents: stored, Hits: seen, Audit: auditlog.New(pool), OwnKeys: own,
	}
	if p.noHooks {
		shown.Webhooks, shown.OwnKeys = nil, nil
	}
	api.Queries = query.New(shown)
	api.Organisations = organisation.New(organisation.Parts{
		Access: access.New(pool, time.Now), ApproveAbove: money.MustParse("100"), Now: time.Now,
		Organisations: tenants.New(pool, opener{app}, time.Now), People: account.New(pool, nil, nil, time.Now), App: app, Balances: balances, Keys: known, Head: reader{store},
	})
	api.Inference = &inference.API{
		Calls: inference.NewCalls(gate, callers, inference.CallOptions{}), Callers: callers,
		Catalog: cache, Balance: balances, Keys: known, Generations: calls, Usage: statistics, Head: reader{store},
		Health: gate.Health(), Keyring: app, Contents: stored, Hits: seen,
		Codes: appcode.New(pool, time.Now), Granters: granters{access.New(pool, time.Now)}, Trail: api.Trail,
	}
	var source stream.Source = live.New(pool, store, registry, projections.All(), signal)
	if p.source != nil {
		source = p.source(source)
	}
	b.live, err = stream.New(source, p.live)
	require.NoError(t, err)
	api.Stream = b.live
	updates, stopUpdates := context.WithCancel(context.WithoutCancel(t.Context()))
	updating := make(chan error, 1)
	go func() { updating <- b.live.Run(updates) }()
	api.Logger = zerolog.New(zerolog.SyncWriter(b.log))
	b.api, b.handler = api, api.Handler()
	server := httptest.NewServer(b.handler)
	b.url = server.URL
	b.close = sync.OnceFunc(func() {
		b.live.Close()
		server.Close()
		stopUpdates()
		require.NoError(t, <-updating)
		stopGate()
		stop()
	})
	t.Cleanup(b.close)
	return b
}

// on is the same service for a subtest.
func (b *bundle) on(t *testing.T) *bundle {
	t.Helper()
	c := *b
	c.t = t
	return &c
}

// run starts what works in the background; the function that it returns stops it.
func run(t *testing.T, store *memory.Store, app *commands.App, pool *pgxpool.Pool, signal *checkpoint.Signal) func() {
	t.Helper()
	registry, err := commands.Registry()
	require.NoError(t, err)
	follower := runner.New(store, pool, registry, projections.All(), runner.Options{Gap: -1, Signal: signal})
	require.NoError(t, follower.ToEnd(t.Context()))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 2)
	go func() { ended <- app.Run(ctx) }()
	go func() { ended <- follower.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
	}
}

// vendorKey is the platform's own key at the simulated vendor.
const vendorKey = "vendor-key"

// startVendor starts a vendor and returns its base URL.
func startVendor(t *testing.T) string {
	t.Helper()
	vendor := sim.New(sim.Options{APIKey: vendorKey})
	server := httptest.NewServer(vendor)
	t.Cleanup(func() { vendor.Close(); server.Close() })
	return server.URL + "/v1"
}

// startGateway makes the inference path; the function that it returns stops it.
func startGateway(t *testing.T, app *commands.App, cache *catalog.Cache, presets gateway.Presets, contents gateway.Contents, own gateway.OwnKeys) (*gateway.Gateway, func()) {
	t.Helper()
	kept, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
	require.NoError(t, err)
	transport := gateway.NewTransport()
	g, err := gateway.New(gateway.Options{
		Ledger: app, Catalog: pictures{cache}, Credentials: credentials{}, Journal: kept, Transport: transport, Presets: presets, Contents: contents,
		OwnKeys: own, OwnKeyRate: money.MustPrice("0.05"), Logger: zerolog.Nop(),
	})
	require.NoError(t, err)
	return g, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		g.Stop(ctx)
		transport.CloseIdleConnections()
		require.NoError(t, kept.Close())
	}
}

type credentials struct{}

func (credentials) Credentials(string) []credential.Credential {
	return []credential.Credential{{ID: "vendor/only", Secret: vendorKey}}
}

type pictures struct{ cache *catalog.Cache }

func (p pictures) Get(ctx context.Context) (gateway.Picture, error) {
	return pictureOf(p.cache.Get(ctx))
}

func (p pictures) Renew(ctx context.Context) (gateway.Picture, error) {
	return pictureOf(p.cache.Renew(ctx))
}

func pictureOf(s *catalog.Snapshot, err error) (gateway.Picture, error) {
	if err != nil {
		return gateway.Picture{}, err
	}
	return gateway.Picture{
		Vendors: s.Vendors, Models: s.Models, Endpoints: s.Endpoints, ByModel: s.ByModel, Prices: s.Prices, GroupPrices: s.GroupPrices,
	}, nil
}

// reader shows the store to the surfaces, as the service's wiring does.
type reader struct{ store eventstore.Reader }

func (r reader) Head(ctx context.Context) (query.Head, error) {
	h, err := r.store.Head(ctx)
	return query.Head{Position: h.Position, RecordedAt: h.RecordedAt}, err
}

func (r reader) Position(ctx context.Context) (int64, error) {
	h, err := r.store.Head(ctx)
	return h.Position, err
}

func (r reader) Read(ctx context.Context, after int64, limit int) ([]query.LogEvent, error) {
	events, err := r.store.Read(ctx, after, limit)
	out := make([]query.LogEvent, len(events))
	for i, e := range events {
		out[i] = query.LogEvent{
			Shard: e.Shard, Position: e.Position, StreamID: string(e.StreamID), StreamVersion: e.StreamVersion,
			EventID: e.EventID, Type: e.Type, SchemaVersion: e.SchemaVersion, RecordedAt: e.RecordedAt,
			EffectiveAt: e.EffectiveAt, Actor: e.Actor, CorrelationID: e.CorrelationID, CausationID: e.CausationID,
			CommandID: e.CommandID, Salt: e.Salt, Body: e.Body, LeafHash: e.LeafHash,
		}
	}
	return out, err
}

type keySource struct{ keys *keys.Query }

func (s keySource) Key(ctx context.Context, id uuid.UUID) (gatewayauth.Key, gatewayauth.State, error) {
	k, err := s.keys.Key(ctx, id, 0)
	return gatewayauth.Key{
		ID: k.ID, WalletID: k.WalletID, Scope: k.Scope, Label: k.Label, Hash: k.Hash, OldHash: k.OldHash, OldHashUntil: k.OldHashUntil,
		Limits: k.Limits, PriceGroup: k.PriceGroup, WalletRates: k.WalletRates, MemberRates: k.Member.Rates, Content: k.Content, Disabled: k.Disabled, Revoked: k.Revoked,
	}, gatewayauth.State{Position: k.Position}, err
}

func (s keySource) Changed(ctx context.Context, after int64) ([]uuid.UUID, gatewayauth.State, error) {
	ids, at, err := s.keys.Changed(ctx, after)
	return ids, gatewayauth.State{Position: at.Position}, err
}

// wallet opens a wallet with money in it and returns its path.
func (b *bundle) wallet(amount string) (path string) {
	b.t.Helper()
	made := b.post("/console/v1/wallets", map[string]any{"owner": "owner-1", "currency": "USD"}).is(200)
	id := made.text("wallet_id")
	path = "/console/v1/wallets/" + id
	if amount != "0" {
		made = b.post(path+"/top-ups", credit(amount), idempotent("fund-"+id)).is(200)
	}
	b.get(path + made.after()).is(200) // the read model knows it
	return path
}

func credit(amount string) map[string]any {
	return map[string]any{"amount": amount, "currency": "USD", "reason": "test"}
}

// key issues a key and returns its path and its secret.
func (b *bundle) key(wallet string, limits map[string]any) (path, secret string) {
	b.t.Helper()
	issued := b.post(wallet+"/keys", limits).is(201)
	path = "/console/v1/keys/" + issued.text("key_id")
	b.get(path + issued.after()).is(200)
	return path, issued.text("secret")
}

// position is the end of the log.
func (b *bundle) position() int64 {
	b.t.Helper()
	head, err := b.store.Head(context.WithoutCancel(b.t.Context()))
	require.NoError(b.t, err)
	return head.Position
}

func idOf(t *testing.T, path string) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(path[strings.LastIndexByte(path, '/')+1:])
	require.NoError(t, err)
	return id
}

func replaceOnce(s, old, fresh string) string { return strings.Replace(s, old, fresh, 1) }

func count(position int64) string { return strconv.FormatInt(position, 10) }

// request is a GET that is looked up in a document, not sent.
func request(t *testing.T, u *url.URL) *nethttp.Request {
	t.Helper()
	r, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodGet, u.String(), nil)
	require.NoError(t, err)
	return r
}
