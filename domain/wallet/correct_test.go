package wallet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// corrected is a correction of a charge of hold A, made now, to a cost.
func (k *kit) correction(e wallet.UsageCharged, before wallet.Bill, cost string) wallet.CorrectCharge {
	return wallet.CorrectCharge{
		Charge: e, Position: 5, ChargedAt: k.now, PlacedAt: k.now, Number: 1, Before: before, Usage: usage.Usage{usage.Output: 2},
		Provenance: usage.LookedUp, Evidence: "vendor acme: gen-1", Reason: "usage was missing", VendorCost: money.MustParse("0.5"),
		LineItems: []usage.LineItem{line(usage.Output, 2, money.MustPrice(cost))},
	}
}

// charged settles hold A.
func (k *kit) charged(cost string) wallet.UsageCharged {
	k.Helper()
	k.placed(holdA, "4")
	e, err := k.settle(holdA, cost)
	k.apply(e, err)
	return e
}

func TestW15_ChargeAndCorrectionsAreWhatTheTruthCosts(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	e := k.charged("3")
	first, err := k.CorrectCharge(k.correction(e, e.Bill(), "1"))
	k.apply(first, err)
	require.Equal(t, "-1", first.Difference().String())
	require.Equal(t, "-1", first.Debited().String())
	require.Equal(t, map[string]string{
		"wallet:" + walletID.String(): "1", "revenue:usage": "-1", "cost:usage": "-0.5", "vendor:acme:payable": "0.5",
	}, legs(first.Entry))
	k.requireBalances("8", "0")
	second, err := k.CorrectCharge(k.correction(e, first.After, "2.5"))
	k.apply(second, err)
	require.Equal(t, "3", second.Difference().String())
	require.Equal(t, "5", second.After.Charge.String())
	require.Equal(t, map[string]string{"wallet:" + walletID.String(): "-3", "revenue:usage": "3"}, legs(second.Entry))
	k.requireBalances("5", "0")
}

func TestW15_ACallThatBroughtNothingCostsNothing(t *testing.T) {
	t.Parallel()
	for finish, insured := range map[string]bool{"": true, "error": true, "stop": false, "length": false} {
		k := setup(t, "10")
		e := k.charged("3")
		e.Call.FinishReason = finish
		c := k.correction(e, e.Bill(), "1")
		c.Usage, c.LineItems = usage.Usage{usage.Input: 7, usage.Request: 1}, []usage.LineItem{line(usage.Input, 7, money.MustPrice("0.1"))}
		got, err := k.CorrectCharge(c)
		k.apply(got, err)
		require.Equal(t, insured, got.Insured, finish)
		require.Equal(t, "0.5", got.After.VendorCost.String(), "the platform bears it")
		if insured {
			require.Empty(t, got.LineItems)
			k.requireBalances("10", "0")
			continue
		}
		require.Equal(t, "0.7", got.After.Charge.String())
	}
}

func TestW15_CorrectionsThatAreNone(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	e := k.charged("3")
	for name, row := range map[string]struct {
		change func(*wallet.CorrectCharge)
		code   domain.Code
	}{
		"reported":             {func(c *wallet.CorrectCharge) { c.Provenance = usage.Reported }, domain.CodeUsageInvalid},
		"estimated again":      {func(c *wallet.CorrectCharge) { c.Provenance = usage.Estimated }, domain.CodeUsageInvalid},
		"no evidence":          {func(c *wallet.CorrectCharge) { c.Evidence = "" }, domain.CodeInvalid},
		"no reason":            {func(c *wallet.CorrectCharge) { c.Reason = "" }, domain.CodeInvalid},
		"negative usage":       {func(c *wallet.CorrectCharge) { c.Usage[usage.Output] = -1 }, domain.CodeUsageInvalid},
		"negative vendor cost": {func(c *wallet.CorrectCharge) { c.VendorCost = money.MustParse("-1") }, domain.CodeAmountInvalid},
		"line that is wrong":   {func(c *wallet.CorrectCharge) { c.LineItems[0].Amount = money.MustParse("3") }, domain.CodeAmountInvalid},
		"out of range": {func(c *wallet.CorrectCharge) {
			c.LineItems = []usage.LineItem{line(usage.Output, usage.MaxQuantity, money.MustPrice("999999999"))}
		}, domain.CodeAmountOutOfRange},
	} {
		c := k.correction(e, e.Bill(), "1")
		row.change(&c)
		_, err := k.CorrectCharge(c)
		requireCode(t, row.code, err, name)
	}
	_, err := wallet.New().CorrectCharge(k.correction(e, e.Bill(), "1"))
	requireCode(t, domain.CodeWalletNotFound, err)
	k.requireBalances("7", "0")
}

func TestW16_WhatTheWalletDoesNotHaveIsUncollectible(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	e := k.charged("3")
	k.placed(holdB, "5") // 2 are available
	more, err := k.CorrectCharge(k.correction(e, e.Bill(), "4"))
	k.apply(more, err)
	require.Equal(t, "8", more.After.Charge.String())
	require.Equal(t, "3", more.After.Uncollectible.String())
	require.Equal(t, "2", more.Debited().String())
	require.Equal(t, "-3", legs(more.Entry)["uncollectible"])
	k.requireBalances("5", "5")

	less, err := k.CorrectCharge(k.correction(e, more.After, "3")) // 6: what was not paid goes first
	k.apply(less, err)
	require.Equal(t, "1", less.After.Uncollectible.String())
	require.True(t, less.Debited().IsZero())
	k.requireBalances("5", "5")

	least, err := k.CorrectCharge(k.correction(e, less.After, "1")) // 2: 5 were paid
	k.apply(least, err)
	require.True(t, least.After.Uncollectible.IsZero())
	require.Equal(t, "-3", least.Debited().String())
	k.requireBalances("8", "5")
}

func TestW17_ACorrectionCountsInTheWindowsOfItsCharge(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	e := k.charged("3")
	c := k.correction(e, e.Bill(), "1") // made at the time of the charge
	k.now = k.now.Add(24 * time.Hour)   // a Thursday
	k.placed(holdB, "1")
	other, err := k.settle(holdB, "1")
	k.apply(other, err)
	got, err := k.CorrectCharge(c)
	k.apply(got, err)
	spent := k.SpentBy(keyID, k.now)
	require.Equal(t, "1", spent.Day.String(), "the day of the charge is over")
	require.Equal(t, "3", spent.Week.String())
	require.Equal(t, "3", spent.Month.String())
	require.Equal(t, "3", spent.Total.String())
}
