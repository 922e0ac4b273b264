package ledgertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// Ledger sends commands to a store.
type Ledger struct {
	App   *commands.App
	Clock *Clock
	tb    testing.TB
}

// Customer is a wallet with one key.
type Customer struct{ Wallet, Key uuid.UUID }

// New runs the use cases on a store until the test ends. The store's clock must be the given one.
func New(tb testing.TB, store eventstore.Appender, clock *Clock) *Ledger {
	tb.Helper()
	app, err := commands.New(store, commands.Options{})
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = app.Run(ctx) }) // it returns nil
	tb.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return &Ledger{App: app, Clock: clock, tb: tb}
}

func meta(id uuid.UUID) commands.Meta {
	return commands.Meta{CommandID: id, Actor: "operator:test", CorrelationID: id, CausationID: id}
}

// must checks that a command was recorded.
func must[R any](l *Ledger) func(R, commands.Receipt, error) R {
	return func(result R, _ commands.Receipt, err error) R {
		l.tb.Helper()
		require.NoError(l.tb, err)
		return result
	}
}

// Open opens a wallet with money and a key.
func (l *Ledger) Open(ctx context.Context, amount string, limits apikey.Limits) Customer {
	l.tb.Helper()
	c := Customer{Wallet: uuid.New(), Key: uuid.New()}
	must[commands.Balance](l)(l.App.OpenWallet(ctx, meta(uuid.New()), commands.OpenWallet{WalletID: c.Wallet, Owner: "org-1", Currency: money.USD}))
	must[commands.Balance](l)(l.App.TopUp(ctx, meta(uuid.New()), commands.TopUp{
		WalletID: c.Wallet, Amount: money.MustParse(amount), Currency: money.USD, PSP: "operator", Reason: "first", Reference: "r-1",
	}))
	must[commands.Done](l)(l.App.IssueKey(ctx, meta(uuid.New()), commands.IssueKey{
		KeyID: c.Key, WalletID: c.Wallet, Hash: apikey.HashSecret(c.Key.String()), Label: "sk-…0001", Limits: limits,
	}))
	return c
}

// Place holds money for a call of the small or the large model.
func (l *Ledger) Place(ctx context.Context, c Customer, model string, prompt, completion int64, ttl time.Duration) uuid.UUID {
	l.tb.Helper()
	id, err := uuid.NewV7()
	require.NoError(l.tb, err)
	must[commands.Held](l)(l.App.PlaceHold(ctx, meta(id), commands.PlaceHold{
		HoldID: id, WalletID: c.Wallet, KeyID: c.Key, Model: model, Endpoint: model + "@acme",
		PromptTokens: prompt, CompletionTokens: completion, TTL: ttl,
	}))
	return id
}

// Settle charges a call.
func (l *Ledger) Settle(ctx context.Context, c Customer, hold uuid.UUID, model string, used usage.Usage) commands.Charged {
	l.tb.Helper()
	return must[commands.Charged](l)(l.App.SettleHold(ctx, meta(domain.DeriveID(hold, "settle")), commands.SettleHold{
		HoldID: hold, WalletID: c.Wallet, Endpoint: model + "@acme", Usage: used, Provenance: usage.Reported,
		Call: wallet.Call{
			Streamed: true, FinishReason: "stop", UpstreamID: "up-1", Attempts: 1, StartedAt: l.Clock.Now(), FirstTokenMS: 12, DurationMS: 345,
		},
	}))
}

// Release gives a hold back.
func (l *Ledger) Release(ctx context.Context, c Customer, hold uuid.UUID) {
	l.tb.Helper()
	must[commands.Balance](l)(l.App.ReleaseHold(ctx, meta(domain.DeriveID(hold, "release")), commands.ReleaseHold{
		HoldID: hold, WalletID: c.Wallet, Reason: "vendor_error", Call: wallet.Call{Attempts: 2, Error: "upstream_5xx"},
	}))
}

// Sweep suspects and expires what is due.
func (l *Ledger) Sweep(ctx context.Context, c Customer) commands.Swept {
	l.tb.Helper()
	return must[commands.Swept](l)(l.App.SweepHolds(ctx, meta(uuid.New()), commands.SweepHolds{WalletID: c.Wallet, Limit: 100}))
}
