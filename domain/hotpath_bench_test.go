package domain_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

var benchStart = time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC)

// hotPath is one wallet and one price, as the executor holds them in memory.
type hotPath struct {
	b        *testing.B
	state    *wallet.State
	schedule catalog.Schedule
	caps     wallet.Caps
	n        uint64
}

func newHotPath(b *testing.B) *hotPath {
	b.Helper()
	state := wallet.New()
	opened, err := state.Open(wallet.Open{WalletID: numbered(1), Currency: money.USD})
	require.NoError(b, err)
	state.Apply(opened, benchStart)
	topped, err := state.TopUp(wallet.TopUp{Amount: money.MustParse("1000000"), Currency: money.USD, PSP: "operator", Reason: "bench"})
	require.NoError(b, err)
	state.Apply(topped, benchStart)
	day := money.MustParse("900000")
	return &hotPath{b: b, state: state, caps: wallet.Caps{Day: &day}, schedule: catalog.Schedule{
		Base: catalog.Rates{
			usage.Input: money.MustPrice("0.00000125"), usage.CacheRead: money.MustPrice("0.000000125"),
			usage.Output: money.MustPrice("0.00001"),
		},
		Overrides: []catalog.Override{{MinPromptTokens: 200_000, Rates: catalog.Rates{usage.Input: money.MustPrice("0.0000025")}}},
	}}
}

func numbered(n uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func (h *hotPath) place() wallet.HoldPlaced {
	h.n++
	e, err := h.state.PlaceHold(wallet.PlaceHold{
		HoldID: numbered(1000 + h.n), KeyID: numbered(2), Model: "openai/gpt-5", Endpoint: "openai/gpt-5@openai",
		PriceVersion: numbered(3), PromptTokens: 1200, CompletionTokens: 4096,
		MaxCost: h.schedule.MaxCost(usage.Bounds{Prompt: 1200, Completion: 4096}, benchStart), Currency: money.USD, Caps: h.caps,
		ExpiresAt: benchStart.Add(10 * time.Minute),
	}, benchStart)
	require.NoError(h.b, err)
	return e
}

func (h *hotPath) settle(hold uuid.UUID) wallet.UsageCharged {
	used := usage.Usage{usage.Input: 900, usage.CacheRead: 250, usage.Output: 310, usage.Reasoning: 128}
	items := h.schedule.LineItems(used, benchStart)
	e, err := h.state.SettleHold(wallet.SettleHold{
		HoldID: hold, Vendor: "openai", Usage: used, Provenance: usage.Reported, LineItems: items,
		VendorCost: usage.Total(items), Call: wallet.Call{
			Streamed: true, FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: "chatcmpl-9f3b2c1d0e4a", Attempts: 1,
			StartedAt: benchStart, FirstTokenMS: 212, DurationMS: 1840,
		},
	}, benchStart)
	require.NoError(h.b, err)
	return e
}

// BenchmarkPlaceAndSettle is what the executor does for one call: price, decide, encode and fold both events.
func BenchmarkPlaceAndSettle(b *testing.B) {
	h := newHotPath(b)
	b.ReportAllocs()
	for b.Loop() {
		placed := h.place()
		h.encode(placed)
		h.state.Apply(placed, benchStart)
		charged := h.settle(placed.HoldID)
		h.encode(charged)
		h.state.Apply(charged, benchStart)
	}
}

// BenchmarkStep times the steps of the hot path one by one.
func BenchmarkStep(b *testing.B) {
	h := newHotPath(b)
	registry, err := domain.NewRegistry(wallet.Events())
	require.NoError(b, err)
	placed := h.place()
	h.state.Apply(placed, benchStart)
	charged := h.settle(placed.HoldID)
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"max_cost", func() { h.schedule.MaxCost(usage.Bounds{Prompt: 1200, Completion: 4096}, benchStart) }},
		{"decide_place", func() { h.place() }},
		{"decide_settle", func() { h.settle(placed.HoldID) }},
		{"encode_place", func() { h.encode(placed) }},
		{"encode_settle", func() { h.encode(charged) }},
		{"decode_place", h.decode(registry, placed)},
		{"decode_settle", h.decode(registry, charged)},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				step.run()
			}
		})
	}
}

func (h *hotPath) encode(e domain.Event) []byte {
	body, err := domain.Encode(e)
	require.NoError(h.b, err)
	return body
}

func (h *hotPath) decode(registry *domain.Registry, e domain.Event) func() {
	body := h.encode(e)
	return func() {
		_, err := registry.Decode(e.EventType(), body)
		require.NoError(h.b, err)
	}
}
