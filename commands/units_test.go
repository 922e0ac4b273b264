package commands_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// tiered publishes a price of 1 for prompt and 2 for completion tokens, half of that as flex, with sound at 10.
func (b bundle) tiered(t *testing.T) {
	t.Helper()
	b.publish(t, "1", "2", "0")
	price := func(in, out string) catalog.Rates {
		return catalog.Rates{usage.Input: money.MustPrice(in), usage.Output: money.MustPrice(out)}
	}
	s := catalog.Schedule{Base: price("1", "2"), Overrides: []catalog.Override{{ServiceTier: "flex", Rates: price("0.5", "1")}}}
	s.Base[usage.AudioInput] = money.MustPrice("10")
	_, _, err := b.app.PublishPrice(t.Context(), meta(), commands.PublishPrice{Endpoint: endpoint, PriceVersion: catalog.PriceVersion{
		ID: uuid.New(), Currency: money.USD, Price: s, Cost: &catalog.Schedule{Base: price("0.25", "0.5")},
	}})
	require.NoError(t, err)
}

func TestAHoldCoversMediaAndTiers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tiered(t)
	w, k := b.customer(t, "100", apikey.Limits{})
	place := func(tier string, extra usage.Usage) (commands.PlaceHold, commands.Held, error) {
		h := hold(w, k, 10, 5)
		h.ServiceTier, h.Extra = tier, extra
		held, err := b.place(t.Context(), h)
		return h, held, err
	}
	h, held, err := place("default", nil)
	require.NoError(t, err)
	requireAmount(t, "20", held.Amount)
	settle := func(h commands.PlaceHold, tier string, u usage.Usage) (commands.Charged, error) {
		charged, _, err := b.app.SettleHold(t.Context(), commands.Meta{CommandID: uuid.New(), Actor: "key:test"}, commands.SettleHold{
			HoldID: h.HoldID, WalletID: w, Endpoint: endpoint, ServiceTier: tier, Usage: u, Provenance: usage.Reported,
		})
		return charged, err
	}
	_, err = settle(h, "priority", usage.Usage{usage.Input: 1})
	requireCode(t, domain.CodeInvalid, err)
	_, err = settle(h, "auto", usage.Usage{usage.Input: 1})
	requireCode(t, domain.CodeInvalid, err)
	charged, err := settle(h, "", usage.Usage{usage.Input: 10})
	require.NoError(t, err)
	requireAmount(t, "10", charged.Charge)

	h, held, err = place("flex", usage.Usage{usage.AudioInput: 4})
	require.NoError(t, err)
	requireAmount(t, "56", held.Amount) // 4 of sound at 10, 6 of text at 1, 5 at 2: the vendor may serve it as standard
	charged, err = settle(h, "flex", usage.Usage{usage.Input: 6, usage.AudioInput: 4, usage.Output: 5})
	require.NoError(t, err)
	requireAmount(t, "48", charged.Charge)
	requireAmount(t, "43", charged.PromptCost)
	requireAmount(t, "5", charged.CompletionCost)
	requireAmount(t, "5", charged.VendorCost) // one price for all

	_, _, err = place("priority", nil)
	requireCode(t, domain.CodeInvalid, err)
	_, _, err = place("", usage.Usage{usage.Reasoning: 1})
	requireCode(t, domain.CodeUsageInvalid, err)
	_, _, err = place("", usage.Usage{usage.Search: -1})
	requireCode(t, domain.CodeUsageInvalid, err)
}

func TestClampCountsTheDearestTier(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tiered(t)
	w, k := b.customer(t, "14", apikey.Limits{})
	h := hold(w, k, 10, 5)
	h.ServiceTier, h.Clamp = "auto", true
	held, err := b.place(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, int64(2), held.CompletionTokens)
}

// TestWhatNobodyPaysIsBorne: a release with a usage costs the customer nothing, and books what the vendor is owed.
func TestWhatNobodyPaysIsBorne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tiered(t)
	w, k := b.customer(t, "100", apikey.Limits{})
	h := hold(w, k, 10, 5)
	_, err := b.place(t.Context(), h)
	require.NoError(t, err)
	release := commands.ReleaseHold{HoldID: h.HoldID, WalletID: w, Reason: "empty_completion", Endpoint: endpoint, Usage: usage.Usage{usage.Input: 8}}
	wrong := release
	wrong.Usage = usage.Usage{usage.Input: -1}
	_, _, err = b.app.ReleaseHold(t.Context(), meta(), wrong)
	requireCode(t, domain.CodeUsageInvalid, err)
	m := meta()
	balance, receipt, err := b.app.ReleaseHold(t.Context(), m, release)
	require.NoError(t, err)
	requireAmount(t, "100", balance.Available)
	again, replayed, err := b.app.ReleaseHold(t.Context(), m, release)
	require.NoError(t, err)
	requireSameJSON(t, balance, again)
	require.Equal(t, receipt.Position, replayed.Position)
}
