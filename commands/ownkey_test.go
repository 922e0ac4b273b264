package commands_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// withOwnKey is a hold of a call with a key of the customer's at a part of the price.
func withOwnKey(h commands.PlaceHold, rate string) commands.PlaceHold {
	h.OwnKey = &wallet.OwnKey{ID: uuid.New(), Rate: money.MustPrice(rate)}
	return h
}

func TestACallWithAnOwnKeyCostsAPartOfThePrice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.000003", "0.00000000003", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	h := withOwnKey(hold(w, k, 1000, 100), "0.05")
	held, err := b.place(t.Context(), h)
	require.NoError(t, err)
	requireAmount(t, "0.0251500002", held.Amount) // 1000 × 0.00000015 + 100 × 0.000000000002 + 0.025: each rate is rounded, no sum is

	charged, err := b.settle(t.Context(), h, usage.Usage{usage.Input: 7, usage.Output: 11, usage.Request: 1})
	require.NoError(t, err)
	requireAmount(t, "0.025001050022", charged.Charge)
	requireAmount(t, "0.00000105", charged.PromptCost)
	requireAmount(t, "0.50002100033", charged.UpstreamCost)
	requireAmount(t, "0", charged.VendorCost)
	requireAmount(t, "49.974998949978", charged.Posted)
}

// TestTheFeeOfAnOwnKeyIsItsPart: for whatever price, part and usage, each line is the part of the whole's rate, and the hold was enough for it.
func TestTheFeeOfAnOwnKeyIsItsPart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "1", "1", "1")
	w, k := b.customer(t, "1000000", apikey.Limits{})
	decimals := rapid.StringMatching(`0\.0{0,9}[0-9]{1,3}`)
	rapid.Check(t, func(rt *rapid.T) {
		input, output, request := decimals.Draw(rt, "input"), decimals.Draw(rt, "output"), decimals.Draw(rt, "request")
		b.price(t, input, output, request)
		rate := rapid.SampledFrom([]string{"0", "0.000000000001", "0.05", "0.123456789012", "1"}).Draw(rt, "rate")
		h := withOwnKey(hold(w, k, 1000, 100), rate)
		held, err := b.place(t.Context(), h)
		require.NoError(rt, err)
		u := usage.Usage{usage.Input: rapid.Int64Range(0, 1000).Draw(rt, "in"), usage.Output: rapid.Int64Range(1, 100).Draw(rt, "out"), usage.Request: 1}
		charged, err := b.settle(t.Context(), h, u)
		require.NoError(rt, err)
		fee, whole := money.Zero(), money.Zero()
		for class, price := range map[usage.Class]string{usage.Input: input, usage.Output: output, usage.Request: request} {
			fee = fee.Add(money.MustPrice(price).Part(money.MustPrice(rate)).Times(u[class]))
			whole = whole.Add(money.MustPrice(price).Times(u[class]))
		}
		require.Equal(rt, fee, charged.Charge)
		require.Equal(rt, whole, charged.UpstreamCost)
		require.True(rt, charged.VendorCost.IsZero())
		require.False(rt, held.Amount.LessThan(charged.Charge))
	})
}

func TestACorrectionOfAnOwnKeysCallIsPricedAsItsCharge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	ref := b.doubtful(t, withOwnKey(hold(w, k, 1000, 100), "0.05"), usage.Usage{usage.Input: 100, usage.Output: 10, usage.Request: 1}, wallet.Call{FinishReason: "stop"})
	done, _, err := b.app.CorrectCharge(t.Context(), meta(), truth(ref, usage.Usage{usage.Input: 200, usage.Output: 30, usage.Request: 1}, "lookup"))
	require.NoError(t, err)
	requireAmount(t, "0.05", done.Charge) // a twentieth of 0.2 + 0.3 + 0.5
	requireAmount(t, "0.015", done.Difference)
	requireAmount(t, "1", done.UpstreamCost)
	requireAmount(t, "0", done.VendorCost)
	requireAmount(t, "49.95", done.Posted)
}

func TestWhatACallWithAnOwnKeyBroughtNothingForIsBorneByNobodyHere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0.001", "0.01", "0.5")
	w, k := b.customer(t, "50", apikey.Limits{})
	h := withOwnKey(hold(w, k, 1000, 100), "0.05")
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	_, receipt, err := b.app.ReleaseHold(t.Context(), meta(), commands.ReleaseHold{
		HoldID: h.HoldID, WalletID: w, Reason: "empty_completion", Endpoint: h.Endpoint, Usage: usage.Usage{usage.Input: 100},
	})
	require.NoError(t, err)
	rows, err := b.store.Read(t.Context(), receipt.Position-1, 1)
	require.NoError(t, err)
	e, err := b.registry.Decode(rows[0].Type, rows[0].Body)
	require.NoError(t, err)
	released, ok := e.(wallet.HoldReleased)
	require.True(t, ok)
	requireAmount(t, "0", released.VendorCost)
	requireAmount(t, "0.1", released.Call.UpstreamCost)
	require.Equal(t, h.OwnKey, released.Call.OwnKey)
}
