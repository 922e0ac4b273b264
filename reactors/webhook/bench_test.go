package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// BenchmarkFanOut makes the deliveries of events of one wallet, for none and for one webhook of it.
func BenchmarkFanOut(b *testing.B) {
	for name, webhooks := range map[string]int{"nobody": 0, "one webhook": 1} {
		b.Run(name, func(b *testing.B) {
			pool, follower, _ := benchmarked(b, webhooks, "https://receiver.example")
			began := time.Now()
			b.ResetTimer()
			drain(b, follower)
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "events/s")
			var made int
			require.NoError(b, pool.QueryRow(b.Context(), `SELECT count(*) FROM webhooks.deliveries`).Scan(&made))
			require.Equal(b, webhooks*b.N, made)
		})
	}
}

// BenchmarkDeliver sends them to a receiver of this process, for one webhook and for many.
func BenchmarkDeliver(b *testing.B) {
	for name, webhooks := range map[string]int{"one webhook": 1, "8 webhooks": 8} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			defer server.Close()
			pool, follower, keys := benchmarked(b, webhooks, server.URL)
			drain(b, follower)
			worker := webhook.NewWorker(pool, webhook.WorkerOptions{Keys: keys, Policy: everywhere})
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			began := time.Now()
			b.ResetTimer()
			go func() { ended <- worker.Run(ctx) }()
			for left := 1; left > 0; {
				require.NoError(b, pool.QueryRow(ctx, `SELECT count(*) FROM webhooks.deliveries WHERE state = 'pending'`).Scan(&left))
			}
			b.ReportMetric(float64(webhooks*b.N)/time.Since(began).Seconds(), "deliveries/s")
			cancel()
			require.NoError(b, <-ended)
		})
	}
}

func drain(b *testing.B, follower *webhook.Follower) {
	b.Helper()
	for moved := true; moved; {
		var err error
		_, moved, err = follower.Step(b.Context())
		require.NoError(b, err)
	}
}

// benchmarked is a log with b.N credits of a wallet that has some webhooks.
func benchmarked(b *testing.B, webhooks int, url string) (*pgxpool.Pool, *webhook.Follower, *webhook.Keyring) {
	b.Helper()
	ctx, clock, pool, wallet := b.Context(), ledgertest.NewClock(), pgtest.New(b), uuid.New()
	log := memory.New(memory.Options{Clock: clock.Now})
	ledger := ledgertest.New(b, log, clock)
	meta := func() commands.Meta {
		id := uuid.New()
		return commands.Meta{CommandID: id, Actor: "operator:test", CorrelationID: id, CausationID: id}
	}
	_, _, err := ledger.App.OpenWallet(ctx, meta(), commands.OpenWallet{WalletID: wallet, Owner: "o", Currency: money.USD})
	require.NoError(b, err)
	text, err := webhook.NewKey()
	require.NoError(b, err)
	keys, err := webhook.ParseKeyring(text)
	require.NoError(b, err)
	hooks := webhook.NewRegistry(pool, log, anyWallet{}, webhook.RegistryOptions{Keys: keys, Policy: everywhere, Now: clock.Now})
	for range webhooks {
		_, err = hooks.Register(ctx, request(), wallet, webhook.Settings{URL: url})
		require.NoError(b, err)
	}
	for range b.N {
		_, _, err := ledger.App.TopUp(ctx, meta(), commands.TopUp{WalletID: wallet, Amount: money.MustParse("1"), Currency: money.USD, PSP: "operator", Reason: "r"})
		require.NoError(b, err)
	}
	registry, err := commands.Registry()
	require.NoError(b, err)
	follower := webhook.NewFollower(log, registry, pool, webhook.FollowerOptions{Now: clock.Now})
	return pool, follower, keys
}
