// Package history fills a ledger for measurements: with a catalogue and wallets, and with a made-up past of calls, through the real
// executor, on a clock that runs through days in seconds.
package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/postgres"
)

// Options of a history.
type Options struct {
	Calls    int64 // each a hold and its charge or release: two events
	Wallets  int
	Span     time.Duration // the calls are spread over so long, until now; 0: as they come
	Progress func(format string, args ...any)
}

// callers each wait for the answer to a command; so many fill the executor's batches.
const callers = 512

// Account is a wallet with its one key.
type Account struct{ Wallet, Key uuid.UUID }

// NewAccount is a wallet's account: the key's id follows from the wallet's, so that other processes find it.
func NewAccount(wallet uuid.UUID) Account {
	return Account{Wallet: wallet, Key: domain.DeriveID(wallet, "bench key")}
}

// Generate appends the history to the ledger of a migrated database and tells whose it is.
func Generate(ctx context.Context, pool *pgxpool.Pool, o Options) (accounts []Account, err error) {
	now := &clock{start: time.Now().Add(-o.Span), span: o.Span, steps: o.Calls}
	store, err := postgres.Open(ctx, pool, postgres.Options{Clock: now.time})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	app, err := commands.New(store, commands.Options{})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- app.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	o.Progress("publishing models and opening %d wallets", o.Wallets)
	if err := Publish(ctx, app); err != nil {
		return nil, err
	}
	if accounts, err = OpenAll(ctx, app, o.Wallets); err != nil {
		return nil, err
	}
	return accounts, callAll(ctx, app, o, now, accounts)
}

// clock is the log's: it has gone the part of the span that the calls have.
type clock struct {
	start time.Time
	span  time.Duration
	steps int64
	done  atomic.Int64
}

func (c *clock) time(database time.Time) time.Time {
	if c.span == 0 {
		return database
	}
	return c.start.Add(time.Duration(float64(c.span) * (float64(c.done.Load()) / float64(c.steps))))
}

// OpenAll opens wallets, each with a key and money that never runs out.
func OpenAll(ctx context.Context, app *commands.App, n int) ([]Account, error) {
	accounts := make([]Account, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callers)
	for i := range accounts {
		group.Go(func() (err error) {
			accounts[i], err = open(ctx, app)
			return err
		})
	}
	return accounts, group.Wait()
}

func callAll(ctx context.Context, app *commands.App, o Options, now *clock, accounts []Account) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for i := range callers {
		group.Go(func() error {
			draw := rand.New(rand.NewPCG(uint64(i), 7))                     //nolint:gosec // which wallet calls is no secret
			wallets := rand.NewZipf(draw, 1.1, 20, uint64(len(accounts)-1)) //nolint:gosec // a length
			for n := next.Add(1); n <= o.Calls; n = next.Add(1) {
				if err := call(ctx, app, draw, accounts[wallets.Uint64()], now.time(time.Now())); err != nil {
					return err
				}
				now.done.Store(max(now.done.Load(), n)) // to the call; the log never goes back
				if step := max(o.Calls/20, 1); n%step == 0 {
					o.Progress("%d of %d calls", n, o.Calls)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("make a history: %w", err)
	}
	return nil
}
