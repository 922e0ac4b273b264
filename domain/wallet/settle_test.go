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

func TestW8_ASettlementChargesTheSumOfItsLines(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	c := settlement(holdA, "0.000000000001")
	c.LineItems = append(c.LineItems, line(usage.Output, 3, money.MustPrice("0.5")), line(usage.Reasoning, 0, money.MustPrice("9")))
	c.Usage[usage.CacheRead] = 0
	e, err := k.SettleHold(c, k.now)
	k.apply(e, err)
	require.Equal(t, "1.500000000001", e.Charge.String())
	require.Equal(t, "1.500000000001", e.Debited().String())
	require.Equal(t, "4", e.HeldBefore.String())
	require.Equal(t, usage.Usage{usage.Request: 1}, e.Usage, "classes of zero are not kept")
	k.requireBalances("8.499999999999", "0")
	require.Equal(t, "1.500000000001", k.SpentBy(keyID, k.now).Day.String())
}

func TestW8_SettlementsThatAreNoSettlements(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	for name, row := range map[string]struct {
		change func(*wallet.SettleHold)
		code   domain.Code
	}{
		"unknown class":        {func(c *wallet.SettleHold) { c.Usage["x"] = 1 }, domain.CodeUsageInvalid},
		"negative usage":       {func(c *wallet.SettleHold) { c.Usage[usage.Output] = -1 }, domain.CodeUsageInvalid},
		"unknown provenance":   {func(c *wallet.SettleHold) { c.Provenance = "guessed" }, domain.CodeUsageInvalid},
		"no vendor":            {func(c *wallet.SettleHold) { c.Vendor = "" }, domain.CodeInvalid},
		"negative vendor cost": {func(c *wallet.SettleHold) { c.VendorCost = money.MustParse("-1") }, domain.CodeAmountInvalid},
		"line that is wrong":   {func(c *wallet.SettleHold) { c.LineItems[0].Amount = money.MustParse("3") }, domain.CodeAmountInvalid},
		"line below zero":      {func(c *wallet.SettleHold) { c.LineItems[0].Quantity = -1 }, domain.CodeUsageInvalid},
		"out of range": {func(c *wallet.SettleHold) {
			c.LineItems = []usage.LineItem{line(usage.Output, usage.MaxQuantity, money.MustPrice("999999999"))}
		}, domain.CodeAmountOutOfRange},
		"vendor cost out of range": {func(c *wallet.SettleHold) {
			c.VendorCost = money.MustPrice("999999999").Times(usage.MaxQuantity)
		}, domain.CodeAmountOutOfRange},
	} {
		c := settlement(holdA, "1")
		row.change(&c)
		_, err := k.SettleHold(c, k.now)
		requireCode(t, row.code, err, name)
	}
	k.requireBalances("10", "4")
}

func TestW9_AnOverrunTakesTheRestFromAvailable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, charge, posted, uncollectible string
	}{
		{"below the hold", "3", "7", "0"},
		{"exactly the hold", "4", "6", "0"},
		{"above the hold", "5", "5", "0"},
		{"all there is", "8", "2", "0"},
		{"more than there is", "8.000000000001", "2", "0.000000000001"},
		{"far more than there is", "100", "2", "92"},
		{"nothing", "0", "10", "0"},
	} {
		k := setup(t, "10")
		k.placed(holdA, "4")
		k.placed(holdB, "2")
		e, err := k.settle(holdA, row.charge)
		k.apply(e, err)
		k.requireBalances(row.posted, "2")
		require.Equal(t, row.uncollectible, e.Uncollectible.String(), row.name)
		require.Equal(t, row.charge, e.Charge.String(), row.name)
		require.Equal(t, k.Posted, e.Posted)
		spent := k.SpentBy(keyID, k.now)
		require.Equal(t, money.MustParse("10").Sub(k.Posted).String(), spent.Total.String(), "a key spends what was paid: %s", row.name)
	}
}

func TestW10_ASettlementAfterExpiryTakesFromAvailable(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	k.expired(holdA)
	expired := k.now
	k.requireBalances("10", "0")
	k.now = expired.Add(wallet.LateSettlement)
	k.placed(holdB, "9")
	e, err := k.settle(holdA, "3")
	require.NoError(t, err)
	require.True(t, e.Late)
	require.Equal(t, "2", e.Uncollectible.String())
	require.Equal(t, "0", e.HeldBefore.String())
	require.Equal(t, []string{"9", "9"}, []string{e.Posted.String(), e.Held.String()})

	k.now = expired.Add(wallet.LateSettlement + time.Microsecond)
	_, err = k.settle(holdA, "3")
	requireCode(t, domain.CodeHoldClosed, err, "too late")

	k.now = expired.Add(time.Hour)
	e, err = k.settle(holdA, "3")
	k.apply(e, err)
	_, err = k.settle(holdA, "3")
	requireCode(t, domain.CodeHoldNotFound, err, "only once")
}

func TestW10_ExpiredHoldsAreForgotten(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "1")
	k.expired(holdA)
	k.now = k.now.Add(wallet.LateSettlement)
	k.placed(holdB, "1")
	k.expired(holdB)
	require.NotContains(t, k.Expired, holdA)
	require.Contains(t, k.Expired, holdB)
	looked := k.now
	require.Equal(t, looked, k.ForgotAt)
	k.placed(holdC, "1")
	k.expired(holdC)
	require.Equal(t, looked, k.ForgotAt, "all of them are looked through at most once an hour")
	_, found := k.Find(holdA)
	require.False(t, found)
	late, found := k.Find(holdB)
	require.True(t, found)
	require.Equal(t, looked, late.ExpiredAt)
}
