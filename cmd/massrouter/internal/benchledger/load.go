package benchledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

const (
	model    = "bench/model"
	endpoint = "bench/model@bench"
)

type account struct{ wallet, key uuid.UUID }

// newAccount gives a wallet the one key whose id follows from its own, so that other processes find it.
func newAccount(id uuid.UUID) account {
	return account{wallet: id, key: domain.DeriveID(id, "bench key")}
}

type bench struct {
	o        Options
	pool     *pgxpool.Pool
	accounts []account

	batches, batched, events atomic.Int64
	measuring                atomic.Bool

	mu          sync.Mutex
	latencies   []time.Duration
	commands    int64
	commandTime time.Duration
	copied      int64
	copyTime    time.Duration
	eventBytes  float64
}

func (b *bench) onBatch(commands, events int, _ time.Duration) {
	if b.measuring.Load() {
		b.batches.Add(1)
		b.batched.Add(int64(commands))
		b.events.Add(int64(events))
	}
}

func meta(id uuid.UUID) commands.Meta {
	return commands.Meta{CommandID: id, Actor: "system:bench", CorrelationID: id, CausationID: id}
}

// prepare publishes one priced model and opens the wallets, each with a key and money that never runs out.
func (b *bench) prepare(ctx context.Context, app *commands.App) error {
	b.o.Progress("opening wallets")
	if err := publish(ctx, app); err != nil {
		return err
	}
	b.accounts = make([]account, b.o.Wallets)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(256)
	for i := range b.accounts {
		group.Go(func() (err error) {
			b.accounts[i], err = open(ctx, app)
			return err
		})
	}
	return group.Wait()
}

func publish(ctx context.Context, app *commands.App) error {
	vendor := catalog.Vendor{
		ID: "bench", Name: "Bench", BaseURL: "http://127.0.0.1/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}
	if _, _, err := app.PublishVendor(ctx, meta(uuid.New()), commands.PublishVendor{Vendor: vendor}); err != nil {
		return fmt.Errorf("publish the vendor: %w", err)
	}
	m := catalog.Model{
		ID: model, Name: "Bench", ContextLength: 128_000, MaxCompletionTokens: 16_000, InputModalities: []string{"text"},
		OutputModalities: []string{"text"}, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
	}
	if _, _, err := app.PublishModel(ctx, meta(uuid.New()), commands.PublishModel{Model: m}); err != nil {
		return fmt.Errorf("publish the model: %w", err)
	}
	e := catalog.Endpoint{
		ID: endpoint, Model: model, Vendor: "bench", UpstreamModel: "bench", ContextLength: 128_000,
		MaxCompletionTokens: 16_000, Status: catalog.Active,
	}
	if _, _, err := app.PublishEndpoint(ctx, meta(uuid.New()), commands.PublishEndpoint{Endpoint: e}); err != nil {
		return fmt.Errorf("publish the endpoint: %w", err)
	}
	price := catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: catalog.Rates{
		usage.Input: money.MustPrice("0.0000025"), usage.CacheRead: money.MustPrice("0.00000025"), usage.Output: money.MustPrice("0.000010"),
	}}}
	if _, _, err := app.PublishPrice(ctx, meta(uuid.New()), commands.PublishPrice{Endpoint: endpoint, PriceVersion: price}); err != nil {
		return fmt.Errorf("publish the price: %w", err)
	}
	return nil
}

func open(ctx context.Context, app *commands.App) (account, error) {
	a := newAccount(uuid.New())
	if _, _, err := app.OpenWallet(ctx, meta(uuid.New()), commands.OpenWallet{WalletID: a.wallet, Currency: money.USD}); err != nil {
		return a, fmt.Errorf("open a wallet: %w", err)
	}
	if _, _, err := app.TopUp(ctx, meta(uuid.New()), commands.TopUp{
		WalletID: a.wallet, Amount: money.MustParse("1000000000"), Currency: money.USD, PSP: "operator", Reason: "bench",
	}); err != nil {
		return a, fmt.Errorf("top a wallet up: %w", err)
	}
	if _, _, err := app.IssueKey(ctx, meta(uuid.New()), commands.IssueKey{
		KeyID: a.key, WalletID: a.wallet, Hash: apikey.HashSecret(a.key.String()), Label: "bench", Limits: apikey.Limits{Name: "bench"},
	}); err != nil {
		return a, fmt.Errorf("issue a key: %w", err)
	}
	return a, nil
}

// commandsTurn lets the callers place and settle for a while.
func (b *bench) commandsTurn(ctx context.Context, app *commands.App, took time.Duration) error {
	b.measuring.Store(true)
	defer b.measuring.Store(false)
	started := time.Now()
	done := make([][]time.Duration, b.o.Submitters)
	if err := b.drive(ctx, app, took, done); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commandTime += time.Since(started)
	for _, latencies := range done {
		b.latencies = append(b.latencies, latencies...)
		b.commands += int64(len(latencies))
	}
	return nil
}

// pace hands out the moments at which commands are due.
type pace struct {
	start    time.Time
	interval time.Duration // 0: as soon as possible
	next     atomic.Int64
}

func (p *pace) due() time.Time {
	if p.interval == 0 {
		return time.Now()
	}
	at := p.start.Add(time.Duration(p.next.Add(1)-1) * p.interval)
	if wait := time.Until(at); wait > 0 {
		time.Sleep(wait)
	}
	return at
}

func (b *bench) drive(ctx context.Context, app *commands.App, took time.Duration, done [][]time.Duration) error {
	p := &pace{start: time.Now()}
	if b.o.Rate > 0 {
		p.interval = time.Second / time.Duration(b.o.Rate)
	}
	until := p.start.Add(took)
	group, ctx := errgroup.WithContext(ctx)
	for i := range b.o.Submitters {
		group.Go(func() error {
			latencies, err := b.submit(ctx, app, p, until)
			if done != nil {
				done[i] = latencies
			}
			return err
		})
	}
	return group.Wait()
}

func (b *bench) submit(ctx context.Context, app *commands.App, p *pace, until time.Time) ([]time.Duration, error) {
	var latencies []time.Duration
	for {
		at := p.due()
		if !at.Before(until) || ctx.Err() != nil {
			return latencies, nil
		}
		a := b.accounts[rand.IntN(len(b.accounts))] //nolint:gosec // which wallet is no secret
		hold, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("draw an id: %w", err)
		}
		if _, _, err := app.PlaceHold(ctx, meta(hold), commands.PlaceHold{
			HoldID: hold, WalletID: a.wallet, KeyID: a.key, Model: model, Endpoint: endpoint,
			PromptTokens: 2_000, CompletionTokens: 500, TTL: time.Minute,
		}); err != nil {
			return nil, fmt.Errorf("place a hold: %w", err)
		}
		latencies = append(latencies, time.Since(at))
		at = p.due()
		if _, _, err := app.SettleHold(ctx, meta(domain.DeriveID(hold, "settle")), commands.SettleHold{
			HoldID: hold, WalletID: a.wallet, Endpoint: endpoint, Provenance: usage.Reported,
			Usage: usage.Usage{usage.Input: 640, usage.CacheRead: 1_024, usage.Output: 210, usage.Reasoning: 64, usage.Request: 1},
			Call: wallet.Call{
				Streamed: true, FinishReason: "stop", UpstreamID: "chatcmpl-0123456789", Attempts: 1,
				StartedAt: at.UTC().Truncate(time.Microsecond), FirstTokenMS: 212, DurationMS: 3_127,
			},
		}); err != nil {
			return nil, fmt.Errorf("settle a hold: %w", err)
		}
		latencies = append(latencies, time.Since(at))
	}
}
