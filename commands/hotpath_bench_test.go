package commands_test

import (
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
)

// benchCall is what is known of a usual call.
func benchCall(at time.Time) wallet.Call {
	return wallet.Call{
		Streamed: true, FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: "chatcmpl-9f3b2c1d0e4a", Attempts: 1,
		StartedAt: at, FirstTokenMS: 212, DurationMS: 1840,
	}
}

func benchSettle(h commands.PlaceHold, at time.Time) commands.SettleHold {
	return commands.SettleHold{
		HoldID: h.HoldID, WalletID: h.WalletID, Endpoint: endpoint, Provenance: usage.Reported, Call: benchCall(at),
		Usage: usage.Usage{usage.Input: 900, usage.CacheRead: 250, usage.Output: 310, usage.Reasoning: 128},
	}
}

// BenchmarkPlaceAndSettle is both commands of one call, one call after the other, over a log in memory.
func BenchmarkPlaceAndSettle(b *testing.B) {
	l := setup(b)
	l.publish(b, "0.000001", "0.000002", "0")
	w, k := l.customer(b, "1000000", apikey.Limits{})
	b.ReportAllocs()
	for b.Loop() {
		h := hold(w, k, 1200, 4096)
		_, err := l.place(b.Context(), h)
		require.NoError(b, err)
		_, _, err = l.app.SettleHold(b.Context(), commands.Meta{CommandID: domain.DeriveID(h.HoldID, "settle"), Actor: "key:test"},
			benchSettle(h, l.clock.read()))
		require.NoError(b, err)
	}
}

// BenchmarkEncode is what is encoded for a call beside its events: the hashed inputs and the recorded outcomes.
func BenchmarkEncode(b *testing.B) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.UTC)
	h, paid := hold(uuid.New(), uuid.New(), 1200, 4096), money.MustParse("0.01234")
	hash := func(c commands.Input) func() error {
		return func() error { _, err := commands.InputHash(c); return err }
	}
	outcome := func(v any) func() error {
		return func() error { _, err := domain.AppendJSON(nil, v); return err }
	}
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"hash_place", hash(h)},
		{"hash_settle", hash(benchSettle(h, at))},
		{"hash_release", hash(commands.ReleaseHold{HoldID: h.HoldID, WalletID: h.WalletID, Reason: "vendor_error", Call: benchCall(at)})},
		{"hash_extend", hash(commands.ExtendHold{HoldID: h.HoldID, WalletID: h.WalletID, TTL: time.Minute})},
		{"held", outcome(commands.Held{
			Amount: paid, PromptTokens: 1200, CompletionTokens: 4096, PriceVersion: h.KeyID, PlacedAt: at, ExpiresAt: at, Available: paid,
		})},
		{"charged", outcome(commands.Charged{
			Charge: paid, Debited: paid, PromptCost: paid, CompletionCost: paid, VendorCost: paid, Posted: paid, Held: paid,
		})},
		{"balance", outcome(commands.Balance{Posted: paid, Held: paid, Available: paid})},
		{"extended", outcome(commands.Extended{ExpiresAt: at})},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, step.run())
			}
		})
	}
}
