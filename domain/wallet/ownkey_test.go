package wallet_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

var ownKey = wallet.OwnKey{ID: uuid.MustParse("018f3a5e-0000-7000-8000-0000000000ff"), Rate: money.MustPrice("0.05")}

// placedWithOwnKey places a hold whose call is made with a key of the customer's.
func (k *kit) placedWithOwnKey(id uuid.UUID, cost string) {
	k.Helper()
	c := k.placement(id, cost)
	c.OwnKey = &ownKey
	e, err := k.PlaceHold(c, k.now)
	k.apply(e, err)
	require.Equal(k, &ownKey, e.OwnKey)
}

func TestW19_TheVendorBillsTheCustomerWhoseKeyItWas(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placedWithOwnKey(holdA, "4")
	c := settlement(holdA, "0.15")
	c.VendorCost = money.MustParse("3")
	c.Call.OwnKey, c.Call.UpstreamCost = &wallet.OwnKey{ID: uuid.New()}, money.MustParse("99") // the hold decides, not who settles
	charged, err := k.SettleHold(c, k.now)
	k.apply(charged, err)
	require.Equal(t, &ownKey, charged.Call.OwnKey)
	require.Equal(t, "3", charged.Call.UpstreamCost.String())
	require.True(t, charged.VendorCost.IsZero())
	require.Equal(t, map[string]string{
		"hold:" + holdA.String(): "-4", "wallet:" + walletID.String(): "3.85", "revenue:usage": "0.15",
	}, legs(charged.Entry), "neither a cost nor a debt to the vendor")

	correct := k.correction(charged, charged.Bill(), "0.05")
	corrected, err := k.CorrectCharge(correct)
	k.apply(corrected, err)
	require.Equal(t, &ownKey, corrected.OwnKey)
	require.Equal(t, "3", corrected.Before.UpstreamCost.String())
	require.Equal(t, "0.5", corrected.After.UpstreamCost.String())
	require.True(t, corrected.After.VendorCost.IsZero())
	require.Equal(t, map[string]string{"wallet:" + walletID.String(): "0.05", "revenue:usage": "-0.05"}, legs(corrected.Entry))
	k.requireBalances("9.9", "0")
}

func TestW19_WhatThePlatformBearsIsNotTheCustomersBill(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placedWithOwnKey(holdA, "4")
	released, err := k.ReleaseHold(wallet.ReleaseHold{
		HoldID: holdA, Reason: "empty_completion", Vendor: "acme", VendorCost: money.MustParse("2"), Usage: settlement(holdA, "1").Usage,
	})
	k.apply(released, err)
	require.Equal(t, &ownKey, released.Call.OwnKey)
	require.True(t, released.VendorCost.IsZero())
	require.Equal(t, "2", released.Call.UpstreamCost.String())
	require.Equal(t, map[string]string{"hold:" + holdA.String(): "-4", "wallet:" + walletID.String(): "4"}, legs(released.Entry))
}

func TestW19_ACallWithoutAnOwnKeyHasNoneAfterwards(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	c := settlement(holdA, "1")
	c.VendorCost, c.Call.OwnKey, c.Call.UpstreamCost = money.MustParse("0.5"), &ownKey, money.MustParse("7")
	charged, err := k.SettleHold(c, k.now)
	k.apply(charged, err)
	require.Nil(t, charged.Call.OwnKey)
	require.True(t, charged.Call.UpstreamCost.IsZero())
	require.Equal(t, "0.5", charged.VendorCost.String())
}

func TestW19_TheRateIsAPart(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	for name, key := range map[string]wallet.OwnKey{
		"above the whole price": {ID: ownKey.ID, Rate: money.MustPrice("1.000000000001")},
		"no key":                {Rate: money.MustPrice("0.05")},
	} {
		c := k.placement(holdA, "1")
		c.OwnKey = &key
		_, err := k.PlaceHold(c, k.now)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	for _, rate := range []string{"0", "1"} {
		c := k.placement(uuid.New(), "1")
		c.OwnKey = &wallet.OwnKey{ID: ownKey.ID, Rate: money.MustPrice(rate)}
		e, err := k.PlaceHold(c, k.now)
		k.apply(e, err)
	}
}
