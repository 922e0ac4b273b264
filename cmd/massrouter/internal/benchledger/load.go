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

	"github.com/massrouter/massrouter/cmd/massrouter/internal/history"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

type bench struct {
	o        Options
	pool     *pgxpool.Pool
	accounts []history.Account

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

// prepare publishes what can be called and opens the wallets, each with a key and money that never runs out.
func (b *bench) prepare(ctx context.Context, app *commands.App) (err error) {
	b.o.Progress("opening wallets")
	if err := history.Publish(ctx, app); err != nil {
		return err
	}
	b.accounts, err = history.OpenAll(ctx, app, b.o.Wallets)
	return err
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
	model, endpoint := history.Offer()
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
		if _, _, err := app.PlaceHold(ctx, history.Meta(hold), commands.PlaceHold{
			HoldID: hold, WalletID: a.Wallet, KeyID: a.Key, Model: model, Endpoint: endpoint,
			PromptTokens: 2_000, CompletionTokens: 500, TTL: time.Minute,
		}); err != nil {
			return nil, fmt.Errorf("place a hold: %w", err)
		}
		latencies = append(latencies, time.Since(at))
		at = p.due()
		if _, _, err := app.SettleHold(ctx, history.Meta(domain.DeriveID(hold, "settle")), commands.SettleHold{
			HoldID: hold, WalletID: a.Wallet, Endpoint: endpoint, Provenance: usage.Reported,
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
