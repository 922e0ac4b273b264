package wallet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestW1_OpenedOnce(t *testing.T) {
	t.Parallel()
	k := setup(t, "0")
	_, err := k.Open(wallet.Open{WalletID: walletID, Currency: money.USD})
	requireCode(t, domain.CodeWalletExists, err)
	for name, row := range map[string]struct {
		open wallet.Open
		code domain.Code
	}{
		"no id":           {wallet.Open{Currency: money.USD}, domain.CodeInvalid},
		"no currency":     {wallet.Open{WalletID: walletID}, domain.CodeAmountInvalid},
		"lower case":      {wallet.Open{WalletID: walletID, Currency: "usd"}, domain.CodeAmountInvalid},
		"long owner":      {wallet.Open{WalletID: walletID, Currency: money.USD, Owner: strings.Repeat("o", 201)}, domain.CodeInvalid},
		"control in name": {wallet.Open{WalletID: walletID, Currency: money.USD, Owner: "a\nb"}, domain.CodeInvalid},
	} {
		_, err := wallet.New().Open(row.open)
		requireCode(t, row.code, err, name)
	}
}

func TestW1_NothingHappensBeforeTheOpening(t *testing.T) {
	t.Parallel()
	k := &kit{T: t, State: wallet.New(), now: start}
	one := money.MustParse("1")
	for name, decide := range map[string]func() error{
		"top up":  func() error { _, err := k.TopUp(wallet.TopUp{Amount: one}); return err },
		"grant":   func() error { _, err := k.Grant(wallet.Grant{Amount: one}); return err },
		"adjust":  func() error { _, err := k.Adjust(wallet.Adjust{Amount: one}); return err },
		"place":   func() error { _, err := k.place(holdA, "0"); return err },
		"extend":  func() error { _, err := k.ExtendHold(wallet.ExtendHold{HoldID: holdA}, start); return err },
		"settle":  func() error { _, err := k.settle(holdA, "1"); return err },
		"release": func() error { _, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x"}); return err },
		"expire":  func() error { _, err := k.ExpireHold(holdA, start); return err },
	} {
		requireCode(t, domain.CodeWalletNotFound, decide(), name)
	}
}

func TestW1_OneCurrency(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	five := money.MustParse("5")
	_, err := k.TopUp(wallet.TopUp{Amount: five, Currency: "EUR", PSP: "stripe", Reason: "paid"})
	requireCode(t, domain.CodeCurrencyMismatch, err)
	_, err = k.Grant(wallet.Grant{Amount: five, Reason: "welcome"})
	requireCode(t, domain.CodeCurrencyMismatch, err, "no currency is not the wallet's")
	_, err = k.Adjust(wallet.Adjust{Amount: five, Currency: "CNY", Reason: "correction"})
	requireCode(t, domain.CodeCurrencyMismatch, err)
	p := k.placement(holdA, "1")
	p.Currency = "EUR"
	_, err = k.PlaceHold(p, k.now)
	requireCode(t, domain.CodeCurrencyMismatch, err)
}

func TestW2_CheckFindsWalletsBelowTheirFloor(t *testing.T) {
	t.Parallel()
	minus, one := money.MustParse("-0.000000000001"), money.MustParse("1")
	for name, s := range map[string]wallet.State{
		"posted":    {Posted: minus},
		"held":      {Held: minus, Posted: one},
		"available": {Posted: one, Held: money.MustParse("1.000000000001")},
	} {
		requireCode(t, domain.CodeInternal, s.Check(), name)
	}
	require.NoError(t, (&wallet.State{Posted: one, Held: one}).Check())
}

func TestW3_CreditsAreAboveZero(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	for _, row := range []struct {
		amount string
		code   domain.Code
	}{
		{"0", domain.CodeAmountInvalid},
		{"-1", domain.CodeAmountInvalid},
		{"0.000000000001", ""},
		{"999999999999999989.999999999999", ""},
		{"999999999999999990", domain.CodeAmountOutOfRange},
	} {
		_, err := k.TopUp(wallet.TopUp{Amount: money.MustParse(row.amount), Currency: money.USD, PSP: "stripe", Reason: "paid"})
		requireCode(t, row.code, err, row.amount)
		_, err = k.Grant(wallet.Grant{Amount: money.MustParse(row.amount), Currency: money.USD, Reason: "welcome"})
		requireCode(t, row.code, err, row.amount)
	}
	huge := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	_, err := k.Grant(wallet.Grant{Amount: huge, Currency: money.USD, Reason: "welcome"})
	requireCode(t, domain.CodeAmountOutOfRange, err)
}

func TestW3_CreditsAreExplained(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	good := wallet.TopUp{Amount: money.MustParse("1"), Currency: money.USD, PSP: "stripe", Reason: "paid", Reference: "order-1"}
	for name, change := range map[string]func(*wallet.TopUp){
		"no reason":            func(c *wallet.TopUp) { c.Reason = "" },
		"long reason":          func(c *wallet.TopUp) { c.Reason = strings.Repeat("r", 501) },
		"reason with newline":  func(c *wallet.TopUp) { c.Reason = "a\nb" },
		"long reference":       func(c *wallet.TopUp) { c.Reference = strings.Repeat("r", 201) },
		"reference not UTF-8":  func(c *wallet.TopUp) { c.Reference = "\xff" },
		"no payment provider":  func(c *wallet.TopUp) { c.PSP = "" },
		"long provider's name": func(c *wallet.TopUp) { c.PSP = strings.Repeat("p", 41) },
	} {
		c := good
		change(&c)
		_, err := k.TopUp(c)
		requireCode(t, domain.CodeInvalid, err, name)
	}
}

func TestW3_AdjustmentsTakeWhatIsAvailable(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	for _, row := range []struct {
		amount string
		code   domain.Code
	}{
		{"0", domain.CodeAmountInvalid},
		{"-6", ""},
		{"-6.000000000001", domain.CodeInsufficientCredits},
		{"2.5", ""},
		{"999999999999999999", domain.CodeAmountOutOfRange},
		{"-999999999999999999", domain.CodeInsufficientCredits},
	} {
		_, err := k.Adjust(wallet.Adjust{Amount: money.MustParse(row.amount), Currency: money.USD, Reason: "correction"})
		requireCode(t, row.code, err, row.amount)
	}
	e, err := k.Adjust(wallet.Adjust{Amount: money.MustParse("-6"), Currency: money.USD, Reason: "correction"})
	k.apply(e, err)
	k.requireBalances("4", "4")
}

func TestW4_HoldsTakeWhatIsAvailable(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	_, err := k.place(holdB, "6.000000000001")
	requireCode(t, domain.CodeInsufficientCredits, err)
	var refusal *domain.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, map[string]string{
		"limit": "wallet", "required": "6.000000000001", "available": "6", "reserved": "4", "currency": "USD",
	}, refusal.Details)
	k.placed(holdB, "6")
	k.requireBalances("10", "10")
	k.placed(uuid.New(), "0")
	k.requireBalances("10", "10")
}

func TestW4_HoldsThatAreNoHolds(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	huge := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	for name, row := range map[string]struct {
		change func(*wallet.PlaceHold)
		code   domain.Code
	}{
		"negative":               {func(c *wallet.PlaceHold) { c.MaxCost = money.MustParse("-1") }, domain.CodeAmountInvalid},
		"out of range":           {func(c *wallet.PlaceHold) { c.MaxCost = huge }, domain.CodeAmountOutOfRange},
		"negative prompt":        {func(c *wallet.PlaceHold) { c.PromptTokens = -1 }, domain.CodeAmountInvalid},
		"negative completion":    {func(c *wallet.PlaceHold) { c.CompletionTokens = -1 }, domain.CodeAmountInvalid},
		"no model":               {func(c *wallet.PlaceHold) { c.Model = "" }, domain.CodeInvalid},
		"endpoint too long":      {func(c *wallet.PlaceHold) { c.Endpoint = strings.Repeat("e", 201) }, domain.CodeInvalid},
		"expired already":        {func(c *wallet.PlaceHold) { c.ExpiresAt = k.now }, domain.CodeInvalid},
		"expires in two days":    {func(c *wallet.PlaceHold) { c.ExpiresAt = k.now.Add(48 * time.Hour) }, domain.CodeInvalid},
		"expires by nanoseconds": {func(c *wallet.PlaceHold) { c.ExpiresAt = k.now.Add(time.Nanosecond) }, domain.CodeInvalid},
	} {
		c := k.placement(holdA, "1")
		row.change(&c)
		_, err := k.PlaceHold(c, k.now)
		requireCode(t, row.code, err, name)
	}
}

func TestW6_AHoldIDIsUsedOnce(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "1")
	_, err := k.place(holdA, "1")
	requireCode(t, domain.CodeHoldExists, err, "open")
	k.expired(holdA)
	_, err = k.place(holdA, "1")
	requireCode(t, domain.CodeHoldExists, err, "expired")
	_, err = k.place(uuid.Nil, "1")
	requireCode(t, domain.CodeHoldExists, err, "no id")
}

func TestW7_AHoldEndsOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*kit){
		"settled":  func(k *kit) { e, err := k.settle(holdA, "1"); k.apply(e, err) },
		"released": func(k *kit) { e, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x"}); k.apply(e, err) },
		"expired":  func(k *kit) { k.expired(holdA) },
	} {
		k := setup(t, "10")
		k.placed(holdA, "4")
		end(k)
		closed := domain.CodeHoldNotFound
		if name == "expired" {
			closed = domain.CodeHoldClosed
		} else {
			_, err := k.settle(holdA, "1")
			requireCode(t, closed, err, name)
		}
		_, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x"})
		requireCode(t, closed, err, name)
		_, err = k.ExpireHold(holdA, k.now.Add(time.Hour))
		requireCode(t, closed, err, name)
		_, err = k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: k.now.Add(time.Hour)}, k.now)
		requireCode(t, closed, err, name)
		require.Equal(t, "0", k.Held.String(), name)
	}
}

func TestW7_AReleaseGivesEverythingBack(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	for _, reason := range []string{"", strings.Repeat("r", 101), "a\x00b"} {
		_, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: reason})
		requireCode(t, domain.CodeInvalid, err, reason)
	}
	e, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "upstream_error"})
	k.apply(e, err)
	k.requireBalances("10", "0")
	require.Equal(t, "4", e.Amount.String())
	require.Equal(t, "acme/chat", e.Model)
}

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
	_, found := k.Find(holdA)
	require.False(t, found)
	late, found := k.Find(holdB)
	require.True(t, found)
	require.Equal(t, k.now, late.ExpiredAt)
}

func TestW11_SuspectFirstThenExpired(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	expiry := k.now.Add(10 * time.Minute)
	_, err := k.ExpireHold(holdA, expiry)
	requireCode(t, domain.CodeHoldActive, err, "at its expiry")
	require.Empty(t, k.Due(expiry, 10))
	k.now = expiry.Add(time.Microsecond)
	require.Equal(t, []uuid.UUID{holdA}, k.Due(k.now, 10))
	e, err := k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	require.IsType(t, wallet.HoldSuspected{}, e)
	k.requireBalances("10", "4")

	grace := k.now.Add(wallet.SuspectGrace)
	_, err = k.ExpireHold(holdA, grace)
	requireCode(t, domain.CodeHoldActive, err, "at the end of its grace")
	require.Empty(t, k.Due(grace, 10))
	k.now = grace.Add(time.Microsecond)
	require.Equal(t, []uuid.UUID{holdA}, k.Due(k.now, 10))
	require.Empty(t, k.Due(k.now, 0))
	require.Empty(t, k.Due(k.now, -1))
	e, err = k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	require.IsType(t, wallet.HoldExpired{}, e)
	k.requireBalances("10", "0")
}

func TestW11_AnExtensionEndsTheSuspicion(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	expiry := k.now.Add(10 * time.Minute)
	for name, until := range map[string]time.Time{
		"not later":     expiry,
		"earlier":       expiry.Add(-time.Second),
		"too far ahead": k.now.Add(wallet.MaxHoldTTL + time.Microsecond),
	} {
		_, err := k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: until}, k.now)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	k.now = expiry.Add(time.Minute)
	e, err := k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	_, err = k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: k.now}, k.now)
	requireCode(t, domain.CodeInvalid, err, "an extension into the past")
	extended, err := k.ExtendHold(wallet.ExtendHold{HoldID: holdA, ExpiresAt: k.now.Add(time.Hour)}, k.now)
	k.apply(extended, err)
	_, err = k.ExpireHold(holdA, k.now.Add(wallet.SuspectGrace+time.Minute))
	requireCode(t, domain.CodeHoldActive, err)
	k.now = k.now.Add(time.Hour + time.Second)
	e, err = k.ExpireHold(holdA, k.now)
	require.NoError(t, err)
	require.IsType(t, wallet.HoldSuspected{}, e, "suspect anew")
}

func TestW11_DueListsAtMostTheLimitInAFixedOrder(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdB, "1")
	k.placed(holdA, "1")
	require.Equal(t, []uuid.UUID{holdA, holdB}, k.Due(k.now.Add(time.Hour), 10))
	require.Equal(t, []uuid.UUID{holdA}, k.Due(k.now.Add(time.Hour), 1))
}

func TestW13_AtMostSoManyOpenHolds(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	for i := range uint64(wallet.MaxOpenHolds) {
		k.Holds[numbered(1000+i)] = &wallet.Hold{}
	}
	_, err := k.place(holdA, "1")
	requireCode(t, domain.CodeOverloaded, err)
	delete(k.Holds, numbered(1000))
	_, err = k.place(holdA, "1")
	require.NoError(t, err)
}
