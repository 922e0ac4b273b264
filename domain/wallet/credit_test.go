package wallet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
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
